//! Gaussian naive Bayes: each feature is normal within a class.
//!
//! Cost of the fit: one reading of X, n·d subtractions and as many multiply-adds, so memory is the
//! limit; where a class begins with rows far from its mean, X is read a second time.  Prediction:
//! one reading of X, n·k·d subtractions and twice as many products.
//!
//! Twin: `python/smelt/plain/naive_bayes/gaussian_nb.py`.
//!
//! Fit:
//! 1. Count rows and weights of each class; mean and variance of each class and feature: sums of
//!    x − s and (x − s)² about a row s of the class, in fixed chunks.
//! 2. The largest variance of a feature over all rows, without weights.
//!
//! Prediction:
//! 1. ln P(x, c) = ln P(c) − ½ Σ ln(2π v) − ½ Σ (x − m)² / v.
//! 2. Normalise by the sum over the classes.

use serde::Deserialize;
use smelt_core::parallel::{chunk_size, map_chunks};
use smelt_core::simd::vectorize;
use smelt_core::{Control, Error, Mat, MatRef, Real, Result};

use super::posterior::{Output, Prediction, classify};
use super::samples::{check_rows, for_blocks};

/// Squared distance of mean and shift, in variances, above which digits would be lost.
const FAR: f64 = 1e4;
/// Numbers that are summed side by side.
const LANES: usize = 8;

/// Parameters of [`gaussian_nb_fit`].
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GaussianNBParams {
    /// Number of classes.
    pub n_classes: usize,
}

/// Moments of the classes.
#[derive(Debug, Clone, PartialEq)]
pub struct GaussianNBFit {
    /// Rows of each class.
    pub n_rows: Vec<i64>,
    /// Sum of the weights of each class.
    pub weight: Vec<f64>,
    /// k × d; 0 where a class has no weight.
    pub mean: Mat<f64>,
    /// k × d, about the mean, divided by the sum of the weights.
    pub variance: Mat<f64>,
    /// Largest variance of a column over all rows, each of weight 1.
    pub largest_variance: f64,
}

/// Sums about a shift: what a chunk of rows gives.
struct Sums {
    n_rows: Vec<i64>,
    weight: Vec<f64>,
    first: Vec<f64>,
    second: Vec<f64>,
}

impl Sums {
    fn zeros(k: usize, d: usize) -> Self {
        let zeros = vec![0.0; k * d];
        Self { n_rows: vec![0; k], weight: vec![0.0; k], first: zeros.clone(), second: zeros }
    }

    fn add(&mut self, other: &Self) {
        self.n_rows.iter_mut().zip(&other.n_rows).for_each(|(sum, n)| *sum += n);
        for (sums, others) in [
            (&mut self.weight, &other.weight),
            (&mut self.first, &other.first),
            (&mut self.second, &other.second),
        ] {
            sums.iter_mut().zip(others).for_each(|(sum, other)| *sum += other);
        }
    }
}

/// Learns the moments of `n_classes` classes, of which `codes` has one a row.
pub fn gaussian_nb_fit<T: Real>(
    x: MatRef<'_, T>,
    codes: &[i32],
    weights: Option<&[f64]>,
    params: &GaussianNBParams,
    control: &Control,
) -> Result<GaussianNBFit> {
    check_rows(x.n_rows(), codes, weights, params.n_classes)?;
    // 1.
    let mut fit = moments(x, codes, weights, params.n_classes, control)?;
    // 2. The classes' variances, and how far their means lie from the mean of all.
    let of_all;
    let parts = if weights.is_none() {
        &fit
    } else {
        of_all = moments(x, &vec![0; x.n_rows()], None, 1, control)?;
        &of_all
    };
    let mut largest = 0.0_f64;
    for j in 0..x.n_cols() {
        let n = parts.weight.iter().sum::<f64>();
        let column = |values: &Mat<f64>, c: usize| values[(c, j)];
        let classes = || parts.weight.iter().enumerate();
        let mean = classes().map(|(c, w)| w * column(&parts.mean, c)).sum::<f64>() / n;
        let squares = classes().map(|(c, w)| {
            let off = column(&parts.mean, c) - mean;
            w * (column(&parts.variance, c) + off * off)
        });
        let variance = squares.sum::<f64>() / n;
        if largest.is_nan() || variance.is_nan() {
            largest = f64::NAN;
        } else {
            largest = largest.max(variance);
        }
    }
    fit.largest_variance = largest;
    Ok(fit)
}

/// Step 1; a second time about the means where the first shift was too far from them.
fn moments<T: Real>(
    x: MatRef<'_, T>,
    codes: &[i32],
    weights: Option<&[f64]>,
    k: usize,
    control: &Control,
) -> Result<GaussianNBFit> {
    let (n, d) = (x.n_rows(), x.n_cols());
    let mut shift = Mat::zeros(k, d);
    let mut missing = vec![true; k];
    let mut n_missing = k;
    for (i, &code) in codes.iter().enumerate() {
        if n_missing == 0 {
            break;
        }
        if std::mem::take(&mut missing[code as usize]) {
            n_missing -= 1;
            for (j, shift) in shift.row_mut(code as usize).iter_mut().enumerate() {
                *shift = x.get(i, j).to_f64();
            }
        }
    }
    for round in 0.. {
        let sums = sums_about(x, codes, weights, &shift, control)?;
        let mut fit = GaussianNBFit {
            n_rows: sums.n_rows,
            weight: sums.weight,
            mean: Mat::zeros(k, d),
            variance: Mat::zeros(k, d),
            largest_variance: 0.0,
        };
        let mut is_far = false;
        for c in (0..k).filter(|&c| fit.weight[c] != 0.0) {
            for j in 0..d {
                let off = sums.first[c * d + j] / fit.weight[c];
                let variance = sums.second[c * d + j] / fit.weight[c] - off * off;
                is_far |= off * off > FAR * variance && off != 0.0;
                fit.mean[(c, j)] = shift[(c, j)] + off;
                // NaN stays: it says that X is not finite.
                fit.variance[(c, j)] = if variance < 0.0 { 0.0 } else { variance };
            }
        }
        let all_finite = fit.mean.as_slice().iter().all(|mean| mean.is_finite());
        if round > 0 || !is_far || !all_finite || n == 0 {
            return Ok(fit);
        }
        shift = fit.mean;
    }
    Err(Error::data("the moments were not found"))
}

/// Sums of x − s and (x − s)² of each class, s the class's row of `shift`.
fn sums_about<T: Real>(
    x: MatRef<'_, T>,
    codes: &[i32],
    weights: Option<&[f64]>,
    shift: &Mat<f64>,
    control: &Control,
) -> Result<Sums> {
    let (n, d, k) = (x.n_rows(), x.n_cols(), shift.n_rows());
    // Partial sums take less room than X.
    let chunk = chunk_size(n, (4 * k).max(256));
    let shift = shift.as_slice();
    let parts = map_chunks(n, chunk, d as f64 * 0.6, |_, range| {
        let mut sums = Sums::zeros(k, d);
        vectorize(
            #[inline(always)]
            || {
                for_blocks(
                    x,
                    range,
                    #[inline(always)]
                    |start, rows| {
                        if control.check().is_err() {
                            return;
                        }
                        for i in 0..rows.n_rows() {
                            let c = codes[start + i] as usize;
                            let place = c * d..(c + 1) * d;
                            let (row, shift) = (rows.row(i), &shift[place.clone()]);
                            let first = &mut sums.first[place.clone()];
                            let second = &mut sums.second[place];
                            sums.n_rows[c] += 1;
                            let cells = row.iter().zip(shift).zip(first.iter_mut().zip(second));
                            match weights.map(|weights| weights[start + i]) {
                                None => {
                                    sums.weight[c] += 1.0;
                                    cells.for_each(|((&x, &s), (first, second))| {
                                        let off = x.to_f64() - s;
                                        *first += off;
                                        *second = off.mul_add(off, *second);
                                    });
                                }
                                Some(weight) => {
                                    sums.weight[c] += weight;
                                    cells.for_each(|((&x, &s), (first, second))| {
                                        let off = x.to_f64() - s;
                                        let weighted = weight * off;
                                        *first += weighted;
                                        *second = weighted.mul_add(off, *second);
                                    });
                                }
                            }
                        }
                    },
                );
            },
        );
        sums
    });
    control.check()?;
    let mut total = Sums::zeros(k, d);
    parts.iter().for_each(|part| total.add(part));
    Ok(total)
}

/// Classifies rows by means and variances (k × d) and the probabilities of the classes.
pub fn gaussian_nb_predict<T: Real>(
    x: MatRef<'_, T>,
    mean: MatRef<'_, f64>,
    variance: MatRef<'_, f64>,
    prior: &[f64],
    output: Output,
    control: &Control,
) -> Result<Prediction<T>> {
    let (k, d) = (prior.len(), x.n_cols());
    let shapes = [mean, variance].map(|matrix| (matrix.n_rows(), matrix.n_cols()));
    if k == 0 || shapes != [(k, d); 2] {
        return Err(Error::data(format!("means and variances must be of shape ({k}, {d})")));
    }
    // 1. What does not depend on the row.
    let mut means = vec![T::ZERO; k * d];
    let mut scales = vec![T::ZERO; k * d];
    let mut constants = vec![T::ZERO; k];
    for c in 0..k {
        let mut log_scale = 0.0;
        for j in 0..d {
            let v = variance.get(c, j);
            means[c * d + j] = T::from_f64(mean.get(c, j));
            scales[c * d + j] = T::from_f64(1.0 / v);
            log_scale += (2.0 * std::f64::consts::PI * v).ln();
        }
        constants[c] = T::from_f64(prior[c].ln() - 0.5 * log_scale);
    }
    let half = T::from_f64(0.5);
    classify(x.n_rows(), k, output, (k * d) as f64 * 0.4, control, |range, scores| {
        let first = range.start;
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
                            let four: [&[T]; 4] =
                                std::array::from_fn(|r| rows.row((i + r).min(m - 1)));
                            for c in 0..k {
                                let place = c * d..(c + 1) * d;
                                let squares = squares(four, &means[place.clone()], &scales[place]);
                                for (r, &square) in squares.iter().enumerate().take(m - i) {
                                    scores[(i + r) * k + c] = constants[c] - half * square;
                                }
                            }
                        }
                    },
                );
            },
        );
    })
}

/// Σ (x − m)² · scale of four rows.
#[inline(always)]
fn squares<T: Real>(rows: [&[T]; 4], mean: &[T], scale: &[T]) -> [T; 4] {
    let (means, mean_rest) = mean.as_chunks::<LANES>();
    let (scales, scale_rest) = scale.as_chunks::<LANES>();
    let blocks: [&[[T; LANES]]; 4] =
        std::array::from_fn(|r| &rows[r].as_chunks::<LANES>().0[..means.len()]);
    let mut sums = [[T::ZERO; LANES]; 4];
    for (b, (mean, scale)) in means.iter().zip(scales).enumerate() {
        for r in 0..4 {
            let row = &blocks[r][b];
            for l in 0..LANES {
                let off = row[l] - mean[l];
                sums[r][l] = (off * off).mul_add(scale[l], sums[r][l]);
            }
        }
    }
    let done = mean.len() - mean_rest.len();
    std::array::from_fn(|r| {
        let mut lanes = sums[r];
        for half in [4, 2, 1] {
            (0..half).for_each(|l| lanes[l] += lanes[l + half]);
        }
        let rest = rows[r][done..].iter().zip(mean_rest.iter().zip(scale_rest));
        rest.fold(lanes[0], |sum, (&x, (&mean, &scale))| {
            ((x - mean) * (x - mean)).mul_add(scale, sum)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::{GaussianNBParams, gaussian_nb_fit, gaussian_nb_predict};
    use crate::naive_bayes::{Answer, Output};
    use smelt_core::{Control, MatRef};

    #[test]
    fn moments_far_from_zero_and_from_the_first_row() {
        let mut values: Vec<f64> = (0..2000).map(|i| 1e9 + f64::from(i % 7)).collect();
        values[0] = -1e3;
        let x = MatRef::from_row_major(&values, 1000, 2).unwrap();
        let codes: Vec<i32> = (0..1000).map(|i| i32::from(i > 0)).collect();
        let params = GaussianNBParams { n_classes: 2 };
        let fit = gaussian_nb_fit(x, &codes, None, &params, &Control::new()).unwrap();
        assert_eq!(fit.n_rows, [1, 999]);
        assert_eq!(fit.variance.row(0), [0.0, 0.0]);
        assert!((fit.variance[(1, 1)] - 4.0).abs() < 1e-2);
        let one = gaussian_nb_fit(
            x,
            &[0; 1000],
            None,
            &GaussianNBParams { n_classes: 1 },
            &Control::new(),
        );
        assert!((one.unwrap().variance[(0, 1)] - 4.0).abs() < 1e-2);
    }

    #[test]
    fn layouts_agree() {
        let values: Vec<f64> = (0..77).map(|i| (f64::from(i) * 0.7).sin()).collect();
        let by_rows = MatRef::from_row_major(&values, 7, 11).unwrap();
        let turned = by_rows.transpose().to_mat();
        let by_cols = MatRef::from_col_major(turned.as_slice(), 7, 11);
        let by_cols = by_cols.map(|_| turned.view().transpose()).unwrap();
        let codes = [0, 1, 0, 1, 1, 0, 1];
        let (params, control) = (GaussianNBParams { n_classes: 2 }, Control::new());
        let fit = gaussian_nb_fit(by_rows, &codes, None, &params, &control).unwrap();
        assert_eq!(fit, gaussian_nb_fit(by_cols, &codes, None, &params, &control).unwrap());
        let predict = |x| {
            let (mean, variance) = (fit.mean.view(), fit.variance.view());
            gaussian_nb_predict(x, mean, variance, &[0.5, 0.5], Output::Proba, &control).unwrap()
        };
        assert_eq!(predict(by_rows), predict(by_cols));
        assert!(matches!(predict(by_rows).answer, Answer::Scores(_)));
    }
}
