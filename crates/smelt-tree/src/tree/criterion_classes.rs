//! Criteria of classification: with p_k the share of class k in a node,
//! Gini impurity 1 − Σ p_k², and entropy −Σ p_k log₂ p_k.

use super::criterion::Criterion;

/// Class and weight of a row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ClassItem {
    class: u32,
    weight: f64,
}

/// Weights of the classes in a node and in its children.
#[derive(Clone)]
struct Classes<'a> {
    /// Class of row i: `classes[i * stride]`.
    classes: &'a [u32],
    stride: usize,
    total: Vec<f64>,
    left: Vec<f64>,
    right: Vec<f64>,
    weight: f64,
    weights: [f64; 2],
}

impl<'a> Classes<'a> {
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
        }
    }

    #[inline(always)]
    fn item(&self, row: usize, weight: f64) -> ClassItem {
        ClassItem { class: self.classes[row * self.stride], weight }
    }

    fn enter(&mut self, items: &[ClassItem]) {
        self.total.fill(0.0);
        self.weight = 0.0;
        for item in items {
            self.total[item.class as usize] += item.weight;
            self.weight += item.weight;
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
pub(crate) struct Gini<'a> {
    of: Classes<'a>,
    whole: bool,
    squares_total: f64,
    squares: [f64; 2],
}

impl<'a> Gini<'a> {
    pub(crate) fn new(classes: &'a [u32], stride: usize, n_classes: usize) -> Self {
        let of = Classes::new(classes, stride, n_classes);
        Self { of, whole: true, squares_total: 0.0, squares: [0.0; 2] }
    }

    fn impurity_of(squares: f64, weight: f64) -> f64 {
        1.0 - squares / (weight * weight)
    }
}

impl Criterion for Gini<'_> {
    type Item = ClassItem;

    fn weights_are_whole(&mut self, whole: bool) {
        self.whole = whole;
    }

    #[inline(always)]
    fn item(&self, row: usize, weight: f64) -> ClassItem {
        self.of.item(row, weight)
    }

    #[inline(always)]
    fn n_sums(&self) -> usize {
        self.of.total.len()
    }

    #[inline(always)]
    fn add(&self, sums: &mut [f64], item: ClassItem) {
        sums[item.class as usize] += item.weight;
    }

    fn enter(&mut self, items: &[ClassItem]) {
        self.of.enter(items);
        self.squares_total = self.of.total.iter().map(|total| total * total).sum();
    }

    #[inline(always)]
    fn reset(&mut self) {
        self.of.reset();
        self.squares = [0.0, self.squares_total];
    }

    #[inline(always)]
    fn shift(&mut self, ClassItem { class, weight }: ClassItem) {
        // (l + w)² − l² = w (2 l + w), and the same on the right.
        let (left, right) = (&mut self.of.left[class as usize], &mut self.of.right[class as usize]);
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
        if !self.whole {
            // Afresh, so that no rounding piles up: equal cuts must stay equal.
            right = self.of.weight - left;
            squares = [0.0; 2];
            for (&left, &total) in self.of.left.iter().zip(&self.of.total) {
                squares[0] += left * left;
                squares[1] += (total - left) * (total - left);
            }
        }
        -right * Self::impurity_of(squares[1], right) - left * Self::impurity_of(squares[0], left)
    }

    fn impurity(&self) -> f64 {
        Self::impurity_of(self.squares_total, self.of.weight)
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
pub(crate) struct Entropy<'a> {
    of: Classes<'a>,
}

impl<'a> Entropy<'a> {
    pub(crate) fn new(classes: &'a [u32], stride: usize, n_classes: usize) -> Self {
        Self { of: Classes::new(classes, stride, n_classes) }
    }

    fn impurity_of(weights: &[f64], total: f64) -> f64 {
        let shares = weights.iter().filter(|&&weight| weight > 0.0).map(|weight| weight / total);
        shares.fold(0.0, |sum, share| sum - share * (share.ln() / std::f64::consts::LN_2))
    }
}

impl Criterion for Entropy<'_> {
    type Item = ClassItem;

    #[inline(always)]
    fn item(&self, row: usize, weight: f64) -> ClassItem {
        self.of.item(row, weight)
    }

    #[inline(always)]
    fn n_sums(&self) -> usize {
        self.of.total.len()
    }

    #[inline(always)]
    fn add(&self, sums: &mut [f64], item: ClassItem) {
        sums[item.class as usize] += item.weight;
    }

    fn enter(&mut self, items: &[ClassItem]) {
        self.of.enter(items);
    }

    #[inline(always)]
    fn reset(&mut self) {
        self.of.reset();
    }

    #[inline(always)]
    fn shift(&mut self, ClassItem { class, weight }: ClassItem) {
        self.of.left[class as usize] += weight;
        self.of.right[class as usize] -= weight;
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
