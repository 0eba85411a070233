//! The inner part of the Gram pass: panels of four columns, and the products of two panels.
//!
//! A block of rows is packed into panels: panel p holds columns 4p..4p+4, row after row, so that a
//! product reads memory in order.  A tile is the 4 x 12 products of one panel with a group of three;
//! its 48 sums stay in twelve vector registers while the rows of the block go by.

use std::ops::Range;

use smelt_core::tile::{HEIGHT, Lane, Tile, WIDTH, add_products};
use smelt_core::{MatRef, Real};

/// What is subtracted from the entries while they are packed.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shift<'a> {
    /// One number a column.
    Columns(&'a [f64]),
    /// One number a row.
    Rows(&'a [f64]),
}

/// Packed rows, panel after panel.
pub(super) struct Block {
    data: Vec<Lane>,
    /// Rows between two panels: one more than the rows held, lest panels share cache sets.
    stride: usize,
    n_rows: usize,
}

impl Block {
    pub(super) fn new(n_panels: usize, capacity: usize) -> Self {
        let stride = (capacity + 2) | 1;
        Self { data: vec![[0.0; WIDTH]; (n_panels + 1) * stride], stride, n_rows: 0 }
    }

    /// Starts over with `n_rows` rows; the caller packs all columns.
    pub(super) fn start(&mut self, n_rows: usize) {
        self.n_rows = n_rows;
    }

    /// The rows of one panel.
    #[inline(always)]
    fn panel(&self, index: usize) -> &[Lane] {
        &self.data[index * self.stride..][..self.n_rows]
    }

    /// Packs rows `rows` of `x` into columns `first..first + x.n_cols()`, shifted, then scaled by row.
    #[inline(always)]
    pub(super) fn pack<T: Real>(
        &mut self,
        x: MatRef<'_, T>,
        rows: Range<usize>,
        first: usize,
        shift: Shift<'_>,
        scale: Option<&[f64]>,
    ) {
        let whole = if first.is_multiple_of(WIDTH) { x.n_cols() / WIDTH } else { 0 };
        if x.has_contiguous_rows() {
            for (k, i) in rows.clone().enumerate() {
                let factor = scale.map(|scale| scale[i]);
                let (lanes, _) = x.row(i).as_chunks::<WIDTH>();
                let out = self.data[first / WIDTH * self.stride + k..].iter_mut();
                let out = out.step_by(self.stride).zip(&lanes[..whole]);
                match shift {
                    Shift::Columns(shift) => {
                        for ((out, lane), shift) in out.zip(shift.as_chunks::<WIDTH>().0) {
                            *out = moved(lane, shift, factor);
                        }
                    }
                    Shift::Rows(shift) => {
                        for (out, lane) in out {
                            *out = moved(lane, &[shift[i]; WIDTH], factor);
                        }
                    }
                }
            }
        } else if x.has_contiguous_cols() {
            for panel in 0..whole {
                let start = (first / WIDTH + panel) * self.stride;
                let out = &mut self.data[start..][..rows.len()];
                let column = |l: usize| &x.col(panel * WIDTH + l)[rows.clone()];
                let columns = [column(0), column(1), column(2), column(3)];
                let columns = columns.map(|column| &column[..out.len()]);
                for k in 0..out.len() {
                    let lane = columns.map(|column| column[k]);
                    let i = rows.start + k;
                    let shift: Lane = match shift {
                        Shift::Columns(shift) => std::array::from_fn(|l| shift[panel * WIDTH + l]),
                        Shift::Rows(shift) => [shift[i]; WIDTH],
                    };
                    out[k] = moved(&lane, &shift, scale.map(|scale| scale[i]));
                }
            }
        } else {
            return self.pack_columns(x, rows, first, shift, scale, 0);
        }
        self.pack_columns(x, rows, first, shift, scale, whole * WIDTH);
    }

    /// The columns of `x` from `from` on, one by one.
    #[inline(always)]
    fn pack_columns<T: Real>(
        &mut self,
        x: MatRef<'_, T>,
        rows: Range<usize>,
        first: usize,
        shift: Shift<'_>,
        scale: Option<&[f64]>,
        from: usize,
    ) {
        for j in from..x.n_cols() {
            let (panel, l) = ((first + j) / WIDTH, (first + j) % WIDTH);
            let out = &mut self.data[panel * self.stride..][..rows.len()];
            for (out, i) in out.iter_mut().zip(rows.clone()) {
                let shift = match shift {
                    Shift::Columns(shift) => shift[j],
                    Shift::Rows(shift) => shift[i],
                };
                out[l] = (x.get(i, j).to_f64() - shift) * scale.map_or(1.0, |scale| scale[i]);
            }
        }
    }

    /// Packs a column of ones, scaled by row.
    #[inline(always)]
    pub(super) fn pack_ones(&mut self, rows: Range<usize>, column: usize, scale: Option<&[f64]>) {
        let out = &mut self.data[column / WIDTH * self.stride..][..rows.len()];
        for (out, i) in out.iter_mut().zip(rows) {
            out[column % WIDTH] = scale.map_or(1.0, |scale| scale[i]);
        }
    }

    /// Adds the products of the first tiles' columns with the panels of `group`.
    #[inline(always)]
    pub(super) fn multiply(&self, group: &Range<usize>, tiles: &mut [Tile]) {
        for (index, tile) in tiles.iter_mut().enumerate() {
            let left = index * HEIGHT / WIDTH;
            let a = [self.panel(left), self.panel(left + 1)];
            // The panel after a group of one is multiplied too, and never looked at.
            let b = [self.panel(group.start), self.panel(group.start + 1)];
            if index % 2 == 0 {
                add_products::<0>(a, b, tile);
            } else {
                add_products::<2>(a, b, tile);
            }
        }
    }
}

/// (lane − shift) · factor
#[inline(always)]
fn moved<T: Real>(lane: &[T; WIDTH], shift: &Lane, factor: Option<f64>) -> Lane {
    let factor = factor.unwrap_or(1.0);
    std::array::from_fn(|l| (lane[l].to_f64() - shift[l]) * factor)
}
