//! Path-dependent SHAP interaction values: what two columns give together beyond what each gives.
//!
//! Twin: `python/smelt/plain/inspection/tree_shap.py`.
//!
//! The index of a pair is the mixed derivative of the multilinear extension along its diagonal, so
//! with the words of `path_dependent.rs`
//!
//!   φ_ij = ½ v (o_i - z_i) (o_j - z_j) ∫₀¹ Π_{k ≠ i, j} f_k(t) dt,   φ_ii = φ_i - Σ_j φ_ij.
//!
//! 1. Walk down and up as for the values; each split has a vector V over the points, of which the
//!    values are the sum.
//! 2. For every other column i on the way down to the split, add ½ Σ_t V · (o_i - z_i) / f_i.
//! 3. The diagonal is what is left of the values.
//!
//! Cost: (12 + 2 · columns on the path) flops a point, split and row.

use smelt_core::simd::vectorize;
use smelt_core::{Control, Mat, MatRef, Real, Result, parallel};

use super::path_dependent::{n_points, rules, tree_shap_values, walks};
use super::splits::{BLOCK, Edge, OFF, Step, TreeSplits};
use super::trees::{TreesRef, columns_of};

/// Points of one walk.
const Q: usize = 4;
type Points = [f64; Q];

/// Interaction values of every row, (n_rows, n_features · n_features · n_outputs), outputs innermost.
#[allow(non_snake_case)]
pub fn tree_shap_interaction_values<T: Real>(
    X: MatRef<'_, T>,
    trees: &TreesRef<'_>,
    control: &Control,
) -> Result<Mat<f64>> {
    let values = tree_shap_values(X, trees, control)?;
    let (n_features, n_outputs) = (trees.n_features, trees.n_outputs);
    let width = n_features * n_features * n_outputs;
    let mut out = Mat::zeros(X.n_rows(), width);
    let walks = walks(trees, control)?;
    let paths: Vec<Vec<Vec<Edge>>> = walks.iter().map(paths).collect();
    let rules = rules(&walks);
    let n_splits: usize = walks.iter().map(|walk| walk.splits.len()).sum();
    let cost_ns = (n_splits * trees.width()) as f64 * 50.0;
    let chunk = parallel::chunk_size(X.n_rows(), 8).min(BLOCK);
    parallel::for_chunks_mut(out.as_mut_slice(), width, chunk, cost_ns, |_, range, part| {
        let columns = columns_of(X, range.clone(), chunk);
        let mut sides = Vec::new();
        for (tree, walk) in walks.iter().enumerate() {
            walk.sides(trees, &columns, chunk, &mut sides);
            let Some(rule) = rules.get(n_points(walk) / 4) else { return };
            for points in rule.chunks(Q) {
                let tables = Tables::new(walk, points);
                for (r, sums) in part.chunks_exact_mut(width).enumerate() {
                    if control.check().is_err() {
                        return;
                    }
                    let side = |split: usize| usize::from(sides[split * chunk + r].min(OFF));
                    for value in 0..trees.width() {
                        let output = trees.first_output[tree] as usize + value;
                        let row = Row { trees, walk, paths: &paths[tree], tables: &tables, value };
                        vectorize(
                            #[inline(always)]
                            || {
                                row.walk(side, |i, j, sum| {
                                    sums[(i * n_features + j) * n_outputs + output] += sum;
                                });
                            },
                        );
                    }
                }
            }
        }
        for (row, sums) in range.zip(part.chunks_exact_mut(width)) {
            finish(sums, values.row(row), n_features, n_outputs);
        }
    });
    control.check()?;
    Ok(out)
}

/// The nearest edges of the other columns above every split.
fn paths(walk: &TreeSplits) -> Vec<Vec<Edge>> {
    let column = |edge: &Edge| walk.splits[edge.split()].column;
    let above = walk.splits.iter().map(|split| {
        let path = walk.path(split.parent()).into_iter();
        path.filter(|edge| column(edge) != split.column).collect()
    });
    above.collect()
}

/// Both halves of the matrix, and 3. its diagonal.
fn finish(sums: &mut [f64], values: &[f64], n_features: usize, n_outputs: usize) {
    for output in 0..n_outputs {
        let place = |i: usize, j: usize| (i * n_features + j) * n_outputs + output;
        for i in 0..n_features {
            for j in 0..i {
                let both = sums[place(i, j)] + sums[place(j, i)];
                (sums[place(i, j)], sums[place(j, i)]) = (both, both);
            }
        }
        for i in 0..n_features {
            let others: f64 = (0..n_features).filter(|&j| j != i).map(|j| sums[place(i, j)]).sum();
            sums[place(i, i)] = values[i * n_outputs + output] - others;
        }
    }
}

/// What the splits of a tree multiply by.
struct Tables {
    weight: Points,
    /// -1 / (1 - t): the slope of an edge not taken.
    cold: Points,
    /// Slope of each side when taken.
    hot: Vec<[Points; 2]>,
    /// Slope above each split when the row is on the path.
    above: Vec<Points>,
    /// z (1 - t) / f above each split.
    unknown: Vec<Points>,
}

impl Tables {
    fn new(walk: &TreeSplits, points: &[(f64, f64)]) -> Self {
        let (mut t, mut weight) = ([0.0; Q], [0.0; Q]);
        for (q, point) in points.iter().enumerate().take(Q) {
            (t[q], weight[q]) = *point;
        }
        let slope = |z: f64| t.map(|t| (1.0 - z) / (z * (1.0 - t) + t));
        let hot = |z: f64, shares: [f64; 2]| shares.map(|share| slope(z * share));
        let splits = walk.splits.iter();
        Self {
            weight,
            cold: t.map(|t| -1.0 / (1.0 - t)),
            hot: splits.clone().map(|split| hot(split.cold, split.shares)).collect(),
            above: splits.clone().map(|split| slope(split.cold)).collect(),
            unknown: splits
                .map(|split| t.map(|t| split.cold * (1.0 - t) / (split.cold * (1.0 - t) + t)))
                .collect(),
        }
    }
}

/// One row in one tree, for one value of the leaves.
struct Row<'a> {
    trees: &'a TreesRef<'a>,
    walk: &'a TreeSplits,
    paths: &'a [Vec<Edge>],
    tables: &'a Tables,
    value: usize,
}

impl Row<'_> {
    /// Gives half of every pair's index to `add(column, column of the split, sum)`.
    #[inline(always)]
    fn walk(&self, side: impl Fn(usize) -> usize, mut add: impl FnMut(usize, usize, f64)) {
        let Self { trees, walk, tables, .. } = *self;
        let mut slots = vec![[[0.0; Q]; 2]; walk.depth + 1];
        slots[0][0] = tables.weight;
        for step in &walk.steps {
            let (Step::Down(at) | Step::Up(at) | Step::Both(at)) = *step;
            let at = at as usize;
            let split = &walk.splits[at];
            let level = split.level as usize;
            let own = split.parent().map_or(0, |edge| usize::from(edge.side()));
            let taken = side(at);
            if !matches!(step, Step::Up(_)) {
                let whole = slots[level][own];
                // The side that gets the product; see the tables of the values.
                let small = usize::from(split.shares[1] < split.shares[0]);
                let other = if taken < 2 { 1 - taken } else { small };
                let (mut hot, mut cold) = ([0.0; Q], [0.0; Q]);
                for q in 0..Q {
                    let unknown = if taken < 2 { tables.unknown[at][q] } else { 1.0 };
                    cold[q] = whole[q] * unknown * split.shares[other];
                    hot[q] = whole[q] - cold[q];
                }
                let mut pair = [hot, cold];
                if other == 0 {
                    pair.swap(0, 1);
                }
                for (below, sums) in pair.iter_mut().enumerate() {
                    if let Some(leaf) = split.leaf(below) {
                        let value = trees.value[leaf * trees.width() + self.value];
                        sums.iter_mut().for_each(|sum| *sum *= value);
                    }
                }
                slots[level + 1] = pair;
            }
            if matches!(step, Step::Down(_)) {
                continue;
            }
            let [left, right] = slots[level + 1];
            let mut gain = [0.0; Q];
            for q in 0..Q {
                slots[level][own][q] = left[q] + right[q];
                if taken < 2 {
                    let (hot, cold) = if taken == 0 { (left, right) } else { (right, left) };
                    gain[q] = hot[q] * tables.hot[at][taken][q] + cold[q] * tables.cold[q]
                        - (hot[q] + cold[q]) * tables.above[at][q];
                }
            }
            if taken == 2 {
                continue;
            }
            for edge in &self.paths[at] {
                let at_edge = edge.split();
                let slope = if side(at_edge) == usize::from(edge.side()) {
                    &tables.hot[at_edge][usize::from(edge.side())]
                } else {
                    &tables.cold
                };
                let mut sum = 0.0;
                for q in 0..Q {
                    sum += gain[q] * slope[q];
                }
                let column = |split: usize| walk.columns[walk.splits[split].column as usize];
                add(column(at_edge) as usize, column(at) as usize, 0.5 * sum);
            }
        }
    }
}
