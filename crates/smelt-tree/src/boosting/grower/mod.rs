//! Grower: one tree, node by node in the order of the policy, or level by level if symmetric.
//!
//! Twin: `smelt/plain/ensemble/hist_gradient_boosting_grower.py`.
//!
//! 1. The root's histogram, and its best cut.
//! 2. Take the first waiting node of the [`GrowPolicy`]; partition its rows in place, in order.
//! 3. Sum up the histogram of the smaller child; the larger one's is the parent's minus it.
//! 4. Find the best cut of both children; those worth cutting wait in turn.
//! 5. Until `max_leaf_nodes` is reached or no node waits.
//!
//! Steps 3 and 4 run together, group of features by group, while the sums are in the cache.
//! Histograms are taken from a pool and go back to it.

mod features;
mod node;
mod partition;
mod policy;
mod symmetric;
mod waiting;

use std::ops::Range;

use smelt_core::simd::vectorize;
use smelt_core::{Control, Result, parallel};

use self::features::Choice;
pub(crate) use self::node::GrowNode;
pub use self::policy::GrowPolicy;
use crate::boosting::params::{HistGradientBoostingParams, Splitter};
use crate::boosting::shuffler::Shuffler;
use crate::boosting::splitter::{Feature, Rules, Running, Split, Totals, best_split};
use crate::histogram::quantized::{BLOCK, Packed};
use crate::histogram::{GroupHistogram, Groups, Histogram, RowSet, open};
use crate::quantile;

/// Rows that are summed up at a time: what a thread fetches of them for its first group of features
/// is in its second-level cache for the others of the shelf.
const ROWS: usize = 1 << 13;
/// What a row costs in a group, in nanoseconds.
const COST_NS: f64 = 4.0;

/// Size limits of a tree.
#[derive(Debug, Clone)]
pub(crate) struct Limits {
    pub(crate) max_leaf_nodes: usize,
    pub(crate) max_depth: usize,
    pub(crate) rules: Rules,
    pub(crate) max_bins: usize,
    /// Share of the features that each node looks at.
    pub(crate) max_features: f64,
    /// Share of the features that a tree looks at.
    pub(crate) colsample_bytree: f64,
    /// Whether cuts are drawn, one a feature and node.
    pub(crate) random_cuts: bool,
    pub(crate) policy: GrowPolicy,
    /// Whether histograms are made of quantised gradients.
    pub(crate) is_quantized: bool,
    /// Groups of features that may meet in one branch.
    pub(crate) interactions: Option<Vec<Vec<usize>>>,
}

impl Limits {
    /// From the user's parameters.
    pub(crate) fn of(
        params: &HistGradientBoostingParams,
        interactions: Option<Vec<Vec<usize>>>,
    ) -> Self {
        Self {
            max_leaf_nodes: params.max_leaf_nodes.unwrap_or(usize::MAX),
            max_depth: params.max_depth.unwrap_or(usize::MAX),
            rules: Rules {
                min_samples_leaf: params.min_samples_leaf as u32,
                l2_regularization: params.l2_regularization,
                l1_regularization: params.l1_regularization,
                min_gain: params.min_gain_to_split,
                min_hessian: params.min_child_weight,
                max_delta_step: params.max_delta_step.unwrap_or(f64::INFINITY),
            },
            max_bins: params.max_bins,
            max_features: params.max_features,
            colsample_bytree: params.colsample_bytree,
            random_cuts: params.splitter == Splitter::Random,
            policy: params.grow_policy,
            is_quantized: params.quantized_gradients && params.grow_policy != GrowPolicy::Symmetric,
            interactions,
        }
    }
}

/// The training data and the state of the tree under way; buffers serve all trees.
pub(crate) struct Grower<'a> {
    groups: &'a Groups<'a>,
    features: &'a [Feature],
    n_rows: usize,
    limits: &'a Limits,
    pub(crate) rows: Vec<u32>,
    spare_rows: Vec<u32>,
    /// Gradients of the rows that are summed up.
    gathered: Vec<[f32; 2]>,
    /// Quantised gradients of all rows, and of those.
    packed: Packed,
    gathered_words: Vec<u64>,
    /// Trees grown so far: the roundings of each are drawn anew.
    n_trees: u32,
    /// Histograms to be used again: of numbers, and of words.
    pool: Vec<Histogram>,
    packed_pool: Vec<Histogram>,
    pub(crate) nodes: Vec<GrowNode>,
    waiting: Vec<usize>,
    n_leaves: usize,
    /// Features of the tree under way, where not all.
    of_tree: Option<Vec<bool>>,
}

impl<'a> Grower<'a> {
    pub(crate) fn new(
        groups: &'a Groups<'a>,
        features: &'a [Feature],
        n_rows: usize,
        limits: &'a Limits,
    ) -> Self {
        let n_gathered = n_rows.min(ROWS);
        Self {
            groups,
            features,
            n_rows,
            limits,
            rows: Vec::with_capacity(n_rows),
            spare_rows: vec![0; n_rows],
            gathered: vec![[0.0; 2]; if limits.is_quantized { 0 } else { n_gathered }],
            packed: Packed::default(),
            gathered_words: vec![0; if limits.is_quantized { n_gathered } else { 0 }],
            n_trees: 0,
            pool: Vec::new(),
            packed_pool: Vec::new(),
            nodes: Vec::new(),
            waiting: Vec::new(),
            n_leaves: 0,
            of_tree: None,
        }
    }

    /// Penalties and limits.
    pub(crate) fn rules(&self) -> &Rules {
        &self.limits.rules
    }

    /// Bins of a feature without the one for missing values.
    #[inline(always)]
    pub(crate) fn n_bins(&self, feature: usize) -> usize {
        self.features[feature].n_bins
    }

    /// Grows a tree on `rows` (ascending) for gradients and curvatures of all rows.
    pub(crate) fn grow(
        &mut self,
        gradients: &[[f32; 2]],
        rows: impl Iterator<Item = u32>,
        random: &mut Shuffler,
        control: &Control,
    ) -> Result<()> {
        self.rows.clear();
        self.rows.extend(rows);
        while let Some(node) = self.nodes.pop() {
            self.give_back(node.histogram);
        }
        self.waiting.clear();
        self.n_leaves = 1;
        self.of_tree = self.draw_features(random);
        if self.limits.is_quantized {
            self.packed.fill(gradients, self.groups.constant_hessian, self.n_trees);
            self.n_trees += 1;
        }
        self.plant(gradients, control)?;
        if self.limits.policy == GrowPolicy::Symmetric {
            return self.grow_levels(gradients, random, control);
        }
        self.search_root(random);
        while let Some(node) = self.pop() {
            control.check()?;
            self.cut(node, gradients, random, control)?;
            if self.n_leaves >= self.limits.max_leaf_nodes {
                break;
            }
        }
        Ok(())
    }

    /// 1. The root and its histogram.
    fn plant(&mut self, gradients: &[[f32; 2]], control: &Control) -> Result<()> {
        let n = self.rows.len();
        let histogram = self.histogram(n);
        let last = self.add_blocks(&histogram, 0..n, gradients, control)?;
        let cost_ns = COST_NS * last.len() as f64;
        parallel::for_chunks(self.groups.groups.len(), 1, cost_ns, |index, _| {
            let (sums, last) = (&mut open(&histogram[index]), last.clone());
            vectorize(
                #[inline(always)]
                || self.add_block(sums, index, 0, last, gradients),
            );
        });
        control.check()?;
        // The totals are those of the first feature's histogram.
        let mut totals = {
            let first = &self.groups.groups[0];
            let sums = open(&histogram[0]);
            let of = sums.quantized_feature(first, 0, &self.packed.units);
            let (missing, last) = (self.features[0].n_bins, self.limits.max_bins);
            // Added as NumPy adds max_bins + 1 bins, the one for missing values last.
            let total = |what: usize| {
                quantile::pairwise_sum(last + 1, &|bin| match bin {
                    bin if bin == last => of.sum(missing)[what],
                    bin if bin < missing => of.sum(bin)[what],
                    _ => 0.0,
                })
            };
            Totals {
                n: n as u32,
                gradient: total(0),
                hessian: if self.groups.constant_hessian { n as f64 } else { total(1) },
                value: 0.0,
                lower: f64::NEG_INFINITY,
                upper: f64::INFINITY,
            }
        };
        let rules = &self.limits.rules;
        if !rules.are_plain() || rules.min_gain > 0.0 || self.limits.policy == GrowPolicy::Symmetric
        {
            totals.value = rules.value(totals.gradient, totals.hessian, totals.lower, totals.upper);
        }
        let n_groups = self.limits.interactions.as_ref().map_or(0, Vec::len);
        self.nodes.push(GrowNode {
            start: 0,
            stop: n,
            depth: 0,
            totals,
            split: None,
            children: None,
            histogram: Some(histogram),
            interactions: (0..n_groups).collect(),
        });
        Ok(())
    }

    /// Best cut of the root.
    fn search_root(&mut self, random: &mut Shuffler) {
        let rules = &self.limits.rules;
        let totals = self.nodes[0].totals;
        if totals.n < 2 * rules.min_samples_leaf || totals.hessian < rules.min_hessian {
            return;
        }
        let choice = self.choice(0, random);
        let Some(histogram) = &self.nodes[0].histogram else { return };
        let found = parallel::map_chunks(self.groups.groups.len(), 1, 5e3, |index, _| {
            vectorize(
                #[inline(always)]
                || self.search(index, histogram, &totals, &choice),
            )
        });
        self.nodes[0].split = best(found.into_iter());
        if self.nodes[0].split.is_some() {
            self.push(0);
        }
    }

    /// Best cut within one group of features.
    #[inline(always)]
    fn search(
        &self,
        index: usize,
        histogram: &Histogram,
        totals: &Totals,
        choice: &Choice,
    ) -> Option<Split> {
        let group = &self.groups.groups[index];
        let sums = open(&histogram[index]);
        let mut running = Running::new();
        let mut found: Option<Split> = None;
        for (lane, feature) in group.features.clone().enumerate() {
            if !choice.holds(feature) {
                continue;
            }
            let split = best_split(
                sums.quantized_feature(group, lane, &self.packed.units),
                &self.features[feature],
                totals,
                &self.limits.rules,
                choice.drawn(feature),
                &mut running,
            );
            found = best([found, split].into_iter());
        }
        found
    }

    /// 2. to 4. for one node.
    fn cut(
        &mut self,
        parent: usize,
        gradients: &[[f32; 2]],
        random: &mut Shuffler,
        control: &Control,
    ) -> Result<()> {
        let Some(split) = self.nodes[parent].split else { return Ok(()) };
        let middle = self.partition(parent, &split);
        let (left, right) = self.children(parent, middle, &split);
        self.n_leaves += 1;
        let limits = self.limits;
        let depth = self.nodes[left].depth as usize;
        let done = self.n_leaves >= limits.max_leaf_nodes || depth >= limits.max_depth;
        let large_enough =
            |node: &GrowNode| !done && node.totals.n >= 2 * limits.rules.min_samples_leaf;
        let wanted = [large_enough(&self.nodes[left]), large_enough(&self.nodes[right])];
        let parent_histogram = self.nodes[parent].histogram.take();
        let Some(large_sums) = parent_histogram else { return Ok(()) };
        if wanted == [false, false] {
            self.give_back(Some(large_sums));
            return Ok(());
        }
        let choices = [
            if wanted[0] { self.choice(left, random) } else { Choice::default() },
            if wanted[1] { self.choice(right, random) } else { Choice::default() },
        ];
        let left_is_small = self.nodes[left].totals.n < self.nodes[right].totals.n;
        let (small, large) = if left_is_small { (0, 1) } else { (1, 0) };
        let pair = [left, right];
        let (start, stop) = (self.nodes[pair[small]].start, self.nodes[pair[small]].stop);
        let small_sums = self.histogram(stop - start);
        let last = self.add_blocks(&small_sums, start..stop, gradients, control)?;
        // Where the parent's sums are numbers and the child's are to be words.
        let n_large = self.nodes[pair[large]].totals.n as usize;
        let is_now_packed = wanted[large]
            && self.limits.is_quantized
            && self.nodes[parent].totals.n as usize > BLOCK
            && n_large <= BLOCK;
        let spare = is_now_packed.then(|| self.histogram(n_large));
        let cost_ns = COST_NS * last.len() as f64 + 4.0 * 256.0 * 10.0;
        let found = parallel::map_chunks(self.groups.groups.len(), 1, cost_ns, |index, _| {
            let group = &self.groups.groups[index];
            vectorize(
                #[inline(always)]
                || {
                    let mut sums = open(&small_sums[index]);
                    self.add_block(&mut sums, index, start, last.clone(), gradients);
                    if wanted[large] && self.limits.is_quantized {
                        let mut spare = spare.as_ref().map(|spare| open(&spare[index]));
                        open(&large_sums[index]).subtract_words(
                            group,
                            &sums,
                            spare.as_deref_mut(),
                            &self.packed.units,
                        );
                    } else if wanted[large] {
                        open(&large_sums[index]).subtract(&sums);
                    }
                    drop(sums);
                    let mut found = [None, None];
                    if wanted[small] {
                        let totals = &self.nodes[pair[small]].totals;
                        found[small] = self.search(index, &small_sums, totals, &choices[small]);
                    }
                    if wanted[large] {
                        let totals = &self.nodes[pair[large]].totals;
                        let large_sums = spare.as_ref().unwrap_or(&large_sums);
                        found[large] = self.search(index, large_sums, totals, &choices[large]);
                    }
                    found
                },
            )
        });
        control.check()?;
        self.nodes[pair[small]].histogram = Some(small_sums);
        self.nodes[pair[large]].histogram = match spare {
            Some(spare) => {
                self.give_back(Some(large_sums));
                Some(spare)
            }
            None => Some(large_sums),
        };
        for side in 0..2 {
            let node = pair[side];
            self.nodes[node].split = best(found.iter().map(|found| found[side]));
            if self.nodes[node].split.is_some() {
                self.push(node);
            } else {
                let histogram = self.nodes[node].histogram.take();
                self.give_back(histogram);
            }
        }
        Ok(())
    }

    /// Sums up `rows[range]` block by block.  The last block is left to the caller, who has more to do
    /// with the sums while they are in the cache; its gradients are gathered.
    fn add_blocks(
        &mut self,
        histogram: &Histogram,
        range: Range<usize>,
        gradients: &[[f32; 2]],
        control: &Control,
    ) -> Result<Range<usize>> {
        let Range { mut start, end } = range;
        loop {
            let block = start..end.min(start + ROWS);
            if !self.is_root() {
                self.gather(block.clone(), gradients);
            }
            if block.end == end {
                return Ok(block);
            }
            let this = &*self;
            let cost_ns = COST_NS * ROWS as f64;
            parallel::for_chunks(this.groups.groups.len(), 1, cost_ns, |index, _| {
                let block = block.clone();
                let sums = &mut open(&histogram[index]);
                vectorize(
                    #[inline(always)]
                    || this.add_block(sums, index, range.start, block, gradients),
                );
            });
            control.check()?;
            start = block.end;
        }
    }

    /// Adds a block of the rows from `start` on to the sums of a group; the first block begins anew.
    #[inline(always)]
    fn add_block(
        &self,
        sums: &mut GroupHistogram,
        index: usize,
        start: usize,
        block: Range<usize>,
        gradients: &[[f32; 2]],
    ) {
        if block.start == start {
            sums.clear();
        }
        let (group, n) = (&self.groups.groups[index], block.len());
        let (rows, pairs, words) = if self.is_root() {
            let words = self.packed.words.get(block.clone()).unwrap_or_default();
            (RowSet::Range(block.clone()), &gradients[block], words)
        } else {
            let pairs = self.gathered.get(..n).unwrap_or_default();
            let words = self.gathered_words.get(..n).unwrap_or_default();
            (RowSet::List(&self.rows[block]), pairs, words)
        };
        if self.limits.is_quantized {
            sums.add_quantized(group, rows, words, &self.packed.units);
        } else {
            sums.add(group, rows, pairs);
        }
    }

    /// Whether the rows under way are all there are, in their order.
    #[inline(always)]
    fn is_root(&self) -> bool {
        self.nodes.is_empty() && self.rows.len() == self.n_rows
    }

    /// A histogram for a node of `n` rows, with whatever is in it.
    fn histogram(&mut self, n: usize) -> Histogram {
        if self.limits.is_quantized && n <= BLOCK {
            self.packed_pool.pop().unwrap_or_else(|| self.groups.zero_words())
        } else {
            self.pool.pop().unwrap_or_else(|| self.groups.zeros())
        }
    }

    /// Keeps a histogram that is no longer needed for the next node.
    fn give_back(&mut self, histogram: Option<Histogram>) {
        if let Some(histogram) = histogram {
            let is_packed = histogram.first().is_some_and(|sums| open(sums).is_packed());
            if is_packed { &mut self.packed_pool } else { &mut self.pool }.push(histogram);
        }
    }
}

/// The first of the splits with the highest gain.
#[inline(always)]
fn best(splits: impl Iterator<Item = Option<Split>>) -> Option<Split> {
    splits.flatten().fold(None, |best: Option<Split>, split| match best {
        Some(best) if split.gain <= best.gain => Some(best),
        _ => Some(split),
    })
}
