//! Run-time dispatch to the widest vector unit, and the vector primitives kernels share.
//!
//! [`vectorize`] compiles a loop for AVX-512, AVX2 + FMA and the baseline, and picks one when the
//! program runs.  Wrap whole chunks of work in it, not single rows.  Everything called inside must
//! be `#[inline(always)]`, else it is compiled for the baseline.

pub mod bytes;
pub mod eight;
pub mod transpose;

use crate::real::Real;

/// Runs `work` compiled for the widest vector unit of this machine.
///
/// Write `vectorize(#[inline(always)] || …)` unless the closure is tiny: it is called from one place
/// for each vector unit, so without the attribute the compiler may leave it a function of its own,
/// compiled for the baseline (and `mul_add` there is a library call, 30 times slower).
#[inline(always)]
pub fn vectorize<R>(work: impl FnOnce() -> R) -> R {
    struct Wide<F>(F);
    impl<R, F: FnOnce() -> R> pulp::NullaryFnOnce for Wide<F> {
        type Output = R;
        #[inline(always)]
        fn call(self) -> R {
            (self.0)()
        }
    }
    pulp::Arch::new().dispatch(Wide(work))
}

/// Asks for the cache lines of `values` ahead of their use, where the machine has a way to.
#[inline(always)]
#[allow(unsafe_code)]
pub fn prefetch<T>(values: &[T]) {
    #[cfg(target_arch = "x86_64")]
    for line in values.chunks((64 / size_of::<T>().max(1)).max(1)) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: the address lies within a slice, and a prefetch never faults; every x86-64 has it.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(line.as_ptr().cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = values;
}

/// Asks for the cache line of `value` to come to the second-level cache.
///
/// Unlike loads and [`prefetch`], of which a core has some two dozen under way at most, these do not
/// wait for each other: from far memory, twice as many lines a second.
#[inline(always)]
#[allow(unsafe_code)]
pub fn prefetch_far<T>(value: &T) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
        // SAFETY: a reference is a valid address, and a prefetch never faults; every x86-64 has it.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(std::ptr::from_ref(value).cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = value;
}

/// A step of a walk: to `child` where the key is not above the threshold, else to its neighbour.
#[derive(Debug, Clone, Copy, Default)]
pub struct Node<K> {
    /// Largest key that goes to the child itself.
    pub threshold: K,
    /// Child, and column of the key in the lower bits.
    pub split: u32,
}

/// Nodes that rows walk through, checked once so that no step needs a check.
#[derive(Debug)]
pub struct Steps<K> {
    nodes: Vec<Node<K>>,
    /// Bits of a column.
    bits: u32,
    n_columns: usize,
}

impl<K: Copy + Ord> Steps<K> {
    /// Nothing unless all children, their neighbours and all columns exist; `bits` is the number of
    /// bits of a column, at most 31: eight are the fastest.
    pub fn new(nodes: Vec<Node<K>>, bits: u32, n_columns: usize) -> Option<Self> {
        let mask = 1_u32.checked_shl(bits)? - 1;
        let exist = nodes.iter().all(|node| {
            ((node.split >> bits) as usize) + 1 < nodes.len()
                && ((node.split & mask) as usize) < n_columns
        });
        exist.then_some(Self { nodes, bits, n_columns })
    }

    /// The nodes.
    #[inline(always)]
    pub fn nodes(&self) -> &[Node<K>] {
        &self.nodes
    }

    /// Column and child of a node.
    #[inline(always)]
    pub fn split(&self, node: usize) -> (u32, usize) {
        let split = self.nodes[node].split;
        (split & ((1 << self.bits) - 1), (split >> self.bits) as usize)
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

    /// Calls `key(lane, column)` for columns that exist.
    #[inline(always)]
    fn go<const LANES: usize, const STEPS: usize>(
        &self,
        at: &mut [u32; LANES],
        key: impl Fn(usize, usize) -> K,
    ) {
        // A byte needs neither mask nor shift of its own: both would be read anew at every step.
        if self.bits == 8 {
            self.go_by::<LANES, STEPS>(8, at, key);
        } else {
            self.go_by::<LANES, STEPS>(self.bits, at, key);
        }
    }

    #[inline(always)]
    #[allow(unsafe_code)]
    fn go_by<const LANES: usize, const STEPS: usize>(
        &self,
        bits: u32,
        at: &mut [u32; LANES],
        key: impl Fn(usize, usize) -> K,
    ) {
        let (nodes, mask) = (&self.nodes[..], (1_u32 << bits) - 1);
        assert!(at.iter().all(|&at| (at as usize) < nodes.len()));
        for _ in 0..STEPS {
            for lane in 0..LANES {
                // SAFETY: the rows' nodes exist at first (checked above), and a child and its
                // neighbour exist (checked in `new`).
                let node = unsafe { nodes.get_unchecked(at[lane] as usize) };
                // Columns have `bits` bits, and exist (checked in `new`).
                let key = key(lane, (node.split & mask) as usize);
                at[lane] = alone((node.split >> bits) + u32::from(node.threshold < key));
            }
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

/// Number of partial sums in a reduction: enough to fill two AVX-512 or four AVX2 registers.
const LANES: usize = 16;

/// Sum of the lanes, pairwise, so that the order is fixed.
#[inline(always)]
fn reduce<T: Real>(mut lanes: [T; LANES]) -> T {
    let mut half = LANES / 2;
    while half > 0 {
        for i in 0..half {
            lanes[i] += lanes[i + half];
        }
        half /= 2;
    }
    lanes[0]
}

/// x · y.  Call within [`vectorize`].
#[inline(always)]
pub fn dot<T: Real>(x: &[T], y: &[T]) -> T {
    let mut lanes = [T::ZERO; LANES];
    let (x_blocks, x_rest) = x.as_chunks::<LANES>();
    let (y_blocks, y_rest) = y.as_chunks::<LANES>();
    for (a, b) in x_blocks.iter().zip(y_blocks) {
        for l in 0..LANES {
            lanes[l] = a[l].mul_add(b[l], lanes[l]);
        }
    }
    let mut total = reduce(lanes);
    for (&a, &b) in x_rest.iter().zip(y_rest) {
        total = a.mul_add(b, total);
    }
    total
}

/// y ← a·x + y.  Call within [`vectorize`].
#[inline(always)]
pub fn axpy<T: Real>(a: T, x: &[T], y: &mut [T]) {
    for (out, &value) in y.iter_mut().zip(x) {
        *out = a.mul_add(value, *out);
    }
}

/// Σ x.  Call within [`vectorize`].
#[inline(always)]
pub fn sum<T: Real>(x: &[T]) -> T {
    let mut lanes = [T::ZERO; LANES];
    let (blocks, rest) = x.as_chunks::<LANES>();
    for block in blocks {
        for l in 0..LANES {
            lanes[l] += block[l];
        }
    }
    rest.iter().fold(reduce(lanes), |total, &value| total + value)
}

/// ‖x − y‖².  Call within [`vectorize`].
#[inline(always)]
pub fn sq_dist<T: Real>(x: &[T], y: &[T]) -> T {
    let mut lanes = [T::ZERO; LANES];
    let (x_blocks, x_rest) = x.as_chunks::<LANES>();
    let (y_blocks, y_rest) = y.as_chunks::<LANES>();
    for (a, b) in x_blocks.iter().zip(y_blocks) {
        for l in 0..LANES {
            let difference = a[l] - b[l];
            lanes[l] = difference.mul_add(difference, lanes[l]);
        }
    }
    let mut total = reduce(lanes);
    for (&a, &b) in x_rest.iter().zip(y_rest) {
        total = (a - b).mul_add(a - b, total);
    }
    total
}

#[cfg(test)]
mod tests {
    use super::{Node, Steps, axpy, dot, sq_dist, sum, vectorize};

    #[test]
    fn rows_walk_and_broken_nodes_are_refused() {
        let node =
            |threshold, column: u32, child: u32| Node { threshold, split: child << 8 | column };
        let leaf = |place| node(i32::MAX, 0, place);
        let nodes = vec![node(5, 1, 1), leaf(1), node(0, 0, 3), leaf(3), leaf(4), Node::default()];
        let steps = Steps::new(nodes.clone(), 8, 2).unwrap();
        let (cells, mut at) = ([9, 5, 0, 6, 1, 6], [0; 3]);
        steps.walk::<3, 4>(&cells, &[0, 2, 4], &mut at);
        assert_eq!(at, [1, 3, 4]);
        let four =
            |node: &Node<i32>| Node { split: node.split >> 8 << 4 | node.split & 15, ..*node };
        let (near, mut at) = ([[9, 5, 7], [0, 6, 7], [1, 6, 7]], [0; 3]);
        steps.walk_near::<3, 4, 3>(&near, &mut at);
        assert_eq!(at, [1, 3, 4]);
        let mut at = [0; 3];
        let steps = Steps::new(nodes.iter().map(four).collect(), 4, 2).unwrap();
        steps.walk::<3, 4>(&cells, &[0, 2, 4], &mut at);
        assert_eq!((at, steps.split(2)), ([1, 3, 4], (0, 3)));
        assert!(Steps::new(nodes.clone(), 8, 1).is_none());
        assert!(Steps::new(nodes[..5].to_vec(), 8, 2).is_none());
        assert!(Steps::new(nodes, 32, 2).is_none());
    }

    #[test]
    #[should_panic = "assertion"]
    fn a_row_that_is_not_there_does_not_walk() {
        let nodes = vec![Node { threshold: 0, split: 0 }, Node::default()];
        Steps::new(nodes, 8, 2).unwrap().walk::<1, 1>(&[1, 2], &[1], &mut [0]);
    }

    #[test]
    fn primitives_agree_with_plain_loops() {
        for n in [0, 1, 15, 16, 17, 100] {
            let x: Vec<f64> = (0..n).map(|i| (i as f64).sin()).collect();
            let y: Vec<f64> = (0..n).map(|i| (i as f64).cos()).collect();
            let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-12, "{a} {b}");
            close(vectorize(|| dot(&x, &y)), x.iter().zip(&y).map(|(a, b)| a * b).sum());
            close(vectorize(|| sum(&x)), x.iter().sum());
            close(
                vectorize(|| sq_dist(&x, &y)),
                x.iter().zip(&y).map(|(a, b)| (a - b) * (a - b)).sum(),
            );
            let mut out = y.clone();
            vectorize(|| axpy(2.0, &x, &mut out));
            assert!(
                out.iter()
                    .zip(x.iter().zip(&y))
                    .all(|(o, (a, b))| (o - (2.0 * a + b)).abs() < 1e-12)
            );
        }
    }
}
