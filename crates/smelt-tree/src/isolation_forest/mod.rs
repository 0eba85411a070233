//! Isolation forest: how few random cuts part a row from the others (Liu, Ting, Zhou 2008).
//!
//! Twin: `smelt/plain/ensemble/isolation_forest.py`.
//!
//! 1. Draw a few rows for each tree (256 as a rule).
//! 2. Cut a node at a random threshold of a random column, or by a random hyperplane
//!    (`hyperplane.rs`), until its rows are alone, alike or at the greatest depth.
//! 3. A leaf's path length: its depth, and the average depth its rows would still need.
//! 4. Score of a row: 2^(-mean path length / average path length of a tree) (`score.rs`).
//!
//! Cost: growing is next to nothing, 256 rows · 8 levels · a few ns a tree.  Scoring is
//! n · trees · 8 steps of about 1.5 cycles each: 5e5 rows and 100 trees are 0.6e9 cycles.

mod hyperplane;
mod score;

use serde::Deserialize;
use smelt_core::{Control, Result, parallel};

pub use hyperplane::{Hyperplanes, isolation_forest_fit_extended, isolation_forest_score_extended};
pub use score::isolation_forest_score;

use crate::bag::{Bag, BagParams, Bags};
use crate::tree::columns::CLOSE;
use crate::tree::draw::Drawing;
use crate::tree::nodes::{LEAF, UNDEFINED};
use crate::tree::random::Xorshift;
use crate::tree::sparse::ByColumn;

/// Parameters of an isolation forest.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IsolationForestParams {
    /// Longest way from the root, in cuts.
    pub max_depth: usize,
    /// What each tree takes.
    pub bag: BagParams,
}

/// Nodes of all trees behind each other; children count from their tree's root.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct IsolationNodes {
    /// First node of every tree, and the number of nodes.
    pub offsets: Vec<i64>,
    /// Left child, -1 in a leaf.
    pub left: Vec<i32>,
    /// Right child, -1 in a leaf.
    pub right: Vec<i32>,
    /// Column cut at, -2 in a leaf.
    pub feature: Vec<i32>,
    /// Largest value that goes left, -2 in a leaf.
    pub threshold: Vec<f64>,
    /// 1 where missing values go left.
    pub missing_left: Vec<u8>,
    /// Rows that reached the node in training.
    pub n_rows: Vec<i64>,
    /// Path length of a row that ends here.
    pub path: Vec<f64>,
    /// Columns drawn for every tree, (n_trees, max_features).
    pub columns: Vec<i64>,
    /// Longest way from the root, in cuts.
    pub max_depth: usize,
}

impl IsolationNodes {
    /// Adds a leaf; returns its place.
    fn add(&mut self, parent: Option<(usize, bool)>, n_rows: usize, depth: usize) -> usize {
        let node = self.left.len();
        match parent {
            Some((parent, true)) => self.left[parent] = node as i32,
            Some((parent, false)) => self.right[parent] = node as i32,
            None => {}
        }
        self.left.push(LEAF);
        self.right.push(LEAF);
        self.feature.push(UNDEFINED);
        self.threshold.push(f64::from(UNDEFINED));
        self.missing_left.push(0);
        self.n_rows.push(n_rows as i64);
        // The sum in scikit-learn's order, for the same bits.
        self.path.push((depth as f64 + 1.0 + average_path_length(n_rows as f64)) - 1.0);
        self.max_depth = self.max_depth.max(depth);
        node
    }

    fn append(&mut self, mut tree: Self) {
        self.left.append(&mut tree.left);
        self.right.append(&mut tree.right);
        self.feature.append(&mut tree.feature);
        self.threshold.append(&mut tree.threshold);
        self.missing_left.append(&mut tree.missing_left);
        self.n_rows.append(&mut tree.n_rows);
        self.path.append(&mut tree.path);
        self.columns.append(&mut tree.columns);
        self.max_depth = self.max_depth.max(tree.max_depth);
        self.offsets.push(self.left.len() as i64);
    }
}

/// 3. Average depth of a row in a random binary search tree of `n` rows.
pub fn average_path_length(n: f64) -> f64 {
    const EULER: f64 = 0.577_215_664_901_532_9;
    if n <= 1.0 {
        0.0
    } else if n == 2.0 {
        1.0
    } else {
        2.0 * ((n - 1.0).ln() + EULER) - 2.0 * (n - 1.0) / n
    }
}

/// Grows one tree for each of `random_states`; NaN is a missing value.
///
/// `probabilities` of the rows to be drawn add up to 1.
#[allow(non_snake_case)]
pub fn isolation_forest_fit<'a>(
    X: impl Into<ByColumn<'a>>,
    probabilities: Option<&[f64]>,
    params: &IsolationForestParams,
    random_states: &[u32],
    control: &Control,
) -> Result<IsolationNodes> {
    let X: ByColumn<'a> = X.into();
    let bags = Bags::new(X.n_rows(), X.n_cols(), &params.bag, probabilities)?;
    let trees = grow_each(&bags, params, random_states, control, |bag, rows| {
        let mut grower = Grower {
            X,
            columns: &bag.columns,
            max_depth: params.max_depth,
            rows,
            right: Vec::new(),
            values: Vec::new(),
            drawing: Drawing::new(bag.columns.len(), 1),
            random: Xorshift::new(seed_of(bag)),
            nodes: IsolationNodes::default(),
        };
        grower.grow(control)?;
        Ok(grower.nodes)
    })?;
    let mut all = IsolationNodes { offsets: vec![0], ..IsolationNodes::default() };
    for (tree, columns) in trees {
        all.append(tree);
        all.columns.extend(columns.into_iter().map(i64::from));
    }
    Ok(all)
}

/// Seed of the generator within a tree.
fn seed_of(bag: &Bag) -> u32 {
    smelt_core::MersenneTwister::new(bag.random_state).below(i32::MAX as u32)
}

/// 1. Draws a bag for every tree and grows it, one thread each; trees and their columns.
fn grow_each<T: Send>(
    bags: &Bags<'_>,
    params: &IsolationForestParams,
    random_states: &[u32],
    control: &Control,
    grow: impl Fn(&Bag, Vec<u32>) -> Result<T> + Sync,
) -> Result<Vec<(T, Vec<u32>)>> {
    control.set_total(random_states.len() as u64);
    let cost_ns = params.bag.max_samples as f64 * (params.max_depth as f64 + 1.0) * 10.0;
    let trees = parallel::map_chunks(random_states.len(), 1, cost_ns, |tree, _| {
        control.check()?;
        let bag = bags.draw(random_states[tree]);
        let mut rows = bag.rows.clone();
        rows.sort_unstable();
        rows.dedup();
        let tree = grow(&bag, rows)?;
        control.advance(1);
        Ok((tree, bag.columns))
    });
    control.check()?;
    trees.into_iter().collect()
}

/// A node to be cut, or to become a leaf.
#[derive(Debug, Clone, Copy)]
struct Task {
    start: usize,
    stop: usize,
    depth: usize,
    parent: Option<(usize, bool)>,
    n_constant: usize,
}

#[allow(non_snake_case)]
struct Grower<'a> {
    X: ByColumn<'a>,
    columns: &'a [u32],
    max_depth: usize,
    rows: Vec<u32>,
    right: Vec<u32>,
    values: Vec<f32>,
    drawing: Drawing,
    random: Xorshift,
    nodes: IsolationNodes,
}

/// A random cut of a column.
struct Cut {
    column: u32,
    threshold: f64,
    missing_left: bool,
    n_missing: usize,
}

impl Grower<'_> {
    /// 2. Cuts nodes depth first, the left child before the right one.
    fn grow(&mut self, control: &Control) -> Result<()> {
        let root = Task { start: 0, stop: self.rows.len(), depth: 0, parent: None, n_constant: 0 };
        let mut waiting = vec![root];
        while let Some(task) = waiting.pop() {
            control.check()?;
            let n = task.stop - task.start;
            let node = self.nodes.add(task.parent, n, task.depth);
            if task.depth >= self.max_depth || n < 2 {
                continue;
            }
            self.drawing.start(task.n_constant);
            let cut = self.cut(&task);
            let n_constant = self.drawing.finish();
            let Some(cut) = cut else { continue };
            let middle = self.partition(&task, &cut);
            // All rows with a value are alike, and the missing ones were sent after them.
            if middle == task.start || middle == task.stop {
                continue;
            }
            let (n_left, n_right) = (middle - task.start, task.stop - middle);
            let missing_left = if cut.n_missing > 0 { cut.missing_left } else { n_left > n_right };
            self.nodes.feature[node] = cut.column as i32;
            self.nodes.threshold[node] = cut.threshold;
            self.nodes.missing_left[node] = u8::from(missing_left);
            let child = Task { depth: task.depth + 1, n_constant, ..task };
            waiting.push(Task { start: middle, parent: Some((node, false)), ..child });
            waiting.push(Task { stop: middle, parent: Some((node, true)), ..child });
        }
        Ok(())
    }

    /// A random threshold of the first column drawn that is not constant.
    fn cut(&mut self, task: &Task) -> Option<Cut> {
        let rows = &self.rows[task.start..task.stop];
        while let Some(drawn) = self.drawing.next(&mut self.random) {
            let column = self.columns[drawn];
            let (mut lowest, mut highest, mut n_missing) = (f32::INFINITY, f32::NEG_INFINITY, 0);
            self.values.clear();
            for &row in rows {
                let value = self.X.get(row as usize, column as usize);
                // Comparisons with NaN are false.
                lowest = if value < lowest { value } else { lowest };
                highest = if value > highest { value } else { highest };
                n_missing += usize::from(value.is_nan());
                self.values.push(value);
            }
            if n_missing == rows.len() || (n_missing == 0 && highest <= lowest + CLOSE) {
                self.drawing.is_constant();
                continue;
            }
            self.drawing.is_of_use();
            let (low, high) = (f64::from(lowest), f64::from(highest));
            let mut threshold = self.random.uniform(low, high);
            let missing_left = n_missing > 0 && self.random.integer(0, 2) == 1;
            if threshold == high {
                threshold = low;
            }
            return Some(Cut { column, threshold, missing_left, n_missing });
        }
        None
    }

    /// Rows of the left child first, all in their old order; returns where the right ones start.
    fn partition(&mut self, task: &Task, cut: &Cut) -> usize {
        let goes_left =
            |value: f32| f64::from(value) <= cut.threshold || (cut.missing_left && value.is_nan());
        let rows = &mut self.rows[task.start..task.stop];
        split(rows, &mut self.right, |place| goes_left(self.values[place])) + task.start
    }
}

/// Moves the rows that go right behind the others, all in their old order; returns how many go left.
fn split(rows: &mut [u32], right: &mut Vec<u32>, goes_left: impl Fn(usize) -> bool) -> usize {
    right.clear();
    let mut n_left = 0;
    for place in 0..rows.len() {
        let row = rows[place];
        if goes_left(place) {
            rows[n_left] = row;
            n_left += 1;
        } else {
            right.push(row);
        }
    }
    rows[n_left..].copy_from_slice(right);
    n_left
}

#[cfg(test)]
mod tests {
    use smelt_core::{Control, MatRef};

    use super::{IsolationForestParams, average_path_length, isolation_forest_fit};
    use crate::bag::BagParams;

    #[test]
    fn average_path_lengths_are_those_of_the_paper() {
        assert_eq!((average_path_length(1.0), average_path_length(2.0)), (0.0, 1.0));
        assert!((average_path_length(256.0) - 10.244_770_920_119_917).abs() < 1e-12);
    }

    #[test]
    fn a_row_far_away_has_a_short_path() {
        let mut values: Vec<f32> = (0..64).map(|i| (i as f32 * 0.7).sin()).collect();
        values[63] = 50.0;
        let bag = BagParams {
            max_samples: 64,
            max_features: 1,
            bootstrap: false,
            bootstrap_features: false,
        };
        let params = IsolationForestParams { max_depth: 6, bag };
        let states: Vec<u32> = (0..20).collect();
        let view = MatRef::column_vector(&values);
        let nodes = isolation_forest_fit(view, None, &params, &states, &Control::new()).unwrap();
        let first = (0..20).filter(|&tree| {
            let root = nodes.offsets[tree] as usize;
            nodes.n_rows[root + nodes.right[root] as usize] == 1
        });
        assert!(first.count() > 15);
        let n_rows: i64 = (0..nodes.left.len())
            .filter(|&node| nodes.left[node] < 0)
            .map(|node| nodes.n_rows[node])
            .sum();
        assert_eq!(n_rows, 20 * 64);
    }
}
