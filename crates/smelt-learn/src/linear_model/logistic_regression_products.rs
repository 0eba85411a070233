//! The two thin products of a block of rows: scores X·W' + b, and gradient R'·X.
//!
//! Cost: 2·n·d·k flops each.  Scores come from tiles of rows × outputs, the gradient from tiles of
//! features × outputs that stay in registers over all rows of the block.  Both run along the
//! features, so any number of outputs fills the lanes.

use smelt_core::lanes::{Lanes, Simd, WithSimd, dispatch};
use smelt_core::{Mat, MatRef};

/// Outputs of a full tile.
const OUTPUTS: usize = 5;

/// scores[i, c] = x_i · w_c + b_c for the rows of a block.
pub(super) fn block_scores<T: Lanes>(
    x: MatRef<'_, T>,
    weights: &Mat<T>,
    intercepts: &[T],
    scores: &mut [T],
) {
    dispatch(Scores { x, weights, intercepts, scores });
}

struct Scores<'a, T> {
    x: MatRef<'a, T>,
    weights: &'a Mat<T>,
    intercepts: &'a [T],
    scores: &'a mut [T],
}

impl<T: Lanes> WithSimd for Scores<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let k = self.intercepts.len();
        for c in (0..k).step_by(OUTPUTS) {
            match k - c {
                1 => self.tiles::<S, 4, 1>(simd, c),
                2 => self.tiles::<S, 4, 2>(simd, c),
                3 => self.tiles::<S, 3, 3>(simd, c),
                4 => self.tiles::<S, 2, 4>(simd, c),
                _ => self.tiles::<S, 2, OUTPUTS>(simd, c),
            }
        }
    }
}

impl<T: Lanes> Scores<'_, T> {
    /// All rows, C outputs from `first` on, R rows at a time.
    #[inline(always)]
    fn tiles<S: Simd, const R: usize, const C: usize>(&mut self, simd: S, first: usize) {
        let n = self.x.n_rows();
        let mut i = 0;
        while i + R <= n {
            self.tile::<S, R, C>(simd, i, first);
            i += R;
        }
        while i < n {
            self.tile::<S, 1, C>(simd, i, first);
            i += 1;
        }
    }

    #[inline(always)]
    fn tile<S: Simd, const R: usize, const C: usize>(&mut self, simd: S, i: usize, first: usize) {
        let k = self.intercepts.len();
        let mut rows = [(T::vectors::<S>(&[]).0, T::vectors::<S>(&[]).1); R];
        for r in 0..R {
            rows[r] = T::vectors::<S>(self.x.row(i + r));
        }
        let mut outputs = [(T::vectors::<S>(&[]).0, T::vectors::<S>(&[]).1); C];
        for c in 0..C {
            outputs[c] = T::vectors::<S>(self.weights.row(first + c));
        }
        let n_vectors = rows[0].0.len();
        for row in &mut rows {
            row.0 = &row.0[..n_vectors];
        }
        for output in &mut outputs {
            output.0 = &output.0[..n_vectors];
        }
        let mut sums = [[T::splat(simd, T::ZERO); C]; R];
        for v in 0..n_vectors {
            for r in 0..R {
                for c in 0..C {
                    sums[r][c] = T::fused(simd, rows[r].0[v], outputs[c].0[v], sums[r][c]);
                }
            }
        }
        for r in 0..R {
            for c in 0..C {
                let mut sum = T::sum_lanes(simd, sums[r][c]) + self.intercepts[first + c];
                for (&x, &w) in rows[r].1.iter().zip(outputs[c].1) {
                    sum = x.mul_add(w, sum);
                }
                self.scores[(i + r) * k + first + c] = sum;
            }
        }
    }
}

/// Adds Σᵢ r[i, c]·(xᵢ, 1) of a block to the gradient, k rows of d + 1 numbers.
pub(super) fn add_gradient<T: Lanes>(
    x: MatRef<'_, T>,
    residuals: &[T],
    k: usize,
    gradient: &mut [f64],
) {
    dispatch(Gradient { x, residuals, k, gradient: &mut *gradient });
    let d = x.n_cols();
    for c in 0..k {
        let sum: f64 = residuals.chunks_exact(k).map(|row| row[c].to_f64()).sum();
        gradient[c * (d + 1) + d] += sum;
    }
}

struct Gradient<'a, T> {
    x: MatRef<'a, T>,
    residuals: &'a [T],
    k: usize,
    gradient: &'a mut [f64],
}

impl<T: Lanes> WithSimd for Gradient<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        for c in (0..self.k).step_by(OUTPUTS) {
            match self.k - c {
                1 => self.tiles::<S, 1, 8>(simd, c),
                2 => self.tiles::<S, 2, 5>(simd, c),
                3 => self.tiles::<S, 3, 4>(simd, c),
                4 => self.tiles::<S, 4, 3>(simd, c),
                _ => self.tiles::<S, OUTPUTS, 2>(simd, c),
            }
        }
    }
}

impl<T: Lanes> Gradient<'_, T> {
    /// All features, C outputs from `first` on, J vectors of features at a time.
    #[inline(always)]
    fn tiles<S: Simd, const C: usize, const J: usize>(&mut self, simd: S, first: usize) {
        let (d, width) = (self.x.n_cols(), T::width::<S>());
        let mut j = 0;
        while j + J * width <= d {
            self.tile::<S, C, J>(simd, first, j);
            j += J * width;
        }
        while j + width <= d {
            self.tile::<S, C, 1>(simd, first, j);
            j += width;
        }
        if j == d {
            return;
        }
        for c in first..first + C {
            for j in j..d {
                let mut sum = T::ZERO;
                for (i, residual) in self.residuals.chunks_exact(self.k).enumerate() {
                    sum = self.x.row(i)[j].mul_add(residual[c], sum);
                }
                self.gradient[c * (d + 1) + j] += sum.to_f64();
            }
        }
    }

    #[inline(always)]
    fn tile<S: Simd, const C: usize, const J: usize>(&mut self, simd: S, first: usize, j: usize) {
        let d = self.x.n_cols();
        let mut sums = [[T::splat(simd, T::ZERO); J]; C];
        for (i, residual) in self.residuals.chunks_exact(self.k).enumerate() {
            let (values, _) = T::vectors::<S>(&self.x.row(i)[j..j + J * T::width::<S>()]);
            let (values, _) = values.as_chunks::<J>();
            let residual = &residual[first..first + C];
            for c in 0..C {
                let factor = T::splat(simd, residual[c]);
                for q in 0..J {
                    sums[c][q] = T::fused(simd, values[0][q], factor, sums[c][q]);
                }
            }
        }
        for c in 0..C {
            let at = (first + c) * (d + 1) + j;
            for (out, sum) in self.gradient[at..].iter_mut().zip(T::numbers::<S>(&sums[c])) {
                *out += sum.to_f64();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{add_gradient, block_scores};
    use smelt_core::Mat;

    #[test]
    fn products_are_right_for_every_shape() {
        let value = |i: usize, j: usize| ((i * 7 + j * 13) as f64 * 0.71).sin();
        for (n, d, k) in [(1, 1, 1), (7, 3, 2), (9, 50, 1), (13, 37, 3), (11, 16, 4), (33, 70, 12)]
        {
            let filled = |rows: usize, columns: usize, shift: usize| {
                let data = (0..rows * columns).map(|e| value(e / columns + shift, e % columns));
                Mat::from_vec(data.collect(), rows, columns).unwrap()
            };
            let (x, w) = (filled(n, d, 0), filled(k, d, 5));
            let b: Vec<f64> = (0..k).map(|c| c as f64).collect();
            let mut scores = vec![0.0; n * k];
            block_scores(x.view(), &w, &b, &mut scores);
            for i in 0..n {
                for c in 0..k {
                    let sum: f64 = (0..d).map(|j| x[(i, j)] * w[(c, j)]).sum();
                    assert!((scores[i * k + c] - sum - b[c]).abs() < 1e-12);
                }
            }
            let mut gradient = vec![1.0; k * (d + 1)];
            add_gradient(x.view(), &scores, k, &mut gradient);
            for c in 0..k {
                for j in 0..=d {
                    let x = |i: usize| if j < d { x[(i, j)] } else { 1.0 };
                    let sum: f64 = (0..n).map(|i| scores[i * k + c] * x(i)).sum();
                    assert!((gradient[c * (d + 1) + j] - 1.0 - sum).abs() < 1e-11);
                }
            }
        }
    }
}
