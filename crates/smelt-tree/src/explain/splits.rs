//! The splits of one tree in the order of a walk, and on which side of each a block of rows is.

use smelt_core::simd::vectorize;

use super::trees::TreesRef;

/// Rows that go through a tree before the next tree.
pub(crate) const BLOCK: usize = 256;
/// Side of a split that a row cannot reach by the column of the split: it left the path before.
pub(crate) const OFF: u8 = 2;
/// No edge.
const NONE: u32 = u32::MAX;

/// Edge below a split: its place and its side.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Edge(u32);

impl Edge {
    fn new(split: usize, side: usize) -> Self {
        Self((split * 2 + side) as u32)
    }
    /// Place of the split above.
    #[inline(always)]
    pub(crate) fn split(self) -> usize {
        (self.0 / 2) as usize
    }
    /// 0 left, 1 right.
    #[inline(always)]
    pub(crate) fn side(self) -> u8 {
        (self.0 % 2) as u8
    }
}

/// One split.
#[derive(Debug, Clone)]
pub(crate) struct Split {
    /// Node in the arrays of all trees.
    pub(crate) node: u32,
    /// Column, as counted within the tree.
    pub(crate) column: u32,
    /// Splits above.
    pub(crate) level: u32,
    parent: Edge,
    previous: Edge,
    /// Shares of the rows that went left and right in training.
    pub(crate) shares: [f64; 2],
    /// Product of the shares of the edges above that belong to the same column.
    pub(crate) cold: f64,
    /// Leaf on either side, in the arrays of all trees.
    leaf: [u32; 2],
}

impl Split {
    /// The edge above this split.
    #[inline(always)]
    pub(crate) fn parent(&self) -> Option<Edge> {
        (self.parent.0 != NONE).then_some(self.parent)
    }
    /// The nearest edge above of a split on the same column.
    #[inline(always)]
    pub(crate) fn previous(&self) -> Option<Edge> {
        (self.previous.0 != NONE).then_some(self.previous)
    }
    /// The node of a child that is a leaf.
    #[inline(always)]
    pub(crate) fn leaf(&self, side: usize) -> Option<usize> {
        (self.leaf[side] != NONE).then_some(self.leaf[side] as usize)
    }
}

/// What a walk does next.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Step {
    /// Goes from a split to its children.
    Down(u32),
    /// Comes back from them.
    Up(u32),
    /// Both at once, where the children are leaves.
    Both(u32),
}

/// One tree.
#[derive(Debug)]
pub(crate) struct TreeSplits {
    pub(crate) splits: Vec<Split>,
    pub(crate) steps: Vec<Step>,
    /// Columns in use.
    pub(crate) columns: Vec<u32>,
    /// Most different columns on one path.
    pub(crate) longest: usize,
    /// Most splits on one path.
    pub(crate) depth: usize,
}

impl TreeSplits {
    /// Walks through tree `tree`, whose arrays have been validated.
    pub(crate) fn new(trees: &TreesRef<'_>, tree: usize) -> Self {
        let root = trees.offsets[tree] as usize;
        let mut found =
            Self { splits: vec![], steps: vec![], columns: vec![], longest: 0, depth: 0 };
        let mut place = std::collections::HashMap::new();
        let mut waiting = vec![(root, Edge(NONE), 0, 0)];
        // Splits to come back from, each with the number of nodes that wait behind its children.
        let mut back = Vec::new();
        while let Some((node, parent, level, n_columns)) = waiting.pop() {
            while back.last().is_some_and(|&(n_waiting, _)| waiting.len() < n_waiting) {
                found.steps.extend(back.pop().map(|(_, split)| Step::Up(split)));
            }
            if trees.left[node] < 0 {
                continue;
            }
            let at = found.splits.len();
            let feature = trees.feature[node] as u32;
            let column = *place.entry(feature).or_insert_with(|| {
                found.columns.push(feature);
                found.columns.len() as u32 - 1
            });
            let previous = found.edges_above(parent).find(|edge| {
                let split: &Split = &found.splits[edge.split()];
                split.column == column
            });
            let cold = previous.map_or(1.0, |edge| {
                let split: &Split = &found.splits[edge.split()];
                split.cold * split.shares[usize::from(edge.side())]
            });
            let children = [trees.left[node], trees.right[node]].map(|child| root + child as usize);
            let leaf = children.map(|at| if trees.left[at] < 0 { at as u32 } else { NONE });
            found.splits.push(Split {
                node: node as u32,
                column,
                level,
                parent,
                previous: previous.unwrap_or(Edge(NONE)),
                shares: trees.shares(root, node),
                cold,
                leaf,
            });
            let n_columns = n_columns + usize::from(previous.is_none());
            found.longest = found.longest.max(n_columns);
            found.depth = found.depth.max(level as usize + 1);
            if leaf[0] != NONE && leaf[1] != NONE {
                found.steps.push(Step::Both(at as u32));
                continue;
            }
            found.steps.push(Step::Down(at as u32));
            back.push((waiting.len(), at as u32));
            for side in [1, 0] {
                waiting.push((children[side], Edge::new(at, side), level + 1, n_columns));
            }
        }
        while let Some((_, split)) = back.pop() {
            found.steps.push(Step::Up(split));
        }
        found
    }

    /// Edges from `edge` up to the root.
    fn edges_above(&self, edge: Edge) -> impl Iterator<Item = Edge> + '_ {
        let first = (edge.0 != NONE).then_some(edge);
        std::iter::successors(first, |edge| self.splits[edge.split()].parent())
    }

    /// The nearest edges of all different columns on the way down to and with `edge`.
    pub(crate) fn path(&self, edge: Option<Edge>) -> Vec<Edge> {
        let mut path: Vec<Edge> = Vec::new();
        for edge in self.edges_above(edge.unwrap_or(Edge(NONE))) {
            let column = self.splits[edge.split()].column;
            if path.iter().all(|known| self.splits[known.split()].column != column) {
                path.push(edge);
            }
        }
        path
    }

    /// The edge of a side of a split.
    pub(crate) fn edge(split: usize, side: usize) -> Edge {
        Edge::new(split, side)
    }

    /// Sides of `stride` rows at every split: `out[split * stride + row]` is 0 (left), 1 (right) or
    /// [`OFF`].  `columns` holds the rows by columns.
    pub(crate) fn sides(
        &self,
        trees: &TreesRef<'_>,
        columns: &[f64],
        stride: usize,
        out: &mut Vec<u8>,
    ) {
        out.clear();
        out.resize(self.splits.len() * stride, 0);
        vectorize(
            #[inline(always)]
            || {
                for (at, split) in self.splits.iter().enumerate() {
                    let node = split.node as usize;
                    let feature = trees.feature[node] as usize;
                    let x = &columns[feature * stride..(feature + 1) * stride];
                    let (before, out) = out.split_at_mut(at * stride);
                    let out = &mut out[..stride];
                    if trees.is_categorical(node) {
                        for (side, &x) in out.iter_mut().zip(x) {
                            *side = u8::from(!trees.goes_left(node, x));
                        }
                    } else {
                        let missing_left = trees.missing_left[node] == 1;
                        let threshold = trees.threshold[node];
                        for (side, &x) in out.iter_mut().zip(x) {
                            let left = (x <= threshold) | (x.is_nan() & missing_left);
                            *side = u8::from(!left);
                        }
                    }
                    if let Some(edge) = split.previous() {
                        let above = &before[edge.split() * stride..(edge.split() + 1) * stride];
                        for (side, &above) in out.iter_mut().zip(above) {
                            *side = if above == edge.side() { *side } else { OFF };
                        }
                    }
                }
            },
        );
    }
}
