//! One view of grown trees for all explanations: children, column, goes-left test, cover, values.

use smelt_core::{Error, MatRef, Real, Result};

use crate::ensemble::{SET_WORDS, in_set};

/// Arrays of grown trees behind each other; children count from their tree's root.
#[derive(Debug, Clone, Copy)]
pub struct TreesRef<'a> {
    /// Columns of the rows that the trees look at.
    pub n_features: usize,
    /// Outputs of the model.
    pub n_outputs: usize,
    /// First node of every tree, and the number of nodes (n_trees + 1).
    pub offsets: &'a [i64],
    /// Left child, -1 in a leaf.
    pub left: &'a [i32],
    /// Right child.
    pub right: &'a [i32],
    /// Column a node splits on.
    pub feature: &'a [i32],
    /// Largest value that goes left.
    pub threshold: &'a [f64],
    /// 1 where missing values go left.
    pub missing_left: &'a [u8],
    /// Weight of the training rows that reached the node.
    pub cover: &'a [f64],
    /// What a leaf adds to the outputs of its tree; the same number of values for every node.
    pub value: &'a [f64],
    /// First of the outputs that a tree adds to.
    pub first_output: &'a [i32],
    /// Row of `left_categories` of a categorical split, else -1; empty where no split is one.
    pub category_set: &'a [i32],
    /// Sets of categories that go left, 8 words each.
    pub left_categories: &'a [u32],
    /// Categories known from training, 8 words a column; may be empty.
    pub known_categories: &'a [u32],
}

impl TreesRef<'_> {
    /// Number of trees.
    pub fn n_trees(&self) -> usize {
        self.offsets.len().saturating_sub(1)
    }

    /// Values of a node.
    pub fn width(&self) -> usize {
        self.value.len() / self.left.len().max(1)
    }

    /// Refuses arrays that an explanation could not follow.
    pub fn validate(&self) -> Result<()> {
        let n_nodes = self.left.len();
        let lengths = [
            self.right.len(),
            self.feature.len(),
            self.threshold.len(),
            self.missing_left.len(),
            self.cover.len(),
        ];
        let sets = self.category_set;
        let known = self.known_categories.len();
        let sound = self.offsets.first() == Some(&0)
            && self.offsets.last().copied() == i64::try_from(n_nodes).ok()
            && self.offsets.windows(2).all(|pair| pair[0] < pair[1])
            && lengths.iter().all(|&length| length == n_nodes)
            && (sets.is_empty() || sets.len() == n_nodes)
            && self.left_categories.len().is_multiple_of(SET_WORDS)
            && (known == 0 || known == self.n_features * SET_WORDS)
            && self.value.len().is_multiple_of(n_nodes.max(1))
            && self.width() > 0
            && self.first_output.len() == self.n_trees()
            && self.first_output.iter().all(|&output| {
                usize::try_from(output).is_ok_and(|first| first + self.width() <= self.n_outputs)
            })
            && (0..self.n_trees()).all(|tree| self.is_sound(tree));
        if !sound {
            return Err(Error::data("the arrays of the trees are damaged".to_string()));
        }
        if self.cover.iter().any(|cover| !(cover.is_finite() && *cover >= 0.0)) {
            let text = "the weight of the training rows in a node is negative or no number";
            return Err(Error::data(text.to_string()));
        }
        Ok(())
    }

    /// Whether the children of every node lie behind it, and every node but the root is one child.
    fn is_sound(&self, tree: usize) -> bool {
        let root = self.offsets[tree] as usize;
        let size = self.offsets[tree + 1] as usize - root;
        let mut has_parent = vec![false; size];
        for node in 0..size {
            let at = root + node;
            if self.left[at] < 0 {
                continue;
            }
            for child in [self.left[at], self.right[at]] {
                let inside = usize::try_from(child).is_ok_and(|child| child > node && child < size);
                if !inside || std::mem::replace(&mut has_parent[child as usize], true) {
                    return false;
                }
            }
            let set = self.category_set.get(at).copied().unwrap_or(-1);
            let n_sets = self.left_categories.len() / SET_WORDS;
            if usize::try_from(self.feature[at]).map_or(true, |feature| feature >= self.n_features)
                || set >= 0 && (set as usize >= n_sets || self.known_categories.is_empty())
            {
                return false;
            }
        }
        has_parent.iter().skip(1).all(|&found| found)
    }

    /// Refuses rows of another width.
    pub(crate) fn check_width(&self, n_cols: usize) -> Result<()> {
        if n_cols == self.n_features {
            return Ok(());
        }
        Err(Error::data(format!("the trees expect {} columns, got {n_cols}", self.n_features)))
    }

    /// Whether a node splits by a set of categories.
    #[inline(always)]
    pub(crate) fn is_categorical(&self, node: usize) -> bool {
        self.category_set.get(node).is_some_and(|&set| set >= 0)
    }

    /// Where a value goes at a node.
    #[inline(always)]
    pub(crate) fn goes_left(&self, node: usize, x: f64) -> bool {
        let missing_left = self.missing_left[node] == 1;
        if x.is_nan() {
            missing_left
        } else if !self.is_categorical(node) {
            x <= self.threshold[node]
        } else if f64::from(x as u8) == x {
            let (category, set) = (x as u8, self.category_set[node] as usize * SET_WORDS);
            let known = self.feature[node] as usize * SET_WORDS;
            in_set(&self.left_categories[set..set + SET_WORDS], category)
                || (missing_left
                    && !in_set(&self.known_categories[known..known + SET_WORDS], category))
        } else {
            missing_left
        }
    }

    /// Shares of the training rows of a split that went left and right.
    #[inline(always)]
    pub(crate) fn shares(&self, root: usize, node: usize) -> [f64; 2] {
        let left = self.cover[root + self.left[node] as usize];
        let right = self.cover[root + self.right[node] as usize];
        let total = left + right;
        if total > 0.0 { [left / total, right / total] } else { [0.5, 0.5] }
    }
}

/// Rows `range` of `X` by columns: `out[column * stride + row]`, the last row repeated to the end.
#[allow(non_snake_case)]
pub(crate) fn columns_of<T: Real>(
    X: MatRef<'_, T>,
    range: std::ops::Range<usize>,
    stride: usize,
) -> Vec<f64> {
    let mut out = vec![0.0; X.n_cols() * stride];
    if range.is_empty() {
        return out;
    }
    for (column, values) in out.chunks_exact_mut(stride).enumerate() {
        for (place, value) in values.iter_mut().enumerate() {
            *value = X.get((range.start + place).min(range.end - 1), column).to_f64();
        }
    }
    out
}
