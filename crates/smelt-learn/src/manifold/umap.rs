//! UMAP: the picture of a fuzzy graph, by sampled attractions and repulsions.
//!
//! Stochastic gradient descent on the cross entropy between the graph and
//! q = 1 / (1 + a·|y_i − y_j|^(2b)).  An edge of weight w is drawn in a share w / max w of the
//! epochs; each time it pulls, and some rows drawn by chance push.
//!
//! Rows move side by side: in an epoch each row walks along its own edges, one after the other, and
//! sees all others where they were when the epoch began.  No row waits for another, so the answer
//! does not depend on threads.  In umap-learn an edge moves both ends, and is met from both: a row
//! is pulled twice for each of its edges, as here.
//!
//! Cost: an epoch takes about 6 n edges at `negative_sample_rate` + 2 powers each.  A row waits for
//! each move before the next, so rows with about as many edges move together (`umap_moves`).
//!
//! Twin: `smelt.plain.manifold.umap`.
//!
//! 1. The edges of a row that are due.
//! 2. The pull of an edge.
//! 3. The pushes of rows drawn by chance.

use std::cmp::Reverse;

use serde::Deserialize;
use smelt_core::{Control, CsrRef, Error, Mat, MatRef, Result, parallel, simd};

use super::umap_moves::{Floats, Force, LANES, place};

/// Rows that are drawn before any of them pushes.
const AT_ONCE: usize = 8;
/// What a counter is multiplied by before it is mixed.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// Parameters of [`umap_fit`].
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UmapParams {
    /// The curve of attraction.
    pub a: f64,
    /// Its power.
    pub b: f64,
    /// Weight of the pushes.
    pub repulsion_strength: f64,
    /// Pushes a pull.
    pub negative_sample_rate: usize,
    /// Length of the first steps; they shrink to nothing.
    pub learning_rate: f64,
    /// Rounds.
    pub n_epochs: usize,
    /// Seed of the draws.
    pub seed: u64,
}

/// Mixes the bits of a number (the last step of SplitMix64).
#[inline(always)]
pub(super) fn mixed(x: u64) -> u64 {
    let x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ x >> 31
}

/// Moves `start`, one row a row of the graph, and returns where it came to.
///
/// The columns of the graph are the rows of `fixed`, or the moving rows themselves where there are
/// none.  `keys` number the rows for the draws.
pub fn umap_fit(
    graph: CsrRef<'_, f64>,
    start: MatRef<'_, f64>,
    fixed: Option<MatRef<'_, f64>>,
    keys: &[u64],
    params: &UmapParams,
    control: &Control,
) -> Result<Mat<f64>> {
    let (n, width) = (start.n_rows(), start.n_cols());
    let others = fixed.unwrap_or(start);
    let fits = graph.n_rows() == n
        && graph.n_cols() == others.n_rows()
        && keys.len() == n
        && others.n_cols() == width
        && width > 0
        && n.max(others.n_rows()) <= i32::MAX as usize;
    if !fits {
        return Err(Error::data("graph, start, fixed rows and keys disagree in their sizes"));
    }
    if !(params.a > 0.0 && params.b > 0.0 && params.a.is_finite() && params.b.is_finite()) {
        return Err(Error::parameter("a", "and `b` must be greater than 0"));
    }
    match width {
        1 => walk::<1>(graph, start, fixed, keys, params, control),
        2 => walk::<2>(graph, start, fixed, keys, params, control),
        3 => walk::<3>(graph, start, fixed, keys, params, control),
        _ => walk::<0>(graph, start, fixed, keys, params, control),
    }
}

/// A row on its way along its edges.
#[derive(Default)]
struct Walker {
    /// Other ends of the edges that are due.
    ends: Vec<u32>,
    draws: u64,
    n_draws: u64,
}

impl Walker {
    /// Takes up a row in an epoch: an edge is due as often as its weight says.
    #[inline(always)]
    fn begin(&mut self, shares: &[f64], columns: &[i32], epoch: usize, draws: u64) {
        (self.draws, self.n_draws) = (draws, 0);
        self.ends.resize(shares.len(), 0);
        let mut n_due = 0;
        for (&share, &column) in shares.iter().zip(columns) {
            // Written in any case, and kept where it is due: no branch to guess wrong.
            self.ends[n_due] = column as u32;
            let rests = (share * (epoch + 1) as f64).floor() <= (share * epoch as f64).floor();
            n_due += usize::from(!rests);
        }
        self.ends.truncate(n_due);
    }

    /// A row drawn by chance.
    #[inline(always)]
    fn draw(&mut self, n_others: u64) -> usize {
        self.n_draws += 1;
        let draw = mixed(self.draws.wrapping_add(self.n_draws.wrapping_mul(GOLDEN)));
        (((draw >> 32) * n_others) >> 32) as usize
    }
}

/// All epochs, for D columns (0: any number).
fn walk<const D: usize>(
    graph: CsrRef<'_, f64>,
    start: MatRef<'_, f64>,
    fixed: Option<MatRef<'_, f64>>,
    keys: &[u64],
    params: &UmapParams,
    control: &Control,
) -> Result<Mat<f64>> {
    let (n, width) = (start.n_rows(), if D > 0 { D } else { start.n_cols() });
    let single = |rows: MatRef<'_, f64>| -> Vec<f32> {
        (0..rows.n_rows())
            .flat_map(|i| (0..width).map(move |j| (i, j)))
            .map(|(i, j)| rows.get(i, j) as f32)
            .collect()
    };
    let mut rows = single(start);
    let fixed = fixed.map(single);
    let mut moved = rows.clone();
    let (indptr, columns) = (graph.indptr(), graph.indices());
    let largest = graph.data().iter().copied().fold(0.0, f64::max);
    let shares: Vec<f64> = graph.data().iter().map(|&w| w / largest).collect();
    // Rows that move together have about as many edges an epoch.
    let busy = |i: u32| -> f64 {
        shares[indptr[i as usize] as usize..indptr[i as usize + 1] as usize].iter().sum()
    };
    let mut order: Vec<u32> = (0..n as u32).collect();
    order.sort_by_cached_key(|&i| (Reverse(busy(i).to_bits()), i));
    let force = Force {
        a: params.a as f32,
        b: params.b as f32,
        pull: (-2.0 * params.a * params.b) as f32,
        push: (2.0 * params.repulsion_strength * params.b) as f32,
    };
    let n_pulls = if fixed.is_some() { 1 } else { 2 };
    let chunk = parallel::chunk_size(n, 64).min(1024).next_multiple_of(LANES);
    let cost = 40.0 * params.negative_sample_rate.max(1) as f64;
    control.set_total(params.n_epochs as u64);
    for epoch in 0..params.n_epochs {
        control.check()?;
        let rate = (params.learning_rate * (1.0 - epoch as f64 / params.n_epochs as f64)) as f32;
        let others = fixed.as_deref().unwrap_or(&rows);
        let n_others = (others.len() / width) as u64;
        let stream = mixed(params.seed.wrapping_add(epoch as u64));
        parallel::for_chunks_mut(&mut moved, width, chunk, cost, |_, range, moved| {
            if control.check().is_err() {
                return;
            }
            let mut own: Vec<Floats> = vec![[0.0; LANES]; width];
            let mut other: Vec<Floats> = vec![[0.0; LANES]; width * AT_ONCE];
            let mut walkers: [Walker; LANES] = Default::default();
            simd::vectorize(
                #[inline(always)]
                || {
                    let width = if D > 0 { D } else { width };
                    let groups = order[range].chunks(LANES).zip(moved.chunks_mut(width * LANES));
                    for (group, moved) in groups {
                        let own = &mut own[..width];
                        let mut n_steps = 0;
                        for (lane, walker) in walkers.iter_mut().enumerate() {
                            walker.ends.clear();
                            let Some(&i) = group.get(lane) else { continue };
                            let i = i as usize;
                            let edges = indptr[i] as usize..indptr[i + 1] as usize;
                            let draws = mixed(keys[i].wrapping_mul(GOLDEN) ^ stream);
                            walker.begin(&shares[edges.clone()], &columns[edges], epoch, draws);
                            n_steps = n_steps.max(walker.ends.len());
                            place(own, lane, &rows, i);
                        }
                        for step in 0..n_steps {
                            // 1. The next edges.
                            let mut limit = [f32::INFINITY; LANES];
                            for (lane, walker) in walkers.iter().enumerate() {
                                if let Some(&end) = walker.ends.get(step) {
                                    place(&mut other[..width], lane, others, end as usize);
                                    limit[lane] = 0.0;
                                }
                            }
                            // 2. Their pulls.
                            for _ in 0..n_pulls {
                                force.attract(own, &other[..width], &limit, rate);
                            }
                            // 3. The pushes.
                            for first in (0..params.negative_sample_rate).step_by(AT_ONCE) {
                                let n_drawn = AT_ONCE.min(params.negative_sample_rate - first);
                                let drawn = &mut other[..n_drawn * width];
                                for (lane, walker) in walkers.iter_mut().enumerate() {
                                    if limit[lane] == 0.0 {
                                        for drawn in drawn.chunks_exact_mut(width) {
                                            place(drawn, lane, others, walker.draw(n_others));
                                        }
                                    }
                                }
                                for drawn in drawn.chunks_exact(width) {
                                    force.repel(own, drawn, &limit, rate);
                                }
                            }
                        }
                        for (lane, moved) in moved.chunks_exact_mut(width).enumerate() {
                            for (y, own) in moved.iter_mut().zip(&*own) {
                                *y = own[lane];
                            }
                        }
                    }
                },
            );
        });
        control.check()?;
        for (&i, moved) in order.iter().zip(moved.chunks_exact(width)) {
            rows[i as usize * width..][..width].copy_from_slice(moved);
        }
        control.advance(1);
    }
    let wide: Vec<f64> = rows.into_iter().map(f64::from).collect();
    if wide.iter().any(|value| !value.is_finite()) {
        return Err(Error::data("the embedding flies apart: choose a lower `learning_rate`"));
    }
    Mat::from_vec(wide, n, width)
}
