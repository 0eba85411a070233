//! Whether a tree has subtrees that grow near the processor, and the room they need.

use smelt_core::{Control, Result};

use super::best::BestRows;
use super::random::RandomRows;
use super::{Growth, MOST_CLASSES, Room, Task, grow, histogram, word};
use crate::tree::columns::Columns;
use crate::tree::criterion::{Criterion, Score};
use crate::tree::dense::Dense;
use crate::tree::grow::Table;
use crate::tree::limits::Limits;
use crate::tree::sparse::Values;

/// Below this weight numbers of f32 are exact.
const EXACT: f64 = 16_777_215.0;

/// How cuts are found.
enum Rows<'a> {
    Best(Box<BestRows<'a>>),
    Random(Box<RandomRows<'a, Dense<'a>>>),
    RandomCodes(Box<RandomRows<'a, Columns>>),
}

/// Subtrees of a tree.
pub(crate) struct Near<'a> {
    rows: Option<Rows<'a>>,
    /// Most rows of a subtree, and their most weight.
    most: (usize, f64),
    room: Room,
    ends: Vec<u32>,
    weights: Vec<u32>,
}

impl<'a> Near<'a> {
    /// For a tree of these limits.
    pub(crate) fn new<C: Criterion>(table: Table<'a>, limits: &Limits, criterion: &C) -> Self {
        let counts_classes = criterion.class_sums().is_some_and(|sums| {
            matches!(sums.score, Score::Squares) && sums.totals.len() <= MOST_CLASSES
        });
        let rows = match table {
            _ if !counts_classes
                || limits.monotonic.is_some()
                || limits.categories.is_some()
                || limits.max_leaf_nodes.is_some() =>
            {
                None
            }
            Table::Values(Values::Coded(columns))
                if RandomRows::are_worth(columns, table.n_features(), limits.max_features) =>
            {
                Some(Rows::RandomCodes(Box::new(RandomRows::new(columns))))
            }
            Table::Values(Values::Plain(values))
                if RandomRows::are_worth(values, table.n_features(), limits.max_features) =>
            {
                Some(Rows::Random(Box::new(RandomRows::new(values))))
            }
            Table::Codes(columns) if BestRows::are_worth(columns, limits.max_features) => {
                Some(Rows::Best(Box::new(BestRows::new(columns))))
            }
            _ => None,
        };
        let most = match &rows {
            Some(Rows::Best(rows)) => (rows.most_near(), f64::from(histogram::MOST_WEIGHT)),
            Some(Rows::Random(rows)) => (rows.most_near(), EXACT),
            Some(Rows::RandomCodes(rows)) => (rows.most_near(), EXACT),
            None => (0, 0.0),
        };
        Self { rows, most, room: Room::default(), ends: Vec::new(), weights: Vec::new() }
    }

    /// Takes up the rows of a node, class by class, if they make a subtree.
    pub(crate) fn takes<C: Criterion>(
        &mut self,
        rows: &[u32],
        items: &[C::Item],
        criterion: &C,
    ) -> bool {
        let Some(sums) = criterion.class_sums().filter(|_| (1..=self.most.0).contains(&rows.len()))
        else {
            return false;
        };
        self.weights.clear();
        self.weights.resize(sums.totals.len(), 0);
        self.ends.clear();
        self.ends.resize(sums.totals.len(), 0);
        let mut total = 0;
        self.room.words.clear();
        for (&row, &item) in rows.iter().zip(items) {
            let (class, weight) = criterion.class_and_weight(item);
            self.ends[class] += 1;
            self.weights[class] = self.weights[class].wrapping_add(weight);
            total += u64::from(weight);
            self.room.words.push(word(row, weight));
        }
        let mut end = 0;
        for n in &mut self.ends {
            end += *n;
            *n = end;
        }
        (total as f64) <= self.most.1
    }

    /// Grows the subtree of the rows taken up.
    pub(crate) fn grow(
        &mut self,
        root: Task,
        growth: &mut Growth<'_>,
        control: &Control,
    ) -> Result<()> {
        let Self { rows, room, ends, weights, .. } = self;
        match rows {
            Some(Rows::Best(finder)) => {
                grow(&mut **finder, room, root, ends, weights, growth, control)
            }
            Some(Rows::Random(finder)) => {
                grow(&mut **finder, room, root, ends, weights, growth, control)
            }
            Some(Rows::RandomCodes(finder)) => {
                grow(&mut **finder, room, root, ends, weights, growth, control)
            }
            None => Ok(()),
        }
    }
}
