//! t-SNE with all pairs of rows: float64 throughout, any number of columns.
//!
//! Cost of a step: n² pairs at about 8·columns operations, and 8 n² bytes of P read.
//!
//! Twin: `smelt.plain.manifold.tsne`.

use smelt_core::{Control, Error, MatRef, Result, parallel, simd};

use super::descent::{Objective, TsneFit, TsneParams, descend, diverged};

/// Pairs of a block.
const BLOCK: usize = 128;

/// Embeds rows with joint probabilities `P`, from `start` on.
pub fn tsne_fit_exact(
    P: MatRef<'_, f64>,
    start: MatRef<'_, f64>,
    params: &TsneParams,
    control: &Control,
) -> Result<TsneFit> {
    params.check()?;
    let mut pairs = AllPairs::new(P, start, control)?;
    descend(&mut pairs, start.to_mat().into_vec(), params, control)
}

/// Divergence of an embedding and its gradient.
pub fn tsne_gradient_exact(
    P: MatRef<'_, f64>,
    embedding: MatRef<'_, f64>,
    control: &Control,
) -> Result<(f64, Vec<f64>)> {
    let flat = embedding.to_mat().into_vec();
    let mut gradient = vec![0.0; flat.len()];
    let mut pairs = AllPairs::new(P, embedding, control)?;
    let error = pairs.evaluate(&flat, 1.0, true, &mut gradient, control)?;
    Ok((error, gradient))
}

/// The divergence over all pairs.
struct AllPairs<'a> {
    P: MatRef<'a, f64>,
    n: usize,
    width: usize,
    /// Σ p and Σ p·ln p.
    total: f64,
    entropy: f64,
    columns: Vec<f64>,
    /// Of each row: attraction, repulsion, Σ t, −Σ p·ln t.
    sums: Vec<f64>,
}

impl<'a> AllPairs<'a> {
    fn new(P: MatRef<'a, f64>, embedding: MatRef<'_, f64>, control: &Control) -> Result<Self> {
        let (n, width) = (embedding.n_rows(), embedding.n_cols());
        if P.n_rows() != n || P.n_cols() != n || n == 0 || width == 0 || !P.has_contiguous_rows() {
            return Err(Error::data("P must be square, with the rows of the embedding"));
        }
        let parts = parallel::map_chunks(n, 16, 8.0 * n as f64, |_, rows| {
            let (mut total, mut entropy) = (0.0, 0.0);
            for i in rows {
                if control.check().is_err() {
                    break;
                }
                for &p in P.row(i).iter().filter(|&&p| p > 0.0) {
                    total += p;
                    entropy += p * p.ln();
                }
            }
            (total, entropy)
        });
        control.check()?;
        let total = parts.iter().map(|part| part.0).sum();
        let entropy = parts.iter().map(|part| part.1).sum();
        let (columns, sums) = (vec![0.0; n * width], vec![0.0; n * (2 * width + 2)]);
        Ok(Self { P, n, width, total, entropy, columns, sums })
    }
}

/// w^((ν + 1) / 2)
#[inline(always)]
fn kernel(w: f64, freedom: usize) -> f64 {
    match freedom {
        1 => w,
        2 => w * w.sqrt(),
        _ => {
            let whole = w.powi(freedom.div_ceil(2) as i32);
            if freedom.is_multiple_of(2) { whole * w.sqrt() } else { whole }
        }
    }
}

impl Objective for AllPairs<'_> {
    fn evaluate(
        &mut self,
        embedding: &[f64],
        exaggeration: f64,
        wants_error: bool,
        gradient: &mut [f64],
        control: &Control,
    ) -> Result<f64> {
        let (n, width) = (self.n, self.width);
        let freedom = width.saturating_sub(1).max(1);
        for (i, row) in embedding.chunks_exact(width).enumerate() {
            for (j, &value) in row.iter().enumerate() {
                self.columns[j * n + i] = value;
            }
        }
        // 1. Repulsion, and 2. attraction.
        let (P, columns) = (self.P, &self.columns);
        let chunk = parallel::chunk_size(n, 4).min(64);
        let cost = n as f64 * width as f64;
        let each = 2 * width + 2;
        parallel::for_chunks_mut(&mut self.sums, each, chunk, cost, |_, rows, out| {
            for (i, out) in rows.zip(out.chunks_exact_mut(each)) {
                if control.check().is_err() {
                    return;
                }
                let own = &embedding[i * width..][..width];
                simd::vectorize(
                    #[inline(always)]
                    || row_sums(P.row(i), columns, own, freedom, wants_error, out),
                );
            }
        });
        control.check()?;
        let total = self.sums.chunks_exact(each).map(|row| row[2 * width] - 1.0).sum::<f64>();
        if !total.is_finite() {
            return Err(diverged());
        }
        let factor = 2.0 * (freedom as f64 + 1.0) / freedom as f64;
        let scale = if total > 0.0 { 1.0 / total } else { 0.0 };
        for (out, row) in gradient.chunks_exact_mut(width).zip(self.sums.chunks_exact(each)) {
            for d in 0..width {
                out[d] = factor * (exaggeration * row[d] - scale * row[width + d]);
            }
        }
        let surprise: f64 = self.sums.chunks_exact(each).map(|row| row[2 * width + 1]).sum();
        let level = exaggeration.ln() + if total > 0.0 { total.ln() } else { 0.0 };
        let error = exaggeration * (self.entropy + surprise + level * self.total);
        Ok(if wants_error { error } else { f64::NAN })
    }
}

/// Sums of a row over all others.
#[inline(always)]
fn row_sums(
    p: &[f64],
    columns: &[f64],
    own: &[f64],
    freedom: usize,
    wants_error: bool,
    out: &mut [f64],
) {
    let (n, width) = (p.len(), own.len());
    out.fill(0.0);
    let (mut squares, mut pulls, mut pushes) = ([0.0; BLOCK], [0.0; BLOCK], [0.0; BLOCK]);
    let mut apart = [0.0; BLOCK];
    let per_freedom = 1.0 / freedom as f64;
    for start in (0..n).step_by(BLOCK) {
        let len = BLOCK.min(n - start);
        squares[..len].fill(0.0);
        for (d, &own) in own.iter().enumerate() {
            let column = &columns[d * n + start..][..len];
            for (square, &value) in squares[..len].iter_mut().zip(column) {
                *square += (own - value) * (own - value);
            }
        }
        for lane in 0..len {
            let w = 1.0 / squares[lane].mul_add(per_freedom, 1.0);
            let t = kernel(w, freedom);
            pulls[lane] = p[start + lane] * w;
            pushes[lane] = t * w;
            apart[lane] = t;
        }
        out[2 * width] += simd::sum(&apart[..len]);
        for (d, &own) in own.iter().enumerate() {
            let column = &columns[d * n + start..][..len];
            for (apart, &value) in apart[..len].iter_mut().zip(column) {
                *apart = own - value;
            }
            out[d] += simd::dot(&pulls[..len], &apart[..len]);
            out[width + d] += simd::dot(&pushes[..len], &apart[..len]);
        }
        if wants_error {
            let half = 0.5 * (freedom as f64 + 1.0);
            for (&p, &square) in p[start..start + len].iter().zip(&squares[..len]) {
                if p > 0.0 {
                    out[2 * width + 1] += half * p * (square * per_freedom).ln_1p();
                }
            }
        }
    }
}
