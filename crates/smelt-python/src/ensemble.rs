//! Kernels of `smelt.ensemble`.

use numpy::{PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2, PyUntypedArrayMethods};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use smelt_core::{Mat, MatRef, Pcg64};
use smelt_tree::bins::{BordersRef, hist_gradient_boosting_bins, hist_gradient_boosting_borders};
use smelt_tree::boosting::loss::{LossName, named};
use smelt_tree::boosting::{
    Constraints, HistGradientBoostingParams, Rows, Shuffler, hist_gradient_boosting_baseline,
    hist_gradient_boosting_fit,
};
use smelt_tree::ensemble::EnsembleRef;

use crate::arrays::{Matrix, by_dtype, maybe_slice, slice, to_array1, to_array2, view};
use crate::enter::{enter, raise, to_python};
use crate::params::params;

type Vector<'py, T> = PyReadonlyArray1<'py, T>;
/// State of NumPy's PCG64: state, increment, and half a draw that waits to be used.
type RandomState = (u128, u128, Option<u32>);
/// Bins, targets, raw predictions and weights of the validation rows.
type Validation<'py> = (
    PyReadonlyArray2<'py, u8>,
    Vector<'py, f64>,
    PyReadonlyArray2<'py, f64>,
    Option<Vector<'py, f64>>,
);

/// Borders between the bins of every column: `{"thresholds", "offsets"}`.
#[pyfunction(name = "hist_gradient_boosting_borders")]
#[pyo3(signature = (X, sample_weight=None, rows=None, max_bins=255, n_threads=None))]
#[allow(non_snake_case)]
fn borders<'py>(
    py: Python<'py>,
    X: Matrix<'py>,
    sample_weight: Option<Vector<'py, f64>>,
    rows: Option<Vector<'py, i64>>,
    max_bins: usize,
    n_threads: Option<usize>,
) -> PyResult<Bound<'py, PyDict>> {
    let (weight, rows) = (maybe_slice(sample_weight.as_ref())?, maybe_slice(rows.as_ref())?);
    let found = by_dtype!(Matrix, &X, |X| {
        let X = view(X)?;
        enter(py, n_threads, |control| {
            hist_gradient_boosting_borders(X, weight, rows, max_bins, control)
        })?
    });
    let out = PyDict::new(py);
    out.set_item("thresholds", to_array1(py, found.thresholds))?;
    out.set_item("offsets", to_array1(py, found.offsets))?;
    Ok(out)
}

/// Bins of some columns of `X`: uint8 of shape (n_columns, n_rows).
#[pyfunction(name = "hist_gradient_boosting_bins")]
#[pyo3(signature = (X, columns, thresholds, offsets, is_categorical, n_threads=None))]
#[allow(non_snake_case)]
fn bins<'py>(
    py: Python<'py>,
    X: Matrix<'py>,
    columns: Vector<'py, i64>,
    thresholds: Vector<'py, f64>,
    offsets: Vector<'py, i64>,
    is_categorical: Vector<'py, bool>,
    n_threads: Option<usize>,
) -> PyResult<Bound<'py, PyAny>> {
    let columns = slice(&columns)?;
    let borders = BordersRef::new(slice(&thresholds)?, slice(&offsets)?, slice(&is_categorical)?);
    let borders = borders.map_err(|error| to_python(py, &error))?;
    let (out, n) = by_dtype!(Matrix, &X, |X| {
        let X = view(X)?;
        let out = enter(py, n_threads, |control| {
            hist_gradient_boosting_bins(X, columns, borders, control)
        })?;
        (out, X.n_rows())
    });
    Ok(to_array1(py, out).reshape([columns.len(), n])?.into_any())
}

/// Best constant raw predictions, one an output.
#[pyfunction(name = "hist_gradient_boosting_baseline")]
#[pyo3(signature = (y, sample_weight=None, *, loss, quantile=None, n_classes=0, n_threads=None))]
fn baseline<'py>(
    py: Python<'py>,
    y: Vector<'py, f64>,
    sample_weight: Option<Vector<'py, f64>>,
    loss: &str,
    quantile: Option<f64>,
    n_classes: usize,
    n_threads: Option<usize>,
) -> PyResult<Bound<'py, PyAny>> {
    let (y, weight) = (slice(&y)?, maybe_slice(sample_weight.as_ref())?);
    let names = PyDict::new(py);
    names.set_item("loss", loss)?;
    let name = params::<LossParams>(py, Some(&names))?.loss;
    let found = enter(py, n_threads, |_| {
        hist_gradient_boosting_baseline(y, weight, named(name, quantile, n_classes)?.as_ref())
    })?;
    Ok(to_array1(py, found).into_any())
}

#[derive(serde::Deserialize)]
struct LossParams {
    loss: LossName,
}

/// Adds iterations; see the twin for arguments and result.
#[pyfunction(name = "hist_gradient_boosting_fit")]
#[pyo3(signature = (bins, y, raw_prediction, thresholds, offsets, is_categorical, sample_weight=None,
    validation=None, monotonic_cst=None, interaction_cst=None, scores=None, random_state=None,
    n_threads=None, **keywords))]
fn fit<'py>(
    py: Python<'py>,
    bins: PyReadonlyArray2<'py, u8>,
    y: Vector<'py, f64>,
    raw_prediction: PyReadonlyArray2<'py, f64>,
    thresholds: Vector<'py, f64>,
    offsets: Vector<'py, i64>,
    is_categorical: Vector<'py, bool>,
    sample_weight: Option<Vector<'py, f64>>,
    validation: Option<Validation<'py>>,
    monotonic_cst: Option<Vector<'py, i8>>,
    interaction_cst: Option<Vec<Vec<usize>>>,
    scores: Option<(Vec<f64>, Vec<f64>)>,
    random_state: Option<RandomState>,
    n_threads: Option<usize>,
    keywords: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyDict>> {
    let params = params::<HistGradientBoostingParams>(py, keywords)?;
    let borders = BordersRef::new(slice(&thresholds)?, slice(&offsets)?, slice(&is_categorical)?)
        .map_err(|error| to_python(py, &error))?;
    let training = Rows {
        bins: contiguous(py, &bins)?,
        y: slice(&y)?,
        weight: maybe_slice(sample_weight.as_ref())?,
        raw: contiguous(py, &raw_prediction)?.to_vec(),
    };
    let n_outputs = raw_prediction.shape()[0];
    let validation = match &validation {
        Some((bins, y, raw, weight)) => Some(Rows {
            bins: contiguous(py, bins)?,
            y: slice(y)?,
            weight: maybe_slice(weight.as_ref())?,
            raw: contiguous(py, raw)?.to_vec(),
        }),
        None => None,
    };
    let constraints = Constraints {
        monotonic: maybe_slice(monotonic_cst.as_ref())?,
        interactions: interaction_cst,
    };
    let (state, increment, half) = random_state.unwrap_or((0, 1, None));
    let random = Shuffler { random: Pcg64::from_state(state, increment), half };
    let (n, n_validation) = (training.y.len(), validation.as_ref().map_or(0, |rows| rows.y.len()));
    let scores = scores.unwrap_or_default();
    let fit = enter(py, n_threads, |control| {
        hist_gradient_boosting_fit(
            training,
            validation,
            borders,
            constraints,
            scores,
            random,
            &params,
            control,
        )
    })?;
    let out = PyDict::new(py);
    let trees = PyDict::new(py);
    let made = fit.trees;
    trees.set_item("tree_offsets", to_array1(py, made.tree_offsets))?;
    trees.set_item("feature", to_array1(py, made.feature))?;
    trees.set_item("threshold", to_array1(py, made.threshold))?;
    trees.set_item("left", to_array1(py, made.left))?;
    trees.set_item("right", to_array1(py, made.right))?;
    trees.set_item("value", to_array1(py, made.value))?;
    trees.set_item("missing_left", to_array1(py, made.missing_left))?;
    trees.set_item("category_set", to_array1(py, made.category_set))?;
    let n_sets = made.left_categories.len() / 8;
    trees.set_item("left_categories", to_array1(py, made.left_categories).reshape([n_sets, 8])?)?;
    trees.set_item("count", to_array1(py, made.count))?;
    trees.set_item("gain", to_array1(py, made.gain))?;
    trees.set_item("depth", to_array1(py, made.depth))?;
    out.set_item("trees", trees)?;
    out.set_item("n_iter", fit.n_iter)?;
    out.set_item("stopped", fit.stopped)?;
    out.set_item("raw_prediction", to_array1(py, fit.raw).reshape([n_outputs, n])?)?;
    let raw = to_array1(py, fit.validation_raw)
        .reshape([if n_validation == 0 { 0 } else { n_outputs }, n_validation])?;
    out.set_item("validation_raw_prediction", raw)?;
    out.set_item("train_score", fit.train_score)?;
    out.set_item("validation_score", fit.validation_score)?;
    let (state, increment) = fit.random.random.state();
    out.set_item("random_state", (state, increment, fit.random.half))?;
    Ok(out)
}

/// A C-ordered matrix as a slice.
fn contiguous<'a, T: numpy::Element>(
    py: Python<'_>,
    array: &'a PyReadonlyArray2<'_, T>,
) -> PyResult<&'a [T]> {
    array
        .as_slice()
        .map_err(|_| raise(py, "InternalError", "a strided matrix reached a kernel".to_string()))
}

/// Raw predictions of an ensemble of trees, (n_rows, n_outputs).
#[pyfunction]
#[pyo3(signature = (X, *, baseline, tree_offsets, feature, threshold, left, right, value, missing_left,
    category_set, left_categories, known_categories, n_threads=None))]
#[allow(non_snake_case)]
fn tree_ensemble_predict<'py>(
    py: Python<'py>,
    X: Matrix<'py>,
    baseline: Vector<'py, f64>,
    tree_offsets: Vector<'py, u32>,
    feature: Vector<'py, u32>,
    threshold: Vector<'py, f64>,
    left: Vector<'py, u32>,
    right: Vector<'py, u32>,
    value: Vector<'py, f64>,
    missing_left: Vector<'py, u8>,
    category_set: Vector<'py, i32>,
    left_categories: PyReadonlyArray2<'py, u32>,
    known_categories: PyReadonlyArray2<'py, u32>,
    n_threads: Option<usize>,
) -> PyResult<Bound<'py, PyAny>> {
    let trees = EnsembleRef {
        n_features: 0,
        baseline: slice(&baseline)?,
        tree_offsets: slice(&tree_offsets)?,
        feature: slice(&feature)?,
        threshold: slice(&threshold)?,
        left: slice(&left)?,
        right: slice(&right)?,
        value: slice(&value)?,
        missing_left: slice(&missing_left)?,
        category_set: slice(&category_set)?,
        left_categories: contiguous(py, &left_categories)?,
        known_categories: contiguous(py, &known_categories)?,
    };
    let raw: Mat<f64> = by_dtype!(Matrix, &X, |X| {
        let X: MatRef<'_, _> = view(X)?;
        let trees = EnsembleRef { n_features: X.n_cols(), ..trees };
        enter(py, n_threads, |control| trees.predict_raw(X, control))?
    });
    Ok(to_array2(py, raw)?.into_any())
}

/// The arrays of an ensemble of trees, as keywords.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
struct TreeArrays<'py> {
    baseline: Vector<'py, f64>,
    tree_offsets: Vector<'py, u32>,
    feature: Vector<'py, u32>,
    threshold: Vector<'py, f64>,
    left: Vector<'py, u32>,
    right: Vector<'py, u32>,
    value: Vector<'py, f64>,
    missing_left: Vector<'py, u8>,
    category_set: Vector<'py, i32>,
    left_categories: PyReadonlyArray2<'py, u32>,
    known_categories: PyReadonlyArray2<'py, u32>,
}

/// Refuses trees that prediction could not follow: what a file brought is checked once, on loading.
#[pyfunction]
fn tree_ensemble_validate(
    py: Python<'_>,
    n_features: usize,
    trees: TreeArrays<'_>,
) -> PyResult<()> {
    let view = EnsembleRef {
        n_features,
        baseline: slice(&trees.baseline)?,
        tree_offsets: slice(&trees.tree_offsets)?,
        feature: slice(&trees.feature)?,
        threshold: slice(&trees.threshold)?,
        left: slice(&trees.left)?,
        right: slice(&trees.right)?,
        value: slice(&trees.value)?,
        missing_left: slice(&trees.missing_left)?,
        category_set: slice(&trees.category_set)?,
        left_categories: contiguous(py, &trees.left_categories)?,
        known_categories: contiguous(py, &trees.known_categories)?,
    };
    enter(py, None, |_| view.validate())?;
    Ok(())
}

pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(borders, module)?)?;
    module.add_function(wrap_pyfunction!(bins, module)?)?;
    module.add_function(wrap_pyfunction!(baseline, module)?)?;
    module.add_function(wrap_pyfunction!(fit, module)?)?;
    module.add_function(wrap_pyfunction!(tree_ensemble_predict, module)?)?;
    module.add_function(wrap_pyfunction!(tree_ensemble_validate, module)?)
}
