//! Prediction: every row goes down every tree.
//!
//! Cost: n · trees · depth node visits; 16 bytes a visit, from the first-level cache.
//!
//! 1. Pack each tree into 16-byte nodes in breadth-first order, so that two siblings are neighbours
//!    and a step is `child + goes_right`.
//! 2. Cut the rows into blocks; copy a block to a small contiguous table.
//! 3. Tree by tree, eight rows at a time go down together, which hides the latency of a step.
//! 4. Sums run over the trees in order, in f64: the same bits for any number of threads and for a
//!    single row, which takes a path without packing.

use smelt_core::{Control, Error, Mat, MatRef, Real, Result, parallel};

use crate::ensemble::{Ensemble, EnsembleRef, SET_WORDS, in_set};

/// Rows of a block: 28 columns of it fill the first-level cache and a half.
const BLOCK: usize = 192;
/// Rows that go down a tree together.
const LANES: usize = 8;
/// Below this many rows packing does not pay.
const PACK_FROM: usize = 16;

const FEATURE: u32 = (1 << 30) - 1;
const MISSING_LEFT: u32 = 1 << 30;
const CATEGORICAL: u32 = 1 << 31;

#[derive(Clone, Copy, Default)]
struct Node {
    /// Threshold; the bits of the category set of a categorical split; +infinity in a leaf.
    number: f64,
    /// Column and the two flags; a leaf says "missing values go left".
    split: u32,
    /// Left child in the packed tree, the right one follows; a leaf names itself, so that a row
    /// that has arrived stays.
    child: u32,
}

impl Ensemble {
    /// See [`EnsembleRef::predict_raw`].
    #[allow(non_snake_case)]
    pub fn predict_raw<T: Real>(&self, X: MatRef<'_, T>, control: &Control) -> Result<Mat<f64>> {
        self.view().predict_raw(X, control)
    }
}

impl<'a> EnsembleRef<'a> {
    /// Start values plus the leaves of all trees: raw predictions, (n_rows, n_outputs).
    ///
    /// The arrays should have passed [`EnsembleRef::validate`]; damaged ones cost at worst a panic.
    #[allow(non_snake_case)]
    pub fn predict_raw<T: Real>(&self, X: MatRef<'_, T>, control: &Control) -> Result<Mat<f64>> {
        if X.n_cols() != self.n_features {
            return Err(Error::data(format!(
                "the trees expect {} columns, got {}",
                self.n_features,
                X.n_cols()
            )));
        }
        if X.n_rows() < PACK_FROM {
            return self.predict_few(X, control);
        }
        let packed = self.pack();
        let (n_outputs, n_features) = (self.n_outputs(), self.n_features);
        let mut out = Mat::zeros(X.n_rows(), n_outputs);
        let cost_ns = self.n_trees() as f64 * 15.0;
        parallel::for_chunks_mut(
            out.as_mut_slice(),
            n_outputs,
            BLOCK,
            cost_ns,
            |_, range, part| {
                if control.check().is_err() {
                    return;
                }
                let mut table = vec![0.0; range.len() * n_features];
                for (row, values) in range.clone().zip(table.chunks_exact_mut(n_features.max(1))) {
                    for (j, value) in values.iter_mut().enumerate() {
                        *value = X.get(row, j).to_f64();
                    }
                }
                let has_missing = table.iter().any(|x| x.is_nan());
                for sums in part.chunks_exact_mut(n_outputs) {
                    sums.copy_from_slice(self.baseline);
                }
                for (tree, packed) in packed.trees().enumerate() {
                    let output = tree % n_outputs;
                    if !self.left_categories.is_empty() {
                        self.add_tree::<true, true>(packed, &table, output, part);
                    } else if has_missing {
                        self.add_tree::<true, false>(packed, &table, output, part);
                    } else {
                        self.add_tree::<false, false>(packed, &table, output, part);
                    }
                }
            },
        );
        control.check()?;
        Ok(out)
    }

    #[allow(non_snake_case)]
    fn predict_few<T: Real>(&self, X: MatRef<'_, T>, control: &Control) -> Result<Mat<f64>> {
        let n_outputs = self.n_outputs();
        let mut out = Mat::zeros(X.n_rows(), n_outputs);
        let mut values = vec![0.0; self.n_features];
        for row in 0..X.n_rows() {
            control.check()?;
            for (j, value) in values.iter_mut().enumerate() {
                *value = X.get(row, j).to_f64();
            }
            let sums = out.row_mut(row);
            sums.copy_from_slice(self.baseline);
            for (tree, pair) in self.tree_offsets.windows(2).enumerate() {
                sums[tree % n_outputs] += self.value[self.leaf(pair[0] as usize, &values)];
            }
        }
        Ok(out)
    }

    /// The leaf that `values` reach in the tree whose root is node `root`.
    #[inline]
    pub fn leaf(&self, root: usize, values: &[f64]) -> usize {
        let mut node = root;
        loop {
            let left = self.left[node] as usize;
            if left == 0 {
                return node;
            }
            let goes_left = self.goes_left(
                values[self.feature[node] as usize],
                self.feature[node],
                self.threshold[node],
                self.missing_left[node] == 1,
                self.category_set[node],
            );
            let next = root + if goes_left { left } else { self.right[node] as usize };
            assert!(next > node, "a child lies before its parent");
            node = next;
        }
    }

    #[inline(always)]
    fn goes_left(
        &self,
        x: f64,
        feature: u32,
        threshold: f64,
        missing_left: bool,
        category_set: i32,
    ) -> bool {
        if x.is_nan() {
            missing_left
        } else if category_set < 0 {
            x <= threshold
        } else if f64::from(x as u8) == x {
            let category = x as u8;
            let set = category_set as usize * SET_WORDS;
            let known = feature as usize * SET_WORDS;
            in_set(&self.left_categories[set..set + SET_WORDS], category)
                || (missing_left
                    && !in_set(&self.known_categories[known..known + SET_WORDS], category))
        } else {
            missing_left
        }
    }

    /// Adds the leaves of one packed tree to column `output` of `sums`.
    fn add_tree<const MISSING: bool, const CATEGORIES: bool>(
        &self,
        (nodes, values): (&[Node], &[f64]),
        table: &[f64],
        output: usize,
        sums: &mut [f64],
    ) {
        let (width, n_outputs) = (self.n_features.max(1), self.n_outputs());
        if values.len() == 1 {
            sums.iter_mut().skip(output).step_by(n_outputs).for_each(|sum| *sum += values[0]);
            return;
        }
        let lanes = table.chunks(LANES * width).zip(sums.chunks_mut(LANES * n_outputs));
        for (rows, sums) in lanes {
            let mut at = [0_u32; LANES];
            let n_rows = rows.len() / width;
            loop {
                let mut moved = 0;
                for (position, x) in at.iter_mut().zip(rows.chunks_exact(width)) {
                    let node = nodes[*position as usize];
                    let x = x[(node.split & FEATURE) as usize];
                    // No branch: which way a row goes cannot be foreseen.
                    let mut goes_left = x <= node.number;
                    if MISSING {
                        goes_left |= x.is_nan() & (node.split & MISSING_LEFT != 0);
                    }
                    if CATEGORIES && node.split & CATEGORICAL != 0 {
                        goes_left = self.packed_goes_left(x, node);
                    }
                    let next = node.child + u32::from(!goes_left);
                    moved |= next ^ *position;
                    *position = next;
                }
                if moved == 0 {
                    break;
                }
            }
            for (position, sum) in at[..n_rows].iter().zip(sums.chunks_exact_mut(n_outputs)) {
                sum[output] += values[*position as usize];
            }
        }
    }

    #[inline(always)]
    fn packed_goes_left(&self, x: f64, node: Node) -> bool {
        let set = node.number.to_bits() as u32 as i32;
        self.goes_left(x, node.split & FEATURE, 0.0, node.split & MISSING_LEFT != 0, set)
    }

    fn pack(&self) -> Packed {
        let mut nodes = Vec::with_capacity(self.feature.len());
        let mut values = Vec::with_capacity(self.feature.len());
        let mut offsets = vec![0];
        let mut queue: Vec<usize> = Vec::new();
        for pair in self.tree_offsets.windows(2) {
            let (root, size) = (pair[0] as usize, (pair[1] - pair[0]) as usize);
            queue.clear();
            queue.push(root);
            let mut next = 0;
            while next < queue.len() && queue.len() <= size {
                let node = queue[next];
                values.push(self.value[node]);
                if self.left[node] == 0 {
                    let child = next as u32;
                    nodes.push(Node { number: f64::INFINITY, split: MISSING_LEFT, child });
                } else {
                    let mut packed = Node {
                        number: self.threshold[node],
                        split: self.feature[node],
                        child: queue.len() as u32,
                    };
                    if self.missing_left[node] == 1 {
                        packed.split |= MISSING_LEFT;
                    }
                    if self.category_set[node] >= 0 {
                        packed.split |= CATEGORICAL;
                        packed.number = f64::from_bits(self.category_set[node] as u64);
                    }
                    nodes.push(packed);
                    queue.push(root + self.left[node] as usize);
                    queue.push(root + self.right[node] as usize);
                }
                next += 1;
            }
            offsets.push(nodes.len());
        }
        Packed { nodes, values, offsets }
    }
}

struct Packed {
    nodes: Vec<Node>,
    values: Vec<f64>,
    offsets: Vec<usize>,
}

impl Packed {
    fn trees(&self) -> impl Iterator<Item = (&[Node], &[f64])> {
        self.offsets.windows(2).map(|pair| {
            let range = pair[0]..pair[1];
            (&self.nodes[range.clone()], &self.values[range])
        })
    }
}

#[cfg(test)]
mod tests {
    use smelt_core::{Control, MatRef};

    use crate::ensemble::tests::example;

    #[test]
    fn one_row_and_a_block_agree_and_follow_the_rules() {
        let nan = f64::NAN;
        let rows = [
            ([1.5, 1.0], 0.5 + 1.0 + 10.0),
            ([1.6, 2.0], 0.5 + 2.0 + 20.0),
            ([nan, nan], 0.5 + 2.0 + 10.0),
            ([0.0, 7.0], 0.5 + 1.0 + 10.0),
            ([0.0, -1.0], 0.5 + 1.0 + 10.0),
            ([0.0, 300.0], 0.5 + 1.0 + 10.0),
            ([0.0, 2.5], 0.5 + 1.0 + 10.0),
            ([0.0, 3.0], 0.5 + 1.0 + 10.0),
            ([f64::INFINITY, 0.0], 0.5 + 2.0 + 20.0),
        ];
        let ensemble = example();
        let control = Control::new();
        for repeat in [1, 3, 50] {
            let flat: Vec<f64> = (0..repeat).flat_map(|_| rows.iter().flat_map(|r| r.0)).collect();
            let view = MatRef::from_row_major(&flat, 9 * repeat, 2).unwrap();
            let out = ensemble.predict_raw(view, &control).unwrap();
            for i in 0..9 * repeat {
                assert_eq!(out.row(i), &[rows[i % 9].1], "row {i} of {repeat}");
            }
        }
        let narrow = MatRef::from_row_major(&[0.0], 1, 1).unwrap();
        assert!(ensemble.predict_raw(narrow, &control).is_err());
    }
}
