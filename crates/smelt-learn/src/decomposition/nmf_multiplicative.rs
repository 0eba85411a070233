//! Multiplicative updates of non-negative factors for a β-divergence, and the divergence itself.
//!
//! Cost of a round: with β = 2 as coordinate descent; else 8·n·d·k flops and 4·n·d powers for dense
//! X.  For sparse X with β = 1, W·H is computed at stored entries alone: 8·entries·k flops.
//!
//! 1. W ← W · (((W·H)^(β−2) ∘ X)·Hᵀ / ((W·H)^(β−1)·Hᵀ + penalties))^γ, and the same for Hᵀ with Xᵀ.
//! 2. Every tenth round: stop where the error fell by less than `tol` of the first.

use std::sync::Mutex;

use smelt_core::{Control, Mat, MatMut, MatRef, Real, Result, parallel};
use smelt_math::linalg::{Scalar, gemm, gemm_into};

use super::NS_PER_FLOP;
use super::nmf::{Data, NmfParams};

/// Least value of W·H where one divides by it: the resolution of single precision at 1.
const LEAST: f64 = f32::EPSILON as f64;
/// Values of a block of rows.
const BLOCK: usize = 1 << 17;

/// Takes rounds until the error rests; returns their number and the errors.
pub(super) fn multiplicative<T: Scalar>(
    x: &Data<'_, T>,
    w: &mut Mat<T>,
    ht: &mut Mat<T>,
    params: &NmfParams,
    control: &Control,
) -> Result<(usize, Vec<f64>)> {
    let beta = params.beta;
    let first = divergence(x, w, ht, beta, control)?;
    let (mut before, mut history) = (first, Vec::new());
    for n_iter in 1..=params.max_iter {
        // 1.
        let penalties = (params.l1_w, params.l2_w);
        update(x, false, w, ht, beta, penalties, control)?;
        if beta < 1.0 {
            vanish(w);
        }
        if params.update_h {
            update(x, true, ht, w, beta, (params.l1_h, params.l2_h), control)?;
            if beta <= 1.0 {
                vanish(ht);
            }
        }
        // 2.
        if params.tol > 0.0 && n_iter % 10 == 0 {
            let error = divergence(x, w, ht, beta, control)?;
            history.push(error);
            if (before - error) / first < params.tol {
                return Ok((n_iter, history));
            }
            before = error;
        }
    }
    Ok((params.max_iter, history))
}

/// Values below the resolution become 0: powers below 1 would bring them back.
fn vanish<T: Real>(factor: &mut Mat<T>) {
    for value in factor.as_mut_slice() {
        if value.to_f64() < f64::EPSILON {
            *value = T::ZERO;
        }
    }
}

/// Exponent of the step that never raises the divergence.
fn exponent(beta: f64) -> f64 {
    if beta < 1.0 {
        1.0 / (2.0 - beta)
    } else if beta > 2.0 {
        1.0 / (beta - 1.0)
    } else {
        1.0
    }
}

/// Updates the rows of `a` (m × k) for X ≈ A·Bᵀ, or Xᵀ ≈ A·Bᵀ where `flipped`.
fn update<T: Scalar>(
    x: &Data<'_, T>,
    flipped: bool,
    a: &mut Mat<T>,
    b: &Mat<T>,
    beta: f64,
    (l1, l2): (f64, f64),
    control: &Control,
) -> Result<()> {
    let (m, k) = (a.n_rows(), a.n_cols());
    let (over, under) = if beta == 2.0 {
        let over = if flipped { x.back(b, control)? } else { x.times(b, control)? };
        let products = gemm(b.view().transpose(), b.view(), control)?;
        (over, gemm(a.view(), products.view(), control)?)
    } else {
        fractions(x, flipped, a, b, beta, control)?
    };
    let gamma = exponent(beta);
    for i in 0..m {
        let (over, under) = (over.row(i), under.row(i));
        for (t, value) in a.row_mut(i).iter_mut().enumerate().take(k) {
            let mut below = under[t].to_f64() + l1 + l2 * value.to_f64();
            if below == 0.0 {
                below = LEAST;
            }
            let ratio = over[t].to_f64() / below;
            let ratio = if gamma == 1.0 { ratio } else { ratio.powf(gamma) };
            *value = T::from_f64(value.to_f64() * ratio);
        }
    }
    control.check()
}

/// Both sides of the fraction for β other than 2.
fn fractions<T: Scalar>(
    x: &Data<'_, T>,
    flipped: bool,
    a: &Mat<T>,
    b: &Mat<T>,
    beta: f64,
    control: &Control,
) -> Result<(Mat<T>, Mat<T>)> {
    let (m, k) = (a.n_rows(), a.n_cols());
    let mut sums = vec![0.0; k];
    for i in 0..b.n_rows() {
        sums.iter_mut().zip(b.row(i)).for_each(|(sum, value)| *sum += value.to_f64());
    }
    if flipped {
        sums.iter_mut().filter(|sum| **sum == 0.0).for_each(|sum| *sum = 1.0);
    }
    let (mut over, mut under) = (Mat::zeros(m, k), Mat::zeros(m, k));
    let step = (BLOCK / b.n_rows().max(1)).clamp(8, 1024);
    let chunk = parallel::chunk_size(m, step.min(64));
    let failure = Mutex::new(Ok(()));
    let below: Vec<Mutex<&mut [T]>> =
        under.as_mut_slice().chunks_mut(chunk * k).map(Mutex::new).collect();
    let cost_ns = 8.0 * (b.n_rows() * k) as f64 * NS_PER_FLOP;
    parallel::for_chunks_mut(over.as_mut_slice(), k, chunk, cost_ns, |index, range, above| {
        let Ok(mut below) = below[index].lock() else { return };
        let run = |above: &mut [T], below: &mut [T]| -> Result<()> {
            for start in range.clone().step_by(step) {
                control.check()?;
                let end = (start + step).min(range.end);
                let here = (start - range.start) * k..(end - range.start) * k;
                let (above, below) = (&mut above[here.clone()], &mut below[here]);
                let rows = a.view().rows(start, end);
                match x {
                    Data::Dense(x) => {
                        let x = if flipped { x.transpose() } else { *x };
                        dense_block(x.rows(start, end), rows, b, beta, (above, below), control)?;
                    }
                    Data::Sparse(x) => {
                        for i in start..end {
                            let at = (i - start) * k..(i - start + 1) * k;
                            let entries = if flipped { x.column(i) } else { x.row(i) };
                            let sides = (&mut above[at.clone()], &mut below[at]);
                            sparse_row(entries, rows.row(i - start), b, beta, sides);
                        }
                    }
                }
            }
            if beta == 1.0 {
                for row in below.chunks_mut(k) {
                    row.iter_mut().zip(&sums).for_each(|(out, &sum)| *out = T::from_f64(sum));
                }
            }
            Ok(())
        };
        if let (Err(error), Ok(mut slot)) = (run(above, &mut below), failure.lock()) {
            *slot = Err(error);
        }
    });
    failure.into_inner().unwrap_or(Ok(()))?;
    drop(below);
    Ok((over, under))
}

/// x·p^(β−2) and p^(β−1) of a product p, kept from 0 where it divides.
#[inline(always)]
fn powers(x: f64, p: f64, beta: f64) -> (f64, f64) {
    let safe = if beta < 2.0 { p.max(LEAST) } else { p };
    let below = if beta < 1.0 { p.max(LEAST) } else { p };
    if beta == 1.0 {
        (x / safe, 1.0)
    } else if beta == 0.0 {
        (x / (safe * safe), 1.0 / below)
    } else {
        (x * safe.powf(beta - 2.0), below.powf(beta - 1.0))
    }
}

fn dense_block<T: Scalar>(
    x: MatRef<'_, T>,
    rows: MatRef<'_, T>,
    b: &Mat<T>,
    beta: f64,
    (above, below): (&mut [T], &mut [T]),
    control: &Control,
) -> Result<()> {
    let (height, k) = (rows.n_rows(), rows.n_cols());
    let mut over = gemm(rows, b.view().transpose(), control)?;
    let mut under = over.clone();
    for i in 0..height {
        let pairs = over.row_mut(i).iter_mut().zip(under.row_mut(i));
        for (j, (over, under)) in pairs.enumerate() {
            let sides = powers(x.get(i, j).to_f64(), over.to_f64(), beta);
            (*over, *under) = (T::from_f64(sides.0), T::from_f64(sides.1));
        }
    }
    let out = MatMut::from_row_major(above, height, k)?;
    gemm_into(T::ONE, over.view(), b.view(), T::ZERO, out, control)?;
    if beta != 1.0 {
        let out = MatMut::from_row_major(below, height, k)?;
        gemm_into(T::ONE, under.view(), b.view(), T::ZERO, out, control)?;
    }
    Ok(())
}

fn sparse_row<T: Real>(
    (indices, values): (&[u32], &[T]),
    row: &[T],
    b: &Mat<T>,
    beta: f64,
    (above, below): (&mut [T], &mut [T]),
) {
    let product = |j: usize| -> f64 { dot(row, b.row(j)) };
    let mut sums = vec![0.0; row.len()];
    for (&j, value) in indices.iter().zip(values) {
        let j = j as usize;
        let weight = powers(value.to_f64(), product(j), beta).0;
        sums.iter_mut().zip(b.row(j)).for_each(|(sum, b)| *sum += weight * b.to_f64());
    }
    above.iter_mut().zip(&sums).for_each(|(out, &sum)| *out = T::from_f64(sum));
    if beta != 1.0 {
        sums.fill(0.0);
        for j in 0..b.n_rows() {
            let weight = powers(0.0, product(j), beta).1;
            sums.iter_mut().zip(b.row(j)).for_each(|(sum, b)| *sum += weight * b.to_f64());
        }
        below.iter_mut().zip(&sums).for_each(|(out, &sum)| *out = T::from_f64(sum));
    }
}

fn dot<T: Real>(a: &[T], b: &[T]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a.to_f64() * b.to_f64()).sum()
}

/// √(2·divergence) of X from W·H.
pub(super) fn divergence<T: Scalar>(
    x: &Data<'_, T>,
    w: &Mat<T>,
    ht: &Mat<T>,
    beta: f64,
    control: &Control,
) -> Result<f64> {
    let (n, d, k) = (w.n_rows(), ht.n_rows(), w.n_cols());
    let step = (BLOCK / d.max(1)).clamp(8, 1024);
    let chunk = parallel::chunk_size(n, step.min(64));
    let whole_products = beta != 1.0 && beta != 2.0 && beta != 0.0;
    let cost_ns = 2.0 * (d * k) as f64 * NS_PER_FLOP;
    let parts = parallel::map_chunks(n, chunk, cost_ns, |_, range| {
        let mut sum = 0.0;
        for start in range.clone().step_by(step) {
            control.check()?;
            let end = (start + step).min(range.end);
            match x {
                Data::Dense(x) => {
                    let products = gemm(w.view().rows(start, end), ht.view().transpose(), control)?;
                    for i in start..end {
                        for (j, p) in products.row(i - start).iter().enumerate() {
                            sum += term(x.get(i, j).to_f64(), p.to_f64(), beta);
                        }
                    }
                }
                Data::Sparse(x) => {
                    for i in start..end {
                        let (indices, values) = x.row(i);
                        for (&j, value) in indices.iter().zip(values) {
                            let p = dot(w.row(i), ht.row(j as usize));
                            sum += term(value.to_f64(), p, beta);
                            if beta == 2.0 {
                                sum -= 0.5 * p * p;
                            } else if whole_products {
                                sum -= term(0.0, p, beta);
                            }
                        }
                        if whole_products {
                            let product = |j: usize| dot(w.row(i), ht.row(j));
                            sum += (0..d).map(|j| term(0.0, product(j), beta)).sum::<f64>();
                        }
                    }
                }
            }
        }
        Ok(sum)
    });
    let mut total = 0.0;
    for part in parts {
        let part: f64 = part?;
        total += part;
    }
    if beta == 1.0 {
        for t in 0..k {
            let left: f64 = (0..n).map(|i| w[(i, t)].to_f64()).sum();
            total += left * (0..d).map(|j| ht[(j, t)].to_f64()).sum::<f64>();
        }
    } else if beta == 0.0 {
        total -= n as f64 * d as f64;
    } else if beta == 2.0 && matches!(x, Data::Sparse(_)) {
        let left = gemm(w.view().transpose(), w.view(), control)?;
        let right = gemm(ht.view().transpose(), ht.view(), control)?;
        total += 0.5 * dot(left.as_slice(), right.as_slice());
    }
    Ok((2.0 * total).max(0.0).sqrt())
}

/// One entry's share of the divergence, without what depends on W and H alone.
#[inline(always)]
fn term(x: f64, p: f64, beta: f64) -> f64 {
    if beta == 2.0 {
        return 0.5 * (x - p) * (x - p);
    }
    let counts = x > LEAST;
    let safe = p.max(LEAST);
    if beta == 1.0 {
        if counts { x * (x / safe).ln() - x } else { 0.0 }
    } else if beta == 0.0 {
        if counts { x / safe - (x / safe).ln() } else { 0.0 }
    } else {
        let part = if counts { x.powf(beta) - beta * x * safe.powf(beta - 1.0) } else { 0.0 };
        (part + (beta - 1.0) * p.powf(beta)) / (beta * (beta - 1.0))
    }
}
