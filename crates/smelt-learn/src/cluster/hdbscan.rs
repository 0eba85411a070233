//! HDBSCAN, the tree: rows joined in the order of their mutual reachability
//! `max(core(i), core(j), d(i, j) / alpha)`, where core(i) is the distance to the `min_samples`-th row
//! next to i, itself included.
//!
//! The minimum spanning tree grows by rounds (Borůvka): every component looks for its shortest edge to
//! another one, all at once.  A row asks a packed tree; whatever is of its own component is left out,
//! subtree by subtree, and so is what lies farther than the shortest edge that its component knows
//! by now.  A row whose nearest row of another component is still of another component need not ask
//! again, and one whose last answer was longer than what its component knows has nothing to add.
//!
//! Which row is found does not depend on threads: ties go to the smaller rows, and the limits that
//! threads share never cut off the shortest edge.  Cost: a search for the core distances and some
//! short ones a row.  Twin: `smelt.plain.cluster.hdbscan`.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::Deserialize;
use smelt_core::parallel::for_scattered_rows;
use smelt_core::simd::vectorize;
use smelt_core::{Control, Error, MatRef, Result};

use super::agglomerative::copy_rows;
use super::dendrogram::{Dendrogram, Merge, Sides, find};
use crate::neighbors::closest::{Closest, places_within};
use crate::neighbors::metric::{Distance, by_metric};
use crate::neighbors::tree::LANES;
use crate::neighbors::tree_query::read_row;
use crate::neighbors::walk::{Pending, Search, walk};
use crate::neighbors::{Metric, PackedTree, Shape, TreeParams, nearest_neighbors_fit};

/// Searches of one chunk, and nanoseconds of one.
const CHUNK: usize = 128;
const COST: f64 = 1500.0;
/// Near rows that are kept as first candidates.
const SEEDS: usize = 8;

/// Parameters of [`hdbscan_fit`].
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HdbscanParams {
    /// Rows within the core distance, the row itself included.
    pub min_samples: usize,
    /// Divisor of distances.
    pub alpha: f64,
    /// Distance.
    pub metric: Metric,
    /// Power of [`Metric::Minkowski`].
    pub p: f64,
    /// Tree to search by.
    pub algorithm: Shape,
    /// Most rows in a leaf of the tree.
    pub leaf_size: usize,
}

/// Joins the rows of X in the order of their mutual reachability.
pub fn hdbscan_fit(
    X: MatRef<'_, f64>,
    params: &HdbscanParams,
    control: &Control,
) -> Result<Dendrogram> {
    let n = X.n_rows();
    if params.min_samples == 0 || params.min_samples > n {
        let message = format!("must be between 1 and {n}, the rows, got {}", params.min_samples);
        return Err(Error::parameter("min_samples", message));
    }
    if !(params.alpha > 0.0 && params.alpha.is_finite()) {
        let message = format!("must be positive and finite, got {}", params.alpha);
        return Err(Error::parameter("alpha", message));
    }
    let of_tree = TreeParams {
        algorithm: params.algorithm,
        metric: params.metric,
        p: params.p,
        leaf_size: params.leaf_size,
    };
    // Rows in the order of the leaves: what a search reads lies together.
    let order = nearest_neighbors_fit(X, &of_tree, control)?.order();
    let rows = copy_rows(X, &order, control)?;
    let X = rows.view();
    let tree = nearest_neighbors_fit(X, &of_tree, control)?;
    let mut edges = by_metric!(params.metric, params.p, |metric| {
        spanning_tree(X, &tree, metric, params, control)?
    });
    for (one, other, _) in &mut edges {
        (*one, *other) = (order[*one as usize], order[*other as usize]);
    }
    let merges = from_first_row(n, &edges);
    Ok(Dendrogram::number(n, &merges, Sides::AsGiven))
}

/// The shortest edge that somebody knows; reduced distances.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Edge {
    length: f64,
    other: u32,
}

/// What does not change: core distances, reduced, of rows and the smallest below each child.
struct Cores {
    of_row: Vec<f64>,
    below: Vec<f64>,
    /// What reduced distances are multiplied with.
    factor: f64,
}

fn spanning_tree<M: Distance>(
    X: MatRef<'_, f64>,
    tree: &PackedTree<'_>,
    metric: M,
    params: &HdbscanParams,
    control: &Control,
) -> Result<Vec<(u32, u32, f64)>> {
    let (n, d) = (X.n_rows(), X.n_cols());
    let order = tree.order();
    let factor = metric.reduced(1.0 / params.alpha);
    // 1. Core distances, and the nearest rows of each.
    let (mut of_row, mut near) = (vec![0.0; n], vec![[u32::MAX; SEEDS]; n]);
    find_cores(X, tree, metric, params.min_samples, &order, &mut of_row, &mut near, control)?;
    let below = bottom_up(tree, f64::INFINITY, |a, b| a.min(b), |id| of_row[id as usize]);
    let cores = Cores { of_row, below, factor };
    // 2. First candidates: a near row whose core distance is no larger cannot be beaten.
    let mut known = vec![Edge { length: 0.0, other: u32::MAX }; n];
    for (row, near) in near.iter().enumerate() {
        let core = cores.of_row[row];
        let other = near.iter().copied().find(|&other| {
            other != u32::MAX && other as usize != row && cores.of_row[other as usize] <= core
        });
        known[row].length = core;
        if let Some(other) = other.filter(|_| params.alpha >= 1.0) {
            known[row].other = other;
        }
    }
    drop(near);
    // 3. Rounds.
    let mut parent: Vec<u32> = (0..n as u32).collect();
    let mut component: Vec<u32> = parent.clone();
    let mut edges: Vec<(u32, u32, f64)> = Vec::with_capacity(n - 1);
    while edges.len() + 1 < n {
        control.check()?;
        let same = bottom_up(
            tree,
            NOBODY,
            |a, b| {
                if a == b || b == NOBODY {
                    a
                } else if a == NOBODY {
                    b
                } else {
                    MANY
                }
            },
            |id| component[id as usize],
        );
        // What each component knows by now.
        let limits: Vec<AtomicU64> =
            (0..n).map(|_| AtomicU64::new(f64::INFINITY.to_bits())).collect();
        for (row, edge) in known.iter_mut().enumerate() {
            if edge.other != u32::MAX && component[edge.other as usize] == component[row] {
                edge.other = u32::MAX; // its length stays, as a bound
            }
            if edge.other != u32::MAX {
                let limit = &limits[component[row] as usize];
                limit.fetch_min(edge.length.to_bits(), Ordering::Relaxed);
            }
        }
        let mut nothing = vec![(); n];
        let out = (known.as_mut_slice(), nothing.as_mut_slice());
        let (component_of, limits_of) = (&component, &limits);
        for_scattered_rows(out, 1, &order, CHUNK, COST, |_, items, mut out| {
            let (mut query, mut pending) = (vec![0.0; d], Vec::<Pending>::with_capacity(64));
            for item in items {
                if control.check().is_err() {
                    return;
                }
                let row = order[item];
                let own = component_of[row as usize];
                let known = &mut out.row(item).0[0];
                let limit = f64::from_bits(limits_of[own as usize].load(Ordering::Relaxed));
                if known.other != u32::MAX || known.length > limit {
                    continue;
                }
                read_row(X, row as usize, &mut query);
                let core = cores.of_row[row as usize];
                let best = Edge { length: limit, other: u32::MAX };
                let mut search = Outside {
                    cores: &cores,
                    component: component_of,
                    same: &same,
                    own,
                    core,
                    best,
                };
                vectorize(
                    #[inline(always)]
                    || walk(tree, &query, metric, &mut pending, &mut search),
                );
                *known = search.best;
                if known.other != u32::MAX {
                    let limit = &limits_of[own as usize];
                    limit.fetch_min(known.length.to_bits(), Ordering::Relaxed);
                }
            }
        });
        control.check()?;
        // 4. The shortest edge of each component; of equal ones that of the first row.
        let mut shortest = vec![u32::MAX; n];
        for (row, edge) in known.iter().enumerate() {
            let best = &mut shortest[component[row] as usize];
            let is_shorter = *best == u32::MAX || edge.length < known[*best as usize].length;
            if edge.other != u32::MAX && is_shorter {
                *best = row as u32;
            }
        }
        let mut found: Vec<u32> = shortest.into_iter().filter(|&row| row != u32::MAX).collect();
        found.sort_by(|&a, &b| known[a as usize].length.total_cmp(&known[b as usize].length));
        let before = edges.len();
        for row in found {
            let Edge { length, other } = known[row as usize];
            let (one, two) = (find(&mut parent, row), find(&mut parent, other));
            if one != two {
                parent[one.max(two) as usize] = one.min(two);
                edges.push((row, other, metric.distance(length)));
            }
        }
        if edges.len() == before {
            return Err(Error::Numeric("distances are not finite numbers".to_string()));
        }
        for row in 0..n as u32 {
            component[row as usize] = find(&mut parent, row);
        }
    }
    Ok(edges)
}

/// A component's number that stands for none yet, and for several.
const NOBODY: u32 = u32::MAX;
const MANY: u32 = u32::MAX - 1;

/// Joins something over the rows below each child of each node.
fn bottom_up<T: Copy>(
    tree: &PackedTree<'_>,
    nothing: T,
    join: impl Fn(T, T) -> T,
    of_row: impl Fn(u32) -> T,
) -> Vec<T> {
    let plan = &tree.plan;
    let mut out = vec![nothing; plan.n_nodes() * LANES];
    for level in (0..plan.n_levels()).rev() {
        let (start, end) = (plan.offsets[level], plan.offsets[level + 1]);
        let n_children = if level == 0 { plan.root_children() } else { LANES };
        for node in 0..end - start {
            for child in 0..n_children {
                let index = node * n_children + child;
                out[(start + node) * LANES + child] = if level + 1 == plan.n_levels() {
                    let ids = &tree.ids[index * plan.capacity..][..plan.capacity];
                    let rows = ids.iter().filter(|&&id| id != u32::MAX);
                    rows.fold(nothing, |sum, &id| join(sum, of_row(id)))
                } else {
                    let below = &out[(end + index) * LANES..][..LANES];
                    below.iter().fold(nothing, |sum, &value| join(sum, value))
                };
            }
        }
    }
    out
}

/// Reduced core distances, and up to [`SEEDS`] of the rows within them.
#[allow(clippy::too_many_arguments)]
fn find_cores<M: Distance>(
    X: MatRef<'_, f64>,
    tree: &PackedTree<'_>,
    metric: M,
    min_samples: usize,
    order: &[u32],
    of_row: &mut [f64],
    near: &mut [[u32; SEEDS]],
    control: &Control,
) -> Result<()> {
    let d = X.n_cols();
    let out = (of_row, near);
    let cost = COST + 20.0 * min_samples as f64;
    for_scattered_rows(out, 1, order, CHUNK, cost, |_, items, mut out| {
        let mut closest = Closest::new(min_samples);
        let (mut query, mut pending) = (vec![0.0; d], Vec::<Pending>::with_capacity(64));
        let (mut distances, mut rows) = (vec![0.0; min_samples], vec![0_i64; min_samples]);
        for item in items {
            if control.check().is_err() {
                return;
            }
            read_row(X, order[item] as usize, &mut query);
            closest.start(u32::MAX);
            vectorize(
                #[inline(always)]
                || {
                    walk(tree, &query, metric, &mut pending, &mut closest);
                    closest.write(|reduced| reduced, &mut distances, &mut rows);
                },
            );
            let (core, near) = out.row(item);
            core[0] = distances[min_samples - 1];
            for (near, &row) in near[0].iter_mut().zip(&rows) {
                *near = row as u32;
            }
        }
    });
    control.check()?;
    Ok(())
}

/// The search for the nearest row of another component, by mutual reachability and then by row.
struct Outside<'a> {
    cores: &'a Cores,
    component: &'a [u32],
    same: &'a [u32],
    own: u32,
    core: f64,
    best: Edge,
}

impl Search for Outside<'_> {
    #[inline(always)]
    fn limit(&self) -> f64 {
        self.best.length
    }
    #[inline(always)]
    fn is_full_from(&self, least: u32) -> bool {
        least >= self.best.other && self.best.other != u32::MAX
    }
    #[inline(always)]
    fn tighten(&self, node: usize, bounds: &mut [f64; LANES]) {
        let same = &self.same[node * LANES..][..LANES];
        let below = &self.cores.below[node * LANES..][..LANES];
        for lane in 0..LANES {
            let bound = bounds[lane] * self.cores.factor;
            let bound = if bound > below[lane] { bound } else { below[lane] };
            let bound = if bound > self.core { bound } else { self.core };
            bounds[lane] = if same[lane] == self.own { f64::NAN } else { bound };
        }
    }
    #[inline(always)]
    fn see(&mut self, distances: &[f64; LANES], ids: &[u32; LANES]) {
        let mut lengths = *distances;
        for length in &mut lengths {
            *length *= self.cores.factor;
        }
        let mut near = places_within(&lengths, self.best.length);
        while near != 0 {
            let lane = near.trailing_zeros() as usize % LANES;
            near &= near - 1;
            let id = ids[lane];
            if self.component[id as usize] != self.own {
                let length = lengths[lane].max(self.core).max(self.cores.of_row[id as usize]);
                let Edge { length: best, other } = self.best;
                if length < best || (length == best && id < other) {
                    self.best = Edge { length, other: id };
                }
            }
        }
    }
}

/// Merges in order of length, each edge from the side of the first row: the order in which the tree
/// grows from that row has the edges that way, too.
fn from_first_row(n: usize, edges: &[(u32, u32, f64)]) -> Vec<Merge> {
    let mut starts = vec![0_u32; n + 1];
    for &(one, other, _) in edges {
        starts[one as usize + 1] += 1;
        starts[other as usize + 1] += 1;
    }
    for row in 0..n {
        starts[row + 1] += starts[row];
    }
    let (mut places, mut around) = (starts.clone(), vec![(0_u32, 0.0); 2 * edges.len()]);
    for &(one, other, length) in edges {
        for (from, to) in [(one, other), (other, one)] {
            around[places[from as usize] as usize] = (to, length);
            places[from as usize] += 1;
        }
    }
    let (mut merges, mut waiting) = (Vec::with_capacity(edges.len()), vec![(0_u32, u32::MAX)]);
    while let Some((row, from)) = waiting.pop() {
        for &(to, length) in
            &around[starts[row as usize] as usize..starts[row as usize + 1] as usize]
        {
            if to != from {
                merges.push(Merge { one: row, other: to, height: length });
                waiting.push((to, row));
            }
        }
    }
    merges.sort_by(|a, b| {
        a.height.total_cmp(&b.height).then((a.one, a.other).cmp(&(b.one, b.other)))
    });
    merges
}
