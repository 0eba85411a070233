//! Subtree: a grower for classes, whole weights and columns without missing values, whose rows lie
//! near the processor.
//!
//! The rows of a node lie row by row, so that one fetch from memory serves all columns looked at, and
//! a vector holds one value of each of eight columns.  The same tree as by [`super::grow`], node for
//! node: cuts are compared by the same numbers.
//!
//! 1. Take up a node: where its classes end, and their weights.
//! 2. Draw columns; the best of their cuts (`best`: all of them, `random`: one a column).
//! 3. Partition the rows; running sums of the left ones say where the children's classes end.
//! 4. Go on with the left child, then the right one.
//!
//! Cost of a node of n rows: see `random` and `best`; 16 bytes a row read and written for the
//! partition.  A subtree of few rows: see `few`.

mod best;
mod few;
mod gather;
mod histogram;
mod near;
mod random;

use smelt_core::simd::vectorize;
use smelt_core::{Control, Result};

pub(crate) use self::gather::stride;
pub(crate) use self::near::Near;
use super::columns::Strided;
use super::criterion_classes::gini;
use super::draw::Drawing;
use super::limits::Limits;
use super::nodes::Nodes;
use super::random::Xorshift;

/// Most classes.
const MOST_CLASSES: usize = 32;
/// Nodes between two looks at the clock.
const CHECK_EVERY: usize = 64;

/// A row in the lower half, its weight in the upper one.
type Word = u64;

#[inline(always)]
fn word(row: u32, weight: u32) -> Word {
    Word::from(row) | Word::from(weight) << 32
}

#[inline(always)]
fn row(word: Word) -> usize {
    word as u32 as usize
}

#[inline(always)]
fn weight(word: Word) -> u32 {
    (word >> 32) as u32
}

/// A node as finders see it.
#[derive(Debug, Clone, Copy)]
struct Node<'a> {
    /// Rows, class by class.
    words: &'a [Word],
    /// Behind the last row of every class.
    ends: &'a [u32],
    /// Weights of the classes.
    weights: &'a [u32],
    weight: f64,
}

/// A cut: values up to `last` go left.
#[derive(Debug, Clone, Copy)]
struct Cut<T> {
    feature: usize,
    last: T,
    threshold: f64,
}

/// What a finder draws columns with, and what cuts must respect.
struct Draws<'a, 'b> {
    limits: &'a Limits,
    drawing: &'b mut Drawing,
    random: &'b mut Xorshift,
}

/// Finds the cuts of nodes.
trait Finder {
    /// Values that are compared.
    type Value: Copy + PartialOrd;
    /// Grows the subtree of few rows, class by class, and returns true; or does nothing.
    fn grow_few(
        &mut self,
        _: Task,
        _words: &[Word],
        _ends: &[u32],
        _value: &mut [f64],
        _: &mut Growth<'_>,
    ) -> bool {
        false
    }

    /// Brings the rows of a subtree near, and numbers them anew.
    fn approach(&mut self, words: &mut [Word]);

    /// The best cut of a node.
    fn find(&mut self, node: &Node<'_>, draws: &mut Draws<'_, '_>) -> Option<Cut<Self::Value>>;

    /// Values of a column, by row.
    fn column(&self, feature: usize) -> Strided<'_, Self::Value>;
}

/// The node to begin with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Task {
    pub(crate) start: usize,
    pub(crate) stop: usize,
    pub(crate) depth: usize,
    pub(crate) parent: Option<(usize, bool)>,
    /// As its parent knows it; of a root, any number.
    pub(crate) impurity: f64,
    pub(crate) n_constant: usize,
}

/// What all subtrees of a tree share.
pub(crate) struct Growth<'a> {
    pub(crate) limits: &'a Limits,
    pub(crate) total_weight: f64,
    pub(crate) drawing: &'a mut Drawing,
    pub(crate) random: &'a mut Xorshift,
    pub(crate) nodes: &'a mut Nodes,
}

/// Room that is used again for every subtree.
#[derive(Debug, Default)]
struct Room {
    words: Vec<Word>,
    right: Vec<Word>,
    /// Number and weight of the left rows up to each row.
    running: Vec<Word>,
    waiting: Vec<Task>,
    /// Ends and weights of the classes of the nodes that wait.
    sums: Vec<u32>,
    value: Vec<f64>,
}

/// Grows the subtree of `room.words`, whose classes end at `ends` and weigh `weights`.
fn grow<F: Finder>(
    finder: &mut F,
    room: &mut Room,
    root: Task,
    ends: &[u32],
    weights: &[u32],
    growth: &mut Growth<'_>,
    control: &Control,
) -> Result<()> {
    let n_classes = ends.len();
    let Room { words, right, running, waiting, sums, value } = room;
    let Growth { limits, total_weight, drawing, random, nodes } = growth;
    right.resize(words.len(), 0);
    running.resize(words.len() + 1, 0);
    value.resize(n_classes, 0.0);
    sums.clear();
    sums.extend_from_slice(ends);
    sums.extend_from_slice(weights);
    waiting.clear();
    waiting.push(root);
    let mut ends = [0; MOST_CLASSES];
    let mut weights = [0; MOST_CLASSES];
    let mut n_visited = 0;
    finder.approach(words);
    while let Some(task) = waiting.pop() {
        n_visited += 1;
        if n_visited % CHECK_EVERY == 0 {
            control.check()?;
        }
        let (ends, weights) = (&mut ends[..n_classes], &mut weights[..n_classes]);
        // 1. The node.
        let Task { start, stop, depth, parent, mut impurity, n_constant } = task;
        let n = stop - start;
        let at = sums.len() - 2 * n_classes;
        ends.copy_from_slice(&sums[at..at + n_classes]);
        weights.copy_from_slice(&sums[at + n_classes..]);
        sums.truncate(at);
        let total = weights.iter().sum::<u32>();
        if parent.is_none() {
            impurity = impurity_of(weights);
        }
        let root = Task { impurity, ..task };
        let rest = &mut Growth { limits, total_weight: *total_weight, drawing, random, nodes };
        if finder.grow_few(root, &words[start..stop], ends, value, rest) {
            continue;
        }
        let weight = f64::from(total);
        for (value, &of_class) in value.iter_mut().zip(&*weights) {
            *value = f64::from(of_class) / weight;
        }
        let node = nodes.add(parent, impurity, n, weight, value);
        nodes.max_depth = nodes.max_depth.max(depth);
        if limits.is_leaf(depth, n, weight, impurity) {
            continue;
        }
        // 2. The best cut.
        drawing.start(n_constant);
        let seen = Node { words: &words[start..stop], ends, weights, weight };
        let mut draws = Draws { limits, drawing, random };
        let cut = vectorize(
            #[inline(always)]
            || finder.find(&seen, &mut draws),
        );
        let n_constant = drawing.finish();
        let Some(cut) = cut else { continue };
        // 3. Partition.
        let (column, words) = (finder.column(cut.feature), &mut words[start..stop]);
        let goes_left = |row: u32| column.get(row) <= cut.last;
        let n_left = partition(words, right, &mut running[..n + 1], goes_left);
        let (at, mut before) = (sums.len(), 0);
        sums.resize(at + 4 * n_classes, 0);
        let (of_right, of_left) = sums[at..].split_at_mut(2 * n_classes);
        for class in 0..n_classes {
            let left = running[ends[class] as usize];
            of_left[class] = left as u32;
            of_right[class] = ends[class] - left as u32;
            let weight = (left >> 32) as u32;
            of_left[n_classes + class] = weight - before;
            of_right[n_classes + class] = weights[class] - (weight - before);
            before = weight;
        }
        let impurities = [impurity_of(&of_left[n_classes..]), impurity_of(&of_right[n_classes..])];
        let weight_left = f64::from(before);
        let improvement = weight / *total_weight
            * (impurity
                - (weight - weight_left) / weight * impurities[1]
                - weight_left / weight * impurities[0]);
        if !limits.is_worth(improvement) {
            sums.truncate(at);
            continue;
        }
        nodes.cut(node, cut.feature, cut.threshold, 2 * n_left > n);
        // 4. Children.
        let made = Task { n_constant, parent: Some((node, true)), ..task };
        let right = Task { start: start + n_left, ..child_of(made, false, impurities) };
        let left = Task { stop: start + n_left, ..child_of(made, true, impurities) };
        waiting.extend([right, left]);
    }
    Ok(())
}

/// A child of a node that was cut, whose `parent` names itself.
#[inline(always)]
fn child_of(made: Task, is_left: bool, impurities: [f64; 2]) -> Task {
    Task {
        depth: made.depth + 1,
        parent: made.parent.map(|(node, _)| (node, is_left)),
        impurity: impurities[usize::from(!is_left)],
        ..made
    }
}

/// Gini impurity of class weights.
#[inline(always)]
fn impurity_of(weights: &[u32]) -> f64 {
    let (mut squares, mut sum) = (0, 0);
    for &weight in weights {
        squares += u64::from(weight) * u64::from(weight);
        sum += u64::from(weight);
    }
    gini(squares as f64, sum as f64)
}

/// Left rows first, all in their old order; returns their number.
#[inline(always)]
fn partition(
    words: &mut [Word],
    right: &mut [Word],
    running: &mut [Word],
    goes_left: impl Fn(u32) -> bool,
) -> usize {
    let right = &mut right[..words.len()];
    let (mut n_left, mut n_right, mut sum) = (0, 0, 0);
    for i in 0..words.len() {
        let word = words[i];
        let left = goes_left(word as u32);
        // Written to both sides: no branch that cannot be foreseen.
        words[n_left] = word;
        right[n_right] = word;
        n_left += usize::from(left);
        n_right += usize::from(!left);
        // One row, and its weight in the upper half.
        sum += if left { (word & !u64::from(u32::MAX)) | 1 } else { 0 };
        running[i + 1] = sum;
    }
    words[n_left..].copy_from_slice(&right[..n_right]);
    n_left
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use smelt_core::{Control, MatRef};

    use super::best::BestRows;
    use crate::tree::columns::Columns;
    use crate::tree::criterion::Criterion;
    use crate::tree::criterion_classes::Gini;
    use crate::tree::grow::{Grower, Table};
    use crate::tree::limits::Limits;
    use crate::tree::nodes::Nodes;
    use crate::tree::random::Xorshift;
    use crate::tree::sparse::{ByColumn, Values};

    fn limits(max_features: usize, min_samples_leaf: usize) -> Limits {
        Limits {
            max_depth: 40,
            min_samples_split: 2,
            min_samples_leaf,
            min_weight_leaf: min_samples_leaf as f64,
            max_features,
            max_leaf_nodes: None,
            min_impurity_decrease: 0.0,
            monotonic: None,
            categories: None,
        }
    }

    fn tree<C: Criterion>(
        criterion: C,
        table: Table<'_>,
        weights: &[f64],
        limits: &Limits,
        n_classes: usize,
    ) -> Nodes {
        let grower = Grower::new(table, criterion, Some(weights), limits, n_classes, 5);
        grower.grow(&Control::new()).unwrap()
    }

    /// Trees of whole weights, which grow near, and of any weights, which do not, are the same.
    fn compare(
        n: usize,
        n_columns: usize,
        n_classes: usize,
        step: f32,
        n_values: usize,
        seed: u32,
        limits: &Limits,
    ) {
        let mut random = Xorshift::new(seed + 1);
        let mut draw = |high: usize| random.integer(0, high);
        let x: Vec<f32> = (0..n * n_columns).map(|_| draw(n_values) as f32 * step).collect();
        let classes: Vec<u32> = (0..n)
            .map(|row| ((x[row] / step) as usize * 2 / n_values + draw(n_classes)) % n_classes)
            .map(|class| class as u32)
            .collect();
        let mut weights: Vec<f64> = (0..n).map(|_| draw(4) as f64).collect();
        weights[0] = 1.0;
        let view = MatRef::from_col_major(&x, n, n_columns).unwrap();
        for by_row in [false, true] {
            let prepared = ByColumn::Dense(view).prepare(None, by_row, &Control::new()).unwrap();
            let table = Table::Values(prepared.values());
            let whole = Gini::<u16>::new(&classes, 1, n_classes);
            let any = Gini::<f64>::new(&classes, 1, n_classes);
            let near = tree(whole, table, &weights, limits, n_classes);
            let plain = tree(any, table, &weights, limits, n_classes);
            assert_eq!(near, plain);
        }
        let columns = Columns::new(view, Some(200), false, &Control::new()).unwrap();
        assert!(BestRows::are_worth(&columns, n_columns));
        for table in [Table::Codes(&columns), Table::Values(Values::Coded(&columns))] {
            let whole = Gini::<u16>::new(&classes, 1, n_classes);
            let any = Gini::<f64>::new(&classes, 1, n_classes);
            let near = tree(whole, table, &weights, limits, n_classes);
            let plain = tree(any, table, &weights, limits, n_classes);
            assert_eq!(near, plain);
        }
    }

    proptest! {
        #[test]
        fn subtrees_are_those_of_the_plain_grower(
            n in prop_oneof![2_usize..40, 90_usize..400],
            n_columns in 1_usize..30,
            n_classes in 2_usize..9,
            step in prop_oneof![Just(1.0_f32), Just(6e-8)],
            n_values in prop_oneof![2_usize..9, Just(1000_usize)],
            seed in 0_u32..1000,
            max_features in 1_usize..12,
            least in 1_usize..4,
        ) {
            let limits = limits(max_features.min(n_columns), least);
            compare(n, n_columns, n_classes, step, n_values, seed, &limits);
        }
    }

    #[test]
    fn rows_come_near_below_large_nodes() {
        compare(6000, 40, 5, 1.0, 1000, 3, &limits(6, 1));
        compare(9000, 70, 3, 1.0, 1000, 3, &limits(9, 2));
    }
}
