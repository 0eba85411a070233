//! Criteria of classification: with p_k the share of class k in a node,
//! Gini impurity 1 − Σ p_k², and entropy −Σ p_k log₂ p_k.

use std::marker::PhantomData;

use super::criterion::{ClassSums, Criterion, Score};

/// Weight of a row: a small whole number, whose sums are exact, or any.
pub(crate) trait Weight: Copy + Send + Sync {
    /// A class, as wide as the weight.
    type Class: Copy + Send + Sync + Into<u32>;
    const IS_WHOLE: bool;
    fn class(class: u32) -> Self::Class;
    fn new(weight: f64) -> Self;
    fn number(self) -> f64;
    /// The number, if it is a whole one.
    fn whole(self) -> u32;
}

impl Weight for u16 {
    type Class = u16;
    const IS_WHOLE: bool = true;

    fn class(class: u32) -> u16 {
        class as u16
    }

    fn new(weight: f64) -> Self {
        weight as Self
    }

    #[inline(always)]
    fn number(self) -> f64 {
        self.into()
    }

    #[inline(always)]
    fn whole(self) -> u32 {
        self.into()
    }
}

impl Weight for f64 {
    type Class = u32;
    const IS_WHOLE: bool = false;

    fn class(class: u32) -> u32 {
        class
    }

    fn new(weight: f64) -> Self {
        weight
    }

    #[inline(always)]
    fn number(self) -> f64 {
        self
    }

    fn whole(self) -> u32 {
        self as u32
    }
}

/// Class and weight of a row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ClassItem<W: Weight> {
    class: W::Class,
    weight: W,
}

impl<W: Weight> ClassItem<W> {
    #[inline(always)]
    fn class(self) -> usize {
        self.class.into() as usize
    }
}

/// Weights of the classes in a node and in its children.
#[derive(Clone)]
struct Classes<'a, W> {
    /// Class of row i: `classes[i * stride]`.
    classes: &'a [u32],
    stride: usize,
    total: Vec<f64>,
    left: Vec<f64>,
    right: Vec<f64>,
    weight: f64,
    weights: [f64; 2],
    of_row: PhantomData<W>,
}

impl<'a, W: Weight> Classes<'a, W> {
    fn new(classes: &'a [u32], stride: usize, n_classes: usize) -> Self {
        let zeros = vec![0.0; n_classes];
        Self {
            classes,
            stride,
            total: zeros.clone(),
            left: zeros.clone(),
            right: zeros,
            weight: 0.0,
            weights: [0.0; 2],
            of_row: PhantomData,
        }
    }

    #[inline(always)]
    fn class_sums(&self, score: Score) -> ClassSums<'_> {
        ClassSums { totals: &self.total, weight: self.weight, score }
    }

    /// One class against the rest each; of two classes one is enough.
    fn n_orders(&self) -> usize {
        match self.total.len() {
            0..=2 => 1,
            n_classes => n_classes,
        }
    }

    fn order_by(&self, sums: &[f64], order: usize) -> f64 {
        let class = if sums.len() == 2 { 1 } else { order };
        sums[class] / sums.iter().sum::<f64>()
    }

    #[inline(always)]
    fn item(&self, row: usize, weight: f64) -> ClassItem<W> {
        let class = W::class(self.classes[row * self.stride]);
        ClassItem { class, weight: W::new(weight) }
    }

    fn enter(&mut self, items: &[ClassItem<W>]) {
        self.total.fill(0.0);
        self.weight = 0.0;
        if !W::IS_WHOLE {
            for item in items {
                self.total[item.class()] += item.weight.number();
                self.weight += item.weight.number();
            }
            return;
        }
        // Rows of one class follow each other.
        let (mut class, mut sum) = (0, 0);
        for item in items {
            if item.class() != class {
                self.total[class] += sum as f64;
                (class, sum) = (item.class(), 0);
            }
            sum += u64::from(item.weight.whole());
        }
        self.total[class] += sum as f64;
        self.weight = self.total.iter().sum();
    }

    /// Takes up what `whole` has besides `part`, if sums are exact.
    fn enter_rest(&mut self, whole: &Self, part: &Self) -> bool {
        for ((rest, whole), part) in self.total.iter_mut().zip(&whole.total).zip(&part.total) {
            *rest = whole - part;
        }
        self.weight = whole.weight - part.weight;
        W::IS_WHOLE
    }

    /// Class by class, if sums do not depend on the order.
    fn order(&self, rows: &mut [u32]) {
        if W::IS_WHOLE {
            let class = |row: u32| self.classes[row as usize * self.stride] as usize;
            let mut places = vec![0; self.total.len() + 1];
            rows.iter().for_each(|&row| places[class(row) + 1] += 1);
            for class in 1..places.len() {
                places[class] += places[class - 1];
            }
            let unsorted = rows.to_vec();
            for row in unsorted {
                let place = &mut places[class(row)];
                rows[*place] = row;
                *place += 1;
            }
        }
    }

    fn reset(&mut self) {
        self.left.fill(0.0);
        self.right.copy_from_slice(&self.total);
        self.weights = [0.0, self.weight];
    }

    fn value(&self, out: &mut [f64]) {
        for (out, &total) in out.iter_mut().zip(&self.total) {
            *out = total / self.weight;
        }
    }

    fn side_values(&self) -> [f64; 2] {
        [self.left[0] / self.weights[0], self.right[0] / self.weights[1]]
    }
}

/// 1 − Σ p_k²; with whole weights, the sums of squares are kept up to date row by row.
#[derive(Clone)]
pub(crate) struct Gini<'a, W> {
    of: Classes<'a, W>,
    squares_total: f64,
    squares: [f64; 2],
}

impl<'a, W: Weight> Gini<'a, W> {
    pub(crate) fn new(classes: &'a [u32], stride: usize, n_classes: usize) -> Self {
        let of = Classes::new(classes, stride, n_classes);
        Self { of, squares_total: 0.0, squares: [0.0; 2] }
    }
}

/// 1 − Σ p_k² from Σ w_k² and w.
#[inline(always)]
pub(crate) fn gini(squares: f64, weight: f64) -> f64 {
    1.0 - squares / (weight * weight)
}

/// What orders cuts by Gini impurity, from squares and weights of the left and the right child.
#[inline(always)]
pub(crate) fn gini_proxy(squares: [f64; 2], weights: [f64; 2]) -> f64 {
    -weights[1] * gini(squares[1], weights[1]) - weights[0] * gini(squares[0], weights[0])
}

impl<W: Weight> Criterion for Gini<'_, W> {
    type Item = ClassItem<W>;

    #[inline(always)]
    fn item(&self, row: usize, weight: f64) -> ClassItem<W> {
        self.of.item(row, weight)
    }

    #[inline(always)]
    fn n_sums(&self) -> usize {
        self.of.total.len()
    }

    #[inline(always)]
    fn add(&self, sums: &mut [f64], item: ClassItem<W>) {
        sums[item.class()] += item.weight.number();
    }

    fn n_orders(&self) -> usize {
        self.of.n_orders()
    }

    fn order_by(&self, sums: &[f64], order: usize) -> f64 {
        self.of.order_by(sums, order)
    }

    #[inline(always)]
    fn class_sums(&self) -> Option<ClassSums<'_>> {
        W::IS_WHOLE.then(|| self.of.class_sums(Score::Squares))
    }

    #[inline(always)]
    fn class_and_weight(&self, item: ClassItem<W>) -> (usize, u32) {
        (item.class(), item.weight.whole())
    }

    fn order(&self, rows: &mut [u32]) {
        self.of.order(rows);
    }

    fn enter(&mut self, items: &[ClassItem<W>]) {
        self.of.enter(items);
        self.squares_total = self.of.total.iter().map(|total| total * total).sum();
    }

    fn enter_rest(&mut self, whole: &Self, part: &Self) -> bool {
        let is_exact = self.of.enter_rest(&whole.of, &part.of);
        self.squares_total = self.of.total.iter().map(|total| total * total).sum();
        is_exact
    }

    #[inline(always)]
    fn reset(&mut self) {
        self.of.reset();
        self.squares = [0.0, self.squares_total];
    }

    #[inline(always)]
    fn shift(&mut self, item: ClassItem<W>) {
        let (class, weight) = (item.class(), item.weight.number());
        // (l + w)² − l² = w (2 l + w), and the same on the right.
        let (left, right) = (&mut self.of.left[class], &mut self.of.right[class]);
        self.squares[0] += weight * (2.0 * *left + weight);
        self.squares[1] -= weight * (2.0 * *right - weight);
        *left += weight;
        *right -= weight;
        self.of.weights[0] += weight;
        self.of.weights[1] -= weight;
    }

    #[inline(always)]
    fn shift_sums(&mut self, sums: &[f64]) {
        let (mut weight, mut gained, mut lost) = (0.0, 0.0, 0.0);
        for ((&sum, left), right) in sums.iter().zip(&mut self.of.left).zip(&mut self.of.right) {
            gained += sum * (2.0 * *left + sum);
            lost += sum * (2.0 * *right - sum);
            *left += sum;
            *right -= sum;
            weight += sum;
        }
        self.squares[0] += gained;
        self.squares[1] -= lost;
        self.of.weights[0] += weight;
        self.of.weights[1] -= weight;
    }

    #[inline(always)]
    fn weight(&self) -> f64 {
        self.of.weight
    }

    #[inline(always)]
    fn weights(&self) -> [f64; 2] {
        self.of.weights
    }

    #[inline(always)]
    fn proxy(&self) -> f64 {
        let [left, mut right] = self.of.weights;
        let mut squares = self.squares;
        if !W::IS_WHOLE {
            // Afresh, so that no rounding piles up: equal cuts must stay equal.
            right = self.of.weight - left;
            squares = [0.0; 2];
            for (&left, &total) in self.of.left.iter().zip(&self.of.total) {
                squares[0] += left * left;
                squares[1] += (total - left) * (total - left);
            }
        }
        gini_proxy(squares, [left, right])
    }

    fn impurity(&self) -> f64 {
        gini(self.squares_total, self.of.weight)
    }

    fn value(&self, out: &mut [f64]) {
        self.of.value(out);
    }

    fn side_values(&self) -> [f64; 2] {
        self.of.side_values()
    }
}

/// −Σ p_k log₂ p_k.
#[derive(Clone)]
pub(crate) struct Entropy<'a, W> {
    of: Classes<'a, W>,
}

impl<'a, W: Weight> Entropy<'a, W> {
    pub(crate) fn new(classes: &'a [u32], stride: usize, n_classes: usize) -> Self {
        Self { of: Classes::new(classes, stride, n_classes) }
    }

    fn impurity_of(weights: &[f64], total: f64) -> f64 {
        let shares = weights.iter().filter(|&&weight| weight > 0.0).map(|weight| weight / total);
        shares.fold(0.0, |sum, share| sum - share * (share.ln() / std::f64::consts::LN_2))
    }
}

impl<W: Weight> Criterion for Entropy<'_, W> {
    type Item = ClassItem<W>;

    #[inline(always)]
    fn item(&self, row: usize, weight: f64) -> ClassItem<W> {
        self.of.item(row, weight)
    }

    #[inline(always)]
    fn n_sums(&self) -> usize {
        self.of.total.len()
    }

    #[inline(always)]
    fn add(&self, sums: &mut [f64], item: ClassItem<W>) {
        sums[item.class()] += item.weight.number();
    }

    fn n_orders(&self) -> usize {
        self.of.n_orders()
    }

    fn order_by(&self, sums: &[f64], order: usize) -> f64 {
        self.of.order_by(sums, order)
    }

    #[inline(always)]
    fn class_sums(&self) -> Option<ClassSums<'_>> {
        W::IS_WHOLE.then(|| self.of.class_sums(Score::Entropy))
    }

    #[inline(always)]
    fn class_and_weight(&self, item: ClassItem<W>) -> (usize, u32) {
        (item.class(), item.weight.whole())
    }

    fn order(&self, rows: &mut [u32]) {
        self.of.order(rows);
    }

    fn enter(&mut self, items: &[ClassItem<W>]) {
        self.of.enter(items);
    }

    fn enter_rest(&mut self, whole: &Self, part: &Self) -> bool {
        self.of.enter_rest(&whole.of, &part.of)
    }

    #[inline(always)]
    fn reset(&mut self) {
        self.of.reset();
    }

    #[inline(always)]
    fn shift(&mut self, item: ClassItem<W>) {
        let (class, weight) = (item.class(), item.weight.number());
        self.of.left[class] += weight;
        self.of.right[class] -= weight;
        self.of.weights[0] += weight;
        self.of.weights[1] -= weight;
    }

    #[inline(always)]
    fn shift_sums(&mut self, sums: &[f64]) {
        for ((&sum, left), right) in sums.iter().zip(&mut self.of.left).zip(&mut self.of.right) {
            *left += sum;
            *right -= sum;
            self.of.weights[0] += sum;
            self.of.weights[1] -= sum;
        }
    }

    #[inline(always)]
    fn weight(&self) -> f64 {
        self.of.weight
    }

    #[inline(always)]
    fn weights(&self) -> [f64; 2] {
        self.of.weights
    }

    fn proxy(&self) -> f64 {
        let [left, right] = self.of.weights;
        -right * Self::impurity_of(&self.of.right, right)
            - left * Self::impurity_of(&self.of.left, left)
    }

    fn impurity(&self) -> f64 {
        Self::impurity_of(&self.of.total, self.of.weight)
    }

    fn value(&self, out: &mut [f64]) {
        self.of.value(out);
    }

    fn side_values(&self) -> [f64; 2] {
        self.of.side_values()
    }
}
