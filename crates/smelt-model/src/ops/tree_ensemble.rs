//! `tree_ensemble`: the raw scores of an additive tree model; its arrays are those of
//! [`smelt_tree::Ensemble`], under the same names.  An entry that a sparse row lacks is 0.

use serde::Deserialize;
use smelt_core::{Control, MatRef, Result};
use smelt_tree::Ensemble;
use smelt_tree::ensemble::SET_WORDS;

use super::{Inputs, Notes, Op};
use crate::node::Node;
use crate::tensor::Data;
use crate::value::{Kind, SparseRows, Value};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Attributes {}

#[derive(Debug)]
struct TreeEnsemble {
    ensemble: Ensemble,
    /// For sparse input the columns that the trees look at, increasing; the trees count in them.
    used: Vec<u32>,
}

/// The elements of a tensor of one type, whatever its shape.
macro_rules! elements {
    ($node:expr, $role:expr, $kind:ident) => {
        match $node.tensor($role)?.data() {
            Data::$kind(values) => Ok(values.clone()),
            _ => Err($node.error(format!("tensor {:?} must be {}", $role, stringify!($kind)))),
        }
    };
}

pub(super) fn build(node: &Node<'_>) -> Result<(Box<dyn Op>, Kind)> {
    let Attributes {} = node.attributes()?;
    let mut ensemble = Ensemble {
        n_features: node.takes_block()?,
        baseline: elements!(node, "baseline", F64)?,
        tree_offsets: elements!(node, "tree_offsets", U32)?,
        feature: elements!(node, "feature", U32)?,
        threshold: elements!(node, "threshold", F64)?,
        left: elements!(node, "left", U32)?,
        right: elements!(node, "right", U32)?,
        value: elements!(node, "value", F64)?,
        missing_left: elements!(node, "missing_left", U8)?,
        category_set: elements!(node, "category_set", I32)?,
        left_categories: elements!(node, "left_categories", U32)?,
        known_categories: elements!(node, "known_categories", U32)?,
    };
    ensemble.validate().map_err(|error| node.error(error.to_string()))?;
    let kind = node.block(ensemble.baseline.len())?;
    let mut used = Vec::new();
    if matches!(node.input()?, Kind::Sparse { .. }) {
        used = compact(&mut ensemble);
        ensemble.validate().map_err(|error| node.error(error.to_string()))?;
    }
    Ok((Box::new(TreeEnsemble { ensemble, used }), kind))
}

/// Renumbers the columns so that only those count that a split looks at.
fn compact(ensemble: &mut Ensemble) -> Vec<u32> {
    let splits = ensemble.feature.iter().zip(&ensemble.left);
    let mut used: Vec<u32> = splits.filter(|(_, left)| **left != 0).map(|(f, _)| *f).collect();
    used.sort_unstable();
    used.dedup();
    for (feature, left) in ensemble.feature.iter_mut().zip(&ensemble.left) {
        *feature = if *left == 0 { 0 } else { used.binary_search(feature).unwrap_or(0) as u32 };
    }
    if !ensemble.known_categories.is_empty() {
        let sets = used.iter().flat_map(|&feature| {
            let start = feature as usize * SET_WORDS;
            ensemble.known_categories.get(start..start + SET_WORDS).unwrap_or(&[0; SET_WORDS])
        });
        ensemble.known_categories = sets.copied().collect();
    }
    ensemble.n_features = used.len();
    used
}

impl TreeEnsemble {
    /// The used columns of the rows, dense.
    fn used_columns(&self, sparse: &SparseRows, n_rows: usize) -> Vec<f64> {
        let width = self.used.len();
        let mut data = vec![0.0; n_rows * width];
        for (i, row) in data.chunks_exact_mut(width.max(1)).enumerate() {
            let (indices, values) = sparse.row(i);
            for (&j, &x) in indices.iter().zip(values) {
                if let Ok(position) = self.used.binary_search(&(j as u32))
                    && let Some(cell) = row.get_mut(position)
                {
                    *cell = x;
                }
            }
        }
        data
    }
}

impl Op for TreeEnsemble {
    fn run(&self, inputs: &Inputs<'_>, _: &mut Notes<'_>) -> Result<Value> {
        let gathered;
        let (data, n_rows) = match inputs.value()? {
            Value::Dense(dense) => (&dense.data, dense.rows().len()),
            value @ Value::Sparse(sparse) => {
                gathered = self.used_columns(sparse, value.n_rows());
                (&gathered, value.n_rows())
            }
        };
        let rows = MatRef::from_row_major(data, n_rows, self.ensemble.n_features)?;
        let raw = self.ensemble.predict_raw(rows, &Control::new())?;
        Ok(Value::block(raw.n_cols(), raw.into_vec()))
    }
}
