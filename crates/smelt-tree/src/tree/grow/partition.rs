//! 3. Rows of a node sorted to the two sides of its cut, in place and in order; so too the lists.

use std::sync::Mutex;

use smelt_core::parallel;

use super::{Grower, Table, Task};
use crate::ensemble::in_set;
use crate::tree::category_cut::{self, Set};
use crate::tree::columns::Codes;
use crate::tree::criterion::Criterion;
use crate::tree::cut::Cut;
use crate::tree::few_rows::are_few;
use crate::tree::sparse::Values;

impl<C: Criterion> Grower<'_, C> {
    /// 3. Rows of the left child first, all in their old order; returns where the right ones start.
    pub(super) fn partition(&mut self, task: &Task, cut: &Cut) -> usize {
        if let Some(set) = &cut.set {
            return self.partition_by_set(task, cut, set);
        }
        match self.table {
            Table::Codes(columns) => {
                let column = &columns.columns[cut.feature];
                let (last, missing) = (cut.code, column.n_codes() as u32);
                let goes_left = |code: u32| code <= last || (cut.missing_left && code == missing);
                match &column.codes {
                    Codes::Narrow(codes) => {
                        let codes = columns.bytes(codes, cut.feature, task.stop - task.start);
                        self.split_rows(task, |row| goes_left(codes.get(row).into()))
                    }
                    Codes::Middle(codes) => {
                        self.split_rows(task, |row| goes_left(codes[row as usize].into()))
                    }
                    Codes::Wide(codes) => {
                        self.split_rows(task, |row| goes_left(codes[row as usize]))
                    }
                }
            }
            Table::Values(values) => {
                let goes_left = |value: f32| {
                    f64::from(value) <= cut.threshold || (cut.missing_left && value.is_nan())
                };
                match values {
                    Values::Plain(values) => {
                        let column = values.columns.col(cut.feature);
                        self.split_rows(task, |row| goes_left(column[row as usize]))
                    }
                    Values::Coded(columns) => {
                        let column = &columns.columns[cut.feature];
                        let left: Vec<bool> = column.values().into_iter().map(goes_left).collect();
                        self.split_rows(task, |row| left[column.code(row as usize) as usize])
                    }
                }
            }
        }
    }

    fn partition_by_set(&mut self, task: &Task, cut: &Cut, set: &Set) -> usize {
        match self.table {
            Table::Codes(columns) => {
                let column = &columns.columns[cut.feature];
                self.split_rows(task, |row| in_set(set, column.code(row as usize) as u8))
            }
            Table::Values(values) => {
                let mut own = Vec::new();
                values.gather(cut.feature, &self.rows[task.start..task.stop], &mut own);
                let mut left = own
                    .into_iter()
                    .map(|value| category_cut::goes_left(set, cut.missing_left, value));
                self.split_rows(task, |_| left.next() == Some(true))
            }
        }
    }

    /// Whether a column of codes has a value in every row.
    pub(super) fn misses_nothing(&self, feature: usize) -> bool {
        matches!(self.table, Table::Codes(columns) if !columns.columns[feature].has_missing)
    }

    /// Whether children of these sizes find their cuts without sorted lists.
    pub(super) fn need_no_lists(&self, sizes: [usize; 2], weights: [f64; 2]) -> bool {
        let Table::Codes(columns) = self.table else { return true };
        let Some(sums) = self.criterion.class_sums() else { return false };
        let n_classes = sums.totals.len();
        self.limits.monotonic.is_none()
            && (0..2).all(|side| are_few(sizes[side], n_classes, weights[side]))
            && columns.columns.iter().all(|column| !column.has_missing)
    }

    #[inline(always)]
    fn split_rows(&mut self, task: &Task, mut goes_left: impl FnMut(u32) -> bool) -> usize {
        let rows = &mut self.rows[task.start..task.stop];
        let items = &mut self.items[task.start..task.stop];
        let (mut n_left, mut n_right) = (0, 0);
        for i in 0..rows.len() {
            // Written to both sides: no branch that cannot be foreseen.
            let (row, item) = (rows[i], items[i]);
            let left = goes_left(row);
            (rows[n_left], items[n_left]) = (row, item);
            (self.right_rows[n_right], self.right_items[n_right]) = (row, item);
            n_left += usize::from(left);
            n_right += usize::from(!left);
        }
        rows[n_left..].copy_from_slice(&self.right_rows[..n_right]);
        items[n_left..].copy_from_slice(&self.right_items[..n_right]);
        task.start + n_left
    }

    /// The same for the lists kept in the order of the columns that still vary.
    pub(super) fn split_lists(&mut self, task: &Task, middle: usize, weights: [f64; 2]) {
        if self.need_no_lists([middle - task.start, task.stop - middle], weights) {
            return;
        }
        let Some(lists) = &mut self.lists else { return };
        for (place, &row) in self.rows[task.start..task.stop].iter().enumerate() {
            let (word, bit) = (row as usize / 64, 1 << (row % 64));
            if place < middle - task.start {
                lists.goes_left[word] |= bit;
            } else {
                lists.goes_left[word] &= !bit;
            }
        }
        let goes_left = &lists.goes_left;
        let mut varying = vec![false; lists.orders.len()];
        for &feature in self.drawing.candidates() {
            varying[feature as usize] = true;
        }
        let cost_ns = (task.stop - task.start) as f64 * 2.0;
        let split = |order: &mut [u32], right: &mut Vec<u32>| {
            right.resize(order.len(), 0);
            let (mut n_left, mut n_right) = (0, 0);
            for i in 0..order.len() {
                let row = order[i];
                let left = goes_left[row as usize / 64] >> (row % 64) & 1 == 1;
                order[n_left] = row;
                right[n_right] = row;
                n_left += usize::from(left);
                n_right += usize::from(!left);
            }
            order[n_left..].copy_from_slice(&right[..n_right]);
        };
        let parts: Vec<Mutex<&mut [u32]>> = lists
            .orders
            .iter_mut()
            .zip(&varying)
            .filter(|(order, varying)| !order.is_empty() && **varying)
            .map(|(order, _)| Mutex::new(&mut order[task.start..task.stop]))
            .collect();
        parallel::for_chunks(parts.len(), 1, cost_ns, |index, _| {
            if let Ok(mut order) = parts[index].lock() {
                split(&mut order, &mut Vec::new());
            }
        });
    }
}
