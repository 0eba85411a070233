//! Scores that are sums of a weight for each entry of a row: x · w_c + b_c, without a product of
//! whole matrices.
//!
//! Cost: two operations for each entry and class.  For sparse rows and codes the weights are turned
//! once, so that an entry's weights for all classes lie side by side; of few rows the weights are
//! read where they are.

use smelt_core::parallel::for_chunks_mut;
use smelt_core::simd::vectorize;
use smelt_core::{Control, Error, MatRef, Real, Result};

use super::counts::Codes;
use super::posterior::{Output, Prediction, classify};
use super::samples::{Samples, for_blocks};

/// Numbers of a row that are multiplied side by side.
const LANES: usize = 8;
/// Most classes whose sums are kept side by side.
const WIDEST: usize = 32;
/// Rows of weights that are turned at a time.
const TURN: usize = 512;

/// Scores of samples against weights, k × d; entries become 1 or 0 where there is a threshold.
pub(super) fn linear_scores<T: Real>(
    x: Samples<'_, T>,
    weights: MatRef<'_, f64>,
    constants: &[f64],
    threshold: Option<f64>,
    output: Output,
    control: &Control,
) -> Result<Prediction<f64>> {
    let (k, d) = (weights.n_rows(), weights.n_cols());
    if k == 0 || constants.len() != k || x.n_cols() != d {
        return Err(Error::data(format!(
            "{} columns and {} constants do not fit weights of shape ({k}, {d})",
            x.n_cols(),
            constants.len()
        )));
    }
    let value = |x: T| match threshold {
        None => x.to_f64(),
        Some(threshold) => f64::from(u8::from(x.to_f64() > threshold)),
    };
    match x {
        Samples::Dense(x) => dense_scores(x, weights, constants, value, output, control),
        Samples::Sparse(x) => {
            let n = x.n_rows();
            let entries = x.n_entries();
            let row = |i: usize| {
                let (columns, values) = x.row(i);
                columns.iter().zip(values).map(|(&j, &x)| (j as usize, value(x)))
            };
            entry_scores(n, entries, row, weights, constants, output, control)
        }
    }
}

/// Scores of codes: the weights of a row's categories are added.
pub(super) fn code_scores(
    codes: Codes<'_>,
    weights: MatRef<'_, f64>,
    constants: &[f64],
    output: Output,
    control: &Control,
) -> Result<Prediction<f64>> {
    let Codes { x, offsets } = codes;
    let entries = x.n_rows() * x.n_cols();
    let row = |i: usize| (0..x.n_cols()).map(move |j| (offsets[j] + x.get(i, j) as usize, 1.0));
    entry_scores(x.n_rows(), entries, row, weights, constants, output, control)
}

fn dense_scores<T: Real>(
    x: MatRef<'_, T>,
    weights: MatRef<'_, f64>,
    constants: &[f64],
    value: impl Fn(T) -> f64 + Sync,
    output: Output,
    control: &Control,
) -> Result<Prediction<f64>> {
    let (k, d) = (weights.n_rows(), weights.n_cols());
    let copied;
    let weights = if weights.has_contiguous_rows() {
        weights
    } else {
        copied = weights.to_mat();
        copied.view()
    };
    classify(x.n_rows(), k, output, (k * d) as f64 * 0.4, control, |range, scores| {
        let first = range.start;
        let mut values: [Vec<f64>; 4] = Default::default();
        vectorize(
            #[inline(always)]
            || {
                for_blocks(
                    x,
                    range,
                    #[inline(always)]
                    |start, rows| {
                        let scores = &mut scores[(start - first) * k..];
                        let m = rows.n_rows();
                        for i in (0..m).step_by(4) {
                            for (r, values) in values.iter_mut().enumerate() {
                                values.clear();
                                values
                                    .extend(rows.row((i + r).min(m - 1)).iter().map(|&x| value(x)));
                            }
                            let four: [&[f64]; 4] = std::array::from_fn(|r| &values[r][..]);
                            for (c, &constant) in constants.iter().enumerate() {
                                let sums = products(four, weights.row(c));
                                for (r, &sum) in sums.iter().enumerate().take(m - i) {
                                    scores[(i + r) * k + c] = sum + constant;
                                }
                            }
                        }
                    },
                );
            },
        );
    })
}

/// Σ x · w of four rows.
#[inline(always)]
fn products(rows: [&[f64]; 4], weights: &[f64]) -> [f64; 4] {
    let (blocks, rest) = weights.as_chunks::<LANES>();
    let row_blocks: [&[[f64; LANES]]; 4] =
        std::array::from_fn(|r| &rows[r].as_chunks::<LANES>().0[..blocks.len()]);
    let mut sums = [[0.0; LANES]; 4];
    for (b, block) in blocks.iter().enumerate() {
        for r in 0..4 {
            let row = &row_blocks[r][b];
            for l in 0..LANES {
                sums[r][l] = row[l].mul_add(block[l], sums[r][l]);
            }
        }
    }
    let done = weights.len() - rest.len();
    std::array::from_fn(|r| {
        let mut lanes = sums[r];
        for half in [4, 2, 1] {
            (0..half).for_each(|l| lanes[l] += lanes[l + half]);
        }
        rows[r][done..].iter().zip(rest).fold(lanes[0], |sum, (x, w)| x.mul_add(*w, sum))
    })
}

/// Scores of rows that are lists of (cell, value).
fn entry_scores<R: Iterator<Item = (usize, f64)>>(
    n: usize,
    n_entries: usize,
    row: impl Fn(usize) -> R + Sync,
    weights: MatRef<'_, f64>,
    constants: &[f64],
    output: Output,
    control: &Control,
) -> Result<Prediction<f64>> {
    let (k, d) = (weights.n_rows(), weights.n_cols());
    let cost = n_entries as f64 / n.max(1) as f64 * k as f64 * 0.5 + 20.0;
    if n_entries < d / 2 {
        // Turning the weights would take longer than the scores.
        return classify(n, k, output, cost, control, |range, scores| {
            for (i, scores) in range.zip(scores.chunks_mut(k)) {
                for (c, score) in scores.iter_mut().enumerate() {
                    let sum = row(i).fold(0.0, |sum, (j, x)| x.mul_add(weights.get(c, j), sum));
                    *score = sum + constants[c];
                }
            }
        });
    }
    let width = [2, 4, 8, 12, 16, 20, 24].into_iter().find(|&width| width >= k).unwrap_or(WIDEST);
    let table = turned(weights, width, control)?;
    classify(n, k, output, cost, control, |range, scores| {
        vectorize(
            #[inline(always)]
            || {
                for (i, scores) in range.zip(scores.chunks_mut(k)) {
                    for (group, scores) in scores.chunks_mut(width).enumerate() {
                        let table = &table[group * d * width..(group + 1) * d * width];
                        match width {
                            2 => add_up::<2>(row(i), table, scores),
                            4 => add_up::<4>(row(i), table, scores),
                            8 => add_up::<8>(row(i), table, scores),
                            12 => add_up::<12>(row(i), table, scores),
                            16 => add_up::<16>(row(i), table, scores),
                            20 => add_up::<20>(row(i), table, scores),
                            24 => add_up::<24>(row(i), table, scores),
                            _ => add_up::<WIDEST>(row(i), table, scores),
                        }
                    }
                    scores.iter_mut().zip(constants).for_each(|(score, c)| *score += c);
                }
            },
        );
    })
}

/// Sums of one row, of WIDTH classes side by side in registers.
#[inline(always)]
fn add_up<const WIDTH: usize>(
    row: impl Iterator<Item = (usize, f64)>,
    table: &[f64],
    scores: &mut [f64],
) {
    let (table, _) = table.as_chunks::<WIDTH>();
    let mut sums = [0.0; WIDTH];
    for (j, x) in row {
        let weights = &table[j];
        for l in 0..WIDTH {
            sums[l] = x.mul_add(weights[l], sums[l]);
        }
    }
    scores.copy_from_slice(&sums[..scores.len()]);
}

/// The weights by cells: groups of `width` classes, each d × width; classes that are not there have 0.
fn turned(weights: MatRef<'_, f64>, width: usize, control: &Control) -> Result<Vec<f64>> {
    let (k, d) = (weights.n_rows(), weights.n_cols());
    let mut table = vec![0.0; k.div_ceil(width) * d * width];
    for (group, table) in table.chunks_mut((d * width).max(1)).enumerate() {
        let classes = group * width..((group + 1) * width).min(k);
        for_chunks_mut(table, width, TURN, width as f64, |_, cells, table| {
            for (l, c) in classes.clone().enumerate() {
                if weights.has_contiguous_rows() {
                    let row = &weights.row(c)[cells.clone()];
                    for (cell, &weight) in table.chunks_mut(width).zip(row) {
                        cell[l] = weight;
                    }
                } else {
                    for (cell, j) in table.chunks_mut(width).zip(cells.clone()) {
                        cell[l] = weights.get(c, j);
                    }
                }
            }
        });
        control.check()?;
    }
    Ok(table)
}
