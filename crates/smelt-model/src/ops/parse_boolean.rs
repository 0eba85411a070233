//! `parse_boolean`: raw column to 0 or 1.  Texts are compared without regard to ASCII case.

use std::collections::HashMap;

use serde::Deserialize;
use smelt_core::Result;

use super::markers::Markers;
use super::{Inputs, Notes, Op};
use crate::node::Node;
use crate::table::{Cell, number_as_text};
use crate::value::{Kind, Value};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Attributes {
    #[serde(default)]
    missing: Vec<String>,
    #[serde(rename = "true")]
    yes: Vec<String>,
    #[serde(rename = "false")]
    no: Vec<String>,
}

#[derive(Debug)]
struct ParseBoolean {
    missing: Markers,
    values: HashMap<String, f64>,
}

pub(super) fn build(node: &Node<'_>) -> Result<(Box<dyn Op>, Kind)> {
    node.takes_column()?;
    let Attributes { missing, yes, no } = node.attributes()?;
    // A frame's booleans arrive as these two texts, whatever the CSV said.
    let mut values = HashMap::from([("true".to_string(), 1.0), ("false".to_string(), 0.0)]);
    let mut listed = HashMap::new();
    for (texts, value) in [(yes, 1.0), (no, 0.0)] {
        for text in texts {
            let text = text.trim().to_ascii_lowercase();
            if listed.insert(text.clone(), value).is_some_and(|other| other != value) {
                return Err(node.error(format!("{text:?} is listed as true and as false")));
            }
        }
    }
    values.extend(listed);
    Ok((Box::new(ParseBoolean { missing: Markers::new(&missing), values }), Kind::Number))
}

impl Op for ParseBoolean {
    fn run(&self, inputs: &Inputs<'_>, notes: &mut Notes<'_>) -> Result<Value> {
        let column = inputs.column()?;
        let mut lowered = String::new();
        let mut numbers = Vec::with_capacity(column.n_rows());
        for i in 0..column.n_rows() {
            let known = match column.get(i) {
                Cell::Missing => None,
                Cell::Number(number) => {
                    number_as_text(number, &mut lowered);
                    let plain = [0.0, 1.0].into_iter().find(|&value| value == number);
                    Some(self.values.get(&lowered).copied().or(plain))
                }
                Cell::Text(text) => {
                    let text = text.trim();
                    if self.missing.hold(text) {
                        None
                    } else {
                        lowered.clear();
                        lowered.push_str(text);
                        lowered.make_ascii_lowercase();
                        Some(self.values.get(&lowered).copied())
                    }
                }
            };
            numbers.push(match known {
                Some(Some(value)) => value,
                Some(None) => {
                    notes.invalid(i);
                    f64::NAN
                }
                None => {
                    notes.missing(i);
                    f64::NAN
                }
            });
        }
        Ok(Value::number(numbers))
    }
}
