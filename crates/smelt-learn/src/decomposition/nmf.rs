//! Non-negative factors X ≈ W·H, by coordinate descent or by multiplicative updates.
//!
//! Cost of a round of coordinate descent for k components: 4·n·d·k flops for X·Hᵀ and Xᵀ·W, and
//! (n + d)·k² multiply-adds for the sweeps; dense X is read once, since a block of rows serves both
//! products while it is in the cache.
//!
//! Twin: `python/smelt/plain/decomposition/nmf.py`.
//!
//! 1. Coordinate descent (Cichocki and Phan 2009): for each component in turn, the exact minimum in
//!    that column of W, not below 0; then the same for H.  It stops where the projected gradient is
//!    `tol` of the first.
//! 2. Multiplicative updates for a β-divergence (Lee and Seung; Févotte and Idier):
//!    `nmf_multiplicative.rs`.

use std::sync::Mutex;

use serde::Deserialize;
use smelt_core::simd::vectorize;
use smelt_core::{Control, CsrRef, Error, Mat, MatRef, Real, Result, parallel};
use smelt_math::linalg::{Scalar, gemm, gemm_into};

use super::NS_PER_FLOP;
use super::nmf_multiplicative::{divergence, multiplicative};
use super::operator::Operator;
use super::sparse_operator::{SparseMatrix, SparseOperator};

/// Rows swept side by side.
const LANES: usize = 16;
/// Values of a block of rows: it lies in the second level of the cache.
const BLOCK: usize = 1 << 17;

/// How the factors are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NmfSolver {
    /// Coordinate descent.
    Cd,
    /// Multiplicative updates.
    Mu,
}

/// Parameters of [`nmf_fit`].
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NmfParams {
    /// The method.
    pub solver: NmfSolver,
    /// β of the divergence: 2 squares, 1 Kullback and Leibler, 0 Itakura and Saito.
    pub beta: f64,
    /// Where to stop.
    pub tol: f64,
    /// Most rounds.
    pub max_iter: usize,
    /// Penalty on the sum of W.
    pub l1_w: f64,
    /// Penalty on the sum of H.
    pub l1_h: f64,
    /// Penalty on half of the squares of W.
    pub l2_w: f64,
    /// Penalty on half of the squares of H.
    pub l2_h: f64,
    /// Whether H is learned too.
    pub update_h: bool,
    /// Order of the components in each sweep; empty: as they come.
    pub orders: Vec<Vec<usize>>,
}

/// Factors.
#[derive(Debug, Clone)]
pub struct NmfFit<T> {
    /// n × k.
    pub w: Mat<T>,
    /// Hᵀ, d × k.
    pub ht: Mat<T>,
    /// Rounds taken.
    pub n_iter: usize,
    /// √(2·divergence) at the end.
    pub error: f64,
    /// Share of the first projected gradient after each round, or the error every tenth round.
    pub history: Vec<f64>,
}

/// X, dense or by rows and columns.
pub(super) enum Data<'a, T> {
    /// All values.
    Dense(MatRef<'a, T>),
    /// Stored entries.
    Sparse(&'a SparseMatrix<T>),
}

impl<T: Scalar> Data<'_, T> {
    /// X·B.
    pub(super) fn times(&self, b: &Mat<T>, control: &Control) -> Result<Mat<T>> {
        match self {
            Self::Dense(x) => gemm(*x, b.view(), control),
            Self::Sparse(x) => SparseOperator::new(x, None).apply(b.view(), control),
        }
    }

    /// Xᵀ·A.
    pub(super) fn back(&self, a: &Mat<T>, control: &Control) -> Result<Mat<T>> {
        match self {
            Self::Dense(x) => gemm(x.transpose(), a.view(), control),
            Self::Sparse(x) => SparseOperator::new(x, None).transposed().apply(a.view(), control),
        }
    }
}

/// Factors `x` (n × d) from the starts `w` (n × k) and `ht` (d × k).
pub fn nmf_fit<T: Scalar>(
    x: MatRef<'_, T>,
    w: MatRef<'_, T>,
    ht: MatRef<'_, T>,
    params: &NmfParams,
    control: &Control,
) -> Result<NmfFit<T>> {
    check((x.n_rows(), x.n_cols()), w, ht, params)?;
    factor(&Data::Dense(x), (w.to_mat(), ht.to_mat()), params, control)
}

/// The same for compressed rows.
pub fn nmf_fit_sparse<T: Scalar>(
    x: CsrRef<'_, T>,
    w: MatRef<'_, T>,
    ht: MatRef<'_, T>,
    params: &NmfParams,
    control: &Control,
) -> Result<NmfFit<T>> {
    check((x.n_rows(), x.n_cols()), w, ht, params)?;
    let matrix = SparseMatrix::<T>::new(x, control)?;
    factor(&Data::Sparse(&matrix), (w.to_mat(), ht.to_mat()), params, control)
}

fn check<T>(
    (n, d): (usize, usize),
    w: MatRef<'_, T>,
    ht: MatRef<'_, T>,
    params: &NmfParams,
) -> Result<()> {
    let k = w.n_cols();
    if w.n_rows() != n || ht.n_rows() != d || ht.n_cols() != k || k == 0 {
        return Err(Error::data(format!("the starts do not go with a {n} x {d} matrix")));
    }
    if params.orders.iter().any(|order| order.len() != k || order.iter().any(|&t| t >= k)) {
        return Err(Error::parameter("orders", format!("must name components below {k}")));
    }
    Ok(())
}

fn factor<T: Scalar>(
    x: &Data<'_, T>,
    (mut w, mut ht): (Mat<T>, Mat<T>),
    params: &NmfParams,
    control: &Control,
) -> Result<NmfFit<T>> {
    let (n_iter, history) = match params.solver {
        NmfSolver::Cd => descend(x, &mut w, &mut ht, params, control)?,
        NmfSolver::Mu => multiplicative(x, &mut w, &mut ht, params, control)?,
    };
    let error = divergence(x, &w, &ht, params.beta, control)?;
    Ok(NmfFit { w, ht, n_iter, error, history })
}

/// 1.
fn descend<T: Scalar>(
    x: &Data<'_, T>,
    w: &mut Mat<T>,
    ht: &mut Mat<T>,
    params: &NmfParams,
    control: &Control,
) -> Result<(usize, Vec<f64>)> {
    let k = w.n_cols();
    let natural: Vec<usize> = (0..k).collect();
    let mut orders = params.orders.iter();
    let (l1_w, l1_h) = (T::from_f64(params.l1_w), T::from_f64(params.l1_h));
    let fixed = if params.update_h { None } else { Some(x.times(ht, control)?) };
    let (mut first, mut history) = (0.0, Vec::new());
    for n_iter in 1..=params.max_iter {
        let products = squared(ht, params.l2_w, control)?;
        let sweep = Sweep { products, order: orders.next().unwrap_or(&natural), l1: l1_w };
        let mut violation;
        if let Some(fixed) = &fixed {
            violation = sweep.all(w, fixed, control)?;
        } else {
            let back;
            (violation, back) = pass(x, w, ht, &sweep, control)?;
            let products = squared(w, params.l2_h, control)?;
            let sweep = Sweep { products, order: orders.next().unwrap_or(&natural), l1: l1_h };
            violation += sweep.all(ht, &back, control)?;
        }
        if n_iter == 1 {
            first = violation;
        }
        if first == 0.0 {
            return Ok((n_iter, history));
        }
        history.push(violation / first);
        if violation / first <= params.tol {
            return Ok((n_iter, history));
        }
    }
    Ok((params.max_iter, history))
}

/// BᵀB with a penalty on its diagonal.
fn squared<T: Scalar>(b: &Mat<T>, penalty: f64, control: &Control) -> Result<Mat<T>> {
    let mut products = gemm(b.view().transpose(), b.view(), control)?;
    for t in 0..b.n_cols() {
        products[(t, t)] += T::from_f64(penalty);
    }
    Ok(products)
}

/// Updates W from X·Hᵀ; returns what it moved and Xᵀ·W for the new W.
fn pass<T: Scalar>(
    x: &Data<'_, T>,
    w: &mut Mat<T>,
    ht: &Mat<T>,
    sweep: &Sweep<'_, T>,
    control: &Control,
) -> Result<(f64, Mat<T>)> {
    let Data::Dense(x) = x else {
        let products = x.times(ht, control)?;
        let violation = sweep.all(w, &products, control)?;
        return Ok((violation, x.back(w, control)?));
    };
    let (n, d, k) = (x.n_rows(), x.n_cols(), ht.n_cols());
    let step = (BLOCK / d.max(1)).clamp(LANES, 1024).next_multiple_of(LANES);
    let chunk = n.div_ceil(16).max(step);
    let cost_ns = 4.0 * (d * k) as f64 * NS_PER_FLOP;
    let rows: Vec<Mutex<&mut [T]>> =
        w.as_mut_slice().chunks_mut(chunk * k).map(Mutex::new).collect();
    let parts = parallel::map_chunks(n, chunk, cost_ns, |index, range| {
        let (mut violation, mut back) = (0.0, Mat::zeros(d, k));
        let Ok(mut rows) = rows[index].lock() else { return Ok((violation, back)) };
        for start in range.clone().step_by(step) {
            control.check()?;
            let end = (start + step).min(range.end);
            let block = x.rows(start, end);
            let mut products = Mat::zeros(end - start, k);
            gemm_into(T::ONE, block, ht.view(), T::ZERO, products.view_mut(), control)?;
            let rows = &mut rows[(start - range.start) * k..(end - range.start) * k];
            violation += sweep.rows(rows, products.as_slice());
            let rows = MatRef::from_row_major(rows, end - start, k)?;
            gemm_into(T::ONE, block.transpose(), rows, T::ONE, back.view_mut(), control)?;
        }
        Ok((violation, back))
    });
    let (mut violation, mut back) = (0.0, Mat::zeros(d, k));
    for part in parts {
        let (moved, part): (f64, Mat<T>) = part?;
        violation += moved;
        back.as_mut_slice().iter_mut().zip(part.as_slice()).for_each(|(sum, &v)| *sum += v);
    }
    Ok((violation, back))
}

/// One round over the components for rows that do not depend on each other.
struct Sweep<'a, T> {
    /// H·Hᵀ, k × k.
    products: Mat<T>,
    order: &'a [usize],
    l1: T,
}

impl<T: Real> Sweep<'_, T> {
    /// All rows, in parallel.
    fn all(&self, w: &mut Mat<T>, products: &Mat<T>, control: &Control) -> Result<f64> {
        let (n, k) = (w.n_rows(), w.n_cols());
        let chunk = parallel::chunk_size(n, 4 * LANES).next_multiple_of(LANES);
        let rows: Vec<Mutex<&mut [T]>> =
            w.as_mut_slice().chunks_mut(chunk * k).map(Mutex::new).collect();
        let cost_ns = (k * k) as f64 * 0.2;
        control.check()?;
        let parts = parallel::map_chunks(n, chunk, cost_ns, |index, range| {
            let Ok(mut rows) = rows[index].lock() else { return 0.0 };
            self.rows(&mut rows, &products.as_slice()[range.start * k..range.end * k])
        });
        control.check()?;
        Ok(parts.into_iter().sum())
    }

    /// Σ |projected gradient| of the rows, which move to their minima.
    fn rows(&self, w: &mut [T], products: &[T]) -> f64 {
        let k = self.order.len();
        let mut values = vec![[T::ZERO; LANES]; k];
        let mut targets = vec![[T::ZERO; LANES]; k];
        let mut total = 0.0;
        for (w, products) in w.chunks_mut(LANES * k).zip(products.chunks(LANES * k)) {
            for (l, (w, products)) in w.chunks(k).zip(products.chunks(k)).enumerate() {
                for t in 0..k {
                    (values[t][l], targets[t][l]) = (w[t], products[t]);
                }
            }
            // Rows that are not there stand at 0 with nothing to gain.
            for l in w.len() / k..LANES {
                for t in 0..k {
                    (values[t][l], targets[t][l]) = (T::ZERO, T::ZERO);
                }
            }
            total += vectorize(
                #[inline(always)]
                || self.lanes(&mut values, &targets),
            );
            for (l, w) in w.chunks_mut(k).enumerate() {
                (0..k).for_each(|t| w[t] = values[t][l]);
            }
        }
        total
    }

    #[inline(always)]
    fn lanes(&self, values: &mut [[T; LANES]], targets: &[[T; LANES]]) -> f64 {
        let mut moved = [T::ZERO; LANES];
        for &t in self.order {
            let row = self.products.row(t);
            let mut gradient = [self.l1; LANES];
            for l in 0..LANES {
                gradient[l] -= targets[t][l];
            }
            for (&factor, values) in row.iter().zip(values.iter()) {
                for l in 0..LANES {
                    gradient[l] = factor.mul_add(values[l], gradient[l]);
                }
            }
            let curvature = row[t];
            let here = &mut values[t];
            for l in 0..LANES {
                let projected =
                    if here[l] == T::ZERO { gradient[l].min(T::ZERO) } else { gradient[l] };
                moved[l] += projected.abs();
            }
            if curvature != T::ZERO {
                for l in 0..LANES {
                    here[l] = (here[l] - gradient[l] / curvature).max(T::ZERO);
                }
            }
        }
        moved.iter().map(|value| value.to_f64()).sum()
    }
}
