//! Principal components batch by batch: the memory of one batch, whatever the number of rows.
//!
//! Cost of a batch of b rows: about 6·(b + k)·d² flops, or 6·(b + k)²·d where b + k < d.
//!
//! Twin: `python/smelt/plain/decomposition/incremental_pca.py`.
//!
//! 1. Means and variances of all rows so far from those before and those of the batch.
//! 2. Singular vectors of the components before, as long as their singular values, the centred
//!    batch, and the way between both means (Ross et al. 2008).
//! 3. Signs: the entry of largest magnitude in each component is positive.

use serde::Deserialize;
use smelt_core::{Control, Error, Mat, MatRef, Result};
use smelt_math::linalg::{Scalar, column_means, svd_right};

use super::pca::{flip, not_finite};

/// Parameters of [`incremental_pca_fit_batch`], and what was learned from earlier batches.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IncrementalPcaParams {
    /// Components kept.
    pub n_components: usize,
    /// Rows before.
    pub n_seen: u64,
}

/// What is known after a batch.
#[derive(Debug, Clone)]
pub struct IncrementalPcaFit {
    /// k × d, orthonormal rows.
    pub components: Mat<f64>,
    /// All singular values, falling.
    pub singular: Vec<f64>,
    /// Means of the columns.
    pub mean: Vec<f64>,
    /// Variances of the columns, over n.
    pub variance: Vec<f64>,
}

/// Takes a batch `x` (b × d) to what earlier ones gave: `known` components times their singular
/// values (r × d), `mean` and `variance` (d), nothing at first.
pub fn incremental_pca_fit_batch<T: Scalar>(
    x: MatRef<'_, T>,
    known: MatRef<'_, f64>,
    mean: &[f64],
    variance: &[f64],
    params: &IncrementalPcaParams,
    control: &Control,
) -> Result<IncrementalPcaFit> {
    let (b, d) = (x.n_rows(), x.n_cols());
    let (before, r) = (params.n_seen as f64, known.n_rows());
    if known.n_cols() != d || mean.len() != d || variance.len() != d {
        return Err(Error::data(format!("what is known does not go with {d} columns")));
    }
    // 1.
    let batch_mean = column_means(x, None);
    let all = before + b as f64;
    let (mut new_mean, mut new_variance) = (vec![0.0; d], vec![0.0; d]);
    let extra = usize::from(params.n_seen > 0);
    let mut stack = Mat::<f64>::zeros(r + b + extra, d);
    for i in 0..b {
        let row = stack.row_mut(r + i);
        for j in 0..d {
            row[j] = x.get(i, j).to_f64() - batch_mean[j];
            new_variance[j] += row[j] * row[j];
        }
    }
    for j in 0..d {
        let way = batch_mean[j] - mean[j];
        let squares = new_variance[j] + before * variance[j] + way * way * before * b as f64 / all;
        new_variance[j] = squares / all;
        new_mean[j] = if before > 0.0 { mean[j] + way * b as f64 / all } else { batch_mean[j] };
    }
    if !new_variance.iter().chain(&new_mean).all(|value| value.is_finite()) {
        return Err(not_finite());
    }
    control.check()?;
    // 2.
    for i in 0..r {
        stack.row_mut(i).iter_mut().enumerate().for_each(|(j, value)| *value = known.get(i, j));
    }
    if extra == 1 {
        let weight = (before / all * b as f64).sqrt();
        let row = stack.row_mut(r + b).iter_mut();
        row.enumerate().for_each(|(j, value)| *value = weight * (mean[j] - batch_mean[j]));
    }
    let (singular, vt) = svd_right(stack.view(), control)?;
    let kept = params.n_components.min(singular.len());
    let mut components = vt.view().rows(0, kept).to_mat();
    // 3.
    flip(&mut components);
    Ok(IncrementalPcaFit { components, singular, mean: new_mean, variance: new_variance })
}
