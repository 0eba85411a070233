//! `tf_idf`: raw column to a sparse block of term weights, each row of length 1.
//!
//! The weight of a term is its count c in the text (1 + ln c when sublinear) times `idf`; the row is
//! then divided by its Euclidean length.  Terms that are not in the vocabulary are left out.

use std::collections::HashMap;

use serde::Deserialize;
use smelt_core::Result;

use super::tokens::{Analyzer, TokenOptions, Tokenizer};
use super::{Inputs, Notes, Op, sparse_rows};
use crate::node::Node;
use crate::table::{Cell, number_as_text};
use crate::value::{Kind, SparseRows, Value};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Attributes {
    lowercase: bool,
    analyzer: Analyzer,
    ngram_range: (usize, usize),
    sublinear: bool,
}

#[derive(Debug)]
struct TfIdf {
    options: TokenOptions,
    sublinear: bool,
    vocabulary: HashMap<Box<str>, u32>,
    idf: Vec<f64>,
}

pub(super) fn build(node: &Node<'_>) -> Result<(Box<dyn Op>, Kind)> {
    node.takes_column()?;
    let Attributes { lowercase, analyzer, ngram_range, sublinear } = node.attributes()?;
    let options = TokenOptions { lowercase, analyzer, ngram_range };
    options.check().map_err(|text| node.error(text))?;
    let terms = node.strings("vocabulary")?;
    let idf = node.vector_of("idf", terms.len())?;
    let kind = node.sparse(terms.len())?;
    let mut vocabulary = HashMap::with_capacity(terms.len());
    for (index, term) in terms.into_iter().enumerate() {
        if let Some(other) = vocabulary.insert(term, index as u32) {
            return Err(node.error(format!("terms {other} and {index} are the same")));
        }
    }
    Ok((Box::new(TfIdf { options, sublinear, vocabulary, idf }), kind))
}

impl TfIdf {
    /// Appends the weights of the terms found, given as one index for each time a term occurs.
    fn weigh(&self, found: &mut [u32], rows: &mut SparseRows) {
        found.sort_unstable();
        let first = rows.data.len();
        let mut squares = 0.0;
        for run in found.chunk_by(|a, b| a == b) {
            let Some(&index) = run.first() else { continue };
            let count = run.len() as f64;
            let tf = if self.sublinear { 1.0 + libm::log(count) } else { count };
            let weight = tf * self.idf.get(index as usize).copied().unwrap_or(0.0);
            squares += weight * weight;
            rows.indices.push(index as i32);
            rows.data.push(weight);
        }
        let length = squares.sqrt();
        if length > 0.0 {
            for weight in rows.data.iter_mut().skip(first) {
                *weight /= length;
            }
        }
    }
}

impl Op for TfIdf {
    fn run(&self, inputs: &Inputs<'_>, notes: &mut Notes<'_>) -> Result<Value> {
        let column = inputs.column()?;
        let mut tokenizer = Tokenizer::new(&self.options);
        let (mut found, mut written) = (Vec::new(), String::new());
        Ok(sparse_rows(self.idf.len(), column.n_rows(), |i, rows| {
            found.clear();
            let text = match column.get(i) {
                Cell::Text(text) => text,
                Cell::Number(number) => {
                    number_as_text(number, &mut written);
                    &written
                }
                Cell::Missing => {
                    notes.missing(i);
                    ""
                }
            };
            tokenizer.for_each(text, |term| found.extend(self.vocabulary.get(term)));
            self.weigh(&mut found, rows);
        }))
    }
}
