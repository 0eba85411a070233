//! The leading singular vectors of a matrix that is not centred, dense or sparse.
//!
//! Cost: 4·entries·p flops for each step of the Krylov space (`krylov.rs`), 2·entries·k for the
//! transformed rows, and 8·d·p²·step for the basis.  scikit-learn's six power iterations with 110
//! columns are four steps here.
//!
//! Twin: `python/smelt/plain/decomposition/truncated_svd.py`.
//!
//! 1. Leading eigenvectors of XᵀX (or of XXᵀ, turned into right vectors by a product with Xᵀ) from
//!    random probes; a short side that the Krylov space would fill gets all its eigenvectors.
//! 2. B = X·V; eigenvectors R of BᵀB: V ← V·R, and X·V = B·R has orthogonal columns whose norms are
//!    the singular values.
//! 3. Signs: the entry of largest magnitude in each component is positive.

use serde::Deserialize;
use smelt_core::{Control, CsrRef, Error, Mat, MatRef, Result};
use smelt_math::linalg::{Scalar, eigh, gemm, qr, syrk};

use super::krylov::{Effort, leading};
use super::operator::{Dense, Operator};
use super::pca::{flip, not_finite, to_f64};
use super::sparse_operator::{SparseMatrix, SparseOperator};

/// Length of the shorter side up to which all its eigenvectors are found.
const SMALL: usize = 256;
/// The same where singular vectors are wanted to the last digit.
const SMALL_CONVERGED: usize = 1000;
/// Share of the largest eigenvalue below which residuals count as rounding.
const ROUNDING: f64 = 1e-12;

/// Parameters of [`truncated_svd_fit`].
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TruncatedSvdParams {
    /// Singular vectors wanted.
    pub n_components: usize,
    /// Power iterations whose accuracy is reached; None goes on until convergence.
    pub n_iter: Option<usize>,
    /// Share of the largest squared singular value at which residuals count as converged.
    pub tol: f64,
}

/// Leading singular vectors.
#[derive(Debug, Clone)]
pub struct TruncatedSvdFit {
    /// k × d, orthonormal rows.
    pub components: Mat<f64>,
    /// Singular values (k), falling.
    pub singular: Vec<f64>,
    /// X·V, n × k.
    pub transformed: Mat<f64>,
    /// Whether the residuals vanished where that was asked for.
    pub converged: bool,
}

/// Decomposes `x` (n × d) from `probes`, min(n, d) × p random numbers.
pub fn truncated_svd_fit<T: Scalar>(
    x: MatRef<'_, T>,
    probes: MatRef<'_, f64>,
    params: &TruncatedSvdParams,
    control: &Control,
) -> Result<TruncatedSvdFit> {
    if T::IS_F64 || params.n_iter.is_none() {
        decompose(&Dense::<T, f64>::new(x, None), probes, params, control)
    } else {
        decompose(&Dense::<T, f32>::new(x, None), probes, params, control)
    }
}

/// The same for compressed rows.
pub fn truncated_svd_fit_sparse<T: Scalar>(
    x: CsrRef<'_, T>,
    probes: MatRef<'_, f64>,
    params: &TruncatedSvdParams,
    control: &Control,
) -> Result<TruncatedSvdFit> {
    if T::IS_F64 || params.n_iter.is_none() {
        let matrix = SparseMatrix::<f64>::new(x, control)?;
        decompose(&SparseOperator::new(&matrix, None), probes, params, control)
    } else {
        let matrix = SparseMatrix::<f32>::new(x, control)?;
        decompose(&SparseOperator::new(&matrix, None), probes, params, control)
    }
}

fn decompose<W: Scalar, O: Operator<W>>(
    a: &O,
    probes: MatRef<'_, f64>,
    params: &TruncatedSvdParams,
    control: &Control,
) -> Result<TruncatedSvdFit> {
    let (n, d, k) = (a.n_rows(), a.n_cols(), params.n_components);
    let side = n.min(d);
    if k > probes.n_cols() || probes.n_rows() != side || probes.n_cols() > side {
        return Err(Error::data(format!("the probes must be {side} x at least {k} numbers")));
    }
    let effort =
        params.n_iter.map_or(Effort::Converge(params.tol.max(ROUNDING)), Effort::PowerIterations);
    let limit = if params.n_iter.is_some() { SMALL } else { SMALL_CONVERGED };
    let limit = limit.max(2 * effort.basis(k, probes.n_cols()));
    // 1.
    let (vectors, converged) = if side <= limit {
        let products = if d <= n {
            a.normal(Mat::identity(d).view(), control)?
        } else {
            a.transposed().normal(Mat::identity(n).view(), control)?
        };
        (last_columns(&products, k, control)?, true)
    } else {
        let mut start = Mat::zeros(side, probes.n_cols());
        for i in 0..side {
            let row = start.row_mut(i).iter_mut().enumerate();
            row.for_each(|(j, value)| *value = W::from_f64(probes.get(i, j)));
        }
        let found = if d <= n {
            leading(a, start, k, effort, control)?
        } else {
            leading(&a.transposed(), start, k, effort, control)?
        };
        (found.vectors, found.converged)
    };
    let right = if d <= n {
        vectors
    } else {
        qr(a.transposed().apply(vectors.view(), control)?.view(), control)?.q
    };
    // 2.
    let image = to_f64(&a.apply(right.view(), control)?);
    let products = syrk(image.view().transpose(), control)?;
    if (0..k).any(|j| !products[(j, j)].is_finite()) {
        return Err(not_finite());
    }
    let rotation = last_columns(&products, k, control)?;
    let right = gemm(to_f64(&right).view(), rotation.view(), control)?;
    let mut components = right.view().transpose().to_mat();
    // 3.
    let unsigned = components.clone();
    flip(&mut components);
    let mut transformed = gemm(image.view(), rotation.view(), control)?;
    let flipped: Vec<bool> = (0..k).map(|i| components.row(i) != unsigned.row(i)).collect();
    let mut squares = vec![0.0; k];
    for i in 0..n {
        for (j, value) in transformed.row_mut(i).iter_mut().enumerate() {
            squares[j] += *value * *value;
            if flipped[j] {
                *value = -*value;
            }
        }
    }
    let singular = squares.into_iter().map(f64::sqrt).collect();
    Ok(TruncatedSvdFit { components, singular, transformed, converged })
}

/// Eigenvectors of the `k` largest eigenvalues in columns, falling.
fn last_columns<W: Scalar>(a: &Mat<W>, k: usize, control: &Control) -> Result<Mat<W>> {
    let found = eigh(a.view(), control)?;
    let mut out = Mat::zeros(a.n_rows(), k);
    for i in 0..a.n_rows() {
        let row = found.vectors.row(i).iter().rev();
        out.row_mut(i).iter_mut().zip(row).for_each(|(out, &value)| *out = value);
    }
    Ok(out)
}
