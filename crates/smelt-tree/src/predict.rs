//! Prediction: every row goes down every tree.
//!
//! 1. Few rows walk through the arrays as they are: packing would cost more.
//! 2. Many rows go down packed trees (`descent`): as ranks among the thresholds of their column, one
//!    byte each where no column has more than 255.
//! 3. Sums run over the trees in order, in f64: the same bits for any number of rows and threads.
//!
//! Cost of a row: a rank a column, about 12 steps; then see `descent`.

use std::ops::Range;

use smelt_core::{Control, Error, Mat, MatRef, Real, Result, parallel};

use crate::descent::{CATEGORY_WORDS, Number, Source, Split, category_words, descent};
use crate::ensemble::{Ensemble, EnsembleRef, SET_WORDS, in_set};

/// Below this many rows packing does not pay.
const PACK_FROM: usize = 400;
/// Rows that go down together without packing.
const FEW: usize = 8;

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
        if X.n_rows() < PACK_FROM || self.n_trees() == 0 {
            return self.predict_few(X, control);
        }
        if T::IS_F64 {
            self.predict_many::<T, f64>(X, control)
        } else {
            self.predict_many::<T, f32>(X, control)
        }
    }

    /// 1.
    #[allow(non_snake_case)]
    fn predict_few<T: Real>(&self, X: MatRef<'_, T>, control: &Control) -> Result<Mat<f64>> {
        let n_outputs = self.n_outputs();
        let mut out = Mat::zeros(X.n_rows(), n_outputs);
        let cost_ns = self.n_trees() as f64 * 60.0;
        parallel::for_chunks_mut(out.as_mut_slice(), n_outputs, FEW, cost_ns, |_, range, part| {
            let mut values = vec![0.0; self.n_features];
            for (row, sums) in range.zip(part.chunks_exact_mut(n_outputs)) {
                if control.check().is_err() {
                    return;
                }
                for (j, value) in values.iter_mut().enumerate() {
                    *value = X.get(row, j).to_f64();
                }
                sums.copy_from_slice(self.baseline);
                for (tree, pair) in self.tree_offsets.windows(2).enumerate() {
                    sums[tree % n_outputs] += self.value[self.leaf(pair[0] as usize, &values)];
                }
            }
        });
        control.check()?;
        Ok(out)
    }

    /// 2.
    #[allow(non_snake_case)]
    fn predict_many<T: Real, N: Number>(
        &self,
        X: MatRef<'_, T>,
        control: &Control,
    ) -> Result<Mat<f64>> {
        let n_outputs = self.n_outputs();
        let values = |feature, rows: Range<usize>, values: &mut [N]| {
            for (value, row) in values.iter_mut().zip(rows) {
                *value = N::from_f64(X.get(row, feature).to_f64());
            }
        };
        let leaf = |tree: usize, node| self.value[self.tree_offsets[tree] as usize + node];
        let Some(descent) = descent::<N, f64>(X.n_rows(), &values, self, &leaf, control)? else {
            return self.predict_few(X, control);
        };
        let mut out = Mat::zeros(X.n_rows(), n_outputs);
        let (rows, cost_ns) = (descent.rows_of_a_block(), self.n_trees() as f64 * 10.0);
        parallel::for_chunks_mut(out.as_mut_slice(), n_outputs, rows, cost_ns, |_, range, part| {
            if control.check().is_err() {
                return;
            }
            part.chunks_exact_mut(n_outputs).for_each(|sums| sums.copy_from_slice(self.baseline));
            // 3.
            descent.block(range, control, &mut |tree, answers| {
                let sums = part[tree % n_outputs..].iter_mut().step_by(n_outputs);
                sums.zip(answers).for_each(|(sum, answer)| *sum += answer);
            });
        });
        control.check()?;
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
}

impl Source for EnsembleRef<'_> {
    fn n_features(&self) -> usize {
        self.n_features
    }

    fn n_trees(&self) -> usize {
        EnsembleRef::n_trees(self)
    }

    fn n_nodes(&self, tree: usize) -> usize {
        (self.tree_offsets[tree + 1] - self.tree_offsets[tree]) as usize
    }

    fn split(&self, tree: usize, node: usize) -> Option<Split> {
        let at = self.tree_offsets[tree] as usize + node;
        (self.left[at] != 0).then(|| Split {
            feature: self.feature[at] as usize,
            threshold: self.threshold[at],
            missing_left: self.missing_left[at] == 1,
            set: usize::try_from(self.category_set[at]).ok(),
            left: self.left[at] as usize,
            right: self.right[at] as usize,
        })
    }

    fn set(&self, split: &Split) -> [u32; CATEGORY_WORDS] {
        let set = split.set.unwrap_or(0) * SET_WORDS;
        let left = &self.left_categories[set..set + SET_WORDS];
        let known = &self.known_categories[split.feature * SET_WORDS..][..SET_WORDS];
        category_words(left, known, split.missing_left)
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
