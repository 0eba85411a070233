//! Grower: one tree, the node of the highest gain first.
//!
//! Twin: `smelt/plain/ensemble/hist_gradient_boosting_grower.py`.
//!
//! 1. The root's histogram, and its best cut.
//! 2. Take the waiting node of the highest gain; partition its rows in place, in order.
//! 3. Sum up the histogram of the smaller child; the larger one's is the parent's minus it.
//! 4. Find the best cut of both children; those worth cutting wait in turn.
//! 5. Until `max_leaf_nodes` is reached or no node waits.
//!
//! Steps 3 and 4 run together, group of features by group, while the sums are in the cache.
//! Histograms are taken from a pool and go back to it.

use smelt_core::simd::vectorize;
use smelt_core::{Control, Result, parallel};

use crate::histogram::{Groups, Histogram, RowSet, open};
use crate::quantile;
use crate::shuffler::Shuffler;
use crate::splitter::{
    Feature, LEAST_HESSIAN, Rules, Running, Split, Totals, best_split, node_value,
};

/// Rows that a task sums up between two looks at the control.
const CHUNK: usize = 1 << 16;

/// Size limits of a tree.
#[derive(Debug, Clone)]
pub(crate) struct Limits {
    pub(crate) max_leaf_nodes: usize,
    pub(crate) max_depth: usize,
    pub(crate) rules: Rules,
    pub(crate) max_bins: usize,
    /// Share of the features that each node looks at.
    pub(crate) max_features: f64,
    /// Groups of features that may meet in one branch.
    pub(crate) interactions: Option<Vec<Vec<usize>>>,
}

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
    histogram: Option<Histogram>,
    /// Interaction groups that the branch has kept to.
    interactions: Vec<usize>,
}

/// The training data and the state of the tree under way; buffers serve all trees.
pub(crate) struct Grower<'a> {
    groups: &'a Groups,
    features: &'a [Feature],
    bins: &'a [u8],
    n_rows: usize,
    limits: &'a Limits,
    pub(crate) rows: Vec<u32>,
    right_rows: Vec<u32>,
    gathered: Vec<[f32; 2]>,
    pool: Vec<Histogram>,
    pub(crate) nodes: Vec<GrowNode>,
    waiting: Vec<usize>,
    n_leaves: usize,
}

impl<'a> Grower<'a> {
    pub(crate) fn new(
        groups: &'a Groups,
        features: &'a [Feature],
        bins: &'a [u8],
        n_rows: usize,
        limits: &'a Limits,
    ) -> Self {
        Self {
            groups,
            features,
            bins,
            n_rows,
            limits,
            rows: Vec::with_capacity(n_rows),
            right_rows: vec![0; n_rows],
            gathered: vec![[0.0; 2]; n_rows],
            pool: Vec::new(),
            nodes: Vec::new(),
            waiting: Vec::new(),
            n_leaves: 0,
        }
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
            self.pool.extend(node.histogram);
        }
        self.waiting.clear();
        self.n_leaves = 1;
        self.plant(gradients, random, control)?;
        while let Some(node) = self.pop() {
            control.check()?;
            self.cut(node, gradients, random, control)?;
            if self.n_leaves >= self.limits.max_leaf_nodes {
                break;
            }
        }
        Ok(())
    }

    /// 1. The root.
    fn plant(
        &mut self,
        gradients: &[[f32; 2]],
        random: &mut Shuffler,
        control: &Control,
    ) -> Result<()> {
        let n = self.rows.len();
        self.gather(0, n, gradients);
        let histogram = self.histogram();
        let all_rows = n == self.n_rows;
        let cost_ns = 4.0 * n as f64;
        let sources = if all_rows { gradients } else { &self.gathered[..n] };
        parallel::for_chunks(self.groups.groups.len(), 1, cost_ns, |index, _| {
            let group = &self.groups.groups[index];
            vectorize(
                #[inline(always)]
                || {
                    let mut sums = open(&histogram[index]);
                    sums.clear();
                    for start in (0..n).step_by(CHUNK) {
                        if control.check().is_err() {
                            return;
                        }
                        let stop = (start + CHUNK).min(n);
                        let rows = if all_rows {
                            RowSet::Range(start..stop)
                        } else {
                            RowSet::List(&self.rows[start..stop])
                        };
                        sums.add(group, rows, &sources[start..stop]);
                    }
                },
            );
        });
        control.check()?;
        // The totals are those of the first feature's histogram.
        let totals = {
            let first = &self.groups.groups[0];
            let sums = open(&histogram[0]);
            let of = sums.feature(first, 0);
            let (missing, last) = (self.features[0].n_bins, self.limits.max_bins);
            // Added as NumPy adds max_bins + 1 bins, the one for missing values last.
            let total = |what: usize| {
                quantile::pairwise_sum(last + 1, &|bin| match bin {
                    bin if bin == last => of.sums[missing][what],
                    bin if bin < missing => of.sums[bin][what],
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
        if n >= 2 * self.limits.rules.min_samples_leaf as usize && totals.hessian >= LEAST_HESSIAN {
            let mask = self.mask(0, random);
            let node = &self.nodes[0];
            let Some(histogram) = &node.histogram else { return Ok(()) };
            let found = parallel::map_chunks(self.groups.groups.len(), 1, 5e3, |index, _| {
                vectorize(
                    #[inline(always)]
                    || self.search(index, histogram, &totals, &mask),
                )
            });
            self.nodes[0].split = best(found.into_iter());
            if self.nodes[0].split.is_some() {
                self.push(0);
            }
        }
        Ok(())
    }

    /// Best cut within one group of features.
    #[inline(always)]
    fn search(
        &self,
        index: usize,
        histogram: &Histogram,
        totals: &Totals,
        mask: &Option<Vec<bool>>,
    ) -> Option<Split> {
        let group = &self.groups.groups[index];
        let sums = open(&histogram[index]);
        let mut running = Running::new();
        let mut found: Option<Split> = None;
        for (lane, feature) in group.features.clone().enumerate() {
            if mask.as_ref().is_some_and(|mask| !mask[feature]) {
                continue;
            }
            let split = best_split(
                sums.feature(group, lane),
                &self.features[feature],
                totals,
                &self.limits.rules,
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
            self.pool.push(large_sums);
            return Ok(());
        }
        let masks = [
            if wanted[0] { self.mask(left, random) } else { None },
            if wanted[1] { self.mask(right, random) } else { None },
        ];
        let left_is_small = self.nodes[left].totals.n < self.nodes[right].totals.n;
        let (small, large) = if left_is_small { (0, 1) } else { (1, 0) };
        let pair = [left, right];
        let (start, stop) = (self.nodes[pair[small]].start, self.nodes[pair[small]].stop);
        self.gather(start, stop, gradients);
        let small_sums = self.histogram();
        let n = stop - start;
        let cost_ns = 6.0 * n as f64 + 4.0 * 256.0 * 10.0;
        let found = parallel::map_chunks(self.groups.groups.len(), 1, cost_ns, |index, _| {
            let group = &self.groups.groups[index];
            vectorize(
                #[inline(always)]
                || {
                    let mut sums = open(&small_sums[index]);
                    sums.clear();
                    for from in (0..n).step_by(CHUNK) {
                        if control.check().is_err() {
                            return [None, None];
                        }
                        let to = (from + CHUNK).min(n);
                        let rows = RowSet::List(&self.rows[start + from..start + to]);
                        sums.add(group, rows, &self.gathered[from..to]);
                    }
                    if wanted[large] {
                        open(&large_sums[index]).subtract(&sums);
                    }
                    drop(sums);
                    let mut found = [None, None];
                    if wanted[small] {
                        let totals = &self.nodes[pair[small]].totals;
                        found[small] = self.search(index, &small_sums, totals, &masks[small]);
                    }
                    if wanted[large] {
                        let totals = &self.nodes[pair[large]].totals;
                        found[large] = self.search(index, &large_sums, totals, &masks[large]);
                    }
                    found
                },
            )
        });
        control.check()?;
        self.nodes[pair[small]].histogram = Some(small_sums);
        self.nodes[pair[large]].histogram = Some(large_sums);
        for side in 0..2 {
            let node = pair[side];
            self.nodes[node].split = best(found.iter().map(|found| found[side]));
            if self.nodes[node].split.is_some() {
                self.push(node);
            } else {
                let histogram = self.nodes[node].histogram.take();
                self.pool.extend(histogram);
            }
        }
        Ok(())
    }

    /// Adds the two children of a node, with their totals, values and bounds.
    fn children(&mut self, parent: usize, middle: usize, split: &Split) -> (usize, usize) {
        let node = &self.nodes[parent];
        let (start, stop, depth, totals) = (node.start, node.stop, node.depth + 1, node.totals);
        let l2 = self.limits.rules.l2_regularization;
        let child = |n: usize, gradient: f64, hessian: f64| Totals {
            n: n as u32,
            gradient,
            hessian,
            value: node_value(gradient, hessian, totals.lower, totals.upper, l2),
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
        let interactions: Vec<usize> = match &self.limits.interactions {
            Some(groups) => node
                .interactions
                .iter()
                .copied()
                .filter(|&group| groups[group].contains(&split.feature))
                .collect(),
            None => Vec::new(),
        };
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

    /// 2. Rows of the left child first, both in their old order; returns where the right ones start.
    fn partition(&mut self, node: usize, split: &Split) -> usize {
        let (start, stop) = (self.nodes[node].start, self.nodes[node].stop);
        let missing = self.features[split.feature].n_bins as u8;
        let column = &self.bins[split.feature * self.n_rows..(split.feature + 1) * self.n_rows];
        let mut table = [false; 256];
        for (bin, goes_left) in table.iter_mut().enumerate() {
            *goes_left = split.goes_left(bin as u8, missing);
        }
        let rows = &mut self.rows[start..stop];
        let right_rows = &mut self.right_rows[..stop - start];
        let (mut n_left, mut n_right) = (0, 0);
        for i in 0..rows.len() {
            let row = rows[i];
            let goes_left = table[usize::from(column[row as usize])];
            rows[n_left] = row;
            right_rows[n_right] = row;
            n_left += usize::from(goes_left);
            n_right += usize::from(!goes_left);
        }
        rows[n_left..].copy_from_slice(&right_rows[..n_right]);
        start + n_left
    }

    /// Gradients of `rows[start..stop]`, one behind the other.
    fn gather(&mut self, start: usize, stop: usize, gradients: &[[f32; 2]]) {
        let rows = &self.rows[start..stop];
        let gathered = &mut self.gathered[..stop - start];
        parallel::for_chunks_mut(gathered, 1, 16_384, 2.0, |_, range, out| {
            for (out, &row) in out.iter_mut().zip(&rows[range]) {
                *out = gradients[row as usize];
            }
        });
    }

    fn histogram(&mut self) -> Histogram {
        self.pool.pop().unwrap_or_else(|| self.groups.zeros())
    }

    /// Features a node may look at: `None` for all.
    fn mask(&self, node: usize, random: &mut Shuffler) -> Option<Vec<bool>> {
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

    fn is_before(&self, a: usize, b: usize) -> bool {
        let gain = |node: usize| self.nodes[node].split.map_or(-1.0, |split| split.gain);
        gain(a) > gain(b)
    }

    /// Adds a node to the heap of waiting ones.  Ties come out as from Python's `heapq`.
    fn push(&mut self, node: usize) {
        self.waiting.push(node);
        self.rise(0, self.waiting.len() - 1);
    }

    /// Takes the waiting node of the highest gain.
    fn pop(&mut self) -> Option<usize> {
        let last = self.waiting.pop()?;
        let Some(&top) = self.waiting.first() else { return Some(last) };
        // Let the hole sink to the bottom along the better children, then let `last` rise there.
        let (end, mut hole) = (self.waiting.len(), 0);
        while 2 * hole + 1 < end {
            let (first, second) = (2 * hole + 1, 2 * hole + 2);
            let keep_first =
                second >= end || self.is_before(self.waiting[first], self.waiting[second]);
            let child = if keep_first { first } else { second };
            self.waiting[hole] = self.waiting[child];
            hole = child;
        }
        self.waiting[hole] = last;
        self.rise(0, hole);
        Some(top)
    }

    fn rise(&mut self, top: usize, mut place: usize) {
        let node = self.waiting[place];
        while place > top {
            let parent = (place - 1) / 2;
            if !self.is_before(node, self.waiting[parent]) {
                break;
            }
            self.waiting[place] = self.waiting[parent];
            place = parent;
        }
        self.waiting[place] = node;
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
