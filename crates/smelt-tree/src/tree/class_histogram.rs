//! Best cut of a column of bytes for many rows of whole weights, with Gini impurity: a histogram of
//! class weights in u32, all its cuts scored in f32, and the best of them put to the criterion.
//!
//! 1. Add the weights to the bins of their class; the rows come class by class.
//! 2. Running sums of each class, and Σ_k w_k² / w of both children behind every bin, in f32.
//! 3. Bins within rounding of the best score are put to the criterion, in their order.
//!
//! Cost: eight bytes streamed, one byte gathered and one addition a row; about ten operations a bin
//! and class.

use smelt_core::simd::vectorize;

use super::columns::Strided;
use super::criterion::{ClassSums, Criterion, Score};
use super::cut::Rules;
use super::few_rows::{Between, MOST_CLASSES, Offer};

/// Bins of a column of bytes.
const BINS: usize = 256;
/// Scores this close to the best may be the best: a few roundings in f32.
const ROUNDING: f32 = 1e-6;

/// Room for the work on one column.
#[derive(Debug, Default)]
pub(crate) struct ClassHistogram {
    /// Weights of every class in every bin, and in the bins up to it.
    bins: Vec<[u32; BINS]>,
    /// Rows of a bin, where asked for.
    counts: Vec<u32>,
}

/// Whether a node is fit for histograms of its classes.
pub(crate) fn are_countable(sums: &ClassSums<'_>) -> bool {
    // Numbers of f32 are exact below 2^24.
    matches!(sums.score, Score::Squares)
        && sums.totals.len() <= MOST_CLASSES
        && sums.weight < 16_777_216.0
}

impl ClassHistogram {
    /// Best cut of a column without missing values; `are_close`: two codes cannot be parted.
    pub(crate) fn best<C: Criterion>(
        &mut self,
        codes: Strided<'_, u8>,
        rows: &[u32],
        items: &[C::Item],
        criterion: &mut C,
        rules: &Rules,
        are_close: &dyn Fn(u32, u32) -> bool,
    ) -> Offer {
        let Some(sums) = criterion.class_sums() else { return Offer::Nothing };
        // 1. Weights of the bins.
        let n_classes = sums.totals.len();
        self.bins.resize(n_classes, [0; BINS]);
        self.bins.iter_mut().for_each(|bins| bins.fill(0));
        let mut start = 0;
        for (class, bins) in self.bins.iter_mut().enumerate() {
            for (&row, &item) in rows[start..].iter().zip(&items[start..]) {
                let (of_row, weight) = criterion.class_and_weight(item);
                if of_row != class {
                    break;
                }
                bins[usize::from(codes.get(row))] += weight;
                start += 1;
            }
        }
        // 2. Scores.
        let mut scores = [f32::NEG_INFINITY; BINS];
        let least = rules.min_weight_leaf.max(1.0) as f32;
        let (totals, weight) = (sums.totals, sums.weight as f32);
        vectorize(
            #[inline(always)]
            || score(&mut self.bins, totals, weight, least, &mut scores),
        );
        if rules.min_samples_leaf > 1 {
            self.counts.clear();
            self.counts.resize(BINS, 0);
            for &row in rows {
                self.counts[usize::from(codes.get(row))] += 1;
            }
            let mut n_left = 0;
            for (score, &count) in scores.iter_mut().zip(&self.counts) {
                n_left += count as usize;
                if n_left < rules.min_samples_leaf || rows.len() - n_left < rules.min_samples_leaf {
                    *score = f32::NEG_INFINITY;
                }
            }
        }
        choose(&self.bins, &mut scores, are_close, criterion)
    }
}

/// 2. Σ w_left² / w_left + Σ w_right² / w_right behind every bin; the bins become running sums.
#[inline(always)]
fn score(
    bins: &mut [[u32; BINS]],
    totals: &[f64],
    weight: f32,
    least: f32,
    scores: &mut [f32; BINS],
) {
    let (mut weight_left, mut squares_left) = ([0.0_f32; BINS], [0.0_f32; BINS]);
    let mut squares_right = [0.0_f32; BINS];
    for (bins, &total) in bins.iter_mut().zip(totals) {
        let (total, mut running) = (total as f32, 0);
        for bin in bins.iter_mut() {
            running += *bin;
            *bin = running;
        }
        for bin in 0..BINS {
            // As i32, which converts faster.
            let left = bins[bin] as i32 as f32;
            let right = total - left;
            weight_left[bin] += left;
            squares_left[bin] += left * left;
            squares_right[bin] += right * right;
        }
    }
    for bin in 0..BINS {
        let (left, right) = (weight_left[bin], weight - weight_left[bin]);
        let score = squares_left[bin] / left + squares_right[bin] / right;
        let allowed = (left >= least) & (right >= least);
        scores[bin] = if allowed { score } else { f32::NEG_INFINITY };
    }
}

/// 3. The first cut of the best proxy among those within rounding of the best score.
fn choose<C: Criterion>(
    bins: &[[u32; BINS]],
    scores: &mut [f32; BINS],
    are_close: &dyn Fn(u32, u32) -> bool,
    criterion: &mut C,
) -> Offer {
    let is_empty = |bin: usize| match bin {
        0 => bins.iter().all(|bins| bins[0] == 0),
        _ => bins.iter().all(|bins| bins[bin] == bins[bin - 1]),
    };
    loop {
        let highest = vectorize(
            #[inline(always)]
            || largest_of(scores),
        );
        if highest == f32::NEG_INFINITY {
            let mut filled = (0..BINS).filter(|&bin| !is_empty(bin));
            return match (filled.next(), filled.next_back()) {
                (Some(least), Some(largest)) if !are_close(least as u32, largest as u32) => {
                    Offer::Nothing
                }
                _ => Offer::Constant,
            };
        }
        let bound = highest * (1.0 - ROUNDING);
        let mut best: Option<Between> = None;
        for bin in above(scores, bound) {
            let next = (bin + 1..BINS).find(|&bin| !is_empty(bin)).unwrap_or(bin);
            if is_empty(bin) || are_close(bin as u32, next as u32) {
                scores[bin] = f32::NEG_INFINITY;
                continue;
            }
            let mut left = [0.0; MOST_CLASSES];
            left.iter_mut().zip(bins).for_each(|(left, bins)| *left = f64::from(bins[bin]));
            criterion.reset();
            criterion.shift_sums(&left[..bins.len()]);
            let proxy = criterion.proxy();
            if best.is_none_or(|best| proxy > best.proxy) {
                best = Some(Between { last: bin as u32, next: next as u32, proxy });
            }
        }
        if let Some(best) = best {
            return Offer::Cut(best);
        }
        // None of them was a cut: on to the next best.
    }
}

/// The largest of numbers of which none is NaN.
#[inline(always)]
fn largest_of(scores: &[f32; BINS]) -> f32 {
    let mut lanes = [f32::NEG_INFINITY; 16];
    for scores in scores.as_chunks::<16>().0 {
        for (lane, &score) in lanes.iter_mut().zip(scores) {
            *lane = if score > *lane { score } else { *lane };
        }
    }
    lanes.into_iter().fold(f32::NEG_INFINITY, f32::max)
}

/// Places of the scores of at least `bound`, in their order.
fn above(scores: &[f32; BINS], bound: f32) -> impl Iterator<Item = usize> + use<> {
    let mut words = [0_u64; BINS / 64];
    for (word, scores) in words.iter_mut().zip(scores.as_chunks::<64>().0) {
        for (place, &score) in scores.iter().enumerate() {
            *word |= u64::from(score >= bound) << place;
        }
    }
    words.into_iter().enumerate().flat_map(|(index, mut word)| {
        std::iter::from_fn(move || {
            let place = word.trailing_zeros() as usize;
            word &= word.wrapping_sub(1);
            (place < 64).then_some(64 * index + place)
        })
    })
}
