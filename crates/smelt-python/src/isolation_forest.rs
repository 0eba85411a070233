//! Kernels of `smelt.ensemble.IsolationForest`.

use numpy::{PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use smelt_tree::isolation_forest::{
    self as forest, Hyperplanes, IsolationForestParams, IsolationNodes,
};

use crate::arrays::{maybe_slice, slice, to_array1, view};
use crate::enter::enter;
use crate::params::params;
use crate::tree::{Table, TreeArrays};

/// Grows one isolation tree for each of `random_states`: arrays of their nodes.
#[pyfunction]
#[pyo3(signature = (X, probabilities=None, *, random_states, n_threads=None, **keywords))]
#[allow(non_snake_case)]
fn isolation_forest_fit<'py>(
    py: Python<'py>,
    X: Table<'py>,
    probabilities: Option<PyReadonlyArray1<'py, f64>>,
    random_states: PyReadonlyArray1<'py, u32>,
    n_threads: Option<usize>,
    keywords: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyDict>> {
    let params = params::<IsolationForestParams>(py, keywords)?;
    let (X, p) = (X.by_column(py)?, maybe_slice(probabilities.as_ref())?);
    let seeds = slice(&random_states)?;
    let nodes = enter(py, n_threads, |control| {
        forest::isolation_forest_fit(X, p, &params, seeds, control)
    })?;
    nodes_to_dict(py, nodes, seeds.len())
}

/// The same with cuts by hyperplanes in `extension_level` + 1 columns: `columns` and `normals` too.
#[pyfunction]
#[pyo3(signature = (X, probabilities=None, *, extension_level, random_states, n_threads=None, **keywords))]
#[allow(non_snake_case)]
fn isolation_forest_fit_extended<'py>(
    py: Python<'py>,
    X: Table<'py>,
    probabilities: Option<PyReadonlyArray1<'py, f64>>,
    extension_level: usize,
    random_states: PyReadonlyArray1<'py, u32>,
    n_threads: Option<usize>,
    keywords: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyDict>> {
    let params = params::<IsolationForestParams>(py, keywords)?;
    let (X, p) = (X.by_column(py)?, maybe_slice(probabilities.as_ref())?);
    let seeds = slice(&random_states)?;
    let (nodes, columns, normals) = enter(py, n_threads, |control| {
        forest::isolation_forest_fit_extended(X, p, extension_level, &params, seeds, control)
    })?;
    let out = nodes_to_dict(py, nodes, seeds.len())?;
    let shape = [normals.len() / (extension_level + 1), extension_level + 1];
    out.set_item("columns", to_array1(py, columns).reshape(shape)?)?;
    out.set_item("normals", to_array1(py, normals).reshape(shape)?)?;
    Ok(out)
}

fn nodes_to_dict(
    py: Python<'_>,
    nodes: IsolationNodes,
    n_trees: usize,
) -> PyResult<Bound<'_, PyDict>> {
    let out = PyDict::new(py);
    let width = nodes.columns.len() / n_trees.max(1);
    out.set_item("offsets", to_array1(py, nodes.offsets))?;
    out.set_item("children_left", to_array1(py, nodes.left))?;
    out.set_item("children_right", to_array1(py, nodes.right))?;
    out.set_item("feature", to_array1(py, nodes.feature))?;
    out.set_item("threshold", to_array1(py, nodes.threshold))?;
    out.set_item("missing_go_to_left", to_array1(py, nodes.missing_left))?;
    out.set_item("n_node_samples", to_array1(py, nodes.n_rows))?;
    out.set_item("path_length", to_array1(py, nodes.path))?;
    out.set_item("tree_columns", to_array1(py, nodes.columns).reshape([n_trees, width])?)?;
    out.set_item("max_depth", nodes.max_depth)?;
    Ok(out)
}

/// Score of every row of `X`, 0 to 1: 2 to the power of -(sum of path lengths) / `whole`.
#[pyfunction]
#[pyo3(signature = (X, trees, whole, n_threads=None))]
#[allow(non_snake_case)]
fn isolation_forest_score<'py>(
    py: Python<'py>,
    X: PyReadonlyArray2<'py, f32>,
    trees: TreeArrays<'py>,
    whole: f64,
    n_threads: Option<usize>,
) -> PyResult<Bound<'py, PyAny>> {
    let (X, trees) = (view(&X)?, crate::tree::trees(&trees)?);
    let scores =
        enter(py, n_threads, |control| forest::isolation_forest_score(X, &trees, whole, control))?;
    Ok(to_array1(py, scores).into_any())
}

/// Arrays of trees cut by hyperplanes: offsets, children_left, children_right, threshold, columns,
/// normals, path_length.
type PlaneArrays<'py> = (
    PyReadonlyArray1<'py, i64>,
    PyReadonlyArray1<'py, i32>,
    PyReadonlyArray1<'py, i32>,
    PyReadonlyArray1<'py, f64>,
    PyReadonlyArray1<'py, i32>,
    PyReadonlyArray1<'py, f64>,
    PyReadonlyArray1<'py, f64>,
);

/// The same for trees cut by hyperplanes.
#[pyfunction]
#[pyo3(signature = (X, trees, whole, n_threads=None))]
#[allow(non_snake_case)]
fn isolation_forest_score_extended<'py>(
    py: Python<'py>,
    X: PyReadonlyArray2<'py, f32>,
    trees: PlaneArrays<'py>,
    whole: f64,
    n_threads: Option<usize>,
) -> PyResult<Bound<'py, PyAny>> {
    let X = view(&X)?;
    let trees = Hyperplanes {
        offsets: slice(&trees.0)?,
        left: slice(&trees.1)?,
        right: slice(&trees.2)?,
        threshold: slice(&trees.3)?,
        columns: slice(&trees.4)?,
        normals: slice(&trees.5)?,
        path: slice(&trees.6)?,
    };
    let scores = enter(py, n_threads, |control| {
        forest::isolation_forest_score_extended(X, &trees, whole, control)
    })?;
    Ok(to_array1(py, scores).into_any())
}

/// Adds the kernels of this family.
pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(isolation_forest_fit, module)?)?;
    module.add_function(wrap_pyfunction!(isolation_forest_fit_extended, module)?)?;
    module.add_function(wrap_pyfunction!(isolation_forest_score, module)?)?;
    module.add_function(wrap_pyfunction!(isolation_forest_score_extended, module)?)
}
