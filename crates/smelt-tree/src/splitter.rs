//! Splitter: the best way to cut a node in two on one feature.
//!
//! With G, H the sums of gradients and curvatures of a child, its value is v = −G / (H + λ) (kept
//! within the bounds that monotonic constraints set), and the gain of a cut is
//! G·v of the node − G_left·v_left − G_right·v_right.
//!
//! 1. Numbers: running sums from the left, missing values on the right; where the feature has
//!    missing values also running sums from the right, missing values on the left.
//! 2. Categories: sorted by G / (H + 10), those of little weight left out; running sums from both
//!    ends, up to the middle.  Missing values are a category of their own.
//! 3. The first cut of the highest gain wins, if both children have enough rows and curvature.

use std::cmp::Ordering;

use crate::histogram::FeatureHistogram;

/// Smallest sum of curvatures in a child.
pub(crate) const LEAST_HESSIAN: f64 = 1e-3;
/// Categories with less weight than this always go right; also their smoothing.
const CATEGORY_SUPPORT: f64 = 10.0;

/// What the splitter must respect.
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    pub(crate) min_samples_leaf: u32,
    pub(crate) l2_regularization: f64,
}

/// The node to be cut.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Totals {
    pub(crate) n: u32,
    pub(crate) gradient: f64,
    pub(crate) hessian: f64,
    pub(crate) value: f64,
    /// Bounds for the values of the children.
    pub(crate) lower: f64,
    pub(crate) upper: f64,
}

/// A column of the training data.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Feature {
    pub(crate) index: usize,
    /// Bins without the one for missing values, which is the next.
    pub(crate) n_bins: usize,
    pub(crate) has_missing: bool,
    pub(crate) is_categorical: bool,
    /// 1: values must rise with the feature, -1: fall, 0: free.
    pub(crate) monotonic: i8,
}

/// A cut and its two children.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Split {
    pub(crate) gain: f64,
    pub(crate) feature: usize,
    /// Last bin that goes left (numbers).
    pub(crate) bin: u8,
    pub(crate) missing_left: bool,
    /// Bins that go left (categories).
    pub(crate) left_bins: Option<[u32; 8]>,
    pub(crate) gradient_left: f64,
    pub(crate) hessian_left: f64,
}

impl Split {
    /// Whether a row with this bin goes left.
    #[inline(always)]
    pub(crate) fn goes_left(&self, bin: u8, missing_bin: u8) -> bool {
        match &self.left_bins {
            Some(words) => crate::ensemble::in_set(words, bin),
            None => bin <= self.bin || (self.missing_left && bin == missing_bin),
        }
    }
}

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

/// The best cut of one feature, if any.
#[inline(always)]
pub(crate) fn best_split(
    histogram: FeatureHistogram<'_>,
    feature: &Feature,
    node: &Totals,
    rules: &Rules,
    running: &mut Running,
) -> Option<Split> {
    if feature.is_categorical {
        return category_split(histogram, feature, node, rules, running);
    }
    // 1. Missing values on the right: cut behind bin 0, 1, …
    let end = feature.n_bins - 1 + usize::from(feature.has_missing);
    let mut best = scan::<false>(histogram, end, |i| i, feature, node, rules, -1.0, running)
        .map(|at| running.split(at, feature, at, false, node));
    // Missing values on the left: the right child takes the last bin, the last two, …
    if feature.has_missing && feature.n_bins >= 2 {
        let last = feature.n_bins - 1;
        let gain = best.map_or(-1.0, |best| best.gain);
        if let Some(at) =
            scan::<true>(histogram, last, |i| last - i, feature, node, rules, gain, running)
        {
            best = Some(running.split(at, feature, last - 1 - at, true, node));
        }
    }
    best
}

impl Running {
    fn split(
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
fn scan<const FROM_RIGHT: bool>(
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

/// 2. The best set of categories to send left.
fn category_split(
    histogram: FeatureHistogram<'_>,
    feature: &Feature,
    node: &Totals,
    rules: &Rules,
    running: &mut Running,
) -> Option<Split> {
    let support = f64::from(node.n) / node.hessian;
    let mut sorted: Vec<(f64, usize)> = (0..feature.n_bins + usize::from(feature.has_missing))
        .filter(|&bin| histogram.sums[bin][1] * support >= CATEGORY_SUPPORT)
        .map(|bin| {
            let [gradient, hessian] = histogram.sums[bin];
            (gradient / (hessian + CATEGORY_SUPPORT), bin)
        })
        .collect();
    if sorted.len() <= 1 {
        return None;
    }
    // Equal values in falling order of the bin.
    sorted.sort_by(|a, b| a.0.partial_cmp(&b.0).unwrap_or(Ordering::Equal).then(b.1.cmp(&a.1)));
    let (n_used, middle) = (sorted.len(), sorted.len().div_ceil(2));
    let mut best: Option<Split> = None;
    for from_top in [false, true] {
        let end = if from_top { middle - 1 } else { middle };
        let at = |i: usize| sorted[if from_top { n_used - 1 - i } else { i }].1;
        let least = best.map_or(-1.0, |best| best.gain);
        let Some(place) = scan::<false>(histogram, end, at, feature, node, rules, least, running)
        else {
            continue;
        };
        let mut split = running.split(place, feature, 0, false, node);
        let mut words = [0_u32; 8];
        for bin in (0..=place).map(at) {
            words[bin / 32] |= 1 << (bin % 32);
        }
        split.missing_left =
            feature.has_missing && crate::ensemble::in_set(&words, feature.n_bins as u8);
        split.left_bins = Some(words);
        best = Some(split);
    }
    best
}

#[cfg(test)]
mod tests {
    use super::{Feature, Rules, Running, Totals, best_split};
    use crate::histogram::{Groups, RowSet, open};

    fn find(bins: &[u8], gradients: &[f32], feature: Feature) -> Option<super::Split> {
        let n = bins.len();
        let groups = Groups::new(bins, &[feature.n_bins + 1], n, true);
        let histogram = groups.zeros();
        let mut sums = open(&histogram[0]);
        let pairs: Vec<[f32; 2]> = gradients.iter().map(|&g| [g, 1.0]).collect();
        sums.add(&groups.groups[0], RowSet::Range(0..n), &pairs);
        let gradient: f64 = gradients.iter().map(|&g| f64::from(g)).sum();
        let node = Totals {
            n: n as u32,
            gradient,
            hessian: n as f64,
            value: -gradient / n as f64,
            lower: f64::NEG_INFINITY,
            upper: f64::INFINITY,
        };
        let rules = Rules { min_samples_leaf: 1, l2_regularization: 0.0 };
        best_split(sums.feature(&groups.groups[0], 0), &feature, &node, &rules, &mut Running::new())
    }

    const NUMBER: Feature =
        Feature { index: 0, n_bins: 3, has_missing: false, is_categorical: false, monotonic: 0 };

    #[test]
    fn a_step_is_found_and_a_constraint_forbids_it() {
        let (bins, gradients) = ([0, 0, 1, 1, 2, 2], [1.0, 1.0, 1.0, 1.0, -2.0, -2.0]);
        let split = find(&bins, &gradients, NUMBER).unwrap();
        assert_eq!((split.bin, split.hessian_left, split.missing_left), (1, 4.0, false));
        assert!(find(&bins, &gradients, Feature { monotonic: -1, ..NUMBER }).is_none());
    }

    #[test]
    fn missing_values_go_where_they_fit() {
        let feature = Feature { has_missing: true, ..NUMBER };
        let split = find(&[0, 0, 2, 2, 3, 3], &[1.0, 1.0, -1.0, -1.0, 1.0, 1.0], feature).unwrap();
        assert!(split.missing_left && split.goes_left(3, 3) && !split.goes_left(2, 3));
        let split =
            find(&[0, 0, 2, 2, 3, 3], &[1.0, 1.0, -1.0, -1.0, -1.0, -1.0], feature).unwrap();
        assert!(!split.missing_left && split.hessian_left == 2.0);
    }

    #[test]
    fn categories_are_grouped() {
        let feature = Feature { is_categorical: true, ..NUMBER };
        let bins: Vec<u8> = (0..60).map(|i| i % 3).collect();
        let gradients: Vec<f32> = bins.iter().map(|&b| if b == 1 { -1.0 } else { 1.0 }).collect();
        let split = find(&bins, &gradients, feature).unwrap();
        assert_eq!(split.left_bins, Some([0b010, 0, 0, 0, 0, 0, 0, 0]));
    }
}
