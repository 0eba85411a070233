//! The rows that are learned from or classified, however they are stored.

use std::ops::Range;

use smelt_core::{CsrRef, Error, MatRef, Real, Result};

/// Values that a block of rows holds at most: it stays in the cache while it is worked on.
const BLOCK_VALUES: usize = 16_384;

/// Features as the user has them.
#[derive(Debug, Clone, Copy)]
pub enum Samples<'a, T> {
    /// All entries, in any order.
    Dense(MatRef<'a, T>),
    /// Compressed rows.
    Sparse(CsrRef<'a, T>),
}

impl<T: Real> Samples<'_, T> {
    /// Number of rows.
    pub(super) fn n_rows(&self) -> usize {
        match self {
            Self::Dense(x) => x.n_rows(),
            Self::Sparse(x) => x.n_rows(),
        }
    }

    /// Number of columns.
    pub(super) fn n_cols(&self) -> usize {
        match self {
            Self::Dense(x) => x.n_cols(),
            Self::Sparse(x) => x.n_cols(),
        }
    }
}

/// Calls `work(first_row, rows)` for blocks of the rows of `range`; rows of a block are contiguous.
///
/// Rows that are not contiguous in `x` are copied, a block at a time.
#[inline(always)]
pub(super) fn for_blocks<T: Copy + Default>(
    x: MatRef<'_, T>,
    range: Range<usize>,
    mut work: impl FnMut(usize, MatRef<'_, T>),
) {
    let d = x.n_cols();
    let step = (BLOCK_VALUES / d.max(1)).clamp(8, 256);
    let mut packed = Vec::new();
    for start in range.clone().step_by(step) {
        let stop = (start + step).min(range.end);
        let rows = x.rows(start, stop);
        if !x.has_contiguous_rows() {
            pack(rows, &mut packed);
        }
        let copied = MatRef::from_row_major(&packed, stop - start, d);
        // One call alone, so that it is compiled in its place.
        work(start, copied.unwrap_or(rows));
    }
}

/// Copies rows behind each other.
fn pack<T: Copy + Default>(rows: MatRef<'_, T>, packed: &mut Vec<T>) {
    let (n, d) = (rows.n_rows(), rows.n_cols());
    packed.clear();
    packed.resize(n * d, T::default());
    for j in 0..d {
        if rows.has_contiguous_cols() {
            for (i, &value) in rows.col(j).iter().enumerate() {
                packed[i * d + j] = value;
            }
        } else {
            (0..n).for_each(|i| packed[i * d + j] = rows.get(i, j));
        }
    }
}

/// Fails unless there is one class a row, all of them known, and one weight a row.
pub(super) fn check_rows(
    n_rows: usize,
    codes: &[i32],
    weights: Option<&[f64]>,
    n_classes: usize,
) -> Result<()> {
    if codes.len() != n_rows {
        return Err(Error::data(format!("X has {n_rows} rows, but y has {}", codes.len())));
    }
    if weights.is_some_and(|weights| weights.len() != n_rows) {
        return Err(Error::data(format!(
            "sample_weight must have one weight for each of {n_rows} rows"
        )));
    }
    let largest = codes.iter().fold(0, |largest, &code| largest.max(code as u32));
    if n_rows > 0 && largest as usize >= n_classes {
        return Err(Error::data(format!("y has a class beyond the {n_classes} known ones")));
    }
    Ok(())
}
