//! Few: the subtree of up to 64 rows.  A node is a word, of which bit i tells whether it holds row i:
//! rows are not moved, but that a node of up to 32 or 16 rows is held anew, for shorter vectors.
//!
//! A class is a word too, and so is every binary digit of the weights.  The weight of a class in a
//! node is counted from the bits that they share, and the rows up to a value are comparisons of all
//! rows at once.  The codes of a column are fetched once, for all the nodes that look at it.
//!
//! The steps are those of the subtree that holds it.

mod best;
mod fetched;

use smelt_core::simd::bytes::{LANES, ones};
use smelt_core::simd::vectorize;

use self::best::Best;
use super::super::columns::Columns;
use super::{Draws, Growth, MOST_CLASSES, Task, Word, child_of, impurity_of, weight};

/// Most rows.
pub(super) const MOST_ROWS: usize = 64;
/// Largest weight of a root: sums of squares fit 16 bits.
pub(super) const MOST_WEIGHT: u32 = 255;

/// Codes of near rows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Table<'a> {
    pub(super) columns: &'a Columns,
    /// Row by row.
    pub(super) codes: &'a [u8],
}

/// The rows of a root.
#[derive(Debug)]
struct Held {
    n_classes: usize,
    /// Rows of every class.
    classes: [u64; MOST_CLASSES],
    /// Rows whose weight has the binary digit 1 at every place.
    digits: [u64; 8],
    n_digits: usize,
    words: [Word; MOST_ROWS],
    weights: [u8; MOST_ROWS],
}

impl Held {
    fn new() -> Self {
        Self {
            n_classes: 0,
            classes: [0; MOST_CLASSES],
            digits: [0; 8],
            n_digits: 0,
            words: [0; MOST_ROWS],
            weights: [0; MOST_ROWS],
        }
    }

    /// Takes up rows, class by class, whose classes end at `ends`.
    fn take_up(&mut self, words: &[Word], ends: &[u32]) {
        self.n_classes = ends.len();
        let mut before = 0;
        for (class, &end) in self.classes.iter_mut().zip(ends) {
            let up_to = first_rows(end as usize);
            *class = up_to & !before;
            before = up_to;
        }
        (self.digits, self.n_digits) = ([0; 8], 0);
        self.words[..words.len()].copy_from_slice(words);
        let mut largest = 0;
        for (own, &word) in self.weights.iter_mut().zip(words) {
            *own = weight(word) as u8;
            largest = largest.max(weight(word));
        }
        self.n_digits = (u32::BITS - largest.leading_zeros()) as usize;
        for (place, digit) in self.digits[..self.n_digits.min(8)].iter_mut().enumerate() {
            for (row, weight) in self.weights[..words.len()].iter().enumerate() {
                *digit |= u64::from(weight >> place & 1) << row;
            }
        }
    }

    /// Some of the rows, class by class, and where their classes end.
    fn part(&self, rows: u64) -> ([Word; MOST_ROWS], usize, [u32; MOST_CLASSES]) {
        let (mut words, mut ends, mut n) = ([0; MOST_ROWS], [0; MOST_CLASSES], 0);
        for (word, row) in words.iter_mut().zip(ones(rows)) {
            *word = self.words[row];
            n += 1;
        }
        let mut end = 0;
        for (own, class) in ends.iter_mut().zip(&self.classes[..self.n_classes]) {
            end += (rows & class).count_ones();
            *own = end;
        }
        (words, n, ends)
    }

    /// Weight of some rows.
    #[inline(always)]
    fn weight(&self, rows: u64) -> u32 {
        if self.n_digits == 1 {
            return (rows & self.digits[0]).count_ones();
        }
        let digits = self.digits.iter().take(self.n_digits).enumerate();
        digits.map(|(place, digit)| (rows & digit).count_ones() << place).sum()
    }

    /// Weights of the classes among some rows.
    #[inline(always)]
    fn weigh(&self, rows: u64, weights: &mut [u32; MOST_CLASSES]) -> u32 {
        let mut sum = 0;
        for (weight, class) in weights.iter_mut().zip(&self.classes[..self.n_classes]) {
            *weight = self.weight(rows & class);
            sum += *weight;
        }
        sum
    }
}

/// A node as its finder sees it.
#[derive(Debug, Clone, Copy)]
struct Node<'a> {
    held: &'a Held,
    rows: u64,
    /// Weights of the classes.
    weights: &'a [u32],
    weight: u32,
}

impl Node<'_> {
    /// Σ w_k² of the left and the right child, and their weights.
    #[inline(always)]
    fn sides(&self, left: u64) -> ([f64; 2], [f64; 2]) {
        let (mut squares, mut weight) = ([0_u32; 2], 0);
        for (class, &total) in self.held.classes.iter().zip(self.weights) {
            let of_left = self.held.weight(left & class);
            let of_right = total - of_left;
            squares[0] += of_left * of_left;
            squares[1] += of_right * of_right;
            weight += of_left;
        }
        (squares.map(f64::from), [weight.into(), (self.weight - weight).into()])
    }
}

/// A cut, and the rows that go left.
#[derive(Debug, Clone, Copy)]
struct Cut {
    feature: usize,
    threshold: f64,
    left: u64,
}

/// A node that waits.
#[derive(Debug, Clone, Copy)]
struct Waiting {
    rows: u64,
    task: Task,
}

/// A root of up to C · 16 rows, and what waits below it.
struct Root<const C: usize> {
    held: Held,
    best: Best<C>,
    waiting: Vec<Waiting>,
}

/// Room that is used again for every subtree.
pub(super) struct Few {
    wide: Box<Root<4>>,
    middle: Box<Root<2>>,
    narrow: Box<Root<1>>,
}

impl Few {
    /// For a table whose rows are `stride` long.
    pub(super) fn new(stride: usize) -> Self {
        Self {
            wide: Box::new(Root::new(stride)),
            middle: Box::new(Root::new(stride)),
            narrow: Box::new(Root::new(stride)),
        }
    }

    /// Grows the subtree of `words`, whose classes end at `ends`.
    pub(super) fn grow(
        &mut self,
        table: Table<'_>,
        task: Task,
        words: &[Word],
        ends: &[u32],
        value: &mut [f64],
        growth: &mut Growth<'_>,
    ) {
        self.take_up(table, task, words, ends);
        vectorize(
            #[inline(always)]
            || {
                // The smallest of the roots first, so that the nodes come in depth-first order.
                loop {
                    if let Some(waiting) = self.narrow.waiting.pop() {
                        self.narrow.visit(waiting, table, value, growth);
                    } else if let Some(waiting) = self.middle.waiting.pop() {
                        if waiting.fits(LANES) {
                            let (words, n, of_part) = self.middle.held.part(waiting.rows);
                            self.take_up(table, waiting.task, &words[..n], &of_part[..ends.len()]);
                        } else {
                            self.middle.visit(waiting, table, value, growth);
                        }
                    } else if let Some(waiting) = self.wide.waiting.pop() {
                        if waiting.fits(2 * LANES) {
                            let (words, n, of_part) = self.wide.held.part(waiting.rows);
                            self.take_up(table, waiting.task, &words[..n], &of_part[..ends.len()]);
                        } else {
                            self.wide.visit(waiting, table, value, growth);
                        }
                    } else {
                        break;
                    }
                }
            },
        );
    }

    /// Takes up rows where they fit best.
    fn take_up(&mut self, table: Table<'_>, task: Task, words: &[Word], ends: &[u32]) {
        match words.len() {
            0..=LANES => self.narrow.take_up(table, task, words, ends),
            n if n <= 2 * LANES => self.middle.take_up(table, task, words, ends),
            _ => self.wide.take_up(table, task, words, ends),
        }
    }
}

impl Waiting {
    #[inline(always)]
    fn fits(&self, n_rows: usize) -> bool {
        self.rows.count_ones() as usize <= n_rows
    }
}

impl<const C: usize> Root<C> {
    fn new(stride: usize) -> Self {
        Self { held: Held::new(), best: Best::new(stride), waiting: Vec::new() }
    }

    fn take_up(&mut self, table: Table<'_>, task: Task, words: &[Word], ends: &[u32]) {
        self.held.take_up(words, ends);
        self.best.take_up(table, words);
        self.waiting.push(Waiting { rows: first_rows(words.len()), task });
    }

    #[inline(always)]
    fn visit(
        &mut self,
        Waiting { rows, task }: Waiting,
        table: Table<'_>,
        value: &mut [f64],
        growth: &mut Growth<'_>,
    ) {
        let Self { held, best, waiting } = self;
        let Growth { limits, total_weight, drawing, random, nodes } = growth;
        let (mut weights, mut of_left) = ([0; MOST_CLASSES], [0; MOST_CLASSES]);
        // 1. The node.
        let n = rows.count_ones() as usize;
        let weight = held.weigh(rows, &mut weights);
        let weights = &weights[..held.n_classes];
        let of_node = f64::from(weight);
        for (value, &of_class) in value.iter_mut().zip(weights) {
            *value = f64::from(of_class) / of_node;
        }
        let node = nodes.add(task.parent, task.impurity, n, of_node, value);
        nodes.max_depth = nodes.max_depth.max(task.depth);
        if limits.is_leaf(task.depth, n, of_node, task.impurity) {
            return;
        }
        // 2. The best cut.
        drawing.start(task.n_constant);
        let seen = Node { held, rows, weights, weight };
        let cut = best.find(table, &seen, &mut Draws { limits, drawing, random });
        let n_constant = drawing.finish();
        let Some(Cut { feature, threshold, left }) = cut else { return };
        // 3. Partition.
        let n_left = left.count_ones() as usize;
        let weight_left = held.weigh(left, &mut of_left);
        let mut of_right = [0; MOST_CLASSES];
        for ((right, &all), left) in of_right.iter_mut().zip(weights).zip(&of_left) {
            *right = all - left;
        }
        let n_classes = weights.len();
        let impurities = [impurity_of(&of_left[..n_classes]), impurity_of(&of_right[..n_classes])];
        let weight_left = f64::from(weight_left);
        let improvement = of_node / *total_weight
            * (task.impurity
                - (of_node - weight_left) / of_node * impurities[1]
                - weight_left / of_node * impurities[0]);
        if !limits.is_worth(improvement) {
            return;
        }
        nodes.cut(node, feature, threshold, 2 * n_left > n);
        // 4. Children.
        let made = Task { n_constant, parent: Some((node, true)), ..task };
        let right = child_of(made, false, impurities);
        waiting.push(Waiting { rows: rows & !left, task: right });
        waiting.push(Waiting { rows: left, task: child_of(made, true, impurities) });
    }
}

/// The first n rows.
#[inline(always)]
fn first_rows(n: usize) -> u64 {
    if n >= MOST_ROWS { u64::MAX } else { (1 << n) - 1 }
}

/// The first of some rows.
#[inline(always)]
fn first_of(rows: u64) -> usize {
    ones(rows).next().unwrap_or(0)
}
