//! DBSCAN: clusters are what dense rows reach in steps of at most `eps`.
//!
//! A row is *core* where the rows within `eps`, itself included, weigh `min_samples` or more.  Core
//! rows within `eps` of each other share a cluster; a row that is not core joins the first cluster
//! with a core row within `eps` of it, or is noise.  Clusters are numbered in the order of their
//! first core rows.
//!
//! No list of neighbours is stored: rows are counted until there are enough, core rows are joined by
//! a union-find that all threads share, the rest looks for the smallest number.  In up to three
//! columns a grid answers ([`super::dbscan_grid`]), else a packed tree whose leaves are left out once
//! all their core rows are of the query's own component.  Results do not depend on threads, for the
//! components of a graph do not depend on the order of its edges.
//!
//! Cost: two searches a row, some microseconds each in a tree; memory, beside X, at most about
//! `n · (32 d + 80)` bytes.  Twin: `smelt.plain.cluster.dbscan`.

use serde::Deserialize;
use smelt_core::{Control, Error, MatRef, Result};

use super::dbscan_grid::fit_by_grid;
use super::dbscan_tree::fit_by_tree;
use super::grid::Grid;
use crate::neighbors::metric::{Distance, by_metric};
use crate::neighbors::{Metric, Shape, TreeParams, nearest_neighbors_fit};

/// Parameters of [`dbscan_fit`].
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DbscanParams {
    /// Largest distance of neighbours.
    pub eps: f64,
    /// Weight within `eps` that makes a row core.
    pub min_samples: usize,
    /// Distance.
    pub metric: Metric,
    /// Power of [`Metric::Minkowski`].
    pub p: f64,
    /// Tree to search by where columns are many.
    pub algorithm: Shape,
    /// Most rows in a leaf of the tree.
    pub leaf_size: usize,
}

/// What [`dbscan_fit`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DbscanFit {
    /// Cluster of each row, -1 for noise.
    pub labels: Vec<i64>,
    /// Core rows, ascending.
    pub core_sample_indices: Vec<i64>,
}

/// What makes a row core.
#[derive(Clone, Copy)]
pub(super) struct Density<'a> {
    /// Weight that is enough.
    pub(super) needed: f64,
    /// Weights of the rows, 1 if absent.
    pub(super) weight: Option<&'a [f64]>,
    /// Whether what is enough stays enough: no weight is negative.
    pub(super) grows: bool,
}

/// Clusters the rows of X.
pub fn dbscan_fit(
    X: MatRef<'_, f64>,
    sample_weight: Option<&[f64]>,
    params: &DbscanParams,
    control: &Control,
) -> Result<DbscanFit> {
    let (n, d) = (X.n_rows(), X.n_cols());
    if !(params.eps > 0.0 && params.eps.is_finite()) {
        let message = format!("must be positive and finite, got {}", params.eps);
        return Err(Error::parameter("eps", message));
    }
    params.metric.check(params.p)?;
    if n == 0 || d == 0 || n >= u32::MAX as usize {
        return Err(Error::data(format!("1 to 2^32 - 2 rows with columns needed, got {n} x {d}")));
    }
    if let Some(weight) = sample_weight
        && weight.len() != n
    {
        return Err(Error::data(format!("{} weights for {n} rows", weight.len())));
    }
    let density = Density {
        needed: params.min_samples as f64,
        weight: sample_weight,
        grows: sample_weight.is_none_or(|weight| weight.iter().all(|&w| w >= 0.0)),
    };
    if params.metric == Metric::Euclidean {
        let eps = params.eps;
        let fit = match d {
            1 => Grid::<1>::new(X, eps, control)?.map(|grid| fit_by_grid(&grid, density, control)),
            2 => Grid::<2>::new(X, eps, control)?.map(|grid| fit_by_grid(&grid, density, control)),
            3 => Grid::<3>::new(X, eps, control)?.map(|grid| fit_by_grid(&grid, density, control)),
            _ => None,
        };
        if let Some(fit) = fit {
            return fit;
        }
    }
    let of_tree = TreeParams {
        algorithm: params.algorithm,
        metric: params.metric,
        p: params.p,
        leaf_size: params.leaf_size,
    };
    let tree = nearest_neighbors_fit(X, &of_tree, control)?;
    by_metric!(params.metric, params.p, |metric| {
        fit_by_tree(X, &tree, metric, metric.reduced(params.eps), density, control)
    })
}

#[cfg(test)]
mod tests {
    use smelt_core::parallel::with_threads;
    use smelt_core::rng::Pcg64;
    use smelt_core::{Control, Mat};

    use super::{DbscanFit, DbscanParams, dbscan_fit};
    use crate::neighbors::{Metric, Shape};

    /// Clusters by what the words say: all distances, then a walk from each core row.
    fn naive(X: &Mat<f64>, eps: f64, min_samples: usize) -> DbscanFit {
        let (n, d) = (X.n_rows(), X.n_cols());
        let near = |i: usize, j: usize| {
            let at = |row, column| X.view().get(row, column);
            let sum =
                (0..d).fold(0.0, |sum, c| sum + (at(i, c) - at(j, c)) * (at(i, c) - at(j, c)));
            sum <= eps * eps
        };
        let is_core: Vec<bool> =
            (0..n).map(|i| (0..n).filter(|&j| near(i, j)).count() >= min_samples).collect();
        let (mut labels, mut next) = (vec![-1_i64; n], 0);
        for start in 0..n {
            if labels[start] != -1 || !is_core[start] {
                continue;
            }
            let mut stack = vec![start];
            while let Some(row) = stack.pop() {
                if labels[row] == -1 {
                    labels[row] = next;
                    if is_core[row] {
                        stack.extend((0..n).filter(|&other| near(row, other)));
                    }
                }
            }
            next += 1;
        }
        let core_sample_indices = (0..n as i64).filter(|&row| is_core[row as usize]).collect();
        DbscanFit { labels, core_sample_indices }
    }

    #[test]
    fn grid_and_tree_find_what_the_words_say() {
        let mut rng = Pcg64::from_state(7, 11);
        for d in 1..=5 {
            for eps in [0.02, 0.1, 0.4, 3.0] {
                let n = 300;
                let values = (0..n * d).map(|_| (rng.next_f64() * 64.0).round() / 40.0).collect();
                let X = Mat::from_vec(values, n, d).unwrap();
                for min_samples in [1, 4, 20] {
                    let wanted = naive(&X, eps, min_samples);
                    for algorithm in [Shape::KdTree, Shape::BallTree] {
                        let metric = Metric::Euclidean;
                        let params = DbscanParams {
                            eps,
                            min_samples,
                            metric,
                            p: 2.0,
                            algorithm,
                            leaf_size: 8,
                        };
                        for threads in [1, 3] {
                            let fit = with_threads(threads, || {
                                dbscan_fit(X.view(), None, &params, &Control::new())
                            });
                            assert_eq!(fit.unwrap(), wanted, "d {d} eps {eps} min {min_samples}");
                        }
                    }
                }
            }
        }
    }
}
