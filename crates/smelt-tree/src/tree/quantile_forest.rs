//! Quantile forests: the targets that share leaves with a row (Meinshausen 2006).
//!
//! Twin: `smelt/plain/ensemble/quantile_forest.py`.
//!
//! 1. Fitting keeps which training rows lie in every leaf, a row drawn twice twice, in the order of
//!    their targets.
//! 2. A row shares one leaf of each tree with some of them; a tree has 1 / n_trees to give, in parts
//!    as large as the rows' weights.
//! 3. The q-quantile is the smallest target up to which the parts add up to q.
//!
//! Cost: keeping takes n · trees · depth steps, and 4 bytes a row drawn and tree.  Prediction adds
//! two sums a row of a leaf to the way down, and then looks through n / 256 sums of 256 targets, and
//! through 256 targets a quantile: nothing is sorted, for the targets lie in order since fitting.
//! Parts are integers, so that their order does not matter; 1e-9 short of q counts as q.

use smelt_core::{Control, Error, Result, parallel, simd};

use super::forest::Draw;
use super::predict::Trees;
use super::sparse::ByRow;

/// Rows that are predicted with the same sums.
const BLOCK: usize = 256;
/// Targets summed together.
const BUCKET: usize = 256;
/// What all trees have to give together, at most; the sums stay below 2^64.
const WHOLE: u64 = 1 << 62;
/// Lists found before rows are added up, so that they stay small.
const LISTS: usize = 1 << 22;
/// A row that no tree was grown on.
const ABSENT: u32 = u32::MAX;

/// First of the rows of a leaf, and their number.
type List = (u32, u32);

/// The training rows in every leaf, and their targets.
#[derive(Debug, Clone, Copy)]
pub struct LeafValues<'a> {
    /// First of the `rows` of every node, and their number (n_nodes + 1); a cut has none.
    pub starts: &'a [i64],
    /// Rows of the leaves, ascending in each: places among the targets of the first output.
    pub rows: &'a [u32],
    /// Targets, ascending in each output, (n_outputs, n_rows).
    pub targets: &'a [f64],
    /// Places among the targets of the other outputs, (n_outputs - 1, n_rows).
    pub places: &'a [u32],
    /// Weights of the rows, if they differ and no rows were drawn.
    pub weights: Option<&'a [f64]>,
    /// Number of outputs.
    pub n_outputs: usize,
}

impl LeafValues<'_> {
    fn n_rows(&self) -> usize {
        self.targets.len() / self.n_outputs.max(1)
    }

    fn check_lengths(&self, n_nodes: usize) -> Result<()> {
        let n_rows = self.n_rows();
        let sound = self.n_outputs > 0
            && n_rows > 0
            && self.starts.len() == n_nodes + 1
            && self.targets.len() == n_rows * self.n_outputs
            && self.places.len() == n_rows * (self.n_outputs - 1)
            && self.weights.is_none_or(|weights| weights.len() == n_rows);
        if sound {
            Ok(())
        } else {
            Err(Error::data("the values of the leaves do not fit the trees".to_string()))
        }
    }

    /// Refuses arrays that a forest of `n_nodes` nodes could not be asked with.
    pub fn check(&self, n_nodes: usize) -> Result<()> {
        self.check_lengths(n_nodes)?;
        let n_rows = self.n_rows();
        let within = |rows: &[u32]| rows.iter().all(|&row| (row as usize) < n_rows);
        let sound = self.starts.first() == Some(&0)
            && self.starts.last().copied() == u32::try_from(self.rows.len()).ok().map(i64::from)
            && self.starts.windows(2).all(|pair| pair[0] <= pair[1])
            && within(self.rows)
            && within(self.places)
            && self.targets.iter().all(|target| target.is_finite())
            && self
                .weights
                .is_none_or(|weights| weights.iter().all(|&w| w >= 0.0 && w.is_finite()));
        if sound {
            Ok(())
        } else {
            Err(Error::data("the values of the leaves are damaged".to_string()))
        }
    }

    /// Where the rows of a leaf lie, and how many they are.
    fn list(&self, leaf: usize) -> List {
        let start = self.starts[leaf];
        (start as u32, (self.starts[leaf + 1] - start) as u32)
    }

    fn rows_of(&self, (start, n): List) -> &[u32] {
        &self.rows[start as usize..][..n as usize]
    }
}

/// 1. The rows of every leaf: where those of each node start, and the rows.
///
/// `places` holds the place of each row of `X` among the targets; rows of weight zero are left out.
#[allow(non_snake_case)]
pub fn quantile_forest_leaves(
    X: &ByRow<'_>,
    trees: &Trees<'_>,
    places: &[u32],
    sample_weight: Option<&[f64]>,
    draw: Option<Draw<'_>>,
    random_states: &[u32],
    control: &Control,
) -> Result<(Vec<i64>, Vec<u32>)> {
    let n_rows = X.n_rows();
    let sound = random_states.len() == trees.n_trees()
        && places.len() == n_rows
        && n_rows < ABSENT as usize
        && places.iter().all(|&place| (place as usize) < n_rows)
        && sample_weight.is_none_or(|weights| weights.len() == n_rows);
    if !sound {
        return Err(Error::data("the places do not match the rows of X".to_string()));
    }
    let cost_ns = n_rows as f64 * 100.0;
    let parts = parallel::map_chunks(trees.n_trees(), 1, cost_ns, |tree, _| {
        let root = trees.offsets[tree] as usize;
        let n_nodes = trees.offsets[tree + 1] as usize - root;
        let mut starts = vec![0_usize; n_nodes + 1];
        let counts = draw.map(|draw| draw.counts(n_rows, random_states[tree]));
        let times = |row: usize| match (&counts, sample_weight) {
            (Some(counts), _) => counts[row],
            (None, Some(weights)) => u32::from(weights[row] > 0.0),
            (None, None) => 1,
        };
        let mut leaves = vec![(ABSENT, 0); n_rows];
        for row in 0..n_rows {
            if row.is_multiple_of(4096) && control.check().is_err() {
                return (starts, Vec::new());
            }
            let times = times(row);
            if times > 0 {
                let leaf = trees.leaf(tree, |feature| X.get(row, feature)) - root;
                leaves[places[row] as usize] = (leaf as u32, times);
                starts[leaf + 1] += times as usize;
            }
        }
        for node in 0..n_nodes {
            starts[node + 1] += starts[node];
        }
        let mut rows = vec![0; starts[n_nodes]];
        let mut next = starts.clone();
        for (place, &(leaf, times)) in leaves.iter().enumerate() {
            for _ in 0..times {
                rows[next[leaf as usize]] = place as u32;
                next[leaf as usize] += 1;
            }
        }
        (starts, rows)
    });
    control.check()?;
    let mut starts = Vec::with_capacity(trees.left.len() + 1);
    let total: usize = parts.iter().map(|(_, rows)| rows.len()).sum();
    if u32::try_from(total).is_err() {
        return Err(Error::data(
            "over 4,294,967,295 rows in all leaves; grow fewer trees".to_string(),
        ));
    }
    let mut rows = Vec::with_capacity(total);
    for (own, mut part) in parts {
        let first = rows.len();
        starts.extend(own[..own.len() - 1].iter().map(|start| (first + start) as i64));
        rows.append(&mut part);
    }
    starts.push(rows.len() as i64);
    Ok((starts, rows))
}

/// Parts that training rows were given, one by one and for [`BUCKET`] rows together.
struct Parts {
    single: Vec<u64>,
    bucket: Vec<u64>,
}

impl Parts {
    fn new(n_rows: usize) -> Self {
        Self { single: vec![0; n_rows], bucket: vec![0; n_rows.div_ceil(BUCKET)] }
    }

    #[inline(always)]
    fn add(&mut self, place: usize, part: u64) {
        self.single[place] += part;
        self.bucket[place / BUCKET] += part;
    }

    /// 3. Places of the quantiles, which ascend; none where nothing was given.
    fn quantiles(&self, quantiles: &[(usize, f64)], mut found: impl FnMut(usize, Option<usize>)) {
        let total: u64 = self.bucket.iter().sum();
        let (mut bucket, mut before) = (0, 0);
        for &(which, quantile) in quantiles {
            if total == 0 {
                found(which, None);
                continue;
            }
            let goal = (quantile * total as f64) as u64;
            let goal = goal.min(total).saturating_sub(total >> 30).max(1);
            while before + self.bucket[bucket] < goal {
                before += self.bucket[bucket];
                bucket += 1;
            }
            let (mut place, mut sum) = (bucket * BUCKET, before + self.single[bucket * BUCKET]);
            while sum < goal {
                place += 1;
                sum += self.single[place];
            }
            found(which, Some(place));
        }
    }
}

/// Quantiles of the targets that share leaves with every row of `X`, (n_rows, n_outputs, quantiles).
///
/// With `out_of_bag`, the places of the rows of `X` among the targets of training, a row is answered
/// by the trees that were not grown on it, and with NaN where there is none.
#[allow(non_snake_case)]
pub fn quantile_forest_predict(
    X: &ByRow<'_>,
    trees: &Trees<'_>,
    leaves: &LeafValues<'_>,
    quantiles: &[f64],
    out_of_bag: Option<&[u32]>,
    control: &Control,
) -> Result<Vec<f64>> {
    leaves.check_lengths(trees.left.len())?;
    if quantiles.iter().any(|q| !(0.0..=1.0).contains(q)) {
        return Err(Error::parameter("quantiles", "must lie between 0 and 1".to_string()));
    }
    if out_of_bag.is_some_and(|places| places.len() != X.n_rows()) {
        return Err(Error::data("X does not hold the rows of training".to_string()));
    }
    let n_trees = trees.n_trees();
    let mut ascending: Vec<(usize, f64)> = quantiles.iter().copied().enumerate().collect();
    ascending.sort_by(|one, other| one.1.total_cmp(&other.1));
    let width = leaves.n_outputs * quantiles.len();
    let mut out = vec![f64::NAN; X.n_rows() * width];
    let list = |tree: usize, node: usize| leaves.list(trees.offsets[tree] as usize + node);
    let step = (LISTS / n_trees.max(1)).max(BLOCK);
    for (index, part) in out.chunks_mut(step * width).enumerate() {
        let first = index * step;
        let X = X.rows(first, first + part.len() / width);
        let lists = trees.answers(&X, list, control)?;
        let own = out_of_bag.map(|places| &places[first..]);
        add_up(&lists, leaves, &ascending, own, part, control);
    }
    control.check()?;
    Ok(out)
}

/// 2. and 3. for rows whose lists are known, one a tree: the quantiles of each output.
fn add_up(
    lists: &[List],
    leaves: &LeafValues<'_>,
    quantiles: &[(usize, f64)],
    out_of_bag: Option<&[u32]>,
    out: &mut [f64],
    control: &Control,
) {
    let (n_rows, width) = (leaves.n_rows(), leaves.n_outputs * quantiles.len());
    let n_trees = lists.len() / (out.len() / width).max(1);
    let each = WHOLE / n_trees.max(1) as u64;
    let cost_ns = n_trees as f64 * 100.0;
    parallel::for_chunks_mut(out, width, BLOCK, cost_ns, |_, range, part| {
        let mut parts = Parts::new(n_rows);
        let mut reached: Vec<&[u32]> = Vec::with_capacity(n_trees);
        for (answer, row) in part.chunks_mut(width).zip(range) {
            if control.check().is_err() {
                return;
            }
            let lists = &lists[row * n_trees..][..n_trees];
            reached.clear();
            for &list in lists {
                let rows = leaves.rows_of(list);
                simd::prefetch(&rows[..rows.len().min(64)]);
                reached.push(rows);
            }
            reached.retain(|rows| {
                let seen = |own: &[u32]| rows.binary_search(&own[row]).is_ok();
                !rows.is_empty() && !out_of_bag.is_some_and(seen)
            });
            for (output, answer) in answer.chunks_mut(quantiles.len()).enumerate() {
                let place = |row: u32| match output {
                    0 => row as usize,
                    _ => leaves.places[(output - 1) * n_rows + row as usize] as usize,
                };
                give(&mut parts, &reached, leaves.weights, each, place);
                let targets = &leaves.targets[output * n_rows..][..n_rows];
                parts.quantiles(quantiles, |which, found| {
                    if let Some(found) = found {
                        answer[which] = targets[found];
                    }
                });
                for &row in reached.iter().copied().flatten() {
                    parts.single[place(row)] = 0;
                }
                parts.bucket.fill(0);
            }
        }
    });
}

/// 2. Each tree gives the rows of its leaf their parts.
fn give(
    parts: &mut Parts,
    lists: &[&[u32]],
    weights: Option<&[f64]>,
    each: u64,
    place: impl Fn(u32) -> usize,
) {
    for rows in lists {
        let Some(weights) = weights else {
            let share = each / rows.len() as u64;
            rows.iter().for_each(|&row| parts.add(place(row), share));
            continue;
        };
        let total: f64 = rows.iter().map(|&row| weights[row as usize]).sum();
        for &row in *rows {
            let share = weights[row as usize] / total;
            parts.add(place(row), (share * each as f64) as u64);
        }
    }
}
