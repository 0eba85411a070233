//! Borrowed sparse matrices as SciPy stores them: `indptr` (i64), `indices` (i32), `data`.
//!
//! Python arranges the index types once (SciPy's i32 `indptr` is widened, a copy of n + 1 numbers);
//! a matrix of over 2^31 columns is refused there.

use crate::error::{Error, Result};

/// Compressed rows: the entries of row `i` are `indptr[i]..indptr[i + 1]`.
#[derive(Debug, Clone, Copy)]
pub struct CsrRef<'a, T> {
    indptr: &'a [i64],
    indices: &'a [i32],
    data: &'a [T],
    n_cols: usize,
}

impl<'a, T: Copy> CsrRef<'a, T> {
    /// Checks every offset and index, so that kernels need not.
    pub fn new(
        indptr: &'a [i64],
        indices: &'a [i32],
        data: &'a [T],
        n_cols: usize,
    ) -> Result<Self> {
        let broken = |what: &str| Error::data(format!("the sparse matrix is damaged: {what}"));
        if indptr.first() != Some(&0) {
            return Err(broken("indptr must start with 0"));
        }
        if indices.len() != data.len() || indptr.last().copied() != i64::try_from(data.len()).ok() {
            return Err(broken("indptr, indices and data disagree about the number of entries"));
        }
        if indptr.windows(2).any(|pair| pair[0] > pair[1]) {
            return Err(broken("indptr decreases"));
        }
        // A negative index is a large unsigned one; without a way out, whole vectors are compared.
        let largest = indices.iter().fold(0, |largest, &j| (j as u32).max(largest));
        if !indices.is_empty() && (largest > i32::MAX as u32 || largest as usize >= n_cols) {
            return Err(broken("a column index is out of range"));
        }
        Ok(Self { indptr, indices, data, n_cols })
    }

    /// Number of rows.
    #[inline(always)]
    pub fn n_rows(&self) -> usize {
        self.indptr.len() - 1
    }

    /// Number of columns.
    #[inline(always)]
    pub fn n_cols(&self) -> usize {
        self.n_cols
    }

    /// Number of stored entries.
    #[inline(always)]
    pub fn n_entries(&self) -> usize {
        self.data.len()
    }

    /// Column indices and values of row `i`.
    #[inline(always)]
    pub fn row(&self, i: usize) -> (&'a [i32], &'a [T]) {
        let range = self.indptr[i] as usize..self.indptr[i + 1] as usize;
        (&self.indices[range.clone()], &self.data[range])
    }

    /// Offsets of the rows.
    pub fn indptr(&self) -> &'a [i64] {
        self.indptr
    }

    /// Column index of each entry.
    pub fn indices(&self) -> &'a [i32] {
        self.indices
    }

    /// Value of each entry.
    pub fn data(&self) -> &'a [T] {
        self.data
    }
}

/// Compressed columns of shape (`n_rows`, `n_cols`): a [`CsrRef`] of the transpose.
#[derive(Debug, Clone, Copy)]
pub struct CscRef<'a, T>(CsrRef<'a, T>);

impl<'a, T: Copy> CscRef<'a, T> {
    /// Checks every offset and index, so that kernels need not.
    pub fn new(
        indptr: &'a [i64],
        indices: &'a [i32],
        data: &'a [T],
        n_rows: usize,
    ) -> Result<Self> {
        CsrRef::new(indptr, indices, data, n_rows).map(Self)
    }

    /// Number of rows.
    #[inline(always)]
    pub fn n_rows(&self) -> usize {
        self.0.n_cols()
    }

    /// Number of columns.
    #[inline(always)]
    pub fn n_cols(&self) -> usize {
        self.0.n_rows()
    }

    /// Row indices and values of column `j`.
    #[inline(always)]
    pub fn col(&self, j: usize) -> (&'a [i32], &'a [T]) {
        self.0.row(j)
    }

    /// The same entries as the compressed rows of the transpose.
    pub fn transpose(&self) -> CsrRef<'a, T> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::CsrRef;

    #[test]
    fn rows_are_found_and_damage_is_refused() {
        let sparse = CsrRef::new(&[0, 1, 1, 3], &[2, 0, 1], &[5.0, 6.0, 7.0], 3).unwrap();
        assert_eq!(sparse.row(0), (&[2][..], &[5.0][..]));
        assert_eq!(sparse.row(1).0.len(), 0);
        assert!(CsrRef::new(&[0, 2], &[0], &[1.0], 1).is_err());
        assert!(CsrRef::new(&[0, 1], &[1], &[1.0], 1).is_err());
        assert!(CsrRef::new(&[0, 2, 1], &[0], &[1.0], 1).is_err());
        assert!(CsrRef::<f64>::new(&[], &[], &[], 1).is_err());
    }
}
