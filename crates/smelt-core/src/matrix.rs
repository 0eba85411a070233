//! Dense matrices: borrowed views with strides, and one owned row-major matrix.
#![allow(unsafe_code)]

use std::marker::PhantomData;

use crate::error::{Error, Result};
use crate::real::Real;

/// Borrowed matrix of shape (`n_rows`, `n_cols`) with arbitrary non-negative strides, in elements.
#[derive(Debug)]
pub struct MatRef<'a, T> {
    data: *const T,
    n_rows: usize,
    n_cols: usize,
    row_stride: usize,
    col_stride: usize,
    lifetime: PhantomData<&'a [T]>,
}

impl<T> Clone for MatRef<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for MatRef<'_, T> {}

// SAFETY: a `MatRef` is a shared borrow of `T`s, as `&[T]` is.
unsafe impl<T: Sync> Send for MatRef<'_, T> {}
// SAFETY: as above.
unsafe impl<T: Sync> Sync for MatRef<'_, T> {}

impl<'a, T> MatRef<'a, T> {
    /// Row-major (C order) view of a slice; `data.len()` must be `n_rows * n_cols`.
    pub fn from_row_major(data: &'a [T], n_rows: usize, n_cols: usize) -> Result<Self> {
        Self::check_len(data.len(), n_rows, n_cols)?;
        Ok(Self {
            data: data.as_ptr(),
            n_rows,
            n_cols,
            row_stride: n_cols,
            col_stride: 1,
            lifetime: PhantomData,
        })
    }

    /// Column-major (Fortran order) view of a slice; `data.len()` must be `n_rows * n_cols`.
    pub fn from_col_major(data: &'a [T], n_rows: usize, n_cols: usize) -> Result<Self> {
        Self::check_len(data.len(), n_rows, n_cols)?;
        Ok(Self {
            data: data.as_ptr(),
            n_rows,
            n_cols,
            row_stride: 1,
            col_stride: n_rows,
            lifetime: PhantomData,
        })
    }

    /// One column.
    pub fn column_vector(data: &'a [T]) -> Self {
        Self {
            data: data.as_ptr(),
            n_rows: data.len(),
            n_cols: 1,
            row_stride: 1,
            col_stride: data.len().max(1),
            lifetime: PhantomData,
        }
    }

    /// View of foreign memory, e.g. a NumPy array.  Strides count elements.
    ///
    /// # Safety
    ///
    /// All `n_rows * n_cols` elements must be readable and unchanged during `'a`.
    pub unsafe fn from_raw_parts(
        data: *const T,
        (n_rows, n_cols): (usize, usize),
        (row_stride, col_stride): (usize, usize),
    ) -> Self {
        Self { data, n_rows, n_cols, row_stride, col_stride, lifetime: PhantomData }
    }

    fn check_len(len: usize, n_rows: usize, n_cols: usize) -> Result<()> {
        if n_rows.checked_mul(n_cols) == Some(len) {
            Ok(())
        } else {
            Err(Error::data(format!("{len} values do not fill a {n_rows} x {n_cols} matrix")))
        }
    }

    /// Number of rows.
    #[inline(always)]
    pub fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// Number of columns.
    #[inline(always)]
    pub fn n_cols(&self) -> usize {
        self.n_cols
    }

    /// Elements between two neighbours in a column.
    #[inline(always)]
    pub fn row_stride(&self) -> usize {
        self.row_stride
    }

    /// Elements between two neighbours in a row.
    #[inline(always)]
    pub fn col_stride(&self) -> usize {
        self.col_stride
    }

    /// Pointer to the element (0, 0), for the linear algebra below.
    #[inline(always)]
    pub fn as_ptr(&self) -> *const T {
        self.data
    }

    /// Whether every row is a contiguous slice.
    #[inline(always)]
    pub fn has_contiguous_rows(&self) -> bool {
        self.col_stride == 1 || self.n_cols <= 1
    }

    /// Whether every column is a contiguous slice.
    #[inline(always)]
    pub fn has_contiguous_cols(&self) -> bool {
        self.row_stride == 1 || self.n_rows <= 1
    }

    /// Row `i` as a slice.  Panics unless rows are contiguous and `i` is in range.
    #[inline(always)]
    pub fn row(&self, i: usize) -> &'a [T] {
        assert!(i < self.n_rows && self.has_contiguous_rows());
        // SAFETY: row i lies within the view and is contiguous (checked above).
        unsafe { std::slice::from_raw_parts(self.data.add(i * self.row_stride), self.n_cols) }
    }

    /// Column `j` as a slice.  Panics unless columns are contiguous and `j` is in range.
    #[inline(always)]
    pub fn col(&self, j: usize) -> &'a [T] {
        assert!(j < self.n_cols && self.has_contiguous_cols());
        // SAFETY: column j lies within the view and is contiguous (checked above).
        unsafe { std::slice::from_raw_parts(self.data.add(j * self.col_stride), self.n_rows) }
    }

    /// Rows `start..end` as a view of their own.  Panics when out of range.
    #[inline]
    pub fn rows(&self, start: usize, end: usize) -> MatRef<'a, T> {
        assert!(start <= end && end <= self.n_rows);
        // SAFETY: the offset stays within the view, or one past it for an empty result.
        let data = if start == end {
            self.data
        } else {
            unsafe { self.data.add(start * self.row_stride) }
        };
        MatRef { data, n_rows: end - start, ..*self }
    }

    /// The transposed view.
    #[inline]
    pub fn transpose(&self) -> MatRef<'a, T> {
        MatRef {
            data: self.data,
            n_rows: self.n_cols,
            n_cols: self.n_rows,
            row_stride: self.col_stride,
            col_stride: self.row_stride,
            lifetime: PhantomData,
        }
    }

    /// The whole row-major buffer, where the view is one.
    #[inline]
    pub fn as_row_major_slice(&self) -> Option<&'a [T]> {
        let packed =
            self.has_contiguous_rows() && (self.row_stride == self.n_cols || self.n_rows <= 1);
        // SAFETY: rows are contiguous and follow each other without a gap.
        packed.then(|| unsafe { std::slice::from_raw_parts(self.data, self.n_rows * self.n_cols) })
    }
}

impl<T: Copy> MatRef<'_, T> {
    /// Element (`i`, `j`).  Panics when out of range.
    #[inline(always)]
    pub fn get(&self, i: usize, j: usize) -> T {
        assert!(i < self.n_rows && j < self.n_cols);
        // SAFETY: in range (checked above).
        unsafe { *self.data.add(i * self.row_stride + j * self.col_stride) }
    }
}

impl<T: Real> MatRef<'_, T> {
    /// A row-major copy.
    pub fn to_mat(&self) -> Mat<T> {
        let mut out = Mat::zeros(self.n_rows, self.n_cols);
        for i in 0..self.n_rows {
            let row = out.row_mut(i);
            for (j, value) in row.iter_mut().enumerate() {
                *value = self.get(i, j);
            }
        }
        out
    }
}

/// Mutably borrowed row-major matrix of shape (`n_rows`, `n_cols`).
#[derive(Debug)]
pub struct MatMut<'a, T> {
    data: &'a mut [T],
    n_rows: usize,
    n_cols: usize,
}

impl<'a, T> MatMut<'a, T> {
    /// Row-major view of a slice; `data.len()` must be `n_rows * n_cols`.
    pub fn from_row_major(data: &'a mut [T], n_rows: usize, n_cols: usize) -> Result<Self> {
        MatRef::<T>::check_len(data.len(), n_rows, n_cols)?;
        Ok(Self { data, n_rows, n_cols })
    }

    /// Number of rows.
    pub fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// Number of columns.
    pub fn n_cols(&self) -> usize {
        self.n_cols
    }

    /// Row `i`.
    #[inline(always)]
    pub fn row_mut(&mut self, i: usize) -> &mut [T] {
        &mut self.data[i * self.n_cols..(i + 1) * self.n_cols]
    }

    /// The whole buffer.
    pub fn as_mut_slice(&mut self) -> &mut [T] {
        self.data
    }
}

/// Owned row-major matrix.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Mat<T> {
    data: Vec<T>,
    n_rows: usize,
    n_cols: usize,
}

impl<T: Real> Mat<T> {
    /// A matrix of zeros.
    pub fn zeros(n_rows: usize, n_cols: usize) -> Self {
        Self { data: vec![T::ZERO; n_rows * n_cols], n_rows, n_cols }
    }

    /// The identity.
    pub fn identity(n: usize) -> Self {
        let mut out = Self::zeros(n, n);
        for i in 0..n {
            out.data[i * n + i] = T::ONE;
        }
        out
    }
}

impl<T> Mat<T> {
    /// Takes a row-major buffer of `n_rows * n_cols` values.
    pub fn from_vec(data: Vec<T>, n_rows: usize, n_cols: usize) -> Result<Self> {
        MatRef::<T>::check_len(data.len(), n_rows, n_cols)?;
        Ok(Self { data, n_rows, n_cols })
    }

    /// Number of rows.
    #[inline(always)]
    pub fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// Number of columns.
    #[inline(always)]
    pub fn n_cols(&self) -> usize {
        self.n_cols
    }

    /// Row `i`.
    #[inline(always)]
    pub fn row(&self, i: usize) -> &[T] {
        &self.data[i * self.n_cols..(i + 1) * self.n_cols]
    }

    /// Row `i`, to write.
    #[inline(always)]
    pub fn row_mut(&mut self, i: usize) -> &mut [T] {
        &mut self.data[i * self.n_cols..(i + 1) * self.n_cols]
    }

    /// A view of the whole.
    #[inline(always)]
    pub fn view(&self) -> MatRef<'_, T> {
        MatRef {
            data: self.data.as_ptr(),
            n_rows: self.n_rows,
            n_cols: self.n_cols,
            row_stride: self.n_cols,
            col_stride: 1,
            lifetime: PhantomData,
        }
    }

    /// A mutable view of the whole.
    pub fn view_mut(&mut self) -> MatMut<'_, T> {
        MatMut { n_rows: self.n_rows, n_cols: self.n_cols, data: &mut self.data }
    }

    /// The row-major buffer.
    pub fn as_slice(&self) -> &[T] {
        &self.data
    }

    /// The row-major buffer, to write.
    pub fn as_mut_slice(&mut self) -> &mut [T] {
        &mut self.data
    }

    /// The row-major buffer, taken out.
    pub fn into_vec(self) -> Vec<T> {
        self.data
    }
}

impl<T> std::ops::Index<(usize, usize)> for Mat<T> {
    type Output = T;
    #[inline(always)]
    fn index(&self, (i, j): (usize, usize)) -> &T {
        &self.data[i * self.n_cols + j]
    }
}

impl<T> std::ops::IndexMut<(usize, usize)> for Mat<T> {
    #[inline(always)]
    fn index_mut(&mut self, (i, j): (usize, usize)) -> &mut T {
        &mut self.data[i * self.n_cols + j]
    }
}

#[cfg(test)]
mod tests {
    use super::{Mat, MatRef};

    #[test]
    fn orders_and_transposes_agree() {
        let c = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        let f = [1.0, 4.0, 2.0, 5.0, 3.0, 6.0];
        let by_rows = MatRef::from_row_major(&c, 2, 3).unwrap();
        let by_cols = MatRef::from_col_major(&f, 2, 3).unwrap();
        assert_eq!(by_rows.to_mat(), by_cols.to_mat());
        assert_eq!(by_rows.transpose().get(2, 1), 6.0);
        assert_eq!(by_rows.row(1), &[4.0, 5.0, 6.0]);
        assert_eq!(by_cols.col(2), &[3.0, 6.0]);
        assert_eq!(by_rows.rows(1, 2).row(0), &[4.0, 5.0, 6.0]);
    }

    #[test]
    fn a_wrong_size_is_an_error() {
        assert!(MatRef::from_row_major(&[1.0], 2, 3).is_err());
        assert!(Mat::from_vec(vec![1.0], usize::MAX, 2).is_err());
    }
}
