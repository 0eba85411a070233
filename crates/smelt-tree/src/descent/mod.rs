//! Rows go down many trees at once: what prediction of boosting and of forests share.
//!
//! 1. `columns`: a block of rows becomes small integers in the order of the numbers they stand for
//!    (ranks among the thresholds where these are few, found by a `ruler`), so that a step is one
//!    comparison of integers and a missing value needs no case of its own.
//! 2. `pack`: trees become nodes of 8 bytes that name both of their children; of leaves that answer
//!    the same there is one.
//! 3. `program`: a small tree, and the first levels of a large one, are decided for all rows of the
//!    block by vectors: every node chooses between the labels of its sides, from below.  A symmetric
//!    tree takes one comparison a level.
//! 4. `walk`: in a large tree eight rows at a time go on from there, those of one exit together.
//!
//! Cost of a row and a tree of bytes with l leaves: all l - 1 nodes are looked at, 32 rows in 4 to 5
//! instructions, and 6 for the leaf: 255 leaves take 45, where a walk of 7.5 levels would take 90 and
//! wait.  The limit is 3 instructions a node (load and compare, choose, store), so we are at 1.5 times
//! it.  Below the top of a large tree a level takes 6 instructions, 8 bytes of a node and 2 of a row
//! (4 where few rows do not pay for ranks); the nodes of a tree come from memory once for each block
//! of some 4,000 rows.

mod columns;
mod key;
mod pack;
mod program;
mod ruler;
mod walk;

use std::ops::Range;
use std::sync::OnceLock;

use smelt_core::{Control, Result, simd};

pub(crate) use key::Number;

use columns::{Coding, Keys, Layout, Ranks, Table};
use pack::Packed;

/// Categories 0..=255, and one more for all that is none.
pub(crate) const CATEGORY_WORDS: usize = 9;

/// Thresholds are ranked where there are at most so many nodes a row: sorting them takes time.
const RANK_UP_TO: usize = 8;
/// Trees that are looked at first.
const FIRST: usize = 8;
/// Rows for each node of a tree, from which on sorting all thresholds pays.
const ROWS_OF_A_NODE: usize = 5;
/// Nodes up to which their thresholds, sorted, stay in the cache.
const SMALL: usize = 1 << 18;

/// A split as the arrays of the trees tell it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Split {
    pub(crate) feature: usize,
    /// Largest number that goes left.
    pub(crate) threshold: f64,
    pub(crate) missing_left: bool,
    /// A categorical split: the place of its set.
    pub(crate) set: Option<usize>,
    /// Children, counted from the tree's root.
    pub(crate) left: usize,
    pub(crate) right: usize,
}

/// Trees that can be packed.
pub(crate) trait Source: Sync {
    fn n_features(&self) -> usize;
    fn n_trees(&self) -> usize;
    fn n_nodes(&self, tree: usize) -> usize;
    /// The split of a node, or nothing where it is a leaf.
    fn split(&self, tree: usize, node: usize) -> Option<Split>;
    /// Categories that go left at a split, the one that stands for none among them.
    fn set(&self, split: &Split) -> [u32; CATEGORY_WORDS];
}

/// Categories that go left at a split, with those that are unknown and the one that stands for none
/// where missing values go left.
pub(crate) fn category_words(
    left: &[u32],
    known: &[u32],
    missing_left: bool,
) -> [u32; CATEGORY_WORDS] {
    let mut words = [u32::from(missing_left); CATEGORY_WORDS];
    for (word, (&left, &known)) in words.iter_mut().zip(left.iter().zip(known)) {
        *word = left | if missing_left { !known } else { 0 };
    }
    words
}

/// What a leaf answers.
pub(crate) trait Answer: Copy + Default + Send + Sync {
    /// Whether it is the same, bit for bit.
    fn is(self, other: Self) -> bool;
}

impl Answer for f64 {
    #[inline(always)]
    fn is(self, other: Self) -> bool {
        self.to_bits() == other.to_bits()
    }
}

impl Answer for u32 {
    #[inline(always)]
    fn is(self, other: Self) -> bool {
        self == other
    }
}

/// Writes the values of a feature of some rows.
pub(crate) type Values<'a, N> = &'a (dyn Fn(usize, Range<usize>, &mut [N]) + Sync);
/// What the leaf of a tree answers, by tree and node.
pub(crate) type Leaves<'a, L> = &'a (dyn Fn(usize, usize) -> L + Sync);

/// Rows and the trees that they go down, packed.
pub(crate) trait Descent<L>: Sync {
    /// Rows that go down together.
    fn rows_of_a_block(&self) -> usize;
    /// Calls `each(tree, answers of the rows)` tree by tree in order.
    fn block(&self, rows: Range<usize>, control: &Control, each: &mut dyn FnMut(usize, &[L]));
}

/// Packs the trees of `source` by the narrowest keys that pay; nothing where they do not fit into small
/// nodes.
pub(crate) fn descent<'a, N: Number, L: Answer>(
    n_rows: usize,
    values: Values<'a, N>,
    source: &'a dyn Source,
    leaves: Leaves<'a, L>,
    control: &Control,
) -> Result<Option<Box<dyn Descent<L> + 'a>>> {
    let layout = Layout::new(source);
    let n_nodes: usize = (0..source.n_trees()).map(|tree| source.n_nodes(tree)).sum();
    let rows = Rows { n_rows, values, source, leaves };
    if n_nodes <= RANK_UP_TO.saturating_mul(n_rows) {
        // A few trees tell whether bytes may do.
        if Ranks::<N, i8>::new(source, &layout, FIRST).is_some()
            && let Some(ranks) = Ranks::<N, i8>::new(source, &layout, source.n_trees())
        {
            return rows.pack(ranks, layout, control);
        }
        // Ranks of two bytes are half a row's bytes; sorting pays where many rows take many trees.
        let many = n_nodes / source.n_trees().max(1) <= n_rows / ROWS_OF_A_NODE
            && layout.columns(true).len() <= 2 * source.n_trees();
        if (n_nodes <= SMALL || many)
            && let Some(ranks) = Ranks::<N, i16>::new(source, &layout, source.n_trees())
        {
            return rows.pack(ranks, layout, control);
        }
    }
    rows.pack(Keys, layout, control)
}

/// What a descent starts from.
struct Rows<'a, N, L> {
    n_rows: usize,
    values: Values<'a, N>,
    source: &'a dyn Source,
    leaves: Leaves<'a, L>,
}

/// Rows, and trees packed by the keys of a coding.
struct Keyed<'a, N: Number, L, C: Coding<N>> {
    rows: Rows<'a, N, L>,
    coding: C,
    layout: Layout,
    /// Without a case for missing values, and with it if a block has some.
    plain: Packed<L, C::Key>,
    with_missing: OnceLock<Option<Packed<L, C::Key>>>,
}

impl<'a, N: Number, L: Answer> Rows<'a, N, L> {
    fn pack<C: Coding<N> + 'a>(
        self,
        coding: C,
        layout: Layout,
        control: &Control,
    ) -> Result<Option<Box<dyn Descent<L> + 'a>>> {
        let plain = self.packed(&coding, &layout, false, control)?;
        Ok(plain.map(|plain| {
            let with_missing = OnceLock::new();
            Box::new(Keyed { rows: self, coding, layout, plain, with_missing }) as Box<_>
        }))
    }

    fn packed<C: Coding<N>>(
        &self,
        coding: &C,
        layout: &Layout,
        with_missing: bool,
        control: &Control,
    ) -> Result<Option<Packed<L, C::Key>>> {
        let columns = layout.columns(with_missing);
        Packed::new(self.source, self.leaves, coding, columns, with_missing, control)
    }
}

impl<N: Number, L: Answer, C: Coding<N>> Descent<L> for Keyed<'_, N, L, C> {
    fn rows_of_a_block(&self) -> usize {
        let bytes_of_a_row = self.plain.columns.len() * size_of::<C::Key>();
        rows_of_a_block(self.rows.n_rows, bytes_of_a_row, self.plain.bytes_of_a_tree())
    }

    fn block(&self, rows: Range<usize>, control: &Control, each: &mut dyn FnMut(usize, &[L])) {
        let mut table = Table::<C::Key>::new(rows.len());
        let mut fill = |packed: &Packed<L, C::Key>, without_missing| {
            simd::vectorize(
                #[inline(always)]
                || {
                    let gather = |feature, values: &mut [N]| {
                        (self.rows.values)(feature, rows.clone(), values);
                    };
                    table.fill(gather, &packed.columns, &self.coding, without_missing)
                },
            )
        };
        let mut packed = &self.plain;
        if !fill(packed, self.layout.tells_missing()) {
            let made = self.with_missing.get_or_init(|| {
                let made = self.rows.packed(&self.coding, &self.layout, true, &Control::new());
                made.ok().flatten()
            });
            // They have as many nodes.
            assert!(made.is_some(), "trees fit without missing values, but not with them");
            let Some(made) = made else { return };
            packed = made;
            fill(packed, false);
        }
        let mut walker = walk::Walker::new(rows.len());
        let mut answers = vec![L::default(); rows.len()];
        for (tree, made) in packed.trees.iter().enumerate() {
            if tree % 64 == 63 && control.check().is_err() {
                return;
            }
            simd::vectorize(
                #[inline(always)]
                || walker.visit(made, &table, &mut answers),
            );
            each(tree, &answers);
        }
    }
}

/// As many rows as keep table and tree in the caches, and chunks for all threads.
fn rows_of_a_block(n_rows: usize, bytes_of_a_row: usize, bytes_of_a_tree: usize) -> usize {
    let bytes = (2 * bytes_of_a_tree).clamp(64 << 10, 256 << 10);
    let rows = (bytes / bytes_of_a_row.max(1)).clamp(64, 8192);
    rows.min((n_rows / 16).max(64)).next_multiple_of(32)
}

#[cfg(test)]
#[allow(non_snake_case)]
mod tests {
    use smelt_core::{Control, MatRef, Real, parallel};

    use crate::Ensemble;
    use crate::tree::predict::{Trees, tree_apply, tree_predict};

    struct Draw(u64);

    impl Draw {
        fn below(&mut self, n: usize) -> usize {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (self.0 >> 33) as usize % n
        }
        fn number(&mut self) -> f64 {
            let special = [f64::INFINITY, f64::NEG_INFINITY, 0.0, -0.0, 1e-300, 1e300, 0.1, -3.0];
            match self.below(20) {
                0 => special[self.below(special.len())],
                1 => f64::from(self.below(7) as i32 - 3),
                _ => (self.below(2_000_001) as f64 - 1e6) * 1e-5,
            }
        }
    }

    /// Trees of up to `n_leaves` leaves; `last` columns hold categories.
    struct Kind {
        n_trees: usize,
        n_leaves: usize,
        n_categorical: usize,
        last_category: bool,
        n_thresholds: usize,
        symmetric: bool,
    }

    fn ensemble(draw: &mut Draw, n_features: usize, kind: &Kind) -> Ensemble {
        let thresholds: Vec<f64> = (0..kind.n_thresholds).map(|_| draw.number()).collect();
        let mut made = Ensemble {
            n_features,
            baseline: vec![0.25, -1.0],
            tree_offsets: vec![0],
            ..Ensemble::default()
        };
        if kind.n_categorical > 0 {
            let top = if kind.last_category { u32::MAX } else { u32::MAX >> 1 };
            let word = |draw: &mut Draw| draw.below(1 << 31) as u32 * 2 + draw.below(2) as u32;
            made.known_categories = (0..n_features * 8)
                .map(|i| word(draw) & if i % 8 == 7 { top } else { !0 })
                .collect();
            made.left_categories =
                (0..40).map(|i| word(draw) & if i % 8 == 7 { top } else { !0 }).collect();
        }
        for _ in 0..2 * kind.n_trees {
            let start = made.left.len();
            let n_leaves = 1 + draw.below(kind.n_leaves);
            let levels: Vec<_> = (0..8)
                .map(|_| {
                    (
                        draw.below(n_features),
                        thresholds[draw.below(thresholds.len())],
                        draw.below(2),
                    )
                })
                .collect();
            let mut leaves = vec![(0_u32, 0)];
            let mut size = 1_u32;
            let mut nodes = vec![(0, 0.0, 0, 0, 0, -1)];
            while leaves.len() < n_leaves {
                let (node, depth) =
                    leaves.remove(if kind.symmetric { 0 } else { draw.below(leaves.len()) });
                if kind.symmetric && depth == 8 {
                    break;
                }
                let (mut feature, mut threshold, mut missing) = levels[depth % 8];
                if !kind.symmetric {
                    feature = draw.below(n_features);
                    threshold = thresholds[draw.below(thresholds.len())];
                    missing = draw.below(2);
                }
                let set = if feature < kind.n_categorical { draw.below(5) as i32 } else { -1 };
                nodes[node as usize] =
                    (feature as u32, threshold, size, size + 1, missing as u8, set);
                leaves.extend([(size, depth + 1), (size + 1, depth + 1)]);
                nodes.extend([(0, 0.0, 0, 0, 0, -1); 2]);
                size += 2;
            }
            for (feature, threshold, left, right, missing, set) in nodes {
                made.feature.push(feature);
                made.threshold.push(threshold);
                made.left.push(left);
                made.right.push(right);
                made.missing_left.push(missing);
                made.category_set.push(set);
                made.value.push(draw.number().clamp(-9.0, 9.0));
            }
            made.tree_offsets.push((start + size as usize) as u32);
        }
        made.validate().unwrap();
        made
    }

    fn rows<T: Real>(
        draw: &mut Draw,
        n: usize,
        width: usize,
        made: &Ensemble,
        missing: bool,
    ) -> Vec<T> {
        let cell = |i: usize| match draw.below(if missing { 8 } else { 7 }) {
            0 => made.threshold[draw.below(made.threshold.len())],
            1 | 2 if i % width < 2 => draw.below(260) as f64 - 2.0,
            7 => f64::NAN,
            _ => draw.number(),
        };
        (0..n * width).map(cell).map(T::from_f64).collect()
    }

    fn check<T: Real>(draw: &mut Draw, width: usize, made: &Ensemble, n: usize, missing: bool) {
        let control = Control::new();
        let flat = rows::<T>(draw, n, width, made, missing);
        let mut expected = vec![0.0; n * 2];
        for (row, sums) in flat.chunks(width).zip(expected.chunks_mut(2)) {
            let row: Vec<f64> = row.iter().map(|x| x.to_f64()).collect();
            sums.copy_from_slice(&made.baseline);
            for (tree, pair) in made.tree_offsets.windows(2).enumerate() {
                sums[tree % 2] += made.value[made.view().leaf(pair[0] as usize, &row)];
            }
        }
        let X = MatRef::from_row_major(&flat, n, width).unwrap();
        let columns: Vec<T> = (0..n * width).map(|i| X.get(i % n, i / n)).collect();
        for X in [X, MatRef::from_col_major(&columns, n, width).unwrap()] {
            for threads in [1, 2, 7] {
                let found = parallel::with_threads(threads, || made.predict_raw(X, &control));
                let found = found.unwrap();
                let same = |(a, b): (&f64, &f64)| a.to_bits() == b.to_bits();
                assert!(found.as_slice().iter().zip(&expected).all(same), "{n} rows, {threads}");
            }
        }
        if made.known_categories.is_empty() && !T::IS_F64 {
            check_forest(
                &flat.iter().map(|x| x.to_f64() as f32).collect::<Vec<_>>(),
                n,
                width,
                made,
            );
        }
    }

    fn check_forest(flat: &[f32], n: usize, width: usize, made: &Ensemble) {
        let control = Control::new();
        let X = MatRef::from_row_major(flat, n, width).unwrap();
        let as_i32 = |values: &[u32]| -> Vec<i32> {
            values.iter().map(|&x| if x == 0 { -1 } else { x as i32 }).collect()
        };
        let (left, right) = (as_i32(&made.left), as_i32(&made.right));
        let feature: Vec<i32> = made.feature.iter().map(|&x| x as i32).collect();
        let offsets: Vec<i64> = made.tree_offsets.iter().map(|&x| i64::from(x)).collect();
        for classes in [1, 3] {
            let value: Vec<f64> = (0..left.len() * classes)
                .map(|i| match (i / classes) % 3 {
                    0 => made.value[i / classes] + i as f64,
                    class => f64::from(u8::from(class == i % classes)),
                })
                .collect();
            let trees = Trees {
                offsets: &offsets,
                left: &left,
                right: &right,
                feature: &feature,
                threshold: &made.threshold,
                missing_left: &made.missing_left,
                value: &value,
                category_set: &[],
                left_categories: &[],
                known_categories: &[],
            };
            trees.check(width).unwrap();
            let leaves = tree_apply(&X.into(), &trees, &control).unwrap();
            let means = tree_predict(&X.into(), &trees, &control).unwrap();
            for row in 0..n {
                let mut sums = vec![0.0; classes];
                for tree in 0..trees.n_trees() {
                    let leaf = trees.leaf(tree, |feature| X.get(row, feature));
                    let found = leaves[row * trees.n_trees() + tree];
                    assert_eq!(found, leaf as i64 - offsets[tree]);
                    sums.iter_mut().zip(trees.value(leaf)).for_each(|(sum, x)| *sum += x);
                }
                sums.iter_mut().for_each(|sum| *sum /= trees.n_trees() as f64);
                assert_eq!(means.row(row), &sums);
            }
        }
    }

    #[test]
    fn packed_trees_answer_as_the_arrays_do_bit_for_bit() {
        let mut draw = Draw(1);
        let plain = Kind {
            n_trees: 5,
            n_leaves: 31,
            n_categorical: 0,
            last_category: false,
            n_thresholds: 60,
            symmetric: false,
        };
        let kinds = [
            Kind { n_leaves: 1, ..plain },
            Kind { n_leaves: 256, n_thresholds: 255, ..plain },
            Kind { n_leaves: 900, n_thresholds: 200, ..plain },
            Kind { n_leaves: 900, n_thresholds: 4000, ..plain },
            Kind { n_leaves: 40, n_thresholds: 900, n_trees: 30, ..plain },
            Kind { n_leaves: 256, symmetric: true, ..plain },
            Kind { n_leaves: 30, symmetric: true, n_thresholds: 3000, n_trees: 20, ..plain },
            Kind { n_categorical: 2, ..plain },
            Kind { n_categorical: 2, last_category: true, ..plain },
            Kind { n_categorical: 1, n_leaves: 700, n_thresholds: 2000, ..plain },
            plain,
        ];
        for kind in &kinds {
            for width in [2, 5] {
                let made = ensemble(&mut draw, width, kind);
                for (n, missing) in [(399, true), (400, false), (1000, true), (4001, false)] {
                    check::<f64>(&mut draw, width, &made, n, missing);
                    check::<f32>(&mut draw, width, &made, n, missing);
                }
            }
        }
    }
}
