//! The labels of all rows of a block, without walking: every node of a tree, from below, chooses
//! between the labels of its two sides, 32 rows at a time where keys are bytes.

use smelt_core::choose::{Step, Test};

use super::columns::Table;
use super::key::Key;

/// A tree, or the first levels of one: what it leads to has a label.
#[derive(Debug)]
pub(super) enum Shape<K> {
    /// Where a row goes that got here.
    Label(K),
    /// Left where the key is not above the threshold, else right.
    Choice(Test<K>, Box<Shape<K>>, Box<Shape<K>>),
}

/// Steps that label the rows of a block.
#[derive(Debug, Default)]
pub(super) struct Program<K> {
    steps: Vec<Step<K>>,
    n_slots: usize,
}

impl<K: Key> Program<K> {
    pub(super) fn new(shape: &Shape<K>) -> Self {
        let mut program = Self { steps: Vec::new(), n_slots: 1 };
        if let Shape::Label(label) = shape {
            // Whichever column: both sides are the same.
            let (test, labels) = ((0, K::MAX), [*label; 2]);
            program.steps.push(Step::Labels { test, labels, out: 0 });
        } else {
            program.add(shape, 0);
        }
        program
    }

    /// Adds the steps that leave the labels of `shape` in slot `out`.
    fn add(&mut self, shape: &Shape<K>, out: usize) {
        self.n_slots = self.n_slots.max(out + 1);
        let Shape::Choice(test, left, right) = shape else { return };
        let test = *test;
        if shape.height() <= 3 && shape.size() > 3 {
            let (mut tests, mut labels) = ([(0, K::MAX); 7], [K::default(); 8]);
            shape.spread(0, 0, 3, &mut tests, &mut labels);
            self.steps.push(Step::Eight { tests, labels, out: out as u32 });
            return;
        }
        let place = out as u32;
        match (&**left, &**right) {
            (Shape::Label(a), Shape::Label(b)) => {
                self.steps.push(Step::Labels { test, labels: [*a, *b], out: place });
            }
            (deep, Shape::Label(label)) => {
                self.add(deep, out);
                self.steps.push(Step::Label { test, label: *label, left: true, out: place });
            }
            (Shape::Label(label), deep) => {
                self.add(deep, out);
                self.steps.push(Step::Label { test, label: *label, left: false, out: place });
            }
            (left, right) => {
                // The side that needs more slots goes first: there are never more than log2 of them.
                let is_left = left.slots() >= right.slots();
                let (first, second) = if is_left { (left, right) } else { (right, left) };
                self.add(first, out);
                self.add(second, out + 1);
                self.steps.push(Step::Slots { test, left: is_left, out: place });
            }
        }
    }

    /// Labels the rows of a table; `slots` is a buffer.
    pub(super) fn run<'a>(&self, table: &Table<K>, slots: &'a mut Vec<K>) -> &'a [K] {
        let stride = table.stride;
        if slots.len() < self.n_slots * stride {
            slots.resize(self.n_slots * stride, K::default());
        }
        K::choose(&self.steps, &table.by_column, slots, stride);
        &slots[..stride]
    }
}

impl<K: Key> Shape<K> {
    fn height(&self) -> usize {
        match self {
            Self::Label(_) => 0,
            Self::Choice(_, left, right) => 1 + left.height().max(right.height()),
        }
    }

    /// Number of choices.
    fn size(&self) -> usize {
        match self {
            Self::Label(_) => 0,
            Self::Choice(_, left, right) => 1 + left.size() + right.size(),
        }
    }

    /// Slots that the steps of this shape need.
    fn slots(&self) -> usize {
        match self {
            Self::Label(_) => 0,
            Self::Choice(_, left, right) => {
                let (left, right) = (left.slots(), right.slots());
                left.max(right).max(1) + usize::from(left == right && left > 0)
            }
        }
    }

    /// Fills a complete tree; where this one ends early, its label stands on both sides.
    fn spread(
        &self,
        node: usize,
        place: usize,
        levels: usize,
        tests: &mut [Test<K>; 7],
        labels: &mut [K; 8],
    ) {
        match self {
            Self::Label(label) => {
                labels[place << levels..(place + 1) << levels].fill(*label);
            }
            Self::Choice(test, left, right) => {
                tests[node] = *test;
                left.spread(2 * node + 1, 2 * place, levels - 1, tests, labels);
                right.spread(2 * node + 2, 2 * place + 1, levels - 1, tests, labels);
            }
        }
    }
}
