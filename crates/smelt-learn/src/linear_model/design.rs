//! The matrix of a linear model as an operator: centred, weighted, never copied.
//!
//! With weights W and means m the operator is `A = W^½ (X − 1 mᵀ)`; products with it cost one
//! reading of X.  Sums over rows are added in the order of fixed chunks.

use std::ops::Range;

use smelt_core::parallel::{for_chunks_mut, map_chunks};
use smelt_core::simd::vectorize;
use smelt_core::{Control, CsrRef, Error, Mat, MatRef, Real, Result};
use smelt_math::linalg::column_means;

/// Bytes that all partial results of one product may take.
const PARTIAL_BYTES: usize = 32 << 20;
/// Most chunks of rows.
const MAX_CHUNKS: usize = 32;

/// Features as the user has them.
#[derive(Debug, Clone, Copy)]
pub(super) enum Features<'a, T> {
    /// All entries, in any order.
    Dense(MatRef<'a, T>),
    /// Compressed rows.
    Sparse(CsrRef<'a, T>),
}

impl<T: Real> Features<'_, T> {
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

    /// Rows in a chunk; depends on the shape alone.
    fn chunk(&self) -> usize {
        let most = (PARTIAL_BYTES / (8 * self.n_cols().max(1))).clamp(1, MAX_CHUNKS);
        self.n_rows().div_ceil(most).max(256)
    }

    /// Nanoseconds that one row takes, for the cost gate.
    fn row_cost(&self) -> f64 {
        match self {
            Self::Dense(x) => 0.3 * x.n_cols() as f64,
            Self::Sparse(x) => 1.5 * x.n_entries() as f64 / x.n_rows().max(1) as f64,
        }
    }

    /// Fails unless every entry is finite.
    pub(super) fn check_finite(&self) -> Result<()> {
        let sums = map_chunks(self.n_rows(), self.chunk(), self.row_cost(), |_, rows| match self {
            Self::Dense(x) if x.has_contiguous_rows() => {
                rows.into_iter().all(|i| vectorize(|| spoiled(x.row(i))) == T::ZERO)
            }
            Self::Dense(x) => {
                rows.into_iter().all(|i| (0..x.n_cols()).all(|j| x.get(i, j).is_finite()))
            }
            Self::Sparse(x) => rows.into_iter().all(|i| spoiled(x.row(i).1) == T::ZERO),
        });
        if sums.into_iter().all(|finite| finite) { Ok(()) } else { Err(not_finite()) }
    }
}

/// Fails unless `y` and `weights` have a row for each of X, and there is one at all.
pub(super) fn check_rows<T>(n: usize, y: MatRef<'_, T>, weights: Option<&[f64]>) -> Result<()> {
    if n == 0 || y.n_rows() != n || weights.is_some_and(|weights| weights.len() != n) {
        return Err(Error::data(format!(
            "X has {n} rows, y has {}: there must be as many, and at least one",
            y.n_rows()
        )));
    }
    if weights.is_some_and(|weights| weights.iter().sum::<f64>() <= 0.0) {
        return Err(Error::data("sample_weight is zero for every row; give one row some weight"));
    }
    Ok(())
}

/// The error for NaN or infinity; Python looks for the culprit and words it as scikit-learn does.
pub(super) fn not_finite() -> Error {
    Error::data("X or y contains NaN or infinity; remove or impute these entries first")
}

/// 0 where all entries are finite, else NaN.
#[inline(always)]
fn spoiled<T: Real>(values: &[T]) -> T {
    let mut lanes = [T::ZERO; 8];
    let (blocks, rest) = values.as_chunks::<8>();
    for block in blocks {
        for l in 0..8 {
            lanes[l] += block[l] * T::ZERO;
        }
    }
    lanes.into_iter().chain(rest.iter().map(|&value| value * T::ZERO)).sum()
}

/// `W^½ (X − 1 mᵀ)`.
#[derive(Debug)]
pub(super) struct Design<'a, T> {
    features: Features<'a, T>,
    /// Square roots of the weights.
    root: Option<Vec<f64>>,
    /// m, zeros where nothing is centred.
    pub(super) means: Vec<f64>,
}

impl<'a, T: Real> Design<'a, T> {
    /// The operator with the weighted means of the columns as m, or 0 unless `centre`.
    pub(super) fn new(
        features: Features<'a, T>,
        weights: Option<&[f64]>,
        centre: bool,
        control: &Control,
    ) -> Result<Self> {
        let d = features.n_cols();
        let mut design = Self { features, root: None, means: vec![0.0; d] };
        if centre {
            design.means = match features {
                Features::Dense(x) => column_means(x, weights),
                Features::Sparse(x) => {
                    let ones;
                    let counts = match weights {
                        Some(weights) => weights,
                        None => {
                            ones = vec![1.0; x.n_rows()];
                            &ones
                        }
                    };
                    let total: f64 = counts.iter().sum();
                    let sums = design.transposed(counts, control)?;
                    sums.into_iter().map(|sum| sum / total).collect()
                }
            };
        }
        design.root = weights.map(|w| w.iter().map(|w| w.sqrt()).collect());
        Ok(design)
    }

    /// The operator with means that are already known.
    pub(super) fn with_means(
        features: Features<'a, T>,
        weights: Option<&[f64]>,
        means: Vec<f64>,
    ) -> Self {
        let root = weights.map(|w| w.iter().map(|w| w.sqrt()).collect());
        Self { features, root, means }
    }

    /// Number of rows.
    pub(super) fn n_rows(&self) -> usize {
        self.features.n_rows()
    }

    /// Number of columns.
    pub(super) fn n_cols(&self) -> usize {
        self.features.n_cols()
    }

    /// Square root of the weight of row `i`.
    #[inline(always)]
    pub(super) fn root(&self, i: usize) -> f64 {
        self.root.as_ref().map_or(1.0, |root| root[i])
    }

    /// A v
    pub(super) fn times(&self, v: &[f64], control: &Control) -> Result<Vec<f64>> {
        let mut out = vec![0.0; self.n_rows()];
        let offset: f64 = self.means.iter().zip(v).map(|(mean, v)| mean * v).sum();
        let (chunk, cost) = (self.features.chunk(), self.features.row_cost());
        for_chunks_mut(&mut out, 1, chunk, cost, |_, rows, out| {
            if control.check().is_ok() {
                match self.features {
                    Features::Dense(x) => vectorize(
                        #[inline(always)]
                        || dense_times(x, rows.clone(), v, out),
                    ),
                    Features::Sparse(x) => {
                        for (out, i) in out.iter_mut().zip(rows.clone()) {
                            let (columns, values) = x.row(i);
                            let terms = columns.iter().zip(values);
                            *out = terms.map(|(&j, x)| x.to_f64() * v[j as usize]).sum();
                        }
                    }
                }
                for (out, i) in out.iter_mut().zip(rows) {
                    *out = (*out - offset) * self.root(i);
                }
            }
        });
        control.check()?;
        Ok(out)
    }

    /// Aᵀ u
    pub(super) fn transposed(&self, u: &[f64], control: &Control) -> Result<Vec<f64>> {
        let (chunk, cost) = (self.features.chunk(), self.features.row_cost());
        let parts = map_chunks(self.n_rows(), chunk, cost, |_, rows| {
            let mut sums = vec![0.0; self.n_cols()];
            let scaled: Vec<f64> = rows.clone().map(|i| u[i] * self.root(i)).collect();
            if control.check().is_ok() {
                match self.features {
                    Features::Dense(x) => vectorize(
                        #[inline(always)]
                        || dense_transposed(x, rows, &scaled, &mut sums),
                    ),
                    Features::Sparse(x) => {
                        for (i, &factor) in rows.zip(&scaled) {
                            let (columns, values) = x.row(i);
                            for (&j, value) in columns.iter().zip(values) {
                                sums[j as usize] += value.to_f64() * factor;
                            }
                        }
                    }
                }
            }
            (sums, scaled.iter().sum::<f64>())
        });
        control.check()?;
        let total: f64 = parts.iter().map(|(_, total)| total).sum();
        let mut out = vec![0.0; self.n_cols()];
        for (sums, _) in &parts {
            for (out, sum) in out.iter_mut().zip(sums) {
                *out += sum;
            }
        }
        for (out, mean) in out.iter_mut().zip(&self.means) {
            *out -= mean * total;
        }
        Ok(out)
    }

    /// A as a matrix of its own, for factorizations.
    pub(super) fn to_mat(&self) -> Mat<f64> {
        let (n, d) = (self.n_rows(), self.n_cols());
        let mut out = Mat::zeros(n, d);
        for i in 0..n {
            let root = self.root(i);
            let row = out.row_mut(i);
            match self.features {
                Features::Dense(x) => {
                    (0..d).for_each(|j| row[j] = (x.get(i, j).to_f64() - self.means[j]) * root);
                }
                Features::Sparse(x) => {
                    let (columns, values) = x.row(i);
                    (0..d).for_each(|j| row[j] = -self.means[j] * root);
                    for (&j, value) in columns.iter().zip(values) {
                        row[j as usize] += value.to_f64() * root;
                    }
                }
            }
        }
        out
    }

    /// AᵀA of a sparse X: products of the entries of each row, then the means taken out.
    pub(super) fn sparse_gram(&self, control: &Control) -> Result<Mat<f64>> {
        let d = self.n_cols();
        let Features::Sparse(x) = self.features else {
            return Err(Error::data("a dense matrix has its own Gram pass"));
        };
        let mut out = Mat::zeros(d, d);
        let mut total = 0.0;
        for i in 0..x.n_rows() {
            control.check()?;
            let weight = self.root(i) * self.root(i);
            total += weight;
            let (columns, values) = x.row(i);
            for (&j, left) in columns.iter().zip(values) {
                let row = out.row_mut(j as usize);
                for (&k, right) in columns.iter().zip(values) {
                    row[k as usize] += left.to_f64() * right.to_f64() * weight;
                }
            }
        }
        for j in 0..d {
            let factor = total * self.means[j];
            for (value, mean) in out.row_mut(j).iter_mut().zip(&self.means) {
                *value -= factor * mean;
            }
        }
        Ok(out)
    }

    /// Targets (n × t), centred by their weighted means and weighted like the rows of A.
    pub(super) fn targets(
        &self,
        y: MatRef<'_, T>,
        weights: Option<&[f64]>,
        centre: bool,
    ) -> (Mat<f64>, Vec<f64>) {
        let (n, t) = (y.n_rows(), y.n_cols());
        let means = if centre { column_means(y, weights) } else { vec![0.0; t] };
        let mut out = Mat::zeros(n, t);
        for i in 0..n {
            let root = self.root(i);
            for (j, value) in out.row_mut(i).iter_mut().enumerate() {
                *value = (y.get(i, j).to_f64() - means[j]) * root;
            }
        }
        (out, means)
    }
}

/// One column of a row-major matrix.
pub(super) fn column(matrix: &Mat<f64>, j: usize) -> Vec<f64> {
    (0..matrix.n_rows()).map(|i| matrix[(i, j)]).collect()
}

#[inline(always)]
fn dense_times<T: Real>(x: MatRef<'_, T>, rows: Range<usize>, v: &[f64], out: &mut [f64]) {
    if x.has_contiguous_rows() {
        for (out, i) in out.iter_mut().zip(rows) {
            let mut lanes = [0.0; 16];
            let (blocks, rest) = x.row(i).as_chunks::<16>();
            let (v_blocks, v_rest) = v.as_chunks::<16>();
            for (block, v) in blocks.iter().zip(v_blocks) {
                for l in 0..16 {
                    lanes[l] = block[l].to_f64().mul_add(v[l], lanes[l]);
                }
            }
            let mut sum: f64 = lanes.iter().sum();
            for (x, v) in rest.iter().zip(v_rest) {
                sum = x.to_f64().mul_add(*v, sum);
            }
            *out = sum;
        }
    } else {
        for (j, &v) in v.iter().enumerate() {
            if x.has_contiguous_cols() {
                for (out, x) in out.iter_mut().zip(&x.col(j)[rows.clone()]) {
                    *out = x.to_f64().mul_add(v, *out);
                }
            } else {
                for (out, i) in out.iter_mut().zip(rows.clone()) {
                    *out = x.get(i, j).to_f64().mul_add(v, *out);
                }
            }
        }
    }
}

#[inline(always)]
fn dense_transposed<T: Real>(x: MatRef<'_, T>, rows: Range<usize>, u: &[f64], sums: &mut [f64]) {
    if x.has_contiguous_rows() {
        for (i, &u) in rows.zip(u) {
            for (sum, x) in sums.iter_mut().zip(x.row(i)) {
                *sum = x.to_f64().mul_add(u, *sum);
            }
        }
    } else {
        for (j, sum) in sums.iter_mut().enumerate() {
            let mut lanes = [0.0; 4];
            for (k, (i, &u)) in rows.clone().zip(u).enumerate() {
                lanes[k % 4] = x.get(i, j).to_f64().mul_add(u, lanes[k % 4]);
            }
            *sum = (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]);
        }
    }
}
