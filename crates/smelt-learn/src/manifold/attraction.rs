//! Attraction between neighbours: a sum over the entries of a sparse row, gathered into vectors.
//!
//! Cost: 8·D bytes gathered and about twelve operations an entry.

use smelt_core::CsrRef;
use smelt_core::lanes::{Simd, WithSimd, dispatch};

/// Entries gathered at once; rows are padded to a multiple of [`LANES`].
const BLOCK: usize = 64;
/// Entries that every vector unit divides.
const LANES: usize = 16;

/// Joint probabilities as the descent reads them: float32, rows padded by pairs of a row and itself.
#[derive(Debug)]
pub(crate) struct Attraction {
    starts: Vec<usize>,
    indices: Vec<u32>,
    weights: Vec<f32>,
    /// Σ p and Σ p·ln p.
    pub(crate) total: f64,
    pub(crate) entropy: f64,
}

impl Attraction {
    pub(crate) fn new(P: CsrRef<'_, f64>) -> Self {
        let n = P.n_rows();
        let room = P.n_entries() + n * LANES;
        let mut out = Self {
            starts: vec![0],
            indices: Vec::with_capacity(room),
            weights: Vec::with_capacity(room),
            total: 0.0,
            entropy: 0.0,
        };
        for i in 0..n {
            let (indices, weights) = P.row(i);
            for (&j, &p) in indices.iter().zip(weights) {
                if p > 0.0 {
                    out.indices.push(j as u32);
                    out.weights.push(p as f32);
                    out.total += p;
                    out.entropy += p * p.ln();
                }
            }
            let padded = out.indices.len().next_multiple_of(LANES);
            out.indices.resize(padded, i as u32);
            out.weights.resize(padded, 0.0);
            out.starts.push(padded);
        }
        out
    }

    /// Entries in all.
    pub(crate) fn len(&self) -> usize {
        self.indices.len()
    }

    /// Σ p·w·(y_i − y_j) of row i.
    pub(crate) fn pull<const D: usize>(&self, points: &[[f32; D]], i: usize) -> [f64; D] {
        let entries = self.starts[i]..self.starts[i + 1];
        dispatch(Pull {
            own: points[i],
            indices: &self.indices[entries.clone()],
            weights: &self.weights[entries],
            points,
        })
    }

    /// −Σ p·ln t of row i, with t as in [`super::repulsion::repel`].
    pub(crate) fn surprise<const D: usize>(&self, points: &[[f32; D]], i: usize) -> f64 {
        let freedom = (D as f64 - 1.0).max(1.0);
        let entries = self.starts[i]..self.starts[i + 1];
        let pairs = self.indices[entries.clone()].iter().zip(&self.weights[entries]);
        let own = points[i];
        let sum: f64 = pairs
            .map(|(&j, &p)| {
                let other = points[j as usize];
                let square: f64 =
                    (0..D).map(|d| (f64::from(own[d]) - f64::from(other[d])).powi(2)).sum();
                f64::from(p) * (square / freedom).ln_1p()
            })
            .sum();
        sum * 0.5 * (freedom + 1.0)
    }
}

struct Pull<'a, const D: usize> {
    own: [f32; D],
    indices: &'a [u32],
    weights: &'a [f32],
    points: &'a [[f32; D]],
}

impl<const D: usize> WithSimd for Pull<'_, D> {
    type Output = [f64; D];

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> [f64; D] {
        let mut gathered = [[0.0_f32; BLOCK]; D];
        let one = simd.splat_f32s(1.0);
        let freedom = simd.splat_f32s(if D == 3 { 0.5 } else { 1.0 });
        let own: [S::f32s; D] = std::array::from_fn(|d| simd.splat_f32s(self.own[d]));
        let mut force = [simd.splat_f32s(0.0); D];
        for (indices, weights) in self.indices.chunks(BLOCK).zip(self.weights.chunks(BLOCK)) {
            for (lane, &j) in indices.iter().enumerate() {
                let point = self.points[j as usize];
                for d in 0..D {
                    gathered[d][lane] = point[d];
                }
            }
            for (v, &p) in S::as_simd_f32s(weights).0.iter().enumerate() {
                let mut apart = [one; D];
                let mut square = simd.splat_f32s(0.0);
                for d in 0..D {
                    apart[d] = simd.sub_f32s(own[d], S::as_simd_f32s(&gathered[d][..]).0[v]);
                    square = simd.mul_add_e_f32s(apart[d], apart[d], square);
                }
                let pull = simd.div_f32s(p, simd.mul_add_e_f32s(freedom, square, one));
                for d in 0..D {
                    force[d] = simd.mul_add_e_f32s(pull, apart[d], force[d]);
                }
            }
        }
        std::array::from_fn(|d| f64::from(simd.reduce_sum_f32s(force[d])))
    }
}
