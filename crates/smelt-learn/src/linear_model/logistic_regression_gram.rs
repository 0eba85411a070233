//! Weighted Gram matrix X'·diag(h)·X of a block of rows that lies in the cache.
//!
//! Cost: n·d² flops, half of the full product.  The rows, times their weights, are packed into
//! panels of two vector registers' width; a tile of panel × five features stays in ten registers
//! over all rows of the block (with twelve the compiler spills one, at twice the time).  Only tiles that touch the lower triangle are computed.

use smelt_core::MatRef;
use smelt_core::lanes::{Lanes, Simd, WithSimd, dispatch};

/// Adds the lower triangle of X'·diag(h)·X to `gram`, d × d numbers by rows.
///
/// `packed` is scratch space.
pub(super) fn add_weighted_gram<T: Lanes>(
    x: MatRef<'_, T>,
    h: &[T],
    packed: &mut Vec<T>,
    gram: &mut [f64],
) {
    dispatch(GramBlock { x, h, packed, gram });
}

struct GramBlock<'a, T> {
    x: MatRef<'a, T>,
    h: &'a [T],
    packed: &'a mut Vec<T>,
    gram: &'a mut [f64],
}

impl<T: Lanes> WithSimd for GramBlock<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let (d, lanes) = (self.x.n_cols(), T::width::<S>());
        let mut first = 0;
        while first < d {
            // The last panel is as narrow as it may be.
            let n_vectors = (d - first).div_ceil(lanes).min(2);
            match n_vectors {
                1 => self.panel::<S, 1, 12>(simd, first),
                _ => self.panel::<S, 2, 5>(simd, first),
            }
            first += n_vectors * lanes;
        }
    }
}

impl<T: Lanes> GramBlock<'_, T> {
    /// Rows `first .. first + V·lanes` of the Gram matrix, up to the diagonal.
    #[inline(always)]
    fn panel<S: Simd, const V: usize, const B: usize>(&mut self, simd: S, first: usize) {
        let (n, d) = (self.x.n_rows(), self.x.n_cols());
        let full = V * T::width::<S>();
        let width = full.min(d - first);
        self.packed.clear();
        self.packed.resize(n * full, T::ZERO);
        for (i, out) in self.packed.chunks_exact_mut(full).enumerate() {
            let weight = self.h[i];
            for (out, &value) in out.iter_mut().zip(&self.x.row(i)[first..first + width]) {
                *out = weight * value;
            }
        }
        let end = first + width;
        let mut column = 0;
        while column < end {
            if column + B <= d {
                self.tile::<S, V, B>(simd, column, 0, first, width);
            } else if d >= B {
                // The last tile overlaps the one before: only its new columns are added.
                self.tile::<S, V, B>(simd, d - B, column - (d - B), first, width);
            } else {
                for single in column..end {
                    self.tile::<S, V, 1>(simd, single, 0, first, width);
                }
            }
            column += B;
        }
    }

    #[inline(always)]
    fn tile<S: Simd, const V: usize, const B: usize>(
        &mut self,
        simd: S,
        column: usize,
        skip: usize,
        first: usize,
        width: usize,
    ) {
        let d = self.x.n_cols();
        let mut sums = [[T::splat(simd, T::ZERO); V]; B];
        let (left, _) = T::vectors::<S>(self.packed);
        let (left, _) = left.as_chunks::<V>();
        for (i, left) in left.iter().enumerate() {
            let (right, _) = self.x.row(i)[column..column + B].as_chunks::<B>();
            for b in 0..B {
                let right = T::splat(simd, right[0][b]);
                for v in 0..V {
                    sums[b][v] = T::fused(simd, left[v], right, sums[b][v]);
                }
            }
        }
        for b in skip..B {
            for (row, sum) in T::numbers::<S>(&sums[b]).iter().enumerate().take(width) {
                self.gram[(first + row) * d + column + b] += sum.to_f64();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::add_weighted_gram;
    use smelt_core::Mat;

    #[test]
    fn the_lower_triangle_is_right_for_every_width() {
        for d in [1, 2, 3, 4, 5, 7, 11, 12, 13, 16, 25, 50] {
            let n = 37;
            let value = |i: usize, j: usize| ((i * 7 + j * 13) as f64 * 0.71).sin();
            let mut x = Mat::<f64>::zeros(n, d);
            let mut single = Mat::<f32>::zeros(n, d);
            for i in 0..n {
                for j in 0..d {
                    x[(i, j)] = value(i, j);
                    single[(i, j)] = value(i, j) as f32;
                }
            }
            let h: Vec<f64> = (0..n).map(|i| 1.0 / (1.0 + i as f64)).collect();
            let h_single: Vec<f32> = h.iter().map(|&h| h as f32).collect();
            let mut gram = vec![1.0; d * d];
            let mut gram_single = gram.clone();
            add_weighted_gram(x.view(), &h, &mut Vec::new(), &mut gram);
            add_weighted_gram(single.view(), &h_single, &mut Vec::new(), &mut gram_single);
            for a in 0..d {
                for b in 0..=a {
                    let sum: f64 = (0..n).map(|i| h[i] * x[(i, a)] * x[(i, b)]).sum();
                    assert!((gram[a * d + b] - 1.0 - sum).abs() < 1e-12, "{d} {a} {b}");
                    assert!((gram_single[a * d + b] - 1.0 - sum).abs() < 1e-5, "{d} {a} {b}");
                }
            }
        }
    }
}
