//! Ridge regression: min Σ w (y − X·coef − intercept)² + α ‖coef‖².
//!
//! Cost with the Cholesky solver: one Gram pass, n·d²/2 multiply-adds and one reading of X, then
//! d³/3; with fewer rows than columns d·n²/2 and n³/3 by the inner products of the rows.
//!
//! Twin: `python/smelt/plain/linear_model/ridge.py`.
//!
//! 1. Centre, weight rows by √w.
//! 2. Solve by the method asked for:
//!    a. `cholesky`: (XᵀX + αI) coef = Xᵀy, or (XXᵀ + αI) c = y, coef = Xᵀc where X is wide;
//!    b. `svd`: coef = V diag(s / (s² + α)) Uᵀ y, also where a. would lose its digits;
//!    c. `sparse_cg`, `lsqr`: by products with X alone;
//!    d. `positive`: Lawson and Hanson's active set on the normal equations.
//! 3. intercept = ȳ − x̄ · coef.

use serde::Deserialize;
use smelt_core::{Control, CsrRef, Error, Mat, MatRef, Real, Result};
use smelt_math::linalg::{Gram, gemm, gram, gram_of_rows, gram_single, svd};

use super::conjugate_gradient::conjugate_gradient;
use super::design::{Design, Features, check_rows, column, not_finite};
use super::linear_regression::intercepts;
use super::lsqr::lsqr;
use super::non_negative::non_negative;
use super::normal_equations::factor;

/// Condition of the scaled system up to which Cholesky's solution is kept.
const CONDITION_LIMIT: f64 = 1e10;
/// The same where products were single precision.
const CONDITION_LIMIT_SINGLE: f64 = 30.0;
/// Sizes of sums of squares that are far from overflow and underflow.
const SAFE: std::ops::Range<f64> = 1e-200..1e200;
/// Most columns of sparse data for which a Gram matrix is made.
const MAX_SPARSE_GRAM: usize = 20_000;

/// How the system is solved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RidgeSolver {
    /// Normal equations.
    Cholesky,
    /// Singular value decomposition of X.
    Svd,
    /// Conjugate gradients on the normal equations, which are never formed.
    SparseCg,
    /// Golub–Kahan bidiagonalization.
    Lsqr,
    /// Active set for coefficients that must not be negative.
    ActiveSet,
}

impl RidgeSolver {
    /// The name in Python.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cholesky => "cholesky",
            Self::Svd => "svd",
            Self::SparseCg => "sparse_cg",
            Self::Lsqr => "lsqr",
            Self::ActiveSet => "active_set",
        }
    }
}

/// Parameters of [`ridge_fit`].
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RidgeParams {
    /// Penalty, one for all targets or one each.
    pub alpha: Vec<f64>,
    /// Whether an intercept is fitted.
    pub fit_intercept: bool,
    /// The method.
    pub solver: RidgeSolver,
    /// Most steps of an iterative method; None lets it choose.
    pub max_iter: Option<usize>,
    /// Tolerance of an iterative method.
    pub tol: f64,
}

impl RidgeParams {
    fn check(&self, n_targets: usize) -> Result<()> {
        if self.alpha.len() != 1 && self.alpha.len() != n_targets {
            return Err(Error::data(format!(
                "Number of targets and number of penalties do not correspond: {} != {n_targets}",
                self.alpha.len()
            )));
        }
        if let Some(alpha) = self.alpha.iter().find(|alpha| alpha.is_nan() || **alpha < 0.0) {
            return Err(Error::parameter("alpha", format!("must be at least 0, got {alpha}")));
        }
        Ok(())
    }

    fn alpha(&self, target: usize) -> f64 {
        if self.alpha.len() == 1 { self.alpha[0] } else { self.alpha[target] }
    }

    /// Targets that share a penalty, in order: they are solved together.
    fn shared(&self, n_targets: usize) -> Vec<(f64, Vec<usize>)> {
        let mut groups: Vec<(f64, Vec<usize>)> = Vec::new();
        for target in 0..n_targets {
            let alpha = self.alpha(target);
            match groups.iter_mut().find(|(known, _)| *known == alpha) {
                Some((_, targets)) => targets.push(target),
                None => groups.push((alpha, vec![target])),
            }
        }
        groups
    }
}

/// A fitted model.
#[derive(Debug, Clone)]
pub struct RidgeFit {
    /// t × d.
    pub coef: Mat<f64>,
    /// One a target.
    pub intercept: Vec<f64>,
    /// Steps of an iterative method, one a target.
    pub n_iter: Option<Vec<usize>>,
    /// The method that gave the answer.
    pub solver: RidgeSolver,
}

/// Fits `x` (n × d) to `y` (n × t).
pub fn ridge_fit<T: Real>(
    x: MatRef<'_, T>,
    y: MatRef<'_, T>,
    weights: Option<&[f64]>,
    params: &RidgeParams,
    control: &Control,
) -> Result<RidgeFit> {
    params.check(y.n_cols())?;
    check_rows(x.n_rows(), y, weights)?;
    let direct = match params.solver {
        RidgeSolver::Cholesky if x.n_cols() > x.n_rows() => dual(x, y, weights, params, control)?,
        RidgeSolver::Cholesky => primal(x, y, weights, params, control)?,
        RidgeSolver::ActiveSet => {
            let moments = gram(x, Some(y), weights, params.fit_intercept, control)?;
            if !moments.is_finite() {
                return Err(not_finite());
            }
            let means = (&moments.x_mean[..], &moments.y_mean[..]);
            Some(active_set(&moments.xx, &moments.xy, means, params, control)?)
        }
        RidgeSolver::Svd | RidgeSolver::SparseCg | RidgeSolver::Lsqr => None,
    };
    if let Some(fit) = direct {
        return Ok(fit);
    }
    Features::Dense(x).check_finite()?;
    Features::Dense(y).check_finite()?;
    if matches!(params.solver, RidgeSolver::SparseCg | RidgeSolver::Lsqr) {
        return iterative(Features::Dense(x), y, weights, params, control);
    }
    by_svd(x, y, weights, params, control)
}

/// Fits compressed rows; `cholesky` and `active_set` make a dense Gram matrix of the columns.
pub fn ridge_fit_sparse<T: Real>(
    x: CsrRef<'_, T>,
    y: MatRef<'_, T>,
    weights: Option<&[f64]>,
    params: &RidgeParams,
    control: &Control,
) -> Result<RidgeFit> {
    params.check(y.n_cols())?;
    check_rows(x.n_rows(), y, weights)?;
    let features = Features::Sparse(x);
    features.check_finite()?;
    match params.solver {
        RidgeSolver::SparseCg | RidgeSolver::Lsqr => {
            return iterative(features, y, weights, params, control);
        }
        RidgeSolver::Svd => {
            return Err(Error::parameter("solver", "must not be 'svd' for sparse data"));
        }
        RidgeSolver::Cholesky | RidgeSolver::ActiveSet => {}
    }
    let d = x.n_cols();
    if d > MAX_SPARSE_GRAM {
        return Err(Error::parameter(
            "solver",
            format!("makes a dense {d} x {d} matrix here; use 'sparse_cg' or 'lsqr'"),
        ));
    }
    let design = Design::new(features, weights, params.fit_intercept, control)?;
    let (targets, y_mean) = design.targets(y, weights, params.fit_intercept);
    let xx = design.sparse_gram(control)?;
    let mut xy = Mat::zeros(d, y.n_cols());
    for j in 0..y.n_cols() {
        let part = design.transposed(&column(&targets, j), control)?;
        part.iter().enumerate().for_each(|(i, &value)| xy[(i, j)] = value);
    }
    if params.solver == RidgeSolver::ActiveSet {
        return active_set(&xx, &xy, (&design.means, &y_mean), params, control);
    }
    match by_cholesky(&xx, &xy, CONDITION_LIMIT, params, control)? {
        Some(coef) => Ok(finish(coef, &design.means, &y_mean, None, RidgeSolver::Cholesky)),
        None => svd_of(&design.to_mat(), &targets, (&design.means, &y_mean), params, control),
    }
}

/// 2a. with XᵀX; nothing where digits would be lost.
fn primal<T: Real>(
    x: MatRef<'_, T>,
    y: MatRef<'_, T>,
    weights: Option<&[f64]>,
    params: &RidgeParams,
    control: &Control,
) -> Result<Option<RidgeFit>> {
    let centre = params.fit_intercept;
    let solve = |moments: &Gram, limit: f64| -> Result<Option<RidgeFit>> {
        let coef = by_cholesky(&moments.xx, &moments.xy, limit, params, control)?;
        let means = (&moments.x_mean, &moments.y_mean);
        Ok(coef.map(|coef| finish(coef, means.0, means.1, None, RidgeSolver::Cholesky)))
    };
    if let Some(moments) = gram_single(x, Some(y), weights, centre, control)?
        && let Some(fit) = solve(&moments, CONDITION_LIMIT_SINGLE)?
    {
        return Ok(Some(fit));
    }
    let moments = gram(x, Some(y), weights, centre, control)?;
    let largest = (0..x.n_cols()).map(|j| moments.xx[(j, j)]).fold(0.0, f64::max);
    if !moments.is_finite() || !SAFE.contains(&largest) {
        return Ok(None);
    }
    solve(&moments, CONDITION_LIMIT)
}

/// (A + αI) coef = b for every target: t × d; nothing where a condition reaches `limit`.
fn by_cholesky(
    a: &Mat<f64>,
    b: &Mat<f64>,
    limit: f64,
    params: &RidgeParams,
    control: &Control,
) -> Result<Option<Mat<f64>>> {
    let (d, t) = (b.n_rows(), b.n_cols());
    let mut coef = Mat::zeros(t, d);
    for (alpha, targets) in params.shared(t) {
        let factored = factor(a, alpha, control)?;
        let Some(factored) = factored.filter(|factored| factored.condition < limit) else {
            return Ok(None);
        };
        let mut right = Mat::zeros(d, targets.len());
        for i in 0..d {
            targets.iter().enumerate().for_each(|(k, &j)| right[(i, k)] = b[(i, j)]);
        }
        let solution = factored.solve(&right, control)?;
        for (k, &j) in targets.iter().enumerate() {
            (0..d).for_each(|i| coef[(j, i)] = solution[(i, k)]);
        }
    }
    Ok(Some(coef))
}

/// 2a. with XXᵀ; nothing where digits would be lost.
fn dual<T: Real>(
    x: MatRef<'_, T>,
    y: MatRef<'_, T>,
    weights: Option<&[f64]>,
    params: &RidgeParams,
    control: &Control,
) -> Result<Option<RidgeFit>> {
    let design = Design::new(Features::Dense(x), weights, params.fit_intercept, control)?;
    let (targets, y_mean) = design.targets(y, weights, params.fit_intercept);
    let mut products = gram_of_rows(x, &design.means, control)?;
    for i in 0..x.n_rows() {
        let root = design.root(i);
        let row = products.row_mut(i).iter_mut().enumerate();
        row.for_each(|(k, value)| *value *= root * design.root(k));
    }
    let largest = (0..x.n_rows()).map(|i| products[(i, i)]).fold(0.0, f64::max);
    let finite = (0..x.n_rows()).all(|i| products[(i, i)].is_finite());
    if !finite || !SAFE.contains(&largest) || !targets.as_slice().iter().all(|y| y.is_finite()) {
        return Ok(None);
    }
    let Some(dual) = by_cholesky(&products, &targets, CONDITION_LIMIT, params, control)? else {
        return Ok(None);
    };
    let mut coef = Mat::zeros(y.n_cols(), x.n_cols());
    for j in 0..y.n_cols() {
        coef.row_mut(j).copy_from_slice(&design.transposed(dual.row(j), control)?);
    }
    Ok(Some(finish(coef, &design.means, &y_mean, None, RidgeSolver::Cholesky)))
}

/// 2b.
fn by_svd<T: Real>(
    x: MatRef<'_, T>,
    y: MatRef<'_, T>,
    weights: Option<&[f64]>,
    params: &RidgeParams,
    control: &Control,
) -> Result<RidgeFit> {
    let design = Design::new(Features::Dense(x), weights, params.fit_intercept, control)?;
    let (targets, y_mean) = design.targets(y, weights, params.fit_intercept);
    svd_of(&design.to_mat(), &targets, (&design.means, &y_mean), params, control)
}

/// 2b. for a centred and weighted matrix.
fn svd_of(
    x: &Mat<f64>,
    y: &Mat<f64>,
    (x_mean, y_mean): (&[f64], &[f64]),
    params: &RidgeParams,
    control: &Control,
) -> Result<RidgeFit> {
    let factors = svd(x.view(), control)?;
    let mut coordinates = gemm(factors.u.view().transpose(), y.view(), control)?;
    let threshold = factors.s.first().map_or(0.0, |most| most * f64::EPSILON);
    for (i, &s) in factors.s.iter().enumerate() {
        for (j, value) in coordinates.row_mut(i).iter_mut().enumerate() {
            let counts = s > threshold && s > f64::MIN_POSITIVE;
            *value = if counts { *value / (s + params.alpha(j) / s) } else { 0.0 };
        }
    }
    let coef = gemm(coordinates.view().transpose(), factors.vt.view(), control)?;
    Ok(finish(coef, x_mean, y_mean, None, RidgeSolver::Svd))
}

/// 2c.
fn iterative<T: Real>(
    features: Features<'_, T>,
    y: MatRef<'_, T>,
    weights: Option<&[f64]>,
    params: &RidgeParams,
    control: &Control,
) -> Result<RidgeFit> {
    let design = Design::new(features, weights, params.fit_intercept, control)?;
    let (targets, y_mean) = design.targets(y, weights, params.fit_intercept);
    let solve = match params.solver {
        RidgeSolver::Lsqr => lsqr::<T>,
        _ => conjugate_gradient::<T>,
    };
    let mut coef = Mat::zeros(y.n_cols(), features.n_cols());
    let mut n_iter = Vec::new();
    for j in 0..y.n_cols() {
        let target = column(&targets, j);
        let (w, steps) =
            solve(&design, &target, params.alpha(j), params.tol, params.max_iter, control)?;
        coef.row_mut(j).copy_from_slice(&w);
        n_iter.push(steps);
    }
    Ok(finish(coef, &design.means, &y_mean, Some(n_iter), params.solver))
}

/// 2d.
fn active_set(
    xx: &Mat<f64>,
    xy: &Mat<f64>,
    (x_mean, y_mean): (&[f64], &[f64]),
    params: &RidgeParams,
    control: &Control,
) -> Result<RidgeFit> {
    let mut coef = Mat::zeros(xy.n_cols(), xy.n_rows());
    let mut n_iter = Vec::new();
    for j in 0..xy.n_cols() {
        let mut a = xx.clone();
        (0..a.n_rows()).for_each(|i| a[(i, i)] += params.alpha(j));
        let (w, steps) = non_negative(&a, &column(xy, j), control)?;
        coef.row_mut(j).copy_from_slice(&w);
        n_iter.push(steps);
    }
    Ok(finish(coef, x_mean, y_mean, Some(n_iter), RidgeSolver::ActiveSet))
}

/// Step 3.
fn finish(
    coef: Mat<f64>,
    x_mean: &[f64],
    y_mean: &[f64],
    n_iter: Option<Vec<usize>>,
    solver: RidgeSolver,
) -> RidgeFit {
    let intercept = intercepts(&coef, x_mean, y_mean);
    RidgeFit { coef, intercept, n_iter, solver }
}
