//! Running sums over the bins of a feature, and the gains of the cuts between them.

use super::{Feature, LEAST_HESSIAN, Rules, Split, Totals};
use crate::histogram::FeatureHistogram;

impl Totals {
    /// Whether no monotonic constraint bounds the children.
    fn is_free(&self) -> bool {
        self.lower == f64::NEG_INFINITY && self.upper == f64::INFINITY
    }
}

/// v = −G / (H + λ).
#[inline(always)]
fn free_value(gradient: f64, hessian: f64, l2: f64) -> f64 {
    -gradient / (hessian + l2 + 1e-15)
}

/// v = −G / (H + λ), kept within the bounds.
#[inline(always)]
pub(crate) fn node_value(gradient: f64, hessian: f64, lower: f64, upper: f64, l2: f64) -> f64 {
    let value = free_value(gradient, hessian, l2);
    if value < lower {
        lower
    } else if value > upper {
        upper
    } else {
        value
    }
}

/// Running sums of one child over the bins, at most 256, and the gains of the cuts behind them.
#[derive(Debug)]
pub(crate) struct Running {
    gradient: [f64; 256],
    hessian: [f64; 256],
    gain: [f64; 256],
}

impl Running {
    /// Room for the sums of any feature.
    pub(crate) fn new() -> Self {
        Self { gradient: [0.0; 256], hessian: [0.0; 256], gain: [0.0; 256] }
    }
}

impl Running {
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
    least: f64,
    running: &mut Running,
) -> Option<usize> {
    let (mut gradient, mut hessian, mut count) = (0.0, 0.0, 0_u32);
    let (mut first, mut stop) = (end, end);
    for i in 0..end.min(256) {
        let at = bin(i);
        count += histogram.count(at);
        gradient += histogram.sums[at][0];
        hessian += histogram.sums[at][1];
        running.gradient[i] = gradient;
        running.hessian[i] = hessian;
        if count < rules.min_samples_leaf {
            continue;
        }
        first = first.min(i);
        if node.n - count < rules.min_samples_leaf
            || (hessian >= LEAST_HESSIAN && node.hessian - hessian < LEAST_HESSIAN)
        {
            stop = i;
            break;
        }
    }
    if first >= stop {
        return None;
    }
    // Gains side by side, in vector registers; where no bound holds, without a comparison.
    let sums = &running.gradient[first..stop];
    let hessians = &running.hessian[first..stop];
    let gains = &mut running.gain[first..stop];
    if node.is_free() && feature.monotonic == 0 {
        gains_of::<FROM_RIGHT, true>(sums, hessians, gains, feature.monotonic, node, rules);
    } else {
        gains_of::<FROM_RIGHT, false>(sums, hessians, gains, feature.monotonic, node, rules);
    }
    let highest = highest(gains);
    if highest > least.max(0.0) {
        gains.iter().position(|&gain| gain == highest).map(|at| first + at)
    } else {
        None
    }
}

/// Gain of every cut; -1 where a child has too little curvature.
#[inline(always)]
fn gains_of<const FROM_RIGHT: bool, const FREE: bool>(
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
        let found = gain_of::<FREE>(left, right, monotonic, node, rules);
        *gain = if hessian < LEAST_HESSIAN { -1.0 } else { found };
    }
}

/// The largest of some numbers, -1 of none.
#[inline(always)]
fn highest(values: &[f64]) -> f64 {
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
fn gain_of<const FREE: bool>(
    left: [f64; 2],
    right: [f64; 2],
    monotonic: i8,
    node: &Totals,
    rules: &Rules,
) -> f64 {
    let value = |[gradient, hessian]: [f64; 2]| {
        if FREE {
            free_value(gradient, hessian, rules.l2_regularization)
        } else {
            node_value(gradient, hessian, node.lower, node.upper, rules.l2_regularization)
        }
    };
    let (value_left, value_right) = (value(left), value(right));
    let gain = node.gradient * node.value - left[0] * value_left - right[0] * value_right;
    let broken = !FREE
        && ((monotonic > 0 && value_left > value_right)
            || (monotonic < 0 && value_left < value_right));
    if broken { -1.0 } else { gain }
}
