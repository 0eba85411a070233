//! Best cuts of near rows, in columns of bytes.
//!
//! 1. Draw columns.
//! 2. Eight columns at a time: score all their cuts in f32 (`histogram`).
//! 3. Cuts within rounding of the best score are compared by the criterion itself, in the order of
//!    columns and codes.
//!
//! Cost: the codes drawn once (1 byte each, near); then see there.

use super::super::columns::{Columns, Strided};
use super::few::{self, Few};
use super::gather::bring_near;
use super::histogram::{Histogram, LANES};
use super::{Cut, Draws, Finder, Growth, Node, Task, Word, weight};

/// Bytes that rows brought near may hold: half of the second-level cache.
const NEAR: usize = 512 * 1024;

/// Finder of best cuts.
pub(crate) struct BestRows<'a> {
    columns: &'a Columns,
    near: Vec<u8>,
    drawn: Vec<u32>,
    histogram: Histogram,
    few: Few,
}

impl<'a> BestRows<'a> {
    /// Whether rows are worth bringing near where a node looks at `n_drawn` columns.
    pub(crate) fn are_worth(columns: &Columns, n_drawn: usize) -> bool {
        // All columns of a row are read, for those looked at.
        let n_columns = columns.columns.len();
        let is_narrow = n_columns <= 32 * n_drawn && columns.stride <= NEAR / 64;
        let misses = columns.columns.iter().any(|column| column.has_missing);
        is_narrow && !misses && !columns.by_row.is_empty()
    }

    /// For columns of bytes.
    pub(crate) fn new(columns: &'a Columns) -> Self {
        Self {
            columns,
            near: Vec::new(),
            drawn: Vec::new(),
            histogram: Histogram::default(),
            few: Few::new(columns.stride),
        }
    }

    /// Most rows of a subtree.
    pub(crate) fn most_near(&self) -> usize {
        NEAR / self.columns.stride
    }

    /// Whether a column's values are as good as the same.
    #[inline(always)]
    fn is_constant(&self, words: &[Word], feature: usize) -> bool {
        let (column, codes) = (&self.columns.columns[feature], self.column(feature));
        let are_close = |low: u8, high: u8| {
            low == high || (column.has_close && column.are_close(low.into(), high.into()))
        };
        // Most often the second row differs from the first.
        let first = codes.get(words[0] as u32);
        let differs = |&word: &Word| {
            let code = codes.get(word as u32);
            !are_close(code.min(first), code.max(first))
        };
        if words.iter().any(differs) {
            return false;
        }
        let (low, high) = words.iter().fold((u8::MAX, 0), |(low, high), &word| {
            let code = codes.get(word as u32);
            (code.min(low), code.max(high))
        });
        are_close(low, high)
    }
}

impl Finder for BestRows<'_> {
    type Value = u8;

    fn grow_few(
        &mut self,
        task: Task,
        words: &[Word],
        ends: &[u32],
        value: &mut [f64],
        growth: &mut Growth<'_>,
    ) -> bool {
        let total = || words.iter().map(|&word| weight(word)).sum::<u32>();
        if words.len() > few::MOST_ROWS || total() > few::MOST_WEIGHT {
            return false;
        }
        let table = few::Table { columns: self.columns, codes: &self.near };
        self.few.grow(table, task, words, ends, value, growth);
        true
    }

    fn approach(&mut self, words: &mut [Word]) {
        bring_near(&self.columns.by_row, self.columns.stride, words, &mut self.near);
    }

    #[inline(always)]
    fn find(&mut self, node: &Node<'_>, draws: &mut Draws<'_, '_>) -> Option<Cut<u8>> {
        let (words, stride) = (node.words, self.columns.stride);
        // 1. Columns.
        self.drawn.clear();
        while let Some(feature) = draws.drawing.next(draws.random) {
            if self.is_constant(words, feature) {
                draws.drawing.is_constant();
            } else {
                draws.drawing.is_of_use();
                self.drawn.push(feature as u32);
            }
        }
        // 2. and 3.
        let (mut best, mut proxy) = (None, f64::NEG_INFINITY);
        for drawn in self.drawn.chunks(LANES) {
            self.histogram.look(&self.near, stride, node, drawn, draws.limits);
            while let Some(found) = self.histogram.choose(node) {
                if found.proxy <= proxy {
                    break;
                }
                let feature = drawn[found.lane] as usize;
                let column = &self.columns.columns[feature];
                let (last, next) = (found.code as u32, self.histogram.next(&found) as u32);
                if column.has_close && column.are_close(last, next) {
                    // Values as good as the same are not parted: on to the next best cut.
                    self.histogram.forbid(&found);
                    continue;
                }
                let threshold = column.threshold(last, next);
                best = Some(Cut { feature, last: found.code as u8, threshold });
                proxy = found.proxy;
                break;
            }
        }
        best
    }

    fn column(&self, feature: usize) -> Strided<'_, u8> {
        Strided::of_rows(&self.near, self.columns.stride, feature)
    }
}
