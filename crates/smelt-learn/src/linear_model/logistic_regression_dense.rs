//! One pass over dense rows: scores, loss and gradient of a block while it lies in the cache.
//!
//! Cost: 4·n·d·k flops; X is read from memory once.  Rows come in blocks of about 200 kB.  For each
//! block: scores, residuals, gradient (`logistic_regression_products.rs`).  Sums over blocks are
//! double precision.

use std::ops::Range;

use smelt_core::simd::vectorize;
use smelt_core::{Control, Error, Mat, MatRef, Real, Result, parallel};

use super::logistic_regression_loss::{Exponential, binary_block, softmax_block};
use super::logistic_regression_products::{add_gradient, block_scores};

/// Bytes of a block of rows.
const BLOCK_BYTES: usize = 200_000;
/// Accumulators of all chunks together, in numbers.
const ACCUMULATORS: usize = 8_000_000;

/// Targets and weights of the rows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Targets<'a> {
    /// Class of each row: 0 … k − 1.
    pub codes: &'a [i32],
    /// Weight of each row.
    pub weight: Option<&'a [f64]>,
    /// 1 for two classes, else the number of classes.
    pub n_outputs: usize,
}

impl<'a> Targets<'a> {
    /// Those of some rows.
    pub(super) fn rows(&self, range: Range<usize>) -> Self {
        Self {
            codes: &self.codes[range.clone()],
            weight: self.weight.map(|weight| &weight[range]),
            n_outputs: self.n_outputs,
        }
    }

    /// Residuals of a block of scores in place; the sum of its losses.  `scratch` holds two numbers
    /// a row.
    pub(super) fn residuals<T: Exponential>(&self, scores: &mut [T], scratch: &mut [T]) -> f64 {
        let (curvatures, losses) = scratch.split_at_mut(scratch.len() / 2);
        vectorize(
            #[inline(always)]
            || {
                if self.n_outputs == 1 {
                    binary_block(scores, curvatures, losses, self.codes, self.weight)
                } else {
                    softmax_block(scores, self.n_outputs, self.codes, self.weight, true)
                }
            },
        )
    }
}

/// Rows of a block: as many as fit, a multiple of 16.
pub(super) fn block_rows<T>(n_cols: usize) -> usize {
    (BLOCK_BYTES / (n_cols.max(1) * std::mem::size_of::<T>())).clamp(32, 512) / 16 * 16
}

/// Rows of a chunk: at most 64 chunks whose accumulators of `width` numbers fit into memory.
pub(super) fn chunk_rows(n_rows: usize, width: usize, block: usize) -> usize {
    let most = (ACCUMULATORS / width.max(1)).clamp(4, 64);
    n_rows.div_ceil(most).next_multiple_of(block).max(block)
}

/// A block of rows with contiguous rows: the rows themselves, or a copy where they are strided.
pub(super) enum Block<'a, T> {
    View(MatRef<'a, T>),
    Copy(Mat<T>),
}

impl<'a, T: Real> Block<'a, T> {
    pub(super) fn new(X: MatRef<'a, T>, range: Range<usize>) -> Self {
        let rows = X.rows(range.start, range.end);
        if rows.has_contiguous_rows() {
            Self::View(rows)
        } else {
            Self::Copy(gather(rows, range.len(), |i| i))
        }
    }

    pub(super) fn view(&self) -> MatRef<'_, T> {
        match self {
            Self::View(view) => *view,
            Self::Copy(mat) => mat.view(),
        }
    }
}

/// Row-major copy of the rows `row(0) … row(n − 1)`; reads along columns where those are contiguous.
pub(super) fn gather<T: Real>(X: MatRef<'_, T>, n: usize, row: impl Fn(usize) -> usize) -> Mat<T> {
    let d = X.n_cols();
    let mut out = Mat::zeros(n, d);
    if X.has_contiguous_rows() {
        for i in 0..n {
            out.row_mut(i).copy_from_slice(X.row(row(i)));
        }
    } else {
        let data = out.as_mut_slice();
        for j in 0..d {
            for i in 0..n {
                data[i * d + j] = X.get(row(i), j);
            }
        }
    }
    out
}

/// Σ s·loss, and its gradient: `k` rows of d + 1 numbers, the intercept's last.
pub(super) fn dense_value_gradient<T: Exponential>(
    X: MatRef<'_, T>,
    targets: &Targets<'_>,
    coef: &[f64],
    control: &Control,
) -> Result<(f64, Vec<f64>)> {
    let (n, d, k) = (X.n_rows(), X.n_cols(), targets.n_outputs);
    let (weights, intercepts) = split_coef::<T>(coef, d, k);
    let block = block_rows::<T>(d);
    let chunk = chunk_rows(n, k * (d + 1), block);
    let cost_ns = (d * k) as f64 * 0.2 + 10.0 * k as f64;
    let parts = parallel::map_chunks(n, chunk, cost_ns, |_, range| -> Result<(f64, Vec<f64>)> {
        let mut loss = 0.0;
        let mut gradient = vec![0.0; k * (d + 1)];
        let mut scores = vec![T::ZERO; block * k];
        let mut scratch = vec![T::ZERO; 2 * block];
        for start in range.clone().step_by(block) {
            control.check()?;
            let rows = start..(start + block).min(range.end);
            let x = Block::new(X, rows.clone());
            let targets = targets.rows(rows.clone());
            let scores = &mut scores[..rows.len() * k];
            block_scores(x.view(), &weights, &intercepts, scores);
            loss += targets.residuals(scores, &mut scratch);
            add_gradient(x.view(), scores, k, &mut gradient);
        }
        Ok((loss, gradient))
    });
    merge(parts, k * (d + 1))
}

/// Sums of the chunks, in their order.
pub(super) fn merge(parts: Vec<Result<(f64, Vec<f64>)>>, width: usize) -> Result<(f64, Vec<f64>)> {
    let mut loss = 0.0;
    let mut gradient = vec![0.0; width];
    for part in parts {
        let (part_loss, part_gradient) = part?;
        loss += part_loss;
        gradient.iter_mut().zip(&part_gradient).for_each(|(sum, value)| *sum += value);
    }
    Ok((loss, gradient))
}

/// Weights (k rows of d) and intercepts of the flat coefficients, rounded to the type of X.
pub(super) fn split_coef<T: Real>(coef: &[f64], d: usize, k: usize) -> (Mat<T>, Vec<T>) {
    let mut weights = Mat::zeros(k, d);
    let mut intercepts = Vec::with_capacity(k);
    for (c, row) in coef.chunks_exact(d + 1).enumerate() {
        weights.row_mut(c).iter_mut().zip(row).for_each(|(out, &w)| *out = T::from_f64(w));
        intercepts.push(T::from_f64(row[d]));
    }
    (weights, intercepts)
}

/// The error for sums that are not numbers, if they are not.
pub(super) fn check_finite(value: f64, gradient: &[f64]) -> Result<()> {
    if value.is_finite() && gradient.iter().all(|entry| entry.is_finite()) {
        return Ok(());
    }
    Err(Error::data(
        "the loss is not finite: X or the sample weights hold NaN, infinite or very large values; \
         fill or drop them, or scale the columns",
    ))
}
