//! Rows sorted to the two sides of a cut, and their gradients fetched.

use std::ops::Range;

use smelt_core::parallel;

use super::Grower;
use crate::boosting::splitter::Split;
use crate::layout::GroupBins;

/// Rows that one task sorts.
const SORTED: usize = 1 << 12;

/// Bins that are fetched before their rows are sorted.
const FETCH: usize = 512;

/// Rows of a chunk, and as much room.
struct Part<'a> {
    rows: &'a [u32],
    room: &'a mut [u32],
    n_left: usize,
}

impl Part<'_> {
    /// Rows that go left to the front of the room, the others to its end, the last of them first.
    ///
    /// Fetch first, sort later: many fetches from far memory are then under way at once, and those of
    /// the next rows on their way.
    #[inline(always)]
    fn sort(&mut self, bins: GroupBins<'_>, lane: usize, table: &[bool; 256]) {
        let mut fetched = [0_u8; FETCH];
        let (mut n_left, mut free) = (0, self.room.len());
        for start in (0..self.rows.len()).step_by(FETCH) {
            let (rows, next) = self.rows[start..].split_at(FETCH.min(self.rows.len() - start));
            bins.prefetch(&next[..next.len().min(FETCH)]);
            bins.fetch_lane(lane, rows, &mut fetched);
            for (&row, &bin) in rows.iter().zip(&fetched) {
                let goes_left = table[usize::from(bin)];
                // Both ends are free, so both may be written to; the next row takes the wrong one.
                self.room[n_left] = row;
                self.room[free - 1] = row;
                n_left += usize::from(goes_left);
                free -= usize::from(!goes_left);
            }
        }
        self.n_left = n_left;
    }
}

/// Sorted rows of a chunk, and where they belong.
struct Move<'a> {
    from: &'a [u32],
    left: &'a mut [u32],
    right: &'a mut [u32],
}

impl Grower<'_> {
    /// 2. Rows of the left child first, both in their old order; returns where the right ones start.
    pub(super) fn partition(&mut self, node: usize, split: &Split) -> usize {
        let (start, stop) = (self.nodes[node].start, self.nodes[node].stop);
        let missing = self.features[split.feature].n_bins as u8;
        let (bins, lane) = self.groups.column(split.feature);
        let mut table = [false; 256];
        for (bin, goes_left) in table.iter_mut().enumerate() {
            *goes_left = split.goes_left(bin as u8, missing);
        }
        // Chunk by chunk into the spare room.
        let rows = &mut self.rows[start..stop];
        let mut parts: Vec<Part<'_>> = rows
            .chunks(SORTED)
            .zip(self.spare_rows[..stop - start].chunks_mut(SORTED))
            .map(|(rows, room)| Part { rows, room, n_left: 0 })
            .collect();
        let cost_ns = 3.0 * SORTED.min(stop - start) as f64;
        parallel::for_chunks_mut(&mut parts, 1, 1, cost_ns, |_, _, parts| {
            parts.iter_mut().for_each(|part| part.sort(bins, lane, &table));
        });
        // Then the chunks behind each other, the left rows first.
        let n_left: Vec<usize> = parts.iter().map(|part| part.n_left).collect();
        let middle: usize = n_left.iter().sum();
        let (mut left, mut right) = rows.split_at_mut(middle);
        let mut moves: Vec<Move<'_>> = self.spare_rows[..stop - start]
            .chunks(SORTED)
            .zip(n_left)
            .map(|(from, n_left)| Move {
                from,
                left: take(&mut left, n_left),
                right: take(&mut right, from.len() - n_left),
            })
            .collect();
        let cost_ns = 0.5 * SORTED.min(stop - start) as f64;
        parallel::for_chunks_mut(&mut moves, 1, 1, cost_ns, |_, _, moves| {
            for Move { from, left, right } in moves {
                let (of_left, of_right) = from.split_at(left.len());
                left.copy_from_slice(of_left);
                right.iter_mut().zip(of_right.iter().rev()).for_each(|(to, &row)| *to = row);
            }
        });
        start + middle
    }

    /// Gradients of some of the rows, one behind the other.
    pub(super) fn gather(&mut self, block: Range<usize>, gradients: &[[f32; 2]]) {
        let rows = &self.rows[block];
        if self.limits.is_quantized {
            fetch(rows, &self.packed.words, &mut self.gathered_words[..rows.len()]);
        } else {
            fetch(rows, gradients, &mut self.gathered[..rows.len()]);
        }
    }
}

/// Cuts the first `n` elements off a slice.
pub(super) fn take<'a, T>(slice: &mut &'a mut [T], n: usize) -> &'a mut [T] {
    let (first, rest) = std::mem::take(slice).split_at_mut(n);
    *slice = rest;
    first
}

/// Values of `rows`.
fn fetch<T: Copy + Send + Sync>(rows: &[u32], values: &[T], out: &mut [T]) {
    parallel::for_chunks_mut(out, 1, 2_048, 2.0, |_, range, out| {
        for (out, &row) in out.iter_mut().zip(&rows[range]) {
            *out = values[row as usize];
        }
    });
}
