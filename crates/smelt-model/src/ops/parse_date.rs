//! `parse_date`: raw column to seconds since 1970-01-01 UTC, by the first format that fits.

use serde::Deserialize;
use smelt_core::Result;

use super::date_format::DateFormat;
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
    formats: Vec<String>,
}

#[derive(Debug)]
struct ParseDate {
    missing: Markers,
    formats: Vec<DateFormat>,
}

pub(super) fn build(node: &Node<'_>) -> Result<(Box<dyn Op>, Kind)> {
    node.takes_column()?;
    let Attributes { missing, formats } = node.attributes()?;
    let formats = formats.iter().map(|format| DateFormat::new(format));
    let formats =
        formats.collect::<std::result::Result<_, _>>().map_err(|text| node.error(text))?;
    Ok((Box::new(ParseDate { missing: Markers::new(&missing), formats }), Kind::Number))
}

impl Op for ParseDate {
    fn run(&self, inputs: &Inputs<'_>, notes: &mut Notes<'_>) -> Result<Value> {
        let column = inputs.column()?;
        let mut numbers = Vec::with_capacity(column.n_rows());
        for i in 0..column.n_rows() {
            let seconds = match column.get(i) {
                Cell::Missing => None,
                Cell::Number(number) => Some(Some(number).filter(|number| number.is_finite())),
                Cell::Text(text) => {
                    let text = text.trim();
                    if self.missing.hold(text) {
                        None
                    } else {
                        Some(self.formats.iter().find_map(|format| format.seconds(text)))
                    }
                }
            };
            numbers.push(match seconds {
                Some(Some(seconds)) => {
                    notes.number(i, seconds);
                    seconds
                }
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
