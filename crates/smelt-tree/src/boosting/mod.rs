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
//!
//! Memory of a row: p bytes of bins, and with one output 32 bytes: target and raw prediction (8 each),
//! gradient and curvature (8), its place (4; 4 more spare).

mod dropout;
mod grower;
mod leaves;
mod linear;
mod linear_predict;
pub mod loss;
mod monitor;
mod params;
mod rows;
mod sampling;
mod shuffler;
mod splitter;
mod stopping;
mod trees;

use smelt_core::{Control, Error, Result, parallel};

use self::dropout::Dropout;
pub use self::grower::GrowPolicy;
use self::grower::{Grower, Limits};
use self::leaves::{add_leaves, set_leaves};
use self::linear::fit_linear_leaves;
pub use self::linear_predict::LinearRef;
use self::loss::{Loss, LossName, Target};
pub use self::monitor::{Hooks, Monitor, Objective, Round};
pub use self::params::{HistGradientBoostingParams, Splitter};
pub use self::rows::{Constraints, Evaluation, Rows};
use self::rows::{check_evaluation, check_rows, features};
use self::sampling::{draw_by_gradient, draw_rows};
pub use self::shuffler::Shuffler;
use self::stopping::has_stalled;
use self::trees::BinnedTree;
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
    /// Whether the fit was cancelled, and the iterations done are these.
    pub interrupted: bool,
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
pub fn hist_gradient_boosting_baseline(target: Target<'_>, loss: &dyn Loss) -> Result<Vec<f64>> {
    loss.check_target(target)?;
    let y = target.y;
    if y.is_empty() || target.weight.is_some_and(|weight| weight.len() != y.len()) {
        return Err(Error::data("y is empty, or does not match the weights"));
    }
    Ok(loss.baseline(target))
}

/// Weighted mean of the loss.
pub fn hist_gradient_boosting_loss(
    target: Target<'_>,
    raw: &[f64],
    loss: &dyn Loss,
) -> Result<f64> {
    loss.check_target(target)?;
    let n = target.y.len();
    if n == 0
        || raw.len() != n * loss.n_outputs()
        || target.weight.is_some_and(|weight| weight.len() != n)
    {
        return Err(Error::data("targets, weights and raw predictions do not match"));
    }
    Ok(loss.mean(target, raw))
}

/// Adds up to `max_iter` iterations to the raw predictions in `training`.
///
/// `scores` are the train and validation scores of earlier iterations (empty at the start).  The raw
/// predictions of `evaluations` are followed for the monitor of the hooks.
pub fn hist_gradient_boosting_fit(
    mut training: Rows<'_>,
    mut validation: Option<Rows<'_>>,
    mut evaluations: Vec<Evaluation<'_>>,
    borders: BordersRef<'_>,
    constraints: Constraints<'_>,
    scores: (Vec<f64>, Vec<f64>),
    mut random: Shuffler,
    params: &HistGradientBoostingParams,
    mut hooks: Hooks<'_>,
    control: &Control,
) -> Result<HistGradientBoostingFit> {
    params.check()?;
    let loss = loss::named(&params.loss())?;
    let loss = loss.as_ref();
    let n_outputs = loss.n_outputs();
    check_rows(&training, &borders, loss)?;
    if let Some(rows) = &validation {
        check_rows(rows, &borders, loss)?;
    }
    for rows in &evaluations {
        check_evaluation(rows, &borders, n_outputs)?;
    }
    let n = training.y.len();
    let features = features(&training, &borders, constraints.monotonic)?;
    check_choices(params, &constraints, &training, loss, &hooks)?;
    let n_bins: Vec<usize> = features.iter().map(|feature| feature.n_bins + 1).collect();
    let constant_hessian =
        loss.has_constant_hessian() && training.weight.is_none() && params.goss.is_none();
    let groups = Groups::new(&training.bins, &n_bins, constant_hessian)
        .ok_or_else(|| Error::data("trees are grown on grouped bins"))?;
    let limits = Limits::of(params, constraints.interactions);
    let mut grower = Grower::new(&groups, &features, n, &limits);
    let mut gradients = vec![[0.0_f32; 2]; n * n_outputs];
    let mut column = vec![[0.0_f32; 2]; if n_outputs > 1 { n } else { 0 }];
    let mut trees = Trees { tree_offsets: vec![0], ..Trees::default() };
    let (mut train_score, mut validation_score) = scores;
    let (is_first, mut stopped) = (train_score.is_empty(), false);
    let mut score = |training: &Rows<'_>, validation: &Option<Rows<'_>>| {
        let of = |rows: &Rows<'_>| -loss.mean(rows.target(), &rows.raw);
        train_score.push(of(training));
        let scores = match validation {
            Some(rows) => {
                validation_score.push(of(rows));
                &validation_score
            }
            None => &train_score,
        };
        has_stalled(scores, params.n_iter_no_change, params.tol)
    };
    if params.early_stopping && is_first {
        score(&training, &validation);
    }
    control.set_total(params.max_iter as u64);
    let (mut n_iter, mut drawn, mut dropout) = (0, None, Dropout::default());
    let mut iteration = |n_iter: usize, trees: &mut Trees, hooks: &mut Hooks<'_>| -> Result<bool> {
        control.check()?;
        let mut rate = params.learning_rate;
        if let Some(rates) = params.drop_rates() {
            rate *= dropout.drop_some(rates, &mut training, &mut random);
        }
        // 1. Gradients.
        match &mut hooks.objective {
            Some(objective) => {
                monitor::fill(objective, &training, &mut gradients)?;
            }
            None => loss.gradients(training.target(), &training.raw, &mut gradients),
        }
        let mut factors = None;
        if let Some(shares) = params.goss {
            // The first iterations learn from all rows, as in LightGBM.
            drawn = None;
            if n_iter >= (1.0 / params.learning_rate) as usize {
                let (is_in, factor) =
                    draw_by_gradient(&mut gradients, n_outputs, shares, &mut random);
                drawn = Some(is_in);
                factors = Some(match training.weight {
                    Some(weight) => factor.iter().zip(weight).map(|(f, w)| f * w).collect(),
                    None => factor,
                });
            }
        } else if n_iter.is_multiple_of(params.subsample_freq) {
            drawn = draw_rows(n, params.subsample, &mut random);
        }
        let mut binned = Vec::with_capacity(n_outputs);
        for output in 0..n_outputs {
            let of_output = if n_outputs == 1 {
                &gradients[..]
            } else {
                parallel::for_chunks_mut(&mut column, 1, 8_192, 3.0, |_, range, column| {
                    let rows = gradients[range.start * n_outputs..].chunks_exact(n_outputs);
                    for (pair, row) in column.iter_mut().zip(rows) {
                        *pair = row[output];
                    }
                });
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
            let linear = match (params.linear_regularization, training.numbers) {
                (Some(penalty), Some(numbers)) => {
                    fit_linear_leaves(&grower, of_output, numbers, penalty, rate)
                }
                _ => Vec::new(),
            };
            let weight = factors.as_deref().or(training.weight);
            let target = Target { weight, ..training.target() };
            let raw = &mut training.raw[output * n..(output + 1) * n];
            set_leaves(&mut grower, loss, output, target, raw, rate, params.leaf_iterations);
            // 4. The raw predictions.
            let tree = BinnedTree::of(&grower, &linear);
            if linear.is_empty() {
                add_leaves(&grower, raw);
                if let Some(is_in) = &drawn {
                    let others: Vec<bool> = is_in.iter().map(|is_in| !is_in).collect();
                    tree.add_to((&training.bins, None), raw, 1.0, Some(&others));
                }
            } else {
                tree.add_to((&training.bins, training.numbers), raw, 1.0, None);
            }
            if let Some(rows) = &mut validation {
                let n = rows.y.len();
                let raw = &mut rows.raw[output * n..(output + 1) * n];
                tree.add_to((&rows.bins, rows.numbers), raw, 1.0, None);
            }
            for rows in &mut evaluations {
                let n = rows.raw.len() / n_outputs;
                let raw = &mut rows.raw[output * n..(output + 1) * n];
                tree.add_to((&rows.bins, rows.numbers), raw, 1.0, None);
            }
            trees.push(&grower, &linear, &borders);
            binned.push(tree);
        }
        if params.drop_rate > 0.0 {
            dropout.take_in(binned, &mut training, validation.as_mut(), &mut evaluations);
        }
        // 5. Early stopping.
        let mut stop = params.early_stopping && score(&training, &validation);
        if let Some(monitor) = &mut hooks.monitor {
            let now = hooks.wants_trees.then(|| {
                let mut trees = trees.clone();
                dropout.weigh(&mut trees, n_iter + 1);
                trees
            });
            let validation_raw = validation.as_ref().map(|rows| &rows.raw[..]);
            let raw = &training.raw[..];
            let evaluations: Vec<&[f64]> = evaluations.iter().map(|rows| &rows.raw[..]).collect();
            stop |= monitor(Round {
                n_iter: n_iter + 1,
                raw,
                validation_raw,
                evaluations,
                trees: now,
            })?;
        }
        Ok(stop)
    };
    let mut interrupted = false;
    while n_iter < params.max_iter && !stopped {
        match iteration(n_iter, &mut trees, &mut hooks) {
            Ok(stop) => stopped = stop,
            Err(Error::Cancelled) if params.keep_on_interrupt && n_iter > 0 => {
                trees.truncate(n_iter * n_outputs);
                interrupted = true;
                break;
            }
            Err(error) => return Err(error),
        }
        n_iter += 1;
        control.advance(1);
    }
    dropout.weigh(&mut trees, n_iter);
    Ok(HistGradientBoostingFit {
        trees,
        n_iter,
        stopped,
        interrupted,
        raw: training.raw,
        validation_raw: validation.map(|rows| rows.raw).unwrap_or_default(),
        train_score,
        validation_score,
        random,
    })
}

/// Refuses choices that do not go together.
fn check_choices(
    params: &HistGradientBoostingParams,
    constraints: &Constraints<'_>,
    training: &Rows<'_>,
    loss: &dyn Loss,
    hooks: &Hooks<'_>,
) -> Result<()> {
    let (n, n_features) = (training.y.len(), training.bins.n_features());
    if let Some(groups) = &constraints.interactions
        && groups.iter().flatten().any(|&feature| feature >= n_features)
    {
        return Err(Error::parameter("interaction_cst", "names a feature that does not exist"));
    }
    let is_bound = constraints.monotonic.is_some_and(|signs| signs.iter().any(|&sign| sign != 0));
    if params.grow_policy == GrowPolicy::Symmetric && is_bound {
        return Err(Error::parameter(
            "grow_policy",
            "'symmetric' cannot respect monotonic_cst; use 'depth-wise' or 'leaf-wise'",
        ));
    }
    if params.linear_regularization.is_some() {
        let reason = if loss.leaf_constant(0).is_some() {
            "cannot be had with a loss without curvature (absolute_error, quantile)"
        } else if is_bound {
            "cannot respect monotonic_cst"
        } else if training.numbers.is_none_or(|numbers| numbers.len() != n * n_features) {
            "need the numbers of all features"
        } else {
            ""
        };
        if !reason.is_empty() {
            return Err(Error::parameter("linear_leaves", reason));
        }
    }
    if (params.loss == LossName::Custom) != hooks.objective.is_some() {
        return Err(Error::parameter("loss", "a custom loss and an objective go together"));
    }
    Ok(())
}
