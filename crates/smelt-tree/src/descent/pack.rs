//! Trees as small nodes, and their first levels as complete trees.

use smelt_core::choose::Test;
use smelt_core::simd::steps::{Node, Steps};
use smelt_core::{Control, Result, parallel};

use super::columns::{Coding, Column, rule};
use super::key::{Key, Number};
use super::program::{Program, Shape};
use super::{Answer, CATEGORY_WORDS, Leaves, Source, Split};

/// Levels of a complete tree whose labels fit into a byte.
const MOST_LEVELS: usize = 8;
/// Labels are bytes.
pub(super) const LABELS: usize = 256;
/// Answers that leaves may share.
const SHARED: usize = 32;

/// A tree, packed.
#[derive(Debug)]
pub(super) struct Tree<L, K: Key> {
    /// Splits, the family of the larger child right behind its parent; then the leaves, which keep the
    /// rows that have arrived.
    pub(super) steps: Steps<K::Word>,
    pub(super) n_splits: usize,
    /// Answers of the leaves; leaves of the same answer are one where answers are few.
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
        control: &Control,
    ) -> Result<Option<Self>> {
        let n_trees = source.n_trees();
        let largest = (0..n_trees).map(|tree| source.n_nodes(tree)).max().unwrap_or(0);
        // A label of an exit is twice a node.
        if largest >= 1 << 31 {
            return Ok(None);
        }
        let pack = |tree| {
            let packing = Packing { source, leaf, coding, columns: &columns, with_missing };
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
        let of_a_tree = |tree: &Tree<L, K>| tree.steps.size() + size_of_val(&tree.leaves[..]);
        self.trees.iter().map(of_a_tree).sum::<usize>() / self.trees.len().max(1)
    }
}

struct Packing<'a, L, C> {
    source: &'a dyn Source,
    leaf: Leaves<'a, L>,
    coding: &'a C,
    columns: &'a [Column],
    with_missing: bool,
}

impl<L: Answer, C> Packing<'_, L, C> {
    /// Splits of a tree by node, those among them whose children exist.
    fn splits(&self, tree: usize) -> Vec<Option<Split>> {
        let size = self.source.n_nodes(tree);
        let exists = |split: &Split| split.left.max(split.right) < size;
        (0..size).map(|at| self.source.split(tree, at).filter(exists)).collect()
    }

    fn tree<N: Number>(&self, tree: usize) -> Option<Tree<L, C::Key>>
    where
        C: Coding<N>,
    {
        let splits = self.splits(tree);
        let sizes = sizes(&splits);
        let n_splits = splits.iter().flatten().count();
        let mut nodes = Vec::with_capacity(n_splits + SHARED);
        let (mut leaves, mut sets, mut set_of) = (Vec::new(), Vec::new(), Vec::new());
        let (mut n_leaves, mut depth) = (0_usize, 0);
        let mut waiting = vec![(0, None, 0_usize)];
        while let Some((at, parent, level)) = waiting.pop() {
            // Whatever the arrays hold, the walk ends.
            assert!(nodes.len() + n_leaves < splits.len(), "a tree has more nodes than it says");
            let split: Option<Split> = splits[at];
            let place = match &split {
                Some(_) => nodes.len(),
                None => n_splits + place_of((self.leaf)(tree, at), &mut leaves),
            };
            if let Some((parent, side)) = parent {
                let parent: &mut Node<_> = &mut nodes[parent];
                parent.children[side] = place as u32;
            }
            let Some(split) = split else {
                (n_leaves, depth) = (n_leaves + 1, depth.max(level));
                continue;
            };
            let column = (split.feature, rule(&split, self.with_missing));
            let column = self.columns.binary_search(&column).unwrap_or(0) as u32;
            let mut node = Node { threshold: C::Key::MAX.word(), column, children: [0; 2] };
            if split.set.is_some() {
                set_of.resize(n_splits, 0);
                sets.push(self.source.set(&split));
                set_of[place] = sets.len() as u32;
            } else {
                node.threshold = self.coding.threshold(split.feature, split.threshold).word();
            }
            nodes.push(node);
            let children = [split.left, split.right].map(|child| sizes[child]);
            let larger = usize::from(children[1] > children[0]);
            for side in [1 - larger, larger] {
                let child = [split.left, split.right][side];
                waiting.push((child, Some((place, side)), level + 1));
            }
        }
        // Splits that no way leads to.
        nodes.resize(n_splits, Node::default());
        for place in n_splits..n_splits + leaves.len() {
            nodes.push(Node { children: [place as u32; 2], ..Node::default() });
        }
        let mut made = Tree {
            steps: Steps::new(nodes, self.columns.len().max(1))?,
            n_splits,
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
            made.answers = made.exits.iter().map(|&exit| made.answer(exit as usize >> 1)).collect();
            made.answers.resize(LABELS, L::default());
        }
        Some(made)
    }
}

/// Nodes below every node, itself among them.
fn sizes(splits: &[Option<Split>]) -> Vec<u32> {
    let mut sizes = vec![1_u32; splits.len()];
    // Children lie behind their parents.
    for (at, split) in splits.iter().enumerate().rev() {
        if let Some(split) = split {
            let below = sizes[split.left].saturating_add(sizes[split.right]);
            sizes[at] = below.saturating_add(1);
        }
    }
    sizes
}

/// The place of an answer; one that is not among the first ones gets a place of its own.
fn place_of<L: Answer>(answer: L, leaves: &mut Vec<L>) -> usize {
    let shared = leaves.iter().take(SHARED).position(|&other| other.is(answer));
    shared.unwrap_or_else(|| {
        leaves.push(answer);
        leaves.len() - 1
    })
}

impl<L: Copy, K: Key> Tree<L, K> {
    /// The answer of a leaf; of a split, any.
    #[inline(always)]
    pub(super) fn answer(&self, place: usize) -> L {
        self.leaves[place.wrapping_sub(self.n_splits).min(self.leaves.len() - 1)]
    }

    /// The two children of a node and its test; nothing in a leaf.
    fn children(&self, place: usize) -> Option<(Test<K>, [usize; 2])> {
        let node = self.steps.node(place);
        let test = (node.column, K::of_word(node.threshold));
        (place < self.n_splits).then_some((test, node.children.map(|child| child as usize)))
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
