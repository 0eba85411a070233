//! Centroid and median linkage: the nearest two of all centres merge, again and again.
//!
//! A merged centre may be nearer to a third than its parts were, so merges cannot go side by side.
//! Every cluster keeps its nearest; one whose nearest is gone keeps the distance as a bound from
//! below, and looks again when that bound is the smallest number of all.

use smelt_core::parallel::for_chunks_mut;
use smelt_core::simd::vectorize;
use smelt_core::{Control, MatRef, Result};

use super::agglomerative::{Nearest, no_pair};
use super::agglomerative_matrix::{least, padded_columns};
use super::dendrogram::Merge;
use crate::neighbors::metric::Euclidean;
use crate::neighbors::tree::{LANES, lane_distances};

/// Centres column by column; NaN in the first column for those that are gone.
struct Centres {
    columns: Vec<f64>,
    stride: usize,
    d: usize,
}

/// Merges the rows of X, by means or by middles.
pub(super) fn merge_centres(
    X: MatRef<'_, f64>,
    middles: bool,
    control: &Control,
) -> Result<Vec<Merge>> {
    let (n, d) = (X.n_rows(), X.n_cols());
    let (columns, stride) = padded_columns(X);
    let mut centres = Centres { columns, stride, d };
    let mut names: Vec<u32> = (0..n as u32).collect();
    let mut sizes = vec![1.0_f64; n];
    let mut nearest = vec![Nearest::NONE; n];
    // 1. The nearest of every row.
    let view = &centres;
    for_chunks_mut(&mut nearest, 1, 16, (n * d) as f64 / 2.0, |_, slots, nearest| {
        let mut distances = vec![0.0; view.stride];
        for (slot, nearest) in slots.zip(nearest) {
            if control.check().is_err() {
                return;
            }
            *nearest = view.nearest(slot, &mut distances);
        }
    });
    control.check()?;
    let (mut merges, mut distances) = (Vec::with_capacity(n - 1), Vec::new());
    let mut bounds: Vec<f64> = nearest.iter().map(|nearest| nearest.distance).collect();
    for alive in (2..=n).rev() {
        // 2. The nearest two.
        distances.resize(centres.stride, 0.0);
        let (one, other) = loop {
            control.check()?;
            let smallest = vectorize(
                #[inline(always)]
                || least(&bounds),
            );
            let place = bounds.iter().position(|&bound| bound == smallest);
            let Some(place) = place.filter(|_| smallest < f64::INFINITY) else {
                return Err(no_pair(&merges));
            };
            let other = nearest[place].other as usize;
            if other < names.len() {
                break (place.min(other), place.max(other));
            }
            nearest[place] = centres.nearest(place, &mut distances);
            bounds[place] = nearest[place].distance;
        };
        let height = bounds[one].min(bounds[other]).sqrt();
        merges.push(Merge { one: names[one], other: names[other], height });
        // 3. The merged centre, and whom it is nearest to.
        let share = if middles { 0.5 } else { sizes[other] / (sizes[one] + sizes[other]) };
        for column in centres.columns.chunks_exact_mut(centres.stride) {
            column[one] += (column[other] - column[one]) * share; // the same where both are
        }
        centres.columns[other] = f64::NAN;
        bounds[other] = f64::INFINITY;
        sizes[one] += sizes[other];
        nearest[one] = centres.nearest(one, &mut distances);
        bounds[one] = nearest[one].distance;
        for (slot, &distance) in distances[..names.len()].iter().enumerate() {
            let known = nearest[slot].other as usize;
            if distance < bounds[slot] {
                nearest[slot] = Nearest { distance, other: one as u32 };
                bounds[slot] = distance;
            } else if (known == one || known == other) && slot != one {
                nearest[slot].other = u32::MAX; // the distance stays, as a bound
            }
        }
        // 4. Those that are left move together.
        if 2 * (alive - 1) < names.len() && names.len() > 64 {
            let kept: Vec<usize> =
                (0..names.len()).filter(|&slot| !centres.columns[slot].is_nan()).collect();
            let mut moved = vec![u32::MAX; names.len()];
            for (to, &at) in kept.iter().enumerate() {
                moved[at] = to as u32;
            }
            centres.keep(&kept);
            names = kept.iter().map(|&at| names[at]).collect();
            sizes = kept.iter().map(|&at| sizes[at]).collect();
            bounds = kept.iter().map(|&at| bounds[at]).collect();
            nearest = kept
                .iter()
                .map(|&at| {
                    let Nearest { distance, other } = nearest[at];
                    let other = moved.get(other as usize).copied().unwrap_or(u32::MAX);
                    Nearest { distance, other }
                })
                .collect();
        }
    }
    Ok(merges)
}

impl Centres {
    /// Squared distances to all centres, NaN to those that are gone and to itself; the nearest.
    fn nearest(&self, own: usize, distances: &mut [f64]) -> Nearest {
        let query: Vec<f64> = (0..self.d).map(|j| self.columns[j * self.stride + own]).collect();
        let distances = &mut distances[..self.stride];
        vectorize(
            #[inline(always)]
            || {
                for (block, out) in distances.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
                    let columns = &self.columns[block * LANES..];
                    *out = lane_distances(columns, self.stride, &query, Euclidean);
                }
                distances[own] = f64::NAN;
                let distance = least(distances);
                let other = distances.iter().position(|&found| found == distance);
                Nearest { distance, other: other.map_or(u32::MAX, |other| other as u32) }
            },
        )
    }

    fn keep(&mut self, kept: &[usize]) {
        let stride = kept.len().next_multiple_of(LANES);
        for j in 0..self.d {
            for (to, &at) in kept.iter().enumerate() {
                self.columns[j * stride + to] = self.columns[j * self.stride + at];
            }
            self.columns[j * stride + kept.len()..(j + 1) * stride].fill(f64::NAN);
        }
        self.stride = stride;
        self.columns.truncate(stride * self.d);
    }
}
