//! Best cuts of few rows: every row's code is tried as the last one on the left, all at once.
//!
//! 1. Draw columns; rows of one code make a column constant.
//! 2. Row after row, class by class: its weight is added to all candidates that it lies left of, in
//!    bytes.
//! 3. With the weights l_k left of a candidate, Σ l_k² and Σ w_k l_k in 16 bits; from them
//!    Σ l_k² / Σ l_k + Σ r_k² / Σ r_k in f32.  No column after a cut into pure children is scored.
//! 4. Candidates within rounding of the best score are compared by the criterion itself, in the order
//!    of columns and codes.
//!
//! Cost of a column: four operations a row, on 32 or 64 bytes, ten a class, and one division for all.

use smelt_core::simd::bytes::{LANES, Moments, at_least, equal, ones, sums_up_to, up_to};

use super::super::super::criterion_classes::gini_proxy;
use super::super::{Draws, Word};
use super::fetched::Fetched;
use super::{Cut, Node, Table, first_of};

/// Scores this close to the best may be the best: a few roundings in f32.
const ROUNDING: f32 = 1e-6;

/// Finder of best cuts among up to C · 16 rows.
#[derive(Debug)]
pub(super) struct Best<const C: usize> {
    codes: Fetched<C>,
    drawn: Vec<u32>,
    scores: Vec<[[f32; LANES]; C]>,
}

/// A cut behind a row's code.
#[derive(Debug, Clone, Copy)]
struct Candidate {
    /// Place of its column among those drawn.
    place: usize,
    code: u8,
    left: u64,
    proxy: f64,
}

impl<const C: usize> Best<C> {
    /// For a table whose rows are `stride` long.
    pub(super) fn new(stride: usize) -> Self {
        Self { codes: Fetched::new(stride), drawn: Vec::new(), scores: Vec::new() }
    }

    /// Takes up the rows of a root.
    #[inline(always)]
    pub(super) fn take_up(&mut self, table: Table<'_>, words: &[Word]) {
        self.codes.take_up(words, table.columns.stride);
    }

    /// Whether a column's values are as good as the same.
    #[inline(always)]
    fn is_constant(&mut self, table: Table<'_>, feature: usize, rows: u64) -> bool {
        let codes = self.codes.column(table.codes, feature);
        let flat = codes.as_flattened();
        if rows & !equal(codes, flat[first_of(rows)]) == 0 {
            return true;
        }
        let column = &table.columns.columns[feature];
        if !column.has_close {
            return false;
        }
        let (low, high) = ones(rows)
            .fold((u8::MAX, 0), |(low, high), row| (flat[row].min(low), flat[row].max(high)));
        column.are_close(low.into(), high.into())
    }

    /// Scores the columns drawn from `start` on, up to one that parts the classes; their highest
    /// score, and how many columns are scored now.
    #[inline(always)]
    fn score(
        &mut self,
        table: Table<'_>,
        node: &Node<'_>,
        start: usize,
        draws: &Draws<'_, '_>,
    ) -> (f32, usize) {
        let mut highest = f32::NEG_INFINITY;
        let Self { codes, drawn, scores } = self;
        let least = draws.limits.min_weight_leaf.max(1.0) as f32;
        let mut bounds = [[f32::INFINITY; LANES]; C];
        ones(node.rows).for_each(|row| bounds[row / LANES][row % LANES] = least);
        scores.resize(drawn.len().max(scores.len()), [[0.0; LANES]; C]);
        for (place, &feature) in drawn.iter().enumerate().skip(start) {
            let codes = codes.column(table.codes, feature as usize);
            let scores = &mut scores[place];
            score(codes, node, &bounds, scores);
            if draws.limits.min_samples_leaf > 1 {
                let (n, least) = (node.rows.count_ones(), draws.limits.min_samples_leaf as u32);
                for row in ones(node.rows) {
                    let code = codes.as_flattened()[row];
                    let n_left = (up_to(codes, code) & node.rows).count_ones();
                    if n_left < least || n - n_left < least {
                        scores.as_flattened_mut()[row] = f32::NEG_INFINITY;
                    }
                }
            }
            let of_column = largest_of(scores);
            highest = if of_column > highest { of_column } else { highest };
            if highest >= node.weight as f32 {
                // No cut is better.
                return (highest, place + 1);
            }
        }
        (highest, drawn.len())
    }

    /// 4. The best of the columns scored.
    #[inline(always)]
    fn choose(
        &mut self,
        table: Table<'_>,
        node: &Node<'_>,
        highest: f32,
        n_scored: usize,
    ) -> Option<Candidate> {
        let bound = highest * (1.0 - ROUNDING);
        let mut best: Option<Candidate> = None;
        let Self { codes, drawn, scores } = self;
        for (place, &feature) in drawn[..n_scored].iter().enumerate() {
            let mut rows = at_least(&scores[place], bound);
            if rows == 0 {
                continue;
            }
            let codes = codes.column(table.codes, feature as usize);
            while rows != 0 {
                let code = codes.as_flattened()[first_of(rows)];
                rows &= !equal(codes, code);
                let left = up_to(codes, code) & node.rows;
                let (squares, weights) = node.sides(left);
                let proxy = gini_proxy(squares, weights);
                let is_better = best.is_none_or(|best| {
                    proxy > best.proxy
                        || (proxy == best.proxy && place == best.place && code < best.code)
                });
                if is_better {
                    best = Some(Candidate { place, code, left, proxy });
                }
            }
        }
        best
    }

    /// The best cut of a node.
    #[inline(always)]
    pub(super) fn find(
        &mut self,
        table: Table<'_>,
        node: &Node<'_>,
        draws: &mut Draws<'_, '_>,
    ) -> Option<Cut> {
        // 1. Columns.
        self.drawn.clear();
        while let Some(feature) = draws.drawing.next(draws.random) {
            if self.is_constant(table, feature, node.rows) {
                draws.drawing.is_constant();
            } else {
                draws.drawing.is_of_use();
                self.drawn.push(feature as u32);
            }
        }
        // 2. and 3.
        let (mut highest, mut n_scored) = self.score(table, node, 0, draws);
        while highest > f32::NEG_INFINITY {
            let best = self.choose(table, node, highest, n_scored)?;
            let feature = self.drawn[best.place] as usize;
            let column = &table.columns.columns[feature];
            let codes = self.codes.column(table.codes, feature);
            let rest = ones(node.rows & !best.left).map(|row| codes.as_flattened()[row]);
            let next = rest.fold(u8::MAX, |least, code| code.min(least));
            let (last, next) = (best.code.into(), next.into());
            if !column.has_close || !column.are_close(last, next) {
                let threshold = column.threshold(last, next);
                return Some(Cut { feature, threshold, left: best.left });
            }
            // Values as good as the same are not parted: on to the next best cut.
            let taken = equal(codes, best.code);
            let scores = self.scores[best.place].as_flattened_mut();
            ones(taken).for_each(|row| scores[row] = f32::NEG_INFINITY);
            let (of_rest, n_all) = self.score(table, node, n_scored, draws);
            let scored = self.scores[..n_scored].iter().map(largest_of);
            highest = scored.fold(of_rest, f32::max);
            n_scored = n_all;
        }
        None
    }
}

/// 2. and 3. of one column; `bounds` is the least weight of a child, infinite for rows outside.
#[inline(always)]
fn score<const C: usize>(
    codes: &[[u8; LANES]; C],
    node: &Node<'_>,
    bounds: &[[f32; LANES]; C],
    scores: &mut [[f32; LANES]; C],
) {
    let (mut moments, mut squares) = (Moments::<C>::default(), 0);
    let flat = codes.as_flattened();
    for (class, &total) in node.held.classes.iter().zip(node.weights) {
        if total == 0 {
            continue;
        }
        let rows = ones(node.rows & class).map(
            #[inline(always)]
            |row| (flat[row % (LANES * C)], node.held.weights[row]),
        );
        moments.add(&sums_up_to(codes, rows), total as u16);
        squares += total * total;
    }
    let (weight, squares) = (node.weight as f32, squares as f32);
    for chunk in 0..C {
        let (sums, of_left) = (&moments.sums[chunk], &moments.squares[chunk]);
        let (products, bounds) = (&moments.products[chunk], &bounds[chunk]);
        let scores = &mut scores[chunk];
        for lane in 0..LANES {
            let left = f32::from(sums[lane]);
            let right = weight - left;
            let squares_left = f32::from(of_left[lane]);
            // Σ (w_k − l_k)²; whole numbers below 2^24 all of them.
            let squares_right = squares - 2.0 * f32::from(products[lane]) + squares_left;
            let score = (squares_left * right + squares_right * left) / (left * right);
            let allowed = (left >= bounds[lane]) & (right >= bounds[lane]);
            scores[lane] = if allowed { score } else { f32::NEG_INFINITY };
        }
    }
}

/// The largest of numbers of which none is NaN.
#[inline(always)]
fn largest_of<const C: usize>(scores: &[[f32; LANES]; C]) -> f32 {
    let mut lanes = [f32::NEG_INFINITY; 8];
    for scores in scores.as_flattened().as_chunks::<8>().0 {
        for (lane, &score) in lanes.iter_mut().zip(scores) {
            *lane = if score > *lane { score } else { *lane };
        }
    }
    for half in [4, 2, 1] {
        for lane in 0..half {
            let other = lanes[lane + half];
            lanes[lane] = if other > lanes[lane] { other } else { lanes[lane] };
        }
    }
    lanes[0]
}
