//! `parse_number`: raw column to number.  Text that is no finite number is invalid and becomes NaN.

use serde::Deserialize;
use smelt_core::Result;

use super::markers::Markers;
use super::{Inputs, Notes, Op};
use crate::node::Node;
use crate::table::Cell;
use crate::value::{Kind, Value};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Attributes {
    #[serde(default)]
    missing: Vec<String>,
    #[serde(default = "point")]
    decimal: String,
}

fn point() -> String {
    ".".into()
}

#[derive(Debug)]
struct ParseNumber {
    missing: Markers,
    comma: bool,
}

pub(super) fn build(node: &Node<'_>) -> Result<(Box<dyn Op>, Kind)> {
    node.takes_column()?;
    let attributes: Attributes = node.attributes()?;
    let comma = match attributes.decimal.as_str() {
        "." => false,
        "," => true,
        other => return Err(node.error(format!("decimal must be \".\" or \",\", got {other:?}"))),
    };
    Ok((Box::new(ParseNumber { missing: Markers::new(&attributes.missing), comma }), Kind::Number))
}

impl ParseNumber {
    /// The number a trimmed text stands for.
    fn number(&self, text: &str, changed: &mut String) -> Option<f64> {
        if !self.comma {
            return text.parse().ok();
        }
        if text.contains('.') {
            return None;
        }
        changed.clear();
        changed.extend(text.chars().map(|c| if c == ',' { '.' } else { c }));
        changed.parse().ok()
    }
}

impl Op for ParseNumber {
    fn run(&self, inputs: &Inputs<'_>, notes: &mut Notes<'_>) -> Result<Value> {
        let column = inputs.column()?;
        let mut changed = String::new();
        let mut numbers = Vec::with_capacity(column.n_rows());
        for i in 0..column.n_rows() {
            let number = match column.get(i) {
                Cell::Missing => None,
                Cell::Number(number) => Some(Some(number)),
                Cell::Text(text) => {
                    let text = text.trim();
                    if self.missing.hold(text) {
                        None
                    } else {
                        Some(self.number(text, &mut changed))
                    }
                }
            };
            numbers.push(match number {
                None => {
                    notes.missing(i);
                    f64::NAN
                }
                Some(Some(number)) if number.is_finite() => {
                    notes.number(i, number);
                    number
                }
                Some(Some(number)) if number.is_nan() => {
                    notes.missing(i);
                    f64::NAN
                }
                Some(_) => {
                    notes.invalid(i);
                    f64::NAN
                }
            });
        }
        Ok(Value::number(numbers))
    }
}
