//! The nearest nodes of one level of the graph, found by walking along links.
//!
//! The `ef` nearest nodes seen so far lie in one sorted list, each a number made of its distance and
//! its name.  The nearest whose links have not been followed is next; when all are followed the walk
//! is over.  Four distances are computed at once; rows come from far memory, so all that a node links
//! to are asked for before the first is used.

use smelt_core::lanes::{Lanes, Simd};
use smelt_core::simd::{prefetch, prefetch_far};

use super::hnsw::NONE;

/// Values of all nodes.
#[derive(Clone, Copy)]
pub(crate) struct Points<'a> {
    pub(crate) values: &'a [f32],
    pub(crate) stride: usize,
}

impl<'a> Points<'a> {
    #[inline(always)]
    pub(crate) fn row(self, node: u32) -> &'a [f32] {
        let start = node as usize * self.stride;
        &self.values[start..start + self.stride]
    }

    #[inline(always)]
    pub(crate) fn prefetch(self, node: u32) {
        let start = node as usize * self.stride;
        if let Some(row) = self.values.get(start..start + self.stride) {
            row.chunks(16).for_each(|line| prefetch_far(&line[0]));
        }
    }

    /// Squared distances of four nodes.
    #[inline(always)]
    pub(crate) fn four<S: Simd>(self, simd: S, query: &[f32], nodes: [u32; 4]) -> [f32; 4] {
        let (query, query_rest) = f32::vectors::<S>(query);
        let rows = nodes.map(|node| f32::vectors::<S>(self.row(node)));
        let (a, b, c, d) = (
            &rows[0].0[..query.len()],
            &rows[1].0[..query.len()],
            &rows[2].0[..query.len()],
            &rows[3].0[..query.len()],
        );
        let minus = f32::splat(simd, -1.0);
        let mut sums = [f32::splat(simd, 0.0); 4];
        for i in 0..query.len() {
            let differences = [
                f32::fused(simd, a[i], minus, query[i]),
                f32::fused(simd, b[i], minus, query[i]),
                f32::fused(simd, c[i], minus, query[i]),
                f32::fused(simd, d[i], minus, query[i]),
            ];
            for (sum, difference) in sums.iter_mut().zip(differences) {
                *sum = f32::fused(simd, difference, difference, *sum);
            }
        }
        let mut out = sums.map(|sum| f32::sum_lanes(simd, sum));
        for (out, row) in out.iter_mut().zip(rows) {
            for (value, query) in row.1.iter().zip(query_rest) {
                *out += (value - query) * (value - query);
            }
            *out = out.min(f32::MAX); // also where it is NaN
        }
        out
    }
}

/// The lists of one level.
#[derive(Clone, Copy)]
pub(crate) struct Layer<'a> {
    pub(crate) links: &'a [u32],
    /// Links of a list.
    pub(crate) width: usize,
    /// Above the lowest level: where each node's lists begin, and the number of the level less one.
    pub(crate) above: Option<(&'a [u32], usize)>,
}

impl<'a> Layer<'a> {
    #[inline(always)]
    pub(crate) fn list(self, node: u32) -> &'a [u32] {
        let list = match self.above {
            None => node as usize,
            Some((starts, level)) => {
                match (starts.get(node as usize), starts.get(node as usize + 1)) {
                    (Some(&start), Some(&end)) if start as usize + level < end as usize => {
                        start as usize + level
                    }
                    _ => return &[],
                }
            }
        };
        self.links.get(list * self.width..(list + 1) * self.width).unwrap_or(&[])
    }
}

/// A node with its distance; they sort by distance, then by node.  The lowest bit tells whether its
/// links have been followed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Near(u64);

impl Near {
    /// `distance` is 0 or more, and `node` below 2^31.
    #[inline(always)]
    pub(crate) fn new(distance: f32, node: u32) -> Self {
        Self((u64::from(distance.to_bits()) << 32) | (u64::from(node) << 1))
    }
    #[inline(always)]
    pub(crate) fn distance(self) -> f32 {
        f32::from_bits((self.0 >> 32) as u32)
    }
    /// As it was before its links were followed.
    #[inline(always)]
    pub(crate) fn unmarked(self) -> Self {
        Self(self.0 & !1)
    }
    #[inline(always)]
    pub(crate) fn node(self) -> u32 {
        self.0 as u32 >> 1
    }
}

/// What a walk writes to, kept from one walk to the next.
pub(crate) struct Walk {
    /// The nearest nodes, nearest first.
    pub(crate) nearest: Vec<Near>,
    n_nodes: usize,
    visited: Vec<u64>,
    touched: Vec<u32>,
    gathered: Vec<u32>,
}

impl Walk {
    pub(crate) fn new(n_nodes: usize) -> Self {
        Self {
            nearest: Vec::new(),
            n_nodes,
            visited: vec![0; n_nodes.div_ceil(64)],
            touched: Vec::new(),
            gathered: Vec::new(),
        }
    }

    /// Whether a node is there and was not visited before.
    #[inline(always)]
    fn visit(&mut self, node: u32) -> bool {
        if node as usize >= self.n_nodes {
            return false;
        }
        let word = &mut self.visited[node as usize / 64];
        let bit = 1_u64 << (node % 64);
        if *word & bit != 0 {
            return false;
        }
        *word |= bit;
        self.touched.push(node);
        true
    }

    /// Finds the `ef` nearest nodes that can be reached from `from`.
    #[inline(always)]
    pub(crate) fn beam<S: Simd>(
        &mut self,
        simd: S,
        points: Points<'_>,
        layer: Layer<'_>,
        query: &[f32],
        from: u32,
        ef: usize,
    ) {
        for node in self.touched.drain(..) {
            self.visited[node as usize / 64] = 0;
        }
        self.nearest.clear();
        if !self.visit(from) {
            return;
        }
        let distance = points.four(simd, query, [from; 4])[0];
        self.nearest.push(Near::new(distance, from));
        let mut next = 0;
        while let Some(near) = self.nearest.get_mut(next) {
            if near.0 & 1 == 1 {
                next += 1;
                continue;
            }
            let node = near.node();
            near.0 |= 1;
            next += 1;
            let mut gathered = std::mem::take(&mut self.gathered);
            gathered.clear();
            for &link in layer.list(node) {
                if link == NONE {
                    break;
                }
                if self.visit(link) {
                    points.prefetch(link);
                    gathered.push(link);
                }
            }
            for four in gathered.chunks(4) {
                let mut nodes = [four[0]; 4];
                nodes[..four.len()].copy_from_slice(four);
                let distances = points.four(simd, query, nodes);
                for (&node, distance) in four.iter().zip(distances) {
                    let found = Near::new(distance, node);
                    if self.nearest.len() == ef {
                        if self.nearest.last().is_some_and(|&last| found > last) {
                            continue;
                        }
                        self.nearest.pop();
                    }
                    prefetch(layer.list(node));
                    let place = self.nearest.partition_point(|&other| other < found);
                    self.nearest.insert(place, found);
                    next = next.min(place);
                }
            }
            self.gathered = gathered;
        }
    }
}
