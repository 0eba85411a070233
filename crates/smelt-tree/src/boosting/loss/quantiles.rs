//! Several levels of the quantile loss at once: an output and a tree an iteration for each.

use smelt_core::{Error, Result, parallel};

use super::residual::Quantile;
use super::{CHUNK, Constant, Loss, RowLoss, Target, mean_of};

#[derive(Debug)]
pub(super) struct Quantiles(Vec<Quantile>);

impl Quantiles {
    pub(super) fn new(levels: &[f64]) -> Result<Self> {
        if levels.is_empty() {
            return Err(Error::parameter("quantile", "needs at least one level"));
        }
        Ok(Self(levels.iter().map(|&level| Quantile::new(Some(level))).collect::<Result<_>>()?))
    }
}

impl Loss for Quantiles {
    fn n_outputs(&self) -> usize {
        self.0.len()
    }

    fn has_constant_hessian(&self) -> bool {
        true
    }

    fn leaf_constant(&self, output: usize) -> Option<Constant> {
        self.0[output].leaf()
    }

    fn check_target(&self, _: Target<'_>) -> Result<()> {
        Ok(())
    }

    fn baseline(&self, target: Target<'_>) -> Vec<f64> {
        self.0.iter().map(|level| level.constant(target.y, target.weight)).collect()
    }

    fn gradients(&self, target: Target<'_>, raw: &[f64], out: &mut [[f32; 2]]) {
        let (n, k) = (target.y.len(), self.0.len());
        parallel::for_chunks_mut(out, k, CHUNK, 4.0 * k as f64, |_, rows, out| {
            for (i, out) in rows.zip(out.chunks_exact_mut(k)) {
                let scale = target.weight.map_or(1.0, |weight| weight[i]);
                for (c, (level, out)) in self.0.iter().zip(out).enumerate() {
                    let (gradient, hessian) = level.derivatives(target.y[i], raw[c * n + i]);
                    *out = [(scale * gradient) as f32, (scale * hessian) as f32];
                }
            }
        });
    }

    fn mean(&self, target: Target<'_>, raw: &[f64]) -> f64 {
        let n = target.y.len();
        mean_of(n, 5.0 * self.0.len() as f64, target.weight, |i| {
            let levels = self.0.iter().enumerate();
            levels.map(|(c, level)| level.value(target.y[i], raw[c * n + i])).sum()
        })
    }
}
