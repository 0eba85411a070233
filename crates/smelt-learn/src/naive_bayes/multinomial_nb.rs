//! Multinomial naive Bayes: a row is a bag of counts drawn from its class.
//!
//! Cost: one reading of the entries and an addition each; k·d logarithms.  Prediction: two operations
//! for each entry and class.
//!
//! Twin: `python/smelt/plain/naive_bayes/multinomial_nb.py`.
//!
//! 1. Count features within classes.
//! 2. ln P(j | c) = ln(N_cj + α_j) − ln Σ_j (N_cj + α_j).

use serde::Deserialize;
use smelt_core::simd::{sum, vectorize};
use smelt_core::{Control, MatRef, Real, Result};

use super::counts::{Before, DiscreteNBFit, alpha_of, by_class, count, logarithms};
use super::linear_scores::linear_scores;
use super::posterior::{Output, Prediction};
use super::samples::Samples;

/// Parameters of [`multinomial_nb_fit`].
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MultinomialNBParams {
    /// Number of classes.
    pub n_classes: usize,
    /// Smoothing, one for all features or one each.
    pub alpha: Vec<f64>,
}

/// Learns from counts, `codes` has a class for each row.
pub fn multinomial_nb_fit<T: Real>(
    x: Samples<'_, T>,
    codes: &[i32],
    weights: Option<&[f64]>,
    before: Option<Before<'_>>,
    params: &MultinomialNBParams,
    control: &Control,
) -> Result<DiscreteNBFit> {
    let alpha = alpha_of(&params.alpha, x.n_cols())?;
    // 1.
    let counts = count(x, codes, weights, params.n_classes, None, before, control)?;
    // 2.
    let feature_log_prob = by_class(&counts.feature_count, |_, row| {
        row.iter_mut().enumerate().for_each(|(j, count)| *count += alpha(j));
        let log_total = vectorize(|| sum(row)).ln();
        logarithms(row);
        row.iter_mut().for_each(|log| *log -= log_total);
    });
    Ok(DiscreteNBFit {
        class_count: counts.class_count,
        feature_count: counts.feature_count,
        feature_log_prob,
        negative: counts.negative,
    })
}

/// Classifies rows: ln P(x, c) = ln P(c) + Σ x_j ln P(j | c).
pub fn multinomial_nb_predict<T: Real>(
    x: Samples<'_, T>,
    feature_log_prob: MatRef<'_, f64>,
    class_log_prior: &[f64],
    output: Output,
    control: &Control,
) -> Result<Prediction<f64>> {
    linear_scores(x, feature_log_prob, class_log_prior, None, output, control)
}
