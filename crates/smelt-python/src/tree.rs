//! Kernels of `smelt.tree`.

use numpy::{PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use smelt_core::CscRef;
use smelt_tree::tree::columns::Columns;
use smelt_tree::tree::decision_tree::{self, DecisionTreeParams, Targets};
use smelt_tree::tree::extra_tree;
use smelt_tree::tree::nodes::Nodes;
use smelt_tree::tree::predict::{self, Trees};
use smelt_tree::tree::sparse::{ByColumn, ByRow};
use smelt_tree::tree::tree_columns as turn;

use crate::arrays::{
    Matrix, SparseArrays, by_dtype, first_that_fits, maybe_slice, slice, sparse_view, to_array1,
    to_array2, view,
};
use crate::enter::{enter, to_python};
use crate::params::params;

/// Targets: classes (n_rows · n_outputs) with the number of classes of every output, or numbers.
pub(crate) enum TargetArrays<'py> {
    /// Classes.
    Classes(PyReadonlyArray1<'py, u32>, Vec<usize>),
    /// Numbers, and the number of outputs.
    Values(PyReadonlyArray1<'py, f64>, usize),
}

first_that_fits!(
    TargetArrays,
    "expected (uint32 classes, their numbers) or (float64 values, number of outputs)",
    Classes(classes: PyReadonlyArray1<'py, u32>, n_classes: Vec<usize>),
    Values(values: PyReadonlyArray1<'py, f64>, n_outputs: usize)
);

impl TargetArrays<'_> {
    pub(crate) fn view(&self) -> PyResult<Targets<'_>> {
        Ok(match self {
            Self::Classes(classes, n_classes) => {
                Targets::Classes { classes: slice(classes)?, n_classes }
            }
            Self::Values(values, n_outputs) => {
                Targets::Values { values: slice(values)?, n_outputs: *n_outputs }
            }
        })
    }
}

/// A table of float32: dense, or the arrays of a sparse one (indptr int64, indices int32, data, inner
/// size), whose indices ascend.  Kernels that learn take compressed columns, others compressed rows.
pub(crate) enum Table<'py> {
    /// All values.
    Dense(PyReadonlyArray2<'py, f32>),
    /// The entries.
    Sparse(SparseArrays<'py, f32>),
}

first_that_fits!(
    Table,
    "expected a two-dimensional array of float32, or the arrays of a sparse one",
    Dense(values: PyReadonlyArray2<'py, f32>),
    Sparse(arrays: SparseArrays<'py, f32>)
);

impl Table<'_> {
    /// The table to learn from.
    pub(crate) fn by_column(&self, py: Python<'_>) -> PyResult<ByColumn<'_>> {
        Ok(match self {
            Self::Dense(values) => ByColumn::Dense(view(values)?),
            Self::Sparse((indptr, indices, data, n_rows)) => {
                let columns = CscRef::new(slice(indptr)?, slice(indices)?, slice(data)?, *n_rows);
                ByColumn::Sparse(columns.map_err(|error| to_python(py, &error))?)
            }
        })
    }

    /// The table to be predicted.
    pub(crate) fn by_row(&self, py: Python<'_>) -> PyResult<ByRow<'_>> {
        Ok(match self {
            Self::Dense(values) => ByRow::Dense(view(values)?),
            Self::Sparse(arrays) => {
                sparse_view(arrays)?.map_err(|error| to_python(py, &error))?.into()
            }
        })
    }
}

/// Arrays of grown trees.
pub(crate) fn nodes_to_dict<'py>(py: Python<'py>, nodes: Nodes) -> PyResult<Bound<'py, PyDict>> {
    let out = PyDict::new(py);
    out.set_item("children_left", to_array1(py, nodes.left))?;
    out.set_item("children_right", to_array1(py, nodes.right))?;
    out.set_item("feature", to_array1(py, nodes.feature))?;
    out.set_item("threshold", to_array1(py, nodes.threshold))?;
    out.set_item("impurity", to_array1(py, nodes.impurity))?;
    out.set_item("n_node_samples", to_array1(py, nodes.n_rows))?;
    out.set_item("weighted_n_node_samples", to_array1(py, nodes.weight))?;
    out.set_item("missing_go_to_left", to_array1(py, nodes.missing_left))?;
    out.set_item("value", to_array1(py, nodes.value))?;
    if !nodes.category_set.is_empty() {
        out.set_item("category_set", to_array1(py, nodes.category_set))?;
        out.set_item("left_categories", to_array1(py, nodes.left_categories))?;
    }
    out.set_item("max_depth", nodes.max_depth)?;
    Ok(out)
}

/// Grows a decision tree: arrays of its nodes, in scikit-learn's order.
#[pyfunction]
#[pyo3(signature = (X, y, sample_weight=None, *, random_state, max_bins=None, n_threads=None, **keywords))]
#[allow(non_snake_case)]
fn decision_tree_fit<'py>(
    py: Python<'py>,
    X: Table<'py>,
    y: TargetArrays<'py>,
    sample_weight: Option<PyReadonlyArray1<'py, f64>>,
    random_state: u32,
    max_bins: Option<usize>,
    n_threads: Option<usize>,
    keywords: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyDict>> {
    let params = params::<DecisionTreeParams>(py, keywords)?;
    let (X, y, weight) = (X.by_column(py)?, y.view()?, maybe_slice(sample_weight.as_ref())?);
    let nodes = enter(py, n_threads, |control| {
        // Lists kept in order pay where a cut looks at all columns.
        let with_order = params.max_features >= X.n_cols();
        let categorical = params.categorical.as_deref().unwrap_or_default();
        let columns = Columns::with_categories(X, max_bins, categorical, with_order, control)?;
        decision_tree::decision_tree_fit(&columns, y, weight, &params, random_state, control)
    })?;
    nodes_to_dict(py, nodes)
}

/// Grows a tree that draws its thresholds; `X` has its columns behind each other.
#[pyfunction]
#[pyo3(signature = (X, y, sample_weight=None, *, random_state, max_bins=None, n_threads=None, **keywords))]
#[allow(non_snake_case)]
fn extra_tree_fit<'py>(
    py: Python<'py>,
    X: Table<'py>,
    y: TargetArrays<'py>,
    sample_weight: Option<PyReadonlyArray1<'py, f64>>,
    random_state: u32,
    max_bins: Option<usize>,
    n_threads: Option<usize>,
    keywords: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyDict>> {
    let params = params::<DecisionTreeParams>(py, keywords)?;
    let (X, y, weight) = (X.by_column(py)?, y.view()?, maybe_slice(sample_weight.as_ref())?);
    let nodes = enter(py, n_threads, |control| {
        extra_tree::extra_tree_fit(X, y, weight, max_bins, &params, random_state, control)
    })?;
    nodes_to_dict(py, nodes)
}

/// Arrays of trees: offsets, children_left, children_right, feature, threshold, missing_go_to_left,
/// value, category_set, left_categories, known_categories (the last three empty without categories).
pub(crate) type TreeArrays<'py> = (
    PyReadonlyArray1<'py, i64>,
    PyReadonlyArray1<'py, i32>,
    PyReadonlyArray1<'py, i32>,
    PyReadonlyArray1<'py, i32>,
    PyReadonlyArray1<'py, f64>,
    PyReadonlyArray1<'py, u8>,
    PyReadonlyArray1<'py, f64>,
    PyReadonlyArray1<'py, i32>,
    PyReadonlyArray1<'py, u32>,
    PyReadonlyArray1<'py, u32>,
);

pub(crate) fn trees<'a>(arrays: &'a TreeArrays<'_>) -> PyResult<Trees<'a>> {
    Ok(Trees {
        offsets: slice(&arrays.0)?,
        left: slice(&arrays.1)?,
        right: slice(&arrays.2)?,
        feature: slice(&arrays.3)?,
        threshold: slice(&arrays.4)?,
        missing_left: slice(&arrays.5)?,
        value: slice(&arrays.6)?,
        category_set: slice(&arrays.7)?,
        left_categories: slice(&arrays.8)?,
        known_categories: slice(&arrays.9)?,
    })
}

/// Mean over the trees of the values of the leaves that the rows of `X` reach.
#[pyfunction]
#[pyo3(signature = (X, trees, n_threads=None))]
#[allow(non_snake_case)]
fn tree_predict<'py>(
    py: Python<'py>,
    X: Table<'py>,
    trees: TreeArrays<'py>,
    n_threads: Option<usize>,
) -> PyResult<Bound<'py, PyAny>> {
    let (X, trees) = (X.by_row(py)?, self::trees(&trees)?);
    let out = enter(py, n_threads, |control| predict::tree_predict(&X, &trees, control))?;
    Ok(to_array2(py, out)?.into_any())
}

/// Leaf that every row of `X` reaches in every tree, counted from the tree's root.
#[pyfunction]
#[pyo3(signature = (X, trees, n_threads=None))]
#[allow(non_snake_case)]
fn tree_apply<'py>(
    py: Python<'py>,
    X: Table<'py>,
    trees: TreeArrays<'py>,
    n_threads: Option<usize>,
) -> PyResult<Bound<'py, PyAny>> {
    let (X, trees) = (X.by_row(py)?, self::trees(&trees)?);
    let out = enter(py, n_threads, |control| predict::tree_apply(&X, &trees, control))?;
    Ok(to_array1(py, out).reshape([X.n_rows(), trees.n_trees()])?.into_any())
}

/// Raises unless rows of `n_features` columns can go down the trees, whatever the rows hold.
#[pyfunction]
fn tree_validate(py: Python<'_>, trees: TreeArrays<'_>, n_features: usize) -> PyResult<()> {
    self::trees(&trees)?.check(n_features).map_err(|error| to_python(py, &error))
}

/// Float32 columns of `X`, which lie behind each other.
#[pyfunction]
#[pyo3(signature = (X, n_threads=None))]
#[allow(non_snake_case)]
fn tree_columns<'py>(
    py: Python<'py>,
    X: Matrix<'py>,
    n_threads: Option<usize>,
) -> PyResult<Bound<'py, PyAny>> {
    let (shape, columns) = by_dtype!(Matrix, &X, |X| {
        let X = view(X)?;
        let columns = enter(py, n_threads, |control| turn::tree_columns(X, control))?;
        ([X.n_cols(), X.n_rows()], columns)
    });
    Ok(to_array1(py, columns).reshape(shape)?.transpose()?.into_any())
}

/// Adds the kernels of this family.
pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(decision_tree_fit, module)?)?;
    module.add_function(wrap_pyfunction!(extra_tree_fit, module)?)?;
    module.add_function(wrap_pyfunction!(tree_apply, module)?)?;
    module.add_function(wrap_pyfunction!(tree_columns, module)?)?;
    module.add_function(wrap_pyfunction!(tree_validate, module)?)?;
    module.add_function(wrap_pyfunction!(tree_predict, module)?)
}
