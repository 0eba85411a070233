//! Weighted log-densities of a block of rows under all components.
//!
//! Rows are turned, so that a vector holds a column of them.  A whitened row is z = Uᵀ(x − m) with U
//! upper triangular: four columns of U at a time with three vectors of rows, twelve sums in registers,
//! each one chain of multiply-adds from −Uᵀm on; they are squared and added up at once.

use std::ops::Range;

use smelt_core::lanes::{Lanes, Simd};
use smelt_core::simd::Exponential;
use smelt_core::{Control, MatRef};

use super::gaussian_mixture::{CovarianceType, Mixture};

/// Rows of a block: a multiple of three vectors of any width.
pub(super) const BLOCK: usize = 192;
/// Columns of a triangle that are worked on together.
const FOUR: usize = 4;
/// Vectors of rows that are worked on together.
const THREE: usize = 3;

/// Rows about an origin: one after the other, and turned.
pub(super) struct Block<T> {
    d: usize,
    /// Numbers from one row to the next: d, and zeros up to a whole vector.
    pub(super) pitch: usize,
    pub(super) n_rows: usize,
    pub(super) rows: Vec<T>,
    /// Panels of three vectors of rows, column after column.
    turned: Vec<T>,
    /// The same of the rows whitened, where all components whiten alike.
    white: Vec<T>,
}

impl<T: Lanes> Block<T> {
    #[inline(always)]
    pub(super) fn new<S: Simd>(d: usize) -> Self {
        let pitch = d.next_multiple_of(T::width::<S>());
        let (rows, turned) = (vec![T::ZERO; BLOCK * pitch], vec![T::ZERO; BLOCK * d]);
        Self { d, pitch, n_rows: 0, rows, turned, white: Vec::new() }
    }

    /// Takes rows in.
    #[inline(always)]
    pub(super) fn load(&mut self, x: MatRef<'_, T>, range: Range<usize>, origin: &[T]) {
        let (d, pitch) = (self.d, self.pitch);
        self.n_rows = range.len();
        if x.has_contiguous_cols() && !x.has_contiguous_rows() {
            for (j, &origin) in origin.iter().enumerate() {
                for (i, &value) in x.col(j)[range.clone()].iter().enumerate() {
                    self.rows[i * pitch + j] = value - origin;
                }
            }
            return;
        }
        for (i, out) in range.zip(self.rows.chunks_exact_mut(pitch.max(1))) {
            if x.has_contiguous_rows() {
                for ((out, &value), &origin) in out.iter_mut().zip(x.row(i)).zip(origin) {
                    *out = value - origin;
                }
            } else {
                (0..d).for_each(|j| out[j] = x.get(i, j) - origin[j]);
            }
        }
    }

    /// Turns them.
    #[inline(always)]
    fn turn<S: Simd>(&mut self) {
        let (d, pitch, three) = (self.d, self.pitch, THREE * T::width::<S>());
        for panel in 0..self.n_rows.div_ceil(three) {
            let out = &mut self.turned[panel * d * three..][..d * three];
            for l in 0..three {
                let row = &self.rows[(panel * three + l) * pitch..][..d];
                for (column, &value) in out.chunks_exact_mut(three).zip(row) {
                    column[l] = value;
                }
            }
        }
    }
}

/// How rows are whitened.
enum Whitening<T> {
    /// A triangle a component: groups of four columns, row after row, down to the last of the four.
    Triangles { data: Vec<[T; FOUR]>, offsets: Vec<[T; FOUR]> },
    /// One triangle for all, and −Uᵀm of each (columns padded to a multiple of four).
    Triangle { data: Vec<[T; FOUR]>, offsets: Vec<T> },
    /// z = s·x + o, column by column.
    Scales { scales: Vec<T>, offsets: Vec<T> },
}

/// Components ready for [`Densities::scores`].
pub(super) struct Densities<T> {
    pub(super) n_components: usize,
    d: usize,
    /// What is taken from all rows.
    pub(super) origin: Vec<T>,
    /// ln w − d/2·ln 2π + ln |U|
    constants: Vec<T>,
    whitening: Whitening<T>,
}

impl<T: Lanes> Densities<T> {
    pub(super) fn new(mixture: Mixture<'_>, kind: CovarianceType) -> Self {
        let Mixture { weights, means, precisions_cholesky: factors } = mixture;
        let (k, d) = (means.n_rows(), means.n_cols());
        // Near the mean of all rows, so that x − m is found from small numbers.
        let total: f64 = weights.iter().sum();
        let centre = |j: usize| (0..k).map(|c| weights[c] * means.get(c, j)).sum::<f64>() / total;
        let origin: Vec<T> = (0..d).map(|j| T::from_f64(centre(j))).collect();
        let off = |c: usize, j: usize| means.get(c, j) - origin[j].to_f64();
        let ln_det = |c: usize| -> f64 {
            match kind {
                CovarianceType::Full => (0..d).map(|j| factors.get(c * d + j, j).ln()).sum(),
                CovarianceType::Tied => (0..d).map(|j| factors.get(j, j).ln()).sum(),
                CovarianceType::Diag => (0..d).map(|j| factors.get(c, j).ln()).sum(),
                CovarianceType::Spherical => d as f64 * factors.get(c, 0).ln(),
            }
        };
        let normal = 0.5 * d as f64 * (2.0 * std::f64::consts::PI).ln();
        let constants = (0..k).map(|c| T::from_f64(weights[c].ln() - normal + ln_det(c)));
        let n_groups = d.div_ceil(FOUR);
        let triangle = |first: usize, data: &mut Vec<[T; FOUR]>| {
            for group in 0..n_groups {
                for i in 0..d.min((group + 1) * FOUR) {
                    data.push(std::array::from_fn(|c| {
                        let j = group * FOUR + c;
                        let inside = j < d && i <= j;
                        if inside { T::from_f64(factors.get(first + i, j)) } else { T::ZERO }
                    }));
                }
            }
        };
        // −Uᵀm
        let offset = |c: usize, first: usize, j: usize| {
            let product = |i: usize| off(c, i) * factors.get(first + i, j);
            if j < d { T::from_f64(-(0..=j).map(product).sum::<f64>()) } else { T::ZERO }
        };
        let (mut data, mut scales, mut offsets) = (Vec::new(), Vec::new(), Vec::new());
        let whitening = match kind {
            CovarianceType::Full => {
                let mut offsets = Vec::new();
                for c in 0..k {
                    triangle(c * d, &mut data);
                    let four = |group| std::array::from_fn(|l| offset(c, c * d, group * FOUR + l));
                    offsets.extend((0..n_groups).map(four));
                }
                Whitening::Triangles { data, offsets }
            }
            CovarianceType::Tied => {
                triangle(0, &mut data);
                for c in 0..k {
                    offsets.extend((0..n_groups * FOUR).map(|j| offset(c, 0, j)));
                }
                Whitening::Triangle { data, offsets }
            }
            CovarianceType::Diag | CovarianceType::Spherical => {
                for c in 0..k {
                    for j in 0..d {
                        let spherical = kind == CovarianceType::Spherical;
                        let scale = factors.get(c, if spherical { 0 } else { j });
                        scales.push(T::from_f64(scale));
                        offsets.push(T::from_f64(-off(c, j) * scale));
                    }
                }
                Whitening::Scales { scales, offsets }
            }
        };
        let constants = constants.collect();
        Self { n_components: k, d, origin, constants, whitening }
    }

    /// Writes ln w + ln p(x) of the rows of a block, component after component; false when cancelled.
    #[inline(always)]
    pub(super) fn scores<S: Simd>(
        &self,
        simd: S,
        block: &mut Block<T>,
        scores: &mut [T],
        control: &Control,
    ) -> bool {
        block.turn::<S>();
        let (d, n_groups) = (self.d, self.d.div_ceil(FOUR));
        let three = THREE * T::width::<S>();
        let n_panels = block.n_rows.div_ceil(three);
        let components = scores.chunks_exact_mut(BLOCK).enumerate();
        match &self.whitening {
            Whitening::Triangles { data, offsets } => {
                let length = data.len() / self.n_components;
                for (c, scores) in components {
                    if control.check().is_err() {
                        return false;
                    }
                    scores.fill(T::ZERO);
                    let mut first = c * length;
                    for group in 0..n_groups {
                        let n = d.min((group + 1) * FOUR);
                        let own = &data[first..first + n];
                        let offsets = &offsets[c * n_groups + group];
                        first += n;
                        for panel in 0..n_panels {
                            let columns = &block.turned[panel * d * three..][..n * three];
                            let z = whiten::<S, T>(simd, columns, own, offsets);
                            add_squares::<S, T>(simd, &z, &mut scores[panel * three..][..three]);
                        }
                    }
                    finish(scores, self.constants[c]);
                }
            }
            Whitening::Triangle { data, offsets } => {
                let width = n_groups * FOUR;
                block.white.resize(BLOCK * width, T::ZERO);
                let mut first = 0;
                for group in 0..n_groups {
                    if control.check().is_err() {
                        return false;
                    }
                    let n = d.min((group + 1) * FOUR);
                    let own = &data[first..first + n];
                    first += n;
                    for panel in 0..n_panels {
                        let columns = &block.turned[panel * d * three..][..n * three];
                        let z = whiten::<S, T>(simd, columns, own, &[T::ZERO; FOUR]);
                        let place = (panel * width + group * FOUR) * three;
                        let out = &mut block.white[place..][..FOUR * three];
                        for (out, z) in out.chunks_exact_mut(three).zip(&z) {
                            out.copy_from_slice(T::numbers::<S>(z));
                        }
                    }
                }
                let ones = vec![T::ONE; width];
                for (c, scores) in components {
                    let offsets = &offsets[c * width..][..width];
                    for panel in 0..n_panels {
                        let columns = &block.white[panel * width * three..][..width * three];
                        let out = &mut scores[panel * three..][..three];
                        scaled::<S, T>(simd, columns, &ones, offsets, out);
                    }
                    finish(scores, self.constants[c]);
                }
            }
            Whitening::Scales { scales, offsets } => {
                for (c, scores) in components {
                    if control.check().is_err() {
                        return false;
                    }
                    let (scales, offsets) = (&scales[c * d..][..d], &offsets[c * d..][..d]);
                    for panel in 0..n_panels {
                        let columns = &block.turned[panel * d * three..][..d * three];
                        let out = &mut scores[panel * three..][..three];
                        scaled::<S, T>(simd, columns, scales, offsets, out);
                    }
                    finish(scores, self.constants[c]);
                }
            }
        }
        true
    }
}

/// Four columns of three vectors of whitened rows.
#[inline(always)]
fn whiten<S: Simd, T: Lanes>(
    simd: S,
    columns: &[T],
    triangle: &[[T; FOUR]],
    offsets: &[T; FOUR],
) -> [[T::Vector<S>; THREE]; FOUR] {
    let columns = T::vectors::<S>(columns).0.as_chunks::<THREE>().0;
    let mut z = [[T::splat(simd, T::ZERO); THREE]; FOUR];
    for c in 0..FOUR {
        z[c] = [T::splat(simd, offsets[c]); THREE];
    }
    for (x, factors) in columns.iter().zip(triangle) {
        for c in 0..FOUR {
            let factor = T::splat(simd, factors[c]);
            for v in 0..THREE {
                z[c][v] = T::fused(simd, factor, x[v], z[c][v]);
            }
        }
    }
    z
}

#[inline(always)]
fn add_squares<S: Simd, T: Lanes>(simd: S, z: &[[T::Vector<S>; THREE]; FOUR], out: &mut [T]) {
    let out = T::vectors_mut::<S>(out).0;
    for v in 0..THREE {
        let mut sum = out[v];
        for z in z {
            sum = T::fused(simd, z[v], z[v], sum);
        }
        out[v] = sum;
    }
}

/// Σ (s·x + o)² over the columns of three vectors of rows.
#[inline(always)]
fn scaled<S: Simd, T: Lanes>(simd: S, columns: &[T], scales: &[T], offsets: &[T], out: &mut [T]) {
    let columns = T::vectors::<S>(columns).0.as_chunks::<THREE>().0;
    let mut sums = [T::splat(simd, T::ZERO); THREE];
    for (x, (&scale, &offset)) in columns.iter().zip(scales.iter().zip(offsets)) {
        let (scale, offset) = (T::splat(simd, scale), T::splat(simd, offset));
        for v in 0..THREE {
            let z = T::fused(simd, x[v], scale, offset);
            sums[v] = T::fused(simd, z, z, sums[v]);
        }
    }
    T::vectors_mut::<S>(out).0.copy_from_slice(&sums);
}

/// From |z|² to the score.
#[inline(always)]
fn finish<T: Lanes>(scores: &mut [T], constant: T) {
    let half = T::from_f64(-0.5);
    for score in scores {
        *score = half.mul_add(*score, constant);
    }
}

/// Turns scores (component after component) into responsibilities, and returns ln p(x) of each row.
#[inline(always)]
pub(super) fn normalise<T: Exponential>(scores: &mut [T]) -> [T; BLOCK] {
    let mut best = [-T::INFINITY; BLOCK];
    for scores in scores.as_chunks::<BLOCK>().0 {
        for i in 0..BLOCK {
            best[i] = if scores[i] > best[i] { scores[i] } else { best[i] };
        }
    }
    // Below this the exponential is not told from 0.
    let low = T::from_f64(if T::IS_F64 { -700.0 } else { -86.0 });
    let mut sums = [T::ZERO; BLOCK];
    for scores in scores.as_chunks_mut::<BLOCK>().0 {
        for i in 0..BLOCK {
            let x = scores[i] - best[i];
            let share = x.fast_exp();
            scores[i] = if x < low { T::ZERO } else { share };
            sums[i] += scores[i];
        }
    }
    let mut logs = [T::ZERO; BLOCK];
    for i in 0..BLOCK {
        logs[i] = best[i] + sums[i].ln();
        sums[i] = T::ONE / sums[i];
    }
    for scores in scores.as_chunks_mut::<BLOCK>().0 {
        for i in 0..BLOCK {
            scores[i] *= sums[i];
        }
    }
    logs
}
