//! k-means: min Σ w |x − c(x)|² over k centres, by Lloyd's steps.
//!
//! Cost of a step: 2·d flops for each row searched and centre (see `smelt_math::linalg::tiles`), and
//! d additions for each row whose label changed; bounds (`k_means_bounds`) spare most searches once
//! the centres have settled.  Sums are kept in f64 and taken anew every tenth step.
//!
//! Twin: `python/smelt/plain/cluster/k_means.py`.
//!
//! For each start (`k_means_init`):
//! 1. Give every row the label of its nearest centre, the first of equals.
//! 2. Put every centre at the weighted mean of its rows; a cluster without weight first takes the row
//!    that is farthest from its centre.
//! 3. Stop when no label changed, or when the squared moves of the centres sum to at most tol times
//!    the mean variance of the columns; in the latter case label the rows once more.
//!
//! The start with the least inertia is kept.

use std::sync::Mutex;

use serde::Deserialize;
use smelt_core::lanes::Lanes;
use smelt_core::{Control, CsrRef, Error, Mat, MatRef, Result, parallel, simd};

use super::k_means_bounds::{Bounds, Row};
use super::k_means_init::choose_rows;
use super::k_means_points::Points;

/// Steps after which the sums are taken anew.
const ANEW_EVERY: usize = 10;

/// Parameters of [`k_means_fit`].
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KMeansParams {
    /// Number of centres.
    pub n_clusters: usize,
    /// Number of starts.
    pub n_init: usize,
    /// Candidates for each centre of a drawn start.
    pub n_trials: usize,
    /// Most steps.
    pub max_iter: usize,
    /// Tolerance, in mean variances of the columns.
    pub tol: f64,
    /// Whether the inertia of every step is returned.
    pub verbose: bool,
}

/// Where a run begins.
#[derive(Debug, Clone, Copy)]
pub enum Starts<'a, T> {
    /// The centres of all runs, one below the other.
    Centres(MatRef<'a, T>),
    /// Numbers of [0, 1) for greedy k-means++: 1 + (k − 1) · trials a run.
    Draws(&'a [f64]),
}

/// A clustering.
#[derive(Debug, Clone)]
pub struct KMeansFit<T> {
    /// k × d.
    pub centers: Mat<T>,
    /// One a row.
    pub labels: Vec<i32>,
    /// Σ w |x − c(x)|².
    pub inertia: f64,
    /// Steps of the run that was kept.
    pub n_iter: usize,
    /// For each run the inertia after each step, where asked for, and the squared moves in the end
    /// (0 where no label changed).
    pub history: Vec<(Vec<f64>, f64)>,
    /// Number of different labels.
    pub n_distinct: usize,
    /// The tolerance, in squared units of x.
    pub tolerance: f64,
}

/// Clusters dense rows.
pub fn k_means_fit<T: Lanes>(
    x: MatRef<'_, T>,
    weights: Option<&[f64]>,
    starts: Starts<'_, T>,
    params: &KMeansParams,
    control: &Control,
) -> Result<KMeansFit<T>> {
    fit(&Points::dense(x, control)?, weights, starts, params, control)
}

/// Clusters compressed rows.
pub fn k_means_fit_sparse<T: Lanes>(
    x: CsrRef<'_, T>,
    weights: Option<&[f64]>,
    starts: Starts<'_, T>,
    params: &KMeansParams,
    control: &Control,
) -> Result<KMeansFit<T>> {
    fit(&Points::sparse(x), weights, starts, params, control)
}

fn fit<T: Lanes>(
    points: &Points<'_, T>,
    weights: Option<&[f64]>,
    starts: Starts<'_, T>,
    params: &KMeansParams,
    control: &Control,
) -> Result<KMeansFit<T>> {
    let (n, d, k) = (points.n_rows(), points.n_columns(), params.n_clusters);
    if k == 0 || k > n || k > 1 << 24 {
        return Err(Error::data(format!("n_samples={n} should be >= n_clusters={k}.")));
    }
    if weights.is_some_and(|weights| weights.len() != n) {
        return Err(Error::data("there must be one weight a row"));
    }
    if weights.is_some_and(|weights| weights.iter().sum::<f64>() <= 0.0) {
        return Err(Error::data("the sample weights must sum to more than zero"));
    }
    if let Starts::Centres(starts) = starts
        && (starts.n_rows() != k * params.n_init || starts.n_cols() != d)
    {
        return Err(Error::data(format!(
            "{} x {} centres do not start {} runs with {k} centres of {d} features",
            starts.n_rows(),
            starts.n_cols(),
            params.n_init
        )));
    }
    let tolerance = if params.tol == 0.0 { 0.0 } else { params.tol * points.mean_variance() };
    let mut best: Option<Run<T>> = None;
    let mut history = Vec::new();
    for run in 0..params.n_init.max(1) {
        let centres = match starts {
            Starts::Centres(starts) => {
                let mut centres = starts.rows(run * k, (run + 1) * k).to_mat();
                for c in 0..k {
                    let pairs = centres.row_mut(c).iter_mut().zip(&points.mean);
                    pairs.for_each(|(value, &mean)| *value -= mean);
                }
                centres
            }
            Starts::Draws(draws) => {
                let size = 1 + (k - 1) * params.n_trials;
                let Some(draws) = draws.get(run * size..(run + 1) * size) else {
                    return Err(Error::data("too few random numbers for the starts"));
                };
                let chosen = choose_rows(points, weights, draws, k, params.n_trials, control)?;
                let values = chosen.into_iter().flat_map(|i| points.row(i)).collect();
                Mat::from_vec(values, k, d)?
            }
        };
        let mut found = Run::new(points, weights, centres, control);
        found.go(params, tolerance)?;
        history.push((std::mem::take(&mut found.inertias), found.moved));
        let better = best.as_ref().is_none_or(|best| {
            found.inertia < best.inertia && !same_clusters(&found.rows, &best.rows, k)
        });
        if better {
            best = Some(found);
        }
    }
    let Some(best) = best else { return Err(Error::data("no start")) };
    let labels: Vec<i32> = best.rows.iter().map(|row| row.label as i32).collect();
    let mut seen = vec![false; k];
    labels.iter().for_each(|&label| seen[label as usize] = true);
    let mut centers = best.centres;
    for c in 0..k {
        let pairs = centers.row_mut(c).iter_mut().zip(&points.mean);
        pairs.for_each(|(value, &mean)| *value += mean);
    }
    let n_distinct = seen.into_iter().filter(|&seen| seen).count();
    let (inertia, n_iter) = (best.inertia, best.n_iter);
    Ok(KMeansFit { centers, labels, inertia, n_iter, history, n_distinct, tolerance })
}

/// Whether two labellings differ in the names of the clusters alone.
fn same_clusters<T>(a: &[Row<T>], b: &[Row<T>], k: usize) -> bool {
    let mut names = vec![u32::MAX; k];
    a.iter().zip(b).all(|(a, b)| {
        let name = &mut names[a.label as usize];
        if *name == u32::MAX {
            *name = b.label;
        }
        *name == b.label
    })
}

/// Sums of the rows of each cluster.
struct Sums {
    rows: Vec<f64>,
    weights: Vec<f64>,
    changed: usize,
}

impl Sums {
    fn new(k: usize, d: usize) -> Self {
        Self { rows: vec![0.0; k * d], weights: vec![0.0; k], changed: 0 }
    }

    fn add(&mut self, other: &Self) {
        self.rows.iter_mut().zip(&other.rows).for_each(|(sum, part)| *sum += part);
        self.weights.iter_mut().zip(&other.weights).for_each(|(sum, part)| *sum += part);
        self.changed += other.changed;
    }
}

/// One run from one start.
struct Run<'a, T> {
    points: &'a Points<'a, T>,
    weights: Option<&'a [f64]>,
    control: &'a Control,
    centres: Mat<T>,
    before: Mat<T>,
    rows: Vec<Row<T>>,
    sums: Sums,
    n_iter: usize,
    inertia: f64,
    inertias: Vec<f64>,
    moved: f64,
}

impl<'a, T: Lanes> Run<'a, T> {
    fn new(
        points: &'a Points<'a, T>,
        weights: Option<&'a [f64]>,
        centres: Mat<T>,
        control: &'a Control,
    ) -> Self {
        Self {
            points,
            weights,
            control,
            before: centres.clone(),
            rows: vec![Row::unknown(); points.n_rows()],
            sums: Sums::new(centres.n_rows(), centres.n_cols()),
            centres,
            n_iter: 0,
            inertia: 0.0,
            inertias: Vec::new(),
            moved: 0.0,
        }
    }

    fn go(&mut self, params: &KMeansParams, tolerance: f64) -> Result<()> {
        let mut strict = false;
        while self.n_iter < params.max_iter.max(1) && !strict {
            // 1. Labels, and the sums of their rows.
            self.label(self.n_iter.is_multiple_of(ANEW_EVERY))?;
            self.n_iter += 1;
            // 2. Centres.
            let next = self.means()?;
            self.before = std::mem::replace(&mut self.centres, next);
            self.moved = squared_moves(&self.before, &self.centres);
            if params.verbose {
                self.inertias.push(self.sum_of_squares()?);
            }
            // 3. Stop?
            strict = self.sums.changed == 0;
            if strict {
                self.moved = 0.0;
            } else if self.moved <= tolerance {
                break;
            }
        }
        if !strict {
            self.label(false)?;
        }
        self.inertia = self.sum_of_squares()?;
        Ok(())
    }

    fn weight(&self, i: usize) -> f64 {
        self.weights.map_or(1.0, |weights| weights[i])
    }

    /// Step 1; the sums follow the labels that changed, or are taken anew.
    fn label(&mut self, anew: bool) -> Result<()> {
        let (points, centres, control, weights) =
            (self.points, &self.centres, self.control, self.weights);
        let (n, k, d) = (points.n_rows(), centres.n_rows(), centres.n_cols());
        let bounds = Bounds::new(&self.before, centres);
        let packed = points.pack(centres);
        // Few chunks where their sums are large.
        let most = (2_000_000 / (k * d).max(1)).clamp(8, 64);
        let chunk = n.div_ceil(most).max(512);
        let block = points.rows_at_once();
        let parts: Vec<Mutex<Option<Sums>>> =
            (0..n.div_ceil(chunk)).map(|_| Mutex::new(None)).collect();
        let cost = 0.05 * (k * d.min(1000)) as f64;
        parallel::for_chunks_mut(&mut self.rows, 1, chunk, cost, |index, range, rows| {
            let mut sums = Sums::new(k, d);
            let mut wanted: Vec<usize> = Vec::with_capacity(block);
            let (mut labels, mut scores) = (vec![0; block], vec![T::ZERO; block]);
            let mut seconds = scores.clone();
            let mut changed: Vec<(usize, u32)> = Vec::with_capacity(block);
            for (b, rows) in rows.chunks_mut(block).enumerate() {
                if control.check().is_err() {
                    return;
                }
                let first = range.start + b * block;
                wanted.clear();
                changed.clear();
                simd::vectorize(
                    #[inline(always)]
                    || {
                        for (r, row) in rows.iter_mut().enumerate() {
                            if bounds.must_search(row, first + r, points, centres) {
                                wanted.push(r);
                            }
                        }
                    },
                );
                let m = wanted.len();
                let row = |s: usize| first + wanted[s];
                points.search(row, &packed, &mut labels[..m], &mut scores[..m], &mut seconds[..m]);
                for (s, &r) in wanted.iter().enumerate() {
                    let row = &mut rows[r];
                    bounds.set(row, points.norms[first + r], scores[s], seconds[s]);
                    if row.label != labels[s] {
                        changed.push((r, row.label));
                        row.label = labels[s];
                    }
                }
                sums.changed += changed.len();
                simd::vectorize(
                    #[inline(always)]
                    || {
                        let mut add = |r: usize, label: u32, sign: f64| {
                            let (i, c) = (first + r, label as usize);
                            let weight = sign * weights.map_or(1.0, |weights| weights[i]);
                            points.add(i, weight, &mut sums.rows[c * d..][..d]);
                            sums.weights[c] += weight;
                        };
                        if anew {
                            for (r, row) in rows.iter().enumerate() {
                                add(r, row.label, 1.0);
                            }
                        } else {
                            for &(r, old) in &changed {
                                if old != u32::MAX {
                                    add(r, old, -1.0);
                                }
                                add(r, rows[r].label, 1.0);
                            }
                        }
                    },
                );
            }
            if let Ok(mut part) = parts[index].lock() {
                *part = Some(sums);
            }
        });
        control.check()?;
        if anew {
            self.sums = Sums::new(k, d);
        }
        self.sums.changed = 0;
        for part in parts {
            if let Ok(Some(part)) = part.into_inner() {
                self.sums.add(&part);
            }
        }
        Ok(())
    }

    /// Step 2.
    fn means(&self) -> Result<Mat<T>> {
        let (k, d) = (self.centres.n_rows(), self.centres.n_cols());
        let (mut sums, mut weights) = (self.sums.rows.clone(), self.sums.weights.clone());
        // What sums of added and taken weights leave of nothing.
        let total: f64 = weights.iter().sum();
        for weight in &mut weights {
            if *weight < 1e-12 * total {
                *weight = 0.0;
            }
        }
        let empty: Vec<usize> = (0..k).filter(|&c| weights[c] == 0.0).collect();
        if !empty.is_empty() {
            self.relocate(&empty, &mut sums, &mut weights)?;
        }
        let largest = (0..k).fold(0, |best, c| if weights[c] > weights[best] { c } else { best });
        let mut out = Mat::zeros(k, d);
        for c in 0..k {
            let of = if weights[c] > 0.0 { c } else { largest };
            let factor = 1.0 / weights[of];
            let sums = &sums[of * d..(of + 1) * d];
            let row = out.row_mut(c).iter_mut().zip(sums);
            row.for_each(|(value, sum)| *value = T::from_f64(sum * factor));
        }
        Ok(out)
    }

    /// Gives each empty cluster one of the rows that are farthest from their centres.
    fn relocate(&self, empty: &[usize], sums: &mut [f64], weights: &mut [f64]) -> Result<()> {
        let d = self.centres.n_cols();
        let squares = self.squares()?;
        let mut far: Vec<usize> = (0..squares.len()).collect();
        far.sort_by(|&a, &b| squares[b].total_cmp(&squares[a]).then(a.cmp(&b)));
        if far.first().is_none_or(|&i| squares[i] == 0.0) {
            return Ok(()); // fewer different rows than clusters
        }
        for (&new, &i) in empty.iter().zip(&far) {
            let (old, weight) = (self.rows[i].label as usize, self.weight(i));
            self.points.add(i, -weight, &mut sums[old * d..(old + 1) * d]);
            sums[new * d..(new + 1) * d].fill(0.0);
            self.points.add(i, weight, &mut sums[new * d..(new + 1) * d]);
            weights[new] = weight;
            weights[old] -= weight;
        }
        Ok(())
    }

    /// Squared distance of each row to the centre of its label: the one that gave the label.
    fn squares(&self) -> Result<Vec<f64>> {
        self.squares_to(&self.centres)
    }

    fn squares_to(&self, centres: &Mat<T>) -> Result<Vec<f64>> {
        let norms: Vec<f64> = (0..centres.n_rows())
            .map(|c| centres.row(c).iter().map(|value| value.to_f64() * value.to_f64()).sum())
            .collect();
        let mut out = vec![0.0; self.rows.len()];
        let (rows, points, control) = (&self.rows, self.points, self.control);
        let cost = centres.n_cols() as f64;
        parallel::for_chunks_mut(&mut out, 1, 2048, cost, |_, range, out| {
            if control.check().is_err() {
                return;
            }
            simd::vectorize(
                #[inline(always)]
                || {
                    for (i, out) in range.zip(out) {
                        let label = rows[i].label as usize;
                        *out = points.sq_distance(i, centres.row(label), norms[label]);
                    }
                },
            );
        });
        control.check()?;
        Ok(out)
    }

    /// Σ w |x − c(x)|² with the centres as they are now.
    fn sum_of_squares(&self) -> Result<f64> {
        let squares = self.squares()?;
        let parts = squares.chunks(4096).enumerate().map(|(chunk, squares)| {
            let weighed = |(r, &square): (usize, &f64)| self.weight(chunk * 4096 + r) * square;
            squares.iter().enumerate().map(weighed).sum::<f64>()
        });
        Ok(parts.sum())
    }
}

fn squared_moves<T: Lanes>(before: &Mat<T>, now: &Mat<T>) -> f64 {
    let pairs = before.as_slice().iter().zip(now.as_slice());
    pairs.map(|(a, b)| (a.to_f64() - b.to_f64()).powi(2)).sum()
}
