//! Products of a sparse matrix with thin dense ones, from its rows and from its columns.
//!
//! Cost: 2·entries·p flops; each entry reads a row of the thin matrix from the cache.  So the thin
//! matrix is cut into panels of 32 columns that fit the third level together, and sums of a row of
//! the result stay in registers.

use std::sync::Mutex;

use smelt_core::simd::vectorize;
use smelt_core::{Control, CsrRef, Mat, MatRef, Real, Result, parallel};
use smelt_math::linalg::Scalar;

use super::operator::Operator;

/// Pieces into which the rows of a product are cut.
const PIECES: usize = 64;

/// One direction of the matrix.
#[derive(Debug)]
struct Compressed<W> {
    indptr: Vec<usize>,
    indices: Vec<u32>,
    data: Vec<W>,
    width: usize,
    /// Borders of pieces of about as many entries.
    borders: Vec<usize>,
}

/// The matrix by rows and by columns, in the precision of the work.
#[derive(Debug)]
pub(super) struct SparseMatrix<W> {
    rows: Compressed<W>,
    columns: Compressed<W>,
}

/// X − left·rightᵀ for a sparse X.
pub(super) struct SparseOperator<'a, W> {
    rows: &'a Compressed<W>,
    columns: &'a Compressed<W>,
    shift: Option<(Vec<W>, Vec<W>)>,
}

impl<W: Real> SparseMatrix<W> {
    /// Copies the entries in both directions.
    pub(super) fn new<T: Real>(x: CsrRef<'_, T>, control: &Control) -> Result<Self> {
        let (n, d) = (x.n_rows(), x.n_cols());
        let data: Vec<W> = x.data().iter().map(|value| W::from_f64(value.to_f64())).collect();
        let indptr: Vec<usize> = x.indptr().iter().map(|&offset| offset as usize).collect();
        let indices: Vec<u32> = x.indices().iter().map(|&index| index as u32).collect();
        let mut starts = vec![0; d + 1];
        indices.iter().for_each(|&j| starts[j as usize + 1] += 1);
        (0..d).for_each(|j| starts[j + 1] += starts[j]);
        let mut next = starts.clone();
        let (mut rows, mut values) = (vec![0; data.len()], vec![W::ZERO; data.len()]);
        for i in 0..n {
            if i % 1024 == 0 {
                control.check()?;
            }
            for entry in indptr[i]..indptr[i + 1] {
                let place = &mut next[indices[entry] as usize];
                (rows[*place], values[*place]) = (i as u32, data[entry]);
                *place += 1;
            }
        }
        let columns = Compressed::new(starts, rows, values, n);
        Ok(Self { rows: Compressed::new(indptr, indices, data, d), columns })
    }

    /// Columns and values of a row.
    pub(super) fn row(&self, i: usize) -> (&[u32], &[W]) {
        self.rows.entries(i)
    }

    /// Rows and values of a column.
    pub(super) fn column(&self, j: usize) -> (&[u32], &[W]) {
        self.columns.entries(j)
    }

    /// Sum and sum of squares of each column.
    pub(super) fn column_sums(&self) -> Vec<(f64, f64)> {
        let columns = &self.columns;
        let sums = |j: usize| {
            let values = columns.data[columns.indptr[j]..columns.indptr[j + 1]].iter();
            values.fold((0.0, 0.0), |(sum, squares), value| {
                let value = value.to_f64();
                (sum + value, value.mul_add(value, squares))
            })
        };
        (0..columns.indptr.len() - 1).map(sums).collect()
    }
}

impl<W: Real> Compressed<W> {
    fn new(indptr: Vec<usize>, indices: Vec<u32>, data: Vec<W>, width: usize) -> Self {
        let n = indptr.len() - 1;
        let total = data.len() + n;
        let mut borders = vec![0];
        for i in 0..n {
            let filled = indptr[i + 1] + i + 1;
            if filled * PIECES >= total * borders.len() && borders.len() < PIECES {
                borders.push(i + 1);
            }
        }
        if borders.last() != Some(&n) {
            borders.push(n);
        }
        Self { indptr, indices, data, width, borders }
    }

    fn n_rows(&self) -> usize {
        self.indptr.len() - 1
    }

    fn entries(&self, i: usize) -> (&[u32], &[W]) {
        let range = self.indptr[i]..self.indptr[i + 1];
        (&self.indices[range.clone()], &self.data[range])
    }

    /// The product with `v` (width × p).
    fn product(&self, v: MatRef<'_, W>, control: &Control) -> Result<Mat<W>> {
        let p = v.n_cols();
        let mut out = Mat::zeros(self.n_rows(), p);
        let mut start = 0;
        while start < p {
            control.check()?;
            match p - start {
                25.. => self.panel::<32>(v, start, &mut out),
                9..=24 => self.panel::<16>(v, start, &mut out),
                _ => self.panel::<8>(v, start, &mut out),
            }
            start += match p - start {
                25.. => 32,
                9..=24 => 16,
                _ => 8,
            };
        }
        control.check()?;
        Ok(out)
    }

    /// Columns `start..start + WIDTH` of the product, as far as there are so many.
    fn panel<const WIDTH: usize>(&self, v: MatRef<'_, W>, start: usize, out: &mut Mat<W>) {
        let p = v.n_cols();
        let used = WIDTH.min(p - start);
        let mut packed = vec![[W::ZERO; WIDTH]; self.width];
        parallel::for_chunks_mut(&mut packed, 1, 4096, 10.0, |_, range, part| {
            for (j, row) in range.zip(part) {
                for (l, value) in row[..used].iter_mut().enumerate() {
                    *value = v.get(j, start + l);
                }
            }
        });
        let mut parts = Vec::with_capacity(self.borders.len());
        let mut rest = out.as_mut_slice();
        for pair in self.borders.windows(2) {
            let (part, behind) = rest.split_at_mut((pair[1] - pair[0]) * p);
            rest = behind;
            parts.push(Mutex::new(part));
        }
        let cost_ns = (self.data.len() * WIDTH) as f64 * 0.08 / parts.len().max(1) as f64;
        parallel::for_chunks(parts.len(), 1, cost_ns, |piece, _| {
            let Ok(mut part) = parts[piece].lock() else { return };
            let first = self.borders[piece];
            vectorize(
                #[inline(always)]
                || {
                    for (i, row) in part.chunks_exact_mut(p).enumerate() {
                        let entries = self.indptr[first + i]..self.indptr[first + i + 1];
                        let mut sums = [W::ZERO; WIDTH];
                        let indices = &self.indices[entries.clone()];
                        for (&j, &value) in indices.iter().zip(&self.data[entries]) {
                            let other = &packed[j as usize];
                            for l in 0..WIDTH {
                                sums[l] = value.mul_add(other[l], sums[l]);
                            }
                        }
                        row[start..start + used].copy_from_slice(&sums[..used]);
                    }
                },
            );
        });
    }
}

impl<'a, W: Scalar> SparseOperator<'a, W> {
    /// X, or X less the means of its columns.
    pub(super) fn new(matrix: &'a SparseMatrix<W>, means: Option<&[f64]>) -> Self {
        let (rows, columns) = (&matrix.rows, &matrix.columns);
        let shift = means.map(|means| {
            (vec![W::ONE; rows.n_rows()], means.iter().map(|&mean| W::from_f64(mean)).collect())
        });
        Self { rows, columns, shift }
    }
}

impl<W: Scalar> Operator<W> for SparseOperator<'_, W> {
    fn n_rows(&self) -> usize {
        self.rows.n_rows()
    }

    fn n_cols(&self) -> usize {
        self.columns.n_rows()
    }

    fn transposed(&self) -> Self {
        let shift = self.shift.clone().map(|(left, right)| (right, left));
        Self { rows: self.columns, columns: self.rows, shift }
    }

    fn apply(&self, v: MatRef<'_, W>, control: &Control) -> Result<Mat<W>> {
        let mut out = self.rows.product(v, control)?;
        let Some((left, right)) = &self.shift else { return Ok(out) };
        let p = v.n_cols();
        let mut sums = vec![W::ZERO; p];
        for (j, &mean) in right.iter().enumerate() {
            for (l, sum) in sums.iter_mut().enumerate() {
                *sum = mean.mul_add(v.get(j, l), *sum);
            }
        }
        parallel::for_chunks_mut(out.as_mut_slice(), p, 4096, p as f64 * 0.3, |_, range, part| {
            for (i, row) in range.zip(part.chunks_exact_mut(p)) {
                row.iter_mut().zip(&sums).for_each(|(value, &sum)| *value -= left[i] * sum);
            }
        });
        Ok(out)
    }
}
