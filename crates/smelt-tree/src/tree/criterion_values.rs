//! Criteria of regression by sums: with ȳ the mean of a node,
//! squared error mean (y − ȳ)², and half the Poisson deviance mean y log(y / ȳ).

use super::criterion::Criterion;

/// Sums of targets below this are taken for zero.
const EPSILON: f64 = f64::EPSILON;

/// Weight and target of a row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ValueItem {
    weight: f64,
    target: f64,
}

/// Sums of weights and of weighted targets in a node and in its children.
#[derive(Clone)]
struct Sums<'a> {
    /// Target of row i: `targets[i * stride]`.
    targets: &'a [f64],
    stride: usize,
    weight: f64,
    total: f64,
    weights: [f64; 2],
    sums: [f64; 2],
}

impl<'a> Sums<'a> {
    fn new(targets: &'a [f64], stride: usize) -> Self {
        Self { targets, stride, weight: 0.0, total: 0.0, weights: [0.0; 2], sums: [0.0; 2] }
    }

    #[inline(always)]
    fn item(&self, row: usize, weight: f64) -> ValueItem {
        ValueItem { weight, target: self.targets[row * self.stride] }
    }

    fn enter(&mut self, items: &[ValueItem]) {
        (self.weight, self.total) = (0.0, 0.0);
        for item in items {
            self.weight += item.weight;
            self.total += item.weight * item.target;
        }
    }

    #[inline(always)]
    fn reset(&mut self) {
        self.weights = [0.0, self.weight];
        self.sums = [0.0, self.total];
    }

    #[inline(always)]
    fn shift(&mut self, weight: f64, sum: f64) {
        self.weights[0] += weight;
        self.sums[0] += sum;
        self.weights[1] = self.weight - self.weights[0];
        self.sums[1] = self.total - self.sums[0];
    }

    fn side_values(&self) -> [f64; 2] {
        [self.sums[0] / self.weights[0], self.sums[1] / self.weights[1]]
    }
}

/// Writes the parts that the two criteria share.
macro_rules! by_sums {
    () => {
        type Item = ValueItem;

        #[inline(always)]
        fn item(&self, row: usize, weight: f64) -> ValueItem {
            self.of.item(row, weight)
        }

        #[inline(always)]
        fn n_sums(&self) -> usize {
            2
        }

        #[inline(always)]
        fn add(&self, sums: &mut [f64], item: ValueItem) {
            sums[0] += item.weight;
            sums[1] += item.weight * item.target;
        }

        fn n_orders(&self) -> usize {
            1
        }

        fn order_by(&self, sums: &[f64], _: usize) -> f64 {
            sums[1] / sums[0]
        }

        #[inline(always)]
        fn reset(&mut self) {
            self.of.reset();
        }

        #[inline(always)]
        fn shift(&mut self, item: ValueItem) {
            self.of.shift(item.weight, item.weight * item.target);
        }

        #[inline(always)]
        fn shift_sums(&mut self, sums: &[f64]) {
            self.of.shift(sums[0], sums[1]);
        }

        #[inline(always)]
        fn weight(&self) -> f64 {
            self.of.weight
        }

        #[inline(always)]
        fn weights(&self) -> [f64; 2] {
            self.of.weights
        }

        fn value(&self, out: &mut [f64]) {
            out[0] = self.of.total / self.of.weight;
        }

        fn side_values(&self) -> [f64; 2] {
            self.of.side_values()
        }
    };
}

/// mean (y − ȳ)².
#[derive(Clone)]
pub(crate) struct SquaredError<'a> {
    of: Sums<'a>,
    squares: f64,
}

impl<'a> SquaredError<'a> {
    pub(crate) fn new(targets: &'a [f64], stride: usize) -> Self {
        Self { of: Sums::new(targets, stride), squares: 0.0 }
    }
}

impl Criterion for SquaredError<'_> {
    by_sums!();

    fn enter(&mut self, items: &[ValueItem]) {
        self.of.enter(items);
        self.squares = items.iter().map(|item| item.weight * item.target * item.target).sum();
    }

    #[inline(always)]
    fn proxy(&self) -> f64 {
        let ([left, right], [left_sum, right_sum]) = (self.of.weights, self.of.sums);
        left_sum * left_sum / left + right_sum * right_sum / right
    }

    fn impurity(&self) -> f64 {
        let mean = self.of.total / self.of.weight;
        self.squares / self.of.weight - mean * mean
    }
}

/// mean y log(y / ȳ); no node may have a mean of zero.
#[derive(Clone)]
pub(crate) struct Poisson<'a> {
    of: Sums<'a>,
    /// Σ w y log y of the node.
    logs: f64,
}

impl<'a> Poisson<'a> {
    pub(crate) fn new(targets: &'a [f64], stride: usize) -> Self {
        Self { of: Sums::new(targets, stride), logs: 0.0 }
    }
}

impl Criterion for Poisson<'_> {
    by_sums!();

    fn enter(&mut self, items: &[ValueItem]) {
        self.of.enter(items);
        let mean = self.of.total / self.of.weight;
        let log = |y: f64| if y == 0.0 { 0.0 } else { y * (y / mean).ln() };
        self.logs = items.iter().map(|item| item.weight * log(item.target)).sum();
    }

    fn proxy(&self) -> f64 {
        let ([left, right], [left_sum, right_sum]) = (self.of.weights, self.of.sums);
        if left_sum <= EPSILON || right_sum <= EPSILON {
            return f64::NEG_INFINITY;
        }
        left_sum * (left_sum / left).ln() + right_sum * (right_sum / right).ln()
    }

    fn impurity(&self) -> f64 {
        if self.of.total <= EPSILON { f64::INFINITY } else { self.logs / self.of.weight }
    }
}
