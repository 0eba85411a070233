//! `one_hot`: code to block of `size + 2` columns: known categories, unseen, missing.

use serde::Deserialize;
use smelt_core::Result;

use super::{Inputs, Notes, Op};
use crate::node::Node;
use crate::value::{Kind, Value};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Attributes {
    size: usize,
}

#[derive(Debug)]
struct OneHot {
    size: usize,
}

pub(super) fn build(node: &Node<'_>) -> Result<(Box<dyn Op>, Kind)> {
    let (Attributes { size }, known) = (node.attributes()?, node.takes_code()?);
    if size != known {
        return Err(node.error(format!("size is {size}, but the input has {known} categories")));
    }
    Ok((Box::new(OneHot { size }), node.block(size.saturating_add(2))?))
}

/// Column of a code: itself, or the one after the unseen for a missing one.
#[inline]
pub(super) fn slot(code: f64, size: usize) -> usize {
    if code.is_nan() { size + 1 } else { (code as usize).min(size) }
}

impl Op for OneHot {
    fn run(&self, inputs: &Inputs<'_>, _: &mut Notes<'_>) -> Result<Value> {
        let codes = inputs.dense()?;
        let width = self.size + 2;
        let mut data = vec![0.0; codes.data.len() * width];
        for (row, &code) in data.chunks_exact_mut(width).zip(&codes.data) {
            if let Some(cell) = row.get_mut(slot(code, self.size)) {
                *cell = 1.0;
            }
        }
        Ok(Value::block(width, data))
    }
}
