//! Bagging: trees that each learn from rows, and perhaps columns, drawn at random (Breiman 1996).
//!
//! Twin: `smelt/plain/ensemble/bagging.py`.
//!
//! 1. Draw the bag of each tree; a row drawn twice weighs twice.
//! 2. Grow the trees side by side, one thread each, on columns prepared once; where a tree takes other
//!    columns than all, its own are prepared for it.
//! 3. Put them behind each other; their columns become those of the whole table.
//!
//! Cost: that of the trees.

use serde::Deserialize;
use smelt_core::{Control, CscRef, MatRef, MersenneTwister, Result, parallel};

use crate::bag::{Bag, BagParams, Bags};
use crate::member::Member;
use crate::tree::decision_tree::{DecisionTreeParams, Targets};
use crate::tree::nodes::Nodes;
use crate::tree::sparse::ByColumn;

/// Parameters of bagged trees.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BaggingParams {
    /// Whether the trees draw their thresholds.
    pub draws_thresholds: bool,
    /// Most codes of a column; none: one a distinct value.
    #[serde(default)]
    pub max_bins: Option<usize>,
    /// What each tree takes.
    pub bag: BagParams,
    /// Parameters of the trees, for the columns of one bag.
    pub tree: DecisionTreeParams,
}

/// Trees of a bag each.
#[derive(Debug)]
pub struct BaggingFit {
    /// Nodes of all trees.
    pub nodes: Nodes,
    /// Where each starts, and the number of nodes.
    pub offsets: Vec<i64>,
    /// Columns drawn, (n_trees, max_features).
    pub columns: Vec<i64>,
}

/// Grows one tree for each of `random_states` on `X`, whose columns lie behind each other where they
/// are dense.
///
/// `probabilities` of the rows to be drawn add up to 1.
#[allow(non_snake_case)]
pub fn bagging_fit<'a>(
    X: impl Into<ByColumn<'a>>,
    targets: Targets<'_>,
    probabilities: Option<&[f64]>,
    params: &BaggingParams,
    random_states: &[u32],
    control: &Control,
) -> Result<BaggingFit> {
    let X: ByColumn<'a> = X.into();
    let bags = Bags::new(X.n_rows(), X.n_cols(), &params.bag, probabilities)?;
    let all_columns = params.bag.max_features == X.n_cols() && !params.bag.bootstrap_features;
    let whole = if all_columns { Some(prepare(X, params, control)?) } else { None };
    control.set_total(random_states.len() as u64);
    // One tree costs far more than waking a thread.
    let trees = parallel::map_chunks(random_states.len(), 1, 1e9, |tree, _| {
        control.check()?;
        let bag = bags.draw(random_states[tree]);
        let mut weights = vec![0.0; X.n_rows()];
        bag.rows.iter().for_each(|&row| weights[row as usize] += 1.0);
        let seed = MersenneTwister::new(bag.random_state).below(i32::MAX as u32);
        let grow =
            |member: &Member<'_>| member.grow(targets, &weights, &params.tree, seed, control);
        let nodes = match &whole {
            Some(member) => grow(member)?,
            None => {
                let own = OwnColumns::of(X, &bag);
                let mut nodes = grow(&prepare(own.view(X.n_rows())?, params, control)?)?;
                for feature in nodes.feature.iter_mut().filter(|feature| **feature >= 0) {
                    *feature = bag.columns[*feature as usize] as i32;
                }
                nodes
            }
        };
        control.advance(1);
        Ok((nodes, bag.columns))
    });
    control.check()?;
    let mut fit = BaggingFit { nodes: Nodes::default(), offsets: vec![0], columns: Vec::new() };
    for tree in trees {
        let (mut nodes, columns) = tree?;
        fit.nodes.append(&mut nodes);
        fit.offsets.push(fit.nodes.len() as i64);
        fit.columns.extend(columns.into_iter().map(i64::from));
    }
    Ok(fit)
}

#[allow(non_snake_case)]
fn prepare<'a>(X: ByColumn<'a>, params: &BaggingParams, control: &Control) -> Result<Member<'a>> {
    Member::new(X, params.draws_thresholds, params.max_bins, false, control)
}

/// The columns of a bag, behind each other.
enum OwnColumns {
    Dense(Vec<f32>),
    /// Where each column starts, rows, values.
    Sparse(Vec<i64>, Vec<i32>, Vec<f32>),
}

impl OwnColumns {
    #[allow(non_snake_case)]
    fn of(X: ByColumn<'_>, bag: &Bag) -> Self {
        match X {
            ByColumn::Dense(X) => {
                let mut values = Vec::with_capacity(X.n_rows() * bag.columns.len());
                for &column in &bag.columns {
                    values.extend((0..X.n_rows()).map(|row| X.get(row, column as usize)));
                }
                Self::Dense(values)
            }
            ByColumn::Sparse(X) => {
                let (mut starts, mut rows, mut values) = (vec![0], Vec::new(), Vec::new());
                for &column in &bag.columns {
                    let (some_rows, some_values) = X.col(column as usize);
                    rows.extend_from_slice(some_rows);
                    values.extend_from_slice(some_values);
                    starts.push(rows.len() as i64);
                }
                Self::Sparse(starts, rows, values)
            }
        }
    }

    fn view(&self, n_rows: usize) -> Result<ByColumn<'_>> {
        Ok(match self {
            Self::Dense(values) => {
                let n_columns = values.len() / n_rows.max(1);
                ByColumn::Dense(MatRef::from_col_major(values, n_rows, n_columns)?)
            }
            Self::Sparse(starts, rows, values) => {
                ByColumn::Sparse(CscRef::new(starts, rows, values, n_rows)?)
            }
        })
    }
}
