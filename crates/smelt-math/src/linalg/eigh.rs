//! Eigendecomposition A = V·diag(w)·Vᵀ of a symmetric matrix.
//!
//! Cost: about 9·n³ flops.  Tridiagonalization and divide and conquer (faer).  Only the lower
//! triangle of A is read.  Signs: the entry of largest magnitude in each eigenvector is positive.
//!
//! Twin: `python/smelt/plain/linalg/eigh.py`.

use faer::Par;
use faer::diag::DiagMut;
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::evd::{
    ComputeEigenvectors, EvdError, self_adjoint_evd, self_adjoint_evd_scratch,
};
use smelt_core::{Control, Error, Mat, MatRef, Real, Result};

use super::blas::{factorize, from_faer};
use super::magnitude::{largest, safe_scale};
use super::{NS_PER_FLOP, Scalar};

/// Eigenvalues and eigenvectors of an n × n matrix.
#[derive(Debug, Clone)]
pub struct Eigh<T> {
    /// Eigenvalues, rising.
    pub values: Vec<T>,
    /// n × n, eigenvectors in columns, in the order of the values.
    pub vectors: Mat<T>,
}

/// Decomposes A.
pub fn eigh<T: Scalar>(a: MatRef<'_, T>, control: &Control) -> Result<Eigh<T>> {
    let n = a.n_rows();
    if a.n_cols() != n {
        return Err(Error::data(format!(
            "eigenvalues of a symmetric matrix were asked for, but it is {n} x {}",
            a.n_cols()
        )));
    }
    // 1. The lower triangle, mirrored, at a safe size.
    let lower = |i: usize, j: usize| if i >= j { a.get(i, j) } else { a.get(j, i) };
    let mut owned = faer::Mat::from_fn(n, n, lower);
    let mirrored = from_faer(owned.as_ref());
    let scale = safe_scale(largest(mirrored.view())?);
    if scale != T::ONE {
        owned = faer::Mat::from_fn(n, n, |i, j| mirrored[(i, j)] * scale);
    }
    // 2. The decomposition.
    let cost_ns = 10.0 * (n * n * n) as f64 * NS_PER_FLOP;
    let (values, mut vectors) = factorize(n, cost_ns, control, move |par| decompose(&owned, par))?
        .map_err(|_| Error::Numeric("the eigenvalues did not converge".to_string()))?;
    // 3. Order and signs.
    let values = values.into_iter().map(|value| value / scale).collect();
    for j in 0..n {
        let mut column = vectors.as_mut().col_mut(j);
        let mut peak = T::ZERO;
        for i in 0..n {
            if Real::abs(column[i]) > Real::abs(peak) {
                peak = column[i];
            }
        }
        if peak < T::ZERO {
            (0..n).for_each(|i| column[i] = -column[i]);
        }
    }
    Ok(Eigh { values, vectors: from_faer(vectors.as_ref()) })
}

/// Eigenvalues and eigenvectors by faer.
fn decompose<T: Scalar>(
    a: &faer::Mat<T>,
    par: Par,
) -> std::result::Result<(Vec<T>, faer::Mat<T>), EvdError> {
    let n = a.nrows();
    let mut values = vec![T::ZERO; n];
    let mut vectors = faer::Mat::zeros(n, n);
    let with = ComputeEigenvectors::Yes;
    let scratch = self_adjoint_evd_scratch::<T>(n, with, par, Default::default());
    self_adjoint_evd(
        a.as_ref(),
        DiagMut::from_slice_mut(&mut values),
        Some(vectors.as_mut()),
        par,
        MemStack::new(&mut MemBuffer::new(scratch)),
        Default::default(),
    )?;
    Ok((values, vectors))
}

#[cfg(test)]
mod tests {
    use smelt_core::{Control, Mat, parallel};

    use super::super::test_data::{close, filled, of_rank, single};
    use super::super::{gemm, qr, syrk};
    use super::{Eigh, eigh};

    fn check(a: &Mat<f64>, found: &Eigh<f64>, tolerance: f64) {
        let control = Control::new();
        let n = a.n_rows();
        let v = found.vectors.view();
        let mut scaled = found.vectors.clone();
        for i in 0..n {
            scaled.row_mut(i).iter_mut().zip(&found.values).for_each(|(x, w)| *x *= w);
        }
        close(&gemm(scaled.view(), v.transpose(), &control).unwrap(), a, tolerance);
        close(&gemm(v.transpose(), v, &control).unwrap(), &Mat::identity(n), 1e-12);
        assert!(found.values.windows(2).all(|pair| pair[0] <= pair[1]));
    }

    #[test]
    fn factors_give_the_matrix_back() {
        let control = Control::new();
        for n in [0, 1, 2, 3, 33, 150, 400] {
            let square = filled(n, n, 1);
            let full = syrk(square.view(), &control).unwrap();
            let low_rank = syrk(of_rank(n, n, n.min(3), 1).view(), &control).unwrap();
            for a in [full, low_rank, Mat::zeros(n, n), Mat::identity(n)] {
                check(&a, &eigh(a.view(), &control).unwrap(), 1e-9);
            }
        }
    }

    #[test]
    fn repeated_eigenvalues() {
        let control = Control::new();
        let n = 60;
        let q = qr(filled(n, n, 1).view(), &control).unwrap().q;
        let mut scaled = q.clone();
        for i in 0..n {
            scaled.row_mut(i).iter_mut().enumerate().for_each(|(j, x)| *x *= (j / 20) as f64 - 1.0);
        }
        let a = gemm(scaled.view(), q.view().transpose(), &control).unwrap();
        let found = eigh(a.view(), &control).unwrap();
        for (i, w) in found.values.iter().enumerate() {
            assert!((w - ((i / 20) as f64 - 1.0)).abs() < 1e-12);
        }
        let mut symmetric = a.clone();
        for i in 0..n {
            for j in i + 1..n {
                symmetric[(i, j)] = a[(j, i)];
            }
        }
        check(&symmetric, &found, 1e-12);
    }

    #[test]
    fn sizes_out_of_the_ordinary_single_precision_and_missing_values() {
        let control = Control::new();
        let a = syrk(filled(30, 30, 1).view(), &control).unwrap();
        let expected = eigh(a.view(), &control).unwrap();
        for size in [1e300, 1e-300] {
            let mut sized = a.clone();
            sized.as_mut_slice().iter_mut().for_each(|value| *value *= size);
            let found = eigh(sized.view(), &control).unwrap();
            for (x, y) in found.values.iter().zip(&expected.values) {
                assert!((x / size - y).abs() < 1e-12 * 30.0);
            }
        }
        let found = eigh(single(&a).view(), &control).unwrap();
        for (x, y) in found.values.iter().zip(&expected.values) {
            assert!((f64::from(*x) - y).abs() < 1e-4);
        }
        let mut spoiled = a;
        spoiled[(4, 3)] = f64::NAN;
        assert!(eigh(spoiled.view(), &control).is_err());
        assert!(eigh(filled(3, 2, 1).view(), &control).is_err());
    }

    #[test]
    fn same_bits_on_any_number_of_threads() {
        let control = Control::new();
        for n in [200, 450] {
            let a = syrk(filled(n, n, 1).view(), &control).unwrap();
            let run = |threads| {
                let found = parallel::with_threads(threads, || eigh(a.view(), &control).unwrap());
                (found.values, found.vectors)
            };
            let expected = run(1);
            assert!(expected == run(2) && expected == run(7));
        }
    }
}
