//! The labels of all rows of a block, without walking: every node of a tree, from below, chooses
//! between the labels of its two sides, 32 rows at a time where keys are bytes.

use smelt_core::choose::Side;

use super::columns::Table;
use super::key::Key;

/// A split on a column of the table, and the column's threshold.
pub(super) type Test<K> = (u32, K);

/// A tree, or the first levels of one: what it leads to has a label.
#[derive(Debug)]
pub(super) enum Shape<K> {
    /// Where a row goes that got here.
    Label(K),
    /// Left where the key is not above the threshold, else right.
    Choice(Test<K>, Box<Shape<K>>, Box<Shape<K>>),
}

/// A step: it leaves a label for each row in a slot.
#[derive(Debug)]
enum Step<K> {
    /// A complete tree of three levels.
    Eight { tests: [Test<K>; 7], labels: [K; 8], out: usize },
    /// Between what is in slot `out`, the left side if `left`, and `other`.
    Two { test: Test<K>, out: usize, other: Operand<K>, left: bool },
    /// Between two labels.
    Labels { test: Test<K>, out: usize, labels: [K; 2] },
    /// The same label for all.
    Fill { label: K },
}

#[derive(Debug, Clone, Copy)]
enum Operand<K> {
    Label(K),
    /// What lies in the next slot.
    Next,
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
            program.steps.push(Step::Fill { label: *label });
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
            self.steps.push(Step::Eight { tests, labels, out });
            return;
        }
        match (&**left, &**right) {
            (Shape::Label(a), Shape::Label(b)) => {
                self.steps.push(Step::Labels { test, out, labels: [*a, *b] });
            }
            (deep, Shape::Label(label)) => {
                self.add(deep, out);
                self.steps.push(Step::Two { test, out, other: Operand::Label(*label), left: true });
            }
            (Shape::Label(label), deep) => {
                self.add(deep, out);
                self.steps.push(Step::Two {
                    test,
                    out,
                    other: Operand::Label(*label),
                    left: false,
                });
            }
            (left, right) => {
                // The side that needs more slots goes first: there are never more than log2 of them.
                let is_left = left.slots() >= right.slots();
                let (first, second) = if is_left { (left, right) } else { (right, left) };
                self.add(first, out);
                self.add(second, out + 1);
                self.steps.push(Step::Two { test, out, other: Operand::Next, left: is_left });
            }
        }
    }

    /// Labels the rows of a table; `slots` is a buffer.
    pub(super) fn run<'a>(&self, table: &Table<K>, slots: &'a mut Vec<K>) -> &'a [K] {
        let stride = table.stride;
        if slots.len() < self.n_slots * stride {
            slots.resize(self.n_slots * stride, K::default());
        }
        for step in &self.steps {
            match step {
                Step::Eight { tests, labels, out } => K::choose_eight(
                    tests.map(|(column, _)| table.column(column)),
                    tests.map(|(_, threshold)| threshold),
                    *labels,
                    &mut slots[out * stride..(out + 1) * stride],
                ),
                Step::Two { test: (column, threshold), out, other, left } => {
                    let (out, next) = slots[out * stride..].split_at_mut(stride);
                    let other = match *other {
                        Operand::Label(label) => Side::All(label),
                        Operand::Next => Side::Each(&next[..stride]),
                    };
                    K::choose_two(table.column(*column), *threshold, out, other, *left);
                }
                Step::Labels { test: (column, threshold), out, labels: [left, right] } => {
                    let out = &mut slots[out * stride..(out + 1) * stride];
                    out.fill(*left);
                    let other = Side::All(*right);
                    K::choose_two(table.column(*column), *threshold, out, other, true);
                }
                Step::Fill { label } => slots[..stride].fill(*label),
            }
        }
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
