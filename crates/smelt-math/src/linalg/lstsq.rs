//! Least squares: the X of smallest norm that minimises ‖A·X − B‖, for any rank of A.
//!
//! Cost: 2·m·n·(n + r) flops for a tall matrix, which is read once.
//!
//! 1. Tall: one QR of [A | B] gives R and Qᵀ·B at once, so that Q is never formed.
//! 2. Singular values of the small matrix; those up to `rcond` times the largest count as zero.
//! 3. X = V·diag(1/s)·Uᵀ·B over the others.
//!
//! Twin: `python/smelt/plain/linalg/lstsq.py`.

use smelt_core::{Control, Error, Mat, MatRef, Real, Result};

use super::magnitude::{largest, safe_scale};
use super::svd::unsigned;
use super::tall_qr::TallQr;
use super::{Scalar, gemm};

/// Solution of a least-squares problem with an m × n matrix.
#[derive(Debug, Clone)]
pub struct Lstsq<T> {
    /// n × r.
    pub solution: Mat<T>,
    /// Number of singular values above the threshold.
    pub rank: usize,
    /// All min(m, n) singular values of A, falling.
    pub singular_values: Vec<T>,
}

/// Solves min ‖A·X − B‖; `rcond` defaults to the rounding unit times max(m, n).
pub fn lstsq<T: Scalar>(
    a: MatRef<'_, T>,
    b: MatRef<'_, T>,
    rcond: Option<T>,
    control: &Control,
) -> Result<Lstsq<T>> {
    let (m, n, n_right) = (a.n_rows(), a.n_cols(), b.n_cols());
    if b.n_rows() != m {
        return Err(Error::data(format!(
            "the matrix has {m} rows but the right-hand side has {}",
            b.n_rows()
        )));
    }
    largest(b)?;
    let rcond = rcond.unwrap_or(<T as Real>::EPSILON * T::from_f64(m.max(n) as f64));
    if m < n + n_right || n == 0 {
        return solve_small(a, b, rcond, control);
    }
    // 1. One QR of [A | B].
    let scale = safe_scale(largest(a)?);
    let mut joined = Mat::zeros(m, n + n_right);
    for i in 0..m {
        let row = joined.row_mut(i);
        (0..n).for_each(|j| row[j] = a.get(i, j) * scale);
        (0..n_right).for_each(|j| row[n + j] = b.get(i, j));
    }
    let factored = TallQr::new(joined.view(), T::ONE, control)?;
    drop(joined);
    let triangle = factored.triangle();
    let mut r = Mat::zeros(n, n);
    let mut rotated = Mat::zeros(n, n_right);
    for i in 0..n {
        r.row_mut(i).copy_from_slice(&triangle.row(i)[..n]);
        rotated.row_mut(i).copy_from_slice(&triangle.row(i)[n..]);
    }
    let mut found = solve_small(r.view(), rotated.view(), rcond, control)?;
    found.solution.as_mut_slice().iter_mut().for_each(|value| *value *= scale);
    found.singular_values.iter_mut().for_each(|value| *value /= scale);
    Ok(found)
}

/// Steps 2 and 3.
fn solve_small<T: Scalar>(
    a: MatRef<'_, T>,
    b: MatRef<'_, T>,
    rcond: T,
    control: &Control,
) -> Result<Lstsq<T>> {
    let factors = unsigned(a, true, control)?;
    let threshold = factors.s.first().map_or(T::ZERO, |&most| most * rcond);
    let rank = factors.s.iter().filter(|&&s| s > threshold).count();
    let mut coordinates = gemm(factors.u.view().transpose(), b, control)?;
    for (i, &s) in factors.s.iter().enumerate() {
        for value in coordinates.row_mut(i) {
            *value = if i < rank { *value / s } else { T::ZERO };
        }
    }
    let solution = gemm(factors.vt.view().transpose(), coordinates.view(), control)?;
    Ok(Lstsq { solution, rank, singular_values: factors.s })
}

#[cfg(test)]
mod tests {
    use smelt_core::{Control, Mat, parallel};

    use super::super::test_data::{close, filled, of_rank};
    use super::super::{gemm, gemm_into};
    use super::lstsq;

    #[test]
    fn the_residual_is_orthogonal_and_the_solution_lies_in_the_row_space() {
        let control = Control::new();
        let cases = [(1, 1, 1, 1), (30, 7, 2, 7), (7, 30, 2, 7), (50, 20, 3, 5), (9000, 12, 1, 12)];
        for (m, n, n_right, rank) in cases {
            let a = of_rank(m, n, rank, 1);
            let b = filled(m, n_right, 2);
            let found = lstsq(a.view(), b.view(), None, &control).unwrap();
            assert_eq!((found.rank, found.singular_values.len()), (rank, m.min(n)));
            let mut residual = b.clone();
            gemm_into(1.0, a.view(), found.solution.view(), -1.0, residual.view_mut(), &control)
                .unwrap();
            let gradient = gemm(a.view().transpose(), residual.view(), &control).unwrap();
            close(&gradient, &Mat::zeros(n, n_right), 1e-8);
            // X = Aᵀ·Z for some Z: solving Aᵀ·Z = X leaves nothing.
            let z = lstsq(a.view().transpose(), found.solution.view(), None, &control).unwrap();
            let back = gemm(a.view().transpose(), z.solution.view(), &control).unwrap();
            close(&back, &found.solution, 1e-9);
        }
    }

    #[test]
    fn nothing_at_all_and_zero() {
        let control = Control::new();
        for (m, n) in [(0, 3), (3, 0), (4, 2)] {
            let b = filled(m, 2, 1);
            let found = lstsq(Mat::zeros(m, n).view(), b.view(), None, &control).unwrap();
            assert_eq!(found.rank, 0);
            close(&found.solution, &Mat::zeros(n, 2), 0.0);
        }
        assert!(lstsq(filled(3, 2, 1).view(), filled(4, 1, 1).view(), None, &control).is_err());
    }

    #[test]
    fn same_bits_on_any_number_of_threads() {
        let control = Control::new();
        let (a, b) = (filled(20_000, 17, 1), filled(20_000, 2, 2));
        let run = |threads| {
            parallel::with_threads(threads, || {
                lstsq(a.view(), b.view(), None, &control).unwrap().solution
            })
        };
        let expected = run(1);
        assert!(expected == run(2) && expected == run(7));
    }
}
