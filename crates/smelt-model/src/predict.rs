//! A model file, ready to predict.

use smelt_core::{Control, Error, Result};

use crate::container;
use crate::graph::{Graph, Issues};
use crate::manifest::{self, FileKind, Input, Pipeline, Role, SelfTest};
use crate::table::{Column, Table, TextColumn};
use crate::tensor::{Data, Tensor, Tensors};
use crate::value::{Dense, Kind, Value};

/// Name of the tensor that holds what the self-test expects.
const EXPECTED: &str = "selftest.expected";
/// From this many values on, a column without a single value that can be read is refused.
const MISTYPED_FROM: u64 = 20;

/// A model file that has passed all checks.
#[derive(Debug)]
pub struct Model {
    manifest: String,
    sha256: String,
    kind: FileKind,
    /// The arrays of an estimator; a pipeline keeps only those of its self-test.
    tensors: Tensors,
    predictor: Option<Predictor>,
}

/// What predicts in a pipeline.
#[derive(Debug)]
struct Predictor {
    graph: Graph,
    output: String,
    width: usize,
    inputs: Vec<Input>,
    selftest: Option<SelfTest>,
}

/// What a model says about a table.
#[derive(Debug, Clone)]
pub struct Prediction {
    /// One row a row of the table: a probability a class, or one value.
    pub values: Dense,
    /// What was wrong with the table, when that was asked for.
    pub issues: Issues,
}

fn wrong(message: impl Into<String>) -> Error {
    Error::ModelFile(message.into())
}

impl Predictor {
    /// Builds the graph and checks that its ends fit the manifest.
    fn new(pipeline: Pipeline, tensors: &Tensors) -> Result<Self> {
        let width = pipeline.width();
        let mut graph = Graph::from_nodes(&pipeline.graph.nodes, tensors)?;
        for column in graph.columns() {
            if !pipeline.inputs.iter().any(|input| input.name == *column) {
                return Err(wrong(format!("the graph reads {column:?}, which is no input")));
            }
        }
        let output = pipeline.graph.output;
        match graph.kind(&output) {
            Some(Kind::Number) if width == 1 => {}
            Some(Kind::Block { width: got }) if got == width => {}
            Some(_) => {
                return Err(wrong(format!("node {output:?} must give {width} numbers a row")));
            }
            None => return Err(wrong(format!("the graph has no node {output:?}, its output"))),
        }
        for input in &pipeline.inputs {
            if let Some((low, high)) = input.range {
                graph.set_range(&input.name, low, high);
            }
        }
        Ok(Self { graph, output, width, inputs: pipeline.inputs, selftest: pipeline.selftest })
    }

    /// Runs the graph; optional inputs that the table lacks are missing in every row.
    fn predict(&self, table: &Table<'_>, count: bool, control: &Control) -> Result<Prediction> {
        let lacks = |input: &&Input| table.get(&input.name).is_none();
        let names = |required: bool| {
            let lacking = self.inputs.iter().filter(lacks);
            lacking.filter(move |input| input.required == required).map(|input| input.name.as_str())
        };
        let required: Vec<String> = names(true).map(|name| format!("{name:?}")).collect();
        if !required.is_empty() {
            return Err(Error::data(format!(
                "the data lacks {} that the model was trained on: {}",
                if required.len() == 1 { "a column" } else { "columns" },
                required.join(", ")
            )));
        }
        let optional: Vec<&str> = names(false).collect();
        let nothing = vec![-1; if optional.is_empty() { 0 } else { table.n_rows() }];
        let mut filled = None;
        for name in optional {
            let filled = filled.get_or_insert_with(|| table.clone());
            filled.insert(name, Column::Text(TextColumn::new(b"", &nothing)?))?;
        }
        let wanted = [self.output.as_str()];
        let table = filled.as_ref().unwrap_or(table);
        let (mut values, issues) = self.graph.run_noting(table, &wanted, count, control)?;
        self.check_types(table, &issues)?;
        match values.pop() {
            Some(Value::Dense(values)) if values.width == self.width => {
                Ok(Prediction { values, issues })
            }
            _ => Err(wrong("the graph gave another kind of output than it promised")),
        }
    }

    /// Refuses a column of which nothing can be read: it is another column than in training.
    fn check_types(&self, table: &Table<'_>, issues: &Issues) -> Result<()> {
        for (name, &[missing, invalid, ..]) in &issues.columns {
            if invalid < MISTYPED_FROM || missing + invalid < table.n_rows() as u64 {
                continue;
            }
            let role = self.inputs.iter().find(|input| input.name == *name);
            let what = match role.map(|input| input.role) {
                Some(Role::Boolean) => "truth values",
                Some(Role::Datetime) => "dates",
                _ => "numbers",
            };
            let text = match table.get(name) {
                Some(Column::Text(text)) => (0..table.n_rows()).find_map(|i| text.get(i)),
                _ => None,
            };
            let example = text.map_or_else(String::new, |text| {
                let short: String = text.chars().take(40).collect();
                format!(", such as {short:?},")
            });
            return Err(Error::data(format!(
                "column {name:?} held {what} in training, but none of its {invalid} values{example} \
                 can be read as such; is it another column, or another format?"
            )));
        }
        Ok(())
    }

    /// Predictions for the rows of the self-test.
    fn predict_rows(&self, test: &SelfTest, control: &Control) -> Result<Dense> {
        let columns: Vec<RowColumn> =
            self.inputs.iter().map(|input| RowColumn::new(&input.name, test)).collect();
        let table = Table::new(
            columns
                .iter()
                .map(|column| Ok((column.name, column.view()?)))
                .collect::<Result<Vec<_>>>()?,
        )?;
        self.predict(&table, false, control).map(|prediction| prediction.values)
    }
}

/// One column of the self-test rows.
struct RowColumn<'a> {
    name: &'a str,
    blob: String,
    lengths: Vec<i64>,
    numbers: Option<Vec<f64>>,
}

impl<'a> RowColumn<'a> {
    fn new(name: &'a str, test: &SelfTest) -> Self {
        use serde_json::Value::{Bool, Null, Number, String as Text};
        let cells = || test.rows.iter().map(|row| row.get(name).unwrap_or(&Null));
        let mut column = Self { name, blob: String::new(), lengths: Vec::new(), numbers: None };
        if cells().any(|cell| cell.is_number()) && cells().all(|c| c.is_number() || c.is_null()) {
            column.numbers = Some(cells().map(|cell| cell.as_f64().unwrap_or(f64::NAN)).collect());
            return column;
        }
        for cell in cells() {
            let start = column.blob.len();
            match cell {
                Text(text) => column.blob.push_str(text),
                Bool(flag) => column.blob.push_str(if *flag { "true" } else { "false" }),
                Number(number) => column.blob.push_str(&number.to_string()),
                _ => {
                    column.lengths.push(-1);
                    continue;
                }
            }
            column.lengths.push((column.blob.len() - start) as i64);
        }
        column
    }

    fn view(&self) -> Result<Column<'_>> {
        match &self.numbers {
            Some(numbers) => Ok(Column::Number(numbers)),
            None => TextColumn::new(self.blob.as_bytes(), &self.lengths).map(Column::Text),
        }
    }
}

impl Model {
    /// Reads a model file; whatever passes can be used without further checks.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let container::Container { manifest, sha256, mut tensors } = container::read(bytes)?;
        let head = manifest::read_head(&manifest)?;
        let predictor = match head.kind {
            FileKind::Estimator => None,
            FileKind::Pipeline => {
                let predictor = Predictor::new(Pipeline::read(&manifest)?, &tensors)?;
                predictor.check_self_test(&tensors)?;
                let expected = predictor.expected().map(ToString::to_string);
                tensors.retain(|name, _| Some(name) == expected.as_ref());
                Some(predictor)
            }
        };
        Ok(Self { manifest, sha256, kind: head.kind, tensors, predictor })
    }

    /// Writes a model file.  A pipeline's self-test rows are predicted and what comes out becomes the
    /// tensor `selftest.expected`; its manifest must name that tensor.
    pub fn to_bytes(manifest: &str, tensors: &mut Tensors, control: &Control) -> Result<Vec<u8>> {
        let head = manifest::read_head(manifest)?;
        if head.kind == FileKind::Pipeline {
            let predictor = Predictor::new(Pipeline::read(manifest)?, tensors)?;
            if let Some(test) = &predictor.selftest {
                let values = predictor.predict_rows(test, control)?;
                let shape = vec![test.rows.len(), values.width];
                let name = predictor.expected().unwrap_or(EXPECTED).to_string();
                tensors.insert(name, Tensor::new(shape, Data::F64(values.data))?);
            }
        }
        let bytes = container::write(manifest, tensors)?;
        Self::from_bytes(&bytes)?;
        Ok(bytes)
    }

    /// The manifest, JSON.
    pub fn manifest(&self) -> &str {
        &self.manifest
    }

    /// The hash of the content.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// What the file holds.
    pub fn kind(&self) -> FileKind {
        self.kind
    }

    /// Arrays of an estimator.
    pub fn tensors(&self) -> &Tensors {
        &self.tensors
    }

    fn predictor(&self) -> Result<&Predictor> {
        self.predictor.as_ref().ok_or_else(|| wrong("the file holds an estimator, no pipeline"))
    }

    /// Predictions for every row, with what was wrong with the table when `count` is set.
    pub fn predict(&self, table: &Table<'_>, count: bool, control: &Control) -> Result<Prediction> {
        self.predictor()?.predict(table, count, control)
    }

    /// Predicts the self-test rows anew; gives their number, and the first that differs in a bit.
    pub fn verify(&self, control: &Control) -> Result<(usize, Option<usize>)> {
        let predictor = self.predictor()?;
        let Some(test) = &predictor.selftest else { return Ok((0, None)) };
        let values = predictor.predict_rows(test, control)?;
        let expected = predictor.expected().and_then(|name| self.tensors.get(name));
        let Some(Data::F64(expected)) = expected.map(Tensor::data) else {
            return Err(wrong("the self-test has no expected values"));
        };
        let same = |(a, b): (&f64, &f64)| a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan());
        let rows = values.rows().zip(expected.chunks_exact(values.width.max(1)));
        let mut differ = rows.map(|(got, expected)| !got.iter().zip(expected).all(same));
        Ok((test.rows.len(), differ.position(|differs| differs)))
    }
}

impl Predictor {
    fn expected(&self) -> Option<&str> {
        let tensors = self.selftest.as_ref()?.tensors.as_ref()?;
        Some(&tensors.expected)
    }

    fn check_self_test(&self, tensors: &Tensors) -> Result<()> {
        let Some(test) = &self.selftest else { return Ok(()) };
        let expected = self.expected().and_then(|name| tensors.get(name));
        match expected {
            Some(tensor)
                if matches!(tensor.data(), Data::F64(_))
                    && tensor.shape() == [test.rows.len(), self.width] =>
            {
                Ok(())
            }
            Some(_) => {
                Err(wrong("the expected values of the self-test have another shape or type"))
            }
            None => Err(wrong("the self-test names no tensor of expected values")),
        }
    }
}
