//! One pass over the data of a Gram matrix: products of `[X, 1]` with `[X, 1, Y]`.
//!
//! Rows are read once, block by block: shifted and packed while the memory brings the next block,
//! then multiplied in the cache (`gram_tile.rs`).

use std::ops::Range;
use std::sync::Mutex;

use smelt_core::lanes::Lanes;
use smelt_core::parallel::{for_chunks, for_chunks_mut, map_chunks};
use smelt_core::simd::vectorize;
use smelt_core::{Control, Mat, MatRef, Real, Result};

use super::gram_tile::{Ahead, Block, Layout, Shift, Tile};

/// Bytes that all partial products of one pass may take together.
const PARTIAL_BYTES: usize = 32 << 20;
/// Most chunks of rows.
const MAX_CHUNKS: usize = 32;
/// Most rows that are added up in `f32`.
const SINGLE_RUN: usize = 64;
/// Panels up to which a block of rows stays in the first-level cache.
const SMALL_BLOCK_BYTES: usize = 28 << 10;

/// One pass with products of numbers of type A, P of them in a cache line.
pub(super) struct Pass<'a, T, A, const P: usize> {
    pub(super) x: MatRef<'a, T>,
    pub(super) y: Option<MatRef<'a, T>>,
    /// Square roots of the weights.
    pub(super) scale: Option<&'a [A]>,
    /// Whether a column of ones stands between X and Y, for the sums.
    pub(super) ones: bool,
}

/// Sums of products.
pub(super) struct Products {
    /// X with X.
    pub(super) xx: Mat<f64>,
    /// X with Y.
    pub(super) xy: Mat<f64>,
    /// 1 with X, 1 and Y, where there are ones.
    pub(super) ones: Vec<f64>,
}

impl<T: Real, A: Lanes, const P: usize> Pass<'_, T, A, P> {
    fn n_targets(&self) -> usize {
        self.y.map_or(0, |y| y.n_cols())
    }

    /// Columns of `[X, 1]`.
    fn n_left(&self) -> usize {
        self.x.n_cols() + usize::from(self.ones)
    }

    fn layout(&self) -> Layout<P> {
        Layout::new(self.n_left(), self.n_left() + self.n_targets())
    }

    /// The products; `shift` is taken from X and Y first.
    pub(super) fn run(&self, shift: [Shift<'_, A>; 2], control: &Control) -> Result<Products> {
        let of_panel = self.layout().tiles();
        let n_tiles = of_panel.last().map_or(0, |tiles| tiles.end);
        let max_chunks = (PARTIAL_BYTES / (n_tiles * size_of::<Tile<P>>()).max(1)).min(MAX_CHUNKS);
        let tiles = if max_chunks >= 8 {
            self.by_rows(shift, &of_panel, max_chunks, control)?
        } else {
            self.by_columns(shift, &of_panel, control)?
        };
        Ok(self.unpack(&of_panel, &tiles))
    }

    #[inline(always)]
    fn pack(&self, block: &mut Block<A, P>, rows: Range<usize>, shift: [Shift<'_, A>; 2]) {
        block.start(rows.len());
        block.pack(self.x, rows.clone(), 0, shift[0], self.scale);
        if self.ones {
            block.pack_ones(rows.clone(), self.x.n_cols(), self.scale);
        }
        if let Some(y) = self.y {
            block.pack(y, rows, self.n_left(), shift[1], self.scale);
        }
    }

    /// Many rows: threads share chunks of rows.
    fn by_rows(
        &self,
        shift: [Shift<'_, A>; 2],
        of_panel: &[Range<usize>],
        max_chunks: usize,
        control: &Control,
    ) -> Result<Vec<Tile<P>>> {
        let n_tiles = of_panel.last().map_or(0, |tiles| tiles.end);
        let small = SMALL_BLOCK_BYTES / (of_panel.len() * P * size_of::<A>()).max(1);
        let most = if A::IS_F64 { 128 } else { SINGLE_RUN };
        let block_rows = if small >= 48 { small.min(most) } else { most };
        let n = self.x.n_rows();
        let chunk = n.div_ceil(max_chunks).next_multiple_of(block_rows).max(4 * block_rows);
        let cost = 0.1 * (n_tiles * size_of::<Tile<P>>() / size_of::<A>()) as f64;
        let parts = map_chunks(n, chunk, cost, |_, range| {
            let mut tiles = vec![[[0.0; P]; _]; n_tiles];
            let mut block = Block::new(self.layout(), block_rows.min(range.len()));
            for start in range.clone().step_by(block_rows) {
                if control.check().is_err() {
                    break;
                }
                let end = (start + block_rows).min(range.end);
                vectorize(
                    #[inline(always)]
                    || self.pack(&mut block, start..end, shift),
                );
                let next = self.x.rows(end, (end + block_rows).min(n));
                let mut ahead = Ahead::new(next.as_row_major_slice().unwrap_or(&[]), n_tiles);
                for (panel, of_panel) in of_panel.iter().enumerate() {
                    block.multiply(panel, &mut tiles[of_panel.clone()], &mut ahead);
                }
            }
            tiles
        });
        control.check()?;
        // Partial sums are added in chunk order.
        let mut parts = parts.into_iter();
        let mut total = parts.next().unwrap_or_default();
        let rest: Vec<Vec<Tile<P>>> = parts.collect();
        for_chunks_mut(&mut total, 1, 256, 20.0 * rest.len() as f64, |_, range, out| {
            for part in &rest {
                let out = out.as_flattened_mut().as_flattened_mut();
                let part = part[range.clone()].as_flattened().as_flattened();
                out.iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
            }
        });
        Ok(total)
    }

    /// Many columns: threads share the panels, block of rows after block of rows.
    fn by_columns(
        &self,
        shift: [Shift<'_, A>; 2],
        of_panel: &[Range<usize>],
        control: &Control,
    ) -> Result<Vec<Tile<P>>> {
        let block_rows = if A::IS_F64 { 256 } else { SINGLE_RUN };
        let n = self.x.n_rows();
        let mut block = Block::new(self.layout(), block_rows.min(n));
        let zeros = |tiles: &Range<usize>| Mutex::new(vec![[[0.0; P]; _]; tiles.len()]);
        let parts: Vec<Mutex<Vec<Tile<P>>>> = of_panel.iter().map(zeros).collect();
        for start in (0..n).step_by(block_rows) {
            vectorize(
                #[inline(always)]
                || self.pack(&mut block, start..(start + block_rows).min(n), shift),
            );
            let cost = 0.06 * (block_rows * self.n_left() * P) as f64;
            for_chunks(of_panel.len(), 1, cost, |index, _| {
                // Longest first, so that no thread is left with a long one.
                let panel = of_panel.len() - 1 - index;
                if control.check().is_ok()
                    && let Ok(mut tiles) = parts[panel].lock()
                {
                    block.multiply(panel, &mut tiles, &mut Ahead::<T>::new(&[], 1));
                }
            });
            control.check()?;
        }
        let take = |part: Mutex<Vec<Tile<P>>>| part.into_inner().unwrap_or_else(|e| e.into_inner());
        Ok(parts.into_iter().flat_map(take).collect())
    }

    fn unpack(&self, of_panel: &[Range<usize>], tiles: &[Tile<P>]) -> Products {
        let (d, t, n_left) = (self.x.n_cols(), self.n_targets(), self.n_left());
        let layout = self.layout();
        let product = |i: usize, j: usize| layout.product(of_panel, tiles, i, j);
        let mut xx = Mat::zeros(d, d);
        for j in 0..d {
            for i in 0..=j {
                let value = product(i, j);
                xx[(i, j)] = value;
                xx[(j, i)] = value;
            }
        }
        let mut xy = Mat::zeros(d, t);
        for i in 0..d {
            for j in 0..t {
                xy[(i, j)] = product(i, n_left + j);
            }
        }
        let ones = if self.ones {
            let with_x = (0..=d).map(|j| product(j, d));
            with_x.chain((0..t).map(|j| product(d, n_left + j))).collect()
        } else {
            Vec::new()
        };
        Products { xx, xy, ones }
    }
}
