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

mod grower;
mod leaves;
pub mod loss;
mod params;
mod rows;
mod sampling;
mod shuffler;
mod splitter;
mod stopping;
mod trees;

use smelt_core::{Control, Error, Result};

pub use self::grower::GrowPolicy;
use self::grower::{Grower, Limits};
use self::leaves::set_leaves;
use self::loss::Loss;
pub use self::params::{HistGradientBoostingParams, Splitter};
pub use self::rows::{Constraints, Rows};
use self::rows::{check_rows, features};
use self::sampling::draw_rows;
pub use self::shuffler::Shuffler;
use self::splitter::Rules;
use self::stopping::has_stalled;
pub use self::trees::Trees;
use crate::bins::BordersRef;
use crate::histogram::Groups;

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
    loss: &dyn Loss,
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
    let loss = loss::named(params.loss, params.quantile, params.n_classes)?;
    let loss = loss.as_ref();
    let n_outputs = loss.n_outputs();
    check_rows(&training, &borders, loss)?;
    if let Some(rows) = &validation {
        check_rows(rows, &borders, loss)?;
    }
    let (n, n_features) = (training.y.len(), borders.n_features());
    let features = features(&training, &borders, constraints.monotonic)?;
    let is_bound = features.iter().any(|feature| feature.monotonic != 0);
    if params.grow_policy == GrowPolicy::Symmetric && is_bound {
        return Err(Error::parameter(
            "grow_policy",
            "'symmetric' cannot respect monotonic_cst; use 'depth-wise' or 'leaf-wise'",
        ));
    }
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
            l1_regularization: params.l1_regularization,
            min_gain: params.min_gain_to_split,
            min_hessian: params.min_child_weight,
            max_delta_step: params.max_delta_step.unwrap_or(f64::INFINITY),
        },
        max_bins: params.max_bins,
        max_features: params.max_features,
        colsample_bytree: params.colsample_bytree,
        random_cuts: params.splitter == Splitter::Random,
        policy: params.grow_policy,
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
                has_stalled(&validation_score, params.n_iter_no_change, params.tol)
            }
            None => has_stalled(&train_score, params.n_iter_no_change, params.tol),
        }
    };
    if params.early_stopping && is_first {
        score(&training, &validation);
    }
    control.set_total(params.max_iter as u64);
    let (mut n_iter, mut drawn) = (0, None);
    while n_iter < params.max_iter && !stopped {
        control.check()?;
        // 1. Gradients.
        loss.gradients(training.y, &training.raw, training.weight, &mut gradients);
        if n_iter % params.subsample_freq == 0 {
            drawn = draw_rows(n, params.subsample, &mut random);
        }
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
            set_leaves(
                &mut grower,
                loss,
                output,
                training.y,
                raw,
                training.weight,
                params.learning_rate,
            );
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
