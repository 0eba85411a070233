//! `linear`: raw scores x · coef' + intercept.  Each score is summed in the order of the columns,
//! beginning with the intercept.

use serde::Deserialize;
use smelt_core::Result;

use super::{Inputs, Notes, Op};
use crate::node::Node;
use crate::value::{Kind, Value};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Attributes {}

#[derive(Debug)]
struct Linear {
    n_outputs: usize,
    /// One row a column of the input, so that all scores of a row are summed side by side.
    coef: Vec<f64>,
    intercept: Vec<f64>,
}

pub(super) fn build(node: &Node<'_>) -> Result<(Box<dyn Op>, Kind)> {
    let Attributes {} = node.attributes()?;
    let width = node.takes_block()?;
    let (n_outputs, n_cols, by_output) = node.matrix("coef")?;
    if n_cols != width {
        return Err(node.error(format!("coef has {n_cols} columns, the input {width}")));
    }
    let intercept = node.vector_of("intercept", n_outputs)?;
    let kind = node.block(n_outputs)?;
    let mut coef = Vec::with_capacity(by_output.len());
    for j in 0..width {
        coef.extend(by_output.iter().skip(j).step_by(width));
    }
    Ok((Box::new(Linear { n_outputs, coef, intercept }), kind))
}

impl Linear {
    #[inline]
    fn add(&self, scores: &mut [f64], j: usize, x: f64) {
        let start = j * self.n_outputs;
        if let Some(coef) = self.coef.get(start..start + self.n_outputs) {
            for (score, coef) in scores.iter_mut().zip(coef) {
                *score += x * coef;
            }
        }
    }
}

impl Op for Linear {
    fn run(&self, inputs: &Inputs<'_>, _: &mut Notes<'_>) -> Result<Value> {
        let input = inputs.value()?;
        let mut data = Vec::with_capacity(input.n_rows() * self.n_outputs);
        for _ in 0..input.n_rows() {
            data.extend_from_slice(&self.intercept);
        }
        let scores = data.chunks_exact_mut(self.n_outputs);
        match input {
            Value::Dense(dense) if self.n_outputs == 1 => {
                for (score, row) in scores.zip(dense.rows()) {
                    if let [score] = score {
                        *score = row.iter().zip(&self.coef).fold(*score, |sum, (x, w)| sum + x * w);
                    }
                }
            }
            Value::Dense(dense) => {
                for (scores, row) in scores.zip(dense.rows()) {
                    for (j, &x) in row.iter().enumerate() {
                        self.add(scores, j, x);
                    }
                }
            }
            Value::Sparse(sparse) => {
                for (i, scores) in scores.enumerate() {
                    let (indices, values) = sparse.row(i);
                    for (&j, &x) in indices.iter().zip(values) {
                        self.add(scores, j as usize, x);
                    }
                }
            }
        }
        Ok(Value::block(self.n_outputs, data))
    }
}
