//! Linear models.

use numpy::PyReadonlyArray1;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use smelt_learn::linear_model as kernels;

use crate::arrays::{
    Matrix, Sparse, by_dtype, maybe_slice, slice, sparse_view, to_array1, to_array2, view,
};
use crate::enter::{enter, raise};
use crate::params::params;

/// Evaluates an expression for `X` of kind `$kind` and the targets `y`, which have X's dtype.
macro_rules! with_targets {
    ($py:ident, $kind:ident, $X:ident, $y:ident, |$x:ident, $targets:ident| $body:expr) => {
        match (&$X, &$y) {
            ($kind::F32($x), Matrix::F32($targets)) => $body,
            ($kind::F64($x), Matrix::F64($targets)) => $body,
            _ => return Err(raise($py, "InternalError", "X and y differ in dtype".to_string())),
        }
    };
}

#[pyfunction]
#[pyo3(signature = (X, y, sample_weight=None, n_threads=None, **keywords))]
#[allow(non_snake_case)]
fn ridge_fit<'py>(
    py: Python<'py>,
    X: Matrix<'py>,
    y: Matrix<'py>,
    sample_weight: Option<PyReadonlyArray1<'py, f64>>,
    n_threads: Option<usize>,
    keywords: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyDict>> {
    let params = params::<kernels::RidgeParams>(py, keywords)?;
    let weight = maybe_slice(sample_weight.as_ref())?;
    let fit = with_targets!(py, Matrix, X, y, |X, y| {
        let (X, y) = (view(X)?, view(y)?);
        enter(py, n_threads, |control| kernels::ridge_fit(X, y, weight, &params, control))?
    });
    ridge_dict(py, fit)
}

#[pyfunction]
#[pyo3(signature = (X, y, sample_weight=None, n_threads=None, **keywords))]
#[allow(non_snake_case)]
fn ridge_fit_sparse<'py>(
    py: Python<'py>,
    X: Sparse<'py>,
    y: Matrix<'py>,
    sample_weight: Option<PyReadonlyArray1<'py, f64>>,
    n_threads: Option<usize>,
    keywords: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyDict>> {
    let params = params::<kernels::RidgeParams>(py, keywords)?;
    let weight = maybe_slice(sample_weight.as_ref())?;
    let fit = with_targets!(py, Sparse, X, y, |X, y| {
        let (X, y) = (sparse_view(X)?, view(y)?);
        enter(py, n_threads, |control| kernels::ridge_fit_sparse(X?, y, weight, &params, control))?
    });
    ridge_dict(py, fit)
}

fn ridge_dict(py: Python<'_>, fit: kernels::RidgeFit) -> PyResult<Bound<'_, PyDict>> {
    let out = PyDict::new(py);
    out.set_item("coef", to_array2(py, fit.coef)?)?;
    out.set_item("intercept", to_array1(py, fit.intercept))?;
    out.set_item("n_iter", fit.n_iter)?;
    out.set_item("solver", fit.solver.name())?;
    Ok(out)
}

#[pyfunction]
#[pyo3(signature = (X, y, sample_weight=None, n_threads=None, **keywords))]
#[allow(non_snake_case)]
fn linear_regression_fit<'py>(
    py: Python<'py>,
    X: Matrix<'py>,
    y: Matrix<'py>,
    sample_weight: Option<PyReadonlyArray1<'py, f64>>,
    n_threads: Option<usize>,
    keywords: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyDict>> {
    let params = params::<kernels::LinearRegressionParams>(py, keywords)?;
    let weight = maybe_slice(sample_weight.as_ref())?;
    let fit = with_targets!(py, Matrix, X, y, |X, y| {
        let (X, y) = (view(X)?, view(y)?);
        let fit = kernels::linear_regression_fit::<_>;
        enter(py, n_threads, |control| fit(X, y, weight, &params, control))?
    });
    linear_regression_dict(py, fit)
}

#[pyfunction]
#[pyo3(signature = (X, y, sample_weight=None, n_threads=None, **keywords))]
#[allow(non_snake_case)]
fn linear_regression_fit_sparse<'py>(
    py: Python<'py>,
    X: Sparse<'py>,
    y: Matrix<'py>,
    sample_weight: Option<PyReadonlyArray1<'py, f64>>,
    n_threads: Option<usize>,
    keywords: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyDict>> {
    let params = params::<kernels::LinearRegressionParams>(py, keywords)?;
    let weight = maybe_slice(sample_weight.as_ref())?;
    let fit = with_targets!(py, Sparse, X, y, |X, y| {
        let (X, y) = (sparse_view(X)?, view(y)?);
        let fit = kernels::linear_regression_fit_sparse::<_>;
        enter(py, n_threads, |control| fit(X?, y, weight, &params, control))?
    });
    linear_regression_dict(py, fit)
}

fn linear_regression_dict(
    py: Python<'_>,
    fit: kernels::LinearRegressionFit,
) -> PyResult<Bound<'_, PyDict>> {
    let out = PyDict::new(py);
    out.set_item("coef", to_array2(py, fit.coef)?)?;
    out.set_item("intercept", to_array1(py, fit.intercept))?;
    out.set_item("rank", fit.rank)?;
    out.set_item("singular", to_array1(py, fit.singular))?;
    Ok(out)
}

#[pyfunction]
#[pyo3(signature = (X, y, sample_weight=None, start=None, n_threads=None, **keywords))]
#[allow(non_snake_case)]
fn logistic_regression_fit<'py>(
    py: Python<'py>,
    X: Matrix<'py>,
    y: PyReadonlyArray1<'py, i32>,
    sample_weight: Option<PyReadonlyArray1<'py, f64>>,
    start: Option<PyReadonlyArray1<'py, f64>>,
    n_threads: Option<usize>,
    keywords: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyDict>> {
    let params = params::<kernels::LogisticRegressionParams>(py, keywords)?;
    let (y, weight) = (slice(&y)?, maybe_slice(sample_weight.as_ref())?);
    let start = maybe_slice(start.as_ref())?;
    let fit = by_dtype!(Matrix, &X, |X| {
        let X = view(X)?;
        let fit = kernels::logistic_regression_fit::<_>;
        enter(py, n_threads, |control| fit(X, y, weight, start, &params, control))?
    });
    logistic_regression_dict(py, fit)
}

#[pyfunction]
#[pyo3(signature = (X, y, sample_weight=None, start=None, n_threads=None, **keywords))]
#[allow(non_snake_case)]
fn logistic_regression_fit_sparse<'py>(
    py: Python<'py>,
    X: Sparse<'py>,
    y: PyReadonlyArray1<'py, i32>,
    sample_weight: Option<PyReadonlyArray1<'py, f64>>,
    start: Option<PyReadonlyArray1<'py, f64>>,
    n_threads: Option<usize>,
    keywords: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyDict>> {
    let params = params::<kernels::LogisticRegressionParams>(py, keywords)?;
    let (y, weight) = (slice(&y)?, maybe_slice(sample_weight.as_ref())?);
    let start = maybe_slice(start.as_ref())?;
    let fit = by_dtype!(Sparse, &X, |X| {
        let X = sparse_view(X)?;
        let fit = kernels::logistic_regression_fit_sparse::<_>;
        enter(py, n_threads, |control| fit(X?, y, weight, start, &params, control))?
    });
    logistic_regression_dict(py, fit)
}

fn logistic_regression_dict(
    py: Python<'_>,
    fit: kernels::LogisticRegressionFit,
) -> PyResult<Bound<'_, PyDict>> {
    let out = PyDict::new(py);
    out.set_item("coef", to_array2(py, fit.coef)?)?;
    out.set_item("intercept", to_array1(py, fit.intercept))?;
    out.set_item("n_iter", fit.n_iter)?;
    out.set_item("converged", fit.converged)?;
    out.set_item("gradient_max", fit.gradient_max)?;
    Ok(out)
}

pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(linear_regression_fit, module)?)?;
    module.add_function(wrap_pyfunction!(linear_regression_fit_sparse, module)?)?;
    module.add_function(wrap_pyfunction!(logistic_regression_fit, module)?)?;
    module.add_function(wrap_pyfunction!(logistic_regression_fit_sparse, module)?)?;
    module.add_function(wrap_pyfunction!(ridge_fit, module)?)?;
    module.add_function(wrap_pyfunction!(ridge_fit_sparse, module)?)
}
