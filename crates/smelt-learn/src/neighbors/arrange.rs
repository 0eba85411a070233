//! The order of rows in a tree: halved by the median of their widest column, again and again.
//!
//! A node is a block of columns.  Its median is selected among keys of the widest column; then every
//! column is dealt out to the two halves, in order, from one buffer to another.  So all reading is in
//! memory order, rows ascend within every node, and of equal values the rows that come first go left.
//!
//! Cost of each of the `depth` levels: one selection among n keys and one copy of n rows.  Subtrees
//! that fit the second-level cache are finished one by one.

use std::sync::{Mutex, MutexGuard, PoisonError};

use smelt_core::parallel::{chunk_size, for_chunks};
use smelt_core::simd::vectorize;
use smelt_core::{Control, MatRef, Result};

/// Values of a subtree that one thread finishes.
const LOCAL_VALUES: usize = 32_768;

/// Rows in the order of the leaves.
#[derive(Debug, Default)]
pub(crate) struct Arranged {
    /// Rows, ascending within a leaf.
    pub(crate) ids: Vec<u32>,
    /// Their values, a block of columns for each leaf.
    pub(crate) values: Vec<f64>,
}

/// Borders of the leaves: node i of a level becomes two, the left one of half as many, rounded down.
pub(crate) fn leaf_starts(n: usize, depth: u32) -> Vec<usize> {
    let mut starts = vec![0, n];
    for _ in 0..depth {
        starts = halves(&starts);
    }
    starts
}

fn halves(starts: &[usize]) -> Vec<usize> {
    let mut out = Vec::with_capacity(2 * starts.len());
    for pair in starts.windows(2) {
        out.extend([pair[0], pair[0] + (pair[1] - pair[0]) / 2]);
    }
    out.extend(starts.last());
    out
}

/// Halves the rows of X `depth` times.
pub(crate) fn arrange(X: MatRef<'_, f64>, depth: u32, control: &Control) -> Result<Arranged> {
    let (n, d) = (X.n_rows(), X.n_cols());
    let mut here = read(X, control);
    control.check()?;
    let mut there = Arranged { ids: vec![0; n], values: vec![0.0; n * d] };
    let (mut starts, mut levels) = (vec![0, n], depth);
    // 1. The upper levels, one after the other.
    while levels > 0 && n.div_ceil(starts.len() - 1) * d > LOCAL_VALUES {
        let nodes = nodes(&mut here, &mut there, &starts, d);
        let cost = n as f64 / nodes.len() as f64 * (10.0 + 2.0 * d as f64);
        for_chunks(nodes.len(), 1, cost, |_, range| {
            if control.check().is_ok() {
                lock(&nodes[range.start]).halve(d, &mut Scratch::default(), control);
            }
        });
        control.check()?;
        drop(nodes);
        std::mem::swap(&mut here, &mut there);
        starts = halves(&starts);
        levels -= 1;
    }
    // 2. The lower ones, subtree by subtree.
    let nodes = nodes(&mut here, &mut there, &starts, d);
    let cost = n as f64 / nodes.len() as f64 * f64::from(levels) * 15.0;
    for_chunks(nodes.len(), 1, cost, |_, range| {
        if control.check().is_ok() {
            lock(&nodes[range.start]).finish(d, levels, &mut Scratch::default(), control);
        }
    });
    control.check()?;
    drop(nodes);
    Ok(if levels % 2 == 0 { here } else { there })
}

/// All rows as one block of columns.
fn read(X: MatRef<'_, f64>, control: &Control) -> Arranged {
    let (n, d) = (X.n_rows(), X.n_cols());
    let mut values = vec![0.0; n * d];
    let chunk = chunk_size(n, 2048);
    let mut parts: Vec<Mutex<Vec<&mut [f64]>>> = Vec::new();
    for column in values.chunks_mut(n.max(1)) {
        for (index, part) in column.chunks_mut(chunk).enumerate() {
            if index == parts.len() {
                parts.push(Mutex::default());
            }
            lock(&parts[index]).push(part);
        }
    }
    for_chunks(n, chunk, 2.0 * d as f64, |index, rows| {
        // A few columns at once: each is a stream of its own in the cache.
        for (group, columns) in lock(&parts[index]).chunks_mut(16).enumerate() {
            if control.check().is_err() {
                return;
            }
            for (place, row) in rows.clone().enumerate() {
                for (j, column) in columns.iter_mut().enumerate() {
                    column[place] = X.get(row, 16 * group + j);
                }
            }
        }
    });
    drop(parts);
    Arranged { ids: (0..n as u32).collect(), values }
}

/// A node's block, and room for its two halves.
struct Node<'a> {
    ids: &'a mut [u32],
    values: &'a mut [f64],
    new_ids: &'a mut [u32],
    new_values: &'a mut [f64],
}

fn nodes<'a>(
    here: &'a mut Arranged,
    there: &'a mut Arranged,
    starts: &[usize],
    d: usize,
) -> Vec<Mutex<Node<'a>>> {
    let mut rest = Node {
        ids: &mut here.ids,
        values: &mut here.values,
        new_ids: &mut there.ids,
        new_values: &mut there.values,
    };
    let mut out = Vec::with_capacity(starts.len() - 1);
    for pair in starts.windows(2) {
        let (node, behind) = rest.cut(pair[1] - pair[0], d);
        out.push(Mutex::new(node));
        rest = behind;
    }
    out
}

fn lock<T>(part: &Mutex<T>) -> MutexGuard<'_, T> {
    part.lock().unwrap_or_else(PoisonError::into_inner)
}

#[derive(Default)]
struct Scratch {
    keys: Vec<u64>,
    sorted: Vec<u64>,
    target: Vec<u32>,
}

/// Whole numbers in the order of floats, −0 as 0.
#[inline(always)]
fn ordered(value: f64) -> u64 {
    let bits = (value + 0.0).to_bits();
    bits ^ (((bits as i64 >> 63) as u64) | 1 << 63)
}

impl<'a> Node<'a> {
    fn cut(self, n: usize, d: usize) -> (Self, Self) {
        let (ids, ids_behind) = self.ids.split_at_mut(n);
        let (values, values_behind) = self.values.split_at_mut(n * d);
        let (new_ids, new_ids_behind) = self.new_ids.split_at_mut(n);
        let (new_values, new_values_behind) = self.new_values.split_at_mut(n * d);
        let behind = Node {
            ids: ids_behind,
            values: values_behind,
            new_ids: new_ids_behind,
            new_values: new_values_behind,
        };
        (Node { ids, values, new_ids, new_values }, behind)
    }

    /// Deals the rows out to two halves in the other buffer, in any way once cancelled.
    fn halve(&mut self, d: usize, scratch: &mut Scratch, control: &Control) {
        let n = self.ids.len();
        if n == 0 {
            return;
        }
        let half = n / 2;
        let Scratch { keys, sorted, target } = scratch;
        vectorize(
            #[inline(always)]
            || {
                let column = &self.values[widest(self.values, n, control) * n..][..n];
                keys.clear();
                keys.extend(column.iter().map(|&value| ordered(value)));
            },
        );
        target.clear();
        sorted.clone_from(keys);
        let median = *sorted.select_nth_unstable(half).1;
        // Of the rows at the median, so many go left.
        let below = sorted[..half].iter().filter(|&&key| key < median).count();
        let (mut left, mut right, mut ties) = (0, half as u32, (half - below) as u32);
        target.extend(keys.iter().map(|&key| {
            let tie = key == median && ties > 0;
            let goes_left = key < median || tie;
            ties -= u32::from(tie);
            let place = if goes_left { left } else { right };
            left += u32::from(goes_left);
            right += u32::from(!goes_left);
            place
        }));
        for (&id, &target) in self.ids.iter().zip(&*target) {
            self.new_ids[target as usize] = id;
        }
        let (new_left, new_right) = self.new_values.split_at_mut(half * d);
        for (j, column) in self.values.chunks_exact(n).enumerate() {
            if looks_up(j, n) && control.check().is_err() {
                return;
            }
            let new_left = &mut new_left[j * half..][..half];
            let new_right = &mut new_right[j * (n - half)..][..n - half];
            deal(column, target, new_left, new_right);
        }
    }

    /// All levels below a node; after an odd number of them the rows are in the other buffer.
    fn finish(&mut self, d: usize, levels: u32, scratch: &mut Scratch, control: &Control) {
        if levels == 0 {
            return;
        }
        self.halve(d, scratch, control);
        let other = Node {
            ids: &mut *self.new_ids,
            values: &mut *self.new_values,
            new_ids: &mut *self.ids,
            new_values: &mut *self.values,
        };
        let half = other.ids.len() / 2;
        let (mut left, mut right) = other.cut(half, d);
        left.finish(d, levels - 1, scratch, control);
        right.finish(d, levels - 1, scratch, control);
    }
}

/// Whether an interruption is asked for before column `j` of `n` values: some 65,000 values apart.
#[inline(always)]
fn looks_up(j: usize, n: usize) -> bool {
    (j * n) >> 16 != ((j + 1) * n) >> 16
}

/// Moves each value to its place among the left ones or, counted on, the right ones.
fn deal(column: &[f64], target: &[u32], left: &mut [f64], right: &mut [f64]) {
    let half = left.len();
    let (mut to_left, mut to_right) = (0, 0);
    // Both stores are made, and the one that was meant moves on: no branch to guess wrong.
    let (mut spill_left, mut spill_right) = (0.0, 0.0);
    for (&value, &target) in column.iter().zip(target) {
        let goes_left = (target as usize) < half;
        *left.get_mut(to_left).unwrap_or(&mut spill_left) = value;
        *right.get_mut(to_right).unwrap_or(&mut spill_right) = value;
        to_left += usize::from(goes_left);
        to_right += usize::from(!goes_left);
    }
}

/// The column of the largest difference, the first of those.
#[inline(always)]
fn widest(values: &[f64], n: usize, control: &Control) -> usize {
    let (mut best, mut best_width) = (0, f64::NEG_INFINITY);
    for (j, column) in values.chunks_exact(n).enumerate() {
        if looks_up(j, n) && control.check().is_err() {
            return best;
        }
        let (mut low, mut high) = ([column[0]; 16], [column[0]; 16]);
        let (blocks, rest) = column.as_chunks::<16>();
        for block in blocks {
            for lane in 0..16 {
                low[lane] = if block[lane] < low[lane] { block[lane] } else { low[lane] };
                high[lane] = if block[lane] > high[lane] { block[lane] } else { high[lane] };
            }
        }
        let low = low.iter().chain(rest).copied().fold(f64::INFINITY, f64::min);
        let high = high.iter().chain(rest).copied().fold(f64::NEG_INFINITY, f64::max);
        if high - low > best_width {
            (best, best_width) = (j, high - low);
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use smelt_core::{Control, MatRef};

    use super::{arrange, leaf_starts};

    #[test]
    fn rows_are_halved_by_their_widest_column() {
        let values: Vec<f64> = (0..700).map(|i| f64::from(i * 7919 % 101)).collect();
        let X = MatRef::from_row_major(&values, 350, 2).unwrap();
        for depth in 0..9 {
            let found = arrange(X, depth, &Control::new()).unwrap();
            let mut sorted = found.ids.clone();
            sorted.sort_unstable();
            assert!(sorted.iter().enumerate().all(|(i, &id)| i == id as usize));
            for pair in leaf_starts(350, depth).windows(2) {
                let leaf = &found.ids[pair[0]..pair[1]];
                assert!(leaf.is_sorted());
                let block = &found.values[2 * pair[0]..2 * pair[1]];
                for (place, &id) in leaf.iter().enumerate() {
                    assert_eq!(block[place], values[2 * id as usize]);
                    assert_eq!(block[leaf.len() + place], values[2 * id as usize + 1]);
                }
            }
        }
    }
}
