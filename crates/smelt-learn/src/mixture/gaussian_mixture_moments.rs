//! Weighted moments of a block of rows about a point of each component.
//!
//! Rows whose responsibility is nothing beside rounding are left out; of the others z = x − s is laid in
//! groups of four columns, r·z in vectors of columns, and r·z·zᵀ is added up in tiles of four by three
//! vectors, on and above the diagonal, in registers over all rows of the block.

use smelt_core::lanes::{Lanes, Simd};
use smelt_core::simd;

use super::gaussian_mixture::CovarianceType;
use super::gaussian_mixture_scores::{BLOCK, Block};

/// Columns on the left of a tile.
const FOUR: usize = 4;

/// Sums over rows; of vectors each is as long as `pitch`.
pub(super) struct Moments {
    pub(super) pitch: usize,
    /// Σ r of each component.
    pub(super) weight: Vec<f64>,
    /// Σ r·(x − s) of each component.
    pub(super) first: Vec<f64>,
    /// Σ r·(x − s)·(x − s)ᵀ of each component (on and above the diagonal), or its diagonal; where the
    /// covariance is tied Σ x·xᵀ of all rows.
    pub(super) second: Vec<f64>,
    /// Σ x of all rows, where the covariance is tied.
    pub(super) all: Vec<f64>,
    /// Σ ln p(x)
    pub(super) log_likelihood: f64,
}

/// Rows of a square of moments.
pub(super) fn square_rows(d: usize) -> usize {
    d.next_multiple_of(FOUR)
}

impl Moments {
    pub(super) fn zeros(kind: CovarianceType, k: usize, d: usize, pitch: usize) -> Self {
        let size = match kind {
            CovarianceType::Full => k * square_rows(d) * pitch,
            CovarianceType::Tied => square_rows(d) * pitch,
            CovarianceType::Diag | CovarianceType::Spherical => k * pitch,
        };
        Self {
            pitch,
            weight: vec![0.0; k],
            first: vec![0.0; k * pitch],
            second: vec![0.0; size],
            all: vec![0.0; if kind == CovarianceType::Tied { pitch } else { 0 }],
            log_likelihood: 0.0,
        }
    }

    pub(super) fn add(&mut self, other: &Self) {
        for (sums, others) in [
            (&mut self.weight, &other.weight),
            (&mut self.first, &other.first),
            (&mut self.second, &other.second),
            (&mut self.all, &other.all),
        ] {
            sums.iter_mut().zip(others).for_each(|(sum, other)| *sum += other);
        }
        self.log_likelihood += other.log_likelihood;
    }
}

/// Room for the rows of one component, and its sums.
pub(super) struct Work<T> {
    kind: CovarianceType,
    d: usize,
    /// −s of each component, as long as a row of the block.
    minus: Vec<T>,
    list: [usize; BLOCK],
    /// z, groups of four columns.
    left: Vec<[T; FOUR]>,
    /// r·z, vectors of columns.
    right: Vec<T>,
    sums: Vec<T>,
}

impl<T: Lanes> Work<T> {
    /// `shifts` are about the block's origin, d numbers a component.
    #[inline(always)]
    pub(super) fn new(kind: CovarianceType, d: usize, pitch: usize, shifts: &[T]) -> Self {
        let mut minus = Vec::new();
        for shift in shifts.chunks_exact(d) {
            minus.extend(shift.iter().map(|&shift| -shift));
            minus.resize(minus.len() + pitch - d, T::ZERO);
        }
        Self {
            kind,
            d,
            minus,
            list: [0; BLOCK],
            left: vec![[T::ZERO; FOUR]; BLOCK * square_rows(d).max(pitch) / FOUR + BLOCK],
            right: vec![T::ZERO; BLOCK * pitch],
            sums: vec![T::ZERO; 2 * pitch],
        }
    }

    /// Adds the rows of a block with a component's responsibilities.
    #[inline(always)]
    pub(super) fn add<S: Simd>(
        &mut self,
        simd: S,
        block: &Block<T>,
        component: usize,
        shares: &[T],
        out: &mut Moments,
    ) {
        let (pitch, d) = (block.pitch, self.d);
        let shares = &shares[..block.n_rows];
        let nothing = T::EPSILON * T::EPSILON * T::from_f64(1.0 / 1024.0);
        let mut count = 0;
        for (i, &share) in shares.iter().enumerate() {
            self.list[count] = i;
            // Not a number counts: it must not get lost.
            count += usize::from(share > nothing || share.is_nan());
        }
        if count == 0 {
            return;
        }
        out.weight[component] += simd::sum(shares).to_f64();
        let first = &mut out.first[component * pitch..][..pitch];
        match self.kind {
            CovarianceType::Full => {
                self.lay::<S>(simd, block, component, shares, count);
                self.add_first::<S>(simd, pitch, count, first);
                let size = square_rows(d) * pitch;
                let second = &mut out.second[component * size..][..size];
                self.add_products::<S>(simd, pitch, count, second);
            }
            CovarianceType::Tied => {
                self.add_squares::<S>(simd, block, component, shares, count);
                add_to(first, &self.sums[..pitch]);
            }
            CovarianceType::Diag | CovarianceType::Spherical => {
                self.add_squares::<S>(simd, block, component, shares, count);
                add_to(first, &self.sums[..pitch]);
                add_to(&mut out.second[component * pitch..][..pitch], &self.sums[pitch..]);
            }
        }
    }

    /// Adds the products of all rows of a block, each with weight 1, about the block's origin.
    #[inline(always)]
    pub(super) fn add_all<S: Simd>(&mut self, simd: S, block: &Block<T>, out: &mut Moments) {
        let (pitch, n) = (block.pitch, block.n_rows);
        for i in 0..n {
            self.list[i] = i;
        }
        let minus = std::mem::replace(&mut self.minus, vec![T::ZERO; pitch]);
        self.lay::<S>(simd, block, 0, &[T::ONE; BLOCK], n);
        self.minus = minus;
        self.add_first::<S>(simd, pitch, n, &mut out.all);
        self.add_products::<S>(simd, pitch, n, &mut out.second);
    }

    /// Lays z and r·z of the listed rows out.
    #[inline(always)]
    fn lay<S: Simd>(
        &mut self,
        simd: S,
        block: &Block<T>,
        component: usize,
        shares: &[T],
        count: usize,
    ) {
        let (pitch, width) = (block.pitch, T::width::<S>());
        let minus = T::vectors::<S>(&self.minus[component * pitch..][..pitch]).0;
        let (one, zero) = (T::splat(simd, T::ONE), T::splat(simd, T::ZERO));
        for (place, &i) in self.list[..count].iter().enumerate() {
            let row = T::vectors::<S>(&block.rows[i * pitch..][..pitch]).0;
            let share = T::splat(simd, shares[i]);
            for (v, (&x, &minus)) in row.iter().zip(minus).enumerate() {
                let z = [T::fused(simd, one, x, minus)];
                let weighted = [T::fused(simd, share, z[0], zero)];
                let right = &mut self.right[(v * BLOCK + place) * width..][..width];
                right.copy_from_slice(T::numbers::<S>(&weighted));
                let z = T::numbers::<S>(&z);
                if width >= FOUR {
                    for (g, four) in z.as_chunks::<FOUR>().0.iter().enumerate() {
                        self.left[(v * (width / FOUR) + g) * BLOCK + place] = *four;
                    }
                } else {
                    for (l, &z) in z.iter().enumerate() {
                        let j = v * width + l;
                        self.left[j / FOUR * BLOCK + place][j % FOUR] = z;
                    }
                }
            }
        }
    }

    /// Σ r·z
    #[inline(always)]
    fn add_first<S: Simd>(&self, simd: S, pitch: usize, count: usize, out: &mut [f64]) {
        let width = T::width::<S>();
        let one = T::splat(simd, T::ONE);
        for v in 0..pitch / width {
            let values = T::vectors::<S>(&self.right[v * BLOCK * width..][..count * width]).0;
            let (fours, rest) = values.as_chunks::<FOUR>();
            let mut sums = [T::splat(simd, T::ZERO); FOUR];
            for four in fours {
                for c in 0..FOUR {
                    sums[c] = T::fused(simd, one, four[c], sums[c]);
                }
            }
            for &value in rest {
                sums[0] = T::fused(simd, one, value, sums[0]);
            }
            sums[0] = T::fused(simd, one, sums[1], sums[0]);
            sums[2] = T::fused(simd, one, sums[3], sums[2]);
            sums[0] = T::fused(simd, one, sums[2], sums[0]);
            add_to(&mut out[v * width..][..width], T::numbers::<S>(&sums[..1]));
        }
    }

    /// Σ r·z·zᵀ, on and above the diagonal
    #[inline(always)]
    fn add_products<S: Simd>(&self, simd: S, pitch: usize, count: usize, out: &mut [f64]) {
        let width = T::width::<S>();
        for group in 0..self.d.div_ceil(FOUR) {
            let left = &self.left[group * BLOCK..][..count];
            let out = &mut out[group * FOUR * pitch..][..FOUR * pitch];
            let mut first = group * FOUR / width;
            while first < pitch / width {
                let n = (pitch / width - first).min(3);
                let column = |v: usize| {
                    T::vectors::<S>(&self.right[(first + v) * BLOCK * width..][..count * width]).0
                };
                let out = &mut out[first * width..];
                match n {
                    1 => tile::<S, T, 1>(simd, left, [column(0)], out, pitch),
                    2 => tile::<S, T, 2>(simd, left, [column(0), column(1)], out, pitch),
                    _ => {
                        let columns = [column(0), column(1), column(2)];
                        tile::<S, T, 3>(simd, left, columns, out, pitch);
                    }
                }
                first += n;
            }
        }
    }

    /// Writes Σ r·z and Σ r·z² of each column to `sums`.
    #[inline(always)]
    fn add_squares<S: Simd>(
        &mut self,
        simd: S,
        block: &Block<T>,
        component: usize,
        shares: &[T],
        count: usize,
    ) {
        let (pitch, list) = (block.pitch, &self.list[..count]);
        let minus = T::vectors::<S>(&self.minus[component * pitch..][..pitch]).0;
        let (first, second) = self.sums.split_at_mut(pitch);
        let (first, second) = (T::vectors_mut::<S>(first).0, T::vectors_mut::<S>(second).0);
        let mut v = 0;
        while v < minus.len() {
            let n = (minus.len() - v).min(3);
            let (first, second) = (&mut first[v..v + n], &mut second[v..v + n]);
            let minus = &minus[v..v + n];
            let from = v * T::width::<S>();
            match n {
                1 => squares::<S, T, 1>(simd, block, from, list, shares, minus, [first, second]),
                2 => squares::<S, T, 2>(simd, block, from, list, shares, minus, [first, second]),
                _ => squares::<S, T, 3>(simd, block, from, list, shares, minus, [first, second]),
            }
            v += n;
        }
    }
}

/// Adds numbers to sums.
#[inline(always)]
fn add_to<T: Lanes>(sums: &mut [f64], values: &[T]) {
    for (sum, value) in sums.iter_mut().zip(values) {
        *sum += value.to_f64();
    }
}

/// Four columns times `N` vectors of columns, over all rows.
#[inline(always)]
fn tile<S: Simd, T: Lanes, const N: usize>(
    simd: S,
    left: &[[T; FOUR]],
    right: [&[T::Vector<S>]; N],
    out: &mut [f64],
    pitch: usize,
) {
    let n = left.len();
    let mut columns = right;
    for column in &mut columns {
        *column = &column[..n];
    }
    let mut sums = [[T::splat(simd, T::ZERO); N]; FOUR];
    for (i, left) in left.iter().enumerate() {
        for c in 0..FOUR {
            let factor = T::splat(simd, left[c]);
            for v in 0..N {
                sums[c][v] = T::fused(simd, factor, columns[v][i], sums[c][v]);
            }
        }
    }
    for c in 0..FOUR {
        add_to(&mut out[c * pitch..][..N * T::width::<S>()], T::numbers::<S>(&sums[c]));
    }
}

/// Σ r·z and Σ r·z² of `N` vectors of columns from column `from` on.
#[inline(always)]
fn squares<S: Simd, T: Lanes, const N: usize>(
    simd: S,
    block: &Block<T>,
    from: usize,
    list: &[usize],
    shares: &[T],
    minus: &[T::Vector<S>],
    [first, second]: [&mut [T::Vector<S>]; 2],
) {
    let (one, zero) = (T::splat(simd, T::ONE), T::splat(simd, T::ZERO));
    let (mut sums, mut squares) = ([zero; N], [zero; N]);
    for &i in list {
        let row = &block.rows[i * block.pitch + from..][..N * T::width::<S>()];
        let row = T::vectors::<S>(row).0;
        let share = T::splat(simd, shares[i]);
        for v in 0..N {
            let z = T::fused(simd, one, row[v], minus[v]);
            let weighted = T::fused(simd, share, z, zero);
            sums[v] = T::fused(simd, one, weighted, sums[v]);
            squares[v] = T::fused(simd, weighted, z, squares[v]);
        }
    }
    first.copy_from_slice(&sums);
    second.copy_from_slice(&squares);
}
