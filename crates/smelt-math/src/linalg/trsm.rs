//! Triangular systems T·X = B, many right-hand sides at once.
//!
//! Cost: n² flops a right-hand side; strips of right-hand sides are solved in parallel.
//!
//! Twin: `python/smelt/plain/linalg/solve_triangular.py`.

use faer::Par;
use faer::linalg::triangular_solve as faer_solve;
use smelt_core::{Control, Error, Mat, MatRef, Result, parallel};

use super::blas::{as_faer, as_faer_mut, tiles};
use super::{NS_PER_FLOP, Scalar};

/// Which half of the matrix holds T; the other half is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Triangle {
    /// On and below the diagonal.
    Lower,
    /// On and above the diagonal.
    Upper,
}

/// Where the diagonal of T is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Diagonal {
    /// In the matrix.
    Stored,
    /// All ones; the matrix is not read there.
    Unit,
}

/// B ← T⁻¹·B.  Pass `t.transpose()` and the other [`Triangle`] for T⁻ᵀ·B.
pub fn trsm<T: Scalar>(
    triangle: Triangle,
    diagonal: Diagonal,
    t: MatRef<'_, T>,
    b: &mut Mat<T>,
    control: &Control,
) -> Result<()> {
    let (n, n_right) = (t.n_rows(), b.n_cols());
    if t.n_cols() != n || b.n_rows() != n {
        return Err(Error::data(format!(
            "a {n} x {} triangle does not divide a {} x {n_right} matrix",
            t.n_cols(),
            b.n_rows()
        )));
    }
    if diagonal == Diagonal::Stored
        && let Some(i) = (0..n).find(|&i| t.get(i, i) == T::ZERO)
    {
        return Err(Error::Numeric(format!(
            "the triangular matrix is singular: diagonal entry {i} is zero"
        )));
    }
    control.check()?;
    if n == 0 || n_right == 0 {
        return Ok(());
    }
    let t = as_faer(t);
    let whole = as_faer_mut(b.as_mut_slice(), n, n_right);
    let cost_ns = (n * n) as f64 * NS_PER_FLOP;
    let chunk = parallel::chunk_size(n_right, 32);
    let strips = tiles(whole, n, chunk);
    parallel::for_chunks(n_right, chunk, cost_ns, |index, _| {
        let Ok(mut strip) = strips[index].part.lock() else { return };
        if control.check().is_err() {
            return;
        }
        let strip = strip.as_mut();
        match (triangle, diagonal) {
            (Triangle::Lower, Diagonal::Stored) => {
                faer_solve::solve_lower_triangular_in_place(t, strip, Par::Seq);
            }
            (Triangle::Lower, Diagonal::Unit) => {
                faer_solve::solve_unit_lower_triangular_in_place(t, strip, Par::Seq);
            }
            (Triangle::Upper, Diagonal::Stored) => {
                faer_solve::solve_upper_triangular_in_place(t, strip, Par::Seq);
            }
            (Triangle::Upper, Diagonal::Unit) => {
                faer_solve::solve_unit_upper_triangular_in_place(t, strip, Par::Seq);
            }
        }
    });
    control.check()
}

#[cfg(test)]
mod tests {
    use smelt_core::{Control, Mat, parallel};

    use super::super::gemm;
    use super::super::test_data::{close, filled};
    use super::{Diagonal, Triangle, trsm};

    #[test]
    fn multiplying_back_gives_the_right_hand_side() {
        let control = Control::new();
        for (n, n_right) in [(0, 2), (1, 1), (3, 0), (40, 1), (90, 200)] {
            for triangle in [Triangle::Lower, Triangle::Upper] {
                for diagonal in [Diagonal::Stored, Diagonal::Unit] {
                    let mut full = filled(n, n, 1);
                    (0..n).for_each(|i| full[(i, i)] += 8.0);
                    full.as_mut_slice().iter_mut().for_each(|v| *v /= 8.0);
                    let mut t = Mat::zeros(n, n);
                    for i in 0..n {
                        for j in 0..n {
                            let inside = if triangle == Triangle::Lower { j < i } else { j > i };
                            if inside {
                                t[(i, j)] = full[(i, j)];
                            } else if i == j {
                                t[(i, i)] =
                                    if diagonal == Diagonal::Unit { 1.0 } else { full[(i, i)] };
                            }
                        }
                    }
                    let b = filled(n, n_right, 2);
                    let mut x = b.clone();
                    trsm(triangle, diagonal, full.view(), &mut x, &control).unwrap();
                    close(&gemm(t.view(), x.view(), &control).unwrap(), &b, 1e-8);
                }
            }
        }
    }

    #[test]
    fn same_bits_on_any_number_of_threads() {
        let mut t = filled(300, 300, 1);
        (0..300).for_each(|i| t[(i, i)] += 30.0);
        let run = |threads| {
            let mut b = filled(300, 500, 2);
            parallel::with_threads(threads, || {
                let control = Control::new();
                trsm(Triangle::Lower, Diagonal::Stored, t.view(), &mut b, &control).unwrap();
            });
            b
        };
        let expected = run(1);
        assert!(expected == run(2) && expected == run(7));
    }

    #[test]
    fn a_singular_or_ill_shaped_triangle_is_refused() {
        let control = Control::new();
        let mut b = filled(3, 1, 1);
        let zero = Mat::<f64>::zeros(3, 3);
        let solve = |t: &Mat<f64>, b: &mut Mat<f64>| {
            trsm(Triangle::Lower, Diagonal::Stored, t.view(), b, &control)
        };
        assert!(solve(&zero, &mut b).unwrap_err().to_string().contains("entry 0"));
        assert!(solve(&Mat::identity(4), &mut b).is_err());
    }
}
