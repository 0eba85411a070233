//! Scores: rows go down all trees, and the lengths of their ways are added up.
//!
//! A tree of at most 8 levels, which is one of 256 rows, becomes a full binary tree: the children of
//! place i lie at 2i and 2i + 1, so that a node needs a threshold and a column alone (5 bytes) and a
//! step no branch.  Deeper trees have nodes of 8 bytes: threshold, and column and first child in one
//! word.  Either way a leaf that comes early sends every row on to itself, so that all rows take as
//! many steps as the tree has levels, and several rows go down side by side to hide latency.
//!
//! Rows with missing values go alone, and so do a few rows, for which packing would not pay.

use smelt_core::{Control, MatRef, Result, parallel};

use crate::tree::predict::Trees;

/// Rows of a unit of parallel work.
const CHUNK: usize = 1024;
/// Rows that go down a tree before the next tree's turn; their values stay in the first-level cache.
const BLOCK: usize = 128;
/// Rows side by side.
const LANES: usize = 16;
/// Fewer rows than this are not worth packing for.
const FEW: usize = 32;
/// Levels of a full binary tree.
const LEVELS: usize = 8;
/// Its leaves, and one more than its inner nodes.
const FULL: usize = 1 << LEVELS;
/// Most columns whose number fits a byte.
const NARROW: usize = 256;

/// Score of every row, 0 (as others are) to 1 (soon alone): 2^(-sum of path lengths / `whole`).
///
/// `trees` hold path lengths as values; `whole` is the number of trees times the average path length
/// of one.
#[allow(non_snake_case)]
pub fn isolation_forest_score(
    X: MatRef<'_, f32>,
    trees: &Trees<'_>,
    whole: f64,
    control: &Control,
) -> Result<Vec<f64>> {
    let mut scores = vec![0.0; X.n_rows()];
    if X.n_rows() < FEW {
        for (row, score) in scores.iter_mut().enumerate() {
            *score = normalised(length_of(trees, |feature| X.get(row, feature)), whole);
        }
        return Ok(scores);
    }
    trees.check(X.n_cols())?;
    let levels = levels(trees.offsets, trees.left, trees.right);
    let walk = |lengths: &mut [f64], work: &(dyn Fn(usize, &mut [f64]) + Sync)| {
        let cost_ns = trees.n_trees() as f64 * (levels as f64 + 1.0);
        parallel::for_chunks_mut(lengths, 1, CHUNK, cost_ns, |_, range, part| {
            for (block, lengths) in part.chunks_mut(BLOCK).enumerate() {
                if control.check().is_ok() {
                    work(range.start + block * BLOCK, lengths);
                    lengths.iter_mut().for_each(|length| *length = normalised(*length, whole));
                }
            }
        });
    };
    if levels <= LEVELS && X.n_cols() <= NARROW {
        let full = FullTrees::new(trees, levels);
        // Columns a row takes in the buffer: a power of two known to the compiler.
        match X.n_cols().next_power_of_two() {
            0..=8 => walk(&mut scores, &|start, out| full.lengths::<8>(X, start, trees, out)),
            16 => walk(&mut scores, &|start, out| full.lengths::<16>(X, start, trees, out)),
            32 => walk(&mut scores, &|start, out| full.lengths::<32>(X, start, trees, out)),
            64 => walk(&mut scores, &|start, out| full.lengths::<64>(X, start, trees, out)),
            _ => walk(&mut scores, &|start, out| full.lengths::<NARROW>(X, start, trees, out)),
        }
    } else if let Some(packed) = PackedTrees::new(trees, X.n_cols()) {
        walk(&mut scores, &|start, out| packed.lengths(X, start, trees, out));
    } else {
        walk(&mut scores, &|start, out| {
            for (place, length) in out.iter_mut().enumerate() {
                *length = length_of(trees, |feature| X.get(start + place, feature));
            }
        });
    }
    control.check()?;
    Ok(scores)
}

/// 4. Score from the sum of the path lengths; trees of one row tell nothing.
pub(super) fn normalised(length: f64, whole: f64) -> f64 {
    if whole == 0.0 { 0.5 } else { (-(length / whole)).exp2() }
}

/// Sum of the path lengths of one row.
fn length_of(trees: &Trees<'_>, x: impl Fn(usize) -> f32) -> f64 {
    (0..trees.n_trees()).map(|tree| trees.value[trees.leaf(tree, &x)]).sum()
}

/// Cuts on the longest way from a root.
pub(super) fn levels(offsets: &[i64], left: &[i32], right: &[i32]) -> usize {
    let mut depth = vec![0_u32; left.len()];
    let mut deepest = 0;
    for root in offsets.windows(2) {
        for node in root[0] as usize..root[1] as usize {
            deepest = deepest.max(depth[node]);
            if left[node] >= 0 {
                for child in [left[node], right[node]] {
                    depth[root[0] as usize + child as usize] = depth[node] + 1;
                }
            }
        }
    }
    deepest as usize
}

/// The largest f32 that is not above the threshold: the same f32 values lie above both.
fn rounded_down(threshold: f64) -> f32 {
    let near = threshold as f32;
    if f64::from(near) > threshold { near.next_down() } else { near }
}

/// Copies rows to a buffer, row by row; returns the places of rows with a missing value.
#[allow(non_snake_case)]
fn gather(
    X: MatRef<'_, f32>,
    start: usize,
    n: usize,
    width: usize,
    buffer: &mut [f32],
) -> Vec<usize> {
    let mut missing = Vec::new();
    for (place, row) in buffer.chunks_mut(width).take(n).enumerate() {
        let mut sum = 0.0;
        if X.has_contiguous_rows() {
            let values = X.row(start + place);
            row[..values.len()].copy_from_slice(values);
            values.iter().for_each(|value| sum += value * 0.0);
        } else {
            for (feature, out) in row.iter_mut().enumerate().take(X.n_cols()) {
                *out = X.get(start + place, feature);
                sum += *out * 0.0;
            }
        }
        if sum.is_nan() {
            missing.push(place);
        }
    }
    missing
}

/// Full binary trees of `levels` levels; place 0 is unused, the root is at 1.
struct FullTrees {
    levels: usize,
    thresholds: Vec<[f32; FULL]>,
    features: Vec<[u8; FULL]>,
    lengths: Vec<[f64; FULL]>,
}

impl FullTrees {
    fn new(trees: &Trees<'_>, levels: usize) -> Self {
        let n = trees.n_trees();
        let mut full = Self {
            levels,
            thresholds: vec![[f32::INFINITY; FULL]; n],
            features: vec![[0; FULL]; n],
            lengths: vec![[0.0; FULL]; n],
        };
        for tree in 0..n {
            let root = trees.offsets[tree] as usize;
            let mut waiting = vec![(root, 1, 0)];
            while let Some((node, place, depth)) = waiting.pop() {
                if trees.left[node] < 0 {
                    // No value is above infinity: from an early leaf every row goes on to the left.
                    full.lengths[tree][(place << (levels - depth)) - (1 << levels)] =
                        trees.value[node];
                    continue;
                }
                full.thresholds[tree][place] = rounded_down(trees.threshold[node]);
                full.features[tree][place] = trees.feature[node] as u8;
                waiting.push((root + trees.left[node] as usize, 2 * place, depth + 1));
                waiting.push((root + trees.right[node] as usize, 2 * place + 1, depth + 1));
            }
        }
        full
    }

    /// Path lengths of the rows from `start` on, which take `WIDTH` columns each in the buffer.
    #[allow(non_snake_case)]
    fn lengths<const WIDTH: usize>(
        &self,
        X: MatRef<'_, f32>,
        start: usize,
        trees: &Trees<'_>,
        out: &mut [f64],
    ) {
        let mut buffer = [[[0.0_f32; WIDTH]; LANES]; BLOCK / LANES];
        let n = out.len();
        let flat = buffer.as_flattened_mut().as_flattened_mut();
        let missing = gather(X, start, n, WIDTH, flat);
        let mut sums = [[0.0; LANES]; BLOCK / LANES];
        let first_leaf = 1 << self.levels;
        for tree in 0..self.thresholds.len() {
            let (thresholds, features) = (&self.thresholds[tree], &self.features[tree]);
            let lengths = &self.lengths[tree];
            for (rows, sums) in buffer.iter().zip(&mut sums).take(n.div_ceil(LANES)) {
                let mut at = [1_usize; LANES];
                for _ in 0..self.levels {
                    for lane in 0..LANES {
                        let place = at[lane] & (FULL - 1);
                        let value = rows[lane][usize::from(features[place]) & (WIDTH - 1)];
                        at[lane] = 2 * place + usize::from(value > thresholds[place]);
                    }
                }
                for lane in 0..LANES {
                    sums[lane] += lengths[(at[lane] - first_leaf) & (FULL - 1)];
                }
            }
        }
        out.copy_from_slice(&sums.as_flattened()[..n]);
        for place in missing {
            out[place] = length_of(trees, |feature| X.get(start + place, feature));
        }
    }
}

/// Trees of any depth: siblings side by side, column and left sibling in one word.
struct PackedTrees {
    offsets: Vec<usize>,
    levels: Vec<usize>,
    thresholds_and_links: Vec<(f32, u32)>,
    lengths: Vec<f64>,
    feature_bits: u32,
}

impl PackedTrees {
    /// Nothing if column and child do not fit 32 bits together.
    fn new(trees: &Trees<'_>, n_features: usize) -> Option<Self> {
        let feature_bits = usize::BITS - n_features.leading_zeros();
        let largest = trees.offsets.windows(2).map(|pair| pair[1] - pair[0]).max()?;
        if 64 - largest.leading_zeros() + feature_bits > 32 {
            return None;
        }
        let mut packed = Self {
            offsets: vec![0],
            levels: Vec::new(),
            thresholds_and_links: Vec::with_capacity(trees.left.len()),
            lengths: Vec::with_capacity(trees.left.len()),
            feature_bits,
        };
        for root in trees.offsets.windows(2) {
            // Level by level, so that siblings lie side by side.
            let (mut level, mut n_levels, mut n_placed) = (vec![root[0] as usize], 0, 0);
            while !level.is_empty() {
                let mut next = Vec::new();
                let first_child = n_placed + level.len();
                for &node in &level {
                    let inner = trees.left[node] >= 0;
                    let (threshold, link) = if inner {
                        let link = (first_child + next.len()) << feature_bits;
                        next.push((root[0] + i64::from(trees.left[node])) as usize);
                        next.push((root[0] + i64::from(trees.right[node])) as usize);
                        (rounded_down(trees.threshold[node]), link | trees.feature[node] as usize)
                    } else {
                        (f32::INFINITY, n_placed << feature_bits)
                    };
                    packed.thresholds_and_links.push((threshold, link as u32));
                    packed.lengths.push(trees.value[node]);
                    n_placed += 1;
                }
                n_levels += usize::from(!next.is_empty());
                level = next;
            }
            packed.levels.push(n_levels);
            packed.offsets.push(packed.lengths.len());
        }
        Some(packed)
    }

    #[allow(non_snake_case)]
    fn lengths(&self, X: MatRef<'_, f32>, start: usize, trees: &Trees<'_>, out: &mut [f64]) {
        let (n, width) = (out.len(), X.n_cols());
        let n_groups = n.div_ceil(LANES);
        let mut buffer = vec![0.0_f32; n_groups * LANES * width];
        let missing = gather(X, start, n, width, &mut buffer);
        let mut sums = vec![0.0; n_groups * LANES];
        let mask = (1_u32 << self.feature_bits) - 1;
        for (tree, pair) in self.offsets.windows(2).enumerate() {
            let nodes = &self.thresholds_and_links[pair[0]..pair[1]];
            let lengths = &self.lengths[pair[0]..pair[1]];
            let groups = buffer.chunks_exact(LANES * width).zip(sums.chunks_exact_mut(LANES));
            for (rows, sums) in groups {
                let mut at = [0_usize; LANES];
                for _ in 0..self.levels[tree] {
                    for lane in 0..LANES {
                        let (threshold, link) = nodes[at[lane]];
                        let value = rows[lane * width + (link & mask) as usize];
                        at[lane] =
                            (link >> self.feature_bits) as usize + usize::from(value > threshold);
                    }
                }
                for lane in 0..LANES {
                    sums[lane] += lengths[at[lane]];
                }
            }
        }
        out.copy_from_slice(&sums[..n]);
        for place in missing {
            out[place] = length_of(trees, |feature| X.get(start + place, feature));
        }
    }
}
