//! Mini-batch k-means: centres are means of all rows seen so far, a small batch at a time.
//!
//! Cost of a batch of b rows: 2·b·k·d flops, b·d additions, 2·k·d to take the means; nothing of it
//! depends on the number of rows there are.
//!
//! Twin: `python/smelt/plain/cluster/mini_batch_k_means.py`.
//!
//! 1. Take the rows of the batch, and the nearest centre of each.
//! 2. Move each centre: (count · centre + Σ w x) / (count + Σ w) over its rows in the batch.
//!
//! Sculley, "Web-scale k-means clustering", WWW 2010.

use smelt_core::lanes::Lanes;
use smelt_core::{Control, CsrRef, Error, Mat, MatRef, Result};

use super::k_means_predict::{k_means_predict, k_means_predict_sparse};

/// Centres after a batch.
#[derive(Debug, Clone)]
pub struct MiniBatchStep<T> {
    /// k × d.
    pub centers: Mat<T>,
    /// Weight seen by each centre.
    pub counts: Vec<f64>,
    /// Σ w |x − c(x)|² of the batch with the centres before.
    pub inertia: f64,
}

fn check(n: usize, rows: &[i64], weights: Option<&[f64]>, counts: &[f64], k: usize) -> Result<()> {
    if rows.iter().any(|&i| i < 0 || i as usize >= n) {
        return Err(Error::data("a row of the batch is out of range"));
    }
    if weights.is_some_and(|weights| weights.len() != rows.len()) || counts.len() != k {
        return Err(Error::data("there must be one weight a row and one count a centre"));
    }
    Ok(())
}

/// One batch, the rows `rows` of `x`.
pub fn mini_batch_k_means_fit_step<T: Lanes>(
    x: MatRef<'_, T>,
    rows: &[i64],
    weights: Option<&[f64]>,
    centers: MatRef<'_, T>,
    counts: &[f64],
    control: &Control,
) -> Result<MiniBatchStep<T>> {
    check(x.n_rows(), rows, weights, counts, centers.n_rows())?;
    // 1. The batch and its labels.
    let mut batch = Mat::zeros(rows.len(), x.n_cols());
    for (b, &i) in rows.iter().enumerate() {
        if x.has_contiguous_rows() {
            batch.row_mut(b).copy_from_slice(x.row(i as usize));
        } else {
            (0..x.n_cols()).for_each(|j| batch[(b, j)] = x.get(i as usize, j));
        }
    }
    let (labels, inertia) = k_means_predict(batch.view(), centers, weights, control)?;
    let add = |b: usize, weight: f64, sums: &mut [f64]| {
        for (sum, value) in sums.iter_mut().zip(batch.row(b)) {
            *sum += weight * value.to_f64();
        }
    };
    Ok(moved(&labels, inertia, weights, centers, counts, add))
}

/// The same for compressed rows.
pub fn mini_batch_k_means_fit_step_sparse<T: Lanes>(
    x: CsrRef<'_, T>,
    rows: &[i64],
    weights: Option<&[f64]>,
    centers: MatRef<'_, T>,
    counts: &[f64],
    control: &Control,
) -> Result<MiniBatchStep<T>> {
    check(x.n_rows(), rows, weights, counts, centers.n_rows())?;
    let (mut indptr, mut indices, mut data) = (vec![0], Vec::new(), Vec::new());
    for &i in rows {
        let (columns, values) = x.row(i as usize);
        indices.extend_from_slice(columns);
        data.extend_from_slice(values);
        indptr.push(data.len() as i64);
    }
    let batch = CsrRef::new(&indptr, &indices, &data, x.n_cols())?;
    let (labels, inertia) = k_means_predict_sparse(batch, centers, weights, control)?;
    let add = |b: usize, weight: f64, sums: &mut [f64]| {
        let (columns, values) = batch.row(b);
        for (&j, value) in columns.iter().zip(values) {
            sums[j as usize] += weight * value.to_f64();
        }
    };
    Ok(moved(&labels, inertia, weights, centers, counts, add))
}

/// 2. The centres after the batch.
fn moved<T: Lanes>(
    labels: &[i32],
    inertia: f64,
    weights: Option<&[f64]>,
    centers: MatRef<'_, T>,
    counts: &[f64],
    add: impl Fn(usize, f64, &mut [f64]),
) -> MiniBatchStep<T> {
    let (k, d) = (centers.n_rows(), centers.n_cols());
    let mut sums = vec![0.0; k * d];
    let mut seen = vec![0.0; k];
    for (b, &label) in labels.iter().enumerate() {
        let (weight, c) = (weights.map_or(1.0, |weights| weights[b]), label as usize);
        add(b, weight, &mut sums[c * d..(c + 1) * d]);
        seen[c] += weight;
    }
    let mut out = centers.to_mat();
    let mut counts = counts.to_vec();
    for c in 0..k {
        if seen[c] > 0.0 {
            let (before, factor) = (counts[c], 1.0 / (counts[c] + seen[c]));
            for (value, sum) in out.row_mut(c).iter_mut().zip(&sums[c * d..]) {
                *value = T::from_f64((before * value.to_f64() + sum) * factor);
            }
            counts[c] += seen[c];
        }
    }
    MiniBatchStep { centers: out, counts, inertia }
}
