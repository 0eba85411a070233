//! The walk from the root to the leaves that may hold what a query looks for, nearest first.

use super::metric::Distance;
use super::tree::{LANES, PackedTree, Shape, bound_rows, lane_distances};

/// What a walk looks for.
pub(crate) trait Search {
    /// Largest reduced distance that still counts.
    fn limit(&self) -> f64;
    /// Whether nothing counts at exactly the limit in rows from `least` on.
    fn is_full_from(&self, least: u32) -> bool;
    /// Whether nothing in a leaf counts.
    #[inline(always)]
    fn leaves_out(&self, _leaf: usize) -> bool {
        false
    }
    /// Raises the bounds of a node's children; NaN leaves a child out.
    #[inline(always)]
    fn tighten(&self, _node: usize, _bounds: &mut [f64; LANES]) {}
    /// Reduced distances to eight places of a leaf (NaN where padded), and their rows.
    fn see(&mut self, distances: &[f64; LANES], ids: &[u32; LANES]);
}

/// A node still to be looked at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pending {
    bound: f64,
    level: u32,
    index: u32,
}

/// Bounds from below for the reduced distances to all children of a node.
#[inline(always)]
fn lower_bounds<M: Distance>(
    shape: Shape,
    block: &[f64],
    query: &[f64],
    metric: M,
) -> [f64; LANES] {
    let rows = block.as_chunks::<LANES>().0;
    let mut sums = [0.0; LANES];
    for (&q, box_of_column) in query.iter().zip(rows.as_chunks::<2>().0) {
        let [low, high] = box_of_column;
        for lane in 0..LANES {
            let (below, above) = (low[lane] - q, q - high[lane]);
            let gap = if below > above { below } else { above };
            let gap = if gap > 0.0 { gap } else { 0.0 };
            sums[lane] = metric.join(sums[lane], metric.term(gap));
        }
    }
    if M::SLACK < 1.0 {
        for sum in &mut sums {
            *sum *= M::SLACK;
        }
    }
    if shape == Shape::BallTree {
        let balls = &rows[2 * query.len()..];
        let mut to_centre = [0.0; LANES];
        for (&q, centres) in query.iter().zip(balls) {
            for lane in 0..LANES {
                let term = metric.term(centres[lane] - q);
                to_centre[lane] = metric.join(to_centre[lane], term);
            }
        }
        let radii = balls[query.len()];
        // Distances are sums of so many rounded terms.
        let slack = (query.len() + 8) as f64 * metric.power() * f64::EPSILON;
        for lane in 0..LANES {
            let centre = metric.distance(to_centre[lane]);
            let gap = centre * (1.0 - slack) - radii[lane] * (1.0 + slack);
            let gap = if gap > 0.0 { gap } else { 0.0 };
            let bound = metric.reduced(gap) * (1.0 - slack);
            sums[lane] = if bound > sums[lane] { bound } else { sums[lane] };
        }
    }
    sums
}

/// Walks through the tree.  Call within `vectorize`.
#[inline(always)]
pub(crate) fn walk<M: Distance>(
    tree: &PackedTree<'_>,
    query: &[f64],
    metric: M,
    pending: &mut Vec<Pending>,
    search: &mut impl Search,
) {
    let plan = &tree.plan;
    let (n_levels, capacity, shape) = (plan.n_levels(), plan.capacity, tree.params.algorithm);
    let values = bound_rows(shape, query.len()) * LANES;
    pending.clear();
    pending.push(Pending { bound: 0.0, level: 0, index: 0 });
    while let Some(next) = pending.pop() {
        let (level, index) = (next.level as usize, next.index as usize);
        let limit = search.limit();
        if next.bound > limit {
            continue;
        }
        if next.bound == limit && level > 0 {
            let slot = (plan.offsets[level - 1] + index / LANES) * LANES + index % LANES;
            if search.is_full_from(tree.least[slot]) {
                continue;
            }
        }
        if level == n_levels {
            if search.leaves_out(index) {
                continue;
            }
            let (points, ids) = tree.leaf(index);
            for (chunk, ids) in ids.as_chunks::<LANES>().0.iter().enumerate() {
                let found = lane_distances(&points[chunk * LANES..], capacity, query, metric);
                search.see(&found, ids);
            }
            continue;
        }
        let node = plan.offsets[level] + index;
        let block = &tree.bounds[node * values..][..values];
        let mut bounds = lower_bounds(shape, block, query, metric);
        search.tighten(node, &mut bounds);
        let n_children = if level == 0 { plan.root_children() } else { LANES };
        // Children go on the stack from the farthest to the nearest; of equal ones the first last.
        let bottom = pending.len();
        for (child, &bound) in bounds.iter().enumerate().take(n_children).rev() {
            if bound <= limit {
                let index = (index * n_children + child) as u32;
                pending.push(Pending { bound, level: next.level + 1, index });
                let mut at = pending.len() - 1;
                while at > bottom && pending[at - 1].bound < bound {
                    pending.swap(at - 1, at);
                    at -= 1;
                }
            }
        }
    }
}
