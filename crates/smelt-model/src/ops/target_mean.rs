//! `target_mean`: code to the mean of the target seen with it, one row of `means` a code.

use serde::Deserialize;
use smelt_core::Result;

use super::one_hot::slot;
use super::{Inputs, Notes, Op};
use crate::node::Node;
use crate::value::{Kind, Value};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Attributes {}

#[derive(Debug)]
struct TargetMean {
    size: usize,
    width: usize,
    means: Vec<f64>,
}

pub(super) fn build(node: &Node<'_>) -> Result<(Box<dyn Op>, Kind)> {
    let Attributes {} = node.attributes()?;
    let size = node.takes_code()?;
    let (n_rows, width, means) = node.matrix("means")?;
    if n_rows != size.saturating_add(2) {
        let expected = size.saturating_add(2);
        return Err(node.error(format!("means must have {expected} rows, got {n_rows}")));
    }
    Ok((Box::new(TargetMean { size, width, means }), node.block(width)?))
}

impl Op for TargetMean {
    fn run(&self, inputs: &Inputs<'_>, _: &mut Notes<'_>) -> Result<Value> {
        let codes = inputs.dense()?;
        let mut data = Vec::with_capacity(codes.data.len() * self.width);
        for &code in &codes.data {
            let start = slot(code, self.size) * self.width;
            data.extend_from_slice(self.means.get(start..start + self.width).unwrap_or_default());
        }
        Ok(Value::block(self.width, data))
    }
}
