//! Gradient boosting on histograms.
//!
//! F(x) = baseline + Σ_t η·tree_t(x); every tree is one Newton step on the loss, grown on the
//! gradients g and curvatures h of the rows at the present F: its leaves take −Σg / (Σh + λ).
//!
//! Twin: `smelt/plain/ensemble/hist_gradient_boosting.py`.  The algorithm, and every rounding, is that
//! of scikit-learn's `HistGradientBoosting*`, after LightGBM (Ke et al., 2017).
//!
//! 1. Gradients and curvatures of all rows at the raw predictions so far.
//! 2. A tree for each output.
//! 3. Absolute error and quantile: each leaf takes the best constant of its residuals.
//! 4. Leaves, times the learning rate, are added to the raw predictions of their rows.
//! 5. Early stopping: no score among the last `n_iter_no_change` better by `tol` than the one before.
//!
//! Cost of an iteration with n rows, p features, L leaves: about n·p·log2(L)/2 histogram updates (a
//! byte read and 20 bytes added to in the first-level cache), and 2·L·p·256 cuts weighed.

use serde::Deserialize;
use smelt_core::{Control, Error, Result, parallel};

use crate::bins::BordersRef;
use crate::grower::{Grower, Limits};
use crate::histogram::Groups;
use crate::loss::{Loss, LossName};
pub use crate::shuffler::Shuffler;
use crate::splitter::{Feature, Rules};

/// Parameters, with scikit-learn's names.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HistGradientBoostingParams {
    /// Loss to be minimised.
    pub loss: LossName,
    /// Level of the quantile loss.
    #[serde(default)]
    pub quantile: Option<f64>,
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
}

impl HistGradientBoostingParams {
    fn check(&self) -> Result<()> {
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
        if self.l2_regularization.is_nan() || self.l2_regularization < 0.0 {
            return Err(Error::parameter("l2_regularization", "must be at least 0"));
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

/// Rows to learn from or to validate on.
#[derive(Debug)]
pub struct Rows<'a> {
    /// Bins, feature-major.
    pub bins: &'a [u8],
    /// Targets, or class codes.
    pub y: &'a [f64],
    /// Weights.
    pub weight: Option<&'a [f64]>,
    /// Raw predictions so far, output by output.
    pub raw: Vec<f64>,
}

/// Constraints on the features.
#[derive(Debug, Default)]
pub struct Constraints<'a> {
    /// 1, 0 or -1 for each feature.
    pub monotonic: Option<&'a [i8]>,
    /// Groups of features that may meet in one branch.
    pub interactions: Option<Vec<Vec<usize>>>,
}

/// New trees, as the arrays of an [`crate::Ensemble`], with what training knows besides.
#[derive(Debug, Default, Clone, PartialEq)]
#[allow(missing_docs)]
pub struct Trees {
    pub tree_offsets: Vec<u32>,
    pub feature: Vec<u32>,
    pub threshold: Vec<f64>,
    pub left: Vec<u32>,
    pub right: Vec<u32>,
    pub value: Vec<f64>,
    pub missing_left: Vec<u8>,
    pub category_set: Vec<i32>,
    pub left_categories: Vec<u32>,
    /// Training rows in each node.
    pub count: Vec<u32>,
    /// Gain of each cut, -1 where there is none.
    pub gain: Vec<f64>,
    /// Edges from the root.
    pub depth: Vec<u32>,
}

/// What a fit gives back.
#[derive(Debug)]
pub struct HistGradientBoostingFit {
    /// The trees of the new iterations.
    pub trees: Trees,
    /// Iterations added.
    pub n_iter: usize,
    /// Whether the score stopped getting better.
    pub stopped: bool,
    /// Raw predictions of the training rows, output by output.
    pub raw: Vec<f64>,
    /// Raw predictions of the validation rows.
    pub validation_raw: Vec<f64>,
    /// Minus the mean loss on the training rows: before the first iteration, and after each.
    pub train_score: Vec<f64>,
    /// The same on the validation rows.
    pub validation_score: Vec<f64>,
    /// The random numbers still to come.
    pub random: Shuffler,
}

/// Best constant raw predictions, one an output.
pub fn hist_gradient_boosting_baseline(
    y: &[f64],
    weight: Option<&[f64]>,
    loss: Loss,
) -> Result<Vec<f64>> {
    loss.check_target(y)?;
    if y.is_empty() || weight.is_some_and(|weight| weight.len() != y.len()) {
        return Err(Error::data("y is empty, or does not match the weights"));
    }
    Ok(loss.baseline(y, weight))
}

/// Adds up to `max_iter` iterations to the raw predictions in `training`.
///
/// `scores` are the train and validation scores of earlier iterations (empty at the start).
pub fn hist_gradient_boosting_fit(
    mut training: Rows<'_>,
    mut validation: Option<Rows<'_>>,
    borders: BordersRef<'_>,
    constraints: Constraints<'_>,
    scores: (Vec<f64>, Vec<f64>),
    mut random: Shuffler,
    params: &HistGradientBoostingParams,
    control: &Control,
) -> Result<HistGradientBoostingFit> {
    params.check()?;
    let loss = Loss::new(params.loss, params.quantile, params.n_classes)?;
    let n_outputs = loss.n_outputs();
    check_rows(&training, &borders, loss)?;
    if let Some(rows) = &validation {
        check_rows(rows, &borders, loss)?;
    }
    let (n, n_features) = (training.y.len(), borders.n_features());
    let features = features(&training, &borders, constraints.monotonic)?;
    let n_bins: Vec<usize> = features.iter().map(|feature| feature.n_bins + 1).collect();
    let constant_hessian = loss.has_constant_hessian() && training.weight.is_none();
    let groups = Groups::new(training.bins, &n_bins, n, constant_hessian);
    if let Some(groups) = &constraints.interactions
        && groups.iter().flatten().any(|&feature| feature >= n_features)
    {
        return Err(Error::parameter("interaction_cst", "names a feature that does not exist"));
    }
    let limits = Limits {
        max_leaf_nodes: params.max_leaf_nodes.unwrap_or(usize::MAX),
        max_depth: params.max_depth.unwrap_or(usize::MAX),
        rules: Rules {
            min_samples_leaf: params.min_samples_leaf as u32,
            l2_regularization: params.l2_regularization,
        },
        max_bins: params.max_bins,
        max_features: params.max_features,
        interactions: constraints.interactions,
    };
    let mut grower = Grower::new(&groups, &features, training.bins, n, &limits);
    let mut gradients = vec![[0.0_f32; 2]; n * n_outputs];
    let mut column = vec![[0.0_f32; 2]; if n_outputs > 1 { n } else { 0 }];
    let mut trees = Trees { tree_offsets: vec![0], ..Trees::default() };
    let (mut train_score, mut validation_score) = scores;
    let (is_first, mut stopped) = (train_score.is_empty(), false);
    let mut score = |training: &Rows<'_>, validation: &Option<Rows<'_>>| {
        let of = |rows: &Rows<'_>| -loss.mean(rows.y, &rows.raw, rows.weight);
        train_score.push(of(training));
        match validation {
            Some(rows) => {
                validation_score.push(of(rows));
                has_stalled(&validation_score, params)
            }
            None => has_stalled(&train_score, params),
        }
    };
    if params.early_stopping && is_first {
        score(&training, &validation);
    }
    control.set_total(params.max_iter as u64);
    let mut n_iter = 0;
    while n_iter < params.max_iter && !stopped {
        control.check()?;
        // 1. Gradients.
        loss.gradients(training.y, &training.raw, training.weight, &mut gradients);
        let drawn = draw_rows(n, params.subsample, &mut random);
        for output in 0..n_outputs {
            let of_output = if n_outputs == 1 {
                &gradients[..]
            } else {
                for (pair, row) in column.iter_mut().zip(gradients.chunks_exact(n_outputs)) {
                    *pair = row[output];
                }
                &column[..]
            };
            // 2. A tree.
            match &drawn {
                Some(is_in) => {
                    let rows = (0..n as u32).filter(|&row| is_in[row as usize]);
                    grower.grow(of_output, rows, &mut random, control)?;
                }
                None => grower.grow(of_output, 0..n as u32, &mut random, control)?,
            }
            // 3. Values of the leaves.
            let raw = &mut training.raw[output * n..(output + 1) * n];
            set_leaves(&mut grower, loss, training.y, raw, training.weight, params.learning_rate);
            // 4. The raw predictions.
            for node in grower.nodes.iter().filter(|node| node.children.is_none()) {
                for &row in &grower.rows[node.start..node.stop] {
                    raw[row as usize] += node.totals.value;
                }
            }
            if let Some(is_in) = &drawn {
                let others: Vec<bool> = is_in.iter().map(|is_in| !is_in).collect();
                grower.add_to(training.bins, raw, Some(&others));
            }
            if let Some(rows) = &mut validation {
                let n = rows.y.len();
                let raw = &mut rows.raw[output * n..(output + 1) * n];
                grower.add_to(rows.bins, raw, None);
            }
            trees.push(&grower, &borders);
        }
        n_iter += 1;
        control.advance(1);
        // 5. Early stopping.
        stopped = params.early_stopping && score(&training, &validation);
    }
    Ok(HistGradientBoostingFit {
        trees,
        n_iter,
        stopped,
        raw: training.raw,
        validation_raw: validation.map(|rows| rows.raw).unwrap_or_default(),
        train_score,
        validation_score,
        random,
    })
}

fn check_rows(rows: &Rows<'_>, borders: &BordersRef<'_>, loss: Loss) -> Result<()> {
    let (n, n_features) = (rows.y.len(), borders.n_features());
    let sound = n > 0
        && n_features > 0
        && u32::try_from(n).is_ok()
        && rows.bins.len() == n * n_features
        && rows.raw.len() == n * loss.n_outputs()
        && rows.weight.is_none_or(|weight| weight.len() == n)
        && rows.bins.chunks_exact(n).enumerate().all(|(feature, bins)| {
            bins.iter().all(|&bin| usize::from(bin) <= borders.n_bins(feature))
        });
    if !sound {
        return Err(Error::data("bins, targets, weights and raw predictions do not match"));
    }
    loss.check_target(rows.y)
}

fn features(
    training: &Rows<'_>,
    borders: &BordersRef<'_>,
    monotonic: Option<&[i8]>,
) -> Result<Vec<Feature>> {
    let (n, n_features) = (training.y.len(), borders.n_features());
    if monotonic.is_some_and(|signs| signs.len() != n_features) {
        return Err(Error::parameter("monotonic_cst", "needs one sign for each feature"));
    }
    (0..n_features)
        .map(|index| {
            let n_bins = borders.n_bins(index);
            let column = &training.bins[index * n..(index + 1) * n];
            let feature = Feature {
                index,
                n_bins,
                has_missing: column.iter().any(|&bin| usize::from(bin) == n_bins),
                is_categorical: borders.is_categorical(index),
                monotonic: monotonic.map_or(0, |signs| signs[index]),
            };
            if feature.is_categorical && feature.monotonic != 0 {
                return Err(Error::data("Categorical features cannot have monotonic constraints."));
            }
            Ok(feature)
        })
        .collect()
}

/// Marks the share of rows with the smallest of n uniform numbers; nothing is drawn for all rows.
fn draw_rows(n: usize, share: f64, random: &mut Shuffler) -> Option<Vec<bool>> {
    if share >= 1.0 {
        return None;
    }
    let numbers: Vec<f64> = (0..n).map(|_| random.random.next_f64()).collect();
    let wanted = ((share * n as f64).ceil() as usize).clamp(1, n);
    let mut order: Vec<usize> = (0..n).collect();
    order.select_nth_unstable_by(wanted - 1, |&a, &b| numbers[a].total_cmp(&numbers[b]));
    let mut is_in = vec![false; n];
    order[..wanted].iter().for_each(|&row| is_in[row] = true);
    Some(is_in)
}

/// Final values of the leaves, times the learning rate.
fn set_leaves(
    grower: &mut Grower<'_>,
    loss: Loss,
    y: &[f64],
    raw: &[f64],
    weight: Option<&[f64]>,
    learning_rate: f64,
) {
    let leaves: Vec<usize> =
        (0..grower.nodes.len()).filter(|&node| grower.nodes[node].children.is_none()).collect();
    let searched = if loss.needs_leaf_search() {
        let cost_ns = 20.0 * grower.rows.len() as f64 / leaves.len() as f64;
        parallel::map_chunks(leaves.len(), 1, cost_ns, |leaf, _| {
            let node = &grower.nodes[leaves[leaf]];
            let rows = grower.rows[node.start..node.stop].iter().map(|&row| row as usize);
            let residuals = rows.clone().map(|row| y[row] - raw[row]).collect();
            let weight = weight.map(|weight| rows.map(|row| weight[row]).collect());
            loss.best_constant(residuals, weight)
        })
    } else {
        leaves.iter().map(|&leaf| grower.nodes[leaf].totals.value).collect()
    };
    for (&leaf, value) in leaves.iter().zip(searched) {
        grower.nodes[leaf].totals.value = learning_rate * value;
    }
}

/// No score among the last few better by `tol` than the one before them.
fn has_stalled(scores: &[f64], params: &HistGradientBoostingParams) -> bool {
    let window = params.n_iter_no_change + 1;
    if scores.len() < window {
        return false;
    }
    let recent = &scores[scores.len() - window..];
    !recent[1..].iter().any(|&score| score > recent[0] + params.tol)
}

impl Grower<'_> {
    /// Adds the tree just grown to the raw predictions of binned rows (of those marked).
    fn add_to(&self, bins: &[u8], raw: &mut [f64], marked: Option<&[bool]>) {
        let n = raw.len();
        parallel::for_chunks_mut(raw, 1, 4096, 50.0, |_, rows, raw| {
            for (row, raw) in rows.zip(raw) {
                if marked.is_some_and(|marked| !marked[row]) {
                    continue;
                }
                let mut node = &self.nodes[0];
                while let (Some((left, right)), Some(split)) = (node.children, &node.split) {
                    let bin = bins[split.feature * n + row];
                    let missing = self.n_bins(split.feature) as u8;
                    let goes_left = if bin == missing {
                        split.missing_left
                    } else {
                        split.goes_left(bin, missing)
                    };
                    node = &self.nodes[if goes_left { left } else { right }];
                }
                *raw += node.totals.value;
            }
        });
    }
}

impl Trees {
    /// Appends the tree just grown, parents before children, left before right.
    fn push(&mut self, grower: &Grower<'_>, borders: &BordersRef<'_>) {
        let root = self.feature.len();
        // (node of the grower, where its index is to be written: array of right children or none)
        let mut waiting = vec![(0, None)];
        while let Some((node, parent)) = waiting.pop() {
            let at = self.feature.len();
            if let Some(parent) = parent {
                self.right[parent] = (at - root) as u32;
            }
            let node = &grower.nodes[node];
            self.count.push(node.totals.n);
            self.depth.push(node.depth);
            self.gain.push(node.split.map_or(-1.0, |split| split.gain));
            self.value.push(node.totals.value);
            self.right.push(0);
            let (Some((left, right)), Some(split)) = (node.children, &node.split) else {
                self.feature.push(0);
                self.threshold.push(0.0);
                self.left.push(0);
                self.missing_left.push(0);
                self.category_set.push(-1);
                continue;
            };
            let of = borders.of(split.feature);
            self.feature.push(split.feature as u32);
            self.left.push((at - root + 1) as u32);
            self.missing_left.push(u8::from(split.missing_left));
            if let Some(bins) = &split.left_bins {
                self.threshold.push(0.0);
                self.category_set.push((self.left_categories.len() / 8) as i32);
                let mut words = [0_u32; 8];
                for (bin, &category) in of.iter().enumerate() {
                    if crate::ensemble::in_set(bins, bin as u8) {
                        let category = category as u8;
                        words[usize::from(category / 32)] |= 1 << (category % 32);
                    }
                }
                self.left_categories.extend(words);
            } else {
                // Behind the last border only missing values go right.
                let threshold = of.get(usize::from(split.bin)).copied().unwrap_or(f64::INFINITY);
                self.threshold.push(threshold);
                self.category_set.push(-1);
            }
            waiting.push((right, Some(at)));
            waiting.push((left, None));
        }
        self.tree_offsets.push(self.feature.len() as u32);
    }
}
