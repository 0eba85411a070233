//! Running sums over the bins of a feature, and the gains of the cuts between them.

use super::{Feature, Rules, Split, Totals};
use crate::histogram::FeatureHistogram;
use crate::histogram::quantized::unpack;

impl Totals {
    /// Whether no monotonic constraint bounds the children.
    pub(super) fn is_free(&self) -> bool {
        self.lower == f64::NEG_INFINITY && self.upper == f64::INFINITY
    }
}

/// Kinds of gains: nothing bounds the values; monotonic constraints may; penalties besides λ do.
pub(super) const FREE: u8 = 0;
const BOUNDED: u8 = 1;
pub(super) const PENALISED: u8 = 2;

/// Running sums of one child over the bins, at most 256, and the gains of the cuts behind them.
#[derive(Debug)]
pub(crate) struct Running {
    gradient: [f64; 256],
    hessian: [f64; 256],
    gain: [f64; 256],
    words: [u64; 256],
}

impl Running {
    /// Room for the sums of any feature.
    pub(crate) fn new() -> Self {
        Self { gradient: [0.0; 256], hessian: [0.0; 256], gain: [0.0; 256], words: [0; 256] }
    }
}

impl Running {
    /// Running sums of `end` bins.  Returns the first place where a cut leaves enough rows on this
    /// side, and the first from which on it leaves too little on the other.
    #[inline(always)]
    fn add_up(
        &mut self,
        bin: impl Fn(usize) -> ([f64; 2], u32),
        end: usize,
        node: &Totals,
        rules: &Rules,
    ) -> (usize, usize) {
        let (mut gradient, mut hessian, mut count) = (0.0, 0.0, 0_u32);
        let mut first = end;
        for i in 0..end {
            let (sum, n) = bin(i);
            count += n;
            gradient += sum[0];
            hessian += sum[1];
            self.gradient[i] = gradient;
            self.hessian[i] = hessian;
            if count < rules.min_samples_leaf {
                continue;
            }
            first = first.min(i);
            if node.n - count < rules.min_samples_leaf
                || (hessian >= rules.min_hessian && node.hessian - hessian < rules.min_hessian)
            {
                return (first, i);
            }
        }
        (first, end)
    }

    /// The same for words: one addition a bin, then all else side by side in vector registers.
    #[inline(always)]
    fn add_up_words(
        &mut self,
        bin: impl Fn(usize) -> u64,
        (worth, constant_hessian): ([f64; 2], bool),
        end: usize,
        node: &Totals,
        rules: &Rules,
    ) -> (usize, usize) {
        let mut sum = 0;
        for i in 0..end {
            sum += bin(i);
            self.words[i] = sum;
        }
        let least = f64::from(rules.min_samples_leaf);
        let most = f64::from(node.n) - least;
        // Rows and curvatures grow from bin to bin, so both places may be counted.
        let (mut first, mut stop) = (0_u64, 0_u64);
        let sums = self.gradient[..end].iter_mut().zip(&mut self.hessian[..end]);
        for ((gradient, hessian), &word) in sums.zip(&self.words[..end]) {
            let (in_units, hessian_in_units, count) = unpack(word);
            let count = count as i32 as f64;
            *gradient = in_units as i32 as f64 * worth[0];
            *hessian =
                if constant_hessian { count } else { hessian_in_units as i32 as f64 * worth[1] };
            let is_short =
                (*hessian >= rules.min_hessian) & (node.hessian - *hessian < rules.min_hessian);
            first += u64::from(count < least);
            stop += u64::from(!((count > most) | is_short));
        }
        (first as usize, stop as usize)
    }

    pub(super) fn split(
        &self,
        at: usize,
        feature: &Feature,
        bin: usize,
        from_right: bool,
        node: &Totals,
    ) -> Split {
        let (gradient, hessian) = (self.gradient[at], self.hessian[at]);
        let left = if from_right {
            (node.gradient - gradient, node.hessian - hessian)
        } else {
            (gradient, hessian)
        };
        Split {
            gain: self.gain[at],
            feature: feature.index,
            bin: bin as u8,
            missing_left: from_right,
            left_bins: None,
            gradient_left: left.0,
            hessian_left: left.1,
        }
    }
}

/// Sums up bin(0), bin(1), … on one side (the right one if `FROM_RIGHT`) and returns the first place
/// of the highest gain above `least`.
#[inline(always)]
pub(super) fn scan<const FROM_RIGHT: bool>(
    histogram: FeatureHistogram<'_>,
    end: usize,
    bin: impl Fn(usize) -> usize,
    feature: &Feature,
    node: &Totals,
    rules: &Rules,
    drawn: Option<f64>,
    least: f64,
    running: &mut Running,
) -> Option<usize> {
    let end = end.min(256);
    let (first, stop) = match histogram {
        FeatureHistogram::Numbers(sums, counts) => {
            let count = |at: usize| if counts.is_empty() { sums[at][1] as u32 } else { counts[at] };
            running.add_up(|i| (sums[bin(i)], count(bin(i))), end, node, rules)
        }
        FeatureHistogram::Words(words, worth, constant_hessian) => {
            let worth = (worth, constant_hessian);
            running.add_up_words(|i| words[bin(i) & 255], worth, end, node, rules)
        }
    };
    if first >= stop {
        return None;
    }
    // Gains side by side, in vector registers; where no bound holds, without a comparison.
    let sums = &running.gradient[first..stop];
    let hessians = &running.hessian[first..stop];
    let gains = &mut running.gain[first..stop];
    if !rules.are_plain() {
        gains_of::<FROM_RIGHT, PENALISED>(sums, hessians, gains, feature.monotonic, node, rules);
    } else if node.is_free() && feature.monotonic == 0 {
        gains_of::<FROM_RIGHT, FREE>(sums, hessians, gains, feature.monotonic, node, rules);
    } else {
        gains_of::<FROM_RIGHT, BOUNDED>(sums, hessians, gains, feature.monotonic, node, rules);
    }
    let least = least.max(rules.min_gain);
    if let Some(drawn) = drawn {
        let at = place(drawn, gains.len());
        return (gains[at] > least).then_some(first + at);
    }
    let highest = highest(gains);
    if highest > least {
        gains.iter().position(|&gain| gain == highest).map(|at| first + at)
    } else {
        None
    }
}

/// Gain of every cut; -1 where a child has too little curvature.
#[inline(always)]
fn gains_of<const FROM_RIGHT: bool, const KIND: u8>(
    gradients: &[f64],
    hessians: &[f64],
    gains: &mut [f64],
    monotonic: i8,
    node: &Totals,
    rules: &Rules,
) {
    for (gain, (&gradient, &hessian)) in gains.iter_mut().zip(gradients.iter().zip(hessians)) {
        let (side, other) =
            ([gradient, hessian], [node.gradient - gradient, node.hessian - hessian]);
        let (left, right) = if FROM_RIGHT { (other, side) } else { (side, other) };
        let found = gain_of::<KIND>(left, right, monotonic, node, rules);
        *gain = if hessian < rules.min_hessian { -1.0 } else { found };
    }
}

/// The largest of some numbers, -1 of none.
#[inline(always)]
pub(super) fn highest(values: &[f64]) -> f64 {
    let mut lanes = [-1.0_f64; 8];
    let (blocks, rest) = values.as_chunks::<8>();
    for block in blocks {
        for (lane, &value) in lanes.iter_mut().zip(block) {
            *lane = if value > *lane { value } else { *lane };
        }
    }
    lanes.iter().chain(rest).fold(-1.0, |top, &value| if value > top { value } else { top })
}

/// Loss that a cut saves; -1 where the cut would break a monotonic constraint.
#[inline(always)]
pub(super) fn gain_of<const KIND: u8>(
    left: [f64; 2],
    right: [f64; 2],
    monotonic: i8,
    node: &Totals,
    rules: &Rules,
) -> f64 {
    let value = |[gradient, hessian]: [f64; 2]| {
        if KIND == FREE {
            rules.free_value(gradient, hessian)
        } else {
            rules.value(gradient, hessian, node.lower, node.upper)
        }
    };
    let (value_left, value_right) = (value(left), value(right));
    let gain = if KIND == PENALISED {
        -rules.saving(node.gradient, node.hessian, node.value)
            + rules.saving(left[0], left[1], value_left)
            + rules.saving(right[0], right[1], value_right)
    } else {
        node.gradient * node.value - left[0] * value_left - right[0] * value_right
    };
    let broken = KIND != FREE
        && ((monotonic > 0 && value_left > value_right)
            || (monotonic < 0 && value_left < value_right));
    if broken { -1.0 } else { gain }
}

/// The place among `n` that a number in [0, 1) draws.
#[inline(always)]
pub(super) fn place(drawn: f64, n: usize) -> usize {
    ((drawn * n as f64) as usize).min(n - 1)
}
