//! Kernels of `smelt.ensemble.RandomTreesEmbedding`.

use numpy::{PyArrayMethods, PyReadonlyArray1};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use smelt_tree::tree::forest::ForestParams;
use smelt_tree::tree::random_trees_embedding as embedding;

use crate::arrays::{maybe_slice, slice, to_array1};
use crate::enter::enter;
use crate::forest::forest_to_dict;
use crate::params::params;
use crate::tree::{Table, TargetArrays, TreeArrays};

/// Grows one totally random tree for each of `random_states`; `X` has its columns behind each other.
#[pyfunction]
#[pyo3(signature = (X, y, sample_weight=None, *, random_states, n_threads=None, **keywords))]
#[allow(non_snake_case)]
fn random_trees_embedding_fit<'py>(
    py: Python<'py>,
    X: Table<'py>,
    y: TargetArrays<'py>,
    sample_weight: Option<PyReadonlyArray1<'py, f64>>,
    random_states: PyReadonlyArray1<'py, u32>,
    n_threads: Option<usize>,
    keywords: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyDict>> {
    let params = params::<ForestParams>(py, keywords)?;
    let (X, y, weight) = (X.by_column(py)?, y.view()?, maybe_slice(sample_weight.as_ref())?);
    let seeds = slice(&random_states)?;
    let (nodes, offsets) = enter(py, n_threads, |control| {
        embedding::random_trees_embedding_fit(X, y, weight, &params, seeds, control)
    })?;
    forest_to_dict(py, nodes, offsets)
}

/// Column of the leaf that every row of `X` reaches in every tree; `columns` holds that of each node.
#[pyfunction]
#[pyo3(signature = (X, trees, columns, n_threads=None))]
#[allow(non_snake_case)]
fn random_trees_embedding_transform<'py>(
    py: Python<'py>,
    X: Table<'py>,
    trees: TreeArrays<'py>,
    columns: PyReadonlyArray1<'py, i32>,
    n_threads: Option<usize>,
) -> PyResult<Bound<'py, PyAny>> {
    let (X, trees, columns) = (X.by_row(py)?, crate::tree::trees(&trees)?, slice(&columns)?);
    let out = enter(py, n_threads, |control| {
        embedding::random_trees_embedding_transform(&X, &trees, columns, control)
    })?;
    Ok(to_array1(py, out).reshape([X.n_rows(), trees.n_trees()])?.into_any())
}

/// Adds the kernels of this family.
pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(random_trees_embedding_fit, module)?)?;
    module.add_function(wrap_pyfunction!(random_trees_embedding_transform, module)?)
}
