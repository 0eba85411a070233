//! Extended isolation forest: cuts by random hyperplanes (Hariri, Kind, Brunner 2021).
//!
//! A cut along the columns favours rows that lie between two groups but on the same line as one of
//! them; a hyperplane in a random direction does not.
//!
//! 1. Draw the columns of the plane (`extension_level` + 1 of them) and a normal vector, Gaussian in
//!    each of these; draw a point in the box that the node's rows fill.
//! 2. A row x goes left where (x − point) · normal ≤ 0.
//!
//! Cost: `extension_level` + 1 multiplications a step instead of a comparison.

use std::f64::consts::TAU;

use smelt_core::{Control, Error, MatRef, Result, parallel};

use super::score::{levels, normalised};
use super::{IsolationForestParams, IsolationNodes, Task, grow_each, seed_of, split};
use crate::bag::Bags;
use crate::tree::random::Xorshift;
use crate::tree::sparse::ByColumn;

/// Rows of a unit of parallel work.
const CHUNK: usize = 256;
/// Rows that go down a tree side by side.
const LANES: usize = 8;

/// Arrays of grown trees, as NumPy holds them; every node has the same number of columns.
#[derive(Debug, Clone, Copy)]
pub struct Hyperplanes<'a> {
    /// First node of every tree, and the number of nodes.
    pub offsets: &'a [i64],
    /// Left child, counted from the tree's root; -1 in a leaf.
    pub left: &'a [i32],
    /// Right child.
    pub right: &'a [i32],
    /// point · normal.
    pub threshold: &'a [f64],
    /// Columns of the planes (n_nodes · columns a plane).
    pub columns: &'a [i32],
    /// Normal vectors, of the same shape.
    pub normals: &'a [f64],
    /// Path length of a row that ends in a node.
    pub path: &'a [f64],
}

impl Hyperplanes<'_> {
    fn width(&self) -> usize {
        self.columns.len() / self.left.len().max(1)
    }

    /// Refuses arrays that rows of `n_features` columns could not follow.
    fn check(&self, n_features: usize) -> Result<()> {
        let n_nodes = self.left.len();
        let mut sound = self.offsets.first() == Some(&0)
            && self.offsets.last().copied() == i64::try_from(n_nodes).ok()
            && self.offsets.windows(2).all(|pair| pair[0] < pair[1])
            && [self.right.len(), self.threshold.len(), self.path.len()] == [n_nodes; 3]
            && self.columns.len() == self.normals.len()
            && self.width() > 0
            && self.columns.len() == n_nodes * self.width()
            && self.columns.iter().all(|&column| (0..n_features as i64).contains(&column.into()));
        for pair in self.offsets.windows(2) {
            if !sound {
                break;
            }
            for node in 0..pair[1] - pair[0] {
                // Children lie behind their parent, so that every way ends.
                let child =
                    |child: i32| i64::from(child) > node && i64::from(child) < pair[1] - pair[0];
                let at = (pair[0] + node) as usize;
                sound &= self.left[at] < 0 || (child(self.left[at]) && child(self.right[at]));
            }
        }
        if sound {
            Ok(())
        } else {
            Err(Error::data("the arrays of the trees are damaged".to_string()))
        }
    }

    /// Children of every node as places among all nodes; a leaf is its own child.
    fn links(&self) -> Vec<[u32; 2]> {
        let mut links = Vec::with_capacity(self.left.len());
        for pair in self.offsets.windows(2) {
            for node in pair[0]..pair[1] {
                let child = |child: i32| {
                    if child < 0 { node as u32 } else { (pair[0] + i64::from(child)) as u32 }
                };
                links.push([child(self.left[node as usize]), child(self.right[node as usize])]);
            }
        }
        links
    }
}

/// Score of every row, 0 to 1; `whole` as in [`super::isolation_forest_score`].
#[allow(non_snake_case)]
pub fn isolation_forest_score_extended(
    X: MatRef<'_, f32>,
    trees: &Hyperplanes<'_>,
    whole: f64,
    control: &Control,
) -> Result<Vec<f64>> {
    trees.check(X.n_cols())?;
    let (n_trees, width, n_cols) = (trees.offsets.len() - 1, trees.width(), X.n_cols());
    let (links, levels) = (trees.links(), levels(trees.offsets, trees.left, trees.right));
    let mut scores = vec![0.0; X.n_rows()];
    let cost_ns = (n_trees * levels.max(1) * width) as f64 * 3.0;
    parallel::for_chunks_mut(&mut scores, 1, CHUNK, cost_ns, |_, range, part| {
        // Rows of zeros fill up the last group.
        let mut rows = vec![0.0_f32; part.len().next_multiple_of(LANES) * n_cols];
        for (row, values) in range.zip(rows.chunks_mut(n_cols)) {
            values.iter_mut().enumerate().for_each(|(j, value)| *value = X.get(row, j));
        }
        for root in &trees.offsets[..n_trees] {
            if control.check().is_err() {
                return;
            }
            for (rows, sums) in rows.chunks_exact(LANES * n_cols).zip(part.chunks_mut(LANES)) {
                let mut at = [*root as usize; LANES];
                for _ in 0..levels {
                    for (row, at) in rows.chunks_exact(n_cols).zip(&mut at) {
                        let plane = *at * width..(*at + 1) * width;
                        let columns = trees.columns[plane.clone()].iter();
                        let side: f64 = columns
                            .zip(&trees.normals[plane])
                            .map(|(&column, normal)| f64::from(row[column as usize]) * normal)
                            .sum();
                        *at = links[*at][usize::from(side > trees.threshold[*at])] as usize;
                    }
                }
                sums.iter_mut().zip(at).for_each(|(sum, at)| *sum += trees.path[at]);
            }
        }
        part.iter_mut().for_each(|length| *length = normalised(*length, whole));
    });
    control.check()?;
    Ok(scores)
}

/// Planes of a tree beside its nodes: columns and normals, the same number for every node.
#[derive(Debug, Default)]
struct Planes {
    columns: Vec<i32>,
    normals: Vec<f64>,
}

/// Grows one tree for each of `random_states`: the nodes, whose thresholds are point · normal, and
/// columns and normals of their planes, `extension_level` + 1 a node.
#[allow(non_snake_case)]
pub fn isolation_forest_fit_extended<'a>(
    X: impl Into<ByColumn<'a>>,
    probabilities: Option<&[f64]>,
    extension_level: usize,
    params: &IsolationForestParams,
    random_states: &[u32],
    control: &Control,
) -> Result<(IsolationNodes, Vec<i32>, Vec<f64>)> {
    let width = extension_level + 1;
    if width > params.bag.max_features {
        let largest = params.bag.max_features - 1;
        let message = format!("must be 0 to {largest}, got {extension_level}");
        return Err(Error::parameter("extension_level", message));
    }
    let X: ByColumn<'a> = X.into();
    let bags = Bags::new(X.n_rows(), X.n_cols(), &params.bag, probabilities)?;
    let trees = grow_each(&bags, params, random_states, control, |bag, rows| {
        let mut grower = Grower {
            X,
            width,
            columns: bag.columns.clone(),
            rows,
            right: Vec::new(),
            random: Xorshift::new(seed_of(bag)),
            nodes: IsolationNodes::default(),
            planes: Planes::default(),
        };
        grower.grow(params.max_depth, control)?;
        Ok((grower.nodes, grower.planes))
    })?;
    let mut all = IsolationNodes { offsets: vec![0], ..IsolationNodes::default() };
    let mut planes = Planes::default();
    for ((tree, mut own), columns) in trees {
        all.append(tree);
        all.columns.extend(columns.into_iter().map(i64::from));
        planes.columns.append(&mut own.columns);
        planes.normals.append(&mut own.normals);
    }
    Ok((all, planes.columns, planes.normals))
}

#[allow(non_snake_case)]
struct Grower<'a> {
    X: ByColumn<'a>,
    width: usize,
    /// Columns of the tree; those of the next plane come first.
    columns: Vec<u32>,
    rows: Vec<u32>,
    right: Vec<u32>,
    random: Xorshift,
    nodes: IsolationNodes,
    planes: Planes,
}

impl Grower<'_> {
    fn grow(&mut self, max_depth: usize, control: &Control) -> Result<()> {
        let root = Task { start: 0, stop: self.rows.len(), depth: 0, parent: None, n_constant: 0 };
        let mut waiting = vec![root];
        while let Some(task) = waiting.pop() {
            control.check()?;
            let n = task.stop - task.start;
            let node = self.nodes.add(task.parent, n, task.depth);
            let first = self.planes.columns.len();
            self.planes.columns.resize(first + self.width, 0);
            self.planes.normals.resize(first + self.width, 0.0);
            if task.depth >= max_depth || n < 2 || self.all_alike(&task) {
                continue;
            }
            let threshold = self.draw_plane(&task, first);
            let middle = self.partition(&task, first, threshold);
            self.nodes.feature[node] = self.planes.columns[first];
            self.nodes.threshold[node] = threshold;
            let child = Task { depth: task.depth + 1, ..task };
            waiting.push(Task { start: middle, parent: Some((node, false)), ..child });
            waiting.push(Task { stop: middle, parent: Some((node, true)), ..child });
        }
        Ok(())
    }

    fn value(&self, row: u32, column: u32) -> f64 {
        f64::from(self.X.get(row as usize, column as usize))
    }

    fn all_alike(&self, task: &Task) -> bool {
        let rows = &self.rows[task.start..task.stop];
        self.columns.iter().all(|&column| {
            rows.iter().all(|&row| self.value(row, column) == self.value(rows[0], column))
        })
    }

    /// 1. Writes the plane of a node; returns point · normal.
    fn draw_plane(&mut self, task: &Task, first: usize) -> f64 {
        let mut threshold = 0.0;
        for place in 0..self.width {
            let other = self.random.integer(place, self.columns.len());
            self.columns.swap(place, other);
            let column = self.columns[place];
            let (mut lowest, mut highest) = (f64::INFINITY, f64::NEG_INFINITY);
            for &row in &self.rows[task.start..task.stop] {
                let value = self.value(row, column);
                (lowest, highest) = (lowest.min(value), highest.max(value));
            }
            let normal = self.gaussian();
            threshold += self.random.uniform(lowest, highest) * normal;
            self.planes.columns[first + place] = column as i32;
            self.planes.normals[first + place] = normal;
        }
        threshold
    }

    /// A standard normal number (Box and Muller).
    fn gaussian(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.random.uniform(0.0, 1.0 - 1e-10)).ln()).sqrt();
        radius * (TAU * self.random.uniform(0.0, 1.0)).cos()
    }

    /// 2. Rows of the left child first; one of the sides may stay empty.
    fn partition(&mut self, task: &Task, first: usize, threshold: f64) -> usize {
        let plane = first..first + self.width;
        let (columns, normals) = (&self.planes.columns[plane.clone()], &self.planes.normals[plane]);
        let sides: Vec<f64> = self.rows[task.start..task.stop]
            .iter()
            .map(|&row| {
                let products = columns
                    .iter()
                    .zip(normals)
                    .map(|(&column, normal)| self.value(row, column as u32) * normal);
                products.sum()
            })
            .collect();
        let rows = &mut self.rows[task.start..task.stop];
        split(rows, &mut self.right, |place| sides[place] <= threshold) + task.start
    }
}

#[cfg(test)]
mod tests {
    use smelt_core::{Control, MatRef};

    use super::{Hyperplanes, isolation_forest_fit_extended, isolation_forest_score_extended};
    use crate::bag::BagParams;
    use crate::isolation_forest::IsolationForestParams;

    #[test]
    fn a_row_far_away_scores_highest() {
        let values: Vec<f32> =
            (0..200).map(|i| if i < 2 { 30.0 } else { (i as f32 * 1.7).sin() }).collect();
        let view = MatRef::from_row_major(&values, 100, 2).unwrap();
        let bag = BagParams {
            max_samples: 100,
            max_features: 2,
            bootstrap: false,
            bootstrap_features: false,
        };
        let params = IsolationForestParams { max_depth: 7, bag };
        let states: Vec<u32> = (0..50).collect();
        let control = Control::new();
        let fit = isolation_forest_fit_extended(view, None, 1, &params, &states, &control);
        let (nodes, columns, normals) = fit.unwrap();
        let trees = Hyperplanes {
            offsets: &nodes.offsets,
            left: &nodes.left,
            right: &nodes.right,
            threshold: &nodes.threshold,
            columns: &columns,
            normals: &normals,
            path: &nodes.path,
        };
        let scores = isolation_forest_score_extended(view, &trees, 50.0 * 8.0, &control).unwrap();
        assert!(scores[1..].iter().all(|&score| score < scores[0]));
        let damaged = Hyperplanes { columns: &columns[1..], ..trees };
        assert!(isolation_forest_score_extended(view, &damaged, 400.0, &control).is_err());
        assert!(isolation_forest_fit_extended(view, None, 2, &params, &states, &control).is_err());
    }
}
