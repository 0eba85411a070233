//! Logistic loss of a block of rows: scores in, residuals (and curvatures) out.
//!
//! Everything here is inlined into a vectorised loop, so the logarithm is a series of our own: a call
//! into the system's library would stop the vector units.

use smelt_core::Real;
pub(super) use smelt_core::simd::Exponential;
use smelt_core::simd::sum;

/// ln(1 + t) for 0 ≤ t ≤ 1, by the series of 2·artanh(t / (2 + t)).
#[inline(always)]
fn log1p_unit<T: Real>(t: T) -> T {
    let s = t / (t + T::from_f64(2.0));
    let square = s * s;
    let n_terms = if T::IS_F64 { 17 } else { 8 };
    let mut sum = T::from_f64(1.0 / (2 * n_terms + 1) as f64);
    for j in (0..n_terms).rev() {
        sum = sum.mul_add(square, T::from_f64(1.0 / (2 * j + 1) as f64));
    }
    (s + s) * sum
}

/// Binary log loss of a block: `scores` become s·(p − y), `curvatures` s·p·(1 − p), and `losses`
/// s·loss.  Returns the sum of the losses.
#[inline(always)]
pub(super) fn binary_block<T: Exponential>(
    scores: &mut [T],
    curvatures: &mut [T],
    losses: &mut [T],
    codes: &[i32],
    weight: Option<&[f64]>,
) -> f64 {
    let n = scores.len();
    let (curvatures, losses, codes) = (&mut curvatures[..n], &mut losses[..n], &codes[..n]);
    for i in 0..n {
        let y = T::from_f64(f64::from(codes[i]));
        (losses[i], scores[i], curvatures[i]) = binary(scores[i], y);
    }
    if let Some(weight) = weight {
        for (i, &s) in weight.iter().enumerate().take(n) {
            let s = T::from_f64(s);
            scores[i] *= s;
            curvatures[i] *= s;
            losses[i] *= s;
        }
    }
    sum(losses).to_f64()
}

/// Loss, residual p − y and curvature p·(1 − p) at score z for y in {0, 1}.
#[inline(always)]
fn binary<T: Exponential>(z: T, y: T) -> (T, T, T) {
    let t = (-z.abs()).fast_exp();
    let inverse = T::ONE / (T::ONE + t);
    let loss = log1p_unit(t) + if z > T::ZERO { z } else { T::ZERO } - y * z;
    let p = if z > T::ZERO { inverse } else { t * inverse };
    (loss, p - y, t * inverse * inverse)
}

/// Softmax of a block of rows of `k` scores, in place; returns Σ s·loss.
///
/// With `residuals`, entry c of row i becomes s·(p − [y = c]), else the probability p alone.
#[inline(always)]
pub(super) fn softmax_block<T: Exponential>(
    scores: &mut [T],
    k: usize,
    codes: &[i32],
    weight: Option<&[f64]>,
    residuals: bool,
) -> f64 {
    // 1. Subtract each row's largest score, and keep minus the score of its own class.
    let mut loss = 0.0;
    for (i, row) in scores.chunks_exact_mut(k).enumerate() {
        let most = row.iter().fold(row[0], |most, &z| if z > most { z } else { most });
        for z in row.iter_mut() {
            *z -= most;
        }
        let s = weight.map_or(1.0, |weight| weight[i]);
        loss -= s * row[codes[i] as usize].to_f64();
    }
    // 2. All exponentials.
    for z in scores.iter_mut() {
        *z = z.fast_exp();
    }
    // 3. Divide by the sums.
    for (i, row) in scores.chunks_exact_mut(k).enumerate() {
        let mut sum = T::ZERO;
        for &e in row.iter() {
            sum += e;
        }
        let s = weight.map_or(1.0, |weight| weight[i]);
        loss += s * sum.to_f64().ln();
        let factor = if residuals { T::from_f64(s) / sum } else { T::ONE / sum };
        for e in row.iter_mut() {
            *e *= factor;
        }
        if residuals {
            let own = codes[i] as usize;
            row[own] -= T::from_f64(s);
        }
    }
    loss
}

#[cfg(test)]
mod tests {
    use super::{Exponential, binary_block, log1p_unit, softmax_block};

    #[test]
    fn exponential_and_logarithm_are_accurate() {
        for i in -7000..=7000 {
            let x = f64::from(i) * 0.1;
            assert!((x.fast_exp() / x.exp() - 1.0).abs() < 6e-16, "{x}");
            let x = f64::from(i) as f32 * 0.0124;
            assert!((x.fast_exp() / x.exp() - 1.0).abs() < 4e-7, "{x}");
        }
        for i in 0..=1000 {
            let t = f64::from(i) * 1e-3;
            assert!((log1p_unit(t) - t.ln_1p()).abs() <= 4e-16, "{t}");
            assert!((log1p_unit(t as f32) - (t as f32).ln_1p()).abs() <= 2e-7, "{t}");
        }
        assert!(f64::NAN.fast_exp().is_nan());
        assert!((-1e9_f64).fast_exp() < 1e-300 && 1e9_f64.fast_exp().is_finite());
    }

    #[test]
    fn two_classes_agree_with_the_binary_loss() {
        let codes = [0, 1, 1, 0, 1];
        let weight = [1.0, 2.0, 0.5, 1.0, 0.0];
        let z = [0.3, -1.2, 700.0, 40.0, -3.0];
        let mut binary = z;
        let (mut curvatures, mut losses) = ([0.0; 5], [0.0; 5]);
        let loss = binary_block(&mut binary, &mut curvatures, &mut losses, &codes, Some(&weight));
        let mut pairs: Vec<f64> = z.iter().flat_map(|&z| [0.0, z]).collect();
        let softmax = softmax_block(&mut pairs, 2, &codes, Some(&weight), true);
        assert!((loss - softmax).abs() < 1e-12 * loss);
        for i in 0..5 {
            assert!((pairs[2 * i + 1] - binary[i]).abs() < 1e-15);
            let p = 1.0 / (1.0 + (-z[i]).exp());
            assert!((curvatures[i] - weight[i] * p * (1.0 - p)).abs() < 1e-15);
        }
    }
}
