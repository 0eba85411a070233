//! The cut that suits all nodes of a level: the gains of its nodes, summed up.
//!
//! A node adds nothing to the gain of a cut that leaves one of its children too few rows or too
//! little curvature.
//!
//! 1. Numbers: cut behind bin 0, 1, …; missing values on the right, then on the left.
//! 2. Categories: sorted by the G / (H + 10) of the whole level, from both ends up to the middle.

use std::cmp::Ordering;

use super::category::CATEGORY_SUPPORT;
use super::scan::{FREE, PENALISED, gain_of, highest, place};
use super::{Feature, Rules, Split, Totals};
use crate::histogram::FeatureHistogram;

/// A node of the level: the sums of one feature, and its own.
pub(crate) type LevelNode<'a> = (FeatureHistogram<'a>, &'a Totals);

/// The best cut of one feature, if any; the sums of the children are to be found node by node.
#[inline(always)]
pub(crate) fn level_split(
    nodes: &[LevelNode<'_>],
    feature: &Feature,
    rules: &Rules,
    drawn: Option<f64>,
) -> Option<Split> {
    if feature.is_categorical {
        return level_categories(nodes, feature, rules, drawn);
    }
    let missing = feature.n_bins;
    let mut best: Option<Split> = None;
    for missing_left in [false, true] {
        if missing_left && !feature.has_missing {
            break;
        }
        let end = feature.n_bins - 1 + usize::from(feature.has_missing && !missing_left);
        let mut gains = [0.0; 256];
        for node in nodes {
            add_gains(node, |i| i, missing_left.then_some(missing), rules, &mut gains[..end]);
        }
        if let Some((at, gain)) = choose(&gains[..end], best, rules, drawn) {
            best = Some(cut(feature, gain, at as u8, missing_left, None));
        }
    }
    best
}

fn cut(
    feature: &Feature,
    gain: f64,
    bin: u8,
    missing_left: bool,
    left_bins: Option<[u32; 8]>,
) -> Split {
    let index = feature.index;
    Split {
        gain,
        feature: index,
        bin,
        missing_left,
        left_bins,
        gradient_left: 0.,
        hessian_left: 0.,
    }
}

/// The first place of the highest gain, or the drawn place, if it is better than `best`.
fn choose(
    gains: &[f64],
    best: Option<Split>,
    rules: &Rules,
    drawn: Option<f64>,
) -> Option<(usize, f64)> {
    if gains.is_empty() {
        return None;
    }
    let at = match drawn {
        Some(drawn) => place(drawn, gains.len()),
        None => {
            let highest = highest(gains);
            gains.iter().position(|&gain| gain == highest)?
        }
    };
    let least = best.map_or(0.0, |best| best.gain).max(rules.min_gain);
    (gains[at] > least).then_some((at, gains[at]))
}

/// Adds the gains of one node: cuts behind the bins bin(0), bin(1), …
#[inline(always)]
fn add_gains(
    (histogram, node): &LevelNode<'_>,
    bin: impl Fn(usize) -> usize,
    missing: Option<usize>,
    rules: &Rules,
    gains: &mut [f64],
) {
    let end = gains.len().min(256);
    let (mut gradients, mut hessians, mut counts) = ([0.0; 256], [0.0; 256], [0.0; 256]);
    let (mut gradient, mut hessian, mut count) = (0.0, 0.0, 0.0);
    if let Some(missing) = missing {
        [gradient, hessian] = histogram.sum(missing);
        count = f64::from(histogram.count(missing));
    }
    for i in 0..end {
        let at = bin(i);
        let [of_gradient, of_hessian] = histogram.sum(at);
        gradient += of_gradient;
        hessian += of_hessian;
        count += f64::from(histogram.count(at));
        gradients[i] = gradient;
        hessians[i] = hessian;
        counts[i] = count;
    }
    let is_plain = rules.are_plain();
    for i in 0..end {
        let (left, n_left) = ([gradients[i], hessians[i]], counts[i]);
        let gain = if is_plain {
            gain_in::<FREE>(left, n_left, node, rules)
        } else {
            gain_in::<PENALISED>(left, n_left, node, rules)
        };
        gains[i] += gain;
    }
}

/// What a cut saves in one node; 0 where a child would be too small.
#[inline(always)]
fn gain_in<const KIND: u8>(left: [f64; 2], n_left: f64, node: &Totals, rules: &Rules) -> f64 {
    let right = [node.gradient - left[0], node.hessian - left[1]];
    let least = f64::from(rules.min_samples_leaf);
    let gain = gain_of::<KIND>(left, right, 0, node, rules);
    let sound = (n_left >= least)
        & (f64::from(node.n) - n_left >= least)
        & (left[1] >= rules.min_hessian)
        & (right[1] >= rules.min_hessian);
    if sound { gain } else { 0.0 }
}

/// What a cut with these sums on the left saves in one node.
pub(crate) fn own_gain(left: [f64; 2], n_left: usize, node: &Totals, rules: &Rules) -> f64 {
    if rules.are_plain() {
        gain_in::<FREE>(left, n_left as f64, node, rules)
    } else {
        gain_in::<PENALISED>(left, n_left as f64, node, rules)
    }
}

/// Sums of the left child: gradient and curvature.
pub(crate) fn left_sums(
    histogram: FeatureHistogram<'_>,
    feature: &Feature,
    split: &Split,
) -> [f64; 2] {
    let (mut gradient, mut hessian) = (0.0, 0.0);
    for bin in (0..=feature.n_bins).filter(|&bin| split.goes_left(bin as u8, feature.n_bins as u8))
    {
        let [of_gradient, of_hessian] = histogram.sum(bin);
        gradient += of_gradient;
        hessian += of_hessian;
    }
    [gradient, hessian]
}

/// 2. The best set of categories to send left.
fn level_categories(
    nodes: &[LevelNode<'_>],
    feature: &Feature,
    rules: &Rules,
    drawn: Option<f64>,
) -> Option<Split> {
    let n_bins = feature.n_bins + usize::from(feature.has_missing);
    let total = |bin: usize, what: usize| -> f64 {
        nodes.iter().map(|(histogram, _)| histogram.sum(bin)[what]).sum()
    };
    let n: f64 = nodes.iter().map(|(_, totals)| f64::from(totals.n)).sum();
    let support = n / nodes.iter().map(|(_, totals)| totals.hessian).sum::<f64>();
    let mut sorted: Vec<(f64, usize)> = (0..n_bins)
        .filter(|&bin| total(bin, 1) * support >= CATEGORY_SUPPORT)
        .map(|bin| (total(bin, 0) / (total(bin, 1) + CATEGORY_SUPPORT), bin))
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
        let bin = |i: usize| sorted[if from_top { n_used - 1 - i } else { i }].1;
        let mut gains = [0.0; 256];
        for node in nodes {
            add_gains(node, bin, None, rules, &mut gains[..end]);
        }
        if let Some((at, gain)) = choose(&gains[..end], best, rules, drawn) {
            let mut words = [0_u32; 8];
            for bin in (0..=at).map(bin) {
                words[bin / 32] |= 1 << (bin % 32);
            }
            let missing_left =
                feature.has_missing && crate::ensemble::in_set(&words, feature.n_bins as u8);
            best = Some(cut(feature, gain, 0, missing_left, Some(words)));
        }
    }
    best
}
