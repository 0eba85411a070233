//! Conjugate gradients for `(AᵀA + αI) w = Aᵀ y`, or `(AAᵀ + αI) c = y`, `w = Aᵀc` where A is wide.
//!
//! Cost: two products with A a step.  Stops when ‖residual‖ ≤ tol · ‖right side‖.

use smelt_core::{Control, Real, Result};

use super::design::Design;

/// Solves for one target; returns the coefficients and the number of steps.
pub(super) fn conjugate_gradient<T: Real>(
    design: &Design<'_, T>,
    y: &[f64],
    alpha: f64,
    tol: f64,
    max_iter: Option<usize>,
    control: &Control,
) -> Result<(Vec<f64>, usize)> {
    let wide = design.n_cols() > design.n_rows();
    let right = if wide { y.to_vec() } else { design.transposed(y, control)? };
    let apply = |v: &[f64]| -> Result<Vec<f64>> {
        let mut out = if wide {
            design.times(&design.transposed(v, control)?, control)?
        } else {
            design.transposed(&design.times(v, control)?, control)?
        };
        out.iter_mut().zip(v).for_each(|(out, v)| *out += alpha * v);
        Ok(out)
    };
    // 1. start at zero: the residual is the right side
    let mut solution = vec![0.0; right.len()];
    let mut residual = right;
    let mut direction = residual.clone();
    let mut size = dot(&residual, &residual);
    let enough = tol * tol * size;
    let limit = if wide { None } else { max_iter }.unwrap_or(10 * solution.len());
    let mut steps = 0;
    while size > enough && size > 0.0 && steps < limit {
        // 2. the best step along the direction
        let image = apply(&direction)?;
        let curvature = dot(&direction, &image);
        if curvature <= 0.0 {
            break;
        }
        let step = size / curvature;
        for i in 0..solution.len() {
            solution[i] += step * direction[i];
            residual[i] -= step * image[i];
        }
        // 3. the next direction, conjugate to all before
        let next = dot(&residual, &residual);
        let ratio = next / size;
        for (direction, residual) in direction.iter_mut().zip(&residual) {
            *direction = residual + ratio * *direction;
        }
        size = next;
        steps += 1;
    }
    let coef = if wide { design.transposed(&solution, control)? } else { solution };
    Ok((coef, steps))
}

/// x · y in one fixed order.
pub(super) fn dot(x: &[f64], y: &[f64]) -> f64 {
    smelt_core::simd::vectorize(
        #[inline(always)]
        || smelt_core::simd::dot(x, y),
    )
}
