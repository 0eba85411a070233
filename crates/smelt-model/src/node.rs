//! One node of a graph while it is read: attributes, inputs and tensors, asked for by the operation.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value as Json};
use smelt_core::{Error, Result};

use crate::tensor::{self, Tensor, Tensors};
use crate::value::Kind;

/// Widest dense edge of a graph.
pub(crate) const MAX_DENSE_WIDTH: usize = 1_000_000;
/// Widest sparse edge of a graph.
pub(crate) const MAX_SPARSE_WIDTH: usize = 100_000_000;

/// What all nodes have, as written in the manifest; the rest are the attributes of the operation.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct NodeSource {
    pub(crate) op: String,
    #[serde(default = "first_version")]
    pub(crate) version: u32,
    pub(crate) inputs: Vec<String>,
    pub(crate) output: String,
    #[serde(default)]
    tensors: BTreeMap<String, String>,
    #[serde(flatten)]
    attributes: Map<String, Json>,
}

fn first_version() -> u32 {
    1
}

/// A node and what it is connected to.
pub(crate) struct Node<'a> {
    pub(crate) source: &'a NodeSource,
    pub(crate) inputs: Vec<Kind>,
    pub(crate) tensors: &'a Tensors,
}

impl Node<'_> {
    /// An error that says where it is.
    pub(crate) fn error(&self, message: impl AsRef<str>) -> Error {
        let NodeSource { op, output, .. } = self.source;
        Error::ModelFile(format!("operation {op} of node {output:?}: {}", message.as_ref()))
    }

    /// The attributes, as the struct of the operation; unknown names are refused.
    pub(crate) fn attributes<A: DeserializeOwned>(&self) -> Result<A> {
        serde_json::from_value(Json::Object(self.source.attributes.clone()))
            .map_err(|error| self.error(error.to_string()))
    }

    /// The kind of the only input.
    pub(crate) fn input(&self) -> Result<Kind> {
        match self.inputs.as_slice() {
            [kind] => Ok(*kind),
            kinds => Err(self.error(format!("takes one input, got {}", kinds.len()))),
        }
    }

    fn expected(&self, what: &str, got: Kind) -> Error {
        self.error(format!("takes {what}, got {}", got.name()))
    }

    /// The only input is a raw column.
    pub(crate) fn takes_column(&self) -> Result<()> {
        match self.input()? {
            Kind::Column => Ok(()),
            kind => Err(self.expected("a raw column", kind)),
        }
    }

    /// The only input is one number a row.
    pub(crate) fn takes_number(&self) -> Result<()> {
        match self.input()? {
            Kind::Number => Ok(()),
            kind => Err(self.expected("a number", kind)),
        }
    }

    /// The only input is a category code; gives the number of known categories.
    pub(crate) fn takes_code(&self) -> Result<usize> {
        match self.input()? {
            Kind::Code { size } => Ok(size),
            kind => Err(self.expected("a category code", kind)),
        }
    }

    /// The only input is dense; gives its width.
    pub(crate) fn takes_dense(&self) -> Result<usize> {
        match self.input()? {
            kind @ (Kind::Number | Kind::Code { .. } | Kind::Block { .. }) => Ok(kind.width()),
            kind => Err(self.expected("a dense block", kind)),
        }
    }

    /// The only input is dense or sparse; gives its width.
    pub(crate) fn takes_block(&self) -> Result<usize> {
        match self.input()? {
            Kind::Column => Err(self.expected("a block", Kind::Column)),
            kind => Ok(kind.width()),
        }
    }

    /// Output kind of a dense block, of a width that is allowed.
    pub(crate) fn block(&self, width: usize) -> Result<Kind> {
        if (1..=MAX_DENSE_WIDTH).contains(&width) {
            Ok(Kind::Block { width })
        } else {
            Err(self.error(format!("a block of width {width}; allowed is 1 to {MAX_DENSE_WIDTH}")))
        }
    }

    /// Output kind of a sparse block, of a width that is allowed.
    pub(crate) fn sparse(&self, width: usize) -> Result<Kind> {
        if (1..=MAX_SPARSE_WIDTH).contains(&width) {
            Ok(Kind::Sparse { width })
        } else {
            Err(self.error(format!("a block of width {width}; allowed is 1 to {MAX_SPARSE_WIDTH}")))
        }
    }

    /// A tensor by the name that the operation gives it.
    pub(crate) fn tensor(&self, role: &str) -> Result<&Tensor> {
        self.named(self.tensor_name(role)?, "")
    }

    fn tensor_name(&self, role: &str) -> Result<&str> {
        let name = self.source.tensors.get(role);
        name.map(String::as_str).ok_or_else(|| self.error(format!("names no tensor for {role:?}")))
    }

    fn named(&self, name: &str, suffix: &str) -> Result<&Tensor> {
        let name = format!("{name}{suffix}");
        self.tensors.get(&name).ok_or_else(|| self.error(format!("there is no tensor {name:?}")))
    }

    /// A matrix of finite numbers, row-major; gives its shape too.
    pub(crate) fn matrix(&self, role: &str) -> Result<(usize, usize, Vec<f64>)> {
        let tensor = self.tensor(role)?;
        let &[n_rows, n_cols] = tensor.shape() else {
            return Err(self.error(format!("tensor {role:?} must have two axes")));
        };
        Ok((n_rows, n_cols, self.finite(role, tensor)?))
    }

    /// A vector of finite numbers.
    pub(crate) fn vector(&self, role: &str) -> Result<Vec<f64>> {
        let tensor = self.tensor(role)?;
        if tensor.shape().len() != 1 {
            return Err(self.error(format!("tensor {role:?} must have one axis")));
        }
        self.finite(role, tensor)
    }

    /// A vector of finite numbers of a known length.
    pub(crate) fn vector_of(&self, role: &str, length: usize) -> Result<Vec<f64>> {
        let vector = self.vector(role)?;
        if vector.len() == length {
            Ok(vector)
        } else {
            let got = vector.len();
            Err(self.error(format!("tensor {role:?} must have length {length}, got {got}")))
        }
    }

    fn finite(&self, role: &str, tensor: &Tensor) -> Result<Vec<f64>> {
        let values = tensor
            .to_f64()
            .ok_or_else(|| self.error(format!("tensor {role:?} must be f64 or f32")))?;
        if values.iter().all(|value| value.is_finite()) {
            Ok(values)
        } else {
            Err(self.error(format!("tensor {role:?} must be finite")))
        }
    }

    /// Distinct texts.
    pub(crate) fn strings(&self, role: &str) -> Result<Vec<Box<str>>> {
        let name = self.tensor_name(role)?;
        let (offsets, blob) = (self.named(name, ".offsets")?, self.named(name, ".blob")?);
        tensor::strings(offsets, blob)
            .map_err(|message| self.error(format!("text tensor {name:?}: {message}")))
    }
}

#[cfg(test)]
mod tests {
    use super::NodeSource;

    #[test]
    fn attributes_are_what_is_left() {
        let text = r#"{"op":"impute","inputs":["a"],"output":"b","value":3.5}"#;
        let source: NodeSource = serde_json::from_str(text).unwrap();
        assert_eq!((source.version, source.attributes.len()), (1, 1));
        assert!(serde_json::from_str::<NodeSource>(r#"{"op":"impute"}"#).is_err());
    }
}
