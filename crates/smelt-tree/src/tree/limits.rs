//! Limits: what the parameters of a tree mean to its grower.

use super::category_cut::Set;

/// Impurities below this are zero.
const EPSILON: f64 = f64::EPSILON;

/// When to stop, and which cuts are allowed.
#[derive(Debug, Clone)]
pub(crate) struct Limits {
    pub(crate) max_depth: usize,
    pub(crate) min_samples_split: usize,
    pub(crate) min_samples_leaf: usize,
    pub(crate) min_weight_leaf: f64,
    pub(crate) max_features: usize,
    pub(crate) max_leaf_nodes: Option<usize>,
    pub(crate) min_impurity_decrease: f64,
    /// One sign a column; the value compared is that of the criterion's sides.
    pub(crate) monotonic: Option<Vec<i8>>,
    /// Categories known of every column that has some.
    pub(crate) categories: Option<Vec<Option<Set>>>,
}

impl Limits {
    /// Whether a node becomes a leaf without a look at its columns.
    #[inline(always)]
    pub(crate) fn is_leaf(&self, depth: usize, n: usize, weight: f64, impurity: f64) -> bool {
        depth >= self.max_depth
            || n < self.min_samples_split
            || n < 2 * self.min_samples_leaf
            || weight < 2.0 * self.min_weight_leaf
            || impurity <= EPSILON
    }

    /// Most nodes of a tree of `n` rows.
    pub(crate) fn most_nodes(&self, n: usize) -> usize {
        let of_depth = 1_usize.checked_shl(self.max_depth.min(60) as u32).unwrap_or(usize::MAX);
        let n_leaves = n.min(of_depth).min(self.max_leaf_nodes.unwrap_or(usize::MAX));
        2 * n_leaves.max(1) - 1
    }

    /// Whether a cut decreases the impurity enough.
    #[inline(always)]
    pub(crate) fn is_worth(&self, improvement: f64) -> bool {
        improvement + EPSILON >= self.min_impurity_decrease
    }

    /// Categories of a column.
    pub(crate) fn categories_of(&self, feature: usize) -> Option<&Set> {
        self.categories.as_ref()?[feature].as_ref()
    }
}
