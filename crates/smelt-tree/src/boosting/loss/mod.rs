//! Losses of gradient boosting: value, gradient, curvature, best constant.
//!
//! Twin: `smelt/plain/ensemble/hist_gradient_boosting_loss.py`.  `raw` is the raw prediction, the sum of
//! the trees; the formulas of scikit-learn's losses are its own, so that gradients agree to the last
//! bit.  A loss of one raw prediction a row is a [`RowLoss`], a few lines in the file of its family;
//! one of several is a [`Loss`].
//!
//! | loss | prediction | loss of a row | gradient | curvature |
//! | --- | --- | --- | --- | --- |
//! | squared error | raw | ½(raw − y)² | raw − y | 1 |
//! | absolute error | raw | abs(raw − y) | sign(raw − y) | 1 (none exists) |
//! | quantile q | raw | (y − raw)(q − 1{y < raw}) | 1{y < raw} − q | 1 (none exists) |
//! | Huber δ | raw | ½r², from abs(r) = δ on δ·abs(r) − ½δ², r = raw − y | r within ±δ | 1 |
//! | Poisson | eʳᵃʷ | eʳᵃʷ − y·raw | eʳᵃʷ − y | eʳᵃʷ |
//! | gamma | eʳᵃʷ | raw + y·e⁻ʳᵃʷ | 1 − y·e⁻ʳᵃʷ | y·e⁻ʳᵃʷ |
//! | Tweedie p | eʳᵃʷ | −y·e⁽¹⁻ᵖ⁾ʳᵃʷ/(1 − p) + e⁽²⁻ᵖ⁾ʳᵃʷ/(2 − p) | −y·e⁽¹⁻ᵖ⁾ʳᵃʷ + e⁽²⁻ᵖ⁾ʳᵃʷ | its slope |
//! | cross-entropy | σ(raw) | as log-loss of 2 classes, y in [0, 1] | | |
//! | LambdaRank | raw | 1 − NDCG@k of a query | see `ranking.rs` | |
//! | log-loss, 2 classes | σ(raw) | ln(1 + eʳᵃʷ) − y·raw | σ(raw) − y | σ(raw)(1 − σ(raw)) |
//! | log-loss, k classes | softmax(raw) | ln Σ eʳᵃʷ − raw_y | p_c − 1{y = c} | p_c(1 − p_c) |

mod classes;
mod custom;
mod positive;
mod quantiles;
mod ranking;
mod residual;

use std::fmt::Debug;

use serde::Deserialize;
use smelt_core::{Error, Result, parallel};

use self::classes::{Binomial, CrossEntropy, Multinomial};
use self::custom::Custom;
use self::positive::{Gamma, Poisson, Tweedie};
use self::quantiles::Quantiles;
use self::ranking::LambdaRank;
pub use self::residual::Constant;
use self::residual::{AbsoluteError, Huber, Quantile, SquaredError};
use crate::quantile::average;

/// Rows that one task works on.
const CHUNK: usize = 8192;

/// Name of a loss, as the user writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum LossName {
    SquaredError,
    AbsoluteError,
    Gamma,
    Poisson,
    Quantile,
    LogLoss,
    Huber,
    Tweedie,
    CrossEntropy,
    #[serde(rename = "lambdarank")]
    LambdaRank,
    Custom,
}

/// One level of the quantile loss, or several.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Levels {
    /// One output.
    One(f64),
    /// An output each.
    Several(Vec<f64>),
}

/// A loss by name, with what it needs to know.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LossParams {
    /// Its name.
    pub loss: LossName,
    /// Level of the quantile loss.
    #[serde(default)]
    pub quantile: Option<Levels>,
    /// Number of classes; 0 for regression.
    #[serde(default)]
    pub n_classes: usize,
    /// Residual from which on the Huber loss is linear.
    #[serde(default)]
    pub delta: Option<f64>,
    /// Power of the Tweedie loss.
    #[serde(default)]
    pub power: Option<f64>,
    /// Places of a ranking that count.
    #[serde(default)]
    pub truncation: Option<usize>,
}

/// Targets, with weights and, for rankings, where each query starts (and the last ends).
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs)]
pub struct Target<'a> {
    pub y: &'a [f64],
    pub weight: Option<&'a [f64]>,
    pub groups: Option<&'a [i64]>,
}

/// The loss that the parameters name.
pub fn named(params: &LossParams) -> Result<Box<dyn Loss>> {
    let n_classes = params.n_classes;
    Ok(match params.loss {
        LossName::SquaredError => Box::new(SquaredError),
        LossName::AbsoluteError => Box::new(AbsoluteError),
        LossName::Gamma => Box::new(Gamma),
        LossName::Poisson => Box::new(Poisson),
        LossName::Quantile => match &params.quantile {
            Some(Levels::Several(levels)) => Box::new(Quantiles::new(levels)?),
            Some(Levels::One(level)) => Box::new(Quantile::new(Some(*level))?),
            None => Box::new(Quantile::new(None)?),
        },
        LossName::Huber => Box::new(Huber::new(params.delta.unwrap_or(1.0))?),
        LossName::Tweedie => Box::new(Tweedie::new(params.power.unwrap_or(1.5))?),
        LossName::CrossEntropy => Box::new(CrossEntropy),
        LossName::LambdaRank => Box::new(LambdaRank::new(params.truncation.unwrap_or(30))?),
        LossName::Custom => Box::new(Custom(if n_classes > 2 { n_classes } else { 1 })),
        LossName::LogLoss if n_classes <= 2 => Box::new(Binomial),
        LossName::LogLoss => Box::new(Multinomial(n_classes)),
    })
}

/// What boosting asks of a loss.
///
/// `raw` holds one column an output, each of `y.len()` rows.
pub trait Loss: Debug + Sync {
    /// Columns of the raw prediction: trees grown in an iteration.
    fn n_outputs(&self) -> usize {
        1
    }

    /// Whether every row has curvature 1 (given no weights).
    fn has_constant_hessian(&self) -> bool {
        false
    }

    /// The constant that leaves take instead of a Newton step, if any.
    fn leaf_constant(&self, output: usize) -> Option<Constant> {
        let _ = output;
        None
    }

    /// Refuses targets that the loss has no meaning for.
    fn check_target(&self, target: Target<'_>) -> Result<()>;

    /// Best constant raw prediction, one value an output.
    fn baseline(&self, target: Target<'_>) -> Vec<f64>;

    /// Gradient and curvature of every row and output: `out[i * n_outputs + c]`, rounded to f32.
    fn gradients(&self, target: Target<'_>, raw: &[f64], out: &mut [[f32; 2]]);

    /// Weighted mean of the loss over all rows.
    fn mean(&self, target: Target<'_>, raw: &[f64]) -> f64;

    /// Gradient and curvature of one row, for losses of one raw prediction a row.
    fn of_row(&self, y: f64, raw: f64) -> Option<(f64, f64)> {
        let _ = (y, raw);
        None
    }
}

/// A loss of one raw prediction a row.
pub(crate) trait RowLoss: Debug + Sync {
    /// See [`Loss::has_constant_hessian`].
    const CONSTANT_HESSIAN: bool = false;

    /// Gradient and curvature.
    fn derivatives(&self, y: f64, raw: f64) -> (f64, f64);

    /// The loss.
    fn value(&self, y: f64, raw: f64) -> f64;

    /// The best constant.
    fn constant(&self, y: &[f64], weight: Option<&[f64]>) -> f64;

    /// See [`Loss::leaf_constant`].
    fn leaf(&self) -> Option<Constant> {
        None
    }

    /// What is wrong with the targets.
    fn complaint(&self, y: &[f64]) -> Option<&'static str> {
        let _ = y;
        None
    }
}

impl<L: RowLoss> Loss for L {
    fn has_constant_hessian(&self) -> bool {
        L::CONSTANT_HESSIAN
    }

    fn leaf_constant(&self, _: usize) -> Option<Constant> {
        self.leaf()
    }

    fn check_target(&self, target: Target<'_>) -> Result<()> {
        self.complaint(target.y).map_or(Ok(()), |complaint| Err(Error::data(complaint)))
    }

    fn baseline(&self, target: Target<'_>) -> Vec<f64> {
        vec![self.constant(target.y, target.weight)]
    }

    fn gradients(&self, target: Target<'_>, raw: &[f64], out: &mut [[f32; 2]]) {
        let Target { y, weight, .. } = target;
        parallel::for_chunks_mut(out, 1, CHUNK, 10.0, |_, rows, out| {
            for (i, out) in rows.zip(out) {
                let (gradient, hessian) = self.derivatives(y[i], raw[i]);
                let scale = weight.map_or(1.0, |weight| weight[i]);
                *out = [(scale * gradient) as f32, (scale * hessian) as f32];
            }
        });
    }

    fn mean(&self, target: Target<'_>, raw: &[f64]) -> f64 {
        let Target { y, weight, .. } = target;
        mean_of(y.len(), 15.0, weight, |i| self.value(y[i], raw[i]))
    }

    fn of_row(&self, y: f64, raw: f64) -> Option<(f64, f64)> {
        Some(self.derivatives(y, raw))
    }
}

/// Weighted mean of the losses of `n` rows.
fn mean_of(
    n: usize,
    cost_ns: f64,
    weight: Option<&[f64]>,
    value: impl Fn(usize) -> f64 + Sync,
) -> f64 {
    let mut values = vec![0.0; n];
    parallel::for_chunks_mut(&mut values, 1, CHUNK, cost_ns, |_, rows, out| {
        rows.zip(out).for_each(|(i, out)| *out = value(i));
    });
    average(n, &|i| values[i], weight)
}

/// Weighted mean of the targets.
fn mean_target(y: &[f64], weight: Option<&[f64]>) -> f64 {
    average(y.len(), &|i| y[i], weight)
}

#[cfg(test)]
mod tests {
    use super::{Levels, Loss, LossName, LossParams, Target, named};

    fn make(loss: LossName, n_classes: usize) -> Box<dyn Loss> {
        let params = LossParams {
            loss,
            quantile: Some(Levels::One(0.3)),
            n_classes,
            delta: Some(0.7),
            power: Some(1.3),
            truncation: None,
        };
        named(&params).unwrap()
    }

    fn target<'a>(y: &'a [f64], weight: Option<&'a [f64]>) -> Target<'a> {
        Target { y, weight, groups: None }
    }

    #[test]
    fn gradients_are_slopes_of_the_loss() {
        let y = [1.0, 0.0, 1.0];
        let losses = [
            (LossName::SquaredError, 0),
            (LossName::Gamma, 0),
            (LossName::Poisson, 0),
            (LossName::Quantile, 0),
            (LossName::Huber, 0),
            (LossName::Tweedie, 0),
            (LossName::CrossEntropy, 0),
            (LossName::LogLoss, 2),
            (LossName::LogLoss, 3),
        ];
        for (name, n_classes) in losses {
            let loss = make(name, n_classes);
            let k = loss.n_outputs();
            let raw: Vec<f64> = (0..3 * k).map(|i| 0.7 * i as f64 - 0.9).collect();
            let mut out = vec![[0.0; 2]; 3 * k];
            loss.gradients(target(&y, None), &raw, &mut out);
            for i in 0..3 {
                for c in 0..k {
                    let shifted = |step: f64| {
                        let mut raw = raw.clone();
                        raw[c * 3 + i] += step;
                        3.0 * loss.mean(target(&y, None), &raw)
                    };
                    let slope = (shifted(1e-6) - shifted(-1e-6)) / 2e-6;
                    assert!((slope - f64::from(out[i * k + c][0])).abs() < 1e-4, "{loss:?}");
                }
            }
        }
    }

    #[test]
    fn the_baseline_is_a_minimum() {
        let y = [1.0, 0.0, 1.0, 1.0];
        let weight = [1.0, 2.0, 0.5, 1.0];
        for name in [
            LossName::SquaredError,
            LossName::Poisson,
            LossName::LogLoss,
            LossName::AbsoluteError,
            LossName::Huber,
            LossName::Tweedie,
            LossName::CrossEntropy,
        ] {
            let (loss, target) = (make(name, 2), target(&y, Some(&weight)));
            let base = loss.baseline(target)[0];
            let at = |raw: f64| loss.mean(target, &[raw; 4]);
            assert!(at(base) <= at(base + 1e-3) && at(base) <= at(base - 1e-3), "{loss:?}");
        }
    }
}
