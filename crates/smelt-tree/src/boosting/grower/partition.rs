//! Rows sorted to the two sides of a cut, and their gradients fetched.

use smelt_core::parallel;

use super::Grower;
use crate::boosting::splitter::Split;

impl Grower<'_> {
    /// 2. Rows of the left child first, both in their old order; returns where the right ones start.
    pub(super) fn partition(&mut self, node: usize, split: &Split) -> usize {
        let (start, stop) = (self.nodes[node].start, self.nodes[node].stop);
        let missing = self.features[split.feature].n_bins as u8;
        let column = &self.bins[split.feature * self.n_rows..(split.feature + 1) * self.n_rows];
        let mut table = [false; 256];
        for (bin, goes_left) in table.iter_mut().enumerate() {
            *goes_left = split.goes_left(bin as u8, missing);
        }
        let rows = &mut self.rows[start..stop];
        let right_rows = &mut self.right_rows[..stop - start];
        let (mut n_left, mut n_right) = (0, 0);
        for i in 0..rows.len() {
            let row = rows[i];
            let goes_left = table[usize::from(column[row as usize])];
            rows[n_left] = row;
            right_rows[n_right] = row;
            n_left += usize::from(goes_left);
            n_right += usize::from(!goes_left);
        }
        rows[n_left..].copy_from_slice(&right_rows[..n_right]);
        start + n_left
    }

    /// Gradients of `rows[start..stop]`, one behind the other.
    pub(super) fn gather(&mut self, start: usize, stop: usize, gradients: &[[f32; 2]]) {
        let rows = &self.rows[start..stop];
        if self.limits.is_quantized {
            fetch(rows, &self.packed.words, &mut self.gathered_words[..stop - start]);
        } else {
            fetch(rows, gradients, &mut self.gathered[..stop - start]);
        }
    }
}

/// Values of `rows`.
fn fetch<T: Copy + Send + Sync>(rows: &[u32], values: &[T], out: &mut [T]) {
    parallel::for_chunks_mut(out, 1, 16_384, 2.0, |_, range, out| {
        for (out, &row) in out.iter_mut().zip(&rows[range]) {
            *out = values[row as usize];
        }
    });
}
