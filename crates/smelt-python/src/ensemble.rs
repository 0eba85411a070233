//! Kernels of `smelt.ensemble`: prediction with boosted trees.

use numpy::{PyReadonlyArray1, PyReadonlyArray2};
use pyo3::prelude::*;
use smelt_core::{Mat, MatRef};
use smelt_tree::boosting::LinearRef;
use smelt_tree::ensemble::EnsembleRef;

use crate::arrays::{Matrix, by_dtype, slice, to_array2, view};
use crate::enter::{enter, raise};

type Vector<'py, T> = PyReadonlyArray1<'py, T>;

/// A C-ordered matrix as a slice.
pub(crate) fn contiguous<'a, T: numpy::Element>(
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

impl TreeArrays<'_> {
    fn view(&self, py: Python<'_>, n_features: usize) -> PyResult<EnsembleRef<'_>> {
        Ok(EnsembleRef {
            n_features,
            baseline: slice(&self.baseline)?,
            tree_offsets: slice(&self.tree_offsets)?,
            feature: slice(&self.feature)?,
            threshold: slice(&self.threshold)?,
            left: slice(&self.left)?,
            right: slice(&self.right)?,
            value: slice(&self.value)?,
            missing_left: slice(&self.missing_left)?,
            category_set: slice(&self.category_set)?,
            left_categories: contiguous(py, &self.left_categories)?,
            known_categories: contiguous(py, &self.known_categories)?,
        })
    }
}

/// Linear leaves, beside the arrays of the trees.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
struct LinearArrays<'py> {
    linear_offsets: Vector<'py, u32>,
    linear_feature: Vector<'py, u32>,
    linear_coefficient: Vector<'py, f64>,
    linear_intercept: Vector<'py, f64>,
}

impl LinearArrays<'_> {
    fn view(&self) -> PyResult<LinearRef<'_>> {
        Ok(LinearRef {
            offsets: slice(&self.linear_offsets)?,
            feature: slice(&self.linear_feature)?,
            coefficient: slice(&self.linear_coefficient)?,
            intercept: slice(&self.linear_intercept)?,
        })
    }
}

/// Raw predictions of trees with linear leaves, (n_rows, n_outputs).
#[pyfunction]
#[pyo3(signature = (X, trees, linear, n_threads=None))]
#[allow(non_snake_case)]
fn linear_leaves_predict<'py>(
    py: Python<'py>,
    X: Matrix<'py>,
    trees: TreeArrays<'py>,
    linear: LinearArrays<'py>,
    n_threads: Option<usize>,
) -> PyResult<Bound<'py, PyAny>> {
    let linear = linear.view()?;
    let raw: Mat<f64> = by_dtype!(Matrix, &X, |X| {
        let X: MatRef<'_, _> = view(X)?;
        let trees = trees.view(py, X.n_cols())?;
        enter(py, n_threads, |control| linear.predict_raw(&trees, X, control))?
    });
    Ok(to_array2(py, raw)?.into_any())
}

/// Refuses linear leaves that prediction could not follow.
#[pyfunction]
fn linear_leaves_validate(
    py: Python<'_>,
    n_features: usize,
    trees: TreeArrays<'_>,
    linear: LinearArrays<'_>,
) -> PyResult<()> {
    let (trees, linear) = (trees.view(py, n_features)?, linear.view()?);
    enter(py, None, |_| linear.validate(&trees))
}

/// Refuses trees that prediction could not follow: what a file brought is checked once, on loading.
#[pyfunction]
fn tree_ensemble_validate(
    py: Python<'_>,
    n_features: usize,
    trees: TreeArrays<'_>,
) -> PyResult<()> {
    let view = trees.view(py, n_features)?;
    enter(py, None, |_| view.validate())?;
    Ok(())
}

pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(linear_leaves_predict, module)?)?;
    module.add_function(wrap_pyfunction!(linear_leaves_validate, module)?)?;
    module.add_function(wrap_pyfunction!(tree_ensemble_predict, module)?)?;
    module.add_function(wrap_pyfunction!(tree_ensemble_validate, module)?)
}
