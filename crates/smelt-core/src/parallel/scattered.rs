//! Rows written in another order than they lie in.
#![allow(unsafe_code)]

use std::marker::PhantomData;
use std::ops::Range;

use super::for_chunks;

/// The rows of two buffers that one chunk may write to.
#[derive(Debug)]
pub struct ScatteredRows<'a, A, B> {
    first: *mut A,
    second: *mut B,
    width: usize,
    order: &'a [u32],
    range: Range<usize>,
    lifetime: PhantomData<(&'a mut A, &'a mut B)>,
}

impl<A, B> ScatteredRows<'_, A, B> {
    /// Row `order[item]` of both buffers, for an item of this chunk.  Panics for any other item.
    #[inline(always)]
    pub fn row(&mut self, item: usize) -> (&mut [A], &mut [B]) {
        assert!(self.range.contains(&item));
        let start = self.order[item] as usize * self.width;
        // SAFETY: rows lie within the buffers and no two items share one (both checked before the
        // chunks started), no two chunks share an item, and the borrow of `self` keeps this chunk
        // from holding two rows.
        unsafe {
            (
                std::slice::from_raw_parts_mut(self.first.add(start), self.width),
                std::slice::from_raw_parts_mut(self.second.add(start), self.width),
            )
        }
    }
}

/// A pointer that chunks on several threads share.
struct Shared<T>(*mut T);
// SAFETY: it is only used to reach rows that no two chunks share.
unsafe impl<T: Send> Sync for Shared<T> {}

/// Like [`super::for_chunks`], where item i writes to row `order[i]` of `first` and `second`, of
/// `width` values each.  Panics where a row is named twice or is not there.
pub fn for_scattered_rows<A: Send, B: Send>(
    (first, second): (&mut [A], &mut [B]),
    width: usize,
    order: &[u32],
    chunk: usize,
    cost_ns: f64,
    work: impl Fn(usize, Range<usize>, ScatteredRows<'_, A, B>) + Sync,
) {
    let n_rows = first.len().min(second.len()) / width.max(1);
    let mut seen = vec![0_u64; n_rows.div_ceil(64)];
    for &row in order {
        let (word, bit) = (row as usize / 64, 1 << (row % 64));
        assert!((row as usize) < n_rows && seen[word] & bit == 0, "row {row} twice, or not there");
        seen[word] |= bit;
    }
    let (first, second) = (Shared(first.as_mut_ptr()), Shared(second.as_mut_ptr()));
    let (first, second) = (&first, &second);
    for_chunks(order.len(), chunk, cost_ns, |index, range| {
        let rows = ScatteredRows {
            first: first.0,
            second: second.0,
            width,
            order,
            range: range.clone(),
            lifetime: PhantomData,
        };
        work(index, range, rows);
    });
}

#[cfg(test)]
mod tests {
    use super::for_scattered_rows;
    use crate::parallel::with_threads;

    #[test]
    fn every_row_is_reached_by_its_item() {
        let order: Vec<u32> = (0..1000).map(|item| (item * 7) % 1000).collect();
        let (mut first, mut second) = (vec![0_usize; 2000], vec![0_u32; 2000]);
        with_threads(4, || {
            for_scattered_rows(
                (&mut first, &mut second),
                2,
                &order,
                7,
                1e6,
                |_, range, mut rows| {
                    for item in range {
                        let (a, b) = rows.row(item);
                        (a[1], b[0]) = (item, order[item]);
                    }
                },
            );
        });
        for (item, &row) in order.iter().enumerate() {
            assert_eq!((first[2 * row as usize + 1], second[2 * row as usize]), (item, row));
        }
    }

    #[test]
    #[should_panic(expected = "twice")]
    fn a_row_named_twice_is_refused() {
        for_scattered_rows((&mut [0; 3], &mut [0; 3]), 1, &[2, 0, 2], 1, 1.0, |_, _, _| {});
    }
}
