//! A forest: many trees on the same columns, each on rows and columns of its own.
//!
//! Twin: `smelt/plain/ensemble/random_forest.py`.
//!
//! 1. Draw the rows of a tree with replacement, the heavy ones more often: a row drawn twice weighs
//!    twice.  Without drawing, every tree takes all rows with their weights.
//! 2. Grow the tree; trees grow side by side, one thread each.
//! 3. Put them behind each other, in their order.
//!
//! Cost: that of the trees.  The columns are prepared once for all of them; a thread needs 40 bytes a
//! row of its own.  63 % of the rows are left when as many are drawn as there are.  Nodes take 45 bytes
//! and 8 a class or output; no tree is kept twice.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use serde::Deserialize;
use smelt_core::{Control, Error, Mat, MersenneTwister, Result, parallel};

use super::columns::Columns;
use super::decision_tree::{CriterionName, DecisionTreeParams, Targets, check, grow};
use super::grow::Table;
use super::nodes::Nodes;
use super::predict::Trees;
use super::sparse::{ByColumn, ByRow};

/// What a forest adds to the parameters of its trees.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForestParams {
    /// Weigh the classes of each tree's rows by n_rows / (n_classes · rows of the class).
    #[serde(default)]
    pub balanced_subsample: bool,
    /// Parameters of the trees.
    pub tree: DecisionTreeParams,
}

/// How rows are drawn for a tree.
#[derive(Debug, Clone, Copy)]
pub struct Draw<'a> {
    /// Number of rows drawn.
    pub n: usize,
    /// Running sums of the rows' probabilities, if these are not equal; the last is 1.
    pub cumulative: Option<&'a [f64]>,
}

impl Draw<'_> {
    /// How often each of `n_rows` rows was drawn for the tree of this seed.
    pub(super) fn counts(&self, n_rows: usize, random_state: u32) -> Vec<u32> {
        let mut random = MersenneTwister::new(random_state);
        let mut counts = vec![0; n_rows];
        for _ in 0..self.n {
            let row = match self.cumulative {
                None => random.below(n_rows as u32) as usize,
                Some(cumulative) => {
                    let drawn = random.uniform();
                    cumulative.partition_point(|&sum| sum <= drawn).min(n_rows - 1)
                }
            };
            counts[row] += 1;
        }
        counts
    }

    fn check(&self, n_rows: usize) -> Result<()> {
        if self.n == 0 {
            return Err(Error::parameter("max_samples", "must draw at least one row".to_string()));
        }
        if self.cumulative.is_some_and(|sums| sums.len() != n_rows) {
            return Err(Error::data("the weights do not match the rows of X".to_string()));
        }
        Ok(())
    }
}

/// Grows one tree for each of `random_states`; returns the nodes of all trees, and where each starts.
///
/// `sample_weight` counts where no rows are drawn.
pub fn random_forest_fit(
    columns: &Columns,
    targets: Targets<'_>,
    sample_weight: Option<&[f64]>,
    draw: Option<Draw<'_>>,
    params: &ForestParams,
    random_states: &[u32],
    control: &Control,
) -> Result<(Nodes, Vec<i64>)> {
    let table = Table::Codes(columns);
    fit(table, targets, sample_weight, draw, params, random_states, control)
}

/// The same with trees that draw their thresholds, on the columns of `X`, which lie behind each other
/// where they are dense; `max_bins` as in [`Columns::new`], but none beside columns of categories.
///
/// Twin: `smelt/plain/ensemble/extra_trees.py`.
#[allow(non_snake_case)]
pub fn extra_trees_fit<'a>(
    X: impl Into<ByColumn<'a>>,
    targets: Targets<'_>,
    sample_weight: Option<&[f64]>,
    draw: Option<Draw<'_>>,
    max_bins: Option<usize>,
    params: &ForestParams,
    random_states: &[u32],
    control: &Control,
) -> Result<(Nodes, Vec<i64>)> {
    // Subtrees of classes grow by rows.
    let wants_rows = matches!(targets, Targets::Classes { .. })
        && matches!(params.tree.criterion, CriterionName::Gini);
    let max_bins = max_bins.filter(|_| params.tree.categorical.is_none());
    let prepared = X.into().prepare(max_bins, wants_rows, control)?;
    let table = Table::Values(prepared.values());
    fit(table, targets, sample_weight, draw, params, random_states, control)
}

fn fit(
    table: Table<'_>,
    targets: Targets<'_>,
    sample_weight: Option<&[f64]>,
    draw: Option<Draw<'_>>,
    params: &ForestParams,
    random_states: &[u32],
    control: &Control,
) -> Result<(Nodes, Vec<i64>)> {
    let n_rows = table.n_rows();
    let limits = check(table, targets, sample_weight, &params.tree)?;
    if let Some(draw) = &draw {
        draw.check(n_rows)?;
    }
    control.set_total(random_states.len() as u64);
    let grown = Mutex::new(Grown::default());
    // One tree costs far more than waking a thread.
    let ends = parallel::map_chunks(random_states.len(), 1, 1e9, |tree, _| {
        control.check()?;
        let state = random_states[tree];
        let drawn = draw.map(|draw| weights(n_rows, targets, &draw, params, state));
        let weights = drawn.as_deref().or(sample_weight);
        let seed = MersenneTwister::new(state).below(i32::MAX as u32);
        let criterion = params.tree.criterion;
        let nodes = grow(table, targets, weights, criterion, &limits, seed, control)?;
        control.advance(1);
        grown.lock().unwrap_or_else(PoisonError::into_inner).put(tree, nodes);
        Ok(())
    });
    control.check()?;
    ends.into_iter().collect::<Result<()>>()?;
    let grown = grown.into_inner().unwrap_or_else(PoisonError::into_inner);
    let starts = std::iter::once(0).chain(grown.ends);
    Ok((grown.nodes, starts.collect()))
}

/// 3. Trees behind each other, as soon as all before them are grown: they are not kept twice.
#[derive(Default)]
struct Grown {
    nodes: Nodes,
    ends: Vec<i64>,
    waiting: BTreeMap<usize, Nodes>,
}

impl Grown {
    fn put(&mut self, tree: usize, nodes: Nodes) {
        self.waiting.insert(tree, nodes);
        while let Some(mut nodes) = self.waiting.remove(&self.ends.len()) {
            self.nodes.append(&mut nodes);
            self.ends.push(self.nodes.len() as i64);
        }
    }
}

/// 1. Weights of a tree's rows.
fn weights(
    n_rows: usize,
    targets: Targets<'_>,
    draw: &Draw<'_>,
    params: &ForestParams,
    random_state: u32,
) -> Vec<f64> {
    let counts = draw.counts(n_rows, random_state);
    let mut weights: Vec<f64> = counts.iter().map(|&count| f64::from(count)).collect();
    if let (true, Targets::Classes { classes, n_classes }) = (params.balanced_subsample, targets) {
        let n_outputs = n_classes.len();
        for (output, &n_classes) in n_classes.iter().enumerate() {
            let of = |row: usize| classes[row * n_outputs + output] as usize;
            let mut drawn = vec![0.0; n_classes];
            counts.iter().enumerate().for_each(|(row, &count)| drawn[of(row)] += f64::from(count));
            let n_present = drawn.iter().filter(|&&n| n > 0.0).count() as f64;
            for (row, weight) in weights.iter_mut().enumerate() {
                if drawn[of(row)] > 0.0 {
                    *weight *= draw.n as f64 / (n_present * drawn[of(row)]);
                }
            }
        }
    }
    weights
}

/// For every row, the mean value of the trees it was not drawn for, and how many these are.
///
/// The means are (n_rows, values of a node); a row that every tree has seen gets NaN.
#[allow(non_snake_case)]
pub fn random_forest_out_of_bag(
    X: &ByRow<'_>,
    trees: &Trees<'_>,
    random_states: &[u32],
    draw: Draw<'_>,
    control: &Control,
) -> Result<(Mat<f64>, Vec<u32>)> {
    let (n_rows, width) = (X.n_rows(), trees.width());
    draw.check(n_rows)?;
    if random_states.len() != trees.n_trees() {
        return Err(Error::data("one random state a tree is needed".to_string()));
    }
    // One bit a row and tree: not drawn.
    let left_out = parallel::map_chunks(random_states.len(), 1, n_rows as f64 * 5.0, |tree, _| {
        let mut bits = vec![0_u64; n_rows.div_ceil(64)];
        if control.check().is_ok() {
            let counts = draw.counts(n_rows, random_states[tree]);
            for (row, _) in counts.iter().enumerate().filter(|(_, count)| **count == 0) {
                bits[row / 64] |= 1 << (row % 64);
            }
        }
        bits
    });
    control.check()?;
    let is_left_out = |tree: usize, row: usize| left_out[tree][row / 64] >> (row % 64) & 1 == 1;
    let mut means = Mat::zeros(n_rows, width);
    let place = (means.as_mut_slice(), width);
    trees.sum_values(X, place, control, Some(&is_left_out), &|_| {})?;
    let mut seen = vec![0_u32; n_rows];
    for bits in &left_out {
        control.check()?;
        for (row, count) in seen.iter_mut().enumerate() {
            *count += (bits[row / 64] >> (row % 64) & 1) as u32;
        }
    }
    for (sums, &count) in means.as_mut_slice().chunks_mut(width).zip(&seen) {
        sums.iter_mut().for_each(|sum| *sum /= f64::from(count));
    }
    Ok((means, seen))
}
