//! Leading eigenvectors of a graph, as a start for its picture.
//!
//! A few vectors are multiplied by a Chebyshev polynomial of S = D^(−1/2) W D^(−1/2) that is small
//! on all eigenvalues below those wanted, made orthonormal, and turned to the Ritz vectors; again
//! until the eigenvalues stand still.  A start needs no more.
//!
//! Cost: about 100 products of the graph with some eight vectors.
//!
//! Twin: `smelt.plain.manifold.umap`.

use smelt_core::{Control, CsrRef, Error, Mat, Result, parallel};
use smelt_math::linalg::{eigh, gemm, qr};

/// Vectors beside those wanted.
const SPARE: usize = 5;
/// Degree of the polynomial.
const DEGREE: usize = 12;
/// Most rounds.
const ROUNDS: usize = 12;
/// Change of eigenvalues at which they stand still.
const TOLERANCE: f64 = 1e-5;
/// Rows up to which the matrix is decomposed as it is.
const FEW: usize = 100;

/// The eigenvectors after the first one of the scaled graph, `k` columns, row after row; the entry of
/// largest size of each is positive.
pub fn umap_spectral(W: CsrRef<'_, f64>, k: usize, control: &Control) -> Result<Vec<f64>> {
    let n = W.n_rows();
    if W.n_cols() != n || k == 0 || k + 1 > n {
        return Err(Error::data("a graph of more nodes than eigenvectors is needed"));
    }
    let roots: Vec<f64> = (0..n)
        .map(|i| W.row(i).1.iter().sum::<f64>())
        .map(|degree| if degree > 0.0 { 1.0 / degree.sqrt() } else { 0.0 })
        .collect();
    let vectors = if n <= FEW {
        let mut S = Mat::zeros(n, n);
        for i in 0..n {
            let (columns, weights) = W.row(i);
            for (&j, &w) in columns.iter().zip(weights) {
                S.row_mut(i)[j as usize] = w * roots[i] * roots[j as usize];
            }
        }
        let all = eigh(S.view(), control)?;
        // Falling order.
        let mut vectors = Mat::zeros(n, k + 1);
        for i in 0..n {
            for j in 0..=k {
                vectors.row_mut(i)[j] = all.vectors.row(i)[n - 1 - j];
            }
        }
        vectors
    } else {
        subspace(W, &roots, k, control)?
    };
    let mut out = vec![0.0; n * k];
    for j in 0..k {
        let column = |i: usize| vectors.row(i)[j + 1];
        let largest =
            (0..n).map(column).fold(0.0, |a: f64, b| if b.abs() > a.abs() { b } else { a });
        for i in 0..n {
            out[i * k + j] = if largest < 0.0 { -column(i) } else { column(i) };
        }
    }
    Ok(out)
}

/// Ritz vectors of the largest eigenvalues, falling.
fn subspace(W: CsrRef<'_, f64>, roots: &[f64], k: usize, control: &Control) -> Result<Mat<f64>> {
    let (n, m) = (W.n_rows(), k + 1 + SPARE);
    let mut start = Mat::zeros(n, m);
    for i in 0..n {
        for (j, out) in start.row_mut(i).iter_mut().enumerate() {
            *out = super::umap::mixed((i * m + j) as u64) as f64 / u64::MAX as f64 - 0.5;
        }
    }
    let mut V = qr(start.view(), control)?.q;
    let mut values = vec![0.0; m];
    let mut cut = 0.5;
    for _ in 0..ROUNDS {
        // 1. The polynomial of S, small from −1 to the cut.
        let (middle, half) = (0.5 * (cut - 1.0), 0.5 * (cut + 1.0));
        let mut before = V.clone();
        V = product(W, roots, &V, |i, j, sum| (sum - middle * V.row(i)[j]) / half, control)?;
        for _ in 1..DEGREE {
            let next = product(
                W,
                roots,
                &V,
                |i, j, sum| 2.0 * (sum - middle * V.row(i)[j]) / half - before.row(i)[j],
                control,
            )?;
            before = std::mem::replace(&mut V, next);
        }
        // 2. Orthonormal vectors, and 3. the Ritz vectors among them.
        V = qr(V.view(), control)?.q;
        let SV = product(W, roots, &V, |_, _, sum| sum, control)?;
        let found = eigh(gemm(V.view().transpose(), SV.view(), control)?.view(), control)?;
        let mut turn = Mat::zeros(m, m);
        for i in 0..m {
            for j in 0..m {
                turn.row_mut(i)[j] = found.vectors.row(i)[m - 1 - j];
            }
        }
        V = gemm(V.view(), turn.view(), control)?;
        let falling: Vec<f64> = found.values.iter().rev().copied().collect();
        let change = (0..=k).map(|j| (falling[j] - values[j]).abs()).fold(0.0, f64::max);
        cut = falling[m - 1].clamp(-0.5, 0.999);
        values = falling;
        if change < TOLERANCE {
            break;
        }
    }
    Ok(V)
}

/// `entry(i, j, (S·V)_ij)` for all entries.
fn product(
    W: CsrRef<'_, f64>,
    roots: &[f64],
    V: &Mat<f64>,
    entry: impl Fn(usize, usize, f64) -> f64 + Sync,
    control: &Control,
) -> Result<Mat<f64>> {
    let (n, m) = (V.n_rows(), V.n_cols());
    let mut out = Mat::zeros(n, m);
    let cost = 2.0 * (W.n_entries() / n.max(1) * m) as f64;
    let chunk = parallel::chunk_size(n, 64).min(4096);
    parallel::for_chunks_mut(out.as_mut_slice(), m, chunk, cost, |_, rows, out| {
        if control.check().is_err() {
            return;
        }
        for (i, out) in rows.zip(out.chunks_exact_mut(m)) {
            let (columns, weights) = W.row(i);
            for (&j, &w) in columns.iter().zip(weights) {
                let factor = w * roots[j as usize];
                for (out, &value) in out.iter_mut().zip(V.row(j as usize)) {
                    *out += factor * value;
                }
            }
            for (j, out) in out.iter_mut().enumerate() {
                *out = entry(i, j, roots[i] * *out);
            }
        }
    });
    control.check()?;
    Ok(out)
}
