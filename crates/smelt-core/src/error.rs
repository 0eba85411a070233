//! The one error type that crosses crates; the binding maps it to scikit-learn's exceptions once.

/// What can go wrong in a kernel.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A parameter is outside its range (`InvalidParameterError`, a `ValueError`, in Python).
    #[error("parameter `{name}` {message}")]
    Parameter {
        /// Name of the parameter as the user wrote it.
        name: &'static str,
        /// What is wrong and what would be right.
        message: String,
    },
    /// The data cannot be used (`ValueError` in Python): what, where, why, how to mend it.
    #[error("{0}")]
    Data(String),
    /// The numbers broke down, e.g. a singular system (`LinAlgError` in Python).
    #[error("{0}")]
    Numeric(String),
    /// A model file is damaged, hostile or too new (`ModelFileError`, a `ValueError`, in Python).
    #[error("{0}")]
    ModelFile(String),
    /// The user interrupted the work (`KeyboardInterrupt` in Python).
    #[error("interrupted")]
    Cancelled,
}

/// Result of a kernel.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// Shorthand for [`Error::Parameter`].
    pub fn parameter(name: &'static str, message: impl Into<String>) -> Self {
        Self::Parameter { name, message: message.into() }
    }

    /// Shorthand for [`Error::Data`].
    pub fn data(message: impl Into<String>) -> Self {
        Self::Data(message.into())
    }
}

#[cfg(test)]
mod tests {
    use super::Error;

    #[test]
    fn messages_name_the_parameter() {
        let error = Error::parameter("alpha", "must be at least 0, got -1");
        assert_eq!(error.to_string(), "parameter `alpha` must be at least 0, got -1");
    }
}
