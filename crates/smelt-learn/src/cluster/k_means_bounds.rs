//! Bounds that spare k-means searches (Hamerly, "Making k-means even faster", SDM 2010).
//!
//! For each row an upper bound of the distance to its centre and a lower bound of the distances to all
//! others are kept.  When centres move, both bounds move by as much; while the upper one stays below
//! the lower one, or below half the distance from the row's centre to the next, no other centre can
//! have come nearer.  Elkan's and Yinyang's finer bounds skip single centres, which a tile of the
//! search cannot: here a row is searched whole or not at all.
//!
//! Labels are those of the search without bounds, bit for bit: the bounds hold for exact distances,
//! and a row is skipped only where the gap between them exceeds what rounding can do to the scores.

use smelt_core::lanes::Lanes;
use smelt_core::{Mat, simd};

use super::k_means_points::Points;

/// What is known of a row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row<T> {
    pub(super) label: u32,
    upper: T,
    lower: T,
}

impl<T: Lanes> Row<T> {
    pub(super) fn unknown() -> Self {
        Self { label: u32::MAX, upper: T::INFINITY, lower: T::ZERO }
    }
}

/// Where the centres stand, and how far they moved in the last step.
pub(super) struct Bounds<T> {
    moves: Vec<T>,
    /// The largest move, whose it is, and the largest of the others.
    largest: (T, u32, T),
    /// Half the distance of each centre to the next.
    half: Vec<T>,
    norms: Vec<T>,
    /// Rounding of a score: factor · (|x|² + largest |c|²).
    rounding: T,
    norm_limit: T,
}

impl<T: Lanes> Bounds<T> {
    pub(super) fn new(before: &Mat<T>, now: &Mat<T>) -> Self {
        let (k, d) = (now.n_rows(), now.n_cols());
        // A little more, and a little less, than what is computed.
        let unit = T::EPSILON * T::from_f64(2.0 * (d + 16) as f64);
        let (above, below) = (T::ONE + unit, T::ONE - unit);
        let mut out = Self {
            moves: vec![T::ZERO; k],
            largest: (T::ZERO, 0, T::ZERO),
            half: vec![T::ZERO; k],
            norms: vec![T::ZERO; k],
            rounding: unit,
            norm_limit: T::ZERO,
        };
        simd::vectorize(
            #[inline(always)]
            || {
                for c in 0..k {
                    out.moves[c] = simd::sq_dist(before.row(c), now.row(c)).sqrt() * above;
                    out.norms[c] = simd::dot(now.row(c), now.row(c));
                }
            },
        );
        // Distances between centres pay only while they are few beside the rows' dimension.
        let mut nearest = vec![T::INFINITY; k];
        if k <= 256 {
            simd::vectorize(
                #[inline(always)]
                || {
                    for a in 0..k {
                        for b in 0..a {
                            let distance = simd::sq_dist(now.row(a), now.row(b));
                            nearest[a] = nearest[a].min(distance);
                            nearest[b] = nearest[b].min(distance);
                        }
                    }
                },
            );
            for (half, nearest) in out.half.iter_mut().zip(nearest) {
                *half = nearest.sqrt() * T::from_f64(0.5) * below;
            }
        }
        for (c, &step) in out.moves.iter().enumerate() {
            let (first, _, second) = out.largest;
            if step > first {
                out.largest = (step, c as u32, first);
            } else if step > second {
                out.largest.2 = step;
            }
        }
        out.norm_limit = out.norms.iter().fold(T::ZERO, |limit, &norm| limit.max(norm));
        out
    }

    /// Moves the bounds of a row; whether it must be searched.
    #[inline(always)]
    pub(super) fn must_search(
        &self,
        row: &mut Row<T>,
        i: usize,
        points: &Points<'_, T>,
        centres: &Mat<T>,
    ) -> bool {
        if row.label == u32::MAX {
            return true;
        }
        let own = row.label as usize;
        let (first, of, second) = self.largest;
        let unit = T::ONE + T::EPSILON + T::EPSILON;
        row.upper = (row.upper + self.moves[own]) * unit;
        let step = if of == row.label { second } else { first };
        row.lower = (row.lower - step * unit).max(T::ZERO);
        row.lower *= T::ONE - T::EPSILON - T::EPSILON;
        let limit = row.lower.max(self.half[own]);
        let error = self.error(points.norms[i]);
        if self.apart(row.upper, limit, error) {
            return false;
        }
        // The distance itself instead of its bound.
        let dot = points.dot(i, centres.row(own));
        let square = points.norms[i] + self.norms[own] - (dot + dot);
        row.upper = (square.max(T::ZERO) + error).sqrt() * unit;
        !self.apart(row.upper, limit, error)
    }

    /// What rounding can add to a score, or take off.
    #[inline(always)]
    fn error(&self, norm: T) -> T {
        self.rounding * (norm + self.norm_limit)
    }

    /// Whether scores at these distances cannot change places by rounding.
    #[inline(always)]
    fn apart(&self, upper: T, lower: T, error: T) -> bool {
        (lower - upper) * (lower + upper) > error + error + error
    }

    /// Sets the bounds of a row after a search.
    #[inline(always)]
    pub(super) fn set(&self, row: &mut Row<T>, norm: T, score: T, second: T) {
        let error = self.error(norm);
        row.upper = ((score + norm).max(T::ZERO) + error).sqrt() * (T::ONE + T::EPSILON);
        row.lower = (second + norm - error).max(T::ZERO).sqrt() * (T::ONE - T::EPSILON);
    }
}
