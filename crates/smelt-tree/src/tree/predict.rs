//! Rows go down decision trees: leaves, and mean values.
//!
//! Cost: n · trees · depth steps.

use smelt_core::{Control, Error, Mat, MatRef, Result, parallel};

/// Rows that go down one tree after the other.
const BLOCK: usize = 256;

/// Arrays of grown trees, as NumPy holds them.
#[derive(Debug, Clone, Copy)]
pub struct Trees<'a> {
    /// First node of every tree, and the number of nodes (n_trees + 1).
    pub offsets: &'a [i64],
    /// Left child, counted from the tree's root; -1 in a leaf.
    pub left: &'a [i32],
    /// Right child.
    pub right: &'a [i32],
    /// Column cut at.
    pub feature: &'a [i32],
    /// Largest value that goes left.
    pub threshold: &'a [f64],
    /// 1 where missing values go left.
    pub missing_left: &'a [u8],
    /// Values, the same number for every node.
    pub value: &'a [f64],
}

impl<'a> Trees<'a> {
    /// Number of trees.
    pub fn n_trees(&self) -> usize {
        self.offsets.len().saturating_sub(1)
    }

    /// Values of a node.
    pub fn width(&self) -> usize {
        self.value.len() / self.left.len().max(1)
    }

    /// Refuses arrays that rows of `n_features` columns could not follow.
    pub fn check(&self, n_features: usize) -> Result<()> {
        let n_nodes = self.left.len();
        let lengths = [self.right.len(), self.feature.len(), self.threshold.len()];
        let mut sound = self.offsets.first() == Some(&0)
            && self.offsets.last().copied() == i64::try_from(n_nodes).ok()
            && self.offsets.windows(2).all(|pair| pair[0] < pair[1])
            && lengths.iter().all(|&length| length == n_nodes)
            && self.missing_left.len() == n_nodes
            && self.value.len().is_multiple_of(n_nodes.max(1))
            && self.width() > 0;
        for pair in self.offsets.windows(2) {
            if !sound {
                break;
            }
            let size = pair[1] - pair[0];
            for node in 0..size {
                let at = (pair[0] + node) as usize;
                // Children lie behind their parent, so that every way ends.
                let child = |child: i32| i64::from(child) > node && i64::from(child) < size;
                sound &= self.left[at] < 0
                    || (child(self.left[at])
                        && child(self.right[at])
                        && (0..n_features as i64).contains(&i64::from(self.feature[at])));
            }
        }
        if sound {
            Ok(())
        } else {
            Err(Error::data("the arrays of the trees are damaged".to_string()))
        }
    }

    /// The node where a row ends in one tree.
    #[inline(always)]
    pub fn leaf(&self, tree: usize, x: impl Fn(usize) -> f32) -> usize {
        let root = self.offsets[tree] as usize;
        let mut node = root;
        while self.left[node] >= 0 {
            let x = x(self.feature[node] as usize);
            let goes_left = f64::from(x) <= self.threshold[node]
                || (x.is_nan() && self.missing_left[node] == 1);
            let next = root + if goes_left { self.left[node] } else { self.right[node] } as usize;
            // Whatever the arrays hold, every way ends.
            assert!(next > node, "a child lies before its parent");
            node = next;
        }
        node
    }

    /// Values of a node.
    #[inline(always)]
    pub fn value(&self, node: usize) -> &'a [f64] {
        let width = self.width();
        &self.value[node * width..(node + 1) * width]
    }
}

/// Leaf that every row of `X` reaches in every tree, (n_rows, n_trees), counted from the tree's root.
#[allow(non_snake_case)]
pub fn tree_apply(X: MatRef<'_, f32>, trees: &Trees<'_>, control: &Control) -> Result<Vec<i64>> {
    let n_trees = trees.n_trees();
    let mut out = vec![0_i64; X.n_rows() * n_trees];
    let cost_ns = n_trees as f64 * 100.0;
    parallel::for_chunks_mut(&mut out, n_trees, BLOCK, cost_ns, |_, range, part| {
        if control.check().is_err() {
            return;
        }
        for tree in 0..n_trees {
            for (place, row) in range.clone().enumerate() {
                let leaf = trees.leaf(tree, |feature| X.get(row, feature));
                part[place * n_trees + tree] = leaf as i64 - trees.offsets[tree];
            }
        }
    });
    control.check()?;
    Ok(out)
}

/// Mean over the trees of the value of the leaf that every row of `X` reaches, (n_rows, width).
#[allow(non_snake_case)]
pub fn tree_predict(X: MatRef<'_, f32>, trees: &Trees<'_>, control: &Control) -> Result<Mat<f64>> {
    let (n_trees, width) = (trees.n_trees(), trees.width());
    let mut out = Mat::zeros(X.n_rows(), width);
    let cost_ns = n_trees as f64 * 100.0;
    parallel::for_chunks_mut(out.as_mut_slice(), width, BLOCK, cost_ns, |_, range, part| {
        if control.check().is_err() {
            return;
        }
        for tree in 0..n_trees {
            for (row, sums) in range.clone().zip(part.chunks_mut(width)) {
                let value = trees.value(trees.leaf(tree, |feature| X.get(row, feature)));
                sums.iter_mut().zip(value).for_each(|(sum, value)| *sum += value);
            }
        }
        part.iter_mut().for_each(|sum| *sum /= n_trees as f64);
    });
    control.check()?;
    Ok(out)
}
