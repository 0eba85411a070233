//! Tables: delimited text to columns.

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use smelt_model::csv_read::{CsvBatch, CsvFault, CsvParams};

use crate::enter::enter;

/// Reads the complete records of a piece of delimited text; see `smelt_model::csv_read`.
#[pyfunction]
#[pyo3(signature = (data, delimiter, n_fields, first_line, last, max_records))]
fn csv_parse<'py>(
    py: Python<'py>,
    data: &[u8],
    delimiter: u8,
    n_fields: Option<usize>,
    first_line: u64,
    last: bool,
    max_records: usize,
) -> PyResult<Bound<'py, PyDict>> {
    let params = CsvParams { delimiter, n_fields, first_line, last, max_records };
    let batch =
        enter(py, None, |control| smelt_model::csv_read::csv_parse(data, &params, control))?;
    batch_to_dict(py, batch)
}

/// Number of fields of each record, for guessing the delimiter.
#[pyfunction]
fn csv_field_counts(data: &[u8], delimiter: u8, last: bool, max_records: usize) -> Vec<usize> {
    smelt_model::csv_read::csv_field_counts(data, delimiter, last, max_records)
}

fn batch_to_dict(py: Python<'_>, batch: CsvBatch) -> PyResult<Bound<'_, PyDict>> {
    let columns: Vec<_> = batch.columns.iter().map(|column| PyBytes::new(py, column)).collect();
    let dict = PyDict::new(py);
    dict.set_item("columns", columns)?;
    dict.set_item("n_records", batch.n_records)?;
    dict.set_item("consumed", batch.consumed)?;
    dict.set_item("next_line", batch.next_line)?;
    let fault = batch.fault.map(|fault| fault_to_dict(py, fault)).transpose()?;
    dict.set_item("fault", fault)?;
    Ok(dict)
}

fn fault_to_dict(py: Python<'_>, fault: CsvFault) -> PyResult<Bound<'_, PyDict>> {
    let dict = PyDict::new(py);
    let (kind, line, text) = match fault {
        CsvFault::FieldCount { line, expected, found, text } => {
            dict.set_item("expected", expected)?;
            dict.set_item("found", found)?;
            ("field_count", line, text)
        }
        CsvFault::OpenQuote { line } => ("open_quote", line, String::new()),
        CsvFault::AfterQuote { line, text } => ("after_quote", line, text),
        CsvFault::Nul { line } => ("nul", line, String::new()),
    };
    dict.set_item("kind", kind)?;
    dict.set_item("line", line)?;
    dict.set_item("text", text)?;
    Ok(dict)
}

pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(csv_parse, module)?)?;
    module.add_function(wrap_pyfunction!(csv_field_counts, module)?)
}
