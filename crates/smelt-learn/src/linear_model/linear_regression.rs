//! Ordinary least squares: min Σ w (y − X·coef − intercept)², the shortest where there are many.
//!
//! Cost: one Gram pass, n·d²/2 multiply-adds and one reading of X, then d³.  Ill-conditioned and
//! wide problems: an orthogonal factorization of a centred copy, 2·n·d² multiply-adds.
//!
//! Twin: `python/smelt/plain/linear_model/linear_regression.py`.
//!
//! 1. Centre (as part of the Gram pass, or in a copy), weight rows by √w.
//! 2. Singular values s of the centred X; those up to tol · max s count as zero.
//! 3. coef = V diag(1/s) Uᵀ y over the others, by Cholesky where all count and the condition allows
//!    it, with one step of refinement where it matters.
//! 4. intercept = ȳ − x̄ · coef.

use serde::Deserialize;
use smelt_core::{Control, CsrRef, Error, Mat, MatRef, Real, Result};
use smelt_math::linalg::{Gram, eigh, gram, gram_single, lstsq, svd};

use super::conjugate_gradient::dot;
use super::design::{Design, Features, check_rows, column, not_finite};
use super::lsqr::lsqr;
use super::non_negative::non_negative;
use super::normal_equations::{Factored, factor};

/// Condition of the scaled Gram matrix up to which the normal equations are used: the condition of
/// X is its root.
const CONDITION_LIMIT: f64 = 1e8;
/// The same where products were single precision.
const CONDITION_LIMIT_SINGLE: f64 = 30.0;
/// Condition of the scaled Gram matrix from which the solution is refined.
const REFINE_FROM: f64 = 1e3;
/// Ratio of eigenvalues down to which their roots are good singular values.
const EIGENVALUE_LIMIT: f64 = 1e-6;
/// Sizes of sums of squares that are far from overflow and underflow.
const SAFE: std::ops::Range<f64> = 1e-200..1e200;

/// Parameters of [`linear_regression_fit`].
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinearRegressionParams {
    /// Whether an intercept is fitted.
    pub fit_intercept: bool,
    /// Singular values up to `tol` times the largest count as zero; for sparse data the tolerance
    /// of LSQR.
    pub tol: f64,
    /// Whether coefficients must not be negative.
    pub positive: bool,
}

impl LinearRegressionParams {
    fn check(&self) -> Result<()> {
        if self.tol >= 0.0 {
            Ok(())
        } else {
            Err(Error::parameter("tol", format!("must be at least 0, got {}", self.tol)))
        }
    }
}

/// A fitted model.
#[derive(Debug, Clone)]
pub struct LinearRegressionFit {
    /// t × d.
    pub coef: Mat<f64>,
    /// One a target.
    pub intercept: Vec<f64>,
    /// Number of singular values that count, where they were computed.
    pub rank: Option<usize>,
    /// Singular values of the centred, weighted X, falling; empty where they were not computed.
    pub singular: Vec<f64>,
}

/// Fits `x` (n × d) to `y` (n × t).
pub fn linear_regression_fit<T: Real>(
    x: MatRef<'_, T>,
    y: MatRef<'_, T>,
    weights: Option<&[f64]>,
    params: &LinearRegressionParams,
    control: &Control,
) -> Result<LinearRegressionFit> {
    params.check()?;
    check_rows(x.n_rows(), y, weights)?;
    let (n, d) = (x.n_rows(), x.n_cols());
    if n < d && !params.positive {
        return orthogonal(x, y, weights, params, control);
    }
    // 1. moments
    let centre = params.fit_intercept;
    if !params.positive
        && let Some(moments) = gram_single(x, Some(y), weights, centre, control)?
        && let Some((fit, _)) = normal(&moments, CONDITION_LIMIT_SINGLE, params, control)?
    {
        return Ok(fit);
    }
    let moments = gram(x, Some(y), weights, centre, control)?;
    if !moments.is_finite() {
        if params.positive {
            return Err(not_finite());
        }
        return orthogonal(x, y, weights, params, control);
    }
    if params.positive {
        let mut coef = Mat::zeros(y.n_cols(), d);
        for j in 0..y.n_cols() {
            let (w, _) = non_negative(&moments.xx, &column(&moments.xy, j), control)?;
            coef.row_mut(j).copy_from_slice(&w);
        }
        return Ok(finish(coef, &moments.x_mean, &moments.y_mean, None, Vec::new()));
    }
    let Some((mut fit, factored)) = normal(&moments, CONDITION_LIMIT, params, control)? else {
        return orthogonal(x, y, weights, params, control);
    };
    if factored.condition > REFINE_FROM {
        refine(x, y, weights, &moments, &factored, &mut fit.coef, control)?;
        fit.intercept = intercepts(&fit.coef, &moments.x_mean, &moments.y_mean);
    }
    Ok(fit)
}

/// Steps 2 to 4 by the normal equations; nothing where the condition reaches `limit` or the rank is
/// not full.
fn normal(
    moments: &Gram,
    limit: f64,
    params: &LinearRegressionParams,
    control: &Control,
) -> Result<Option<(LinearRegressionFit, Factored)>> {
    let d = moments.xx.n_rows();
    let largest = (0..d).map(|j| moments.xx[(j, j)]).fold(0.0, f64::max);
    let factored = if SAFE.contains(&largest) { factor(&moments.xx, 0.0, control)? } else { None };
    let Some(factored) = factored.filter(|factored| factored.condition < limit) else {
        return Ok(None);
    };
    // 2. singular values
    let singular = singular_values(&moments.xx, &factored, control)?;
    let threshold = params.tol * singular[0];
    if singular.iter().any(|&s| s <= threshold) {
        return Ok(None);
    }
    // 3. coefficients, t × d
    let coef = factored.solve(&moments.xy, control)?.view().transpose().to_mat();
    Ok(Some((finish(coef, &moments.x_mean, &moments.y_mean, Some(d), singular), factored)))
}

/// Fits compressed rows by LSQR, without a dense copy.
pub fn linear_regression_fit_sparse<T: Real>(
    x: CsrRef<'_, T>,
    y: MatRef<'_, T>,
    weights: Option<&[f64]>,
    params: &LinearRegressionParams,
    control: &Control,
) -> Result<LinearRegressionFit> {
    params.check()?;
    check_rows(x.n_rows(), y, weights)?;
    let features = Features::Sparse(x);
    features.check_finite()?;
    let design = Design::new(features, weights, params.fit_intercept, control)?;
    let (targets, y_mean) = design.targets(y, weights, params.fit_intercept);
    let mut coef = Mat::zeros(y.n_cols(), x.n_cols());
    for j in 0..y.n_cols() {
        let (w, _) = lsqr(&design, &column(&targets, j), 0.0, params.tol, None, control)?;
        coef.row_mut(j).copy_from_slice(&w);
    }
    Ok(finish(coef, &design.means, &y_mean, None, Vec::new()))
}

/// Steps 1 to 4 by an orthogonal factorization of a centred copy: any rank, condition and size.
fn orthogonal<T: Real>(
    x: MatRef<'_, T>,
    y: MatRef<'_, T>,
    weights: Option<&[f64]>,
    params: &LinearRegressionParams,
    control: &Control,
) -> Result<LinearRegressionFit> {
    Features::Dense(x).check_finite()?;
    Features::Dense(y).check_finite()?;
    let design = Design::new(Features::Dense(x), weights, params.fit_intercept, control)?;
    let (targets, y_mean) = design.targets(y, weights, params.fit_intercept);
    let copy = design.to_mat();
    let found = lstsq(copy.view(), targets.view(), Some(params.tol), control)?;
    let coef = found.solution.view().transpose().to_mat();
    Ok(finish(coef, &design.means, &y_mean, Some(found.rank), found.singular_values))
}

/// Roots of the eigenvalues of A, falling; of a graded A the singular values of its factor, whose
/// small ones keep their digits.
fn singular_values(a: &Mat<f64>, factored: &Factored, control: &Control) -> Result<Vec<f64>> {
    let mut values = eigh(a.view(), control)?.values;
    values.sort_unstable_by(|a, b| b.total_cmp(a));
    match (values.first(), values.last()) {
        (Some(most), Some(least)) if *least < EIGENVALUE_LIMIT * most => {
            Ok(svd(factored.triangle().view(), control)?.s)
        }
        (Some(_), _) => Ok(values.into_iter().map(f64::sqrt).collect()),
        _ => Err(not_finite()),
    }
}

/// One step of refinement: the gradient at the solution, from the data themselves.
fn refine<T: Real>(
    x: MatRef<'_, T>,
    y: MatRef<'_, T>,
    weights: Option<&[f64]>,
    moments: &Gram,
    factored: &Factored,
    coef: &mut Mat<f64>,
    control: &Control,
) -> Result<()> {
    let design = Design::with_means(Features::Dense(x), weights, moments.x_mean.clone());
    let root = |i: usize| weights.map_or(1.0, |weights| weights[i].sqrt());
    let (d, t) = (x.n_cols(), y.n_cols());
    let mut gradient = Mat::zeros(d, t);
    for j in 0..t {
        let mut residual = design.times(coef.row(j), control)?;
        for (i, value) in residual.iter_mut().enumerate() {
            *value = (y.get(i, j).to_f64() - moments.y_mean[j]) * root(i) - *value;
        }
        let part = design.transposed(&residual, control)?;
        (0..d).for_each(|i| gradient[(i, j)] = part[i]);
    }
    let step = factored.solve(&gradient, control)?;
    for j in 0..t {
        coef.row_mut(j).iter_mut().enumerate().for_each(|(i, value)| *value += step[(i, j)]);
    }
    Ok(())
}

/// Step 4.
fn finish(
    coef: Mat<f64>,
    x_mean: &[f64],
    y_mean: &[f64],
    rank: Option<usize>,
    singular: Vec<f64>,
) -> LinearRegressionFit {
    let intercept = intercepts(&coef, x_mean, y_mean);
    LinearRegressionFit { coef, intercept, rank, singular }
}

/// ȳ − x̄ · coef, one a target.
pub(super) fn intercepts(coef: &Mat<f64>, x_mean: &[f64], y_mean: &[f64]) -> Vec<f64> {
    y_mean.iter().enumerate().map(|(j, mean)| mean - dot(coef.row(j), x_mean)).collect()
}
