//! Single linkage: the minimum spanning tree, which grows from the first row by the nearest row
//! outside; nothing of n × n is stored.
//!
//! Rows outside lie column by column and are moved together when half of them are inside.  Rows come
//! in the order of Prim's algorithm, ties by the smaller row; each merge names the row before, as
//! scikit-learn has it, whose cluster is the right one whenever merges come in order of height.

use smelt_core::simd::vectorize;
use smelt_core::{Control, MatRef, Result};

use super::agglomerative_matrix::{least, padded_columns};
use super::dendrogram::Merge;
use crate::neighbors::metric::Distance;
use crate::neighbors::tree::{LANES, lane_distances};
use crate::neighbors::tree_query::read_row;

/// Spanning tree of the rows of X.
pub(super) fn spanning_tree<M: Distance>(
    X: MatRef<'_, f64>,
    metric: M,
    control: &Control,
) -> Result<Vec<Merge>> {
    let (n, d) = (X.n_rows(), X.n_cols());
    let (mut columns, mut stride) = padded_columns(X);
    // Row at each place, and its distance from the tree: infinity once it is inside.
    let mut rows: Vec<u32> = (0..n as u32).collect();
    let mut near = vec![f64::INFINITY; stride];
    let (mut query, mut place) = (vec![0.0; d], 0);
    let mut merges = Vec::with_capacity(n - 1);
    for outside in (1..n).rev() {
        control.check()?;
        // 1. The new row goes inside.
        let row = rows[place];
        read_row(X, row as usize, &mut query);
        near[place] = f64::INFINITY;
        columns[place] = f64::NAN;
        if 2 * outside < rows.len() && rows.len() > 64 {
            let kept: Vec<usize> = (0..rows.len()).filter(|&at| !columns[at].is_nan()).collect();
            let new_stride = kept.len().next_multiple_of(LANES);
            for j in 0..d {
                for (to, &at) in kept.iter().enumerate() {
                    columns[j * new_stride + to] = columns[j * stride + at];
                }
                columns[j * new_stride + kept.len()..(j + 1) * new_stride].fill(f64::NAN);
            }
            near = kept.iter().map(|&at| near[at]).collect();
            near.resize(new_stride, f64::INFINITY);
            rows = kept.iter().map(|&at| rows[at]).collect();
            stride = new_stride;
        }
        // 2. Who is nearer to it than to the others inside.
        let smallest = vectorize(
            #[inline(always)]
            || {
                for (block, near) in near.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
                    let found = lane_distances(&columns[block * LANES..], stride, &query, metric);
                    for lane in 0..LANES {
                        near[lane] =
                            if found[lane] < near[lane] { found[lane] } else { near[lane] };
                    }
                }
                least(&near)
            },
        );
        // 3. The nearest, the first of those.
        let Some(next) = near[..rows.len()].iter().position(|&near| near == smallest) else {
            break;
        };
        if smallest == f64::INFINITY {
            break;
        }
        let height = metric.distance(smallest);
        merges.push(Merge { one: row, other: rows[next], height });
        place = next;
    }
    if merges.len() + 1 < n {
        return Err(super::agglomerative::no_pair(&merges));
    }
    Ok(merges)
}

/// Spanning tree of rows whose distances are given, by the upper triangle.
pub(super) fn spanning_tree_of_matrix(D: MatRef<'_, f64>, control: &Control) -> Result<Vec<Merge>> {
    let n = D.n_rows();
    let mut near = vec![f64::INFINITY; n];
    let mut is_inside = vec![false; n];
    let (mut row, mut merges) = (0, Vec::with_capacity(n - 1));
    for _ in 1..n {
        control.check()?;
        is_inside[row] = true;
        let (mut smallest, mut next) = (f64::INFINITY, usize::MAX);
        for (other, near) in near.iter_mut().enumerate() {
            if is_inside[other] {
                continue;
            }
            let distance = D.get(row.min(other), row.max(other));
            if distance < *near {
                *near = distance;
            }
            if *near < smallest {
                (smallest, next) = (*near, other);
            }
        }
        if next == usize::MAX {
            return Err(super::agglomerative::no_pair(&merges));
        }
        merges.push(Merge { one: row as u32, other: next as u32, height: smallest });
        row = next;
    }
    Ok(merges)
}
