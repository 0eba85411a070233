//! The `.smelt` model file, the graph of operations inside it, and the tables that go in.
//!
//! A [`Graph`] turns a [`Table`] of raw columns (text or numbers) into features and predictions.  Its
//! nodes come from a closed list of operations ([`ops`]); it is checked as a whole when it is built,
//! so running it can fail only because a column is missing or the user interrupts.
//!
//! The pipeline trains on what the graph returns, and the model file holds the same graph: there is
//! no second implementation of a feature.  Arithmetic is scalar `f64` in a fixed order, with `libm`
//! for `exp` and `ln`, so a prediction has the same bits on every machine.

pub mod container;
pub mod csv_read;
mod csv_record;
pub mod graph;
pub mod manifest;
mod node;
pub mod ops;
pub mod predict;
pub mod table;
pub mod tensor;
pub mod terms;
pub mod value;

pub use graph::{Graph, Issue, Issues};
pub use predict::{Model, Prediction};
pub use table::{Column, Table};
pub use tensor::{Tensor, Tensors};
pub use value::{Dense, Kind, SparseRows, Value};
