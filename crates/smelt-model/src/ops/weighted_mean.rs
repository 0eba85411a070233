//! `weighted_mean`: sum of weight · block over the inputs, in their order, by the sum of the weights.

use serde::Deserialize;
use smelt_core::Result;

use super::{Inputs, Notes, Op};
use crate::node::Node;
use crate::value::{Kind, Value};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Attributes {
    weights: Vec<f64>,
}

#[derive(Debug)]
struct WeightedMean {
    weights: Vec<f64>,
    total: f64,
}

pub(super) fn build(node: &Node<'_>) -> Result<(Box<dyn Op>, Kind)> {
    let Attributes { weights } = node.attributes()?;
    let total = weights.iter().sum::<f64>();
    if weights.len() != node.inputs.len() {
        let (n_weights, n_inputs) = (weights.len(), node.inputs.len());
        return Err(node.error(format!("{n_weights} weights for {n_inputs} inputs")));
    }
    if weights.iter().any(|&weight| weight < 0.0) || !(total > 0.0 && total.is_finite()) {
        return Err(node.error("weights must be at least 0, with a sum above 0"));
    }
    let mut widths = node.inputs.iter().map(|kind| match kind {
        Kind::Number | Kind::Block { .. } => Ok(kind.width()),
        _ => Err(node.error(format!("takes dense blocks, got {}", kind.name()))),
    });
    let width = widths.next().unwrap_or_else(|| Err(node.error("takes at least one input")))?;
    for other in widths {
        if other? != width {
            return Err(node.error("its inputs differ in width"));
        }
    }
    Ok((Box::new(WeightedMean { weights, total }), node.block(width)?))
}

impl Op for WeightedMean {
    fn run(&self, inputs: &Inputs<'_>, _: &mut Notes<'_>) -> Result<Value> {
        let blocks = inputs.all_dense()?;
        let (width, size) = blocks.first().map_or((1, 0), |block| (block.width, block.data.len()));
        let mut sum = vec![0.0; size];
        for (block, weight) in blocks.iter().zip(&self.weights) {
            for (sum, x) in sum.iter_mut().zip(&block.data) {
                *sum += weight * x;
            }
        }
        for value in &mut sum {
            *value /= self.total;
        }
        Ok(Value::block(width, sum))
    }
}
