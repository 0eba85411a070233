//! Rows go down decision trees: leaves, and mean values.
//!
//! Many rows go down packed trees (`descent`), few ones walk through the arrays as they are.  Sums run
//! over the trees in order: the same bits for any number of rows and threads.
//!
//! Cost: n · trees · depth steps; a deep tree and a block of rows share the second-level cache.

use std::ops::Range;

use smelt_core::{Control, Error, Mat, MatRef, Result, parallel};

use super::sparse::ByRow;
use crate::descent::{Answer, CATEGORY_WORDS, Leaves, Source, Split, category_words, descent};
use crate::ensemble::{SET_WORDS, in_set};

/// Rows that go down one tree after the other, without packing.
const BLOCK: usize = 16;
/// Below this many rows packing does not pay.
const PACK_FROM: usize = 400;

/// Arrays of grown trees, as NumPy holds them.
#[derive(Debug, Clone, Copy)]
pub struct Trees<'a> {
    /// First node of every tree, and the number of nodes (n_trees + 1).
    pub offsets: &'a [i64],
    /// Left child, counted from the tree's root; -1 in a leaf.
    pub left: &'a [i32],
    /// Right child.
    pub right: &'a [i32],
    /// Column cut at.
    pub feature: &'a [i32],
    /// Largest value that goes left.
    pub threshold: &'a [f64],
    /// 1 where missing values go left.
    pub missing_left: &'a [u8],
    /// Values, the same number for every node.
    pub value: &'a [f64],
    /// Row of `left_categories` of a cut by categories, else -1; empty where no cut is one.
    pub category_set: &'a [i32],
    /// Sets of categories that go left, 8 words each.
    pub left_categories: &'a [u32],
    /// Categories known from training, 8 words a column; may be empty without sets.
    pub known_categories: &'a [u32],
}

impl<'a> Trees<'a> {
    /// Number of trees.
    pub fn n_trees(&self) -> usize {
        self.offsets.len().saturating_sub(1)
    }

    /// Values of a node.
    pub fn width(&self) -> usize {
        self.value.len() / self.left.len().max(1)
    }

    /// Refuses arrays that rows of `n_features` columns could not follow.
    pub fn check(&self, n_features: usize) -> Result<()> {
        let n_nodes = self.left.len();
        let lengths = [self.right.len(), self.feature.len(), self.threshold.len()];
        let mut sound = self.offsets.first() == Some(&0)
            && self.offsets.last().copied() == i64::try_from(n_nodes).ok()
            && self.offsets.windows(2).all(|pair| pair[0] < pair[1])
            && lengths.iter().all(|&length| length == n_nodes)
            && self.missing_left.len() == n_nodes
            && self.value.len().is_multiple_of(n_nodes.max(1))
            && self.width() > 0
            && self.has_sound_sets(n_features);
        for pair in self.offsets.windows(2) {
            if !sound {
                break;
            }
            let size = pair[1] - pair[0];
            for node in 0..size {
                let at = (pair[0] + node) as usize;
                // Children lie behind their parent, so that every way ends.
                let child = |child: i32| i64::from(child) > node && i64::from(child) < size;
                sound &= self.left[at] < 0
                    || (child(self.left[at])
                        && child(self.right[at])
                        && (0..n_features as i64).contains(&i64::from(self.feature[at])));
            }
        }
        if sound {
            Ok(())
        } else {
            Err(Error::data("the arrays of the trees are damaged".to_string()))
        }
    }

    /// Whether sets and known categories are those of these nodes and columns.
    fn has_sound_sets(&self, n_features: usize) -> bool {
        let n_sets = self.left_categories.len() / SET_WORDS;
        let is_set = |&set: &i32| set == -1 || usize::try_from(set).is_ok_and(|set| set < n_sets);
        self.category_set.is_empty()
            || (self.category_set.len() == self.left.len()
                && self.left_categories.len().is_multiple_of(SET_WORDS)
                && self.known_categories.len() == n_features * SET_WORDS
                && self.category_set.iter().all(is_set))
    }

    /// The set of categories of a cut.
    #[inline(always)]
    fn set_of(&self, node: usize) -> Option<usize> {
        self.category_set.get(node).and_then(|&set| usize::try_from(set).ok())
    }

    /// Where a value goes at a cut by categories: as in an [`crate::Ensemble`].
    fn goes_left_by_set(&self, node: usize, set: usize, x: f32) -> bool {
        let missing_left = self.missing_left[node] == 1;
        if f32::from(x as u8) != x {
            return missing_left;
        }
        let (left, known) = (set * SET_WORDS, self.feature[node] as usize * SET_WORDS);
        in_set(&self.left_categories[left..left + SET_WORDS], x as u8)
            || (missing_left && !in_set(&self.known_categories[known..known + SET_WORDS], x as u8))
    }

    /// The node where a row ends in one tree.
    #[inline(always)]
    pub fn leaf(&self, tree: usize, x: impl Fn(usize) -> f32) -> usize {
        let root = self.offsets[tree] as usize;
        let mut node = root;
        while self.left[node] >= 0 {
            let x = x(self.feature[node] as usize);
            let goes_left = match self.set_of(node) {
                Some(set) => self.goes_left_by_set(node, set, x),
                None => {
                    f64::from(x) <= self.threshold[node]
                        || (x.is_nan() && self.missing_left[node] == 1)
                }
            };
            let next = root + if goes_left { self.left[node] } else { self.right[node] } as usize;
            // Whatever the arrays hold, every way ends.
            assert!(next > node, "a child lies before its parent");
            node = next;
        }
        node
    }

    /// Values of a node.
    #[inline(always)]
    pub fn value(&self, node: usize) -> &'a [f64] {
        let width = self.width();
        &self.value[node * width..(node + 1) * width]
    }
}

/// Trees that rows of `n_features` columns go down.
struct Wide<'a> {
    trees: &'a Trees<'a>,
    n_features: usize,
}

impl Source for Wide<'_> {
    fn n_features(&self) -> usize {
        self.n_features
    }

    fn n_trees(&self) -> usize {
        self.trees.n_trees()
    }

    fn n_nodes(&self, tree: usize) -> usize {
        (self.trees.offsets[tree + 1] - self.trees.offsets[tree]) as usize
    }

    fn split(&self, tree: usize, node: usize) -> Option<Split> {
        let (trees, at) = (self.trees, self.trees.offsets[tree] as usize + node);
        (trees.left[at] >= 0).then(|| Split {
            feature: trees.feature[at] as usize,
            threshold: trees.threshold[at],
            missing_left: trees.missing_left[at] == 1,
            set: trees.set_of(at),
            left: trees.left[at] as usize,
            right: trees.right[at] as usize,
        })
    }

    fn set(&self, split: &Split) -> [u32; CATEGORY_WORDS] {
        let set = split.set.unwrap_or(0) * SET_WORDS;
        let left = &self.trees.left_categories[set..set + SET_WORDS];
        let known = &self.trees.known_categories[split.feature * SET_WORDS..][..SET_WORDS];
        category_words(left, known, split.missing_left)
    }
}

/// Calls `add(tree, rows, their part of out, answers of their leaves)`, tree by tree in order.
#[allow(non_snake_case)]
fn go_down<A: Answer, O: Send>(
    X: MatRef<'_, f32>,
    trees: &Trees<'_>,
    answer: Leaves<'_, A>,
    (out, width): (&mut [O], usize),
    control: &Control,
    add: &(dyn Fn(usize, Range<usize>, &mut [O], &[A]) + Sync),
    end: &(dyn Fn(&mut [O]) + Sync),
) -> Result<()> {
    let n_trees = trees.n_trees();
    if X.n_rows() >= PACK_FROM {
        let values = |feature, rows: Range<usize>, values: &mut [f32]| {
            values.iter_mut().zip(rows).for_each(|(value, row)| *value = X.get(row, feature));
        };
        let source = Wide { trees, n_features: X.n_cols() };
        let descent = descent::<f32, A>(X.n_rows(), &values, &source, answer, control)?;
        if let Some(descent) = descent {
            let (rows, cost_ns) = (descent.rows_of_a_block(), n_trees as f64 * 10.0);
            parallel::for_chunks_mut(out, width, rows, cost_ns, |_, range, part| {
                if control.check().is_ok() {
                    descent.block(range.clone(), control, &mut |tree, answers| {
                        add(tree, range.clone(), part, answers);
                    });
                    end(part);
                }
            });
            return control.check();
        }
    }
    parallel::for_chunks_mut(out, width, BLOCK, n_trees as f64 * 100.0, |_, range, part| {
        if control.check().is_err() {
            return;
        }
        let mut answers = [A::default(); BLOCK];
        for tree in 0..n_trees {
            for (row, found) in range.clone().zip(&mut answers) {
                let leaf = trees.leaf(tree, |feature| X.get(row, feature));
                *found = answer(tree, leaf - trees.offsets[tree] as usize);
            }
            add(tree, range.clone(), part, &answers[..range.len()]);
        }
        end(part);
    });
    control.check()
}

/// Leaf that every row of `X` reaches in every tree, (n_rows, n_trees), counted from the tree's root.
#[allow(non_snake_case)]
pub fn tree_apply(X: &ByRow<'_>, trees: &Trees<'_>, control: &Control) -> Result<Vec<i64>> {
    trees.answers(X, |_, node| node as i64, control)
}

/// Mean over the trees of the value of the leaf that every row of `X` reaches, (n_rows, width).
#[allow(non_snake_case)]
pub fn tree_predict(X: &ByRow<'_>, trees: &Trees<'_>, control: &Control) -> Result<Mat<f64>> {
    let (n_trees, width) = (trees.n_trees(), trees.width());
    let mut out = Mat::zeros(X.n_rows(), width);
    let place = (out.as_mut_slice(), width);
    let end = |part: &mut [f64]| part.iter_mut().for_each(|sum| *sum /= n_trees as f64);
    trees.sum_values(X, place, control, None, &end)?;
    Ok(out)
}

/// Whether a tree has a say on a row.
pub(super) type Counts<'a> = &'a (dyn Fn(usize, usize) -> bool + Sync);

impl Trees<'_> {
    /// What `answer(tree, node)` says of the leaf that every row reaches in every tree, row by row.
    #[allow(non_snake_case)]
    pub(super) fn answers<A: Copy + Default + Send>(
        &self,
        X: &ByRow<'_>,
        answer: impl Fn(usize, usize) -> A + Sync,
        control: &Control,
    ) -> Result<Vec<A>> {
        let n_trees = self.n_trees();
        let mut out = vec![A::default(); X.n_rows() * n_trees];
        let put = |tree: usize, _, answers: &mut [A], leaves: &[u32]| {
            let places = answers[tree..].iter_mut().step_by(n_trees);
            places.zip(leaves).for_each(|(place, &leaf)| *place = answer(tree, leaf as usize));
        };
        X.blocks(|first, X| {
            let out = &mut out[first * n_trees..(first + X.n_rows()) * n_trees];
            go_down(X, self, &|_, node| node as u32, (out, n_trees), control, &put, &|_| {})
        })?;
        Ok(out)
    }

    /// Adds the values of the leaves to `out`, tree by tree in order, where `counts(tree, row)`.
    #[allow(non_snake_case)]
    pub(super) fn sum_values(
        &self,
        X: &ByRow<'_>,
        (out, width): (&mut [f64], usize),
        control: &Control,
        counts: Option<Counts<'_>>,
        end: &(dyn Fn(&mut [f64]) + Sync),
    ) -> Result<()> {
        X.blocks(|first, X| {
            let out = &mut out[first * width..(first + X.n_rows()) * width];
            self.sum_block(X, (out, width), first, control, counts, end)
        })
    }

    /// The same for a block of rows, of which `first` is the first.
    #[allow(non_snake_case)]
    fn sum_block(
        &self,
        X: MatRef<'_, f32>,
        (out, width): (&mut [f64], usize),
        first: usize,
        control: &Control,
        counts: Option<Counts<'_>>,
        end: &(dyn Fn(&mut [f64]) + Sync),
    ) -> Result<()> {
        let counts = |tree, row| counts.is_none_or(|counts| counts(tree, first + row));
        let values = |tree: usize, node| self.value(self.offsets[tree] as usize + node);
        if width == 1 {
            let value = |tree: usize, node| values(tree, node)[0];
            let add = |tree: usize, rows: Range<usize>, sums: &mut [f64], answers: &[f64]| {
                for ((sum, &value), row) in sums.iter_mut().zip(answers).zip(rows) {
                    *sum += if counts(tree, row) { value } else { 0.0 };
                }
            };
            return go_down(X, self, &value, (out, width), control, &add, end);
        }
        // A leaf of one class answers with the class, another one with its node.
        let width_u32 = width as u32;
        let code = |tree: usize, node: usize| {
            let values = values(tree, node);
            let class = values.iter().position(|&value| value == 1.0);
            let others = values.iter().filter(|&&value| value != 0.0).count();
            match class {
                Some(class) if others == 1 => class as u32,
                _ => width_u32 + node as u32,
            }
        };
        let add = |tree: usize, rows: Range<usize>, sums: &mut [f64], answers: &[u32]| {
            for ((sums, &code), row) in sums.chunks_exact_mut(width).zip(answers).zip(rows) {
                if !counts(tree, row) {
                } else if code < width_u32 {
                    sums[code as usize] += 1.0;
                } else {
                    let values = values(tree, (code - width_u32) as usize);
                    sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
                }
            }
        };
        go_down(X, self, &code, (out, width), control, &add, end)
    }
}
