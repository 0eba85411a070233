//! Losses of gradient boosting: value, gradient, curvature, best constant.
//!
//! Twin: `smelt/plain/ensemble/hist_gradient_boosting_loss.py`.  `raw` is the raw prediction, the sum of
//! the trees; every formula is scikit-learn's, so that gradients agree to the last bit.
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

use serde::Deserialize;
use smelt_core::{Error, Result, parallel};

use crate::quantile::{WeightedOrder, average, median, quantile};

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

/// A loss with what it needs to know.
#[derive(Debug, Clone, Copy, PartialEq)]
#[allow(missing_docs)]
pub enum Loss {
    SquaredError,
    AbsoluteError,
    Gamma,
    Poisson,
    Quantile(f64),
    Binomial,
    Multinomial(usize),
}

impl Loss {
    /// From the user's parameters; `n_classes` is 0 for regression.
    pub fn new(name: LossName, level: Option<f64>, n_classes: usize) -> Result<Self> {
        Ok(match name {
            LossName::SquaredError => Self::SquaredError,
            LossName::AbsoluteError => Self::AbsoluteError,
            LossName::Gamma => Self::Gamma,
            LossName::Poisson => Self::Poisson,
            LossName::Quantile => match level {
                Some(level) if level > 0.0 && level < 1.0 => Self::Quantile(level),
                _ => {
                    return Err(Error::parameter(
                        "quantile",
                        "must lie between 0 and 1 when loss='quantile'",
                    ));
                }
            },
            LossName::LogLoss if n_classes <= 2 => Self::Binomial,
            LossName::LogLoss => Self::Multinomial(n_classes),
        })
    }

    /// Columns of the raw prediction: trees grown in an iteration.
    pub fn n_outputs(self) -> usize {
        if let Self::Multinomial(n_classes) = self { n_classes } else { 1 }
    }

    /// Whether every row has curvature 1 (given no weights).
    pub fn has_constant_hessian(self) -> bool {
        matches!(self, Self::SquaredError) || self.needs_leaf_search()
    }

    /// Whether leaves take the best constant of their rows instead of a Newton step.
    pub fn needs_leaf_search(self) -> bool {
        matches!(self, Self::AbsoluteError | Self::Quantile(_))
    }

    /// Refuses targets that the loss has no meaning for.
    pub fn check_target(self, y: &[f64]) -> Result<()> {
        let classes = |n: usize| y.iter().all(|&y| y >= 0.0 && y < n as f64 && y.fract() == 0.0);
        let complaint = match self {
            Self::Gamma if !y.iter().all(|&y| y > 0.0) => {
                "loss='gamma' requires strictly positive y."
            }
            Self::Poisson if !(y.iter().all(|&y| y >= 0.0) && y.iter().any(|&y| y > 0.0)) => {
                "loss='poisson' requires non-negative y and sum(y) > 0."
            }
            Self::Binomial if !classes(2) => "y must hold class codes 0 and 1",
            Self::Multinomial(n) if !classes(n) => "y must hold class codes 0 to n_classes - 1",
            _ => return Ok(()),
        };
        Err(Error::data(complaint))
    }

    /// Best constant raw prediction, one value an output.
    pub fn baseline(self, y: &[f64], weight: Option<&[f64]>) -> Vec<f64> {
        let n = y.len();
        let mean = || average(n, &|i| y[i], weight);
        let (tiny, epsilon) = (10.0 * f64::EPSILON, f64::EPSILON);
        match self {
            Self::SquaredError => vec![mean()],
            Self::AbsoluteError | Self::Quantile(_) => {
                vec![self.best_constant(y.to_vec(), weight.map(<[f64]>::to_vec))]
            }
            Self::Gamma | Self::Poisson => vec![mean().max(tiny).ln()],
            Self::Binomial => {
                let share = mean().clamp(tiny, 1.0 - tiny);
                vec![log_odds(share)]
            }
            Self::Multinomial(n_classes) => {
                let share = |class: usize| {
                    average(n, &|i| f64::from(u8::from(y[i] == class as f64)), weight)
                        .clamp(epsilon, 1.0 - epsilon)
                };
                let shares: Vec<f64> = (0..n_classes).map(share).collect();
                let centre = (shares.iter().map(|p| p.ln()).sum::<f64>() / n_classes as f64).exp();
                shares.iter().map(|p| (p / centre).ln()).collect()
            }
        }
    }

    /// Best constant for residuals (median or quantile); only for losses of the residual.
    pub fn best_constant(self, mut residuals: Vec<f64>, weight: Option<Vec<f64>>) -> f64 {
        let level = if let Self::Quantile(level) = self { 100.0 * level / 100.0 } else { 0.5 };
        match weight {
            Some(weight) => {
                WeightedOrder::new(residuals.into_iter().zip(weight).collect()).quantile(level)
            }
            None if self == Self::AbsoluteError => median(&mut residuals),
            None => quantile(&mut residuals, level),
        }
    }

    /// Gradient and curvature of every row and output: `out[i * n_outputs + c]`, rounded to f32.
    ///
    /// `raw` holds one column an output, each of `y.len()` rows.
    pub fn gradients(self, y: &[f64], raw: &[f64], weight: Option<&[f64]>, out: &mut [[f32; 2]]) {
        let (n, n_outputs) = (y.len(), self.n_outputs());
        let cost_ns = 10.0 * n_outputs as f64;
        parallel::for_chunks_mut(out, n_outputs, CHUNK, cost_ns, |_, rows, out| {
            if let Self::Multinomial(n_classes) = self {
                let mut p = vec![0.0; n_classes];
                for (i, out) in rows.zip(out.chunks_exact_mut(n_classes)) {
                    let (_, sum) = exponentials(raw, n, i, &mut p);
                    let scale = weight.map_or(1.0, |weight| weight[i]);
                    for (class, (p, out)) in p.iter().zip(out).enumerate() {
                        let p = p / sum;
                        let hit = f64::from(u8::from(y[i] == class as f64));
                        *out = [((p - hit) * scale) as f32, (p * (1.0 - p) * scale) as f32];
                    }
                }
                return;
            }
            for (i, out) in rows.zip(out) {
                let (gradient, hessian) = self.derivatives(y[i], raw[i]);
                let scale = weight.map_or(1.0, |weight| weight[i]);
                *out = [(scale * gradient) as f32, (scale * hessian) as f32];
            }
        });
    }

    #[inline(always)]
    fn derivatives(self, y: f64, raw: f64) -> (f64, f64) {
        match self {
            Self::SquaredError => (raw - y, 1.0),
            Self::AbsoluteError => (if raw > y { 1.0 } else { -1.0 }, 1.0),
            Self::Quantile(level) => (if y >= raw { -level } else { 1.0 - level }, 1.0),
            Self::Poisson => {
                let mean = raw.exp();
                (mean - y, mean)
            }
            Self::Gamma => {
                let ratio = (-raw).exp();
                (1.0 - y * ratio, ratio * y)
            }
            Self::Binomial | Self::Multinomial(_) => {
                if raw > -37.0 {
                    let e = (-raw).exp();
                    (((1.0 - y) - y * e) / (1.0 + e), e / ((1.0 + e) * (1.0 + e)))
                } else {
                    (raw.exp() - y, raw.exp())
                }
            }
        }
    }

    /// Weighted mean of the loss over all rows.
    pub fn mean(self, y: &[f64], raw: &[f64], weight: Option<&[f64]>) -> f64 {
        let n = y.len();
        let mut values = vec![0.0; n];
        let cost_ns = 15.0 * self.n_outputs() as f64;
        parallel::for_chunks_mut(&mut values, 1, CHUNK, cost_ns, |_, rows, out| {
            let mut p = vec![0.0; self.n_outputs()];
            for (i, out) in rows.zip(out) {
                *out = self.of_row(y[i], raw, n, i, &mut p);
            }
        });
        average(n, &|i| values[i], weight)
    }

    fn of_row(self, y: f64, raw: &[f64], n: usize, i: usize, p: &mut [f64]) -> f64 {
        let x = raw[i];
        match self {
            Self::SquaredError => 0.5 * (x - y) * (x - y),
            Self::AbsoluteError => (x - y).abs(),
            Self::Quantile(level) => {
                if y >= x {
                    level * (y - x)
                } else {
                    (1.0 - level) * (x - y)
                }
            }
            Self::Poisson => x.exp() - y * x,
            Self::Gamma => x + y * (-x).exp(),
            Self::Binomial => ln_1p_exp(x) - y * x,
            Self::Multinomial(_) => {
                let (highest, sum) = exponentials(raw, n, i, p);
                sum.ln() + highest - raw[y as usize * n + i]
            }
        }
    }
}

/// ln(p / (1 − p)), accurate around ½ too.
fn log_odds(p: f64) -> f64 {
    if (0.3..=0.65).contains(&p) {
        let distance = 2.0 * (p - 0.5);
        distance.ln_1p() - (-distance).ln_1p()
    } else {
        (p / (1.0 - p)).ln()
    }
}

/// exp(raw - highest) of row `i` into `p`; the highest raw value and the sum of the exponentials.
#[inline(always)]
fn exponentials(raw: &[f64], n: usize, i: usize, p: &mut [f64]) -> (f64, f64) {
    let highest = (0..p.len()).fold(f64::NEG_INFINITY, |top, class| top.max(raw[class * n + i]));
    let mut sum = 0.0;
    for (class, p) in p.iter_mut().enumerate() {
        *p = (raw[class * n + i] - highest).exp();
        sum += *p;
    }
    (highest, sum)
}

/// ln(1 + eˣ) without overflow.
fn ln_1p_exp(x: f64) -> f64 {
    if x <= -37.0 {
        x.exp()
    } else if x <= -2.0 {
        x.exp().ln_1p()
    } else if x <= 18.0 {
        (1.0 + x.exp()).ln()
    } else if x <= 33.3 {
        x + (-x).exp()
    } else {
        x
    }
}

#[cfg(test)]
mod tests {
    use super::Loss;

    #[test]
    fn gradients_are_slopes_of_the_loss() {
        let y = [1.0, 0.0, 1.0];
        let losses = [
            Loss::SquaredError,
            Loss::Gamma,
            Loss::Poisson,
            Loss::Quantile(0.3),
            Loss::Binomial,
            Loss::Multinomial(2),
        ];
        for loss in losses {
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
        for loss in [Loss::SquaredError, Loss::Poisson, Loss::Binomial, Loss::AbsoluteError] {
            let base = loss.baseline(&y, Some(&weight))[0];
            let at = |raw: f64| loss.mean(&y, &[raw; 4], Some(&weight));
            assert!(at(base) <= at(base + 1e-3) && at(base) <= at(base - 1e-3), "{loss:?}");
        }
    }
}
