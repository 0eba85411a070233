//! t-SNE: rows that are neighbours attract each other, all rows repel each other.
//!
//! minimize over Y:  KL(P ‖ Q) = Σ p·ln(p / q),  q = t / Σ t,  t = (1 + |y_i − y_j|² / ν)^(−(ν+1)/2)
//!
//! with the joint probabilities P of [`super::tsne_affinities`].  The gradient of row i is
//! 2 (ν+1)/ν · Σ (p − q) w (y_i − y_j), w = 1 / (1 + |y_i − y_j|² / ν), ν = max(columns − 1, 1).
//!
//! Cost of a step: about 180 n entries of P in vectors of gathered points, and n walks through a
//! tree of which sixteen are one (`repulsion.rs`); forces in float32, positions and sums over
//! blocks in float64.
//!
//! Twin: `smelt.plain.manifold.tsne`.
//!
//! 1. Repulsion and Σ t from a tree over the embedding.
//! 2. Attraction from the entries of P.
//! 3. A step down the gradient.

use smelt_core::{Control, CsrRef, Error, MatRef, Result, parallel};

use super::attraction::Attraction;
use super::descent::{Objective, check_angle, descend, diverged};
pub use super::descent::{TsneFit, TsneParams};
use super::repulsion::repel;
use super::space_tree::SpaceTree;

/// Embeds rows with joint probabilities `P`, from `start` on.
pub fn tsne_fit(
    P: CsrRef<'_, f64>,
    start: MatRef<'_, f64>,
    params: &TsneParams,
    control: &Control,
) -> Result<TsneFit> {
    params.check()?;
    check_shapes(P, start)?;
    let flat = start.to_mat().into_vec();
    match start.n_cols() {
        1 => descend(&mut BarnesHut::<1>::new(P, params.angle), flat, params, control),
        2 => descend(&mut BarnesHut::<2>::new(P, params.angle), flat, params, control),
        _ => descend(&mut BarnesHut::<3>::new(P, params.angle), flat, params, control),
    }
}

/// Divergence of an embedding and its gradient.
pub fn tsne_gradient(
    P: CsrRef<'_, f64>,
    embedding: MatRef<'_, f64>,
    angle: f64,
    control: &Control,
) -> Result<(f64, Vec<f64>)> {
    check_angle(angle)?;
    check_shapes(P, embedding)?;
    let flat = embedding.to_mat().into_vec();
    let mut gradient = vec![0.0; flat.len()];
    let out = &mut gradient;
    let error = match embedding.n_cols() {
        1 => BarnesHut::<1>::new(P, angle).evaluate(&flat, 1.0, true, out, control)?,
        2 => BarnesHut::<2>::new(P, angle).evaluate(&flat, 1.0, true, out, control)?,
        _ => BarnesHut::<3>::new(P, angle).evaluate(&flat, 1.0, true, out, control)?,
    };
    Ok((error, gradient))
}

fn check_shapes(P: CsrRef<'_, f64>, embedding: MatRef<'_, f64>) -> Result<()> {
    let n = embedding.n_rows();
    if P.n_rows() != n || P.n_cols() != n || n == 0 || n > i32::MAX as usize {
        return Err(Error::data("P must be square, with the rows of the embedding"));
    }
    if !(1..=3).contains(&embedding.n_cols()) {
        return Err(Error::data("a tree over the embedding needs one to three columns"));
    }
    Ok(())
}

/// The divergence whose repulsion is that of far cells.
struct BarnesHut<const D: usize> {
    attraction: Attraction,
    tree: SpaceTree<D>,
    angle: f64,
    points: Vec<[f32; D]>,
    forces: Vec<[f32; D]>,
    surprises: Vec<f64>,
}

impl<const D: usize> BarnesHut<D> {
    fn new(P: CsrRef<'_, f64>, angle: f64) -> Self {
        let n = P.n_rows();
        Self {
            attraction: Attraction::new(P),
            tree: SpaceTree::new(),
            angle,
            points: vec![[0.0; D]; n],
            forces: vec![[0.0; D]; n],
            surprises: vec![0.0; n],
        }
    }
}

impl<const D: usize> Objective for BarnesHut<D> {
    fn evaluate(
        &mut self,
        embedding: &[f64],
        exaggeration: f64,
        wants_error: bool,
        gradient: &mut [f64],
        control: &Control,
    ) -> Result<f64> {
        let n = self.points.len();
        for (point, row) in self.points.iter_mut().zip(embedding.as_chunks::<D>().0) {
            *point = row.map(|value| value as f32);
        }
        // 1. Repulsion.
        let total = repel(&mut self.tree, &self.points, self.angle, &mut self.forces, control)?;
        // At distances whose squares leave their range nothing repels.
        if !total.is_finite() || (n > 1 && total <= 0.0) {
            return Err(diverged());
        }
        // 2. Attraction.
        let freedom = (D as f64 - 1.0).max(1.0);
        let factor = 2.0 * (freedom + 1.0) / freedom;
        let (attraction, points, forces) = (&self.attraction, &self.points, &self.forces);
        // Points of one place, however many, have nothing to divide by.
        let scale = if total > 0.0 { 1.0 / total } else { 0.0 };
        let chunk = parallel::chunk_size(n, 64).min(2048);
        let cost = 2.0 * attraction.len() as f64 / n as f64;
        parallel::for_chunks_mut(gradient, D, chunk, cost, |_, rows, out| {
            if control.check().is_err() {
                return;
            }
            for (i, out) in rows.zip(out.as_chunks_mut::<D>().0) {
                let pull = attraction.pull(points, i);
                for d in 0..D {
                    let push = scale * f64::from(forces[i][d]);
                    out[d] = factor * (exaggeration * pull[d] - push);
                }
            }
        });
        control.check()?;
        if !wants_error {
            return Ok(f64::NAN);
        }
        parallel::for_chunks_mut(&mut self.surprises, 1, chunk, 8.0 * cost, |_, rows, out| {
            if control.check().is_err() {
                return;
            }
            for (i, out) in rows.zip(out) {
                *out = attraction.surprise(points, i);
            }
        });
        control.check()?;
        // Σ p' ln(p' Z / t) with p' = p times the exaggeration.
        let surprise: f64 = self.surprises.iter().sum();
        let level = exaggeration.ln() + if total > 0.0 { total.ln() } else { 0.0 };
        Ok(exaggeration * (attraction.entropy + surprise + level * attraction.total))
    }
}
