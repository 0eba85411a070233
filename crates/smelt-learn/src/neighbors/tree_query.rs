//! Batches of queries to a tree: the k nearest rows, all rows within a radius, their number.
//!
//! Queries go in an order in which neighbours come one after the other (that of the leaves, or one
//! made by the same halving), so what one query reads is in the cache for the next.  Results do not
//! depend on the order.

use smelt_core::parallel::{for_chunks_mut, for_scattered_rows};
use smelt_core::simd::vectorize;
use smelt_core::{Control, Error, MatRef, Result};

use super::arrange::arrange;
use super::closest::{Closest, places_within};
use super::metric::{Distance, by_metric};
use super::tree::{LANES, PackedTree};
use super::walk::{Pending, Search, walk};

/// Queries of one chunk.
const CHUNK: usize = 128;
/// Trees of fewer values are in the cache anyway.
const IN_CACHE: usize = 1 << 16;

/// Whose neighbours are looked for.
#[derive(Debug, Clone, Copy)]
pub enum Queries<'a> {
    /// Those of the rows of a matrix.
    Rows(MatRef<'a, f64>),
    /// Those of the tree's own rows, which are no neighbours of themselves.
    Own(MatRef<'a, f64>),
}

impl<'a> Queries<'a> {
    /// The matrix that holds the queries.
    pub fn rows(self) -> MatRef<'a, f64> {
        match self {
            Self::Rows(rows) | Self::Own(rows) => rows,
        }
    }

    pub(crate) fn own(self, row: u32) -> u32 {
        match self {
            Self::Rows(_) => u32::MAX,
            Self::Own(_) => row,
        }
    }

    fn check(self, tree: &PackedTree<'_>) -> Result<()> {
        let rows = self.rows();
        if rows.n_cols() != tree.n_features {
            let (got, wanted) = (rows.n_cols(), tree.n_features);
            return Err(Error::data(format!("queries have {got} columns, the tree has {wanted}")));
        }
        if rows.n_rows() >= u32::MAX as usize {
            return Err(Error::data("at most 2^32 - 2 queries can be asked at once"));
        }
        if matches!(self, Self::Own(_)) && rows.n_rows() != tree.n_samples {
            return Err(Error::data("the tree's own rows were expected as queries"));
        }
        Ok(())
    }

    /// An order in which one query's neighbours are near the next one's.
    fn order(self, tree: &PackedTree<'_>, control: &Control) -> Result<Vec<u32>> {
        let rows = self.rows();
        if let Self::Own(_) = self {
            return Ok(tree.order());
        }
        let halvings = rows.n_rows().div_ceil(32).checked_ilog2().unwrap_or(0);
        if tree.points.len() < IN_CACHE || halvings < 2 {
            return Ok((0..rows.n_rows() as u32).collect());
        }
        Ok(arrange(rows, halvings, control)?.ids)
    }
}

pub(crate) fn read_row(rows: MatRef<'_, f64>, row: usize, out: &mut [f64]) {
    for (j, value) in out.iter_mut().enumerate() {
        *value = rows.get(row, j);
    }
}

/// Queries between two looks at the control, of about a millisecond if they read every row.
fn patience(tree: &PackedTree<'_>) -> usize {
    (1_000_000 / tree.points.len().max(1)).clamp(1, 64)
}

/// Nanoseconds that one query may take: it decides whether threads are woken.
fn cost(tree: &PackedTree<'_>, k: usize) -> f64 {
    200.0 + 10.0 * tree.n_features as f64 + 20.0 * k as f64
}

/// Distances and rows of the `k` nearest rows of each query, nearest first, row-major; of rows at
/// the same distance the smaller one comes first.
pub fn tree_nearest(
    tree: &PackedTree<'_>,
    queries: Queries<'_>,
    k: usize,
    control: &Control,
) -> Result<(Vec<f64>, Vec<i64>)> {
    queries.check(tree)?;
    let available = tree.n_samples - usize::from(matches!(queries, Queries::Own(_)));
    if k == 0 || k > available {
        return Err(Error::data(format!("{k} neighbours were asked for, {available} are there")));
    }
    let rows = queries.rows();
    let order = queries.order(tree, control)?;
    let (mut distances, mut ids) = (vec![0.0; rows.n_rows() * k], vec![0; rows.n_rows() * k]);
    let out = (distances.as_mut_slice(), ids.as_mut_slice());
    let patience = patience(tree);
    by_metric!(tree.params.metric, tree.params.p, |metric| {
        for_scattered_rows(out, k, &order, CHUNK, cost(tree, k), |_, items, mut out| {
            let mut closest = Closest::new(k);
            let mut pending: Vec<Pending> = Vec::with_capacity(64);
            let mut query = vec![0.0; rows.n_cols()];
            let mut next = items.start;
            while next < items.end && control.check().is_ok() {
                let stop = (next + patience).min(items.end);
                vectorize(
                    #[inline(always)]
                    || {
                        for item in next..stop {
                            let row = order[item];
                            read_row(rows, row as usize, &mut query);
                            closest.start(queries.own(row));
                            walk(tree, &query, metric, &mut pending, &mut closest);
                            let (distances, ids) = out.row(item);
                            closest.write(|x| metric.distance(x), distances, ids);
                        }
                    },
                );
                next = stop;
            }
        });
    });
    control.check()?;
    Ok((distances, ids))
}

/// Calls `found` for what lies within a reduced distance.
struct Within<F> {
    limit: f64,
    own: u32,
    found: F,
}

impl<F: FnMut(u32, f64)> Search for Within<F> {
    #[inline(always)]
    fn limit(&self) -> f64 {
        self.limit
    }
    #[inline(always)]
    fn is_full_from(&self, _least: u32) -> bool {
        false
    }
    #[inline(always)]
    fn see(&mut self, distances: &[f64; LANES], ids: &[u32; LANES]) {
        let mut near = places_within(distances, self.limit);
        while near != 0 {
            let lane = near.trailing_zeros() as usize % LANES;
            if ids[lane] != self.own {
                (self.found)(ids[lane], distances[lane]);
            }
            near &= near - 1;
        }
    }
}

/// Room for visits of one thread, made once.
#[derive(Debug, Default)]
pub(crate) struct Visits(Vec<Pending>);

/// Visits every row within a reduced distance (e.g. a squared one) of a query, in no order that
/// means anything, without storing a list: `visit(row, reduced distance)`.
///
/// Call it for whole chunks of queries within `vectorize`; `visit` must be `#[inline(always)]`.
#[inline(always)]
pub(crate) fn visit_within<M: Distance>(
    tree: &PackedTree<'_>,
    query: &[f64],
    (limit, own): (f64, u32),
    metric: M,
    visits: &mut Visits,
    visit: impl FnMut(u32, f64),
) {
    let mut search = Within { limit, own, found: visit };
    walk(tree, query, metric, &mut visits.0, &mut search);
}

/// Radius of each query: one for all, or one each.
#[derive(Debug, Clone, Copy)]
pub enum Radius<'a> {
    /// The same for all.
    One(f64),
    /// One each.
    Each(&'a [f64]),
}

impl Radius<'_> {
    pub(crate) fn of(self, row: usize) -> f64 {
        match self {
            Self::One(radius) => radius,
            Self::Each(radii) => radii[row],
        }
    }

    pub(crate) fn check(self, n_queries: usize) -> Result<()> {
        match self {
            Self::Each(radii) if radii.len() != n_queries => {
                Err(Error::data(format!("{} radii for {n_queries} queries", radii.len())))
            }
            _ => Ok(()),
        }
    }
}

/// Number of rows within the radius of each query.
pub fn tree_count(
    tree: &PackedTree<'_>,
    queries: Queries<'_>,
    radius: Radius<'_>,
    control: &Control,
) -> Result<Vec<i64>> {
    queries.check(tree)?;
    radius.check(queries.rows().n_rows())?;
    let order = queries.order(tree, control)?;
    let mut counts = vec![0_i64; order.len()];
    let mut nothing = vec![(); order.len()];
    let out = (counts.as_mut_slice(), nothing.as_mut_slice());
    for_scattered_rows(out, 1, &order, CHUNK, cost(tree, 10), |_, items, mut out| {
        within(tree, queries, radius, &order[items.clone()], control, |place, total, _, _| {
            let (count, _) = out.row(items.start + place);
            count[0] = total as i64;
        });
    });
    control.check()?;
    Ok(counts)
}

/// Visits each query of a chunk: `done(place in the chunk, rows found, their numbers, reduced
/// distances made distances)`.
fn within(
    tree: &PackedTree<'_>,
    queries: Queries<'_>,
    radius: Radius<'_>,
    order: &[u32],
    control: &Control,
    mut done: impl FnMut(usize, usize, &[u32], &[f64]),
) {
    let rows = queries.rows();
    let mut visits = Visits::default();
    let (mut ids, mut distances) = (Vec::new(), Vec::new());
    let mut query = vec![0.0; rows.n_cols()];
    by_metric!(tree.params.metric, tree.params.p, |metric| {
        for (place, &row) in order.iter().enumerate() {
            if control.check().is_err() {
                return;
            }
            let limit = metric.reduced(radius.of(row as usize));
            read_row(rows, row as usize, &mut query);
            ids.clear();
            distances.clear();
            vectorize(
                #[inline(always)]
                || {
                    let own = (limit, queries.own(row));
                    visit_within(tree, &query, own, metric, &mut visits, |id, reduced| {
                        ids.push(id);
                        distances.push(metric.distance(reduced));
                    });
                },
            );
            done(place, ids.len(), &ids, &distances);
        }
    });
}

/// Rows found within a radius: those of query i are `starts[i]..starts[i + 1]`.
#[derive(Debug, Clone, PartialEq)]
pub struct RadiusNeighbors {
    /// Where each query's rows begin.
    pub starts: Vec<i64>,
    /// Rows.
    pub ids: Vec<i64>,
    /// Distances.
    pub distances: Vec<f64>,
}

/// All rows within the radius of each query: counted, then filled in.
///
/// `by_distance` sorts by distance and then by row, else rows ascend.
pub fn tree_within(
    tree: &PackedTree<'_>,
    queries: Queries<'_>,
    radius: Radius<'_>,
    by_distance: bool,
    room: &dyn Fn(usize) -> Result<()>,
    control: &Control,
) -> Result<RadiusNeighbors> {
    let counts = tree_count(tree, queries, radius, control)?;
    let mut starts = vec![0_i64];
    let mut total = 0_i64;
    for count in counts {
        total += count;
        starts.push(total);
    }
    room(total as usize * 16)?;
    let order = queries.order(tree, control)?;
    let (mut ids, mut distances) = (vec![0_i64; total as usize], vec![0.0; total as usize]);
    let out = split_by(&mut ids, &mut distances, &starts);
    let mut places: Vec<Option<(&mut [i64], &mut [f64])>> = out.into_iter().map(Some).collect();
    let mut lists: Vec<_> = order.iter().map(|&row| places[row as usize].take()).collect();
    for_chunks_mut(&mut lists, 1, CHUNK, cost(tree, 10), |_, items, lists| {
        let mut pairs: Vec<(f64, u32)> = Vec::new();
        within(tree, queries, radius, &order[items], control, |place, _, rows, found| {
            pairs.clear();
            pairs.extend(found.iter().copied().zip(rows.iter().copied()));
            if by_distance {
                pairs.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            } else {
                pairs.sort_unstable_by_key(|pair| pair.1);
            }
            if let Some((ids, distances)) = &mut lists[place] {
                for ((id, distance), pair) in ids.iter_mut().zip(distances.iter_mut()).zip(&pairs) {
                    (*id, *distance) = (i64::from(pair.1), pair.0);
                }
            }
        });
    });
    control.check()?;
    drop(lists);
    Ok(RadiusNeighbors { starts, ids, distances })
}

pub(crate) fn split_by<'a>(
    mut ids: &'a mut [i64],
    mut distances: &'a mut [f64],
    starts: &[i64],
) -> Vec<(&'a mut [i64], &'a mut [f64])> {
    let mut out = Vec::with_capacity(starts.len() - 1);
    for pair in starts.windows(2) {
        let (id, id_rest) = ids.split_at_mut((pair[1] - pair[0]) as usize);
        let (distance, distance_rest) = distances.split_at_mut((pair[1] - pair[0]) as usize);
        out.push((id, distance));
        (ids, distances) = (id_rest, distance_rest);
    }
    out
}
