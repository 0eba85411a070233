//! `select_columns`: some columns of a block, in the order given.

use serde::Deserialize;
use smelt_core::Result;

use super::{Inputs, Notes, Op};
use crate::node::Node;
use crate::value::{Kind, Value};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Attributes {
    columns: Vec<usize>,
}

#[derive(Debug)]
struct SelectColumns {
    columns: Vec<usize>,
}

pub(super) fn build(node: &Node<'_>) -> Result<(Box<dyn Op>, Kind)> {
    let Attributes { columns } = node.attributes()?;
    let width = node.takes_dense()?;
    if let Some(column) = columns.iter().find(|&&column| column >= width) {
        return Err(node.error(format!("column {column} of a block of width {width}")));
    }
    let kind = node.block(columns.len())?;
    Ok((Box::new(SelectColumns { columns }), kind))
}

impl Op for SelectColumns {
    fn run(&self, inputs: &Inputs<'_>, _: &mut Notes<'_>) -> Result<Value> {
        let dense = inputs.dense()?;
        let mut data = Vec::with_capacity(dense.rows().len() * self.columns.len());
        for row in dense.rows() {
            data.extend(self.columns.iter().map(|&j| row.get(j).copied().unwrap_or(f64::NAN)));
        }
        Ok(Value::block(self.columns.len(), data))
    }
}
