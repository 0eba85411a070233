//! One extremely randomised tree: the best of one random threshold for every column looked at.
//!
//! Twin: `smelt/plain/tree/extra_tree.py`.
//!
//! Cost of a level, n rows and p columns looked at: n·p values gathered once (4 bytes each), for the
//! smallest and the largest, and compared once more from a buffer; nothing is sorted, but for bins.

use smelt_core::{Control, Result};

use super::decision_tree::{DecisionTreeParams, Targets, check, grow};
use super::grow::Table;
use super::nodes::Nodes;
use super::sparse::ByColumn;

/// Grows a tree on the columns of `X`, which lie behind each other where they are dense.
///
/// With `max_bins` (2 to 255), a column of more values than these has one for each of so many bins: the
/// smallest in it; the threshold drawn then moves between two bins.  No bins beside columns of categories.
/// Weights and seed are those of [`super::decision_tree::decision_tree_fit`].
#[allow(non_snake_case)]
pub fn extra_tree_fit<'a>(
    X: impl Into<ByColumn<'a>>,
    targets: Targets<'_>,
    sample_weight: Option<&[f64]>,
    max_bins: Option<usize>,
    params: &DecisionTreeParams,
    random_state: u32,
    control: &Control,
) -> Result<Nodes> {
    let max_bins = max_bins.filter(|_| params.categorical.is_none());
    let prepared = X.into().prepare(max_bins, false, control)?;
    let table = Table::Values(prepared.values());
    let limits = check(table, targets, sample_weight, params)?;
    grow(table, targets, sample_weight, params.criterion, &limits, random_state, control)
}
