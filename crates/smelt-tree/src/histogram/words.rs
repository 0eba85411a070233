//! Histograms of words: gradient, curvature and rows of a bin in 64 bits.
//!
//! A node of at most [`BLOCK`] rows keeps its sums as words: a row is one addition of 8 bytes a
//! feature, a sibling one subtraction a bin, and a node of 28 features fills 57 kB instead of 143 kB.
//! Nodes with more rows are summed up block by block into numbers.  All sums are exact, so it does
//! not matter which way they came about.

use super::quantized::{BLOCK, Units, pack, unpack};
use super::{FeatureHistogram, Group, GroupHistogram, RowSet};
use crate::layout::WIDTH;

/// Sums of the bins of one feature.
pub(crate) type Words = [u64; 256];

impl GroupHistogram {
    /// Whether the sums are words.
    #[inline(always)]
    pub(crate) fn is_packed(&self) -> bool {
        !self.words.is_empty()
    }

    /// Sums of the `lane`-th feature of `group`, be they numbers or words.
    #[inline(always)]
    pub(crate) fn quantized_feature(
        &self,
        group: &Group<'_>,
        lane: usize,
        units: &Units,
    ) -> FeatureHistogram<'_> {
        match self.words.get(lane) {
            Some(words) => FeatureHistogram::Words(words, units.worth, units.constant_hessian),
            None => self.feature(group, lane),
        }
    }

    /// Adds rows with quantised gradients: `words[i]` belongs to row `rows[i]`.
    #[inline(always)]
    pub(crate) fn add_quantized(
        &mut self,
        group: &Group<'_>,
        rows: RowSet<'_>,
        words: &[u64],
        units: &Units,
    ) {
        if self.is_packed() {
            return add_to_lanes(&mut self.words, group, &rows, words);
        }
        for (block, words) in words.chunks(BLOCK).enumerate() {
            let (start, stop) = (block * BLOCK, block * BLOCK + words.len());
            let rows = match &rows {
                RowSet::Range(range) => RowSet::Range(range.start + start..range.start + stop),
                RowSet::List(rows) => RowSet::List(&rows[start..stop]),
            };
            let mut sums = [[0_u64; 256]; WIDTH];
            let sums = &mut sums[..group.features.len()];
            add_to_lanes(sums, group, &rows, words);
            self.add_sums(group, sums, units, 1.0);
        }
    }

    /// Adds `factor` (1 or −1) times sums of words, one list of bins a feature.
    #[inline(always)]
    fn add_sums(&mut self, group: &Group<'_>, words: &[Words], units: &Units, factor: f64) {
        let [gradient_unit, hessian_unit] = units.worth.map(|unit| unit * factor);
        for (lane, words) in words.iter().enumerate() {
            let range = group.starts[lane]..group.starts[lane + 1];
            if self.counts.is_empty() {
                for (sum, &word) in self.sums[range].iter_mut().zip(words) {
                    let (gradient, _, count) = unpack(word);
                    sum[0] += gradient as i32 as f64 * gradient_unit;
                    sum[1] += count as i32 as f64 * factor;
                }
                continue;
            }
            let sums = self.sums[range.clone()].iter_mut().zip(&mut self.counts[range]);
            for ((sum, n), &word) in sums.zip(words) {
                let (gradient, hessian, count) = unpack(word);
                sum[0] += gradient as i32 as f64 * gradient_unit;
                sum[1] += hessian as i32 as f64 * hessian_unit;
                *n = n.wrapping_add_signed(count as i32 * factor as i32);
            }
        }
    }

    /// self ← self − `small`: the sums of a node's other child.  `spare` takes them as words where the
    /// parent had too many rows for words and the child has not.
    #[inline(always)]
    pub(crate) fn subtract_words(
        &mut self,
        group: &Group<'_>,
        small: &Self,
        spare: Option<&mut Self>,
        units: &Units,
    ) {
        if self.is_packed() {
            for (lane, (of_self, of_small)) in self.words.iter_mut().zip(&small.words).enumerate() {
                let n_bins = group.starts[lane + 1] - group.starts[lane];
                for (a, b) in of_self.iter_mut().zip(of_small).take(n_bins) {
                    *a -= b;
                }
            }
            return;
        }
        if small.is_packed() {
            self.add_sums(group, &small.words, units, -1.0);
        } else {
            self.subtract(small);
        }
        let Some(spare) = spare else { return };
        let per_gradient_unit = 1.0 / units.worth[0];
        let per_hessian_unit = if units.constant_hessian { 0.0 } else { 1.0 / units.worth[1] };
        for (lane, words) in spare.words.iter_mut().enumerate() {
            let sums = self.feature(group, lane);
            let n_bins = group.starts[lane + 1] - group.starts[lane];
            for (bin, word) in words.iter_mut().enumerate().take(n_bins) {
                let [gradient, hessian] = sums.sum(bin);
                // Exact: sums are whole multiples of the units, and the units powers of two.
                *word = pack(
                    (gradient * per_gradient_unit) as i64,
                    (hessian * per_hessian_unit) as u64,
                    sums.count(bin).into(),
                );
            }
        }
    }
}

/// Adds words to the bins of their rows, one list of sums a feature.
#[inline(always)]
fn add_to_lanes(sums: &mut [Words], group: &Group<'_>, rows: &RowSet<'_>, words: &[u64]) {
    match sums {
        [a] => add_lanes([a], group, rows, words),
        [a, b] => add_lanes([a, b], group, rows, words),
        [a, b, c] => add_lanes([a, b, c], group, rows, words),
        [a, b, c, d] => add_lanes([a, b, c, d], group, rows, words),
        _ => {}
    }
}

#[inline(always)]
fn add_lanes<const LANES: usize>(
    mut sums: [&mut Words; LANES],
    group: &Group<'_>,
    rows: &RowSet<'_>,
    words: &[u64],
) {
    group.fetched(rows, words, |bins, words| {
        for (&bins, &word) in bins.iter().zip(words) {
            for (lane, sums) in sums.iter_mut().enumerate() {
                sums[usize::from((bins >> (8 * lane)) as u8)] += word;
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::super::quantized::{BLOCK, Packed};
    use super::super::{Groups, RowSet, open};
    use crate::layout::{Bins, grouped};

    #[test]
    fn a_child_gets_the_same_words_from_its_parents_numbers_as_from_its_rows() {
        let (n, n_bins) = (BLOCK + 5000, [3, 5, 2, 7, 4]);
        let bins: Vec<u8> = (0..5 * n).map(|i| ((i * 7 + i / 13) % n_bins[i / n]) as u8).collect();
        let bytes = grouped(&bins, n, 5, 4);
        let bins = Bins::groups(&bytes, n, 5, 4).unwrap();
        for constant_hessian in [false, true] {
            let hessian = |i: usize| if constant_hessian { 1.0 } else { 0.1 + (i % 9) as f32 };
            let gradients: Vec<[f32; 2]> =
                (0..n).map(|i| [(i as f32 * 0.37).sin(), hessian(i)]).collect();
            let mut packed = Packed::default();
            packed.fill(&gradients, constant_hessian, 3);
            let groups = Groups::new(&bins, &n_bins, constant_hessian).unwrap();
            let rows = |small: bool| -> Vec<u32> {
                (0..n as u32).filter(|row| (row % 3 == 0) == small).collect()
            };
            let [small, large] = [true, false].map(rows);
            assert!(small.len() <= BLOCK && large.len() <= BLOCK);
            let of = |rows: &[u32]| -> Vec<u64> {
                rows.iter().map(|&row| packed.words[row as usize]).collect()
            };
            for (index, group) in groups.groups.iter().enumerate() {
                let (all, spare) = (groups.zeros(), groups.zero_words());
                let (few, wanted) = (groups.zero_words(), groups.zero_words());
                let (mut all, mut spare) = (open(&all[index]), open(&spare[index]));
                let (mut few, mut wanted) = (open(&few[index]), open(&wanted[index]));
                let units = &packed.units;
                all.add_quantized(group, RowSet::Range(0..n), &packed.words, units);
                few.add_quantized(group, RowSet::List(&small), &of(&small), units);
                wanted.add_quantized(group, RowSet::List(&large), &of(&large), units);
                all.subtract_words(group, &few, Some(&mut *spare), units);
                assert_eq!(spare.words, wanted.words);
                for (lane, feature) in group.features.clone().enumerate() {
                    let numbers = all.quantized_feature(group, lane, units);
                    let words = wanted.quantized_feature(group, lane, units);
                    for bin in 0..n_bins[feature] {
                        assert_eq!(numbers.sum(bin), words.sum(bin));
                        assert_eq!(numbers.count(bin), words.count(bin));
                    }
                }
            }
        }
    }
}
