//! QR of a tall matrix by a tree: strips of rows are factored in parallel, their triangles are
//! stacked and factored in turn.  Borders depend on the shape alone.
//!
//! Cost: 2·m·n² flops, the matrix is read once; applying Q to n × k costs another 4·m·n·k.

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::householder::{
    apply_block_householder_sequence_on_the_left_in_place_scratch as apply_scratch,
    apply_block_householder_sequence_on_the_left_in_place_with_conj as apply,
};
use faer::linalg::solvers::Qr as FaerQr;
use faer::{Conj, Par};
use smelt_core::{Control, Mat, MatRef, Result, parallel};

use super::blas::{as_faer, as_faer_mut, one_thread};
use super::{NS_PER_FLOP, Scalar};

/// Elements of a strip: a few hundred kilobytes, so that it stays in the second-level cache.
const STRIP_ELEMENTS: usize = 1 << 16;
/// Columns of the right-hand side between two looks at the control.
const COLUMNS: usize = 64;

/// Q as reflections, and R, of an m × n matrix with m ≥ n.
pub(super) struct TallQr<T> {
    n_rows: usize,
    height: usize,
    strips: Vec<FaerQr<T>>,
    above: Option<Box<TallQr<T>>>,
    triangle: Mat<T>,
}

impl<T: Scalar> TallQr<T> {
    /// Factors `scale`·A.
    pub(super) fn new(a: MatRef<'_, T>, scale: T, control: &Control) -> Result<Self> {
        one_thread();
        let (m, n) = (a.n_rows(), a.n_cols());
        let height = (4 * n).max(STRIP_ELEMENTS / n.max(1)).max(1);
        // 1. One strip: a plain factorization.
        if m < 2 * height {
            let owned = faer::Mat::from_fn(m, n, |i, j| a.get(i, j) * scale);
            let cost_ns = 2.0 * (m * n * n) as f64 * NS_PER_FLOP;
            let whole = parallel::interruptible(control, cost_ns, move || owned.qr())?;
            let triangle = upper(&whole);
            return Ok(Self { n_rows: m, height: m, strips: vec![whole], above: None, triangle });
        }
        // 2. Every strip of rows.
        let cost_ns = 2.0 * (n * n) as f64 * NS_PER_FLOP;
        let strips = parallel::map_chunks(m, height, cost_ns, |_, range| {
            control.check()?;
            let rows = a.rows(range.start, range.end);
            Ok(faer::Mat::from_fn(rows.n_rows(), n, |i, j| rows.get(i, j) * scale).qr())
        });
        let strips: Vec<FaerQr<T>> = strips.into_iter().collect::<Result<_>>()?;
        // 3. The triangles on top of each other.
        let mut stacked = Vec::new();
        for strip in &strips {
            stacked.extend_from_slice(upper(strip).as_slice());
        }
        let n_stacked = stacked.len() / n.max(1);
        let above = Self::new(Mat::from_vec(stacked, n_stacked, n)?.view(), T::ONE, control)?;
        let triangle = above.triangle.clone();
        Ok(Self { n_rows: m, height, strips, above: Some(Box::new(above)), triangle })
    }

    /// R, n × n, zeros below the diagonal; the signs of its rows are as they fell.
    pub(super) fn triangle(&self) -> &Mat<T> {
        &self.triangle
    }

    /// Q·C for an n × k matrix C.
    pub(super) fn apply(&self, c: MatRef<'_, T>, control: &Control) -> Result<Mat<T>> {
        let k = c.n_cols();
        let inner;
        let top = match &self.above {
            Some(above) => {
                inner = above.apply(c, control)?;
                inner.view()
            }
            None => c,
        };
        let n = self.triangle.n_cols();
        let mut out = Mat::zeros(self.n_rows, k);
        let cost_ns = 4.0 * (n * k) as f64 * NS_PER_FLOP;
        let many = self.above.is_some();
        parallel::for_chunks_mut(
            out.as_mut_slice(),
            k,
            self.height,
            cost_ns,
            |index, range, rows| {
                let strip = &self.strips[index];
                // Every strip but the last has n rows in the stack.
                let start = if many { index * n } else { 0 };
                let size = range.len().min(n);
                let mut target = as_faer_mut(rows, range.len(), k);
                for first in (0..k).step_by(COLUMNS) {
                    if control.check().is_err() {
                        return;
                    }
                    let width = COLUMNS.min(k - first);
                    let mut part = faer::Mat::zeros(range.len(), width);
                    part.as_mut()
                        .subrows_mut(0, size)
                        .copy_from(as_faer(top.rows(start, start + size)).subcols(first, width));
                    let coefficients = strip.Q_coeff();
                    let scratch = apply_scratch::<T>(range.len(), coefficients.nrows(), width);
                    apply(
                        strip.Q_basis(),
                        coefficients,
                        Conj::No,
                        part.as_mut(),
                        Par::Seq,
                        MemStack::new(&mut MemBuffer::new(scratch)),
                    );
                    target.as_mut().subcols_mut(first, width).copy_from(&part);
                }
            },
        );
        control.check()?;
        Ok(out)
    }
}

/// min(m, n) × n upper trapezoid, row-major.
fn upper<T: Scalar>(qr: &FaerQr<T>) -> Mat<T> {
    let triangle = qr.thin_R();
    let mut out = Mat::zeros(triangle.nrows(), triangle.ncols());
    for i in 0..triangle.nrows() {
        for j in i..triangle.ncols() {
            out[(i, j)] = triangle[(i, j)];
        }
    }
    out
}
