//! Histograms: sums of gradients, curvatures and rows for every bin of every feature.
//!
//! Up to four features form a group whose bins lie in one 32-bit word a row, so that one gather and
//! one load of (gradient, curvature) feed four updates; the 16 kB of sums a group needs stay in the
//! first-level cache.  Gradients are f32, sums f64, added in ascending row order for every feature:
//! the same bits for any number of threads, and scikit-learn's.
//!
//! Rows of a deep node are far from each other: what is fetched of them next is asked for ahead, once a
//! shelf (see [`crate::layout`]).
//!
//! Cost of a node: one gathered word for four features, one 16-byte addition and one count a value;
//! 20 bytes a bin.  Quantised gradients ([`quantized`]) cost one addition of 8 bytes a value and 8
//! bytes a bin; see [`words`].

pub(crate) mod quantized;
mod words;

use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

use self::quantized::unpack;
use self::words::Words;
use crate::layout::{Bins, GroupBins, WIDTH, features_of, lanes, n_groups};

/// Rows whose bins are fetched before their sums are added to.
const FETCH: usize = 512;

/// Rows to add up.
#[derive(Debug, Clone)]
pub(crate) enum RowSet<'a> {
    /// All rows of a range.
    Range(Range<usize>),
    /// These rows.
    List(&'a [u32]),
}

/// Bins of up to four features, and where each feature's bins start in the group's histogram.
#[derive(Debug)]
pub(crate) struct Group<'a> {
    /// Features of the group.
    pub(crate) features: Range<usize>,
    bins: GroupBins<'a>,
    /// First histogram entry of each feature, and the end.
    starts: [usize; WIDTH + 1],
}

/// Sums of one group: (gradient, curvature) of every bin, and its number of rows; or all three in one
/// word, then one list of 256 bins a feature.
#[derive(Debug, Default)]
pub(crate) struct GroupHistogram {
    sums: Vec<[f64; 2]>,
    counts: Vec<u32>,
    words: Vec<Words>,
}

/// Sums of a node, group by group, each to be locked by the task that works on the group.
pub(crate) type Histogram = Vec<Mutex<GroupHistogram>>;

/// The bins of the training rows, arranged for histograms.
#[derive(Debug)]
pub(crate) struct Groups<'a> {
    pub(crate) groups: Vec<Group<'a>>,
    /// Group of each feature, and its place there.
    lanes: Vec<(usize, usize)>,
    /// Curvature is 1 in every row: its sums are the counts.
    pub(crate) constant_hessian: bool,
}

impl<'a> Groups<'a> {
    /// `n_bins[j]` counts feature j's bins with the one for missing values; none for bins in columns.
    pub(crate) fn new(bins: &Bins<'a>, n_bins: &[usize], constant_hessian: bool) -> Option<Self> {
        let n_features = n_bins.len();
        let group = |index| {
            let features = features_of(index, n_features);
            let mut starts = [0; WIDTH + 1];
            for (lane, feature) in features.clone().enumerate() {
                starts[lane + 1] = starts[lane] + n_bins[feature];
            }
            Some(Group { features, bins: bins.group(index)?, starts })
        };
        let groups = (0..n_groups(n_features)).map(group).collect::<Option<Vec<_>>>()?;
        Some(Self { groups, lanes: lanes(n_features), constant_hessian })
    }

    /// The bins of a feature's group, and its place there.
    pub(crate) fn column(&self, feature: usize) -> (GroupBins<'a>, usize) {
        let (group, lane) = self.lanes[feature];
        (self.groups[group].bins, lane)
    }

    /// A histogram of zeros.
    pub(crate) fn zeros(&self) -> Histogram {
        let zeros = |group: &Group<'_>| {
            let size = group.starts[group.features.len()];
            let counts = if self.constant_hessian { 0 } else { size };
            let sums = vec![[0.0; 2]; size];
            Mutex::new(GroupHistogram { sums, counts: vec![0; counts], words: Vec::new() })
        };
        self.groups.iter().map(zeros).collect()
    }

    /// A histogram of zeros for a node of at most [`quantized::BLOCK`] rows with quantised gradients.
    pub(crate) fn zero_words(&self) -> Histogram {
        let zeros = |group: &Group<'_>| {
            let words = vec![[0; 256]; group.features.len()];
            Mutex::new(GroupHistogram { words, ..GroupHistogram::default() })
        };
        self.groups.iter().map(zeros).collect()
    }
}

/// The histogram behind a lock that only one task ever takes.
pub(crate) fn open(histogram: &Mutex<GroupHistogram>) -> MutexGuard<'_, GroupHistogram> {
    histogram.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Sums of one feature.
#[derive(Debug, Clone, Copy)]
pub(crate) enum FeatureHistogram<'a> {
    /// As numbers: (gradient, curvature) and rows.  Without rows these are the curvatures.
    Numbers(&'a [[f64; 2]], &'a [u32]),
    /// As words of quantised numbers, what these are worth, and whether curvatures are rows.
    Words(&'a Words, [f64; 2], bool),
}

impl FeatureHistogram<'_> {
    /// Gradient and curvature of a bin.
    #[inline(always)]
    pub(crate) fn sum(&self, bin: usize) -> [f64; 2] {
        match *self {
            Self::Numbers(sums, _) => sums[bin],
            Self::Words(words, units, constant_hessian) => {
                let (gradient, hessian, count) = unpack(words[bin]);
                let hessian =
                    if constant_hessian { count as f64 } else { hessian as f64 * units[1] };
                [gradient as f64 * units[0], hessian]
            }
        }
    }

    /// Rows in a bin.
    #[inline(always)]
    pub(crate) fn count(&self, bin: usize) -> u32 {
        match *self {
            Self::Numbers(sums, []) => sums[bin][1] as u32,
            Self::Numbers(_, counts) => counts[bin],
            Self::Words(words, ..) => unpack(words[bin]).2 as u32,
        }
    }
}

impl GroupHistogram {
    /// Sums of the `lane`-th feature of `group`, as numbers.
    #[inline(always)]
    pub(crate) fn feature(&self, group: &Group<'_>, lane: usize) -> FeatureHistogram<'_> {
        let range = group.starts[lane]..group.starts[lane + 1];
        let counts = if self.counts.is_empty() { &[][..] } else { &self.counts[range.clone()] };
        FeatureHistogram::Numbers(&self.sums[range], counts)
    }

    /// Forgets all sums.
    pub(crate) fn clear(&mut self) {
        self.sums.fill([0.0; 2]);
        self.counts.fill(0);
        self.words.fill([0; 256]);
    }

    /// Adds rows: `gradients[i]` belongs to row `rows[i]`.
    #[inline(always)]
    pub(crate) fn add(&mut self, group: &Group<'_>, rows: RowSet<'_>, gradients: &[[f32; 2]]) {
        match (group.features.len(), self.counts.is_empty()) {
            (1, true) => self.add_lanes::<1, false>(group, &rows, gradients),
            (2, true) => self.add_lanes::<2, false>(group, &rows, gradients),
            (3, true) => self.add_lanes::<3, false>(group, &rows, gradients),
            (_, true) => self.add_lanes::<4, false>(group, &rows, gradients),
            (1, false) => self.add_lanes::<1, true>(group, &rows, gradients),
            (2, false) => self.add_lanes::<2, true>(group, &rows, gradients),
            (3, false) => self.add_lanes::<3, true>(group, &rows, gradients),
            (_, false) => self.add_lanes::<4, true>(group, &rows, gradients),
        }
    }

    #[inline(always)]
    fn add_lanes<const LANES: usize, const COUNT: bool>(
        &mut self,
        group: &Group<'_>,
        rows: &RowSet<'_>,
        gradients: &[[f32; 2]],
    ) {
        group.fetched(rows, gradients, |words, gradients| {
            self.add_words::<LANES, COUNT>(group.starts, words, gradients);
        });
    }

    #[inline(always)]
    fn add_words<const LANES: usize, const COUNT: bool>(
        &mut self,
        starts: [usize; WIDTH + 1],
        words: &[u32],
        gradients: &[[f32; 2]],
    ) {
        let sums = &mut self.sums[..];
        let counts = &mut self.counts[..];
        for (&word, &[gradient, hessian]) in words.iter().zip(gradients) {
            let (gradient, hessian) = (f64::from(gradient), f64::from(hessian));
            for lane in 0..LANES {
                let at = starts[lane] + usize::from((word >> (8 * lane)) as u8);
                let sum = &mut sums[at];
                sum[0] += gradient;
                sum[1] += hessian;
                if COUNT {
                    counts[at] += 1;
                }
            }
        }
    }

    /// self ← self − other, bin by bin: the sums of a node's other child.
    #[inline(always)]
    pub(crate) fn subtract(&mut self, other: &Self) {
        for (a, b) in self.sums.iter_mut().zip(&other.sums) {
            a[0] -= b[0];
            a[1] -= b[1];
        }
        for (a, b) in self.counts.iter_mut().zip(&other.counts) {
            *a -= b;
        }
    }
}

impl Group<'_> {
    /// Hands on the four bins of rows, one integer a row, with what belongs to these rows.
    ///
    /// Fetch first, add later: many fetches from far memory are then under way at once.
    #[inline(always)]
    fn fetched<T>(&self, rows: &RowSet<'_>, of_rows: &[T], mut add: impl FnMut(&[u32], &[T])) {
        let mut fetched = [0_u32; FETCH];
        let is_first = self.bins.is_first();
        for (part, of_rows) in of_rows.chunks(FETCH).enumerate() {
            let (start, words) = (part * FETCH, &mut fetched[..of_rows.len()]);
            match rows {
                RowSet::Range(range) => self.bins.fetch_range(range.start + start, words),
                RowSet::List(rows) => {
                    let (now, next) = rows[start..].split_at(words.len());
                    if is_first {
                        self.bins.prefetch(&next[..next.len().min(FETCH)]);
                    }
                    self.bins.fetch(now, words);
                }
            }
            add(words, of_rows);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Groups, RowSet, open};
    use crate::layout::{Bins, grouped};

    #[test]
    fn sums_are_those_of_a_plain_loop_and_siblings_add_up() {
        let (n, n_bins) = (100, [3, 5, 2, 7, 4]);
        let bins: Vec<u8> = (0..5 * n).map(|i| ((i * 7 + i / 13) % n_bins[i / n]) as u8).collect();
        let gradients: Vec<[f32; 2]> = (0..n).map(|i| [i as f32 - 40.0, 0.5]).collect();
        let bytes = grouped(&bins, n, 5, 4);
        let groups = Groups::new(&Bins::groups(&bytes, n, 5, 4).unwrap(), &n_bins, false).unwrap();
        let (all, odd) = (groups.zeros(), groups.zeros());
        for (index, group) in groups.groups.iter().enumerate() {
            let (mut all, mut odd) = (open(&all[index]), open(&odd[index]));
            all.add(group, RowSet::Range(0..n), &gradients);
            let chosen: Vec<[f32; 2]> = gradients.iter().skip(1).step_by(2).copied().collect();
            let rows: Vec<u32> = (1..n as u32).step_by(2).collect();
            odd.add(group, RowSet::List(&rows), &chosen);
            all.subtract(&odd);
            for (lane, feature) in group.features.clone().enumerate() {
                let even = all.feature(group, lane);
                for bin in 0..n_bins[feature] {
                    let rows =
                        (0..n).step_by(2).filter(|i| usize::from(bins[feature * n + i]) == bin);
                    let sum: f64 = rows.clone().map(|i| i as f64 - 40.0).sum();
                    assert_eq!(even.sum(bin), [sum, rows.clone().count() as f64 * 0.5]);
                    assert_eq!(even.count(bin) as usize, rows.count());
                }
            }
        }
    }
}
