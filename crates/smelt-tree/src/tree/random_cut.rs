//! Random cut: one threshold of a column, drawn between the smallest and the largest value of a node.
//!
//! 1. Gather the values; smallest, largest, number of missing ones.
//! 2. Draw the threshold, and the side of the missing values.
//! 3. Add up the left rows.  Whole class weights come class by class, so that this is a comparison
//!    and an integer addition a row, several at a time.
//!
//! Cost: four bytes gathered, read three times from the first-level cache.

use smelt_core::simd::vectorize;

use super::columns::CLOSE;
use super::criterion::Criterion;
use super::cut::{Cut, Found, Rules, proxy};
use super::few_rows::MOST_CLASSES;
use super::random::Xorshift;
use super::sparse::Values;

/// Values of the node's rows, and sums of both sides.
#[derive(Debug, Default)]
pub(crate) struct RandomScratch {
    values: Vec<f32>,
    sums: Vec<f64>,
}

/// What a draw needs to know of the values.
struct Range {
    lowest: f32,
    highest: f32,
    n_missing: usize,
}

/// A cut at a random threshold, for the rows of the node that `criterion` has entered.  `ends` are
/// the places behind the last row of every class, if the rows come class by class.
pub(crate) fn random_cut<C: Criterion>(
    table: Values<'_>,
    feature: usize,
    rows: &[u32],
    items: &[C::Item],
    ends: Option<&[usize]>,
    criterion: &mut C,
    rules: &Rules,
    random: &mut Xorshift,
    scratch: &mut RandomScratch,
) -> Found {
    let RandomScratch { values, sums } = scratch;
    // 1. Values.
    table.gather(feature, rows, values);
    let Range { lowest, highest, n_missing } = vectorize(
        #[inline(always)]
        || range(values),
    );
    let n = rows.len();
    if n_missing == n || (n_missing == 0 && highest <= lowest + CLOSE) {
        return Found::Constant;
    }
    // 2. Threshold.
    let (low, high) = (f64::from(lowest), f64::from(highest));
    let mut threshold = random.uniform(low, high);
    let missing_left = n_missing > 0 && random.integer(0, 2) == 1;
    if threshold == high {
        threshold = low;
    }
    let goes_left = |value: f32| f64::from(value) <= threshold || (missing_left && value.is_nan());
    // 3. Left rows.
    let width = criterion.n_sums();
    criterion.reset();
    let mut n_left = 0;
    if let (Some(ends), 0) = (ends, n_missing) {
        let largest = at_most(threshold);
        let mut left = [0.0; MOST_CLASSES];
        let mut start = 0;
        vectorize(
            #[inline(always)]
            || {
                for (left, &end) in left.iter_mut().zip(ends) {
                    let (weight, n) =
                        left_of(&values[start..end], &items[start..end], largest, criterion);
                    *left = f64::from(weight);
                    n_left += n as usize;
                    start = end;
                }
            },
        );
        criterion.shift_sums(&left[..ends.len()]);
    } else if width > 0 {
        if sums.len() < 2 * width {
            sums.resize(2 * width, 0.0);
        }
        for (&value, &item) in values.iter().zip(items) {
            // Both sides are added up: no branch that cannot be foreseen.
            let left = goes_left(value);
            let start = if left { 0 } else { width };
            criterion.add(&mut sums[start..start + width], item);
            n_left += usize::from(left);
        }
        criterion.shift_sums(&sums[..width]);
        sums[..2 * width].fill(0.0);
    } else {
        for (&value, &item) in values.iter().zip(items) {
            if goes_left(value) {
                criterion.shift(item);
                n_left += 1;
            }
        }
    }
    match proxy(criterion, [n_left, n - n_left], rules) {
        Some(proxy) if n_left > 0 && n_left < n => Found::Cut(Cut {
            feature,
            proxy,
            code: 0,
            threshold: table.threshold(feature, threshold),
            missing_left: if n_missing == 0 { 2 * n_left > n } else { missing_left },
            set: None,
        }),
        _ => Found::Nothing,
    }
}

/// Smallest and largest value that is not missing.
#[inline(always)]
fn range(values: &[f32]) -> Range {
    const LANES: usize = 16;
    let (mut low, mut high) = ([f32::INFINITY; LANES], [f32::NEG_INFINITY; LANES]);
    let mut missing = [0_u32; LANES];
    let (blocks, rest) = values.as_chunks::<LANES>();
    // Comparisons with NaN are false.
    for block in blocks {
        for lane in 0..LANES {
            let value = block[lane];
            low[lane] = if value < low[lane] { value } else { low[lane] };
            high[lane] = if value > high[lane] { value } else { high[lane] };
            missing[lane] += u32::from(value.is_nan());
        }
    }
    for (lane, &value) in rest.iter().enumerate() {
        low[lane] = if value < low[lane] { value } else { low[lane] };
        high[lane] = if value > high[lane] { value } else { high[lane] };
        missing[lane] += u32::from(value.is_nan());
    }
    Range {
        lowest: low.into_iter().fold(f32::INFINITY, f32::min),
        highest: high.into_iter().fold(f32::NEG_INFINITY, f32::max),
        n_missing: missing.into_iter().sum::<u32>() as usize,
    }
}

/// Weight and number of the rows up to `largest`.
#[inline(always)]
fn left_of<C: Criterion>(
    values: &[f32],
    items: &[C::Item],
    largest: f32,
    criterion: &C,
) -> (u32, u32) {
    let (mut weight, mut n) = (0, 0);
    for (&value, &item) in values.iter().zip(items) {
        let is_left = value <= largest;
        weight += if is_left { criterion.class_and_weight(item).1 } else { 0 };
        n += u32::from(is_left);
    }
    (weight, n)
}

/// The largest number of f32 that is at most `x`.
#[inline(always)]
pub(crate) fn at_most(x: f64) -> f32 {
    let near = x as f32;
    if f64::from(near) > x { near.next_down() } else { near }
}

#[cfg(test)]
mod tests {
    use super::{at_most, range};

    #[test]
    fn ranges_and_thresholds_are_exact() {
        let values: Vec<f32> = (0..37).map(|i| if i == 5 { f32::NAN } else { i as f32 }).collect();
        let found = range(&values);
        assert_eq!((found.lowest, found.highest, found.n_missing), (0.0, 36.0, 1));
        for x in [0.1, 1.0, -0.3, 1e30, 16_777_217.0] {
            let near = at_most(x);
            assert!(f64::from(near) <= x && f64::from(near.next_up()) > x);
        }
    }
}
