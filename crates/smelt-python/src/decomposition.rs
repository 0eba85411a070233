//! Decompositions.

use numpy::{Element, PyReadonlyArray1, PyReadonlyArray2};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use smelt_core::Real;
use smelt_learn::decomposition as kernels;

use crate::arrays::{Matrix, Sparse, by_dtype, slice, sparse_view, to_array1, to_array2, view};
use crate::enter::{enter, raise};
use crate::params::params;

#[pyfunction]
#[pyo3(signature = (X, probes=None, n_threads=None, **keywords))]
#[allow(non_snake_case)]
fn pca_fit<'py>(
    py: Python<'py>,
    X: Matrix<'py>,
    probes: Option<PyReadonlyArray2<'py, f64>>,
    n_threads: Option<usize>,
    keywords: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyDict>> {
    let params = params::<kernels::PcaParams>(py, keywords)?;
    let probes = probes.as_ref().map(view).transpose()?;
    let fit = by_dtype!(Matrix, &X, |X| {
        let X = view(X)?;
        enter(py, n_threads, |control| kernels::pca_fit(X, probes, &params, control))?
    });
    pca_dict(py, fit)
}

#[pyfunction]
#[pyo3(signature = (X, probes=None, n_threads=None, **keywords))]
#[allow(non_snake_case)]
fn pca_fit_sparse<'py>(
    py: Python<'py>,
    X: Sparse<'py>,
    probes: Option<PyReadonlyArray2<'py, f64>>,
    n_threads: Option<usize>,
    keywords: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyDict>> {
    let params = params::<kernels::PcaParams>(py, keywords)?;
    let probes = probes.as_ref().map(view).transpose()?;
    let fit = by_dtype!(Sparse, &X, |X| {
        let X = sparse_view(X)?;
        enter(py, n_threads, |control| kernels::pca_fit_sparse(X?, probes, &params, control))?
    });
    pca_dict(py, fit)
}

fn pca_dict(py: Python<'_>, fit: kernels::PcaFit) -> PyResult<Bound<'_, PyDict>> {
    let out = PyDict::new(py);
    out.set_item("mean", to_array1(py, fit.mean))?;
    out.set_item("components", to_array2(py, fit.components)?)?;
    out.set_item("squares", to_array1(py, fit.squares))?;
    out.set_item("total", fit.total)?;
    out.set_item("converged", fit.converged)?;
    Ok(out)
}

#[pyfunction]
#[pyo3(signature = (X, probes, n_threads=None, **keywords))]
#[allow(non_snake_case)]
fn truncated_svd_fit<'py>(
    py: Python<'py>,
    X: Matrix<'py>,
    probes: PyReadonlyArray2<'py, f64>,
    n_threads: Option<usize>,
    keywords: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyDict>> {
    let params = params::<kernels::TruncatedSvdParams>(py, keywords)?;
    let probes = view(&probes)?;
    let fit = by_dtype!(Matrix, &X, |X| {
        let X = view(X)?;
        enter(py, n_threads, |control| kernels::truncated_svd_fit(X, probes, &params, control))?
    });
    truncated_svd_dict(py, fit)
}

#[pyfunction]
#[pyo3(signature = (X, probes, n_threads=None, **keywords))]
#[allow(non_snake_case)]
fn truncated_svd_fit_sparse<'py>(
    py: Python<'py>,
    X: Sparse<'py>,
    probes: PyReadonlyArray2<'py, f64>,
    n_threads: Option<usize>,
    keywords: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyDict>> {
    let params = params::<kernels::TruncatedSvdParams>(py, keywords)?;
    let probes = view(&probes)?;
    let fit = by_dtype!(Sparse, &X, |X| {
        let X = sparse_view(X)?;
        let fit = kernels::truncated_svd_fit_sparse::<_>;
        enter(py, n_threads, |control| fit(X?, probes, &params, control))?
    });
    truncated_svd_dict(py, fit)
}

fn truncated_svd_dict(
    py: Python<'_>,
    fit: kernels::TruncatedSvdFit,
) -> PyResult<Bound<'_, PyDict>> {
    let out = PyDict::new(py);
    out.set_item("components", to_array2(py, fit.components)?)?;
    out.set_item("singular", to_array1(py, fit.singular))?;
    out.set_item("transformed", to_array2(py, fit.transformed)?)?;
    out.set_item("converged", fit.converged)?;
    Ok(out)
}

#[pyfunction]
#[pyo3(signature = (X, known, mean, variance, n_threads=None, **keywords))]
#[allow(non_snake_case)]
fn incremental_pca_fit_batch<'py>(
    py: Python<'py>,
    X: Matrix<'py>,
    known: PyReadonlyArray2<'py, f64>,
    mean: PyReadonlyArray1<'py, f64>,
    variance: PyReadonlyArray1<'py, f64>,
    n_threads: Option<usize>,
    keywords: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyDict>> {
    let params = params::<kernels::IncrementalPcaParams>(py, keywords)?;
    let (known, mean, variance) = (view(&known)?, slice(&mean)?, slice(&variance)?);
    let fit = by_dtype!(Matrix, &X, |X| {
        let X = view(X)?;
        let fit = kernels::incremental_pca_fit_batch::<_>;
        enter(py, n_threads, |control| fit(X, known, mean, variance, &params, control))?
    });
    let out = PyDict::new(py);
    out.set_item("components", to_array2(py, fit.components)?)?;
    out.set_item("singular", to_array1(py, fit.singular))?;
    out.set_item("mean", to_array1(py, fit.mean))?;
    out.set_item("variance", to_array1(py, fit.variance))?;
    Ok(out)
}

/// Evaluates an expression for `X` of kind `$kind` and starts `W`, `Ht` of X's dtype.
macro_rules! with_starts {
    ($py:ident, $kind:ident, $X:ident, $W:ident, $Ht:ident, |$x:ident, $w:ident, $ht:ident| $body:expr) => {
        match (&$X, &$W, &$Ht) {
            ($kind::F32($x), Matrix::F32($w), Matrix::F32($ht)) => $body,
            ($kind::F64($x), Matrix::F64($w), Matrix::F64($ht)) => $body,
            _ => Err(raise($py, "InternalError", "X, W and H differ in dtype".to_string())),
        }
    };
}

#[pyfunction]
#[pyo3(signature = (X, W, Ht, n_threads=None, **keywords))]
#[allow(non_snake_case)]
fn nmf_fit<'py>(
    py: Python<'py>,
    X: Matrix<'py>,
    W: Matrix<'py>,
    Ht: Matrix<'py>,
    n_threads: Option<usize>,
    keywords: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyDict>> {
    let params = params::<kernels::NmfParams>(py, keywords)?;
    with_starts!(py, Matrix, X, W, Ht, |X, W, Ht| {
        let (X, W, Ht) = (view(X)?, view(W)?, view(Ht)?);
        let fit = enter(py, n_threads, |control| kernels::nmf_fit(X, W, Ht, &params, control))?;
        nmf_dict(py, fit)
    })
}

#[pyfunction]
#[pyo3(signature = (X, W, Ht, n_threads=None, **keywords))]
#[allow(non_snake_case)]
fn nmf_fit_sparse<'py>(
    py: Python<'py>,
    X: Sparse<'py>,
    W: Matrix<'py>,
    Ht: Matrix<'py>,
    n_threads: Option<usize>,
    keywords: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyDict>> {
    let params = params::<kernels::NmfParams>(py, keywords)?;
    with_starts!(py, Sparse, X, W, Ht, |X, W, Ht| {
        let (X, W, Ht) = (sparse_view(X)?, view(W)?, view(Ht)?);
        let fit = kernels::nmf_fit_sparse::<_>;
        let fit = enter(py, n_threads, |control| fit(X?, W, Ht, &params, control))?;
        nmf_dict(py, fit)
    })
}

fn nmf_dict<T: Element + Real>(
    py: Python<'_>,
    fit: kernels::NmfFit<T>,
) -> PyResult<Bound<'_, PyDict>> {
    let out = PyDict::new(py);
    out.set_item("W", to_array2(py, fit.w)?)?;
    out.set_item("Ht", to_array2(py, fit.ht)?)?;
    out.set_item("n_iter", fit.n_iter)?;
    out.set_item("error", fit.error)?;
    out.set_item("history", to_array1(py, fit.history))?;
    Ok(out)
}

pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(fast_ica_fit, module)?)?;
    module.add_function(wrap_pyfunction!(incremental_pca_fit_batch, module)?)?;
    module.add_function(wrap_pyfunction!(nmf_fit, module)?)?;
    module.add_function(wrap_pyfunction!(nmf_fit_sparse, module)?)?;
    module.add_function(wrap_pyfunction!(pca_fit, module)?)?;
    module.add_function(wrap_pyfunction!(pca_fit_sparse, module)?)?;
    module.add_function(wrap_pyfunction!(truncated_svd_fit, module)?)?;
    module.add_function(wrap_pyfunction!(truncated_svd_fit_sparse, module)?)
}

#[pyfunction]
#[pyo3(signature = (X, w_init, n_threads=None, **keywords))]
#[allow(non_snake_case)]
fn fast_ica_fit<'py>(
    py: Python<'py>,
    X: Matrix<'py>,
    w_init: PyReadonlyArray2<'py, f64>,
    n_threads: Option<usize>,
    keywords: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyDict>> {
    let params = params::<kernels::FastIcaParams>(py, keywords)?;
    let w_init = view(&w_init)?;
    let fit = by_dtype!(Matrix, &X, |X| {
        let X = view(X)?;
        enter(py, n_threads, |control| kernels::fast_ica_fit(X, w_init, &params, control))?
    });
    let out = PyDict::new(py);
    out.set_item("unmixing", to_array2(py, fit.unmixing)?)?;
    let whitening = fit.whitening.map(|matrix| to_array2(py, matrix)).transpose()?;
    out.set_item("whitening", whitening)?;
    out.set_item("mean", fit.mean.map(|mean| to_array1(py, mean)))?;
    out.set_item("deviation", to_array1(py, fit.deviation))?;
    out.set_item("n_iter", fit.n_iter)?;
    out.set_item("converged", fit.converged)?;
    Ok(out)
}
