//! Complement naive Bayes: a class is judged by the words of all others.
//!
//! Cost: as multinomial naive Bayes.
//!
//! Twin: `python/smelt/plain/naive_bayes/complement_nb.py`.
//!
//! 1. Count features within classes.
//! 2. M_cj = Σ_j of all classes + α_j − N_cj, the count outside the class.
//! 3. w_cj = −ln(M_cj / Σ_j M_cj), or with `norm` ln(…) divided by its sum over j.

use serde::Deserialize;
use smelt_core::simd::{sum, vectorize};
use smelt_core::{Control, MatRef, Real, Result};

use super::counts::{Before, DiscreteNBFit, alpha_of, by_class, count};
use super::linear_scores::linear_scores;
use super::posterior::{Output, Prediction};
use super::samples::Samples;

/// Parameters of [`complement_nb_fit`].
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ComplementNBParams {
    /// Number of classes.
    pub n_classes: usize,
    /// Smoothing, one for all features or one each.
    pub alpha: Vec<f64>,
    /// Whether weights are divided by their sum.
    pub norm: bool,
}

/// Learns from counts, `codes` has a class for each row.
pub fn complement_nb_fit<T: Real>(
    x: Samples<'_, T>,
    codes: &[i32],
    weights: Option<&[f64]>,
    before: Option<Before<'_>>,
    params: &ComplementNBParams,
    control: &Control,
) -> Result<DiscreteNBFit> {
    let alpha = alpha_of(&params.alpha, x.n_cols())?;
    // 1.
    let counts = count(x, codes, weights, params.n_classes, None, before, control)?;
    let mut all = vec![0.0; x.n_cols()];
    for c in 0..params.n_classes {
        all.iter_mut().zip(counts.feature_count.row(c)).for_each(|(all, count)| *all += count);
    }
    let feature_log_prob = by_class(&counts.feature_count, |_, row| {
        // 2.
        for (j, (count, all)) in row.iter_mut().zip(&all).enumerate() {
            *count = all + alpha(j) - *count;
        }
        // 3.
        let total = vectorize(|| sum(row));
        row.iter_mut().for_each(|outside| *outside = (*outside / total).ln());
        let divisor = if params.norm { vectorize(|| sum(row)) } else { -1.0 };
        row.iter_mut().for_each(|log| *log /= divisor);
    });
    Ok(DiscreteNBFit {
        class_count: counts.class_count,
        feature_count: counts.feature_count,
        feature_log_prob,
        negative: counts.negative,
    })
}

/// Classifies rows by Σ x_j w_cj plus a constant for each class.
pub fn complement_nb_predict<T: Real>(
    x: Samples<'_, T>,
    feature_log_prob: MatRef<'_, f64>,
    constants: &[f64],
    output: Output,
    control: &Control,
) -> Result<Prediction<f64>> {
    linear_scores(x, feature_log_prob, constants, None, output, control)
}
