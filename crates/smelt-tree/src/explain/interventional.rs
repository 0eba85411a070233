//! Interventional TreeSHAP: Shapley values of the game in which columns that are not known are taken
//! from rows of a background table, together.
//!
//! Twin: `python/smelt/plain/inspection/tree_shap.py`.
//!
//! Method.  What a leaf gives depends only on which columns of its path the row takes (a pattern of
//! bits), and which ones each background row takes.  Let a columns be taken by the row alone, c by the
//! background row alone, and none by neither: the leaf counts for coalitions that hold the a and none
//! of the c, so each of the a gains v (a - 1)! c! / (a + c)! and each of the c loses
//! v a! (c - 1)! / (a + c)!.
//!
//! 1. Patterns of the background rows at every leaf, equal ones counted once.
//! 2. Patterns of a block of rows; gains are computed for the first row of each pattern, then looked up.
//! 3. Every row adds its gains.
//!
//! Cost: leaves · columns on the path additions a row and tree, whatever the number of background rows;
//! and distinct patterns · distinct background patterns a leaf and block.

use smelt_core::simd::vectorize;
use smelt_core::{Control, Error, Mat, MatRef, Real, Result, parallel};

use super::path_dependent::walks;
use super::splits::{Edge, TreeSplits};
use super::trees::{TreesRef, columns_of};

/// Rows that share patterns.
const BLOCK: usize = 1024;
/// Most columns on a path.
const LONGEST: usize = 64;

/// Shapley values of every row, (n_rows, n_features · n_outputs), outputs innermost.
#[allow(non_snake_case)]
pub fn tree_shap_interventional_values<T: Real>(
    X: MatRef<'_, T>,
    background: MatRef<'_, T>,
    trees: &TreesRef<'_>,
    control: &Control,
) -> Result<Mat<f64>> {
    trees.check_width(X.n_cols())?;
    trees.check_width(background.n_cols())?;
    trees.validate()?;
    if background.n_rows() == 0 {
        return Err(Error::data("the background needs at least one row".to_string()));
    }
    let walks = walks(trees, control)?;
    if walks.iter().any(|walk| walk.longest > LONGEST) {
        return Err(Error::data(format!(
            "a path of the trees looks at more than {LONGEST} columns: too many for \
             interventional values; take the path-dependent ones, or trees of max_depth={LONGEST}"
        )));
    }
    let n_background = background.n_rows();
    let known = columns_of(background, 0..n_background, n_background);
    let weights = Weights::new(walks.iter().map(|walk| walk.longest).max().unwrap_or(0));
    let width = trees.n_features * trees.n_outputs;
    let mut out = Mat::zeros(X.n_rows(), width);
    let block = X.n_rows().div_ceil(16).clamp(64, BLOCK);
    let cost_ns = trees.left.len() as f64 * (20.0 + 0.1 * n_background as f64);
    parallel::for_chunks_mut(out.as_mut_slice(), width, block, cost_ns, |_, range, part| {
        let columns = columns_of(X, range.clone(), block);
        let (mut sides, mut known_sides) = (Vec::new(), Vec::new());
        let (mut patterns, mut known_patterns) = (Vec::new(), Vec::new());
        let mut game = Game::new(&weights);
        for (tree, walk) in walks.iter().enumerate() {
            walk.sides(trees, &columns, block, &mut sides);
            walk.sides(trees, &known, n_background, &mut known_sides);
            let first = trees.first_output[tree] as usize;
            for (at, side) in (0..walk.splits.len()).flat_map(|at| [(at, 0), (at, 1)]) {
                let Some(leaf) = walk.splits[at].leaf(side) else { continue };
                if control.check().is_err() {
                    return;
                }
                let path = walk.path(Some(TreeSplits::edge(at, side)));
                find_patterns(&path, &sides, block, &mut patterns);
                find_patterns(&path, &known_sides, n_background, &mut known_patterns);
                game.begin(path.len(), &mut known_patterns);
                let value = &trees.value[leaf * trees.width()..(leaf + 1) * trees.width()];
                let place = |edge: &Edge| {
                    let column = walk.columns[walk.splits[edge.split()].column as usize];
                    column as usize * trees.n_outputs + first
                };
                let places: Vec<usize> = path.iter().map(place).collect();
                for (&pattern, sums) in patterns.iter().zip(part.chunks_exact_mut(width)) {
                    let gains = game.gains(pattern);
                    for (&place, gain) in places.iter().zip(gains) {
                        for (sum, value) in sums[place..].iter_mut().zip(value) {
                            *sum += gain * value;
                        }
                    }
                }
            }
        }
    });
    control.check()?;
    Ok(out)
}

/// Which edges of a path every row takes: bit i for edge i.
fn find_patterns(path: &[Edge], sides: &[u8], n_rows: usize, out: &mut Vec<u64>) {
    out.clear();
    out.resize(n_rows, 0);
    vectorize(
        #[inline(always)]
        || {
            for (bit, edge) in path.iter().enumerate() {
                let sides = &sides[edge.split() * n_rows..(edge.split() + 1) * n_rows];
                let side = edge.side();
                for (bits, &taken) in out.iter_mut().zip(sides) {
                    *bits |= u64::from(taken == side) << bit;
                }
            }
        },
    );
}

/// a! c! / (a + c + 1)! for all a and c that a path may have.
struct Weights {
    size: usize,
    values: Vec<f64>,
}

impl Weights {
    fn new(longest: usize) -> Self {
        let size = longest + 1;
        let mut values = vec![0.0; size * size];
        for a in 0..size {
            for c in 0..size {
                values[a * size + c] = if c == 0 {
                    1.0 / (a + 1) as f64
                } else {
                    values[a * size + c - 1] * c as f64 / (a + c + 1) as f64
                };
            }
        }
        Self { size, values }
    }

    #[inline(always)]
    fn get(&self, a: u32, c: u32) -> f64 {
        self.values[a as usize * self.size + c as usize]
    }
}

/// One leaf before its background: the gains of each pattern, made when first asked for.
struct Game<'a> {
    weights: &'a Weights,
    n_columns: usize,
    /// Columns that background rows do not take, and the share of the rows that do so.
    unknown: Vec<(u64, f64)>,
    /// Patterns met, by open addressing: the pattern, the leaf it was met at, the place of its gains.
    met: Vec<(u64, u64, usize)>,
    leaf: u64,
    gains: Vec<f64>,
}

impl<'a> Game<'a> {
    fn new(weights: &'a Weights) -> Self {
        let met = vec![(0, 0, 0); 2 * BLOCK];
        Self { weights, n_columns: 0, unknown: vec![], met, leaf: 0, gains: vec![] }
    }

    /// Turns to the next leaf, with the patterns of its background rows.
    fn begin(&mut self, n_columns: usize, known: &mut [u64]) {
        self.leaf += 1;
        self.n_columns = n_columns;
        self.gains.clear();
        self.unknown.clear();
        let all = u64::MAX >> (64 - n_columns);
        let share = 1.0 / known.len() as f64;
        known.sort_unstable();
        for &pattern in &*known {
            match self.unknown.last_mut() {
                Some((last, total)) if *last == !pattern & all => *total += share,
                _ => self.unknown.push((!pattern & all, share)),
            }
        }
    }

    /// What each column gains for a row that takes the columns in `pattern`.
    #[inline]
    fn gains(&mut self, pattern: u64) -> &[f64] {
        let n = self.n_columns;
        let hash = pattern.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        let mut slot = hash as usize % (2 * BLOCK);
        // There are at most `BLOCK` patterns, so a free slot comes.
        while self.met[slot].1 == self.leaf && self.met[slot].0 != pattern {
            slot = (slot + 1) % (2 * BLOCK);
        }
        if self.met[slot].1 != self.leaf {
            self.met[slot] = (pattern, self.leaf, self.gains.len());
            self.add_gains(pattern);
        }
        &self.gains[self.met[slot].2..][..n]
    }

    fn add_gains(&mut self, pattern: u64) {
        let at = self.gains.len();
        self.gains.resize(at + self.n_columns, 0.0);
        let gains = &mut self.gains[at..];
        let lost = !pattern & (u64::MAX >> (64 - self.n_columns));
        let c = lost.count_ones();
        let mut loss = 0.0;
        for &(unknown, share) in &self.unknown {
            // A column that neither takes closes the leaf.
            if unknown & lost != 0 {
                continue;
            }
            let a = unknown.count_ones();
            if c > 0 {
                loss += share * self.weights.get(a, c - 1);
            }
            if a > 0 {
                let gain = share * self.weights.get(a - 1, c);
                each_bit(unknown, |bit| gains[bit] += gain);
            }
        }
        each_bit(lost, |bit| gains[bit] -= loss);
    }
}

#[inline(always)]
fn each_bit(mut bits: u64, mut work: impl FnMut(usize)) {
    while bits != 0 {
        work(bits.trailing_zeros() as usize);
        bits &= bits - 1;
    }
}
