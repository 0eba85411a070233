//! One decision tree.
//!
//! Twin: `smelt/plain/tree/decision_tree.py`.
//!
//! Cost, n rows, p columns looked at, depth d: best cuts n·p·d additions to histograms of bytes
//! (1 byte gathered and 16 bytes streamed each), or the same along sorted lists (exact: 4 bytes
//! streamed, 1 code and 1 item gathered, then one partition of the lists).

use serde::Deserialize;
use smelt_core::{Control, Error, Result};

use super::category_cut::known_categories;
use super::columns::Columns;
use super::criterion::{Criterion, Outputs};
use super::criterion_absolute::AbsoluteError;
use super::criterion_classes::{Entropy, Gini};
use super::criterion_values::{Poisson, SquaredError};
use super::grow::{Grower, Table};
use super::limits::Limits;
use super::nodes::Nodes;

/// What a tree minimises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CriterionName {
    /// 1 − Σ p_k².
    Gini,
    /// −Σ p_k log₂ p_k.
    Entropy,
    /// The same as entropy.
    LogLoss,
    /// mean (y − ȳ)².
    SquaredError,
    /// mean |y − median|.
    AbsoluteError,
    /// mean y log(y / ȳ).
    Poisson,
}

/// Targets of the rows, (n_rows, n_outputs), row by row.
#[derive(Debug, Clone, Copy)]
pub enum Targets<'a> {
    /// Classes 0, 1, … and their number for every output.
    Classes {
        /// One class a row and output.
        classes: &'a [u32],
        /// Number of classes of every output.
        n_classes: &'a [usize],
    },
    /// Numbers.
    Values {
        /// One number a row and output.
        values: &'a [f64],
        /// Number of outputs.
        n_outputs: usize,
    },
}

impl Targets<'_> {
    fn n_outputs(&self) -> usize {
        match self {
            Self::Classes { n_classes, .. } => n_classes.len(),
            Self::Values { n_outputs, .. } => *n_outputs,
        }
    }

    /// Numbers that are the value of a node: as many an output as the longest needs.
    pub fn width(&self) -> usize {
        match self {
            Self::Classes { n_classes, .. } => {
                n_classes.len() * n_classes.iter().copied().max().unwrap_or(0)
            }
            Self::Values { n_outputs, .. } => *n_outputs,
        }
    }

    pub(crate) fn check(&self, n_rows: usize) -> Result<()> {
        let sound = match self {
            Self::Classes { classes, n_classes } => {
                let n_outputs = n_classes.len().max(1);
                classes.len() == n_rows * n_classes.len()
                    && classes
                        .chunks_exact(n_outputs)
                        .all(|row| row.iter().zip(*n_classes).all(|(&c, &n)| (c as usize) < n))
            }
            Self::Values { values, n_outputs } => {
                values.len() == n_rows * n_outputs && values.iter().all(|y| y.is_finite())
            }
        };
        if sound && self.n_outputs() > 0 && n_rows > 0 {
            Ok(())
        } else {
            Err(Error::data("the targets do not match the rows of X".to_string()))
        }
    }
}

/// Parameters of a tree, as scikit-learn names them; shares are resolved to numbers.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DecisionTreeParams {
    /// What the tree minimises.
    pub criterion: CriterionName,
    /// Longest way from the root, in cuts; none: no limit.
    #[serde(default)]
    pub max_depth: Option<usize>,
    /// Fewest rows of a node that is cut (2 or more).
    pub min_samples_split: usize,
    /// Fewest rows of a child (1 or more).
    pub min_samples_leaf: usize,
    /// Least weight of a child (0 or more).
    pub min_weight_leaf: f64,
    /// Columns looked at for a cut (1 or more).
    pub max_features: usize,
    /// Most leaves, the best nodes cut first; none: no limit, depth first.
    #[serde(default)]
    pub max_leaf_nodes: Option<usize>,
    /// Least decrease of impurity (0 or more).
    pub min_impurity_decrease: f64,
    /// One sign a column: 1 rising, -1 falling, 0 free.
    #[serde(default)]
    pub monotonic_cst: Option<Vec<i8>>,
    /// Whether a column holds categories, numbered 0 to 255, for every column; none: no column does.
    #[serde(default)]
    pub categorical: Option<Vec<bool>>,
}

impl DecisionTreeParams {
    /// Checks the ranges, and returns what the grower needs.
    pub(crate) fn limits(&self, n_features: usize, classes: bool) -> Result<Limits> {
        let at_least = |name, value: usize, least: usize| {
            if value < least {
                return Err(Error::parameter(
                    name,
                    format!("must be at least {least}, got {value}"),
                ));
            }
            Ok(())
        };
        at_least("min_samples_split", self.min_samples_split, 2)?;
        at_least("min_samples_leaf", self.min_samples_leaf, 1)?;
        at_least("max_features", self.max_features, 1)?;
        at_least("max_leaf_nodes", self.max_leaf_nodes.unwrap_or(2), 2)?;
        at_least("max_depth", self.max_depth.unwrap_or(1), 1)?;
        for (name, value) in [
            ("min_weight_leaf", self.min_weight_leaf),
            ("min_impurity_decrease", self.min_impurity_decrease),
        ] {
            if !value.is_finite() || value < 0.0 {
                return Err(Error::parameter(name, format!("must be at least 0, got {value}")));
            }
        }
        // The value compared is the share of class 0, which falls where that of class 1 rises.
        let sign = if classes { -1 } else { 1 };
        let monotonic = match &self.monotonic_cst {
            Some(signs)
                if signs.len() != n_features || signs.iter().any(|s| !(-1..=1).contains(s)) =>
            {
                let message = format!("must hold -1, 0 or 1 for each of {n_features} columns");
                return Err(Error::parameter("monotonic_cst", message));
            }
            signs => signs.as_ref().map(|signs| signs.iter().map(|s| s * sign).collect()),
        };
        Ok(Limits {
            max_depth: self.max_depth.unwrap_or(usize::MAX),
            min_samples_split: self.min_samples_split,
            min_samples_leaf: self.min_samples_leaf,
            min_weight_leaf: self.min_weight_leaf,
            max_features: self.max_features.min(n_features),
            max_leaf_nodes: self.max_leaf_nodes,
            min_impurity_decrease: self.min_impurity_decrease,
            monotonic,
            categories: None,
        })
    }
}

/// Grows a tree with the best cut of every node.
///
/// `sample_weight` is one number of 0 or more a row, all 1 if `None`.  `random_state` seeds the order
/// in which columns are looked at, which decides between cuts that are equally good.
pub fn decision_tree_fit(
    columns: &Columns,
    targets: Targets<'_>,
    sample_weight: Option<&[f64]>,
    params: &DecisionTreeParams,
    random_state: u32,
    control: &Control,
) -> Result<Nodes> {
    let table = Table::Codes(columns);
    let limits = check(table, targets, sample_weight, params)?;
    grow(table, targets, sample_weight, params.criterion, &limits, random_state, control)
}

/// Checks everything that a tree is grown from.
pub(crate) fn check(
    table: Table<'_>,
    targets: Targets<'_>,
    sample_weight: Option<&[f64]>,
    params: &DecisionTreeParams,
) -> Result<Limits> {
    targets.check(table.n_rows())?;
    if sample_weight.is_some_and(|weights| {
        weights.len() != table.n_rows() || weights.iter().any(|w| !w.is_finite())
    }) {
        return Err(Error::data("sample_weight does not match the rows of X".to_string()));
    }
    let mut limits =
        params.limits(table.n_features(), matches!(targets, Targets::Classes { .. }))?;
    if let Some(categorical) = &params.categorical {
        let known = known_categories(table, categorical, limits.monotonic.as_deref())?;
        limits.categories = Some(known);
    }
    Ok(limits)
}

/// Grows a tree by the criterion named.
pub(crate) fn grow(
    table: Table<'_>,
    targets: Targets<'_>,
    weights: Option<&[f64]>,
    criterion: CriterionName,
    limits: &Limits,
    seed: u32,
    control: &Control,
) -> Result<Nodes> {
    let n_outputs = targets.n_outputs();
    let width = targets.width();
    match (targets, criterion) {
        (Targets::Classes { classes, n_classes }, CriterionName::Gini) => {
            if are_whole(weights, n_classes) {
                let of = |k| Gini::<u16>::new(&classes[k..], n_outputs, n_classes[k]);
                return by(of, n_outputs, table, weights, limits, width, seed, control);
            }
            let of = |k| Gini::<f64>::new(&classes[k..], n_outputs, n_classes[k]);
            by(of, n_outputs, table, weights, limits, width, seed, control)
        }
        (
            Targets::Classes { classes, n_classes },
            CriterionName::Entropy | CriterionName::LogLoss,
        ) => {
            if are_whole(weights, n_classes) {
                let of = |k| Entropy::<u16>::new(&classes[k..], n_outputs, n_classes[k]);
                return by(of, n_outputs, table, weights, limits, width, seed, control);
            }
            let of = |k| Entropy::<f64>::new(&classes[k..], n_outputs, n_classes[k]);
            by(of, n_outputs, table, weights, limits, width, seed, control)
        }
        (Targets::Values { values, .. }, CriterionName::SquaredError) => {
            let of = |k| SquaredError::new(&values[k..], n_outputs);
            by(of, n_outputs, table, weights, limits, width, seed, control)
        }
        (Targets::Values { values, .. }, CriterionName::Poisson) => {
            let of = |k| Poisson::new(&values[k..], n_outputs);
            by(of, n_outputs, table, weights, limits, width, seed, control)
        }
        (Targets::Values { values, .. }, CriterionName::AbsoluteError) => {
            let of = |k| AbsoluteError::new(&values[k..], n_outputs);
            by(of, n_outputs, table, weights, limits, width, seed, control)
        }
        _ => Err(Error::parameter("criterion", format!("{criterion:?} does not fit the targets"))),
    }
}

/// Whether classes and weights are whole numbers of 16 bits.
fn are_whole(weights: Option<&[f64]>, n_classes: &[usize]) -> bool {
    let largest = f64::from(u16::MAX);
    n_classes.iter().all(|&n| n <= usize::from(u16::MAX))
        && weights.is_none_or(|w| w.iter().all(|w| w.fract() == 0.0 && (0.0..=largest).contains(w)))
}

/// One criterion, or one an output.
fn by<C: Criterion>(
    of: impl Fn(usize) -> C,
    n_outputs: usize,
    table: Table<'_>,
    weights: Option<&[f64]>,
    limits: &Limits,
    width: usize,
    seed: u32,
    control: &Control,
) -> Result<Nodes> {
    if n_outputs == 1 {
        return Grower::new(table, of(0), weights, limits, width, seed).grow(control);
    }
    let criterion = Outputs::new((0..n_outputs).map(of).collect(), width / n_outputs);
    Grower::new(table, criterion, weights, limits, width, seed).grow(control)
}
