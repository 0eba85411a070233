//! Independent components: directions along which white data are least Gaussian (Hyvärinen, Oja).
//!
//! Cost of a step of all k components: 4·n·k² flops, n·k values of the contrast's slope, and one
//! reading of the white data; a block of rows is multiplied, bent and multiplied back while it is in
//! the cache.  Whitening takes n·d²/2 multiply-adds and 2·n·d·k flops.
//!
//! Twin: `python/smelt/plain/decomposition/fast_ica.py`.
//!
//! 1. White data Z: about the means, uncorrelated, of unit variance.
//! 2. Until no direction turns any more: w ← E[z·g(w·z)] − E[g′(w·z)]·w for all directions at once,
//!    then W ← (W·Wᵀ)^(−½)·W; or for one direction after the other, orthogonal to those found.

use serde::Deserialize;
use smelt_core::simd::vectorize;
use smelt_core::{Control, Error, Mat, MatRef, Real, Result, parallel};
use smelt_math::linalg::{Scalar, column_means, eigh, gemm, gemm_into, gram, svd_right};

use super::NS_PER_FLOP;
use super::operator::{Dense, Operator};
use super::pca::not_finite;

/// Share of the largest variance below which the covariance has too few digits.
const FEW_DIGITS: f64 = 1e-8;
/// Rows of a block.
const BLOCK: usize = 512;

/// How directions are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FastIcaAlgorithm {
    /// All at once.
    Parallel,
    /// One after the other.
    Deflation,
}

/// The measure of being Gaussian, by its slope g.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FastIcaFun {
    /// tanh(α·u)
    Logcosh,
    /// u·exp(−u²/2)
    Exp,
    /// u³
    Cube,
}

/// Parameters of [`fast_ica_fit`].
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FastIcaParams {
    /// The order.
    pub algorithm: FastIcaAlgorithm,
    /// The slope.
    pub fun: FastIcaFun,
    /// α of `logcosh`.
    pub alpha: f64,
    /// Whether X is whitened first.
    pub whiten: bool,
    /// Most steps.
    pub max_iter: usize,
    /// Largest turn that counts as none: 1 − |cos|.
    pub tol: f64,
}

/// Independent directions.
#[derive(Debug, Clone)]
pub struct FastIcaFit {
    /// Directions in the white space, k × k.
    pub unmixing: Mat<f64>,
    /// From centred data to white data over √n, k × d; nothing without whitening.
    pub whitening: Option<Mat<f64>>,
    /// Means of the columns (d); nothing without whitening.
    pub mean: Option<Vec<f64>>,
    /// Standard deviation of the sources `unmixing·whitening·(x − mean)`.
    pub deviation: Vec<f64>,
    /// Steps, the most of any direction.
    pub n_iter: usize,
    /// Whether no direction turned in the last step.
    pub converged: bool,
}

/// Finds k directions in `x` (n × d) from the start `w_init` (k × k).
pub fn fast_ica_fit<T: Scalar>(
    x: MatRef<'_, T>,
    w_init: MatRef<'_, f64>,
    params: &FastIcaParams,
    control: &Control,
) -> Result<FastIcaFit> {
    let (n, k) = (x.n_rows(), w_init.n_rows());
    if w_init.n_cols() != k || k > n.min(x.n_cols()) || (!params.whiten && k != x.n_cols()) {
        return Err(Error::data(format!(
            "{k} directions cannot be found in a {n} x {} matrix",
            x.n_cols()
        )));
    }
    // 1.
    let (white, whitening, mean) = if params.whiten {
        let (whitening, mean) = whiten(x, k, control)?;
        let mut scaled = Mat::zeros(x.n_cols(), k);
        for j in 0..x.n_cols() {
            for i in 0..k {
                scaled[(j, i)] = T::from_f64(whitening[(i, j)] * (n as f64).sqrt());
            }
        }
        let white = Dense::<T, T>::new(x, Some(&mean)).apply(scaled.view(), control)?;
        (white, Some(whitening), Some(mean))
    } else {
        (x.to_mat(), None, None)
    };
    let moments = gram(white.view(), None, None, true, control)?;
    if !moments.is_finite() {
        return Err(not_finite());
    }
    // 2.
    let start = w_init.to_mat();
    let (unmixing, n_iter, converged) = match params.algorithm {
        FastIcaAlgorithm::Parallel => all_at_once(&white, &start, params, control)?,
        FastIcaAlgorithm::Deflation => one_by_one(&white, &start, params, control)?,
    };
    let scale = if params.whiten { (n as f64).powi(2) } else { n as f64 };
    let spread = gemm(unmixing.view(), moments.xx.view(), control)?;
    let deviation = (0..k)
        .map(|i| {
            let variance: f64 = spread.row(i).iter().zip(unmixing.row(i)).map(|(a, b)| a * b).sum();
            (variance / scale).sqrt()
        })
        .collect();
    Ok(FastIcaFit { unmixing, whitening, mean, deviation, n_iter, converged })
}

/// Rows uᵢ/dᵢ of the first `k` singular vectors of the centred X, and the means.
fn whiten<T: Scalar>(
    x: MatRef<'_, T>,
    k: usize,
    control: &Control,
) -> Result<(Mat<f64>, Vec<f64>)> {
    let (n, d) = (x.n_rows(), x.n_cols());
    if n > d {
        let moments = gram(x, None, None, true, control)?;
        if moments.is_finite() {
            let found = eigh(moments.xx.view(), control)?;
            let largest = found.values[d - 1];
            if found.values[d - k] > FEW_DIGITS * largest && largest > 1e-200 {
                let mut rows = Mat::zeros(k, d);
                for i in 0..k {
                    let at = d - 1 - i;
                    let sign = if found.vectors[(0, at)] < 0.0 { -1.0 } else { 1.0 };
                    let scale = sign / found.values[at].sqrt();
                    (0..d).for_each(|j| rows[(i, j)] = found.vectors[(j, at)] * scale);
                }
                return Ok((rows, moments.x_mean));
            }
        }
    }
    let mean = column_means(x, None);
    let mut centred = Mat::<f64>::zeros(n, d);
    for i in 0..n {
        for (j, value) in centred.row_mut(i).iter_mut().enumerate() {
            *value = x.get(i, j).to_f64() - mean[j];
        }
    }
    let (sizes, vt) = svd_right(centred.view(), control)?;
    let mut rows = vt.view().rows(0, k).to_mat();
    for i in 0..k {
        let sign = if rows[(i, 0)] < 0.0 { -1.0 } else { 1.0 };
        let size = sizes[i];
        rows.row_mut(i).iter_mut().for_each(|value| *value *= sign / size);
    }
    Ok((rows, mean))
}

/// (W·Wᵀ)^(−½)·W
fn orthonormal(w: &Mat<f64>, control: &Control) -> Result<Mat<f64>> {
    let k = w.n_rows();
    let found = eigh(gemm(w.view(), w.view().transpose(), control)?.view(), control)?;
    let mut scaled = found.vectors.clone();
    for i in 0..k {
        for (value, size) in scaled.row_mut(i).iter_mut().zip(&found.values) {
            *value /= size.max(f64::MIN_POSITIVE).sqrt();
        }
    }
    let root = gemm(scaled.view(), found.vectors.view().transpose(), control)?;
    gemm(root.view(), w.view(), control)
}

/// 2., all directions.
fn all_at_once<T: Scalar>(
    white: &Mat<T>,
    start: &Mat<f64>,
    params: &FastIcaParams,
    control: &Control,
) -> Result<(Mat<f64>, usize, bool)> {
    let k = start.n_rows();
    let mut w = orthonormal(start, control)?;
    for step in 1..=params.max_iter {
        let (mut next, slopes) = expectations(white, &w, params, control)?;
        for (i, slope) in slopes.iter().enumerate() {
            let old = w.row(i).iter();
            next.row_mut(i).iter_mut().zip(old).for_each(|(new, old)| *new -= slope * old);
        }
        let next = orthonormal(&next, control)?;
        let turn = |i: usize| {
            let cosine: f64 = next.row(i).iter().zip(w.row(i)).map(|(a, b)| a * b).sum();
            (cosine.abs() - 1.0).abs()
        };
        let largest = (0..k).map(turn).fold(0.0, f64::max);
        w = next;
        if largest < params.tol {
            return Ok((w, step, true));
        }
    }
    Ok((w, params.max_iter, false))
}

/// 2., one direction after the other.
fn one_by_one<T: Scalar>(
    white: &Mat<T>,
    start: &Mat<f64>,
    params: &FastIcaParams,
    control: &Control,
) -> Result<(Mat<f64>, usize, bool)> {
    let k = start.n_rows();
    let mut found = Mat::<f64>::zeros(k, k);
    let mut most = 0;
    for j in 0..k {
        let mut w = start.view().rows(j, j + 1).to_mat();
        unit(w.row_mut(0));
        let mut steps = 0;
        while steps < params.max_iter {
            steps += 1;
            let (mut next, slopes) = expectations(white, &w, params, control)?;
            let old = w.row(0).iter();
            next.row_mut(0).iter_mut().zip(old).for_each(|(new, old)| *new -= slopes[0] * old);
            let along: Vec<f64> = (0..j)
                .map(|i| found.row(i).iter().zip(next.row(0)).map(|(a, b)| a * b).sum())
                .collect();
            for (i, part) in along.iter().enumerate() {
                let taken = found.row(i).iter();
                next.row_mut(0).iter_mut().zip(taken).for_each(|(new, f)| *new -= part * f);
            }
            unit(next.row_mut(0));
            let cosine: f64 = next.row(0).iter().zip(w.row(0)).map(|(a, b)| a * b).sum();
            w = next;
            if (cosine.abs() - 1.0).abs() < params.tol {
                break;
            }
        }
        most = most.max(steps);
        found.row_mut(j).copy_from_slice(w.row(0));
    }
    Ok((found, most, true))
}

fn unit(values: &mut [f64]) {
    let size = values.iter().map(|value| value * value).sum::<f64>().sqrt();
    values.iter_mut().for_each(|value| *value /= size);
}

/// E[g(W·z)·zᵀ] (r × k) and E[g′(W·z)] (r) for r directions in the rows of W.
fn expectations<T: Scalar>(
    white: &Mat<T>,
    w: &Mat<f64>,
    params: &FastIcaParams,
    control: &Control,
) -> Result<(Mat<f64>, Vec<f64>)> {
    let (n, k, r) = (white.n_rows(), white.n_cols(), w.n_rows());
    let mut across = Mat::<T>::zeros(k, r);
    for i in 0..r {
        (0..k).for_each(|j| across[(j, i)] = T::from_f64(w[(i, j)]));
    }
    let chunk = parallel::chunk_size(n, 4 * BLOCK);
    let cost_ns = 4.0 * (k * r) as f64 * NS_PER_FLOP + r as f64;
    let parts = parallel::map_chunks(n, chunk, cost_ns, |_, range| {
        let mut products = Mat::<T>::zeros(r, k);
        let mut total = Mat::<f64>::zeros(r, k);
        let mut slopes = vec![0.0; r];
        let mut bent = vec![T::ZERO; BLOCK * r];
        for first in range.clone().step_by(BLOCK) {
            control.check()?;
            let last = (first + BLOCK).min(range.end);
            let block = white.view().rows(first, last);
            let bent = &mut bent[..(last - first) * r];
            let out = smelt_core::MatMut::from_row_major(bent, last - first, r)?;
            gemm_into(T::ONE, block, across.view(), T::ZERO, out, control)?;
            bend(bent, &mut slopes, params);
            let view = MatRef::from_row_major(bent, last - first, r)?;
            let back = products.view_mut();
            gemm_into(T::ONE, view.transpose(), block, T::ZERO, back, control)?;
            let sums = total.as_mut_slice().iter_mut().zip(products.as_slice());
            sums.for_each(|(sum, &value)| *sum += value.to_f64());
        }
        Ok((total, slopes))
    });
    let (mut total, mut slopes) = (Mat::<f64>::zeros(r, k), vec![0.0; r]);
    for part in parts {
        let (products, part): (Mat<f64>, Vec<f64>) = part?;
        total.as_mut_slice().iter_mut().zip(products.as_slice()).for_each(|(sum, v)| *sum += v);
        slopes.iter_mut().zip(part).for_each(|(sum, value)| *sum += value);
    }
    total.as_mut_slice().iter_mut().for_each(|value| *value /= n as f64);
    slopes.iter_mut().for_each(|value| *value /= n as f64);
    Ok((total, slopes))
}

/// g(u) in place of u; sums of g′(u) by column.
fn bend<T: Real>(values: &mut [T], slopes: &mut [f64], params: &FastIcaParams) {
    let alpha = params.alpha;
    let fun = params.fun;
    vectorize(
        #[inline(always)]
        || {
            for row in values.chunks_exact_mut(slopes.len()) {
                match fun {
                    FastIcaFun::Logcosh => {
                        for (value, slope) in row.iter_mut().zip(slopes.iter_mut()) {
                            let g = tanh(alpha * value.to_f64());
                            *value = T::from_f64(g);
                            *slope += alpha * (-g).mul_add(g, 1.0);
                        }
                    }
                    FastIcaFun::Exp => {
                        for (value, slope) in row.iter_mut().zip(slopes.iter_mut()) {
                            let u = value.to_f64();
                            let bell = exp_of_negative(-0.5 * u * u);
                            *value = T::from_f64(u * bell);
                            *slope += (1.0 - u * u) * bell;
                        }
                    }
                    FastIcaFun::Cube => {
                        for (value, slope) in row.iter_mut().zip(slopes.iter_mut()) {
                            let u = value.to_f64();
                            *value = T::from_f64(u * u * u);
                            *slope += 3.0 * u * u;
                        }
                    }
                }
            }
        },
    );
}

/// tanh to 2 ulp of 1, in operations that become vectors.
#[inline(always)]
fn tanh(x: f64) -> f64 {
    let t = exp_of_negative(-2.0 * x.abs());
    ((1.0 - t) / (1.0 + t)).copysign(x)
}

/// exp of a number that is not positive.
#[inline(always)]
fn exp_of_negative(x: f64) -> f64 {
    /// 1.5·2⁵²: adding it leaves the rounded number in the lowest bits.
    const ROUND: f64 = 6_755_399_441_055_744.0;
    const LN_2_HIGH: f64 = 0.693_147_180_369_123_8;
    const LN_2_LOW: f64 = 1.908_214_929_270_587_7e-10;
    let x = if x > -700.0 { x } else { -700.0 };
    let shifted = x.mul_add(std::f64::consts::LOG2_E, ROUND);
    let whole = shifted - ROUND;
    let rest = whole.mul_add(-LN_2_LOW, whole.mul_add(-LN_2_HIGH, x));
    let mut sum = 1.0 / 479_001_600.0;
    for divisor in
        [39_916_800.0, 3_628_800.0, 362_880.0, 40_320.0, 5040.0, 720.0, 120.0, 24.0, 6.0, 2.0]
    {
        sum = rest.mul_add(sum, 1.0 / divisor);
    }
    sum = rest.mul_add(rest.mul_add(sum, 1.0), 1.0);
    let power = f64::from_bits((shifted.to_bits() << 52).wrapping_add(1023 << 52));
    sum * power
}

#[cfg(test)]
mod tests {
    use super::{exp_of_negative, tanh};

    #[test]
    fn bending_is_accurate() {
        for i in 0..40_000 {
            let x = f64::from(i) / 1000.0 - 20.0;
            assert!((tanh(x) - x.tanh()).abs() < 1e-15, "{x}");
            let (found, expected) = (exp_of_negative(-x.abs()), (-x.abs()).exp());
            assert!((found - expected).abs() < 1e-15 * expected, "{x}");
        }
        assert_eq!(tanh(1e300), 1.0);
        assert_eq!(tanh(-1e300), -1.0);
        assert_eq!(tanh(0.0), 0.0);
        assert!(exp_of_negative(-1e300) < 1e-300);
    }
}
