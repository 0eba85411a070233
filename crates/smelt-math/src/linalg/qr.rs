//! QR factorization A = Q·R with orthonormal columns in Q and an upper triangular R.
//!
//! Cost: 4·m·n² flops.  Householder reflections; a tall matrix goes by strips of rows in parallel
//! ([`super::tall_qr`]).  The diagonal of R is made non-negative, which makes the factors unique
//! when A has full column rank.
//!
//! Twin: `python/smelt/plain/linalg/qr.py`.

use smelt_core::{Control, Mat, MatRef, Result};

use super::Scalar;
use super::magnitude::{largest, safe_scale};
use super::tall_qr::TallQr;

/// Factors of an m × n matrix, k = min(m, n).
#[derive(Debug, Clone)]
pub struct Qr<T> {
    /// m × k, orthonormal columns.
    pub q: Mat<T>,
    /// k × n, zeros below the diagonal, the diagonal not negative.
    pub r: Mat<T>,
}

/// Factors A.
pub fn qr<T: Scalar>(a: MatRef<'_, T>, control: &Control) -> Result<Qr<T>> {
    let (m, n) = (a.n_rows(), a.n_cols());
    let k = m.min(n);
    let scale = safe_scale(largest(a)?);
    // 1. Reflections.
    let factored = TallQr::new(a, scale, control)?;
    let mut r = factored.triangle().clone();
    // 2. Signs: R ← S·R, Q ← Q·S with S = diag(±1).
    let mut signs = Mat::zeros(k, k);
    for i in 0..k {
        let negative = r[(i, i)] < T::ZERO;
        signs[(i, i)] = if negative { -T::ONE } else { T::ONE };
        for value in r.row_mut(i) {
            *value = (if negative { -*value } else { *value }) / scale;
        }
    }
    let q = factored.apply(signs.view(), control)?;
    Ok(Qr { q, r })
}

#[cfg(test)]
mod tests {
    use smelt_core::{Control, Mat, parallel};

    use super::super::gemm;
    use super::super::test_data::{close, filled, of_rank};
    use super::qr;

    #[test]
    fn factors_give_the_matrix_back() {
        let control = Control::new();
        let shapes = [
            (0, 0),
            (0, 3),
            (3, 0),
            (1, 1),
            (5, 2),
            (2, 5),
            (90, 90),
            (70, 300),
            (260, 250),
            (9000, 30),
        ];
        for (m, n) in shapes {
            let some = m.min(n).min(100);
            let of_ranks = [of_rank(m, n, some.min(2), 2), of_rank(m, n, some, 2)];
            for a in of_ranks.into_iter().chain([filled(m, n, 1), Mat::zeros(m, n)]) {
                let factors = qr(a.view(), &control).unwrap();
                let k = m.min(n);
                let gram = gemm(factors.q.view().transpose(), factors.q.view(), &control).unwrap();
                close(&gram, &Mat::identity(k), 1e-12);
                close(&gemm(factors.q.view(), factors.r.view(), &control).unwrap(), &a, 1e-11);
                for i in 0..k {
                    assert!(factors.r[(i, i)] >= 0.0);
                    assert!(factors.r.row(i)[..i].iter().all(|&value| value == 0.0));
                }
            }
        }
    }

    #[test]
    fn same_bits_on_any_number_of_threads() {
        let control = Control::new();
        for (m, n) in [(20_000, 17), (300, 300)] {
            let a = filled(m, n, 1);
            let run = |threads| {
                let factors = parallel::with_threads(threads, || qr(a.view(), &control).unwrap());
                (factors.q, factors.r)
            };
            let expected = run(1);
            assert!(expected == run(2) && expected == run(7));
        }
    }

    #[test]
    fn huge_and_tiny_entries() {
        let control = Control::new();
        for size in [1e300, 1e-300] {
            let mut a = filled(40, 5, 1);
            a.as_mut_slice().iter_mut().for_each(|value| *value *= size);
            let factors = qr(a.view(), &control).unwrap();
            let mut back = gemm(factors.q.view(), factors.r.view(), &control).unwrap();
            for values in [&mut back, &mut a] {
                values.as_mut_slice().iter_mut().for_each(|value| *value /= size);
            }
            close(&back, &a, 1e-13);
        }
    }
}
