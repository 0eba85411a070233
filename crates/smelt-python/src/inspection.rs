//! Kernels of `smelt.inspection`.

use numpy::{PyReadonlyArray1, PyReadonlyArray2};
use pyo3::prelude::*;
use smelt_core::MatRef;
use smelt_tree::explain::{self, TreesRef};

use crate::arrays::{Matrix, by_dtype, slice, to_array2, view};
use crate::enter::{enter, raise};

/// Arrays of trees under one roof, as a dict.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
struct TreeArrays<'py> {
    n_features: usize,
    n_outputs: usize,
    offsets: PyReadonlyArray1<'py, i64>,
    left: PyReadonlyArray1<'py, i32>,
    right: PyReadonlyArray1<'py, i32>,
    feature: PyReadonlyArray1<'py, i32>,
    threshold: PyReadonlyArray1<'py, f64>,
    missing_left: PyReadonlyArray1<'py, u8>,
    cover: PyReadonlyArray1<'py, f64>,
    value: PyReadonlyArray1<'py, f64>,
    first_output: PyReadonlyArray1<'py, i32>,
    category_set: PyReadonlyArray1<'py, i32>,
    left_categories: PyReadonlyArray1<'py, u32>,
    known_categories: PyReadonlyArray1<'py, u32>,
}

fn trees<'a>(arrays: &'a TreeArrays<'_>) -> PyResult<TreesRef<'a>> {
    Ok(TreesRef {
        n_features: arrays.n_features,
        n_outputs: arrays.n_outputs,
        offsets: slice(&arrays.offsets)?,
        left: slice(&arrays.left)?,
        right: slice(&arrays.right)?,
        feature: slice(&arrays.feature)?,
        threshold: slice(&arrays.threshold)?,
        missing_left: slice(&arrays.missing_left)?,
        cover: slice(&arrays.cover)?,
        value: slice(&arrays.value)?,
        first_output: slice(&arrays.first_output)?,
        category_set: slice(&arrays.category_set)?,
        left_categories: slice(&arrays.left_categories)?,
        known_categories: slice(&arrays.known_categories)?,
    })
}

/// Path-dependent SHAP values: (n_rows, n_features · n_outputs), outputs innermost.
#[pyfunction]
#[pyo3(signature = (X, trees, n_threads=None))]
#[allow(non_snake_case)]
fn tree_shap_values<'py>(
    py: Python<'py>,
    X: Matrix<'py>,
    trees: TreeArrays<'py>,
    n_threads: Option<usize>,
) -> PyResult<Bound<'py, PyAny>> {
    let trees = self::trees(&trees)?;
    let out = by_dtype!(Matrix, &X, |X| {
        let X = view(X)?;
        enter(py, n_threads, |control| explain::tree_shap_values(X, &trees, control))?
    });
    Ok(to_array2(py, out)?.into_any())
}

/// Path-dependent SHAP interaction values: (n_rows, n_features² · n_outputs), outputs innermost.
#[pyfunction]
#[pyo3(signature = (X, trees, n_threads=None))]
#[allow(non_snake_case)]
fn tree_shap_interaction_values<'py>(
    py: Python<'py>,
    X: Matrix<'py>,
    trees: TreeArrays<'py>,
    n_threads: Option<usize>,
) -> PyResult<Bound<'py, PyAny>> {
    let trees = self::trees(&trees)?;
    let out = by_dtype!(Matrix, &X, |X| {
        let X = view(X)?;
        enter(py, n_threads, |control| explain::tree_shap_interaction_values(X, &trees, control))?
    });
    Ok(to_array2(py, out)?.into_any())
}

/// Interventional SHAP values against the rows of `background`, shaped as `tree_shap_values`.
#[pyfunction]
#[pyo3(signature = (X, background, trees, n_threads=None))]
#[allow(non_snake_case)]
fn tree_shap_interventional_values<'py>(
    py: Python<'py>,
    X: Matrix<'py>,
    background: Matrix<'py>,
    trees: TreeArrays<'py>,
    n_threads: Option<usize>,
) -> PyResult<Bound<'py, PyAny>> {
    let trees = self::trees(&trees)?;
    let out = match (&X, &background) {
        (Matrix::F32(X), Matrix::F32(background)) => {
            let (X, background): (MatRef<'_, f32>, _) = (view(X)?, view(background)?);
            enter(py, n_threads, |control| {
                explain::tree_shap_interventional_values(X, background, &trees, control)
            })?
        }
        (Matrix::F64(X), Matrix::F64(background)) => {
            let (X, background): (MatRef<'_, f64>, _) = (view(X)?, view(background)?);
            enter(py, n_threads, |control| {
                explain::tree_shap_interventional_values(X, background, &trees, control)
            })?
        }
        _ => {
            let text = "rows and background of two dtypes reached a kernel";
            return Err(raise(py, "InternalError", text.to_string()));
        }
    };
    Ok(to_array2(py, out)?.into_any())
}

/// Mean predictions at the points of `grid`, whose columns are `features`: (n_points, n_outputs).
#[pyfunction]
#[pyo3(signature = (grid, features, trees, n_threads=None))]
fn tree_partial_dependence<'py>(
    py: Python<'py>,
    grid: PyReadonlyArray2<'py, f64>,
    features: Vec<usize>,
    trees: TreeArrays<'py>,
    n_threads: Option<usize>,
) -> PyResult<Bound<'py, PyAny>> {
    let (grid, trees) = (view(&grid)?, self::trees(&trees)?);
    let out = enter(py, n_threads, |control| {
        explain::tree_partial_dependence(grid, &features, &trees, control)
    })?;
    Ok(to_array2(py, out)?.into_any())
}

/// Adds the kernels of this family.
pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(tree_partial_dependence, module)?)?;
    module.add_function(wrap_pyfunction!(tree_shap_interaction_values, module)?)?;
    module.add_function(wrap_pyfunction!(tree_shap_interventional_values, module)?)?;
    module.add_function(wrap_pyfunction!(tree_shap_values, module)?)
}
