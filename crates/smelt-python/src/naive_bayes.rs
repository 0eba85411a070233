//! Naive Bayes.

use numpy::{Element, PyReadonlyArray1, PyReadonlyArray2};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use smelt_core::Real;
use smelt_learn::naive_bayes as kernels;

use crate::arrays::{
    Matrix, Sparse, by_dtype, first_that_fits, maybe_slice, slice, sparse_view, to_array1,
    to_array2, view,
};
use crate::enter::{enter, raise};
use crate::params::params;

/// Rows as an array, or as the arrays of compressed rows.
enum Samples<'py> {
    Sparse(Sparse<'py>),
    Dense(Matrix<'py>),
}

first_that_fits!(
    Samples,
    "expected rows as an array, or the arrays of compressed rows",
    Dense(array: Matrix<'py>),
    Sparse(arrays: Sparse<'py>)
);

/// Evaluates an expression with `$x` bound to the kernel's view of `$samples`.
macro_rules! with_samples {
    ($samples:expr, |$x:ident| $body:expr) => {
        match &$samples {
            Samples::Dense(array) => by_dtype!(Matrix, array, |array| {
                let $x = Ok(kernels::Samples::Dense(view(array)?));
                $body
            }),
            Samples::Sparse(arrays) => by_dtype!(Sparse, arrays, |arrays| {
                let $x = sparse_view(arrays)?.map(kernels::Samples::Sparse);
                $body
            }),
        }
    };
}

#[pyfunction]
#[pyo3(signature = (X, y, sample_weight=None, n_threads=None, **keywords))]
#[allow(non_snake_case)]
fn gaussian_nb_fit<'py>(
    py: Python<'py>,
    X: Matrix<'py>,
    y: PyReadonlyArray1<'py, i32>,
    sample_weight: Option<PyReadonlyArray1<'py, f64>>,
    n_threads: Option<usize>,
    keywords: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyDict>> {
    let params = params::<kernels::GaussianNBParams>(py, keywords)?;
    let (y, weight) = (slice(&y)?, maybe_slice(sample_weight.as_ref())?);
    let fit = by_dtype!(Matrix, &X, |X| {
        let X = view(X)?;
        enter(py, n_threads, |control| kernels::gaussian_nb_fit(X, y, weight, &params, control))?
    });
    let out = PyDict::new(py);
    out.set_item("n_rows", to_array1(py, fit.n_rows))?;
    out.set_item("weight", to_array1(py, fit.weight))?;
    out.set_item("mean", to_array2(py, fit.mean)?)?;
    out.set_item("variance", to_array2(py, fit.variance)?)?;
    out.set_item("largest_variance", fit.largest_variance)?;
    Ok(out)
}

#[pyfunction]
#[pyo3(signature = (X, mean, variance, prior, output, n_threads=None))]
#[allow(non_snake_case)]
fn gaussian_nb_predict<'py>(
    py: Python<'py>,
    X: Matrix<'py>,
    mean: PyReadonlyArray2<'py, f64>,
    variance: PyReadonlyArray2<'py, f64>,
    prior: PyReadonlyArray1<'py, f64>,
    output: &str,
    n_threads: Option<usize>,
) -> PyResult<(Py<PyAny>, bool)> {
    let (mean, variance, prior) = (view(&mean)?, view(&variance)?, slice(&prior)?);
    let output = output_of(py, output)?;
    by_dtype!(Matrix, &X, |X| {
        let X = view(X)?;
        let predict = kernels::gaussian_nb_predict::<_>;
        let found =
            enter(py, n_threads, |control| predict(X, mean, variance, prior, output, control))?;
        prediction(py, found)
    })
}

/// Fit and prediction of a model that counts features within classes.
macro_rules! discrete {
    ($fit:ident, $predict:ident, $params:ident $(, $threshold:ident)?) => {
        #[pyfunction]
        #[pyo3(signature = (
            X, y, sample_weight=None, feature_count=None, class_count=None, n_threads=None, **keywords
        ))]
        #[allow(non_snake_case, clippy::too_many_arguments)]
        fn $fit<'py>(
            py: Python<'py>,
            X: Samples<'py>,
            y: PyReadonlyArray1<'py, i32>,
            sample_weight: Option<PyReadonlyArray1<'py, f64>>,
            feature_count: Option<PyReadonlyArray2<'py, f64>>,
            class_count: Option<PyReadonlyArray1<'py, f64>>,
            n_threads: Option<usize>,
            keywords: Option<&Bound<'py, PyDict>>,
        ) -> PyResult<Bound<'py, PyDict>> {
            let params = params::<kernels::$params>(py, keywords)?;
            let (y, weight) = (slice(&y)?, maybe_slice(sample_weight.as_ref())?);
            let before = match (&feature_count, &class_count) {
                (Some(features), Some(classes)) => Some(kernels::Before {
                    feature_count: view(features)?,
                    class_count: slice(classes)?,
                }),
                _ => None,
            };
            let fit = with_samples!(X, |X| enter(py, n_threads, |control| {
                kernels::$fit(X?, y, weight, before, &params, control)
            })?);
            let out = PyDict::new(py);
            out.set_item("class_count", to_array1(py, fit.class_count))?;
            out.set_item("feature_count", to_array2(py, fit.feature_count)?)?;
            out.set_item("feature_log_prob", to_array2(py, fit.feature_log_prob)?)?;
            out.set_item("negative", fit.negative)?;
            Ok(out)
        }

        #[pyfunction]
        #[pyo3(signature = (
            X, feature_log_prob, class_log_prior, output, $($threshold=None,)? n_threads=None
        ))]
        #[allow(non_snake_case)]
        fn $predict<'py>(
            py: Python<'py>,
            X: Samples<'py>,
            feature_log_prob: PyReadonlyArray2<'py, f64>,
            class_log_prior: PyReadonlyArray1<'py, f64>,
            output: &str,
            $($threshold: Option<f64>,)?
            n_threads: Option<usize>,
        ) -> PyResult<(Py<PyAny>, bool)> {
            let (weights, prior) = (view(&feature_log_prob)?, slice(&class_log_prior)?);
            let output = output_of(py, output)?;
            let found = with_samples!(X, |X| enter(py, n_threads, |control| {
                kernels::$predict(X?, weights, prior, $($threshold,)? output, control)
            })?);
            prediction(py, found)
        }
    };
}

discrete!(multinomial_nb_fit, multinomial_nb_predict, MultinomialNBParams);
discrete!(complement_nb_fit, complement_nb_predict, ComplementNBParams);
discrete!(bernoulli_nb_fit, bernoulli_nb_predict, BernoulliNBParams, threshold);

#[pyfunction]
#[pyo3(signature = (X, y, sample_weight=None, category_count=None, n_threads=None, **keywords))]
#[allow(non_snake_case)]
fn categorical_nb_fit<'py>(
    py: Python<'py>,
    X: PyReadonlyArray2<'py, i64>,
    y: PyReadonlyArray1<'py, i32>,
    sample_weight: Option<PyReadonlyArray1<'py, f64>>,
    category_count: Option<PyReadonlyArray2<'py, f64>>,
    n_threads: Option<usize>,
    keywords: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyDict>> {
    let params = params::<kernels::CategoricalNBParams>(py, keywords)?;
    let (X, y, weight) = (view(&X)?, slice(&y)?, maybe_slice(sample_weight.as_ref())?);
    let before = category_count.as_ref().map(view).transpose()?;
    let fit = enter(py, n_threads, |control| {
        kernels::categorical_nb_fit(X, y, weight, before, &params, control)
    })?;
    let out = PyDict::new(py);
    out.set_item("n_categories", to_array1(py, fit.n_categories))?;
    out.set_item("class_count", to_array1(py, fit.class_count))?;
    out.set_item("category_count", to_array2(py, fit.category_count)?)?;
    out.set_item("feature_log_prob", to_array2(py, fit.feature_log_prob)?)?;
    out.set_item("negative", fit.negative)?;
    Ok(out)
}

#[pyfunction]
#[pyo3(signature = (X, feature_log_prob, class_log_prior, n_categories, output, n_threads=None))]
#[allow(non_snake_case)]
fn categorical_nb_predict<'py>(
    py: Python<'py>,
    X: PyReadonlyArray2<'py, i64>,
    feature_log_prob: PyReadonlyArray2<'py, f64>,
    class_log_prior: PyReadonlyArray1<'py, f64>,
    n_categories: PyReadonlyArray1<'py, i64>,
    output: &str,
    n_threads: Option<usize>,
) -> PyResult<(Py<PyAny>, bool)> {
    let (X, weights, prior) = (view(&X)?, view(&feature_log_prob)?, slice(&class_log_prior)?);
    let (n_categories, output) = (slice(&n_categories)?, output_of(py, output)?);
    let found = enter(py, n_threads, |control| {
        kernels::categorical_nb_predict(X, weights, prior, n_categories, output, control)
    })?;
    prediction(py, found)
}

/// What a prediction shall return, by name.
fn output_of(py: Python<'_>, name: &str) -> PyResult<kernels::Output> {
    match name {
        "label" => Ok(kernels::Output::Label),
        "joint_log_proba" => Ok(kernels::Output::JointLogProba),
        "log_proba" => Ok(kernels::Output::LogProba),
        "proba" => Ok(kernels::Output::Proba),
        _ => Err(raise(py, "InternalError", format!("there is no output {name:?}"))),
    }
}

/// Positions of classes or scores, and whether all rows have a finite best score.
fn prediction<T: Real + Element>(
    py: Python<'_>,
    found: kernels::Prediction<T>,
) -> PyResult<(Py<PyAny>, bool)> {
    let answer = match found.answer {
        kernels::Answer::Labels(labels) => to_array1(py, labels).into_any().unbind(),
        kernels::Answer::Scores(scores) => to_array2(py, scores)?.into_any().unbind(),
    };
    Ok((answer, found.finite))
}

pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(bernoulli_nb_fit, module)?)?;
    module.add_function(wrap_pyfunction!(bernoulli_nb_predict, module)?)?;
    module.add_function(wrap_pyfunction!(categorical_nb_fit, module)?)?;
    module.add_function(wrap_pyfunction!(categorical_nb_predict, module)?)?;
    module.add_function(wrap_pyfunction!(complement_nb_fit, module)?)?;
    module.add_function(wrap_pyfunction!(complement_nb_predict, module)?)?;
    module.add_function(wrap_pyfunction!(gaussian_nb_fit, module)?)?;
    module.add_function(wrap_pyfunction!(gaussian_nb_predict, module)?)?;
    module.add_function(wrap_pyfunction!(multinomial_nb_fit, module)?)?;
    module.add_function(wrap_pyfunction!(multinomial_nb_predict, module)?)
}
