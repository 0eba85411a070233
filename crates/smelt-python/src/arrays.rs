//! NumPy arrays to views and back, once for all kernels.  No copy either way.

use numpy::{
    Element, PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2,
    PyUntypedArrayMethods,
};
use pyo3::prelude::*;
use smelt_core::{CsrRef, Mat, MatRef, Real, Result};

use crate::enter::raise;

/// Finds NumPy's functions and types now.
///
/// They are found through Python code.  Left to the first call of a kernel, a Ctrl-C at that moment
/// would end in a panic instead of a `KeyboardInterrupt`.
pub(crate) fn load_numpy(py: Python<'_>) -> PyResult<()> {
    py.import("numpy")?;
    PyArray1::<f64>::zeros(py, 0, false).try_readonly()?;
    Ok(())
}

/// Makes an enum an argument: the first kind that fits.
///
/// PyO3's derived extraction writes a text about each kind that does not fit, and Python runs signal
/// handlers whenever it makes text of an object: a Ctrl-C would be noticed there, and forgotten.
macro_rules! first_that_fits {
    ($name:ident, $expected:literal, $($kind:ident($($field:ident: $type:ty),+)),+) => {
        impl<'py> pyo3::FromPyObject<'_, 'py> for $name<'py> {
            type Error = pyo3::PyErr;

            #[allow(unused_parens)]
            fn extract(object: pyo3::Borrowed<'_, 'py, pyo3::PyAny>) -> pyo3::PyResult<Self> {
                $(if let Ok(($($field),+)) = object.extract::<($($type),+)>() {
                    return Ok(Self::$kind($($field),+));
                })+
                Err(pyo3::exceptions::PyTypeError::new_err($expected))
            }
        }
    };
}
pub(crate) use first_that_fits;

/// A dense matrix of `f32` or `f64`; use [`by_dtype!`] to work on it.
pub(crate) enum Matrix<'py> {
    F32(PyReadonlyArray2<'py, f32>),
    F64(PyReadonlyArray2<'py, f64>),
}

first_that_fits!(
    Matrix,
    "expected a two-dimensional array of float32 or float64",
    F32(array: PyReadonlyArray2<'py, f32>),
    F64(array: PyReadonlyArray2<'py, f64>)
);

/// A sparse matrix as `(indptr int64, indices int32, data, n_cols)`; compressed rows or columns.
pub(crate) enum Sparse<'py> {
    F32(SparseArrays<'py, f32>),
    F64(SparseArrays<'py, f64>),
}

first_that_fits!(
    Sparse,
    "expected (indptr int64, indices int32, data of float32 or float64, n_cols)",
    F32(arrays: SparseArrays<'py, f32>),
    F64(arrays: SparseArrays<'py, f64>)
);

/// The arrays of a [`Sparse`].
pub(crate) type SparseArrays<'py, T> =
    (PyReadonlyArray1<'py, i64>, PyReadonlyArray1<'py, i32>, PyReadonlyArray1<'py, T>, usize);

/// Evaluates an expression with `$array` bound to the typed array inside a [`Matrix`] or [`Sparse`].
macro_rules! by_dtype {
    ($kind:ident, $value:expr, |$array:ident| $body:expr) => {
        match $value {
            $crate::arrays::$kind::F32($array) => $body,
            $crate::arrays::$kind::F64($array) => $body,
        }
    };
}
pub(crate) use by_dtype;

/// View of a two-dimensional array, C or Fortran order or any other positive strides.
pub(crate) fn view<'a, T: Element>(array: &'a PyReadonlyArray2<'_, T>) -> PyResult<MatRef<'a, T>> {
    let shape = (array.shape()[0], array.shape()[1]);
    let size = std::mem::size_of::<T>() as isize;
    let stride = |axis: usize| -> PyResult<usize> {
        let bytes = array.strides()[axis];
        if shape.0 * shape.1 <= 1 || array.shape()[axis] <= 1 {
            return Ok(if axis == 0 { shape.1.max(1) } else { 1 });
        }
        if bytes < 0 || bytes % size != 0 {
            return Err(raise(
                array.py(),
                "InternalError",
                "an array with negative or odd strides reached a kernel".to_string(),
            ));
        }
        Ok((bytes / size) as usize)
    };
    let strides = (stride(0)?, stride(1)?);
    // SAFETY: NumPy guarantees that shape and strides describe readable memory, and the read-only
    // borrow held by `array` lives as long as the view.
    Ok(unsafe { MatRef::from_raw_parts(array.data(), shape, strides) })
}

/// Contiguous vector as a slice.
pub(crate) fn slice<'a, T: Element>(array: &'a PyReadonlyArray1<'_, T>) -> PyResult<&'a [T]> {
    array.as_slice().map_err(|_| {
        raise(array.py(), "InternalError", "a strided vector reached a kernel".to_string())
    })
}

/// Contiguous vector as a slice, where there is one.
pub(crate) fn maybe_slice<'a, T: Element>(
    array: Option<&'a PyReadonlyArray1<'_, T>>,
) -> PyResult<Option<&'a [T]>> {
    array.map(slice).transpose()
}

/// View of the arrays of a sparse matrix, checked.
pub(crate) fn sparse_view<'a, T: Element + Copy>(
    arrays: &'a SparseArrays<'_, T>,
) -> PyResult<Result<CsrRef<'a, T>>> {
    let (indptr, indices, data, n_cols) = arrays;
    Ok(CsrRef::new(slice(indptr)?, slice(indices)?, slice(data)?, *n_cols))
}

/// A vector handed to NumPy.
pub(crate) fn to_array1<T: Element>(py: Python<'_>, values: Vec<T>) -> Bound<'_, PyArray1<T>> {
    PyArray1::from_vec(py, values)
}

/// A matrix handed to NumPy, C order.
pub(crate) fn to_array2<T: Element + Real>(
    py: Python<'_>,
    matrix: Mat<T>,
) -> PyResult<Bound<'_, PyArray2<T>>> {
    let shape = [matrix.n_rows(), matrix.n_cols()];
    PyArray1::from_vec(py, matrix.into_vec()).reshape(shape)
}
