//! Bernoulli naive Bayes: each feature is there or not, and its absence counts too.
//!
//! Cost: one reading of the entries and an addition each; k·d logarithms.  Prediction: two operations
//! for each entry and class, since absent features are summed beforehand.
//!
//! Twin: `python/smelt/plain/naive_bayes/bernoulli_nb.py`.
//!
//! 1. Count features above the threshold within classes.
//! 2. ln P(j | c) = ln(N_cj + α_j) − ln(N_c + 2 α_j).
//!
//! Prediction: ln P(x, c) = ln P(c) + Σ_j ln(1 − p_cj) + Σ_j x_j (ln p_cj − ln(1 − p_cj)).

use serde::Deserialize;
use smelt_core::{Control, Error, Mat, MatRef, Real, Result};

use super::counts::{Before, DiscreteNBFit, alpha_of, by_class, count, logarithms};
use super::linear_scores::linear_scores;
use super::posterior::{Output, Prediction};
use super::samples::Samples;

/// Parameters of [`bernoulli_nb_fit`].
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BernoulliNBParams {
    /// Number of classes.
    pub n_classes: usize,
    /// Smoothing, one for all features or one each.
    pub alpha: Vec<f64>,
    /// Values above it count as 1, others as 0; None takes X as it is.
    pub threshold: Option<f64>,
}

/// Learns from features that are there or not, `codes` has a class for each row.
pub fn bernoulli_nb_fit<T: Real>(
    x: Samples<'_, T>,
    codes: &[i32],
    weights: Option<&[f64]>,
    before: Option<Before<'_>>,
    params: &BernoulliNBParams,
    control: &Control,
) -> Result<DiscreteNBFit> {
    let alpha = alpha_of(&params.alpha, x.n_cols())?;
    // 1.
    let counts = count(x, codes, weights, params.n_classes, params.threshold, before, control)?;
    // 2.
    let feature_log_prob = by_class(&counts.feature_count, |c, row| {
        row.iter_mut().enumerate().for_each(|(j, count)| *count += alpha(j));
        logarithms(row);
        let mut last = (f64::NAN, 0.0);
        for (j, log) in row.iter_mut().enumerate() {
            let total = counts.class_count[c] + 2.0 * alpha(j);
            if total != last.0 {
                last = (total, total.ln());
            }
            *log -= last.1;
        }
    });
    Ok(DiscreteNBFit {
        class_count: counts.class_count,
        feature_count: counts.feature_count,
        feature_log_prob,
        negative: counts.negative,
    })
}

/// Classifies rows; values above `threshold` count as 1, others as 0.
pub fn bernoulli_nb_predict<T: Real>(
    x: Samples<'_, T>,
    feature_log_prob: MatRef<'_, f64>,
    class_log_prior: &[f64],
    threshold: Option<f64>,
    output: Output,
    control: &Control,
) -> Result<Prediction<f64>> {
    let (k, d) = (feature_log_prob.n_rows(), feature_log_prob.n_cols());
    if class_log_prior.len() != k {
        return Err(Error::data(format!(
            "there must be {k} priors, got {}",
            class_log_prior.len()
        )));
    }
    let mut constants = class_log_prior.to_vec();
    let mut weights = Mat::zeros(k, d);
    for c in 0..k {
        let mut last = (f64::NAN, 0.0);
        for j in 0..d {
            let log = feature_log_prob.get(c, j);
            if log != last.0 {
                last = (log, (-log.exp()).ln_1p());
            }
            constants[c] += last.1;
            weights[(c, j)] = log - last.1;
        }
    }
    linear_scores(x, weights.view(), &constants, threshold, output, control)
}
