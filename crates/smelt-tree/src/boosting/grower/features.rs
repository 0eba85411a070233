//! Features that a tree and its nodes may look at, and cuts that are drawn.
//!
//! Draws are those of NumPy: `max_features` and `colsample_bytree` shuffle a vector of flags, the
//! cuts of a node take one uniform number a feature.

use super::Grower;
use crate::boosting::shuffler::Shuffler;

/// What a node looks at.
#[derive(Debug, Default)]
pub(super) struct Choice {
    /// Features, `None` for all.
    mask: Option<Vec<bool>>,
    /// A number in [0, 1) for each feature, where cuts are drawn.
    cuts: Option<Vec<f64>>,
}

impl Choice {
    /// Whether the node looks at a feature.
    #[inline(always)]
    pub(super) fn holds(&self, feature: usize) -> bool {
        self.mask.as_ref().is_none_or(|mask| mask[feature])
    }

    /// The number that draws the cut of a feature.
    #[inline(always)]
    pub(super) fn drawn(&self, feature: usize) -> Option<f64> {
        self.cuts.as_ref().map(|cuts| cuts[feature])
    }
}

impl Grower<'_> {
    /// Features of a tree: `None` for all.
    pub(super) fn draw_features(&self, random: &mut Shuffler) -> Option<Vec<bool>> {
        if self.limits.colsample_bytree >= 1.0 {
            return None;
        }
        let mut mask = vec![true; self.features.len()];
        keep_share(&mut mask, self.limits.colsample_bytree, random);
        Some(mask)
    }

    /// What a node may look at.
    pub(super) fn choice(&self, node: usize, random: &mut Shuffler) -> Choice {
        let mask = self.mask(node, random);
        let cuts = self
            .limits
            .random_cuts
            .then(|| self.features.iter().map(|_| random.random.next_f64()).collect());
        Choice { mask, cuts }
    }

    fn mask(&self, node: usize, random: &mut Shuffler) -> Option<Vec<bool>> {
        let limits = self.limits;
        if limits.interactions.is_none() && limits.max_features >= 1.0 && self.of_tree.is_none() {
            return None;
        }
        let n_features = self.features.len();
        let mut mask = vec![limits.interactions.is_none(); n_features];
        if let Some(groups) = &limits.interactions {
            for &feature in self.nodes[node].interactions.iter().flat_map(|&group| &groups[group]) {
                mask[feature] = true;
            }
        }
        if let Some(of_tree) = &self.of_tree {
            mask.iter_mut().zip(of_tree).for_each(|(mask, &is_in)| *mask &= is_in);
        }
        if limits.max_features < 1.0 {
            keep_share(&mut mask, limits.max_features, random);
        }
        Some(mask)
    }
}

/// Keeps a share of the marked features, at least one.
fn keep_share(mask: &mut [bool], share: f64, random: &mut Shuffler) {
    let allowed: Vec<usize> = (0..mask.len()).filter(|&feature| mask[feature]).collect();
    let mut chosen = vec![false; allowed.len()];
    let n_chosen = (share * allowed.len() as f64).ceil() as usize;
    let n_chosen = n_chosen.clamp(1, allowed.len().max(1));
    chosen.iter_mut().take(n_chosen).for_each(|chosen| *chosen = true);
    random.shuffle(&mut chosen);
    for (&feature, chosen) in allowed.iter().zip(chosen) {
        mask[feature] = chosen;
    }
}
