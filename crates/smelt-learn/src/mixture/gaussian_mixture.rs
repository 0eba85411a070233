//! Mixture of Gaussians by expectation and maximisation, both in one reading of X.
//!
//! Cost of a step with n rows, d columns and k components: full covariances 2·n·k·d² flops (half for the
//! densities, half for the moments, of which rows that a component has no share in are left out), tied
//! n·d² + 6·n·k·d, diagonal and spherical 10·n·k·d; n·k exponentials.  X is read once; responsibilities
//! exist for a block of rows at a time, nothing of size n × k is stored.  A second of an AVX2 core's
//! time, on a loaded machine, does 17 Gflop (f64, full, d = 20, k = 20) of 42 possible.
//!
//! Twin: `python/smelt/plain/mixture/gaussian_mixture.py`.
//!
//! 1. Expectation: ln w + ln p(x) under each component, from rows whitened by the upper triangular U
//!    with U·Uᵀ = covariance⁻¹; responsibilities are their shares.
//! 2. Maximisation: weights, means and covariances weighted by the responsibilities.  Moments are taken
//!    about the component's mean of before, so that no digits are lost.
//! 3. U from the Cholesky factor of the covariance.

use std::ops::Range;

use serde::Deserialize;
use smelt_core::lanes::{Simd, WithSimd, dispatch};
use smelt_core::parallel::{chunk_size, map_chunks};
use smelt_core::simd::Exponential;
use smelt_core::{Control, Error, Mat, MatRef, Result};
use smelt_math::linalg::{Diagonal, Triangle, cholesky, column_means, trsm};

use super::gaussian_mixture_moments::{Moments, Work, square_rows};
use super::gaussian_mixture_scores::{BLOCK, Block, Densities, normalise};

/// Bytes of partial sums at most, unless two chunks need more.
const PARTIAL_BYTES: usize = 1 << 28;

/// Which covariances the components have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CovarianceType {
    /// A matrix each.
    Full,
    /// One matrix for all.
    Tied,
    /// A diagonal matrix each.
    Diag,
    /// A variance each.
    Spherical,
}

/// Parameters of [`gaussian_mixture_fit_step`].
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GaussianMixtureParams {
    /// Which covariances the components have.
    pub covariance_type: CovarianceType,
    /// Added to the diagonals of the covariances.
    pub reg_covar: f64,
}

/// A mixture of k components in d dimensions.
#[derive(Debug, Clone, Copy)]
pub struct Mixture<'a> {
    /// k, with sum 1.
    pub weights: &'a [f64],
    /// k × d.
    pub means: MatRef<'a, f64>,
    /// Upper triangular factors U of the precisions U·Uᵀ: full k·d × d (one below the other), tied d × d;
    /// roots of the precisions: diagonal k × d, spherical k × 1.
    pub precisions_cholesky: MatRef<'a, f64>,
}

impl Mixture<'_> {
    pub(super) fn check(&self, d: usize, kind: CovarianceType) -> Result<()> {
        let k = self.weights.len();
        let factors = match kind {
            CovarianceType::Full => (k * d, d),
            CovarianceType::Tied => (d, d),
            CovarianceType::Diag => (k, d),
            CovarianceType::Spherical => (k, 1),
        };
        let shape = |matrix: MatRef<'_, f64>| (matrix.n_rows(), matrix.n_cols());
        if k == 0 || shape(self.means) != (k, d) || shape(self.precisions_cholesky) != factors {
            return Err(Error::data("weights, means and precisions of a mixture do not fit X"));
        }
        Ok(())
    }
}

/// Shares of the components in the rows, where a fit starts.
#[derive(Debug, Clone, Copy)]
pub enum Responsibilities<'a, T> {
    /// The one component of each row, or −1 for none.
    Labels(&'a [i32]),
    /// n × k.
    Shares(MatRef<'a, T>),
}

/// A mixture after a step.
#[derive(Debug, Clone, PartialEq)]
pub struct GaussianMixtureFit {
    /// Mean ln p(x) under the mixture before the step; not a number where there was none.
    pub lower_bound: f64,
    /// k.
    pub weights: Vec<f64>,
    /// k × d.
    pub means: Mat<f64>,
    /// Shaped as the factors.
    pub covariances: Mat<f64>,
    /// As in [`Mixture`].
    pub precisions_cholesky: Mat<f64>,
}

/// Nanoseconds that a row of a step takes.
pub(super) fn row_cost(kind: CovarianceType, k: usize, d: usize) -> f64 {
    let (k, d) = (k as f64, d as f64);
    match kind {
        CovarianceType::Full => k * (10.0 + d * (d + 4.0) * 0.1),
        CovarianceType::Tied => k * (10.0 + d) + d * d * 0.1,
        CovarianceType::Diag | CovarianceType::Spherical => k * (10.0 + d),
    }
}

/// Rows of a chunk: partial sums of all chunks have to find room.
fn rows_of_chunk(n: usize, k: usize, d: usize, kind: CovarianceType) -> usize {
    let squares = match kind {
        CovarianceType::Full => k * square_rows(d) * d,
        CovarianceType::Tied => square_rows(d) * d,
        CovarianceType::Diag | CovarianceType::Spherical => k * d,
    };
    let most = (PARTIAL_BYTES / (8 * squares).max(1)).clamp(2, 64);
    chunk_size(n, BLOCK.max(n.div_ceil(most))).next_multiple_of(BLOCK)
}

/// The mixture that maximises the likelihood for given responsibilities.
pub fn gaussian_mixture_fit_start<T: Exponential>(
    x: MatRef<'_, T>,
    n_components: usize,
    responsibilities: Responsibilities<'_, T>,
    params: &GaussianMixtureParams,
    control: &Control,
) -> Result<GaussianMixtureFit> {
    let (n, d, k) = (x.n_rows(), x.n_cols(), n_components);
    let fits = match responsibilities {
        Responsibilities::Labels(labels) => {
            labels.len() == n && labels.iter().all(|&label| label < k as i32)
        }
        Responsibilities::Shares(shares) => (shares.n_rows(), shares.n_cols()) == (n, k),
    };
    if k == 0 || d == 0 || n == 0 || !fits {
        return Err(Error::data("there must be responsibilities of each component for each row"));
    }
    control.check()?;
    let kind = params.covariance_type;
    let origin: Vec<T> = column_means(x, None).into_iter().map(T::from_f64).collect();
    // Moments about the mean of all rows, then about the means that these give.
    let mut shifts = Mat::zeros(k, d);
    let mut rounds = if k == 1 { 1..2 } else { 0..2 };
    loop {
        let about: Vec<T> = shifts.as_slice().iter().map(|&shift| T::from_f64(shift)).collect();
        let parts =
            map_chunks(n, rows_of_chunk(n, k, d, kind), row_cost(kind, k, d) / 2.0, |_, range| {
                let (origin, shifts) = (&origin[..], &about[..]);
                let given = responsibilities;
                dispatch(Start { x, range, k, kind, origin, shifts, given, control })
            });
        control.check()?;
        let total = merged(parts, kind, k, d)?;
        if rounds.next() == Some(1) {
            return maximise::<T>(total, n, &origin, &about, params, n as f64, control);
        }
        for c in (0..k).filter(|&c| total.weight[c] > 0.0) {
            for (j, shift) in shifts.row_mut(c).iter_mut().enumerate() {
                *shift = total.first[c * total.pitch + j] / total.weight[c];
            }
        }
    }
}

/// A step of the algorithm.
pub fn gaussian_mixture_fit_step<T: Exponential>(
    x: MatRef<'_, T>,
    mixture: Mixture<'_>,
    params: &GaussianMixtureParams,
    control: &Control,
) -> Result<GaussianMixtureFit> {
    let (n, d, k) = (x.n_rows(), x.n_cols(), mixture.weights.len());
    let kind = params.covariance_type;
    mixture.check(d, kind)?;
    if n == 0 || d == 0 {
        return Err(Error::data("there must be rows and columns"));
    }
    control.check()?;
    let densities = &Densities::<T>::new(mixture, kind);
    let mut shifts = Vec::with_capacity(k * d);
    for c in 0..k {
        for (j, origin) in densities.origin.iter().enumerate() {
            shifts.push(T::from_f64(mixture.means.get(c, j) - origin.to_f64()));
        }
    }
    let chunk = rows_of_chunk(n, k, d, kind);
    let parts = map_chunks(n, chunk, row_cost(kind, k, d), |_, range| {
        dispatch(Step { x, range, kind, densities, shifts: &shifts, control })
    });
    control.check()?;
    let total = merged(parts, kind, k, d)?;
    let bound = total.log_likelihood / n as f64;
    let sum = total.weight.iter().sum::<f64>() + 10.0 * T::EPSILON.to_f64() * k as f64;
    let fit = maximise::<T>(total, n, &densities.origin, &shifts, params, sum, control)?;
    Ok(GaussianMixtureFit { lower_bound: bound, ..fit })
}

fn merged(parts: Vec<Moments>, kind: CovarianceType, k: usize, d: usize) -> Result<Moments> {
    let mut parts = parts.into_iter();
    let mut total = parts.next().unwrap_or_else(|| Moments::zeros(kind, k, d, d));
    parts.for_each(|part| total.add(&part));
    Ok(total)
}

/// Steps 1 and 2 for a chunk of rows.
struct Step<'a, T> {
    x: MatRef<'a, T>,
    range: Range<usize>,
    kind: CovarianceType,
    densities: &'a Densities<T>,
    shifts: &'a [T],
    control: &'a Control,
}

impl<T: Exponential> WithSimd for Step<'_, T> {
    type Output = Moments;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Moments {
        let Self { x, range, kind, densities, shifts, control } = self;
        let (d, k) = (x.n_cols(), densities.n_components);
        let mut block = Block::new::<S>(d);
        let mut work = Work::new(kind, d, block.pitch, shifts);
        let mut out = Moments::zeros(kind, k, d, block.pitch);
        let mut scores = vec![T::ZERO; k * BLOCK];
        for first in range.clone().step_by(BLOCK) {
            block.load(x, first..(first + BLOCK).min(range.end), &densities.origin);
            if !densities.scores(simd, &mut block, &mut scores, control) {
                break;
            }
            let logs = normalise(&mut scores);
            out.log_likelihood += logs[..block.n_rows].iter().map(|log| log.to_f64()).sum::<f64>();
            for (c, shares) in scores.chunks_exact(BLOCK).enumerate() {
                if control.check().is_err() {
                    return out;
                }
                work.add(simd, &block, c, shares, &mut out);
            }
            if kind == CovarianceType::Tied {
                work.add_all(simd, &block, &mut out);
            }
        }
        out
    }
}

/// Step 2 for a chunk of rows whose responsibilities are given.
struct Start<'a, T> {
    x: MatRef<'a, T>,
    range: Range<usize>,
    k: usize,
    kind: CovarianceType,
    origin: &'a [T],
    shifts: &'a [T],
    given: Responsibilities<'a, T>,
    control: &'a Control,
}

impl<T: Exponential> WithSimd for Start<'_, T> {
    type Output = Moments;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Moments {
        let Self { x, range, k, kind, origin, shifts, given, control } = self;
        let d = x.n_cols();
        let mut block = Block::new::<S>(d);
        let mut work = Work::new(kind, d, block.pitch, shifts);
        let mut out = Moments::zeros(kind, k, d, block.pitch);
        let mut shares = [T::ZERO; BLOCK];
        for first in range.clone().step_by(BLOCK) {
            let rows = first..(first + BLOCK).min(range.end);
            block.load(x, rows.clone(), origin);
            for c in 0..k {
                if control.check().is_err() {
                    return out;
                }
                for (share, i) in shares.iter_mut().zip(rows.clone()) {
                    *share = match given {
                        Responsibilities::Labels(labels) if labels[i] == c as i32 => T::ONE,
                        Responsibilities::Labels(_) => T::ZERO,
                        Responsibilities::Shares(given) => given.get(i, c),
                    };
                }
                work.add(simd, &block, c, &shares, &mut out);
            }
            if kind == CovarianceType::Tied {
                work.add_all(simd, &block, &mut out);
            }
        }
        out
    }
}

/// From moments about `origin + shifts` to the mixture; `scale` is what weights are divided by.
fn maximise<T: Exponential>(
    sums: Moments,
    n: usize,
    origin: &[T],
    shifts: &[T],
    params: &GaussianMixtureParams,
    scale: f64,
    control: &Control,
) -> Result<GaussianMixtureFit> {
    let (k, d, pitch) = (sums.weight.len(), origin.len(), sums.pitch);
    let little = 10.0 * T::EPSILON.to_f64();
    let counts: Vec<f64> = sums.weight.iter().map(|weight| weight + little).collect();
    let weights = counts.iter().map(|count| count / scale).collect();
    // Means: Σ r·x / count.
    let mut means = Mat::zeros(k, d);
    let point = |c: usize, j: usize| origin[j].to_f64() + shifts[c * d + j].to_f64();
    for c in 0..k {
        for j in 0..d {
            let sum = point(c, j).mul_add(sums.weight[c], sums.first[c * pitch + j]);
            means[(c, j)] = sum / counts[c];
        }
    }
    let off = |c: usize, j: usize| means[(c, j)] - point(c, j);
    let first = |c: usize, j: usize| sums.first[c * pitch + j];
    // Σ r·(x − m)·(x − m)ᵀ from Σ r·z·zᵀ with z = x − s and m = s + o: S − o·fᵀ − f·oᵀ + w·o·oᵀ.
    let about_mean = |c: usize, i: usize, j: usize, second: f64| {
        let (a, b) = (off(c, i), off(c, j));
        second - a * first(c, j) - b * first(c, i) + sums.weight[c] * a * b
    };
    let covariances = match params.covariance_type {
        CovarianceType::Full => {
            let mut out = Mat::zeros(k * d, d);
            let size = square_rows(d) * pitch;
            for c in 0..k {
                for i in 0..d {
                    for j in i..d {
                        let second = sums.second[c * size + i * pitch + j];
                        let covariance = about_mean(c, i, j, second) / counts[c];
                        out[(c * d + i, j)] = covariance;
                        out[(c * d + j, i)] = covariance;
                    }
                    out[(c * d + i, i)] += params.reg_covar;
                }
            }
            out
        }
        CovarianceType::Tied => tied(&sums, n, origin, &means, &counts, params.reg_covar),
        kind => {
            // Σ r·x² / count − m², which the small part of the count tells from the variance.
            let variance = |c: usize, j: usize| {
                let centred = about_mean(c, j, j, sums.second[c * pitch + j]) / counts[c];
                centred + means[(c, j)] * means[(c, j)] * (little / counts[c]) + params.reg_covar
            };
            let spherical = kind == CovarianceType::Spherical;
            let mut out = Mat::zeros(k, if spherical { 1 } else { d });
            for c in 0..k {
                if spherical {
                    out[(c, 0)] = (0..d).map(|j| variance(c, j)).sum::<f64>() / d as f64;
                } else {
                    (0..d).for_each(|j| out[(c, j)] = variance(c, j));
                }
            }
            out
        }
    };
    // 3. U
    let precisions_cholesky = factors::<T>(&covariances, params.covariance_type, control)?;
    Ok(GaussianMixtureFit {
        lower_bound: f64::NAN,
        weights,
        means,
        covariances,
        precisions_cholesky,
    })
}

/// (Σ x·xᵀ − Σ count·m·mᵀ) / Σ count, from moments about the origin.
fn tied<T: Exponential>(
    sums: &Moments,
    n: usize,
    origin: &[T],
    means: &Mat<f64>,
    counts: &[f64],
    reg_covar: f64,
) -> Mat<f64> {
    let (k, d) = (means.n_rows(), means.n_cols());
    let origin = |j: usize| origin[j].to_f64();
    let total: f64 = counts.iter().sum();
    // Rows that belong to no component count in the first sum alone.
    let rest = n as f64 - sums.weight.iter().sum::<f64>();
    let rest = if rest > 0.5 { rest } else { 0.0 };
    let left = |j: usize| {
        let taken = (0..k).map(|c| counts[c] * (means[(c, j)] - origin(j))).sum::<f64>();
        if rest > 0.0 { sums.all[j] - taken } else { 0.0 }
    };
    let left: Vec<f64> = (0..d).map(left).collect();
    let mut out = Mat::zeros(d, d);
    for i in 0..d {
        for j in i..d {
            let between =
                |c: usize| counts[c] * (means[(c, i)] - origin(i)) * (means[(c, j)] - origin(j));
            let inside = sums.second[i * sums.pitch + j] - (0..k).map(between).sum::<f64>();
            let outside = origin(i) * left[j] + origin(j) * left[i] + rest * origin(i) * origin(j);
            out[(i, j)] = (inside + outside) / total;
            out[(j, i)] = out[(i, j)];
        }
        out[(i, i)] += reg_covar;
    }
    out
}

/// Upper triangular U with U·Uᵀ = covariance⁻¹, or the roots of inverse variances.
fn factors<T: Exponential>(
    covariances: &Mat<f64>,
    kind: CovarianceType,
    control: &Control,
) -> Result<Mat<f64>> {
    let ill_defined = || {
        let more = if T::IS_F64 {
            ""
        } else {
            " The numerical accuracy can also be improved by passing float64 data instead of float32."
        };
        Error::data(format!(
            "Fitting the mixture model failed because some components have ill-defined empirical \
             covariance (for instance caused by singleton or collapsed samples). Try to decrease the \
             number of components, increase reg_covar, or scale the input data.{more}"
        ))
    };
    if !covariances.as_slice().iter().all(|value| value.is_finite()) {
        return Err(ill_defined());
    }
    let (rows, d) = (covariances.n_rows(), covariances.n_cols());
    let mut out = Mat::zeros(rows, d);
    if matches!(kind, CovarianceType::Diag | CovarianceType::Spherical) {
        if covariances.as_slice().iter().any(|&variance| variance <= 0.0) {
            return Err(ill_defined());
        }
        let roots = out.as_mut_slice().iter_mut().zip(covariances.as_slice());
        roots.for_each(|(root, variance)| *root = 1.0 / variance.sqrt());
        return Ok(out);
    }
    for first in (0..rows).step_by(d) {
        let factor = match cholesky(covariances.view().rows(first, first + d), control) {
            Ok(factor) => factor,
            Err(Error::Cancelled) => return Err(Error::Cancelled),
            Err(_) => return Err(ill_defined()),
        };
        let mut inverse = Mat::identity(d);
        let lower = factor.factor().view();
        trsm(Triangle::Lower, Diagonal::Stored, lower, &mut inverse, control)?;
        for i in 0..d {
            for j in i..d {
                out[(first + i, j)] = inverse[(j, i)];
            }
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::{
        CovarianceType, GaussianMixtureParams, Mixture, Responsibilities,
        gaussian_mixture_fit_start, gaussian_mixture_fit_step,
    };
    use smelt_core::{Control, Mat};

    #[test]
    fn one_component_is_mean_and_covariance_however_rows_are_stored() {
        let x = (0..1407_u64).map(|i| (i * i * 7919 % 1009) as f64 / 500.0 + 1e3).collect();
        let x = Mat::from_vec(x, 201, 7).unwrap();
        let turned = x.view().transpose().to_mat();
        let labels = [0; 201];
        for kind in [
            CovarianceType::Full,
            CovarianceType::Tied,
            CovarianceType::Diag,
            CovarianceType::Spherical,
        ] {
            let params = GaussianMixtureParams { covariance_type: kind, reg_covar: 0.0 };
            let control = Control::new();
            let start = |x| {
                let given = Responsibilities::Labels(&labels);
                gaussian_mixture_fit_start(x, 1, given, &params, &control).unwrap()
            };
            let fit = start(x.view());
            assert_eq!(fit.means, start(turned.view().transpose()).means);
            for j in 0..7 {
                let mean = (0..201).map(|i| x[(i, j)]).sum::<f64>() / 201.0;
                assert!((fit.means[(0, j)] - mean).abs() < 1e-10);
            }
            let variance = |a: usize, b: usize| {
                let of = |i: usize, j: usize| x[(i, j)] - fit.means[(0, j)];
                (0..201).map(|i| of(i, a) * of(i, b)).sum::<f64>() / 201.0
            };
            match kind {
                CovarianceType::Spherical => {
                    let mean = (0..7).map(|j| variance(j, j)).sum::<f64>() / 7.0;
                    assert!((fit.covariances[(0, 0)] - mean).abs() < 1e-8);
                }
                CovarianceType::Diag => {
                    assert!((fit.covariances[(0, 3)] - variance(3, 3)).abs() < 1e-8);
                }
                _ => assert!((fit.covariances[(5, 2)] - variance(2, 5)).abs() < 1e-10),
            }
            // Another step changes nothing: the one component has a share of 1 in every row.
            let mixture = Mixture {
                weights: &fit.weights,
                means: fit.means.view(),
                precisions_cholesky: fit.precisions_cholesky.view(),
            };
            let next = gaussian_mixture_fit_step(x.view(), mixture, &params, &control).unwrap();
            assert!(next.lower_bound.is_finite());
            let moved = next.covariances.as_slice().iter().zip(fit.covariances.as_slice());
            moved.for_each(|(a, b)| assert!((a - b).abs() < 1e-8));
        }
    }
}
