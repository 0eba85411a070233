//! Ranks of numbers among the thresholds of a column.
//!
//! A table over equal steps from the lowest to the highest threshold says where to begin; the few
//! thresholds within a step are searched without a branch.  Exact, since the table's function never
//! falls: a threshold below a number is never in a later step.

use super::key::{Number, Rank};

/// Steps of the table: 2 KB of first ranks.
const STEPS: usize = 1024;

/// Sorted thresholds of a column.
#[derive(Debug)]
pub(crate) struct Ruler<N> {
    /// Filled up with infinity, so that a search may look beyond.
    thresholds: Vec<N>,
    low: N,
    scale: N,
    /// Number of thresholds in earlier steps.
    starts: Vec<u16>,
    /// Halvings that search the fullest step.
    halvings: u32,
}

impl<N: Number> Ruler<N> {
    /// Nothing where there are more than `most` thresholds.
    pub(crate) fn new(limits: impl Iterator<Item = f64>, most: usize) -> Option<Self> {
        let mut thresholds: Vec<N> = limits.map(N::at_most).collect();
        thresholds.sort_unstable_by_key(|threshold| threshold.key());
        thresholds.dedup();
        let n = thresholds.len();
        if n > most {
            return None;
        }
        let finite = || thresholds.iter().copied().filter(|x| x.is_finite());
        let low = finite().next().unwrap_or(N::ZERO);
        let range = finite().next_back().unwrap_or(N::ZERO) - low;
        let mut ruler =
            Self { thresholds, low, scale: N::ZERO, starts: vec![0; STEPS], halvings: 0 };
        if range > N::ZERO {
            ruler.scale = N::from_f64(STEPS as f64) / range;
        }
        let mut counts = [0_usize; STEPS];
        for &threshold in &ruler.thresholds {
            counts[ruler.step(threshold)] += 1;
        }
        let mut before = 0;
        for (start, count) in ruler.starts.iter_mut().zip(counts) {
            *start = before as u16;
            before += count;
        }
        let fullest = counts.into_iter().max().unwrap_or(0);
        ruler.halvings = usize::BITS - fullest.leading_zeros();
        ruler.thresholds.resize(n + (1 << ruler.halvings), N::INFINITY);
        Some(ruler)
    }

    #[inline(always)]
    fn step(&self, x: N) -> usize {
        ((x - self.low) * self.scale).bucket(STEPS as i32 - 1) as usize
    }

    /// Place of a threshold of this column.
    pub(crate) fn place(&self, limit: f64) -> usize {
        let threshold = N::at_most(limit);
        self.search(self.step(threshold), threshold)
    }

    /// Number of thresholds below each of the values.
    #[inline(always)]
    pub(crate) fn ranks<K: Rank>(&self, values: &[N], out: &mut [K]) {
        const LANES: usize = 32;
        let mut parts = values.chunks_exact(LANES);
        let mut outs = out.chunks_exact_mut(LANES);
        for (values, out) in (&mut parts).zip(&mut outs) {
            let mut at = [0_i32; LANES];
            for (at, &x) in at.iter_mut().zip(values) {
                *at = ((x - self.low) * self.scale).bucket(STEPS as i32 - 1);
            }
            for at in &mut at {
                *at = i32::from(self.starts[*at as usize]);
            }
            for halving in (0..self.halvings).rev() {
                let ahead = (1_usize << halving) - 1;
                for (at, &x) in at.iter_mut().zip(values) {
                    *at += i32::from(self.thresholds[*at as usize + ahead] < x) << halving;
                }
            }
            for (out, at) in out.iter_mut().zip(at) {
                *out = K::rank(at as usize);
            }
        }
        for (out, &x) in outs.into_remainder().iter_mut().zip(parts.remainder()) {
            *out = K::rank(self.search(self.step(x), x));
        }
    }

    #[inline(always)]
    fn search(&self, step: usize, x: N) -> usize {
        let mut rank = usize::from(self.starts[step]);
        for halving in (0..self.halvings).rev() {
            let ahead = (1 << halving) - 1;
            // No branch: which way it goes cannot be foreseen.
            rank += usize::from(self.thresholds[rank + ahead] < x) << halving;
        }
        rank
    }
}

#[cfg(test)]
mod tests {
    use super::Ruler;

    fn check(limits: &[f64], values: &[f64]) {
        let ruler = Ruler::<f64>::new(limits.iter().copied(), 300).unwrap();
        let mut out = vec![0_i16; values.len()];
        ruler.ranks(values, &mut out);
        for (&x, &code) in values.iter().zip(&out) {
            let below = limits.iter().filter(|&&limit| limit < x).count();
            assert_eq!(code as i32 + 32768, below as i32, "{x}");
        }
    }

    #[test]
    fn ranks_count_the_thresholds_below() {
        let values: Vec<f64> = (-300..300)
            .map(|i| f64::from(i) * 0.37)
            .chain([f64::INFINITY, f64::NEG_INFINITY, f64::MAX, f64::MIN, 0.0, -0.0, 1e-320])
            .collect();
        check(&[], &values);
        check(&[0.0], &values);
        check(&[f64::INFINITY], &values);
        check(&[f64::MIN, f64::MAX], &values);
        check(&[0.0, 5e-324], &values);
        let tens: Vec<f64> = (-9..9).map(|e| 10_f64.powi(e)).collect();
        check(&tens, &values);
        let all: Vec<f64> = (0..255).map(|i| f64::from(i - 128) * 0.74).collect();
        check(&all, &values);
        let skewed: Vec<f64> = (0..255).map(|i| (f64::from(i) * 0.08).exp()).collect();
        check(&skewed, &values);
        let many: Vec<f64> = (0..256).map(f64::from).collect();
        assert!(Ruler::<f64>::new(many.into_iter(), 255).is_none());
    }
}
