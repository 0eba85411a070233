//! Totally random trees, and the leaves that rows reach in them as columns of a one-hot code.
//!
//! Twin: `smelt/plain/ensemble/random_trees_embedding.py`.
//!
//! 1. Grow trees on targets that mean nothing, each cut at a random threshold of a random column.
//! 2. Number the leaves of all trees in their order: these are the columns of the code.
//! 3. A row has a one in the column of each leaf that it reaches, and zeros elsewhere.
//!
//! Cost: growing looks at two columns a level at most; a code costs n · trees · depth steps, and
//! writes 4 bytes a row and tree.

use smelt_core::{Control, Error, Result};

use super::decision_tree::Targets;
use super::forest::{ForestParams, extra_trees_fit};
use super::nodes::Nodes;
use super::predict::Trees;
use super::sparse::{ByColumn, ByRow};

/// Grows one tree for each of `random_states` on the columns of `X`, which lie behind each other where
/// they are dense; returns the nodes of all trees, and where each starts.
#[allow(non_snake_case)]
pub fn random_trees_embedding_fit<'a>(
    X: impl Into<ByColumn<'a>>,
    targets: Targets<'_>,
    sample_weight: Option<&[f64]>,
    params: &ForestParams,
    random_states: &[u32],
    control: &Control,
) -> Result<(Nodes, Vec<i64>)> {
    extra_trees_fit(X, targets, sample_weight, None, None, params, random_states, control)
}

/// The column of the leaf that every row of `X` reaches in every tree, (n_rows, n_trees).
///
/// `columns` holds the column of every node; that of a cut is never looked at.
#[allow(non_snake_case)]
pub fn random_trees_embedding_transform(
    X: &ByRow<'_>,
    trees: &Trees<'_>,
    columns: &[i32],
    control: &Control,
) -> Result<Vec<i32>> {
    if columns.len() != trees.left.len() {
        return Err(Error::data("one column a node is needed".to_string()));
    }
    let column = |tree: usize, node: usize| columns[trees.offsets[tree] as usize + node];
    trees.answers(X, column, control)
}
