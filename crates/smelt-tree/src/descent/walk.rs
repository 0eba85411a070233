//! A block of rows goes down one tree: vectors for the first levels, then eight rows at a time.

use smelt_core::choose::Test;
use smelt_core::simd;

use super::columns::{NEAR, Table};
use super::key::Key;
use super::pack::{LABELS, Tree};

/// Rows that go down together, so that one's step hides the wait of the others: as many as there are
/// registers for.
const LANES: usize = 8;
/// Steps until the rows that have arrived are taken out: at first, and then.
const STEPS: [usize; 2] = [8, 4];
/// Rows that share the first-level cache with what they walk through.
const WINDOW: usize = 128;

/// A row and the node that it has reached.
type Place = (u32, u32);

/// Buffers of a block.
pub(super) struct Walker<K> {
    n_rows: usize,
    /// Labels of the rows, and half-made ones behind them.
    slots: Vec<K>,
    /// Rows still on their way.
    walking: Vec<Place>,
}

impl<K: Key> Walker<K> {
    pub(super) fn new(n_rows: usize) -> Self {
        Self { n_rows, slots: Vec::new(), walking: vec![(0, 0); n_rows + 1] }
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
        tree.steps.prefetch();
        simd::prefetch(&tree.leaves);
        // Rows of the same exit lie behind each other: they share what is below it in the cache.
        let mut ends = [0_usize; LABELS];
        for label in labels {
            ends[label.to_place() % LABELS] += 1;
        }
        let (mut n, mut exits) = (0, [(0, 0); LABELS]);
        let mut answers = [tree.leaves[0]; LABELS];
        for (label, &exit) in tree.exits.iter().enumerate().take(LABELS) {
            let goes_on = exit as usize & 1;
            exits[label] = (exit >> 1, goes_on);
            answers[label] = tree.answer(exit as usize >> 1);
            // Where all have arrived, all have one place, which nobody looks at.
            let place = if goes_on == 1 { n } else { self.n_rows };
            n += goes_on * ends[label];
            ends[label] = place;
        }
        for ((row, label), out) in labels.iter().enumerate().zip(out.iter_mut()) {
            let label = label.to_place() % LABELS;
            let (at, goes_on) = exits[label];
            *out = answers[label];
            self.walking[ends[label]] = (row as u32, at);
            ends[label] += goes_on;
        }
        for start in (0..n).step_by(WINDOW) {
            let (window, next) = self.walking[start..n].split_at(WINDOW.min(n - start));
            for &(row, _) in next.iter().take(WINDOW) {
                simd::prefetch(&table.by_row[row as usize * table.width..][..1]);
            }
            if !tree.sets.is_empty() {
                tree.walk::<FAR, true>(table, window, out);
            } else if table.width == NEAR[0] {
                tree.walk::<{ NEAR[0] }, false>(table, window, out);
            } else if table.width == NEAR[1] {
                tree.walk::<{ NEAR[1] }, false>(table, window, out);
            } else {
                tree.walk::<FAR, false>(table, window, out);
            }
        }
    }
}

/// Rows too wide to be copied.
const FAR: usize = 0;

impl<L: Copy, K: Key> Tree<L, K> {
    /// Rows go on until all are in a leaf.
    #[inline(always)]
    fn walk<const WIDTH: usize, const CATEGORIES: bool>(
        &self,
        table: &Table<K>,
        window: &[Place],
        out: &mut [L],
    ) {
        let mut walking = [(0, 0); WINDOW + LANES];
        walking[..window.len()].copy_from_slice(window);
        let (mut n, mut is_first) = (window.len(), true);
        while n > 0 {
            // A last group that is not full walks its last row again.
            let last = walking[n - 1];
            walking[n..n + LANES].fill(last);
            let mut kept = 0;
            for start in (0..n).step_by(LANES) {
                let Some(&group) = walking[start..].first_chunk::<LANES>() else { break };
                let mut at = group.map(|(_, at)| at);
                let starts = group.map(|(row, _)| row as usize * table.width);
                if CATEGORIES {
                    for (at, start) in at.iter_mut().zip(starts) {
                        *at = self.step(*at as usize, &table.by_row[start..]);
                    }
                } else if WIDTH == FAR {
                    let cells = &table.by_row[..];
                    if is_first {
                        self.steps.walk::<LANES, { STEPS[0] }>(cells, &starts, &mut at);
                    } else {
                        self.steps.walk::<LANES, { STEPS[1] }>(cells, &starts, &mut at);
                    }
                } else {
                    let mut cells = [[K::Word::default(); WIDTH]; LANES];
                    for (cells, start) in cells.iter_mut().zip(starts) {
                        cells.copy_from_slice(&table.by_row[start..start + WIDTH]);
                    }
                    if is_first {
                        self.steps.walk_near::<LANES, { STEPS[0] }, WIDTH>(&cells, &mut at);
                    } else {
                        self.steps.walk_near::<LANES, { STEPS[1] }, WIDTH>(&cells, &mut at);
                    }
                }
                for ((row, _), at) in group.into_iter().zip(at) {
                    out[row as usize] = self.answer(at as usize);
                    walking[kept] = (row, at);
                    kept += usize::from((at as usize) < self.n_splits);
                }
            }
            if kept > 0 && walking[kept - 1].0 == last.0 {
                kept -= n.next_multiple_of(LANES) - n;
            }
            (n, is_first) = (kept, false);
        }
    }
}

impl<L, K: Key> Tree<L, K> {
    /// A step that may ask for a category.
    #[inline(always)]
    fn step(&self, at: usize, cells: &[K::Word]) -> u32 {
        let node = self.steps.node(at);
        let key = K::of_word(cells[node.column as usize]);
        let set = self.set_of.get(at).map_or(0, |&set| set as usize);
        let category = key.to_category();
        let word = self.sets[set.saturating_sub(1)][category / 32];
        let outside = word >> (category % 32) & 1 == 0;
        let above = key.word() > node.threshold;
        node.children[usize::from(if set > 0 { outside } else { above })]
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
