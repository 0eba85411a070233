//! Means of columns, exact ones and guesses from a few rows.

use std::ops::Range;

use smelt_core::parallel::{chunk_size, map_chunks};
use smelt_core::simd::vectorize;
use smelt_core::{MatRef, Real};

/// Rows from which the means are guessed.
const SAMPLE: usize = 128;

/// Means of the columns of `x`, weighted; fixed chunks, added in order.
pub fn column_means<T: Real>(x: MatRef<'_, T>, weights: Option<&[f64]>) -> Vec<f64> {
    let shift = guess_means(x, weights);
    let chunk = chunk_size(x.n_rows(), 256);
    let sums = map_chunks(x.n_rows(), chunk, x.n_cols() as f64, |_, rows| {
        let weight: f64 = weights.map_or(rows.len() as f64, |w| w[rows.clone()].iter().sum());
        let sums = vectorize(
            #[inline(always)]
            || {
                let mut sums = vec![0.0; x.n_cols()];
                add_rows(x, rows, &shift, weights, &mut sums);
                sums
            },
        );
        (weight, sums)
    });
    let weight: f64 = sums.iter().map(|(weight, _)| weight).sum();
    let mut means = vec![0.0; x.n_cols()];
    for (_, part) in &sums {
        for (mean, part) in means.iter_mut().zip(part) {
            *mean += part;
        }
    }
    means.iter().zip(&shift).map(|(sum, shift)| shift + sum / weight).collect()
}

#[inline(always)]
fn add_rows<T: Real>(
    x: MatRef<'_, T>,
    rows: Range<usize>,
    shift: &[f64],
    weights: Option<&[f64]>,
    sums: &mut [f64],
) {
    if x.has_contiguous_rows() {
        for i in rows {
            let weight = weights.map_or(1.0, |w| w[i]);
            for ((sum, value), shift) in sums.iter_mut().zip(x.row(i)).zip(shift) {
                *sum += (value.to_f64() - shift) * weight;
            }
        }
    } else {
        for (j, (sum, shift)) in sums.iter_mut().zip(shift).enumerate() {
            for i in rows.clone() {
                *sum += (x.get(i, j).to_f64() - shift) * weights.map_or(1.0, |w| w[i]);
            }
        }
    }
}

/// Means of evenly spaced rows, computed about the first of them, so that a constant column gives
/// its constant exactly.
pub(super) fn guess_means<T: Real>(x: MatRef<'_, T>, weights: Option<&[f64]>) -> Vec<f64> {
    let step = x.n_rows().div_ceil(SAMPLE).max(1);
    let weight = |i: usize| weights.map_or(1.0, |w| w[i]);
    let mut sample: Vec<usize> =
        (0..x.n_rows()).step_by(step).filter(|&i| weight(i) > 0.0).collect();
    if sample.is_empty() {
        sample = (0..x.n_rows()).find(|&i| weight(i) > 0.0).into_iter().collect();
    }
    let Some(&first) = sample.first() else { return vec![0.0; x.n_cols()] };
    let total: f64 = sample.iter().map(|&i| weight(i)).sum();
    let mean = |j: usize| {
        let origin = x.get(first, j).to_f64();
        let sum: f64 = sample.iter().map(|&i| (x.get(i, j).to_f64() - origin) * weight(i)).sum();
        origin + sum / total
    };
    (0..x.n_cols()).map(mean).collect()
}

/// Mean squares of the columns about `means`, of evenly spaced rows.
pub(super) fn sample_squares<T: Real>(x: MatRef<'_, T>, means: &[f64]) -> Vec<f64> {
    let step = x.n_rows().div_ceil(SAMPLE).max(1);
    let square = |j: usize| {
        let squares =
            (0..x.n_rows()).step_by(step).map(|i| (x.get(i, j).to_f64() - means[j]).powi(2));
        squares.sum::<f64>() / x.n_rows().div_ceil(step) as f64
    };
    (0..x.n_cols()).map(square).collect()
}
