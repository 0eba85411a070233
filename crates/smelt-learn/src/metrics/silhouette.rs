//! Silhouette of each row: (b − a) / max(a, b), with a the mean distance to the other rows of its
//! cluster and b the smallest mean distance to the rows of another.
//!
//! Cost: n² distances, 2·d flops and a square root each, and no matrix of them: rows are sorted by
//! cluster, and the six distances of a tile are added up while they are in registers.
//!
//! Twin: `python/smelt/plain/metrics/silhouette.py`.
//!
//! 1. Sum the distances of each row to the rows of each cluster.
//! 2. a is the sum for its own over one row less, b the least mean of another.

use smelt_core::lanes::{Lanes, Simd};
use smelt_core::{Control, Error, Mat, MatRef, Result, parallel, simd};
use smelt_math::linalg::column_means;
use smelt_math::linalg::tiles::{Centres, Reduce, Tile, each_tile, rows_at_once};

/// Sums kept at once.
const SUMS: usize = 1 << 20;
/// Centres of a call, a multiple of six: a few milliseconds of work.
const CENTRES: usize = 12_000;

/// The silhouettes of the rows of `x`, whose clusters are `labels` of `0..n_clusters`.
pub fn silhouette_samples<T: Lanes>(
    x: MatRef<'_, T>,
    labels: &[i64],
    n_clusters: usize,
    control: &Control,
) -> Result<Vec<f64>> {
    let (n, d) = (x.n_rows(), x.n_cols());
    if labels.len() != n || labels.iter().any(|&l| l < 0 || l as usize >= n_clusters) {
        return Err(Error::data("there must be one label of 0..n_clusters a row"));
    }
    // Rows about the mean, so that |x|² + |c|² − 2 x·c keeps its digits, sorted by cluster.
    let mut counts = vec![0_usize; n_clusters];
    labels.iter().for_each(|&label| counts[label as usize] += 1);
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by_key(|&i| labels[i]);
    let mean = column_means(x, None);
    let mut rows = Mat::zeros(n, d);
    for (place, &i) in order.iter().enumerate() {
        let pairs = rows.row_mut(place).iter_mut().zip(&mean).enumerate();
        pairs.for_each(|(j, (out, mean))| *out = x.get(i, j) - T::from_f64(*mean));
    }
    control.check()?;
    let of: Vec<u32> = order.iter().map(|&i| labels[i] as u32).collect();
    let parts: Vec<Centres<T>> = (0..n)
        .step_by(CENTRES)
        .map(|first| Centres::of_distances(rows.view().rows(first, (first + CENTRES).min(n))))
        .collect();
    let step = rows_at_once::<T>(d).min((SUMS / n_clusters.max(1)).next_multiple_of(32).max(32));
    let chunks = parallel::map_chunks(n, step, n as f64 * (0.05 * d as f64 + 0.5), |_, range| {
        let mut sums = vec![0.0; n_clusters * step];
        let norms: Vec<T> = simd::vectorize(
            #[inline(always)]
            || range.clone().map(|i| simd::dot(rows.row(i), rows.row(i))).collect(),
        );
        let noise = T::EPSILON * T::from_f64((d + 8) as f64);
        let mut padded = vec![T::ZERO; step];
        padded[..norms.len()].copy_from_slice(&norms);
        let limits: Vec<T> = padded.iter().map(|&norm| noise * norm).collect();
        // 1. Sums of distances.
        for (part, centres) in parts.iter().enumerate() {
            if control.check().is_err() {
                return Vec::new();
            }
            let mut add = Add {
                norms: &padded,
                limits: &limits,
                of: &of[part * CENTRES..],
                sums: &mut sums,
                step,
            };
            each_tile(range.len(), |i| rows.row(range.start + i), centres, &mut add);
        }
        // 2. Means.
        let silhouette = |r: usize| {
            let own = of[range.start + r] as usize;
            if counts[own] < 2 {
                return 0.0;
            }
            let a = sums[own * step + r] / (counts[own] - 1) as f64;
            let others = (0..n_clusters).filter(|&c| c != own && counts[c] > 0);
            let b = others.fold(f64::INFINITY, |b, c| b.min(sums[c * step + r] / counts[c] as f64));
            if a.max(b) > 0.0 { (b - a) / a.max(b) } else { 0.0 }
        };
        (0..range.len()).map(silhouette).collect::<Vec<f64>>()
    });
    control.check()?;
    let mut out = vec![0.0; n];
    for (&i, value) in order.iter().zip(chunks.into_iter().flatten()) {
        out[i] = value;
    }
    Ok(out)
}

/// Adds the distances of a tile to the sums of its clusters.
struct Add<'a, T> {
    norms: &'a [T],
    /// Squares up to this are rounding of nothing.
    limits: &'a [T],
    /// Cluster of each centre.
    of: &'a [u32],
    /// Sums of the rows, cluster after cluster.
    sums: &'a mut [f64],
    step: usize,
}

impl<T: Lanes> Reduce<T> for Add<'_, T> {
    #[inline(always)]
    fn tile<S: Simd>(&mut self, simd: S, tile: Tile, scores: &[[T::Vector<S>; 2]; 6]) {
        let width = T::width::<S>();
        let of = &self.of[tile.centre..tile.centre + tile.n_centres];
        let zero = T::splat(simd, T::ZERO);
        let pure = tile.n_centres == 6 && of[0] == of[5];
        for v in 0..2 {
            let row = tile.row + v * width;
            let norm = T::vectors::<S>(&self.norms[row..row + width]).0[0];
            let limit = T::vectors::<S>(&self.limits[row..row + width]).0[0];
            let one = T::splat(simd, T::ONE);
            let mut all = zero;
            for c in 0..6 {
                let square = T::fused(simd, one, norm, scores[c][v]);
                let square = T::select(simd, T::less(simd, limit, square), square, zero);
                let distance = T::root(simd, square);
                if pure {
                    all = T::fused(simd, one, distance, all);
                } else if c < tile.n_centres {
                    self.add::<S>(of[c], row, distance);
                }
            }
            if pure {
                self.add::<S>(of[0], row, all);
            }
        }
    }
}

impl<T: Lanes> Add<'_, T> {
    #[inline(always)]
    fn add<S: Simd>(&mut self, cluster: u32, row: usize, values: T::Vector<S>) {
        let sums = &mut self.sums[cluster as usize * self.step + row..];
        let values = [values];
        for (sum, value) in sums.iter_mut().zip(T::numbers::<S>(&values)) {
            *sum += value.to_f64();
        }
    }
}
