//! The library behind the operations: views of our matrices for faer, and its product.
//!
//! faer is called for one thread always; threads are ours, over pieces with fixed borders.
//!
//! SciPy's OpenBLAS is not borrowed, for two measured reasons (SciPy's bundled library, Zen 4 with
//! AVX2, one thread each; the ratio is time of OpenBLAS over ours, above 1 we are faster):
//!
//! - Its results depend on its own number of threads: `dgemm`, `dgesv`, `dsyevd` and `dgesdd` give
//!   other bits with one thread than with two, from n = 300 on at the latest, and that number can
//!   only be set for the whole process (`openblas_set_num_threads_local` called on one thread is
//!   seen by all).  The promise of the same bits could not be kept.
//! - For most operations it would gain little (a linear solve and X'X took 1.2 to 9 times as long
//!   as OpenBLAS's by the versions measured then; both are written anew since, on tiles, and are to
//!   be measured again):
//!
//! | n, f64 / f32 | 32 | 128 | 512 | 1024 |
//! | --- | --- | --- | --- | --- |
//! | product | 0.5 / 1.0 | 1.0 / 1.1 | 1.0 / 1.0 | 0.8 / 0.9 (strips; tiles since) |
//! | Cholesky | 0.6 / 0.9 | 0.8 / 0.8 | 1.2 / 1.0 | 1.1 / 1.3 |
//! | QR | 1.2 / 1.4 | 1.1 / 1.1 | 0.9 / 1.2 | 1.0 / 1.1 |
//! | eigenvalues | 1.2 / 1.4 | 0.9 / 0.9 | 1.0 / 1.0 | 0.9 / 1.0 |
//! | singular values | 1.0 / 1.1 | 0.9 / 0.9 | 1.2 / 1.1 | 1.0 / 1.1 |
//!
//! (Calls from Python, so the first column is mostly the cost of a call.)  The rows come again with
//! `benchmarks/linalg/products_and_factorizations.py`.
#![allow(unsafe_code)]

use std::ops::Range;
use std::sync::Mutex;

use faer::linalg::matmul::matmul;
use faer::{Accum, Par};
use smelt_core::{Mat, MatRef};

use super::Scalar;

/// faer's view of ours.
pub(super) fn as_faer<'a, T: Scalar>(a: MatRef<'a, T>) -> faer::MatRef<'a, T> {
    // SAFETY: shape and strides describe readable memory for 'a, as `MatRef` promises; a stride
    // fits isize because memory does.
    unsafe {
        faer::MatRef::from_raw_parts(
            a.as_ptr(),
            a.n_rows(),
            a.n_cols(),
            a.row_stride() as isize,
            a.col_stride() as isize,
        )
    }
}

/// faer's view of a row-major buffer to write to.
pub(super) fn as_faer_mut<T: Scalar>(
    data: &mut [T],
    n_rows: usize,
    n_cols: usize,
) -> faer::MatMut<'_, T> {
    faer::MatMut::from_row_major_slice_mut(data, n_rows, n_cols)
}

/// A part of a matrix, to be written by one thread.
pub(super) struct Tile<'a, T> {
    /// Its rows in the whole.
    pub(super) rows: Range<usize>,
    /// Its columns in the whole.
    pub(super) cols: Range<usize>,
    /// The part itself.
    pub(super) part: Mutex<faer::MatMut<'a, T>>,
}

/// Tiles of `height` × `width`, from the left to the right and from the top down.
pub(super) fn tiles<T: Scalar>(
    whole: faer::MatMut<'_, T>,
    height: usize,
    width: usize,
) -> Vec<Tile<'_, T>> {
    let (m, n) = whole.shape();
    let mut tiles = Vec::with_capacity(m.div_ceil(height) * n.div_ceil(width));
    let mut below = whole;
    for top in (0..m).step_by(height) {
        let rows = top..(top + height).min(m);
        let (strip, rest) = below.split_at_row_mut(rows.len());
        below = rest;
        let mut right = strip;
        for left in (0..n).step_by(width) {
            let cols = left..(left + width).min(n);
            let (part, rest) = right.split_at_col_mut(cols.len());
            right = rest;
            tiles.push(Tile { rows: rows.clone(), cols, part: Mutex::new(part) });
        }
    }
    tiles
}

/// A row-major copy of a matrix of faer's.
pub(super) fn from_faer<T: Scalar>(a: faer::MatRef<'_, T>) -> Mat<T> {
    let mut out = Mat::zeros(a.nrows(), a.ncols());
    as_faer_mut(out.as_mut_slice(), a.nrows(), a.ncols()).copy_from(a);
    out
}

/// C ← α·A·B, or C ← C + α·A·B, on this thread.
pub(super) fn multiply<T: Scalar>(
    c: faer::MatMut<'_, T>,
    accumulate: bool,
    alpha: T,
    a: faer::MatRef<'_, T>,
    b: faer::MatRef<'_, T>,
) {
    matmul(c, if accumulate { Accum::Add } else { Accum::Replace }, a, b, alpha, Par::Seq);
}

/// Tells faer's factorizations to stay on the calling thread.
pub(super) fn one_thread() {
    faer::set_global_parallelism(Par::Seq);
}
