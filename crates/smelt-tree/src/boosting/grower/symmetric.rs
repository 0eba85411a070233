//! Symmetric (oblivious) trees: one cut a level, the one with the highest summed gain.
//!
//! Cost of a level with n rows, p features, k nodes: n·p/2 histogram updates (of each two siblings
//! the smaller is summed up), k·p·256 gains, and one pass that sorts 12 bytes a row.
//!
//! 1. Histograms of the level's nodes, and the best cut: group of features by group, in parallel.
//! 2. Rows, with their gradients, are sorted to the children in fixed chunks.
//! 3. The children's sums come from the histograms.  A child with too few rows keeps the value of its
//!    parent; a node with too few rows for two children has no further say.
//! 4. Until the depth is reached or no cut saves anything.

use smelt_core::simd::vectorize;
use smelt_core::{Control, Result, parallel};

use super::partition::take;
use super::{GrowNode, Grower, best};
use crate::boosting::shuffler::Shuffler;
use crate::boosting::splitter::{Split, Totals, left_sums, level_split, own_gain};
use crate::histogram::{Histogram, RowSet, open};

/// Rows that a task sums up between two looks at the control.
const CHUNK: usize = 1 << 16;
/// Rows that a task sorts.
const SORTED: usize = 1 << 14;
/// Most levels.
pub(crate) const DEEPEST: usize = 16;

/// Two siblings, of which the smaller is to be summed up and the larger holds their parent's sums.
struct Pair {
    small: usize,
    large: usize,
}

/// One task of the sorting: rows, and where they go.
struct Part<'a> {
    rows: &'a [u32],
    pairs: &'a [[f32; 2]],
    left: (&'a mut [u32], &'a mut [[f32; 2]]),
    right: (&'a mut [u32], &'a mut [[f32; 2]]),
}

impl Grower<'_> {
    /// Grows all levels below the root.
    pub(super) fn grow_levels(
        &mut self,
        gradients: &[[f32; 2]],
        random: &mut Shuffler,
        control: &Control,
    ) -> Result<()> {
        let n = self.rows.len();
        let mut pairs_of_rows = vec![[0.0_f32; 2]; n];
        for (pair, &row) in pairs_of_rows.iter_mut().zip(&self.rows) {
            *pair = gradients[row as usize];
        }
        let mut spare = vec![[0.0_f32; 2]; n];
        let mut level = vec![0];
        let mut siblings = Vec::new();
        let deepest = self.limits.max_leaf_nodes.ilog2() as usize;
        for _ in 0..deepest.min(self.limits.max_depth).min(DEEPEST) {
            control.check()?;
            let choice = self.choice(level[0], random);
            // 1. Sums and the best cut.
            let active: Vec<usize> =
                level.iter().copied().filter(|&node| self.has_say(node)).collect();
            self.sum_up(&siblings, &pairs_of_rows, control)?;
            let found = parallel::map_chunks(
                self.groups.groups.len(),
                1,
                active.len() as f64 * 4e3,
                |index, _| {
                    vectorize(
                        #[inline(always)]
                        || {
                            let group = &self.groups.groups[index];
                            let sums: Vec<_> = active
                                .iter()
                                .filter_map(|&node| {
                                    let node = &self.nodes[node];
                                    Some((open(&node.histogram.as_ref()?[index]), &node.totals))
                                })
                                .collect();
                            let features = group.features.clone().enumerate();
                            best(features.map(|(lane, feature)| {
                                if !choice.holds(feature) {
                                    return None;
                                }
                                let nodes: Vec<_> = sums
                                    .iter()
                                    .map(|(sums, totals)| (sums.feature(group, lane), *totals))
                                    .collect();
                                level_split(
                                    &nodes,
                                    &self.features[feature],
                                    &self.limits.rules,
                                    choice.drawn(feature),
                                )
                            }))
                        },
                    )
                },
            );
            let Some(mut split) = best(found.into_iter()) else { break };
            // 2. Rows to the children.
            let middles = self.sort_rows(&level, &split, &mut pairs_of_rows, &mut spare);
            if !self.features[split.feature].has_missing {
                // Nothing was missing in training: later, missing values join the larger side.
                let n_left: usize =
                    level.iter().zip(&middles).map(|(&node, &m)| m - self.nodes[node].start).sum();
                split.missing_left = n_left > n - n_left;
            }
            // 3. The children.
            siblings.clear();
            level = level
                .iter()
                .zip(middles)
                .flat_map(|(&node, middle)| {
                    let (left, right) = self.part(node, middle, split);
                    let (small, large) = if self.nodes[left].totals.n < self.nodes[right].totals.n {
                        (left, right)
                    } else {
                        (right, left)
                    };
                    if self.nodes[large].histogram.is_some() {
                        siblings.push(Pair { small, large });
                    }
                    [left, right]
                })
                .collect();
        }
        Ok(())
    }

    /// Whether a node is large enough to be cut.
    fn has_say(&self, node: usize) -> bool {
        let (totals, rules) = (&self.nodes[node].totals, &self.limits.rules);
        totals.n >= 2 * rules.min_samples_leaf && totals.hessian >= rules.min_hessian
    }

    /// Histograms of the smaller siblings; those of the larger become the parent's minus them.
    fn sum_up(
        &mut self,
        siblings: &[Pair],
        pairs_of_rows: &[[f32; 2]],
        control: &Control,
    ) -> Result<()> {
        let fresh: Vec<Histogram> = siblings
            .iter()
            .map(|pair| self.histogram(self.nodes[pair.small].totals.n as usize))
            .collect();
        let n_rows: usize = siblings
            .iter()
            .map(|pair| self.nodes[pair.small].stop - self.nodes[pair.small].start)
            .sum();
        let cost_ns = 4.0 * n_rows as f64 + 2e3 * siblings.len() as f64;
        parallel::for_chunks(self.groups.groups.len(), 1, cost_ns, |index, _| {
            let group = &self.groups.groups[index];
            vectorize(
                #[inline(always)]
                || {
                    for (pair, fresh) in siblings.iter().zip(&fresh) {
                        let (start, stop) =
                            (self.nodes[pair.small].start, self.nodes[pair.small].stop);
                        let mut sums = open(&fresh[index]);
                        sums.clear();
                        for from in (start..stop).step_by(CHUNK) {
                            if control.check().is_err() {
                                return;
                            }
                            let to = (from + CHUNK).min(stop);
                            let rows = RowSet::List(&self.rows[from..to]);
                            sums.add(group, rows, &pairs_of_rows[from..to]);
                        }
                        if let Some(large) = &self.nodes[pair.large].histogram {
                            open(&large[index]).subtract(&sums);
                        }
                    }
                },
            );
        });
        control.check()?;
        for (pair, fresh) in siblings.iter().zip(fresh) {
            self.nodes[pair.small].histogram = Some(fresh);
            for node in [pair.small, pair.large] {
                if !self.has_say(node) {
                    let unused = self.nodes[node].histogram.take();
                    self.give_back(unused);
                }
            }
        }
        Ok(())
    }

    /// Rows of each node, the left child's first, both in their old order; returns where the right
    /// children start.
    fn sort_rows(
        &mut self,
        level: &[usize],
        split: &Split,
        pairs: &mut Vec<[f32; 2]>,
        spare: &mut Vec<[f32; 2]>,
    ) -> Vec<usize> {
        let missing = self.features[split.feature].n_bins as u8;
        let (bins, lane) = self.groups.column(split.feature);
        let mut table = [false; 256];
        for (bin, goes_left) in table.iter_mut().enumerate() {
            *goes_left = split.goes_left(bin as u8, missing);
        }
        let tasks: Vec<(usize, usize, usize)> = level
            .iter()
            .enumerate()
            .flat_map(|(place, &node)| {
                let (start, stop) = (self.nodes[node].start, self.nodes[node].stop);
                (start..stop)
                    .step_by(SORTED)
                    .map(move |from| (place, from, (from + SORTED).min(stop)))
            })
            .collect();
        let cost_ns = self.rows.len() as f64 / tasks.len().max(1) as f64;
        let (rows, table) = (&self.rows, &table);
        let n_left = parallel::map_chunks(tasks.len(), 1, cost_ns, |task, _| {
            let (_, from, to) = tasks[task];
            let goes_left = |&row: &u32| usize::from(table[usize::from(bins.get(row, lane))]);
            rows[from..to].iter().map(goes_left).sum::<usize>()
        });
        let mut middles: Vec<usize> = level.iter().map(|&node| self.nodes[node].start).collect();
        for ((place, _, _), n_left) in tasks.iter().zip(&n_left) {
            middles[*place] += n_left;
        }
        let n = self.rows.len();
        let (mut free_rows, mut free_pairs) = (&mut self.spare_rows[..n], &mut spare[..n]);
        let mut parts: Vec<Part<'_>> = Vec::with_capacity(tasks.len());
        let mut first = 0;
        for (place, _) in level.iter().enumerate() {
            let count = tasks[first..].iter().take_while(|task| task.0 == place).count();
            let of_node = first..first + count;
            first += count;
            let mut lefts = Vec::with_capacity(count);
            for task in of_node.clone() {
                let (rows, pairs) =
                    (take(&mut free_rows, n_left[task]), take(&mut free_pairs, n_left[task]));
                lefts.push((rows, pairs));
            }
            for (task, left) in of_node.zip(lefts) {
                let (_, from, to) = tasks[task];
                let n_right = to - from - n_left[task];
                let right = (take(&mut free_rows, n_right), take(&mut free_pairs, n_right));
                parts.push(Part { rows: &rows[from..to], pairs: &pairs[from..to], left, right });
            }
        }
        parallel::for_chunks_mut(&mut parts, 1, 1, 3.0 * cost_ns, |_, _, parts| {
            for part in parts {
                let (mut at_left, mut at_right) = (0, 0);
                for (&row, &pair) in part.rows.iter().zip(part.pairs) {
                    if table[usize::from(bins.get(row, lane))] {
                        part.left.0[at_left] = row;
                        part.left.1[at_left] = pair;
                        at_left += 1;
                    } else {
                        part.right.0[at_right] = row;
                        part.right.1[at_right] = pair;
                        at_right += 1;
                    }
                }
            }
        });
        drop(parts);
        let n_buffer = self.spare_rows.len();
        std::mem::swap(&mut self.rows, &mut self.spare_rows);
        self.rows.truncate(n);
        self.spare_rows.resize(n_buffer, 0);
        std::mem::swap(pairs, spare);
        middles
    }

    /// 3. The two children of a node.
    fn part(&mut self, parent: usize, middle: usize, split: Split) -> (usize, usize) {
        let rules = &self.limits.rules;
        let feature = &self.features[split.feature];
        let node = &self.nodes[parent];
        let (start, stop, totals, depth) = (node.start, node.stop, node.totals, node.depth + 1);
        let left = match &node.histogram {
            Some(histogram) => {
                let (index, lane) = self.place_of(split.feature);
                let group = &self.groups.groups[index];
                left_sums(open(&histogram[index]).feature(group, lane), feature, &split)
            }
            None => [0.0; 2],
        };
        let gain = own_gain(left, middle - start, &totals, rules);
        let has_say = node.histogram.is_some();
        let child = |n: usize, [gradient, hessian]: [f64; 2]| {
            let is_sound = has_say && n >= rules.min_samples_leaf as usize;
            let value = if is_sound {
                rules.value(gradient, hessian, totals.lower, totals.upper)
            } else {
                totals.value
            };
            Totals { n: n as u32, gradient, hessian, value, ..totals }
        };
        let right = [totals.gradient - left[0], totals.hessian - left[1]];
        let children = [
            (start, middle, child(middle - start, left)),
            (middle, stop, child(stop - middle, right)),
        ];
        let interactions = self.kept_groups(parent, split.feature);
        let ids = (self.nodes.len(), self.nodes.len() + 1);
        for (start, stop, totals) in children {
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
        let histogram = self.nodes[parent].histogram.take();
        let large =
            if self.nodes[ids.0].totals.n < self.nodes[ids.1].totals.n { ids.1 } else { ids.0 };
        self.nodes[parent].split = Some(Split { gain, ..split });
        self.nodes[parent].children = Some(ids);
        self.n_leaves += 1;
        if self.has_say(large) {
            self.nodes[large].histogram = histogram;
        } else {
            self.give_back(histogram);
        }
        ids
    }

    /// Group of a feature, and its place there.
    fn place_of(&self, feature: usize) -> (usize, usize) {
        let groups = &self.groups.groups;
        let index = groups.partition_point(|group| group.features.end <= feature);
        (index, feature - groups[index].features.start)
    }
}
