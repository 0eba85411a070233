//! `category_map`: raw column to code.  A category that is not listed gets the code `size`.

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
    /// Categories seen in training but too rare for a code: coded as unseen, not noted as unseen.
    #[serde(default)]
    rare: bool,
}

#[derive(Debug)]
struct CategoryMap {
    missing: Markers,
    codes: HashMap<Box<str>, f64>,
    /// Whether a category without a code may have been there in training.
    rare: bool,
    size: usize,
}

pub(super) fn build(node: &Node<'_>) -> Result<(Box<dyn Op>, Kind)> {
    node.takes_column()?;
    let attributes: Attributes = node.attributes()?;
    let categories = node.strings("categories")?;
    let size = categories.len();
    let mut codes = HashMap::with_capacity(size);
    for (code, category) in categories.into_iter().enumerate() {
        if category.trim().len() != category.len() || category.is_empty() {
            return Err(node.error(format!("category {category:?} must be trimmed and not empty")));
        }
        if let Some(other) = codes.insert(category, code as f64) {
            return Err(node.error(format!("categories {other} and {code} are the same")));
        }
    }
    let missing = Markers::new(&attributes.missing);
    let op = CategoryMap { missing, codes, rare: attributes.rare, size };
    Ok((Box::new(op), Kind::Code { size }))
}

impl Op for CategoryMap {
    fn run(&self, inputs: &Inputs<'_>, notes: &mut Notes<'_>) -> Result<Value> {
        let column = inputs.column()?;
        let unseen = self.size as f64;
        let mut written = String::new();
        let mut last: Option<(&str, f64)> = None;
        let mut codes = Vec::with_capacity(column.n_rows());
        for i in 0..column.n_rows() {
            let code = match column.get(i) {
                Cell::Missing => None,
                Cell::Number(number) => {
                    number_as_text(number, &mut written);
                    Some(self.codes.get(written.as_str()).copied().unwrap_or(unseen))
                }
                Cell::Text(text) => match last {
                    Some((before, code)) if before == text => Some(code),
                    _ => {
                        let trimmed = text.trim();
                        if self.missing.hold(trimmed) {
                            None
                        } else {
                            let code = self.codes.get(trimmed).copied().unwrap_or(unseen);
                            last = Some((text, code));
                            Some(code)
                        }
                    }
                },
            };
            if code.is_none() {
                notes.missing(i);
            } else if code == Some(unseen) && !self.rare {
                notes.unseen(i);
            }
            codes.push(code.unwrap_or(f64::NAN));
        }
        Ok(Value::number(codes))
    }
}
