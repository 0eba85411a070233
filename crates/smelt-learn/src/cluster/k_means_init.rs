//! Greedy k-means++: rows far from all centres chosen so far are likely to be the next centre.
//!
//! Cost: k·trials·2·n·d flops, tiles of a few candidates at a time, and k readings of X.  The random
//! numbers are those that scikit-learn draws, so that one seed gives the same start.
//!
//! Twin: `python/smelt/plain/cluster/k_means.py`.
//!
//! 1. The first centre is a row drawn by weight.
//! 2. Each next: draw candidates with probability w · squared distance to the nearest centre, and keep
//!    the one that lowers Σ w · squared distance most (the first of equals).
//!
//! Arthur and Vassilvitskii, "k-means++: the advantages of careful seeding", SODA 2007.

use serde::Deserialize;
use smelt_core::lanes::Lanes;
use smelt_core::{Control, CsrRef, Error, Mat, MatRef, Result, parallel, simd};
use smelt_math::linalg::tiles::each_score;

use super::k_means_points::{Packed, Points};

/// Rows whose weights are summed at once; one part of the search for a drawn row.
const CHUNK: usize = 4096;

/// Parameters of [`k_means_init`].
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KMeansInitParams {
    /// Number of centres.
    pub n_clusters: usize,
    /// Candidates for each centre.
    pub n_trials: usize,
}

/// Rows of `x` that greedy k-means++ chooses, by 1 + (k − 1) · trials numbers of [0, 1).
pub fn k_means_init<T: Lanes>(
    x: MatRef<'_, T>,
    weights: Option<&[f64]>,
    draws: &[f64],
    params: &KMeansInitParams,
    control: &Control,
) -> Result<Vec<usize>> {
    let points = Points::dense(x, control)?;
    choose_rows(&points, weights, draws, params.n_clusters, params.n_trials, control)
}

/// The same for compressed rows.
pub fn k_means_init_sparse<T: Lanes>(
    x: CsrRef<'_, T>,
    weights: Option<&[f64]>,
    draws: &[f64],
    params: &KMeansInitParams,
    control: &Control,
) -> Result<Vec<usize>> {
    let points = Points::sparse(x);
    choose_rows(&points, weights, draws, params.n_clusters, params.n_trials, control)
}

pub(super) fn choose_rows<T: Lanes>(
    points: &Points<'_, T>,
    weights: Option<&[f64]>,
    draws: &[f64],
    k: usize,
    n_trials: usize,
    control: &Control,
) -> Result<Vec<usize>> {
    let n = points.n_rows();
    if n == 0 || k == 0 || n_trials == 0 || draws.len() != 1 + (k - 1) * n_trials {
        return Err(Error::data("k-means++ needs rows, centres, trials and a number for each"));
    }
    let weight = |i: usize| weights.map_or(1.0, |weights| weights[i]);
    // 1. The first centre.
    let total: f64 = (0..n).map(weight).sum();
    let mut sum = 0.0;
    let ends: Vec<f64> = (0..n)
        .map(|i| {
            sum += weight(i) / total;
            sum
        })
        .collect();
    let first = ends.partition_point(|&end| end / sum <= draws[0]).min(n - 1);
    let mut chosen = vec![first];
    let mut trial = Trial::new(n, n_trials);
    trial.score(points, weights, &[first], control)?;
    // 2. The others.
    for draws in draws[1..].chunks_exact(n_trials) {
        let parts = trial.take_best();
        let potential: f64 = parts.iter().sum();
        let distance = |i: usize| weight(i) * trial.closest(i).to_f64();
        let rows: Vec<usize> =
            draws.iter().map(|draw| row_at(draw * potential, &parts, distance, n)).collect();
        trial.score(points, weights, &rows, control)?;
        chosen.push(rows[trial.best()]);
    }
    Ok(chosen)
}

/// The first row up to which the weights sum to at least `value`; `parts` are sums of chunks.
fn row_at(value: f64, parts: &[f64], weight: impl Fn(usize) -> f64, n: usize) -> usize {
    let mut sum = 0.0;
    for (chunk, part) in parts.iter().enumerate() {
        if sum + part >= value || chunk + 1 == parts.len() {
            let rows = chunk * CHUNK..((chunk + 1) * CHUNK).min(n);
            for i in rows.clone() {
                sum += weight(i);
                if sum >= value {
                    return i;
                }
            }
            return rows.end.min(n) - 1;
        }
        sum += part;
    }
    n - 1
}

/// What candidates would make of the squared distances to the nearest centre.
struct Trial<T> {
    chunks: Vec<Part<T>>,
    n_candidates: usize,
}

/// A chunk of rows; its room serves all candidates, one set after the other.
struct Part<T> {
    /// Squared distances to the nearest centre.
    closest: Vec<T>,
    /// What they would be, candidate after candidate.
    new: Vec<T>,
    /// Their weighted sums, one a candidate.
    sums: Vec<f64>,
}

impl<T: Lanes> Trial<T> {
    fn new(n: usize, most: usize) -> Self {
        let part = |start: usize| {
            let count = CHUNK.min(n - start);
            let (closest, new) = (vec![T::INFINITY; count], vec![T::ZERO; most * count]);
            Part { closest, new, sums: Vec::with_capacity(most) }
        };
        Self { chunks: (0..n).step_by(CHUNK).map(part).collect(), n_candidates: 0 }
    }

    fn score(
        &mut self,
        points: &Points<'_, T>,
        weights: Option<&[f64]>,
        candidates: &[usize],
        control: &Control,
    ) -> Result<()> {
        let (d, m) = (points.n_columns(), candidates.len());
        let values = candidates.iter().flat_map(|&i| points.row(i)).collect();
        let packed = points.pack(&Mat::from_vec(values, m, d)?);
        self.n_candidates = m;
        let cost_ns = CHUNK as f64 * ((m * d) as f64 * 0.1 + 4.0);
        parallel::for_chunks_mut(&mut self.chunks, 1, 1, cost_ns, |chunk, _, parts| {
            for Part { closest, new, sums } in parts {
                sums.clear();
                if control.check().is_err() {
                    sums.resize(m, 0.0);
                    continue;
                }
                let (start, count) = (chunk * CHUNK, closest.len());
                let new = &mut new[..m * count];
                scores(points, &packed, start, new, m);
                simd::vectorize(
                    #[inline(always)]
                    || {
                        let norms = &points.norms[start..start + count];
                        let weights = weights.map(|weights| &weights[start..start + count]);
                        let each = new.chunks_exact_mut(count);
                        sums.extend(each.map(|new| lower(new, norms, closest, weights)));
                    },
                );
            }
        });
        control.check()
    }

    /// The candidate that leaves the least, the first of equals.
    fn best(&self) -> usize {
        let sum = |c: usize| self.chunks.iter().map(|part| part.sums[c]).sum::<f64>();
        let sums: Vec<f64> = (0..self.n_candidates).map(sum).collect();
        (0..sums.len()).fold(0, |best, c| if sums[c] < sums[best] { c } else { best })
    }

    /// Takes the best candidate as a centre; the sums over chunks that it leaves.
    fn take_best(&mut self) -> Vec<f64> {
        let best = self.best();
        for Part { closest, new, .. } in &mut self.chunks {
            let count = closest.len();
            closest.copy_from_slice(&new[best * count..][..count]);
        }
        self.chunks.iter().map(|part| part.sums[best]).collect()
    }

    fn closest(&self, row: usize) -> T {
        self.chunks[row / CHUNK].closest[row % CHUNK]
    }
}

/// Scores of consecutive rows with the candidates, candidate after candidate.
fn scores<T: Lanes>(
    points: &Points<'_, T>,
    packed: &Packed<T>,
    first: usize,
    out: &mut [T],
    m: usize,
) {
    let count = out.len() / m;
    match (packed, points.as_dense()) {
        (Packed::Tiles(centres), Some(rows)) => {
            each_score(
                count,
                |i| rows.row(first + i),
                centres,
                #[inline(always)]
                |row, centre, scores: &[T]| {
                    out[centre * count + row..][..scores.len()].copy_from_slice(scores);
                },
            );
        }
        _ => points.all_scores(first, count, packed, out),
    }
}

/// new ← min(new + |x|², closest); the weighted sum.
#[inline(always)]
fn lower<T: Lanes>(new: &mut [T], norms: &[T], closest: &[T], weights: Option<&[f64]>) -> f64 {
    // What rounding leaves of the distance of equal rows is nothing.
    let noise = T::from_f64(8.0) * T::EPSILON;
    for ((new, &norm), &closest) in new.iter_mut().zip(norms).zip(closest) {
        let square = *new + norm;
        let square = if square > noise * norm { square } else { T::ZERO };
        *new = if square < closest { square } else { closest };
    }
    let mut lanes = [0.0; 8];
    let (eights, rest) = new.as_chunks::<8>();
    match weights {
        None => {
            for eight in eights {
                (0..8).for_each(|l| lanes[l] += eight[l].to_f64());
            }
            lanes.iter().sum::<f64>() + rest.iter().map(|value| value.to_f64()).sum::<f64>()
        }
        Some(weights) => {
            let pairs = new.iter().zip(weights);
            pairs.map(|(value, weight)| weight * value.to_f64()).sum()
        }
    }
}
