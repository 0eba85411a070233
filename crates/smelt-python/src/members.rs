//! Kernels of ensembles whose members are trees: bagging and AdaBoost.

use numpy::{PyArrayMethods, PyReadonlyArray1};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use smelt_tree::ada_boost::{self, AdaBoostParams};
use smelt_tree::bagging::{self, BaggingParams};

use crate::arrays::{maybe_slice, slice, to_array1};
use crate::enter::enter;
use crate::forest::forest_to_dict;
use crate::params::params;
use crate::tree::{Table, TargetArrays};

/// Grows a tree on each of the bags that `random_states` draw: nodes, offsets, `tree_columns`.
#[pyfunction]
#[pyo3(signature = (X, y, probabilities=None, *, random_states, n_threads=None, **keywords))]
#[allow(non_snake_case)]
fn bagging_fit<'py>(
    py: Python<'py>,
    X: Table<'py>,
    y: TargetArrays<'py>,
    probabilities: Option<PyReadonlyArray1<'py, f64>>,
    random_states: PyReadonlyArray1<'py, u32>,
    n_threads: Option<usize>,
    keywords: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyDict>> {
    let params = params::<BaggingParams>(py, keywords)?;
    let (X, y, p) = (X.by_column(py)?, y.view()?, maybe_slice(probabilities.as_ref())?);
    let seeds = slice(&random_states)?;
    let fit =
        enter(py, n_threads, |control| bagging::bagging_fit(X, y, p, &params, seeds, control))?;
    let shape = [seeds.len(), params.bag.max_features];
    let out = forest_to_dict(py, fit.nodes, fit.offsets)?;
    out.set_item("tree_columns", to_array1(py, fit.columns).reshape(shape)?)?;
    Ok(out)
}

/// Boosts trees: nodes, offsets, `random_states`, `weights`, `errors`, `overflowed`.
#[pyfunction]
#[pyo3(signature = (X, y, sample_weight, *, random_state, n_threads=None, **keywords))]
#[allow(non_snake_case)]
fn ada_boost_fit<'py>(
    py: Python<'py>,
    X: Table<'py>,
    y: TargetArrays<'py>,
    sample_weight: PyReadonlyArray1<'py, f64>,
    random_state: u32,
    n_threads: Option<usize>,
    keywords: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyDict>> {
    let params = params::<AdaBoostParams>(py, keywords)?;
    let (X, y, weight) = (X.by_column(py)?, y.view()?, slice(&sample_weight)?);
    let fit = enter(py, n_threads, |control| {
        ada_boost::ada_boost_fit(X, y, weight, &params, random_state, control)
    })?;
    let out = forest_to_dict(py, fit.nodes, fit.offsets)?;
    out.set_item("random_states", to_array1(py, fit.random_states))?;
    out.set_item("weights", to_array1(py, fit.weights))?;
    out.set_item("errors", to_array1(py, fit.errors))?;
    out.set_item("overflowed", fit.overflowed)?;
    Ok(out)
}

/// Adds the kernels of this family.
pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(ada_boost_fit, module)?)?;
    module.add_function(wrap_pyfunction!(bagging_fit, module)?)
}
