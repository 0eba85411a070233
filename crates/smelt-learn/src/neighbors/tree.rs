//! Packed trees: k-d trees and ball trees as a few arrays, without a pointer.
//!
//! Rows are halved by the median of their widest column until a leaf holds `leaf_size` or fewer
//! ([`super::arrange`]), so the tree is complete and its shape follows from n alone.  A leaf is a
//! block of columns, padded to whole vectors.  Three levels of halving make one node of eight
//! children, whose bounds are a block of columns too: one pass of vector code bounds the distance to
//! all eight.  Twin: `smelt.plain.neighbors.nearest_neighbors`.
//!
//! Cost: `n · log2(n / leaf_size)` key comparisons and about `n · d · 8` bytes of memory (float64)
//! beside the bounds, `16 · d` bytes a leaf.

use std::borrow::Cow;

use serde::Deserialize;
use smelt_core::parallel::for_chunks_mut;
use smelt_core::simd::vectorize;
use smelt_core::{Control, Error, MatRef, Result};

use super::arrange::{arrange, leaf_starts};
use super::metric::{Distance, Metric, by_metric};

/// Children of a node, and the numbers that vector code handles at once.
pub(crate) const LANES: usize = 8;

/// What bounds the points of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// The smallest box: a k-d tree.
    KdTree,
    /// The smallest box and a ball about the mean: a ball tree.
    BallTree,
}

/// Parameters of [`nearest_neighbors_fit`].
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TreeParams {
    /// What bounds the points of a node.
    pub algorithm: Shape,
    /// Distance.
    pub metric: Metric,
    /// Power of [`Metric::Minkowski`].
    pub p: f64,
    /// Most rows in a leaf.
    pub leaf_size: usize,
}

/// A tree over the rows of a matrix, in its own arrays or in somebody else's.
#[derive(Debug, Clone)]
pub struct PackedTree<'a> {
    /// What bounds the points of a node, and the distance.
    pub params: TreeParams,
    /// Rows of the matrix.
    pub n_samples: usize,
    /// Columns of the matrix.
    pub n_features: usize,
    /// Row of each place in the leaves; `u32::MAX` pads.
    pub ids: Cow<'a, [u32]>,
    /// Blocks of the leaves: column after column, NaN pads.
    pub points: Cow<'a, [f64]>,
    /// Bounds of the children of each node: for each column a vector of lows and one of highs; in a
    /// ball tree then one of centres for each column, and one of radii.
    pub bounds: Cow<'a, [f64]>,
    /// Smallest row below each child of each node.
    pub least: Cow<'a, [u32]>,
    pub(crate) plan: Plan,
}

/// The shape of a tree, which follows from the number of rows and the size of a leaf.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Plan {
    /// Halvings from the root to a leaf.
    pub(crate) depth: u32,
    /// Places in a leaf, a multiple of [`LANES`].
    pub(crate) capacity: usize,
    /// First node of each level of nodes, and their number.
    pub(crate) offsets: Vec<usize>,
}

impl Plan {
    pub(crate) fn new(n_samples: usize, leaf_size: usize) -> Self {
        let mut depth = 0_u32;
        while n_samples.div_ceil(1 << depth) > leaf_size.max(1) {
            depth += 1;
        }
        let capacity = n_samples.div_ceil(1 << depth).next_multiple_of(LANES);
        let n_levels = depth.div_ceil(3).max(1) as usize;
        let mut plan = Self { depth, capacity, offsets: vec![0] };
        for level in 0..n_levels {
            let width = if level == 0 { 1 } else { plan.root_children() << (3 * (level - 1)) };
            plan.offsets.push(plan.offsets[level] + width);
        }
        plan
    }

    /// Levels of nodes above the leaves.
    pub(crate) fn n_levels(&self) -> usize {
        self.offsets.len() - 1
    }

    pub(crate) fn n_nodes(&self) -> usize {
        self.offsets[self.n_levels()]
    }

    pub(crate) fn n_leaves(&self) -> usize {
        1 << self.depth
    }

    /// Children of the root; all other nodes have eight.
    pub(crate) fn root_children(&self) -> usize {
        1 << (self.depth - 3 * (self.depth.div_ceil(3).max(1) - 1))
    }
}

/// Vectors that bound the children of one node.
pub(crate) fn bound_rows(shape: Shape, n_features: usize) -> usize {
    match shape {
        Shape::KdTree => 2 * n_features,
        Shape::BallTree => 3 * n_features + 1,
    }
}

/// Builds the tree.
pub fn nearest_neighbors_fit(
    X: MatRef<'_, f64>,
    params: &TreeParams,
    control: &Control,
) -> Result<PackedTree<'static>> {
    let (n, d) = (X.n_rows(), X.n_cols());
    params.metric.check(params.p)?;
    if n == 0 || d == 0 {
        return Err(Error::data(format!("a tree needs rows and columns, got {n} x {d}")));
    }
    if n >= u32::MAX as usize {
        return Err(Error::data(format!("a tree holds at most 2^32 - 2 rows, got {n}")));
    }
    let plan = Plan::new(n, params.leaf_size);
    // 1. Rows in the order of the leaves.
    let arranged = arrange(X, plan.depth, control)?;
    let starts = leaf_starts(n, plan.depth);
    // 2. Blocks of the leaves.
    let (n_leaves, capacity) = (plan.n_leaves(), plan.capacity);
    let mut ids = vec![u32::MAX; n_leaves * capacity];
    for (leaf, pair) in starts.windows(2).enumerate() {
        ids[leaf * capacity..][..pair[1] - pair[0]]
            .copy_from_slice(&arranged.ids[pair[0]..pair[1]]);
    }
    let mut points = vec![0.0; n_leaves * capacity * d];
    let cost = (capacity * d) as f64;
    let chunk = ((1 << 18) / (capacity * d)).clamp(1, 64);
    for_chunks_mut(&mut points, capacity * d, chunk, cost, |_, leaves, blocks| {
        if control.check().is_err() {
            return;
        }
        for (leaf, block) in leaves.zip(blocks.chunks_exact_mut(capacity * d)) {
            let (start, n) = (starts[leaf], starts[leaf + 1] - starts[leaf]);
            let columns = &arranged.values[start * d..][..n * d];
            for (j, column) in block.chunks_exact_mut(capacity).enumerate() {
                column[..n].copy_from_slice(&columns[j * n..][..n]);
                column[n..].fill(f64::NAN);
            }
        }
    });
    control.check()?;
    drop(arranged);
    // 3. Bounds, from the leaves up.
    let rows = bound_rows(params.algorithm, d);
    let mut bounds = vec![0.0; plan.n_nodes() * rows * LANES];
    let mut least = vec![u32::MAX; plan.n_nodes() * LANES];
    bound_nodes(&plan, params, &ids, &points, &mut bounds, &mut least, d, control);
    control.check()?;
    Ok(PackedTree {
        params: params.clone(),
        n_samples: n,
        n_features: d,
        ids: ids.into(),
        points: points.into(),
        bounds: bounds.into(),
        least: least.into(),
        plan,
    })
}

#[allow(clippy::too_many_arguments)]
fn bound_nodes(
    plan: &Plan,
    params: &TreeParams,
    ids: &[u32],
    points: &[f64],
    bounds: &mut [f64],
    least: &mut [u32],
    d: usize,
    control: &Control,
) {
    let rows = bound_rows(params.algorithm, d);
    for level in (0..plan.n_levels()).rev() {
        let (start, end) = (plan.offsets[level], plan.offsets[level + 1]);
        let is_lowest = level + 1 == plan.n_levels();
        let n_children = if level == 0 { plan.root_children() } else { LANES };
        // Leaves below a child.
        let below = plan.n_leaves() / ((end - start) * n_children);
        let (above, beneath) = bounds.split_at_mut(end * rows * LANES);
        let beneath = &*beneath;
        let blocks = &mut above[start * rows * LANES..];
        let cost = (below * n_children * plan.capacity) as f64;
        for_chunks_mut(blocks, rows * LANES, 16, cost, |_, nodes, blocks| {
            for (node, block) in nodes.zip(blocks.chunks_exact_mut(rows * LANES)) {
                for child in 0..n_children {
                    if below * plan.capacity * d > 1 << 14 && control.check().is_err() {
                        return;
                    }
                    let child_index = node * n_children + child;
                    let first = child_index * below * plan.capacity;
                    let leaves = &points[first * d..][..below * plan.capacity * d];
                    if is_lowest {
                        box_of_leaf(block, child, leaves, d);
                    } else {
                        let of_child = &beneath[child_index * rows * LANES..][..rows * LANES];
                        box_of_boxes(block, child, of_child, d);
                    }
                    if params.algorithm == Shape::BallTree {
                        let ball = &mut block[2 * d * LANES..];
                        by_metric!(params.metric, params.p, |distance| {
                            ball_of_leaves(ball, child, leaves, d, plan.capacity, distance);
                        });
                    }
                }
            }
        });
        for node in 0..end - start {
            for child in 0..n_children {
                let child_index = node * n_children + child;
                let first = child_index * below * plan.capacity;
                least[(start + node) * LANES + child] = if is_lowest {
                    ids[first..][..plan.capacity].iter().copied().min().unwrap_or(u32::MAX)
                } else {
                    let of_child = &least[(end + child_index) * LANES..][..LANES];
                    of_child.iter().copied().min().unwrap_or(u32::MAX)
                };
            }
        }
    }
}

fn box_of_leaf(block: &mut [f64], child: usize, leaf: &[f64], d: usize) {
    for (j, column) in leaf.chunks_exact(leaf.len() / d).enumerate() {
        // NaN, the padding, loses.
        let low = column.iter().copied().fold(f64::INFINITY, f64::min);
        let high = column.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        block[2 * j * LANES + child] = low;
        block[(2 * j + 1) * LANES + child] = high;
    }
}

fn box_of_boxes(block: &mut [f64], child: usize, of_child: &[f64], d: usize) {
    for j in 0..d {
        let (lows, highs) = (&of_child[2 * j * LANES..][..LANES], &of_child[(2 * j + 1) * LANES..]);
        block[2 * j * LANES + child] = lows.iter().copied().fold(f64::INFINITY, f64::min);
        block[(2 * j + 1) * LANES + child] =
            highs[..LANES].iter().copied().fold(f64::NEG_INFINITY, f64::max);
    }
}

fn ball_of_leaves<M: Distance>(
    block: &mut [f64],
    child: usize,
    leaves: &[f64],
    d: usize,
    capacity: usize,
    metric: M,
) {
    let (mut centre, mut n) = (vec![0.0; d], 0.0);
    for leaf in leaves.chunks_exact(capacity * d) {
        n += leaf[..capacity].iter().filter(|value| !value.is_nan()).count() as f64;
        for (sum, column) in centre.iter_mut().zip(leaf.chunks_exact(capacity)) {
            *sum += column.iter().filter(|value| !value.is_nan()).sum::<f64>();
        }
    }
    for (j, sum) in centre.iter_mut().enumerate() {
        *sum /= n;
        block[j * LANES + child] = *sum;
    }
    let mut radius = 0.0_f64;
    let mut found = vec![0.0; capacity];
    for leaf in leaves.chunks_exact(capacity * d) {
        vectorize(
            #[inline(always)]
            || leaf_distances(leaf, &centre, metric, &mut found),
        );
        radius = found.iter().copied().fold(radius, f64::max);
    }
    block[d * LANES + child] = metric.distance(radius);
}

/// Reduced distances from a point to all places of a leaf; NaN where it is padded.
#[inline(always)]
pub(crate) fn leaf_distances<M: Distance>(leaf: &[f64], query: &[f64], metric: M, out: &mut [f64]) {
    let capacity = out.len();
    for (chunk, out) in out.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
        *out = lane_distances(&leaf[chunk * LANES..], capacity, query, metric);
    }
}

/// Reduced distances from a point to eight places of a leaf, whose columns are `stride` apart.
#[inline(always)]
pub(crate) fn lane_distances<M: Distance>(
    leaf: &[f64],
    stride: usize,
    query: &[f64],
    metric: M,
) -> [f64; LANES] {
    let mut sums = [0.0; LANES];
    let mut at = 0;
    for (j, &q) in query.iter().enumerate() {
        let column = &leaf[at..at + LANES];
        for lane in 0..LANES {
            let term = metric.term(column[lane] - q);
            sums[lane] = if j == 0 { term } else { metric.join(sums[lane], term) };
        }
        at += stride;
    }
    sums
}

impl<'a> PackedTree<'a> {
    /// A tree from arrays that [`nearest_neighbors_fit`] made, looked over.
    pub fn from_arrays(
        params: TreeParams,
        (n_samples, n_features): (usize, usize),
        ids: &'a [u32],
        points: &'a [f64],
        bounds: &'a [f64],
        least: &'a [u32],
    ) -> Result<Self> {
        params.metric.check(params.p)?;
        let plan = Plan::new(n_samples, params.leaf_size);
        let places = plan.n_leaves() * plan.capacity;
        let rows = bound_rows(params.algorithm, n_features);
        let fits = n_features > 0
            && n_samples > 0
            && ids.len() == places
            && points.len() == places * n_features
            && bounds.len() == plan.n_nodes() * rows * LANES
            && least.len() == plan.n_nodes() * LANES;
        if !fits {
            return Err(Error::data("the arrays of the tree are damaged: their sizes disagree"));
        }
        Ok(Self {
            params,
            n_samples,
            n_features,
            ids: ids.into(),
            points: points.into(),
            bounds: bounds.into(),
            least: least.into(),
            plan,
        })
    }

    /// A view of the tree.
    pub fn view(&self) -> PackedTree<'_> {
        PackedTree {
            params: self.params.clone(),
            plan: self.plan.clone(),
            ids: Cow::Borrowed(&self.ids),
            points: Cow::Borrowed(&self.points),
            bounds: Cow::Borrowed(&self.bounds),
            least: Cow::Borrowed(&self.least),
            ..*self
        }
    }

    /// Rows in the order of the leaves.
    pub fn order(&self) -> Vec<u32> {
        self.ids.iter().copied().filter(|&id| id != u32::MAX).collect()
    }

    /// Block of a leaf.
    #[inline(always)]
    pub(crate) fn leaf(&self, leaf: usize) -> (&[f64], &[u32]) {
        let capacity = self.plan.capacity;
        let values = capacity * self.n_features;
        (&self.points[leaf * values..][..values], &self.ids[leaf * capacity..][..capacity])
    }
}
