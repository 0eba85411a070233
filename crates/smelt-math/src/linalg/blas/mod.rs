//! The library behind the operations: views of our matrices for faer, and its product.
//!
//! faer runs on one thread inside pieces with fixed borders, and the threads are ours; or, inside
//! `eigh` and `svd`, on a fixed number of tasks (`factorize`).  Either way the bits do not depend
//! on the number of threads.
//!
//! # Why SciPy's OpenBLAS is not borrowed
//!
//! Its bits follow its own number of threads, which can only be set for the whole process: one and
//! two threads give different answers in Cholesky from n = 128 on, linear solves and eigenvalues
//! from 256 on, `float32` products from 128 on and `float32` QR from 256 on.  (`float64` products
//! keep their bits; singular values were not compared.)  On one thread it is ahead by a fifth at
//! most in the rows below.  Measured only beside other work: products (ahead by up to a fifth, Gram
//! matrices of 1024 by more), and least squares with a square matrix, where it is ahead by a half,
//! through an algorithm without singular vectors, which no injection into the product would bring.
//!
//! Time of OpenBLAS over ours, so above 1 we are faster; `float64` / `float32`, calls from Python
//! (2026-11-22, two cores of an AMD EPYC with AVX2, SciPy 1.17.1, NumPy 2.4.6 with OpenBLAS 0.3.30
//! and 0.3.31; by `benchmarks/linalg/openblas_table.py`, whole in
//! `benchmarks/results/linalg_openblas.md`):
//!
//! | one thread | 32 | 128 | 512 | 1024 | 2048 | 1e6 × 50 |
//! | --- | --- | --- | --- | --- | --- | --- |
//! | Cholesky | 0.8 / 0.9 | 0.9 / 1.0 | 1.6 / 1.7 | 1.4 / 1.9 | 1.2 / 1.8 | |
//! | linear solve | 1.3 / 1.4 | 1.1 / 1.2 | 1.1 / 1.0 | 1.1 / 1.0 | 1.1 / 1.2 | |
//! | QR | 1.0 / 1.2 | 1.2 / 1.1 | 1.3 / 1.1 | 1.1 / 1.3 | 1.0 / 1.2 | 2.3 / 2.7 |
//! | eigenvalues | 1.1 / 1.3 | 0.9 / 0.9 | 1.0 / 1.0 | 1.0 / 1.0 | 1.0 / 1.0 | |
//! | singular values | 0.9 / 1.0 | 0.9 / 1.0 | 1.2 / 1.1 | 1.1 / 1.3 | 1.0 / 1.1 | 2.3 / 2.1 |
//!
//! | two threads | 32 | 128 | 512 | 1024 | 2048 | 1e6 × 50 |
//! | --- | --- | --- | --- | --- | --- | --- |
//! | Cholesky | 0.8 / 0.9 | 1.9 / 1.0 | 2.0 / 1.8 | 1.5 / 2.2 | 1.4 / 2.0 | |
//! | linear solve | 1.3 / 1.4 | 1.2 / 1.2 | 1.6 / 1.2 | 1.2 / 1.3 | 1.1 / 1.2 | |
//! | QR | 1.0 / 1.2 | 5.3 / 4.5 | 1.6 / 1.4 | 1.3 / 1.6 | 1.1 / 1.4 | 2.4 / 3.6 |
//! | eigenvalues | 1.1 / 1.3 | 0.9 / 0.9 | 0.8 / 0.7 | 0.7 / 0.8 | 0.6 / 0.7 | |
//! | singular values | 0.9 / 0.7 | 3.0 / 4.0 | 15 / 1.2 | 2.2 / 1.3 | 0.7 / 1.0 | 2.4 / 3.6 |
//!
//! The rows of QR, eigenvalues and singular values were measured while one piece ran on one thread:
//! where they lost, they lost to the second thread alone.  Hence the thresholds:
//!
//! | threshold | value | measured with faer alone, two threads |
//! | --- | --- | --- |
//! | `PARALLEL_FROM` | 384 columns | eigenvalues of 128: 1.9 ms with and without; of 512: 42, 32 ms |
//! | `TASKS` (1, 2, 4, 8) | 4 | eigenvalues of 1024: 241, 137, 164, 170 ms |
//! | | | singular values of 1024: 533, 517, 386, 370 ms |
#![allow(unsafe_code)]

use std::ops::Range;
use std::sync::Mutex;

use faer::linalg::matmul::matmul;
use faer::{Accum, Par};
use smelt_core::{Control, Mat, MatRef, Result, parallel};

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

/// `scale`·A as a matrix of faer's own.
pub(super) fn to_faer<T: Scalar>(
    a: MatRef<'_, T>,
    scale: T,
    control: &Control,
) -> Result<faer::Mat<T>> {
    let (m, n) = (a.n_rows(), a.n_cols());
    let mut out = faer::Mat::with_capacity(m, n);
    // A few columns at once: a cache line of a row serves them all.
    for start in (0..n).step_by(16) {
        control.check()?;
        out.resize_with(m, (start + 16).min(n), |i, j| a.get(i, j) * scale);
    }
    Ok(out)
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

/// Columns from which faer works on several threads inside of one factorization.
const PARALLEL_FROM: usize = 384;
/// Tasks it cuts each step into, whatever the number of threads: its sums follow that number.
const TASKS: usize = 4;

/// Runs a factorization by faer of a matrix of `n` columns, so that the caller can be interrupted.
///
/// `work` must hand the [`Par`] it gets to faer.  What was begun goes on to its end on threads of
/// its own after a cancellation, and is dropped.
pub(super) fn factorize<R: Send + 'static>(
    n: usize,
    cost_ns: f64,
    control: &Control,
    work: impl FnOnce(Par) -> R + Send + 'static,
) -> Result<R> {
    if n < PARALLEL_FROM {
        return parallel::interruptible(control, cost_ns, move || work(Par::Seq));
    }
    let n_threads = parallel::threads().min(TASKS);
    let work = move || parallel::in_own_pool(n_threads, move || work(Par::rayon(TASKS)));
    parallel::interruptible(control, cost_ns, work)?
}
