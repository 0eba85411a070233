//! A graph of operations: checked once, then run on any table.
//!
//! 1. read the nodes; each may use raw columns and the outputs of nodes before it, so there is no cycle;
//! 2. build every operation; kinds and widths of all edges are known after that;
//! 3. to run, cut the rows into chunks whose borders depend on the graph and the number of rows alone,
//!    and send each chunk through all nodes; every operation works row by row, so the bits do not
//!    depend on the chunks, and memory beside the result stays small.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

use smelt_core::{Control, Error, Result, parallel};

use crate::node::{Node, NodeSource};
use crate::ops::{self, Input, Inputs, Notes, Op};
use crate::table::{Column, ColumnRows, Table};
use crate::tensor::Tensors;
use crate::value::{Kind, Value};

/// Most nodes of a graph.
const MAX_NODES: usize = 100_000;
/// Most numbers a row that all nodes together may make.
const MAX_TOTAL_WIDTH: usize = 4_000_000;
/// Most rows of a chunk.
const CHUNK_ROWS: usize = 1024;
/// Numbers that the nodes together may hold for a chunk, where rows are wide.
const CHUNK_NUMBERS: usize = 1 << 20;
/// Time of one row in one node, for the decision to wake threads.
const NODE_ROW_NS: f64 = 50.0;

/// Where an input of a node comes from.
#[derive(Debug, Clone, Copy)]
enum Source {
    /// Index into the columns of the graph.
    Column(usize),
    /// Index of a node.
    Node(usize),
}

#[derive(Debug)]
struct Step {
    name: String,
    op: Box<dyn Op>,
    kind: Kind,
    inputs: Vec<Source>,
}

/// A checked graph.
#[derive(Debug)]
pub struct Graph {
    columns: Vec<String>,
    /// Range of each column in training, where it is known.
    ranges: Vec<Option<(f64, f64)>>,
    steps: Vec<Step>,
    by_name: HashMap<String, usize>,
    chunk_rows: usize,
}

/// What an operation may find wrong with a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Issue {
    /// There is no value.
    Missing,
    /// The text is not of the kind that the column has.
    Invalid,
    /// The category was not there in training.
    Unseen,
    /// The number is outside the range of the training.
    OutOfRange,
}

impl Issue {
    /// All issues, in the order of the counts in [`Issues`].
    pub const ALL: [Self; 4] = [Self::Missing, Self::Invalid, Self::Unseen, Self::OutOfRange];

    /// Name in Python.
    pub fn name(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Invalid => "invalid",
            Self::Unseen => "unseen",
            Self::OutOfRange => "out_of_range",
        }
    }

    fn bit(self) -> u8 {
        match self {
            Self::Missing => ops::MISSING,
            Self::Invalid => ops::INVALID,
            Self::Unseen => ops::UNSEEN,
            Self::OutOfRange => ops::OUT_OF_RANGE,
        }
    }
}

/// Counts of issues, in the order of [`Issue::ALL`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Issues {
    /// Rows with the issue, for each column that the graph reads.
    pub columns: BTreeMap<String, [u64; 4]>,
    /// Columns with the issue, for each row.
    pub rows: [Vec<u32>; 4],
}

/// Values of one chunk, and the notes of each column.
type ChunkResult = Result<(Vec<Value>, Vec<Vec<u8>>)>;

impl Graph {
    /// Reads the nodes (a JSON array) and builds every operation.
    pub fn from_parts(nodes: &str, tensors: &Tensors) -> Result<Self> {
        let nodes: Vec<NodeSource> = serde_json::from_str(nodes)
            .map_err(|error| Error::ModelFile(format!("the graph cannot be read: {error}")))?;
        Self::from_nodes(&nodes, tensors)
    }

    /// Builds every operation, in order.
    pub(crate) fn from_nodes(nodes: &[NodeSource], tensors: &Tensors) -> Result<Self> {
        if nodes.len() > MAX_NODES {
            let message = format!("the graph has {} nodes, over {MAX_NODES}", nodes.len());
            return Err(Error::ModelFile(message));
        }
        let mut graph = Self {
            columns: Vec::new(),
            ranges: Vec::new(),
            steps: Vec::with_capacity(nodes.len()),
            by_name: HashMap::with_capacity(nodes.len()),
            chunk_rows: CHUNK_ROWS,
        };
        let mut by_column = HashMap::new();
        let mut total_width = 1_usize;
        for source in nodes {
            let (kinds, inputs) = graph.connect(source, &mut by_column)?;
            let node = Node { source, inputs: kinds, tensors };
            let (op, kind) = ops::build(&node)?;
            if !matches!(kind, Kind::Sparse { .. }) {
                total_width = total_width.saturating_add(kind.width());
            }
            if total_width > MAX_TOTAL_WIDTH {
                return Err(node.error(format!("the graph is wider than {MAX_TOTAL_WIDTH}")));
            }
            let index = graph.steps.len();
            if graph.by_name.insert(source.output.clone(), index).is_some() {
                return Err(node.error("another node has this output already"));
            }
            graph.steps.push(Step { name: source.output.clone(), op, kind, inputs });
        }
        graph.chunk_rows = (CHUNK_NUMBERS / total_width).clamp(16, CHUNK_ROWS);
        Ok(graph)
    }

    /// Finds the inputs of a node among the columns and the nodes before it.
    fn connect(
        &mut self,
        node: &NodeSource,
        by_column: &mut HashMap<String, usize>,
    ) -> Result<(Vec<Kind>, Vec<Source>)> {
        let (mut kinds, mut inputs) = (Vec::new(), Vec::new());
        for name in &node.inputs {
            if let Some(column) = name.strip_prefix("column:") {
                let index = *by_column.entry(column.to_string()).or_insert_with(|| {
                    self.columns.push(column.to_string());
                    self.ranges.push(None);
                    self.columns.len() - 1
                });
                kinds.push(Kind::Column);
                inputs.push(Source::Column(index));
            } else if let Some((index, step)) =
                self.by_name.get(name).and_then(|&index| Some((index, self.steps.get(index)?)))
            {
                kinds.push(step.kind);
                inputs.push(Source::Node(index));
            } else {
                return Err(Error::ModelFile(format!(
                    "node {:?} reads {name:?}, which no node before it makes",
                    node.output
                )));
            }
        }
        Ok((kinds, inputs))
    }

    /// The raw columns that the graph reads.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Kind of a node's output.
    pub fn kind(&self, name: &str) -> Option<Kind> {
        self.by_name.get(name).and_then(|&index| self.steps.get(index)).map(|step| step.kind)
    }

    /// Notes numbers of this column that are outside the range.
    pub(crate) fn set_range(&mut self, column: &str, low: f64, high: f64) {
        for (name, range) in self.columns.iter().zip(&mut self.ranges) {
            if name == column {
                *range = Some((low, high));
            }
        }
    }

    /// Outputs of the wanted nodes, for every row of the table.
    pub fn run(&self, table: &Table<'_>, wanted: &[&str], control: &Control) -> Result<Vec<Value>> {
        self.run_noting(table, wanted, false, control).map(|(values, _)| values)
    }

    /// Like [`Graph::run`]; counts issues too when `count` is set.
    pub fn run_noting(
        &self,
        table: &Table<'_>,
        wanted: &[&str],
        count: bool,
        control: &Control,
    ) -> Result<(Vec<Value>, Issues)> {
        let wanted = wanted
            .iter()
            .map(|name| {
                self.by_name
                    .get(*name)
                    .copied()
                    .ok_or_else(|| Error::ModelFile(format!("the graph has no node {name:?}")))
            })
            .collect::<Result<Vec<usize>>>()?;
        let last_use = self.last_use(&wanted);
        let columns = self.find_columns(table, &last_use)?;
        let n_rows = table.n_rows();
        let failed = AtomicBool::new(false);
        let n_needed = last_use.iter().flatten().count();
        let cost_ns = NODE_ROW_NS * n_needed.max(1) as f64;
        let chunks = parallel::map_chunks(n_rows, self.chunk_rows, cost_ns, |_, rows| {
            if failed.load(Ordering::Relaxed) {
                return Err(Error::Cancelled);
            }
            let result = self.run_chunk(&columns, &rows, &wanted, &last_use, count, control);
            failed.fetch_or(result.is_err(), Ordering::Relaxed);
            result
        });
        self.merge(chunks, n_rows, &wanted, count)
    }

    /// For each node the index of the last node that reads it, `usize::MAX` when it is wanted;
    /// nothing for a node that is not needed.
    fn last_use(&self, wanted: &[usize]) -> Vec<Option<usize>> {
        let mut last_use = vec![None; self.steps.len()];
        for &index in wanted {
            last_use[index] = Some(usize::MAX);
        }
        for (index, step) in self.steps.iter().enumerate().rev() {
            if last_use[index].is_none() {
                continue;
            }
            for input in &step.inputs {
                if let Source::Node(input) = *input {
                    last_use[input] = last_use[input].or(Some(index));
                }
            }
        }
        last_use
    }

    /// The columns that the needed nodes read; nothing for the others.
    fn find_columns<'t>(
        &self,
        table: &'t Table<'_>,
        last_use: &[Option<usize>],
    ) -> Result<Vec<Option<&'t Column<'t>>>> {
        let mut found = vec![None; self.columns.len()];
        for (step, _) in self.steps.iter().zip(last_use).filter(|(_, last)| last.is_some()) {
            for input in &step.inputs {
                if let Source::Column(index) = *input {
                    let name = &self.columns[index];
                    found[index] = Some(table.get(name).ok_or_else(|| {
                        Error::data(format!("column {name:?} is missing from the data"))
                    })?);
                }
            }
        }
        Ok(found)
    }

    fn run_chunk(
        &self,
        columns: &[Option<&Column<'_>>],
        rows: &Range<usize>,
        wanted: &[usize],
        last_use: &[Option<usize>],
        count: bool,
        control: &Control,
    ) -> ChunkResult {
        let missing = || Error::ModelFile("a node ran before its input".into());
        let mut values: Vec<Option<Value>> = Vec::new();
        values.resize_with(self.steps.len(), || None);
        let mut flags = vec![Vec::new(); if count { columns.len() } else { 0 }];
        for (index, step) in self.steps.iter().enumerate() {
            if last_use[index].is_none() {
                continue;
            }
            control.check()?;
            let (before, after) = values.split_at_mut(index);
            let mut notes = Notes::default();
            if let [Source::Column(column)] = *step.inputs
                && let Some(flags) = flags.get_mut(column)
            {
                flags.resize(rows.len(), 0);
                notes = Notes::new(flags, self.ranges[column]);
            }
            let mut all = Vec::with_capacity(step.inputs.len());
            for input in &step.inputs {
                all.push(match *input {
                    Source::Column(column) => {
                        let column = columns[column].ok_or_else(missing)?;
                        Input::Column(ColumnRows::new(column, rows))
                    }
                    Source::Node(node) => Input::Value(before[node].as_ref().ok_or_else(missing)?),
                });
            }
            let value = step.op.run(&Inputs { all }, &mut notes)?;
            debug_assert_eq!((value.n_rows(), value.width()), (rows.len(), step.kind.width()));
            after[0] = Some(value);
            for input in &step.inputs {
                if let Source::Node(node) = *input
                    && last_use[node] == Some(index)
                {
                    values[node] = None;
                }
            }
        }
        let outputs = wanted.iter().enumerate().map(|(position, index)| {
            let again = wanted[position + 1..].contains(index);
            let value = if again { values[*index].clone() } else { values[*index].take() };
            value.ok_or_else(missing)
        });
        Ok((outputs.collect::<Result<_>>()?, flags))
    }

    /// Puts the chunks together and counts the issues.
    fn merge(
        &self,
        chunks: Vec<ChunkResult>,
        n_rows: usize,
        wanted: &[usize],
        count: bool,
    ) -> Result<(Vec<Value>, Issues)> {
        let mut issues = Issues::default();
        let mut column_counts = vec![[0_u64; 4]; self.columns.len()];
        let mut parts: Vec<Vec<Value>> = vec![Vec::with_capacity(chunks.len()); wanted.len()];
        let mut error = None;
        for chunk in chunks {
            match chunk {
                Ok((values, flags)) => {
                    for (parts, value) in parts.iter_mut().zip(values) {
                        parts.push(value);
                    }
                    if count {
                        count_issues(&flags, &mut column_counts, &mut issues.rows);
                    }
                }
                // A chunk that was not begun because another failed says `Cancelled` too.
                Err(found) if error.is_none() || error == Some(Error::Cancelled) => {
                    error = Some(found);
                }
                Err(_) => {}
            }
        }
        if let Some(error) = error {
            return Err(error);
        }
        if count {
            for rows in &mut issues.rows {
                rows.resize(n_rows, 0);
            }
            issues.columns = self.columns.iter().cloned().zip(column_counts).collect();
        }
        let stacked = wanted.iter().zip(parts).map(|(&index, mut parts)| match parts.pop() {
            Some(only) if parts.is_empty() => Ok(only),
            last => Value::stack(self.steps[index].kind, n_rows, parts.into_iter().chain(last)),
        });
        Ok((stacked.collect::<Result<_>>()?, issues))
    }

    /// Names of the nodes, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.steps.iter().map(|step| step.name.as_str())
    }
}

/// Adds the notes of one chunk to the counts.
fn count_issues(flags: &[Vec<u8>], columns: &mut [[u64; 4]], rows: &mut [Vec<u32>; 4]) {
    let n_rows = flags.iter().map(Vec::len).max().unwrap_or(0);
    for (rows, issue) in rows.iter_mut().zip(Issue::ALL) {
        let mut chunk = vec![0_u32; n_rows];
        for (flags, counts) in flags.iter().zip(columns.iter_mut()) {
            let mut total = 0;
            for (row, flag) in chunk.iter_mut().zip(flags) {
                let found = u32::from(flag & issue.bit() != 0);
                *row += found;
                total += u64::from(found);
            }
            counts[issue as usize] += total;
        }
        rows.extend_from_slice(&chunk);
    }
}
