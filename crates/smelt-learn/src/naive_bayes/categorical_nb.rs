//! Categorical naive Bayes: each feature is one of several categories, drawn from its class.
//!
//! Cost: one reading of X and an addition each, after one that finds the number of categories.
//! Prediction: one addition for each entry and class.
//!
//! Twin: `python/smelt/plain/naive_bayes/categorical_nb.py`.
//!
//! 1. The number of categories of each feature: one more than the largest code, or as many as asked.
//! 2. Count categories within classes: k × (all categories of all features, side by side).
//! 3. ln P(category | c) = ln(N + α) − ln Σ (N + α) over the categories of the feature.

use serde::Deserialize;
use smelt_core::parallel::{chunk_size, map_chunks};
use smelt_core::{Control, Error, Mat, MatRef, Result};

use super::counts::{Codes, by_class, count_codes, logarithms};
use super::linear_scores::code_scores;
use super::posterior::{Output, Prediction};
use super::samples::for_blocks;

/// Most counts that are kept: 16 GB of them.
const MOST_COUNTS: usize = 1 << 31;

/// Parameters of [`categorical_nb_fit`].
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CategoricalNBParams {
    /// Number of classes.
    pub n_classes: usize,
    /// Smoothing.
    pub alpha: f64,
    /// Least number of categories of each feature.
    pub min_categories: Vec<i64>,
    /// Number of categories of each feature in the counts of earlier calls.
    pub n_before: Vec<i64>,
}

/// What [`categorical_nb_fit`] learned.
#[derive(Debug, Clone, PartialEq)]
pub struct CategoricalNBFit {
    /// Categories of each feature.
    pub n_categories: Vec<i64>,
    /// Weight of each class.
    pub class_count: Vec<f64>,
    /// k × all categories.
    pub category_count: Mat<f64>,
    /// k × all categories.
    pub feature_log_prob: Mat<f64>,
    /// Whether an entry of X is negative; then nothing is counted.
    pub negative: bool,
}

/// Learns from codes of categories; `before` has the counts of earlier calls.
pub fn categorical_nb_fit(
    x: MatRef<'_, i64>,
    codes: &[i32],
    weights: Option<&[f64]>,
    before: Option<MatRef<'_, f64>>,
    params: &CategoricalNBParams,
    control: &Control,
) -> Result<CategoricalNBFit> {
    let (d, k) = (x.n_cols(), params.n_classes);
    if params.min_categories.len() != d || params.n_before.len() != d {
        return Err(Error::data(format!("numbers of categories must be given for {d} features")));
    }
    // 1.
    let (low, high) = extremes(x, control)?;
    if low.iter().any(|&low| low < 0) {
        return Ok(CategoricalNBFit {
            n_categories: vec![0; d],
            class_count: vec![0.0; k],
            category_count: Mat::zeros(k, 0),
            feature_log_prob: Mat::zeros(k, 0),
            negative: true,
        });
    }
    let least = params.min_categories.iter().zip(&params.n_before);
    let n_categories: Vec<i64> = high
        .iter()
        .zip(least)
        .map(|(&high, (&least, &before))| high.saturating_add(1).max(least).max(before))
        .collect();
    let (offsets, before_offsets) = (offsets_of(&n_categories), offsets_of(&params.n_before));
    let width = offsets.last().copied().unwrap_or(0);
    if width.saturating_mul(k) > MOST_COUNTS {
        let most = n_categories.iter().copied().max().unwrap_or(0);
        return Err(Error::data(format!(
            "the counts of {width} categories (up to {most} of a feature) in {k} classes would take \
             {:.1} GB; give categories small codes, e.g. by OrdinalEncoder",
            width as f64 * k as f64 * 8e-9
        )));
    }
    // 2.
    let mut counts = count_codes(Codes { x, offsets: &offsets }, codes, weights, k, control)?;
    if let Some(before) = before {
        let total = before_offsets.last().copied().unwrap_or(0);
        if (before.n_rows(), before.n_cols()) != (k, total) {
            return Err(Error::data(format!("earlier counts must be of shape ({k}, {total})")));
        }
        for c in 0..k {
            let row = counts.feature_count.row_mut(c);
            for j in 0..d {
                let places = before_offsets[j]..before_offsets[j + 1];
                for (place, count) in places.zip(&mut row[offsets[j]..]) {
                    *count += before.get(c, place);
                }
            }
        }
    }
    // 3.
    let feature_log_prob = by_class(&counts.feature_count, |_, row| {
        for pair in offsets.windows(2) {
            let row = &mut row[pair[0]..pair[1]];
            row.iter_mut().for_each(|count| *count += params.alpha);
            let log_total = row.iter().sum::<f64>().ln();
            logarithms(row);
            row.iter_mut().for_each(|log| *log -= log_total);
        }
    });
    Ok(CategoricalNBFit {
        n_categories,
        class_count: counts.class_count,
        category_count: counts.feature_count,
        feature_log_prob,
        negative: false,
    })
}

/// Classifies rows: ln P(x, c) = ln P(c) + Σ_j ln P(x_j | c).
///
/// A code beyond the categories that are known is an error that begins with its column.
pub fn categorical_nb_predict(
    x: MatRef<'_, i64>,
    feature_log_prob: MatRef<'_, f64>,
    class_log_prior: &[f64],
    n_categories: &[i64],
    output: Output,
    control: &Control,
) -> Result<Prediction<f64>> {
    let offsets = offsets_of(n_categories);
    let width = offsets.last().copied().unwrap_or(0);
    let shape = (feature_log_prob.n_rows(), feature_log_prob.n_cols());
    if x.n_cols() != n_categories.len() || shape != (class_log_prior.len(), width) {
        return Err(Error::data("the tables of the categories do not fit X"));
    }
    let (low, high) = extremes(x, control)?;
    for (j, &known) in n_categories.iter().enumerate() {
        if low[j] < 0 || high[j] >= known {
            let code = if low[j] < 0 { low[j] } else { high[j] };
            return Err(Error::data(format!(
                "index {code} is out of bounds for axis 1 with size {known}: feature {j} had only \
                 {known} categories in fit; set min_categories to make room for more"
            )));
        }
    }
    code_scores(Codes { x, offsets: &offsets }, feature_log_prob, class_log_prior, output, control)
}

/// Smallest and largest code of each column.
fn extremes(x: MatRef<'_, i64>, control: &Control) -> Result<(Vec<i64>, Vec<i64>)> {
    let d = x.n_cols();
    let parts = map_chunks(x.n_rows(), chunk_size(x.n_rows(), 1024), d as f64, |_, range| {
        let (mut low, mut high) = (vec![0_i64; d], vec![0_i64; d]);
        for_blocks(
            x,
            range,
            #[inline(always)]
            |_, rows| {
                if control.check().is_err() {
                    return;
                }
                for i in 0..rows.n_rows() {
                    for ((low, high), &code) in low.iter_mut().zip(&mut high).zip(rows.row(i)) {
                        *low = code.min(*low);
                        *high = code.max(*high);
                    }
                }
            },
        );
        (low, high)
    });
    control.check()?;
    let (mut low, mut high) = (vec![0_i64; d], vec![0_i64; d]);
    for (part_low, part_high) in &parts {
        low.iter_mut().zip(part_low).for_each(|(low, &part)| *low = part.min(*low));
        high.iter_mut().zip(part_high).for_each(|(high, &part)| *high = part.max(*high));
    }
    Ok((low, high))
}

/// First cell of each feature, and the number of all cells.
fn offsets_of(n_categories: &[i64]) -> Vec<usize> {
    let mut offsets = vec![0_usize];
    for &n in n_categories {
        let last = offsets.last().copied().unwrap_or(0);
        offsets.push(last.saturating_add(n.max(0) as usize));
    }
    offsets
}
