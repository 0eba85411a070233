//! Keyword arguments to the parameter struct of a kernel, once for all kernels.

use pyo3::prelude::*;
use pyo3::types::PyDict;
use serde::de::DeserializeOwned;

use crate::enter::raise;

/// Turns `**params` into a parameter struct; an unknown name or a wrong type names the culprit.
pub(crate) fn params<P: DeserializeOwned>(
    py: Python<'_>,
    keywords: Option<&Bound<'_, PyDict>>,
) -> PyResult<P> {
    let empty;
    let keywords = match keywords {
        Some(keywords) => keywords,
        None => {
            empty = PyDict::new(py);
            &empty
        }
    };
    pythonize::depythonize(keywords.as_any())
        .map_err(|error| raise(py, "InvalidParameterError", format!("invalid parameters: {error}")))
}
