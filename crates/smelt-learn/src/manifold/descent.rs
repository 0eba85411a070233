//! Descent with momentum and a gain for each coordinate, in two stages.
//!
//! Gains grow by 0.2 where a coordinate goes on in its direction and shrink by a fifth where it
//! turns.  The first stage exaggerates the attraction and has the smaller momentum.  Every fifty
//! steps the divergence is looked at.

use serde::Deserialize;
use smelt_core::{Control, Error, Result};

/// Steps between two looks at the divergence.
const CHECK_EVERY: usize = 50;
/// Smallest gain.
const LEAST_GAIN: f64 = 0.01;

/// Parameters of the descent of t-SNE.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TsneParams {
    /// Factor of the attraction in the first stage.
    pub early_exaggeration: f64,
    /// Steps of the first stage.
    pub exploration_iter: usize,
    /// Steps of both stages.
    pub max_iter: usize,
    /// Lengths of the steps of the stages.
    pub learning_rates: (f64, f64),
    /// Steps without progress after which the second stage ends.
    pub n_iter_without_progress: i64,
    /// Norm of the gradient at which a stage ends.
    pub min_grad_norm: f64,
    /// A cell is far where its side is less than this times its distance; not read by the exact way.
    pub angle: f64,
}

impl TsneParams {
    pub(crate) fn check(&self) -> Result<()> {
        let positive = [
            ("early_exaggeration", self.early_exaggeration),
            ("learning_rate", self.learning_rates.0),
            ("learning_rate", self.learning_rates.1),
        ];
        for (name, value) in positive {
            if !(value > 0.0 && value.is_finite()) {
                return Err(Error::parameter(name, format!("must be greater than 0, got {value}")));
            }
        }
        check_angle(self.angle)
    }
}

pub(crate) fn check_angle(angle: f64) -> Result<()> {
    if (0.0..=1.0).contains(&angle) {
        return Ok(());
    }
    Err(Error::parameter("angle", format!("must be from 0 to 1, got {angle}")))
}

/// What t-SNE learned.
#[derive(Debug, Clone)]
pub struct TsneFit {
    /// Coordinates, row after row.
    pub embedding: Vec<f64>,
    /// Divergence of the embedding.
    pub kl_divergence: f64,
    /// Last step.
    pub n_iter: usize,
    /// Step, divergence and norm of the gradient at each look.
    pub history: Vec<(usize, f64, f64)>,
}

/// A divergence with its gradient.
pub(crate) trait Objective {
    /// Sets `gradient`; returns the divergence where it is wanted, else NaN.
    fn evaluate(
        &mut self,
        embedding: &[f64],
        exaggeration: f64,
        wants_error: bool,
        gradient: &mut [f64],
        control: &Control,
    ) -> Result<f64>;
}

/// Walks down both stages.
pub(crate) fn descend(
    objective: &mut impl Objective,
    start: Vec<f64>,
    params: &TsneParams,
    control: &Control,
) -> Result<TsneFit> {
    let mut gradient = vec![0.0; start.len()];
    let mut fit =
        TsneFit { embedding: start, kl_divergence: f64::NAN, n_iter: 0, history: Vec::new() };
    let explored = params.exploration_iter.min(params.max_iter);
    let mut next = 0;
    let stages = [
        (explored, params.early_exaggeration, 0.5, params.learning_rates.0, explored as i64),
        (params.max_iter, 1.0, 0.8, params.learning_rates.1, params.n_iter_without_progress),
    ];
    control.set_total(params.max_iter as u64);
    for (last, exaggeration, momentum, learning_rate, patience) in stages {
        let (mut best, mut best_step) = (f64::INFINITY, next as i64);
        let mut updates = vec![0.0; gradient.len()];
        let mut gains = vec![1.0; gradient.len()];
        while next < last {
            control.check()?;
            let is_checked = (next + 1) % CHECK_EVERY == 0;
            let wants_error = is_checked || next + 1 == last;
            let error = objective.evaluate(
                &fit.embedding,
                exaggeration,
                wants_error,
                &mut gradient,
                control,
            )?;
            step(
                &mut fit.embedding,
                &mut updates,
                &mut gains,
                &mut gradient,
                momentum,
                learning_rate,
            );
            fit.n_iter = next;
            next += 1;
            control.advance(1);
            if wants_error {
                fit.kl_divergence = error;
            }
            if is_checked {
                let norm = gradient.iter().map(|g| g * g).sum::<f64>().sqrt();
                fit.history.push((next, error, norm));
                if error < best {
                    (best, best_step) = (error, fit.n_iter as i64);
                } else if fit.n_iter as i64 - best_step > patience {
                    break;
                }
                if norm <= params.min_grad_norm {
                    break;
                }
            }
        }
    }
    if params.max_iter <= explored {
        // What was looked at so far is the exaggerated divergence.
        fit.kl_divergence =
            objective.evaluate(&fit.embedding, 1.0, true, &mut gradient, control)?;
    }
    if fit.embedding.iter().any(|value| !value.is_finite()) {
        return Err(diverged());
    }
    Ok(fit)
}

/// The error for an embedding that is no longer finite.
pub(crate) fn diverged() -> Error {
    Error::data("the embedding flies apart: choose a lower `learning_rate`")
}

/// One step; the gradient comes back multiplied by the gains.
fn step(
    embedding: &mut [f64],
    updates: &mut [f64],
    gains: &mut [f64],
    gradient: &mut [f64],
    momentum: f64,
    learning_rate: f64,
) {
    smelt_core::simd::vectorize(
        #[inline(always)]
        || {
            let moved = embedding.iter_mut().zip(updates).zip(gains).zip(gradient);
            for (((y, update), gain), slope) in moved {
                let grown = if *update * *slope < 0.0 { *gain + 0.2 } else { *gain * 0.8 };
                *gain = if grown < LEAST_GAIN { LEAST_GAIN } else { grown };
                *slope *= *gain;
                *update = momentum * *update - learning_rate * *slope;
                *y += *update;
            }
        },
    );
}
