//! Losses of the residual.

use smelt_core::{Error, Result};

use super::{RowLoss, mean_target};
use crate::quantile::{WeightedOrder, average, median, quantile};

/// The constant that minimises a loss of the residuals.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Constant {
    /// The middle value.
    Median,
    /// The quantile of this level.
    Quantile(f64),
}

impl Constant {
    /// Of these residuals.
    pub fn best(self, mut residuals: Vec<f64>, weight: Option<Vec<f64>>) -> f64 {
        match (weight, self) {
            (Some(weight), _) => {
                let level = if let Self::Quantile(level) = self { level } else { 0.5 };
                WeightedOrder::new(residuals.into_iter().zip(weight).collect()).quantile(level)
            }
            (None, Self::Median) => median(&mut residuals),
            (None, Self::Quantile(level)) => quantile(&mut residuals, level),
        }
    }
}

#[derive(Debug)]
pub(super) struct SquaredError;

impl RowLoss for SquaredError {
    const CONSTANT_HESSIAN: bool = true;

    #[inline(always)]
    fn derivatives(&self, y: f64, raw: f64) -> (f64, f64) {
        (raw - y, 1.0)
    }

    #[inline(always)]
    fn value(&self, y: f64, raw: f64) -> f64 {
        0.5 * (raw - y) * (raw - y)
    }

    fn constant(&self, y: &[f64], weight: Option<&[f64]>) -> f64 {
        mean_target(y, weight)
    }
}

#[derive(Debug)]
pub(super) struct AbsoluteError;

impl RowLoss for AbsoluteError {
    const CONSTANT_HESSIAN: bool = true;

    #[inline(always)]
    fn derivatives(&self, y: f64, raw: f64) -> (f64, f64) {
        (if raw > y { 1.0 } else { -1.0 }, 1.0)
    }

    #[inline(always)]
    fn value(&self, y: f64, raw: f64) -> f64 {
        (raw - y).abs()
    }

    fn constant(&self, y: &[f64], weight: Option<&[f64]>) -> f64 {
        Constant::Median.best(y.to_vec(), weight.map(<[f64]>::to_vec))
    }

    fn leaf(&self) -> Option<Constant> {
        Some(Constant::Median)
    }
}

#[derive(Debug)]
pub(super) struct Quantile(f64);

impl Quantile {
    pub(super) fn new(level: Option<f64>) -> Result<Self> {
        match level {
            Some(level) if level > 0.0 && level < 1.0 => Ok(Self(level)),
            _ => Err(Error::parameter("quantile", "must lie between 0 and 1 when loss='quantile'")),
        }
    }
}

impl RowLoss for Quantile {
    const CONSTANT_HESSIAN: bool = true;

    #[inline(always)]
    fn derivatives(&self, y: f64, raw: f64) -> (f64, f64) {
        (if y >= raw { -self.0 } else { 1.0 - self.0 }, 1.0)
    }

    #[inline(always)]
    fn value(&self, y: f64, raw: f64) -> f64 {
        if y >= raw { self.0 * (y - raw) } else { (1.0 - self.0) * (raw - y) }
    }

    fn constant(&self, y: &[f64], weight: Option<&[f64]>) -> f64 {
        self.leaf().map_or(0.0, |best| best.best(y.to_vec(), weight.map(<[f64]>::to_vec)))
    }

    fn leaf(&self) -> Option<Constant> {
        // As NumPy's percentile does: in percent and back.
        Some(Constant::Quantile(100.0 * self.0 / 100.0))
    }
}

/// Squared error up to a residual of δ, linear from there.
#[derive(Debug)]
pub(super) struct Huber(f64);

impl Huber {
    pub(super) fn new(delta: f64) -> Result<Self> {
        if delta > 0.0 && delta.is_finite() {
            Ok(Self(delta))
        } else {
            Err(Error::parameter("delta", format!("must be positive and finite, got {delta}")))
        }
    }
}

impl RowLoss for Huber {
    const CONSTANT_HESSIAN: bool = true;

    #[inline(always)]
    fn derivatives(&self, y: f64, raw: f64) -> (f64, f64) {
        ((raw - y).clamp(-self.0, self.0), 1.0)
    }

    #[inline(always)]
    fn value(&self, y: f64, raw: f64) -> f64 {
        let size = (raw - y).abs();
        if size <= self.0 { 0.5 * size * size } else { self.0 * (size - 0.5 * self.0) }
    }

    fn constant(&self, y: &[f64], weight: Option<&[f64]>) -> f64 {
        // The slope rises with the constant: halve the interval that holds its zero.
        let slope = |raw: f64| average(y.len(), &|i| self.derivatives(y[i], raw).0, weight);
        let mut low = y.iter().copied().fold(f64::INFINITY, f64::min);
        let mut high = y.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        for _ in 0..100 {
            let middle = low + (high - low) / 2.0;
            if slope(middle) < 0.0 {
                low = middle;
            } else {
                high = middle;
            }
        }
        high
    }
}
