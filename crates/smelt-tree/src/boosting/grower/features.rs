//! Features that a node may look at.

use super::Grower;
use crate::boosting::shuffler::Shuffler;

impl Grower<'_> {
    /// Features a node may look at: `None` for all.
    pub(super) fn mask(&self, node: usize, random: &mut Shuffler) -> Option<Vec<bool>> {
        let n_features = self.features.len();
        let mut mask = vec![self.limits.interactions.is_none(); n_features];
        if let Some(groups) = &self.limits.interactions {
            for &group in &self.nodes[node].interactions {
                for &feature in &groups[group] {
                    mask[feature] = true;
                }
            }
        } else if self.limits.max_features >= 1.0 {
            return None;
        }
        if self.limits.max_features < 1.0 {
            let allowed: Vec<usize> = (0..n_features).filter(|&feature| mask[feature]).collect();
            let share = self.limits.max_features * allowed.len() as f64;
            let mut chosen = vec![false; allowed.len()];
            let n_chosen = (share.ceil() as usize).clamp(1, allowed.len().max(1));
            chosen.iter_mut().take(n_chosen).for_each(|chosen| *chosen = true);
            random.shuffle(&mut chosen);
            for (&feature, chosen) in allowed.iter().zip(chosen) {
                mask[feature] = chosen;
            }
        }
        Some(mask)
    }
}
