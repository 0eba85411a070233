//! Predictions of trees with linear leaves.
//!
//! A row that reaches a leaf with terms gets its start value plus the terms, or, where that is no
//! number because one of the features is missing, the leaf's constant value.

use smelt_core::{Control, Error, Mat, MatRef, Real, Result, parallel};

use crate::ensemble::EnsembleRef;

/// Linear leaves beside the arrays of an ensemble.
#[derive(Debug, Clone, Copy)]
pub struct LinearRef<'a> {
    /// Where the terms of each node start and end (n_nodes + 1).
    pub offsets: &'a [u32],
    /// Feature of each term.
    pub feature: &'a [u32],
    /// Its coefficient.
    pub coefficient: &'a [f64],
    /// Start value of each node.
    pub intercept: &'a [f64],
}

impl LinearRef<'_> {
    /// Refuses arrays that prediction could not follow.
    pub fn validate(&self, trees: &EnsembleRef<'_>) -> Result<()> {
        let n_nodes = trees.value.len();
        let sound = self.offsets.len() == n_nodes + 1
            && self.intercept.len() == n_nodes
            && self.offsets.first() == Some(&0)
            && self.offsets.last().map(|&end| end as usize) == Some(self.feature.len())
            && self.offsets.windows(2).all(|pair| pair[0] <= pair[1])
            && self.coefficient.len() == self.feature.len()
            && self.feature.iter().all(|&feature| (feature as usize) < trees.n_features)
            && self.coefficient.iter().chain(self.intercept).all(|value| value.is_finite());
        if sound { Ok(()) } else { Err(Error::data("the linear leaves of the trees are damaged")) }
    }

    /// Start values plus the leaves of all trees: raw predictions, (n_rows, n_outputs).
    #[allow(non_snake_case)]
    pub fn predict_raw<T: Real>(
        &self,
        trees: &EnsembleRef<'_>,
        X: MatRef<'_, T>,
        control: &Control,
    ) -> Result<Mat<f64>> {
        self.validate(trees)?;
        if X.n_cols() != trees.n_features {
            return Err(Error::data(format!(
                "the trees expect {} columns, got {}",
                trees.n_features,
                X.n_cols()
            )));
        }
        let n_outputs = trees.n_outputs();
        let mut out = Mat::zeros(X.n_rows(), n_outputs);
        let cost_ns = trees.n_trees() as f64 * 100.0;
        parallel::for_chunks_mut(out.as_mut_slice(), n_outputs, 64, cost_ns, |_, rows, part| {
            if control.check().is_err() {
                return;
            }
            let mut values = vec![0.0; trees.n_features];
            for (row, sums) in rows.zip(part.chunks_exact_mut(n_outputs)) {
                for (j, value) in values.iter_mut().enumerate() {
                    *value = X.get(row, j).to_f64();
                }
                sums.copy_from_slice(trees.baseline);
                for (tree, pair) in trees.tree_offsets.windows(2).enumerate() {
                    let leaf = trees.leaf(pair[0] as usize, &values);
                    sums[tree % n_outputs] += self.answer(trees, leaf, &values);
                }
            }
        });
        control.check()?;
        Ok(out)
    }

    #[inline]
    fn answer(&self, trees: &EnsembleRef<'_>, leaf: usize, values: &[f64]) -> f64 {
        let terms = self.offsets[leaf] as usize..self.offsets[leaf + 1] as usize;
        if terms.is_empty() {
            return trees.value[leaf];
        }
        let mut sum = self.intercept[leaf];
        for term in terms {
            sum += self.coefficient[term] * values[self.feature[term] as usize];
        }
        if sum.is_nan() { trees.value[leaf] } else { sum }
    }
}
