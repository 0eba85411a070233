//! Random projections.

use numpy::Element;
use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use smelt_core::Real;
use smelt_learn::random_projection as kernels;

use crate::arrays::{Matrix, Sparse, sparse_view, to_array1, to_array2, view};
use crate::enter::{enter, raise};

fn mixed(py: Python<'_>) -> PyErr {
    raise(py, "InternalError", "rows and directions differ in dtype".to_string())
}

#[pyfunction]
#[pyo3(signature = (X, components, n_threads=None))]
#[allow(non_snake_case)]
fn random_projection_transform<'py>(
    py: Python<'py>,
    X: Matrix<'py>,
    components: Matrix<'py>,
    n_threads: Option<usize>,
) -> PyResult<Py<PyAny>> {
    macro_rules! product {
        ($x:expr, $c:expr) => {{
            let (x, c) = (view($x)?, view($c)?);
            let product = kernels::random_projection_transform::<_>;
            to_array2(py, enter(py, n_threads, |control| product(x, c, control))?)?.into_py_any(py)
        }};
    }
    match (&X, &components) {
        (Matrix::F32(x), Matrix::F32(c)) => product!(x, c),
        (Matrix::F64(x), Matrix::F64(c)) => product!(x, c),
        _ => Err(mixed(py)),
    }
}

#[pyfunction]
#[pyo3(signature = (X, components, n_threads=None))]
#[allow(non_snake_case)]
fn random_projection_transform_sparse_rows<'py>(
    py: Python<'py>,
    X: Sparse<'py>,
    components: Matrix<'py>,
    n_threads: Option<usize>,
) -> PyResult<Py<PyAny>> {
    macro_rules! product {
        ($x:expr, $c:expr) => {{
            let (x, c) = (sparse_view($x)?, view($c)?);
            let product = kernels::random_projection_transform_sparse_rows::<_>;
            to_array2(py, enter(py, n_threads, |control| product(x?, c, control))?)?.into_py_any(py)
        }};
    }
    match (&X, &components) {
        (Sparse::F32(x), Matrix::F32(c)) => product!(x, c),
        (Sparse::F64(x), Matrix::F64(c)) => product!(x, c),
        _ => Err(mixed(py)),
    }
}

#[pyfunction]
#[pyo3(signature = (X, components, n_threads=None))]
#[allow(non_snake_case)]
fn random_projection_transform_sparse_components<'py>(
    py: Python<'py>,
    X: Matrix<'py>,
    components: Sparse<'py>,
    n_threads: Option<usize>,
) -> PyResult<Py<PyAny>> {
    macro_rules! product {
        ($x:expr, $c:expr) => {{
            let (x, c) = (view($x)?, sparse_view($c)?);
            let product = kernels::random_projection_transform_sparse_components::<_>;
            to_array2(py, enter(py, n_threads, |control| product(x, c?, control))?)?.into_py_any(py)
        }};
    }
    match (&X, &components) {
        (Matrix::F32(x), Sparse::F32(c)) => product!(x, c),
        (Matrix::F64(x), Sparse::F64(c)) => product!(x, c),
        _ => Err(mixed(py)),
    }
}

#[pyfunction]
#[pyo3(signature = (X, turned, n_threads=None))]
#[allow(non_snake_case)]
fn random_projection_transform_sparse<'py>(
    py: Python<'py>,
    X: Sparse<'py>,
    turned: Sparse<'py>,
    n_threads: Option<usize>,
) -> PyResult<Py<PyAny>> {
    macro_rules! product {
        ($x:expr, $c:expr) => {{
            let (x, c) = (sparse_view($x)?, sparse_view($c)?);
            let product = kernels::random_projection_transform_sparse::<_>;
            triple(py, enter(py, n_threads, |control| product(x?, c?, control))?)
        }};
    }
    match (&X, &turned) {
        (Sparse::F32(x), Sparse::F32(c)) => product!(x, c),
        (Sparse::F64(x), Sparse::F64(c)) => product!(x, c),
        _ => Err(mixed(py)),
    }
}

fn triple<T: Element + Real>(
    py: Python<'_>,
    found: kernels::SparseProduct<T>,
) -> PyResult<Py<PyAny>> {
    let (indptr, indices) = (to_array1(py, found.indptr), to_array1(py, found.indices));
    (indptr, indices, to_array1(py, found.data)).into_py_any(py)
}

pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(random_projection_transform, module)?)?;
    module.add_function(wrap_pyfunction!(random_projection_transform_sparse, module)?)?;
    module
        .add_function(wrap_pyfunction!(random_projection_transform_sparse_components, module)?)?;
    module.add_function(wrap_pyfunction!(random_projection_transform_sparse_rows, module)?)
}
