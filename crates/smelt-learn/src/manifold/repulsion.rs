//! Repulsion by Barnes and Hut: far cells of a tree count as one point at their mean.
//!
//! Sixteen points that lie beside each other on the curve share a walk through the tree: a cell is
//! far for all of them where its longest side is less than `angle` times its distance from their
//! box.  What they meet becomes one list of points with masses, and each of them is compared with
//! all of it in vector registers; so a look at a node costs a sixteenth, and answers are nearer to
//! the exact ones than with a walk for each point.
//!
//! Cost: about 400 points of a list at ten operations each a point, angle 0.5.

use smelt_core::lanes::{Simd, WithSimd, dispatch};
use smelt_core::{Control, Result, parallel};

use super::space_tree::{LEAF, SpaceTree, box_of};

/// Points that share a walk.
const GROUP: usize = 16;
/// Points of a list between two sums in float64.
const STRETCH: usize = 256;

/// A point of a list, with its mass.
#[derive(Debug, Clone, Copy)]
struct Mass<const D: usize> {
    center: [f32; D],
    mass: f32,
}

/// Sets `forces` (in the order of the rows) to Σ t·w·(y_i − y_j) and returns Σ t over all i ≠ j.
///
/// w = 1 / (1 + |y_i − y_j|² / ν) and t = w^((ν + 1) / 2), with ν = 1 in up to two dimensions and 2
/// in three.
pub(crate) fn repel<const D: usize>(
    tree: &mut SpaceTree<D>,
    points: &[[f32; D]],
    angle: f64,
    forces: &mut [[f32; D]],
    control: &Control,
) -> Result<f64> {
    let n = points.len();
    tree.build(points);
    let tree = &*tree;
    let n_groups = n.div_ceil(GROUP);
    let chunk = n_groups.div_ceil(64).clamp(1, 256);
    let parts = parallel::map_chunks(n_groups, chunk, 8_000.0, |_, groups| {
        let mut walk = Walk { near: Vec::new(), level: Vec::new(), below: Vec::new() };
        let mut found = Vec::with_capacity(groups.len() * GROUP);
        let mut total = 0.0;
        for group in groups {
            if control.check().is_err() {
                break;
            }
            let (start, end) = (group * GROUP, (group * GROUP + GROUP).min(n));
            walk.collect(tree, start, end, (angle * angle) as f32);
            let mut own = [[0.0_f32; GROUP]; D];
            for lane in 0..GROUP {
                let point = tree.points[(start + lane).min(end - 1)];
                for d in 0..D {
                    own[d][lane] = point[d];
                }
            }
            let (sums, weights) = dispatch(Sum { own: &own, masses: &walk.near });
            for lane in 0..end - start {
                total += weights[lane] - 1.0; // without the point itself
                found.push(std::array::from_fn(|d| sums[d][lane] as f32));
            }
        }
        (found, total)
    });
    control.check()?;
    let mut total = 0.0;
    let mut rows = tree.order.iter();
    for (found, part) in parts {
        total += part;
        for (force, &row) in found.into_iter().zip(rows.by_ref()) {
            forces[row as usize] = force;
        }
    }
    Ok(total)
}

/// The walk of a group through the tree, level by level.
struct Walk<const D: usize> {
    near: Vec<Mass<D>>,
    level: Vec<u32>,
    below: Vec<u32>,
}

impl<const D: usize> Walk<D> {
    /// Collects the points that stand for all others, as sorted points `start..end` see them.
    fn collect(&mut self, tree: &SpaceTree<D>, start: usize, end: usize, angle2: f32) {
        let (low, high) = box_of(&tree.points[start..end]);
        self.near.clear();
        self.level.clear();
        self.level.push(0);
        let (start, end) = (start as u32, end as u32);
        while !self.level.is_empty() {
            self.below.clear();
            for &index in &self.level {
                let cell = &tree.cells[index as usize];
                let mut distance2 = 0.0;
                for d in 0..D {
                    let (under, over) = (low[d] - cell.center[d], cell.center[d] - high[d]);
                    let gap = if under > over { under } else { over };
                    let gap = if gap > 0.0 { gap } else { 0.0 };
                    distance2 += gap * gap;
                }
                let is_apart = cell.end <= start || cell.start >= end;
                if is_apart && cell.side2 < angle2 * distance2 {
                    self.near.push(Mass { center: cell.center, mass: cell.len() as f32 });
                } else if cell.n_children > 0 {
                    self.below.extend(cell.first..cell.first + cell.n_children);
                } else if cell.len() > LEAF {
                    // Points of one place.
                    self.near.push(Mass { center: cell.center, mass: cell.len() as f32 });
                } else {
                    let points = &tree.points[cell.start as usize..cell.end as usize];
                    self.near.extend(points.iter().map(|&center| Mass { center, mass: 1.0 }));
                }
            }
            std::mem::swap(&mut self.level, &mut self.below);
        }
    }
}

/// Sums over a list, for each point of a group.
struct Sum<'a, const D: usize> {
    own: &'a [[f32; GROUP]; D],
    masses: &'a [Mass<D>],
}

impl<const D: usize> WithSimd for Sum<'_, D> {
    type Output = ([[f64; GROUP]; D], [f64; GROUP]);

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Self::Output {
        let mut forces = [[0.0; GROUP]; D];
        let mut weights = [0.0; GROUP];
        let one = simd.splat_f32s(1.0);
        let half = simd.splat_f32s(0.5);
        for v in 0..GROUP / S::F32_LANES {
            let own: [S::f32s; D] = std::array::from_fn(|d| S::as_simd_f32s(&self.own[d][..]).0[v]);
            for masses in self.masses.chunks(STRETCH) {
                let mut weight = simd.splat_f32s(0.0);
                let mut force = [weight; D];
                for point in masses {
                    let mut apart = [weight; D];
                    let mut square = simd.splat_f32s(0.0);
                    for d in 0..D {
                        apart[d] = simd.sub_f32s(own[d], simd.splat_f32s(point.center[d]));
                        square = simd.mul_add_e_f32s(apart[d], apart[d], square);
                    }
                    let mass = simd.splat_f32s(point.mass);
                    let (kernel, pull) = if D == 3 {
                        let w = simd.div_f32s(one, simd.mul_add_e_f32s(half, square, one));
                        let t = simd.mul_f32s(simd.mul_f32s(mass, w), simd.sqrt_f32s(w));
                        (t, simd.mul_f32s(t, w))
                    } else {
                        let w = simd.div_f32s(one, simd.add_f32s(square, one));
                        let t = simd.mul_f32s(mass, w);
                        (t, simd.mul_f32s(t, w))
                    };
                    weight = simd.add_f32s(weight, kernel);
                    for d in 0..D {
                        force[d] = simd.mul_add_e_f32s(pull, apart[d], force[d]);
                    }
                }
                add::<S>(&mut weights, v, weight);
                for d in 0..D {
                    add::<S>(&mut forces[d], v, force[d]);
                }
            }
        }
        (forces, weights)
    }
}

#[inline(always)]
fn add<S: Simd>(sums: &mut [f64; GROUP], v: usize, values: S::f32s) {
    use smelt_core::lanes::Lanes;
    let values = [values];
    for (sum, &value) in sums[v * S::F32_LANES..].iter_mut().zip(f32::numbers::<S>(&values)) {
        *sum += f64::from(value);
    }
}
