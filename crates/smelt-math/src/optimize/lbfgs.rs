//! L-BFGS with a preconditioner: quasi-Newton steps from the last few changes of the gradient.
//!
//! Cost: one evaluation of the objective a step (more only when a step is refused), one application
//! of the preconditioner, and 4·memory vector operations.
//!
//! 1. Direction −B·g by the two-loop recursion; its kernel is the preconditioner, scaled so that the
//!    latest pair is met.
//! 2. Step length: 1 unless that does not decrease the objective enough, then the minimum of the
//!    cubic through both ends, kept between a tenth and a half of the step before.
//! 3. Keep the pair (change of point, change of gradient) where its curvature is positive.
//! 4. Stop when the largest entry of the gradient and half of gᵀ·M⁻¹·g, an estimate of what is left
//!    to gain, are both small.
//!
//! Twin: `python/smelt/plain/linear_model/logistic_regression.py` (steps 1 to 4 as they are used
//! there).
//!
//! Reference: Nocedal and Wright, Numerical Optimization, 2nd edition, algorithms 7.4 and 7.5;
//! Hager and Zhang (2005) for the test of steps near rounding.

use std::collections::VecDeque;

use smelt_core::simd::{axpy, dot, vectorize};
use smelt_core::{Control, Result};

/// A smooth function to minimise.
pub trait Objective {
    /// Value at `point`; writes the gradient.
    fn evaluate(&mut self, point: &[f64], gradient: &mut [f64]) -> Result<f64>;

    /// Looks at `point` before step number `step`, renews the preconditioner where that pays, and says
    /// whether it did.
    fn prepare(&mut self, point: &[f64], step: usize) -> Result<bool>;

    /// Replaces a gradient by M⁻¹ times it, M being an approximation of the Hessian.
    fn precondition(&self, gradient: &mut [f64]) -> Result<()>;
}

/// When to stop, and how much to remember.
#[derive(Debug, Clone)]
pub struct LbfgsParams {
    /// Pairs kept.
    pub memory: usize,
    /// Steps at most.
    pub max_iter: usize,
    /// Bound of the largest absolute entry of the gradient.
    pub gradient_tol: f64,
    /// Bound of the estimated distance to the minimum of the objective.
    pub gain_tol: f64,
    /// Relative rounding error of a value; steps that change less cannot be judged by their value.
    pub rounding: f64,
}

/// Where the search ended.
#[derive(Debug, Clone)]
pub struct LbfgsFit {
    /// Value at the last point.
    pub value: f64,
    /// Steps taken.
    pub n_iter: usize,
    /// Whether both bounds hold, or nothing is left to gain within rounding.
    pub converged: bool,
    /// Largest absolute entry of the gradient at the last point.
    pub gradient_max: f64,
}

/// Refused step lengths before the search gives up.
const MAX_TRIALS: usize = 30;
/// Share of the promised decrease that a step must keep.
const DECREASE: f64 = 1e-4;

/// A change of the point and the change of the gradient along it.
struct Pair {
    point: Vec<f64>,
    gradient: Vec<f64>,
    product: f64,
}

/// Minimises `objective` from `point`, which it moves.
pub fn lbfgs(
    objective: &mut impl Objective,
    point: &mut Vec<f64>,
    params: &LbfgsParams,
    control: &Control,
) -> Result<LbfgsFit> {
    let n = point.len();
    let mut gradient = vec![0.0; n];
    let mut value = objective.evaluate(point, &mut gradient)?;
    let mut pairs: VecDeque<Pair> = VecDeque::with_capacity(params.memory + 1);
    // M⁻¹ times the gradient before the last step, while M is the same.
    let mut scaled_before: Option<Vec<f64>> = None;
    let mut n_iter = 0;
    loop {
        control.check()?;
        if objective.prepare(point, n_iter)? {
            scaled_before = None;
        }
        // 4. Stop: the gradient and what is left to gain.
        let mut scaled = gradient.clone();
        objective.precondition(&mut scaled)?;
        let gain = 0.5 * product(&gradient, &scaled);
        let gradient_max = largest(&gradient);
        let done = |converged| LbfgsFit { value, n_iter, converged, gradient_max };
        if !value.is_finite() || gradient_max.is_nan() {
            return Ok(done(false));
        }
        if gradient_max <= params.gradient_tol && gain <= params.gain_tol {
            return Ok(done(true));
        }
        if n_iter == params.max_iter {
            return Ok(done(gradient_max <= params.gradient_tol));
        }
        // 1. Direction.
        let mut direction =
            direction(objective, &gradient, &scaled, scaled_before.as_deref(), &pairs)?;
        let mut slope = product(&gradient, &direction);
        if slope >= 0.0 {
            pairs.clear();
            direction = gradient.clone();
            objective.precondition(&mut direction)?;
            direction.iter_mut().for_each(|entry| *entry = -*entry);
            slope = product(&gradient, &direction);
        }
        // 2. Step length.
        let mut step = 1.0;
        let mut accepted = None;
        for _ in 0..MAX_TRIALS {
            let mut next = point.clone();
            vectorize(
                #[inline(always)]
                || axpy(step, &direction, &mut next),
            );
            let mut next_gradient = vec![0.0; n];
            let next_value = objective.evaluate(&next, &mut next_gradient)?;
            let next_slope = product(&next_gradient, &direction);
            let enough = next_value <= value + DECREASE * step * slope;
            let flat = (next_value - value).abs() <= params.rounding * value.abs()
                && next_slope.abs() <= 0.9 * slope.abs();
            if enough || flat {
                accepted = Some((next, next_gradient, next_value));
                break;
            }
            step = shorter(step, value, slope, next_value, next_slope);
        }
        let Some((next, next_gradient, next_value)) = accepted else {
            return Ok(done(gain <= params.rounding * value.abs().max(1.0) * 16.0));
        };
        // 3. The new pair.
        let moved: Vec<f64> = next.iter().zip(point.iter()).map(|(a, b)| a - b).collect();
        let turned: Vec<f64> = next_gradient.iter().zip(&gradient).map(|(a, b)| a - b).collect();
        let curvature = product(&moved, &turned);
        if curvature
            > f64::EPSILON * product(&turned, &turned).sqrt() * product(&moved, &moved).sqrt()
        {
            pairs.push_back(Pair { point: moved, gradient: turned, product: curvature });
            if pairs.len() > params.memory {
                pairs.pop_front();
            }
        }
        scaled_before = Some(scaled);
        *point = next;
        gradient = next_gradient;
        value = next_value;
        n_iter += 1;
        control.advance(1);
    }
}

/// −B·g.  `scaled` is M⁻¹·g, `scaled_before` the same at the point before, if M has not changed.
fn direction(
    objective: &impl Objective,
    gradient: &[f64],
    scaled: &[f64],
    scaled_before: Option<&[f64]>,
    pairs: &VecDeque<Pair>,
) -> Result<Vec<f64>> {
    let Some(latest) = pairs.back() else {
        return Ok(scaled.iter().map(|entry| -entry).collect());
    };
    let mut out = gradient.to_vec();
    let mut weights = Vec::with_capacity(pairs.len());
    for pair in pairs.iter().rev() {
        let weight = product(&pair.point, &out) / pair.product;
        vectorize(
            #[inline(always)]
            || axpy(-weight, &pair.gradient, &mut out),
        );
        weights.push(weight);
    }
    let kernel = match scaled_before {
        Some(before) => scaled.iter().zip(before).map(|(now, before)| now - before).collect(),
        None => {
            let mut kernel = latest.gradient.clone();
            objective.precondition(&mut kernel)?;
            kernel
        }
    };
    let scale = latest.product / product(&latest.gradient, &kernel);
    objective.precondition(&mut out)?;
    out.iter_mut().for_each(|entry| *entry *= scale);
    for (pair, weight) in pairs.iter().zip(weights.iter().rev()) {
        let back = product(&pair.gradient, &out) / pair.product;
        vectorize(
            #[inline(always)]
            || axpy(weight - back, &pair.point, &mut out),
        );
    }
    out.iter_mut().for_each(|entry| *entry = -*entry);
    Ok(out)
}

/// The next step length after `step` was refused.
fn shorter(step: f64, value: f64, slope: f64, next_value: f64, next_slope: f64) -> f64 {
    let theta = slope + next_slope - 3.0 * (next_value - value) / step;
    let root = (theta * theta - slope * next_slope).sqrt();
    let best = step * (1.0 - (next_slope + root - theta) / (next_slope - slope + 2.0 * root));
    if best.is_finite() { best.clamp(0.1 * step, 0.5 * step) } else { 0.1 * step }
}

/// x · y in a fixed order.
fn product(x: &[f64], y: &[f64]) -> f64 {
    vectorize(
        #[inline(always)]
        || dot(x, y),
    )
}

/// Largest absolute entry; NaN if there is one.
fn largest(x: &[f64]) -> f64 {
    x.iter().fold(0.0, |most: f64, entry| {
        if entry.is_nan() || most.is_nan() { f64::NAN } else { most.max(entry.abs()) }
    })
}

#[cfg(test)]
mod tests {
    use super::{Control, LbfgsParams, Objective, Result, lbfgs};

    /// Σ cosh(scaleᵢ·(xᵢ − i)), whose minimum is at x = (0, 1, 2, …).
    struct Bowl {
        scales: Vec<f64>,
        preconditioned: bool,
        n_evaluations: usize,
    }

    impl Objective for Bowl {
        fn evaluate(&mut self, point: &[f64], gradient: &mut [f64]) -> Result<f64> {
            self.n_evaluations += 1;
            let mut value = 0.0;
            for (i, (&x, scale)) in point.iter().zip(&self.scales).enumerate() {
                let t = scale * (x - i as f64);
                value += t.cosh();
                gradient[i] = scale * t.sinh();
            }
            Ok(value)
        }

        fn prepare(&mut self, _: &[f64], _: usize) -> Result<bool> {
            Ok(false)
        }

        fn precondition(&self, gradient: &mut [f64]) -> Result<()> {
            if self.preconditioned {
                gradient.iter_mut().zip(&self.scales).for_each(|(g, scale)| *g /= scale * scale);
            }
            Ok(())
        }
    }

    fn minimise(preconditioned: bool) -> (usize, Vec<f64>) {
        let scales = (0..40).map(|i| 10_f64.powf(f64::from(i) / 40.0)).collect();
        let mut bowl = Bowl { scales, preconditioned, n_evaluations: 0 };
        let mut point = vec![-0.5; 40];
        point.iter_mut().enumerate().for_each(|(i, x)| *x += i as f64);
        let params = LbfgsParams {
            memory: 10,
            max_iter: 500,
            gradient_tol: 1e-9,
            gain_tol: 1e-12,
            rounding: 1e-15,
        };
        let fit = lbfgs(&mut bowl, &mut point, &params, &Control::new()).unwrap();
        assert!(fit.converged, "{fit:?}");
        assert!((fit.value - 40.0).abs() < 1e-12, "{fit:?}");
        (bowl.n_evaluations, point)
    }

    #[test]
    fn finds_the_minimum_and_the_preconditioner_saves_steps() {
        let (plain_evaluations, plain) = minimise(false);
        let (evaluations, point) = minimise(true);
        assert!(evaluations < plain_evaluations, "{evaluations} {plain_evaluations}");
        for (i, (a, b)) in plain.iter().zip(&point).enumerate() {
            assert!((a - i as f64).abs() < 1e-8 && (b - i as f64).abs() < 1e-8);
        }
    }

    #[test]
    fn gives_up_after_max_iter() {
        let mut bowl = Bowl { scales: vec![1.0; 5], preconditioned: false, n_evaluations: 0 };
        let params = LbfgsParams {
            memory: 3,
            max_iter: 0,
            gradient_tol: 1e-9,
            gain_tol: 1.0,
            rounding: 1e-15,
        };
        let fit = lbfgs(&mut bowl, &mut vec![3.0; 5], &params, &Control::new()).unwrap();
        assert!(!fit.converged && fit.n_iter == 0);
    }
}
