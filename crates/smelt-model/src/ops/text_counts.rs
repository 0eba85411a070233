//! `text_counts`: raw column to the numbers of characters, words, digits, upper-case letters and
//! punctuation marks (ASCII).  A missing text has none of them.

use serde::Deserialize;
use smelt_core::Result;

use super::{Inputs, Notes, Op};
use crate::node::Node;
use crate::table::{Cell, number_as_text};
use crate::value::{Kind, Value};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Attributes {}

#[derive(Debug)]
struct TextCounts;

pub(super) fn build(node: &Node<'_>) -> Result<(Box<dyn Op>, Kind)> {
    node.takes_column()?;
    let Attributes {} = node.attributes()?;
    Ok((Box::new(TextCounts), node.block(5)?))
}

fn counts(text: &str) -> [f64; 5] {
    let mut counts = [0_u64; 5];
    let mut within_word = false;
    for c in text.chars() {
        counts[0] += 1;
        let space = c.is_whitespace();
        counts[1] += u64::from(!space && !within_word);
        within_word = !space;
        counts[2] += u64::from(c.is_numeric());
        counts[3] += u64::from(c.is_uppercase());
        counts[4] += u64::from(c.is_ascii_punctuation());
    }
    counts.map(|count| count as f64)
}

impl Op for TextCounts {
    fn run(&self, inputs: &Inputs<'_>, notes: &mut Notes<'_>) -> Result<Value> {
        let column = inputs.column()?;
        let mut written = String::new();
        let mut data = Vec::with_capacity(column.n_rows() * 5);
        for i in 0..column.n_rows() {
            data.extend(match column.get(i) {
                Cell::Missing => {
                    notes.missing(i);
                    [0.0; 5]
                }
                Cell::Text(text) => counts(text),
                Cell::Number(number) => {
                    number_as_text(number, &mut written);
                    counts(&written)
                }
            });
        }
        Ok(Value::block(5, data))
    }
}

#[cfg(test)]
mod tests {
    use super::counts;

    #[test]
    fn counts_of_a_message() {
        assert_eq!(counts(" WIN £100 now!! "), [16.0, 3.0, 3.0, 3.0, 2.0]);
        assert_eq!(counts(""), [0.0; 5]);
    }
}
