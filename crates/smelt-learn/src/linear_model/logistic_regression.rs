//! Logistic regression with an L2 penalty or none, binary and multinomial, dense and sparse.
//!
//! Minimises over the weights w and intercepts b
//!
//! ```text
//! 1/S · ( Σᵢ sᵢ·loss(yᵢ, xᵢ·w + b) + α/2·‖w‖² + α₀/2·‖b‖² ),   S = Σ sᵢ,  α = 1/C
//! ```
//!
//! where the loss is −ln p(yᵢ): one score and the logistic function for two classes, one score a class
//! and the softmax for more.
//!
//! 1. Few coefficients: Newton's method, X read once a step (`logistic_regression_newton.rs`).
//! 2. Else: preconditioned L-BFGS, X read once a step (`logistic_regression_lbfgs.rs`).
//! 3. Stop when no entry of the gradient is above `tol` and the estimated distance to the minimum
//!    of the objective is below a hundredth of it.
//!
//! Cost: see the two files.  Twin: `python/smelt/plain/linear_model/logistic_regression.py`.

use serde::Deserialize;
use smelt_core::{Control, CsrRef, Error, Mat, MatRef, Result};
use smelt_math::linalg::Scalar;

use super::logistic_regression_dense::Targets;
use super::logistic_regression_lbfgs::quasi_newton;
use super::logistic_regression_loss::Exponential;
use super::logistic_regression_newton::newton;

/// Coefficients up to which Newton's method pays for any number of rows.
const NEWTON_ALWAYS: usize = 128;
/// Coefficients up to which it is taken when asked for, or when X is small.
const NEWTON_AT_MOST: usize = 2000;
/// Flops of a Newton step that are cheap enough.
const NEWTON_FLOPS: f64 = 2e8;

/// Parameters of [`logistic_regression_fit`].
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogisticRegressionParams {
    /// Number of classes, at least 2.
    pub n_classes: usize,
    /// Strength α ≥ 0 of the penalty on the weights, 1 / C.
    pub alpha: f64,
    /// Strength α₀ ≥ 0 of the penalty on the intercepts.
    pub intercept_alpha: f64,
    /// Whether there are intercepts.
    pub fit_intercept: bool,
    /// Bound of the largest absolute entry of the gradient.
    pub tol: f64,
    /// Most steps.
    pub max_iter: usize,
    /// `auto`, or `newton` to prefer Newton's method also where it costs more.
    pub method: Method,
}

/// How to minimise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// By the shape of the data.
    Auto,
    /// Newton's method where it is possible.
    Newton,
}

impl LogisticRegressionParams {
    fn check(&self) -> Result<()> {
        if self.n_classes < 2 {
            return Err(Error::parameter(
                "n_classes",
                format!("must be at least 2, got {}", self.n_classes),
            ));
        }
        for (name, value) in
            [("alpha", self.alpha), ("intercept_alpha", self.intercept_alpha), ("tol", self.tol)]
        {
            if !(value >= 0.0 && value.is_finite()) {
                return Err(Error::parameter(
                    name,
                    format!("must be finite and at least 0, got {value}"),
                ));
            }
        }
        Ok(())
    }
}

/// A fitted logistic regression.
#[derive(Debug, Clone)]
pub struct LogisticRegressionFit {
    /// Weights, one row for two classes, else one row a class.
    pub coef: Mat<f64>,
    /// Intercepts, one a row of `coef`.
    pub intercept: Vec<f64>,
    /// Steps taken on all rows.
    pub n_iter: usize,
    /// Whether the bound on the gradient holds.
    pub converged: bool,
    /// Largest absolute entry of the last gradient.
    pub gradient_max: f64,
}

/// The penalty, and what the sums over rows are divided by.
#[derive(Debug, Clone)]
pub(super) struct Penalty {
    pub alpha: f64,
    pub intercept_alpha: f64,
    pub fit_intercept: bool,
    /// Σ of the sample weights.
    pub total: f64,
}

impl Penalty {
    /// The same penalty per row on a sample of the rows.
    pub(super) fn for_total(&self, total: f64) -> Self {
        let share = total / self.total;
        Self {
            alpha: self.alpha * share,
            intercept_alpha: self.intercept_alpha * share,
            fit_intercept: self.fit_intercept,
            total,
        }
    }

    /// The objective; turns the sum of the gradients over the rows into its gradient.
    pub(super) fn objective(
        &self,
        loss: f64,
        gradient: &mut [f64],
        coef: &[f64],
        width: usize,
    ) -> f64 {
        gradient.iter_mut().for_each(|sum| *sum /= self.total);
        loss / self.total + self.add(coef, gradient, width)
    }

    /// Value of the penalty; adds its gradient.  Rows of `width` numbers, the intercept last.
    fn add(&self, coef: &[f64], gradient: &mut [f64], width: usize) -> f64 {
        let (alpha, intercept_alpha) = (self.alpha / self.total, self.intercept_alpha / self.total);
        let mut value = 0.0;
        for (w, g) in coef.chunks_exact(width).zip(gradient.chunks_exact_mut(width)) {
            let (w, g) = (w.split_last(), g.split_last_mut());
            let (Some((intercept, w)), Some((intercept_g, g))) = (w, g) else { continue };
            for (&w, g) in w.iter().zip(g) {
                value += 0.5 * alpha * w * w;
                *g += alpha * w;
            }
            if self.fit_intercept {
                value += 0.5 * intercept_alpha * intercept * intercept;
                *intercept_g += intercept_alpha * intercept;
            } else {
                *intercept_g = 0.0;
            }
        }
        value
    }

    /// Adds the second derivative, and makes the Hessian regular where it is singular by symmetry:
    /// a shift of all scores of the softmax changes nothing.
    pub(super) fn add_curvature(&self, hessian: &mut Mat<f64>, width: usize, k: usize) {
        let (alpha, intercept_alpha) = (self.alpha / self.total, self.intercept_alpha / self.total);
        for j in 0..width {
            let is_intercept = j + 1 == width;
            let strength = if is_intercept { intercept_alpha } else { alpha };
            if is_intercept && !self.fit_intercept {
                for a in 0..k {
                    let row = a * width + j;
                    hessian.row_mut(row).fill(0.0);
                    for i in 0..k * width {
                        hessian[(i, row)] = 0.0;
                    }
                    hessian[(row, row)] = 1.0;
                }
                continue;
            }
            let shift = if k > 1 && strength == 0.0 {
                (0..k).map(|a| hessian[(a * width + j, a * width + j)]).sum::<f64>()
                    / (k * k) as f64
            } else {
                0.0
            };
            for a in 0..k {
                for b in 0..k {
                    hessian[(a * width + j, b * width + j)] += shift;
                }
                hessian[(a * width + j, a * width + j)] += strength;
            }
        }
    }
}

/// When to stop.
#[derive(Debug, Clone)]
pub(super) struct Stop {
    pub tol: f64,
    pub max_iter: usize,
}

/// Where a solver ended.
pub(super) struct Solution {
    /// One row an output: weights, then the intercept.
    pub coef: Vec<f64>,
    pub n_iter: usize,
    pub converged: bool,
    pub gradient_max: f64,
}

/// Fits to dense X.  `codes` holds the class of each row, `start` the first guess: a row of weights
/// and the intercept for each row of `coef`.
pub fn logistic_regression_fit<T: FitScalar>(
    X: MatRef<'_, T>,
    codes: &[i32],
    weight: Option<&[f64]>,
    start: Option<&[f64]>,
    params: &LogisticRegressionParams,
    control: &Control,
) -> Result<LogisticRegressionFit> {
    let work = Work::new(X.n_rows(), X.n_cols(), codes, weight, start, params)?;
    let p = work.coef.len() as f64;
    // 1. or 2. Few coefficients, or small data.
    let cheap = X.n_rows() as f64 * p * p <= NEWTON_FLOPS;
    let preferred = params.method == Method::Newton || cheap;
    let limit = if preferred { NEWTON_AT_MOST } else { NEWTON_ALWAYS };
    let cold = start.is_none();
    let Work { targets, penalty, coef, stop } = &work;
    let solution = if coef.len() <= limit {
        newton(X, targets, penalty, coef.clone(), cold, stop, control)?
    } else {
        quasi_newton(&X, targets, penalty, coef.clone(), stop, control)?
    };
    work.finish(solution, X.n_cols(), params)
}

/// Fits to sparse X; see [`logistic_regression_fit`].
pub fn logistic_regression_fit_sparse<T: FitScalar>(
    X: CsrRef<'_, T>,
    codes: &[i32],
    weight: Option<&[f64]>,
    start: Option<&[f64]>,
    params: &LogisticRegressionParams,
    control: &Control,
) -> Result<LogisticRegressionFit> {
    let work = Work::new(X.n_rows(), X.n_cols(), codes, weight, start, params)?;
    let Work { targets, penalty, coef, stop } = &work;
    let solution = quasi_newton(&X, targets, penalty, coef.clone(), stop, control)?;
    work.finish(solution, X.n_cols(), params)
}

/// The numbers X may hold: `f32` and `f64`.
#[allow(private_bounds)]
pub trait FitScalar: Exponential + Scalar {}

impl FitScalar for f32 {}
impl FitScalar for f64 {}

/// Checked arguments in the form the solvers take.
struct Work<'a> {
    targets: Targets<'a>,
    penalty: Penalty,
    coef: Vec<f64>,
    stop: Stop,
}

impl<'a> Work<'a> {
    fn new(
        n_rows: usize,
        n_cols: usize,
        codes: &'a [i32],
        weight: Option<&'a [f64]>,
        start: Option<&[f64]>,
        params: &LogisticRegressionParams,
    ) -> Result<Self> {
        params.check()?;
        let n_classes = params.n_classes;
        if codes.len() != n_rows || weight.is_some_and(|weight| weight.len() != n_rows) {
            return Err(Error::data(format!(
                "X has {n_rows} rows, but there are {} targets and {} weights",
                codes.len(),
                weight.map_or(n_rows, <[f64]>::len)
            )));
        }
        if codes.iter().any(|&code| code < 0 || code as usize >= n_classes) {
            return Err(Error::data(format!("a class code is not within 0 … {}", n_classes - 1)));
        }
        let total = weight.map_or(n_rows as f64, |weight| weight.iter().sum());
        if !(total > 0.0 && total.is_finite()) {
            return Err(Error::data(format!(
                "the sample weights must have a positive, finite sum, theirs is {total}"
            )));
        }
        let n_outputs = if n_classes == 2 { 1 } else { n_classes };
        let width = n_cols + 1;
        let mut coef = match start {
            None => vec![0.0; n_outputs * width],
            Some(start) if start.len() == n_outputs * width => start.to_vec(),
            Some(start) => {
                return Err(Error::data(format!(
                    "the start has {} coefficients, the model {}",
                    start.len(),
                    n_outputs * width
                )));
            }
        };
        if n_outputs > 1 {
            // The minimum is where the weights of a feature add up to zero; so start there.
            for j in 0..width {
                let mean = coef[j..].iter().step_by(width).sum::<f64>() / n_outputs as f64;
                coef[j..].iter_mut().step_by(width).for_each(|w| *w -= mean);
            }
        }
        Ok(Self {
            targets: Targets { codes, weight, n_outputs },
            penalty: Penalty {
                alpha: params.alpha,
                intercept_alpha: params.intercept_alpha,
                fit_intercept: params.fit_intercept,
                total,
            },
            coef,
            stop: Stop { tol: params.tol, max_iter: params.max_iter },
        })
    }

    fn finish(
        &self,
        solution: Solution,
        n_cols: usize,
        params: &LogisticRegressionParams,
    ) -> Result<LogisticRegressionFit> {
        let k = self.targets.n_outputs;
        let mut coef = Mat::zeros(k, n_cols);
        let mut intercept = Vec::with_capacity(k);
        for (c, row) in solution.coef.chunks_exact(n_cols + 1).enumerate() {
            coef.row_mut(c).copy_from_slice(&row[..n_cols]);
            intercept.push(if params.fit_intercept { row[n_cols] } else { 0.0 });
        }
        Ok(LogisticRegressionFit {
            coef,
            intercept,
            n_iter: solution.n_iter,
            converged: solution.converged,
            gradient_max: solution.gradient_max,
        })
    }
}
