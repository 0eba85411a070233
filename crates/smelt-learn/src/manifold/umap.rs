//! UMAP: the picture of a fuzzy graph, by sampled attractions and repulsions.
//!
//! Stochastic gradient descent on the cross entropy between the graph and
//! q = 1 / (1 + a·|y_i − y_j|^(2b)).  An edge of weight w is drawn in a share w / max w of the
//! epochs; each time it pulls, and some rows drawn by chance push.
//!
//! Rows move side by side: in an epoch each row walks along its own edges, one after the other, and
//! sees all others where they were when the epoch began.  No row waits for another, so the answer
//! does not depend on threads.  In umap-learn an edge moves both ends, and is met from both: a row
//! is pulled twice for each of its edges, as here.
//!
//! Cost: an epoch takes about 6 n edges at `negative_sample_rate` + 2 powers each.
//!
//! Twin: `smelt.plain.manifold.umap`.
//!
//! 1. The edges of a row that are due.
//! 2. The pull of an edge.
//! 3. The pushes of rows drawn by chance.

use serde::Deserialize;
use smelt_core::{Control, CsrRef, Error, Mat, MatRef, Result, parallel, simd};

/// Longest move of a coordinate, before it is multiplied by the learning rate.
const LONGEST: f32 = 4.0;
/// Keeps pushes of near rows finite.
const NEAR: f32 = 0.001;
/// What a counter is multiplied by before it is mixed.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// Parameters of [`umap_fit`].
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UmapParams {
    /// The curve of attraction.
    pub a: f64,
    /// Its power.
    pub b: f64,
    /// Weight of the pushes.
    pub repulsion_strength: f64,
    /// Pushes a pull.
    pub negative_sample_rate: usize,
    /// Length of the first steps; they shrink to nothing.
    pub learning_rate: f64,
    /// Rounds.
    pub n_epochs: usize,
    /// Seed of the draws.
    pub seed: u64,
}

/// Mixes the bits of a number (the last step of SplitMix64).
#[inline(always)]
pub(super) fn mixed(x: u64) -> u64 {
    let x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ x >> 31
}

/// Moves `start`, one row a row of the graph, and returns where it came to.
///
/// The columns of the graph are the rows of `fixed`, or the moving rows themselves where there are
/// none.  `keys` number the rows for the draws.
pub fn umap_fit(
    graph: CsrRef<'_, f64>,
    start: MatRef<'_, f64>,
    fixed: Option<MatRef<'_, f64>>,
    keys: &[u64],
    params: &UmapParams,
    control: &Control,
) -> Result<Mat<f64>> {
    let (n, width) = (start.n_rows(), start.n_cols());
    let others = fixed.unwrap_or(start);
    let fits = graph.n_rows() == n
        && graph.n_cols() == others.n_rows()
        && keys.len() == n
        && others.n_cols() == width
        && width > 0
        && others.n_rows() <= i32::MAX as usize;
    if !fits {
        return Err(Error::data("graph, start, fixed rows and keys disagree in their sizes"));
    }
    if !(params.a > 0.0 && params.b > 0.0 && params.a.is_finite() && params.b.is_finite()) {
        return Err(Error::parameter("a", "and `b` must be greater than 0"));
    }
    match width {
        1 => walk::<1>(graph, start, fixed, keys, params, control),
        2 => walk::<2>(graph, start, fixed, keys, params, control),
        3 => walk::<3>(graph, start, fixed, keys, params, control),
        _ => walk::<0>(graph, start, fixed, keys, params, control),
    }
}

/// All epochs, for D columns (0: any number).
fn walk<const D: usize>(
    graph: CsrRef<'_, f64>,
    start: MatRef<'_, f64>,
    fixed: Option<MatRef<'_, f64>>,
    keys: &[u64],
    params: &UmapParams,
    control: &Control,
) -> Result<Mat<f64>> {
    let (n, width) = (start.n_rows(), if D > 0 { D } else { start.n_cols() });
    let single = |rows: MatRef<'_, f64>| -> Vec<f32> {
        (0..rows.n_rows())
            .flat_map(|i| (0..width).map(move |j| (i, j)))
            .map(|(i, j)| rows.get(i, j) as f32)
            .collect()
    };
    let mut rows = single(start);
    let fixed = fixed.map(single);
    let mut moved = rows.clone();
    let largest = graph.data().iter().copied().fold(0.0, f64::max);
    let shares: Vec<f64> = graph.data().iter().map(|&w| w / largest).collect();
    let force = Force {
        a: params.a as f32,
        b: params.b as f32,
        pull: (-2.0 * params.a * params.b) as f32,
        push: (2.0 * params.repulsion_strength * params.b) as f32,
    };
    let n_pulls = if fixed.is_some() { 1 } else { 2 };
    let chunk = parallel::chunk_size(n, 64).min(1024);
    let cost = 100.0 * params.negative_sample_rate.max(1) as f64;
    control.set_total(params.n_epochs as u64);
    for epoch in 0..params.n_epochs {
        control.check()?;
        let rate = (params.learning_rate * (1.0 - epoch as f64 / params.n_epochs as f64)) as f32;
        let others = fixed.as_deref().unwrap_or(&rows);
        let n_others = (others.len() / width) as u64;
        let stream = mixed(params.seed.wrapping_add(epoch as u64));
        parallel::for_chunks_mut(&mut moved, width, chunk, cost, |_, range, moved| {
            if control.check().is_err() {
                return;
            }
            simd::vectorize(
                #[inline(always)]
                || {
                    for (i, own) in range.zip(moved.chunks_exact_mut(width)) {
                        own.copy_from_slice(&rows[i * width..][..width]);
                        let draws = mixed(keys[i].wrapping_mul(GOLDEN) ^ stream);
                        let mut n_draws = 0_u64;
                        let bounds = graph.indptr()[i] as usize..graph.indptr()[i + 1] as usize;
                        for entry in bounds {
                            // 1. Due as often as the weight says.
                            let share = shares[entry];
                            if (share * (epoch + 1) as f64).floor()
                                <= (share * epoch as f64).floor()
                            {
                                continue;
                            }
                            // 2. The pull.
                            let j = graph.indices()[entry] as usize;
                            for _ in 0..n_pulls {
                                force.attract(own, &others[j * width..][..width], rate);
                            }
                            // 3. The pushes.
                            for _ in 0..params.negative_sample_rate {
                                n_draws += 1;
                                let draw = mixed(draws.wrapping_add(n_draws.wrapping_mul(GOLDEN)));
                                let k = (((draw >> 32) * n_others) >> 32) as usize;
                                force.repel(own, &others[k * width..][..width], rate);
                            }
                        }
                    }
                },
            );
        });
        control.check()?;
        std::mem::swap(&mut rows, &mut moved);
        control.advance(1);
    }
    let wide: Vec<f64> = rows.into_iter().map(f64::from).collect();
    if wide.iter().any(|value| !value.is_finite()) {
        return Err(Error::data("the embedding flies apart: choose a lower `learning_rate`"));
    }
    Mat::from_vec(wide, n, width)
}

struct Force {
    a: f32,
    b: f32,
    pull: f32,
    push: f32,
}

impl Force {
    #[inline(always)]
    fn attract(&self, own: &mut [f32], other: &[f32], rate: f32) {
        let square = square(own, other);
        if square > 0.0 {
            let power = power(square, self.b);
            let factor = self.pull * power / (square * (self.a * power + 1.0));
            go(own, other, factor, rate);
        }
    }

    #[inline(always)]
    fn repel(&self, own: &mut [f32], other: &[f32], rate: f32) {
        let square = square(own, other);
        if square > 0.0 {
            let factor = self.push / ((NEAR + square) * (self.a * power(square, self.b) + 1.0));
            go(own, other, factor, rate);
        }
    }
}

#[inline(always)]
fn square(own: &[f32], other: &[f32]) -> f32 {
    own.iter().zip(other).map(|(y, z)| (y - z) * (y - z)).sum()
}

#[inline(always)]
fn go(own: &mut [f32], other: &[f32], factor: f32, rate: f32) {
    for (y, z) in own.iter_mut().zip(other) {
        *y += rate * (factor * (*y - z)).clamp(-LONGEST, LONGEST);
    }
}

/// x^b for x > 0, to six digits.
#[inline(always)]
fn power(x: f32, b: f32) -> f32 {
    // log2 of the mantissa, about √2/2 to √2, by its odd series in (m − 1) / (m + 1).
    let bits = x.to_bits();
    let exponent = (bits.wrapping_sub(0x3f35_04f3) as i32) >> 23;
    let m = f32::from_bits(bits.wrapping_sub((exponent << 23) as u32));
    let s = (m - 1.0) / (m + 1.0);
    let s2 = s * s;
    let odd = ((0.412_198_6_f32.mul_add(s2, 0.577_078_04)).mul_add(s2, 0.961_796_7))
        .mul_add(s2, 2.885_39);
    let log = s.mul_add(odd, exponent as f32);
    // 2^y = 2^whole · 2^part, |part| ≤ 1/2, by its series.
    let y = (b * log).clamp(-126.0, 126.0);
    let whole = y.round_ties_even();
    let part = y - whole;
    let series = 0.000_154_035_3_f32
        .mul_add(part, 0.001_333_355_8)
        .mul_add(part, 0.009_618_129)
        .mul_add(part, 0.055_504_11)
        .mul_add(part, 0.240_226_5)
        .mul_add(part, std::f32::consts::LN_2)
        .mul_add(part, 1.0);
    series * f32::from_bits(((whole as i32 + 127) << 23) as u32)
}

#[cfg(test)]
mod tests {
    #[test]
    fn powers_are_near() {
        for i in 0..4000 {
            let x = 10_f32.powf(i as f32 / 200.0 - 10.0);
            for b in [0.5, 0.895, 1.0, 1.5] {
                let exact = f64::from(x).powf(f64::from(b));
                let ours = f64::from(super::power(x, b));
                assert!((ours / exact - 1.0).abs() < 2e-5, "{x} ^ {b}: {ours}, {exact}");
            }
        }
    }
}
