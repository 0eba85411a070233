//! Losses of classes.

use smelt_core::{Error, Result, parallel};

use super::{CHUNK, Loss, RowLoss, Target, mean_of, mean_target};
use crate::quantile::average;

/// Logarithmic loss of two classes; the raw prediction is the log-odds.
#[derive(Debug)]
pub(super) struct Binomial;

impl RowLoss for Binomial {
    #[inline(always)]
    fn derivatives(&self, y: f64, raw: f64) -> (f64, f64) {
        if raw > -37.0 {
            let e = (-raw).exp();
            (((1.0 - y) - y * e) / (1.0 + e), e / ((1.0 + e) * (1.0 + e)))
        } else {
            (raw.exp() - y, raw.exp())
        }
    }

    #[inline(always)]
    fn value(&self, y: f64, raw: f64) -> f64 {
        ln_1p_exp(raw) - y * raw
    }

    fn constant(&self, y: &[f64], weight: Option<&[f64]>) -> f64 {
        let tiny = 10.0 * f64::EPSILON;
        log_odds(mean_target(y, weight).clamp(tiny, 1.0 - tiny))
    }

    fn complaint(&self, y: &[f64]) -> Option<&'static str> {
        (!are_codes(y, 2)).then_some("y must hold class codes 0 and 1")
    }
}

/// Logarithmic loss of targets that are probabilities.
#[derive(Debug)]
pub(super) struct CrossEntropy;

impl RowLoss for CrossEntropy {
    #[inline(always)]
    fn derivatives(&self, y: f64, raw: f64) -> (f64, f64) {
        Binomial.derivatives(y, raw)
    }

    #[inline(always)]
    fn value(&self, y: f64, raw: f64) -> f64 {
        Binomial.value(y, raw)
    }

    fn constant(&self, y: &[f64], weight: Option<&[f64]>) -> f64 {
        Binomial.constant(y, weight)
    }

    fn complaint(&self, y: &[f64]) -> Option<&'static str> {
        let sound = y.iter().all(|y| (0.0..=1.0).contains(y));
        (!sound).then_some("loss='cross_entropy' requires y between 0 and 1.")
    }
}

/// Logarithmic loss of several classes, with one raw prediction for each.
#[derive(Debug)]
pub(super) struct Multinomial(pub(super) usize);

impl Loss for Multinomial {
    fn n_outputs(&self) -> usize {
        self.0
    }

    fn check_target(&self, target: Target<'_>) -> Result<()> {
        if are_codes(target.y, self.0) {
            Ok(())
        } else {
            Err(Error::data("y must hold class codes 0 to n_classes - 1"))
        }
    }

    fn baseline(&self, target: Target<'_>) -> Vec<f64> {
        let Target { y, weight, .. } = target;
        let share = |class: usize| {
            average(y.len(), &|i| f64::from(u8::from(y[i] == class as f64)), weight)
                .clamp(f64::EPSILON, 1.0 - f64::EPSILON)
        };
        let shares: Vec<f64> = (0..self.0).map(share).collect();
        let centre = (shares.iter().map(|p| p.ln()).sum::<f64>() / self.0 as f64).exp();
        shares.iter().map(|p| (p / centre).ln()).collect()
    }

    fn gradients(&self, target: Target<'_>, raw: &[f64], out: &mut [[f32; 2]]) {
        let Target { y, weight, .. } = target;
        let (n, n_classes) = (y.len(), self.0);
        let cost_ns = 10.0 * n_classes as f64;
        parallel::for_chunks_mut(out, n_classes, CHUNK, cost_ns, |_, rows, out| {
            let mut p = vec![0.0; n_classes];
            for (i, out) in rows.zip(out.chunks_exact_mut(n_classes)) {
                let (_, sum) = exponentials(raw, n, i, &mut p);
                let scale = weight.map_or(1.0, |weight| weight[i]);
                for (class, (p, out)) in p.iter().zip(out).enumerate() {
                    let p = p / sum;
                    let hit = f64::from(u8::from(y[i] == class as f64));
                    *out = [((p - hit) * scale) as f32, (p * (1.0 - p) * scale) as f32];
                }
            }
        });
    }

    fn mean(&self, target: Target<'_>, raw: &[f64]) -> f64 {
        let Target { y, weight, .. } = target;
        let n = y.len();
        mean_of(n, 15.0 * self.0 as f64, weight, |i| {
            let (highest, sum) = highest_and_sum(raw, n, i, self.0);
            sum.ln() + highest - raw[y[i] as usize * n + i]
        })
    }
}

/// Whether all values are codes 0 to `n_classes` − 1.
fn are_codes(y: &[f64], n_classes: usize) -> bool {
    y.iter().all(|&y| y >= 0.0 && y < n_classes as f64 && y.fract() == 0.0)
}

/// ln(p / (1 − p)), accurate around ½ too.
fn log_odds(p: f64) -> f64 {
    if (0.3..=0.65).contains(&p) {
        let distance = 2.0 * (p - 0.5);
        distance.ln_1p() - (-distance).ln_1p()
    } else {
        (p / (1.0 - p)).ln()
    }
}

/// The highest raw value of row `i`, and the sum of exp(raw - highest).
#[inline(always)]
fn highest_and_sum(raw: &[f64], n: usize, i: usize, n_classes: usize) -> (f64, f64) {
    let of = |class: usize| raw[class * n + i];
    let highest = (0..n_classes).fold(f64::NEG_INFINITY, |top, class| top.max(of(class)));
    (highest, (0..n_classes).fold(0.0, |sum, class| sum + (of(class) - highest).exp()))
}

/// exp(raw - highest) of row `i` into `p`; the highest raw value and the sum of the exponentials.
#[inline(always)]
fn exponentials(raw: &[f64], n: usize, i: usize, p: &mut [f64]) -> (f64, f64) {
    let highest = (0..p.len()).fold(f64::NEG_INFINITY, |top, class| top.max(raw[class * n + i]));
    let mut sum = 0.0;
    for (class, p) in p.iter_mut().enumerate() {
        *p = (raw[class * n + i] - highest).exp();
        sum += *p;
    }
    (highest, sum)
}

/// ln(1 + eˣ) without overflow.
fn ln_1p_exp(x: f64) -> f64 {
    if x <= -37.0 {
        x.exp()
    } else if x <= -2.0 {
        x.exp().ln_1p()
    } else if x <= 18.0 {
        (1.0 + x.exp()).ln()
    } else if x <= 33.3 {
        x + (-x).exp()
    } else {
        x
    }
}
