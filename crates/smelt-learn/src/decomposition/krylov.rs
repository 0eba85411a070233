//! Leading eigenvectors of AᵀA from a block Krylov space (Musco and Musco, "Randomized block Krylov
//! methods", 2015), by Lanczos' recurrence with full orthogonalization.
//!
//! Cost: a step takes two products of A with p columns, 4·n·d·p flops, and 8·m·p²·step for keeping
//! the basis orthogonal.  Where q power iterations damp an unwanted direction by the q-th power of
//! the ratio of eigenvalues, q steps here damp it by Chebyshev's polynomial of that degree: √q steps
//! do what q iterations do where eigenvalues lie close, at the memory of a basis of p·steps vectors.
//!
//! 1. An orthonormal start Q₁.
//! 2. Z = AᵀA·Qⱼ, of which all earlier blocks are taken: their coefficients are a column of T.
//! 3. Eigenvalues and vectors of T: the Ritz pairs; stop where all residuals are small.
//! 4. Qⱼ₊₁ from the QR factors of Z.  Where convergence is asked for, blocks are narrow, and a full
//!    basis is replaced by its best Ritz vectors (Wu and Simon 2000, thick restart).
//!
//! Twin: `python/smelt/plain/decomposition/krylov.py`.

use smelt_core::{Control, Mat, Real, Result};
use smelt_math::linalg::{Scalar, eigh, gemm, gemm_into, qr};

use super::operator::Operator;

/// Most columns of a block where convergence is asked for: a narrow basis reaches higher powers.
const NARROW: usize = 8;
/// Most products until then.
const PRODUCTS: usize = 4000;

/// How far to go.
#[derive(Debug, Clone, Copy)]
pub(super) enum Effort {
    /// As accurate as this number of power iterations.
    PowerIterations(usize),
    /// Until the residuals are below this share of the largest eigenvalue.
    Converge(f64),
}

impl Effort {
    /// Vectors of the basis for `k` eigenvectors from `p` probes.
    pub(super) fn basis(self, k: usize, p: usize) -> usize {
        match self {
            Self::PowerIterations(n_iter) => {
                p * (1 + (1.5 * n_iter as f64 + 1.0).sqrt().ceil() as usize)
            }
            Self::Converge(_) => (3 * k).max(k + 12 * NARROW.min(p)),
        }
    }
}

/// The leading eigenpairs of AᵀA.
pub(super) struct Leading<W> {
    /// Eigenvalues, falling.
    pub(super) values: Vec<f64>,
    /// Eigenvectors in columns.
    pub(super) vectors: Mat<W>,
    /// Whether all residuals are small.
    pub(super) converged: bool,
}

/// The first `k` eigenpairs from a start of p ≥ k columns.
pub(super) fn leading<W: Scalar, O: Operator<W>>(
    a: &O,
    start: Mat<W>,
    k: usize,
    effort: Effort,
    control: &Control,
) -> Result<Leading<W>> {
    let (m, p) = (start.n_rows(), start.n_cols());
    let limit = effort.basis(k, p).min(m);
    let floor = if W::IS_F64 { 1e-13 } else { 2e-6 };
    let (tol, width) = match effort {
        Effort::PowerIterations(_) => (1e-7_f64.max(floor), p),
        Effort::Converge(tol) => (tol.max(floor), p.min(NARROW)),
    };
    // 1.
    let mut q = qr(first_columns(&start, width).view(), control)?.q;
    let mut basis: Vec<Mat<W>> = Vec::new();
    let (mut size, mut products) = (0, 0);
    let mut t = Mat::<f64>::zeros(limit, limit);
    loop {
        // 2.
        let mut z = a.normal(q.view(), control)?;
        products += 1;
        basis.push(q);
        let here = size;
        size += width;
        let mut row = 0;
        for block in &basis {
            let part = project(block, &mut z, control)?;
            for i in 0..part.n_rows() {
                for j in 0..width {
                    let value = part[(i, j)].to_f64();
                    t[(here + j, row + i)] = value;
                    t[(row + i, here + j)] = value;
                }
            }
            row += part.n_rows();
        }
        let next = qr(z.view(), control)?;
        // 3.
        let ritz = Ritz::new(&t, size, control)?;
        let largest = ritz.residual(&next.r, k.min(size));
        let converged = size >= k && largest <= tol * ritz.values[0].max(f64::MIN_POSITIVE);
        let full = size + width > limit;
        let finished = match effort {
            Effort::PowerIterations(_) => full,
            Effort::Converge(_) => products >= PRODUCTS || size + width > m,
        };
        if converged || (finished && size >= k) {
            let vectors = ritz.vectors(&basis, k, control)?;
            return Ok(Leading { values: ritz.values[..k].to_vec(), vectors, converged });
        }
        // 4. Columns that vanished came back as any directions: take the basis out again.
        if full {
            let kept = (k + k / 2 + width).min(size - 2 * width);
            basis = vec![ritz.vectors(&basis, kept, control)?];
            t.as_mut_slice().fill(0.0);
            (0..kept).for_each(|i| t[(i, i)] = ritz.values[i]);
            size = kept;
        }
        q = next.q;
        for block in &basis {
            project(block, &mut q, control)?;
        }
        q = qr(q.view(), control)?.q;
    }
}

/// The first columns.
fn first_columns<W: Scalar>(matrix: &Mat<W>, n_columns: usize) -> Mat<W> {
    let mut out = Mat::zeros(matrix.n_rows(), n_columns);
    for i in 0..matrix.n_rows() {
        out.row_mut(i).copy_from_slice(&matrix.row(i)[..n_columns]);
    }
    out
}

/// Bᵀ·z, and z less its part in the span of B.
fn project<W: Scalar>(block: &Mat<W>, z: &mut Mat<W>, control: &Control) -> Result<Mat<W>> {
    let part = gemm(block.view().transpose(), z.view(), control)?;
    gemm_into(-W::ONE, block.view(), part.view(), W::ONE, z.view_mut(), control)?;
    Ok(part)
}

/// Eigenpairs of the projected matrix, falling.
struct Ritz {
    values: Vec<f64>,
    /// In columns, falling.
    vectors: Mat<f64>,
}

impl Ritz {
    fn new(t: &Mat<f64>, size: usize, control: &Control) -> Result<Self> {
        let mut used = Mat::zeros(size, size);
        for i in 0..size {
            used.row_mut(i).copy_from_slice(&t.row(i)[..size]);
        }
        let found = eigh(used.view(), control)?;
        let mut vectors = Mat::zeros(size, size);
        for i in 0..size {
            let row = found.vectors.row(i).iter().rev();
            vectors.row_mut(i).iter_mut().zip(row).for_each(|(out, &value)| *out = value);
        }
        Ok(Self { values: found.values.into_iter().rev().collect(), vectors })
    }

    /// Largest residual of the first `k` pairs: ‖R·(their last block)‖.
    fn residual<W: Real>(&self, r: &Mat<W>, k: usize) -> f64 {
        let (size, p) = (self.vectors.n_rows(), r.n_cols());
        let square = |pair: usize| -> f64 {
            let value = |i: usize| -> f64 {
                (i..p).map(|j| r[(i, j)].to_f64() * self.vectors[(size - p + j, pair)]).sum()
            };
            (0..p.min(r.n_rows())).map(|i| value(i).powi(2)).sum()
        };
        (0..k).map(square).fold(0.0, f64::max).sqrt()
    }

    /// The first `k` Ritz vectors.
    fn vectors<W: Scalar>(&self, basis: &[Mat<W>], k: usize, control: &Control) -> Result<Mat<W>> {
        let mut out = Mat::zeros(basis[0].n_rows(), k);
        let mut first = 0;
        for block in basis {
            let p = block.n_cols();
            let mut weights = Mat::zeros(p, k);
            for row in 0..p {
                let from = &self.vectors.row(first + row)[..k];
                let into = weights.row_mut(row).iter_mut().zip(from);
                into.for_each(|(out, &value)| *out = W::from_f64(value));
            }
            gemm_into(W::ONE, block.view(), weights.view(), W::ONE, out.view_mut(), control)?;
            first += p;
        }
        Ok(out)
    }
}
