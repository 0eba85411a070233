//! Splitter: the best way to cut a node in two on one feature.
//!
//! With G, H the sums of gradients and curvatures of a child, its value is v = −G / (H + λ) (kept
//! within the bounds that monotonic constraints set), and the gain of a cut is
//! G·v of the node − G_left·v_left − G_right·v_right; see [`Rules`] for further penalties.
//!
//! 1. Numbers: running sums from the left, missing values on the right; where the feature has
//!    missing values also running sums from the right, missing values on the left.
//! 2. Categories: sorted by G / (H + 10), those of little weight left out; running sums from both
//!    ends, up to the middle.  Missing values are a category of their own.
//! 3. The first cut of the highest gain wins, if both children have enough rows and curvature; or
//!    the cut at the drawn place, where cuts are drawn.

mod category;
mod level;
mod rules;
mod scan;

use self::category::category_split;
pub(crate) use self::level::{left_sums, level_split, own_gain};
pub(crate) use self::rules::Rules;
pub(crate) use self::scan::Running;
use self::scan::scan;
use crate::histogram::FeatureHistogram;

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

/// The best cut of one feature, if any.
#[inline(always)]
pub(crate) fn best_split(
    histogram: FeatureHistogram<'_>,
    feature: &Feature,
    node: &Totals,
    rules: &Rules,
    drawn: Option<f64>,
    running: &mut Running,
) -> Option<Split> {
    if feature.is_categorical {
        return category_split(histogram, feature, node, rules, drawn, running);
    }
    // 1. Missing values on the right: cut behind bin 0, 1, …
    let end = feature.n_bins - 1 + usize::from(feature.has_missing);
    let mut best = scan::<false>(histogram, end, |i| i, feature, node, rules, drawn, -1.0, running)
        .map(|at| running.split(at, feature, at, false, node));
    // Missing values on the left: the right child takes the last bin, the last two, …
    if feature.has_missing && feature.n_bins >= 2 {
        let last = feature.n_bins - 1;
        let gain = best.map_or(-1.0, |best| best.gain);
        if let Some(at) =
            scan::<true>(histogram, last, |i| last - i, feature, node, rules, drawn, gain, running)
        {
            best = Some(running.split(at, feature, last - 1 - at, true, node));
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::{Feature, Rules, Running, Totals, best_split};
    use crate::histogram::{Groups, RowSet, open};
    use crate::layout::{Bins, grouped};

    fn find(bins: &[u8], gradients: &[f32], feature: Feature) -> Option<super::Split> {
        let n = bins.len();
        let bytes = grouped(bins, n, 1, 4);
        let bins = Bins::groups(&bytes, n, 1, 4).unwrap();
        let groups = Groups::new(&bins, &[feature.n_bins + 1], true).unwrap();
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
        let rules = Rules { min_samples_leaf: 1, ..Rules::default() };
        best_split(
            sums.feature(&groups.groups[0], 0),
            &feature,
            &node,
            &rules,
            None,
            &mut Running::new(),
        )
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
