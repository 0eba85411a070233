//! Linear algebra for Python.

use numpy::Element;
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use smelt_core::{Mat, MatRef};
use smelt_math::linalg::{self, Diagonal, RandomizedSvdParams, Scalar, Triangle};

use crate::arrays::{Matrix, by_dtype, to_array1, to_array2, view};
use crate::enter::{enter, raise};

/// Evaluates an expression with two names bound to the typed arrays of matrices of one precision.
macro_rules! same_kind {
    ($py:expr, |$a:ident, $b:ident| $body:expr) => {
        match (&$a, &$b) {
            (Matrix::F64($a), Matrix::F64($b)) => $body,
            (Matrix::F32($a), Matrix::F32($b)) => $body,
            _ => Err(raise(
                $py,
                "InternalError",
                "arrays of different precision reached a kernel".to_string(),
            )),
        }
    };
}

fn tuple<'py, const N: usize>(
    py: Python<'py>,
    items: [Bound<'py, PyAny>; N],
) -> PyResult<Bound<'py, PyAny>> {
    Ok(PyTuple::new(py, items)?.into_any())
}

fn matrix<'py, T: Element + Scalar>(
    py: Python<'py>,
    values: Mat<T>,
) -> PyResult<Bound<'py, PyAny>> {
    Ok(to_array2(py, values)?.into_any())
}

fn vector<'py, T: Element>(py: Python<'py>, values: Vec<T>) -> Bound<'py, PyAny> {
    to_array1(py, values).into_any()
}

/// a @ b
#[pyfunction]
#[pyo3(signature = (a, b, n_threads=None))]
fn matmul<'py>(
    py: Python<'py>,
    a: Matrix<'py>,
    b: Matrix<'py>,
    n_threads: Option<usize>,
) -> PyResult<Bound<'py, PyAny>> {
    same_kind!(py, |a, b| {
        let (a, b) = (view(a)?, view(b)?);
        matrix(py, enter(py, n_threads, |control| linalg::gemm(a, b, control))?)
    })
}

/// a.T @ a
#[pyfunction]
#[pyo3(signature = (a, n_threads=None))]
fn gram<'py>(
    py: Python<'py>,
    a: Matrix<'py>,
    n_threads: Option<usize>,
) -> PyResult<Bound<'py, PyAny>> {
    by_dtype!(Matrix, &a, |a| {
        let a = view(a)?;
        matrix(py, enter(py, n_threads, |control| linalg::syrk(a.transpose(), control))?)
    })
}

/// The lower triangular l with l @ l.T = a.
#[pyfunction]
#[pyo3(signature = (a, n_threads=None))]
fn cholesky<'py>(
    py: Python<'py>,
    a: Matrix<'py>,
    n_threads: Option<usize>,
) -> PyResult<Bound<'py, PyAny>> {
    by_dtype!(Matrix, &a, |a| {
        let a = view(a)?;
        let factor = enter(py, n_threads, |control| linalg::cholesky(a, control))?;
        matrix(py, factor.into_factor())
    })
}

/// x with a @ x = b, for a square a; `positive`: a is symmetric positive definite.
#[pyfunction]
#[pyo3(signature = (a, b, positive=false, n_threads=None))]
fn solve<'py>(
    py: Python<'py>,
    a: Matrix<'py>,
    b: Matrix<'py>,
    positive: bool,
    n_threads: Option<usize>,
) -> PyResult<Bound<'py, PyAny>> {
    same_kind!(py, |a, b| {
        let (a, b) = (view(a)?, view(b)?);
        let x = enter(py, n_threads, |control| {
            if positive {
                linalg::cholesky(a, control)?.solve(b, control)
            } else {
                linalg::solve(a, b, control)
            }
        })?;
        matrix(py, x)
    })
}

/// x with a @ x = b, for a triangular a.
#[pyfunction]
#[pyo3(signature = (a, b, lower=false, unit_diagonal=false, n_threads=None))]
fn solve_triangular<'py>(
    py: Python<'py>,
    a: Matrix<'py>,
    b: Matrix<'py>,
    lower: bool,
    unit_diagonal: bool,
    n_threads: Option<usize>,
) -> PyResult<Bound<'py, PyAny>> {
    let triangle = if lower { Triangle::Lower } else { Triangle::Upper };
    let diagonal = if unit_diagonal { Diagonal::Unit } else { Diagonal::Stored };
    same_kind!(py, |a, b| {
        let (a, mut x) = (view(a)?, view(b)?.to_mat());
        let x = enter(py, n_threads, |control| {
            linalg::trsm(triangle, diagonal, a, &mut x, control)?;
            Ok(x)
        })?;
        matrix(py, x)
    })
}

/// (q, r) with q @ r = a.
#[pyfunction]
#[pyo3(signature = (a, n_threads=None))]
fn qr<'py>(
    py: Python<'py>,
    a: Matrix<'py>,
    n_threads: Option<usize>,
) -> PyResult<Bound<'py, PyAny>> {
    by_dtype!(Matrix, &a, |a| {
        let a = view(a)?;
        let factors = enter(py, n_threads, |control| linalg::qr(a, control))?;
        tuple(py, [matrix(py, factors.q)?, matrix(py, factors.r)?])
    })
}

fn svd_tuple<'py, T: Element + Scalar>(
    py: Python<'py>,
    factors: linalg::Svd<T>,
) -> PyResult<Bound<'py, PyAny>> {
    tuple(py, [matrix(py, factors.u)?, vector(py, factors.s), matrix(py, factors.vt)?])
}

/// (u, s, vt) with (u * s) @ vt = a.
#[pyfunction]
#[pyo3(signature = (a, n_threads=None))]
fn svd<'py>(
    py: Python<'py>,
    a: Matrix<'py>,
    n_threads: Option<usize>,
) -> PyResult<Bound<'py, PyAny>> {
    by_dtype!(Matrix, &a, |a| {
        let a = view(a)?;
        svd_tuple(py, enter(py, n_threads, |control| linalg::svd(a, control))?)
    })
}

/// (u, s, vt) of the leading `n_components` singular values, from Gaussian `probes`.
#[pyfunction]
#[pyo3(signature = (a, probes, n_components, n_iter, n_threads=None))]
fn randomized_svd<'py>(
    py: Python<'py>,
    a: Matrix<'py>,
    probes: Matrix<'py>,
    n_components: usize,
    n_iter: usize,
    n_threads: Option<usize>,
) -> PyResult<Bound<'py, PyAny>> {
    let params = RandomizedSvdParams { n_components, n_iter };
    same_kind!(py, |a, probes| {
        let (a, probes) = (view(a)?, view(probes)?);
        let work = |control: &_| linalg::randomized_svd(a, probes, &params, control);
        svd_tuple(py, enter(py, n_threads, work)?)
    })
}

/// (w, v) with (v * w) @ v.T = a, for a symmetric a.
#[pyfunction]
#[pyo3(signature = (a, n_threads=None))]
fn eigh<'py>(
    py: Python<'py>,
    a: Matrix<'py>,
    n_threads: Option<usize>,
) -> PyResult<Bound<'py, PyAny>> {
    by_dtype!(Matrix, &a, |a| {
        let a = view(a)?;
        let found = enter(py, n_threads, |control| linalg::eigh(a, control))?;
        tuple(py, [vector(py, found.values), matrix(py, found.vectors)?])
    })
}

/// (x, rank, s): the x of smallest norm that minimises the norm of a @ x - b.
#[pyfunction]
#[pyo3(signature = (a, b, rcond=None, n_threads=None))]
fn lstsq<'py>(
    py: Python<'py>,
    a: Matrix<'py>,
    b: Matrix<'py>,
    rcond: Option<f64>,
    n_threads: Option<usize>,
) -> PyResult<Bound<'py, PyAny>> {
    fn run<'py, T: Element + Scalar>(
        py: Python<'py>,
        (a, b): (MatRef<'_, T>, MatRef<'_, T>),
        rcond: Option<f64>,
        n_threads: Option<usize>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let rcond = rcond.map(T::from_f64);
        let found = enter(py, n_threads, |control| linalg::lstsq(a, b, rcond, control))?;
        let rank = found.rank.into_pyobject(py)?.into_any();
        tuple(py, [matrix(py, found.solution)?, rank, vector(py, found.singular_values)])
    }
    same_kind!(py, |a, b| run(py, (view(a)?, view(b)?), rcond, n_threads))
}

pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(matmul, module)?)?;
    module.add_function(wrap_pyfunction!(gram, module)?)?;
    module.add_function(wrap_pyfunction!(cholesky, module)?)?;
    module.add_function(wrap_pyfunction!(solve, module)?)?;
    module.add_function(wrap_pyfunction!(solve_triangular, module)?)?;
    module.add_function(wrap_pyfunction!(qr, module)?)?;
    module.add_function(wrap_pyfunction!(svd, module)?)?;
    module.add_function(wrap_pyfunction!(randomized_svd, module)?)?;
    module.add_function(wrap_pyfunction!(eigh, module)?)?;
    module.add_function(wrap_pyfunction!(lstsq, module)?)
}
