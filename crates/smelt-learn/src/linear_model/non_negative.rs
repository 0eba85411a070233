//! Least squares with w ≥ 0 from the normal equations: min ½ wᵀA w − bᵀw (Lawson and Hanson 1974,
//! with the Gram matrix as Bro and De Jong 1997 have it).
//!
//! Cost: one Cholesky factorization of the free part a step; as a rule as many steps as there are
//! positive coefficients.

use smelt_core::{Control, Mat, Result};
use smelt_math::linalg::{cholesky, lstsq};

/// Solves for one target; returns the coefficients and the number of steps.
pub(super) fn non_negative(
    a: &Mat<f64>,
    b: &[f64],
    control: &Control,
) -> Result<(Vec<f64>, usize)> {
    let d = b.len();
    // 1. columns of one length, so that gradients can be compared
    let scale: Vec<f64> =
        (0..d).map(|j| if a[(j, j)] > 0.0 { 1.0 / a[(j, j)].sqrt() } else { 0.0 }).collect();
    let at = |i: usize, j: usize| a[(i, j)] * scale[i] * scale[j];
    let b: Vec<f64> = b.iter().zip(&scale).map(|(b, scale)| b * scale).collect();
    let largest = b.iter().fold(0.0_f64, |most, b| most.max(b.abs()));
    let tolerance = 10.0 * f64::EPSILON * d as f64 * largest;
    let mut w = vec![0.0; d];
    let mut free: Vec<usize> = Vec::new();
    let mut steps = 0;
    while steps < 3 * d.max(10) {
        control.check()?;
        // 2. free the coefficient along which the objective falls fastest
        let slope = |j: usize| b[j] - free.iter().map(|&i| at(j, i) * w[i]).sum::<f64>();
        let mut steepest = (tolerance, None);
        for j in (0..d).filter(|j| scale[*j] > 0.0 && !free.contains(j)) {
            let slope = slope(j);
            if slope > steepest.0 {
                steepest = (slope, Some(j));
            }
        }
        let Some(entering) = steepest.1 else { break };
        free.push(entering);
        steps += 1;
        // 3. solve for the free ones; while some turn negative, go to the border and fix those
        loop {
            let target = solve(&free, &at, &b, control)?;
            let mut step = 1.0_f64;
            for (&j, &goal) in free.iter().zip(&target) {
                if goal <= 0.0 {
                    step = step.min(w[j] / (w[j] - goal));
                }
            }
            let inside = target.iter().all(|&goal| goal > 0.0);
            for (&j, &goal) in free.iter().zip(&target) {
                w[j] = if inside { goal } else { w[j] + step * (goal - w[j]) };
                if !inside && goal <= 0.0 && w[j] <= f64::EPSILON * goal.abs() {
                    w[j] = 0.0;
                }
            }
            if inside {
                break;
            }
            let before = free.len();
            free.retain(|&j| w[j] > 0.0);
            if free.is_empty() || free.len() == before {
                break;
            }
        }
    }
    w.iter_mut().zip(&scale).for_each(|(w, scale)| *w *= scale);
    Ok((w, steps))
}

/// The unconstrained solution over the columns in `free`.
fn solve(
    free: &[usize],
    at: &impl Fn(usize, usize) -> f64,
    b: &[f64],
    control: &Control,
) -> Result<Vec<f64>> {
    let n = free.len();
    let mut part = Mat::zeros(n, n);
    for (i, &row) in free.iter().enumerate() {
        for (j, &column) in free.iter().enumerate() {
            part[(i, j)] = at(row, column);
        }
    }
    let right: Vec<f64> = free.iter().map(|&j| b[j]).collect();
    match cholesky(part.view(), control) {
        Ok(factor) => factor.solve_vector(&right, control),
        Err(smelt_core::Error::Numeric(_)) => {
            let right = Mat::from_vec(right, n, 1)?;
            Ok(lstsq(part.view(), right.view(), None, control)?.solution.into_vec())
        }
        Err(error) => Err(error),
    }
}
