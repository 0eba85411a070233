//! Square systems A·X = B by Gaussian elimination with row pivoting.
//!
//! Cost: 2n³/3 flops, and 2n² a right-hand side.
//!
//! Twin: `python/smelt/plain/linalg/solve.py`.

use faer::linalg::solvers::PartialPivLu;
use smelt_core::{Control, Error, Mat, MatRef, Result, parallel};

use super::blas::{from_faer, one_thread};
use super::magnitude::largest;
use super::{Diagonal, NS_PER_FLOP, Scalar, Triangle, trsm};

/// X with A·X = B; fails with [`Error::Numeric`] when A is singular.
pub fn solve<T: Scalar>(a: MatRef<'_, T>, b: MatRef<'_, T>, control: &Control) -> Result<Mat<T>> {
    let n = a.n_rows();
    if a.n_cols() != n || b.n_rows() != n {
        return Err(Error::data(format!(
            "a {n} x {} system does not go with a right-hand side of {} rows",
            a.n_cols(),
            b.n_rows()
        )));
    }
    largest(a)?;
    largest(b)?;
    // 1. P·A = L·U.
    one_thread();
    let owned = faer::Mat::from_fn(n, n, |i, j| a.get(i, j));
    let cost_ns = 0.7 * (n * n * n) as f64 * NS_PER_FLOP;
    let factors: PartialPivLu<T> =
        parallel::interruptible(control, cost_ns, move || owned.partial_piv_lu())?;
    let upper = from_faer(factors.U());
    if let Some(i) = (0..n).find(|&i| upper[(i, i)] == T::ZERO) {
        return Err(Error::Numeric(format!(
            "the matrix is singular: elimination finds no pivot for column {i}"
        )));
    }
    // 2. X = U⁻¹·L⁻¹·P·B.
    let order = factors.P().arrays().0;
    let mut x = Mat::zeros(n, b.n_cols());
    for (i, &row) in order.iter().enumerate() {
        for (j, value) in x.row_mut(i).iter_mut().enumerate() {
            *value = b.get(row, j);
        }
    }
    let lower = from_faer(factors.L());
    trsm(Triangle::Lower, Diagonal::Unit, lower.view(), &mut x, control)?;
    trsm(Triangle::Upper, Diagonal::Stored, upper.view(), &mut x, control)?;
    Ok(x)
}

#[cfg(test)]
mod tests {
    use smelt_core::{Control, Error, Mat};

    use super::super::gemm;
    use super::super::test_data::{close, filled};
    use super::solve;

    #[test]
    fn multiplying_back_gives_the_right_hand_side() {
        let control = Control::new();
        for n in [0, 1, 2, 40, 200] {
            let (a, x) = (filled(n, n, 1), filled(n, 3, 2));
            let b = gemm(a.view(), x.view(), &control).unwrap();
            let found = solve(a.view(), b.view(), &control).unwrap();
            close(&gemm(a.view(), found.view(), &control).unwrap(), &b, 1e-9);
        }
    }

    #[test]
    fn singular_systems_are_refused() {
        let control = Control::new();
        let a = Mat::from_vec(vec![1.0, 2.0, 2.0, 4.0], 2, 2).unwrap();
        let b = filled(2, 1, 1);
        assert!(matches!(solve(a.view(), b.view(), &control), Err(Error::Numeric(_))));
        assert!(solve(filled(2, 3, 1).view(), b.view(), &control).is_err());
        let spoiled = Mat::from_vec(vec![1.0, f64::NAN, 2.0, 4.0], 2, 2).unwrap();
        assert!(matches!(solve(spoiled.view(), b.view(), &control), Err(Error::Data(_))));
    }
}
