//! Means and centred cross products of a data set in one pass: `X'WX`, `X'WY`, sums.
//!
//! Cost: n·d²/2 multiply-adds and one reading of X; nothing of the size of X is copied, and no
//! other pass centres it.  On two cores of 3.7 GHz a million rows of 50 columns are bound by 25 ms of
//! arithmetic or by 20 ms of memory, which go on at the same time.
//!
//! [`gram`] computes in `f64`, also for `float32` input.  [`gram_single`] leaves the products of
//! `float32` input in `f32`, at half the cost: runs of 64 rows are added up in `f32`, the runs in
//! `f64`.  A sum is then good to 1e-6 of the norms of its columns in the worst case, when all
//! roundings of a run go the same way, and to about 1e-8 on random data.  It declines where size or
//! a bad guess would make that worse.
//!
//! 1. Guess the means from a few rows; the guess is subtracted while rows are packed, so that large
//!    means do not cancel the digits of the variances.
//! 2. Fixed chunks of rows, each in blocks that fit the cache: products of `[X, Y, 1]`; partial
//!    products are added in chunk order (`gram_pass.rs`).
//! 3. Take out what is left of the means.
//! 4. Where the guess was far off, do 2 and 3 once more with the exact means.

use smelt_core::lanes::Lanes;
use smelt_core::{Control, Mat, MatRef, Real, Result};

use super::column_means::{guess_means, sample_squares};
use super::gram_pass::{Pass, Products};
use super::gram_tile::Shift;

/// Largest share of the guess's error in a variance: bounds the digits lost to two.
const FAR_OFF: f64 = 100.0;
/// The same in `f32`: no digit.
const FAR_OFF_SINGLE: f64 = 1.0;
/// Rows from which enough blocks are averaged for `f32`.
const SINGLE_ROWS: usize = 1 << 14;
/// Mean squares whose products neither overflow nor lose digits in `f32`.
const SINGLE_RANGE: std::ops::Range<f64> = 1e-24..1e24;
/// Numbers in a cache line.
const DOUBLES: usize = 8;
const SINGLES: usize = 16;

/// Second moments of the columns of X (n × d) and Y (n × t), weighted by w, about their means.
#[derive(Debug, Clone)]
pub struct Gram {
    /// Σ (x − x̄)(x − x̄)ᵀ w, d × d.
    pub xx: Mat<f64>,
    /// Σ (x − x̄)(y − ȳ)ᵀ w, d × t.
    pub xy: Mat<f64>,
    /// x̄, zeros where nothing was centred.
    pub x_mean: Vec<f64>,
    /// ȳ, zeros where nothing was centred.
    pub y_mean: Vec<f64>,
}

impl Gram {
    /// Whether no sum overflowed, which also says that X and Y hold no NaN and no infinity.
    pub fn is_finite(&self) -> bool {
        (0..self.xx.n_rows()).all(|j| self.xx[(j, j)].is_finite())
            && self
                .xy
                .as_slice()
                .iter()
                .chain(&self.x_mean)
                .chain(&self.y_mean)
                .all(|v| v.is_finite())
    }
}

/// Computes the [`Gram`] of `x` (n × d) and `y` (n × t, or nothing), n ≥ 1.
///
/// `weights` (n, not negative) count rows; `centre` says whether moments are about the means or
/// about zero.
pub fn gram<T: Real>(
    x: MatRef<'_, T>,
    y: Option<MatRef<'_, T>>,
    weights: Option<&[f64]>,
    centre: bool,
    control: &Control,
) -> Result<Gram> {
    let scale = roots::<f64>(weights);
    let pass = Pass::<T, f64, DOUBLES> { x, y, scale: scale.as_deref(), ones: centre };
    // 1. guess
    let guess = guess(x, y, weights, centre);
    // 2., 3.
    let (first, off) = moments(&pass, guess, control)?;
    if off <= FAR_OFF || !first.is_finite() {
        return Ok(first);
    }
    // 4. once more
    Ok(moments(&pass, (first.x_mean, first.y_mean), control)?.0)
}

/// [`gram`] of `f32` input with products in `f32`; nothing where digits could be lost: few rows,
/// a bad guess of the means, sizes at which `f32` overflows or underflows.
pub fn gram_single<T: Real>(
    x: MatRef<'_, T>,
    y: Option<MatRef<'_, T>>,
    weights: Option<&[f64]>,
    centre: bool,
    control: &Control,
) -> Result<Option<Gram>> {
    let n = x.n_rows();
    if T::IS_F64 || n < SINGLE_ROWS {
        return Ok(None);
    }
    let mut guess = guess(x, y, weights, centre);
    let single = |mean: &mut f64| *mean = f64::from(*mean as f32);
    guess.0.iter_mut().chain(&mut guess.1).for_each(single);
    let in_range = |square: f64| SINGLE_RANGE.contains(&square);
    if !y.is_none_or(|y| sample_squares(y, &guess.1).into_iter().all(in_range)) {
        return Ok(None);
    }
    let scale = roots::<f32>(weights);
    let pass = Pass::<T, f32, SINGLES> { x, y, scale: scale.as_deref(), ones: centre };
    let (found, off) = moments(&pass, guess, control)?;
    let squares_in_range = (0..x.n_cols()).all(|j| in_range(found.xx[(j, j)] / n as f64));
    Ok((off <= FAR_OFF_SINGLE && squares_in_range && found.is_finite()).then_some(found))
}

/// Inner products of the rows of `x` (n × d) after `means` (d) is taken from each: n × n.
pub fn gram_of_rows<T: Real>(
    x: MatRef<'_, T>,
    means: &[f64],
    control: &Control,
) -> Result<Mat<f64>> {
    let x = x.transpose();
    let pass = Pass::<T, f64, DOUBLES> { x, y: None, scale: None, ones: false };
    let shift = Shift { columns: &vec![0.0; x.n_cols()], rows: Some(means) };
    Ok(pass.run([shift, shift], control)?.xx)
}

/// Square roots of the weights.
fn roots<A: Real>(weights: Option<&[f64]>) -> Option<Vec<A>> {
    weights.map(|weights| weights.iter().map(|w| A::from_f64(w.sqrt())).collect())
}

/// Means of a few rows, or zeros unless `centre`.
fn guess<T: Real>(
    x: MatRef<'_, T>,
    y: Option<MatRef<'_, T>>,
    weights: Option<&[f64]>,
    centre: bool,
) -> (Vec<f64>, Vec<f64>) {
    let guess = |m: MatRef<'_, T>| {
        if centre { guess_means(m, weights) } else { vec![0.0; m.n_cols()] }
    };
    (guess(x), y.map_or(Vec::new(), guess))
}

/// Moments about the means, and the largest ratio of a squared error of `guess` to a variance.
fn moments<T: Real, A: Lanes, const P: usize>(
    pass: &Pass<'_, T, A, P>,
    guess: (Vec<f64>, Vec<f64>),
    control: &Control,
) -> Result<(Gram, f64)> {
    let rounded = |means: &[f64]| means.iter().map(|&mean| A::from_f64(mean)).collect::<Vec<A>>();
    let shift = (rounded(&guess.0), rounded(&guess.1));
    let shift = [&shift.0, &shift.1].map(|columns| Shift { columns, rows: None });
    let Products { mut xx, mut xy, ones } = pass.run(shift, control)?;
    let (mut x_mean, mut y_mean) = guess;
    if !pass.ones {
        return Ok((Gram { xx, xy, x_mean, y_mean }, 0.0));
    }
    // 3. means of what was summed
    let d = xx.n_rows();
    let total = ones[d];
    let x_off: Vec<f64> = ones[..d].iter().map(|sum| sum / total).collect();
    let y_off: Vec<f64> = ones[d + 1..].iter().map(|sum| sum / total).collect();
    let mut ratio = 0.0;
    for i in 0..d {
        let factor = total * x_off[i];
        for (value, off) in xx.row_mut(i).iter_mut().zip(&x_off) {
            *value -= factor * off;
        }
        for (value, off) in xy.row_mut(i).iter_mut().zip(&y_off) {
            *value -= factor * off;
        }
        let lost = factor * x_off[i];
        if lost > 0.0 {
            ratio = f64::max(ratio, lost / xx[(i, i)].max(0.0));
        }
    }
    x_mean.iter_mut().zip(&x_off).for_each(|(mean, off)| *mean += off);
    y_mean.iter_mut().zip(&y_off).for_each(|(mean, off)| *mean += off);
    Ok((Gram { xx, xy, x_mean, y_mean }, ratio))
}

#[cfg(test)]
mod tests {
    use super::super::column_means::column_means;
    use super::{gram, gram_of_rows, gram_single};
    use smelt_core::parallel::with_threads;
    use smelt_core::{Control, MatRef};

    fn numbers(n: usize, shift: f64) -> Vec<f64> {
        (0..n).map(|i| ((i * i + 7 * i) as f64 * 0.37).sin() + shift).collect()
    }

    #[test]
    fn moments_agree_with_plain_sums() {
        let control = Control::new();
        for (n, d, t) in [(1, 1, 1), (5, 3, 2), (300, 4, 1), (777, 10, 3), (300, 53, 1)] {
            for weighted in [false, true] {
                let (x, y) = (numbers(n * d, 50.0), numbers(n * t, -9.0));
                let w: Vec<f64> = (0..n).map(|i| (i % 3) as f64 + 0.5).collect();
                let by_rows = MatRef::from_row_major(&x, n, d).unwrap();
                let targets = MatRef::from_row_major(&y, n, t).unwrap();
                let weights = weighted.then_some(&w[..]);
                let weight = |i: usize| weights.map_or(1.0, |w| w[i]);
                let total: f64 = (0..n).map(weight).sum();
                let mean = |m: MatRef<'_, f64>, j: usize| {
                    (0..n).map(|i| weight(i) * m.get(i, j)).sum::<f64>() / total
                };
                let product = |a: MatRef<'_, f64>, i: usize, b: MatRef<'_, f64>, j: usize| {
                    let (left, right) = (mean(a, i), mean(b, j));
                    (0..n).map(|k| weight(k) * (a.get(k, i) - left) * (b.get(k, j) - right)).sum()
                };
                let mut by_cols = vec![0.0; n * d];
                for i in 0..n {
                    for j in 0..d {
                        by_cols[j * n + i] = x[i * d + j];
                    }
                }
                let by_cols = MatRef::from_col_major(&by_cols, n, d).unwrap();
                for view in [by_rows, by_cols] {
                    let found = gram(view, Some(targets), weights, true, &control).unwrap();
                    let close = |a: f64, b: f64| {
                        assert!((a - b).abs() < 1e-9 * (1.0 + b.abs()), "{a} {b} ({n} {d} {t})");
                    };
                    for i in 0..d {
                        close(found.x_mean[i], mean(by_rows, i));
                        for j in 0..d {
                            close(found.xx[(i, j)], product(by_rows, i, by_rows, j));
                        }
                        for j in 0..t {
                            close(found.xy[(i, j)], product(by_rows, i, targets, j));
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn products_of_rows_are_those_of_the_centred_matrix() {
        let (n, d) = (9, 301);
        let x = numbers(n * d, 3.0);
        let view = MatRef::from_row_major(&x, n, d).unwrap();
        let means = column_means(view, None);
        let found = gram_of_rows(view, &means, &Control::new()).unwrap();
        for i in 0..n {
            for j in 0..n {
                let expected: f64 =
                    (0..d).map(|k| (view.get(i, k) - means[k]) * (view.get(j, k) - means[k])).sum();
                assert!((found[(i, j)] - expected).abs() < 1e-10);
            }
        }
    }

    #[test]
    fn large_means_cancel_nothing() {
        let n = 2000;
        let x: Vec<f64> =
            (0..n).map(|i| 1e9 + (i as f64).sin() + if i == 0 { 1e7 } else { 0.0 }).collect();
        let view = MatRef::from_row_major(&x[1..], n - 1, 1).unwrap();
        let found = gram(view, None, None, true, &Control::new()).unwrap();
        let expected: f64 = {
            let sines: Vec<f64> = x[1..].iter().map(|v| v - 1e9).collect();
            let mean = sines.iter().sum::<f64>() / sines.len() as f64;
            sines.iter().map(|s| (s - mean) * (s - mean)).sum()
        };
        assert!((found.xx[(0, 0)] / expected - 1.0).abs() < 1e-10);
    }

    #[test]
    fn threads_do_not_change_bits_and_cancelling_is_answered() {
        for (n, d) in [(20_000, 13), (300, 1030)] {
            let x = numbers(n * d, 1.0);
            let view = MatRef::from_row_major(&x, n, d).unwrap();
            let run = |threads| {
                with_threads(threads, || gram(view, None, None, true, &Control::new()).unwrap().xx)
            };
            let expected = run(1);
            assert_eq!(expected, run(2));
            assert_eq!(expected, run(7));
        }
        let control = Control::new();
        control.cancel();
        let x = numbers(100, 0.0);
        let view = MatRef::from_row_major(&x, 10, 10).unwrap();
        assert!(gram(view, None, None, true, &control).is_err());
    }

    #[test]
    fn single_precision_is_close_or_declined() {
        let control = Control::new();
        for (d, t, shift, size) in [(5, 1, 0.0, 1.0), (50, 2, 30.0, 1e-6), (33, 1, 1e3, 1e9)] {
            let n = 20_000;
            let made = |count, shift| -> Vec<f32> {
                numbers(count, shift).iter().map(|v| (v * size) as f32).collect()
            };
            let (x, y) = (made(n * d, shift), made(n * t, 5.0));
            let x = MatRef::from_row_major(&x, n, d).unwrap();
            let y = MatRef::from_row_major(&y, n, t).unwrap();
            let weights: Vec<f64> = (0..n).map(|i| 0.5 + (i % 3) as f64).collect();
            for weights in [None, Some(&weights[..])] {
                let run = |threads| {
                    let run = || gram_single(x, Some(y), weights, true, &control);
                    with_threads(threads, run).unwrap().unwrap()
                };
                let (found, exact) = (run(1), gram(x, Some(y), weights, true, &control).unwrap());
                assert_eq!(found.xx, run(7).xx);
                let variance = exact.xx[(0, 0)];
                for i in 0..d {
                    assert!((found.x_mean[i] - exact.x_mean[i]).abs() < 1e-7 * size);
                    for j in 0..d {
                        assert!((found.xx[(i, j)] - exact.xx[(i, j)]).abs() < 1e-7 * variance);
                    }
                    for j in 0..t {
                        assert!((found.xy[(i, j)] - exact.xy[(i, j)]).abs() < 1e-7 * variance);
                    }
                }
            }
        }
        let n = 20_000;
        let declines = |x: Vec<f32>| {
            let x = MatRef::from_row_major(&x, x.len(), 1).unwrap();
            gram_single(x, None, None, true, &control).unwrap().is_none()
        };
        let single = |scale: f64| numbers(n, 0.0).iter().map(|v| (v * scale) as f32).collect();
        assert!(!declines(single(1.0)));
        assert!(declines(single(1e-20)) && declines(single(1e25)));
        assert!(declines(vec![1.0; n]), "no variance");
        assert!(declines(vec![f32::NAN; n]));
        assert!(declines(numbers(100, 0.0).iter().map(|&v| v as f32).collect()), "few rows");
        let doubles = numbers(n, 0.0);
        let view = MatRef::from_row_major(&doubles, n, 1).unwrap();
        assert!(gram_single(view, None, None, true, &control).unwrap().is_none());
    }
}
