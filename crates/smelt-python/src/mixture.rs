//! Mixtures.

use numpy::{PyReadonlyArray1, PyReadonlyArray2};
use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use smelt_learn::mixture as kernels;

use crate::arrays::{Matrix, by_dtype, slice, to_array1, to_array2, view};
use crate::enter::{enter, raise};
use crate::params::params;

#[pyfunction]
#[pyo3(signature = (X, labels, shares, n_components, n_threads=None, **keywords))]
#[allow(non_snake_case)]
fn gaussian_mixture_fit_start<'py>(
    py: Python<'py>,
    X: Matrix<'py>,
    labels: Option<PyReadonlyArray1<'py, i32>>,
    shares: Option<Matrix<'py>>,
    n_components: usize,
    n_threads: Option<usize>,
    keywords: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyDict>> {
    let params = params::<kernels::GaussianMixtureParams>(py, keywords)?;
    /// Starts with X and shares of one type.
    macro_rules! start {
        ($x:expr, $given:expr) => {{
            let (x, given) = (view($x)?, $given);
            let start = kernels::gaussian_mixture_fit_start::<_>;
            enter(py, n_threads, |control| start(x, n_components, given, &params, control))?
        }};
    }
    use kernels::Responsibilities::{Labels, Shares};
    let fit = match (&X, &labels, &shares) {
        (Matrix::F32(X), Some(labels), None) => start!(X, Labels(slice(labels)?)),
        (Matrix::F64(X), Some(labels), None) => start!(X, Labels(slice(labels)?)),
        (Matrix::F32(X), None, Some(Matrix::F32(shares))) => start!(X, Shares(view(shares)?)),
        (Matrix::F64(X), None, Some(Matrix::F64(shares))) => start!(X, Shares(view(shares)?)),
        _ => {
            let message = "either labels or shares of the dtype of X are needed".to_string();
            return Err(raise(py, "InternalError", message));
        }
    };
    fit_dict(py, fit)
}

#[pyfunction]
#[pyo3(signature = (X, weights, means, precisions_cholesky, n_threads=None, **keywords))]
#[allow(non_snake_case)]
fn gaussian_mixture_fit_step<'py>(
    py: Python<'py>,
    X: Matrix<'py>,
    weights: PyReadonlyArray1<'py, f64>,
    means: PyReadonlyArray2<'py, f64>,
    precisions_cholesky: PyReadonlyArray2<'py, f64>,
    n_threads: Option<usize>,
    keywords: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyDict>> {
    let params = params::<kernels::GaussianMixtureParams>(py, keywords)?;
    let mixture = kernels::Mixture {
        weights: slice(&weights)?,
        means: view(&means)?,
        precisions_cholesky: view(&precisions_cholesky)?,
    };
    let fit = by_dtype!(Matrix, &X, |X| {
        let X = view(X)?;
        let step = kernels::gaussian_mixture_fit_step::<_>;
        enter(py, n_threads, |control| step(X, mixture, &params, control))?
    });
    fit_dict(py, fit)
}

fn fit_dict(py: Python<'_>, fit: kernels::GaussianMixtureFit) -> PyResult<Bound<'_, PyDict>> {
    let out = PyDict::new(py);
    out.set_item("lower_bound", fit.lower_bound)?;
    out.set_item("weights", to_array1(py, fit.weights))?;
    out.set_item("means", to_array2(py, fit.means)?)?;
    out.set_item("covariances", to_array2(py, fit.covariances)?)?;
    out.set_item("precisions_cholesky", to_array2(py, fit.precisions_cholesky)?)?;
    Ok(out)
}

#[pyfunction]
#[pyo3(signature = (X, weights, means, precisions_cholesky, covariance_type, output, n_threads=None))]
#[allow(non_snake_case, clippy::too_many_arguments)]
fn gaussian_mixture_predict<'py>(
    py: Python<'py>,
    X: Matrix<'py>,
    weights: PyReadonlyArray1<'py, f64>,
    means: PyReadonlyArray2<'py, f64>,
    precisions_cholesky: PyReadonlyArray2<'py, f64>,
    covariance_type: &Bound<'py, PyAny>,
    output: &Bound<'py, PyAny>,
    n_threads: Option<usize>,
) -> PyResult<Py<PyAny>> {
    let mixture = kernels::Mixture {
        weights: slice(&weights)?,
        means: view(&means)?,
        precisions_cholesky: view(&precisions_cholesky)?,
    };
    let (kind, output) =
        (pythonize::depythonize(covariance_type)?, pythonize::depythonize(output)?);
    by_dtype!(Matrix, &X, |X| {
        let X = view(X)?;
        let predict = kernels::gaussian_mixture_predict::<_>;
        match enter(py, n_threads, |control| predict(X, mixture, kind, output, control))? {
            kernels::MixtureAnswer::Labels(labels) => to_array1(py, labels).into_py_any(py),
            kernels::MixtureAnswer::Proba(proba) => to_array2(py, proba)?.into_py_any(py),
            kernels::MixtureAnswer::LogLikelihood(logs) => to_array1(py, logs).into_py_any(py),
        }
    })
}

pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(gaussian_mixture_fit_start, module)?)?;
    module.add_function(wrap_pyfunction!(gaussian_mixture_fit_step, module)?)?;
    module.add_function(wrap_pyfunction!(gaussian_mixture_predict, module)?)
}
