//! Trustworthiness: how far down the list of a row's true neighbours those of a picture come.
//!
//! Cost: n² distances of 2·d flops, and for each of them a comparison with every neighbour; only the
//! distances of a few rows are kept.
//!
//! Twin: `smelt.plain.manifold.trustworthiness`.
//!
//! 1. Squared distances of a few rows to all rows.
//! 2. The rank of a neighbour: one more than the rows that are nearer, the first of equal ones.
//! 3. Ranks beyond the number of neighbours count.

use smelt_core::{Control, Error, Mat, MatRef, Result, parallel, simd};
use smelt_math::linalg::{column_means, gemm_into};

/// Rows whose distances are kept at once.
const ROWS: usize = 32;

/// Σ max(0, rank − k) over the k `neighbors` of each row, ranked by euclidean distance in `x`.
pub fn trustworthiness_penalty(
    x: MatRef<'_, f64>,
    neighbors: MatRef<'_, i64>,
    control: &Control,
) -> Result<f64> {
    let (n, d, k) = (x.n_rows(), x.n_cols(), neighbors.n_cols());
    if neighbors.n_rows() != n {
        return Err(Error::data("there must be one row of neighbours a row"));
    }
    for i in 0..n {
        if (0..k).any(|j| !(0..n as i64).contains(&neighbors.get(i, j))) {
            return Err(Error::data(format!("a neighbour of row {i} is no row")));
        }
    }
    // Rows about the mean, so that |x|² + |c|² − 2 x·c keeps its digits.
    let mean = column_means(x, None);
    let mut rows = Mat::zeros(n, d);
    for i in 0..n {
        let pairs = rows.row_mut(i).iter_mut().zip(&mean).enumerate();
        pairs.for_each(|(j, (out, mean))| *out = x.get(i, j) - mean);
        if i % 1024 == 0 {
            control.check()?;
        }
    }
    let norms: Vec<f64> = simd::vectorize(
        #[inline(always)]
        || (0..n).map(|i| simd::dot(rows.row(i), rows.row(i))).collect(),
    );
    let cost = n as f64 * (0.1 * d as f64 + 0.3 * k as f64);
    let parts = parallel::map_chunks(n, ROWS, cost, |_, range| {
        if control.check().is_err() {
            return 0;
        }
        // 1. |c|² − 2 x·c orders the rows as their distances do.
        let mut scores = Mat::zeros(range.len(), n);
        let own = rows.view().rows(range.start, range.end);
        let done = gemm_into(-2.0, own, rows.view().transpose(), 0.0, scores.view_mut(), control);
        if done.is_err() {
            return 0;
        }
        let mut penalty = 0_u64;
        for (r, i) in range.enumerate() {
            let scores = scores.row_mut(r);
            scores.iter_mut().zip(&norms).for_each(|(score, norm)| *score += norm);
            scores[i] = f64::INFINITY;
            for j in 0..k {
                // 2. Nearer rows, and equal ones before it.
                let place = neighbors.get(i, j) as usize;
                let limit = scores[place];
                let nearer: usize = simd::vectorize(
                    #[inline(always)]
                    || {
                        let (before, after) = scores.split_at(place);
                        count(before, |score| score <= limit) + count(after, |score| score < limit)
                    },
                );
                // 3. The penalty.
                penalty += (nearer + 1).saturating_sub(k) as u64;
            }
        }
        penalty
    });
    control.check()?;
    Ok(parts.into_iter().sum::<u64>() as f64)
}

#[inline(always)]
fn count(scores: &[f64], counts: impl Fn(f64) -> bool) -> usize {
    scores.iter().map(|&score| usize::from(counts(score))).sum()
}
