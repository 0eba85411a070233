//! Eight numbers at once, one vector of them where the machine has AVX2.
//!
//! For loops over eight columns: [`super::vectorize`] leaves it to the compiler whether these become
//! vectors, and so short a loop in the midst of others often does not.

/// Eight numbers each: f32, and whole numbers of 16 bits.
pub trait Eight: Copy {
    /// Eight f32.
    type Floats: Copy;
    /// Eight u16.
    type Counts: Copy;
    /// The same number in every lane.
    fn splat(self, value: f32) -> Self::Floats;
    /// From an array.
    fn counts(self, values: [u16; 8]) -> Self::Counts;
    /// To an array.
    fn array(self, values: Self::Floats) -> [f32; 8];
    /// To an array.
    fn count_array(self, values: Self::Counts) -> [u16; 8];
    /// a + b modulo 2^16
    fn add_counts(self, a: Self::Counts, b: Self::Counts) -> Self::Counts;
    /// The counts as f32.
    fn convert(self, counts: Self::Counts) -> Self::Floats;
    /// a + b
    fn add(self, a: Self::Floats, b: Self::Floats) -> Self::Floats;
    /// a − b
    fn sub(self, a: Self::Floats, b: Self::Floats) -> Self::Floats;
    /// a · b
    fn mul(self, a: Self::Floats, b: Self::Floats) -> Self::Floats;
    /// a + b · c, rounded once or twice
    fn add_product(self, a: Self::Floats, b: Self::Floats, c: Self::Floats) -> Self::Floats;
    /// a / b
    fn div(self, a: Self::Floats, b: Self::Floats) -> Self::Floats;
    /// The smaller ones; b where one is NaN.
    fn min(self, a: Self::Floats, b: Self::Floats) -> Self::Floats;
    /// The larger ones; b where one is NaN.
    fn max(self, a: Self::Floats, b: Self::Floats) -> Self::Floats;
    /// `a` where x ≥ y, else `b`.
    fn where_at_least(
        self,
        x: Self::Floats,
        y: Self::Floats,
        a: Self::Floats,
        b: Self::Floats,
    ) -> Self::Floats;
}

/// Work on eight lanes.
pub trait WithEight {
    /// What comes out of it.
    type Output;
    /// The work; must be `#[inline(always)]`, and all it calls.
    fn with<E: Eight>(self, eight: E) -> Self::Output;
}

/// Eight lanes as loops.
#[derive(Debug, Clone, Copy)]
struct Plain;

#[inline(always)]
fn lanes<T: Copy, U: Copy + Default>(a: [T; 8], b: [T; 8], of: impl Fn(T, T) -> U) -> [U; 8] {
    let mut out = [U::default(); 8];
    for lane in 0..8 {
        out[lane] = of(a[lane], b[lane]);
    }
    out
}

impl Eight for Plain {
    type Floats = [f32; 8];
    type Counts = [u16; 8];
    fn splat(self, value: f32) -> [f32; 8] {
        [value; 8]
    }
    fn counts(self, values: [u16; 8]) -> [u16; 8] {
        values
    }
    fn array(self, values: [f32; 8]) -> [f32; 8] {
        values
    }
    fn count_array(self, values: [u16; 8]) -> [u16; 8] {
        values
    }
    fn add_counts(self, a: [u16; 8], b: [u16; 8]) -> [u16; 8] {
        lanes(a, b, u16::wrapping_add)
    }
    fn convert(self, counts: [u16; 8]) -> [f32; 8] {
        lanes(counts, counts, |a, _| f32::from(a))
    }
    fn add(self, a: [f32; 8], b: [f32; 8]) -> [f32; 8] {
        lanes(a, b, |a, b| a + b)
    }
    fn sub(self, a: [f32; 8], b: [f32; 8]) -> [f32; 8] {
        lanes(a, b, |a, b| a - b)
    }
    fn mul(self, a: [f32; 8], b: [f32; 8]) -> [f32; 8] {
        lanes(a, b, |a, b| a * b)
    }
    fn add_product(self, a: [f32; 8], b: [f32; 8], c: [f32; 8]) -> [f32; 8] {
        self.add(a, self.mul(b, c))
    }
    fn div(self, a: [f32; 8], b: [f32; 8]) -> [f32; 8] {
        lanes(a, b, |a, b| a / b)
    }
    fn min(self, a: [f32; 8], b: [f32; 8]) -> [f32; 8] {
        lanes(a, b, |a, b| if a < b { a } else { b })
    }
    fn max(self, a: [f32; 8], b: [f32; 8]) -> [f32; 8] {
        lanes(a, b, |a, b| if a > b { a } else { b })
    }
    fn where_at_least(self, x: [f32; 8], y: [f32; 8], a: [f32; 8], b: [f32; 8]) -> [f32; 8] {
        let takes = lanes(x, y, |x, y| x >= y);
        let mut out = b;
        for lane in 0..8 {
            out[lane] = if takes[lane] { a[lane] } else { b[lane] };
        }
        out
    }
}

#[cfg(target_arch = "x86_64")]
mod wide {
    use std::arch::x86_64::{__m128i, __m256, _CMP_GE_OQ};

    use pulp::bytemuck::cast;
    use pulp::x86::V3;

    use super::{Eight, WithEight};

    #[derive(Clone, Copy)]
    struct Wide(V3);

    impl Eight for Wide {
        type Floats = __m256;
        type Counts = __m128i;
        #[inline(always)]
        fn splat(self, value: f32) -> __m256 {
            self.0.avx._mm256_set1_ps(value)
        }
        #[inline(always)]
        fn counts(self, values: [u16; 8]) -> __m128i {
            cast(values)
        }
        #[inline(always)]
        fn array(self, values: __m256) -> [f32; 8] {
            cast(values)
        }
        #[inline(always)]
        fn count_array(self, values: __m128i) -> [u16; 8] {
            cast(values)
        }
        #[inline(always)]
        fn add_counts(self, a: __m128i, b: __m128i) -> __m128i {
            self.0.sse2._mm_add_epi16(a, b)
        }
        #[inline(always)]
        fn convert(self, counts: __m128i) -> __m256 {
            self.0.avx._mm256_cvtepi32_ps(self.0.avx2._mm256_cvtepu16_epi32(counts))
        }
        #[inline(always)]
        fn add(self, a: __m256, b: __m256) -> __m256 {
            self.0.avx._mm256_add_ps(a, b)
        }
        #[inline(always)]
        fn sub(self, a: __m256, b: __m256) -> __m256 {
            self.0.avx._mm256_sub_ps(a, b)
        }
        #[inline(always)]
        fn mul(self, a: __m256, b: __m256) -> __m256 {
            self.0.avx._mm256_mul_ps(a, b)
        }
        #[inline(always)]
        fn add_product(self, a: __m256, b: __m256, c: __m256) -> __m256 {
            self.0.fma._mm256_fmadd_ps(b, c, a)
        }
        #[inline(always)]
        fn div(self, a: __m256, b: __m256) -> __m256 {
            self.0.avx._mm256_div_ps(a, b)
        }
        #[inline(always)]
        fn min(self, a: __m256, b: __m256) -> __m256 {
            self.0.avx._mm256_min_ps(a, b)
        }
        #[inline(always)]
        fn max(self, a: __m256, b: __m256) -> __m256 {
            self.0.avx._mm256_max_ps(a, b)
        }
        #[inline(always)]
        fn where_at_least(self, x: __m256, y: __m256, a: __m256, b: __m256) -> __m256 {
            let takes = self.0.avx._mm256_cmp_ps::<_CMP_GE_OQ>(x, y);
            self.0.avx._mm256_blendv_ps(b, a, takes)
        }
    }

    /// Runs work on wide vectors, if the machine has them.
    #[inline]
    pub(super) fn run<K: WithEight>(work: K) -> Result<K::Output, K> {
        struct Run<K>(V3, K);
        impl<K: WithEight> pulp::NullaryFnOnce for Run<K> {
            type Output = K::Output;
            #[inline(always)]
            fn call(self) -> K::Output {
                self.1.with(Wide(self.0))
            }
        }
        match V3::try_new() {
            Some(simd) => Ok(simd.vectorize(Run(simd, work))),
            None => Err(work),
        }
    }
}

#[cfg(not(target_arch = "x86_64"))]
mod wide {
    use super::WithEight;

    pub(super) fn run<K: WithEight>(work: K) -> Result<K::Output, K> {
        Err(work)
    }
}

/// Runs work on eight lanes; whole chunks of it, as with [`super::vectorize`].
#[inline]
pub fn eight<K: WithEight>(work: K) -> K::Output {
    wide::run(work).unwrap_or_else(|work| work.with(Plain))
}

#[cfg(test)]
mod tests {
    use super::{Eight, Plain, WithEight, eight};

    struct Work([u16; 8], f32);

    impl WithEight for Work {
        type Output = ([f32; 8], [u16; 8]);
        #[inline(always)]
        fn with<E: Eight>(self, eight: E) -> Self::Output {
            let counts = eight.counts(self.0);
            let (x, y) = (eight.convert(counts), eight.splat(self.1));
            let (sum, product) = (eight.add(x, y), eight.mul(x, y));
            let quotient = eight.div(eight.add_product(eight.sub(product, sum), x, y), y);
            let bounded = eight.max(eight.min(quotient, x), y);
            let chosen = eight.where_at_least(x, y, bounded, sum);
            (eight.array(chosen), eight.count_array(eight.add_counts(counts, counts)))
        }
    }

    #[test]
    fn wide_lanes_are_those_of_loops() {
        let work = || Work([0, 1, 2, 3, 100, 40_000, 65_535, 7], 2.5);
        assert_eq!(eight(work()), work().with(Plain));
        assert_eq!(eight(work()).1[5], 80_000_u32 as u16);
    }
}
