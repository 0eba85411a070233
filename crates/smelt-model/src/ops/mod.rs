//! The closed list of operations.  One operation, or one tight group, a file.
//!
//! An operation is built from a node: it checks attributes, tensors and widths, and gives the kind of
//! its output.  After that it cannot fail on any table.

use std::fmt;

use smelt_core::{Error, Result};

use crate::node::Node;
use crate::table::ColumnRows;
use crate::value::{Dense, Kind, SparseRows, Value};

mod calibrate;
mod category_map;
mod concat;
mod date_format;
mod date_parts;
mod linear;
mod link;
mod markers;
mod number;
mod one_hot;
mod parse_boolean;
mod parse_date;
mod parse_number;
mod scale;
mod select_columns;
mod target_mean;
mod text_counts;
mod tf_idf;
pub mod tokens;
mod tree_ensemble;
mod weighted_mean;

/// Names of all operations.
pub const NAMES: [&str; 22] = [
    "affine",
    "calibrate",
    "category_map",
    "clip",
    "concat",
    "date_parts",
    "impute",
    "is_missing",
    "linear",
    "link",
    "one_hot",
    "parse_boolean",
    "parse_date",
    "parse_number",
    "scale",
    "select_columns",
    "signed_log",
    "target_mean",
    "text_counts",
    "tf_idf",
    "tree_ensemble",
    "weighted_mean",
];

/// An operation, ready to run on any rows.
pub(crate) use markers::Markers;

pub(crate) trait Op: Send + Sync + fmt::Debug {
    /// Computes the output for some rows.
    fn run(&self, inputs: &Inputs<'_>, notes: &mut Notes<'_>) -> Result<Value>;
}

/// Builds the operation of a node, with the kind of its output.
pub(crate) fn build(node: &Node<'_>) -> Result<(Box<dyn Op>, Kind)> {
    if node.source.version != 1 {
        let version = node.source.version;
        return Err(node.error(format!(
            "version {version} is newer than this smelt ({}) knows; upgrade smelt to read this model",
            env!("CARGO_PKG_VERSION")
        )));
    }
    match node.source.op.as_str() {
        "affine" => number::affine(node),
        "calibrate" => calibrate::build(node),
        "category_map" => category_map::build(node),
        "clip" => number::clip(node),
        "concat" => concat::build(node),
        "date_parts" => date_parts::build(node),
        "impute" => number::impute(node),
        "is_missing" => number::is_missing(node),
        "linear" => linear::build(node),
        "link" => link::build(node),
        "one_hot" => one_hot::build(node),
        "parse_boolean" => parse_boolean::build(node),
        "parse_date" => parse_date::build(node),
        "parse_number" => parse_number::build(node),
        "scale" => scale::build(node),
        "select_columns" => select_columns::build(node),
        "signed_log" => number::signed_log(node),
        "target_mean" => target_mean::build(node),
        "text_counts" => text_counts::build(node),
        "tf_idf" => tf_idf::build(node),
        "tree_ensemble" => tree_ensemble::build(node),
        "weighted_mean" => weighted_mean::build(node),
        other => Err(node.error(format!(
            "{other:?} is not an operation that this smelt ({}) knows; upgrade smelt to read this \
             model",
            env!("CARGO_PKG_VERSION")
        ))),
    }
}

/// One input of an operation that runs.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Input<'a> {
    Column(ColumnRows<'a>),
    Value(&'a Value),
}

/// All inputs of an operation that runs.  Kinds were checked when the graph was built.
#[derive(Debug)]
pub(crate) struct Inputs<'a> {
    pub(crate) all: Vec<Input<'a>>,
}

fn broken() -> Error {
    Error::ModelFile("an operation got another kind of input than the graph promised".into())
}

impl<'a> Inputs<'a> {
    /// The only input, a raw column.
    pub(crate) fn column(&self) -> Result<ColumnRows<'a>> {
        match self.all.as_slice() {
            [Input::Column(column)] => Ok(*column),
            _ => Err(broken()),
        }
    }

    /// The only input, dense or sparse.
    pub(crate) fn value(&self) -> Result<&'a Value> {
        match self.all.as_slice() {
            [Input::Value(value)] => Ok(value),
            _ => Err(broken()),
        }
    }

    /// The only input, dense.
    pub(crate) fn dense(&self) -> Result<&'a Dense> {
        match self.value()? {
            Value::Dense(dense) => Ok(dense),
            Value::Sparse(_) => Err(broken()),
        }
    }

    /// All inputs, dense or sparse.
    pub(crate) fn values(&self) -> Result<Vec<&'a Value>> {
        let value = |input: &Input<'a>| match input {
            Input::Value(value) => Ok(*value),
            Input::Column(_) => Err(broken()),
        };
        self.all.iter().map(value).collect()
    }

    /// All inputs, dense.
    pub(crate) fn all_dense(&self) -> Result<Vec<&'a Dense>> {
        let dense = |value: &'a Value| match value {
            Value::Dense(dense) => Ok(dense),
            Value::Sparse(_) => Err(broken()),
        };
        self.values()?.into_iter().map(dense).collect()
    }
}

/// What an operation on a raw column found in each row, where somebody wants to know.
#[derive(Debug, Default)]
pub(crate) struct Notes<'a> {
    flags: Option<&'a mut [u8]>,
    range: Option<(f64, f64)>,
}

/// Bits of a note.
pub(crate) const MISSING: u8 = 1;
pub(crate) const INVALID: u8 = 2;
pub(crate) const UNSEEN: u8 = 4;
pub(crate) const OUT_OF_RANGE: u8 = 8;

impl<'a> Notes<'a> {
    pub(crate) fn new(flags: &'a mut [u8], range: Option<(f64, f64)>) -> Self {
        Self { flags: Some(flags), range }
    }

    #[inline]
    fn set(&mut self, i: usize, bit: u8) {
        if let Some(flag) = self.flags.as_mut().and_then(|flags| flags.get_mut(i)) {
            *flag |= bit;
        }
    }

    /// The value is missing.
    #[inline]
    pub(crate) fn missing(&mut self, i: usize) {
        self.set(i, MISSING);
    }

    /// The value is not of the kind the column has.
    #[inline]
    pub(crate) fn invalid(&mut self, i: usize) {
        self.set(i, INVALID);
    }

    /// The value is a category that was not there in training.
    #[inline]
    pub(crate) fn unseen(&mut self, i: usize) {
        self.set(i, UNSEEN);
    }

    /// The value is a number; outside the range of the training it is noted.
    #[inline]
    pub(crate) fn number(&mut self, i: usize, value: f64) {
        if let Some((low, high)) = self.range
            && (value < low || value > high)
        {
            self.set(i, OUT_OF_RANGE);
        }
    }
}

/// Applies `apply(column, value)` to every number of a block, stored or not.
pub(crate) fn map_dense(dense: &Dense, apply: impl Fn(usize, f64) -> f64) -> Value {
    let mut data = Vec::with_capacity(dense.data.len());
    for row in dense.rows() {
        data.extend(row.iter().enumerate().map(|(j, &x)| apply(j, x)));
    }
    Value::block(dense.width, data)
}

/// A sparse block with all rows ended by `row`.
pub(crate) fn sparse_rows(
    width: usize,
    n_rows: usize,
    mut row: impl FnMut(usize, &mut SparseRows),
) -> Value {
    let mut rows = SparseRows::empty(width);
    rows.indptr.reserve(n_rows);
    for i in 0..n_rows {
        row(i, &mut rows);
        rows.end_row();
    }
    Value::Sparse(rows)
}
