//! Clustering.

use numpy::{Element, PyArray1, PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use smelt_core::lanes::Lanes;
use smelt_learn::cluster as kernels;

use crate::arrays::{
    Matrix, Sparse, SparseArrays, by_dtype, maybe_slice, slice, sparse_view, to_array1, to_array2,
    view,
};
use crate::enter::{enter, raise};
use crate::params::params;

/// Evaluates an expression for `X` of kind `$kind` and `other`, a matrix of X's dtype.
macro_rules! with_matrix {
    ($py:ident, $kind:ident, $X:ident, $other:ident, |$x:ident, $matrix:ident| $body:expr) => {
        match (&$X, &$other) {
            ($kind::F32($x), Matrix::F32($matrix)) => $body,
            ($kind::F64($x), Matrix::F64($matrix)) => $body,
            _ => return Err(raise($py, "InternalError", "arrays differ in dtype".to_string())),
        }
    };
}

#[pyfunction]
#[pyo3(signature = (X, n_threads=None, **keywords))]
#[allow(non_snake_case)]
fn agglomerative_clustering_fit<'py>(
    py: Python<'py>,
    X: PyReadonlyArray2<'py, f64>,
    n_threads: Option<usize>,
    keywords: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyDict>> {
    let params = params::<kernels::AgglomerativeParams>(py, keywords)?;
    let X = view(&X)?;
    let tree =
        enter(py, n_threads, |control| kernels::agglomerative_clustering_fit(X, &params, control))?;
    dendrogram_dict(py, tree)
}

/// `graph` is symmetric, without a diagonal, its columns ascend; it holds distances.
#[pyfunction]
#[pyo3(signature = (X, graph, n_threads=None, **keywords))]
#[allow(non_snake_case)]
fn agglomerative_clustering_fit_graph<'py>(
    py: Python<'py>,
    X: PyReadonlyArray2<'py, f64>,
    graph: SparseArrays<'py, f64>,
    n_threads: Option<usize>,
    keywords: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyDict>> {
    let params = params::<kernels::AgglomerativeGraphParams>(py, keywords)?;
    let (X, graph) = (view(&X)?, sparse_view(&graph)?);
    let tree = enter(py, n_threads, |control| {
        kernels::agglomerative_clustering_fit_graph(X, graph?, &params, control)
    })?;
    dendrogram_dict(py, tree)
}

fn dendrogram_dict(py: Python<'_>, tree: kernels::Dendrogram) -> PyResult<Bound<'_, PyDict>> {
    let out = PyDict::new(py);
    out.set_item("children", to_array1(py, tree.children).reshape([tree.heights.len(), 2])?)?;
    out.set_item("distances", to_array1(py, tree.heights))?;
    Ok(out)
}

/// `children` are pairs of nodes, one after the other.
#[pyfunction]
#[pyo3(signature = (children, n_clusters, n_threads=None))]
fn agglomerative_clustering_cut<'py>(
    py: Python<'py>,
    children: PyReadonlyArray1<'py, i64>,
    n_clusters: usize,
    n_threads: Option<usize>,
) -> PyResult<Bound<'py, PyArray1<i64>>> {
    let children = slice(&children)?;
    let labels = enter(py, n_threads, |_control| {
        kernels::agglomerative_clustering_cut(children, n_clusters)
    })?;
    Ok(to_array1(py, labels))
}

#[pyfunction]
#[pyo3(signature = (X, sample_weight=None, n_threads=None, **keywords))]
#[allow(non_snake_case)]
fn dbscan_fit<'py>(
    py: Python<'py>,
    X: PyReadonlyArray2<'py, f64>,
    sample_weight: Option<PyReadonlyArray1<'py, f64>>,
    n_threads: Option<usize>,
    keywords: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyDict>> {
    let params = params::<kernels::DbscanParams>(py, keywords)?;
    let (X, weight) = (view(&X)?, maybe_slice(sample_weight.as_ref())?);
    let fit = enter(py, n_threads, |control| kernels::dbscan_fit(X, weight, &params, control))?;
    let out = PyDict::new(py);
    out.set_item("labels", to_array1(py, fit.labels))?;
    out.set_item("core_sample_indices", to_array1(py, fit.core_sample_indices))?;
    Ok(out)
}

#[pyfunction]
#[pyo3(signature = (X, n_threads=None, **keywords))]
#[allow(non_snake_case)]
fn hdbscan_fit<'py>(
    py: Python<'py>,
    X: PyReadonlyArray2<'py, f64>,
    n_threads: Option<usize>,
    keywords: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyDict>> {
    let params = params::<kernels::HdbscanParams>(py, keywords)?;
    let X = view(&X)?;
    let tree = enter(py, n_threads, |control| kernels::hdbscan_fit(X, &params, control))?;
    dendrogram_dict(py, tree)
}

/// `children` are pairs of nodes, one after the other.
#[pyfunction]
#[pyo3(signature = (children, distances, min_cluster_size, n_threads=None))]
fn hdbscan_condense<'py>(
    py: Python<'py>,
    children: PyReadonlyArray1<'py, i64>,
    distances: PyReadonlyArray1<'py, f64>,
    min_cluster_size: usize,
    n_threads: Option<usize>,
) -> PyResult<Bound<'py, PyDict>> {
    let (children, distances) = (slice(&children)?, slice(&distances)?);
    let tree = enter(py, n_threads, |control| {
        kernels::hdbscan_condense(children, distances, min_cluster_size, control)
    })?;
    let out = PyDict::new(py);
    out.set_item("parent", to_array1(py, tree.parent))?;
    out.set_item("child", to_array1(py, tree.child))?;
    out.set_item("lambda", to_array1(py, tree.lambda))?;
    out.set_item("size", to_array1(py, tree.size))?;
    Ok(out)
}

/// The first four are the arrays of a condensed tree.
#[pyfunction]
#[pyo3(signature = (parent, child, lambda_, size, n_threads=None, **keywords))]
fn hdbscan_select<'py>(
    py: Python<'py>,
    parent: PyReadonlyArray1<'py, i64>,
    child: PyReadonlyArray1<'py, i64>,
    lambda_: PyReadonlyArray1<'py, f64>,
    size: PyReadonlyArray1<'py, i64>,
    n_threads: Option<usize>,
    keywords: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyDict>> {
    let params = params::<kernels::SelectionParams>(py, keywords)?;
    let tree = kernels::CondensedTree {
        parent: slice(&parent)?.to_vec(),
        child: slice(&child)?.to_vec(),
        lambda: slice(&lambda_)?.to_vec(),
        size: slice(&size)?.to_vec(),
    };
    let found = enter(py, n_threads, |control| kernels::hdbscan_select(&tree, &params, control))?;
    let out = PyDict::new(py);
    out.set_item("labels", to_array1(py, found.labels))?;
    out.set_item("probabilities", to_array1(py, found.probabilities))?;
    out.set_item("clusters", to_array1(py, found.clusters))?;
    out.set_item("stabilities", to_array1(py, found.stabilities))?;
    Ok(out)
}

/// `starts` are centres, or where `draws` are given a matrix that is not read.
#[pyfunction]
#[pyo3(signature = (X, sample_weight, starts, draws=None, n_threads=None, **keywords))]
#[allow(non_snake_case)]
fn k_means_fit<'py>(
    py: Python<'py>,
    X: Matrix<'py>,
    sample_weight: Option<PyReadonlyArray1<'py, f64>>,
    starts: Matrix<'py>,
    draws: Option<PyReadonlyArray1<'py, f64>>,
    n_threads: Option<usize>,
    keywords: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyDict>> {
    let params = params::<kernels::KMeansParams>(py, keywords)?;
    let (weight, draws) = (maybe_slice(sample_weight.as_ref())?, maybe_slice(draws.as_ref())?);
    with_matrix!(py, Matrix, X, starts, |X, starts| {
        let (X, starts) = (view(X)?, view(starts)?);
        let starts = draws.map_or(kernels::Starts::Centres(starts), kernels::Starts::Draws);
        let fit = enter(py, n_threads, |control| {
            kernels::k_means_fit(X, weight, starts, &params, control)
        })?;
        k_means_dict(py, fit)
    })
}

#[pyfunction]
#[pyo3(signature = (X, sample_weight, starts, draws=None, n_threads=None, **keywords))]
#[allow(non_snake_case)]
fn k_means_fit_sparse<'py>(
    py: Python<'py>,
    X: Sparse<'py>,
    sample_weight: Option<PyReadonlyArray1<'py, f64>>,
    starts: Matrix<'py>,
    draws: Option<PyReadonlyArray1<'py, f64>>,
    n_threads: Option<usize>,
    keywords: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyDict>> {
    let params = params::<kernels::KMeansParams>(py, keywords)?;
    let (weight, draws) = (maybe_slice(sample_weight.as_ref())?, maybe_slice(draws.as_ref())?);
    with_matrix!(py, Sparse, X, starts, |X, starts| {
        let (X, starts) = (sparse_view(X)?, view(starts)?);
        let starts = draws.map_or(kernels::Starts::Centres(starts), kernels::Starts::Draws);
        let fit = enter(py, n_threads, |control| {
            kernels::k_means_fit_sparse(X?, weight, starts, &params, control)
        })?;
        k_means_dict(py, fit)
    })
}

fn k_means_dict<T: Lanes + Element>(
    py: Python<'_>,
    fit: kernels::KMeansFit<T>,
) -> PyResult<Bound<'_, PyDict>> {
    let out = PyDict::new(py);
    out.set_item("centers", to_array2(py, fit.centers)?)?;
    out.set_item("labels", to_array1(py, fit.labels))?;
    out.set_item("inertia", fit.inertia)?;
    out.set_item("n_iter", fit.n_iter)?;
    out.set_item("history", fit.history)?;
    out.set_item("n_distinct", fit.n_distinct)?;
    out.set_item("tolerance", fit.tolerance)?;
    Ok(out)
}

#[pyfunction]
#[pyo3(signature = (X, sample_weight, draws, n_threads=None, **keywords))]
#[allow(non_snake_case)]
fn k_means_init<'py>(
    py: Python<'py>,
    X: Matrix<'py>,
    sample_weight: Option<PyReadonlyArray1<'py, f64>>,
    draws: PyReadonlyArray1<'py, f64>,
    n_threads: Option<usize>,
    keywords: Option<&Bound<'py, PyDict>>,
) -> PyResult<Vec<usize>> {
    let params = params::<kernels::KMeansInitParams>(py, keywords)?;
    let (weight, draws) = (maybe_slice(sample_weight.as_ref())?, slice(&draws)?);
    by_dtype!(Matrix, &X, |X| {
        let X = view(X)?;
        enter(py, n_threads, |control| kernels::k_means_init(X, weight, draws, &params, control))
    })
}

#[pyfunction]
#[pyo3(signature = (X, sample_weight, draws, n_threads=None, **keywords))]
#[allow(non_snake_case)]
fn k_means_init_sparse<'py>(
    py: Python<'py>,
    X: Sparse<'py>,
    sample_weight: Option<PyReadonlyArray1<'py, f64>>,
    draws: PyReadonlyArray1<'py, f64>,
    n_threads: Option<usize>,
    keywords: Option<&Bound<'py, PyDict>>,
) -> PyResult<Vec<usize>> {
    let params = params::<kernels::KMeansInitParams>(py, keywords)?;
    let (weight, draws) = (maybe_slice(sample_weight.as_ref())?, slice(&draws)?);
    by_dtype!(Sparse, &X, |X| {
        let X = sparse_view(X)?;
        enter(py, n_threads, |control| {
            kernels::k_means_init_sparse(X?, weight, draws, &params, control)
        })
    })
}

#[pyfunction]
#[pyo3(signature = (X, centers, sample_weight=None, n_threads=None))]
#[allow(non_snake_case)]
fn k_means_predict<'py>(
    py: Python<'py>,
    X: Matrix<'py>,
    centers: Matrix<'py>,
    sample_weight: Option<PyReadonlyArray1<'py, f64>>,
    n_threads: Option<usize>,
) -> PyResult<Bound<'py, PyDict>> {
    let weight = maybe_slice(sample_weight.as_ref())?;
    let found = with_matrix!(py, Matrix, X, centers, |X, centers| {
        let (X, centers) = (view(X)?, view(centers)?);
        enter(py, n_threads, |control| kernels::k_means_predict(X, centers, weight, control))?
    });
    labels_dict(py, found)
}

#[pyfunction]
#[pyo3(signature = (X, centers, sample_weight=None, n_threads=None))]
#[allow(non_snake_case)]
fn k_means_predict_sparse<'py>(
    py: Python<'py>,
    X: Sparse<'py>,
    centers: Matrix<'py>,
    sample_weight: Option<PyReadonlyArray1<'py, f64>>,
    n_threads: Option<usize>,
) -> PyResult<Bound<'py, PyDict>> {
    let weight = maybe_slice(sample_weight.as_ref())?;
    let found = with_matrix!(py, Sparse, X, centers, |X, centers| {
        let (X, centers) = (sparse_view(X)?, view(centers)?);
        enter(py, n_threads, |control| {
            kernels::k_means_predict_sparse(X?, centers, weight, control)
        })?
    });
    labels_dict(py, found)
}

fn labels_dict(py: Python<'_>, (labels, inertia): (Vec<i32>, f64)) -> PyResult<Bound<'_, PyDict>> {
    let out = PyDict::new(py);
    out.set_item("labels", to_array1(py, labels))?;
    out.set_item("inertia", inertia)?;
    Ok(out)
}

#[pyfunction]
#[pyo3(signature = (X, rows, sample_weight, centers, counts, n_threads=None))]
#[allow(non_snake_case)]
fn mini_batch_k_means_fit_step<'py>(
    py: Python<'py>,
    X: Matrix<'py>,
    rows: PyReadonlyArray1<'py, i64>,
    sample_weight: Option<PyReadonlyArray1<'py, f64>>,
    centers: Matrix<'py>,
    counts: PyReadonlyArray1<'py, f64>,
    n_threads: Option<usize>,
) -> PyResult<Bound<'py, PyDict>> {
    let (rows, counts) = (slice(&rows)?, slice(&counts)?);
    let weight = maybe_slice(sample_weight.as_ref())?;
    with_matrix!(py, Matrix, X, centers, |X, centers| {
        let (X, centers) = (view(X)?, view(centers)?);
        let step = kernels::mini_batch_k_means_fit_step::<_>;
        let step = enter(py, n_threads, |control| step(X, rows, weight, centers, counts, control))?;
        step_dict(py, step)
    })
}

#[pyfunction]
#[pyo3(signature = (X, rows, sample_weight, centers, counts, n_threads=None))]
#[allow(non_snake_case)]
fn mini_batch_k_means_fit_step_sparse<'py>(
    py: Python<'py>,
    X: Sparse<'py>,
    rows: PyReadonlyArray1<'py, i64>,
    sample_weight: Option<PyReadonlyArray1<'py, f64>>,
    centers: Matrix<'py>,
    counts: PyReadonlyArray1<'py, f64>,
    n_threads: Option<usize>,
) -> PyResult<Bound<'py, PyDict>> {
    let (rows, counts) = (slice(&rows)?, slice(&counts)?);
    let weight = maybe_slice(sample_weight.as_ref())?;
    with_matrix!(py, Sparse, X, centers, |X, centers| {
        let (X, centers) = (sparse_view(X)?, view(centers)?);
        let step = kernels::mini_batch_k_means_fit_step_sparse::<_>;
        let step =
            enter(py, n_threads, |control| step(X?, rows, weight, centers, counts, control))?;
        step_dict(py, step)
    })
}

fn step_dict<T: Lanes + Element>(
    py: Python<'_>,
    step: kernels::MiniBatchStep<T>,
) -> PyResult<Bound<'_, PyDict>> {
    let out = PyDict::new(py);
    out.set_item("centers", to_array2(py, step.centers)?)?;
    out.set_item("counts", to_array1(py, step.counts))?;
    out.set_item("inertia", step.inertia)?;
    Ok(out)
}

pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(agglomerative_clustering_cut, module)?)?;
    module.add_function(wrap_pyfunction!(agglomerative_clustering_fit, module)?)?;
    module.add_function(wrap_pyfunction!(agglomerative_clustering_fit_graph, module)?)?;
    module.add_function(wrap_pyfunction!(dbscan_fit, module)?)?;
    module.add_function(wrap_pyfunction!(hdbscan_condense, module)?)?;
    module.add_function(wrap_pyfunction!(hdbscan_fit, module)?)?;
    module.add_function(wrap_pyfunction!(hdbscan_select, module)?)?;
    module.add_function(wrap_pyfunction!(k_means_fit, module)?)?;
    module.add_function(wrap_pyfunction!(k_means_fit_sparse, module)?)?;
    module.add_function(wrap_pyfunction!(k_means_init, module)?)?;
    module.add_function(wrap_pyfunction!(k_means_init_sparse, module)?)?;
    module.add_function(wrap_pyfunction!(k_means_predict, module)?)?;
    module.add_function(wrap_pyfunction!(k_means_predict_sparse, module)?)?;
    module.add_function(wrap_pyfunction!(mini_batch_k_means_fit_step, module)?)?;
    module.add_function(wrap_pyfunction!(mini_batch_k_means_fit_step_sparse, module)?)
}
