//! What a Gaussian mixture says of rows: component, responsibilities, or ln p(x).

use serde::Deserialize;
use smelt_core::lanes::{Simd, WithSimd, dispatch};
use smelt_core::parallel::{chunk_size, for_chunks_mut};
use smelt_core::simd::Exponential;
use smelt_core::{Control, Mat, MatRef, Result};

use super::gaussian_mixture::{CovarianceType, Mixture, row_cost};
use super::gaussian_mixture_scores::{BLOCK, Block, Densities, normalise};

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MixtureOutput {
    /// Position of the most likely component.
    Label,
    /// P(component | x).
    Proba,
    /// ln p(x).
    LogLikelihood,
}

/// One number a row, or a row of numbers.
#[derive(Debug, Clone, PartialEq)]
pub enum MixtureAnswer<T> {
    /// Positions of components.
    Labels(Vec<i64>),
    /// n × k.
    Proba(Mat<T>),
    /// One a row.
    LogLikelihood(Vec<T>),
}

/// Answers for the rows of `x`.
pub fn gaussian_mixture_predict<T: Exponential>(
    x: MatRef<'_, T>,
    mixture: Mixture<'_>,
    kind: CovarianceType,
    output: MixtureOutput,
    control: &Control,
) -> Result<MixtureAnswer<T>> {
    mixture.check(x.n_cols(), kind)?;
    let (n, k) = (x.n_rows(), mixture.weights.len());
    let densities = &Densities::<T>::new(mixture, kind);
    let chunk = chunk_size(n, BLOCK).next_multiple_of(BLOCK);
    let cost = row_cost(kind, k, x.n_cols()) / 2.0;
    let run = |range: std::ops::Range<usize>, take: &mut dyn FnMut(usize, usize, &mut [T])| {
        dispatch(Rows { x, range, densities, control, take });
    };
    let answer = match output {
        MixtureOutput::Label => {
            let mut labels = vec![0_i64; n];
            for_chunks_mut(&mut labels, 1, chunk, cost, |_, range, labels| {
                run(range, &mut |first, count, scores| {
                    for (i, label) in labels[first..first + count].iter_mut().enumerate() {
                        let best = (1..k).fold(0, |best, c| {
                            if scores[c * BLOCK + i] > scores[best * BLOCK + i] { c } else { best }
                        });
                        *label = best as i64;
                    }
                });
            });
            MixtureAnswer::Labels(labels)
        }
        MixtureOutput::Proba => {
            let mut proba = Mat::zeros(n, k);
            for_chunks_mut(proba.as_mut_slice(), k, chunk, cost, |_, range, proba| {
                run(range, &mut |first, count, scores| {
                    normalise(scores);
                    let rows = proba[first * k..(first + count) * k].chunks_exact_mut(k);
                    for (i, row) in rows.enumerate() {
                        for (c, share) in row.iter_mut().enumerate() {
                            *share = scores[c * BLOCK + i];
                        }
                    }
                });
            });
            MixtureAnswer::Proba(proba)
        }
        MixtureOutput::LogLikelihood => {
            let mut logs = vec![T::ZERO; n];
            for_chunks_mut(&mut logs, 1, chunk, cost, |_, range, logs| {
                run(range, &mut |first, count, scores| {
                    logs[first..first + count].copy_from_slice(&normalise(scores)[..count]);
                });
            });
            MixtureAnswer::LogLikelihood(logs)
        }
    };
    control.check()?;
    Ok(answer)
}

/// Calls `take(first row of the chunk, rows, scores)` for the blocks of a chunk.
struct Rows<'a, 'b, T> {
    x: MatRef<'a, T>,
    range: std::ops::Range<usize>,
    densities: &'a Densities<T>,
    control: &'a Control,
    take: &'b mut dyn FnMut(usize, usize, &mut [T]),
}

impl<T: Exponential> WithSimd for Rows<'_, '_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { x, range, densities, control, take } = self;
        let mut block = Block::new::<S>(x.n_cols());
        let mut scores = vec![T::ZERO; densities.n_components * BLOCK];
        for first in range.clone().step_by(BLOCK) {
            let rows = first..(first + BLOCK).min(range.end);
            block.load(x, rows.clone(), &densities.origin);
            if !densities.scores(simd, &mut block, &mut scores, control) {
                return;
            }
            take(first - range.start, rows.len(), &mut scores);
        }
    }
}
