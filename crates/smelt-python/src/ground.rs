//! What the ground floor shows to Python: threads.

use pyo3::prelude::*;

/// Threads that kernels may use at most.
#[pyfunction]
fn max_threads() -> usize {
    smelt_core::parallel::max_threads()
}

pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(max_threads, module)?)
}
