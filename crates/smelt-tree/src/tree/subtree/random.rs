//! Random cuts of near rows: one threshold a column drawn, between its smallest and its largest value.
//!
//! 1. Smallest and largest value of all columns at once, row by row.
//! 2. Draw columns and their thresholds.
//! 3. Eight columns at a time: gather their values, and add up the weights of the left rows class by
//!    class, a comparison and an addition a row for all eight.
//! 4. The criterion's proxy of each; the first of the best.
//!
//! Cost: every value of a row once (4 bytes, near), and those drawn once more.

use super::super::columns::{CLOSE, Columns, Strided};
use super::super::criterion_classes::gini_proxy;
use super::super::dense::Dense;
use super::super::limits::Limits;
use super::super::random_cut::at_most;
use super::gather::{LANES, bring_near, gather};
use super::{Cut, Draws, Finder, Node, Word, row};

/// Bytes that rows brought near may hold: half of the second-level cache.
const NEAR: usize = 512 * 1024;

/// A table that thresholds are drawn from: cells, and the values that they stand for.
pub(crate) trait Source {
    /// A value, or a code.
    type Cell: Copy + PartialOrd + Default;
    /// The smallest cell, and the largest.
    const ENDS: [Self::Cell; 2];

    /// Length of a row.
    fn stride(&self) -> usize;

    /// Whether rows can be brought near: nothing is missing.
    fn can_come_near(&self) -> bool;

    /// Copies rows, and numbers them by their places.
    fn approach(&self, words: &mut [Word], near: &mut Vec<Self::Cell>);

    /// Value of a cell.
    fn value(&self, feature: usize, cell: Self::Cell) -> f32;

    /// The last cell on the left of a threshold drawn, and the threshold behind it.
    fn behind(&self, feature: usize, drawn: f64) -> (Self::Cell, f64);

    /// The cell as a number in the same order.
    fn number(cell: Self::Cell) -> f32;
}

impl Source for Dense<'_> {
    type Cell = f32;
    const ENDS: [f32; 2] = [f32::NEG_INFINITY, f32::INFINITY];

    fn stride(&self) -> usize {
        self.stride
    }

    fn can_come_near(&self) -> bool {
        !self.has_missing
    }

    fn approach(&self, words: &mut [Word], near: &mut Vec<f32>) {
        if !self.by_row.is_empty() {
            return bring_near(&self.by_row, self.stride, words, near);
        }
        near.clear();
        near.resize(words.len() * self.stride, 0.0);
        for feature in 0..self.columns.n_cols() {
            let column = self.columns.col(feature);
            let places = near[feature..].iter_mut().step_by(self.stride);
            places.zip(&*words).for_each(|(place, &word)| *place = column[row(word)]);
        }
        for (place, word) in words.iter_mut().enumerate() {
            *word = (*word & !u64::from(u32::MAX)) | place as u64;
        }
    }

    #[inline(always)]
    fn value(&self, _: usize, cell: f32) -> f32 {
        cell
    }

    #[inline(always)]
    fn behind(&self, _: usize, drawn: f64) -> (f32, f64) {
        (at_most(drawn), drawn)
    }

    #[inline(always)]
    fn number(cell: f32) -> f32 {
        cell
    }
}

impl Source for Columns {
    type Cell = u8;
    const ENDS: [u8; 2] = [0, u8::MAX];

    fn stride(&self) -> usize {
        self.stride
    }

    fn can_come_near(&self) -> bool {
        !self.by_row.is_empty() && self.columns.iter().all(|column| !column.has_missing)
    }

    fn approach(&self, words: &mut [Word], near: &mut Vec<u8>) {
        bring_near(&self.by_row, self.stride, words, near);
    }

    #[inline(always)]
    fn value(&self, feature: usize, cell: u8) -> f32 {
        self.columns[feature].lowest(cell.into())
    }

    #[inline(always)]
    fn behind(&self, feature: usize, drawn: f64) -> (u8, f64) {
        let (last, threshold) = self.columns[feature].behind(drawn);
        (last as u8, threshold)
    }

    #[inline(always)]
    fn number(cell: u8) -> f32 {
        cell.into()
    }
}

/// Finder of random cuts.
pub(crate) struct RandomRows<'a, S: Source> {
    source: &'a S,
    stride: usize,
    near: Vec<S::Cell>,
    lowest: Vec<S::Cell>,
    highest: Vec<S::Cell>,
    drawn: Vec<u32>,
    /// Last cells on the left, as numbers, and thresholds.
    bounds: Vec<f32>,
    cuts: Vec<(S::Cell, f64)>,
    gathered: Vec<[f32; LANES]>,
}

impl<'a, S: Source> RandomRows<'a, S> {
    /// Whether rows are worth bringing near where a node looks at `n_drawn` of `n_columns` columns.
    pub(crate) fn are_worth(source: &S, n_columns: usize, n_drawn: usize) -> bool {
        // All columns of a row are read, for those looked at.
        let is_narrow = n_columns <= 16 * n_drawn && source.stride() <= NEAR / 256;
        is_narrow && source.can_come_near()
    }

    pub(crate) fn new(source: &'a S) -> Self {
        let stride = source.stride();
        Self {
            source,
            stride,
            near: Vec::new(),
            lowest: vec![S::ENDS[0]; stride],
            highest: vec![S::ENDS[0]; stride],
            drawn: Vec::new(),
            bounds: Vec::new(),
            cuts: Vec::new(),
            gathered: Vec::new(),
        }
    }

    /// Most rows of a subtree.
    pub(crate) fn most_near(&self) -> usize {
        NEAR / (self.stride * size_of::<S::Cell>())
    }

    /// 1. Smallest and largest cell of `W` columns.
    #[inline(always)]
    fn ranges<const W: usize>(&mut self, words: &[Word], offset: usize) {
        let (mut low, mut high) = ([S::ENDS[1]; W], [S::ENDS[0]; W]);
        for &word in words {
            let start = row(word) * self.stride + offset;
            let mut cells = [S::Cell::default(); W];
            cells.copy_from_slice(&self.near[start..start + W]);
            for lane in 0..W {
                let cell = cells[lane];
                low[lane] = if cell < low[lane] { cell } else { low[lane] };
                high[lane] = if cell > high[lane] { cell } else { high[lane] };
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
        bounds[..lanes.len()].copy_from_slice(&self.bounds[lanes.clone()]);
        let drawn = &self.drawn[lanes.clone()];
        gather(&self.near, self.stride, node.words, drawn, S::number, &mut self.gathered);
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

impl<S: Source> Finder for RandomRows<'_, S> {
    type Value = S::Cell;

    fn approach(&mut self, words: &mut [Word]) {
        self.source.approach(words, &mut self.near);
    }

    #[inline(always)]
    fn find(&mut self, node: &Node<'_>, draws: &mut Draws<'_, '_>) -> Option<Cut<S::Cell>> {
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
        self.bounds.clear();
        self.cuts.clear();
        while let Some(feature) = drawing.next(random) {
            let low = self.source.value(feature, self.lowest[feature]);
            let high = self.source.value(feature, self.highest[feature]);
            if high <= low + CLOSE {
                drawing.is_constant();
                continue;
            }
            drawing.is_of_use();
            let (low, high) = (f64::from(low), f64::from(high));
            let threshold = random.uniform(low, high);
            let drawn = if threshold == high { low } else { threshold };
            let cut = self.source.behind(feature, drawn);
            self.drawn.push(feature as u32);
            self.bounds.push(S::number(cut.0));
            self.cuts.push(cut);
        }
        let (n_drawn, mut best) = (self.drawn.len(), None);
        for start in (0..n_drawn).step_by(LANES) {
            self.consider(node, limits, start..n_drawn.min(start + LANES), &mut best);
        }
        best.map(|(index, _)| {
            let (last, threshold) = self.cuts[index];
            Cut { feature: self.drawn[index] as usize, last, threshold }
        })
    }

    fn column(&self, feature: usize) -> Strided<'_, S::Cell> {
        Strided::of_rows(&self.near, self.stride, feature)
    }
}
