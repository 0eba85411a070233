//! Kernels of the forests of `smelt.ensemble`.

use numpy::PyReadonlyArray1;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use smelt_tree::tree::columns::Columns;
use smelt_tree::tree::forest::{self, Draw, ForestParams};
use smelt_tree::tree::nodes::Nodes;

use crate::arrays::{maybe_slice, slice, to_array1, to_array2};
use crate::enter::enter;
use crate::params::params;
use crate::tree::{Table, TargetArrays, TreeArrays, nodes_to_dict};

/// Grows the trees of a forest, one for each of `random_states`: their nodes, and where each starts.
#[pyfunction]
#[pyo3(signature = (X, y, sample_weight=None, *, random_states, n_samples_bootstrap=None, cumulative_weight=None, max_bins=None, n_threads=None, **keywords))]
#[allow(non_snake_case)]
fn random_forest_fit<'py>(
    py: Python<'py>,
    X: Table<'py>,
    y: TargetArrays<'py>,
    sample_weight: Option<PyReadonlyArray1<'py, f64>>,
    random_states: PyReadonlyArray1<'py, u32>,
    n_samples_bootstrap: Option<usize>,
    cumulative_weight: Option<PyReadonlyArray1<'py, f64>>,
    max_bins: Option<usize>,
    n_threads: Option<usize>,
    keywords: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyDict>> {
    let params = params::<ForestParams>(py, keywords)?;
    let (X, y, weight) = (X.by_column(py)?, y.view()?, maybe_slice(sample_weight.as_ref())?);
    let seeds = slice(&random_states)?;
    let cumulative = maybe_slice(cumulative_weight.as_ref())?;
    let draw = n_samples_bootstrap.map(|n| Draw { n, cumulative });
    let (nodes, offsets) = enter(py, n_threads, |control| {
        let categorical = params.tree.categorical.as_deref().unwrap_or_default();
        let columns = Columns::with_categories(X, max_bins, categorical, false, control)?;
        forest::random_forest_fit(&columns, y, weight, draw, &params, seeds, control)
    })?;
    forest_to_dict(py, nodes, offsets)
}

/// The same with trees that draw their thresholds; `X` has its columns behind each other.
#[pyfunction]
#[pyo3(signature = (X, y, sample_weight=None, *, random_states, n_samples_bootstrap=None, cumulative_weight=None, max_bins=None, n_threads=None, **keywords))]
#[allow(non_snake_case)]
fn extra_trees_fit<'py>(
    py: Python<'py>,
    X: Table<'py>,
    y: TargetArrays<'py>,
    sample_weight: Option<PyReadonlyArray1<'py, f64>>,
    random_states: PyReadonlyArray1<'py, u32>,
    n_samples_bootstrap: Option<usize>,
    cumulative_weight: Option<PyReadonlyArray1<'py, f64>>,
    max_bins: Option<usize>,
    n_threads: Option<usize>,
    keywords: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyDict>> {
    let params = params::<ForestParams>(py, keywords)?;
    let (X, y, weight) = (X.by_column(py)?, y.view()?, maybe_slice(sample_weight.as_ref())?);
    let seeds = slice(&random_states)?;
    let cumulative = maybe_slice(cumulative_weight.as_ref())?;
    let draw = n_samples_bootstrap.map(|n| Draw { n, cumulative });
    let (nodes, offsets) = enter(py, n_threads, |control| {
        forest::extra_trees_fit(X, y, weight, draw, max_bins, &params, seeds, control)
    })?;
    forest_to_dict(py, nodes, offsets)
}

pub(crate) fn forest_to_dict<'py>(
    py: Python<'py>,
    nodes: Nodes,
    offsets: Vec<i64>,
) -> PyResult<Bound<'py, PyDict>> {
    let out = nodes_to_dict(py, nodes)?;
    out.set_item("offsets", to_array1(py, offsets))?;
    Ok(out)
}

/// Mean values of the trees that a row was not drawn for, and their number: `(means, counts)`.
#[pyfunction]
#[pyo3(signature = (X, trees, random_states, n_samples_bootstrap, cumulative_weight=None, n_threads=None))]
#[allow(non_snake_case)]
fn random_forest_out_of_bag<'py>(
    py: Python<'py>,
    X: Table<'py>,
    trees: TreeArrays<'py>,
    random_states: PyReadonlyArray1<'py, u32>,
    n_samples_bootstrap: usize,
    cumulative_weight: Option<PyReadonlyArray1<'py, f64>>,
    n_threads: Option<usize>,
) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
    let (X, trees, seeds) = (X.by_row(py)?, crate::tree::trees(&trees)?, slice(&random_states)?);
    let cumulative = maybe_slice(cumulative_weight.as_ref())?;
    let draw = Draw { n: n_samples_bootstrap, cumulative };
    let (means, counts) = enter(py, n_threads, |control| {
        forest::random_forest_out_of_bag(&X, &trees, seeds, draw, control)
    })?;
    Ok((to_array2(py, means)?.into_any(), to_array1(py, counts).into_any()))
}

/// Adds the kernels of this family.
pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(extra_trees_fit, module)?)?;
    module.add_function(wrap_pyfunction!(random_forest_fit, module)?)?;
    module.add_function(wrap_pyfunction!(random_forest_out_of_bag, module)?)
}
