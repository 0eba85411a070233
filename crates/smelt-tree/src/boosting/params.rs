//! Parameters of boosting, and their ranges.

use serde::Deserialize;
use smelt_core::{Error, Result};

use super::dropout::DropRates;
use super::grower::GrowPolicy;
use super::loss::{Levels, LossName, LossParams};

/// How the cuts of a feature are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Splitter {
    /// All are weighed.
    #[default]
    Best,
    /// One is drawn.
    Random,
}

fn one() -> f64 {
    1.0
}

fn every() -> usize {
    1
}

fn least_hessian() -> f64 {
    1e-3
}

/// Parameters, with scikit-learn's names, then LightGBM's.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HistGradientBoostingParams {
    /// Loss to be minimised.
    pub loss: LossName,
    /// Level of the quantile loss.
    #[serde(default)]
    pub quantile: Option<Levels>,
    /// Residual from which on the Huber loss is linear.
    #[serde(default)]
    pub delta: Option<f64>,
    /// Power of the Tweedie loss.
    #[serde(default)]
    pub power: Option<f64>,
    /// Places of a ranking that count.
    #[serde(default)]
    pub truncation: Option<usize>,
    /// Number of classes; 0 for regression.
    #[serde(default)]
    pub n_classes: usize,
    /// Factor on every leaf.
    pub learning_rate: f64,
    /// Iterations to add.
    pub max_iter: usize,
    /// Most leaves of a tree.
    pub max_leaf_nodes: Option<usize>,
    /// Most edges between root and leaf.
    pub max_depth: Option<usize>,
    /// Fewest rows of a leaf.
    pub min_samples_leaf: usize,
    /// λ.
    pub l2_regularization: f64,
    /// Share of features drawn for each node.
    pub max_features: f64,
    /// Most bins of a feature, without the one for missing values.
    pub max_bins: usize,
    /// Share of rows drawn for each iteration.
    pub subsample: f64,
    /// Whether to score each iteration by the loss, and to stop when that no longer falls.
    pub early_stopping: bool,
    /// Iterations without improvement before stopping.
    pub n_iter_no_change: usize,
    /// Smallest improvement.
    pub tol: f64,
    /// Whether histograms are made of gradients rounded to 11 bits.
    #[serde(default)]
    pub quantized_gradients: bool,
    /// Rows are drawn anew after this many iterations.
    #[serde(default = "every")]
    pub subsample_freq: usize,
    /// Share of features drawn for each tree.
    #[serde(default = "one")]
    pub colsample_bytree: f64,
    /// α.
    #[serde(default)]
    pub l1_regularization: f64,
    /// Gains must be above this.
    #[serde(default)]
    pub min_gain_to_split: f64,
    /// Smallest sum of curvatures in a child.
    #[serde(default = "least_hessian")]
    pub min_child_weight: f64,
    /// Largest absolute value of a leaf before the learning rate.
    #[serde(default)]
    pub max_delta_step: Option<f64>,
    /// How the cuts of a feature are found.
    #[serde(default)]
    pub splitter: Splitter,
    /// How a tree grows.
    #[serde(default)]
    pub grow_policy: GrowPolicy,
    /// Newton steps for the values of the leaves.
    #[serde(default = "every")]
    pub leaf_iterations: usize,
    /// Shares of the rows kept for their large gradients, and drawn from the others.
    #[serde(default)]
    pub goss: Option<(f64, f64)>,
    /// Probability that an earlier iteration is dropped.
    #[serde(default)]
    pub drop_rate: f64,
    /// Probability that nothing is dropped.
    #[serde(default)]
    pub skip_drop: f64,
    /// Most iterations dropped at once.
    #[serde(default)]
    pub max_drop: usize,
    /// Penalty of the coefficients of linear leaves; `None` for constant leaves.
    #[serde(default)]
    pub linear_regularization: Option<f64>,
    /// Whether the iterations done are kept when the fit is cancelled.
    #[serde(default)]
    pub keep_on_interrupt: bool,
}

impl HistGradientBoostingParams {
    /// The loss and what it needs to know.
    pub fn loss(&self) -> LossParams {
        LossParams {
            loss: self.loss,
            quantile: self.quantile.clone(),
            n_classes: self.n_classes,
            delta: self.delta,
            power: self.power,
            truncation: self.truncation,
        }
    }

    /// What is dropped, if anything ever is.
    pub(super) fn drop_rates(&self) -> Option<DropRates> {
        let (drop_rate, skip_drop, max_drop) = (self.drop_rate, self.skip_drop, self.max_drop);
        (drop_rate > 0.0).then_some(DropRates { drop_rate, skip_drop, max_drop })
    }

    pub(super) fn check(&self) -> Result<()> {
        let positive = |name, value: f64| {
            if value > 0.0 && value.is_finite() {
                Ok(())
            } else {
                Err(Error::parameter(name, format!("must be positive and finite, got {value}")))
            }
        };
        let share = |name, value: f64| {
            if value > 0.0 && value <= 1.0 {
                Ok(())
            } else {
                Err(Error::parameter(name, format!("must lie in (0, 1], got {value}")))
            }
        };
        positive("learning_rate", self.learning_rate)?;
        share("max_features", self.max_features)?;
        share("subsample", self.subsample)?;
        share("colsample_bytree", self.colsample_bytree)?;
        let not_negative = [
            ("l2_regularization", self.l2_regularization),
            ("l1_regularization", self.l1_regularization),
            ("min_gain_to_split", self.min_gain_to_split),
            ("min_child_weight", self.min_child_weight),
        ];
        for (name, value) in not_negative {
            if value.is_nan() || value < 0.0 {
                return Err(Error::parameter(name, "must be at least 0"));
            }
        }
        if let Some(limit) = self.max_delta_step {
            positive("max_delta_step", limit)?;
        }
        if self.leaf_iterations == 0 {
            return Err(Error::parameter("leaf_iterations", "must be at least 1"));
        }
        if let Some((top, other)) = self.goss {
            share("top_rate", top)?;
            share("other_rate", other)?;
            if top + other > 1.0 {
                return Err(Error::parameter(
                    "top_rate",
                    "and other_rate must not exceed 1 together",
                ));
            }
        }
        if !(0.0..=1.0).contains(&self.drop_rate) || !(0.0..=1.0).contains(&self.skip_drop) {
            return Err(Error::parameter("drop_rate", "and skip_drop must lie in [0, 1]"));
        }
        if self.early_stopping && self.loss == LossName::Custom {
            return Err(Error::parameter(
                "early_stopping",
                "by the loss needs a loss that is known",
            ));
        }
        if self.subsample_freq == 0 {
            return Err(Error::parameter("subsample_freq", "must be at least 1"));
        }
        if self.max_leaf_nodes.is_some_and(|leaves| leaves < 2) {
            return Err(Error::parameter("max_leaf_nodes", "must be at least 2, or None"));
        }
        if self.max_depth == Some(0) {
            return Err(Error::parameter("max_depth", "must be at least 1, or None"));
        }
        if !(2..=255).contains(&self.max_bins) {
            return Err(Error::parameter("max_bins", "must lie in [2, 255]"));
        }
        if u32::try_from(self.min_samples_leaf).is_err() || self.min_samples_leaf == 0 {
            return Err(Error::parameter("min_samples_leaf", "must be at least 1"));
        }
        Ok(())
    }
}
