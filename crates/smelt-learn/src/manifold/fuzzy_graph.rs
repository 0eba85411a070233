//! The graph of UMAP: how surely rows are neighbours, by distances that each row measures its own way.
//!
//! Cost: about twenty exponentials a neighbour, and the merge of a graph with its mirror image.
//!
//! Twin: `smelt.plain.manifold.umap`.

use smelt_core::{Control, Error, MatRef, Result, parallel};

use super::neighbor_graph::{NeighborGraph, join_with_mirror};

/// Sums of memberships may be off by so much.
const TOLERANCE: f64 = 1e-5;
/// Steps of the search of one width.
const MOST_STEPS: usize = 64;
/// Widths are at least this share of a mean distance.
const LEAST_WIDTH: f64 = 1e-3;

/// Memberships exp(−max(0, d − ρ) / σ) of the neighbours of each row, nearest first.
///
/// ρ is the distance to the `local_connectivity`-th neighbour that lies apart, and σ makes all
/// memberships but the first sum up to log₂ of the number of neighbours.
pub fn umap_memberships(
    distances: MatRef<'_, f64>,
    local_connectivity: f64,
    control: &Control,
) -> Result<Vec<f64>> {
    let (n, k) = (distances.n_rows(), distances.n_cols());
    if k == 0 || !distances.has_contiguous_rows() {
        return Err(Error::data("each row needs a neighbour"));
    }
    let mut mean = 0.0;
    for i in 0..n {
        mean += distances.row(i).iter().sum::<f64>();
    }
    mean /= (n * k) as f64;
    let mut out = vec![0.0; n * k];
    parallel::for_chunks_mut(&mut out, k, 64, 100.0 * k as f64, |_, rows, out| {
        if control.check().is_err() {
            return;
        }
        for (i, out) in rows.zip(out.chunks_exact_mut(k)) {
            memberships(distances.row(i), local_connectivity, mean, out);
        }
    });
    control.check()?;
    Ok(out)
}

fn memberships(distances: &[f64], local_connectivity: f64, mean_of_all: f64, out: &mut [f64]) {
    // 1. ρ, between two neighbours where `local_connectivity` is no whole number.
    let apart: Vec<f64> = distances.iter().copied().filter(|&d| d > 0.0).collect();
    let (whole, part) = (local_connectivity.floor() as usize, local_connectivity.fract());
    let rho = if apart.is_empty() {
        0.0
    } else if (apart.len() as f64) < local_connectivity {
        apart.iter().copied().fold(0.0, f64::max)
    } else if whole == 0 {
        part * apart[0]
    } else if part > 1e-5 && whole < apart.len() {
        apart[whole - 1] + part * (apart[whole] - apart[whole - 1])
    } else {
        apart[whole - 1]
    };
    // 2. σ by halving.
    let target = (distances.len() as f64).log2();
    let (mut low, mut high, mut sigma) = (0.0, f64::INFINITY, 1.0);
    for _ in 0..MOST_STEPS {
        let sum: f64 = distances[1..]
            .iter()
            .map(|&d| if d > rho { (-(d - rho) / sigma).exp() } else { 1.0 })
            .sum();
        if (sum - target).abs() < TOLERANCE {
            break;
        }
        if sum > target {
            high = sigma;
            sigma = 0.5 * (low + high);
        } else {
            low = sigma;
            sigma = if high.is_finite() { 0.5 * (low + high) } else { 2.0 * sigma };
        }
    }
    let mean = if rho > 0.0 {
        distances.iter().sum::<f64>() / distances.len() as f64
    } else {
        mean_of_all
    };
    sigma = sigma.max(LEAST_WIDTH * mean);
    // 3. Memberships.
    for (out, &d) in out.iter_mut().zip(distances) {
        *out = if d <= rho || sigma == 0.0 { 1.0 } else { (-(d - rho) / sigma).exp() };
    }
}

/// The union of the memberships u and v of both directions, (u + v − u·v), mixed with their
/// intersection u·v; edges of weight 0 are left out.
pub fn umap_graph(
    neighbors: MatRef<'_, i64>,
    memberships: &[f64],
    set_op_mix_ratio: f64,
    control: &Control,
) -> Result<NeighborGraph> {
    if neighbors.n_rows() > i32::MAX as usize {
        return Err(Error::data("at most 2^31 - 1 rows can be embedded"));
    }
    let join = |u: f64, v: f64| {
        let both = u * v;
        set_op_mix_ratio * (u + v - both) + (1.0 - set_op_mix_ratio) * both
    };
    let full = join_with_mirror(neighbors, memberships, join, control)?;
    let mut graph = NeighborGraph { indptr: vec![0], indices: Vec::new(), data: Vec::new() };
    for bounds in full.indptr.windows(2) {
        for entry in bounds[0] as usize..bounds[1] as usize {
            if full.data[entry] > 0.0 {
                graph.indices.push(full.indices[entry]);
                graph.data.push(full.data[entry]);
            }
        }
        graph.indptr.push(graph.indices.len() as i64);
    }
    control.check()?;
    Ok(graph)
}
