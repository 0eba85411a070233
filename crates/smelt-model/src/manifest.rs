//! The manifest: what the parts of a model file are.  Keys that this reader does not know are skipped.

use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use smelt_core::{Error, Result};

use crate::node::NodeSource;

/// Longest manifest, in bytes.
const MAX_LENGTH: usize = 64_000_000;

/// What a model file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FileKind {
    /// A whole way from raw columns to predictions.
    Pipeline,
    /// One fitted estimator.
    Estimator,
}

/// What is predicted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Task {
    /// One of two classes.
    Binary,
    /// One of several classes.
    Multiclass,
    /// A number.
    Regression,
}

/// What an input column means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Role {
    Number,
    Category,
    Boolean,
    Datetime,
    Text,
}

/// A column that the model reads.
#[derive(Debug, Clone, Deserialize)]
pub struct Input {
    /// Name of the column.
    pub name: String,
    /// What it means.
    pub role: Role,
    /// Smallest and largest number seen in training.
    #[serde(default)]
    pub range: Option<(f64, f64)>,
    /// Whether prediction without it is refused; else it counts as missing in every row.
    #[serde(default = "yes")]
    pub required: bool,
}

fn yes() -> bool {
    true
}

/// The first look at a manifest.
#[derive(Debug, Deserialize)]
pub(crate) struct Head {
    pub(crate) format: u32,
    pub(crate) kind: FileKind,
    /// Version of the smelt that wrote the file, and when: every reader may count on them.
    #[serde(rename = "smelt")]
    _smelt: String,
    #[serde(rename = "created")]
    _created: String,
}

/// The manifest of a pipeline.
#[derive(Debug, Deserialize)]
pub(crate) struct Pipeline {
    pub(crate) task: Task,
    #[serde(rename = "target")]
    _target: String,
    #[serde(default)]
    pub(crate) classes: Option<Vec<String>>,
    pub(crate) inputs: Vec<Input>,
    pub(crate) graph: GraphSource,
    #[serde(default)]
    pub(crate) selftest: Option<SelfTest>,
}

/// The nodes, and how their result is read.
#[derive(Debug, Deserialize)]
pub(crate) struct GraphSource {
    pub(crate) nodes: Vec<NodeSource>,
    pub(crate) output: String,
    #[serde(default)]
    pub(crate) threshold: Option<f64>,
}

/// Rows with the prediction that the writer got for them.
#[derive(Debug, Deserialize)]
pub(crate) struct SelfTest {
    pub(crate) rows: Vec<Map<String, Json>>,
    #[serde(default)]
    pub(crate) tensors: Option<SelfTestTensors>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct SelfTestTensors {
    pub(crate) expected: String,
}

/// Most rows of a self-test.
const MAX_SELF_TEST_ROWS: usize = 1000;

fn unreadable(error: &serde_json::Error) -> Error {
    Error::ModelFile(format!("the manifest cannot be read: {error}"))
}

/// Reads the part that all manifests have, after a check that every value is sound.
pub(crate) fn read_head(manifest: &str) -> Result<Head> {
    if manifest.len() > MAX_LENGTH {
        let length = manifest.len();
        return Err(Error::ModelFile(format!(
            "the manifest has {length} bytes, over {MAX_LENGTH}"
        )));
    }
    let mut reader = serde_json::Deserializer::from_str(manifest);
    Sound.deserialize(&mut reader).and_then(|()| reader.end()).map_err(|e| unreadable(&e))?;
    let head: Head = serde_json::from_str(manifest).map_err(|error| unreadable(&error))?;
    if head.format == 0 || head.format > crate::container::FORMAT {
        return Err(Error::ModelFile(format!(
            "the manifest has the unknown format {}",
            head.format
        )));
    }
    Ok(head)
}

impl Pipeline {
    /// Reads the manifest of a pipeline and checks what does not depend on the graph.
    pub(crate) fn read(manifest: &str) -> Result<Self> {
        let pipeline: Self = serde_json::from_str(manifest).map_err(|error| unreadable(&error))?;
        pipeline
            .check()
            .map_err(|text| Error::ModelFile(format!("the manifest is wrong: {text}")))?;
        Ok(pipeline)
    }

    /// Numbers a row that the graph must give.
    pub(crate) fn width(&self) -> usize {
        self.classes.as_ref().map_or(1, Vec::len).max(1)
    }

    fn check(&self) -> std::result::Result<(), String> {
        let classes = self.classes.as_deref().unwrap_or_default();
        let enough = match self.task {
            Task::Binary => classes.len() == 2,
            Task::Multiclass => classes.len() >= 2,
            Task::Regression => classes.is_empty(),
        };
        if !enough {
            return Err(format!("{} classes do not fit the task", classes.len()));
        }
        if classes.iter().collect::<HashSet<_>>().len() != classes.len() {
            return Err("two classes are the same".into());
        }
        let mut names = HashSet::new();
        for input in &self.inputs {
            if !names.insert(&input.name) {
                return Err(format!("two inputs are named {:?}", input.name));
            }
            if input.range.is_some_and(|(low, high)| low > high) {
                return Err(format!("the range of {:?} is empty", input.name));
            }
        }
        match self.graph.threshold {
            Some(_) if self.task != Task::Binary => {
                return Err("a threshold is for two classes".into());
            }
            Some(threshold) if !(0.0..=1.0).contains(&threshold) => {
                return Err(format!("the threshold {threshold} is not within 0 and 1"));
            }
            _ => {}
        }
        match &self.selftest {
            Some(test) if test.rows.len() > MAX_SELF_TEST_ROWS => {
                Err(format!("{} self-test rows, over {MAX_SELF_TEST_ROWS}", test.rows.len()))
            }
            _ => Ok(()),
        }
    }
}

/// Walks a JSON text and keeps nothing: fails on text that is no Unicode, numbers out of range and
/// nesting over 128 levels, wherever they are, so that any reader in any language takes the rest.
struct Sound;

impl<'de> DeserializeSeed<'de> for Sound {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> std::result::Result<(), D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Sound {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> std::result::Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> std::result::Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> std::result::Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> std::result::Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> std::result::Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> std::result::Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> std::result::Result<(), A::Error> {
        while items.next_element_seed(Self)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut items: A) -> std::result::Result<(), A::Error> {
        while items.next_key_seed(Self)?.is_some() {
            items.next_value_seed(Self)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{FileKind, Pipeline, read_head};

    #[test]
    fn every_value_must_be_sound() {
        let with = |value: &str| {
            let head = r#""format":1,"kind":"pipeline","smelt":"","created":"""#;
            read_head(&format!("{{{head},\"x\":{value}}}"))
        };
        assert_eq!(with("[1,2.5,null,{\"a\":\"ü\"}]").unwrap().kind, FileKind::Pipeline);
        let deep = "[".repeat(200) + &"]".repeat(200);
        for value in ["\"\\ud800\"", "1e999", "NaN", "01", "", deep.as_str()] {
            assert!(with(value).is_err(), "{value}");
        }
        for (format, kind) in [(2, "pipeline"), (0, "pipeline"), (1, "pickle")] {
            let text = format!(r#"{{"format":{format},"kind":"{kind}","smelt":"","created":""}}"#);
            assert!(read_head(&text).is_err(), "{text}");
        }
    }

    #[test]
    fn manifests_that_contradict_themselves_are_refused() {
        let read = |task: &str, classes: &str, inputs: &str, threshold: &str| {
            Pipeline::read(&format!(
                r#"{{"task":"{task}","target":"y","classes":{classes},"inputs":[{inputs}],
                    "graph":{{"nodes":[],"output":"y","threshold":{threshold}}}}}"#
            ))
        };
        let a = r#"{"name":"a","role":"number","range":[0,1]}"#;
        assert!(read("binary", r#"["n","y"]"#, a, "0.5").is_ok());
        assert!(read("binary", r#"["n","y"]"#, a, "1.5").is_err());
        assert!(read("binary", r#"["n","n"]"#, a, "null").is_err());
        assert!(read("binary", r#"["n"]"#, a, "null").is_err());
        assert!(read("multiclass", r#"["a","b","c"]"#, a, "0.5").is_err());
        assert!(read("regression", r#"["n","y"]"#, a, "null").is_err());
        assert!(read("regression", "null", &format!("{a},{a}"), "null").is_err());
        assert!(read("regression", "null", r#"{"name":"a","role":"idea"}"#, "null").is_err());
    }
}
