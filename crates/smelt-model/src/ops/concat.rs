//! `concat`: numbers, codes and blocks side by side; sparse when one of them is.

use serde::Deserialize;
use smelt_core::Result;

use super::{Inputs, Notes, Op, sparse_rows};
use crate::node::Node;
use crate::value::{Kind, Value};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Attributes {}

#[derive(Debug)]
struct Concat {
    width: usize,
    sparse: bool,
}

pub(super) fn build(node: &Node<'_>) -> Result<(Box<dyn Op>, Kind)> {
    let Attributes {} = node.attributes()?;
    if node.inputs.contains(&Kind::Column) {
        return Err(node.error("takes blocks, got a raw column"));
    }
    let width = node.inputs.iter().fold(0_usize, |width, kind| width.saturating_add(kind.width()));
    let sparse = node.inputs.iter().any(|kind| matches!(kind, Kind::Sparse { .. }));
    let kind = if sparse { node.sparse(width)? } else { node.block(width)? };
    Ok((Box::new(Concat { width, sparse }), kind))
}

impl Op for Concat {
    fn run(&self, inputs: &Inputs<'_>, _: &mut Notes<'_>) -> Result<Value> {
        if self.sparse { self.sparse(&inputs.values()?) } else { self.dense(inputs) }
    }
}

impl Concat {
    fn dense(&self, inputs: &Inputs<'_>) -> Result<Value> {
        let blocks = inputs.all_dense()?;
        let n_rows = blocks.first().map_or(0, |block| block.rows().len());
        let mut data = vec![0.0; n_rows * self.width];
        let mut first = 0;
        for block in blocks {
            for (to, from) in data.chunks_exact_mut(self.width).zip(block.rows()) {
                if let Some(to) = to.get_mut(first..first + block.width) {
                    to.copy_from_slice(from);
                }
            }
            first += block.width;
        }
        Ok(Value::block(self.width, data))
    }

    fn sparse(&self, blocks: &[&Value]) -> Result<Value> {
        let n_rows = blocks.first().map_or(0, |block| block.n_rows());
        Ok(sparse_rows(self.width, n_rows, |i, rows| {
            let mut first = 0_usize;
            for block in blocks {
                match block {
                    Value::Dense(dense) => {
                        let row = dense.data.get(i * dense.width..(i + 1) * dense.width);
                        for (j, &x) in row.unwrap_or_default().iter().enumerate() {
                            if x != 0.0 {
                                rows.indices.push((first + j) as i32);
                                rows.data.push(x);
                            }
                        }
                    }
                    Value::Sparse(sparse) => {
                        let (indices, data) = sparse.row(i);
                        rows.indices.extend(indices.iter().map(|&j| first as i32 + j));
                        rows.data.extend_from_slice(data);
                    }
                }
                first += block.width();
            }
        }))
    }
}
