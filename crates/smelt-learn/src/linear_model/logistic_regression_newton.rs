//! Newton's method with a Cholesky factorization: X is read once a step.
//!
//! Cost of a step: n·p² flops for p = outputs × (features + 1) coefficients, and one pass over X; with
//! the Hessian of the sample 4·n·p flops and one pass.
//!
//! 1. Where there are plenty of rows: the optimum and the Hessian on every 16th row, at a sixteenth of
//!    the cost; then steps on all rows with that Hessian, for which the gradient is enough, while
//!    each divides what is left to gain by ten.  As a rule three of them reach the optimum.
//! 2. Objective, gradient and Hessian in one pass (`logistic_regression_hessian.rs`).
//! 3. Solve H·step = −gradient; where H is singular, add to its diagonal until it is not.
//! 4. Stop when the gradient is small and the step would gain next to nothing; that step is still
//!    taken, it costs nothing.
//! 5. Halve steps that do not decrease the objective.
//!
//! Twin: `python/smelt/plain/linear_model/logistic_regression.py`.

use smelt_core::{Control, Error, Mat, MatRef, Result};
use smelt_math::linalg::{Cholesky, cholesky};

use super::logistic_regression::{Penalty, Solution, Stop};
use super::logistic_regression_dense::{Targets, check_finite, dense_value_gradient, gather};
use super::logistic_regression_hessian::expand;
use super::logistic_regression_loss::Exponential;

/// One row in so many makes the sample.
const SAMPLE: usize = 16;
/// Rows of the sample per coefficient, at least.
const SAMPLE_ROWS: usize = 50;
/// Estimated gain below which a step is taken without looking back.
const NEGLIGIBLE: f64 = 1e-9;
/// Times a step is halved.
const MAX_HALVINGS: usize = 30;

/// Where a search ended, and the Hessian at its last point but one.
struct Found {
    solution: Solution,
    hessian: Mat<f64>,
}

/// Minimises from `coef`.  `cold` says that these are zeros, not a start that the user chose.
pub(super) fn newton<T: Exponential>(
    X: MatRef<'_, T>,
    targets: &Targets<'_>,
    penalty: &Penalty,
    coef: Vec<f64>,
    cold: bool,
    stop: &Stop,
    control: &Control,
) -> Result<Solution> {
    // 1. The optimum on a sample, and steps with its Hessian.
    let mut start = Solution { coef, n_iter: 0, converged: false, gradient_max: f64::INFINITY };
    let n_sample = X.n_rows() / SAMPLE;
    if cold
        && n_sample >= SAMPLE_ROWS * start.coef.len()
        && let Some(found) = on_sample(X, n_sample, targets, penalty, stop, control)?
    {
        let Found { solution, hessian } = found;
        start.coef = solution.coef;
        start = steps_with(&hessian, X, targets, penalty, start, stop, control)?;
        if start.converged || start.n_iter == stop.max_iter {
            return Ok(start);
        }
    }
    Ok(iterate(X, targets, penalty, start, stop, control)?.solution)
}

/// The optimum on every 16th row, from zeros, if it is found.
fn on_sample<T: Exponential>(
    X: MatRef<'_, T>,
    n_sample: usize,
    targets: &Targets<'_>,
    penalty: &Penalty,
    stop: &Stop,
    control: &Control,
) -> Result<Option<Found>> {
    let rows = gather(X, n_sample, |i| i * SAMPLE);
    let codes: Vec<i32> = (0..n_sample).map(|i| targets.codes[i * SAMPLE]).collect();
    let weight: Option<Vec<f64>> =
        targets.weight.map(|weight| (0..n_sample).map(|i| weight[i * SAMPLE]).collect());
    let total = weight.as_ref().map_or(n_sample as f64, |weight| weight.iter().sum());
    let k = targets.n_outputs;
    let targets = Targets { codes: &codes, weight: weight.as_deref(), n_outputs: k };
    if total <= 0.0 || total.is_nan() {
        return Ok(None);
    }
    let penalty = penalty.for_total(total);
    let stop = Stop { tol: stop.tol.max(1e-5), max_iter: stop.max_iter.min(12) };
    let coef = vec![0.0; k * (X.n_cols() + 1)];
    let zeros = Solution { coef, n_iter: 0, converged: false, gradient_max: f64::INFINITY };
    match iterate(rows.view(), &targets, &penalty, zeros, &stop, control) {
        Ok(found) if found.solution.converged => Ok(Some(found)),
        Err(Error::Cancelled) => Err(Error::Cancelled),
        _ => Ok(None),
    }
}

/// Steps with one and the same Hessian, which need no more than the gradient, while they pay.
fn steps_with<T: Exponential>(
    hessian: &Mat<f64>,
    X: MatRef<'_, T>,
    targets: &Targets<'_>,
    penalty: &Penalty,
    start: Solution,
    stop: &Stop,
    control: &Control,
) -> Result<Solution> {
    let curvature = Curvature::new(hessian, control)?;
    let evaluate = |coef: &[f64]| -> Result<(f64, Vec<f64>)> {
        let (loss, mut gradient) = dense_value_gradient(X, targets, coef, control)?;
        let value = penalty.objective(loss, &mut gradient, coef, X.n_cols() + 1);
        Ok((value, gradient))
    };
    let mut at = start;
    let (mut value, mut gradient) = evaluate(&at.coef)?;
    check_finite(value, &gradient)?;
    let mut gain_before = f64::INFINITY;
    loop {
        at.gradient_max = largest(&gradient);
        let small = at.gradient_max <= stop.tol;
        let step = curvature.step(&gradient, control)?;
        let gain = half_product(&gradient, &step);
        let next: Vec<f64> = at.coef.iter().zip(&step).map(|(w, s)| w + s).collect();
        if at.n_iter == stop.max_iter {
            at.converged = small;
            return Ok(at);
        }
        // 4. Stop.
        if small && gain <= NEGLIGIBLE.min(stop.tol) {
            return Ok(Solution { coef: next, n_iter: at.n_iter + 1, converged: true, ..at });
        }
        if gain > 0.1 * gain_before {
            return Ok(at);
        }
        let (next_value, next_gradient) = evaluate(&next)?;
        if !decreases::<T>(value, &gradient, next_value, &next_gradient, gain) {
            return Ok(at);
        }
        (at.coef, value, gradient, gain_before) = (next, next_value, next_gradient, gain);
        at.n_iter += 1;
        control.advance(1);
    }
}

fn iterate<T: Exponential>(
    X: MatRef<'_, T>,
    targets: &Targets<'_>,
    penalty: &Penalty,
    start: Solution,
    stop: &Stop,
    control: &Control,
) -> Result<Found> {
    let Solution { mut coef, mut n_iter, .. } = start;
    // 2. Objective, gradient, Hessian.
    let mut at = expand(X, targets, penalty, &coef, control)?;
    check_finite(at.value, &at.gradient)?;
    loop {
        control.check()?;
        let gradient_max = largest(&at.gradient);
        let small = gradient_max <= stop.tol;
        let done = |coef, converged, hessian| Found {
            solution: Solution { coef, n_iter, converged, gradient_max },
            hessian,
        };
        if n_iter == stop.max_iter {
            return Ok(done(coef, small, at.hessian));
        }
        // 3. The step.
        let step = Curvature::new(&at.hessian, control)?.step(&at.gradient, control)?;
        let gain = half_product(&at.gradient, &step);
        // 4. Stop.
        if small && gain <= NEGLIGIBLE.min(stop.tol) {
            coef.iter_mut().zip(&step).for_each(|(w, s)| *w += s);
            let mut found = done(coef, true, at.hessian);
            found.solution.n_iter += 1;
            return Ok(found);
        }
        // 5. Halve while the objective does not decrease.
        let mut length = 1.0;
        let mut accepted = None;
        for _ in 0..MAX_HALVINGS {
            let next: Vec<f64> = coef.iter().zip(&step).map(|(w, s)| w + length * s).collect();
            let there = expand(X, targets, penalty, &next, control)?;
            let promised = length * gain;
            if decreases::<T>(at.value, &at.gradient, there.value, &there.gradient, promised) {
                accepted = Some((next, there));
                break;
            }
            length *= 0.5;
        }
        let Some((next, there)) = accepted else {
            let enough = gain <= 16.0 * rounding::<T>() * at.value.abs().max(1.0);
            return Ok(done(coef, enough, at.hessian));
        };
        coef = next;
        at = there;
        n_iter += 1;
        control.advance(1);
    }
}

/// Whether a step decreases the objective enough: the value or, where rounding hides the decrease,
/// the gradient.
fn decreases<T: Exponential>(
    value: f64,
    gradient: &[f64],
    next_value: f64,
    next_gradient: &[f64],
    gain: f64,
) -> bool {
    let norm = |x: &[f64]| x.iter().map(|value| value.abs()).sum::<f64>();
    let flat = (next_value - value).abs() <= rounding::<T>() * value.abs()
        && norm(next_gradient) < norm(gradient);
    flat || next_value <= value - 2e-4 * gain
}

/// Relative rounding error of the objective.
fn rounding<T: Exponential>() -> f64 {
    if T::IS_F64 { 1e-15 } else { 1e-7 }
}

fn largest(x: &[f64]) -> f64 {
    x.iter().fold(0.0_f64, |most, value| most.max(value.abs()))
}

/// What a Newton step gains: −½·gradient·step.
fn half_product(gradient: &[f64], step: &[f64]) -> f64 {
    -0.5 * gradient.iter().zip(step).map(|(g, s)| g * s).sum::<f64>()
}

/// A factored Hessian, or none where it has no factor.
struct Curvature(Option<Cholesky<f64>>);

impl Curvature {
    fn new(hessian: &Mat<f64>, control: &Control) -> Result<Self> {
        let p = hessian.n_rows();
        let most = (0..p).fold(0.0_f64, |most, j| most.max(hessian[(j, j)]));
        let mut ridge = 0.0;
        loop {
            let mut regular = hessian.clone();
            for j in 0..p {
                regular[(j, j)] += ridge;
            }
            if let Ok(factor) = cholesky(regular.view(), control) {
                let pivots = factor.factor();
                if (0..p).all(|j| pivots[(j, j)].powi(2) > 1e-14 * regular[(j, j)]) {
                    return Ok(Self(Some(factor)));
                }
            }
            control.check()?;
            ridge = if ridge == 0.0 { 1e-12 * most.max(f64::MIN_POSITIVE) } else { ridge * 100.0 };
            if ridge > 1e12 * most.max(1.0) || !ridge.is_finite() {
                return Ok(Self(None));
            }
        }
    }

    /// −H⁻¹·gradient.
    fn step(&self, gradient: &[f64], control: &Control) -> Result<Vec<f64>> {
        let Self(Some(factor)) = self else {
            return Ok(gradient.iter().map(|g| -g).collect());
        };
        Ok(factor.solve_vector(gradient, control)?.into_iter().map(|value| -value).collect())
    }
}
