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
//! | Poisson | eʳᵃʷ | eʳᵃʷ − y·raw | eʳᵃʷ − y | eʳᵃʷ |
//! | gamma | eʳᵃʷ | raw + y·e⁻ʳᵃʷ | 1 − y·e⁻ʳᵃʷ | y·e⁻ʳᵃʷ |
//! | log-loss, 2 classes | σ(raw) | ln(1 + eʳᵃʷ) − y·raw | σ(raw) − y | σ(raw)(1 − σ(raw)) |
//! | log-loss, k classes | softmax(raw) | ln Σ eʳᵃʷ − raw_y | p_c − 1{y = c} | p_c(1 − p_c) |

mod classes;
mod positive;
mod residual;

use std::fmt::Debug;

use serde::Deserialize;
use smelt_core::{Error, Result, parallel};

use self::classes::{Binomial, Multinomial};
use self::positive::{Gamma, Poisson};
pub use self::residual::Constant;
use self::residual::{AbsoluteError, Quantile, SquaredError};
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
}

/// The loss of that name; `n_classes` is 0 for regression.
pub fn named(name: LossName, level: Option<f64>, n_classes: usize) -> Result<Box<dyn Loss>> {
    Ok(match name {
        LossName::SquaredError => Box::new(SquaredError),
        LossName::AbsoluteError => Box::new(AbsoluteError),
        LossName::Gamma => Box::new(Gamma),
        LossName::Poisson => Box::new(Poisson),
        LossName::Quantile => Box::new(Quantile::new(level)?),
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
    fn check_target(&self, y: &[f64]) -> Result<()>;

    /// Best constant raw prediction, one value an output.
    fn baseline(&self, y: &[f64], weight: Option<&[f64]>) -> Vec<f64>;

    /// Gradient and curvature of every row and output: `out[i * n_outputs + c]`, rounded to f32.
    fn gradients(&self, y: &[f64], raw: &[f64], weight: Option<&[f64]>, out: &mut [[f32; 2]]);

    /// Weighted mean of the loss over all rows.
    fn mean(&self, y: &[f64], raw: &[f64], weight: Option<&[f64]>) -> f64;
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

    fn check_target(&self, y: &[f64]) -> Result<()> {
        self.complaint(y).map_or(Ok(()), |complaint| Err(Error::data(complaint)))
    }

    fn baseline(&self, y: &[f64], weight: Option<&[f64]>) -> Vec<f64> {
        vec![self.constant(y, weight)]
    }

    fn gradients(&self, y: &[f64], raw: &[f64], weight: Option<&[f64]>, out: &mut [[f32; 2]]) {
        parallel::for_chunks_mut(out, 1, CHUNK, 10.0, |_, rows, out| {
            for (i, out) in rows.zip(out) {
                let (gradient, hessian) = self.derivatives(y[i], raw[i]);
                let scale = weight.map_or(1.0, |weight| weight[i]);
                *out = [(scale * gradient) as f32, (scale * hessian) as f32];
            }
        });
    }

    fn mean(&self, y: &[f64], raw: &[f64], weight: Option<&[f64]>) -> f64 {
        mean_of(y.len(), 15.0, weight, |i| self.value(y[i], raw[i]))
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
    use super::{LossName, named};

    #[test]
    fn gradients_are_slopes_of_the_loss() {
        let y = [1.0, 0.0, 1.0];
        let losses = [
            (LossName::SquaredError, 0),
            (LossName::Gamma, 0),
            (LossName::Poisson, 0),
            (LossName::Quantile, 0),
            (LossName::LogLoss, 2),
            (LossName::LogLoss, 3),
        ];
        for (name, n_classes) in losses {
            let loss = named(name, Some(0.3), n_classes).unwrap();
            let k = loss.n_outputs();
            let raw: Vec<f64> = (0..3 * k).map(|i| 0.7 * i as f64 - 0.9).collect();
            let mut out = vec![[0.0; 2]; 3 * k];
            loss.gradients(&y, &raw, None, &mut out);
            for i in 0..3 {
                for c in 0..k {
                    let shifted = |step: f64| {
                        let mut raw = raw.clone();
                        raw[c * 3 + i] += step;
                        3.0 * loss.mean(&y, &raw, None)
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
        let names =
            [LossName::SquaredError, LossName::Poisson, LossName::LogLoss, LossName::AbsoluteError];
        for name in names {
            let loss = named(name, None, 2).unwrap();
            let base = loss.baseline(&y, Some(&weight))[0];
            let at = |raw: f64| loss.mean(&y, &[raw; 4], Some(&weight));
            assert!(at(base) <= at(base + 1e-3) && at(base) <= at(base - 1e-3), "{loss:?}");
        }
    }
}
