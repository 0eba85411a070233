//! `link`: raw scores to values or probabilities.

use serde::Deserialize;
use smelt_core::Result;

use super::{Inputs, Notes, Op, map_dense};
use crate::node::Node;
use crate::value::{Dense, Kind, Value};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Attributes {
    kind: Link,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Link {
    Identity,
    Exp,
    Expm1,
    Sigmoid,
    Softmax,
}

pub(super) fn build(node: &Node<'_>) -> Result<(Box<dyn Op>, Kind)> {
    let Attributes { kind } = node.attributes()?;
    let width = node.takes_dense()?;
    let out = match kind {
        Link::Sigmoid if width == 1 => node.block(2)?,
        Link::Sigmoid => {
            return Err(node.error(format!("sigmoid takes one score a row, got {width}")));
        }
        Link::Softmax if width < 2 => {
            return Err(node.error("softmax takes at least two scores a row, got one"));
        }
        _ => node.block(width)?,
    };
    Ok((Box::new(kind), out))
}

/// 1 / (1 + exp(-x)), without overflow.
#[inline]
pub(super) fn sigmoid(x: f64) -> f64 {
    if x >= 0.0 {
        1.0 / (1.0 + libm::exp(-x))
    } else {
        let e = libm::exp(x);
        e / (1.0 + e)
    }
}

/// Writes exp(x) / sum(exp(x)) over `x`, without overflow.
#[inline]
pub(super) fn softmax(row: &mut [f64]) {
    let highest = row.iter().fold(f64::NEG_INFINITY, |high, &x| if x > high { x } else { high });
    let mut sum = 0.0;
    for x in row.iter_mut() {
        *x = libm::exp(*x - highest);
        sum += *x;
    }
    for x in row {
        *x /= sum;
    }
}

impl Op for Link {
    fn run(&self, inputs: &Inputs<'_>, _: &mut Notes<'_>) -> Result<Value> {
        let dense = inputs.dense()?;
        Ok(match self {
            Self::Identity => Value::Dense(dense.clone()),
            Self::Exp => map_dense(dense, |_, x| libm::exp(x)),
            Self::Expm1 => map_dense(dense, |_, x| libm::expm1(x)),
            Self::Sigmoid => {
                let data = dense.data.iter().map(|&x| sigmoid(x)).flat_map(|p| [1.0 - p, p]);
                Value::block(2, data.collect())
            }
            Self::Softmax => {
                let mut out: Dense = dense.clone();
                out.data.chunks_exact_mut(out.width.max(1)).for_each(softmax);
                Value::Dense(out)
            }
        })
    }
}
