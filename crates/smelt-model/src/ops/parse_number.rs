//! `parse_number`: raw column to number.  Text that is no finite number is invalid and becomes NaN.
//!
//! 1. cut white space; the empty text and the marks are missing;
//! 2. cut one affix off each end, such as `$` or `%`, and white space after it;
//! 3. take out the thousands separators;
//! 4. what is left must be a sign, digits with a decimal mark, and an exponent (all but digits optional).

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
    #[serde(default)]
    thousands: String,
    #[serde(default)]
    affixes: Vec<String>,
}

fn point() -> String {
    ".".into()
}

#[derive(Debug)]
struct ParseNumber {
    missing: Markers,
    comma: bool,
    thousands: Option<char>,
    affixes: Vec<String>,
}

pub(super) fn build(node: &Node<'_>) -> Result<(Box<dyn Op>, Kind)> {
    node.takes_column()?;
    let Attributes { missing, decimal, thousands, affixes } = node.attributes()?;
    let comma = match decimal.as_str() {
        "." => false,
        "," => true,
        other => return Err(node.error(format!("decimal must be \".\" or \",\", got {other:?}"))),
    };
    let mut characters = thousands.chars();
    let (thousands, more) = (characters.next(), characters.next());
    if more.is_some()
        || thousands.is_some_and(|c| c.is_alphanumeric() || "+-".contains(c) || decimal.contains(c))
    {
        return Err(node.error("thousands must be one character that no number begins with"));
    }
    if affixes.iter().any(String::is_empty) {
        return Err(node.error("an affix is empty"));
    }
    let missing = Markers::new(&missing);
    Ok((Box::new(ParseNumber { missing, comma, thousands, affixes }), Kind::Number))
}

impl ParseNumber {
    /// The number a trimmed text stands for.
    fn number(&self, text: &str, changed: &mut String) -> Option<f64> {
        let mut text = text;
        if let Some(rest) = self.affixes.iter().find_map(|affix| text.strip_prefix(affix.as_str()))
        {
            text = rest.trim_start();
        }
        if let Some(rest) = self.affixes.iter().find_map(|affix| text.strip_suffix(affix.as_str()))
        {
            text = rest.trim_end();
        }
        if !self.comma && self.thousands.is_none() {
            return text.parse().ok();
        }
        changed.clear();
        for c in text.chars() {
            match c {
                _ if self.thousands == Some(c) => {}
                ',' if self.comma => changed.push('.'),
                '.' if self.comma => return None,
                _ => changed.push(c),
            }
        }
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
                Cell::Number(number) => Some(number),
                Cell::Text(text) => {
                    let text = text.trim();
                    if self.missing.hold(text) {
                        None
                    } else {
                        Some(self.number(text, &mut changed).unwrap_or(f64::INFINITY))
                    }
                }
            };
            numbers.push(match number {
                Some(number) if number.is_finite() => {
                    notes.number(i, number);
                    number
                }
                Some(number) if !number.is_nan() => {
                    notes.invalid(i);
                    f64::NAN
                }
                _ => {
                    notes.missing(i);
                    f64::NAN
                }
            });
        }
        Ok(Value::number(numbers))
    }
}
