//! Newton's method with a Cholesky factorization: X is read once a step.
//!
//! Cost of a step: n·p² flops for p = outputs × (features + 1) coefficients, and one pass over X.
//!
//! 1. Start from the optimum on every 16th row where there are plenty of rows: the steps there cost
//!    a sixteenth, and one or two steps on all rows then reach the optimum.
//! 2. One pass over blocks of rows: scores, loss, residuals, curvatures, gradient, Hessian.
//! 3. Solve H·step = −gradient; where H is singular, add to its diagonal until it is not.
//! 4. Stop when the gradient is small and the step would gain next to nothing; that step is still
//!    taken, it costs nothing.
//! 5. Halve steps that do not decrease the objective.
//!
//! Twin: `python/smelt/plain/linear_model/logistic_regression.py`.

use smelt_core::simd::vectorize;
use smelt_core::{Control, Mat, MatRef, Result, parallel};
use smelt_math::linalg::cholesky;

use super::logistic_regression::{Penalty, Solution, Stop};
use super::logistic_regression_dense::{
    Block, Targets, block_rows, check_finite, chunk_rows, gather, split_coef,
};
use super::logistic_regression_gram::add_weighted_gram;
use super::logistic_regression_loss::{Exponential, binary_block, softmax_block};
use super::logistic_regression_products::{add_gradient, block_scores};

/// One row in so many makes the sample.
const SAMPLE: usize = 16;
/// Rows of the sample per coefficient, at least.
const SAMPLE_ROWS: usize = 50;
/// Estimated gain below which a step is taken without looking back.
const NEGLIGIBLE: f64 = 1e-9;
/// Times a step is halved.
const MAX_HALVINGS: usize = 30;

/// The objective at a point, with its first two derivatives.
struct Expansion {
    value: f64,
    gradient: Vec<f64>,
    hessian: Mat<f64>,
}

/// Minimises from `coef`.  `cold` says that these are zeros, not a start that the user chose.
pub(super) fn newton<T: Exponential>(
    X: MatRef<'_, T>,
    targets: &Targets<'_>,
    penalty: &Penalty,
    mut coef: Vec<f64>,
    cold: bool,
    stop: &Stop,
    control: &Control,
) -> Result<Solution> {
    // 1. The optimum on a sample.
    let n_sample = X.n_rows() / SAMPLE;
    if cold && n_sample >= SAMPLE_ROWS * coef.len() {
        let zeros = coef.clone();
        let rows = gather(X, n_sample, |i| i * SAMPLE);
        let codes: Vec<i32> = (0..n_sample).map(|i| targets.codes[i * SAMPLE]).collect();
        let weight: Option<Vec<f64>> =
            targets.weight.map(|weight| (0..n_sample).map(|i| weight[i * SAMPLE]).collect());
        let total = weight.as_ref().map_or(n_sample as f64, |weight| weight.iter().sum());
        let sample =
            Targets { codes: &codes, weight: weight.as_deref(), n_outputs: targets.n_outputs };
        if total > 0.0 {
            let penalty = penalty.for_total(total);
            let stop = Stop { tol: stop.tol.max(1e-5), max_iter: stop.max_iter.min(12) };
            let found = iterate(rows.view(), &sample, &penalty, coef, &stop, control);
            coef = match found {
                Ok(solution) if solution.converged => solution.coef,
                Err(smelt_core::Error::Cancelled) => return Err(smelt_core::Error::Cancelled),
                _ => zeros,
            };
        }
    }
    iterate(X, targets, penalty, coef, stop, control)
}

fn iterate<T: Exponential>(
    X: MatRef<'_, T>,
    targets: &Targets<'_>,
    penalty: &Penalty,
    mut coef: Vec<f64>,
    stop: &Stop,
    control: &Control,
) -> Result<Solution> {
    // 2. Objective, gradient, Hessian.
    let mut at = expand(X, targets, penalty, &coef, control)?;
    check_finite(at.value, &at.gradient)?;
    let rounding = if T::IS_F64 { 1e-15 } else { 1e-7 };
    let mut n_iter = 0;
    loop {
        control.check()?;
        let gradient_max = at.gradient.iter().fold(0.0_f64, |most, g| most.max(g.abs()));
        let small = gradient_max <= stop.tol;
        let done = |coef, converged| Solution { coef, n_iter, converged, gradient_max };
        if n_iter == stop.max_iter {
            return Ok(done(coef, small));
        }
        // 3. The step.
        let step = solve(&at, control)?;
        let gain: f64 = -0.5 * at.gradient.iter().zip(&step).map(|(g, s)| g * s).sum::<f64>();
        // 4. Stop.
        if small && gain <= NEGLIGIBLE.min(stop.tol) {
            coef.iter_mut().zip(&step).for_each(|(w, s)| *w += s);
            return Ok(Solution { coef, n_iter: n_iter + 1, converged: true, gradient_max });
        }
        // 5. Halve while the objective does not decrease.
        let mut length = 1.0;
        let mut accepted = None;
        for _ in 0..MAX_HALVINGS {
            let next: Vec<f64> = coef.iter().zip(&step).map(|(w, s)| w + length * s).collect();
            let there = expand(X, targets, penalty, &next, control)?;
            let enough = there.value <= at.value - 1e-4 * length * 2.0 * gain;
            let flat = (there.value - at.value).abs() <= rounding * at.value.abs()
                && norm(&there.gradient) < norm(&at.gradient);
            if enough || flat {
                accepted = Some((next, there));
                break;
            }
            length *= 0.5;
        }
        let Some((next, there)) = accepted else {
            return Ok(done(coef, gain <= 16.0 * rounding * at.value.abs().max(1.0)));
        };
        coef = next;
        at = there;
        n_iter += 1;
        control.advance(1);
    }
}

fn norm(x: &[f64]) -> f64 {
    x.iter().map(|value| value.abs()).sum()
}

/// −H⁻¹·gradient.
fn solve(at: &Expansion, control: &Control) -> Result<Vec<f64>> {
    let p = at.gradient.len();
    let most = (0..p).fold(0.0_f64, |most, j| most.max(at.hessian[(j, j)]));
    let mut ridge = 0.0;
    loop {
        let mut hessian = at.hessian.clone();
        for j in 0..p {
            hessian[(j, j)] += ridge;
        }
        if let Ok(factor) = cholesky(hessian.view(), control) {
            let pivots = factor.factor();
            let safe = (0..p).all(|j| pivots[(j, j)].powi(2) > 1e-14 * hessian[(j, j)]);
            let step = factor.solve_vector(&at.gradient, control)?;
            if safe && step.iter().all(|value| value.is_finite()) {
                return Ok(step.into_iter().map(|value| -value).collect());
            }
        }
        control.check()?;
        ridge = if ridge == 0.0 { 1e-12 * most.max(f64::MIN_POSITIVE) } else { ridge * 100.0 };
        if ridge > 1e12 * most.max(1.0) {
            return Ok(at.gradient.iter().map(|g| -g).collect());
        }
    }
}

fn expand<T: Exponential>(
    X: MatRef<'_, T>,
    targets: &Targets<'_>,
    penalty: &Penalty,
    coef: &[f64],
    control: &Control,
) -> Result<Expansion> {
    let (n, d, k) = (X.n_rows(), X.n_cols(), targets.n_outputs);
    let n_pairs = k * (k + 1) / 2;
    let (weights, intercepts) = split_coef::<T>(coef, d, k);
    let block = block_rows::<T>(d);
    let chunk = chunk_rows(n, n_pairs * (d + 1) * d, block);
    let cost_ns = (n_pairs * d * d) as f64 * 0.04 + d as f64;
    let parts = parallel::map_chunks(n, chunk, cost_ns, |_, range| -> Result<Sums> {
        let mut sums = Sums::new(d, k);
        for start in range.clone().step_by(block) {
            control.check()?;
            let rows = start..(start + block).min(range.end);
            let x = Block::new(X, rows.clone());
            let targets = targets.rows(rows);
            sums.add_block(x.view(), &targets, &weights, &intercepts);
        }
        Ok(sums)
    });
    let mut sums = Sums::new(d, k);
    for part in parts {
        sums.add(&part?);
    }
    Ok(sums.finish(penalty, coef))
}

/// Sums over rows: loss, gradient, and for each pair of outputs the Gram matrix and the weighted sum
/// of the rows.
struct Sums {
    d: usize,
    k: usize,
    loss: f64,
    gradient: Vec<f64>,
    grams: Vec<f64>,
    /// Σ h·(x, 1), d + 1 numbers a pair.
    edges: Vec<f64>,
}

impl Sums {
    fn new(d: usize, k: usize) -> Self {
        let n_pairs = k * (k + 1) / 2;
        Self {
            d,
            k,
            loss: 0.0,
            gradient: vec![0.0; k * (d + 1)],
            grams: vec![0.0; n_pairs * d * d],
            edges: vec![0.0; n_pairs * (d + 1)],
        }
    }

    fn add(&mut self, other: &Self) {
        self.loss += other.loss;
        for (sums, values) in [
            (&mut self.gradient, &other.gradient),
            (&mut self.grams, &other.grams),
            (&mut self.edges, &other.edges),
        ] {
            sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
        }
    }

    fn add_block<T: Exponential>(
        &mut self,
        x: MatRef<'_, T>,
        targets: &Targets<'_>,
        weights: &Mat<T>,
        intercepts: &[T],
    ) {
        let (n, d, k) = (x.n_rows(), self.d, self.k);
        let mut scores = vec![T::ZERO; n * k];
        let mut h = vec![T::ZERO; n];
        let mut packed = Vec::new();
        block_scores(x, weights, intercepts, &mut scores);
        if k == 1 {
            let mut losses = vec![T::ZERO; n];
            self.loss += vectorize(
                #[inline(always)]
                || binary_block(&mut scores, &mut h, &mut losses, targets.codes, targets.weight),
            );
            add_gradient(x, &scores, 1, &mut self.gradient);
            add_gradient(x, &h, 1, &mut self.edges);
            add_weighted_gram(x, &h, &mut packed, &mut self.grams);
            return;
        }
        self.loss += vectorize(
            #[inline(always)]
            || softmax_block(&mut scores, k, targets.codes, targets.weight, false),
        );
        let mut pair = 0;
        for a in 0..k {
            for b in 0..=a {
                for (i, p) in scores.chunks_exact(k).enumerate() {
                    let s = targets.weight.map_or(T::ONE, |weight| T::from_f64(weight[i]));
                    h[i] = s * p[a] * if a == b { T::ONE - p[b] } else { -p[b] };
                }
                let edge = &mut self.edges[pair * (d + 1)..(pair + 1) * (d + 1)];
                add_gradient(x, &h, 1, edge);
                let gram = &mut self.grams[pair * d * d..(pair + 1) * d * d];
                add_weighted_gram(x, &h, &mut packed, gram);
                pair += 1;
            }
        }
        for (i, row) in scores.chunks_exact_mut(k).enumerate() {
            let s = targets.weight.map_or(T::ONE, |weight| T::from_f64(weight[i]));
            for (c, p) in row.iter_mut().enumerate() {
                let own = if targets.codes[i] as usize == c { T::ONE } else { T::ZERO };
                *p = s * (*p - own);
            }
        }
        add_gradient(x, &scores, k, &mut self.gradient);
    }

    /// Divides by the total weight, adds the penalty, and puts the Hessian together.
    fn finish(self, penalty: &Penalty, coef: &[f64]) -> Expansion {
        let (d, k) = (self.d, self.k);
        let width = d + 1;
        let mut hessian = Mat::zeros(k * width, k * width);
        let mut pair = 0;
        for a in 0..k {
            for b in 0..=a {
                let gram = &self.grams[pair * d * d..(pair + 1) * d * d];
                let edge = &self.edges[pair * width..(pair + 1) * width];
                for i in 0..=d {
                    for j in 0..=i {
                        let value = if i < d { gram[i * d + j] } else { edge[j] } / penalty.total;
                        let (row, column) = (a * width + i, b * width + j);
                        hessian[(row, column)] = value;
                        hessian[(a * width + j, b * width + i)] = value;
                    }
                }
                pair += 1;
            }
        }
        let mut value = self.loss / penalty.total;
        let mut gradient = self.gradient;
        gradient.iter_mut().for_each(|g| *g /= penalty.total);
        value += penalty.add(coef, &mut gradient, width);
        penalty.add_curvature(&mut hessian, width, k);
        Expansion { value, gradient, hessian }
    }
}
