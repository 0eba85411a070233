//! A tree over points of one to three dimensions, built anew in each step of a descent.
//!
//! Points are sorted along a curve that fills space (Morton's: the bits of the coordinates take
//! turns), so a cell of the tree is a stretch of the sorted points and neighbours lie beside each
//! other in memory.  Cells lie level by level, children together; a cell whose points all lie in one
//! child is left out.
//!
//! Cost: four passes of a radix sort in the plane, six in space, and n / 8 cells or fewer.

use smelt_core::simd::vectorize;

/// Most points in a leaf.
pub(crate) const LEAF: usize = 16;
/// Bits of a coordinate.
const BITS: u32 = 21;
/// Bits of a pass of the sort.
const PASS: u32 = 11;

/// A stretch of the sorted points.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cell<const D: usize> {
    /// Mean of the points.
    pub(crate) center: [f32; D],
    /// Square of the longest side of their smallest box.
    pub(crate) side2: f32,
    /// First point, and the one after the last.
    pub(crate) start: u32,
    pub(crate) end: u32,
    /// First child.
    pub(crate) first: u32,
    /// Children; a leaf has none.
    pub(crate) n_children: u32,
}

impl<const D: usize> Cell<D> {
    pub(crate) fn len(&self) -> usize {
        (self.end - self.start) as usize
    }
}

/// The tree; its room is used again.
#[derive(Debug)]
pub(crate) struct SpaceTree<const D: usize> {
    pub(crate) cells: Vec<Cell<D>>,
    /// Row of each sorted point.
    pub(crate) order: Vec<u32>,
    /// The sorted points.
    pub(crate) points: Vec<[f32; D]>,
    keys: Vec<(u64, u32)>,
    spare: Vec<(u64, u32)>,
    sums: Vec<[f64; D]>,
    boxes: Vec<[[f32; D]; 2]>,
}

impl<const D: usize> SpaceTree<D> {
    pub(crate) fn new() -> Self {
        Self {
            cells: Vec::new(),
            order: Vec::new(),
            points: Vec::new(),
            keys: Vec::new(),
            spare: Vec::new(),
            sums: Vec::new(),
            boxes: Vec::new(),
        }
    }

    /// Builds the tree over points.
    pub(crate) fn build(&mut self, points: &[[f32; D]]) {
        self.sort(points);
        self.split();
        self.measure();
    }

    /// 1. Sort the points along the curve.
    fn sort(&mut self, points: &[[f32; D]]) {
        let (low, high) = vectorize(
            #[inline(always)]
            || box_of(points),
        );
        let extent = (0..D).map(|d| high[d] - low[d]).fold(0.0, f32::max);
        let most = ((1_u32 << BITS) - 1) as f32;
        let scale = if extent > 0.0 { most / extent } else { 0.0 };
        self.keys.clear();
        self.keys.extend(points.iter().zip(0_u32..).map(|(point, row)| {
            let mut key = 0;
            for d in 0..D {
                let cell = ((point[d] - low[d]) * scale).min(most) as u64;
                key |= spread::<D>(cell) << d;
            }
            (key, row)
        }));
        sort_keys(&mut self.keys, &mut self.spare, BITS * D as u32);
        self.order.clear();
        self.order.extend(self.keys.iter().map(|&(_, row)| row));
        self.points.clear();
        self.points.extend(self.order.iter().map(|&row| points[row as usize]));
    }

    /// 2. Split cells of many points where their keys first differ.
    fn split(&mut self) {
        let keys = &self.keys;
        let empty =
            Cell { center: [0.0; D], side2: 0.0, start: 0, end: 0, first: 0, n_children: 0 };
        self.cells.clear();
        self.cells.push(Cell { end: keys.len() as u32, ..empty });
        let mut at = 0;
        while at < self.cells.len() {
            let (start, end) = (self.cells[at].start as usize, self.cells[at].end as usize);
            let first = self.cells.len() as u32;
            let differ = if end - start > LEAF { keys[start].0 ^ keys[end - 1].0 } else { 0 };
            if differ > 0 {
                let shift = (63 - differ.leading_zeros()) / D as u32 * D as u32;
                let mut from = start;
                while from < end {
                    let digit = keys[from].0 >> shift;
                    let stretch = &keys[from..end];
                    let to = from + stretch.partition_point(|&(key, _)| key >> shift == digit);
                    self.cells.push(Cell { start: from as u32, end: to as u32, ..empty });
                    from = to;
                }
                self.cells[at].n_children = self.cells.len() as u32 - first;
                self.cells[at].first = first;
            }
            at += 1;
        }
    }

    /// 3. Means from running sums, boxes from the leaves up.
    fn measure(&mut self) {
        self.sums.clear();
        let mut sum = [0.0; D];
        self.sums.push(sum);
        for point in &self.points {
            for d in 0..D {
                sum[d] += f64::from(point[d]);
            }
            self.sums.push(sum);
        }
        self.boxes.clear();
        self.boxes.resize(self.cells.len(), [[f32::INFINITY; D], [f32::NEG_INFINITY; D]]);
        for at in (0..self.cells.len()).rev() {
            let cell = self.cells[at];
            let (start, end) = (cell.start as usize, cell.end as usize);
            let [mut low, mut high] = self.boxes[at];
            if cell.n_children == 0 {
                (low, high) = box_of(&self.points[start..end]);
            }
            for child in &self.boxes[cell.first as usize..][..cell.n_children as usize] {
                for d in 0..D {
                    low[d] = low[d].min(child[0][d]);
                    high[d] = high[d].max(child[1][d]);
                }
            }
            self.boxes[at] = [low, high];
            let cell = &mut self.cells[at];
            let side = (0..D).map(|d| high[d] - low[d]).fold(0.0, f32::max);
            cell.side2 = side * side;
            for d in 0..D {
                let total = self.sums[end][d] - self.sums[start][d];
                cell.center[d] = (total / (end - start) as f64) as f32;
            }
        }
    }
}

/// The smallest box of points.
#[inline(always)]
pub(crate) fn box_of<const D: usize>(points: &[[f32; D]]) -> ([f32; D], [f32; D]) {
    let (mut low, mut high) = ([f32::INFINITY; D], [f32::NEG_INFINITY; D]);
    for point in points {
        for d in 0..D {
            low[d] = if point[d] < low[d] { point[d] } else { low[d] };
            high[d] = if point[d] > high[d] { point[d] } else { high[d] };
        }
    }
    (low, high)
}

/// The bits of a coordinate, D places apart.
#[inline(always)]
fn spread<const D: usize>(x: u64) -> u64 {
    match D {
        2 => {
            let x = (x | x << 16) & 0x0000_ffff_0000_ffff;
            let x = (x | x << 8) & 0x00ff_00ff_00ff_00ff;
            let x = (x | x << 4) & 0x0f0f_0f0f_0f0f_0f0f;
            let x = (x | x << 2) & 0x3333_3333_3333_3333;
            (x | x << 1) & 0x5555_5555_5555_5555
        }
        3 => {
            let x = (x | x << 32) & 0x001f_0000_0000_ffff;
            let x = (x | x << 16) & 0x001f_0000_ff00_00ff;
            let x = (x | x << 8) & 0x100f_00f0_0f00_f00f;
            let x = (x | x << 4) & 0x10c3_0c30_c30c_30c3;
            (x | x << 2) & 0x1249_2492_4924_9249
        }
        _ => x,
    }
}

/// Sorts by the lowest `bits` bits of the keys; equal keys keep their order.
fn sort_keys(keys: &mut Vec<(u64, u32)>, spare: &mut Vec<(u64, u32)>, bits: u32) {
    spare.clear();
    spare.resize(keys.len(), (0, 0));
    let mask = (1_u64 << PASS) - 1;
    for shift in (0..bits).step_by(PASS as usize) {
        let mut next = [0_u32; 1 << PASS];
        for &(key, _) in keys.iter() {
            next[(key >> shift & mask) as usize] += 1;
        }
        let mut before = 0;
        for count in &mut next {
            before += std::mem::replace(count, before);
        }
        for &entry in keys.iter() {
            let place = &mut next[(entry.0 >> shift & mask) as usize];
            spare[*place as usize] = entry;
            *place += 1;
        }
        std::mem::swap(keys, spare);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<const D: usize>(points: &[[f32; D]]) {
        let mut tree = SpaceTree::new();
        tree.build(points);
        let mut seen = tree.order.clone();
        seen.sort_unstable();
        assert!(seen.iter().zip(0..).all(|(&row, i)| row == i));
        assert!(tree.keys.is_sorted());
        let mut in_leaves = 0;
        for cell in &tree.cells {
            let own = &tree.points[cell.start as usize..cell.end as usize];
            let (low, high) = box_of(own);
            let side = (0..D).map(|d| high[d] - low[d]).fold(0.0, f32::max);
            assert_eq!(cell.side2, side * side);
            let children = &tree.cells[cell.first as usize..][..cell.n_children as usize];
            if children.is_empty() {
                in_leaves += cell.len();
                assert!(cell.len() <= LEAF || low == high);
            } else {
                assert!(children.len() > 1);
                assert_eq!(
                    (children[0].start, children[children.len() - 1].end),
                    (cell.start, cell.end)
                );
            }
        }
        assert_eq!(in_leaves, points.len());
    }

    #[test]
    fn cells_hold_all_points_once() {
        let coordinate = |i: u32| f64::from(i * 2_654_435_761_u32.wrapping_mul(i)) as f32 / 1e8;
        for n in [1, 16, 17, 1000] {
            check::<1>(&(0..n).map(|i| [coordinate(i % 1000 % 60_000 / 7)]).collect::<Vec<_>>());
            check::<2>(
                &(0..n).map(|i| [i as f32 * 0.37 % 5.0, i as f32 * 0.91 % 3.0]).collect::<Vec<_>>(),
            );
            check::<3>(
                &(0..n)
                    .map(|i| [i as f32 * 0.37 % 5.0, i as f32 * 0.91 % 3.0, i as f32 % 7.0])
                    .collect::<Vec<_>>(),
            );
            check::<2>(&vec![[1.5, 2.5]; n as usize]);
        }
    }
}
