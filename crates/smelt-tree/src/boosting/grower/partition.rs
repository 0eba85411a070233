//! Rows sorted to the two sides of a cut, and their gradients fetched.

use smelt_core::parallel;

use super::Grower;
use crate::boosting::splitter::Split;

/// Rows that one task sorts.
const SORTED: usize = 1 << 12;

/// Rows of a chunk, and room for those that go right.
struct Part<'a> {
    rows: &'a mut [u32],
    right_rows: &'a mut [u32],
    n_left: usize,
}

impl Part<'_> {
    /// Moves the rows that go left to the front, and the others to the spare room.
    #[inline(always)]
    fn sort(&mut self, goes_left: impl Fn(u32) -> bool) {
        let (mut n_left, mut n_right) = (0, 0);
        for i in 0..self.rows.len() {
            let row = self.rows[i];
            let goes_left = goes_left(row);
            self.rows[n_left] = row;
            self.right_rows[n_right] = row;
            n_left += usize::from(goes_left);
            n_right += usize::from(!goes_left);
        }
        self.n_left = n_left;
    }
}

impl Grower<'_> {
    /// 2. Rows of the left child first, both in their old order; returns where the right ones start.
    pub(super) fn partition(&mut self, node: usize, split: &Split) -> usize {
        let (start, stop) = (self.nodes[node].start, self.nodes[node].stop);
        let missing = self.features[split.feature].n_bins as u8;
        let (words, lane) = self.groups.column(split.feature);
        let mut table = [false; 256];
        for (bin, goes_left) in table.iter_mut().enumerate() {
            *goes_left = split.goes_left(bin as u8, missing);
        }
        // Chunk by chunk: left rows to the front of the chunk, right ones to the spare rows.
        let rows = &mut self.rows[start..stop];
        let right_rows = &mut self.right_rows[..stop - start];
        let mut parts: Vec<Part<'_>> = rows
            .chunks_mut(SORTED)
            .zip(right_rows.chunks_mut(SORTED))
            .map(|(rows, right_rows)| Part { rows, right_rows, n_left: 0 })
            .collect();
        let cost_ns = 3.0 * SORTED.min(stop - start) as f64;
        parallel::for_chunks_mut(&mut parts, 1, 1, cost_ns, |_, _, parts| {
            for part in parts {
                part.sort(|row| table[usize::from(words[row as usize][lane])]);
            }
        });
        let n_left: Vec<usize> = parts.iter().map(|part| part.n_left).collect();
        drop(parts);
        // Then the chunks behind each other, the left rows first.
        let mut at = 0;
        for (chunk, &n_left) in n_left.iter().enumerate() {
            rows.copy_within(chunk * SORTED..chunk * SORTED + n_left, at);
            at += n_left;
        }
        let middle = start + at;
        for (right_rows, n_left) in right_rows.chunks(SORTED).zip(n_left) {
            let n_right = right_rows.len() - n_left;
            rows[at..at + n_right].copy_from_slice(&right_rows[..n_right]);
            at += n_right;
        }
        middle
    }

    /// Gradients of `rows[start..stop]`, one behind the other.
    pub(super) fn gather(&mut self, start: usize, stop: usize, gradients: &[[f32; 2]]) {
        let (rows, n) = (&self.rows[start..stop], stop - start);
        if self.limits.is_quantized {
            fetch(rows, &self.packed.words, first(&mut self.gathered_words, n));
        } else {
            fetch(rows, gradients, first(&mut self.gathered, n));
        }
    }
}

/// The first `n` places, of which there may be too few at first.
fn first<T: Copy + Default>(values: &mut Vec<T>, n: usize) -> &mut [T] {
    if values.len() < n {
        // Nothing of what is there is wanted, so nothing is copied.
        values.clear();
        values.reserve_exact(n);
        values.resize(n, T::default());
    }
    &mut values[..n]
}

/// Values of `rows`.
fn fetch<T: Copy + Send + Sync>(rows: &[u32], values: &[T], out: &mut [T]) {
    parallel::for_chunks_mut(out, 1, 4_096, 2.0, |_, range, out| {
        for (out, &row) in out.iter_mut().zip(&rows[range]) {
            *out = values[row as usize];
        }
    });
}
