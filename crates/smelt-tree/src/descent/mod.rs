//! Rows go down many trees at once: what prediction of boosting and of forests share.
//!
//! 1. `columns`: a block of rows becomes small integers in the order of the numbers they stand for
//!    (ranks among the thresholds where these are few, found by a `ruler`), so that a step is one
//!    comparison of integers and a missing value needs no case of its own.
//! 2. `pack`: trees become nodes of 8 bytes, two siblings side by side.
//! 3. `program`: a small tree, and the first levels of a large one, are decided for all rows of the
//!    block by vectors: every node chooses between the labels of its sides, from below.  A symmetric
//!    tree takes one comparison a level.
//! 4. `walk`: in a large tree eight rows at a time go on from there, those of one exit together.
//!
//! Cost of a row and a tree of bytes with l leaves: all l - 1 nodes are looked at, 32 rows in 4 to 5
//! instructions, and 6 for the leaf: 255 leaves take 45, where a walk of 7.5 levels would take 90 and
//! wait.  The limit is 3 instructions a node (load and compare, choose, store), so we are at 1.5 times
//! it.  Below the top of a large tree a level takes 8 instructions, 8 bytes of a node and 4 of a row;
//! the nodes of a tree come from memory once for each block of some 4,000 rows.

mod columns;
mod key;
mod pack;
mod program;
mod ruler;
mod walk;

use std::sync::OnceLock;

use smelt_core::{Control, MatRef, Real, Result, parallel, simd};

pub(crate) use key::Number;

use columns::{Coding, Keys, Layout, Ranks, Table};
use pack::Packed;

/// Categories 0..=255, and one more for all that is none.
pub(crate) const CATEGORY_WORDS: usize = 9;

/// Thresholds are ranked where there are at most so many nodes a row: sorting them takes time.
const RANK_UP_TO: usize = 8;
/// Trees that are looked at first.
const FIRST: usize = 8;
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
    /// What a leaf answers.
    type Leaf: Copy + Default + Send + Sync;
    fn n_features(&self) -> usize;
    fn n_trees(&self) -> usize;
    fn n_nodes(&self, tree: usize) -> usize;
    /// The split of a node, or nothing where it is a leaf.
    fn split(&self, tree: usize, node: usize) -> Option<Split>;
    fn leaf(&self, tree: usize, node: usize) -> Self::Leaf;
    /// The cell of a row that the tree's answers go to, or what else `add` should know of the tree.
    fn slot(&self, tree: usize) -> usize;
    /// Categories that go left at a split, the one that stands for none among them.
    fn set(&self, split: &Split) -> [u32; CATEGORY_WORDS];
}

/// Where every row of `X` ends, by the narrowest keys that pay: see [`descend_by`].
#[allow(non_snake_case)]
pub(crate) fn descend<T: Real, N: Number, S: Source, O: Send>(
    X: MatRef<'_, T>,
    source: &S,
    (out, width): (&mut [O], usize),
    control: &Control,
    begin: impl Fn(&mut [O]) + Sync,
    add: impl Fn(usize, usize, &mut [O], S::Leaf) + Sync,
    end: impl Fn(&mut [O]) + Sync,
) -> Result<bool> {
    let layout = Layout::new(source);
    let n_nodes: usize = (0..source.n_trees()).map(|tree| source.n_nodes(tree)).sum();
    let place = (out, width);
    if n_nodes <= RANK_UP_TO.saturating_mul(X.n_rows()) {
        // A few trees tell whether bytes may do.
        if Ranks::<N, i8>::new(source, &layout, FIRST).is_some()
            && let Some(ranks) = Ranks::<N, i8>::new(source, &layout, source.n_trees())
        {
            return descend_by::<T, N, _, _, _>(
                X, source, &ranks, &layout, place, control, begin, add, end,
            );
        }
        if n_nodes <= SMALL
            && let Some(ranks) = Ranks::<N, i16>::new(source, &layout, source.n_trees())
        {
            return descend_by::<T, N, _, _, _>(
                X, source, &ranks, &layout, place, control, begin, add, end,
            );
        }
    }
    descend_by::<T, N, _, _, _>(X, source, &Keys, &layout, place, control, begin, add, end)
}

/// Where every row of `X` ends: `add(slot of the tree, row, its part of out, leaf)` is called tree by tree in
/// order; `begin` and `end` see the whole part of a block.  False where the trees do not fit into
/// small nodes: nothing has been called then.
#[allow(non_snake_case)]
fn descend_by<T: Real, N: Number, S: Source, C: Coding<N>, O: Send>(
    X: MatRef<'_, T>,
    source: &S,
    coding: &C,
    layout: &Layout,
    (out, width): (&mut [O], usize),
    control: &Control,
    begin: impl Fn(&mut [O]) + Sync,
    add: impl Fn(usize, usize, &mut [O], S::Leaf) + Sync,
    end: impl Fn(&mut [O]) + Sync,
) -> Result<bool> {
    // Packed once without a case for missing values, and once with it if a block has some.
    let widest = layout.columns(true).len();
    let plain = Packed::new(source, coding, layout.columns(false), false, widest, control)?;
    let Some(plain) = plain else { return Ok(false) };
    let with_missing = OnceLock::new();
    let bytes_of_a_row = plain.columns.len() * size_of::<C::Key>();
    let rows = rows_of_a_block(X.n_rows(), bytes_of_a_row, plain.bytes_of_a_tree());
    let cost_ns = source.n_trees() as f64 * 10.0;
    parallel::for_chunks_mut(out, width, rows, cost_ns, |_, range, part| {
        if control.check().is_err() {
            return;
        }
        let block = X.rows(range.start, range.end);
        let mut table = Table::<C::Key>::new(range.len());
        let mut fill = |packed: &Packed<S::Leaf, C::Key>, without_missing| {
            simd::vectorize(
                #[inline(always)]
                || table.fill::<T, N, C>(block, &packed.columns, coding, without_missing),
            )
        };
        let mut packed = &plain;
        if !fill(&plain, layout.tells_missing()) {
            let made = with_missing.get_or_init(|| {
                Packed::new(source, coding, layout.columns(true), true, widest, &Control::new())
            });
            let Ok(Some(made)) = made else { return };
            packed = made;
            fill(packed, false);
        }
        begin(part);
        let mut walker = walk::Walker::new(range.len());
        simd::vectorize(
            #[inline(always)]
            || {
                for (tree, made) in packed.trees.iter().enumerate() {
                    if tree % 64 == 63 && control.check().is_err() {
                        return;
                    }
                    let slot = source.slot(tree);
                    walker.visit(
                        made,
                        &table,
                        (&mut *part, width),
                        #[inline(always)]
                        |row, cells, leaf| add(slot, range.start + row, cells, leaf),
                    );
                }
            },
        );
        end(part);
    });
    control.check()?;
    Ok(true)
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
            };
            trees.check(width).unwrap();
            let leaves = tree_apply(X, &trees, &control).unwrap();
            let means = tree_predict(X, &trees, &control).unwrap();
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
