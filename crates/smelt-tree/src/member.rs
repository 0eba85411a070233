//! A tree as a member of an ensemble: what it is grown on, prepared once for all members.

use smelt_core::{Control, Result};

use crate::tree::columns::Columns;
use crate::tree::decision_tree::{DecisionTreeParams, Targets, decision_tree_fit};
use crate::tree::extra_tree::extra_tree_fit;
use crate::tree::nodes::Nodes;
use crate::tree::sparse::ByColumn;

/// The table that all members share, arranged for their way to cut.
#[derive(Debug)]
pub enum Member<'a> {
    /// Codes, for trees with the best cuts.
    Best(Columns),
    /// Values in columns, for trees that draw their thresholds, and the most codes of a column; sparse
    /// and binned ones become codes for each member.
    Drawn(ByColumn<'a>, Option<usize>),
}

impl<'a> Member<'a> {
    /// Prepares `X`, whose columns lie behind each other where they are dense.
    ///
    /// `with_order` keeps sorted rows, which pay where one tree at a time looks at all columns.
    #[allow(non_snake_case)]
    pub fn new(
        X: ByColumn<'a>,
        draws_thresholds: bool,
        max_bins: Option<usize>,
        with_order: bool,
        control: &Control,
    ) -> Result<Self> {
        if draws_thresholds {
            return Ok(Self::Drawn(X, max_bins));
        }
        Ok(Self::Best(Columns::new(X, max_bins, with_order, control)?))
    }

    /// Grows a tree on the rows that weigh something.
    pub fn grow(
        &self,
        targets: Targets<'_>,
        weights: &[f64],
        params: &DecisionTreeParams,
        random_state: u32,
        control: &Control,
    ) -> Result<Nodes> {
        match self {
            Self::Best(columns) => {
                decision_tree_fit(columns, targets, Some(weights), params, random_state, control)
            }
            Self::Drawn(values, max_bins) => {
                let weights = Some(weights);
                extra_tree_fit(*values, targets, weights, *max_bins, params, random_state, control)
            }
        }
    }
}
