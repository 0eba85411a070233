//! `tree_ensemble`: the raw scores of an additive tree model; its arrays are those of
//! [`smelt_tree::Ensemble`], under the same names.

use serde::Deserialize;
use smelt_core::{Control, MatRef, Result};
use smelt_tree::Ensemble;

use super::{Inputs, Notes, Op};
use crate::node::Node;
use crate::tensor::Data;
use crate::value::{Kind, Value};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Attributes {}

#[derive(Debug)]
struct TreeEnsemble {
    ensemble: Ensemble,
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
    let ensemble = Ensemble {
        n_features: node.takes_dense()?,
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
    Ok((Box::new(TreeEnsemble { ensemble }), kind))
}

impl Op for TreeEnsemble {
    fn run(&self, inputs: &Inputs<'_>, _: &mut Notes<'_>) -> Result<Value> {
        let dense = inputs.dense()?;
        let rows = MatRef::from_row_major(&dense.data, dense.rows().len(), dense.width)?;
        let raw = self.ensemble.predict_raw(rows, &Control::new())?;
        Ok(Value::block(raw.n_cols(), raw.into_vec()))
    }
}
