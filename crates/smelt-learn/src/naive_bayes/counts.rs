//! Weighted counts of features within classes, which all discrete models are made of.
//!
//! Cost: one reading of the entries, an addition each.  Rows of sparse data are taken class by class,
//! so that the sums of one class stay in the cache; dense rows in fixed chunks.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use smelt_core::parallel::{for_chunks_mut, map_chunks};
use smelt_core::simd::{prefetch, vectorize};
use smelt_core::{Control, CsrRef, Error, Mat, MatRef, Real, Result};

use super::samples::{Samples, check_rows, for_blocks};

/// Most parts in which entries are counted.
const MOST_PARTS: usize = 16;
/// Least entries of a part.
const PART_ENTRIES: usize = 1 << 16;
/// Rows that are asked for before their turn.
const AHEAD: usize = 4;
/// Logarithms that are remembered: a power of two, 2^9.
const REMEMBERED: usize = 512;
/// Rows between two looks at the control.
const STEP: usize = 1024;

/// Counts of earlier calls, which are added to.
#[derive(Debug, Clone, Copy)]
pub struct Before<'a> {
    /// k × d.
    pub feature_count: MatRef<'a, f64>,
    /// One a class.
    pub class_count: &'a [f64],
}

/// What a discrete model learned.
#[derive(Debug, Clone, PartialEq)]
pub struct DiscreteNBFit {
    /// Weight of each class.
    pub class_count: Vec<f64>,
    /// k × d: weighted sum of each feature over the rows of each class.
    pub feature_count: Mat<f64>,
    /// k × d: what rows are multiplied with.
    pub feature_log_prob: Mat<f64>,
    /// Whether an entry of X is negative.
    pub negative: bool,
}

/// Counts before smoothing.
pub(super) struct Counts {
    pub(super) class_count: Vec<f64>,
    pub(super) feature_count: Mat<f64>,
    pub(super) negative: bool,
}

/// Where entries lie that count as one each: the columns of one-hot codes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Codes<'a> {
    /// n × d, each below the number of categories of its column.
    pub(super) x: MatRef<'a, i64>,
    /// First cell of each column, and the number of all cells.
    pub(super) offsets: &'a [usize],
}

/// Σ weight · x over the rows of each class; entries become 1 or 0 where there is a threshold.
pub(super) fn count<T: Real>(
    x: Samples<'_, T>,
    codes: &[i32],
    weights: Option<&[f64]>,
    n_classes: usize,
    threshold: Option<f64>,
    before: Option<Before<'_>>,
    control: &Control,
) -> Result<Counts> {
    check_rows(x.n_rows(), codes, weights, n_classes)?;
    let (k, d) = (n_classes, x.n_cols());
    let value = |x: T| match threshold {
        None => x.to_f64(),
        Some(threshold) => f64::from(u8::from(x.to_f64() > threshold)),
    };
    let (mut feature_count, negative) = match x {
        Samples::Dense(x) => by_rows(x.n_rows(), d, d, k, control, |range, sums| {
            let mut negative = false;
            for_blocks(
                x,
                range,
                #[inline(always)]
                |start, rows| {
                    for i in 0..rows.n_rows() {
                        let weight = weights.map_or(1.0, |weights| weights[start + i]);
                        let c = codes[start + i] as usize;
                        let sums = &mut sums[c * d..(c + 1) * d];
                        for (sum, &x) in sums.iter_mut().zip(rows.row(i)) {
                            negative |= x < T::ZERO;
                            *sum = value(x).mul_add(weight, *sum);
                        }
                    }
                },
            );
            negative
        })?,
        Samples::Sparse(x) => by_classes(x, codes, weights, k, value, control)?,
    };
    let mut class_count = class_weights(codes, weights, k);
    if let Some(before) = before {
        add_before(&mut feature_count, &mut class_count, before)?;
    }
    Ok(Counts { class_count, feature_count, negative })
}

/// The same for codes of categories, one cell for each category of each column.
pub(super) fn count_codes(
    found: Codes<'_>,
    codes: &[i32],
    weights: Option<&[f64]>,
    n_classes: usize,
    control: &Control,
) -> Result<Counts> {
    let Codes { x, offsets } = found;
    check_rows(x.n_rows(), codes, weights, n_classes)?;
    let width = offsets.last().copied().unwrap_or(0);
    let (feature_count, _) =
        by_rows(x.n_rows(), x.n_cols(), width, n_classes, control, |range, sums| {
            for_blocks(
                x,
                range,
                #[inline(always)]
                |start, rows| {
                    for i in 0..rows.n_rows() {
                        let weight = weights.map_or(1.0, |weights| weights[start + i]);
                        let sums = &mut sums[codes[start + i] as usize * width..][..width];
                        for (&category, &offset) in rows.row(i).iter().zip(offsets) {
                            sums[offset + category as usize] += weight;
                        }
                    }
                },
            );
            false
        })?;
    let class_count = class_weights(codes, weights, n_classes);
    Ok(Counts { class_count, feature_count, negative: false })
}

/// Weight of each class.
fn class_weights(codes: &[i32], weights: Option<&[f64]>, k: usize) -> Vec<f64> {
    let mut sums = vec![0.0; k];
    for (i, &code) in codes.iter().enumerate() {
        sums[code as usize] += weights.map_or(1.0, |weights| weights[i]);
    }
    sums
}

fn add_before(counts: &mut Mat<f64>, classes: &mut [f64], before: Before<'_>) -> Result<()> {
    let (k, d) = (counts.n_rows(), counts.n_cols());
    let shape = (before.feature_count.n_rows(), before.feature_count.n_cols());
    if shape != (k, d) || before.class_count.len() != k {
        return Err(Error::data(format!("counts of earlier calls must be of shape ({k}, {d})")));
    }
    for c in 0..k {
        classes[c] += before.class_count[c];
        for (j, count) in counts.row_mut(c).iter_mut().enumerate() {
            *count += before.feature_count.get(c, j);
        }
    }
    Ok(())
}

/// Adds up `work(rows, sums)` over chunks of rows; `sums` is k × width.
fn by_rows(
    n: usize,
    row_entries: usize,
    width: usize,
    k: usize,
    control: &Control,
    work: impl Fn(Range<usize>, &mut [f64]) -> bool + Sync,
) -> Result<(Mat<f64>, bool)> {
    // A part has at least as many entries as sums.
    let n_parts = (n * row_entries / PART_ENTRIES.max(k * width)).clamp(1, MOST_PARTS);
    let parts = map_chunks(n, n.div_ceil(n_parts), row_entries as f64 * 0.5, |_, range| {
        let mut sums = vec![0.0; k * width];
        let mut negative = false;
        for start in range.clone().step_by(STEP) {
            if control.check().is_err() {
                break;
            }
            let rows = start..(start + STEP).min(range.end);
            negative |= vectorize(
                #[inline(always)]
                || work(rows, &mut sums),
            );
        }
        (sums, negative)
    });
    control.check()?;
    let mut parts = parts.into_iter();
    let (mut total, mut negative) = parts.next().unwrap_or_else(|| (vec![0.0; k * width], false));
    for (sums, part_negative) in parts {
        negative |= part_negative;
        total.iter_mut().zip(&sums).for_each(|(total, sum)| *total += sum);
    }
    Ok((Mat::from_vec(total, k, width)?, negative))
}

/// Adds up sparse rows class by class.
fn by_classes<T: Real>(
    x: CsrRef<'_, T>,
    codes: &[i32],
    weights: Option<&[f64]>,
    k: usize,
    value: impl Fn(T) -> f64 + Sync,
    control: &Control,
) -> Result<(Mat<f64>, bool)> {
    let (n, d) = (x.n_rows(), x.n_cols());
    // The rows, ordered by class.
    let mut ends = vec![0_usize; k + 1];
    codes.iter().for_each(|&code| ends[code as usize + 1] += 1);
    (0..k).for_each(|c| ends[c + 1] += ends[c]);
    let mut next = ends.clone();
    let mut order = vec![0_usize; n];
    for (i, &code) in codes.iter().enumerate() {
        order[next[code as usize]] = i;
        next[code as usize] += 1;
    }
    // Parts of a class: (class, rows), each with more entries than columns.
    let wanted = (x.n_entries() / PART_ENTRIES.max(d)).clamp(1, MOST_PARTS);
    let step = n.div_ceil(wanted).max(1);
    let mut parts = Vec::new();
    for c in 0..k {
        let rows = ends[c + 1] - ends[c];
        let n_parts = rows.div_ceil(step);
        for part in 0..n_parts {
            let range = ends[c] + part * rows / n_parts..ends[c] + (part + 1) * rows / n_parts;
            parts.push((c, part, range));
        }
    }
    // The first part of a class adds to the result itself, the others to sums of their own.
    let mut total = Mat::zeros(k, d);
    let places: Vec<_> = total.as_mut_slice().chunks_mut(d.max(1)).map(Mutex::new).collect();
    let cost = x.n_entries() as f64 / parts.len().max(1) as f64;
    let found = map_chunks(parts.len(), 1, cost, |index, _| {
        let (c, part, range) = &parts[index];
        let rows = &order[range.clone()];
        if *part > 0 {
            let mut sums = vec![0.0; d];
            let negative = add_rows(x, rows, weights, &value, &mut sums, control);
            return (sums, negative);
        }
        let mut place = places[*c].lock().unwrap_or_else(PoisonError::into_inner);
        (Vec::new(), add_rows(x, rows, weights, &value, &mut place, control))
    });
    control.check()?;
    for ((c, _, _), (sums, _)) in parts.iter().zip(&found) {
        total.row_mut(*c).iter_mut().zip(sums).for_each(|(total, sum)| *total += sum);
    }
    Ok((total, found.iter().any(|(_, negative)| *negative)))
}

/// Adds sparse rows to `sums`, and says whether a value is negative.
fn add_rows<T: Real>(
    x: CsrRef<'_, T>,
    rows: &[usize],
    weights: Option<&[f64]>,
    value: &impl Fn(T) -> f64,
    sums: &mut [f64],
    control: &Control,
) -> bool {
    let mut negative = false;
    for (step, &i) in rows.iter().enumerate() {
        if step % STEP == 0 && control.check().is_err() {
            break;
        }
        // Rows of a class lie apart: those to come are asked for beforehand.
        if let Some(&later) = rows.get(step + AHEAD) {
            let (columns, values) = x.row(later);
            prefetch(columns);
            prefetch(values);
        }
        let (columns, values) = x.row(i);
        let weight = weights.map_or(1.0, |weights| weights[i]);
        for (&j, &x) in columns.iter().zip(values) {
            negative |= x < T::ZERO;
            sums[j as usize] += value(x) * weight;
        }
    }
    negative
}

/// The logarithms of the numbers of a row; those of late are remembered, since counts are often
/// equal.
pub(super) fn logarithms(row: &mut [f64]) {
    let mut known = [(1.0_f64, 0.0_f64); REMEMBERED];
    for value in row {
        let place = value.to_bits().wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 55;
        let known = &mut known[place as usize];
        if *value != known.0 {
            *known = (*value, value.ln());
        }
        *value = known.1;
    }
}

/// Smoothing, one for all features or one each.
pub(super) fn alpha_of(alpha: &[f64], d: usize) -> Result<impl Fn(usize) -> f64 + Sync + '_> {
    if alpha.len() != 1 && alpha.len() != d {
        return Err(Error::data(format!("alpha must have 1 or {d} values, got {}", alpha.len())));
    }
    Ok(move |j: usize| if alpha.len() == 1 { alpha[0] } else { alpha[j] })
}

/// Turns the rows of counts, k × d, into something of the same shape, side by side.
pub(super) fn by_class(counts: &Mat<f64>, work: impl Fn(usize, &mut [f64]) + Sync) -> Mat<f64> {
    let (k, d) = (counts.n_rows(), counts.n_cols());
    let mut out = Mat::zeros(k, d);
    for_chunks_mut(out.as_mut_slice(), d, 1, d as f64 * 5.0, |c, _, row| {
        row.copy_from_slice(counts.row(c));
        work(c, row);
    });
    out
}
