//! Size of the entries, looked at once before a factorization.

use smelt_core::parallel::{chunk_size, map_chunks};
use smelt_core::simd::vectorize;
use smelt_core::{Error, MatRef, Real, Result};

use super::Scalar;

/// The largest |a|; an infinite or missing entry is an error.
pub(super) fn largest<T: Scalar>(a: MatRef<'_, T>) -> Result<T> {
    // Rows of the layout in memory, so that the pass is sequential.
    let a = if a.has_contiguous_rows() { a } else { a.transpose() };
    let chunk = chunk_size(a.n_rows(), 64);
    let cost = a.n_cols() as f64 / 4.0;
    let parts = map_chunks(a.n_rows(), chunk, cost, |_, rows| {
        rows.map(|i| of_row(a, i)).fold((T::ZERO, true), join)
    });
    let (largest, finite) = parts.into_iter().fold((T::ZERO, true), join);
    if finite {
        Ok(largest)
    } else {
        Err(Error::data(
            "the matrix contains NaN or infinity; remove or impute these entries first",
        ))
    }
}

fn join<T: Scalar>(one: (T, bool), other: (T, bool)) -> (T, bool) {
    (Real::max(one.0, other.0), one.1 & other.1)
}

fn of_row<T: Scalar>(a: MatRef<'_, T>, i: usize) -> (T, bool) {
    if a.has_contiguous_rows() {
        return vectorize(
            #[inline(always)]
            || of_slice(a.row(i)),
        );
    }
    (0..a.n_cols()).map(|j| a.get(i, j)).fold((T::ZERO, true), |found, value| {
        join(found, (Real::abs(value), Real::is_finite(value)))
    })
}

#[inline(always)]
fn of_slice<T: Scalar>(row: &[T]) -> (T, bool) {
    let mut lanes = [T::ZERO; 8];
    // x·0 is NaN exactly where x is infinite or missing.
    let mut spoiled = [T::ZERO; 8];
    let (blocks, rest) = row.as_chunks::<8>();
    for block in blocks {
        for l in 0..8 {
            lanes[l] = Real::max(lanes[l], Real::abs(block[l]));
            spoiled[l] += block[l] * T::ZERO;
        }
    }
    for &value in rest {
        lanes[0] = Real::max(lanes[0], Real::abs(value));
        spoiled[0] += value * T::ZERO;
    }
    let most = lanes.into_iter().fold(T::ZERO, |most, value| Real::max(most, value));
    (most, spoiled.into_iter().all(|value| value == T::ZERO))
}

/// The power of two by which a factorization multiplies its input, so that no square over- or
/// underflows; 1 for matrices of ordinary size.
pub(super) fn safe_scale<T: Scalar>(largest: T) -> T {
    let exponent = Real::to_f64(largest).abs().log2();
    let limit = if T::IS_F64 { 400.0 } else { 50.0 };
    if exponent.is_finite() && exponent.abs() > limit {
        // Within 2^±1000, so that the reciprocal is finite too.
        T::from_f64((-exponent.round()).clamp(-1000.0, 1000.0).exp2())
    } else {
        T::ONE
    }
}
