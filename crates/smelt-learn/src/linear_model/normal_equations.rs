//! Solving `A w = b` with a Gram matrix A, and telling when its digits do not suffice.
//!
//! The normal equations square the condition number, so a solution counts only while the
//! condition of A, after scaling its diagonal to one, stays below a limit that the caller names.

use smelt_core::{Control, Error, Mat, Result};
use smelt_math::linalg::{Cholesky, cholesky};

use super::conjugate_gradient::dot;

/// Cholesky factor of D A D, where D scales the diagonal to one.
pub(super) struct Factored {
    factor: Cholesky<f64>,
    scale: Vec<f64>,
    /// Estimated condition number of D A D.
    pub(super) condition: f64,
}

/// Factors A + `alpha`·I; nothing where it is not positive definite in floating point.
pub(super) fn factor(a: &Mat<f64>, alpha: f64, control: &Control) -> Result<Option<Factored>> {
    let d = a.n_rows();
    // 1. scale
    let scale: Vec<f64> = (0..d).map(|j| 1.0 / (a[(j, j)] + alpha).sqrt()).collect();
    if !scale.iter().all(|scale| scale.is_finite()) {
        return Ok(None);
    }
    let mut scaled = Mat::zeros(d, d);
    for i in 0..d {
        let row = scaled.row_mut(i).iter_mut().zip(a.row(i)).zip(&scale);
        row.for_each(|((out, value), factor)| *out = value * factor * scale[i]);
        scaled[(i, i)] = 1.0;
    }
    // 2. factor
    let factor = match cholesky(scaled.view(), control) {
        Ok(factor) => factor,
        Err(Error::Numeric(_)) => return Ok(None),
        Err(error) => return Err(error),
    };
    // 3. the smallest eigenvalue by inverse iteration, the largest by the row sums
    let mut vector: Vec<f64> = (0..d).map(|i| 1.0 + (i as f64 * 0.7).sin() * 0.5).collect();
    let mut smallest = 1.0_f64;
    for _ in 0..4 {
        let norm = dot(&vector, &vector).sqrt();
        vector.iter_mut().for_each(|value| *value /= norm);
        vector = factor.solve_vector(&vector, control)?;
        smallest = 1.0 / dot(&vector, &vector).sqrt();
    }
    let row_sum = |i: usize| scaled.row(i).iter().map(|value| value.abs()).sum::<f64>();
    let largest = (0..d).map(row_sum).fold(1.0, f64::max);
    let condition = largest / smallest;
    Ok(condition.is_finite().then_some(Factored { factor, scale, condition }))
}

impl Factored {
    /// Solves for all columns of `b` (d × t).
    pub(super) fn solve(&self, b: &Mat<f64>, control: &Control) -> Result<Mat<f64>> {
        let scaled = self.scaled(b);
        let solution = self.factor.solve(scaled.view(), control)?;
        Ok(self.scaled(&solution))
    }

    /// The factor L of A itself: A = L Lᵀ.
    pub(super) fn triangle(&self) -> Mat<f64> {
        let mut factor = self.factor.factor().clone();
        for (i, scale) in self.scale.iter().enumerate() {
            factor.row_mut(i).iter_mut().for_each(|value| *value /= scale);
        }
        factor
    }

    fn scaled(&self, b: &Mat<f64>) -> Mat<f64> {
        let mut out = b.clone();
        for (i, scale) in self.scale.iter().enumerate() {
            out.row_mut(i).iter_mut().for_each(|value| *value *= scale);
        }
        out
    }
}
