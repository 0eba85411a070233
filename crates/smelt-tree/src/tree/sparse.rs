//! Tables as they come, dense or sparse; the absent entries of a sparse one are 0.
//!
//! Training goes by columns: those of a sparse table become codes (1 byte a value up to 255 different
//! ones, 2 up to 65,535, else 4), and no dense matrix of numbers is ever made.  Prediction goes by
//! rows: a block of them at a time is made dense.

use std::ops::Range;

use smelt_core::{Control, CscRef, CsrRef, Mat, MatRef, Result};

use super::columns::{Codes, Columns};
use super::dense::Dense;

/// Values of a block of rows that is made dense, at most.
const BLOCK: usize = 1 << 23;
/// Rows of such a block, at least.
const ROWS: usize = 512;

/// A table to learn from.
#[derive(Debug, Clone, Copy)]
pub enum ByColumn<'a> {
    /// All values.
    Dense(MatRef<'a, f32>),
    /// Compressed columns, whose rows ascend.
    Sparse(CscRef<'a, f32>),
}

impl<'a> From<MatRef<'a, f32>> for ByColumn<'a> {
    fn from(values: MatRef<'a, f32>) -> Self {
        Self::Dense(values)
    }
}

impl<'a> ByColumn<'a> {
    /// Number of rows.
    pub fn n_rows(&self) -> usize {
        match self {
            Self::Dense(values) => values.n_rows(),
            Self::Sparse(columns) => columns.n_rows(),
        }
    }

    /// Number of columns.
    pub fn n_cols(&self) -> usize {
        match self {
            Self::Dense(values) => values.n_cols(),
            Self::Sparse(columns) => columns.n_cols(),
        }
    }

    /// A single value; a sparse column is searched for it.
    #[inline(always)]
    pub fn get(&self, row: usize, feature: usize) -> f32 {
        match self {
            Self::Dense(values) => values.get(row, feature),
            Self::Sparse(columns) => entry(columns.col(feature), row),
        }
    }

    /// The table as trees want it that draw their thresholds: codes, if these are to be at most
    /// `max_bins` or if it is sparse, since they look up many values.  Many trees want a dense one by
    /// row too.
    pub(crate) fn prepare(
        &self,
        max_bins: Option<usize>,
        wants_rows: bool,
        control: &Control,
    ) -> Result<Prepared<'a>> {
        match self {
            Self::Dense(values) if max_bins.is_none() => {
                Dense::new(*values, wants_rows, control).map(Prepared::Plain)
            }
            _ => Columns::new(*self, max_bins, false, control).map(Prepared::Coded),
        }
    }
}

/// A table ready for thresholds to be drawn.
#[derive(Debug)]
pub(crate) enum Prepared<'a> {
    Plain(Dense<'a>),
    Coded(Columns),
}

impl Prepared<'_> {
    pub(crate) fn values(&self) -> Values<'_> {
        match self {
            Self::Plain(values) => Values::Plain(values),
            Self::Coded(columns) => Values::Coded(columns),
        }
    }
}

/// Values that thresholds are drawn between.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Values<'a> {
    /// As they are, columns behind each other.
    Plain(&'a Dense<'a>),
    /// As codes, each of which stands for its smallest value.
    Coded(&'a Columns),
}

impl Values<'_> {
    pub(crate) fn n_rows(&self) -> usize {
        match self {
            Self::Plain(values) => values.columns.n_rows(),
            Self::Coded(columns) => columns.n_rows,
        }
    }

    pub(crate) fn n_cols(&self) -> usize {
        match self {
            Self::Plain(values) => values.columns.n_cols(),
            Self::Coded(columns) => columns.columns.len(),
        }
    }

    /// The threshold that parts all values as `drawn` parts those that codes stand for.
    pub(crate) fn threshold(&self, feature: usize, drawn: f64) -> f64 {
        match self {
            Self::Plain(_) => drawn,
            Self::Coded(columns) => columns.columns[feature].behind(drawn).1,
        }
    }

    /// Writes the values of some rows to `out`.
    #[inline(always)]
    pub(crate) fn gather(&self, feature: usize, rows: &[u32], out: &mut Vec<f32>) {
        out.clear();
        match self {
            Self::Plain(values) => {
                let column = values.columns.col(feature);
                out.extend(rows.iter().map(|&row| column[row as usize]));
            }
            Self::Coded(columns) => {
                let column = &columns.columns[feature];
                let values = column.values();
                match &column.codes {
                    Codes::Narrow(codes) => look_up(codes, &values, rows, out),
                    Codes::Middle(codes) => look_up(codes, &values, rows, out),
                    Codes::Wide(codes) => look_up(codes, &values, rows, out),
                }
            }
        }
    }
}

fn look_up<T: Copy + Into<u32>>(codes: &[T], values: &[f32], rows: &[u32], out: &mut Vec<f32>) {
    out.extend(rows.iter().map(|&row| values[codes[row as usize].into() as usize]));
}

/// The value at a place of a sparse row or column, whose places ascend.
#[inline(always)]
fn entry((places, values): (&[i32], &[f32]), place: usize) -> f32 {
    places.binary_search(&(place as i32)).map_or(0.0, |at| values[at])
}

/// A table to be predicted.
#[derive(Debug, Clone)]
pub enum ByRow<'a> {
    /// All values.
    Dense(MatRef<'a, f32>),
    /// Some of the compressed rows, whose columns ascend.
    Sparse(CsrRef<'a, f32>, Range<usize>),
}

impl<'a> From<MatRef<'a, f32>> for ByRow<'a> {
    fn from(values: MatRef<'a, f32>) -> Self {
        Self::Dense(values)
    }
}

impl<'a> From<CsrRef<'a, f32>> for ByRow<'a> {
    fn from(rows: CsrRef<'a, f32>) -> Self {
        Self::Sparse(rows, 0..rows.n_rows())
    }
}

impl ByRow<'_> {
    /// Number of rows.
    pub fn n_rows(&self) -> usize {
        match self {
            Self::Dense(values) => values.n_rows(),
            Self::Sparse(_, range) => range.len(),
        }
    }

    /// A single value; a sparse row is searched for it.
    #[inline(always)]
    pub(crate) fn get(&self, row: usize, feature: usize) -> f32 {
        match self {
            Self::Dense(values) => values.get(row, feature),
            Self::Sparse(rows, range) => entry(rows.row(range.start + row), feature),
        }
    }

    /// The rows `start..end` alone.
    pub(crate) fn rows(&self, start: usize, end: usize) -> Self {
        match self {
            Self::Dense(values) => Self::Dense(values.rows(start, end)),
            Self::Sparse(rows, range) => {
                Self::Sparse(*rows, range.start + start..range.start + end)
            }
        }
    }

    /// Calls `each(first row, rows)` with dense blocks of rows; a dense table is one block.
    pub(crate) fn blocks(
        &self,
        mut each: impl FnMut(usize, MatRef<'_, f32>) -> Result<()>,
    ) -> Result<()> {
        match self {
            Self::Dense(values) => each(0, *values),
            Self::Sparse(sparse, range) => {
                let step = (BLOCK / sparse.n_cols().max(1)).max(ROWS);
                let mut first = 0;
                while first < range.len() {
                    let n = step.min(range.len() - first);
                    let mut block = Mat::zeros(n, sparse.n_cols());
                    for row in 0..n {
                        let (places, values) = sparse.row(range.start + first + row);
                        let out = block.row_mut(row);
                        places.iter().zip(values).for_each(|(&j, &x)| out[j as usize] = x);
                    }
                    each(first, block.view())?;
                    first += n;
                }
                Ok(())
            }
        }
    }
}
