//! From joint log-probabilities to what is asked for: classes, or probabilities of some kind.

use std::sync::atomic::{AtomicBool, Ordering};

use serde::Deserialize;
use smelt_core::parallel::{chunk_size, for_chunks_mut};
use smelt_core::{Control, Mat, Real, Result};

/// Rows whose joint log-probabilities are looked at together.
const STEP: usize = 256;

/// What a prediction returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Output {
    /// The position of the most probable class.
    Label,
    /// ln P(x, class).
    JointLogProba,
    /// ln P(class | x).
    LogProba,
    /// P(class | x).
    Proba,
}

/// One position a row, or a row of numbers.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer<T> {
    /// Positions of classes.
    Labels(Vec<i64>),
    /// n × k.
    Scores(Mat<T>),
}

/// What a prediction returns, and whether each row has a finite best score.
#[derive(Debug, Clone, PartialEq)]
pub struct Prediction<T> {
    /// The answer.
    pub answer: Answer<T>,
    /// False where a row of X was not finite, or its scores overflowed.
    pub finite: bool,
}

/// Turns the scores that `joint(rows, scores)` writes (rows × k) into the answer.
///
/// `cost_ns` is the time that one row takes.
pub(super) fn classify<T: Real>(
    n_rows: usize,
    n_classes: usize,
    output: Output,
    cost_ns: f64,
    control: &Control,
    joint: impl Fn(std::ops::Range<usize>, &mut [T]) + Sync,
) -> Result<Prediction<T>> {
    let finite = AtomicBool::new(true);
    let chunk = chunk_size(n_rows, STEP);
    let answer = if output == Output::Label {
        let mut labels = vec![0_i64; n_rows];
        for_chunks_mut(&mut labels, 1, chunk, cost_ns, |_, range, labels| {
            let mut scores = vec![T::ZERO; STEP.min(range.len()) * n_classes];
            for start in range.clone().step_by(STEP) {
                let stop = (start + STEP).min(range.end);
                if control.check().is_err() {
                    return;
                }
                let scores = &mut scores[..(stop - start) * n_classes];
                joint(start..stop, scores);
                for (i, scores) in (start..).zip(scores.chunks(n_classes)) {
                    let best = best_of(scores);
                    labels[i - range.start] = best as i64;
                    if !scores[best].is_finite() {
                        finite.store(false, Ordering::Relaxed);
                    }
                }
            }
        });
        Answer::Labels(labels)
    } else {
        let mut all = Mat::zeros(n_rows, n_classes);
        for_chunks_mut(all.as_mut_slice(), n_classes, chunk, cost_ns, |_, range, all| {
            for start in range.clone().step_by(STEP) {
                let stop = (start + STEP).min(range.end);
                if control.check().is_err() {
                    return;
                }
                let place = (start - range.start) * n_classes..(stop - range.start) * n_classes;
                let scores = &mut all[place];
                joint(start..stop, scores);
                for scores in scores.chunks_mut(n_classes) {
                    let best = scores[best_of(scores)];
                    if !best.is_finite() {
                        finite.store(false, Ordering::Relaxed);
                    }
                    normalise(scores, best, output);
                }
            }
        });
        Answer::Scores(all)
    };
    control.check()?;
    Ok(Prediction { answer, finite: finite.into_inner() })
}

/// The first of the largest scores; as in NumPy, NaN counts as the largest of all.
fn best_of<T: Real>(scores: &[T]) -> usize {
    let mut best = 0;
    for (c, &score) in scores.iter().enumerate() {
        if scores[best].is_nan() {
            break;
        }
        if score > scores[best] || score.is_nan() {
            best = c;
        }
    }
    best
}

/// ln P(class | x) = joint − ln Σ exp(joint), about the largest so that nothing overflows.
fn normalise<T: Real>(scores: &mut [T], best: T, output: Output) {
    match output {
        Output::Label | Output::JointLogProba => {}
        Output::LogProba => {
            let total: T = scores.iter().map(|&score| (score - best).exp()).sum();
            let log_total = total.ln();
            scores.iter_mut().for_each(|score| *score = *score - best - log_total);
        }
        Output::Proba => {
            let mut total = T::ZERO;
            for score in scores.iter_mut() {
                *score = (*score - best).exp();
                total += *score;
            }
            scores.iter_mut().for_each(|score| *score /= total);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Answer, Output, best_of, classify};
    use smelt_core::Control;

    #[test]
    fn the_first_of_the_best_and_nan_before_all() {
        assert_eq!(best_of(&[1.0, 3.0, 3.0]), 1);
        assert_eq!(best_of(&[1.0, f64::NAN, 3.0, f64::NAN]), 1);
        assert_eq!(best_of(&[f64::NEG_INFINITY, f64::NEG_INFINITY]), 0);
    }

    #[test]
    fn probabilities_add_up_far_from_zero() {
        let joint = |rows: std::ops::Range<usize>, scores: &mut [f64]| {
            for (i, scores) in rows.zip(scores.chunks_mut(2)) {
                scores.copy_from_slice(&[-1e5 - i as f64, -1e5]);
            }
        };
        let found = classify(300, 2, Output::Proba, 1.0, &Control::new(), joint);
        let Ok(Answer::Scores(found)) = found.map(|found| found.answer) else { panic!("scores") };
        let expected = 1.0 / (1.0 + (-3.0_f64).exp());
        assert!((found[(3, 1)] - expected).abs() < 1e-15);
        assert!((found[(299, 0)] + found[(299, 1)] - 1.0).abs() < 1e-15);
    }
}
