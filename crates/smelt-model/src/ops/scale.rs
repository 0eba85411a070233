//! `scale`: every column of a block to (x - mean) / scale.

use serde::Deserialize;
use smelt_core::Result;

use super::{Inputs, Notes, Op, map_dense};
use crate::node::Node;
use crate::value::{Kind, Value};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Attributes {}

#[derive(Debug)]
struct Scale {
    /// Mean and scale of each column.
    columns: Vec<(f64, f64)>,
}

pub(super) fn build(node: &Node<'_>) -> Result<(Box<dyn Op>, Kind)> {
    let Attributes {} = node.attributes()?;
    let width = node.takes_dense()?;
    let (mean, scale) = (node.vector_of("mean", width)?, node.vector_of("scale", width)?);
    if scale.contains(&0.0) {
        return Err(node.error("a scale is 0"));
    }
    let columns = mean.into_iter().zip(scale).collect();
    Ok((Box::new(Scale { columns }), node.block(width)?))
}

impl Op for Scale {
    fn run(&self, inputs: &Inputs<'_>, _: &mut Notes<'_>) -> Result<Value> {
        Ok(map_dense(inputs.dense()?, |j, x| {
            self.columns.get(j).map_or(x, |(mean, scale)| (x - mean) / scale)
        }))
    }
}
