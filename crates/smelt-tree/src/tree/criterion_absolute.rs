//! Criterion of regression by order: mean |y − m| with m the weighted median of a node.
//!
//! The targets of a node, sorted, are the places of two Fenwick trees (one a child) that hold
//! prefix sums of weights and weighted targets; to move a row, and to find a child's median and its
//! absolute error, costs O(log n).

use std::cmp::Ordering;
use std::sync::Arc;

use super::criterion::Criterion;

/// Rank of a row's target among all targets, and its weight.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RankItem {
    rank: u32,
    weight: f64,
}

/// Prefix sums of (weight, weight · target) over the sorted targets of a node.
#[derive(Debug, Clone, Default)]
struct Fenwick {
    /// Entry i - 1 sums up the places of i - lowest bit of i .. i.
    sums: Vec<[f64; 2]>,
    total: [f64; 2],
    /// Rows at each place: rounding must not leave ghosts behind.
    counts: Vec<u32>,
}

impl Fenwick {
    fn clear(&mut self, n: usize) {
        self.sums.clear();
        self.sums.resize(n, [0.0; 2]);
        self.counts.clear();
        self.counts.resize(n, 0);
        self.total = [0.0; 2];
    }

    fn add(&mut self, place: usize, weight: f64, target: f64, count: i32) {
        let mut at = place + 1;
        while at <= self.sums.len() {
            self.sums[at - 1][0] += weight;
            self.sums[at - 1][1] += weight * target;
            at += at & at.wrapping_neg();
        }
        self.total[0] += weight;
        self.total[1] += weight * target;
        self.counts[place] = self.counts[place].wrapping_add_signed(count);
    }

    /// First place whose prefix sum of weights exceeds `weight`, and the sums before it.
    fn search(&self, weight: f64) -> (usize, [f64; 2]) {
        let (mut at, mut before) = (0, [0.0; 2]);
        let mut step = self.sums.len().next_power_of_two();
        while step > 0 {
            let next = at + step;
            if next <= self.sums.len() && before[0] + self.sums[next - 1][0] <= weight {
                before[0] += self.sums[next - 1][0];
                before[1] += self.sums[next - 1][1];
                at = next;
            }
            step /= 2;
        }
        (at.min(self.sums.len().saturating_sub(1)), before)
    }

    /// Weighted median and Σ w |y − median|; the middle of two targets where they share the weight.
    fn median(&self, targets: &[f64]) -> [f64; 2] {
        let half = 0.5 * self.total[0];
        let (mut place, before) = self.search(half);
        while self.counts[place] == 0 && place + 1 < self.counts.len() {
            place += 1;
        }
        let mut median = targets[place];
        if before[0] == half {
            let below = (0..place).rev().find(|&below| self.counts[below] > 0);
            median = below.map_or(median, |below| (targets[below] + median) / 2.0);
        }
        let error = (self.total[1] - before[1]) - median * (self.total[0] - before[0])
            + (median * before[0] - before[1]);
        [median, error]
    }
}

/// mean |y − m|.
#[derive(Clone)]
pub(crate) struct AbsoluteError {
    /// Distinct targets, ascending.
    distinct: Arc<[f64]>,
    /// Rank of every row's target.
    ranks: Arc<[u32]>,
    /// Ranks that the node entered holds, ascending, and their targets.
    here: Vec<u32>,
    targets: Vec<f64>,
    all: Fenwick,
    left: Fenwick,
    right: Fenwick,
    node: [f64; 2],
}

impl AbsoluteError {
    /// Target of row i: `targets[i * stride]`.
    pub(crate) fn new(targets: &[f64], stride: usize) -> Self {
        let own: Vec<f64> = targets.iter().step_by(stride).copied().collect();
        let mut distinct = own.clone();
        distinct.sort_by(f64::total_cmp);
        distinct.dedup();
        let rank = |y: &f64| {
            let place = distinct.binary_search_by(|x| x.partial_cmp(y).unwrap_or(Ordering::Equal));
            place.unwrap_or_else(|place| place) as u32
        };
        let ranks = own.iter().map(rank).collect();
        Self {
            distinct: distinct.into(),
            ranks,
            here: Vec::new(),
            targets: Vec::new(),
            all: Fenwick::default(),
            left: Fenwick::default(),
            right: Fenwick::default(),
            node: [0.0; 2],
        }
    }

    /// Place of a rank among those of the node.
    fn place(&self, rank: u32) -> usize {
        self.here.binary_search(&rank).unwrap_or_else(|place| place)
    }
}

impl Criterion for AbsoluteError {
    type Item = RankItem;

    fn item(&self, row: usize, weight: f64) -> RankItem {
        RankItem { rank: self.ranks[row], weight }
    }

    fn n_sums(&self) -> usize {
        0
    }

    fn n_order_sums(&self) -> usize {
        2
    }

    fn add_order_sums(&self, sums: &mut [f64], item: RankItem) {
        sums[0] += item.weight;
        sums[1] += item.weight * self.distinct[item.rank as usize];
    }

    fn n_orders(&self) -> usize {
        1
    }

    /// The mean: near the median, and found by sums.
    fn order_by(&self, sums: &[f64], _: usize) -> f64 {
        sums[1] / sums[0]
    }

    fn add(&self, _: &mut [f64], _: RankItem) {}

    fn enter(&mut self, items: &[RankItem]) {
        self.here.clear();
        self.here.extend(items.iter().map(|item| item.rank));
        self.here.sort_unstable();
        self.here.dedup();
        self.targets.clear();
        self.targets.extend(self.here.iter().map(|&rank| self.distinct[rank as usize]));
        self.all.clear(self.here.len());
        for item in items {
            let place = self.place(item.rank);
            self.all.add(place, item.weight, self.targets[place], 1);
        }
        self.node = self.all.median(&self.targets);
    }

    fn reset(&mut self) {
        self.left.clear(self.targets.len());
        self.right.clone_from(&self.all);
    }

    fn shift(&mut self, item: RankItem) {
        let place = self.place(item.rank);
        self.left.add(place, item.weight, self.targets[place], 1);
        self.right.add(place, -item.weight, self.targets[place], -1);
    }

    fn shift_sums(&mut self, _: &[f64]) {}

    fn weight(&self) -> f64 {
        self.all.total[0]
    }

    fn weights(&self) -> [f64; 2] {
        [self.left.total[0], self.right.total[0]]
    }

    fn proxy(&self) -> f64 {
        -self.right.median(&self.targets)[1] - self.left.median(&self.targets)[1]
    }

    fn impurity(&self) -> f64 {
        self.node[1] / self.all.total[0]
    }

    fn value(&self, out: &mut [f64]) {
        out[0] = self.node[0];
    }

    fn side_values(&self) -> [f64; 2] {
        [self.left.median(&self.targets)[0], self.right.median(&self.targets)[0]]
    }
}

#[cfg(test)]
mod tests {
    use super::AbsoluteError;
    use crate::tree::criterion::Criterion;

    #[test]
    fn medians_and_errors_are_those_of_the_definition() {
        let targets = [3.0, 1.0, 10.0, 2.0, 2.0, 7.0];
        let mut criterion = AbsoluteError::new(&targets, 1);
        let items: Vec<_> = (0..6).map(|row| criterion.item(row, 1.0)).collect();
        criterion.enter(&items);
        let mut value = [0.0];
        criterion.value(&mut value);
        assert_eq!(
            (value, criterion.impurity()),
            ([2.5], (0.5 + 1.5 + 7.5 + 0.5 + 0.5 + 4.5) / 6.0)
        );
        criterion.reset();
        for &item in &items[..3] {
            criterion.shift(item);
        }
        assert_eq!(criterion.side_values(), [3.0, 2.0]);
        assert_eq!(criterion.proxy(), -(2.0 + 7.0) - 5.0);
    }
}
