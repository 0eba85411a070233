//! Cuts of categorical features.

use std::cmp::Ordering;

use super::scan::{Running, scan};
use super::{Feature, Rules, Split, Totals};
use crate::histogram::FeatureHistogram;

/// Categories with less weight than this always go right; also their smoothing.
pub(super) const CATEGORY_SUPPORT: f64 = 10.0;

/// 2. The best set of categories to send left.
pub(super) fn category_split(
    histogram: FeatureHistogram<'_>,
    feature: &Feature,
    node: &Totals,
    rules: &Rules,
    drawn: Option<f64>,
    running: &mut Running,
) -> Option<Split> {
    let support = f64::from(node.n) / node.hessian;
    let mut sorted: Vec<(f64, usize)> = (0..feature.n_bins + usize::from(feature.has_missing))
        .filter(|&bin| histogram.sum(bin)[1] * support >= CATEGORY_SUPPORT)
        .map(|bin| {
            let [gradient, hessian] = histogram.sum(bin);
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
        let Some(place) =
            scan::<false>(histogram, end, at, feature, node, rules, drawn, least, running)
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
