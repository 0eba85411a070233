//! Weights between rows as compressed sparse rows, and the sum of a graph and its mirror image.

use smelt_core::{Control, Error, MatRef, Result};

/// A sparse square matrix: row `i` holds `indices[indptr[i]..indptr[i + 1]]`, ascending.
#[derive(Debug, Clone)]
pub struct NeighborGraph {
    /// First entry of each row, and the number of entries.
    pub indptr: Vec<i64>,
    /// Columns.
    pub indices: Vec<i32>,
    /// Weights.
    pub data: Vec<f64>,
}

/// Rows between two looks at the control.
const STRETCH: usize = 4096;

/// The graph whose edge from i to j weighs `join(w_ij, w_ji)`, 0 where there is no such edge.
///
/// Row i of `neighbors` names the ends of the edges from i, whose weights are row i of `weights`.
pub(crate) fn join_with_mirror(
    neighbors: MatRef<'_, i64>,
    weights: &[f64],
    join: impl Fn(f64, f64) -> f64,
    control: &Control,
) -> Result<NeighborGraph> {
    let (n, k) = (neighbors.n_rows(), neighbors.n_cols());
    if weights.len() != n * k {
        return Err(Error::data("there must be one weight a neighbour"));
    }
    // 1. Edges by their ends; those of one end come in the order of their beginnings.
    let mut starts = vec![0_usize; n + 1];
    for i in 0..n {
        if i % STRETCH == 0 {
            control.check()?;
        }
        for j in 0..k {
            let end = neighbors.get(i, j);
            if end < 0 || end as usize >= n {
                return Err(Error::data(format!("row {end} is no neighbour: there are {n} rows")));
            }
            starts[end as usize + 1] += 1;
        }
    }
    for i in 0..n {
        starts[i + 1] += starts[i];
    }
    let mut next = starts.clone();
    let mut mirror = vec![(0_i32, 0.0_f64); n * k];
    for i in 0..n {
        if i % STRETCH == 0 {
            control.check()?;
        }
        for j in 0..k {
            let place = &mut next[neighbors.get(i, j) as usize];
            mirror[*place] = (i as i32, weights[i * k + j]);
            *place += 1;
        }
    }
    // 2. Merge the edges from a row, sorted, and the edges to it.
    let mut graph = NeighborGraph {
        indptr: vec![0],
        indices: Vec::with_capacity(2 * n * k),
        data: Vec::with_capacity(2 * n * k),
    };
    let mut own: Vec<(i32, f64)> = Vec::with_capacity(k);
    for i in 0..n {
        if i % STRETCH == 0 {
            control.check()?;
        }
        own.clear();
        own.extend((0..k).map(|j| (neighbors.get(i, j) as i32, weights[i * k + j])));
        own.sort_unstable_by_key(|&(end, _)| end);
        let mut other = mirror[starts[i]..starts[i + 1]].iter().copied().peekable();
        let mut push = |end: i32, weight: f64| {
            graph.indices.push(end);
            graph.data.push(weight);
        };
        for &(end, weight) in &own {
            while let Some((begin, mirrored)) = other.next_if(|&(begin, _)| begin < end) {
                push(begin, join(0.0, mirrored));
            }
            match other.next_if(|&(begin, _)| begin == end) {
                Some((_, mirrored)) => push(end, join(weight, mirrored)),
                None => push(end, join(weight, 0.0)),
            }
        }
        other.for_each(|(begin, mirrored)| push(begin, join(0.0, mirrored)));
        graph.indptr.push(graph.indices.len() as i64);
    }
    Ok(graph)
}
