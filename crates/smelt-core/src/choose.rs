//! Choices between labels by comparisons of integers, a register full at a time.
//!
//! Plain loops do not become vectors here: a compiler makes branches of nested choices.

/// One side of a choice: the same label for all rows, or a label of each row.
#[derive(Debug, Clone, Copy)]
pub enum Side<'a, K> {
    /// For all rows.
    All(K),
    /// For each row.
    Each(&'a [K]),
}

/// Integers that come in vectors: `i8`, `i32` and `i64`.
pub trait Choose: Copy + Ord {
    /// Eight labels by a complete tree of three levels: `keys` and `limits` of its seven nodes, level
    /// by level.  At each a key above the limit leads to the right.
    fn choose_eight(keys: [&[Self]; 7], limits: [Self; 7], labels: [Self; 8], out: &mut [Self]);
    /// One node: where a key is above the limit, `out` stays, elsewhere it becomes `left`; or, if
    /// `out` holds the left side, the other way round.
    fn choose_two(keys: &[Self], limit: Self, out: &mut [Self], other: Side<'_, Self>, left: bool);
}

/// Runs `work` compiled for AVX2.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn wide(simd: pulp::x86::V3, work: impl FnOnce()) {
    struct Wide<F>(F);
    impl<F: FnOnce()> pulp::NullaryFnOnce for Wide<F> {
        type Output = ();
        #[inline(always)]
        fn call(self) {
            (self.0)();
        }
    }
    simd.vectorize(Wide(work));
}

macro_rules! choose {
    ($type:ident, $width:literal, $above:ident, $splat:ident) => {
        impl Choose for $type {
            fn choose_eight(
                keys: [&[Self]; 7],
                limits: [Self; 7],
                labels: [Self; 8],
                out: &mut [Self],
            ) {
                let n = out.len();
                assert!(keys.iter().all(|keys| keys.len() == n));
                #[cfg(target_arch = "x86_64")]
                let done = if let Some(simd) = pulp::x86::V3::try_new() {
                    wide(
                        simd,
                        #[inline(always)]
                        || {
                            use pulp::bytemuck::cast;
                            use std::arch::x86_64::__m256i;
                            let (avx, avx2) = (simd.avx, simd.avx2);
                            let limits = limits.map(
                                #[inline(always)]
                                |limit| avx.$splat(limit),
                            );
                            let labels = labels.map(
                                #[inline(always)]
                                |label| avx.$splat(label),
                            );
                            let [a, b, c, d, e, f, g] = keys;
                            let (a, b, c) = (a.as_chunks().0, b.as_chunks().0, c.as_chunks().0);
                            let (d, e) = (d.as_chunks().0, e.as_chunks().0);
                            let (f, g) = (f.as_chunks().0, g.as_chunks().0);
                            macro_rules! node {
                                ($keys:ident, $node:literal, $left:expr, $right:expr) => {{
                                    let keys: [Self; $width] = *$keys;
                                    let above = avx2.$above(cast(keys), limits[$node]);
                                    avx2._mm256_blendv_epi8($left, $right, above)
                                }};
                            }
                            let keys =
                                a.iter().zip(b).zip(c).zip(d.iter().zip(e)).zip(f.iter().zip(g));
                            for (out, ((((a, b), c), (d, e)), (f, g))) in
                                out.as_chunks_mut::<$width>().0.iter_mut().zip(keys)
                            {
                                let left = node!(d, 3, labels[0], labels[1]);
                                let right = node!(e, 4, labels[2], labels[3]);
                                let first = node!(b, 1, left, right);
                                let left = node!(f, 5, labels[4], labels[5]);
                                let right = node!(g, 6, labels[6], labels[7]);
                                let second = node!(c, 2, left, right);
                                let both: __m256i = node!(a, 0, first, second);
                                *out = cast(both);
                            }
                        },
                    );
                    n / $width * $width
                } else {
                    0
                };
                #[cfg(not(target_arch = "x86_64"))]
                let done = 0;
                for i in done..n {
                    let right = |node: usize| usize::from(keys[node][i] > limits[node]);
                    let second = 1 + right(0);
                    let third = 2 * second + 1 + right(second);
                    out[i] = labels[2 * (third - 3) + right(third)];
                }
            }

            fn choose_two(
                keys: &[Self],
                limit: Self,
                out: &mut [Self],
                other: Side<'_, Self>,
                left: bool,
            ) {
                let n = out.len();
                assert!(keys.len() == n);
                if let Side::Each(other) = other {
                    assert!(other.len() == n);
                }
                #[cfg(target_arch = "x86_64")]
                let done = if let Some(simd) = pulp::x86::V3::try_new() {
                    wide(
                        simd,
                        #[inline(always)]
                        || {
                            use pulp::bytemuck::cast;
                            use std::arch::x86_64::__m256i;
                            let (avx, avx2) = (simd.avx, simd.avx2);
                            let limit: __m256i = avx.$splat(limit);
                            let keys = keys.as_chunks::<$width>().0.iter();
                            let rows = out.as_chunks_mut::<$width>().0.iter_mut().zip(keys);
                            macro_rules! rows {
                                ($rows:expr, $other:ident, $left:literal) => {
                                    for ((out, keys), $other) in $rows {
                                        let above = avx2.$above(cast(*keys), limit);
                                        let (own, other) = (cast(*out), $other);
                                        let chosen: __m256i = if $left {
                                            avx2._mm256_blendv_epi8(own, other, above)
                                        } else {
                                            avx2._mm256_blendv_epi8(other, own, above)
                                        };
                                        *out = cast(chosen);
                                    }
                                };
                            }
                            match (other, left) {
                                (Side::All(label), true) => {
                                    rows!(rows.zip(std::iter::repeat(avx.$splat(label))), x, true)
                                }
                                (Side::All(label), false) => {
                                    rows!(rows.zip(std::iter::repeat(avx.$splat(label))), x, false)
                                }
                                (Side::Each(labels), true) => {
                                    let labels = labels.as_chunks::<$width>().0.iter();
                                    rows!(rows.zip(labels.map(|x| cast(*x))), x, true)
                                }
                                (Side::Each(labels), false) => {
                                    let labels = labels.as_chunks::<$width>().0.iter();
                                    rows!(rows.zip(labels.map(|x| cast(*x))), x, false)
                                }
                            }
                        },
                    );
                    n / $width * $width
                } else {
                    0
                };
                #[cfg(not(target_arch = "x86_64"))]
                let done = 0;
                for i in done..n {
                    let other = match other {
                        Side::All(label) => label,
                        Side::Each(labels) => labels[i],
                    };
                    out[i] = if (keys[i] > limit) == left { other } else { out[i] };
                }
            }
        }
    };
}

choose!(i8, 32, _mm256_cmpgt_epi8, _mm256_set1_epi8);
choose!(i32, 8, _mm256_cmpgt_epi32, _mm256_set1_epi32);
choose!(i64, 4, _mm256_cmpgt_epi64, _mm256_set1_epi64x);

#[cfg(test)]
mod tests {
    use super::{Choose, Side};

    fn check<K: Choose + std::fmt::Debug>(of: impl Fn(i32) -> K) {
        for n in [0_usize, 1, 31, 32, 100] {
            let numbers = |seed: usize| -> Vec<K> {
                (0..n).map(|i| of(((i * 37 + seed * 53) % 101) as i32 - 50)).collect()
            };
            let columns: Vec<Vec<K>> = (0..7).map(numbers).collect();
            let keys: [&[K]; 7] = std::array::from_fn(|i| &columns[i][..]);
            let limits = std::array::from_fn(|i| of(i as i32 * 7 - 20));
            let labels = std::array::from_fn(|i| of(i as i32));
            let mut out = vec![of(9); n];
            K::choose_eight(keys, limits, labels, &mut out);
            for i in 0..n {
                let mut node = 0;
                for _ in 0..3 {
                    node = 2 * node + 1 + usize::from(keys[node][i] > limits[node]);
                }
                assert_eq!(out[i], labels[node - 7]);
            }
            for (other, left) in [Side::All(of(7)), Side::Each(keys[2])]
                .into_iter()
                .flat_map(|x| [(x, true), (x, false)])
            {
                let mut out = columns[1].clone();
                K::choose_two(keys[0], of(3), &mut out, other, left);
                for i in 0..n {
                    let other = if let Side::Each(each) = other { each[i] } else { of(7) };
                    let chosen = if (keys[0][i] > of(3)) == left { other } else { keys[1][i] };
                    assert_eq!(out[i], chosen);
                }
            }
        }
    }

    #[test]
    fn vectors_choose_as_single_numbers_do() {
        check(|x| x as i8);
        check(|x| x * 1_000_003);
        check(|x| i64::from(x) << 40);
    }
}
