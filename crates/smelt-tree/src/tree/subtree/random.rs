//! Random cuts of near rows: one threshold a column drawn, between its smallest and its largest value.
//!
//! 1. Smallest and largest value of all columns at once, row by row.
//! 2. Draw columns and their thresholds.
//! 3. Eight columns at a time: gather their values, and add up the weights of the left rows class by
//!    class, a comparison and an addition a row for all eight.
//! 4. The criterion's proxy of each; the first of the best.
//!
//! Cost: every value of a row once (4 bytes, near), and those drawn once more.

use super::super::columns::{CLOSE, Strided};
use super::super::criterion_classes::gini_proxy;
use super::super::dense::Dense;
use super::super::limits::Limits;
use super::super::random_cut::at_most;
use super::gather::{LANES, bring_near, gather};
use super::{Cut, Draws, Finder, Node, Word, row};

/// Numbers that rows brought near may hold: half of the second-level cache.
const NEAR: usize = 128 * 1024;

/// Finder of random cuts.
pub(crate) struct RandomRows<'a> {
    values: &'a Dense<'a>,
    stride: usize,
    near: Vec<f32>,
    lowest: Vec<f32>,
    highest: Vec<f32>,
    drawn: Vec<u32>,
    thresholds: Vec<f64>,
    gathered: Vec<[f32; LANES]>,
}

impl<'a> RandomRows<'a> {
    /// Whether rows are worth bringing near where a node looks at `n_drawn` columns.
    pub(crate) fn are_worth(values: &Dense<'_>, n_drawn: usize) -> bool {
        // All columns of a row are read, for those looked at.
        let is_narrow = values.columns.n_cols() <= 16 * n_drawn && values.stride <= NEAR / 64;
        is_narrow && !values.has_missing
    }

    pub(crate) fn new(values: &'a Dense<'a>) -> Self {
        let stride = values.stride;
        Self {
            values,
            stride,
            near: Vec::new(),
            lowest: vec![0.0; stride],
            highest: vec![0.0; stride],
            drawn: Vec::new(),
            thresholds: Vec::new(),
            gathered: Vec::new(),
        }
    }

    /// Most rows of a subtree.
    pub(crate) fn most_near(&self) -> usize {
        NEAR / self.stride
    }

    /// 1. Smallest and largest value of `W` columns.
    #[inline(always)]
    fn ranges<const W: usize>(&mut self, words: &[Word], offset: usize) {
        let (mut low, mut high) = ([f32::INFINITY; W], [f32::NEG_INFINITY; W]);
        for &word in words {
            let start = row(word) * self.stride + offset;
            let mut values = [0.0; W];
            values.copy_from_slice(&self.near[start..start + W]);
            for lane in 0..W {
                let value = values[lane];
                low[lane] = if value < low[lane] { value } else { low[lane] };
                high[lane] = if value > high[lane] { value } else { high[lane] };
            }
        }
        self.lowest[offset..offset + W].copy_from_slice(&low);
        self.highest[offset..offset + W].copy_from_slice(&high);
    }

    /// 3. and 4. for up to eight of the columns drawn; `best` is the first of the best so far.
    #[inline(always)]
    fn consider(
        &mut self,
        node: &Node<'_>,
        limits: &Limits,
        lanes: std::ops::Range<usize>,
        best: &mut Option<(usize, f64)>,
    ) {
        let mut bounds = [f32::NEG_INFINITY; LANES];
        let thresholds = &self.thresholds[lanes.clone()];
        bounds.iter_mut().zip(thresholds).for_each(|(bound, &x)| *bound = at_most(x));
        let drawn = &self.drawn[lanes.clone()];
        gather(&self.near, self.stride, node.words, drawn, &mut self.gathered);
        let (mut squares_left, mut squares_right) = ([0.0; LANES], [0.0; LANES]);
        let (mut start, mut sums) = (0, [0_u32; LANES]);
        for (&end, &total) in node.ends.iter().zip(node.weights) {
            let end = end as usize;
            let before = sums;
            for (values, &word) in self.gathered[start..end].iter().zip(&node.words[start..end]) {
                let weight = super::weight(word);
                for lane in 0..LANES {
                    sums[lane] += if values[lane] <= bounds[lane] { weight } else { 0 };
                }
            }
            start = end;
            for lane in 0..LANES {
                let left = f64::from((sums[lane] - before[lane]) as i32);
                let right = f64::from(total as i32) - left;
                squares_left[lane] += left * left;
                squares_right[lane] += right * right;
            }
        }
        let mut proxies = [0.0; LANES];
        let least = limits.min_weight_leaf.max(1.0);
        for lane in 0..LANES {
            let left = f64::from(sums[lane] as i32);
            let right = node.weight - left;
            let proxy = gini_proxy([squares_left[lane], squares_right[lane]], [left, right]);
            let allowed = (left >= least) & (right >= least);
            proxies[lane] = if allowed { proxy } else { f64::NEG_INFINITY };
        }
        if limits.min_samples_leaf > 1 {
            let mut n_left = [0; LANES];
            for values in &self.gathered {
                for lane in 0..LANES {
                    n_left[lane] += u32::from(values[lane] <= bounds[lane]);
                }
            }
            for (proxy, n_left) in proxies.iter_mut().zip(n_left) {
                let n_left = n_left as usize;
                let n_right = node.words.len() - n_left;
                if n_left.min(n_right) < limits.min_samples_leaf {
                    *proxy = f64::NEG_INFINITY;
                }
            }
        }
        for (index, &proxy) in lanes.zip(&proxies) {
            let least = best.map_or(f64::NEG_INFINITY, |(_, proxy)| proxy);
            if proxy > least {
                *best = Some((index, proxy));
            }
        }
    }
}

impl Finder for RandomRows<'_> {
    type Value = f32;

    fn approach(&mut self, words: &mut [Word]) {
        if !self.values.by_row.is_empty() {
            return bring_near(&self.values.by_row, self.stride, words, &mut self.near);
        }
        self.near.clear();
        self.near.resize(words.len() * self.stride, 0.0);
        for feature in 0..self.values.columns.n_cols() {
            let column = self.values.columns.col(feature);
            let places = self.near[feature..].iter_mut().step_by(self.stride);
            places.zip(&*words).for_each(|(place, &word)| *place = column[row(word)]);
        }
        for (place, word) in words.iter_mut().enumerate() {
            *word = (*word & !u64::from(u32::MAX)) | place as u64;
        }
    }

    #[inline(always)]
    fn find(&mut self, node: &Node<'_>, draws: &mut Draws<'_, '_>) -> Option<Cut<f32>> {
        let Draws { limits, drawing, random } = draws;
        let mut offset = 0;
        while offset < self.stride {
            if self.stride - offset >= 32 {
                self.ranges::<32>(node.words, offset);
                offset += 32;
            } else {
                self.ranges::<8>(node.words, offset);
                offset += 8;
            }
        }
        // 2. Columns and thresholds.
        self.drawn.clear();
        self.thresholds.clear();
        while let Some(feature) = drawing.next(random) {
            let (low, high) = (self.lowest[feature], self.highest[feature]);
            if high <= low + CLOSE {
                drawing.is_constant();
                continue;
            }
            drawing.is_of_use();
            let (low, high) = (f64::from(low), f64::from(high));
            let threshold = random.uniform(low, high);
            self.drawn.push(feature as u32);
            self.thresholds.push(if threshold == high { low } else { threshold });
        }
        let (n_drawn, mut best) = (self.drawn.len(), None);
        for start in (0..n_drawn).step_by(LANES) {
            self.consider(node, limits, start..n_drawn.min(start + LANES), &mut best);
        }
        best.map(|(index, _)| Cut {
            feature: self.drawn[index] as usize,
            last: at_most(self.thresholds[index]),
            threshold: self.thresholds[index],
        })
    }

    fn column(&self, feature: usize) -> Strided<'_, f32> {
        Strided::of_rows(&self.near, self.stride, feature)
    }
}
