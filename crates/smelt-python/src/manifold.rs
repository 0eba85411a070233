//! Embeddings.

#![allow(non_snake_case)] // X and P, as in the formulas

use numpy::{PyReadonlyArray1, PyReadonlyArray2};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use smelt_core::Mat;
use smelt_learn::manifold as kernels;

use crate::arrays::{SparseArrays, slice, sparse_view, to_array1, to_array2, view};
use crate::enter::{enter, to_python};
use crate::params::params;

#[pyfunction]
#[pyo3(signature = (distances, neighbors, perplexity, n_threads=None))]
fn tsne_affinities<'py>(
    py: Python<'py>,
    distances: PyReadonlyArray2<'py, f64>,
    neighbors: PyReadonlyArray2<'py, i64>,
    perplexity: f64,
    n_threads: Option<usize>,
) -> PyResult<Bound<'py, PyDict>> {
    let (distances, neighbors) = (view(&distances)?, view(&neighbors)?);
    let graph = enter(py, n_threads, |control| {
        kernels::tsne_affinities(distances, neighbors, perplexity, control)
    })?;
    graph_dict(py, graph)
}

fn graph_dict(py: Python<'_>, graph: kernels::NeighborGraph) -> PyResult<Bound<'_, PyDict>> {
    let out = PyDict::new(py);
    out.set_item("indptr", to_array1(py, graph.indptr))?;
    out.set_item("indices", to_array1(py, graph.indices))?;
    out.set_item("data", to_array1(py, graph.data))?;
    Ok(out)
}

#[pyfunction]
#[pyo3(signature = (distances, perplexity, n_threads=None))]
fn tsne_affinities_exact<'py>(
    py: Python<'py>,
    distances: PyReadonlyArray2<'py, f64>,
    perplexity: f64,
    n_threads: Option<usize>,
) -> PyResult<Bound<'py, PyAny>> {
    let distances = view(&distances)?;
    let P = enter(py, n_threads, |control| {
        kernels::tsne_affinities_exact(distances, perplexity, control)
    })?;
    Ok(to_array2(py, P)?.into_any())
}

#[pyfunction]
#[pyo3(signature = (P, start, n_threads=None, **keywords))]
fn tsne_fit<'py>(
    py: Python<'py>,
    P: SparseArrays<'py, f64>,
    start: PyReadonlyArray2<'py, f64>,
    n_threads: Option<usize>,
    keywords: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyDict>> {
    let params = params::<kernels::TsneParams>(py, keywords)?;
    let (P, start) = (sparse_view(&P)?, view(&start)?);
    let n_columns = start.n_cols();
    let fit = enter(py, n_threads, |control| kernels::tsne_fit(P?, start, &params, control))?;
    tsne_dict(py, fit, n_columns)
}

#[pyfunction]
#[pyo3(signature = (P, start, n_threads=None, **keywords))]
fn tsne_fit_exact<'py>(
    py: Python<'py>,
    P: PyReadonlyArray2<'py, f64>,
    start: PyReadonlyArray2<'py, f64>,
    n_threads: Option<usize>,
    keywords: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyDict>> {
    let params = params::<kernels::TsneParams>(py, keywords)?;
    let (P, start) = (view(&P)?, view(&start)?);
    let n_columns = start.n_cols();
    let fit = enter(py, n_threads, |control| kernels::tsne_fit_exact(P, start, &params, control))?;
    tsne_dict(py, fit, n_columns)
}

fn tsne_dict(
    py: Python<'_>,
    fit: kernels::TsneFit,
    n_columns: usize,
) -> PyResult<Bound<'_, PyDict>> {
    let out = PyDict::new(py);
    out.set_item("embedding", matrix(py, fit.embedding, n_columns)?)?;
    out.set_item("kl_divergence", fit.kl_divergence)?;
    out.set_item("n_iter", fit.n_iter)?;
    out.set_item("history", fit.history)?;
    Ok(out)
}

fn matrix(py: Python<'_>, values: Vec<f64>, n_columns: usize) -> PyResult<Bound<'_, PyAny>> {
    let n_rows = values.len() / n_columns.max(1);
    let matrix = Mat::from_vec(values, n_rows, n_columns).map_err(|error| to_python(py, &error))?;
    Ok(to_array2(py, matrix)?.into_any())
}

#[pyfunction]
#[pyo3(signature = (P, embedding, angle, n_threads=None))]
fn tsne_gradient<'py>(
    py: Python<'py>,
    P: SparseArrays<'py, f64>,
    embedding: PyReadonlyArray2<'py, f64>,
    angle: f64,
    n_threads: Option<usize>,
) -> PyResult<(f64, Bound<'py, PyAny>)> {
    let (P, embedding) = (sparse_view(&P)?, view(&embedding)?);
    let n_columns = embedding.n_cols();
    let (error, gradient) =
        enter(py, n_threads, |control| kernels::tsne_gradient(P?, embedding, angle, control))?;
    Ok((error, matrix(py, gradient, n_columns)?))
}

#[pyfunction]
#[pyo3(signature = (P, embedding, n_threads=None))]
fn tsne_gradient_exact<'py>(
    py: Python<'py>,
    P: PyReadonlyArray2<'py, f64>,
    embedding: PyReadonlyArray2<'py, f64>,
    n_threads: Option<usize>,
) -> PyResult<(f64, Bound<'py, PyAny>)> {
    let (P, embedding) = (view(&P)?, view(&embedding)?);
    let n_columns = embedding.n_cols();
    let (error, gradient) =
        enter(py, n_threads, |control| kernels::tsne_gradient_exact(P, embedding, control))?;
    Ok((error, matrix(py, gradient, n_columns)?))
}

#[pyfunction]
#[pyo3(signature = (distances, local_connectivity, n_threads=None))]
fn umap_memberships<'py>(
    py: Python<'py>,
    distances: PyReadonlyArray2<'py, f64>,
    local_connectivity: f64,
    n_threads: Option<usize>,
) -> PyResult<Bound<'py, PyAny>> {
    let distances = view(&distances)?;
    let found = enter(py, n_threads, |control| {
        kernels::umap_memberships(distances, local_connectivity, control)
    })?;
    matrix(py, found, distances.n_cols())
}

#[pyfunction]
#[pyo3(signature = (neighbors, memberships, set_op_mix_ratio, n_threads=None))]
fn umap_graph<'py>(
    py: Python<'py>,
    neighbors: PyReadonlyArray2<'py, i64>,
    memberships: PyReadonlyArray1<'py, f64>,
    set_op_mix_ratio: f64,
    n_threads: Option<usize>,
) -> PyResult<Bound<'py, PyDict>> {
    let (neighbors, memberships) = (view(&neighbors)?, slice(&memberships)?);
    let graph = enter(py, n_threads, |control| {
        kernels::umap_graph(neighbors, memberships, set_op_mix_ratio, control)
    })?;
    graph_dict(py, graph)
}

#[pyfunction]
#[pyo3(signature = (W, k, n_threads=None))]
fn umap_spectral<'py>(
    py: Python<'py>,
    W: SparseArrays<'py, f64>,
    k: usize,
    n_threads: Option<usize>,
) -> PyResult<Bound<'py, PyAny>> {
    let W = sparse_view(&W)?;
    let found = enter(py, n_threads, |control| kernels::umap_spectral(W?, k, control))?;
    matrix(py, found, k)
}

/// `fixed` is a matrix of no rows where the rows of the graph see each other.
#[pyfunction]
#[pyo3(signature = (graph, start, fixed, keys, n_threads=None, **keywords))]
fn umap_fit<'py>(
    py: Python<'py>,
    graph: SparseArrays<'py, f64>,
    start: PyReadonlyArray2<'py, f64>,
    fixed: PyReadonlyArray2<'py, f64>,
    keys: PyReadonlyArray1<'py, u64>,
    n_threads: Option<usize>,
    keywords: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyAny>> {
    let params = params::<kernels::UmapParams>(py, keywords)?;
    let (graph, start, fixed) = (sparse_view(&graph)?, view(&start)?, view(&fixed)?);
    let (keys, fixed) = (slice(&keys)?, (fixed.n_rows() > 0).then_some(fixed));
    let found = enter(py, n_threads, |control| {
        kernels::umap_fit(graph?, start, fixed, keys, &params, control)
    })?;
    Ok(to_array2(py, found)?.into_any())
}

#[pyfunction]
#[pyo3(signature = (X, neighbors, n_threads=None))]
fn trustworthiness_penalty<'py>(
    py: Python<'py>,
    X: PyReadonlyArray2<'py, f64>,
    neighbors: PyReadonlyArray2<'py, i64>,
    n_threads: Option<usize>,
) -> PyResult<f64> {
    let (X, neighbors) = (view(&X)?, view(&neighbors)?);
    enter(py, n_threads, |control| kernels::trustworthiness_penalty(X, neighbors, control))
}

pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(trustworthiness_penalty, module)?)?;
    module.add_function(wrap_pyfunction!(tsne_affinities, module)?)?;
    module.add_function(wrap_pyfunction!(tsne_affinities_exact, module)?)?;
    module.add_function(wrap_pyfunction!(tsne_fit, module)?)?;
    module.add_function(wrap_pyfunction!(tsne_fit_exact, module)?)?;
    module.add_function(wrap_pyfunction!(tsne_gradient, module)?)?;
    module.add_function(wrap_pyfunction!(tsne_gradient_exact, module)?)?;
    module.add_function(wrap_pyfunction!(umap_fit, module)?)?;
    module.add_function(wrap_pyfunction!(umap_graph, module)?)?;
    module.add_function(wrap_pyfunction!(umap_memberships, module)?)?;
    module.add_function(wrap_pyfunction!(umap_spectral, module)?)
}
