//! Losses of targets that are not negative; the prediction is the exponential of the raw one.

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
