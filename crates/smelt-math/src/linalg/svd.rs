//! Thin singular value decomposition A = U·diag(s)·Vᵀ.
//!
//! Cost: about 6·m·n² + 20·n³ flops for m ≥ n.
//!
//! 1. A tall matrix is reduced to its triangle R by [`super::tall_qr`]; a wide one is transposed.
//! 2. Bidiagonalization and divide and conquer (faer) on the small matrix.
//! 3. U = Q·U_R.
//! 4. Signs: the entry of largest magnitude in each right singular vector is positive.
//!
//! Twin: `python/smelt/plain/linalg/svd.py`.

use faer::Par;
use faer::diag::DiagMut;
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::svd::{ComputeSvdVectors, SvdError, svd as faer_svd, svd_scratch};
use smelt_core::parallel::{chunk_size, for_chunks_mut};
use smelt_core::{Control, Error, Mat, MatRef, Real, Result};

use super::blas::{factorize, from_faer, to_faer};
use super::magnitude::{largest, safe_scale};
use super::tall_qr::TallQr;
use super::{NS_PER_FLOP, Scalar};

/// Factors of an m × n matrix, k = min(m, n).
#[derive(Debug, Clone)]
pub struct Svd<T> {
    /// m × k, left singular vectors in columns.
    pub u: Mat<T>,
    /// Singular values, falling.
    pub s: Vec<T>,
    /// k × n, right singular vectors in rows.
    pub vt: Mat<T>,
}

/// Decomposes A.
pub fn svd<T: Scalar>(a: MatRef<'_, T>, control: &Control) -> Result<Svd<T>> {
    let mut factors = unsigned(a, true, control)?;
    fix_signs(&mut factors);
    Ok(factors)
}

/// The singular values and the right singular vectors of [`svd`], min(m, n) and min(m, n) × n.
///
/// Of a tall matrix the left ones are not computed: 2·m·n² instead of 6·m·n² flops.
pub fn svd_right<T: Scalar>(a: MatRef<'_, T>, control: &Control) -> Result<(Vec<T>, Mat<T>)> {
    let mut factors = unsigned(a, false, control)?;
    fix_signs(&mut factors);
    Ok((factors.s, factors.vt))
}

/// Steps 1 to 3; U may be empty unless `left`.
pub(super) fn unsigned<T: Scalar>(
    a: MatRef<'_, T>,
    left: bool,
    control: &Control,
) -> Result<Svd<T>> {
    let (m, n) = (a.n_rows(), a.n_cols());
    if m < n {
        let Svd { u, s, vt } = unsigned(a.transpose(), true, control)?;
        return Ok(Svd { u: vt.view().transpose().to_mat(), s, vt: u.view().transpose().to_mat() });
    }
    let scale = safe_scale(largest(a)?);
    if 2 * m >= 3 * n {
        let factored = TallQr::new(a, scale, control)?;
        let small = by_faer(factored.triangle().view(), T::ONE, control)?;
        let u = if left { factored.apply(small.u.view(), control)? } else { Mat::zeros(0, n) };
        return Ok(Svd { u, s: unscaled(small.s, scale), vt: small.vt });
    }
    let Svd { u, s, vt } = by_faer(a, scale, control)?;
    Ok(Svd { u, s: unscaled(s, scale), vt })
}

fn unscaled<T: Scalar>(s: Vec<T>, scale: T) -> Vec<T> {
    s.into_iter().map(|value| value / scale).collect()
}

/// The decomposition by faer, of `scale`·A.
fn by_faer<T: Scalar>(a: MatRef<'_, T>, scale: T, control: &Control) -> Result<Svd<T>> {
    let (m, n) = (a.n_rows(), a.n_cols());
    let owned = to_faer(a, scale, control)?;
    let cost_ns = 25.0 * (m * n * n) as f64 * NS_PER_FLOP;
    factorize(n, cost_ns, control, move |par| decompose(&owned, par))?
        .map_err(|_| Error::Numeric("the singular values did not converge".to_string()))
}

/// The thin decomposition by faer of a matrix that is not wide.
fn decompose<T: Scalar>(a: &faer::Mat<T>, par: Par) -> std::result::Result<Svd<T>, SvdError> {
    let (m, n) = a.shape();
    let mut s = vec![T::ZERO; n];
    let (mut u, mut v) = (faer::Mat::zeros(m, n), faer::Mat::zeros(n, n));
    let thin = ComputeSvdVectors::Thin;
    let scratch = svd_scratch::<T>(m, n, thin, thin, par, Default::default());
    faer_svd(
        a.as_ref(),
        DiagMut::from_slice_mut(&mut s),
        Some(u.as_mut()),
        Some(v.as_mut()),
        par,
        MemStack::new(&mut MemBuffer::new(scratch)),
        Default::default(),
    )?;
    Ok(Svd { u: from_faer(u.as_ref()), s, vt: from_faer(v.as_ref().transpose()) })
}

/// Step 4.
fn fix_signs<T: Scalar>(factors: &mut Svd<T>) {
    let k = factors.s.len();
    let mut flip = vec![false; k];
    for i in 0..k {
        let row = factors.vt.row_mut(i);
        let mut peak = T::ZERO;
        for &value in row.iter() {
            if Real::abs(value) > Real::abs(peak) {
                peak = value;
            }
        }
        flip[i] = peak < T::ZERO;
        if flip[i] {
            row.iter_mut().for_each(|value| *value = -*value);
        }
    }
    let chunk = chunk_size(factors.u.n_rows(), 256);
    for_chunks_mut(factors.u.as_mut_slice(), k, chunk, k as f64, |_, _, rows| {
        for row in rows.chunks_exact_mut(k) {
            for (value, &flip) in row.iter_mut().zip(&flip) {
                *value = if flip { -*value } else { *value };
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use smelt_core::{Control, Mat, parallel};

    use super::super::gemm;
    use super::super::test_data::{close, filled, of_rank, single};
    use super::{Svd, svd, svd_right};

    fn back(factors: &Svd<f64>) -> Mat<f64> {
        let mut scaled = factors.u.clone();
        for i in 0..scaled.n_rows() {
            scaled.row_mut(i).iter_mut().zip(&factors.s).for_each(|(value, s)| *value *= s);
        }
        gemm(scaled.view(), factors.vt.view(), &Control::new()).unwrap()
    }

    #[test]
    fn factors_give_the_matrix_back() {
        let control = Control::new();
        let shapes = [
            (0, 3),
            (3, 0),
            (1, 1),
            (1, 6),
            (50, 50),
            (55, 50),
            (20, 90),
            (9000, 20),
            (400, 390),
            (1600, 520),
        ];
        for (m, n) in shapes {
            let k = m.min(n);
            for a in [filled(m, n, 1), of_rank(m, n, k.min(3), 2), Mat::zeros(m, n)] {
                let factors = svd(a.view(), &control).unwrap();
                close(&back(&factors), &a, 1e-10);
                let u = factors.u.view();
                close(&gemm(u.transpose(), u, &control).unwrap(), &Mat::identity(k), 1e-12);
                let vt = factors.vt.view();
                close(&gemm(vt, vt.transpose(), &control).unwrap(), &Mat::identity(k), 1e-12);
                assert!(factors.s.windows(2).all(|pair| pair[0] >= pair[1]));
                assert!(factors.s.iter().all(|&s| s >= 0.0));
            }
        }
    }

    #[test]
    fn right_vectors_alone_are_those_of_the_whole() {
        let control = Control::new();
        for (m, n) in [(9000, 20), (60, 25), (25, 60), (55, 50), (1600, 520), (0, 3), (3, 0)] {
            let a = filled(m, n, 3);
            let (s, vt) = svd_right(a.view(), &control).unwrap();
            let whole = svd(a.view(), &control).unwrap();
            assert_eq!((s, vt.as_slice()), (whole.s, whole.vt.as_slice()));
        }
    }

    #[test]
    fn equal_values_and_sizes_out_of_the_ordinary() {
        let control = Control::new();
        for size in [1.0_f64, 1e300, 1e-300, 1e-310] {
            let mut a = Mat::<f64>::identity(12);
            a.as_mut_slice().iter_mut().for_each(|value| *value *= size);
            let factors = svd(a.view(), &control).unwrap();
            for &s in &factors.s {
                assert!((s / size - 1.0).abs() < 1e-12, "{s} {size}");
            }
        }
    }

    #[test]
    fn single_precision_and_missing_values() {
        let control = Control::new();
        let a = filled(60, 25, 1);
        let expected = svd(a.view(), &control).unwrap();
        let found = svd(single(&a).view(), &control).unwrap();
        for (x, y) in found.s.iter().zip(&expected.s) {
            assert!((f64::from(*x) - y).abs() < 1e-4);
        }
        let mut spoiled = a.clone();
        spoiled[(3, 4)] = f64::NAN;
        assert!(svd(spoiled.view(), &control).unwrap_err().to_string().contains("NaN"));
        spoiled[(3, 4)] = f64::INFINITY;
        assert!(svd(spoiled.view(), &control).is_err());
    }

    #[test]
    fn same_bits_on_any_number_of_threads() {
        let control = Control::new();
        for (m, n) in [(20_000, 17), (200, 190), (420, 400)] {
            let a = filled(m, n, 1);
            let run = |threads| {
                let factors = parallel::with_threads(threads, || svd(a.view(), &control).unwrap());
                (factors.u, factors.s, factors.vt)
            };
            let expected = run(1);
            assert!(expected == run(2) && expected == run(7));
        }
    }
}
