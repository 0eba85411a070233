//! The k nearest rows by looking at all of them, in euclidean distance.
//!
//! 1. Scores |y|² − 2 x·y of all pairs in float32, of rows about their mean and scaled to length 1 at
//!    most (`smelt_math::linalg::tiles`: nothing of size queries × rows is stored).
//! 2. Rounding moves a score by less than E = (2d + 8) · 2⁻²⁴ · (1 + 2|x|).  So the k nearest are
//!    among the rows whose score is within 2 E of the k-th smallest.
//! 3. Their distances in float64, column by column as the trees do: the answer is exact.
//!
//! Cost: 2·d flops a pair in float32.  A query for which float32 cannot tell the rows apart is
//! answered in float64.  Twin: `smelt.plain.neighbors.nearest_neighbors`.

use smelt_core::parallel::{chunk_size, for_chunks_mut, for_scattered_rows, map_chunks};
use smelt_core::{Control, Error, Mat, MatRef, Result};
use smelt_math::linalg::tiles::{Centres, each_below, rows_at_once};

use super::closest::Closest;
use super::metric::{Distance, Euclidean};
use super::tree_query::Queries;

/// Fewer queries are not worth the packing.
const FEW_QUERIES: usize = 8;
/// Candidates beyond which float32 does not tell the rows apart.
const MANY: usize = 4096;
/// Multiply-adds between two looks at the control.
const PATIENCE: usize = 1_000_000_000;

/// Distances and rows of the `k` nearest rows of `rows` to each query, nearest first, row-major; of
/// rows at the same distance the smaller one comes first.
pub fn nearest_neighbors_brute(
    rows: MatRef<'_, f64>,
    queries: Queries<'_>,
    k: usize,
    control: &Control,
) -> Result<(Vec<f64>, Vec<i64>)> {
    let wanted = queries.rows();
    let (n, d, n_queries) = (rows.n_rows(), rows.n_cols(), wanted.n_rows());
    let own = matches!(queries, Queries::Own(_));
    let available = n - usize::from(own && n > 0);
    if wanted.n_cols() != d || n >= u32::MAX as usize || n_queries >= u32::MAX as usize {
        return Err(Error::data("rows and queries do not fit each other"));
    }
    if k == 0 || k > available {
        return Err(Error::data(format!("{k} neighbours were asked for, {available} are there")));
    }
    let (mut distances, mut ids) = (vec![0.0; n_queries * k], vec![0; n_queries * k]);
    let order: Vec<u32> = (0..n_queries as u32).collect();
    let out = (distances.as_mut_slice(), ids.as_mut_slice());
    if n_queries < FEW_QUERIES || d == 0 {
        for_scattered_rows(out, k, &order, 1, (n * d) as f64, |_, items, mut out| {
            for item in items {
                let (distances, ids) = out.row(item);
                look_at_all(rows, queries, item, k, distances, ids, control);
            }
        });
        control.check()?;
        return Ok((distances, ids));
    }
    let packed = pack(rows, control)?;
    let chunk = rows_at_once::<f32>(d).min((PATIENCE / (n * d).max(1)).max(32));
    let cost = (n * d) as f64 / 30.0;
    for_scattered_rows(out, k, &order, chunk, cost, |_, items, mut out| {
        let first = items.start;
        let (values, lengths) = packed.scaled(wanted.rows(items.start, items.end));
        // Queries far away from all rows have no digits left to tell them apart.
        let mut lists: Vec<Candidates> = items
            .clone()
            .zip(&lengths)
            .map(|(item, &length)| {
                let error =
                    (2 * d + 8) as f64 * f64::from(f32::EPSILON) / 2.0 * (1.0 + 2.0 * length);
                Candidates::new(k, 2.002 * error, queries.own(item as u32), length < 1e12)
            })
            .collect();
        let mut limits: Vec<f32> = lists.iter().map(|list| list.limit).collect();
        let mut start = 0;
        for block in &packed.blocks {
            if control.check().is_err() {
                return;
            }
            each_below(
                |i| values.row(i),
                block,
                &mut limits,
                #[inline(always)]
                |i, row, score| lists[i].take(score, (start + row) as u32),
            );
            start += block.n_centres();
        }
        let mut closest = Closest::new(k);
        for item in items {
            let list = &lists[item - first];
            let (distances, ids) = out.row(item);
            if list.hopeless {
                look_at_all(rows, queries, item, k, distances, ids, control);
                continue;
            }
            closest.start(u32::MAX);
            for &(_, row) in &list.found {
                closest.offer(squared(rows, row as usize, wanted, item), row);
            }
            closest.write(|x| Euclidean.distance(x), distances, ids);
        }
    });
    control.check()?;
    Ok((distances, ids))
}

/// Squared distance, a rounding a column: the same bits as in trees.
#[inline(always)]
fn squared(rows: MatRef<'_, f64>, row: usize, queries: MatRef<'_, f64>, query: usize) -> f64 {
    if rows.has_contiguous_rows() && queries.has_contiguous_rows() {
        let pairs = rows.row(row).iter().zip(queries.row(query));
        return pairs.fold(0.0, |sum, (y, x)| sum + Euclidean.term(y - x));
    }
    (0..rows.n_cols())
        .fold(0.0, |sum, j| sum + Euclidean.term(rows.get(row, j) - queries.get(query, j)))
}

fn look_at_all(
    rows: MatRef<'_, f64>,
    queries: Queries<'_>,
    query: usize,
    k: usize,
    distances: &mut [f64],
    ids: &mut [i64],
    control: &Control,
) {
    let mut closest = Closest::new(k);
    closest.start(queries.own(query as u32));
    for row in 0..rows.n_rows() {
        if row % 4096 == 0 && control.check().is_err() {
            return;
        }
        closest.offer(squared(rows, row, queries.rows(), query), row as u32);
    }
    closest.write(|x| Euclidean.distance(x), distances, ids);
}

/// Rows as float32 about their mean, none longer than 1, in blocks.
struct Packed {
    mean: Vec<f64>,
    scale: f64,
    blocks: Vec<Centres<f32>>,
}

fn pack(rows: MatRef<'_, f64>, control: &Control) -> Result<Packed> {
    let (n, d) = (rows.n_rows(), rows.n_cols());
    let chunk = chunk_size(n, 1024);
    // Any point near the rows will do.
    let sums = map_chunks(n, chunk, d as f64, |_, range| {
        let mut sum = vec![0.0; d];
        for i in range {
            sum.iter_mut().enumerate().for_each(|(j, sum)| *sum += rows.get(i, j) / n as f64);
        }
        sum
    });
    let mut mean = vec![0.0; d];
    for sum in sums {
        mean.iter_mut().zip(sum).for_each(|(mean, sum)| *mean += sum);
    }
    control.check()?;
    let largest = map_chunks(n, chunk, d as f64, |_, range| {
        let apart = |i| (0..d).map(move |j| (i, j));
        let mean = &mean;
        range.flat_map(apart).map(|(i, j)| (rows.get(i, j) - mean[j]).abs()).fold(0.0, f64::max)
    });
    let largest = largest.into_iter().fold(0.0, f64::max) * (d as f64).sqrt();
    let scale = if (1e-140..1e150).contains(&largest) { 1.0 / largest } else { 0.0 };
    let mut packed = Packed { mean, scale, blocks: Vec::new() };
    let block = (PATIENCE / (32 * d)).max(1024);
    for start in (0..n).step_by(block) {
        control.check()?;
        let (values, _) = packed.scaled(rows.rows(start, (start + block).min(n)));
        packed.blocks.push(Centres::of_distances(values.view()));
    }
    Ok(packed)
}

impl Packed {
    /// Rows as float32 about the mean, and their lengths.
    fn scaled(&self, rows: MatRef<'_, f64>) -> (Mat<f32>, Vec<f64>) {
        let (n, d) = (rows.n_rows(), rows.n_cols());
        let mut out = Mat::zeros(n, d);
        for_chunks_mut(out.as_mut_slice(), d, 1024, d as f64, |_, range, out| {
            for (i, out) in range.zip(out.chunks_exact_mut(d)) {
                for (j, value) in out.iter_mut().enumerate() {
                    *value = ((rows.get(i, j) - self.mean[j]) * self.scale) as f32;
                }
            }
        });
        let length = |i| {
            let squares = (0..d).map(|j| (rows.get(i, j) - self.mean[j]) * self.scale);
            squares.map(|value| value * value).sum::<f64>().sqrt()
        };
        let lengths = (0..n).map(length).collect();
        (out, lengths)
    }
}

/// Rows that may be among the k nearest of a query.
struct Candidates {
    k: usize,
    /// How far two scores may have moved towards each other.
    margin: f64,
    own: u32,
    found: Vec<(f32, u32)>,
    /// Length of the list at which it is cut back.
    full: usize,
    limit: f32,
    hopeless: bool,
}

impl Candidates {
    fn new(k: usize, margin: f64, own: u32, is_near: bool) -> Self {
        let hopeless = !is_near;
        let limit = if hopeless { f32::NEG_INFINITY } else { f32::INFINITY };
        Self { k, margin, own, found: Vec::new(), full: 2 * k + 32, limit, hopeless }
    }

    /// Notes a row; returns what the next score must be below.
    #[inline(always)]
    fn take(&mut self, score: f32, row: u32) -> f32 {
        if row != self.own {
            self.found.push((score, row));
            if self.found.len() >= self.full {
                self.cut_back();
            }
        }
        self.limit
    }

    #[inline(never)]
    fn cut_back(&mut self) {
        let (_, kth, _) = self.found.select_nth_unstable_by(self.k - 1, |a, b| a.0.total_cmp(&b.0));
        self.limit = ((f64::from(kth.0) + self.margin) as f32).next_up();
        let limit = self.limit;
        self.found.retain(|candidate| candidate.0 < limit);
        self.full = (2 * self.k + 32).max(2 * self.found.len());
        if self.found.len() > MANY + 2 * self.k {
            (self.hopeless, self.limit) = (true, f32::NEG_INFINITY);
            self.found = Vec::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use smelt_core::parallel::with_threads;
    use smelt_core::{Control, MatRef};

    use super::nearest_neighbors_brute;
    use crate::neighbors::tree_query::{Queries, tree_nearest};
    use crate::neighbors::{Metric, Shape, TreeParams, nearest_neighbors_fit};

    #[test]
    fn the_trees_answer_to_the_last_bit() {
        let control = Control::new();
        let params = TreeParams {
            algorithm: Shape::KdTree,
            metric: Metric::Euclidean,
            p: 2.0,
            leaf_size: 20,
        };
        for (n, d, step) in [(3000, 5, 0.37), (500, 40, 1e-3), (6000, 3, 0.0), (9, 2, 1.0)] {
            for (offset, size) in [(0.0, 1.0), (1e6, 1.0), (0.0, 1e-160), (1.0, 1e150)] {
                // Few distinct rows in some: ties, and too many for float32 where step is 0.
                let values: Vec<f64> = (0..n * d)
                    .map(|i| offset + size * (f64::from(i * 7919 % 1013) * step).sin())
                    .collect();
                let X = MatRef::from_row_major(&values, n as usize, d as usize).unwrap();
                let tree = nearest_neighbors_fit(X, &params, &control).unwrap();
                for queries in [Queries::Own(X), Queries::Rows(X.rows(0, 9))] {
                    if matches!(queries, Queries::Own(_)) && n > 1000 && size != 1.0 {
                        continue; // the same path as above, slowly
                    }
                    let expected = tree_nearest(&tree, queries, 7, &control).unwrap();
                    for threads in [1, 3] {
                        let found = with_threads(threads, || {
                            nearest_neighbors_brute(X, queries, 7, &control).unwrap()
                        });
                        assert!(found == expected, "{n} {d} {step} {offset} {size}");
                    }
                }
            }
        }
    }
}
