//! The one way into a kernel: releases the GIL, answers Ctrl-C, maps errors, stops panics.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

use pyo3::exceptions::PyKeyboardInterrupt;
use pyo3::prelude::*;
use smelt_core::{Control, Error, Result, parallel};

/// Runs `work` without the GIL on at most `n_threads` threads (`None`: all).
///
/// While the work polls its [`Control`], signals are looked at every 20 ms; an exception raised by a
/// signal handler (as a rule `KeyboardInterrupt`) stops the work and is raised here.
pub(crate) fn enter<R: Send>(
    py: Python<'_>,
    n_threads: Option<usize>,
    work: impl FnOnce(&Control) -> Result<R> + Send,
) -> PyResult<R> {
    let raised: Arc<Mutex<Option<PyErr>>> = Arc::default();
    let seen = Arc::clone(&raised);
    let outcome = py.detach(move || {
        let control = Control::watching(move || {
            let Err(error) = Python::attach(|py| py.check_signals()) else { return false };
            if let Ok(mut slot) = seen.lock() {
                *slot = Some(error);
            }
            true
        });
        catch_unwind(AssertUnwindSafe(|| {
            parallel::with_threads(n_threads.unwrap_or(0), || work(&control))
        }))
    });
    match outcome {
        Ok(Ok(result)) => Ok(result),
        Ok(Err(Error::Cancelled)) => {
            let error = raised.lock().ok().and_then(|mut slot| slot.take());
            Err(error.unwrap_or_else(|| PyKeyboardInterrupt::new_err(())))
        }
        Ok(Err(error)) => Err(to_python(py, &error)),
        Err(panic) => {
            let text = panic
                .downcast_ref::<&str>()
                .map(ToString::to_string)
                .or_else(|| panic.downcast_ref::<String>().cloned())
                .unwrap_or_else(|| "panic without a message".to_string());
            Err(raise(
                py,
                "InternalError",
                format!(
                    "a kernel of smelt broke down: {text}. This is a defect of smelt, not of your \
                     data; please report it with the call that led here."
                ),
            ))
        }
    }
}

/// The Python exception for an error of a kernel.
pub(crate) fn to_python(py: Python<'_>, error: &Error) -> PyErr {
    let class = match error {
        Error::Parameter { .. } => "InvalidParameterError",
        Error::Data(_) => "DataError",
        Error::Numeric(_) => "LinAlgError",
        Error::ModelFile(_) => "ModelFileError",
        Error::Cancelled => return PyKeyboardInterrupt::new_err(()),
    };
    raise(py, class, error.to_string())
}

/// An exception of `smelt.errors`, by name.
pub(crate) fn raise(py: Python<'_>, class: &str, message: String) -> PyErr {
    let made = py
        .import("smelt.errors")
        .and_then(|errors| errors.getattr(class))
        .and_then(|class| class.call1((message,)));
    match made {
        Ok(exception) => PyErr::from_value(exception),
        Err(error) => error,
    }
}
