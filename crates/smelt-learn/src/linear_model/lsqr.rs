//! LSQR (Paige and Saunders 1982): min ‖A w − y‖² + α‖w‖² by Golub–Kahan bidiagonalization.
//!
//! Cost: two products with A a step; the condition number enters once, not squared.  Stops when the
//! residual, or its gradient, is small against `tol`, or when the condition of A reaches 10⁸.

use smelt_core::{Control, Real, Result};

use super::conjugate_gradient::dot;
use super::design::Design;

/// Condition number at which LSQR gives up on digits that are not there.
const CONDITION_LIMIT: f64 = 1e8;

/// Solves for one target; returns the coefficients and the number of steps.
pub(super) fn lsqr<T: Real>(
    design: &Design<'_, T>,
    y: &[f64],
    alpha: f64,
    tol: f64,
    max_iter: Option<usize>,
    control: &Control,
) -> Result<(Vec<f64>, usize)> {
    let n_features = design.n_cols();
    let damping = alpha.sqrt();
    let mut w = vec![0.0; n_features];
    // 1. y = β u, Aᵀu = a v
    let mut u = y.to_vec();
    let mut beta = normalize(&mut u);
    let y_norm = beta;
    if beta == 0.0 {
        return Ok((w, 0));
    }
    let mut v = design.transposed(&u, control)?;
    let mut a = normalize(&mut v);
    if a == 0.0 {
        return Ok((w, 0));
    }
    let mut direction = v.clone();
    let (mut rho_bar, mut phi_bar) = (a, beta);
    let (mut a_norm_sq, mut d_norm_sq, mut damped_sq) = (0.0, 0.0, 0.0_f64);
    let mut steps = 0;
    while steps < max_iter.unwrap_or(2 * n_features) {
        steps += 1;
        // 2. the next pair of the bidiagonalization
        let image = design.times(&v, control)?;
        u.iter_mut().zip(&image).for_each(|(u, image)| *u = image - a * *u);
        beta = normalize(&mut u);
        a_norm_sq += a * a + beta * beta + alpha;
        if beta > 0.0 {
            let image = design.transposed(&u, control)?;
            v.iter_mut().zip(&image).for_each(|(v, image)| *v = image - beta * *v);
            a = normalize(&mut v);
        }
        // 3. rotate the damping away, then the subdiagonal
        let damped = rho_bar.hypot(damping);
        let psi = damping / damped * phi_bar;
        phi_bar *= rho_bar / damped;
        let rho = damped.hypot(beta);
        let (cosine, sine) = (damped / rho, beta / rho);
        let theta = sine * a;
        rho_bar = -cosine * a;
        let phi = cosine * phi_bar;
        phi_bar *= sine;
        // 4. move
        d_norm_sq += dot(&direction, &direction) / (rho * rho);
        for i in 0..n_features {
            w[i] += phi / rho * direction[i];
            direction[i] = v[i] - theta / rho * direction[i];
        }
        // 5. stop?
        damped_sq += psi * psi;
        let residual = phi_bar.hypot(damped_sq.sqrt());
        let a_norm = a_norm_sq.sqrt();
        let gradient = a * (sine * phi).abs();
        let fit = residual / y_norm;
        let reach = a_norm * dot(&w, &w).sqrt() / y_norm;
        let tol = tol.max(f64::EPSILON);
        if gradient <= tol * (a_norm * residual + f64::EPSILON)
            || fit <= tol * (1.0 + reach)
            || a_norm * d_norm_sq.sqrt() >= CONDITION_LIMIT
        {
            break;
        }
    }
    Ok((w, steps))
}

/// Scales a vector to length 1 and returns the length it had.
fn normalize(vector: &mut [f64]) -> f64 {
    let norm = dot(vector, vector).sqrt();
    if norm > 0.0 {
        vector.iter_mut().for_each(|value| *value /= norm);
    }
    norm
}
