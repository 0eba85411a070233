//! Agglomerative clustering: every row a cluster at first, the two nearest clusters become one until
//! one is left.
//!
//! | linkage | height of a merge of A and B | way |
//! |---|---|---|
//! | ward | √(2 \|A\|\|B\| / (\|A\|+\|B\|)) ‖a − b‖ of the means | rounds over centres in a tree |
//! | complete, average, weighted | largest, mean, mean of means of distances | rounds over a matrix |
//! | single | smallest distance | spanning tree, row by row |
//! | centroid, median | ‖a − b‖ of the means, of the middles | nearest pair, again and again |
//!
//! The first two rows are *reducible*: a merged cluster is never nearer to a third than the nearer of
//! its parts was.  So whoever are each other's nearest can merge at once, in any order, and the tree
//! is the same: each round looks for the nearest of those only whose nearest is gone, all threads at
//! work, and merges all such pairs ([`super::agglomerative_ward`], [`super::agglomerative_matrix`]).
//! Ties are broken by a hash of the two numbers, so that rows of a lattice pair up in few rounds.
//!
//! Cost: ward about n searches of a tree and memory 3 n d; a matrix of n² float64 is read and written
//! about three times; single and the last two n² d / 2 operations and no matrix.
//! Twin: `smelt.plain.cluster.agglomerative_clustering`.

use serde::Deserialize;
use smelt_core::parallel::{chunk_size, map_chunks};
use smelt_core::{Control, Error, Mat, MatRef, Result};

use super::agglomerative_generic::merge_centres;
use super::agglomerative_matrix::merge_by_matrix;
use super::agglomerative_single::{spanning_tree, spanning_tree_of_matrix};
use super::agglomerative_ward::merge_by_ward;
use super::dendrogram::{Dendrogram, Merge, Sides};
use crate::neighbors::Metric;
use crate::neighbors::metric::by_metric;

/// What the distance of two clusters is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Linkage {
    /// Growth of the sum of squares.
    Ward,
    /// Largest distance of two rows.
    Complete,
    /// Mean distance of two rows.
    Average,
    /// Mean of the distances of the two parts.
    Weighted,
    /// Smallest distance of two rows.
    Single,
    /// Distance of the means.
    Centroid,
    /// Distance of the middles, the middle of a merged cluster being half way between its parts'.
    Median,
}

/// Parameters of [`agglomerative_clustering_fit`].
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgglomerativeParams {
    /// What the distance of two clusters is.
    pub linkage: Linkage,
    /// Distance of two rows; without one X holds the distances.
    pub metric: Option<Metric>,
    /// Power of [`Metric::Minkowski`].
    pub p: f64,
    /// Whether children ascend where linkage is single.
    pub ascending: bool,
}

/// Merges the rows of X, or those whose distances X holds (its upper triangle is read).
pub fn agglomerative_clustering_fit(
    X: MatRef<'_, f64>,
    params: &AgglomerativeParams,
    control: &Control,
) -> Result<Dendrogram> {
    let (n, d) = (X.n_rows(), X.n_cols());
    if n < 2 || d == 0 || n >= (u32::MAX / 2) as usize {
        return Err(Error::data(format!("2 to 2^31 rows with columns needed, got {n} x {d}")));
    }
    if let Some(metric) = params.metric {
        metric.check(params.p)?;
    } else if n != d {
        return Err(Error::data(format!(
            "Distance matrix should be square, got matrix of shape ({n}, {d})"
        )));
    }
    let by_centres = matches!(params.linkage, Linkage::Ward | Linkage::Centroid | Linkage::Median);
    if by_centres && params.metric != Some(Metric::Euclidean) {
        return Err(Error::parameter("metric", "must be euclidean where linkage looks at means"));
    }
    // 1. Numbers whose squares fit.
    let scale = if params.metric.is_some() { scale(X, control)? } else { 1.0 };
    let scaled;
    let X = if scale == 1.0 {
        X
    } else {
        let mut copy = X.to_mat();
        copy.as_mut_slice().iter_mut().for_each(|value| *value *= scale);
        scaled = copy;
        scaled.view()
    };
    // 2. Merges.
    let mut merges = match (params.linkage, params.metric) {
        (Linkage::Ward, _) => merge_by_ward(X, control)?,
        (Linkage::Centroid, _) => merge_centres(X, false, control)?,
        (Linkage::Median, _) => merge_centres(X, true, control)?,
        (Linkage::Single, None) => spanning_tree_of_matrix(X, control)?,
        (Linkage::Single, Some(metric)) => {
            by_metric!(metric, params.p, |metric| spanning_tree(X, metric, control)?)
        }
        (linkage, metric) => merge_by_matrix(X, linkage, metric, params.p, control)?,
    };
    if merges.iter().any(|merge| !merge.height.is_finite()) {
        return Err(Error::Numeric("distances are not finite numbers".to_string()));
    }
    // 3. From the lowest to the highest, but where heights may fall.
    if !matches!(params.linkage, Linkage::Centroid | Linkage::Median) {
        merges.sort_by(|one, other| one.height.total_cmp(&other.height));
    }
    merges.iter_mut().for_each(|merge| merge.height /= scale);
    let given = params.linkage == Linkage::Single && !params.ascending;
    Ok(Dendrogram::number(n, &merges, if given { Sides::AsGiven } else { Sides::Ascending }))
}

/// A power of two that brings numbers of extreme size near one; 1 for all others.
fn scale(X: MatRef<'_, f64>, control: &Control) -> Result<f64> {
    let (n, d) = (X.n_rows(), X.n_cols());
    let largest = map_chunks(n, chunk_size(n, 256), d as f64, |_, rows| {
        let mut largest = 0.0_f64;
        for row in rows {
            if control.check().is_err() {
                break;
            }
            largest = (0..d).fold(largest, |largest, j| largest.max(X.get(row, j).abs()));
        }
        largest
    });
    control.check()?;
    let largest = largest.into_iter().fold(0.0, f64::max);
    let is_extreme = largest > 0.0 && !(1e-100..=1e100).contains(&largest);
    Ok(if is_extreme {
        2.0_f64.powi(-largest.log2().round().clamp(-1000.0, 1000.0) as i32)
    } else {
        1.0
    })
}

/// Number that decides between equally near clusters.
#[inline(always)]
pub(super) fn tie(one: u32, other: u32) -> u64 {
    let pair = u64::from(one.min(other)) << 32 | u64::from(one.max(other));
    let mixed = (pair ^ (pair >> 31)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9)
}

/// The nearest cluster of one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Nearest {
    pub(super) distance: f64,
    pub(super) other: u32,
}

impl Nearest {
    pub(super) const NONE: Self = Self { distance: f64::INFINITY, other: u32::MAX };

    /// Takes a cluster that is nearer to `own`, or as near and before the other by [`tie`].
    #[inline(always)]
    pub(super) fn offer(&mut self, own: u32, distance: f64, other: u32) {
        let is_tie = distance == self.distance
            && other != self.other
            && distance < f64::INFINITY
            && (self.other == u32::MAX || tie(own, other) < tie(own, self.other));
        if distance < self.distance || is_tie {
            *self = Self { distance, other };
        }
    }
}

/// Notes what was found, with the found ones too where that is nearer than what they had: so the
/// nearest two of all clusters always know of each other, rounding or not.
pub(super) fn settle(nearest: &mut [Nearest], looked: &[u32], found: &[Nearest]) {
    for (&own, found) in looked.iter().zip(found) {
        nearest[own as usize] = *found;
    }
    for (&own, found) in looked.iter().zip(found) {
        if let Some(back) = nearest.get_mut(found.other as usize) {
            back.offer(found.other, found.distance, own);
        }
    }
}

/// Pairs of clusters that are each other's nearest, among those that have just looked.
pub(super) fn mutual(looked: &[u32], nearest: &[Nearest]) -> Vec<(u32, u32)> {
    let mut pairs: Vec<(u32, u32)> = looked
        .iter()
        .filter_map(|&own| {
            let other = nearest[own as usize].other;
            let back = nearest.get(other as usize)?.other;
            (back == own).then_some((own.min(other), own.max(other)))
        })
        .collect();
    pairs.sort_unstable();
    pairs.dedup();
    pairs
}

/// Rows as a matrix of their own.
pub(super) fn copy_rows(X: MatRef<'_, f64>, rows: &[u32], control: &Control) -> Result<Mat<f64>> {
    let d = X.n_cols();
    let mut out = Mat::zeros(rows.len(), d);
    let chunk = chunk_size(rows.len(), 256);
    smelt_core::parallel::for_chunks_mut(
        out.as_mut_slice(),
        d,
        chunk,
        d as f64,
        |_, items, out| {
            for (item, out) in items.zip(out.chunks_exact_mut(d)) {
                if control.check().is_err() {
                    return;
                }
                crate::neighbors::tree_query::read_row(X, rows[item] as usize, out);
            }
        },
    );
    control.check()?;
    Ok(out)
}

/// The error of a round without a pair: distances that are not numbers.
pub(super) fn no_pair(merges: &[Merge]) -> Error {
    Error::Numeric(format!(
        "no two clusters are each other's nearest after {} merges",
        merges.len()
    ))
}
