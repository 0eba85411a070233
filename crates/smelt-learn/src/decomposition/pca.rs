//! Principal components: eigenvectors of the covariance, in the order of their variance.
//!
//! Cost: `covariance` n·d²/2 multiply-adds, one reading of X and 9·d³; `full` 2·n·d² for
//! the triangle of a QR factorization and 20·d³; `leading` 4·n·d·p for each of a few steps (`krylov.rs`).
//!
//! Twin: `python/smelt/plain/decomposition/pca.py`.
//!
//! 1. Means of the columns.
//! 2. By the method asked for:
//!    a. `covariance`: eigenvectors of XᵀX about the means;
//!    b. `full`: singular vectors of X about the means, also where squares over- or underflow;
//!    c. `leading`: a Krylov space from random probes, on the shorter side of X; a short side that
//!    such a space would fill gets all its eigenvectors.
//! 3. Signs: the entry of largest magnitude in each component is positive.

use serde::Deserialize;
use smelt_core::parallel::for_chunks_mut;
use smelt_core::{Control, CsrRef, Error, Mat, MatRef, Real, Result};
use smelt_math::linalg::{
    Scalar, column_means, eigh, gram, gram_of_rows, gram_single, svd, svd_right,
};

use super::krylov::{Effort, leading};
use super::operator::{Dense, Operator};
use super::sparse_operator::{SparseMatrix, SparseOperator};

/// Sums of squares that are far from overflow and underflow.
const SAFE: std::ops::Range<f64> = 1e-200..1e200;
/// Length of the shorter side up to which all eigenvectors are found instead of the leading ones.
const SMALL: usize = 256;
/// The same where they are wanted to the last digit.
const SMALL_CONVERGED: usize = 1500;
/// Share of the largest eigenvalue below which residuals count as rounding.
const ROUNDING: f64 = 1e-12;

/// How components are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PcaMethod {
    /// Eigenvectors of the covariance.
    Covariance,
    /// Singular vectors.
    Full,
    /// A Krylov space.
    Leading,
}

/// Parameters of [`pca_fit`].
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PcaParams {
    /// The method.
    pub method: PcaMethod,
    /// Components that `leading` finds; the other methods find all.
    pub n_components: Option<usize>,
    /// Power iterations whose accuracy `leading` reaches; None goes on until convergence.
    pub n_iter: Option<usize>,
    /// Share of the largest variance at which residuals count as converged.
    pub tol: f64,
}

/// Principal components.
#[derive(Debug, Clone)]
pub struct PcaFit {
    /// Means of the columns (d).
    pub mean: Vec<f64>,
    /// k × d, orthonormal rows.
    pub components: Mat<f64>,
    /// Sum of squares along each component (k), falling.
    pub squares: Vec<f64>,
    /// Sum of squares of X about the means.
    pub total: f64,
    /// Whether `leading` converged where that was asked for.
    pub converged: bool,
}

impl PcaParams {
    fn effort(&self) -> Effort {
        self.n_iter.map_or(Effort::Converge(self.tol.max(ROUNDING)), Effort::PowerIterations)
    }

    /// Components, once checked against the probes (m × p).
    fn leading(&self, side: usize, probes: Option<MatRef<'_, f64>>) -> Result<usize> {
        let k = self.n_components.unwrap_or(side);
        match probes {
            Some(probes) if probes.n_rows() == side && (k..=side).contains(&probes.n_cols()) => {
                Ok(k)
            }
            _ => Err(Error::data(format!("the probes must be {side} x at least {k} numbers"))),
        }
    }

    /// Whether all eigenvectors of the shorter side are as cheap as the leading ones.
    fn is_small(&self, side: usize, probes: usize) -> bool {
        let limit = if self.n_iter.is_some() { SMALL } else { SMALL_CONVERGED };
        let k = self.n_components.unwrap_or(probes);
        side <= limit.max(2 * self.effort().basis(k, probes))
    }
}

/// Finds the components of `x` (n × d).
pub fn pca_fit<T: Scalar>(
    x: MatRef<'_, T>,
    probes: Option<MatRef<'_, f64>>,
    params: &PcaParams,
    control: &Control,
) -> Result<PcaFit> {
    match params.method {
        PcaMethod::Covariance => covariance(x, control),
        PcaMethod::Full => full(x, control),
        PcaMethod::Leading => leading_dense(x, probes, params, control),
    }
}

/// Finds the components of compressed rows; all methods but `leading` form the covariance.
pub fn pca_fit_sparse<T: Scalar>(
    x: CsrRef<'_, T>,
    probes: Option<MatRef<'_, f64>>,
    params: &PcaParams,
    control: &Control,
) -> Result<PcaFit> {
    let matrix = SparseMatrix::<f64>::new(x, control)?;
    let n = x.n_rows() as f64;
    let sums = matrix.column_sums();
    let mean: Vec<f64> = sums.iter().map(|(sum, _)| sum / n).collect();
    let total: f64 = sums.iter().map(|(sum, squares)| (squares - sum * (sum / n)).max(0.0)).sum();
    if !total.is_finite() {
        return Err(not_finite());
    }
    let a = SparseOperator::new(&matrix, Some(&mean));
    let (n, d) = (x.n_rows(), x.n_cols());
    if params.method != PcaMethod::Leading {
        let products = a.normal(Mat::identity(d).view(), control)?;
        return of_columns(&products, d, mean, total, control);
    }
    let side = n.min(d);
    let k = params.leading(side, probes)?;
    if d <= n && params.is_small(d, probes.map_or(0, |probes| probes.n_cols())) {
        let products = a.normal(Mat::identity(d).view(), control)?;
        return of_columns(&products, k, mean, total, control);
    }
    krylov(&a, probes, (k, params), (mean, total), control)
}

/// 2a.
fn covariance<T: Scalar>(x: MatRef<'_, T>, control: &Control) -> Result<PcaFit> {
    let moments = match gram_single(x, None, None, true, control)? {
        Some(moments) => moments,
        None => gram(x, None, None, true, control)?,
    };
    let total = (0..x.n_cols()).map(|j| moments.xx[(j, j)]).sum();
    if !moments.is_finite() || !SAFE.contains(&total) {
        return full(x, control);
    }
    of_columns(&moments.xx, x.n_cols(), moments.x_mean, total, control)
}

/// The first `k` components from the cross products of the columns.
fn of_columns(
    products: &Mat<f64>,
    k: usize,
    mean: Vec<f64>,
    total: f64,
    control: &Control,
) -> Result<PcaFit> {
    let (squares, vectors) = falling(products, k, control)?;
    let components = vectors.view().transpose().to_mat();
    Ok(finish(mean, components, squares, total, true))
}

/// The first `k` eigenvalues, not negative, and eigenvectors in columns.
fn falling(products: &Mat<f64>, k: usize, control: &Control) -> Result<(Vec<f64>, Mat<f64>)> {
    let found = eigh(products.view(), control)?;
    let values = found.values.iter().rev().take(k).map(|value| value.max(0.0)).collect();
    let mut vectors = Mat::zeros(products.n_rows(), k);
    for i in 0..products.n_rows() {
        let row = found.vectors.row(i).iter().rev();
        vectors.row_mut(i).iter_mut().zip(row).for_each(|(out, &value)| *out = value);
    }
    Ok((values, vectors))
}

/// 2b.
fn full<T: Scalar>(x: MatRef<'_, T>, control: &Control) -> Result<PcaFit> {
    let mean = column_means(x, None);
    if mean.iter().any(|mean| !mean.is_finite()) {
        return Err(not_finite());
    }
    let d = x.n_cols();
    let mut centred = Mat::zeros(x.n_rows(), d);
    let chunk = ((1 << 18) / d.max(1)).max(1);
    for_chunks_mut(centred.as_mut_slice(), d, chunk, d as f64, |_, rows, out| {
        if control.check().is_err() {
            return;
        }
        for (i, row) in rows.zip(out.chunks_exact_mut(d)) {
            for (j, (value, &mean)) in row.iter_mut().zip(&mean).enumerate() {
                *value = T::from_f64(x.get(i, j).to_f64() - mean);
            }
        }
    });
    control.check()?;
    let (s, vt) = svd_right(centred.view(), control)?;
    let squares: Vec<f64> = s.iter().map(|s| s.to_f64().powi(2)).collect();
    let total = squares.iter().sum();
    Ok(finish(mean, to_f64(&vt), squares, total, true))
}

/// 2c.
fn leading_dense<T: Scalar>(
    x: MatRef<'_, T>,
    probes: Option<MatRef<'_, f64>>,
    params: &PcaParams,
    control: &Control,
) -> Result<PcaFit> {
    let (n, d) = (x.n_rows(), x.n_cols());
    let side = n.min(d);
    let k = params.leading(side, probes)?;
    let mean = column_means(x, None);
    let total = squares_about(x, &mean, control)?;
    if !SAFE.contains(&total) {
        let mut fit = full(x, control)?;
        fit.squares.truncate(k);
        fit.components = fit.components.view().rows(0, k).to_mat();
        return Ok(fit);
    }
    if params.is_small(side, probes.map_or(0, |probes| probes.n_cols())) {
        if d <= n {
            let products = gram(x, None, None, true, control)?.xx;
            return of_columns(&products, k, mean, total, control);
        }
        let (_, vectors) = falling(&gram_of_rows(x, &mean, control)?, k, control)?;
        let a = Dense::<T, f64>::new(x, Some(&mean));
        let (components, squares) = from_rows(&a, &vectors, control)?;
        return Ok(finish(mean.clone(), components, squares, total, true));
    }
    if T::IS_F64 || params.n_iter.is_none() {
        let a = Dense::<T, f64>::new(x, Some(&mean));
        krylov(&a, probes, (k, params), (mean.clone(), total), control)
    } else {
        let a = Dense::<T, f32>::new(x, Some(&mean));
        krylov(&a, probes, (k, params), (mean.clone(), total), control)
    }
}

/// Σ (x − mean)², a row at a time in memory's order.
fn squares_about<T: Real>(x: MatRef<'_, T>, mean: &[f64], control: &Control) -> Result<f64> {
    let (n, d) = (x.n_rows(), x.n_cols());
    control.check()?;
    let by_rows = x.has_contiguous_rows();
    let (outer, inner) = if by_rows { (n, d) } else { (d, n) };
    let chunk = smelt_core::parallel::chunk_size(outer, (1 << 14) / inner.max(1));
    let parts = smelt_core::parallel::map_chunks(outer, chunk, inner as f64 * 0.5, |_, range| {
        smelt_core::simd::vectorize(
            #[inline(always)]
            || {
                let mut sums = [0.0; 8];
                for i in range.clone() {
                    if by_rows {
                        let (values, value_rest) = x.row(i).as_chunks::<8>();
                        let (means, mean_rest) = mean.as_chunks::<8>();
                        for (values, means) in values.iter().zip(means) {
                            for l in 0..8 {
                                let off = values[l].to_f64() - means[l];
                                sums[l] = off.mul_add(off, sums[l]);
                            }
                        }
                        for (value, mean) in value_rest.iter().zip(mean_rest) {
                            sums[0] += (value.to_f64() - mean).powi(2);
                        }
                    } else {
                        for row in 0..n {
                            sums[row % 8] += (x.get(row, i).to_f64() - mean[i]).powi(2);
                        }
                    }
                }
                sums.iter().sum::<f64>()
            },
        )
    });
    control.check()?;
    Ok(parts.into_iter().sum())
}

/// Leading components of a centred operator, on its shorter side.
fn krylov<W: Scalar, O: Operator<W>>(
    a: &O,
    probes: Option<MatRef<'_, f64>>,
    (k, params): (usize, &PcaParams),
    (mean, total): (Vec<f64>, f64),
    control: &Control,
) -> Result<PcaFit> {
    let Some(probes) = probes else { return Err(not_finite()) };
    let mut start = Mat::zeros(probes.n_rows(), probes.n_cols());
    for i in 0..probes.n_rows() {
        let row = start.row_mut(i).iter_mut().enumerate();
        row.for_each(|(j, value)| *value = W::from_f64(probes.get(i, j)));
    }
    if a.n_cols() <= a.n_rows() {
        let found = leading(a, start, k, params.effort(), control)?;
        let components = to_f64(&found.vectors.view().transpose().to_mat());
        let squares = found.values.iter().map(|value| value.max(0.0)).collect();
        return Ok(finish(mean, components, squares, total, found.converged));
    }
    let found = leading(&a.transposed(), start, k, params.effort(), control)?;
    let (components, squares) = from_rows(a, &found.vectors, control)?;
    Ok(finish(mean, components, squares, total, found.converged))
}

/// Components (k × d) and their squares from left singular vectors U (n × k): AᵀU = V·S·Wᵀ.
fn from_rows<W: Scalar, O: Operator<W>>(
    a: &O,
    u: &Mat<W>,
    control: &Control,
) -> Result<(Mat<f64>, Vec<f64>)> {
    let image = to_f64(&a.transposed().apply(u.view(), control)?);
    let factors = svd(image.view(), control)?;
    let squares = factors.s.iter().map(|s| s * s).collect();
    Ok((factors.u.view().transpose().to_mat(), squares))
}

/// 3.
fn finish(
    mean: Vec<f64>,
    mut components: Mat<f64>,
    squares: Vec<f64>,
    total: f64,
    converged: bool,
) -> PcaFit {
    flip(&mut components);
    PcaFit { mean, components, squares, total, converged }
}

/// Makes the entry of largest magnitude in each row positive.
pub(super) fn flip(rows: &mut Mat<f64>) {
    for i in 0..rows.n_rows() {
        let row = rows.row_mut(i);
        let peak = row.iter().fold(0.0_f64, |p, &v| if v.abs() > p.abs() { v } else { p });
        if peak < 0.0 {
            row.iter_mut().for_each(|value| *value = -*value);
        }
    }
}

/// The same numbers in double precision.
pub(super) fn to_f64<W: Real>(matrix: &Mat<W>) -> Mat<f64> {
    let mut out = Mat::zeros(matrix.n_rows(), matrix.n_cols());
    let values = matrix.as_slice().iter();
    out.as_mut_slice().iter_mut().zip(values).for_each(|(out, value)| *out = value.to_f64());
    out
}

pub(super) fn not_finite() -> Error {
    Error::data("X contains NaN or infinity, or numbers too large; remove, impute or scale them")
}
