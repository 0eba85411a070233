//! The inner part of the Gram pass: panels of columns, and the products of two panels.
//!
//! A block of rows is packed into panels: panel p holds columns P·p..P·(p + 1), row after row, one
//! cache line a row, so that a product reads memory in order.  A tile is the products of six columns
//! with a panel; its sums stay in vector registers while the rows of the block go by (with AVX2
//! twelve of the sixteen, two hold the right side and one the left; with fewer sums the
//! multiply-adds would wait for each other).
//!
//! Every sum runs over the rows in order, whatever the width of the vectors.

use std::ops::Range;

use smelt_core::lanes::{Lanes, Simd, WithSimd, dispatch};
use smelt_core::simd::prefetch;
use smelt_core::{MatRef, Real};

/// Columns on the left of a tile.
const HEIGHT: usize = 6;

/// Sums of products: `tile[r][l]` belongs to column r on the left and l on the right.
pub(super) type Tile<const P: usize> = [[f64; P]; HEIGHT];

/// Which columns stand in which panel, and which tiles are computed.
///
/// What is left free of the first panel is its start: there a panel has the fewest tiles.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout<const P: usize> {
    /// Columns that are multiplied with all columns from the left.
    n_left: usize,
    n_columns: usize,
}

impl<const P: usize> Layout<P> {
    pub(super) fn new(n_left: usize, n_columns: usize) -> Self {
        Self { n_left, n_columns }
    }

    pub(super) fn n_panels(&self) -> usize {
        self.n_columns.div_ceil(P)
    }

    /// Place of column `j` among the places of all panels.
    fn place(&self, j: usize) -> usize {
        self.n_panels() * P - self.n_columns + j
    }

    /// First place of a tile.
    fn origin(&self) -> usize {
        self.place(0) / 2 * 2
    }

    /// Number of tiles of a panel: those down to the diagonal.
    pub(super) fn n_tiles(&self, panel: usize) -> usize {
        let end = (P * (panel + 1)).min(self.place(self.n_left));
        end.saturating_sub(self.origin()).div_ceil(HEIGHT)
    }

    /// The tiles of each panel.
    pub(super) fn tiles(&self) -> Vec<Range<usize>> {
        let mut end = 0;
        let next = |panel| {
            end += self.n_tiles(panel);
            end - self.n_tiles(panel)..end
        };
        (0..self.n_panels()).map(next).collect()
    }

    /// The product of columns i and j ≥ i.
    pub(super) fn product(
        &self,
        of_panel: &[Range<usize>],
        tiles: &[Tile<P>],
        i: usize,
        j: usize,
    ) -> f64 {
        let (left, right) = (self.place(i) - self.origin(), self.place(j));
        tiles[of_panel[right / P].start + left / HEIGHT][left % HEIGHT][right % P]
    }
}

/// What is subtracted from the entries while they are packed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shift<'a, A> {
    /// One number a column.
    pub(super) columns: &'a [A],
    /// One number a row.
    pub(super) rows: Option<&'a [A]>,
}

/// Packed rows, panel after panel, in numbers of type A.
pub(super) struct Block<A, const P: usize> {
    layout: Layout<P>,
    data: Vec<[A; P]>,
    /// Rows between two panels: one more than the rows held, lest panels share cache sets.
    stride: usize,
    n_rows: usize,
}

impl<A: Lanes, const P: usize> Block<A, P> {
    pub(super) fn new(layout: Layout<P>, capacity: usize) -> Self {
        let stride = (capacity + 2) | 1;
        let data = vec![[A::ZERO; P]; (layout.n_panels() + 1) * stride];
        Self { layout, data, stride, n_rows: 0 }
    }

    /// Starts over with `n_rows` rows; the caller packs all columns.
    pub(super) fn start(&mut self, n_rows: usize) {
        self.n_rows = n_rows;
    }

    /// The rows of one panel.
    #[inline(always)]
    fn panel(&self, index: usize) -> &[[A; P]] {
        &self.data[index * self.stride..][..self.n_rows]
    }

    /// Packs rows `rows` of `x` as columns `first..first + x.n_cols()`, shifted, then scaled by row.
    #[inline(always)]
    pub(super) fn pack<T: Real>(
        &mut self,
        x: MatRef<'_, T>,
        rows: Range<usize>,
        first: usize,
        shift: Shift<'_, A>,
        scale: Option<&[A]>,
    ) {
        match (shift.rows, scale) {
            (_, _) if !x.has_contiguous_rows() => self.pack_columns(x, rows, first, shift, scale),
            (None, None) => self.pack_rows(x, rows, first, shift.columns, |_| (A::ZERO, A::ONE)),
            (shift_rows, scale) => self.pack_rows(x, rows, first, shift.columns, |i| {
                (
                    shift_rows.map_or(A::ZERO, |shift| shift[i]),
                    scale.map_or(A::ONE, |scale| scale[i]),
                )
            }),
        }
    }

    /// `of_row` gives what is subtracted from a row, and its factor.
    #[inline(always)]
    fn pack_rows<T: Real>(
        &mut self,
        x: MatRef<'_, T>,
        rows: Range<usize>,
        first: usize,
        shift: &[A],
        of_row: impl Fn(usize) -> (A, A),
    ) {
        let place = self.layout.place(first);
        let (panel, lane) = (place / P, place % P);
        let head = (P - lane).min(x.n_cols());
        let (shift_start, shift_body) = shift.split_at(head);
        let (shift_whole, shift_rest) = shift_body.as_chunks::<P>();
        for (k, i) in rows.enumerate() {
            let of_row = of_row(i);
            let (start, body) = x.row(i).split_at(head);
            let (whole, rest) = body.as_chunks::<P>();
            let out = &mut self.data[panel * self.stride + k..];
            pack_few(&mut out[0][lane..], start, shift_start, of_row);
            for (q, (values, shift)) in whole.iter().zip(shift_whole).enumerate() {
                out[(q + 1) * self.stride] = moved(values, shift, of_row);
            }
            if !rest.is_empty() {
                pack_few(&mut out[(whole.len() + 1) * self.stride], rest, shift_rest, of_row);
            }
        }
    }

    /// Column by column; the columns of a panel together, so that they write whole cache lines.
    #[inline(always)]
    fn pack_columns<T: Real>(
        &mut self,
        x: MatRef<'_, T>,
        rows: Range<usize>,
        first: usize,
        shift: Shift<'_, A>,
        scale: Option<&[A]>,
    ) {
        for j in 0..x.n_cols() {
            let place = self.layout.place(first + j);
            let out = &mut self.data[place / P * self.stride..][..rows.len()];
            let values = out.iter_mut().map(|row| &mut row[place % P]).zip(rows.clone());
            let moved = |i: usize, value: T| {
                let of_row = (
                    shift.rows.map_or(A::ZERO, |shift| shift[i]),
                    scale.map_or(A::ONE, |scale| scale[i]),
                );
                moved(&[value], &[shift.columns[j]], of_row)[0]
            };
            if x.has_contiguous_cols() {
                let column = &x.col(j)[rows.clone()];
                values.zip(column).for_each(|((out, i), &value)| *out = moved(i, value));
            } else {
                values.for_each(|(out, i)| *out = moved(i, x.get(i, j)));
            }
        }
    }

    /// Packs a column of ones, scaled by row.
    #[inline(always)]
    pub(super) fn pack_ones(&mut self, rows: Range<usize>, column: usize, scale: Option<&[A]>) {
        let place = self.layout.place(column);
        let out = &mut self.data[place / P * self.stride..][..rows.len()];
        for (out, i) in out.iter_mut().zip(rows) {
            out[place % P] = scale.map_or(A::ONE, |scale| scale[i]);
        }
    }

    /// Adds the products of a panel with the columns left of it; between the tiles the lines of
    /// `ahead` are called into the cache.
    pub(super) fn multiply<T>(
        &self,
        panel: usize,
        tiles: &mut [Tile<P>],
        ahead: &mut Ahead<'_, T>,
    ) {
        dispatch(Multiply { block: self, panel, tiles, ahead });
    }
}

/// (values − shift − shift of the row) · factor of the row
#[inline(always)]
fn moved<T: Real, A: Real, const N: usize>(
    values: &[T; N],
    shift: &[A; N],
    (row_shift, factor): (A, A),
) -> [A; N] {
    std::array::from_fn(|l| (A::from_f64(values[l].to_f64()) - shift[l] - row_shift) * factor)
}

/// [`moved`] for less than a cache line.
#[inline(always)]
fn pack_few<T: Real, A: Real>(out: &mut [A], values: &[T], shift: &[A], of_row: (A, A)) {
    let (out, out_rest) = out[..values.len()].as_chunks_mut::<4>();
    let ((values, values_rest), (shift, shift_rest)) = (values.as_chunks(), shift.as_chunks());
    for ((out, values), shift) in out.iter_mut().zip(values).zip(shift) {
        *out = moved(values, shift, of_row);
    }
    for ((out, &value), &shift) in out_rest.iter_mut().zip(values_rest).zip(shift_rest) {
        [*out] = moved(&[value], &[shift], of_row);
    }
}

/// Data that will be read next.
pub(super) struct Ahead<'a, T> {
    rest: &'a [T],
    step: usize,
}

impl<'a, T> Ahead<'a, T> {
    /// `data`, in `n_steps` steps.
    pub(super) fn new(data: &'a [T], n_steps: usize) -> Self {
        let line = (64 / size_of::<T>().max(1)).max(1);
        Self { rest: data, step: data.len().div_ceil(n_steps.max(1)).next_multiple_of(line) }
    }

    #[inline(always)]
    fn step(&mut self) {
        let (now, rest) = self.rest.split_at(self.step.min(self.rest.len()));
        prefetch(now);
        self.rest = rest;
    }
}

struct Multiply<'a, 'b, A, T, const P: usize> {
    block: &'a Block<A, P>,
    panel: usize,
    tiles: &'a mut [Tile<P>],
    ahead: &'a mut Ahead<'b, T>,
}

impl<A: Lanes, T, const P: usize> WithSimd for Multiply<'_, '_, A, T, P> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        // Vectors of a panel, and of its right half.
        match P / A::width::<S>() {
            1 => self.tiles::<S, 1, 1>(simd),
            2 => self.tiles::<S, 2, 1>(simd),
            4 => self.tiles::<S, 4, 2>(simd),
            8 => self.tiles::<S, 8, 4>(simd),
            _ => self.tiles::<S, 16, 8>(simd),
        }
    }
}

impl<A: Lanes, T, const P: usize> Multiply<'_, '_, A, T, P> {
    #[inline(always)]
    fn tiles<S: Simd, const V: usize, const H: usize>(self, simd: S) {
        let right = self.block.panel(self.panel);
        let mut place = self.block.layout.origin();
        for tile in self.tiles.iter_mut() {
            let left = [self.block.panel(place / P), self.block.panel(place / P + 1)];
            // Left of its diagonal a tile is not needed.
            if place >= self.panel * P + P / 2 {
                add_tile::<S, A, P, H>(simd, place % P, left, right, tile);
            } else {
                add_tile::<S, A, P, V>(simd, place % P, left, right, tile);
            }
            self.ahead.step();
            place += HEIGHT;
        }
    }
}

#[inline(always)]
fn add_tile<S: Simd, A: Lanes, const P: usize, const V: usize>(
    simd: S,
    first: usize,
    left: [&[[A; P]]; 2],
    right: &[[A; P]],
    tile: &mut Tile<P>,
) {
    match first {
        0 => add_products::<S, A, P, V, 0>(simd, left, right, tile),
        2 => add_products::<S, A, P, V, 2>(simd, left, right, tile),
        4 => add_products::<S, A, P, V, 4>(simd, left, right, tile),
        6 => add_products::<S, A, P, V, 6>(simd, left, right, tile),
        8 => add_products::<S, A, P, V, 8>(simd, left, right, tile),
        10 => add_products::<S, A, P, V, 10>(simd, left, right, tile),
        12 => add_products::<S, A, P, V, 12>(simd, left, right, tile),
        _ => add_products::<S, A, P, V, 14>(simd, left, right, tile),
    }
}

/// Products of the six columns from `FIRST` on with the last V vectors of the right panel.
#[inline(always)]
fn add_products<S: Simd, A: Lanes, const P: usize, const V: usize, const FIRST: usize>(
    simd: S,
    left: [&[[A; P]]; 2],
    right: &[[A; P]],
    tile: &mut Tile<P>,
) {
    let n = right.len();
    let left = left.map(|panel| &panel[..n]);
    let skip = P - V * A::width::<S>();
    let mut sums = [[A::splat(simd, A::ZERO); V]; HEIGHT];
    for k in 0..n {
        let (right, _) = A::vectors::<S>(&right[k][skip..]);
        for r in 0..HEIGHT {
            let lane = FIRST % P + r;
            let factor = if lane < P { left[0][k][lane] } else { left[1][k][lane - P] };
            let factor = A::splat(simd, factor);
            for v in 0..V {
                sums[r][v] = A::fused(simd, factor, right[v], sums[r][v]);
            }
        }
    }
    for r in 0..HEIGHT {
        let sums = A::numbers::<S>(&sums[r]).iter();
        tile[r][skip..].iter_mut().zip(sums).for_each(|(out, sum)| *out += sum.to_f64());
    }
}
