//! Probabilities between rows: a Gaussian about each row, as wide as its perplexity asks for.
//!
//! Cost: about eight exponentials a distance (Newton steps on the logarithm of the precision), where
//! halving an interval takes twenty; and for the nearest neighbours the merge of two sparse matrices.
//!
//! Twin: `smelt.plain.manifold.tsne`.

use smelt_core::{Control, Error, Mat, MatRef, Result, parallel};

use super::neighbor_graph::{NeighborGraph, join_with_mirror};

/// Entropies may be off by so much.
const TOLERANCE: f64 = 1e-10;
/// Steps of the search of one precision.
const MOST_STEPS: usize = 200;
/// Rows of a chunk.
const ROWS: usize = 32;

/// Probabilities `p ∝ exp(−β d)` whose entropy is `target`, for squared distances `d`, in place.
fn probabilities(d: &mut [f64], scratch: &mut Vec<f64>, target: f64) {
    let nearest = d.iter().copied().fold(f64::INFINITY, f64::min);
    let mut mean = 0.0;
    for value in d.iter_mut() {
        *value -= nearest;
        mean += *value;
    }
    mean /= d.len() as f64;
    let (mut log_beta, mut low, mut high) =
        (if mean > 0.0 { -mean.ln() } else { 0.0 }, f64::NEG_INFINITY, f64::INFINITY);
    scratch.resize(d.len(), 0.0);
    let mut sum = 1.0;
    for _ in 0..MOST_STEPS {
        // Entropy H = ln Σ + β m and its slope −β² v in ln β, with mean m and variance v of d.
        let beta = log_beta.exp();
        let (mut first, mut second) = (0.0, 0.0);
        sum = 0.0;
        for (p, &d) in scratch.iter_mut().zip(d.iter()) {
            *p = (-beta * d).exp();
            sum += *p;
            first += *p * d;
            second += *p * d * d;
        }
        let expected = first / sum;
        let variance = (second / sum - expected * expected).max(0.0);
        let excess = sum.ln() + beta * expected - target;
        if excess.abs() <= TOLERANCE {
            break;
        }
        if excess > 0.0 {
            low = log_beta;
        } else {
            high = log_beta;
        }
        let step = (excess / (beta * beta * variance)).clamp(-2.0, 2.0);
        let newton = log_beta + step;
        log_beta = if step.is_finite() && newton > low && newton < high {
            newton
        } else if low.is_finite() && high.is_finite() {
            0.5 * (low + high)
        } else {
            log_beta + 2.0 * excess.signum()
        };
        if log_beta.abs() > 600.0 {
            break; // ties: no precision has this entropy
        }
    }
    for (d, p) in d.iter_mut().zip(scratch.iter()) {
        *d = p / sum;
    }
}

fn check_perplexity(perplexity: f64) -> Result<()> {
    if perplexity > 0.0 && perplexity.is_finite() {
        return Ok(());
    }
    Err(Error::parameter("perplexity", format!("must be greater than 0, got {perplexity}")))
}

fn conditional(values: &mut [f64], width: usize, perplexity: f64, control: &Control) -> Result<()> {
    check_perplexity(perplexity)?;
    let cost = 60.0 * width as f64;
    parallel::for_chunks_mut(values, width, ROWS, cost, |_, _, rows| {
        let mut scratch = Vec::new();
        for row in rows.chunks_exact_mut(width) {
            if control.check().is_err() {
                return;
            }
            probabilities(row, &mut scratch, perplexity.ln());
        }
    });
    control.check()
}

/// Joint probabilities of neighbours, which sum to one.
///
/// Row i of `neighbors` names the neighbours of row i, that of `distances` their squared distances.
pub fn tsne_affinities(
    distances: MatRef<'_, f64>,
    neighbors: MatRef<'_, i64>,
    perplexity: f64,
    control: &Control,
) -> Result<NeighborGraph> {
    let (n, k) = (distances.n_rows(), distances.n_cols());
    if (neighbors.n_rows(), neighbors.n_cols()) != (n, k) || n * k == 0 {
        return Err(Error::data("there must be one distance a neighbour, and one neighbour a row"));
    }
    if n > i32::MAX as usize {
        return Err(Error::data(format!("at most 2^31 - 1 rows can be embedded, got {n}")));
    }
    // 1. Conditional probabilities.
    let mut weights = distances.to_mat().into_vec();
    conditional(&mut weights, k, perplexity, control)?;
    // 2. Both directions, and all of them together one.
    let mut graph = join_with_mirror(neighbors, &weights, |own, other| own + other, control)?;
    let total: f64 = graph.data.iter().sum();
    graph.data.iter_mut().for_each(|weight| *weight /= total);
    control.check()?;
    Ok(graph)
}

/// Joint probabilities of all pairs of rows with these squared distances.
pub fn tsne_affinities_exact(
    distances: MatRef<'_, f64>,
    perplexity: f64,
    control: &Control,
) -> Result<Mat<f64>> {
    let n = distances.n_rows();
    if distances.n_cols() != n || n < 2 {
        return Err(Error::data("distances must be a square matrix of two or more rows"));
    }
    check_perplexity(perplexity)?;
    let mut P = Mat::zeros(n, n);
    // 1. Conditional probabilities: those of a row, without the row itself.
    parallel::for_chunks_mut(P.as_mut_slice(), n, ROWS, 60.0 * n as f64, |_, range, rows| {
        let (mut others, mut scratch) = (Vec::with_capacity(n), Vec::new());
        for (i, row) in range.zip(rows.chunks_exact_mut(n)) {
            if control.check().is_err() {
                return;
            }
            others.clear();
            others.extend((0..n).filter(|&j| j != i).map(|j| distances.get(i, j)));
            probabilities(&mut others, &mut scratch, perplexity.ln());
            row[..i].copy_from_slice(&others[..i]);
            row[i + 1..].copy_from_slice(&others[i..]);
        }
    });
    control.check()?;
    // 2. Both directions, and all of them together one; none is zero.
    let scale = 1.0 / (2.0 * n as f64);
    for i in 0..n {
        control.check()?;
        for j in 0..i {
            let p = (P.view().get(i, j) + P.view().get(j, i)) * scale;
            let p = p.max(f64::EPSILON);
            P.row_mut(i)[j] = p;
            P.row_mut(j)[i] = p;
        }
    }
    Ok(P)
}
