//! Steps of rows through nodes that name both of their children, several rows at a time.

use super::prefetch;

/// A step of a walk: to the first child where the key is not above the threshold, else to the second.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Node<K, C = u32> {
    /// Largest key that goes to the first child.
    pub threshold: K,
    /// Column of the key.
    pub column: C,
    /// Where the row goes; a node that names itself twice keeps it.
    pub children: [C; 2],
}

/// Nodes that rows walk through, checked once so that no step needs a check.
///
/// Up to 65,536 nodes and columns have names of two bytes: a node is 8 bytes then, if its key is of two
/// bytes at most.
#[derive(Debug)]
pub struct Steps<K> {
    nodes: Nodes<K>,
    n_columns: usize,
}

/// Nodes by the length of their names.
#[derive(Debug)]
enum Nodes<K> {
    Short(Vec<Node<K, u16>>),
    Long(Vec<Node<K>>),
}

impl<K: Copy + Ord> Steps<K> {
    /// Nothing unless all children and all columns exist.
    pub fn new(nodes: Vec<Node<K>>, n_columns: usize) -> Option<Self> {
        let exist = nodes.iter().all(|node| {
            let child_exists = |child: u32| (child as usize) < nodes.len();
            node.children.into_iter().all(child_exists) && (node.column as usize) < n_columns
        });
        let nodes = match nodes.iter().map(Node::short).collect() {
            Some(short) => Nodes::Short(short),
            None => Nodes::Long(nodes),
        };
        exist.then_some(Self { nodes, n_columns })
    }

    /// A node.
    #[inline(always)]
    pub fn node(&self, place: usize) -> Node<K> {
        match &self.nodes {
            Nodes::Short(nodes) => {
                let Node { threshold, column, children } = nodes[place];
                Node { threshold, column: column.into(), children: children.map(u32::from) }
            }
            Nodes::Long(nodes) => nodes[place],
        }
    }

    /// Bytes of the nodes.
    pub fn size(&self) -> usize {
        match &self.nodes {
            Nodes::Short(nodes) => size_of_val(&nodes[..]),
            Nodes::Long(nodes) => size_of_val(&nodes[..]),
        }
    }

    /// Asks for the nodes ahead of their use.
    #[inline(always)]
    pub fn prefetch(&self) {
        match &self.nodes {
            Nodes::Short(nodes) => prefetch(nodes),
            Nodes::Long(nodes) => prefetch(nodes),
        }
    }

    /// `STEPS` steps of the rows whose keys begin at `starts` in `cells`, side by side: one's step
    /// hides the wait of the others.
    #[inline(always)]
    #[allow(unsafe_code)]
    pub fn walk<const LANES: usize, const STEPS: usize>(
        &self,
        cells: &[K],
        starts: &[usize; LANES],
        at: &mut [u32; LANES],
    ) {
        let last = cells.len().checked_sub(self.n_columns);
        assert!(last.is_some_and(|last| starts.iter().all(|&start| start <= last)));
        self.go::<LANES, STEPS>(at, |lane, column| {
            // SAFETY: the row's cells lie within (checked above), and the column is one of them.
            unsafe { *cells.get_unchecked(starts[lane] + column) }
        });
    }

    /// The same for rows that lie behind each other: two instructions less, since no row's place has
    /// to be kept.
    #[inline(always)]
    #[allow(unsafe_code)]
    pub fn walk_near<const LANES: usize, const STEPS: usize, const WIDTH: usize>(
        &self,
        cells: &[[K; WIDTH]; LANES],
        at: &mut [u32; LANES],
    ) {
        assert!(self.n_columns <= WIDTH);
        // SAFETY: the row is as wide as there are columns (checked above).
        self.go::<LANES, STEPS>(at, |lane, column| unsafe { *cells[lane].get_unchecked(column) });
    }

    #[inline(always)]
    fn go<const LANES: usize, const STEPS: usize>(
        &self,
        at: &mut [u32; LANES],
        key: impl Fn(usize, usize) -> K,
    ) {
        match &self.nodes {
            Nodes::Short(nodes) => go::<LANES, STEPS, _, _>(nodes, at, key),
            Nodes::Long(nodes) => go::<LANES, STEPS, _, _>(nodes, at, key),
        }
    }
}

impl<K: Copy> Node<K> {
    /// With short names, where they fit.
    fn short(&self) -> Option<Node<K, u16>> {
        let name = |name: u32| u16::try_from(name).ok();
        let [first, second] = self.children.map(name);
        Some(Node {
            threshold: self.threshold,
            column: name(self.column)?,
            children: [first?, second?],
        })
    }
}

/// Steps through nodes of [`Steps`], whose children exist; calls `key(lane, column)` for columns of
/// theirs.
#[inline(always)]
#[allow(unsafe_code)]
fn go<const LANES: usize, const STEPS: usize, K: Copy + Ord, C: Copy + Into<u32>>(
    nodes: &[Node<K, C>],
    at: &mut [u32; LANES],
    key: impl Fn(usize, usize) -> K,
) {
    assert!(at.iter().all(|&at| (at as usize) < nodes.len()));
    for _ in 0..STEPS {
        for lane in 0..LANES {
            // SAFETY: the rows' nodes exist at first (checked above), and so do children (checked by
            // `Steps::new`).
            let node = unsafe { nodes.get_unchecked(at[lane] as usize) };
            let key = key(lane, node.column.into() as usize);
            at[lane] = alone(node.children[usize::from(node.threshold < key)].into());
        }
    }
}

/// The number itself, in a register of its own: lanes packed into vectors would be taken apart again
/// for every load.
#[inline(always)]
#[allow(unsafe_code)]
fn alone(number: u32) -> u32 {
    #[cfg(target_arch = "x86_64")]
    {
        let mut number = number;
        // SAFETY: no instruction at all.
        unsafe {
            std::arch::asm!("/* {0:e} */", inout(reg) number,
                options(pure, nomem, nostack, preserves_flags));
        }
        number
    }
    #[cfg(not(target_arch = "x86_64"))]
    number
}

#[cfg(test)]
mod tests {
    use super::{Node, Nodes, Steps};

    fn nodes() -> Vec<Node<i32>> {
        let node = |threshold, column, children| Node { threshold, column, children };
        let leaf = |place| node(i32::MAX, 0, [place; 2]);
        vec![node(5, 1, [2, 1]), node(0, 0, [3, 4]), leaf(2), leaf(3), leaf(4)]
    }

    fn check(steps: &Steps<i32>) {
        let (cells, mut at) = ([9, 5, 0, 6, 1, 6], [0; 3]);
        steps.walk::<3, 4>(&cells, &[0, 2, 4], &mut at);
        assert_eq!(at, [2, 3, 4]);
        let (near, mut at) = ([[9, 5, 7], [0, 6, 7], [1, 6, 7]], [0; 3]);
        steps.walk_near::<3, 4, 3>(&near, &mut at);
        assert_eq!(at, [2, 3, 4]);
        assert_eq!(steps.node(1), nodes()[1]);
    }

    #[test]
    fn rows_walk_by_short_and_by_long_names() {
        let short = Steps::new(nodes(), 2).unwrap();
        assert!(matches!(short.nodes, Nodes::Short(_)));
        check(&short);
        let mut many = nodes();
        many.extend((5..65_537).map(|place| Node {
            threshold: 0,
            column: 0,
            children: [place; 2],
        }));
        let long = Steps::new(many, 2).unwrap();
        assert!(matches!(long.nodes, Nodes::Long(_)));
        check(&long);
        assert_eq!(size_of::<Node<u16, u16>>(), 8);
    }

    #[test]
    fn broken_nodes_are_refused() {
        assert!(Steps::new(nodes(), 1).is_none());
        assert!(Steps::new(nodes()[..4].to_vec(), 2).is_none());
    }

    #[test]
    #[should_panic = "assertion"]
    fn a_row_that_is_not_there_does_not_walk() {
        let nodes = vec![Node { threshold: 0, column: 0, children: [0; 2] }];
        Steps::new(nodes, 2).unwrap().walk::<1, 1>(&[1, 2], &[1], &mut [0]);
    }
}
