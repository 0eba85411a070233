//! Preconditioned L-BFGS for the logistic loss: one pass over X a step.
//!
//! Cost of a step: 4·n·d·k flops (or 4 for each stored entry and output of a sparse X).  The
//! preconditioner makes the steps few: it is the Hessian of each output on a sample of rows, renewed
//! a few times while the probabilities still change.
//!
//! Twin: `python/smelt/plain/linear_model/logistic_regression.py`.

use std::marker::PhantomData;

use smelt_core::{Control, Result};
use smelt_math::linalg::Scalar;
use smelt_math::optimize::{LbfgsParams, Objective, lbfgs};

use super::logistic_regression::{Penalty, Solution, Stop};
use super::logistic_regression_dense::{Targets, check_finite};
use super::logistic_regression_loss::Exponential;
use super::logistic_regression_precondition::{Design, Preconditioner};

/// Steps before which the preconditioner is renewed.
const RENEW: [usize; 6] = [0, 3, 8, 20, 50, 150];
/// Pairs kept.
const MEMORY: usize = 10;

struct Loss<'a, T, D> {
    design: &'a D,
    targets: &'a Targets<'a>,
    penalty: &'a Penalty,
    preconditioner: Option<Preconditioner>,
    control: &'a Control,
    scalar: PhantomData<T>,
}

impl<T: Exponential + Scalar, D: Design<T>> Objective for Loss<'_, T, D> {
    fn evaluate(&mut self, point: &[f64], gradient: &mut [f64]) -> Result<f64> {
        let (loss, sums) = self.design.value_gradient(self.targets, point, self.control)?;
        gradient.copy_from_slice(&sums);
        let value = self.penalty.objective(loss, gradient, point, self.design.n_cols() + 1);
        if self.preconditioner.is_none() {
            check_finite(value, gradient)?;
        }
        Ok(value)
    }

    fn prepare(&mut self, point: &[f64], step: usize) -> Result<bool> {
        let due = RENEW.contains(&step);
        if due {
            let (design, targets) = (self.design, self.targets);
            let made = Preconditioner::new(design, targets, self.penalty, point, self.control)?;
            self.preconditioner = Some(made);
        }
        Ok(due)
    }

    fn precondition(&self, gradient: &mut [f64]) -> Result<()> {
        match &self.preconditioner {
            Some(preconditioner) => preconditioner.apply(gradient, self.control),
            None => Ok(()),
        }
    }
}

/// Minimises from `coef`.
pub(super) fn quasi_newton<T: Exponential + Scalar>(
    design: &impl Design<T>,
    targets: &Targets<'_>,
    penalty: &Penalty,
    mut coef: Vec<f64>,
    stop: &Stop,
    control: &Control,
) -> Result<Solution> {
    let mut objective =
        Loss { design, targets, penalty, preconditioner: None, control, scalar: PhantomData };
    let params = LbfgsParams {
        memory: MEMORY,
        max_iter: stop.max_iter,
        gradient_tol: stop.tol,
        gain_tol: 0.01 * stop.tol,
        rounding: if T::IS_F64 { 1e-15 } else { 1e-7 },
    };
    let fit = lbfgs(&mut objective, &mut coef, &params, control)?;
    Ok(Solution {
        coef,
        n_iter: fit.n_iter,
        converged: fit.converged,
        gradient_max: fit.gradient_max,
    })
}
