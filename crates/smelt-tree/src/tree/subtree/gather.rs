//! Gathering: values of up to eight columns drawn, row by row, and the rows of a subtree.

use super::{Word, row};

/// Columns looked at together.
pub(super) const LANES: usize = 8;

/// Values of the columns `drawn` (1 to 8) for every row; lanes left over repeat the first column.
#[inline(always)]
pub(super) fn gather<T: Copy>(
    table: &[T],
    stride: usize,
    words: &[Word],
    drawn: &[u32],
    number: impl Fn(T) -> f32,
    out: &mut Vec<[f32; LANES]>,
) {
    let mut places = [drawn[0] as usize; LANES];
    places.iter_mut().zip(drawn).for_each(|(place, &feature)| *place = feature as usize);
    out.resize(words.len(), [0.0; LANES]);
    for (out, &word) in out.iter_mut().zip(words) {
        let start = row(word) * stride;
        let values = &table[start..start + stride];
        let mut of_row = [0.0; LANES];
        for lane in 0..LANES {
            of_row[lane] = number(values[places[lane]]);
        }
        *out = of_row;
    }
}

/// Copies the rows of a node, and numbers them by their places.
pub(super) fn bring_near<T: Copy + Default>(
    table: &[T],
    stride: usize,
    words: &mut [Word],
    near: &mut Vec<T>,
) {
    near.resize(words.len() * stride, T::default());
    for (place, (word, near)) in words.iter_mut().zip(near.chunks_mut(stride)).enumerate() {
        let values = &table[row(*word) * stride..][..stride];
        // Chunks of known length are copied without a call; a row is a multiple of eight.
        let chunks = near.as_chunks_mut::<8>().0.iter_mut().zip(values.as_chunks::<8>().0);
        chunks.for_each(|(near, values)| *near = *values);
        *word = (*word & !u64::from(u32::MAX)) | place as u64;
    }
}

/// Length of a row: a vector's multiple, or, of few columns, a word's.
pub(crate) fn stride(n_columns: usize) -> usize {
    n_columns.next_multiple_of(if n_columns > 16 { 32 } else { 8 })
}
