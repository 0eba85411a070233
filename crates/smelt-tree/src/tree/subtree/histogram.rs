//! Histograms of the class weights of eight columns, whose bins lie side by side.
//!
//! 1. Add the rows' weights to the bins of their class.
//! 2. Bin after bin, the running sums of all classes and columns, which take the place of the bins;
//!    from them Σ l_k² / Σ l_k + Σ r_k² / Σ r_k of the weights left and right, in f32.
//!
//! Cost: one addition a row and column; 256 bins of 9 operations a class for all eight columns.

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
    /// Weights of every class, then those up to every bin.
    bins: Vec<Bins>,
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
        self.score(node, limits.min_weight_leaf.max(1.0) as f32);
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
        let mut start = 0;
        for (bins, &end) in self.bins.iter_mut().zip(node.ends) {
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

    /// 2. Scores of all cuts.
    #[inline(always)]
    fn score(&mut self, node: &Node<'_>, least: f32) {
        let mut running = [[0_u16; LANES]; MOST_CLASSES];
        let mut totals = [0.0_f32; MOST_CLASSES];
        totals.iter_mut().zip(node.weights).for_each(|(total, &w)| *total = w as i32 as f32);
        self.scores.resize(BINS, [0.0; LANES]);
        let (total, mut highest) = (node.weight as f32, [f32::NEG_INFINITY; LANES]);
        let n_classes = node.ends.len().min(MOST_CLASSES);
        let classes = &mut self.bins[..n_classes];
        for (bin, scores) in self.scores.iter_mut().enumerate() {
            let (mut squares_left, mut squares_right) = ([0.0; LANES], [0.0; LANES]);
            let mut weight = [0.0; LANES];
            for ((bins, running), &total) in classes.iter_mut().zip(&mut running).zip(&totals) {
                let sums = &mut bins[bin];
                for lane in 0..LANES {
                    running[lane] = running[lane].wrapping_add(sums[lane]);
                    sums[lane] = running[lane];
                    let left = f32::from(running[lane]);
                    let right = total - left;
                    weight[lane] += left;
                    squares_left[lane] += left * left;
                    squares_right[lane] += right * right;
                }
            }
            for lane in 0..LANES {
                let (left, right) = (weight[lane], total - weight[lane]);
                let sum = squares_left[lane] * right + squares_right[lane] * left;
                let allowed = (left >= least) & (right >= least);
                let score = if allowed { sum / (left * right) } else { f32::NEG_INFINITY };
                scores[lane] = score;
                highest[lane] = if score > highest[lane] { score } else { highest[lane] };
            }
        }
        self.highest = highest;
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
        for lane in (0..self.n_lanes).filter(|&lane| self.highest[lane] >= bound) {
            for code in 0..BINS {
                // The cut behind an empty bin is that behind the one before.
                if self.scores[code][lane] < bound || self.is_empty(code, lane) {
                    continue;
                }
                let (mut squares, mut weights) = ([0.0; 2], [0.0, node.weight]);
                for (bins, &total) in self.bins.iter().zip(node.weights) {
                    let left = f64::from(bins[code][lane]);
                    let right = f64::from(total) - left;
                    squares[0] += left * left;
                    squares[1] += right * right;
                    weights[0] += left;
                    weights[1] -= left;
                }
                let proxy = gini_proxy(squares, weights);
                if best.is_none_or(|best| proxy > best.proxy) {
                    best = Some(Found { lane, code, proxy });
                }
            }
        }
        best
    }

    /// Whether no row has a code, by the running sums.
    #[inline(always)]
    fn is_empty(&self, code: usize, lane: usize) -> bool {
        match code {
            0 => self.bins.iter().all(|bins| bins[0][lane] == 0),
            _ => self.bins.iter().all(|bins| bins[code][lane] == bins[code - 1][lane]),
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
