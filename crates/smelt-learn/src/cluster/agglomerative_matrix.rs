//! Complete, average and weighted linkage on the full matrix of distances: rounds of merges of
//! clusters that are each other's nearest.
//!
//! Where a round merges many, the rows and columns that stay move together, in place and block by
//! block: new row u reads the old rows of its parts, which no block before it has written.  Four
//! numbers of the old matrix make one of the new, summed so that both sides of the diagonal get the
//! same bits.  Where a round merges few, their rows and columns are written where they are, and
//! infinity takes the place of what is gone.

use smelt_core::parallel::{chunk_size, for_chunks_mut};
use smelt_core::simd::vectorize;
use smelt_core::{Control, MatRef, Result};

use super::agglomerative::{Linkage, Nearest, mutual, no_pair, settle};
use super::dendrogram::Merge;
use crate::neighbors::Metric;
use crate::neighbors::metric::{Distance, by_metric};
use crate::neighbors::tree::{LANES, lane_distances};
use crate::neighbors::tree_query::read_row;

/// Rows that are made before they are put in place.
const BLOCK: usize = 128;
/// Numbers of a row whose smallest is looked for at once.
const PIECE: usize = 256;

/// Distances of clusters, infinity where there is no cluster and on the diagonal.
struct Distances {
    values: Vec<f64>,
    /// Clusters that have rows and columns.
    m: usize,
    /// Row of X that names each cluster; `u32::MAX` for one that is gone.
    names: Vec<u32>,
    sizes: Vec<f64>,
    nearest: Vec<Nearest>,
}

/// A cluster of the next matrix: its parts and their shares.
struct Part {
    one: usize,
    other: usize,
    shares: (f64, f64),
}

/// Merges the rows of X, or those whose distances X holds.
pub(super) fn merge_by_matrix(
    X: MatRef<'_, f64>,
    linkage: Linkage,
    metric: Option<Metric>,
    p: f64,
    control: &Control,
) -> Result<Vec<Merge>> {
    let n = X.n_rows();
    let values = match metric {
        None => read_distances(X, control)?,
        Some(metric) => by_metric!(metric, p, |metric| all_distances(X, metric, control)?),
    };
    let mut distances = Distances {
        values,
        m: n,
        names: (0..n as u32).collect(),
        sizes: vec![1.0; n],
        nearest: vec![Nearest::NONE; n],
    };
    let mut merges = Vec::with_capacity(n - 1);
    let mut looking: Vec<u32> = (0..n as u32).collect();
    let mut n_alive = n;
    while n_alive > 1 {
        // 1. The nearest of those who have none.
        distances.look(&looking, control)?;
        // 2. Who are each other's nearest merge.
        let pairs = mutual(&looking, &distances.nearest);
        if pairs.is_empty() {
            return Err(no_pair(&merges));
        }
        for &(one, other) in &pairs {
            merges.push(Merge {
                one: distances.names[one as usize],
                other: distances.names[other as usize],
                height: distances.nearest[one as usize].distance,
            });
        }
        n_alive -= pairs.len();
        // 3. Their distances to all others.
        if 8 * n_alive < 7 * distances.m {
            distances = distances.compact(&pairs, linkage, control)?;
            looking = (0..distances.m as u32).collect();
        } else {
            looking = distances.update(&pairs, linkage, control)?;
        }
    }
    Ok(merges)
}

/// Shares of two clusters in the distance of their union.
fn shares(linkage: Linkage, one: f64, other: f64) -> (f64, f64) {
    match linkage {
        Linkage::Average => (one / (one + other), other / (one + other)),
        _ => (0.5, 0.5),
    }
}

impl Distances {
    fn look(&mut self, looking: &[u32], control: &Control) -> Result<()> {
        let m = self.m;
        let mut found = vec![Nearest::NONE; looking.len()];
        let values = &self.values;
        for_chunks_mut(&mut found, 1, 16, m as f64 / 4.0, |_, items, found| {
            for (item, found) in items.zip(found) {
                if control.check().is_err() {
                    return;
                }
                let own = looking[item];
                let row = &values[own as usize * m..][..m];
                vectorize(
                    #[inline(always)]
                    || {
                        // The smallest number, then those pieces of the row that hold it.
                        let (mut smallest, mut from, mut to) = (f64::INFINITY, 0, 0);
                        for (piece, numbers) in row.chunks(PIECE).enumerate() {
                            let found = least(numbers);
                            if found < smallest {
                                (smallest, from) = (found, piece * PIECE);
                            }
                            if found == smallest {
                                to = (piece + 1) * PIECE;
                            }
                        }
                        for other in from..to.min(m) {
                            if row[other] == smallest {
                                found.offer(own, smallest, other as u32);
                            }
                        }
                    },
                );
            }
        });
        control.check()?;
        settle(&mut self.nearest, looking, &found);
        Ok(())
    }

    /// Merges a few pairs where they are; returns who needs a new nearest.
    fn update(
        &mut self,
        pairs: &[(u32, u32)],
        linkage: Linkage,
        control: &Control,
    ) -> Result<Vec<u32>> {
        let m = self.m;
        let mut is_gone = vec![false; m];
        let mut row = vec![0.0; m];
        for &(one, other) in pairs {
            control.check()?;
            let (one, other) = (one as usize, other as usize);
            let (a, b) = (&self.values[one * m..][..m], &self.values[other * m..][..m]);
            let (share, rest) = shares(linkage, self.sizes[one], self.sizes[other]);
            vectorize(
                #[inline(always)]
                || {
                    for ((out, &a), &b) in row.iter_mut().zip(a).zip(b) {
                        *out = if linkage == Linkage::Complete {
                            if a > b { a } else { b }
                        } else {
                            share * a + rest * b
                        };
                    }
                },
            );
            (row[one], row[other]) = (f64::INFINITY, f64::INFINITY);
            self.values[one * m..][..m].copy_from_slice(&row);
            self.values[other * m..][..m].fill(f64::INFINITY);
            for (line, &value) in self.values.chunks_exact_mut(m).zip(&row) {
                line[one] = value;
                line[other] = f64::INFINITY;
            }
            self.sizes[one] += self.sizes[other];
            self.names[other] = u32::MAX;
            (is_gone[one], is_gone[other]) = (true, true);
        }
        let alive = (0..m as u32).filter(|&slot| self.names[slot as usize] != u32::MAX);
        Ok(alive
            .filter(|&slot| {
                let nearest = self.nearest[slot as usize].other as usize;
                is_gone[slot as usize] || is_gone.get(nearest) == Some(&true)
            })
            .collect())
    }

    /// Merges pairs and moves what stays together.
    fn compact(
        mut self,
        pairs: &[(u32, u32)],
        linkage: Linkage,
        control: &Control,
    ) -> Result<Self> {
        let m = self.m;
        let mut partner = vec![u32::MAX; m];
        for &(one, other) in pairs {
            partner[one as usize] = other;
            self.names[other as usize] = u32::MAX;
        }
        let parts: Vec<Part> = (0..m)
            .filter(|&one| self.names[one] != u32::MAX)
            .map(|one| match partner[one] {
                u32::MAX => Part { one, other: one, shares: (1.0, 0.0) },
                other => {
                    let other = other as usize;
                    let shares = shares(linkage, self.sizes[one], self.sizes[other]);
                    Part { one, other, shares }
                }
            })
            .collect();
        let to = parts.len();
        let mut block = vec![0.0; BLOCK * to];
        for start in (0..to).step_by(BLOCK) {
            let rows = BLOCK.min(to - start);
            let values = &self.values;
            let block = &mut block[..rows * to];
            for_chunks_mut(block, to, 4, 4.0 * to as f64, |_, items, lines| {
                if control.check().is_err() {
                    return;
                }
                for (item, line) in items.zip(lines.chunks_exact_mut(to)) {
                    let own = &parts[start + item];
                    let (a, b) = (&values[own.one * m..][..m], &values[own.other * m..][..m]);
                    vectorize(
                        #[inline(always)]
                        || join_rows(a, b, own, &parts, linkage, line),
                    );
                    line[start + item] = f64::INFINITY;
                }
            });
            control.check()?;
            self.values[start * to..][..rows * to].copy_from_slice(block);
        }
        self.values.truncate(to * to);
        let size = |part: &Part| {
            let other = if part.other == part.one { 0.0 } else { self.sizes[part.other] };
            self.sizes[part.one] + other
        };
        Ok(Self {
            m: to,
            names: parts.iter().map(|part| self.names[part.one]).collect(),
            sizes: parts.iter().map(size).collect(),
            nearest: vec![Nearest::NONE; to],
            values: self.values,
        })
    }
}

/// A row of the next matrix from the rows of its cluster's parts.
#[inline(always)]
fn join_rows(a: &[f64], b: &[f64], own: &Part, parts: &[Part], linkage: Linkage, out: &mut [f64]) {
    if linkage == Linkage::Complete {
        for (out, part) in out.iter_mut().zip(parts) {
            let larger = |x: f64, y: f64| if x > y { x } else { y };
            let (one, other) =
                (larger(a[part.one], a[part.other]), larger(b[part.one], b[part.other]));
            *out = larger(one, other);
        }
        return;
    }
    let (alpha, beta) = own.shares;
    for (out, part) in out.iter_mut().zip(parts) {
        let (gamma, delta) = part.shares;
        // Both sides of the diagonal add the same two sums of two.
        let straight = (alpha * gamma) * a[part.one] + (beta * delta) * b[part.other];
        *out = straight + ((alpha * delta) * a[part.other] + (beta * gamma) * b[part.one]);
    }
}

/// The smallest number of a row.  Call within `vectorize`.
#[inline(always)]
pub(super) fn least(row: &[f64]) -> f64 {
    let (blocks, rest) = row.as_chunks::<16>();
    let mut lanes = [f64::INFINITY; 16];
    for block in blocks {
        for lane in 0..16 {
            lanes[lane] = if block[lane] < lanes[lane] { block[lane] } else { lanes[lane] };
        }
    }
    lanes.iter().chain(rest).copied().fold(f64::INFINITY, f64::min)
}

/// Distances as they were given: the upper triangle, on both sides.
fn read_distances(D: MatRef<'_, f64>, control: &Control) -> Result<Vec<f64>> {
    let n = D.n_rows();
    let mut out = vec![0.0; n * n];
    for_chunks_mut(&mut out, n, chunk_size(n, 8).min(64), 3.0 * n as f64, |_, rows, lines| {
        for (i, line) in rows.zip(lines.chunks_exact_mut(n)) {
            if control.check().is_err() {
                return;
            }
            for (j, out) in line.iter_mut().enumerate() {
                *out = if i == j { f64::INFINITY } else { D.get(i.min(j), i.max(j)) };
            }
        }
    });
    control.check()?;
    Ok(out)
}

/// Columns of X, each padded with NaN to whole vectors.
pub(super) fn padded_columns(X: MatRef<'_, f64>) -> (Vec<f64>, usize) {
    let (n, d) = (X.n_rows(), X.n_cols());
    let stride = n.next_multiple_of(LANES);
    let mut columns = vec![f64::NAN; stride * d];
    for i in 0..n {
        for j in 0..d {
            columns[j * stride + i] = X.get(i, j);
        }
    }
    (columns, stride)
}

/// Distances of all rows.
fn all_distances<M: Distance>(
    X: MatRef<'_, f64>,
    metric: M,
    control: &Control,
) -> Result<Vec<f64>> {
    let (n, d) = (X.n_rows(), X.n_cols());
    let (columns, stride) = padded_columns(X);
    let mut out = vec![0.0; n * n];
    for_chunks_mut(&mut out, n, 16, (n * d) as f64 / 2.0, |_, rows, lines| {
        let mut query = vec![0.0; d];
        for (i, line) in rows.zip(lines.chunks_exact_mut(n)) {
            if control.check().is_err() {
                return;
            }
            read_row(X, i, &mut query);
            vectorize(
                #[inline(always)]
                || {
                    for (block, out) in line.chunks_mut(LANES).enumerate() {
                        let found =
                            lane_distances(&columns[block * LANES..], stride, &query, metric);
                        for (out, found) in out.iter_mut().zip(found) {
                            *out = metric.distance(found);
                        }
                    }
                },
            );
            line[i] = f64::INFINITY;
        }
    });
    control.check()?;
    Ok(out)
}
