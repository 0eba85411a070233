//! One pass over dense rows: loss, gradient and Hessian of a block while it lies in the cache.
//!
//! Cost: n·p² flops for p = outputs × (features + 1) coefficients; X is read from memory once.  For
//! each block of rows: scores, residuals and curvatures, gradient, and for each pair of outputs a
//! weighted Gram matrix (`logistic_regression_gram.rs`).

use smelt_core::simd::vectorize;
use smelt_core::{Control, Mat, MatRef, Result, parallel};

use super::logistic_regression::Penalty;
use super::logistic_regression_dense::{Block, Targets, block_rows, chunk_rows, split_coef};
use super::logistic_regression_gram::add_weighted_gram;
use super::logistic_regression_loss::{Exponential, binary_block, softmax_block};
use super::logistic_regression_products::{add_gradient, block_scores};

/// The objective at a point, with its first two derivatives.
pub(super) struct Expansion {
    pub value: f64,
    pub gradient: Vec<f64>,
    pub hessian: Mat<f64>,
}

/// The expansion at `coef`.
pub(super) fn expand<T: Exponential>(
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
        let mut gradient = self.gradient;
        let value = penalty.objective(self.loss, &mut gradient, coef, width);
        penalty.add_curvature(&mut hessian, width, k);
        Expansion { value, gradient, hessian }
    }
}
