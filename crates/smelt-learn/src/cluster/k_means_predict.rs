//! The nearest centre of new rows, and the weighted sum of squared distances to it.
//!
//! Cost: 2·n·k·d flops and one reading of X; blocks of rows are moved by the mean of the centres, so
//! that the scores keep their digits far from the origin.
//!
//! Twin: `python/smelt/plain/cluster/k_means.py`.

use std::sync::Mutex;

use smelt_core::lanes::Lanes;
use smelt_core::{Control, CsrRef, Error, Mat, MatRef, Result, parallel, simd};
use smelt_math::linalg::tiles::{Centres, nearest, rows_at_once};

use super::k_means_points::{Packed, Points};

fn check(n_columns: usize, centres: MatRef<'_, impl Copy>) -> Result<()> {
    if centres.n_rows() == 0 || centres.n_cols() != n_columns {
        return Err(Error::data(format!(
            "centres of shape ({}, {}) do not go with rows of {n_columns} features",
            centres.n_rows(),
            centres.n_cols()
        )));
    }
    Ok(())
}

/// Labels of the rows of `x`, and the sum of `weights` times squared distances.
pub fn k_means_predict<T: Lanes>(
    x: MatRef<'_, T>,
    centres: MatRef<'_, T>,
    weights: Option<&[f64]>,
    control: &Control,
) -> Result<(Vec<i32>, f64)> {
    check(x.n_cols(), centres)?;
    let (k, d) = (centres.n_rows(), centres.n_cols());
    let mut shift = vec![T::ZERO; d];
    for (j, shift) in shift.iter_mut().enumerate() {
        let sum: f64 = (0..k).map(|c| centres.get(c, j).to_f64()).sum();
        *shift = T::from_f64(sum / k as f64);
    }
    let mut moved = centres.to_mat();
    for c in 0..k {
        moved.row_mut(c).iter_mut().zip(&shift).for_each(|(value, &shift)| *value -= shift);
    }
    let packed = Centres::of_distances(moved.view());
    let step = rows_at_once::<T>(d);
    let mut labels = vec![0_i32; x.n_rows()];
    let parts = Mutex::new(vec![0.0; x.n_rows().div_ceil(step)]);
    let cost = 0.05 * (k * d) as f64 + d as f64;
    parallel::for_chunks_mut(&mut labels, 1, step, cost, |index, range, out| {
        if control.check().is_err() {
            return;
        }
        let mut rows = Mat::zeros(range.len(), d);
        for (r, i) in range.clone().enumerate() {
            let row = rows.row_mut(r);
            if x.has_contiguous_rows() {
                let pairs = x.row(i).iter().zip(&shift);
                row.iter_mut().zip(pairs).for_each(|(out, (&x, &shift))| *out = x - shift);
            } else {
                (0..d).for_each(|j| row[j] = x.get(i, j) - shift[j]);
            }
        }
        let (mut found, mut scores) = (vec![0; range.len()], vec![T::ZERO; range.len()]);
        nearest(|i| rows.row(i), &packed, &mut found, &mut scores);
        let inertia = simd::vectorize(
            #[inline(always)]
            || {
                let distance = |(r, &label): (usize, &u32)| {
                    let square = simd::sq_dist(rows.row(r), moved.row(label as usize)).to_f64();
                    weights.map_or(square, |weights| weights[range.start + r] * square)
                };
                found.iter().enumerate().map(distance).sum()
            },
        );
        out.iter_mut().zip(found).for_each(|(out, label)| *out = label as i32);
        if let Ok(mut parts) = parts.lock() {
            parts[index] = inertia;
        }
    });
    control.check()?;
    Ok((labels, parts.into_inner().map_or(f64::NAN, |parts| parts.iter().sum())))
}

/// The same for compressed rows.
pub fn k_means_predict_sparse<T: Lanes>(
    x: CsrRef<'_, T>,
    centres: MatRef<'_, T>,
    weights: Option<&[f64]>,
    control: &Control,
) -> Result<(Vec<i32>, f64)> {
    check(x.n_cols(), centres)?;
    let centres = centres.to_mat();
    let (points, packed) = (Points::sparse(x), Packed::columns(&centres));
    let norms: Vec<f64> = (0..centres.n_rows())
        .map(|c| centres.row(c).iter().map(|value| value.to_f64() * value.to_f64()).sum())
        .collect();
    let step = 256;
    let parts = parallel::map_chunks(x.n_rows(), step, 0.1 * (centres.n_rows() * 100) as f64, {
        |_, range| {
            let n = range.len();
            let (mut found, mut scores) = (vec![0; n], vec![T::ZERO; n]);
            let mut seconds = scores.clone();
            if control.check().is_err() {
                return (found, 0.0);
            }
            points.search(|i| range.start + i, &packed, &mut found, &mut scores, &mut seconds);
            let distance = |(r, &label): (usize, &u32)| {
                let (i, label) = (range.start + r, label as usize);
                let square = points.sq_distance(i, centres.row(label), norms[label]);
                weights.map_or(square, |weights| weights[i] * square)
            };
            let inertia = found.iter().enumerate().map(distance).sum::<f64>();
            (found, inertia)
        }
    });
    control.check()?;
    let inertia = parts.iter().map(|(_, inertia)| inertia).sum();
    Ok((parts.into_iter().flat_map(|(found, _)| found).map(|l| l as i32).collect(), inertia))
}
