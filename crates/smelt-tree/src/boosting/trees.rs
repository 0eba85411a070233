//! The trees that were grown: as arrays, and walked through by binned rows.

use smelt_core::parallel;

use super::grower::Grower;
use crate::bins::BordersRef;

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
}

impl Grower<'_> {
    /// Adds the tree just grown to the raw predictions of binned rows (of those marked).
    pub(super) fn add_to(&self, bins: &[u8], raw: &mut [f64], marked: Option<&[bool]>) {
        let n = raw.len();
        parallel::for_chunks_mut(raw, 1, 4096, 50.0, |_, rows, raw| {
            for (row, raw) in rows.zip(raw) {
                if marked.is_some_and(|marked| !marked[row]) {
                    continue;
                }
                let mut node = &self.nodes[0];
                while let (Some((left, right)), Some(split)) = (node.children, &node.split) {
                    let bin = bins[split.feature * n + row];
                    let missing = self.n_bins(split.feature) as u8;
                    let goes_left = if bin == missing {
                        split.missing_left
                    } else {
                        split.goes_left(bin, missing)
                    };
                    node = &self.nodes[if goes_left { left } else { right }];
                }
                *raw += node.totals.value;
            }
        });
    }
}

impl Trees {
    /// Appends the tree just grown, parents before children, left before right.
    pub(super) fn push(&mut self, grower: &Grower<'_>, borders: &BordersRef<'_>) {
        let root = self.feature.len();
        // (node of the grower, where its index is to be written: array of right children or none)
        let mut waiting = vec![(0, None)];
        while let Some((node, parent)) = waiting.pop() {
            let at = self.feature.len();
            if let Some(parent) = parent {
                self.right[parent] = (at - root) as u32;
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
}
