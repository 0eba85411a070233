//! The rows that k-means works on, and the search for their nearest centres.
//!
//! Dense rows are copied once with the column means taken off, so that |c|² − 2 x·c + |x|² keeps its
//! digits; their search is one pass of tiles (2·n·k·d flops).  Compressed rows stay as they are; a row
//! costs 2·k flops an entry.

use smelt_core::lanes::Lanes;
use smelt_core::{Control, CsrRef, Mat, MatRef, Result, parallel, simd};
use smelt_math::linalg::column_means;
use smelt_math::linalg::tiles::{Centres, two_nearest};

/// Rows copied between two looks at the control.
const COPY_ROWS: usize = 4096;

/// Rows with their squared lengths.
pub(super) struct Points<'a, T> {
    rows: Rows<'a, T>,
    /// |x|², one a row.
    pub(super) norms: Vec<T>,
    /// What was taken off every row.
    pub(super) mean: Vec<T>,
}

enum Rows<'a, T> {
    Dense(Mat<T>),
    Sparse(CsrRef<'a, T>),
}

impl<'a, T: Lanes> Points<'a, T> {
    /// Dense rows without their means.
    pub(super) fn dense(x: MatRef<'_, T>, control: &Control) -> Result<Self> {
        let (n, d) = (x.n_rows(), x.n_cols());
        let mean: Vec<T> = column_means(x, None).into_iter().map(T::from_f64).collect();
        let mut rows = Mat::zeros(n, d);
        if d > 0 {
            parallel::for_chunks_mut(
                rows.as_mut_slice(),
                d,
                COPY_ROWS,
                d as f64,
                |_, range, out| {
                    if control.check().is_err() {
                        return;
                    }
                    for (i, out) in range.zip(out.chunks_exact_mut(d)) {
                        if x.has_contiguous_rows() {
                            let pairs = x.row(i).iter().zip(&mean);
                            out.iter_mut().zip(pairs).for_each(|(out, (&x, &m))| *out = x - m);
                        } else {
                            (0..d).for_each(|j| out[j] = x.get(i, j) - mean[j]);
                        }
                    }
                },
            );
        }
        control.check()?;
        let mut norms = vec![T::ZERO; n];
        parallel::for_chunks_mut(&mut norms, 1, COPY_ROWS, d as f64, |_, range, out| {
            simd::vectorize(
                #[inline(always)]
                || {
                    for (i, out) in range.zip(out) {
                        *out = simd::dot(rows.row(i), rows.row(i));
                    }
                },
            );
        });
        Ok(Self { rows: Rows::Dense(rows), norms, mean })
    }

    /// Compressed rows as they are.
    pub(super) fn sparse(x: CsrRef<'a, T>) -> Self {
        let norm = |i| x.row(i).1.iter().map(|&value| value * value).sum();
        let norms = (0..x.n_rows()).map(norm).collect();
        Self { rows: Rows::Sparse(x), norms, mean: vec![T::ZERO; x.n_cols()] }
    }

    pub(super) fn n_rows(&self) -> usize {
        self.norms.len()
    }

    pub(super) fn n_columns(&self) -> usize {
        self.mean.len()
    }

    /// Mean over the columns of their variances.
    pub(super) fn mean_variance(&self) -> f64 {
        let (n, d) = (self.n_rows().max(1) as f64, self.n_columns().max(1) as f64);
        let squares: f64 = self.norms.iter().map(|norm| norm.to_f64()).sum();
        let off = match &self.rows {
            Rows::Dense(_) => 0.0,
            Rows::Sparse(x) => {
                let mut sums = vec![0.0; x.n_cols()];
                for (&j, value) in x.indices().iter().zip(x.data()) {
                    sums[j as usize] += value.to_f64();
                }
                sums.iter().map(|sum| sum * sum / n).sum()
            }
        };
        (squares - off) / n / d
    }

    /// Row `i`, dense.
    pub(super) fn row(&self, i: usize) -> Vec<T> {
        match &self.rows {
            Rows::Dense(rows) => rows.row(i).to_vec(),
            Rows::Sparse(x) => {
                let mut out = vec![T::ZERO; x.n_cols()];
                let (indices, values) = x.row(i);
                indices.iter().zip(values).for_each(|(&j, &value)| out[j as usize] = value);
                out
            }
        }
    }

    /// sums ← sums + factor · row `i`
    #[inline(always)]
    pub(super) fn add(&self, i: usize, factor: f64, sums: &mut [f64]) {
        match &self.rows {
            Rows::Dense(rows) => {
                for (sum, value) in sums.iter_mut().zip(rows.row(i)) {
                    *sum = factor.mul_add(value.to_f64(), *sum);
                }
            }
            Rows::Sparse(x) => {
                let (indices, values) = x.row(i);
                for (&j, value) in indices.iter().zip(values) {
                    sums[j as usize] += factor * value.to_f64();
                }
            }
        }
    }

    /// Row `i` · `centre`
    #[inline(always)]
    pub(super) fn dot(&self, i: usize, centre: &[T]) -> T {
        match &self.rows {
            Rows::Dense(rows) => simd::dot(rows.row(i), centre),
            Rows::Sparse(x) => {
                let (indices, values) = x.row(i);
                let pairs = indices.iter().zip(values);
                pairs.map(|(&j, &value)| value * centre[j as usize]).sum()
            }
        }
    }

    /// |row `i` − `centre`|² without cancellation where rows are dense; `norm` is |centre|².
    #[inline(always)]
    pub(super) fn sq_distance(&self, i: usize, centre: &[T], norm: f64) -> f64 {
        match &self.rows {
            Rows::Dense(rows) => simd::sq_dist(rows.row(i), centre).to_f64(),
            Rows::Sparse(x) => {
                let (indices, values) = x.row(i);
                // |c|² + Σ over the entries of (x − c)² − c²
                let sum = indices.iter().zip(values).fold(norm, |sum, (&j, value)| {
                    let (x, c) = (value.to_f64(), centre[j as usize].to_f64());
                    sum + x * (x - 2.0 * c)
                });
                sum.max(0.0)
            }
        }
    }

    /// Rows worth looking for at once.
    pub(super) fn rows_at_once(&self) -> usize {
        smelt_math::linalg::tiles::rows_at_once::<T>(self.n_columns())
    }

    /// The nearest centre of the rows `row(0)`, `row(1)`, …, its score |c|² − 2 x·c, and the score of
    /// the second nearest.
    pub(super) fn search(
        &self,
        row: impl Fn(usize) -> usize,
        centres: &Packed<T>,
        labels: &mut [u32],
        scores: &mut [T],
        seconds: &mut [T],
    ) {
        match (&self.rows, centres) {
            (Rows::Dense(rows), Packed::Tiles(centres)) => {
                two_nearest(|i| rows.row(row(i)), centres, labels, scores, seconds);
            }
            (Rows::Sparse(x), Packed::Columns { columns, norms }) => {
                let mut all = norms.clone();
                let out = labels.iter_mut().zip(scores).zip(seconds).enumerate();
                simd::vectorize(
                    #[inline(always)]
                    || {
                        for (i, ((label, score), second)) in out {
                            sparse_scores(x.row(row(i)), columns, norms, &mut all);
                            (*label, *score, *second) = two_smallest(&all);
                        }
                    },
                );
            }
            _ => {}
        }
    }

    /// Scores of `count` rows from `first` on with all centres, centre after centre; compressed rows.
    pub(super) fn all_scores(
        &self,
        first: usize,
        count: usize,
        centres: &Packed<T>,
        out: &mut [T],
    ) {
        if let (Rows::Sparse(x), Packed::Columns { columns, norms }) = (&self.rows, centres) {
            let mut all = norms.clone();
            for i in 0..count {
                sparse_scores(x.row(first + i), columns, norms, &mut all);
                all.iter().enumerate().for_each(|(c, &score)| out[c * count + i] = score);
            }
        }
    }

    /// Centres arranged for [`Points::search`].
    pub(super) fn pack(&self, centres: &Mat<T>) -> Packed<T> {
        match &self.rows {
            Rows::Dense(_) => Packed::Tiles(Centres::of_distances(centres.view())),
            Rows::Sparse(_) => Packed::columns(centres),
        }
    }

    /// Dense rows where there are such.
    pub(super) fn as_dense(&self) -> Option<&Mat<T>> {
        match &self.rows {
            Rows::Dense(rows) => Some(rows),
            Rows::Sparse(_) => None,
        }
    }
}

/// Centres arranged for the search.
pub(super) enum Packed<T> {
    Tiles(Centres<T>),
    /// Column j of all centres lies at j·k, times −2.
    Columns {
        columns: Vec<T>,
        norms: Vec<T>,
    },
}

impl<T: Lanes> Packed<T> {
    pub(super) fn columns(centres: &Mat<T>) -> Self {
        let (k, d) = (centres.n_rows(), centres.n_cols());
        let mut columns = vec![T::ZERO; k * d];
        for c in 0..k {
            for (j, &value) in centres.row(c).iter().enumerate() {
                columns[j * k + c] = T::from_f64(-2.0) * value;
            }
        }
        let norm = |c| centres.row(c).iter().map(|&value| value * value).sum();
        Self::Columns { columns, norms: (0..k).map(norm).collect() }
    }
}

/// The scores |c|² − 2 x·c of a compressed row.
#[inline(always)]
pub(super) fn sparse_scores<T: Lanes>(
    (indices, values): (&[i32], &[T]),
    columns: &[T],
    norms: &[T],
    out: &mut [T],
) {
    let k = norms.len();
    out.copy_from_slice(norms);
    for (&j, &value) in indices.iter().zip(values) {
        simd::axpy(value, &columns[j as usize * k..][..k], out);
    }
}

#[inline(always)]
fn two_smallest<T: Lanes>(scores: &[T]) -> (u32, T, T) {
    let (mut label, mut low, mut second) = (0, T::INFINITY, T::INFINITY);
    for (c, &score) in scores.iter().enumerate() {
        if score < low {
            (label, second, low) = (c as u32, low, score);
        } else if score < second {
            second = score;
        }
    }
    (label, low, second)
}
