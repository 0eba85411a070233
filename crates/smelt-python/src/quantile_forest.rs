//! Kernels of the quantiles that forests predict.

use numpy::{PyArrayMethods, PyReadonlyArray1};
use pyo3::prelude::*;
use smelt_tree::tree::forest::Draw;
use smelt_tree::tree::quantile_forest::{self as forest, LeafValues};

use crate::arrays::{maybe_slice, slice, to_array1};
use crate::enter::{enter, to_python};
use crate::tree::{Table, TreeArrays};

/// Arrays of leaf values: starts, rows, targets, places in further outputs, weights, n_outputs.
type LeafArrays<'py> = (
    PyReadonlyArray1<'py, i64>,
    PyReadonlyArray1<'py, u32>,
    PyReadonlyArray1<'py, f64>,
    PyReadonlyArray1<'py, u32>,
    Option<PyReadonlyArray1<'py, f64>>,
    usize,
);

fn leaf_values<'a>(arrays: &'a LeafArrays<'_>) -> PyResult<LeafValues<'a>> {
    Ok(LeafValues {
        starts: slice(&arrays.0)?,
        rows: slice(&arrays.1)?,
        targets: slice(&arrays.2)?,
        places: slice(&arrays.3)?,
        weights: maybe_slice(arrays.4.as_ref())?,
        n_outputs: arrays.5,
    })
}

/// Training rows of every leaf: `(starts, rows)`; `places` are those of the rows of `X` by target.
#[pyfunction]
#[pyo3(signature = (X, trees, places, sample_weight=None, *, random_states, n_samples_bootstrap=None, cumulative_weight=None, n_threads=None))]
#[allow(non_snake_case, clippy::too_many_arguments)]
fn quantile_forest_leaves<'py>(
    py: Python<'py>,
    X: Table<'py>,
    trees: TreeArrays<'py>,
    places: PyReadonlyArray1<'py, u32>,
    sample_weight: Option<PyReadonlyArray1<'py, f64>>,
    random_states: PyReadonlyArray1<'py, u32>,
    n_samples_bootstrap: Option<usize>,
    cumulative_weight: Option<PyReadonlyArray1<'py, f64>>,
    n_threads: Option<usize>,
) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
    let (X, trees, places) = (X.by_row(py)?, crate::tree::trees(&trees)?, slice(&places)?);
    let (weight, seeds) = (maybe_slice(sample_weight.as_ref())?, slice(&random_states)?);
    let cumulative = maybe_slice(cumulative_weight.as_ref())?;
    let draw = n_samples_bootstrap.map(|n| Draw { n, cumulative });
    let (starts, rows) = enter(py, n_threads, |control| {
        forest::quantile_forest_leaves(&X, &trees, places, weight, draw, seeds, control)
    })?;
    Ok((to_array1(py, starts).into_any(), to_array1(py, rows).into_any()))
}

/// Quantiles of the targets that share leaves with the rows of `X`: (n_rows, n_outputs, quantiles).
#[pyfunction]
#[pyo3(signature = (X, trees, leaves, quantiles, out_of_bag=None, n_threads=None))]
#[allow(non_snake_case)]
fn quantile_forest_predict<'py>(
    py: Python<'py>,
    X: Table<'py>,
    trees: TreeArrays<'py>,
    leaves: LeafArrays<'py>,
    quantiles: PyReadonlyArray1<'py, f64>,
    out_of_bag: Option<PyReadonlyArray1<'py, u32>>,
    n_threads: Option<usize>,
) -> PyResult<Bound<'py, PyAny>> {
    let (X, trees, leaves) = (X.by_row(py)?, crate::tree::trees(&trees)?, leaf_values(&leaves)?);
    let (quantiles, places) = (slice(&quantiles)?, maybe_slice(out_of_bag.as_ref())?);
    let out = enter(py, n_threads, |control| {
        forest::quantile_forest_predict(&X, &trees, &leaves, quantiles, places, control)
    })?;
    let shape = [X.n_rows(), leaves.n_outputs, quantiles.len()];
    Ok(to_array1(py, out).reshape(shape)?.into_any())
}

/// Raises unless a forest of `n_nodes` nodes can be asked with these values, whatever the rows hold.
#[pyfunction]
fn quantile_forest_validate(
    py: Python<'_>,
    leaves: LeafArrays<'_>,
    n_nodes: usize,
) -> PyResult<()> {
    leaf_values(&leaves)?.check(n_nodes).map_err(|error| to_python(py, &error))
}

/// Adds the kernels of this family.
pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(quantile_forest_leaves, module)?)?;
    module.add_function(wrap_pyfunction!(quantile_forest_predict, module)?)?;
    module.add_function(wrap_pyfunction!(quantile_forest_validate, module)?)
}
