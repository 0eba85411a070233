//! The graph of a model file: NumPy arrays and Arrow-like text in, arrays out.

use numpy::{
    Element, PyArray1, PyArrayMethods, PyReadonlyArray1, PyReadonlyArrayDyn, PyUntypedArrayMethods,
};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyTuple};
use smelt_core::{Control, Result};
use smelt_model::manifest::FileKind;
use smelt_model::ops::tokens::TokenOptions;
use smelt_model::table::TextColumn;
use smelt_model::tensor::Data;
use smelt_model::{
    Column, Dense, Graph, Issue, Issues, Model, Table, Tensor, Tensors, Value, terms,
};

use crate::arrays::{first_that_fits, slice, to_array1};
use crate::enter::{enter, raise, to_python};
use crate::params::params;

/// A raw column from Python: `(name, "text", blob, lengths)` or `(name, "number", values)`.
enum RawColumn<'py> {
    Text(String, String, Bound<'py, PyBytes>, PyReadonlyArray1<'py, i64>),
    Number(String, String, PyReadonlyArray1<'py, f64>),
}

first_that_fits!(
    RawColumn,
    "expected (name, \"text\", bytes, int64 lengths) or (name, \"number\", float64 values)",
    Text(name: String, kind: String, blob: Bound<'py, PyBytes>, lengths: PyReadonlyArray1<'py, i64>),
    Number(name: String, kind: String, values: PyReadonlyArray1<'py, f64>)
);

impl RawColumn<'_> {
    fn name(&self) -> &str {
        match self {
            Self::Text(name, ..) | Self::Number(name, ..) => name,
        }
    }
}

/// Borrowed bytes and arrays of a [`RawColumn`], to be cut into values without the GIL.
enum Parts<'a> {
    Text(&'a [u8], &'a [i64]),
    Number(&'a [f64]),
}

impl<'a> Parts<'a> {
    fn of(py: Python<'_>, column: &'a RawColumn<'_>) -> PyResult<Self> {
        match column {
            RawColumn::Text(_, kind, blob, lengths) if kind == "text" => {
                Ok(Self::Text(blob.as_bytes(), slice(lengths)?))
            }
            RawColumn::Number(_, kind, values) if kind == "number" => {
                Ok(Self::Number(slice(values)?))
            }
            other => {
                let message = format!("column {:?} must be \"text\" or \"number\"", other.name());
                Err(raise(py, "DataError", message))
            }
        }
    }

    fn column(&self) -> Result<Column<'a>> {
        match self {
            Self::Text(blob, lengths) => TextColumn::new(blob, lengths).map(Column::Text),
            Self::Number(values) => Ok(Column::Number(values)),
        }
    }
}

/// Runs `work` on the table of the columns, without the GIL.
fn with_table<R: Send>(
    py: Python<'_>,
    columns: &[RawColumn<'_>],
    n_threads: Option<usize>,
    work: impl FnOnce(&Table<'_>, &Control) -> Result<R> + Send,
) -> PyResult<R> {
    let parts = columns
        .iter()
        .map(|column| Ok((column.name(), Parts::of(py, column)?)))
        .collect::<PyResult<Vec<_>>>()?;
    enter(py, n_threads, move |control| {
        let columns = parts.iter().map(|(name, parts)| Ok((*name, parts.column()?)));
        let table = Table::new(columns.collect::<Result<Vec<_>>>()?)?;
        work(&table, control)
    })
}

/// Arrays of any shape and of the types that a model file may hold.
fn tensors(py: Python<'_>, arrays: &Bound<'_, PyDict>) -> PyResult<Tensors> {
    fn read<T: Element + Copy>(
        array: &Bound<'_, PyAny>,
        wrap: impl FnOnce(Vec<T>) -> Data,
    ) -> Option<(Vec<usize>, Data)> {
        let array: PyReadonlyArrayDyn<'_, T> = array.extract().ok()?;
        Some((array.shape().to_vec(), wrap(array.as_slice().ok()?.to_vec())))
    }
    arrays
        .iter()
        .map(|(name, array)| {
            let name: String = name.extract()?;
            let (shape, data) = read(&array, Data::F64)
                .or_else(|| read(&array, Data::F32))
                .or_else(|| read(&array, Data::I64))
                .or_else(|| read(&array, Data::I32))
                .or_else(|| read(&array, Data::I16))
                .or_else(|| read(&array, Data::I8))
                .or_else(|| read(&array, Data::U64))
                .or_else(|| read(&array, Data::U32))
                .or_else(|| read(&array, Data::U16))
                .or_else(|| read(&array, Data::U8))
                .or_else(|| read(&array, Data::Bool))
                .ok_or_else(|| {
                    let message = format!("{name:?} must be a C-contiguous array of numbers");
                    raise(py, "ModelFileError", message)
                })?;
            let tensor = Tensor::new(shape, data).map_err(|error| to_python(py, &error))?;
            Ok((name, tensor))
        })
        .collect()
}

/// Values and their shape, as an array.
fn array<'py, T: Element>(
    py: Python<'py>,
    values: Vec<T>,
    shape: &[usize],
) -> PyResult<Bound<'py, PyAny>> {
    Ok(PyArray1::from_vec(py, values).reshape(shape.to_vec())?.into_any())
}

fn matrix(py: Python<'_>, dense: Dense) -> PyResult<Bound<'_, PyAny>> {
    let shape = [dense.data.len() / dense.width.max(1), dense.width];
    array(py, dense.data, &shape)
}

/// A number or code as a vector, a block as a matrix, a sparse block as (indptr, indices, data, width).
fn to_value(py: Python<'_>, value: Value, vector: bool) -> PyResult<Bound<'_, PyAny>> {
    Ok(match value {
        Value::Dense(dense) if vector => to_array1(py, dense.data).into_any(),
        Value::Dense(dense) => matrix(py, dense)?,
        Value::Sparse(sparse) => {
            let arrays = (
                to_array1(py, sparse.indptr),
                to_array1(py, sparse.indices),
                to_array1(py, sparse.data),
                sparse.width,
            );
            arrays.into_pyobject(py)?.into_any()
        }
    })
}

fn to_array<'py>(py: Python<'py>, tensor: &Tensor) -> PyResult<Bound<'py, PyAny>> {
    let shape = tensor.shape();
    match tensor.data() {
        Data::F64(values) => array(py, values.clone(), shape),
        Data::F32(values) => array(py, values.clone(), shape),
        Data::I64(values) => array(py, values.clone(), shape),
        Data::I32(values) => array(py, values.clone(), shape),
        Data::I16(values) => array(py, values.clone(), shape),
        Data::I8(values) => array(py, values.clone(), shape),
        Data::U64(values) => array(py, values.clone(), shape),
        Data::U32(values) => array(py, values.clone(), shape),
        Data::U16(values) => array(py, values.clone(), shape),
        Data::U8(values) => array(py, values.clone(), shape),
        Data::Bool(values) => array(py, values.clone(), shape),
    }
}

/// Runs a graph (a JSON array of nodes) on raw columns and returns the wanted outputs by name.
#[pyfunction]
#[pyo3(signature = (nodes, tensors, columns, outputs, n_threads=None))]
fn graph_run<'py>(
    py: Python<'py>,
    nodes: &str,
    tensors: &Bound<'py, PyDict>,
    columns: Vec<RawColumn<'py>>,
    outputs: Vec<String>,
    n_threads: Option<usize>,
) -> PyResult<Bound<'py, PyDict>> {
    let tensors = self::tensors(py, tensors)?;
    let wanted: Vec<&str> = outputs.iter().map(String::as_str).collect();
    let (values, kinds) = with_table(py, &columns, n_threads, |table, control| {
        let graph = Graph::from_parts(nodes, &tensors)?;
        let values = graph.run(table, &wanted, control)?;
        let kinds: Vec<_> = wanted.iter().map(|name| graph.kind(name)).collect();
        Ok((values, kinds))
    })?;
    let result = PyDict::new(py);
    for ((name, value), kind) in outputs.iter().zip(values).zip(kinds) {
        use smelt_model::Kind::{Code, Number};
        let vector = matches!(kind, Some(Number | Code { .. }));
        result.set_item(name, to_value(py, value, vector)?)?;
    }
    Ok(result)
}

fn counts_to_python(py: Python<'_>, counts: terms::Counts) -> PyResult<Bound<'_, PyAny>> {
    let (texts, counts): (Vec<String>, Vec<i64>) =
        counts.into_iter().map(|(text, count)| (text, count as i64)).unzip();
    Ok((texts, to_array1(py, counts)).into_pyobject(py)?.into_any())
}

/// Distinct values of a column as `category_map` sees them, sorted, with the number of rows of each.
#[pyfunction]
#[pyo3(signature = (column, missing, n_threads=None))]
fn count_values<'py>(
    py: Python<'py>,
    column: RawColumn<'py>,
    missing: Vec<String>,
    n_threads: Option<usize>,
) -> PyResult<Bound<'py, PyAny>> {
    let parts = Parts::of(py, &column)?;
    let counts =
        enter(py, n_threads, |control| terms::count_values(&parts.column()?, &missing, control))?;
    counts_to_python(py, counts)
}

/// Distinct terms of a column as `tf_idf` sees them, sorted, with the number of rows that hold each.
#[pyfunction]
#[pyo3(signature = (column, n_threads=None, **options))]
fn count_terms<'py>(
    py: Python<'py>,
    column: RawColumn<'py>,
    n_threads: Option<usize>,
    options: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyAny>> {
    let options = params::<TokenOptions>(py, options)?;
    let parts = Parts::of(py, &column)?;
    let counts =
        enter(py, n_threads, |control| terms::count_terms(&parts.column()?, &options, control))?;
    counts_to_python(py, counts)
}

/// A model file that has passed all checks.
#[pyclass(frozen, name = "Model", module = "smelt._smelt.model")]
struct PyModel {
    model: Model,
}

#[pymethods]
impl PyModel {
    /// Reads a model file.
    #[new]
    fn new(py: Python<'_>, data: &[u8]) -> PyResult<Self> {
        enter(py, None, |_| Model::from_bytes(data)).map(|model| Self { model })
    }

    /// The manifest, JSON.
    #[getter]
    fn manifest(&self) -> &str {
        self.model.manifest()
    }

    /// The hash of the content.
    #[getter]
    fn sha256(&self) -> &str {
        self.model.sha256()
    }

    /// What the file holds: "pipeline" or "estimator".
    #[getter]
    fn kind(&self) -> &'static str {
        match self.model.kind() {
            FileKind::Pipeline => "pipeline",
            FileKind::Estimator => "estimator",
        }
    }

    /// Predictions, one row a row; with `count` also what was wrong with the columns and the rows.
    #[pyo3(signature = (columns, count=false, n_threads=None))]
    fn predict<'py>(
        &self,
        py: Python<'py>,
        columns: Vec<RawColumn<'py>>,
        count: bool,
        n_threads: Option<usize>,
    ) -> PyResult<Bound<'py, PyTuple>> {
        let prediction = with_table(py, &columns, n_threads, |table, control| {
            self.model.predict(table, count, control)
        })?;
        let (columns, rows) = issues_to_python(py, prediction.issues)?;
        (matrix(py, prediction.values)?, columns, rows).into_pyobject(py)
    }

    /// Number of self-test rows, and the first whose prediction differs in a bit, if any does.
    fn verify(&self, py: Python<'_>) -> PyResult<(usize, Option<usize>)> {
        enter(py, None, |control| self.model.verify(control))
    }

    /// The arrays of an estimator, by name.
    fn tensors<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let arrays = PyDict::new(py);
        for (name, tensor) in self.model.tensors() {
            arrays.set_item(name, to_array(py, tensor)?)?;
        }
        Ok(arrays)
    }
}

/// Issue -> column -> number of rows, without zeros; issue -> number of columns for each row.
fn issues_to_python(
    py: Python<'_>,
    issues: Issues,
) -> PyResult<(Bound<'_, PyDict>, Bound<'_, PyDict>)> {
    let (columns, rows) = (PyDict::new(py), PyDict::new(py));
    for (issue, of_rows) in Issue::ALL.into_iter().zip(issues.rows) {
        let counts = PyDict::new(py);
        for (name, count) in &issues.columns {
            if count[issue as usize] > 0 {
                counts.set_item(name, count[issue as usize])?;
            }
        }
        columns.set_item(issue.name(), counts)?;
        rows.set_item(issue.name(), to_array1(py, of_rows))?;
    }
    Ok((columns, rows))
}

/// Writes a model file; the self-test of a pipeline is run to find what it should expect.
#[pyfunction]
fn to_bytes<'py>(
    py: Python<'py>,
    manifest: &str,
    tensors: &Bound<'py, PyDict>,
) -> PyResult<Bound<'py, PyBytes>> {
    let mut tensors = self::tensors(py, tensors)?;
    let bytes = enter(py, None, |control| Model::to_bytes(manifest, &mut tensors, control))?;
    Ok(PyBytes::new(py, &bytes))
}

pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyModel>()?;
    module.add_function(wrap_pyfunction!(to_bytes, module)?)?;
    module.add_function(wrap_pyfunction!(graph_run, module)?)?;
    module.add_function(wrap_pyfunction!(count_values, module)?)?;
    module.add_function(wrap_pyfunction!(count_terms, module)?)
}
