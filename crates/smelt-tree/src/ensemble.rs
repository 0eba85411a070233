//! The trees of an additive model, as plain arrays: what is fitted, stored and predicted from.
//!
//! All trees lie behind each other in a struct of arrays.  Tree `t` owns the nodes
//! `tree_offsets[t]..tree_offsets[t + 1]`, its first node is the root, `left` and `right` count from
//! that root, and it adds to output `t % n_outputs`.  A row goes down like this:
//!
//! * a leaf (`left == 0`) gives `value`;
//! * a missing value (NaN) goes left where `missing_left` is 1, else right;
//! * a numeric split (`category_set == -1`) sends `x <= threshold` left;
//! * a categorical split sends the categories in row `category_set` of `left_categories` left, other
//!   categories known from training (row `feature` of `known_categories`) right, and everything else
//!   (unseen, negative, no integer, 256 or more) where missing values go.

use smelt_core::{Error, Result};

/// Words of 32 bits in a set of categories 0..=255.
pub const SET_WORDS: usize = 8;

/// Owned arrays of an additive tree model; see the page's text for what they mean.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Ensemble {
    /// Width of the rows that the trees look at.
    pub n_features: usize,
    /// Start value of every output; its length is the number of outputs.
    pub baseline: Vec<f64>,
    /// First node of every tree, and the number of nodes (n_trees + 1).
    pub tree_offsets: Vec<u32>,
    /// Column a node splits on (0 in leaves).
    pub feature: Vec<u32>,
    /// Largest value that goes left; +infinity where only missing values go right.
    pub threshold: Vec<f64>,
    /// Left child, counted from the tree's root; 0 marks a leaf.
    pub left: Vec<u32>,
    /// Right child, counted from the tree's root; 0 in leaves.
    pub right: Vec<u32>,
    /// What a leaf adds to its output; in inner nodes informative only.
    pub value: Vec<f64>,
    /// 1 where missing values go left.
    pub missing_left: Vec<u8>,
    /// Row of `left_categories` of a categorical split, else -1.
    pub category_set: Vec<i32>,
    /// Sets of categories that go left, 8 words each: category c is bit c % 32 of word c / 32.
    pub left_categories: Vec<u32>,
    /// Categories known from training, 8 words a feature; empty when no split is categorical.
    pub known_categories: Vec<u32>,
}

/// Borrowed [`Ensemble`].
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs)]
pub struct EnsembleRef<'a> {
    pub n_features: usize,
    pub baseline: &'a [f64],
    pub tree_offsets: &'a [u32],
    pub feature: &'a [u32],
    pub threshold: &'a [f64],
    pub left: &'a [u32],
    pub right: &'a [u32],
    pub value: &'a [f64],
    pub missing_left: &'a [u8],
    pub category_set: &'a [i32],
    pub left_categories: &'a [u32],
    pub known_categories: &'a [u32],
}

impl Ensemble {
    /// The same arrays, borrowed.
    pub fn view(&self) -> EnsembleRef<'_> {
        EnsembleRef {
            n_features: self.n_features,
            baseline: &self.baseline,
            tree_offsets: &self.tree_offsets,
            feature: &self.feature,
            threshold: &self.threshold,
            left: &self.left,
            right: &self.right,
            value: &self.value,
            missing_left: &self.missing_left,
            category_set: &self.category_set,
            left_categories: &self.left_categories,
            known_categories: &self.known_categories,
        }
    }

    /// See [`EnsembleRef::validate`].
    pub fn validate(&self) -> Result<()> {
        self.view().validate()
    }
}

impl EnsembleRef<'_> {
    /// Number of outputs.
    pub fn n_outputs(&self) -> usize {
        self.baseline.len()
    }

    /// Number of trees.
    pub fn n_trees(&self) -> usize {
        self.tree_offsets.len().saturating_sub(1)
    }

    /// Refuses arrays that prediction could not follow: whatever passes can be predicted from in
    /// bounded time, without an index out of range.
    ///
    /// Checked: lengths; offsets that start at 0, grow, and end at the number of nodes; children
    /// behind their parent and within the tree (so that there is no cycle); every node the child of
    /// exactly one parent; features and category sets in range; flags 0 or 1; finite values;
    /// thresholds that are no NaN.
    pub fn validate(&self) -> Result<()> {
        let n_nodes = self.feature.len();
        let lengths = [
            self.threshold.len(),
            self.left.len(),
            self.right.len(),
            self.value.len(),
            self.missing_left.len(),
            self.category_set.len(),
        ];
        if lengths.iter().any(|&length| length != n_nodes) {
            return Err(damaged("its arrays differ in length"));
        }
        if self.baseline.is_empty() || self.baseline.iter().any(|value| !value.is_finite()) {
            return Err(damaged("it needs at least one start value, all finite"));
        }
        if !self.left_categories.len().is_multiple_of(SET_WORDS) {
            return Err(damaged("the sets of categories are cut off"));
        }
        let known = self.known_categories.len();
        if known != 0 && Some(known) != self.n_features.checked_mul(SET_WORDS) {
            return Err(damaged("the known categories do not match the number of features"));
        }
        if self.tree_offsets.first() != Some(&0)
            || self.tree_offsets.last().map(|&end| end as usize) != Some(n_nodes)
        {
            return Err(damaged("the tree offsets do not span the nodes"));
        }
        if self.tree_offsets.windows(2).any(|pair| pair[0] >= pair[1]) {
            return Err(damaged("the tree offsets do not grow"));
        }
        if !self.n_trees().is_multiple_of(self.n_outputs()) {
            return Err(damaged("the number of trees is no multiple of the number of outputs"));
        }
        self.tree_offsets
            .windows(2)
            .try_for_each(|pair| self.validate_tree(pair[0] as usize, pair[1] as usize))
    }

    fn validate_tree(&self, start: usize, end: usize) -> Result<()> {
        let size = end - start;
        let mut has_parent = vec![false; size];
        for node in 0..size {
            let at = start + node;
            if self.missing_left[at] > 1 {
                return Err(damaged("a flag is neither 0 nor 1"));
            }
            if self.threshold[at].is_nan() || !self.value[at].is_finite() {
                return Err(damaged("a threshold or a value is no number"));
            }
            let (left, right) = (self.left[at] as usize, self.right[at] as usize);
            if left == 0 && right == 0 {
                continue;
            }
            if left <= node || right <= node || left >= size || right >= size || left == right {
                return Err(damaged("a child does not lie behind its parent in the same tree"));
            }
            if std::mem::replace(&mut has_parent[left], true)
                || std::mem::replace(&mut has_parent[right], true)
            {
                return Err(damaged("a node has two parents"));
            }
            if self.feature[at] as usize >= self.n_features {
                return Err(damaged("a split looks at a column that does not exist"));
            }
            let set = self.category_set[at];
            if set < -1 || (set >= 0 && set as usize >= self.left_categories.len() / SET_WORDS) {
                return Err(damaged("a split uses a set of categories that does not exist"));
            }
            if set >= 0 && self.known_categories.is_empty() {
                return Err(damaged("a categorical split has no known categories"));
            }
        }
        if has_parent.iter().skip(1).any(|&found| !found) {
            return Err(damaged("a node cannot be reached"));
        }
        Ok(())
    }
}

fn damaged(what: &str) -> Error {
    Error::data(format!("the tree ensemble is damaged: {what}"))
}

/// Whether `category` is in the set `words`.
#[inline(always)]
pub(crate) fn in_set(words: &[u32], category: u8) -> bool {
    words[usize::from(category / 32)] >> (category % 32) & 1 == 1
}

#[cfg(test)]
pub(crate) mod tests {
    use super::Ensemble;

    /// Two trees: a numeric split, and a categorical one (1 and 3 go left; 0..=3 known).
    pub(crate) fn example() -> Ensemble {
        let mut known = vec![0; 16];
        known[8] = 0b1111;
        Ensemble {
            n_features: 2,
            baseline: vec![0.5],
            tree_offsets: vec![0, 3, 6],
            feature: vec![0, 0, 0, 1, 0, 0],
            threshold: vec![1.5, 0.0, 0.0, 0.0, 0.0, 0.0],
            left: vec![1, 0, 0, 1, 0, 0],
            right: vec![2, 0, 0, 2, 0, 0],
            value: vec![0.0, 1.0, 2.0, 0.0, 10.0, 20.0],
            missing_left: vec![0, 0, 0, 1, 0, 0],
            category_set: vec![-1, -1, -1, 0, -1, -1],
            left_categories: vec![0b1010, 0, 0, 0, 0, 0, 0, 0],
            known_categories: known,
        }
    }

    #[test]
    fn a_sound_ensemble_passes_and_every_damage_is_refused() {
        assert_eq!(example().validate(), Ok(()));
        let damages: [fn(&mut Ensemble); 16] = [
            |e| e.left[0] = 0,
            |e| e.left[3] = 9,
            |e| e.right[0] = 1,
            |e| {
                e.left[1] = 1;
                e.right[1] = 2;
            },
            |e| e.feature[0] = 2,
            |e| e.category_set[3] = 1,
            |e| e.category_set[3] = -2,
            |e| e.tree_offsets[1] = 0,
            |e| e.tree_offsets[2] = 7,
            |e| e.tree_offsets.clear(),
            |e| e.baseline.clear(),
            |e| e.baseline.push(0.0),
            |e| e.threshold[0] = f64::NAN,
            |e| e.value[1] = f64::INFINITY,
            |e| e.known_categories.clear(),
            |e| {
                e.missing_left.pop();
            },
        ];
        for (index, damage) in damages.iter().enumerate() {
            let mut ensemble = example();
            damage(&mut ensemble);
            let accepted = ensemble.validate();
            if index == 11 {
                assert_eq!(accepted, Ok(()), "two trees may serve two outputs");
            } else {
                assert!(accepted.is_err(), "damage {index} was not noticed");
            }
        }
    }
}
