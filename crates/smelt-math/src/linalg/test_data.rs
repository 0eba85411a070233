//! Matrices for the tests of this module.

use smelt_core::{Control, Mat, Pcg64};

use super::gemm;

/// Uniform on [-1, 1).
pub(super) fn filled(n_rows: usize, n_cols: usize, seed: u128) -> Mat<f64> {
    let mut rng = Pcg64::from_state(seed * 2 + 12345, 0x5851_F42D_4C95_7F2D_1405_7B7E_F767_814F);
    for _ in 0..8 {
        rng.next_u64();
    }
    let values = (0..n_rows * n_cols).map(|_| 2.0 * rng.next_f64() - 1.0).collect();
    Mat::from_vec(values, n_rows, n_cols).unwrap()
}

/// A product of two thin matrices: rank at most `rank`.
pub(super) fn of_rank(n_rows: usize, n_cols: usize, rank: usize, seed: u128) -> Mat<f64> {
    let (a, b) = (filled(n_rows, rank, seed), filled(rank, n_cols, seed + 100));
    gemm(a.view(), b.view(), &Control::new()).unwrap()
}

/// The same numbers as `f32`.
pub(super) fn single(a: &Mat<f64>) -> Mat<f32> {
    let values = a.as_slice().iter().map(|&value| value as f32).collect();
    Mat::from_vec(values, a.n_rows(), a.n_cols()).unwrap()
}

/// All entries agree to `tolerance`, absolutely.
#[track_caller]
pub(super) fn close(a: &Mat<f64>, b: &Mat<f64>, tolerance: f64) {
    assert_eq!((a.n_rows(), a.n_cols()), (b.n_rows(), b.n_cols()));
    for (x, y) in a.as_slice().iter().zip(b.as_slice()) {
        assert!((x - y).abs() <= tolerance, "{x} is not {y} to {tolerance}");
    }
}
