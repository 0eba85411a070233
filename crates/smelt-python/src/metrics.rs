//! Measures.

use numpy::{PyArray1, PyReadonlyArray1};
use pyo3::prelude::*;
use smelt_learn::metrics as kernels;

use crate::arrays::{Matrix, by_dtype, slice, to_array1, view};
use crate::enter::enter;

#[pyfunction]
#[pyo3(signature = (X, labels, n_clusters, n_threads=None))]
#[allow(non_snake_case)]
fn silhouette_samples<'py>(
    py: Python<'py>,
    X: Matrix<'py>,
    labels: PyReadonlyArray1<'py, i64>,
    n_clusters: usize,
    n_threads: Option<usize>,
) -> PyResult<Bound<'py, PyArray1<f64>>> {
    let labels = slice(&labels)?;
    let found = by_dtype!(Matrix, &X, |X| {
        let X = view(X)?;
        enter(py, n_threads, |control| kernels::silhouette_samples(X, labels, n_clusters, control))?
    });
    Ok(to_array1(py, found))
}

pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(silhouette_samples, module)?)
}
