//! The leading singular vectors of a large matrix by random projection (Halko, Martinsson, Tropp).
//!
//! Cost: 2·(2·q + 2)·m·n·p flops for p probe vectors and q power iterations.
//!
//! 1. Y = A·Ω for a Gaussian Ω given by the caller, Q from the QR of Y.
//! 2. q times: Q from Aᵀ·Q, then from A·Q.
//! 3. SVD of the small matrix Qᵀ·A; U = Q·U_small.
//!
//! Twin: `python/smelt/plain/linalg/randomized_svd.py`.

use smelt_core::{Control, Error, Mat, MatRef, Result};

use super::svd::svd;
use super::{Scalar, Svd, gemm, qr};

/// Options of [`randomized_svd`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RandomizedSvdParams {
    /// Singular values and vectors returned.
    pub n_components: usize,
    /// Power iterations; each sharpens the separation by the square of the ratio of the values.
    pub n_iter: usize,
}

/// Approximates the first `n_components` singular values and vectors of A (m × n).
///
/// `probes` is Ω, n × p with `n_components` ≤ p: independent standard normal numbers.
pub fn randomized_svd<T: Scalar>(
    a: MatRef<'_, T>,
    probes: MatRef<'_, T>,
    params: &RandomizedSvdParams,
    control: &Control,
) -> Result<Svd<T>> {
    let k = params.n_components;
    if probes.n_rows() != a.n_cols() {
        return Err(Error::data(format!(
            "the matrix has {} columns but the probes have {} rows",
            a.n_cols(),
            probes.n_rows()
        )));
    }
    let most = a.n_rows().min(a.n_cols()).min(probes.n_cols());
    if k > most {
        return Err(Error::parameter("n_components", format!("must be at most {most}, got {k}")));
    }
    // 1. A basis of the range.
    let mut q = qr(gemm(a, probes, control)?.view(), control)?.q;
    // 2. Power iterations.
    for _ in 0..params.n_iter {
        let back = qr(gemm(a.transpose(), q.view(), control)?.view(), control)?.q;
        q = qr(gemm(a, back.view(), control)?.view(), control)?.q;
    }
    // 3. The small problem.
    let small = svd(gemm(q.view().transpose(), a, control)?.view(), control)?;
    let u = gemm(q.view(), small.u.view(), control)?;
    let first_columns = (0..u.n_rows()).flat_map(|i| u.row(i)[..k].iter().copied()).collect();
    Ok(Svd {
        u: Mat::from_vec(first_columns, u.n_rows(), k)?,
        s: small.s[..k].to_vec(),
        vt: small.vt.view().rows(0, k).to_mat(),
    })
}

#[cfg(test)]
mod tests {
    use smelt_core::Control;

    use super::super::svd;
    use super::super::test_data::{close, filled, of_rank};
    use super::{RandomizedSvdParams, randomized_svd};

    #[test]
    fn a_matrix_of_low_rank_is_found_exactly() {
        let control = Control::new();
        for (m, n) in [(200, 60), (60, 200)] {
            let a = of_rank(m, n, 5, 1);
            let params = RandomizedSvdParams { n_components: 5, n_iter: 2 };
            let probes = filled(n, 9, 3);
            let found = randomized_svd(a.view(), probes.view(), &params, &control).unwrap();
            let exact = svd(a.view(), &control).unwrap();
            for (x, y) in found.s.iter().zip(&exact.s) {
                assert!((x - y).abs() < 1e-9);
            }
            close(&found.vt, &exact.vt.view().rows(0, 5).to_mat(), 1e-8);
        }
    }

    #[test]
    fn too_many_components_are_refused() {
        let control = Control::new();
        let a = filled(20, 10, 1);
        let params = RandomizedSvdParams { n_components: 8, n_iter: 0 };
        let run = |probes| randomized_svd(a.view(), filled(probes, 5, 1).view(), &params, &control);
        assert!(run(10).unwrap_err().to_string().contains("n_components"));
        assert!(run(9).is_err());
    }
}
