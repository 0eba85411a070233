//! Losses of targets that are not negative; the prediction is the exponential of the raw one.

use smelt_core::{Error, Result};

use super::{RowLoss, mean_target};

/// ln of the mean target.
fn log_mean(y: &[f64], weight: Option<&[f64]>) -> f64 {
    mean_target(y, weight).max(10.0 * f64::EPSILON).ln()
}

#[derive(Debug)]
pub(super) struct Poisson;

impl RowLoss for Poisson {
    #[inline(always)]
    fn derivatives(&self, y: f64, raw: f64) -> (f64, f64) {
        let mean = raw.exp();
        (mean - y, mean)
    }

    #[inline(always)]
    fn value(&self, y: f64, raw: f64) -> f64 {
        raw.exp() - y * raw
    }

    fn constant(&self, y: &[f64], weight: Option<&[f64]>) -> f64 {
        log_mean(y, weight)
    }

    fn complaint(&self, y: &[f64]) -> Option<&'static str> {
        let sound = y.iter().all(|&y| y >= 0.0) && y.iter().any(|&y| y > 0.0);
        (!sound).then_some("loss='poisson' requires non-negative y and sum(y) > 0.")
    }
}

#[derive(Debug)]
pub(super) struct Gamma;

impl RowLoss for Gamma {
    #[inline(always)]
    fn derivatives(&self, y: f64, raw: f64) -> (f64, f64) {
        let ratio = (-raw).exp();
        (1.0 - y * ratio, ratio * y)
    }

    #[inline(always)]
    fn value(&self, y: f64, raw: f64) -> f64 {
        raw + y * (-raw).exp()
    }

    fn constant(&self, y: &[f64], weight: Option<&[f64]>) -> f64 {
        log_mean(y, weight)
    }

    fn complaint(&self, y: &[f64]) -> Option<&'static str> {
        (!y.iter().all(|&y| y > 0.0)).then_some("loss='gamma' requires strictly positive y.")
    }
}

/// Deviance of a compound of Poisson and gamma, the variance a power of the mean.
#[derive(Debug)]
pub(super) struct Tweedie(f64);

impl Tweedie {
    pub(super) fn new(power: f64) -> Result<Self> {
        if power > 1.0 && power < 2.0 {
            Ok(Self(power))
        } else {
            Err(Error::parameter("power", format!("must lie between 1 and 2, got {power}")))
        }
    }
}

impl RowLoss for Tweedie {
    #[inline(always)]
    fn derivatives(&self, y: f64, raw: f64) -> (f64, f64) {
        let (a, b) = (1.0 - self.0, 2.0 - self.0);
        let (of_y, of_mean) = (y * (a * raw).exp(), (b * raw).exp());
        (of_mean - of_y, b * of_mean - a * of_y)
    }

    #[inline(always)]
    fn value(&self, y: f64, raw: f64) -> f64 {
        let (a, b) = (1.0 - self.0, 2.0 - self.0);
        (b * raw).exp() / b - y * (a * raw).exp() / a
    }

    fn constant(&self, y: &[f64], weight: Option<&[f64]>) -> f64 {
        log_mean(y, weight)
    }

    fn complaint(&self, y: &[f64]) -> Option<&'static str> {
        let sound = y.iter().all(|&y| y >= 0.0) && y.iter().any(|&y| y > 0.0);
        (!sound).then_some("loss='tweedie' requires non-negative y and sum(y) > 0.")
    }
}
