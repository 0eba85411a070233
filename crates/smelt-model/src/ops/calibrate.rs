//! `calibrate`: probabilities to better probabilities.
//!
//! - `platt` (binary): the log-odds z of class 1 become slope·z + intercept;
//! - `temperature`: the logarithms of the probabilities are divided by the temperature;
//! - `isotonic` (binary): the probability of class 1 is mapped by a rising broken line;
//! - `none`: nothing changes.

use serde::Deserialize;
use smelt_core::Result;

use super::link::{sigmoid, softmax};
use super::{Inputs, Notes, Op};
use crate::node::Node;
use crate::value::{Dense, Kind, Value};

/// Probabilities are taken as at least this, and at most 1 minus this, before a logarithm.
const LEAST: f64 = 1e-15;

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
enum Attributes {
    Platt { slope: f64, intercept: f64 },
    Temperature { temperature: f64 },
    Isotonic,
    None,
}

#[derive(Debug)]
enum Calibrate {
    Platt { slope: f64, intercept: f64 },
    Temperature { temperature: f64 },
    Isotonic { x: Vec<f64>, y: Vec<f64> },
    None,
}

pub(super) fn build(node: &Node<'_>) -> Result<(Box<dyn Op>, Kind)> {
    let width = node.takes_dense()?;
    let binary = || match width {
        2 => Ok(()),
        _ => Err(node.error(format!("takes the probabilities of two classes, got {width}"))),
    };
    let op = match node.attributes()? {
        Attributes::Platt { slope, intercept } => {
            binary()?;
            Calibrate::Platt { slope, intercept }
        }
        Attributes::Temperature { temperature } if temperature > 0.0 => {
            Calibrate::Temperature { temperature }
        }
        Attributes::Temperature { temperature } => {
            return Err(node.error(format!("temperature must be above 0, got {temperature}")));
        }
        Attributes::Isotonic => {
            binary()?;
            let x = node.vector("x")?;
            let y = node.vector_of("y", x.len())?;
            let rises = |values: &[f64]| values.windows(2).all(|pair| pair[0] <= pair[1]);
            let inside = |values: &[f64]| values.iter().all(|value| (0.0..=1.0).contains(value));
            if x.is_empty()
                || !x.windows(2).all(|pair| pair[0] < pair[1])
                || !rises(&y)
                || !inside(&y)
            {
                return Err(node.error("x must increase, y must not decrease, y within 0 and 1"));
            }
            Calibrate::Isotonic { x, y }
        }
        Attributes::None => Calibrate::None,
    };
    Ok((Box::new(op), node.block(width)?))
}

/// The broken line through (x, y), level outside.
fn interpolate(x: &[f64], y: &[f64], at: f64) -> f64 {
    let after = x.partition_point(|&knot| knot <= at);
    let knot = |index: usize| Some((*x.get(index)?, *y.get(index)?));
    match (after.checked_sub(1).and_then(knot), knot(after)) {
        (Some((x0, y0)), Some((x1, y1))) => y0 + (y1 - y0) * ((at - x0) / (x1 - x0)),
        (Some((_, level)), None) | (None, Some((_, level))) => level,
        (None, None) => at,
    }
}

fn log_odds(p: f64) -> f64 {
    let p = p.clamp(LEAST, 1.0 - LEAST);
    libm::log(p) - libm::log1p(-p)
}

fn map_second(dense: &Dense, map: impl Fn(f64) -> f64) -> Value {
    let second = dense.rows().map(|row| row.last().copied().unwrap_or(f64::NAN));
    let pairs = second.map(|p| if p.is_nan() { p } else { map(p) }).flat_map(|p| [1.0 - p, p]);
    Value::block(2, pairs.collect())
}

impl Op for Calibrate {
    fn run(&self, inputs: &Inputs<'_>, _: &mut Notes<'_>) -> Result<Value> {
        let dense = inputs.dense()?;
        Ok(match self {
            Self::Platt { slope, intercept } => {
                map_second(dense, |p| sigmoid(slope * log_odds(p) + intercept))
            }
            Self::Isotonic { x, y } => map_second(dense, |p| interpolate(x, y, p)),
            Self::Temperature { temperature } => {
                let mut out = dense.clone();
                for row in out.data.chunks_exact_mut(out.width.max(1)) {
                    for p in row.iter_mut() {
                        *p = libm::log(p.clamp(LEAST, 1.0)) / temperature;
                    }
                    softmax(row);
                }
                Value::Dense(out)
            }
            Self::None => Value::Dense(dense.clone()),
        })
    }
}
