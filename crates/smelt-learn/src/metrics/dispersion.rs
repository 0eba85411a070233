//! Means of clusters, and how far their rows lie from them.
//!
//! Cost: two readings of X, 3·n·d flops.
//!
//! Twin: `python/smelt/plain/metrics/dispersion.py`.
//!
//! 1. The mean of each cluster.
//! 2. Squared distances of the rows to it, and their roots.

use smelt_core::parallel::{chunk_size, map_chunks};
use smelt_core::{Control, Error, Mat, MatRef, Real, Result, simd};

/// Rows between two looks at the control.
const STEP: usize = 256;

/// What [`cluster_dispersion`] finds.
#[derive(Debug, Clone, PartialEq)]
pub struct Dispersion {
    /// Rows of each cluster.
    pub counts: Vec<i64>,
    /// k × d, of float64; zeros where a cluster has no rows.
    pub means: Mat<f64>,
    /// Sum of squared distances of the rows of each cluster to its mean.
    pub squares: Vec<f64>,
    /// Sum of these distances.
    pub distances: Vec<f64>,
}

/// Means and dispersions of the clusters `labels` of `0..n_clusters`.
pub fn cluster_dispersion<T: Real>(
    x: MatRef<'_, T>,
    labels: &[i32],
    n_clusters: usize,
    control: &Control,
) -> Result<Dispersion> {
    let (n, d, k) = (x.n_rows(), x.n_cols(), n_clusters);
    if labels.len() != n || labels.iter().any(|&l| l < 0 || l as usize >= k) {
        return Err(Error::data("there must be one label of 0..n_clusters a row"));
    }
    let mut counts = vec![0_i64; k];
    labels.iter().for_each(|&label| counts[label as usize] += 1);
    control.check()?;
    // Partial sums take less room than X.
    let chunk = chunk_size(n, (4 * k).max(1024));
    // 1. Sums about the first row, so that no digits are lost far from zero.
    let origin: Vec<f64> = (0..if n > 0 { d } else { 0 }).map(|j| x.get(0, j).to_f64()).collect();
    let parts = map_chunks(n, chunk, d as f64 * 0.6, |_, range| {
        let mut sums = vec![0.0; k * d];
        each_row(x, range, &origin, control, |i, row| {
            let sums = &mut sums[labels[i] as usize * d..][..d];
            sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
        });
        sums
    });
    control.check()?;
    let mut off = vec![0.0; k * d];
    for part in &parts {
        off.iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
    }
    for (c, off) in off.chunks_mut(d.max(1)).enumerate() {
        off.iter_mut().for_each(|sum| *sum /= (counts[c] as f64).max(1.0));
    }
    // 2.
    let parts = map_chunks(n, chunk, d as f64 * 0.6, |_, range| {
        let mut sums = vec![0.0; 2 * k];
        each_row(x, range, &origin, control, |i, row| {
            let c = labels[i] as usize;
            let square = simd::sq_dist(row, &off[c * d..(c + 1) * d]);
            sums[c] += square;
            sums[k + c] += square.sqrt();
        });
        sums
    });
    control.check()?;
    let mut sums = vec![0.0; 2 * k];
    for part in &parts {
        sums.iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
    }
    let distances = sums.split_off(k);
    let mut means = Mat::from_vec(off, k, d)?;
    for c in (0..k).filter(|&c| counts[c] > 0) {
        means.row_mut(c).iter_mut().zip(&origin).for_each(|(mean, origin)| *mean += origin);
    }
    Ok(Dispersion { counts, means, squares: sums, distances })
}

/// Calls `work(i, row about the origin)` for the rows of a chunk.
#[inline(always)]
fn each_row<T: Real>(
    x: MatRef<'_, T>,
    range: std::ops::Range<usize>,
    origin: &[f64],
    control: &Control,
    mut work: impl FnMut(usize, &[f64]),
) {
    let mut row = vec![0.0; x.n_cols()];
    for first in range.clone().step_by(STEP) {
        if control.check().is_err() {
            return;
        }
        simd::vectorize(
            #[inline(always)]
            || {
                for i in first..(first + STEP).min(range.end) {
                    if x.has_contiguous_rows() {
                        let cells = row.iter_mut().zip(x.row(i)).zip(origin);
                        cells.for_each(|((out, value), origin)| *out = value.to_f64() - origin);
                    } else {
                        let cells = row.iter_mut().zip(origin).enumerate();
                        cells.for_each(|(j, (out, origin))| *out = x.get(i, j).to_f64() - origin);
                    }
                    work(i, &row);
                }
            },
        );
    }
}
