//! Rows go down many trees at once: what prediction of boosting and of forests share.
//!
//! 1. `columns`: a block of rows becomes small integers in the order of the numbers they stand for,
//!    so that a step is one comparison of integers and a missing value needs no case of its own.
//! 2. `pack`: trees become nodes of 8 bytes, two siblings side by side.
//! 3. `walk`: the first levels of a tree are decided for all rows of the block by vectors, level by
//!    level from below; sixteen rows at a time go on from there.
//!
//! Cost of a row and tree: 3 vector steps a node of the top (all nodes of the top are looked at, 32
//! rows at a time where the numbers are bytes), 9 to 11 steps and 8 bytes a level below it, 4 steps
//! for the leaf.

mod columns;
mod key;
mod pack;
mod program;
mod ruler;
mod walk;

use std::sync::OnceLock;

use smelt_core::{Control, MatRef, Real, Result, parallel, simd};

pub(crate) use columns::{Keys, Layout, Ranks};
pub(crate) use key::Number;

use columns::{Coding, Table};
use pack::Packed;

/// Categories 0..=255, and one more for all that is none.
pub(crate) const CATEGORY_WORDS: usize = 9;

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

/// Where every row of `X` ends: `add(slot of the tree, row, its part of out, leaf)` is called tree by tree in
/// order; `begin` and `end` see the whole part of a block.  False where the trees do not fit into
/// small nodes: nothing has been called then.
#[allow(non_snake_case)]
pub(crate) fn descend<T: Real, N: Number, S: Source, C: Coding<N>, O: Send>(
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
    let rows = rows_of_a_block(X.n_rows(), widest * size_of::<C::Key>(), plain.bytes_of_a_tree());
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
    let bytes = (2 * bytes_of_a_tree).clamp(32 << 10, 512 << 10);
    let rows = (bytes / bytes_of_a_row.max(1)).clamp(64, 8192);
    rows.min((n_rows / 16).max(64)).next_multiple_of(32)
}
