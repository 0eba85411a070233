//! Nodes of a grown tree, in scikit-learn's arrays.

use super::category_cut::Set;
use crate::ensemble::SET_WORDS;

/// Child of a leaf.
pub const LEAF: i32 = -1;
/// Column of a leaf; its threshold too.
pub const UNDEFINED: i32 = -2;

/// Nodes of one tree or of several behind each other; children count from their tree's root.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Nodes {
    /// Left child, -1 in a leaf.
    pub left: Vec<i32>,
    /// Right child, -1 in a leaf.
    pub right: Vec<i32>,
    /// Column cut at, -2 in a leaf.
    pub feature: Vec<i32>,
    /// Largest value that goes left, -2 in a leaf.
    pub threshold: Vec<f64>,
    /// Impurity of the node.
    pub impurity: Vec<f64>,
    /// Rows that reached the node in training.
    pub n_rows: Vec<i64>,
    /// Their weight.
    pub weight: Vec<f64>,
    /// 1 where missing values go left.
    pub missing_left: Vec<u8>,
    /// Row of `left_categories` of a cut by categories, else -1; empty where no cut is one.
    pub category_set: Vec<i32>,
    /// Sets of categories that go left, 8 words each: category c is bit c % 32 of word c / 32.
    pub left_categories: Vec<u32>,
    /// Values, the same number for every node.
    pub value: Vec<f64>,
    /// Longest way from the root, in cuts.
    pub max_depth: usize,
}

impl Nodes {
    /// Number of nodes.
    pub fn len(&self) -> usize {
        self.left.len()
    }

    /// Whether there is no node.
    pub fn is_empty(&self) -> bool {
        self.left.is_empty()
    }

    /// Makes room for `n` more nodes, of `width` values each.
    pub(crate) fn reserve(&mut self, n: usize, width: usize) {
        self.left.reserve(n);
        self.right.reserve(n);
        self.feature.reserve(n);
        self.threshold.reserve(n);
        self.impurity.reserve(n);
        self.n_rows.reserve(n);
        self.weight.reserve(n);
        self.missing_left.reserve(n);
        self.value.reserve(n * width);
    }

    /// Adds a leaf, and names it as a child of its parent; returns its place.
    pub(crate) fn add(
        &mut self,
        parent: Option<(usize, bool)>,
        impurity: f64,
        n_rows: usize,
        weight: f64,
        value: &[f64],
    ) -> usize {
        let node = self.len();
        match parent {
            Some((parent, true)) => self.left[parent] = node as i32,
            Some((parent, false)) => self.right[parent] = node as i32,
            None => {}
        }
        self.left.push(LEAF);
        self.right.push(LEAF);
        self.feature.push(UNDEFINED);
        self.threshold.push(f64::from(UNDEFINED));
        self.impurity.push(impurity);
        self.n_rows.push(n_rows as i64);
        self.weight.push(weight);
        self.missing_left.push(0);
        self.value.extend_from_slice(value);
        node
    }

    /// Turns a leaf into a cut.
    pub(crate) fn cut(&mut self, node: usize, feature: usize, threshold: f64, missing_left: bool) {
        self.feature[node] = feature as i32;
        self.threshold[node] = threshold;
        self.missing_left[node] = u8::from(missing_left);
    }

    /// Turns a leaf into a cut by categories.
    pub(crate) fn cut_by_set(&mut self, node: usize, feature: usize, set: Set, missing_left: bool) {
        self.cut(node, feature, 0.0, missing_left);
        self.category_set.resize(self.len(), -1);
        self.category_set[node] = (self.left_categories.len() / set.len()) as i32;
        self.left_categories.extend(set);
    }

    /// Gives every node a place among the sets, if there are some, and drops those of no node.
    pub(crate) fn complete_sets(&mut self) {
        let mut kept = Vec::with_capacity(self.left_categories.len());
        for set in self.category_set.iter_mut().filter(|set| **set >= 0) {
            let start = *set as usize * SET_WORDS;
            *set = (kept.len() / SET_WORDS) as i32;
            kept.extend_from_slice(&self.left_categories[start..start + SET_WORDS]);
        }
        self.left_categories = kept;
        if !self.category_set.is_empty() {
            self.category_set.resize(self.left.len(), -1);
        }
    }

    /// Turns a cut whose children were never grown back into a leaf.
    pub(crate) fn uncut(&mut self, node: usize) {
        self.feature[node] = UNDEFINED;
        self.threshold[node] = f64::from(UNDEFINED);
        self.missing_left[node] = 0;
        if let Some(set) = self.category_set.get_mut(node) {
            *set = -1;
        }
    }

    /// Puts the nodes of another tree behind these.
    pub fn append(&mut self, other: &mut Self) {
        if !(self.category_set.is_empty() && other.category_set.is_empty()) {
            let n_sets = (self.left_categories.len() / SET_WORDS) as i32;
            let own =
                other.category_set.iter().map(|&set| if set < 0 { set } else { set + n_sets });
            self.category_set.resize(self.left.len(), -1);
            self.category_set.extend(own);
            self.category_set.resize(self.left.len() + other.left.len(), -1);
            self.left_categories.append(&mut other.left_categories);
        }
        self.left.append(&mut other.left);
        self.right.append(&mut other.right);
        self.feature.append(&mut other.feature);
        self.threshold.append(&mut other.threshold);
        self.impurity.append(&mut other.impurity);
        self.n_rows.append(&mut other.n_rows);
        self.weight.append(&mut other.weight);
        self.missing_left.append(&mut other.missing_left);
        self.value.append(&mut other.value);
        self.max_depth = self.max_depth.max(other.max_depth);
    }
}
