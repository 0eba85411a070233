//! DART (Vinayak and Gilad-Bachrach, 2015): trees learn beside a random part of the earlier ones.
//!
//! 1. With probability `skip_drop` nothing is dropped; else each earlier iteration is, with
//!    probability `drop_rate`, at most `max_drop` of them.
//! 2. Gradients are those without the k dropped ones; the new trees weigh 1 / (k + 1).
//! 3. The dropped ones weigh k / (k + 1) of what they did, so that the sum keeps its size.

use super::rows::{Evaluation, Rows};
use super::shuffler::Shuffler;
use super::trees::{BinnedTree, Trees};
use crate::layout::Bins;

/// How often and how much is dropped.
#[derive(Debug, Clone, Copy)]
pub(super) struct DropRates {
    pub(super) drop_rate: f64,
    pub(super) skip_drop: f64,
    pub(super) max_drop: usize,
}

/// The trees of the iterations so far, and their weights.
#[derive(Debug, Default)]
pub(super) struct Dropout {
    past: Vec<(Vec<BinnedTree>, f64)>,
    /// Iterations dropped for the one under way.
    dropped: Vec<usize>,
}

impl Dropout {
    /// 1. Draws what is dropped, and takes it off the raw predictions of the training rows.
    ///
    /// Returns the weight of the trees to come.
    pub(super) fn drop_some(
        &mut self,
        rates: DropRates,
        training: &mut Rows<'_>,
        random: &mut Shuffler,
    ) -> f64 {
        self.dropped.clear();
        if random.random.next_f64() >= rates.skip_drop {
            let rate = rates.drop_rate.min(rates.max_drop as f64 / self.past.len().max(1) as f64);
            for iteration in 0..self.past.len() {
                let is_dropped = random.random.next_f64() < rate;
                if is_dropped && self.dropped.len() < rates.max_drop {
                    self.dropped.push(iteration);
                }
            }
        }
        self.add((&training.bins, training.numbers), &mut training.raw, training.y.len(), -1.0);
        1.0 / (self.dropped.len() + 1) as f64
    }

    /// 3. Takes the new trees in, and gives the dropped ones back in part.
    pub(super) fn take_in(
        &mut self,
        trees: Vec<BinnedTree>,
        training: &mut Rows<'_>,
        validation: Option<&mut Rows<'_>>,
        evaluations: &mut [Evaluation<'_>],
    ) {
        let kept = self.dropped.len() as f64 / (self.dropped.len() + 1) as f64;
        self.add((&training.bins, training.numbers), &mut training.raw, training.y.len(), kept);
        let n_outputs = trees.len();
        if let Some(rows) = validation {
            self.add((&rows.bins, rows.numbers), &mut rows.raw, rows.y.len(), kept - 1.0);
        }
        for rows in evaluations {
            let n = rows.raw.len() / n_outputs;
            self.add((&rows.bins, rows.numbers), &mut rows.raw, n, kept - 1.0);
        }
        for &iteration in &self.dropped {
            self.past[iteration].1 *= kept;
        }
        self.past.push((trees, 1.0));
    }

    /// Adds the dropped trees, times a factor, to raw predictions.
    fn add(&self, of: (&Bins<'_>, Option<&[f64]>), raw: &mut [f64], n: usize, factor: f64) {
        for &iteration in &self.dropped {
            let (trees, weight) = &self.past[iteration];
            for (tree, raw) in trees.iter().zip(raw.chunks_exact_mut(n)) {
                tree.add_to(of, raw, factor * weight, None);
            }
        }
    }

    /// Gives all trees their final weights.
    pub(super) fn weigh(&self, trees: &mut Trees, n_iter: usize) {
        for (iteration, (of_iteration, weight)) in self.past.iter().take(n_iter).enumerate() {
            for output in 0..of_iteration.len() {
                trees.scale(iteration * of_iteration.len() + output, *weight);
            }
        }
    }
}
