//! Asking the graph: from its highest level down, the nearest node of each is where the walk on the
//! next begins; on the lowest `ef` nodes are kept in view.  The distances of what is found are
//! computed anew from the rows themselves, in float64.

use smelt_core::lanes::{Simd, WithSimd, dispatch};
use smelt_core::parallel::{ScatteredRows, for_scattered_rows};
use smelt_core::{Control, Error, MatRef, Real, Result};
use std::ops::Range;

use super::closest::Closest;
use super::hnsw::{Hnsw, HnswMetric};
use super::hnsw_beam::{Layer, Points, Walk};
use super::hnsw_points::Packing;
use super::metric::{Distance, Euclidean};

/// Queries of a chunk.
const CHUNK: usize = 16;
/// By how much float32 may misjudge a squared distance.
const SLACK: f32 = 1e-3;

/// The rows that were fitted, those whose neighbours are looked for (None: the fitted ones, none of
/// which is a neighbour of itself), and how.
#[derive(Clone, Copy)]
struct Task<'a, T> {
    graph: &'a Hnsw<'a>,
    rows: MatRef<'a, T>,
    queries: Option<MatRef<'a, f64>>,
    k: usize,
    ef: usize,
    control: &'a Control,
}

/// Distances and rows of the `k` nearest rows that a walk with `ef` nodes in view finds, nearest
/// first, row-major; of rows at the same distance the smaller one comes first.
pub fn hnsw_query<T: Real>(
    graph: &Hnsw<'_>,
    rows: MatRef<'_, T>,
    queries: Option<MatRef<'_, f64>>,
    k: usize,
    ef: usize,
    control: &Control,
) -> Result<(Vec<f64>, Vec<i64>)> {
    let (n, d) = (graph.n_samples, graph.n_features);
    let n_queries = queries.map_or(n, |queries| queries.n_rows());
    let fits = rows.n_rows() == n && rows.n_cols() == d;
    if !fits
        || queries.is_some_and(|queries| queries.n_cols() != d)
        || n_queries >= u32::MAX as usize
    {
        return Err(Error::data("the graph, its rows and the queries do not fit each other"));
    }
    let available = n - usize::from(queries.is_none());
    if k == 0 || k > available {
        return Err(Error::data(format!("{k} neighbours were asked for, {available} are there")));
    }
    let ef = ef.max(k + usize::from(queries.is_none()));
    let task = Task { graph, rows, queries, k, ef, control };
    let (mut distances, mut ids) = (vec![0.0; n_queries * k], vec![0; n_queries * k]);
    let order: Vec<u32> = (0..n_queries as u32).collect();
    let cost = (ef * graph.params.M * (d + 16)) as f64 / 8.0;
    let out = (distances.as_mut_slice(), ids.as_mut_slice());
    for_scattered_rows(out, k, &order, CHUNK, cost, |_, items, out| {
        dispatch(Chunk { task, items, out });
    });
    control.check()?;
    Ok((distances, ids))
}

struct Chunk<'a, T> {
    task: Task<'a, T>,
    items: Range<usize>,
    out: ScatteredRows<'a, f64, i64>,
}

impl<T: Real> WithSimd for Chunk<'_, T> {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let Task { graph, rows, queries, k, ef, control } = self.task;
        let points = Points { values: &graph.points, stride: graph.stride() };
        let packing =
            Packing { metric: graph.params.metric, centre: &graph.centre, scale: graph.scale };
        let mut walk = Walk::new(graph.n_nodes());
        let mut closest = Closest::new(k);
        let mut packed = vec![0.0_f32; points.stride];
        let mut query = vec![0.0_f64; graph.n_features];
        for item in self.items {
            if control.check().is_err() {
                return;
            }
            for (j, value) in query.iter_mut().enumerate() {
                *value = match queries {
                    Some(queries) => queries.get(item, j),
                    None => rows.get(item, j).to_f64(),
                };
            }
            packing.pack(|j| query[j], &mut packed);
            // 1. Down to the lowest level.
            let mut from = graph.entry.0;
            for level in (0..=graph.entry.1 as usize).rev() {
                let layer = match level {
                    0 => Layer { links: &graph.links, width: 2 * graph.params.M, above: None },
                    _ => Layer {
                        links: &graph.upper,
                        width: graph.params.M,
                        above: Some((&graph.upper_starts, level - 1)),
                    },
                };
                walk.beam(simd, points, layer, &packed, from, if level == 0 { ef } else { 1 });
                from = walk.nearest.first().map_or(from, |near| near.node());
            }
            // 2. Exact distances, until k rows are found and rounding cannot bring another before them.
            let own = if queries.is_none() { item as u32 } else { u32::MAX };
            closest.start(own);
            let (mut n_found, mut limit) = (0, f32::INFINITY);
            for near in &walk.nearest {
                if near.distance() > limit {
                    break;
                }
                for &row in graph.rows_of(near.node() as usize).iter().take(k + 1) {
                    if row != own && (row as usize) < rows.n_rows() {
                        closest.offer(self.task.reduced(&query, row as usize), row);
                        n_found += 1;
                    }
                }
                if n_found >= k && limit == f32::INFINITY {
                    limit = near.distance() * (1.0 + SLACK);
                }
            }
            // 3. Where the walk did not reach k rows, all are looked at.
            if n_found < k {
                closest.start(own);
                for row in 0..rows.n_rows() {
                    if row % 4096 == 0 && control.check().is_err() {
                        return;
                    }
                    closest.offer(self.task.reduced(&query, row), row as u32);
                }
            }
            let (distances, ids) = self.out.row(item);
            let metric = graph.params.metric;
            let distance = |x: f64| if metric == HnswMetric::Euclidean { x.sqrt() } else { x };
            closest.write(distance, distances, ids);
        }
    }
}

impl<T: Real> Task<'_, T> {
    /// The distance, of euclidean ones the square.
    #[inline(always)]
    fn reduced(&self, query: &[f64], row: usize) -> f64 {
        let values = query.iter().enumerate().map(|(j, &x)| (x, self.rows.get(row, j).to_f64()));
        if self.graph.params.metric != HnswMetric::Cosine {
            return values.fold(0.0, |sum, (x, y)| sum + Euclidean.term(y - x));
        }
        let (mut xx, mut xy, mut yy) = (0.0, 0.0, 0.0);
        for (x, y) in values {
            (xx, xy, yy) = (xx + x * x, xy + x * y, yy + y * y);
        }
        let lengths = xx.sqrt() * yy.sqrt();
        if lengths > 0.0 { (1.0 - xy / lengths).clamp(0.0, 2.0) } else { 1.0 }
    }
}

#[cfg(test)]
mod tests {
    use smelt_core::parallel::with_threads;
    use smelt_core::{Control, MatRef};

    use super::hnsw_query;
    use crate::neighbors::tree_query::Queries;
    use crate::neighbors::{HnswMetric, HnswParams, hnsw_fit, nearest_neighbors_brute};

    #[test]
    fn walks_find_what_a_look_at_all_rows_finds() {
        let control = Control::new();
        let (n, d) = (2000, 5);
        let values: Vec<f64> = (0..n * d).map(|i| (i as f64 * 0.7311).sin() * 9.0).collect();
        let X = MatRef::from_row_major(&values, n, d).unwrap();
        let order: Vec<u32> = (0..n as u32).map(|i| (i * 7) % n as u32).collect();
        let levels: Vec<u8> = (1..=n as u32).map(|i| (i.trailing_zeros() / 3) as u8).collect();
        let params = HnswParams { metric: HnswMetric::Euclidean, M: 8, ef_construction: 60 };
        let ask = |threads, queries| {
            with_threads(threads, || {
                let graph = hnsw_fit(X, &order, &levels, &params, &control).unwrap();
                hnsw_query(&graph, X, queries, 6, 80, &control).unwrap()
            })
        };
        for (queries, all) in [(None, Queries::Own(X)), (Some(X), Queries::Rows(X))] {
            let found = ask(1, queries);
            assert!(found == ask(3, queries));
            let (distances, ids) = nearest_neighbors_brute(X, all, 6, &control).unwrap();
            let right = found.1.iter().zip(&ids).filter(|(found, exact)| found == exact).count();
            assert!(right * 100 > ids.len() * 99, "{right} of {}", ids.len());
            let alike = found.0.iter().zip(&distances).filter(|(found, exact)| found == exact);
            assert!(alike.count() >= right);
        }
        let cancelled = Control::new();
        cancelled.cancel();
        assert!(hnsw_fit(X, &order, &levels, &params, &cancelled).is_err());
        assert!(hnsw_fit(X, &order[1..], &levels, &params, &control).is_err());
    }
}
