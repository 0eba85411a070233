//! Path-dependent TreeSHAP: Shapley values of the game in which a tree that does not know a column
//! goes both ways, weighted by the training rows (the cover) of either side.
//!
//! Twin: `python/smelt/plain/inspection/tree_shap.py`.
//!
//! Method.  Let column i lie on the path to a leaf of value v; z_i is the product of the cover shares
//! of its edges there, o_i is 1 where the row takes all of them, else 0.  The game of the leaf is the
//! product over the columns of "o_i if known, else z_i", and its Shapley values are an integral along
//! the diagonal of its multilinear extension (Owen, 1972):
//!
//!   φ_i = v (o_i - z_i) ∫₀¹ Π_{j ≠ i} f_j(t) dt,   f_j(t) = z_j (1 - t) + o_j t.
//!
//! With d columns on a path the integrand is a polynomial of degree d - 1, so d / 2 Gauss-Legendre
//! points give it exactly.  At each point t the products and sums of all leaves are shared along the
//! tree (as in Linear TreeSHAP, Yu et al. 2022, which interpolates instead), and since all terms are
//! positive nothing cancels.
//!
//! 1. For each split, point and side tabulate what the steps below multiply by.
//! 2. Find on which side of every split each row of a block is.
//! 3. Down: C_child = C_split · f_child / f_split.  The side a row does not take gets the product,
//!    the other one what is left: f_left + f_right = f_split.
//! 4. Up: S_leaf = v · C_leaf, S_split = S_left + S_right, and the column of the split gains
//!    Σ_t S_left D_left + S_right D_right, with D = (o - z) / f below the split minus the same above.
//! 5. Sum over the points.
//!
//! Cost: 12 flops a point, split and row; with 8 points (paths of up to 16 columns) 6 vectors of 64
//! bytes are read and 4 written in the first-level cache: at least 8 cycles on a machine that stores
//! 32 bytes a cycle, so 2,000 cycles a row and tree of 255 leaves.  Measured: 8 ns, some 25 cycles, a
//! split and row, three times the limit: paths of over 16 columns walk twice, and tables and sides
//! come from the second-level cache.  The textbook's recursion takes leaves · depth² steps.

use smelt_core::simd::vectorize;
use smelt_core::{Control, Mat, MatRef, Real, Result, parallel};

use super::quadrature::gauss_legendre;
use super::splits::{BLOCK, OFF, Split, Step, TreeSplits};
use super::trees::{TreesRef, columns_of};

/// Rows that walk through a tree together.
const ROWS: usize = 8;
/// Points of one walk; more points take further walks.
const POINTS: usize = 8;

/// One number a point.
#[derive(Clone, Copy)]
#[repr(align(32))]
struct Points<const Q: usize>([f64; Q]);

impl<const Q: usize> Points<Q> {
    const ZERO: Self = Self([0.0; Q]);

    #[inline(always)]
    fn map(self, f: impl Fn(f64) -> f64) -> Self {
        let mut out = self;
        for q in 0..Q {
            out.0[q] = f(self.0[q]);
        }
        out
    }

    #[inline(always)]
    fn zip(self, other: Self, f: impl Fn(f64, f64) -> f64) -> Self {
        let mut out = self;
        for q in 0..Q {
            out.0[q] = f(self.0[q], other.0[q]);
        }
        out
    }

    /// self · a + b
    #[inline(always)]
    fn fused(self, a: Self, b: Self) -> Self {
        let mut out = self;
        for q in 0..Q {
            out.0[q] = self.0[q].mul_add(a.0[q], b.0[q]);
        }
        out
    }
}

/// What a split multiplies by, for one side of the row.
#[derive(Clone, Copy)]
struct Case<const Q: usize> {
    /// C of the side not taken over C of the split.
    share: Points<Q>,
    /// D of the side taken.
    hot: Points<Q>,
    /// D of the side not taken.
    cold: Points<Q>,
}

/// The cases left, right and [`OFF`] of a split, and the side not taken in each.
struct Table<const Q: usize> {
    cases: [Case<Q>; 3],
    other: [u8; 3],
}

impl<const Q: usize> Table<Q> {
    #[inline(always)]
    fn case(&self, side: u8) -> (&Case<Q>, usize) {
        let side = usize::from(side.min(OFF));
        (&self.cases[side], usize::from(self.other[side] & 1))
    }
}

/// C, later S, of both children of a split: one for each row that walks.
type Slot<const Q: usize> = [[Points<Q>; 2]; ROWS];

/// Shapley values of every row, (n_rows, n_features · n_outputs), outputs innermost.
#[allow(non_snake_case)]
pub fn tree_shap_values<T: Real>(
    X: MatRef<'_, T>,
    trees: &TreesRef<'_>,
    control: &Control,
) -> Result<Mat<f64>> {
    trees.check_width(X.n_cols())?;
    trees.validate()?;
    let width = trees.n_features * trees.n_outputs;
    let mut out = Mat::zeros(X.n_rows(), width);
    let walks = walks(trees, control)?;
    let n_splits: usize = walks.iter().map(|walk| walk.splits.len()).sum();
    let rules = rules(&walks);
    let cost_ns = (n_splits * trees.width()) as f64 * 5.0;
    parallel::for_chunks_mut(out.as_mut_slice(), width, BLOCK, cost_ns, |_, range, part| {
        let columns = columns_of(X, range.clone(), BLOCK);
        let mut sides = Vec::new();
        for (tree, walk) in walks.iter().enumerate() {
            walk.sides(trees, &columns, BLOCK, &mut sides);
            let Some(rule) = rules.get(n_points(walk) / 4) else { return };
            for points in rule.chunks(POINTS) {
                let block =
                    Block { trees, tree, walk, sides: &sides, n_rows: range.len(), control };
                let done = match points.len() {
                    POINTS => block.add::<POINTS>(points, part),
                    _ => block.add::<4>(points, part),
                };
                if done.is_err() {
                    return;
                }
            }
        }
    });
    control.check()?;
    Ok(out)
}

/// The walks through all trees.
pub(super) fn walks(trees: &TreesRef<'_>, control: &Control) -> Result<Vec<TreeSplits>> {
    let cost_ns = 50.0 * trees.left.len() as f64 / trees.n_trees().max(1) as f64;
    let walks = parallel::map_chunks(trees.n_trees(), 1, cost_ns, |tree, _| {
        control.check().ok().map(|()| TreeSplits::new(trees, tree))
    });
    control.check()?;
    Ok(walks.into_iter().flatten().collect())
}

/// Points for the longest path of a tree: half its columns, up to a multiple of 4.
pub(super) fn n_points(walk: &TreeSplits) -> usize {
    walk.longest.div_ceil(8) * 4
}

/// Quadrature rules of 0, 4, 8, … points.
pub(super) fn rules(walks: &[TreeSplits]) -> Vec<Vec<(f64, f64)>> {
    let most = walks.iter().map(n_points).max().unwrap_or(0);
    (0..=most / 4).map(|fours| gauss_legendre(4 * fours)).collect()
}

/// A block of rows in one tree.
struct Block<'a> {
    trees: &'a TreesRef<'a>,
    tree: usize,
    walk: &'a TreeSplits,
    sides: &'a [u8],
    n_rows: usize,
    control: &'a Control,
}

impl Block<'_> {
    /// Adds what some points give to the values of the rows.
    fn add<const Q: usize>(&self, points: &[(f64, f64)], part: &mut [f64]) -> Result<()> {
        let Self { trees, walk, .. } = *self;
        let mut t = [0.0; Q];
        let mut weight = [0.0; Q];
        for (q, point) in points.iter().enumerate().take(Q) {
            (t[q], weight[q]) = *point;
        }
        let (tables, weight) = (tables(walk, Points(t)), Points(weight));
        let mut sums = vec![[Points::ZERO; ROWS]; walk.columns.len()];
        let mut slots: Vec<Slot<Q>> = vec![[[Points::ZERO; 2]; ROWS]; walk.depth + 1];
        let n_outputs = trees.n_outputs;
        let row_width = trees.n_features * n_outputs;
        for value in 0..trees.width() {
            let output = trees.first_output[self.tree] as usize + value;
            let scales = self.leaf_values(value);
            for start in (0..self.n_rows).step_by(ROWS) {
                self.control.check()?;
                vectorize(
                    #[inline(always)]
                    || self.walk_rows(&tables, &scales, weight, start, &mut slots, &mut sums),
                );
                // 5. Sums over the points.
                let rows = part[start * row_width..].chunks_mut(row_width).take(ROWS);
                for (r, values) in rows.enumerate() {
                    for (column, sums) in walk.columns.iter().zip(&sums) {
                        let sum: f64 = sums[r].0.iter().sum();
                        values[*column as usize * n_outputs + output] += sum;
                    }
                }
            }
        }
        Ok(())
    }

    /// Value of the leaf on either side of every split; 1 where there is a split.
    fn leaf_values(&self, value: usize) -> Vec<[f64; 2]> {
        let width = self.trees.width();
        let of = |leaf: Option<usize>| leaf.map_or(1.0, |at| self.trees.value[at * width + value]);
        self.walk.splits.iter().map(|split| [of(split.leaf(0)), of(split.leaf(1))]).collect()
    }

    /// 3. and 4. for [`ROWS`] rows.
    #[inline(always)]
    fn walk_rows<const Q: usize>(
        &self,
        tables: &[Table<Q>],
        scales: &[[f64; 2]],
        weight: Points<Q>,
        start: usize,
        slots: &mut [Slot<Q>],
        sums: &mut [[Points<Q>; ROWS]],
    ) {
        for row in &mut slots[0] {
            row[0] = weight;
        }
        sums.fill([Points::ZERO; ROWS]);
        for step in &self.walk.steps {
            let (Step::Down(at) | Step::Up(at) | Step::Both(at)) = *step;
            let at = at as usize;
            let split = &self.walk.splits[at];
            let (table, scale) = (&tables[at], &scales[at]);
            let sides = &self.sides[at * BLOCK + start..][..ROWS];
            let own = split.parent().map_or(0, |edge| usize::from(edge.side() & 1));
            let (above, below) = slots.split_at_mut(split.level as usize + 1);
            let (Some(above), Some(below)) = (above.last_mut(), below.first_mut()) else { return };
            let sums = &mut sums[split.column as usize];
            match step {
                Step::Down(_) => {
                    for r in 0..ROWS {
                        let (case, other) = table.case(sides[r]);
                        let (hot, cold) = down(above[r][own], case, scale, other);
                        below[r][other] = cold;
                        below[r][1 - other] = hot;
                    }
                }
                Step::Up(_) => {
                    for r in 0..ROWS {
                        let (case, other) = table.case(sides[r]);
                        let (hot, cold) = (below[r][1 - other], below[r][other]);
                        sums[r] = up(hot, cold, case, sums[r]);
                        above[r][own] = hot.zip(cold, |a, b| a + b);
                    }
                }
                Step::Both(_) => {
                    for r in 0..ROWS {
                        let (case, other) = table.case(sides[r]);
                        let (hot, cold) = down(above[r][own], case, scale, other);
                        sums[r] = up(hot, cold, case, sums[r]);
                        above[r][own] = hot.zip(cold, |a, b| a + b);
                    }
                }
            }
        }
    }
}

/// 3. What goes to the side taken, and to the other.
#[inline(always)]
fn down<const Q: usize>(
    whole: Points<Q>,
    case: &Case<Q>,
    scale: &[f64; 2],
    other: usize,
) -> (Points<Q>, Points<Q>) {
    let product = whole.zip(case.share, |a, b| a * b);
    let (hot_scale, cold_scale) = (scale[1 - other], scale[other]);
    let hot = whole.zip(product, |a, b| (a - b) * hot_scale);
    (hot, product.map(|a| a * cold_scale))
}

/// 4. What the column gains.
#[inline(always)]
fn up<const Q: usize>(
    hot: Points<Q>,
    cold: Points<Q>,
    case: &Case<Q>,
    sum: Points<Q>,
) -> Points<Q> {
    hot.fused(case.hot, cold.fused(case.cold, sum))
}

/// 1. Tables of all splits.
fn tables<const Q: usize>(walk: &TreeSplits, t: Points<Q>) -> Vec<Table<Q>> {
    let table = |split: &Split| {
        let z = split.cold;
        let above = t.map(|t| 1.0 / (z * (1.0 - t) + t));
        let slope = above.map(|above| (1.0 - z) * above);
        let case = |side: usize| {
            let z_hot = z * split.shares[side];
            let factor = split.shares[1 - side] * z;
            let hot = t.map(|t| (1.0 - z_hot) / (z_hot * (1.0 - t) + t));
            Case {
                share: t.zip(above, |t, above| factor * (1.0 - t) * above),
                hot: hot.zip(slope, |hot, slope| hot - slope),
                cold: t.zip(slope, |t, slope| -1.0 / (1.0 - t) - slope),
            }
        };
        // A row that is off the path: both sides keep their share, and nothing is gained.
        // The smaller one gets the product, so that the larger one loses no digits.
        let small = usize::from(split.shares[1] < split.shares[0]);
        let share = Points([split.shares[small]; Q]);
        let off = Case { share, hot: Points::ZERO, cold: Points::ZERO };
        Table { cases: [case(0), case(1), off], other: [1, 0, small as u8] }
    };
    let mut tables = Vec::with_capacity(walk.splits.len());
    vectorize(
        #[inline(always)]
        || {
            for split in &walk.splits {
                tables.push(table(split));
            }
        },
    );
    tables
}

#[cfg(test)]
mod tests {
    use smelt_core::{Control, MatRef};

    use super::super::trees::TreesRef;
    use super::tree_shap_values;

    #[test]
    fn values_of_a_column_met_twice_are_those_of_the_definition() {
        // x0 <= 0 ? (x1 <= 0 ? 1 : (x0 <= -1 ? 2 : 4)) : 8, covers 10 = (6 = 3 + (3 = 1 + 2)) + 4.
        let trees = TreesRef {
            n_features: 2,
            n_outputs: 1,
            offsets: &[0, 7],
            left: &[1, 2, -1, 4, -1, -1, -1],
            right: &[6, 3, -1, 5, -1, -1, -1],
            feature: &[0, 1, 0, 0, 0, 0, 0],
            threshold: &[0.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.0],
            missing_left: &[0; 7],
            cover: &[10.0, 6.0, 3.0, 3.0, 1.0, 2.0, 4.0],
            value: &[0.0, 0.0, 1.0, 0.0, 2.0, 4.0, 8.0],
            first_output: &[0],
            category_set: &[],
            left_categories: &[],
            known_categories: &[],
        };
        let control = Control::new();
        for x in [[-2.0, 1.0], [-0.5, 1.0], [-2.0, -1.0], [1.0, 1.0], [1.0, -1.0]] {
            let game = |known: [bool; 2]| {
                let go = |column: usize, at: f64, share: f64| match known[column] {
                    true => f64::from(u8::from(x[column] <= at)),
                    false => share,
                };
                let (a, b, c) = (go(0, 0.0, 0.6), go(1, 0.0, 0.5), go(0, -1.0, 1.0 / 3.0));
                a * (b + (1.0 - b) * (2.0 * c + 4.0 * (1.0 - c))) + (1.0 - a) * 8.0
            };
            let both = game([true, true]);
            let (first, second, none) =
                (game([true, false]), game([false, true]), game([false; 2]));
            let expected =
                [(first - none + both - second) / 2.0, (second - none + both - first) / 2.0];
            let view = MatRef::from_row_major(&x, 1, 2).unwrap();
            let found = tree_shap_values(view, &trees, &control).unwrap();
            for (a, b) in found.row(0).iter().zip(expected) {
                assert!((a - b).abs() < 1e-13, "{x:?}: {a} {b}");
            }
        }
    }
}
