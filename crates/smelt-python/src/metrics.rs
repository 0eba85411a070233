//! Measures.

use numpy::{PyArray1, PyReadonlyArray1};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use smelt_learn::metrics as kernels;

use crate::arrays::{Matrix, by_dtype, slice, to_array1, to_array2, view};
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

#[pyfunction]
#[pyo3(signature = (first, second, n_first, n_second, n_threads=None))]
fn contingency_counts<'py>(
    py: Python<'py>,
    first: PyReadonlyArray1<'py, i32>,
    second: PyReadonlyArray1<'py, i32>,
    n_first: usize,
    n_second: usize,
    n_threads: Option<usize>,
) -> PyResult<Bound<'py, PyDict>> {
    let (first, second) = (slice(&first)?, slice(&second)?);
    let count = kernels::contingency_counts;
    let found = enter(py, n_threads, |control| count(first, second, n_first, n_second, control))?;
    let out = PyDict::new(py);
    out.set_item("indptr", to_array1(py, found.indptr))?;
    out.set_item("indices", to_array1(py, found.indices))?;
    out.set_item("counts", to_array1(py, found.counts))?;
    Ok(out)
}

#[pyfunction]
#[pyo3(signature = (first, second, n_threads=None))]
fn expected_mutual_information(
    py: Python<'_>,
    first: PyReadonlyArray1<'_, i64>,
    second: PyReadonlyArray1<'_, i64>,
    n_threads: Option<usize>,
) -> PyResult<f64> {
    let (first, second) = (slice(&first)?, slice(&second)?);
    let expected = kernels::expected_mutual_information;
    enter(py, n_threads, |control| expected(first, second, control))
}

#[pyfunction]
#[pyo3(signature = (X, labels, n_clusters, n_threads=None))]
#[allow(non_snake_case)]
fn cluster_dispersion<'py>(
    py: Python<'py>,
    X: Matrix<'py>,
    labels: PyReadonlyArray1<'py, i32>,
    n_clusters: usize,
    n_threads: Option<usize>,
) -> PyResult<Bound<'py, PyDict>> {
    let labels = slice(&labels)?;
    let found = by_dtype!(Matrix, &X, |X| {
        let X = view(X)?;
        enter(py, n_threads, |control| kernels::cluster_dispersion(X, labels, n_clusters, control))?
    });
    let out = PyDict::new(py);
    out.set_item("counts", to_array1(py, found.counts))?;
    out.set_item("means", to_array2(py, found.means)?)?;
    out.set_item("squares", to_array1(py, found.squares))?;
    out.set_item("distances", to_array1(py, found.distances))?;
    Ok(out)
}

pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(cluster_dispersion, module)?)?;
    module.add_function(wrap_pyfunction!(contingency_counts, module)?)?;
    module.add_function(wrap_pyfunction!(expected_mutual_information, module)?)?;
    module.add_function(wrap_pyfunction!(silhouette_samples, module)?)
}
