//! A block of rows goes down one tree: vectors for the first levels, then eight rows at a time.

use smelt_core::choose::Test;
use smelt_core::simd;

use super::columns::Table;
use super::key::Key;
use super::pack::{LABELS, Tree};

/// Rows that go down together, so that one's step hides the wait of the others.
const LANES: usize = 8;
/// Steps until the rows that have arrived are taken out.
const STEPS: usize = 8;

/// Buffers of a block.
pub(super) struct Walker<K> {
    n_rows: usize,
    /// Labels of the rows, and half-made ones behind them.
    slots: Vec<K>,
    /// Node that every row has reached.
    at: Vec<u32>,
    /// Rows still on their way.
    walking: Vec<u32>,
}

impl<K: Key> Walker<K> {
    pub(super) fn new(n_rows: usize) -> Self {
        Self { n_rows, slots: Vec::new(), at: vec![0; n_rows], walking: vec![0; n_rows] }
    }

    /// Writes down what every row's leaf answers.  Call within `vectorize`.
    #[inline(always)]
    pub(super) fn visit<L: Copy>(&mut self, tree: &Tree<L, K>, table: &Table<K>, out: &mut [L]) {
        let labels = match &tree.levels {
            Some(levels) => label_symmetric(levels, table, &mut self.slots),
            None => tree.program.run(table, &mut self.slots),
        };
        let labels = &labels[..self.n_rows];
        if let Some((answers, _)) = tree.answers.split_first_chunk::<LABELS>() {
            for (out, label) in out.iter_mut().zip(labels) {
                *out = answers[label.to_place() % LABELS];
            }
            return;
        }
        // In order and ahead: a large tree comes from far away, and a walk would wait for each line.
        simd::prefetch(tree.steps.nodes());
        simd::prefetch(&tree.leaves);
        // Rows of the same exit lie behind each other: they share what is below it in the cache.
        let mut ends = [0_usize; LABELS];
        for label in labels {
            ends[label.to_place() % LABELS] += 1;
        }
        let mut n = 0;
        for (end, exit) in ends.iter_mut().zip(&tree.exits) {
            (*end, n) = (n, if exit & 1 == 1 { n + *end } else { n });
        }
        for ((row, label), at) in labels.iter().enumerate().zip(&mut self.at) {
            let label = label.to_place() % LABELS;
            let exit = tree.exits[label];
            *at = exit >> 1;
            if exit & 1 == 1 {
                self.walking[ends[label]] = row as u32;
                ends[label] += 1;
            }
        }
        if tree.sets.is_empty() {
            self.walk::<L, false>(tree, table, n);
        } else {
            self.walk::<L, true>(tree, table, n);
        }
        for (out, &at) in out.iter_mut().zip(&self.at) {
            *out = tree.leaves[at as usize];
        }
    }

    /// The first `n` rows of `walking` go on until all are in a leaf.
    #[inline(always)]
    fn walk<L, const CATEGORIES: bool>(
        &mut self,
        tree: &Tree<L, K>,
        table: &Table<K>,
        mut n: usize,
    ) {
        let (width, cells) = (table.n_columns, &table.by_row[..]);
        while n > 0 {
            let mut kept = 0;
            for start in (0..n).step_by(LANES) {
                let mut rows = [0_u32; LANES];
                let mut starts = [0_usize; LANES];
                let mut at = [0_u32; LANES];
                for lane in 0..LANES {
                    // A last group that is not full walks its last row again.
                    rows[lane] = self.walking[(start + lane).min(n - 1)];
                    starts[lane] = rows[lane] as usize * width;
                    at[lane] = self.at[rows[lane] as usize];
                }
                if CATEGORIES {
                    for (at, start) in at.iter_mut().zip(starts) {
                        *at = tree.step(*at as usize, &cells[start..]) as u32;
                    }
                } else {
                    tree.steps.walk::<LANES, STEPS>(cells, &starts, &mut at);
                }
                for lane in 0..LANES.min(n - start) {
                    self.at[rows[lane] as usize] = at[lane];
                    self.walking[kept] = rows[lane];
                    let node = at[lane] as usize;
                    kept += usize::from(tree.steps.split(node).1 != node);
                }
            }
            n = kept;
        }
    }
}

impl<L, K: Key> Tree<L, K> {
    /// A step that may ask for a category.
    #[inline(always)]
    fn step(&self, at: usize, cells: &[K]) -> usize {
        let (column, child) = self.steps.split(at);
        let key = cells[column as usize];
        let set = self.set_of[at] as usize;
        let category = key.to_category();
        let word = self.sets[set.saturating_sub(1)][category / 32];
        let outside = word >> (category % 32) & 1 == 0;
        let above = key > self.steps.nodes()[at].threshold;
        child + usize::from(if set > 0 { outside } else { above })
    }
}

/// One comparison a level: the label's bits.
#[inline(always)]
fn label_symmetric<'a, K: Key>(
    levels: &[Test<K>],
    table: &Table<K>,
    slots: &'a mut Vec<K>,
) -> &'a [K] {
    slots.resize(slots.len().max(table.stride), K::default());
    let labels = &mut slots[..table.stride];
    labels.fill(K::default());
    for (level, &(column, threshold)) in levels.iter().enumerate() {
        let bit = K::label(1 << (levels.len() - 1 - level));
        for (label, &x) in labels.iter_mut().zip(table.column(column)) {
            *label = *label | if x > threshold { bit } else { K::default() };
        }
    }
    labels
}
