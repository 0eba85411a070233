//! What flows along the edges of a graph.

use smelt_core::{Error, Result};

/// Kind and width of an edge, known before anything runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A raw column.
    Column,
    /// One number a row, NaN where missing.
    Number,
    /// One category a row: 0 to `size - 1` are known, `size` is any other value, NaN is missing.
    Code {
        /// Number of known categories.
        size: usize,
    },
    /// `width` numbers a row.
    Block {
        /// Numbers a row.
        width: usize,
    },
    /// `width` numbers a row, most of them 0.
    Sparse {
        /// Numbers a row.
        width: usize,
    },
}

impl Kind {
    /// Numbers a row.
    pub fn width(self) -> usize {
        match self {
            Self::Column => 0,
            Self::Number | Self::Code { .. } => 1,
            Self::Block { width } | Self::Sparse { width } => width,
        }
    }

    /// What an error message calls it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Column => "a raw column",
            Self::Number => "a number",
            Self::Code { .. } => "a category code",
            Self::Block { .. } => "a block",
            Self::Sparse { .. } => "a sparse block",
        }
    }
}

/// Numbers of some rows.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Every number is stored: numbers, codes and blocks.
    Dense(Dense),
    /// Only the numbers that are not 0 are stored.
    Sparse(SparseRows),
}

/// Row-major numbers, `width` a row.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Dense {
    /// Numbers a row, at least 1.
    pub width: usize,
    /// The numbers, row after row.
    pub data: Vec<f64>,
}

/// Compressed rows; the column indices of a row increase.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SparseRows {
    /// Numbers a row.
    pub width: usize,
    /// The entries of row `i` are `indptr[i]..indptr[i + 1]`.
    pub indptr: Vec<i64>,
    /// Column of each entry.
    pub indices: Vec<i32>,
    /// Value of each entry.
    pub data: Vec<f64>,
}

impl Dense {
    /// The rows as slices.
    pub fn rows(&self) -> std::slice::ChunksExact<'_, f64> {
        self.data.chunks_exact(self.width.max(1))
    }
}

impl SparseRows {
    /// No rows yet.
    pub(crate) fn empty(width: usize) -> Self {
        Self { width, indptr: vec![0], indices: Vec::new(), data: Vec::new() }
    }

    /// Ends the row whose entries were pushed last.
    pub(crate) fn end_row(&mut self) {
        self.indptr.push(self.data.len() as i64);
    }

    /// Column indices and values of row `i`.
    pub fn row(&self, i: usize) -> (&[i32], &[f64]) {
        let range = self
            .indptr
            .get(i)
            .zip(self.indptr.get(i + 1))
            .map_or(0..0, |(&start, &end)| start as usize..end as usize);
        (
            self.indices.get(range.clone()).unwrap_or_default(),
            self.data.get(range).unwrap_or_default(),
        )
    }
}

impl Value {
    /// One number a row.
    pub(crate) fn number(data: Vec<f64>) -> Self {
        Self::Dense(Dense { width: 1, data })
    }

    /// `width` numbers a row.
    pub(crate) fn block(width: usize, data: Vec<f64>) -> Self {
        Self::Dense(Dense { width, data })
    }

    /// Numbers a row.
    pub fn width(&self) -> usize {
        match self {
            Self::Dense(dense) => dense.width,
            Self::Sparse(sparse) => sparse.width,
        }
    }

    /// Number of rows.
    pub fn n_rows(&self) -> usize {
        match self {
            Self::Dense(dense) => dense.data.len() / dense.width.max(1),
            Self::Sparse(sparse) => sparse.indptr.len().saturating_sub(1),
        }
    }

    /// Puts the rows of `parts` one after the other.
    pub(crate) fn stack(
        kind: Kind,
        n_rows: usize,
        parts: impl Iterator<Item = Self>,
    ) -> Result<Self> {
        let mismatch = || Error::ModelFile("an operation returned another kind of value".into());
        let mut whole = match kind {
            Kind::Sparse { width } => Self::Sparse(SparseRows::empty(width)),
            _ => {
                let size = n_rows.checked_mul(kind.width()).ok_or_else(mismatch)?;
                Self::block(kind.width(), Vec::with_capacity(size))
            }
        };
        for part in parts {
            match (&mut whole, part) {
                (Self::Dense(all), Self::Dense(part)) if all.width == part.width => {
                    all.data.extend_from_slice(&part.data);
                }
                (Self::Sparse(all), Self::Sparse(part)) if all.width == part.width => {
                    let before = all.data.len() as i64;
                    all.indptr.extend(part.indptr.iter().skip(1).map(|end| before + end));
                    all.indices.extend_from_slice(&part.indices);
                    all.data.extend_from_slice(&part.data);
                }
                _ => return Err(mismatch()),
            }
        }
        if whole.n_rows() == n_rows { Ok(whole) } else { Err(mismatch()) }
    }
}
