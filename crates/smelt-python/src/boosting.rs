//! Kernels of `smelt.ensemble`: boosting.

use std::iter::repeat_n;
use std::sync::{Arc, Mutex};

use numpy::{
    PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2, PyReadonlyArray3, PyUntypedArrayMethods,
};
use pyo3::exceptions::PyKeyboardInterrupt;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use smelt_core::{Error, Pcg64};
use smelt_tree::bins::{BordersRef, hist_gradient_boosting_bins, hist_gradient_boosting_borders};
use smelt_tree::boosting::loss::{LossParams, Target, named};
use smelt_tree::boosting::{
    Constraints, Evaluation, HistGradientBoostingParams, Hooks, Monitor, Objective, Round, Rows,
    Shuffler, Trees, hist_gradient_boosting_baseline, hist_gradient_boosting_fit,
    hist_gradient_boosting_loss,
};

use smelt_tree::layout::{Bins, WIDTH, shelves};

use crate::arrays::{Matrix, by_dtype, maybe_slice, slice, to_array1, view};
use crate::ensemble::contiguous;
use crate::enter::{enter, raise, to_python};
use crate::params::params;

type Vector<'py, T> = PyReadonlyArray1<'py, T>;
type Table<'py, T> = PyReadonlyArray2<'py, T>;
/// State of NumPy's PCG64: state, increment, and half a draw that waits to be used.
type RandomState = (u128, u128, Option<u32>);
/// Bins, targets, raw predictions, weights, queries and numbers of the validation rows.
type Validation<'py> = (
    Table<'py, u8>,
    Vector<'py, f64>,
    Table<'py, f64>,
    Option<Vector<'py, f64>>,
    Option<Vector<'py, i64>>,
    Option<Table<'py, f64>>,
);
/// Bins, raw predictions and numbers of an evaluation set.
type EvaluationSet<'py> = (Table<'py, u8>, Table<'py, f64>, Option<Table<'py, f64>>);
/// What a callable of the user's raised.
type Raised = Arc<Mutex<Option<PyErr>>>;

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

/// Bins of some columns of `X`: uint8 of shape (n_columns, n_rows); with 1 to 4 groups of columns
/// side by side, (n_shelves, n_rows, bytes of a row on a shelf).
#[pyfunction(name = "hist_gradient_boosting_bins")]
#[pyo3(signature = (X, columns, thresholds, offsets, is_categorical, side_by_side=0, n_threads=None))]
#[allow(non_snake_case)]
fn bins<'py>(
    py: Python<'py>,
    X: Matrix<'py>,
    columns: Vector<'py, i64>,
    thresholds: Vector<'py, f64>,
    offsets: Vector<'py, i64>,
    is_categorical: Vector<'py, bool>,
    side_by_side: usize,
    n_threads: Option<usize>,
) -> PyResult<Bound<'py, PyAny>> {
    let columns = slice(&columns)?;
    let borders = BordersRef::new(slice(&thresholds)?, slice(&offsets)?, slice(&is_categorical)?);
    let borders = borders.map_err(|error| to_python(py, &error))?;
    let (out, n) = by_dtype!(Matrix, &X, |X| {
        let X = view(X)?;
        let out = enter(py, n_threads, |control| {
            hist_gradient_boosting_bins(X, columns, borders, side_by_side, control)
        })?;
        (out, X.n_rows())
    });
    let out = to_array1(py, out);
    if side_by_side > 0 {
        let (n_shelves, span) = shelves(columns.len(), side_by_side);
        return Ok(out.reshape([n_shelves, n, span * WIDTH])?.into_any());
    }
    Ok(out.reshape([columns.len(), n])?.into_any())
}

/// Best constant raw predictions, one an output.
#[pyfunction(name = "hist_gradient_boosting_baseline")]
#[pyo3(signature = (y, sample_weight=None, groups=None, n_threads=None, **keywords))]
fn baseline<'py>(
    py: Python<'py>,
    y: Vector<'py, f64>,
    sample_weight: Option<Vector<'py, f64>>,
    groups: Option<Vector<'py, i64>>,
    n_threads: Option<usize>,
    keywords: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyAny>> {
    let params = params::<LossParams>(py, keywords)?;
    let (weight, groups) = (maybe_slice(sample_weight.as_ref())?, maybe_slice(groups.as_ref())?);
    let target = Target { y: slice(&y)?, weight, groups };
    let found = enter(py, n_threads, |_| {
        hist_gradient_boosting_baseline(target, named(&params)?.as_ref())
    })?;
    Ok(to_array1(py, found).into_any())
}

/// Weighted mean of the loss for raw predictions, (n_outputs, n).
#[pyfunction(name = "hist_gradient_boosting_loss")]
#[pyo3(signature = (y, raw_prediction, sample_weight=None, groups=None, n_threads=None, **keywords))]
fn loss<'py>(
    py: Python<'py>,
    y: Vector<'py, f64>,
    raw_prediction: Table<'py, f64>,
    sample_weight: Option<Vector<'py, f64>>,
    groups: Option<Vector<'py, i64>>,
    n_threads: Option<usize>,
    keywords: Option<&Bound<'py, PyDict>>,
) -> PyResult<f64> {
    let params = params::<LossParams>(py, keywords)?;
    let (weight, groups) = (maybe_slice(sample_weight.as_ref())?, maybe_slice(groups.as_ref())?);
    let target = Target { y: slice(&y)?, weight, groups };
    let raw = contiguous(py, &raw_prediction)?;
    enter(py, n_threads, |_| hist_gradient_boosting_loss(target, raw, named(&params)?.as_ref()))
}

/// Adds iterations; see the twin for arguments and result.
#[pyfunction(name = "hist_gradient_boosting_fit")]
#[pyo3(signature = (bins, y, raw_prediction, thresholds, offsets, is_categorical, sample_weight=None,
    validation=None, monotonic_cst=None, interaction_cst=None, scores=None, random_state=None,
    groups=None, numbers=None, evaluations=None, objective=None, monitor=None, wants_trees=false,
    n_threads=None, **keywords))]
fn fit<'py>(
    py: Python<'py>,
    bins: PyReadonlyArray3<'py, u8>,
    y: Vector<'py, f64>,
    raw_prediction: Table<'py, f64>,
    thresholds: Vector<'py, f64>,
    offsets: Vector<'py, i64>,
    is_categorical: Vector<'py, bool>,
    sample_weight: Option<Vector<'py, f64>>,
    validation: Option<Validation<'py>>,
    monotonic_cst: Option<Vector<'py, i8>>,
    interaction_cst: Option<Vec<Vec<usize>>>,
    scores: Option<(Vec<f64>, Vec<f64>)>,
    random_state: Option<RandomState>,
    groups: Option<Vector<'py, i64>>,
    numbers: Option<Table<'py, f64>>,
    evaluations: Option<Vec<EvaluationSet<'py>>>,
    objective: Option<Py<PyAny>>,
    monitor: Option<Py<PyAny>>,
    wants_trees: bool,
    n_threads: Option<usize>,
    keywords: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyDict>> {
    let params = params::<HistGradientBoostingParams>(py, keywords)?;
    let borders = BordersRef::new(slice(&thresholds)?, slice(&offsets)?, slice(&is_categorical)?)
        .map_err(|error| to_python(py, &error))?;
    let (n, n_outputs) = (y.len(), raw_prediction.shape()[0]);
    let n_features = borders.n_features();
    let training = Rows {
        bins: Bins::groups(
            bins.as_slice().map_err(|_| raise(py, "InternalError", "strided bins".to_string()))?,
            n,
            n_features,
            bins.shape()[2] / WIDTH,
        )
        .map_err(|error| to_python(py, &error))?,
        y: slice(&y)?,
        weight: maybe_slice(sample_weight.as_ref())?,
        groups: maybe_slice(groups.as_ref())?,
        numbers: numbers.as_ref().map(|numbers| contiguous(py, numbers)).transpose()?,
        raw: if raw_prediction.shape()[1] == 1 {
            // One start for all rows.
            contiguous(py, &raw_prediction)?.iter().flat_map(|&raw| repeat_n(raw, n)).collect()
        } else {
            contiguous(py, &raw_prediction)?.to_vec()
        },
    };
    let held = match &validation {
        Some((bins, y, raw, weight, groups, numbers)) => Some(Rows {
            bins: columns(py, bins, n_features)?,
            y: slice(y)?,
            weight: maybe_slice(weight.as_ref())?,
            groups: maybe_slice(groups.as_ref())?,
            numbers: numbers.as_ref().map(|numbers| contiguous(py, numbers)).transpose()?,
            raw: contiguous(py, raw)?.to_vec(),
        }),
        None => None,
    };
    let n_held = held.as_ref().map_or(0, |rows| rows.y.len());
    let mut watched = Vec::new();
    for (bins, raw, numbers) in evaluations.iter().flatten() {
        watched.push(Evaluation {
            bins: columns(py, bins, n_features)?,
            raw: contiguous(py, raw)?.to_vec(),
            numbers: numbers.as_ref().map(|numbers| contiguous(py, numbers)).transpose()?,
        });
    }
    let constraints = Constraints {
        monotonic: maybe_slice(monotonic_cst.as_ref())?,
        interactions: interaction_cst,
    };
    let (state, increment, half) = random_state.unwrap_or((0, 1, None));
    let random = Shuffler { random: Pcg64::from_state(state, increment), half };
    let scores = scores.unwrap_or_default();
    let raised: Raised = Arc::default();
    let hooks = Hooks {
        objective: objective.map(|call| gives_gradients(call, n_outputs, Arc::clone(&raised))),
        monitor: monitor.map(|call| looks_on(call, n_outputs, Arc::clone(&raised))),
        wants_trees,
    };
    let outcome = enter(py, n_threads, |control| {
        hist_gradient_boosting_fit(
            training,
            held,
            watched,
            borders,
            constraints,
            scores,
            random,
            &params,
            hooks,
            control,
        )
    });
    // What a callable raised comes first; Ctrl-C in it may keep the iterations done.
    let raised = raised.lock().ok().and_then(|mut slot| slot.take());
    let fit = match (raised, outcome) {
        (Some(error), Ok(_)) if !error.is_instance_of::<PyKeyboardInterrupt>(py) => {
            return Err(error);
        }
        (Some(error), Err(_)) => return Err(error),
        (_, outcome) => outcome?,
    };
    let out = PyDict::new(py);
    out.set_item("trees", trees_to_dict(py, fit.trees)?)?;
    out.set_item("n_iter", fit.n_iter)?;
    out.set_item("stopped", fit.stopped)?;
    out.set_item("interrupted", fit.interrupted)?;
    out.set_item("raw_prediction", to_array1(py, fit.raw).reshape([n_outputs, n])?)?;
    let raw = to_array1(py, fit.validation_raw)
        .reshape([if n_held == 0 { 0 } else { n_outputs }, n_held])?;
    out.set_item("validation_raw_prediction", raw)?;
    out.set_item("train_score", fit.train_score)?;
    out.set_item("validation_score", fit.validation_score)?;
    let (state, increment) = fit.random.random.state();
    out.set_item("random_state", (state, increment, fit.random.half))?;
    Ok(out)
}

/// Bins that lie feature behind feature.
fn columns<'a>(py: Python<'_>, bins: &'a Table<'_, u8>, n_features: usize) -> PyResult<Bins<'a>> {
    Bins::columns(contiguous(py, bins)?, bins.shape()[1], n_features)
        .map_err(|error| to_python(py, &error))
}

/// The arrays of trees, by name.
fn trees_to_dict(py: Python<'_>, made: Trees) -> PyResult<Bound<'_, PyDict>> {
    let trees = PyDict::new(py);
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
    if !made.linear_offsets.is_empty() {
        trees.set_item("linear_offsets", to_array1(py, made.linear_offsets))?;
        trees.set_item("linear_feature", to_array1(py, made.linear_feature))?;
        trees.set_item("linear_coefficient", to_array1(py, made.linear_coefficient))?;
        trees.set_item("linear_intercept", to_array1(py, made.linear_intercept))?;
    }
    Ok(trees)
}

/// Keeps what a callable raised, and stops the fit.
fn stopped_by(raised: &Raised, error: PyErr) -> Error {
    if let Ok(mut slot) = raised.lock() {
        *slot = Some(error);
    }
    Error::Cancelled
}

/// `objective(raw)` with raw of shape (n_outputs, n) returns two arrays of the same shape.
fn gives_gradients(call: Py<PyAny>, n_outputs: usize, raised: Raised) -> Box<Objective<'static>> {
    Box::new(move |raw| {
        Python::attach(|py| {
            let shape = [n_outputs, raw.len() / n_outputs];
            let raw = to_array1(py, raw.to_vec()).reshape(shape)?;
            let (gradients, hessians): (Table<'_, f64>, Table<'_, f64>) =
                call.call1(py, (raw,))?.extract(py)?;
            Ok((contiguous(py, &gradients)?.to_vec(), contiguous(py, &hessians)?.to_vec()))
        })
        .map_err(|error| stopped_by(&raised, error))
    })
}

/// `monitor(n_iter, raw, validation_raw, evaluations, trees)` returns whether to stop.
fn looks_on(call: Py<PyAny>, n_outputs: usize, raised: Raised) -> Box<Monitor<'static>> {
    Box::new(move |round: Round<'_>| {
        Python::attach(|py| {
            let table = |raw: &[f64]| {
                to_array1(py, raw.to_vec()).reshape([n_outputs, raw.len() / n_outputs])
            };
            let evaluations =
                round.evaluations.iter().map(|raw| table(raw)).collect::<PyResult<Vec<_>>>()?;
            let trees = round.trees.map(|trees| trees_to_dict(py, trees)).transpose()?;
            let held = round.validation_raw.map(table).transpose()?;
            call.call1(py, (round.n_iter, table(round.raw)?, held, evaluations, trees))?
                .extract::<bool>(py)
        })
        .map_err(|error| stopped_by(&raised, error))
    })
}

pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(borders, module)?)?;
    module.add_function(wrap_pyfunction!(bins, module)?)?;
    module.add_function(wrap_pyfunction!(baseline, module)?)?;
    module.add_function(wrap_pyfunction!(loss, module)?)?;
    module.add_function(wrap_pyfunction!(fit, module)?)
}
