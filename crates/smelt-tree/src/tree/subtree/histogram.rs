//! Histograms of the class weights of eight columns, whose bins lie side by side.
//!
//! 1. Add the rows' weights to the bins of their class; classes that a node lacks have none.
//! 2. Bin after bin, the running sums of all classes and columns, which take the place of the bins;
//!    from them Σ l_k² / Σ l_k + Σ r_k² / Σ r_k of the weights left and right, in f32.
//!
//! Cost: one addition a row and column; 256 bins of 9 operations a class for all eight columns.

use smelt_core::simd::bytes::{at_least, ones};
use smelt_core::simd::eight::{Eight, WithEight, eight};

use super::super::criterion_classes::gini_proxy;
use super::super::limits::Limits;
use super::{MOST_CLASSES, Node, row, weight};

/// Columns looked at together.
pub(super) const LANES: usize = 8;
/// Bins of a column of bytes.
const BINS: usize = 256;
/// Most weight of a node.
pub(super) const MOST_WEIGHT: u32 = 65_535;
/// Scores this close to the best may be the best: a few roundings in f32.
const ROUNDING: f32 = 4e-6;

/// Numbers of a bin, one a column.
type Bins = [[u16; LANES]; BINS];

/// Bins of eight columns.
#[derive(Debug, Default)]
pub(super) struct Histogram {
    /// Weights of every class that the node has, then those up to every bin.
    bins: Vec<Bins>,
    /// Weights of these classes in the node.
    totals: Vec<u32>,
    scores: Vec<[f32; LANES]>,
    highest: [f32; LANES],
    n_lanes: usize,
}

/// A cut behind a bin.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found {
    pub(super) lane: usize,
    pub(super) code: usize,
    pub(super) proxy: f64,
}

impl Histogram {
    /// Scores all cuts of up to eight columns `drawn`; `table` holds codes row by row.
    #[inline(always)]
    pub(super) fn look(
        &mut self,
        table: &[u8],
        stride: usize,
        node: &Node<'_>,
        drawn: &[u32],
        limits: &Limits,
    ) {
        // Known numbers of columns need no loop.
        macro_rules! unrolled {
            ($($n:literal),*) => {
                match drawn.len() {
                    $($n => self.add::<$n>(table, stride, node, drawn),)*
                    _ => {}
                }
            };
        }
        unrolled!(1, 2, 3, 4, 5, 6, 7, 8);
        self.n_lanes = drawn.len();
        self.scores.resize(BINS, [0.0; LANES]);
        let mut totals = [0.0; MOST_CLASSES];
        totals.iter_mut().zip(&self.totals).for_each(|(total, &w)| *total = w as i32 as f32);
        let scoring = Scoring {
            bins: &mut self.bins[..self.totals.len()],
            totals: &totals,
            weight: node.weight as f32,
            least: limits.min_weight_leaf.max(1.0) as f32,
            scores: &mut self.scores,
        };
        // Sums of known numbers of classes stay in registers.
        self.highest = match scoring.bins.len() {
            2 => eight(OfClasses::<2>(scoring)),
            3 => eight(OfClasses::<3>(scoring)),
            4 => eight(OfClasses::<4>(scoring)),
            5 => eight(OfClasses::<5>(scoring)),
            6 => eight(OfClasses::<6>(scoring)),
            _ => eight(OfClasses::<ANY>(scoring)),
        };
        if limits.min_samples_leaf > 1 {
            self.count(table, stride, node, drawn, limits.min_samples_leaf);
        }
    }

    /// 1. Weights of the rows of a node.
    #[inline(always)]
    fn add<const N: usize>(&mut self, table: &[u8], stride: usize, node: &Node<'_>, drawn: &[u32]) {
        let mut places = [0; N];
        places.iter_mut().zip(drawn).for_each(|(place, &feature)| *place = feature as usize);
        self.bins.resize(node.ends.len(), [[0; LANES]; BINS]);
        self.totals.clear();
        let mut start = 0;
        for (&end, &total) in node.ends.iter().zip(node.weights) {
            if total == 0 {
                start = end as usize;
                continue;
            }
            let bins = &mut self.bins[self.totals.len()];
            self.totals.push(total);
            bins.fill([0; LANES]);
            for &word in &node.words[start..end as usize] {
                let codes = &table[row(word) * stride..][..stride];
                let weight = weight(word) as u16;
                for lane in 0..N {
                    let sum = &mut bins[usize::from(codes[places[lane]])][lane];
                    *sum = sum.wrapping_add(weight);
                }
            }
            start = end as usize;
        }
    }

    /// Takes back cuts that leave a child fewer than `least` rows.
    fn count(&mut self, table: &[u8], stride: usize, node: &Node<'_>, drawn: &[u32], least: usize) {
        let n = node.words.len();
        let mut counts = vec![[0_u32; LANES]; BINS];
        for &word in node.words {
            let codes = &table[row(word) * stride..][..stride];
            for (lane, &feature) in drawn.iter().enumerate() {
                counts[usize::from(codes[feature as usize])][lane] += 1;
            }
        }
        let mut n_left = [0; LANES];
        for (scores, counts) in self.scores.iter_mut().zip(&counts) {
            for lane in 0..LANES {
                n_left[lane] += counts[lane] as usize;
                if n_left[lane].min(n - n_left[lane]) < least {
                    scores[lane] = f32::NEG_INFINITY;
                }
            }
        }
        (0..LANES).for_each(|lane| self.highest[lane] = self.highest_of(lane));
    }

    fn highest_of(&self, lane: usize) -> f32 {
        self.scores.iter().map(|scores| scores[lane]).fold(f32::NEG_INFINITY, f32::max)
    }

    /// The best cut by the criterion among those of the highest scores, the first of equal ones.
    #[inline(always)]
    pub(super) fn choose(&self, node: &Node<'_>) -> Option<Found> {
        let highest = self.highest[..self.n_lanes].iter().copied();
        let highest = highest.fold(f32::NEG_INFINITY, |a, b| if b > a { b } else { a });
        if highest == f32::NEG_INFINITY {
            return None;
        }
        let bound = highest * (1.0 - ROUNDING);
        let mut best: Option<Found> = None;
        for (pair, scores) in self.scores.as_flattened().as_chunks::<16>().0.iter().enumerate() {
            for place in ones(at_least(&[*scores], bound)) {
                let (code, lane) = (2 * pair + place / LANES, place % LANES);
                // The cut behind an empty bin is that behind the one before.
                if lane >= self.n_lanes || self.is_empty(code, lane) {
                    continue;
                }
                let (mut squares, mut weights) = ([0.0; 2], [0.0, node.weight]);
                for (bins, &total) in self.bins.iter().zip(&self.totals) {
                    let left = f64::from(bins[code][lane]);
                    let right = f64::from(total) - left;
                    squares[0] += left * left;
                    squares[1] += right * right;
                    weights[0] += left;
                    weights[1] -= left;
                }
                let proxy = gini_proxy(squares, weights);
                // Codes of one column come in their order.
                let is_better = best.is_none_or(|best| {
                    proxy > best.proxy || (proxy == best.proxy && lane < best.lane)
                });
                if is_better {
                    best = Some(Found { lane, code, proxy });
                }
            }
        }
        best
    }

    /// Whether no row has a code, by the running sums.
    #[inline(always)]
    fn is_empty(&self, code: usize, lane: usize) -> bool {
        let bins = &self.bins[..self.totals.len()];
        match code {
            0 => bins.iter().all(|bins| bins[0][lane] == 0),
            _ => bins.iter().all(|bins| bins[code][lane] == bins[code - 1][lane]),
        }
    }

    /// The code behind a cut.
    pub(super) fn next(&self, found: &Found) -> usize {
        let behind = found.code + 1..BINS;
        behind.into_iter().find(|&code| !self.is_empty(code, found.lane)).unwrap_or(BINS - 1)
    }

    /// Takes back a cut, and with it those behind the empty bins that follow.
    pub(super) fn forbid(&mut self, found: &Found) {
        for code in found.code..self.next(found) {
            self.scores[code][found.lane] = f32::NEG_INFINITY;
        }
        self.highest[found.lane] = self.highest_of(found.lane);
    }
}

/// Any number of classes.
const ANY: usize = 0;

/// 2. The scores of all cuts, and the highest of every column.
struct Scoring<'a> {
    bins: &'a mut [Bins],
    totals: &'a [f32; MOST_CLASSES],
    weight: f32,
    /// Least weight of a child.
    least: f32,
    scores: &'a mut [[f32; LANES]],
}

/// The same, of K classes.
struct OfClasses<'a, const K: usize>(Scoring<'a>);

impl<const K: usize> WithEight for OfClasses<'_, K> {
    type Output = [f32; LANES];

    #[inline(always)]
    fn with<E: Eight>(self, eight: E) -> [f32; LANES] {
        let Scoring { bins, totals, weight, least, scores } = self.0;
        let n_classes = if K == ANY { bins.len().min(MOST_CLASSES) } else { K };
        let bins = &mut bins[..n_classes];
        let zero = eight.splat(0.0);
        let (total, least) = (eight.splat(weight), eight.splat(least));
        let none = eight.splat(f32::NEG_INFINITY);
        let (mut running, mut highest) = ([eight.counts([0; LANES]); MOST_CLASSES], none);
        for (bin, scores) in scores.iter_mut().take(BINS).enumerate() {
            let (mut left, mut squares_left, mut squares_right) = (zero, zero, zero);
            for class in 0..n_classes {
                running[class] = eight.add_counts(running[class], eight.counts(bins[class][bin]));
                bins[class][bin] = eight.count_array(running[class]);
                let of_left = eight.convert(running[class]);
                let of_right = eight.sub(eight.splat(totals[class]), of_left);
                left = eight.add(left, of_left);
                squares_left = eight.add_product(squares_left, of_left, of_left);
                squares_right = eight.add_product(squares_right, of_right, of_right);
            }
            let right = eight.sub(total, left);
            let sum = eight.add_product(eight.mul(squares_left, right), squares_right, left);
            let score = eight.div(sum, eight.mul(left, right));
            let score = eight.where_at_least(eight.min(left, right), least, score, none);
            *scores = eight.array(score);
            highest = eight.max(score, highest);
        }
        eight.array(highest)
    }
}
