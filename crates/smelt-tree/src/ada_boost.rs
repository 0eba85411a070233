//! AdaBoost: trees in turn, each on the rows that those before it got wrong.
//!
//! SAMME for classes (Zhu, Zou, Rosset, Hastie 2009), AdaBoost.R2 for numbers (Drucker 1997).
//!
//! Twin: `smelt/plain/ensemble/ada_boost.py`.
//!
//! 1. Grow a tree: classes by the weights, numbers on rows drawn by them.
//! 2. Its error is the weight of the rows that it gets wrong, or its mean loss.
//! 3. Its say is the larger, the smaller the error; stop where it does no better than chance.
//! 4. Rows it gets wrong gain weight, or rows it gets right lose some; the weights add up to 1.
//!
//! Cost of a round: one tree on columns prepared once, and a few passes over the weights.

use serde::Deserialize;
use smelt_core::{Control, Error, MersenneTwister, Result, parallel};

use crate::member::Member;
use crate::tree::decision_tree::{DecisionTreeParams, Targets};
use crate::tree::nodes::Nodes;
use crate::tree::sparse::ByColumn;

/// Rows of a partial sum.
const CHUNK: usize = 4096;

/// How far off a number is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AdaBoostLoss {
    /// The error as a share of the largest.
    Linear,
    /// Its square.
    Square,
    /// 1 − exp(−share).
    Exponential,
}

/// Parameters of AdaBoost.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdaBoostParams {
    /// Most trees.
    pub n_estimators: usize,
    /// Factor of every tree's say (above 0).
    pub learning_rate: f64,
    /// Loss of numbers.
    pub loss: AdaBoostLoss,
    /// Whether the trees draw their thresholds.
    pub draws_thresholds: bool,
    /// Most codes of a column; none: one a distinct value.
    #[serde(default)]
    pub max_bins: Option<usize>,
    /// Parameters of the trees.
    pub tree: DecisionTreeParams,
}

/// Trees with a say each.
#[derive(Debug, Default)]
pub struct AdaBoostFit {
    /// Nodes of all trees.
    pub nodes: Nodes,
    /// Where each starts, and the number of nodes.
    pub offsets: Vec<i64>,
    /// Random states of the trees.
    pub random_states: Vec<u32>,
    /// How much each tree says.
    pub weights: Vec<f64>,
    /// Error of each tree.
    pub errors: Vec<f64>,
    /// Whether the weights of the rows overflowed.
    pub overflowed: bool,
}

/// What a tree earned.
enum Verdict {
    /// It stays, and the next comes after it.
    Kept { weight: f64, error: f64 },
    /// It is perfect, and the last.
    Perfect,
    /// It is no better than chance, and goes, unless it is the only one.
    Chance,
}

/// Boosts trees on `X`, whose columns lie behind each other where they are dense.
///
/// `targets` have one output; the weights of the rows, none negative, add up to 1.
#[allow(non_snake_case)]
pub fn ada_boost_fit<'a>(
    X: impl Into<ByColumn<'a>>,
    targets: Targets<'_>,
    sample_weight: &[f64],
    params: &AdaBoostParams,
    random_state: u32,
    control: &Control,
) -> Result<AdaBoostFit> {
    let X: ByColumn<'a> = X.into();
    if sample_weight.len() != X.n_rows() {
        return Err(Error::data("the weights do not match the rows of X".to_string()));
    }
    if params.n_estimators == 0 || params.learning_rate.is_nan() || params.learning_rate <= 0.0 {
        let message = format!("must be above 0, got {}", params.learning_rate);
        return Err(Error::parameter("learning_rate", message));
    }
    let with_order = params.tree.max_features >= X.n_cols();
    let member = Member::new(X, params.draws_thresholds, params.max_bins, with_order, control)?;
    control.set_total(params.n_estimators as u64);
    let mut random = MersenneTwister::new(random_state);
    let mut weights = sample_weight.to_vec();
    let mut fit = AdaBoostFit { offsets: vec![0], ..AdaBoostFit::default() };
    for round in 0..params.n_estimators {
        control.check()?;
        // Weights that were not zero stay above it.
        for (weight, &first) in weights.iter_mut().zip(sample_weight) {
            *weight = if first == 0.0 { 0.0 } else { weight.max(f64::EPSILON) };
        }
        let state = random.below(i32::MAX as u32);
        let seed = MersenneTwister::new(state).below(i32::MAX as u32);
        let last = round + 1 == params.n_estimators;
        let (mut nodes, verdict) = match targets {
            Targets::Classes { classes, n_classes } => {
                let nodes = member.grow(targets, &weights, &params.tree, seed, control)?;
                let rate = params.learning_rate;
                let verdict =
                    judge_classes(X, &nodes, classes, n_classes[0], &mut weights, rate, last);
                (nodes, verdict)
            }
            Targets::Values { values, .. } => {
                let drawn = draw(&weights, &mut random);
                let nodes = member.grow(targets, &drawn, &params.tree, seed, control)?;
                let verdict = judge_values(X, &nodes, values, &mut weights, params, last);
                (nodes, verdict)
            }
        };
        let (weight, error) = match verdict {
            Verdict::Kept { weight, error } => (weight, error),
            Verdict::Perfect => (1.0, 0.0),
            Verdict::Chance if round > 0 => break,
            Verdict::Chance if matches!(targets, Targets::Classes { .. }) => {
                return Err(Error::data(
                    "BaseClassifier in AdaBoostClassifier ensemble is worse than random, ensemble \
                     can not be fit."
                        .to_string(),
                ));
            }
            Verdict::Chance => (0.0, 1.0),
        };
        fit.nodes.append(&mut nodes);
        fit.offsets.push(fit.nodes.len() as i64);
        fit.random_states.push(state);
        fit.weights.push(weight);
        fit.errors.push(error);
        if !matches!(verdict, Verdict::Kept { .. }) {
            break;
        }
        let total: f64 = weights.iter().sum();
        if !total.is_finite() {
            fit.overflowed = true;
            break;
        }
        if total <= 0.0 {
            break;
        }
        if !last {
            weights.iter_mut().for_each(|weight| *weight /= total);
        }
        control.advance(1);
    }
    Ok(fit)
}

/// Calls `work` on parts of the rows and of their weights; sums of what it returns, in order.
fn sums(weights: &mut [f64], work: impl Fn(usize, &mut f64) -> f64 + Sync) -> f64 {
    let n = weights.len();
    let parts: Vec<std::sync::Mutex<&mut [f64]>> =
        weights.chunks_mut(CHUNK).map(std::sync::Mutex::new).collect();
    let partial = parallel::map_chunks(n, CHUNK, 20.0, |index, range| {
        let Ok(mut part) = parts[index].lock() else { return 0.0 };
        range.zip(part.iter_mut()).map(|(row, weight)| work(row, weight)).sum::<f64>()
    });
    partial.into_iter().sum()
}

/// Leaf of a row.
#[allow(non_snake_case)]
fn leaf(X: ByColumn<'_>, nodes: &Nodes, row: usize) -> usize {
    let mut node = 0;
    while nodes.left[node] >= 0 {
        let x = X.get(row, nodes.feature[node] as usize);
        let goes_left =
            f64::from(x) <= nodes.threshold[node] || (x.is_nan() && nodes.missing_left[node] == 1);
        node = if goes_left { nodes.left[node] } else { nodes.right[node] } as usize;
    }
    node
}

/// 2. to 4. for classes.
#[allow(non_snake_case)]
fn judge_classes(
    X: ByColumn<'_>,
    nodes: &Nodes,
    classes: &[u32],
    n_classes: usize,
    weights: &mut [f64],
    learning_rate: f64,
    last: bool,
) -> Verdict {
    let answers: Vec<u32> = nodes.value.chunks(n_classes).map(first_largest).collect();
    let is_wrong = |row: usize| answers[leaf(X, nodes, row)] != classes[row];
    let total: f64 = weights.iter().sum();
    let wrong = sums(weights, |row, weight| if is_wrong(row) { *weight } else { 0.0 });
    let error = wrong / total;
    if error <= 0.0 {
        return Verdict::Perfect;
    }
    if error >= 1.0 - 1.0 / n_classes as f64 {
        return Verdict::Chance;
    }
    let say = learning_rate * (((1.0 - error) / error).ln() + (n_classes as f64 - 1.0).ln());
    if !last {
        sums(weights, |row, weight| {
            let gain = if is_wrong(row) && *weight > 0.0 { say } else { 0.0 };
            *weight = (weight.ln() + gain).exp();
            0.0
        });
    }
    Verdict::Kept { weight: say, error }
}

fn first_largest(value: &[f64]) -> u32 {
    (1..value.len()).fold(0, |best, k| if value[k] > value[best] { k } else { best }) as u32
}

/// How often each of as many rows as there are was drawn by the weights, which add up to 1.
fn draw(weights: &[f64], random: &mut MersenneTwister) -> Vec<f64> {
    let mut sum = 0.0;
    let mut running: Vec<f64> = weights
        .iter()
        .map(|weight| {
            sum += weight;
            sum
        })
        .collect();
    running.iter_mut().for_each(|partial| *partial /= sum);
    let mut counts = vec![0.0; weights.len()];
    for _ in 0..weights.len() {
        let drawn = random.uniform();
        counts[running.partition_point(|&partial| partial <= drawn).min(weights.len() - 1)] += 1.0;
    }
    counts
}

/// 2. to 4. for numbers.
#[allow(non_snake_case)]
fn judge_values(
    X: ByColumn<'_>,
    nodes: &Nodes,
    values: &[f64],
    weights: &mut [f64],
    params: &AdaBoostParams,
    last: bool,
) -> Verdict {
    let mut losses = vec![0.0; weights.len()];
    sums(&mut losses, |row, loss| {
        *loss = (nodes.value[leaf(X, nodes, row)] - values[row]).abs();
        0.0
    });
    let counted = losses.iter().zip(&*weights).filter(|(_, weight)| **weight > 0.0);
    let largest = counted.map(|(loss, _)| *loss).fold(0.0, f64::max);
    for loss in &mut losses {
        let share = if largest == 0.0 { *loss } else { *loss / largest };
        *loss = match params.loss {
            AdaBoostLoss::Linear => share,
            AdaBoostLoss::Square => share * share,
            AdaBoostLoss::Exponential => 1.0 - (-share).exp(),
        };
    }
    let error = sums(weights, |row, weight| *weight * losses[row]);
    if error <= 0.0 {
        return Verdict::Perfect;
    }
    if error >= 0.5 {
        return Verdict::Chance;
    }
    let beta = error / (1.0 - error);
    if !last {
        sums(weights, |row, weight| {
            *weight *= beta.powf((1.0 - losses[row]) * params.learning_rate);
            0.0
        });
    }
    Verdict::Kept { weight: params.learning_rate * (1.0 / beta).ln(), error }
}
