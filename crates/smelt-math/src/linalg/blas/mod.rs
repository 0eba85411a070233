//! The library behind the operations: views of our matrices for faer, and its product.
//!
//! faer is called for one thread always; threads are ours, over pieces with fixed borders.
#![allow(unsafe_code)]

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

/// Strips of `height` rows, each to be written by one thread.
pub(super) fn row_strips<T: Scalar>(
    mut rest: faer::MatMut<'_, T>,
    height: usize,
) -> Vec<Mutex<faer::MatMut<'_, T>>> {
    let mut strips = Vec::with_capacity(rest.nrows().div_ceil(height));
    while rest.nrows() > height {
        let (strip, below) = rest.split_at_row_mut(height);
        strips.push(Mutex::new(strip));
        rest = below;
    }
    strips.push(Mutex::new(rest));
    strips
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
