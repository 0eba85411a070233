//! Preconditioner of the gradient: the Hessian, one output at a time, on a sample of the rows.
//!
//! Cost: samples × columns² flops for each output, a few times in a fit.
//!
//! 1. Probabilities of the candidate rows: all of them, or evenly spaced ones of a long X.
//! 2. For each output, curvatures h = s·p·(1 − p) and the diagonal Σ h·x².
//! 3. For the heaviest columns (all of them, where X is dense and not very wide) and the intercept,
//!    the Gram matrix Σ h·x·x' on rows drawn in proportion to h: systematically, without chance.
//! 4. Add the penalty, factor; the other columns keep their diagonal alone.

use std::sync::Arc;

use smelt_core::simd::{sum, vectorize};
use smelt_core::{Control, Error, Mat, Result, parallel};
use smelt_math::linalg::{Cholesky, Scalar, cholesky, syrk};

use super::logistic_regression::Penalty;
use super::logistic_regression_dense::Targets;
use super::logistic_regression_loss::{Exponential, softmax_block};

/// Rows drawn for each column of the Gram matrix.
const ROWS_PER_COLUMN: usize = 8;
/// Candidate rows per drawn row.
const CANDIDATES: usize = 16;
/// Probabilities kept at once, in numbers.
const MOST_PROBABILITIES: usize = 20_000_000;

/// What the solver asks of X.
pub(super) trait Design<T>: Sync {
    /// Number of rows.
    fn n_rows(&self) -> usize;
    /// Number of columns.
    fn n_cols(&self) -> usize;
    /// Most columns in the Gram matrix of the preconditioner.
    fn most_head(&self) -> usize;
    /// Σ s·loss, and its gradient: one row of `n_cols + 1` numbers an output.
    fn value_gradient(
        &self,
        targets: &Targets<'_>,
        coef: &[f64],
        control: &Control,
    ) -> Result<(f64, Vec<f64>)>;
    /// Scores of some rows.
    fn scores(&self, rows: &[usize], coef: &[f64], k: usize, control: &Control) -> Result<Mat<T>>;
    /// Σ h[i, c]·x[i, j]² over some rows, one row an output.
    fn diagonal(&self, rows: &[usize], h: &Mat<T>, control: &Control) -> Result<Mat<f64>>;
    /// Some columns of some rows, and a column of ones, each row times its scale.
    fn gather(&self, rows: &[usize], scales: &[f64], columns: &[usize]) -> Mat<T>;
}

/// A Cholesky factor L rounded to single precision, which halves the time to read it.  L·Lᵀ is symmetric
/// and positive definite whatever the rounding, and that is all a preconditioner must be.
struct Factor {
    /// Lower triangle by rows: row i has i + 1 numbers.
    rows: Vec<f32>,
    /// 1 / diagonal.
    inverse: Vec<f64>,
}

impl Factor {
    fn new(factor: &Cholesky<f64>) -> Self {
        let factor = factor.factor();
        let p = factor.n_rows();
        let mut rows = Vec::with_capacity(p * (p + 1) / 2);
        for i in 0..p {
            rows.extend(factor.row(i)[..=i].iter().map(|&value| value as f32));
        }
        Self { rows, inverse: (0..p).map(|i| 1.0 / factor[(i, i)]).collect() }
    }

    /// Row i of L left of the diagonal.
    #[inline(always)]
    fn row(&self, i: usize) -> &[f32] {
        &self.rows[i * (i + 1) / 2..i * (i + 1) / 2 + i]
    }

    /// Replaces b by (L·Lᵀ)⁻¹·b.
    fn solve(&self, b: &mut [f64]) {
        vectorize(
            #[inline(always)]
            || {
                for i in 0..b.len() {
                    b[i] = (b[i] - dot(self.row(i), &b[..i])) * self.inverse[i];
                }
                for i in (0..b.len()).rev() {
                    b[i] *= self.inverse[i];
                    let value = b[i];
                    for (out, &l) in b[..i].iter_mut().zip(self.row(i)) {
                        *out = f64::from(-l).mul_add(value, *out);
                    }
                }
            },
        );
    }
}

/// x · y of single and double precision.
#[inline(always)]
fn dot(x: &[f32], y: &[f64]) -> f64 {
    let mut lanes = [0.0; 16];
    let ((x_blocks, x_rest), (y_blocks, y_rest)) = (x.as_chunks::<16>(), y.as_chunks::<16>());
    for (a, b) in x_blocks.iter().zip(y_blocks) {
        for l in 0..16 {
            lanes[l] = f64::from(a[l]).mul_add(b[l], lanes[l]);
        }
    }
    let rest: f64 = x_rest.iter().zip(y_rest).map(|(&a, &b)| f64::from(a) * b).sum();
    sum(&lanes) + rest
}

/// M⁻¹, one block an output.
pub(super) struct Preconditioner {
    n_cols: usize,
    /// Columns with a full block, ascending; the intercept follows them.
    head: Vec<usize>,
    factors: Vec<Arc<Factor>>,
    /// 1 / diagonal for the columns outside the head, one row an output.
    inverse: Mat<f64>,
}

impl Preconditioner {
    /// From the curvatures at `coef`.
    pub(super) fn new<T: Exponential + Scalar>(
        design: &impl Design<T>,
        targets: &Targets<'_>,
        penalty: &Penalty,
        coef: &[f64],
        control: &Control,
    ) -> Result<Self> {
        let (n, d, k) = (design.n_rows(), design.n_cols(), targets.n_outputs);
        // 1. Probabilities.
        let n_head = design.most_head().min(d);
        let n_drawn = (ROWS_PER_COLUMN * (n_head + 1)).max(1024);
        let most = if n_head < d { n } else { CANDIDATES * n_drawn };
        let stride = n.div_ceil(most.min(MOST_PROBABILITIES / k)).max(1);
        let rows: Vec<usize> = (0..n).step_by(stride).collect();
        let mut h = design.scores(&rows, coef, k, control)?;
        curvatures(&mut h, &rows, targets);
        // At the start all outputs but one look the same.
        let n_outputs = if coef.iter().all(|&w| w == 0.0) { 1 } else { k };
        // 2. Diagonals.
        let per_row = stride as f64 / penalty.total;
        let mut diagonal = Mat::zeros(k, d);
        let mut head: Vec<usize> = (0..d).collect();
        if n_head < d {
            diagonal = design.diagonal(&rows, &h, control)?;
            diagonal.as_mut_slice().iter_mut().for_each(|value| *value *= per_row);
            let weight: Vec<f64> = (0..d).map(|j| (0..k).map(|c| diagonal[(c, j)]).sum()).collect();
            let heavier = |a: &usize, b: &usize| weight[*b].total_cmp(&weight[*a]).then(a.cmp(b));
            head.select_nth_unstable_by(n_head, heavier);
            head.truncate(n_head);
            head.sort_unstable();
        }
        let ridge = penalty.alpha / penalty.total;
        let floor = 1e-10 * diagonal.as_slice().iter().fold(1e-10, |most: f64, &v| most.max(v));
        for value in diagonal.as_mut_slice() {
            *value = 1.0 / (*value + ridge).max(floor);
        }
        // 3. and 4. Gram matrices and their factors.
        let mut factors: Vec<Arc<Factor>> = Vec::with_capacity(k);
        for c in 0..n_outputs {
            control.check()?;
            let (drawn, scales) = draw(&h, c, n_drawn);
            let drawn: Vec<usize> = drawn.into_iter().map(|i| rows[i]).collect();
            let sample = design.gather(&drawn, &scales, &head);
            let gram = syrk(sample.view().transpose(), control)?;
            let factor = factor(&gram, per_row, ridge, penalty, control)?;
            factors.push(Arc::new(Factor::new(&factor)));
        }
        while factors.len() < k {
            factors.push(Arc::clone(&factors[0]));
        }
        Ok(Self { n_cols: d, head, factors, inverse: diagonal })
    }

    /// Replaces a gradient by M⁻¹ times it.
    pub(super) fn apply(&self, gradient: &mut [f64], control: &Control) -> Result<()> {
        let width = self.n_cols + 1;
        let n_head = self.head.len();
        let cost_ns = 0.2 * (n_head * n_head) as f64 + width as f64;
        parallel::for_chunks_mut(gradient, width, 1, cost_ns, |c, _, g| {
            let mut part: Vec<f64> = self.head.iter().map(|&j| g[j]).collect();
            part.push(g[width - 1]);
            if n_head + 1 < width {
                g.iter_mut().zip(self.inverse.row(c)).for_each(|(g, inverse)| *g *= inverse);
            }
            self.factors[c].solve(&mut part);
            self.head.iter().zip(&part).for_each(|(&j, &value)| g[j] = value);
            g[width - 1] = part[n_head];
        });
        // The loss of more than two classes does not change when all weights of a feature shift by the
        // same amount, so the minimum is where they add up to zero, and steps stay there.
        let k = self.factors.len();
        if k > 1 {
            for j in 0..width {
                let mean = (0..k).map(|c| gradient[c * width + j]).sum::<f64>() / k as f64;
                (0..k).for_each(|c| gradient[c * width + j] -= mean);
            }
        }
        control.check()
    }
}

/// Turns scores into curvatures s·p·(1 − p).
fn curvatures<T: Exponential>(scores: &mut Mat<T>, rows: &[usize], targets: &Targets<'_>) {
    let k = targets.n_outputs;
    let cost_ns = 10.0 * k as f64;
    parallel::for_chunks_mut(scores.as_mut_slice(), k, 2048, cost_ns, |_, range, part| {
        vectorize(
            #[inline(always)]
            || {
                let codes = vec![0; range.len()];
                if k == 1 {
                    for z in part.iter_mut() {
                        let t = (-z.abs()).fast_exp();
                        *z = t / ((T::ONE + t) * (T::ONE + t));
                    }
                } else {
                    softmax_block(part, k, &codes, None, false);
                    for p in part.iter_mut() {
                        *p *= T::ONE - *p;
                    }
                }
            },
        );
        if let Some(weight) = targets.weight {
            for (i, row) in range.zip(part.chunks_exact_mut(k)) {
                row.iter_mut().for_each(|h| *h *= T::from_f64(weight[rows[i]]));
            }
        }
    });
}

/// About `n` rows in proportion to column `c` of `h`, and the square roots of their weights.
fn draw<T: Exponential>(h: &Mat<T>, c: usize, n: usize) -> (Vec<usize>, Vec<f64>) {
    let all = h.n_rows();
    let value = |i: usize| h[(i, c)].to_f64();
    if all <= n {
        return ((0..all).collect(), (0..all).map(|i| value(i).sqrt()).collect());
    }
    let unit = (0..all).map(value).sum::<f64>() / n as f64;
    let (mut rows, mut scales) = (Vec::with_capacity(n + 1), Vec::with_capacity(n + 1));
    let mut due = 0.5 * unit;
    for i in 0..all {
        due += value(i);
        let times = (due / unit).floor();
        if times >= 1.0 {
            rows.push(i);
            scales.push((times * unit).sqrt());
            due -= times * unit;
        }
    }
    (rows, scales)
}

/// Factor of gram·per_row + penalty; the ridge grows until there is one.
fn factor<T: Scalar>(
    gram: &Mat<T>,
    per_row: f64,
    ridge: f64,
    penalty: &Penalty,
    control: &Control,
) -> Result<Cholesky<f64>> {
    let p = gram.n_rows();
    let mut matrix = Mat::zeros(p, p);
    for (out, value) in matrix.as_mut_slice().iter_mut().zip(gram.as_slice()) {
        *out = value.to_f64() * per_row;
    }
    let most = (0..p).fold(f64::MIN_POSITIVE, |most, j| most.max(matrix[(j, j)]));
    if !most.is_finite() {
        return Err(Error::Numeric("the curvatures of the loss are not finite".to_string()));
    }
    for j in 0..p - 1 {
        matrix[(j, j)] += ridge;
    }
    if penalty.fit_intercept {
        matrix[(p - 1, p - 1)] += penalty.intercept_alpha / penalty.total;
    } else {
        for j in 0..p {
            matrix[(p - 1, j)] = 0.0;
            matrix[(j, p - 1)] = 0.0;
        }
        matrix[(p - 1, p - 1)] = most;
    }
    let mut more = (if T::IS_F64 { 1e-12 } else { 1e-8 }) * most;
    loop {
        for j in 0..p {
            matrix[(j, j)] += more;
        }
        match cholesky(matrix.view(), control) {
            Err(Error::Numeric(_)) if more <= most => more *= 10.0,
            outcome => return outcome,
        }
    }
}
