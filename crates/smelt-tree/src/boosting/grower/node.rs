//! Nodes of the tree under way.

use super::Grower;
use crate::boosting::splitter::{Split, Totals};
use crate::histogram::Histogram;

/// A node of the tree under way.
#[derive(Debug)]
pub(crate) struct GrowNode {
    /// Its rows are `rows[start..stop]`.
    pub(crate) start: usize,
    pub(crate) stop: usize,
    pub(crate) depth: u32,
    pub(crate) totals: Totals,
    pub(crate) split: Option<Split>,
    pub(crate) children: Option<(usize, usize)>,
    pub(super) histogram: Option<Histogram>,
    /// Interaction groups that the branch has kept to.
    pub(super) interactions: Vec<usize>,
}

impl Grower<'_> {
    /// Adds the two children of a node, with their totals, values and bounds.
    pub(super) fn children(
        &mut self,
        parent: usize,
        middle: usize,
        split: &Split,
    ) -> (usize, usize) {
        let node = &self.nodes[parent];
        let (start, stop, depth, totals) = (node.start, node.stop, node.depth + 1, node.totals);
        let rules = &self.limits.rules;
        let child = |n: usize, gradient: f64, hessian: f64| Totals {
            n: n as u32,
            gradient,
            hessian,
            value: rules.value(gradient, hessian, totals.lower, totals.upper),
            lower: totals.lower,
            upper: totals.upper,
        };
        let (gradient, hessian) = (split.gradient_left, split.hessian_left);
        let mut left = child(middle - start, gradient, hessian);
        let mut right = child(stop - middle, totals.gradient - gradient, totals.hessian - hessian);
        let between = (left.value + right.value) / 2.0;
        match self.features[split.feature].monotonic {
            1.. => (left.upper, right.lower) = (between, between),
            ..=-1 => (left.lower, right.upper) = (between, between),
            0 => {}
        }
        let interactions = self.kept_groups(parent, split.feature);
        let ids = (self.nodes.len(), self.nodes.len() + 1);
        for (start, stop, totals) in [(start, middle, left), (middle, stop, right)] {
            self.nodes.push(GrowNode {
                start,
                stop,
                depth,
                totals,
                split: None,
                children: None,
                histogram: None,
                interactions: interactions.clone(),
            });
        }
        let feature = &self.features[split.feature];
        if !feature.has_missing
            && let Some(split) = &mut self.nodes[parent].split
        {
            // Nothing was missing in training: later, missing values join the larger child.
            split.missing_left = middle - start > stop - middle;
        }
        self.nodes[parent].children = Some(ids);
        ids
    }

    /// Interaction groups that the children of a node keep to.
    pub(super) fn kept_groups(&self, parent: usize, feature: usize) -> Vec<usize> {
        let kept = |groups: &Vec<Vec<usize>>| {
            let of_parent = self.nodes[parent].interactions.iter().copied();
            of_parent.filter(|&group| groups[group].contains(&feature)).collect()
        };
        self.limits.interactions.as_ref().map(kept).unwrap_or_default()
    }
}
