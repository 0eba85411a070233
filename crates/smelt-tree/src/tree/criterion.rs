//! Criterion: how mixed the targets of a node are, and how much less mixed its children would be.
//!
//! A splitter enters a node, then moves rows from the right child to the left one, one row or one
//! histogram bin at a time, and asks for the proxy after each: a number that orders cuts as the
//! decrease of impurity does.  The formulas are scikit-learn's, term by term, so that equal sums make
//! equal decisions.

/// Weights of the classes in a node, all of them whole numbers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ClassSums<'a> {
    pub(crate) totals: &'a [f64],
    pub(crate) weight: f64,
    pub(crate) score: Score,
}

/// What a criterion of classes makes of the sums.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Score {
    /// Gini impurity: squares of the sums.
    Squares,
    /// Entropy: their logarithms.
    Entropy,
}

/// Impurity of a node as a function of its rows.
pub(crate) trait Criterion: Clone + Send + Sync {
    /// What one training row brings along.
    type Item: Copy + Send + Sync;

    /// The item of a row of the training data.
    fn item(&self, row: usize, weight: f64) -> Self::Item;

    /// Length of the sums that rows of one bin add up to; 0 if rows must move one by one.
    fn n_sums(&self) -> usize;

    /// Adds a row to the sums of its bin.
    fn add(&self, sums: &mut [f64], item: Self::Item);

    /// Length of the sums that categories are put in order by; those of a bin, if there are some.
    fn n_order_sums(&self) -> usize {
        self.n_sums()
    }

    /// Adds a row to them.
    fn add_order_sums(&self, sums: &mut [f64], item: Self::Item) {
        self.add(sums, item);
    }

    /// How many ways there are to put categories in order.
    fn n_orders(&self) -> usize;

    /// The number by which one of these orders a category of these sums.
    fn order_by(&self, sums: &[f64], order: usize) -> f64;

    /// Class sums of the node entered, if that is all the criterion looks at and they are whole.
    fn class_sums(&self) -> Option<ClassSums<'_>> {
        None
    }

    /// Class and weight of a row; asked only of criteria with class sums.
    fn class_and_weight(&self, _: Self::Item) -> (usize, u32) {
        (0, 0)
    }

    /// Puts the rows of the root in the order that the criterion likes to meet them in; those with
    /// class sums meet them class by class.
    fn order(&self, _: &mut [u32]) {}

    /// Takes up a node: all its rows.
    fn enter(&mut self, items: &[Self::Item]);

    /// Takes up the rows of the node `whole` that are not in the node `part`, and returns true; or
    /// false, if sums are not exact: then the rows must be entered.
    fn enter_rest(&mut self, _whole: &Self, _part: &Self) -> bool {
        false
    }

    /// All rows on the right.
    fn reset(&mut self);

    /// Moves one row to the left.
    fn shift(&mut self, item: Self::Item);

    /// Moves the rows of a bin to the left.
    fn shift_sums(&mut self, sums: &[f64]);

    /// Weight of the node.
    fn weight(&self) -> f64;

    /// Weights of the left and the right child.
    fn weights(&self) -> [f64; 2];

    /// The larger, the better the cut; minus infinity if the cut is not allowed.
    fn proxy(&self) -> f64;

    /// Impurity of the node entered.
    fn impurity(&self) -> f64;

    /// Value of the node entered; (n_outputs × longest value of an output).
    fn value(&self, out: &mut [f64]);

    /// Values of the children that monotonic constraints compare.
    fn side_values(&self) -> [f64; 2];
}

/// Several outputs: the mean of one criterion over all of them.
#[derive(Clone)]
pub(crate) struct Outputs<C> {
    outputs: Vec<C>,
    width: usize,
    n_sums: usize,
}

impl<C: Criterion> Outputs<C> {
    /// One criterion an output, each of which writes `width` numbers as a node's value.
    pub(crate) fn new(outputs: Vec<C>, width: usize) -> Self {
        let n_sums = outputs.iter().map(Criterion::n_sums).sum();
        Self { outputs, width, n_sums }
    }

    fn mean(&self, of: impl Fn(&C) -> f64) -> f64 {
        self.outputs.iter().map(of).sum::<f64>() / self.outputs.len() as f64
    }
}

impl<C: Criterion> Criterion for Outputs<C> {
    /// Row and weight.
    type Item = (u32, f64);

    fn item(&self, row: usize, weight: f64) -> Self::Item {
        (row as u32, weight)
    }

    fn n_sums(&self) -> usize {
        self.n_sums
    }

    fn add(&self, sums: &mut [f64], (row, weight): Self::Item) {
        let mut rest = sums;
        for output in &self.outputs {
            let (own, others) = rest.split_at_mut(output.n_sums());
            output.add(own, output.item(row as usize, weight));
            rest = others;
        }
    }

    fn n_order_sums(&self) -> usize {
        self.outputs.iter().map(Criterion::n_order_sums).sum()
    }

    fn add_order_sums(&self, sums: &mut [f64], (row, weight): Self::Item) {
        let mut rest = sums;
        for output in &self.outputs {
            let (own, others) = rest.split_at_mut(output.n_order_sums());
            output.add_order_sums(own, output.item(row as usize, weight));
            rest = others;
        }
    }

    fn n_orders(&self) -> usize {
        self.outputs.iter().map(Criterion::n_orders).sum()
    }

    fn order_by(&self, sums: &[f64], order: usize) -> f64 {
        let (mut rest, mut order) = (sums, order);
        for output in &self.outputs {
            let (own, others) = rest.split_at(output.n_order_sums());
            if order < output.n_orders() {
                return output.order_by(own, order);
            }
            order -= output.n_orders();
            rest = others;
        }
        0.0
    }

    fn enter(&mut self, items: &[Self::Item]) {
        for output in &mut self.outputs {
            let own: Vec<C::Item> =
                items.iter().map(|&(row, weight)| output.item(row as usize, weight)).collect();
            output.enter(&own);
        }
    }

    fn reset(&mut self) {
        self.outputs.iter_mut().for_each(Criterion::reset);
    }

    fn shift(&mut self, (row, weight): Self::Item) {
        for output in &mut self.outputs {
            let item = output.item(row as usize, weight);
            output.shift(item);
        }
    }

    fn shift_sums(&mut self, sums: &[f64]) {
        let mut rest = sums;
        for output in &mut self.outputs {
            let (own, others) = rest.split_at(output.n_sums());
            output.shift_sums(own);
            rest = others;
        }
    }

    fn weight(&self) -> f64 {
        self.outputs[0].weight()
    }

    fn weights(&self) -> [f64; 2] {
        self.outputs[0].weights()
    }

    fn proxy(&self) -> f64 {
        self.mean(Criterion::proxy)
    }

    fn impurity(&self) -> f64 {
        self.mean(Criterion::impurity)
    }

    fn value(&self, out: &mut [f64]) {
        for (output, out) in self.outputs.iter().zip(out.chunks_mut(self.width)) {
            output.value(out);
        }
    }

    fn side_values(&self) -> [f64; 2] {
        self.outputs[0].side_values()
    }
}
