//! Rows as the graph compares them: float32 numbers whose squared euclidean distances order them.
//!
//! Euclidean: relative to a centre (the median of the first rows, column by column) and scaled by a
//! power of two, so that neither a large mean nor huge or tiny values cost digits.  Cosine: scaled to
//! length 1, where the squared distance is twice that of the cosine.

use smelt_core::parallel::{chunk_size, for_chunks_mut, map_chunks};
use smelt_core::{Control, MatRef, Real, Result};

use super::hnsw::{HnswMetric, LANES};

/// Rows that the centre is made of.
const SAMPLE: usize = 101;
/// Exponent of the largest value after scaling: squares of values down to 1e-34 of it count.
const HIGH: i32 = 50;
/// Rows between two looks at the control.
const PATIENCE: usize = 4096;

/// How rows become float32.
pub(crate) struct Packing<'a> {
    pub(crate) metric: HnswMetric,
    pub(crate) centre: &'a [f64],
    pub(crate) scale: f64,
}

impl Packing<'_> {
    /// Writes a row; `out` may be longer than the row.
    #[inline(always)]
    pub(crate) fn pack(&self, value: impl Fn(usize) -> f64, out: &mut [f32]) {
        let d = self.centre.len();
        if self.metric == HnswMetric::Cosine {
            let length = (0..d).map(|j| value(j) * value(j)).sum::<f64>().sqrt();
            let length = if length > 0.0 { length } else { 1.0 };
            for (j, out) in out[..d].iter_mut().enumerate() {
                *out = (value(j) / length) as f32 + 0.0;
            }
        } else {
            for (j, (out, centre)) in out[..d].iter_mut().zip(self.centre).enumerate() {
                *out = ((value(j) - centre) * self.scale) as f32 + 0.0;
            }
        }
    }
}

/// Centre and scale of rows of which `order` names some first.
pub(crate) fn centre_and_scale<T: Real>(
    X: MatRef<'_, T>,
    order: &[u32],
    metric: HnswMetric,
    control: &Control,
) -> Result<(Vec<f64>, f64)> {
    let (n, d) = (X.n_rows(), X.n_cols());
    if metric == HnswMetric::Cosine {
        return Ok((vec![0.0; d], 1.0));
    }
    let sample = &order[..n.min(SAMPLE)];
    let mut column = vec![0.0; sample.len()];
    let mut centre = vec![0.0; d];
    for (j, centre) in centre.iter_mut().enumerate() {
        for (value, &row) in column.iter_mut().zip(sample) {
            *value = X.get(row as usize, j).to_f64();
        }
        let middle = column.len() / 2;
        *centre = *column.select_nth_unstable_by(middle, f64::total_cmp).1;
    }
    control.check()?;
    let chunk = chunk_size(n, 256).min(PATIENCE);
    let largest = map_chunks(n, chunk, d as f64, |_, range| {
        if control.check().is_err() {
            return 0.0;
        }
        let mut largest = 0.0_f64;
        for i in range {
            for (j, centre) in centre.iter().enumerate() {
                largest = largest.max((X.get(i, j).to_f64() - centre).abs());
            }
        }
        largest
    });
    control.check()?;
    let largest = largest.into_iter().fold(0.0, f64::max);
    let exponent = ((largest.to_bits() >> 52) as i32 - 1023).max(-900);
    let scale = if largest > 0.0 { 2.0_f64.powi(HIGH - exponent) } else { 1.0 };
    Ok((centre, scale))
}

/// Nodes of the graph: values, and the rows that each stands for.
pub(crate) struct Nodes {
    pub(crate) points: Vec<f32>,
    pub(crate) starts: Vec<u32>,
    pub(crate) ids: Vec<u32>,
}

/// Packs rows in the given order and gives equal ones one node: else a graph of many equal rows
/// would fall apart, each linked to its like alone.
pub(crate) fn pack_nodes<T: Real>(
    X: MatRef<'_, T>,
    order: &[u32],
    packing: &Packing<'_>,
    control: &Control,
) -> Result<Nodes> {
    let (n, d) = (X.n_rows(), X.n_cols());
    let stride = d.next_multiple_of(LANES);
    let mut points = vec![0.0_f32; n * stride];
    let by_value = packing.metric == HnswMetric::Cosine;
    let chunk = chunk_size(n, 64).min(PATIENCE);
    for_chunks_mut(&mut points, stride, chunk, 2.0 * d as f64, |_, range, points| {
        if control.check().is_ok() {
            for (&row, point) in order[range].iter().zip(points.chunks_exact_mut(stride)) {
                packing.pack(|j| X.get(row as usize, j).to_f64(), point);
            }
        }
    });
    control.check()?;
    let hashes = map_chunks(n, chunk, d as f64, |_, range| {
        if control.check().is_err() {
            return Vec::new();
        }
        let hash = |i: usize| hash(&points[i * stride..(i + 1) * stride]);
        range.map(hash).collect::<Vec<u32>>()
    });
    control.check()?;
    let hashes = hashes.concat();
    // Open addressing: a place holds a node, and each node the position of its first row.
    let mask = (2 * n).next_power_of_two() - 1;
    let mut places = vec![u32::MAX; mask + 1];
    let mut first: Vec<u32> = Vec::with_capacity(n);
    let mut node_of_row = vec![0_u32; n];
    for position in 0..n {
        if position % PATIENCE == 0 {
            control.check()?;
        }
        let row = order[position] as usize;
        let mut place = hashes[position] as usize & mask;
        let node = loop {
            let node = places[place] as usize;
            let Some(&other) = first.get(node) else {
                places[place] = first.len() as u32;
                first.push(position as u32);
                break first.len() - 1;
            };
            // Before this position the points of nodes have moved to their places.
            let point = &points[position * stride..(position + 1) * stride];
            if hashes[other as usize] == hashes[position]
                && point == &points[node * stride..(node + 1) * stride]
                && (by_value || equal(X, row, order[other as usize] as usize))
            {
                break node;
            }
            place = (place + 1) & mask;
        };
        node_of_row[row] = node as u32;
        if node + 1 == first.len() && first[node] as usize == position && node < position {
            points.copy_within(position * stride..(position + 1) * stride, node * stride);
        }
    }
    let n_nodes = first.len();
    points.truncate(n_nodes * stride);
    let mut starts = vec![0_u32; n_nodes + 1];
    node_of_row.iter().for_each(|&node| starts[node as usize + 1] += 1);
    (0..n_nodes).for_each(|node| starts[node + 1] += starts[node]);
    let mut next = starts.clone();
    let mut ids = vec![0_u32; n];
    for (row, &node) in node_of_row.iter().enumerate() {
        ids[next[node as usize] as usize] = row as u32;
        next[node as usize] += 1;
    }
    Ok(Nodes { points, starts, ids })
}

fn equal<T: Real>(X: MatRef<'_, T>, a: usize, b: usize) -> bool {
    (0..X.n_cols()).all(|j| X.get(a, j) == X.get(b, j))
}

fn hash(values: &[f32]) -> u32 {
    let mut hash = 0x9E37_79B9_7F4A_7C15_u64;
    for value in values {
        hash = (hash ^ u64::from(value.to_bits())).wrapping_mul(0xFF51_AFD7_ED55_8CCD);
        hash ^= hash >> 32;
    }
    hash as u32
}
