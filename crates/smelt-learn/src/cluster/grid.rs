//! A grid of cells in up to three columns, whose rows are all within a distance of each other.
//!
//! What is within that distance of a row lies at most two cells away.  Rows are sorted by cell, the
//! last column fastest, so that it lies in runs of five cells, `5^(d - 1)` of them.

use smelt_core::parallel::{for_chunks_mut, map_chunks};
use smelt_core::{Control, MatRef, Result};

/// Cells on one side: more would lose digits of where a row lies.
const MOST_CELLS: f64 = (1_u64 << 20) as f64;

/// Cells beside a cell, from two before to two behind it in the last column.
pub(super) struct Offset<const D: usize> {
    along: [i32; D],
    key: i64,
}

/// Cells near a cell: those of a run, and the offset that leads there.
pub(super) struct Run {
    pub(super) offset: usize,
    pub(super) first: usize,
    pub(super) end: usize,
}

/// Rows sorted by cell.
pub(super) struct Grid<const D: usize> {
    pub(super) limit: f64,
    side: f64,
    low: [f64; D],
    /// Key of each cell, ascending.
    keys: Vec<u64>,
    /// First place of each cell.
    pub(super) starts: Vec<usize>,
    /// Row of each place; they ascend within a cell.
    pub(super) rows: Vec<u32>,
    pub(super) columns: [Vec<f64>; D],
    /// Nearest first.
    pub(super) offsets: Vec<Offset<D>>,
}

impl<const D: usize> Grid<D> {
    /// The grid, or nothing where it would need too many cells.
    pub(super) fn new(X: MatRef<'_, f64>, eps: f64, control: &Control) -> Result<Option<Self>> {
        let n = X.n_rows();
        // A little less, so that rounding keeps the promise of the first sentence.
        let side = eps / (D as f64).sqrt() * (1.0 - 1e-8);
        let ranges = map_chunks(n, 1 << 14, D as f64, |_, rows| {
            let (mut low, mut high) = ([f64::INFINITY; D], [f64::NEG_INFINITY; D]);
            for row in rows {
                for j in 0..D {
                    let value = X.get(row, j);
                    low[j] = low[j].min(value);
                    high[j] = high[j].max(value);
                }
            }
            (low, high)
        });
        let (mut low, mut high) = ([f64::INFINITY; D], [f64::NEG_INFINITY; D]);
        for (lows, highs) in ranges {
            for j in 0..D {
                low[j] = low[j].min(lows[j]);
                high[j] = high[j].max(highs[j]);
            }
        }
        let limit = eps * eps;
        let fits = (0..D).all(|j| (high[j] - low[j]) / side < MOST_CELLS);
        if !fits || !limit.is_finite() || limit < 1e-280 {
            return Ok(None);
        }
        // Two empty cells on either side, so that offsets never leave the grid.
        let width: [u64; D] = std::array::from_fn(|j| ((high[j] - low[j]) / side) as u64 + 5);
        let mut pairs = vec![(0_u64, 0_u32); n];
        for_chunks_mut(&mut pairs, 1, 1 << 14, 4.0 * D as f64, |_, rows, pairs| {
            for (row, pair) in rows.zip(pairs) {
                let key = (0..D).fold(0, |key, j| {
                    key * width[j] + ((X.get(row, j) - low[j]) / side) as u64 + 2
                });
                *pair = (key, row as u32);
            }
        });
        let pairs = sorted(pairs, width.iter().product(), control)?;
        let (mut keys, mut starts) = (Vec::new(), Vec::new());
        for (place, pair) in pairs.iter().enumerate() {
            if keys.last() != Some(&pair.0) {
                keys.push(pair.0);
                starts.push(place);
            }
        }
        starts.push(n);
        let rows: Vec<u32> = pairs.into_iter().map(|pair| pair.1).collect();
        control.check()?;
        let columns = std::array::from_fn(|j| {
            let mut column = vec![0.0; n];
            for_chunks_mut(&mut column, 1, 1 << 14, 4.0, |_, places, column| {
                for (place, value) in places.zip(column) {
                    *value = X.get(rows[place] as usize, j);
                }
            });
            column
        });
        let offsets = offsets(&width);
        Ok(Some(Self { limit, side, low, keys, starts, rows, columns, offsets }))
    }

    pub(super) fn n_cells(&self) -> usize {
        self.keys.len()
    }

    /// Where the runs of the first cell of a chunk begin.
    pub(super) fn cursors(&self, cell: usize) -> Vec<usize> {
        let first = |offset: &Offset<D>| {
            let wanted = self.keys[cell].wrapping_add_signed(offset.key - 2);
            self.keys.partition_point(|&key| key < wanted)
        };
        self.offsets.iter().map(first).collect()
    }

    /// Runs beside a cell, nearest first; `cursors` move on from those of the cell before.
    pub(super) fn runs(&self, cell: usize, cursors: &mut [usize], runs: &mut Vec<Run>) {
        runs.clear();
        for (index, (offset, cursor)) in self.offsets.iter().zip(cursors).enumerate() {
            let wanted = self.keys[cell].wrapping_add_signed(offset.key - 2);
            let mut first = *cursor;
            while first < self.keys.len() && self.keys[first] < wanted {
                first += 1;
            }
            *cursor = first;
            let mut end = first;
            while end < self.keys.len() && self.keys[end] <= wanted + 4 {
                end += 1;
            }
            if end > first {
                runs.push(Run { offset: index, first, end });
            }
        }
    }

    #[inline(always)]
    pub(super) fn point(&self, place: usize) -> [f64; D] {
        std::array::from_fn(|j| self.columns[j][place])
    }

    /// Whether nothing in the cells of an offset can be near a point.
    #[inline(always)]
    pub(super) fn is_far(&self, point: &[f64; D], offset: &Offset<D>) -> bool {
        let mut sum = 0.0;
        for j in 0..D - 1 {
            let at = (point[j] - self.low[j]) / self.side;
            let within = at - at.floor();
            let along = offset.along[j];
            let gap = match along {
                1.. => f64::from(along) - within,
                0 => 0.0,
                _ => within - f64::from(along + 1),
            };
            sum += gap * gap;
        }
        sum > D as f64 * (1.0 + 1e-6)
    }
}

/// All offsets in all columns but the last, nearest first.
fn offsets<const D: usize>(width: &[u64; D]) -> Vec<Offset<D>> {
    let mut all = vec![Offset { along: [0; D], key: 0 }];
    for j in 0..D {
        let steps = if j + 1 < D { -2..=2 } else { 0..=0 };
        all = all
            .iter()
            .flat_map(|offset| {
                steps.clone().map(|step: i32| {
                    let mut along = offset.along;
                    along[j] = step;
                    Offset { along, key: offset.key * width[j] as i64 + i64::from(step) }
                })
            })
            .collect();
    }
    all.sort_by_key(|offset| offset.along.iter().map(|step| step * step).sum::<i32>());
    all
}

/// Pairs sorted by key, of equal keys the first first: counted by eleven bits at a time.
fn sorted(mut pairs: Vec<(u64, u32)>, n_keys: u64, control: &Control) -> Result<Vec<(u64, u32)>> {
    let mut other = vec![(0, 0); pairs.len()];
    let mut shift = 0;
    while n_keys >> shift > 0 {
        let mut places = vec![0_usize; 2048];
        for pair in &pairs {
            places[(pair.0 >> shift) as usize & 2047] += 1;
        }
        let mut total = 0;
        for place in &mut places {
            (*place, total) = (total, total + *place);
        }
        for part in pairs.chunks(1 << 20) {
            control.check()?;
            for pair in part {
                let place = &mut places[(pair.0 >> shift) as usize & 2047];
                other[*place] = *pair;
                *place += 1;
            }
        }
        std::mem::swap(&mut pairs, &mut other);
        shift += 11;
    }
    Ok(pairs)
}
