//! A matrix seen through its products with thin matrices: A = X − left·rightᵀ, never formed.
//!
//! Cost of a product with p columns: 2·n·d·p flops and one reading of X; of AᵀA with p columns
//! twice the flops at the same reading, since a block of rows is used for both products while it is
//! in the cache.

use std::borrow::Cow;
use std::marker::PhantomData;
use std::sync::Mutex;

use smelt_core::{Control, Mat, MatRef, Real, Result, parallel};
use smelt_math::linalg::{Scalar, gemm_into};

use super::NS_PER_FLOP;

/// Values of a block of rows: it lies in the second and third level of the cache.
const BLOCK: usize = 1 << 18;

/// What a Krylov method needs of a matrix A (n × d).
pub(super) trait Operator<W: Scalar>: Sized {
    /// Rows of A.
    fn n_rows(&self) -> usize;
    /// Columns of A.
    fn n_cols(&self) -> usize;
    /// Aᵀ as an operator.
    fn transposed(&self) -> Self;
    /// A·V for V (d × p).
    fn apply(&self, v: MatRef<'_, W>, control: &Control) -> Result<Mat<W>>;
    /// AᵀA·V for V (d × p).
    fn normal(&self, v: MatRef<'_, W>, control: &Control) -> Result<Mat<W>> {
        self.transposed().apply(self.apply(v, control)?.view(), control)
    }
}

/// A dense matrix from whose columns (or rows, when transposed) means are taken.
pub(super) struct Dense<'a, T, W> {
    x: MatRef<'a, T>,
    /// Taken from each column.
    columns: Option<Cow<'a, [f64]>>,
    /// Taken from each row.
    rows: Option<Cow<'a, [f64]>>,
    work: PhantomData<W>,
}

impl<'a, T: Real, W: Scalar> Dense<'a, T, W> {
    /// X, or X less the means of its columns.
    pub(super) fn new(x: MatRef<'a, T>, means: Option<&'a [f64]>) -> Self {
        Self { x, columns: means.map(Cow::Borrowed), rows: None, work: PhantomData }
    }

    /// Rows `start..end` of A, in X's own order of values.
    fn block<'b>(&self, start: usize, end: usize, buffer: &'b mut Vec<W>) -> Result<MatRef<'b, W>> {
        let (height, width) = (end - start, self.x.n_cols());
        let x = self.x.rows(start, end);
        buffer.clear();
        let column = |j: usize| self.columns.as_ref().map_or(0.0, |means| means[j]);
        let row = |i: usize| self.rows.as_ref().map_or(0.0, |means| means[start + i]);
        let less = |value: T, mean: f64| {
            if T::IS_F64 || W::IS_F64 {
                W::from_f64(value.to_f64() - mean)
            } else {
                W::from_f64(value.to_f64()) - W::from_f64(mean)
            }
        };
        if x.has_contiguous_rows() {
            for i in 0..height {
                let values = x.row(i).iter();
                match (&self.columns, row(i)) {
                    (Some(means), _) => {
                        buffer.extend(values.zip(means.iter()).map(|(&v, &mean)| less(v, mean)));
                    }
                    (None, mean) => buffer.extend(values.map(|&value| less(value, mean))),
                }
            }
            return MatRef::from_row_major(buffer, height, width);
        }
        for j in 0..width {
            match (&self.rows, column(j)) {
                (None, mean) if x.has_contiguous_cols() => {
                    buffer.extend(x.col(j).iter().map(|&value| less(value, mean)));
                }
                _ => buffer.extend((0..height).map(|i| less(x.get(i, j), column(j) + row(i)))),
            }
        }
        MatRef::from_col_major(buffer, height, width)
    }

    /// Rows of a block.
    fn block_rows(&self) -> usize {
        (BLOCK / self.x.n_cols().max(1)).clamp(32, 4096)
    }
}

impl<T: Real, W: Scalar> Operator<W> for Dense<'_, T, W> {
    fn n_rows(&self) -> usize {
        self.x.n_rows()
    }

    fn n_cols(&self) -> usize {
        self.x.n_cols()
    }

    fn transposed(&self) -> Self {
        Self {
            x: self.x.transpose(),
            columns: self.rows.clone(),
            rows: self.columns.clone(),
            work: PhantomData,
        }
    }

    fn apply(&self, v: MatRef<'_, W>, control: &Control) -> Result<Mat<W>> {
        let (n, p) = (self.x.n_rows(), v.n_cols());
        let mut out = Mat::zeros(n, p);
        let (step, cost_ns) = (self.block_rows(), 2.0 * (v.n_rows() * p) as f64 * NS_PER_FLOP);
        let chunk = parallel::chunk_size(n, step.min(256));
        let failure = Mutex::new(Ok(()));
        parallel::for_chunks_mut(out.as_mut_slice(), p, chunk, cost_ns, |_, range, part| {
            let run = |part: &mut [W]| -> Result<()> {
                let mut buffer = Vec::new();
                for start in range.clone().step_by(step) {
                    let end = (start + step).min(range.end);
                    let block = self.block(start, end, &mut buffer)?;
                    let part = &mut part[(start - range.start) * p..(end - range.start) * p];
                    let out = smelt_core::MatMut::from_row_major(part, end - start, p)?;
                    gemm_into(W::ONE, block, v, W::ZERO, out, control)?;
                }
                Ok(())
            };
            if let (Err(error), Ok(mut slot)) = (run(part), failure.lock()) {
                *slot = Err(error);
            }
        });
        failure.into_inner().unwrap_or(Ok(()))?;
        Ok(out)
    }

    fn normal(&self, v: MatRef<'_, W>, control: &Control) -> Result<Mat<W>> {
        let (n, d, p) = (self.x.n_rows(), self.x.n_cols(), v.n_cols());
        let (step, cost_ns) = (self.block_rows(), 4.0 * (d * p) as f64 * NS_PER_FLOP);
        // Each part is as large as the result: few of them.
        let chunk = n.div_ceil(16).max(step);
        let parts = parallel::map_chunks(n, chunk, cost_ns, |_, range| {
            let (mut buffer, mut sum) = (Vec::new(), Mat::zeros(d, p));
            for start in range.clone().step_by(step) {
                let end = (start + step).min(range.end);
                let block = self.block(start, end, &mut buffer)?;
                let mut image = Mat::zeros(end - start, p);
                gemm_into(W::ONE, block, v, W::ZERO, image.view_mut(), control)?;
                let (back, image) = (block.transpose(), image.view());
                gemm_into(W::ONE, back, image, W::ONE, sum.view_mut(), control)?;
            }
            Ok(sum)
        });
        let mut out = Mat::zeros(d, p);
        for part in parts {
            let part: Mat<W> = part?;
            out.as_mut_slice().iter_mut().zip(part.as_slice()).for_each(|(sum, &v)| *sum += v);
        }
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use smelt_core::{Control, Mat, MatRef, parallel};
    use smelt_math::linalg::gemm;

    use super::super::sparse_operator::{SparseMatrix, SparseOperator};
    use super::{Dense, Operator};

    fn filled(n: usize, d: usize, seed: u32) -> Mat<f64> {
        let mut random = smelt_core::mersenne_twister::MersenneTwister::new(seed);
        let values = (0..n * d).map(|_| random.uniform() - 0.3).collect();
        Mat::from_vec(values, n, d).unwrap()
    }

    fn close(a: &Mat<f64>, b: &Mat<f64>) {
        assert_eq!((a.n_rows(), a.n_cols()), (b.n_rows(), b.n_cols()));
        for (a, b) in a.as_slice().iter().zip(b.as_slice()) {
            assert!((a - b).abs() < 1e-9 * (1.0 + b.abs()), "{a} {b}");
        }
    }

    #[test]
    fn products_are_those_of_the_centred_matrix() {
        let control = Control::new();
        for (n, d, p) in [(1, 3, 2), (300, 40, 5), (40, 900, 47), (9000, 70, 13)] {
            let (x, v, y) = (filled(n, d, 1), filled(d, p, 2), filled(n, p, 3));
            let means: Vec<f64> = (0..d).map(|j| j as f64 / 100.0).collect();
            let mut centred = x.clone();
            for i in 0..n {
                centred.row_mut(i).iter_mut().zip(&means).for_each(|(x, mean)| *x -= mean);
            }
            let forward = gemm(centred.view(), v.view(), &control).unwrap();
            let back = gemm(centred.view().transpose(), y.view(), &control).unwrap();
            let normal = gemm(centred.view().transpose(), forward.view(), &control).unwrap();
            let by_columns: Vec<f64> = x.view().transpose().to_mat().into_vec();
            let by_columns = MatRef::from_col_major(&by_columns, n, d).unwrap();
            for x in [x.view(), by_columns] {
                let dense = Dense::<f64, f64>::new(x, Some(&means));
                close(&dense.apply(v.view(), &control).unwrap(), &forward);
                close(&dense.transposed().apply(y.view(), &control).unwrap(), &back);
                close(&dense.normal(v.view(), &control).unwrap(), &normal);
            }
            let indptr: Vec<i64> = (0..=n).map(|i| (i * d) as i64).collect();
            let indices: Vec<i32> = (0..n * d).map(|entry| (entry % d) as i32).collect();
            let csr = smelt_core::CsrRef::new(&indptr, &indices, x.as_slice(), d).unwrap();
            let matrix = SparseMatrix::<f64>::new(csr, &control).unwrap();
            let sparse = SparseOperator::new(&matrix, Some(&means));
            close(&sparse.apply(v.view(), &control).unwrap(), &forward);
            close(&sparse.transposed().apply(y.view(), &control).unwrap(), &back);
            close(&sparse.normal(v.view(), &control).unwrap(), &normal);
            let run = |threads| {
                parallel::with_threads(threads, || {
                    let dense = Dense::<f64, f64>::new(x.view(), Some(&means));
                    let both =
                        [dense.normal(v.view(), &control), sparse.normal(v.view(), &control)];
                    both.map(Result::unwrap)
                })
            };
            assert!(run(1) == run(2) && run(1) == run(7));
        }
    }
}
