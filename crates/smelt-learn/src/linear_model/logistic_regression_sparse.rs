//! One pass over sparse rows: scores, loss and gradient of a block while it lies in the cache.
//!
//! Cost: 4 flops for each stored entry and output; X is read from memory once.  Each chunk adds to
//! a gradient of its own, so the number of chunks is kept small where there are many columns.

use std::ops::Range;

use smelt_core::simd::vectorize;
use smelt_core::{Control, CsrRef, Mat, MatRef, Real, Result, parallel};

use super::logistic_regression_dense::{
    Targets, block_rows, chunk_rows, dense_value_gradient, gather, merge, split_coef,
};
use super::logistic_regression_loss::Exponential;
use super::logistic_regression_precondition::Design;
use super::logistic_regression_products::block_scores;

/// Rows of a block.
const BLOCK: usize = 256;
/// Most columns of a sparse X in the preconditioner's Gram matrix.
const SPARSE_HEAD: usize = 256;
/// Most columns of a dense X there.
const DENSE_HEAD: usize = 1024;

/// Rows of a chunk: the gradients of all chunks together stay below the size of X.
fn sparse_chunk<T: Copy>(X: &CsrRef<'_, T>, width: usize) -> usize {
    let most = (X.n_entries() / (2 * width.max(1))).clamp(4, 16);
    X.n_rows().div_ceil(most).max(BLOCK).next_multiple_of(BLOCK)
}

/// Entries of some rows and the scores they get.
#[inline(always)]
fn sparse_scores<T: Real>(
    X: &CsrRef<'_, T>,
    rows: impl Iterator<Item = usize>,
    by_column: &[T],
    intercepts: &[T],
    scores: &mut [T],
) {
    let k = intercepts.len();
    for (i, out) in rows.zip(scores.chunks_exact_mut(k)) {
        let (indices, values) = X.row(i);
        if k == 1 {
            let mut sums = [T::ZERO; 4];
            for (e, (&j, &value)) in indices.iter().zip(values).enumerate() {
                sums[e % 4] = by_column[j as usize].mul_add(value, sums[e % 4]);
            }
            out[0] = intercepts[0] + ((sums[0] + sums[2]) + (sums[1] + sums[3]));
        } else {
            out.copy_from_slice(intercepts);
            for (&j, &value) in indices.iter().zip(values) {
                let weights = &by_column[j as usize * k..(j as usize + 1) * k];
                for (out, &weight) in out.iter_mut().zip(weights) {
                    *out = weight.mul_add(value, *out);
                }
            }
        }
    }
}

/// Adds Σᵢ r[i, c]·value(x[i, j]) to `sums`, k numbers a column.
#[inline(always)]
fn scatter<T: Real>(
    X: &CsrRef<'_, T>,
    rows: impl Iterator<Item = usize>,
    residuals: &[T],
    k: usize,
    sums: &mut [f64],
    value: impl Fn(T) -> T,
) {
    for (i, residual) in rows.zip(residuals.chunks_exact(k)) {
        let (indices, values) = X.row(i);
        if k == 1 {
            let residual = residual[0];
            for (&j, &x) in indices.iter().zip(values) {
                sums[j as usize] += (residual * value(x)).to_f64();
            }
        } else {
            for (&j, &x) in indices.iter().zip(values) {
                let x = value(x);
                let out = &mut sums[j as usize * k..(j as usize + 1) * k];
                for (out, &residual) in out.iter_mut().zip(residual) {
                    *out += (residual * x).to_f64();
                }
            }
        }
    }
}

/// Weights by column (k numbers each) and intercepts.
fn by_column<T: Real>(coef: &[f64], d: usize, k: usize) -> (Vec<T>, Vec<T>) {
    let (weights, intercepts) = split_coef::<T>(coef, d, k);
    if k == 1 {
        return (weights.into_vec(), intercepts);
    }
    let mut out = vec![T::ZERO; d * k];
    for c in 0..k {
        for (j, &weight) in weights.row(c).iter().enumerate() {
            out[j * k + c] = weight;
        }
    }
    (out, intercepts)
}

impl<T: Exponential> Design<T> for CsrRef<'_, T> {
    fn n_rows(&self) -> usize {
        CsrRef::n_rows(self)
    }

    fn n_cols(&self) -> usize {
        CsrRef::n_cols(self)
    }

    fn most_head(&self) -> usize {
        SPARSE_HEAD
    }

    fn value_gradient(
        &self,
        targets: &Targets<'_>,
        coef: &[f64],
        control: &Control,
    ) -> Result<(f64, Vec<f64>)> {
        let (n, d, k) = (CsrRef::n_rows(self), CsrRef::n_cols(self), targets.n_outputs);
        let (weights, intercepts) = by_column::<T>(coef, d, k);
        let chunk = sparse_chunk(self, k * (d + 1));
        let cost_ns = (self.n_entries() / n.max(1) * k) as f64 + 10.0;
        let parts = parallel::map_chunks(n, chunk, cost_ns, |_, range| {
            let mut loss = 0.0;
            let mut sums = vec![0.0; k * (d + 1)];
            let mut scores = vec![T::ZERO; BLOCK * k];
            let mut scratch = vec![T::ZERO; 2 * BLOCK];
            for start in range.clone().step_by(BLOCK) {
                control.check()?;
                let rows = start..(start + BLOCK).min(range.end);
                let targets = targets.rows(rows.clone());
                let scores = &mut scores[..rows.len() * k];
                vectorize(
                    #[inline(always)]
                    || sparse_scores(self, rows.clone(), &weights, &intercepts, scores),
                );
                loss += targets.residuals(scores, &mut scratch);
                vectorize(
                    #[inline(always)]
                    || scatter(self, rows, scores, k, &mut sums, |x| x),
                );
                for residual in scores.chunks_exact(k) {
                    for (out, r) in sums[k * d..].iter_mut().zip(residual) {
                        *out += r.to_f64();
                    }
                }
            }
            Ok((loss, sums))
        });
        let (loss, sums) = merge(parts, k * (d + 1))?;
        if k == 1 {
            return Ok((loss, sums));
        }
        let mut gradient = vec![0.0; k * (d + 1)];
        for j in 0..=d {
            for c in 0..k {
                gradient[c * (d + 1) + j] = sums[j * k + c];
            }
        }
        Ok((loss, gradient))
    }

    fn scores(&self, rows: &[usize], coef: &[f64], k: usize, control: &Control) -> Result<Mat<T>> {
        let (weights, intercepts) = by_column::<T>(coef, CsrRef::n_cols(self), k);
        let mut out = Mat::zeros(rows.len(), k);
        let cost_ns = (self.n_entries() / CsrRef::n_rows(self).max(1) * k) as f64;
        parallel::for_chunks_mut(out.as_mut_slice(), k, BLOCK, cost_ns, |_, range, part| {
            if control.check().is_ok() {
                let rows = rows[range].iter().copied();
                vectorize(
                    #[inline(always)]
                    || sparse_scores(self, rows, &weights, &intercepts, part),
                );
            }
        });
        control.check()?;
        Ok(out)
    }

    fn diagonal(&self, rows: &[usize], h: &Mat<T>, control: &Control) -> Result<Mat<f64>> {
        let (d, k) = (CsrRef::n_cols(self), h.n_cols());
        let chunk = sparse_chunk(self, k * d);
        let parts = parallel::map_chunks(rows.len(), chunk, 100.0, |_, range| {
            let mut sums = vec![0.0; k * d];
            for start in range.clone().step_by(BLOCK) {
                control.check()?;
                let block = start..(start + BLOCK).min(range.end);
                let h = &h.as_slice()[block.start * k..block.end * k];
                let rows = rows[block].iter().copied();
                vectorize(
                    #[inline(always)]
                    || scatter(self, rows, h, k, &mut sums, |x| x * x),
                );
            }
            Ok((0.0, sums))
        });
        let (_, sums) = merge(parts, k * d)?;
        let mut out = Mat::zeros(k, d);
        for j in 0..d {
            for c in 0..k {
                out[(c, j)] = sums[j * k + c];
            }
        }
        Ok(out)
    }

    fn gather(&self, rows: &[usize], scales: &[f64], columns: &[usize]) -> Mat<T> {
        let n_columns = columns.len();
        let mut place = vec![u32::MAX; CsrRef::n_cols(self)];
        for (position, &j) in columns.iter().enumerate() {
            place[j] = position as u32;
        }
        let mut out = Mat::zeros(rows.len(), n_columns + 1);
        for (i, (&row, &scale)) in rows.iter().zip(scales).enumerate() {
            let scale = T::from_f64(scale);
            let out = out.row_mut(i);
            let (indices, values) = self.row(row);
            for (&j, &value) in indices.iter().zip(values) {
                let position = place[j as usize];
                if position != u32::MAX {
                    out[position as usize] += scale * value;
                }
            }
            out[n_columns] = scale;
        }
        out
    }
}

impl<T: Exponential> Design<T> for MatRef<'_, T> {
    fn n_rows(&self) -> usize {
        MatRef::n_rows(self)
    }

    fn n_cols(&self) -> usize {
        MatRef::n_cols(self)
    }

    fn most_head(&self) -> usize {
        DENSE_HEAD
    }

    fn value_gradient(
        &self,
        targets: &Targets<'_>,
        coef: &[f64],
        control: &Control,
    ) -> Result<(f64, Vec<f64>)> {
        dense_value_gradient(*self, targets, coef, control)
    }

    fn scores(&self, rows: &[usize], coef: &[f64], k: usize, control: &Control) -> Result<Mat<T>> {
        let d = MatRef::n_cols(self);
        let (weights, intercepts) = split_coef::<T>(coef, d, k);
        let mut out = Mat::zeros(rows.len(), k);
        let cost_ns = (d * k) as f64 * 0.1 + d as f64;
        let block = block_rows::<T>(d);
        parallel::for_chunks_mut(out.as_mut_slice(), k, block, cost_ns, |_, range, part| {
            if control.check().is_ok() {
                let x = gather(*self, range.len(), |i| rows[range.start + i]);
                block_scores(x.view(), &weights, &intercepts, part);
            }
        });
        control.check()?;
        Ok(out)
    }

    fn diagonal(&self, rows: &[usize], h: &Mat<T>, control: &Control) -> Result<Mat<f64>> {
        let (d, k) = (MatRef::n_cols(self), h.n_cols());
        let chunk = chunk_rows(rows.len(), k * d, BLOCK);
        let parts =
            parallel::map_chunks(rows.len(), chunk, (d * k) as f64, |_, range: Range<usize>| {
                let mut sums = vec![0.0; k * d];
                for start in range.clone().step_by(BLOCK) {
                    control.check()?;
                    let block = start..(start + BLOCK).min(range.end);
                    let x = gather(*self, block.len(), |i| rows[block.start + i]);
                    vectorize(
                        #[inline(always)]
                        || {
                            for (i, row) in block.clone().enumerate() {
                                for (c, sums) in sums.chunks_exact_mut(d).enumerate() {
                                    let h = h[(row, c)];
                                    for (sum, &value) in sums.iter_mut().zip(x.row(i)) {
                                        *sum += (h * value * value).to_f64();
                                    }
                                }
                            }
                        },
                    );
                }
                Ok((0.0, sums))
            });
        let (_, sums) = merge(parts, k * d)?;
        Mat::from_vec(sums, k, d)
    }

    fn gather(&self, rows: &[usize], scales: &[f64], columns: &[usize]) -> Mat<T> {
        let n_columns = columns.len();
        let whole = n_columns == MatRef::n_cols(self) && self.has_contiguous_rows();
        let mut out = Mat::zeros(rows.len(), n_columns + 1);
        parallel::for_chunks_mut(
            out.as_mut_slice(),
            n_columns + 1,
            64,
            n_columns as f64,
            |_, range, part| {
                for (i, out) in range.zip(part.chunks_exact_mut(n_columns + 1)) {
                    let scale = T::from_f64(scales[i]);
                    if whole {
                        let row = self.row(rows[i]);
                        out.iter_mut().zip(row).for_each(|(out, &value)| *out = scale * value);
                    } else {
                        for (out, &j) in out.iter_mut().zip(columns) {
                            *out = scale * self.get(rows[i], j);
                        }
                    }
                    out[n_columns] = scale;
                }
            },
        );
        out
    }
}
