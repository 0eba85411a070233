//! The trees that were grown: as arrays, and walked through by binned rows.

use smelt_core::parallel;

use super::grower::{GrowNode, Grower};
use super::linear::LinearLeaf;
use super::splitter::Split;
use crate::bins::BordersRef;
use crate::layout::Bins;

/// New trees, as the arrays of an [`crate::Ensemble`], with what training knows besides.
#[derive(Debug, Default, Clone, PartialEq)]
#[allow(missing_docs)]
pub struct Trees {
    pub tree_offsets: Vec<u32>,
    pub feature: Vec<u32>,
    pub threshold: Vec<f64>,
    pub left: Vec<u32>,
    pub right: Vec<u32>,
    pub value: Vec<f64>,
    pub missing_left: Vec<u8>,
    pub category_set: Vec<i32>,
    pub left_categories: Vec<u32>,
    /// Training rows in each node.
    pub count: Vec<u32>,
    /// Gain of each cut, -1 where there is none.
    pub gain: Vec<f64>,
    /// Edges from the root.
    pub depth: Vec<u32>,
    /// Linear leaves: where the terms of each node start and end (n_nodes + 1); empty without any.
    pub linear_offsets: Vec<u32>,
    /// Feature of each term.
    pub linear_feature: Vec<u32>,
    /// Its coefficient.
    pub linear_coefficient: Vec<f64>,
    /// What a leaf with terms starts from.
    pub linear_intercept: Vec<f64>,
}

/// A tree that binned rows go down.
#[derive(Debug)]
pub(super) struct BinnedTree {
    nodes: Vec<BinnedNode>,
}

#[derive(Debug)]
struct BinnedNode {
    split: Option<(Split, usize, usize)>,
    missing: u8,
    value: f64,
    linear: Option<LinearLeaf>,
}

impl BinnedTree {
    /// The tree just grown.
    pub(super) fn of(grower: &Grower<'_>, linear: &[Option<LinearLeaf>]) -> Self {
        let node = |(index, node): (usize, &GrowNode)| {
            let split = node.split.zip(node.children);
            let missing = split.map_or(0, |(split, _)| grower.n_bins(split.feature) as u8);
            let split = split.map(|(split, (left, right))| (split, left, right));
            let linear = linear.get(index).cloned().flatten();
            BinnedNode { split, missing, value: node.totals.value, linear }
        };
        Self { nodes: grower.nodes.iter().enumerate().map(node).collect() }
    }

    /// Adds the leaves, times a factor, to the raw predictions of binned rows (of those marked).
    pub(super) fn add_to(
        &self,
        (bins, numbers): (&Bins<'_>, Option<&[f64]>),
        raw: &mut [f64],
        factor: f64,
        marked: Option<&[bool]>,
    ) {
        let n = raw.len();
        parallel::for_chunks_mut(raw, 1, 4096, 50.0, |_, rows, raw| {
            for (row, raw) in rows.zip(raw) {
                if marked.is_some_and(|marked| !marked[row]) {
                    continue;
                }
                let mut node = &self.nodes[0];
                while let Some((split, left, right)) = &node.split {
                    let bin = bins.get(split.feature, row);
                    let goes_left = if bin == node.missing {
                        split.missing_left
                    } else {
                        split.goes_left(bin, node.missing)
                    };
                    node = &self.nodes[if goes_left { *left } else { *right }];
                }
                let linear = node.linear.as_ref().zip(numbers);
                let answer = linear.and_then(|(leaf, numbers)| leaf.answer(numbers, n, row));
                *raw += factor * answer.unwrap_or(node.value);
            }
        });
    }
}

impl Trees {
    /// Appends the tree just grown, parents before children, left before right.
    pub(super) fn push(
        &mut self,
        grower: &Grower<'_>,
        linear: &[Option<LinearLeaf>],
        borders: &BordersRef<'_>,
    ) {
        let root = self.feature.len();
        // (node of the grower, where its index is to be written: array of right children or none)
        let mut waiting = vec![(0, None)];
        while let Some((node, parent)) = waiting.pop() {
            let at = self.feature.len();
            if let Some(parent) = parent {
                self.right[parent] = (at - root) as u32;
            }
            if !linear.is_empty() {
                self.push_linear(linear[node].as_ref());
            }
            let node = &grower.nodes[node];
            self.count.push(node.totals.n);
            self.depth.push(node.depth);
            self.gain.push(node.split.map_or(-1.0, |split| split.gain));
            self.value.push(node.totals.value);
            self.right.push(0);
            let (Some((left, right)), Some(split)) = (node.children, &node.split) else {
                self.feature.push(0);
                self.threshold.push(0.0);
                self.left.push(0);
                self.missing_left.push(0);
                self.category_set.push(-1);
                continue;
            };
            let of = borders.of(split.feature);
            self.feature.push(split.feature as u32);
            self.left.push((at - root + 1) as u32);
            self.missing_left.push(u8::from(split.missing_left));
            if let Some(bins) = &split.left_bins {
                self.threshold.push(0.0);
                self.category_set.push((self.left_categories.len() / 8) as i32);
                let mut words = [0_u32; 8];
                for (bin, &category) in of.iter().enumerate() {
                    if crate::ensemble::in_set(bins, bin as u8) {
                        let category = category as u8;
                        words[usize::from(category / 32)] |= 1 << (category % 32);
                    }
                }
                self.left_categories.extend(words);
            } else {
                // Behind the last border only missing values go right.
                let threshold = of.get(usize::from(split.bin)).copied().unwrap_or(f64::INFINITY);
                self.threshold.push(threshold);
                self.category_set.push(-1);
            }
            waiting.push((right, Some(at)));
            waiting.push((left, None));
        }
        self.tree_offsets.push(self.feature.len() as u32);
    }

    fn push_linear(&mut self, leaf: Option<&LinearLeaf>) {
        if self.linear_offsets.is_empty() {
            self.linear_offsets.push(0);
        }
        self.linear_intercept.push(leaf.map_or(0.0, |leaf| leaf.intercept));
        for &(feature, coefficient) in leaf.iter().flat_map(|leaf| &leaf.terms) {
            self.linear_feature.push(feature as u32);
            self.linear_coefficient.push(coefficient);
        }
        self.linear_offsets.push(self.linear_feature.len() as u32);
    }

    /// Forgets all trees but the first `n_trees`.
    pub(super) fn truncate(&mut self, n_trees: usize) {
        self.tree_offsets.truncate(n_trees + 1);
        let n_nodes = self.tree_offsets.last().map_or(0, |&end| end as usize);
        for values in [&mut self.threshold, &mut self.value, &mut self.gain] {
            values.truncate(n_nodes);
        }
        for values in
            [&mut self.feature, &mut self.left, &mut self.right, &mut self.count, &mut self.depth]
        {
            values.truncate(n_nodes);
        }
        self.missing_left.truncate(n_nodes);
        self.category_set.truncate(n_nodes);
        if !self.linear_offsets.is_empty() {
            self.linear_offsets.truncate(n_nodes + 1);
            self.linear_intercept.truncate(n_nodes);
            let n_terms = self.linear_offsets.last().map_or(0, |&end| end as usize);
            self.linear_feature.truncate(n_terms);
            self.linear_coefficient.truncate(n_terms);
        }
    }

    /// Multiplies the values of tree `tree`.
    pub(super) fn scale(&mut self, tree: usize, factor: f64) {
        let nodes = self.tree_offsets[tree] as usize..self.tree_offsets[tree + 1] as usize;
        if !self.linear_offsets.is_empty() {
            let terms =
                self.linear_offsets[nodes.start] as usize..self.linear_offsets[nodes.end] as usize;
            self.linear_coefficient[terms].iter_mut().for_each(|value| *value *= factor);
            self.linear_intercept[nodes.clone()].iter_mut().for_each(|value| *value *= factor);
        }
        self.value[nodes].iter_mut().for_each(|value| *value *= factor);
    }
}
