//! The k nearest rows by looking at all of them, in any metric that trees search by.
//!
//! Rows are packed into blocks of eight, column after column.  As many blocks as the cache holds are
//! looked at by some dozen queries one after the other, four blocks at a time.  Terms are joined
//! column by column as in the trees: the same bits.
//!
//! Cost: a third of a cycle a pair and column, more where columns are few (`|x|^p` of Minkowski's
//! distance excepted), and a copy of the rows.  Twin: `smelt.plain.neighbors.nearest_neighbors`.

use smelt_core::parallel::{for_chunks_mut, for_scattered_rows};
use smelt_core::simd::vectorize;
use smelt_core::{Control, Error, MatRef, Result};

use super::closest::Closest;
use super::metric::{Distance, Metric, by_metric};
use super::tree::LANES;
use super::tree_query::{Queries, read_row};
use super::walk::Search;

/// Queries that look at a block while it is in the cache.
const CHUNK: usize = 32;
/// Numbers of the blocks that are in the cache together.
const TILE: usize = 1 << 15;
/// Blocks at a time.
const BLOCKS: usize = 4;

/// Distances and rows of the `k` nearest rows of `rows` to each query, nearest first, row-major; of
/// rows at the same distance the smaller one comes first.
pub fn nearest_neighbors_scan(
    rows: MatRef<'_, f64>,
    queries: Queries<'_>,
    k: usize,
    metric: Metric,
    p: f64,
    control: &Control,
) -> Result<(Vec<f64>, Vec<i64>)> {
    metric.check(p)?;
    let wanted = queries.rows();
    let (n, d, n_queries) = (rows.n_rows(), rows.n_cols(), wanted.n_rows());
    let own = matches!(queries, Queries::Own(_));
    let available = n.saturating_sub(usize::from(own));
    if wanted.n_cols() != d || d == 0 || n >= u32::MAX as usize || n_queries >= u32::MAX as usize {
        return Err(Error::data("rows and queries do not fit each other"));
    }
    if k == 0 || k > available {
        return Err(Error::data(format!("{k} neighbours were asked for, {available} are there")));
    }
    // 1. Blocks of eight rows; NaN pads the last.
    let size = LANES * d;
    let mut packed = vec![f64::NAN; n.div_ceil(LANES * BLOCKS) * BLOCKS * size];
    for_chunks_mut(&mut packed, size, 64, size as f64, |_, blocks, packed| {
        if control.check().is_ok() {
            for (block, packed) in blocks.zip(packed.chunks_exact_mut(size)) {
                for (lane, row) in (block * LANES..n.min((block + 1) * LANES)).enumerate() {
                    for j in 0..d {
                        packed[j * LANES + lane] = rows.get(row, j);
                    }
                }
            }
        }
    });
    control.check()?;
    // 2. Some queries look at some blocks, then at the next.
    let (mut distances, mut ids) = (vec![0.0; n_queries * k], vec![0; n_queries * k]);
    let order: Vec<u32> = (0..n_queries as u32).collect();
    let out = (distances.as_mut_slice(), ids.as_mut_slice());
    let tile = (TILE / (size * BLOCKS)).max(1) * size * BLOCKS;
    by_metric!(metric, p, |metric| {
        for_scattered_rows(out, k, &order, CHUNK, 0.2 * (n * d) as f64, |_, items, mut out| {
            let mut points = vec![0.0; items.len() * d];
            let mut closest: Vec<Closest> = Vec::with_capacity(items.len());
            for (item, point) in items.clone().zip(points.chunks_exact_mut(d)) {
                read_row(wanted, item, point);
                let mut nearest = Closest::new(k);
                nearest.start(queries.own(item as u32));
                closest.push(nearest);
            }
            for (index, tile_of_rows) in packed.chunks(tile).enumerate() {
                if control.check().is_err() {
                    return;
                }
                let first = index * (tile / size) * LANES;
                for (point, closest) in points.chunks_exact(d).zip(&mut closest) {
                    vectorize(
                        #[inline(always)]
                        || look(tile_of_rows, first as u32, point, metric, closest),
                    );
                }
            }
            for (item, closest) in items.zip(&mut closest) {
                let (distances, ids) = out.row(item);
                closest.write(|x| metric.distance(x), distances, ids);
            }
        });
    });
    control.check()?;
    Ok((distances, ids))
}

/// Offers the rows of some blocks, of which the first row is given.
#[inline(always)]
fn look<M: Distance>(blocks: &[f64], first: u32, query: &[f64], metric: M, closest: &mut Closest) {
    let size = query.len() * LANES;
    let mut row = first;
    for four in blocks.chunks_exact(BLOCKS * size) {
        for sums in &distances(four, query, metric) {
            let mut ids = [0; LANES];
            ids.iter_mut().zip(row..).for_each(|(id, row)| *id = row);
            closest.see(sums, &ids);
            row += LANES as u32;
        }
    }
}

/// Reduced distances of a query to the rows of four blocks.
#[inline(always)]
fn distances<M: Distance>(four: &[f64], query: &[f64], metric: M) -> [[f64; LANES]; BLOCKS] {
    let columns = four.as_chunks::<LANES>().0;
    let (a, rest) = columns.split_at(query.len());
    let (b, rest) = rest.split_at(query.len());
    let (c, d) = rest.split_at(query.len());
    // Four sums by name stay in registers; an array of them does not.
    let [mut of_a, mut of_b, mut of_c, mut of_d] =
        [a, b, c, d].map(|columns| columns[0].map(|value| metric.term(value - query[0])));
    let others = a.iter().zip(b).zip(c).zip(d).zip(query).skip(1);
    for ((((a, b), c), d), &x) in others {
        join(&mut of_a, a, x, metric);
        join(&mut of_b, b, x, metric);
        join(&mut of_c, c, x, metric);
        join(&mut of_d, d, x, metric);
    }
    [of_a, of_b, of_c, of_d]
}

#[inline(always)]
fn join<M: Distance>(sums: &mut [f64; LANES], values: &[f64; LANES], x: f64, metric: M) {
    for (sum, value) in sums.iter_mut().zip(values) {
        *sum = metric.join(*sum, metric.term(value - x));
    }
}

#[cfg(test)]
mod tests {
    use smelt_core::parallel::with_threads;
    use smelt_core::{Control, MatRef};

    use super::nearest_neighbors_scan;
    use crate::neighbors::tree_query::{Queries, tree_nearest};
    use crate::neighbors::{Metric, Shape, TreeParams, nearest_neighbors_fit};

    #[test]
    fn the_trees_answer_to_the_last_bit() {
        let control = Control::new();
        for (n, d) in [(3000, 5), (500, 40), (9, 2), (33, 1)] {
            let values: Vec<f64> = (0..n * d).map(|i| f64::from(i * 7919 % 1013) * 0.37).collect();
            let X = MatRef::from_row_major(&values, n as usize, d as usize).unwrap();
            for metric in
                [Metric::Euclidean, Metric::Manhattan, Metric::Chebyshev, Metric::Minkowski]
            {
                let algorithm = Shape::KdTree;
                let params = TreeParams { algorithm, metric, p: 3.0, leaf_size: 20 };
                let tree = nearest_neighbors_fit(X, &params, &control).unwrap();
                for queries in [Queries::Own(X), Queries::Rows(X.rows(0, 9))] {
                    let expected = tree_nearest(&tree, queries, 7, &control).unwrap();
                    for threads in [1, 3] {
                        let found = with_threads(threads, || {
                            nearest_neighbors_scan(X, queries, 7, metric, 3.0, &control).unwrap()
                        });
                        assert!(found == expected, "{n} {d} {metric:?}");
                    }
                }
            }
        }
    }
}
