//! Scores of rows against many centres, offset + factor · x·c, reduced while they are in registers.
//!
//! Nothing of size rows × centres is ever stored: a tile of scores (six centres with two vectors full
//! of rows) is computed in twelve vector registers and handed to a [`Reduce`], which keeps the nearest
//! centre ([`nearest`]), the two nearest ([`two_nearest`]), or whatever it likes ([`each_score`];
//! [`each_below`]: the k nearest, all within a radius).
//!
//! Cost: 2·d flops a score and three to five instructions a vector of scores for the reduction.  An
//! AVX2 core does 32 (f32) or 16 (f64) flops a cycle at best; the inner loop loads eight vectors for
//! twelve multiply-adds and is bound by these: 84 Gflop/s (f32) and 42 (f64) a core at d = 100, k = 1000,
//! which is that limit at 2.6 GHz; 62 and 30 at d = 20, k = 100, where turning the rows and comparing
//! take the rest.  Rows are turned, so that a vector holds a column of
//! them and every lane belongs to one row: no reduction crosses lanes.  Centres are packed once, six
//! side by side; blocks of them stay in the second-level cache while rows in the first go by.
//!
//! Every score is one chain of multiply-adds over the columns in order, starting with the centre's
//! offset, whatever the position in a tile, the width of the vectors and the number of threads.  All
//! functions here run on the calling thread: callers cut the rows into chunks.

use smelt_core::MatRef;
use smelt_core::lanes::{Lanes, Simd, WithSimd, dispatch};

/// Centres of a tile.
const SIX: usize = 6;
/// Vectors of rows of a tile.
const TWO: usize = 2;
/// Bytes of turned rows kept at once.
const ROWS_BYTES: usize = 64 << 10;
/// Most rows whose state is kept at once.
const MAX_ROWS: usize = 1024;
/// Bytes of rows that stay in the first-level cache.
const NEAR_BYTES: usize = 12 << 10;
/// Bytes of packed centres that stay in the second-level cache.
const CENTRES_BYTES: usize = 384 << 10;

/// Packed centres: six side by side, column after column.
#[derive(Debug, Clone)]
pub struct Centres<T> {
    data: Vec<[T; SIX]>,
    offsets: Vec<[T; SIX]>,
    n_centres: usize,
    n_columns: usize,
}

impl<T: Lanes> Centres<T> {
    /// Centres with their offsets (one each) and a common factor: score = offset + factor · x·c.
    ///
    /// Panics unless there is one offset a centre.
    pub fn new(centres: MatRef<'_, T>, factor: T, offsets: &[T]) -> Self {
        let (n_centres, n_columns) = (centres.n_rows(), centres.n_cols());
        assert_eq!(offsets.len(), n_centres);
        let n_groups = n_centres.div_ceil(SIX);
        let mut out = Self {
            data: vec![[T::ZERO; SIX]; n_groups * n_columns],
            // No score of a centre that is not there is below anything.
            offsets: vec![[T::INFINITY; SIX]; n_groups],
            n_centres,
            n_columns,
        };
        for i in 0..n_centres {
            out.offsets[i / SIX][i % SIX] = offsets[i];
            for j in 0..n_columns {
                out.data[i / SIX * n_columns + j][i % SIX] = factor * centres.get(i, j);
            }
        }
        out
    }

    /// Centres whose scores are |c|² − 2 x·c: squared distances without |x|².
    pub fn of_distances(centres: MatRef<'_, T>) -> Self {
        let norm = |i| {
            let values = (0..centres.n_cols()).map(|j| centres.get(i, j));
            values.fold(T::ZERO, |sum, value| value.mul_add(value, sum))
        };
        let norms: Vec<T> = (0..centres.n_rows()).map(norm).collect();
        Self::new(centres, T::from_f64(-2.0), &norms)
    }

    /// Number of centres.
    pub fn n_centres(&self) -> usize {
        self.n_centres
    }

    /// Number of columns of a centre.
    pub fn n_columns(&self) -> usize {
        self.n_columns
    }
}

/// Where a tile stands.
#[derive(Debug, Clone, Copy)]
pub struct Tile {
    /// Its first row.
    pub row: usize,
    /// Rows that count; the others of the tile repeat the last of them.
    pub n_rows: usize,
    /// Its first centre; centres come in ascending order for each row.
    pub centre: usize,
    /// Centres that count; the scores of the others are infinite.
    pub n_centres: usize,
}

/// What is done with a tile of scores while they are in registers.
pub trait Reduce<T: Lanes> {
    /// Takes the scores of six centres, each with two vectors of rows; must be `#[inline(always)]`.
    ///
    /// Tiles of a row start at multiples of two vectors from its call's first row.
    fn tile<S: Simd>(&mut self, simd: S, tile: Tile, scores: &[[T::Vector<S>; TWO]; SIX]);
}

/// Computes the scores of rows (`row(i)` gives row i of `n_rows`) with all centres, and hands them to
/// `reduce` tile by tile.
///
/// `reduce` should keep its state small: see [`rows_at_once`] for how many rows are worth a call.
pub fn each_tile<'a, T: Lanes>(
    n_rows: usize,
    row: impl Fn(usize) -> &'a [T],
    centres: &Centres<T>,
    reduce: &mut impl Reduce<T>,
) {
    dispatch(EachTile { n_rows, row, centres, reduce });
}

/// Rows that [`each_tile`] should get in a call: as many as stay in the second-level cache.
pub fn rows_at_once<T>(n_columns: usize) -> usize {
    (ROWS_BYTES / (n_columns * size_of::<T>()).max(1)).clamp(32, MAX_ROWS).next_multiple_of(32)
}

struct EachTile<'b, T, F, K> {
    n_rows: usize,
    row: F,
    centres: &'b Centres<T>,
    reduce: &'b mut K,
}

impl<'a, T: Lanes, F: Fn(usize) -> &'a [T], K: Reduce<T>> WithSimd for EachTile<'_, T, F, K> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { n_rows, row, centres, reduce } = self;
        let (d, width) = (centres.n_columns, TWO * T::width::<S>());
        let bytes = (d * size_of::<T>()).max(1);
        // 1. Turn the rows: panels of `width` rows, column after column.
        let n_panels = n_rows.div_ceil(width);
        let mut panels = vec![T::ZERO; n_panels * d * width];
        for panel in 0..n_panels {
            let out = &mut panels[panel * d * width..][..d * width];
            turn(|l| row((panel * width + l).min(n_rows - 1)), width, d, out);
        }
        // 2. Tiles: blocks of centres, blocks of panels, centres by six, panels.
        let near = (NEAR_BYTES / (bytes * width)).max(1);
        let block = (CENTRES_BYTES / (bytes * SIX)).max(1);
        let n_groups = centres.offsets.len();
        for first_group in (0..n_groups).step_by(block) {
            for first_panel in (0..n_panels).step_by(near) {
                for group in first_group..(first_group + block).min(n_groups) {
                    let data = &centres.data[group * d..][..d];
                    let offsets = &centres.offsets[group];
                    let centre = group * SIX;
                    for panel in first_panel..(first_panel + near).min(n_panels) {
                        let rows = &panels[panel * d * width..][..d * width];
                        let rows = T::vectors::<S>(rows).0.as_chunks::<TWO>().0;
                        let scores = scores::<S, T>(simd, rows, offsets, data);
                        let tile = Tile {
                            row: panel * width,
                            n_rows: width.min(n_rows - panel * width),
                            centre,
                            n_centres: SIX.min(centres.n_centres - centre),
                        };
                        reduce.tile(simd, tile, &scores);
                    }
                }
            }
        }
    }
}

/// Writes `width` rows column after column.
#[inline(always)]
fn turn<'a, T: Lanes>(row: impl Fn(usize) -> &'a [T], width: usize, d: usize, out: &mut [T]) {
    for l in 0..width {
        for (column, &value) in out.chunks_exact_mut(width).zip(&row(l)[..d]) {
            column[l] = value;
        }
    }
}

#[inline(always)]
fn scores<S: Simd, T: Lanes>(
    simd: S,
    rows: &[[T::Vector<S>; TWO]],
    offsets: &[T; SIX],
    centres: &[[T; SIX]],
) -> [[T::Vector<S>; TWO]; SIX] {
    let n = centres.len();
    let rows = &rows[..n];
    let mut sums = [[T::splat(simd, T::ZERO); TWO]; SIX];
    for c in 0..SIX {
        sums[c] = [T::splat(simd, offsets[c]); TWO];
    }
    for k in 0..n {
        let right = &rows[k];
        for c in 0..SIX {
            let factor = T::splat(simd, centres[k][c]);
            for v in 0..TWO {
                sums[c][v] = T::fused(simd, factor, right[v], sums[c][v]);
            }
        }
    }
    sums
}

/// The smallest score of each row and its centre; with SECOND the second smallest score too.
struct Smallest<T, const SECOND: bool> {
    best: Vec<T>,
    /// Centres as numbers: exact up to 2²⁴.
    centre: Vec<T>,
    second: Vec<T>,
}

impl<T: Lanes, const SECOND: bool> Smallest<T, SECOND> {
    fn new(n_rows: usize) -> Self {
        let size = n_rows.next_multiple_of(32);
        let second = if SECOND { vec![T::INFINITY; size] } else { Vec::new() };
        Self { best: vec![T::INFINITY; size], centre: vec![T::ZERO; size], second }
    }

    fn start(&mut self) {
        self.best.fill(T::INFINITY);
        self.centre.fill(T::ZERO);
        self.second.fill(T::INFINITY);
    }
}

impl<T: Lanes, const SECOND: bool> Reduce<T> for Smallest<T, SECOND> {
    #[inline(always)]
    fn tile<S: Simd>(&mut self, simd: S, tile: Tile, scores: &[[T::Vector<S>; TWO]; SIX]) {
        let rows = tile.row..tile.row + TWO * T::width::<S>();
        let best = T::vectors_mut::<S>(&mut self.best[rows.clone()]).0;
        let centre = T::vectors_mut::<S>(&mut self.centre[rows.clone()]).0;
        let second = if SECOND { T::vectors_mut::<S>(&mut self.second[rows]).0 } else { &mut [] };
        for v in 0..TWO {
            let (mut low, mut place) = (best[v], centre[v]);
            let mut next = if SECOND { second[v] } else { low };
            for c in 0..SIX {
                let score = scores[c][v];
                if SECOND {
                    next = T::smaller(simd, next, T::larger(simd, low, score));
                }
                let here = T::splat(simd, T::from_f64((tile.centre + c) as f64));
                place = T::select(simd, T::less(simd, score, low), here, place);
                low = T::smaller(simd, score, low);
            }
            (best[v], centre[v]) = (low, place);
            if SECOND {
                second[v] = next;
            }
        }
    }
}

fn smallest<'a, T: Lanes, const SECOND: bool>(
    row: impl Fn(usize) -> &'a [T],
    centres: &Centres<T>,
    labels: &mut [u32],
    scores: &mut [T],
    seconds: &mut [T],
) {
    assert!(T::IS_F64 || centres.n_centres <= 1 << 24);
    let step = rows_at_once::<T>(centres.n_columns);
    let mut state = Smallest::<T, SECOND>::new(labels.len().min(step));
    for first in (0..labels.len()).step_by(step) {
        let rows = first..(first + step).min(labels.len());
        state.start();
        each_tile(rows.len(), |i| row(first + i), centres, &mut state);
        for (label, centre) in labels[rows.clone()].iter_mut().zip(&state.centre) {
            *label = centre.to_f64() as u32;
        }
        scores[rows.clone()].copy_from_slice(&state.best[..rows.len()]);
        if SECOND {
            seconds[rows.clone()].copy_from_slice(&state.second[..rows.len()]);
        }
    }
}

/// The centre with the smallest score for each row (the first of equals), and that score.
///
/// Panics with over 2²⁴ centres of `f32`.
pub fn nearest<'a, T: Lanes>(
    row: impl Fn(usize) -> &'a [T],
    centres: &Centres<T>,
    labels: &mut [u32],
    scores: &mut [T],
) {
    smallest::<T, false>(row, centres, labels, scores, &mut []);
}

/// The centre with the smallest score for each row (the first of equals), that score, and the
/// smallest score of all other centres (infinity where there is none).
///
/// Panics with over 2²⁴ centres of `f32`.
pub fn two_nearest<'a, T: Lanes>(
    row: impl Fn(usize) -> &'a [T],
    centres: &Centres<T>,
    labels: &mut [u32],
    scores: &mut [T],
    seconds: &mut [T],
) {
    smallest::<T, true>(row, centres, labels, scores, seconds);
}

/// Calls `take(first row, centre, scores)`: the scores of a few rows behind each other with a centre.
///
/// `take` should be `#[inline(always)]`.
pub fn each_score<'a, T: Lanes>(
    n_rows: usize,
    row: impl Fn(usize) -> &'a [T],
    centres: &Centres<T>,
    mut take: impl FnMut(usize, usize, &[T]),
) {
    let step = rows_at_once::<T>(centres.n_columns);
    for first in (0..n_rows).step_by(step) {
        let count = step.min(n_rows - first);
        let mut reduce = Each(
            #[inline(always)]
            |row, centre, scores: &[T]| take(first + row, centre, scores),
        );
        each_tile(count, |i| row(first + i), centres, &mut reduce);
    }
}

struct Each<F>(F);

impl<T: Lanes, F: FnMut(usize, usize, &[T])> Reduce<T> for Each<F> {
    #[inline(always)]
    fn tile<S: Simd>(&mut self, _: S, tile: Tile, scores: &[[T::Vector<S>; TWO]; SIX]) {
        for c in 0..tile.n_centres {
            (self.0)(tile.row, tile.centre + c, &T::numbers::<S>(&scores[c])[..tile.n_rows]);
        }
    }
}

/// Calls `take(row, centre, score)` for scores below the row's limit; it returns the row's new limit.
///
/// For the k nearest (the limit is the k-th smallest score so far) and all within a radius.  Centres
/// come in ascending order for each row; `limits`, one a row, holds the last limits afterwards.
pub fn each_below<'a, T: Lanes>(
    row: impl Fn(usize) -> &'a [T],
    centres: &Centres<T>,
    limits: &mut [T],
    mut take: impl FnMut(usize, usize, T) -> T,
) {
    let step = rows_at_once::<T>(centres.n_columns);
    let mut near = vec![T::ZERO; step.min(limits.len()).next_multiple_of(32)];
    for first in (0..limits.len()).step_by(step) {
        let rows = first..(first + step).min(limits.len());
        // Rows that are not there take nothing.
        near.fill(-T::INFINITY);
        near[..rows.len()].copy_from_slice(&limits[rows.clone()]);
        let mut reduce =
            Limited { limits: &mut near, take: |i, centre, score| take(first + i, centre, score) };
        each_tile(rows.len(), |i| row(first + i), centres, &mut reduce);
        limits[rows.clone()].copy_from_slice(&near[..rows.len()]);
    }
}

struct Limited<'b, T, F> {
    limits: &'b mut [T],
    take: F,
}

impl<T: Lanes, F: FnMut(usize, usize, T) -> T> Reduce<T> for Limited<'_, T, F> {
    #[inline(always)]
    fn tile<S: Simd>(&mut self, simd: S, tile: Tile, scores: &[[T::Vector<S>; TWO]; SIX]) {
        let width = T::width::<S>();
        for v in 0..TWO {
            let limits = &mut self.limits[tile.row + v * width..][..width];
            let limit = T::vectors::<S>(limits).0[0];
            let mut low = scores[0][v];
            for c in 1..SIX {
                low = T::smaller(simd, low, scores[c][v]);
            }
            if T::any_less(simd, low, limit) {
                for c in 0..tile.n_centres {
                    let scores = T::numbers::<S>(&scores[c][v..=v]);
                    for (l, (limit, &score)) in limits.iter_mut().zip(scores).enumerate() {
                        if score < *limit {
                            *limit = (self.take)(tile.row + v * width + l, tile.centre + c, score);
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
#[path = "tiles_tests.rs"]
mod tests;
