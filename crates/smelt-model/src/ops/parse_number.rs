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
        if let Some(mark) = self.thousands
            && !is_grouped(text, mark, if self.comma { ',' } else { '.' })
        {
            return None;
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

/// Whether `mark` stands between groups of three digits only, or nowhere: 12,345 but not 12,34.
fn is_grouped(text: &str, mark: char, point: char) -> bool {
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (whole, fraction) = unsigned.split_once(point).unwrap_or((unsigned, ""));
    let (first, rest) = whole.split_once(mark).map_or((whole, None), |(a, b)| (a, Some(b)));
    let grouped = rest.is_none_or(|rest| {
        first.len() <= 3 && rest.split(mark).all(|group| group.len() == 3 && digits(group))
    });
    !first.is_empty() && digits(first) && digits(fraction) && grouped
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

#[cfg(test)]
mod tests {
    use super::is_grouped;

    #[test]
    fn thousands_stand_between_groups_of_three() {
        for good in ["1", "12345", "1,234", "-12,345,678.5", "+1,234.", "0.25"] {
            assert!(is_grouped(good, ',', '.'), "{good}");
        }
        for bad in ["12,34", "1234,567", ",123", "1,", "1,2345", "1.2,345", "", "1e5", "--1"] {
            assert!(!is_grouped(bad, ',', '.'), "{bad}");
        }
        assert!(is_grouped("1.234,5", '.', ',') && !is_grouped("1.23,5", '.', ','));
    }
}
