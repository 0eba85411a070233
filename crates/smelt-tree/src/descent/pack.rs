//! Trees as small nodes, and their first levels as complete trees.

use smelt_core::choose::Test;
use smelt_core::simd::{Node, Steps};
use smelt_core::{Control, Result, parallel};

use super::columns::{Coding, Column, rule};
use super::key::{Key, Number};
use super::program::{Program, Shape};
use super::{Answer, CATEGORY_WORDS, Leaves, Source};

/// Levels of a complete tree whose labels fit into a byte.
const MOST_LEVELS: usize = 8;
/// Labels are bytes.
pub(super) const LABELS: usize = 256;

/// A tree, packed.
#[derive(Debug)]
pub(super) struct Tree<L, K: Key> {
    /// The two children of a node side by side, the left one's family behind them.  A leaf names
    /// itself, and no key is above its threshold: a row that has arrived stays.
    pub(super) steps: Steps<K::Word>,
    /// Answers of the leaves, by node.
    pub(super) leaves: Vec<L>,
    /// Sets of categories that go left; nothing where no split is categorical.
    pub(super) sets: Vec<[u32; CATEGORY_WORDS]>,
    /// Set of every node, plus one; 0 where a split compares numbers.
    pub(super) set_of: Vec<u32>,
    /// What vectors decide: all of a small tree, the first levels of a large one.
    pub(super) program: Program<K>,
    /// Of a symmetric tree its tests, one a level.
    pub(super) levels: Option<Vec<Test<K>>>,
    /// Where each label of the top leads to: twice the node, plus one where it goes on from there.
    pub(super) exits: Vec<u32>,
    /// The answers by label, filled up, where no label goes on; else nothing.
    pub(super) answers: Vec<L>,
}

/// Trees, packed.
#[derive(Debug)]
pub(super) struct Packed<L, K: Key> {
    pub(super) columns: Vec<Column>,
    pub(super) trees: Vec<Tree<L, K>>,
}

impl<L: Answer, K: Key> Packed<L, K> {
    /// Nothing where the trees are too large for as many as `widest` columns.
    pub(super) fn new<N: Number, C: Coding<N, Key = K>>(
        source: &dyn Source,
        leaf: Leaves<'_, L>,
        coding: &C,
        columns: Vec<Column>,
        with_missing: bool,
        widest: usize,
        control: &Control,
    ) -> Result<Option<Self>> {
        let n_trees = source.n_trees();
        let largest = (0..n_trees).map(|tree| source.n_nodes(tree)).max().unwrap_or(0);
        // A byte is the fastest.
        let needed = u32::BITS - (widest.max(2) as u32 - 1).leading_zeros();
        let bits = if needed <= 8 && largest < 1 << 24 { 8 } else { needed };
        if widest >= 1 << 24 || largest >= 1 << (u32::BITS - bits) {
            return Ok(None);
        }
        let pack = |tree| {
            let packing = Packing { source, leaf, coding, columns: &columns, bits, with_missing };
            packing.tree(tree)
        };
        let cost_ns = largest as f64 * 30.0;
        let trees = parallel::map_chunks(n_trees, 1, cost_ns, |tree, _| {
            control.check().ok().and_then(|()| pack(tree))
        });
        control.check()?;
        let trees: Vec<_> = trees.into_iter().flatten().collect();
        Ok((trees.len() == n_trees).then_some(Self { trees, columns }))
    }

    /// What a row that goes down one tree may touch.
    pub(super) fn bytes_of_a_tree(&self) -> usize {
        let nodes: usize = self.trees.iter().map(|tree| tree.leaves.len()).sum();
        nodes * (size_of::<Node<K::Word>>() + size_of::<L>()) / self.trees.len().max(1)
    }
}

struct Packing<'a, L, C> {
    source: &'a dyn Source,
    leaf: Leaves<'a, L>,
    coding: &'a C,
    columns: &'a [Column],
    /// Bits of a column.
    bits: u32,
    with_missing: bool,
}

impl<L: Answer, C> Packing<'_, L, C> {
    fn tree<N: Number>(&self, tree: usize) -> Option<Tree<L, C::Key>>
    where
        C: Coding<N>,
    {
        let size = self.source.n_nodes(tree);
        let mut nodes = Vec::with_capacity(size);
        let mut leaves = vec![L::default(); size];
        let (mut sets, mut set_of) = (Vec::new(), Vec::new());
        let (mut n_leaves, mut depth) = (0_usize, 0);
        nodes.push(Node::default());
        let mut waiting = vec![(0, 0_usize, 0_usize)];
        while let Some((at, place, level)) = waiting.pop() {
            let Some(split) = self.source.split(tree, at) else {
                nodes[place] =
                    Node { threshold: C::Key::MAX.word(), split: (place as u32) << self.bits };
                leaves[place] = (self.leaf)(tree, at);
                (n_leaves, depth) = (n_leaves + 1, depth.max(level));
                continue;
            };
            let child = nodes.len();
            // Whatever the arrays hold, the walk ends.
            assert!(child + 2 <= size, "a tree has more nodes than it says");
            nodes.resize(child + 2, Node::default());
            let column = (split.feature, rule(&split, self.with_missing));
            let column = self.columns.binary_search(&column).unwrap_or(0) as u32;
            let mut node =
                Node { threshold: C::Key::MAX.word(), split: (child as u32) << self.bits | column };
            if split.set.is_some() {
                set_of.resize(size, 0);
                sets.push(self.source.set(&split));
                set_of[place] = sets.len() as u32;
            } else {
                node.threshold = self.coding.threshold(split.feature, split.threshold).word();
            }
            nodes[place] = node;
            waiting.push((split.right, child + 1, level + 1));
            waiting.push((split.left, child, level + 1));
        }
        // The neighbour of the last leaf.
        nodes.push(Node::default());
        let mut made = Tree {
            steps: Steps::new(nodes, self.bits, self.columns.len().max(1))?,
            leaves,
            sets,
            set_of,
            program: Program::default(),
            levels: None,
            exits: Vec::new(),
            answers: Vec::new(),
        };
        if depth <= MOST_LEVELS {
            made.levels = made.symmetric(depth);
        }
        if made.levels.is_none() {
            let levels = if n_leaves <= C::Key::ALL { usize::MAX } else { C::Key::TOP };
            made.program = Program::new(&made.shape(0, levels));
        }
        if made.exits.iter().all(|exit| exit & 1 == 0) {
            made.answers = made.exits.iter().map(|&exit| made.leaves[exit as usize >> 1]).collect();
            made.answers.resize(LABELS, L::default());
        }
        Some(made)
    }
}

impl<L, K: Key> Tree<L, K> {
    /// The two children of a node and its test; nothing in a leaf.
    fn children(&self, place: usize) -> Option<(Test<K>, [usize; 2])> {
        let (column, child) = self.steps.split(place);
        let test = (column, K::of_word(self.steps.nodes()[place].threshold));
        (child != place).then_some((test, [child, child + 1]))
    }

    /// The first `levels` levels below a node as choices; what they lead to is an exit.
    fn shape(&mut self, place: usize, levels: usize) -> Shape<K> {
        let below = self.children(place);
        // Categories are left to walking.
        let walks = self.set_of.get(place).is_some_and(|&set| set > 0);
        match below {
            Some((test, [left, right])) if levels > 0 && !walks => {
                let left = self.shape(left, levels - 1);
                let right = self.shape(right, levels - 1);
                Shape::Choice(test, Box::new(left), Box::new(right))
            }
            _ => {
                self.exits.push((place as u32) << 1 | u32::from(below.is_some()));
                Shape::Label(K::label(self.exits.len() - 1))
            }
        }
    }

    /// The tests of the levels, where all nodes of a level ask the same; exits by label then.
    fn symmetric(&mut self, depth: usize) -> Option<Vec<Test<K>>> {
        if !self.sets.is_empty() {
            return None;
        }
        let mut places = vec![0];
        let mut levels = Vec::with_capacity(depth);
        for _ in 0..depth {
            let mut asked = None;
            let mut next = Vec::with_capacity(2 * places.len());
            for &place in &places {
                match self.children(place) {
                    Some((test, children)) if *asked.get_or_insert(test) == test => {
                        next.extend(children);
                    }
                    Some(_) => return None,
                    // A branch that ended early answers for all below it.
                    None => next.extend([place, place]),
                }
            }
            levels.push(asked?);
            places = next;
        }
        self.exits = places.iter().map(|&place| (place as u32) << 1).collect();
        Some(levels)
    }
}
