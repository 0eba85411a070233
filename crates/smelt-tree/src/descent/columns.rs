//! A block of rows as integers, by columns and by rows.
//!
//! A number that is missing goes left or right as the node says: a feature with missing values gets
//! two columns, one in which they are the smallest key and one in which they are the largest.

use std::marker::PhantomData;

use smelt_core::parallel;

use super::key::{Key, Number, Rank};
use super::ruler::Ruler;
use super::{Source, Split};

/// How a column of the table is made from its feature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rule {
    /// Missing is the largest.
    Right,
    /// Missing is the smallest.
    Left,
    /// A category.
    Category,
}

/// A column of the table.
pub(super) type Column = (usize, Rule);

/// Which columns the splits look at.
#[derive(Debug)]
pub(crate) struct Layout {
    columns: Vec<Column>,
    /// Whether a category 255 counts, so that a byte cannot tell it from none.
    last_category: bool,
}

impl Layout {
    pub(crate) fn new(source: &dyn Source) -> Self {
        let mut used = vec![0_u8; source.n_features()];
        let mut last_category = false;
        for tree in 0..source.n_trees() {
            for node in 0..source.n_nodes(tree) {
                if let Some(split) = source.split(tree, node) {
                    used[split.feature] |= 1 << rule(&split, true) as u8;
                    if split.set.is_some() {
                        let set = source.set(&split);
                        last_category |= set[7] >> 31 != set[8] & 1;
                    }
                }
            }
        }
        let rules = [Rule::Right, Rule::Left, Rule::Category];
        let columns = used.iter().enumerate().flat_map(|(feature, &used)| {
            rules
                .into_iter()
                .filter(move |&rule| used >> rule as u8 & 1 == 1)
                .map(move |r| (feature, r))
        });
        Self { columns: columns.collect(), last_category }
    }

    /// Whether missing values ever go left, so that they need columns of their own.
    pub(super) fn tells_missing(&self) -> bool {
        self.columns.iter().any(|&(_, rule)| rule == Rule::Left)
    }

    /// The columns, sorted.
    pub(super) fn columns(&self, with_missing: bool) -> Vec<Column> {
        let mut columns = self.columns.clone();
        if !with_missing {
            for (_, rule) in &mut columns {
                *rule = if *rule == Rule::Category { *rule } else { Rule::Right };
            }
            columns.sort_unstable();
            columns.dedup();
        }
        columns
    }
}

/// The rule of the column that a split looks at.
pub(super) fn rule(split: &Split, with_missing: bool) -> Rule {
    match split.set {
        Some(_) => Rule::Category,
        None if with_missing && split.missing_left => Rule::Left,
        None => Rule::Right,
    }
}

/// How numbers become keys.
pub(crate) trait Coding<N: Number>: Sync {
    type Key: Key;
    fn threshold(&self, feature: usize, limit: f64) -> Self::Key;
    /// Keys of the values of a feature; any key for NaN.
    fn code(&self, feature: usize, values: &[N], out: &mut [Self::Key]);
}

/// Keys as wide as the numbers.
pub(crate) struct Keys;

impl<N: Number> Coding<N> for Keys {
    type Key = N::Key;
    fn threshold(&self, _: usize, limit: f64) -> N::Key {
        N::at_most(limit).key()
    }
    #[inline(always)]
    fn code(&self, _: usize, values: &[N], out: &mut [N::Key]) {
        for (out, x) in out.iter_mut().zip(values) {
            *out = x.key();
        }
    }
}

/// Keys of one or two bytes: ranks among the thresholds.
#[derive(Debug)]
pub(crate) struct Ranks<N, K> {
    rulers: Vec<Ruler<N>>,
    key: PhantomData<K>,
}

impl<N: Number, K: Rank> Ranks<N, K> {
    /// Thresholds of the first `n_trees`; nothing where a feature has too many, or too many
    /// categories.
    pub(crate) fn new(source: &dyn Source, layout: &Layout, n_trees: usize) -> Option<Self> {
        if layout.last_category && size_of::<K>() == 1 {
            return None;
        }
        let n_features = source.n_features();
        let n_trees = n_trees.min(source.n_trees());
        let cost_ns = source.n_nodes(0) as f64 * 10.0;
        let parts = parallel::map_chunks(n_trees, n_trees.div_ceil(16), cost_ns, |_, trees| {
            let mut limits = vec![Vec::new(); n_features];
            for tree in trees {
                for node in 0..source.n_nodes(tree) {
                    if let Some(split) = source.split(tree, node)
                        && split.set.is_none()
                    {
                        limits[split.feature].push(split.threshold);
                    }
                }
            }
            limits
        });
        let cost_ns = cost_ns * n_trees as f64 / n_features.max(1) as f64;
        let rulers = parallel::map_chunks(n_features, 1, cost_ns, |feature, _| {
            Ruler::new(parts.iter().flat_map(|limits| limits[feature].iter().copied()), K::MOST)
        });
        let rulers: Option<Vec<_>> = rulers.into_iter().collect();
        Some(Self { rulers: rulers?, key: PhantomData })
    }
}

impl<N: Number, K: Rank> Coding<N> for Ranks<N, K> {
    type Key = K;
    fn threshold(&self, feature: usize, limit: f64) -> K {
        K::rank(self.rulers[feature].place(limit))
    }
    #[inline(always)]
    fn code(&self, feature: usize, values: &[N], out: &mut [K]) {
        self.rulers[feature].ranks(values, out);
    }
}

/// Widths of rows that are copied before they walk.
pub(super) const NEAR: [usize; 2] = [32, 64];

/// Keys of a block of rows.
#[derive(Debug)]
pub(super) struct Table<K: Key> {
    n_rows: usize,
    /// Rows of a column, in full vectors.
    pub(super) stride: usize,
    /// Cells of a row of `by_row`: its columns, filled up to `NEAR` where they are at most so many.
    pub(super) width: usize,
    /// (column, row)
    pub(super) by_column: Vec<K>,
    /// (row, column), as words.
    pub(super) by_row: Vec<K::Word>,
}

impl<K: Key> Table<K> {
    pub(super) fn new(n_rows: usize) -> Self {
        let stride = Self::stride(n_rows);
        Self { n_rows, stride, width: 0, by_column: Vec::new(), by_row: Vec::new() }
    }

    /// Rows of a column: full vectors.
    pub(super) fn stride(n_rows: usize) -> usize {
        n_rows.next_multiple_of(32)
    }

    /// Keys of a column, and some that mean nothing.
    #[inline(always)]
    pub(super) fn column(&self, column: u32) -> &[K] {
        let start = column as usize * self.stride;
        &self.by_column[start..start + self.stride]
    }

    /// False, and nothing to be used, where a value is missing and the columns are `without_missing`.
    #[inline(always)]
    pub(super) fn fill<N: Number, C: Coding<N, Key = K>>(
        &mut self,
        gather: impl Fn(usize, &mut [N]),
        columns: &[Column],
        coding: &C,
        without_missing: bool,
    ) -> bool {
        let n_rows = self.n_rows;
        self.by_column.clear();
        self.by_column.resize(self.stride * columns.len().max(1), K::MAX);
        let mut values = vec![N::ZERO; n_rows];
        let mut gathered = None;
        let places = self.by_column.chunks_exact_mut(self.stride);
        for (&(feature, rule), out) in columns.iter().zip(places) {
            let out = &mut out[..n_rows];
            if gathered != Some(feature) {
                gather(feature, &mut values);
                gathered = Some(feature);
            }
            if rule == Rule::Category {
                for (out, x) in out.iter_mut().zip(&values) {
                    let x = x.to_f64();
                    let category = x as u8;
                    let known = f64::from(category) == x;
                    *out = K::category(if known { usize::from(category) } else { 256 });
                }
                continue;
            }
            coding.code(feature, &values, out);
            let mut missing = false;
            for x in &values {
                missing |= x.is_nan();
            }
            if missing {
                if without_missing {
                    return false;
                }
                let key = if rule == Rule::Left { K::MIN } else { K::MAX };
                for (out, x) in out.iter_mut().zip(&values) {
                    *out = if x.is_nan() { key } else { *out };
                }
            }
        }
        self.width = width(columns.len());
        self.by_row.clear();
        self.by_row.resize(n_rows * self.width, K::Word::default());
        if !columns.is_empty() {
            for (row, cells) in self.by_row.chunks_exact_mut(self.width).enumerate() {
                for (cell, column) in cells.iter_mut().zip(self.by_column.chunks_exact(self.stride))
                {
                    *cell = column[row].word();
                }
            }
        }
        true
    }
}

/// Cells of a row: rows of few columns can be copied in one go.
fn width(n_columns: usize) -> usize {
    NEAR.into_iter().find(|&near| n_columns <= near).unwrap_or(n_columns)
}
