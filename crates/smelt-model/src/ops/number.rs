//! Operations on numbers, one at a time: `impute`, `is_missing`, `clip`, `signed_log`, `affine`.

use serde::Deserialize;
use smelt_core::Result;

use super::{Inputs, Notes, Op, map_dense};
use crate::node::Node;
use crate::value::{Kind, Value};

#[derive(Debug)]
enum Number {
    Impute { value: f64 },
    IsMissing,
    Clip { low: f64, high: f64 },
    SignedLog,
    Affine { scale: f64, shift: f64 },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NoAttributes {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ImputeAttributes {
    value: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClipAttributes {
    low: Option<f64>,
    high: Option<f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AffineAttributes {
    scale: f64,
    shift: f64,
}

/// Number to number, with NaN replaced.
pub(super) fn impute(node: &Node<'_>) -> Result<(Box<dyn Op>, Kind)> {
    node.takes_number()?;
    let ImputeAttributes { value } = node.attributes()?;
    Ok((Box::new(Number::Impute { value }), Kind::Number))
}

/// Number or code to 1 where missing, else 0.
pub(super) fn is_missing(node: &Node<'_>) -> Result<(Box<dyn Op>, Kind)> {
    let NoAttributes {} = node.attributes()?;
    if !matches!(node.input()?, Kind::Code { .. }) {
        node.takes_number()?;
    }
    Ok((Box::new(Number::IsMissing), Kind::Number))
}

/// Numbers pulled into a range; NaN stays.
pub(super) fn clip(node: &Node<'_>) -> Result<(Box<dyn Op>, Kind)> {
    let ClipAttributes { low, high } = node.attributes()?;
    let (low, high) = (low.unwrap_or(f64::NEG_INFINITY), high.unwrap_or(f64::INFINITY));
    if low.is_nan() || high.is_nan() || low > high {
        return Err(node.error(format!("low {low} is above high {high}")));
    }
    Ok((Box::new(Number::Clip { low, high }), same_kind(node)?))
}

/// Numbers to sign(x)·ln(1 + |x|).
pub(super) fn signed_log(node: &Node<'_>) -> Result<(Box<dyn Op>, Kind)> {
    let NoAttributes {} = node.attributes()?;
    Ok((Box::new(Number::SignedLog), same_kind(node)?))
}

/// Numbers to x·scale + shift.
pub(super) fn affine(node: &Node<'_>) -> Result<(Box<dyn Op>, Kind)> {
    let AffineAttributes { scale, shift } = node.attributes()?;
    Ok((Box::new(Number::Affine { scale, shift }), same_kind(node)?))
}

/// A number stays a number, a block stays a block.
fn same_kind(node: &Node<'_>) -> Result<Kind> {
    let width = node.takes_dense()?;
    if node.input()? == Kind::Number { Ok(Kind::Number) } else { node.block(width) }
}

impl Op for Number {
    fn run(&self, inputs: &Inputs<'_>, _: &mut Notes<'_>) -> Result<Value> {
        let dense = inputs.dense()?;
        Ok(match *self {
            Self::Impute { value } => map_dense(dense, |_, x| if x.is_nan() { value } else { x }),
            Self::IsMissing => map_dense(dense, |_, x| f64::from(u8::from(x.is_nan()))),
            Self::Clip { low, high } => map_dense(dense, |_, x| {
                if x < low {
                    low
                } else if x > high {
                    high
                } else {
                    x
                }
            }),
            Self::SignedLog => map_dense(dense, |_, x| libm::log1p(x.abs()).copysign(x)),
            Self::Affine { scale, shift } => map_dense(dense, |_, x| x * scale + shift),
        })
    }
}
