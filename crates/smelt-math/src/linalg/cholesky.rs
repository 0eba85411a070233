//! Cholesky factorization A = L·Lᵀ of a symmetric positive definite matrix, and solving with it.
//!
//! Cost: n³/3 flops.  Right-looking in panels of fixed width:
//!
//! 1. factor the diagonal block,
//! 2. solve for the panel below it, strips of rows in parallel,
//! 3. subtract the panel's product from the rest of the matrix, strips of rows in parallel.
//!
//! Only the lower triangle of A is read.
//!
//! Twin: `python/smelt/plain/linalg/cholesky.py`.

use faer::Par;
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::cholesky::llt::factor::{LltError, cholesky_in_place, cholesky_in_place_scratch};
use faer::linalg::triangular_solve::solve_lower_triangular_in_place;
use smelt_core::{Control, Error, Mat, MatRef, Real, Result, parallel};

use super::blas::{as_faer, as_faer_mut, multiply};
use super::{Diagonal, NS_PER_FLOP, Scalar, Triangle, trsm};

/// Width of a panel.
const PANEL: usize = 128;
/// Rows of a strip.
const STRIP: usize = 64;

/// The lower triangular factor.
#[derive(Debug, Clone)]
pub struct Cholesky<T> {
    factor: Mat<T>,
}

/// Factors A; fails with [`Error::Numeric`] unless it is positive definite.
pub fn cholesky<T: Scalar>(a: MatRef<'_, T>, control: &Control) -> Result<Cholesky<T>> {
    let n = a.n_rows();
    if a.n_cols() != n {
        return Err(Error::data(format!("a {n} x {} matrix has no Cholesky factor", a.n_cols())));
    }
    let mut factor = a.to_mat();
    let data = factor.as_mut_slice();
    for start in (0..n).step_by(PANEL) {
        control.check()?;
        let width = PANEL.min(n - start);
        let end = start + width;
        // 1. The diagonal block.
        let block = &mut data[start * n..end * n];
        let corner = diagonal_block(block, n, start, width)?;
        if end == n {
            break;
        }
        // 2. The panel below: P·L₁₁ᵀ = A₂₁.
        let (above, below) = data.split_at_mut(end * n);
        let _ = above;
        let n_below = n - end;
        let panel = solve_panel(below, n, start, &corner, control)?;
        // 3. A₂₂ ← A₂₂ − P·Pᵀ, lower triangle.
        let flops_per_row = (width * n_below) as f64;
        parallel::for_chunks_mut(below, n, STRIP, flops_per_row * NS_PER_FLOP, |_, range, rows| {
            if control.check().is_err() {
                return;
            }
            for (offset, row) in range.clone().enumerate() {
                rows[offset * n + start..offset * n + end].copy_from_slice(panel.row(row));
            }
            let target =
                as_faer_mut(rows, range.len(), n).submatrix_mut(0, end, range.len(), range.end);
            let left = as_faer(panel.view().rows(range.start, range.end));
            let right = as_faer(panel.view().rows(0, range.end)).transpose();
            multiply(target, true, -T::ONE, left, right);
        });
    }
    control.check()?;
    for i in 0..n {
        data[i * n + i + 1..(i + 1) * n].fill(T::ZERO);
    }
    Ok(Cholesky { factor })
}

/// Factors the block of `width` rows at column `start` in place, and returns it.
fn diagonal_block<T: Scalar>(
    rows: &mut [T],
    n: usize,
    start: usize,
    width: usize,
) -> Result<faer::Mat<T>> {
    let mut block = faer::Mat::from_fn(width, width, |i, j| rows[i * n + start + j]);
    let scratch = cholesky_in_place_scratch::<T>(width, Par::Seq, Default::default());
    let outcome = cholesky_in_place(
        block.as_mut(),
        Default::default(),
        Par::Seq,
        MemStack::new(&mut MemBuffer::new(scratch)),
        Default::default(),
    );
    let broken = match outcome {
        Err(LltError::NonPositivePivot { index }) => Some(index),
        // A NaN passes faer's comparison with zero.
        Ok(_) => (0..width).find(|&i| !Real::is_finite(block[(i, i)])),
    };
    if let Some(index) = broken {
        return Err(Error::Numeric(format!(
            "the matrix is not positive definite: its leading {0} x {0} part is not",
            start + index + 1
        )));
    }
    for i in 0..width {
        for j in 0..=i {
            rows[i * n + start + j] = block[(i, j)];
        }
    }
    Ok(block)
}

/// P with P·Lᵀ = the `corner.nrows()` columns at `start` of `below`.
fn solve_panel<T: Scalar>(
    below: &[T],
    n: usize,
    start: usize,
    corner: &faer::Mat<T>,
    control: &Control,
) -> Result<Mat<T>> {
    let width = corner.nrows();
    let mut panel = Mat::zeros(below.len() / n, width);
    let cost_ns = (width * width) as f64 * NS_PER_FLOP;
    parallel::for_chunks_mut(panel.as_mut_slice(), width, STRIP, cost_ns, |_, range, part| {
        if control.check().is_err() {
            return;
        }
        for (row, values) in range.clone().zip(part.chunks_mut(width)) {
            values.copy_from_slice(&below[row * n + start..row * n + start + width]);
        }
        let strip = as_faer_mut(part, range.len(), width);
        solve_lower_triangular_in_place(corner.as_ref(), strip.transpose_mut(), Par::Seq);
    });
    control.check()?;
    Ok(panel)
}

impl<T: Scalar> Cholesky<T> {
    /// L, with zeros above the diagonal.
    pub fn factor(&self) -> &Mat<T> {
        &self.factor
    }

    /// L, taken out.
    pub fn into_factor(self) -> Mat<T> {
        self.factor
    }

    /// X with A·X = B.
    pub fn solve(&self, b: MatRef<'_, T>, control: &Control) -> Result<Mat<T>> {
        let mut x = b.to_mat();
        let factor = self.factor.view();
        trsm(Triangle::Lower, Diagonal::Stored, factor, &mut x, control)?;
        trsm(Triangle::Upper, Diagonal::Stored, factor.transpose(), &mut x, control)?;
        Ok(x)
    }

    /// x with A·x = b.
    pub fn solve_vector(&self, b: &[T], control: &Control) -> Result<Vec<T>> {
        Ok(self.solve(MatRef::column_vector(b), control)?.into_vec())
    }

    /// ln det A = 2·Σ ln Lᵢᵢ.
    pub fn ln_det(&self) -> T {
        let sum: T = (0..self.factor.n_rows()).map(|i| Real::ln(self.factor[(i, i)])).sum();
        sum + sum
    }
}

#[cfg(test)]
mod tests {
    use smelt_core::{Control, Error, Mat, MatRef, parallel};

    use super::super::test_data::{close, filled, of_rank, single};
    use super::super::{gemm, syrk};
    use super::cholesky;

    fn positive(n: usize) -> Mat<f64> {
        let control = Control::new();
        let wide = filled(n, n + 5, 1);
        let mut a = syrk(wide.view(), &control).unwrap();
        (0..n).for_each(|i| a[(i, i)] += 0.5);
        a
    }

    #[test]
    fn the_factor_gives_the_matrix_back_and_solves() {
        let control = Control::new();
        for n in [0, 1, 2, 50, 128, 129, 400] {
            let a = positive(n);
            let factor = cholesky(a.view(), &control).unwrap();
            let l = factor.factor();
            close(&gemm(l.view(), l.view().transpose(), &control).unwrap(), &a, 1e-10);
            let x = filled(n, 3, 5);
            let b = gemm(a.view(), x.view(), &control).unwrap();
            close(&factor.solve(b.view(), &control).unwrap(), &x, 1e-6);
        }
    }

    #[test]
    fn only_the_lower_triangle_is_read() {
        let control = Control::new();
        let a = positive(200);
        let mut lower = a.clone();
        (0..200).for_each(|i| lower.row_mut(i)[i + 1..].fill(f64::NAN));
        let expected = cholesky(a.view(), &control).unwrap();
        let found = cholesky(lower.view(), &control).unwrap();
        assert_eq!(expected.factor(), found.factor());
    }

    #[test]
    fn same_bits_on_any_number_of_threads() {
        let control = Control::new();
        let a = positive(500);
        let b = filled(500, 300, 2);
        let run = |threads| {
            parallel::with_threads(threads, || {
                let factor = cholesky(a.view(), &control).unwrap();
                (factor.solve(b.view(), &control).unwrap(), factor.into_factor())
            })
        };
        let expected = run(1);
        assert!(expected == run(2) && expected == run(7));
    }

    #[test]
    fn an_indefinite_or_missing_matrix_is_refused() {
        let control = Control::new();
        let mut a = positive(300);
        a[(150, 150)] = -1.0;
        let error = cholesky(a.view(), &control).unwrap_err();
        assert!(error.to_string().contains("leading 151 x 151"), "{error}");
        a[(150, 150)] = f64::NAN;
        assert!(matches!(cholesky(a.view(), &control), Err(Error::Numeric(_))));
        assert!(cholesky(filled(3, 2, 1).view(), &control).is_err());
        let zero = Mat::<f64>::zeros(3, 3);
        assert!(cholesky(zero.view(), &control).is_err());
        let thin = of_rank(6, 6, 2, 1);
        let singular = syrk(thin.view(), &control).unwrap();
        assert!(cholesky(singular.view(), &control).is_err());
    }

    #[test]
    fn determinant_and_single_precision() {
        let control = Control::new();
        let a = [4.0_f32, 2.0, 2.0, 3.0];
        let factor = cholesky(MatRef::from_row_major(&a, 2, 2).unwrap(), &control).unwrap();
        assert!((factor.ln_det() - 8.0_f32.ln()).abs() < 1e-6);
        let x = factor.solve_vector(&[8.0, 7.0], &control).unwrap();
        assert!((x[0] - 1.25).abs() < 1e-6 && (x[1] - 1.5).abs() < 1e-6);
        let big = single(&positive(150));
        let factor = cholesky(big.view(), &control).unwrap();
        let back = gemm(factor.factor().view(), factor.factor().view().transpose(), &control);
        for (x, y) in back.unwrap().as_slice().iter().zip(big.as_slice()) {
            assert!((x - y).abs() < 1e-3);
        }
    }
}
