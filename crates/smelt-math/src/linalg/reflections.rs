//! Householder reflections: A = H₁·H₂·…·R, and products with them.
//!
//! Cost: 2·n²·(m − n/3) flops to factor an m × n matrix, 4·m·n to apply all to one column.
//!
//! 1. factor a panel of columns (faer, on this thread),
//! 2. apply its reflections to the columns on its right, strips of columns in parallel.
//!
//! faer's own loop over the panels reaches no more than one thread's speed on two.

use faer::Conj;
use faer::Par;
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::householder::{
    apply_block_householder_sequence_on_the_left_in_place_scratch as apply_scratch,
    apply_block_householder_sequence_on_the_left_in_place_with_conj as apply,
    apply_block_householder_transpose_on_the_left_in_place_scratch as apply_transpose_scratch,
    apply_block_householder_transpose_on_the_left_in_place_with_conj as apply_transpose,
};
use faer::linalg::qr::no_pivoting::factor::{
    qr_in_place, qr_in_place_scratch, recommended_block_size,
};
use smelt_core::{Control, Mat, MatRef, Result, parallel};

use super::blas::{as_faer, tiles};
use super::{NS_PER_FLOP, Scalar};

/// Matrices below this many elements are factored in one piece.
const ONE_PIECE: usize = 1 << 14;
/// Strips that the columns right of a panel are cut into, at most.
const STRIPS: usize = 16;
/// Columns of a strip, at least.
const LEAST_COLUMNS: usize = 32;

/// Reflections and R of an m × n matrix, k = min(m, n).
pub(super) struct Reflections<T> {
    /// m × n: R on and above the diagonal, the reflections' vectors below it.
    basis: faer::Mat<T>,
    /// block × k: what joins the reflections of a block.
    coefficients: faer::Mat<T>,
}

impl<T: Scalar> Reflections<T> {
    /// Factors on this thread.
    pub(super) fn new(mut basis: faer::Mat<T>) -> Self {
        let (m, n) = basis.shape();
        let block = recommended_block_size::<T>(m, n);
        let mut coefficients = faer::Mat::zeros(block, m.min(n));
        factor(basis.as_mut(), coefficients.as_mut());
        Self { basis, coefficients }
    }

    /// Factors with all threads; the bits do not depend on their number.
    pub(super) fn in_panels(mut basis: faer::Mat<T>, control: &Control) -> Result<Self> {
        let (m, n) = basis.shape();
        control.check()?;
        if m * n <= ONE_PIECE {
            return Ok(Self::new(basis));
        }
        let k = m.min(n);
        let block = recommended_block_size::<T>(m, n);
        let mut coefficients = faer::Mat::zeros(block, k);
        for start in (0..k).step_by(block) {
            control.check()?;
            let width = block.min(k - start);
            // 1. The panel.
            let (left, right) = basis.as_mut().split_at_col_mut(start + width);
            let mut panel = left.submatrix_mut(start, start, m - start, width);
            let mut joined = coefficients.as_mut().submatrix_mut(0, start, width, width);
            factor(panel.as_mut(), joined.as_mut());
            if right.ncols() == 0 {
                break;
            }
            // 2. The columns on its right.
            let (panel, joined) = (panel.as_ref(), joined.as_ref());
            let n_right = right.ncols();
            let columns = n_right.div_ceil(STRIPS).next_multiple_of(8).max(LEAST_COLUMNS);
            let strips = tiles(right.subrows_mut(start, m - start), m - start, columns);
            let cost_ns = 4.0 * ((m - start) * width * columns) as f64 * NS_PER_FLOP;
            parallel::for_chunks(strips.len(), 1, cost_ns, |index, _| {
                let Ok(mut strip) = strips[index].part.lock() else { return };
                if control.check().is_err() {
                    return;
                }
                let scratch = apply_transpose_scratch::<T>(m - start, width, strip.ncols());
                apply_transpose(
                    panel,
                    joined,
                    Conj::No,
                    strip.as_mut(),
                    Par::Seq,
                    MemStack::new(&mut MemBuffer::new(scratch)),
                );
            });
        }
        control.check()?;
        Ok(Self { basis, coefficients })
    }

    /// R, k × n, zeros below the diagonal.
    pub(super) fn upper(&self) -> Mat<T> {
        let (m, n) = self.basis.shape();
        let mut out = Mat::zeros(m.min(n), n);
        for i in 0..m.min(n) {
            for (j, value) in out.row_mut(i).iter_mut().enumerate().skip(i) {
                *value = self.basis[(i, j)];
            }
        }
        out
    }

    /// H₁·H₂·… times columns `first..first + width` of `top`, below which zeros stand.
    pub(super) fn apply(&self, top: MatRef<'_, T>, first: usize, width: usize) -> faer::Mat<T> {
        let (m, k) = (self.basis.nrows(), self.coefficients.ncols());
        let columns = as_faer(top).subcols(first, width);
        let mut out = faer::Mat::zeros(m, width);
        out.as_mut().subrows_mut(0, columns.nrows()).copy_from(columns);
        // A reflection leaves alone what is zero from its own row on.
        let filled = (0..columns.nrows())
            .rev()
            .find(|&i| (0..width).any(|j| columns[(i, j)] != T::ZERO))
            .map_or(0, |i| i + 1);
        let block = self.coefficients.nrows();
        let needed = filled.next_multiple_of(block.max(1)).min(k);
        if needed > 0 {
            let scratch = apply_scratch::<T>(m, block, width);
            apply(
                self.basis.as_ref().subcols(0, needed),
                self.coefficients.as_ref().subcols(0, needed),
                Conj::No,
                out.as_mut(),
                Par::Seq,
                MemStack::new(&mut MemBuffer::new(scratch)),
            );
        }
        out
    }
}

/// QR by faer in place; `coefficients` has as many rows as a block has columns.
fn factor<T: Scalar>(a: faer::MatMut<'_, T>, coefficients: faer::MatMut<'_, T>) {
    let ((m, n), block) = (a.shape(), coefficients.nrows());
    if m == 0 || n == 0 {
        return;
    }
    let scratch = qr_in_place_scratch::<T>(m, n, block, Par::Seq, Default::default());
    let stack = &mut MemBuffer::new(scratch);
    qr_in_place(a, coefficients, Par::Seq, MemStack::new(stack), Default::default());
}
