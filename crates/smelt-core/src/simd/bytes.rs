//! Up to 64 bytes at once, in chunks of 16: comparisons as the bits of a word, and sums over them.
//!
//! Plain loops under [`super::vectorize`] become vectors, but not words of bits; and loops as short as
//! these are unrolled before they are seen to be vectors.

/// Numbers of a chunk.
pub const LANES: usize = 16;

#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)]
mod chunk {
    use std::arch::x86_64::{
        __m128, __m128i, _mm_add_epi8, _mm_add_epi16, _mm_and_si128, _mm_castps_si128,
        _mm_cmpeq_epi8, _mm_cmple_ps, _mm_min_epu8, _mm_movemask_epi8, _mm_mullo_epi16,
        _mm_packs_epi16, _mm_packs_epi32, _mm_set1_epi8, _mm_set1_epi16, _mm_set1_ps,
        _mm_setzero_si128, _mm_unpackhi_epi8, _mm_unpacklo_epi8,
    };

    use pulp::bytemuck::cast;

    use super::LANES;

    #[inline(always)]
    pub(super) fn up_to(values: &[u8; LANES], bound: u8) -> u64 {
        let values: __m128i = cast(*values);
        // SAFETY: every x86-64 has SSE2, and nothing here touches memory.
        let bits = unsafe {
            let least = _mm_min_epu8(values, _mm_set1_epi8(bound as i8));
            _mm_movemask_epi8(_mm_cmpeq_epi8(least, values))
        };
        bits as u64
    }

    #[inline(always)]
    pub(super) fn equal(values: &[u8; LANES], value: u8) -> u64 {
        let values: __m128i = cast(*values);
        // SAFETY: as above.
        let bits = unsafe { _mm_movemask_epi8(_mm_cmpeq_epi8(values, _mm_set1_epi8(value as i8))) };
        bits as u64
    }

    #[inline(always)]
    pub(super) fn at_least(values: &[f32; LANES], bound: f32) -> u64 {
        let [a, b, c, d]: [__m128; 4] = cast(*values);
        // SAFETY: as above, with SSE.
        let bits = unsafe {
            let bound = _mm_set1_ps(bound);
            let a = _mm_castps_si128(_mm_cmple_ps(bound, a));
            let b = _mm_castps_si128(_mm_cmple_ps(bound, b));
            let c = _mm_castps_si128(_mm_cmple_ps(bound, c));
            let d = _mm_castps_si128(_mm_cmple_ps(bound, d));
            _mm_movemask_epi8(_mm_packs_epi16(_mm_packs_epi32(a, b), _mm_packs_epi32(c, d)))
        };
        bits as u64
    }

    #[inline(always)]
    pub(super) fn sums_up_to<const C: usize>(
        values: &[[u8; LANES]; C],
        entries: impl Iterator<Item = (u8, u8)>,
    ) -> [[u8; LANES]; C] {
        // SAFETY: as above.
        unsafe {
            let (mut lanes, mut sums) = ([_mm_setzero_si128(); C], [_mm_setzero_si128(); C]);
            for chunk in 0..C {
                lanes[chunk] = cast(values[chunk]);
            }
            for (value, weight) in entries {
                let (value, weight) = (_mm_set1_epi8(value as i8), _mm_set1_epi8(weight as i8));
                for chunk in 0..C {
                    let is_up_to = _mm_cmpeq_epi8(_mm_min_epu8(lanes[chunk], value), value);
                    sums[chunk] = _mm_add_epi8(sums[chunk], _mm_and_si128(is_up_to, weight));
                }
            }
            let mut out = [[0; LANES]; C];
            for chunk in 0..C {
                out[chunk] = cast(sums[chunk]);
            }
            out
        }
    }

    #[inline(always)]
    pub(super) fn add(moments: [&mut [u16; LANES]; 3], values: &[u8; LANES], factor: u16) {
        let [sums, squares, products] = moments;
        let mut own: [[__m128i; 2]; 3] = [cast(*sums), cast(*squares), cast(*products)];
        let values: __m128i = cast(*values);
        // SAFETY: as above.
        unsafe {
            let (zero, factor) = (_mm_setzero_si128(), _mm_set1_epi16(factor as i16));
            let wide = [_mm_unpacklo_epi8(values, zero), _mm_unpackhi_epi8(values, zero)];
            for half in 0..2 {
                let x = wide[half];
                own[0][half] = _mm_add_epi16(own[0][half], x);
                own[1][half] = _mm_add_epi16(own[1][half], _mm_mullo_epi16(x, x));
                own[2][half] = _mm_add_epi16(own[2][half], _mm_mullo_epi16(x, factor));
            }
        }
        (*sums, *squares, *products) = (cast(own[0]), cast(own[1]), cast(own[2]));
    }
}

#[cfg(not(target_arch = "x86_64"))]
mod chunk {
    use super::LANES;

    #[inline(always)]
    fn word<T: Copy>(values: &[T; LANES], test: impl Fn(T) -> bool) -> u64 {
        let mut word = 0;
        for (lane, &value) in values.iter().enumerate() {
            word |= u64::from(test(value)) << lane;
        }
        word
    }

    pub(super) fn up_to(values: &[u8; LANES], bound: u8) -> u64 {
        word(values, |value| value <= bound)
    }

    pub(super) fn equal(values: &[u8; LANES], other: u8) -> u64 {
        word(values, |value| value == other)
    }

    pub(super) fn at_least(values: &[f32; LANES], bound: f32) -> u64 {
        word(values, |value| bound <= value)
    }

    #[inline(always)]
    pub(super) fn sums_up_to<const C: usize>(
        values: &[[u8; LANES]; C],
        entries: impl Iterator<Item = (u8, u8)>,
    ) -> [[u8; LANES]; C] {
        let mut sums = [[0_u8; LANES]; C];
        for (value, weight) in entries {
            for (sum, &lane) in sums.as_flattened_mut().iter_mut().zip(values.as_flattened()) {
                *sum = sum.wrapping_add(if value <= lane { weight } else { 0 });
            }
        }
        sums
    }

    #[inline(always)]
    pub(super) fn add(moments: [&mut [u16; LANES]; 3], values: &[u8; LANES], factor: u16) {
        let [sums, squares, products] = moments;
        for lane in 0..LANES {
            let x = u16::from(values[lane]);
            sums[lane] = sums[lane].wrapping_add(x);
            squares[lane] = squares[lane].wrapping_add(x.wrapping_mul(x));
            products[lane] = products[lane].wrapping_add(x.wrapping_mul(factor));
        }
    }
}

/// The bits of all chunks; bit i tells of number i.
#[inline(always)]
fn word<T, const C: usize>(chunks: &[[T; LANES]; C], test: impl Fn(&[T; LANES]) -> u64) -> u64 {
    let mut word = 0;
    for (place, chunk) in chunks.iter().take(4).enumerate() {
        word |= test(chunk) << (place * LANES);
    }
    word
}

/// Which bytes of up to four chunks are at most `bound`.
#[inline(always)]
pub fn up_to<const C: usize>(values: &[[u8; LANES]; C], bound: u8) -> u64 {
    word(
        values,
        #[inline(always)]
        |values| chunk::up_to(values, bound),
    )
}

/// Which bytes of up to four chunks are `value`.
#[inline(always)]
pub fn equal<const C: usize>(values: &[[u8; LANES]; C], value: u8) -> u64 {
    word(
        values,
        #[inline(always)]
        |values| chunk::equal(values, value),
    )
}

/// Which numbers of up to four chunks are at least `bound`; NaN never is.
#[inline(always)]
pub fn at_least<const C: usize>(values: &[[f32; LANES]; C], bound: f32) -> u64 {
    word(
        values,
        #[inline(always)]
        |values| chunk::at_least(values, bound),
    )
}

/// For every number, the sum of the weights of the entries (number, weight) up to it, modulo 256.
#[inline(always)]
pub fn sums_up_to<const C: usize>(
    values: &[[u8; LANES]; C],
    entries: impl Iterator<Item = (u8, u8)>,
) -> [[u8; LANES]; C] {
    chunk::sums_up_to(values, entries)
}

/// Sums of x, x² and x·f, modulo 2^16, of as many series as there are lanes.
#[derive(Debug, Clone, Copy)]
pub struct Moments<const C: usize> {
    /// Σ x
    pub sums: [[u16; LANES]; C],
    /// Σ x²
    pub squares: [[u16; LANES]; C],
    /// Σ x·f
    pub products: [[u16; LANES]; C],
}

impl<const C: usize> Default for Moments<C> {
    fn default() -> Self {
        let zeros = [[0; LANES]; C];
        Self { sums: zeros, squares: zeros, products: zeros }
    }
}

impl<const C: usize> Moments<C> {
    /// Adds one x to every series.
    #[inline(always)]
    pub fn add(&mut self, values: &[[u8; LANES]; C], factor: u16) {
        for chunk in 0..C {
            let (sums, squares) = (&mut self.sums[chunk], &mut self.squares[chunk]);
            let own = [sums, squares, &mut self.products[chunk]];
            chunk::add(own, &values[chunk], factor);
        }
    }
}

/// The places of the bits that are 1, from the lowest on.
#[inline(always)]
pub fn ones(mut word: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(
        #[inline(always)]
        move || {
            let place = word.trailing_zeros() as usize;
            word &= word.wrapping_sub(1);
            (place < 64).then_some(place)
        },
    )
}

#[cfg(test)]
mod tests {
    use super::{Moments, at_least, equal, ones, sums_up_to, up_to};

    fn bytes() -> [[u8; 16]; 4] {
        std::array::from_fn(|i| std::array::from_fn(|j| ((16 * i + j) * 37 % 256) as u8))
    }

    #[test]
    fn bits_tell_of_every_number() {
        let bytes = bytes();
        let numbers: [[f32; 16]; 4] = std::array::from_fn(|i| {
            std::array::from_fn(|j| match 16 * i + j {
                3 => f32::NAN,
                7 => f32::NEG_INFINITY,
                39 => f32::INFINITY,
                place => place as f32 * 1.5 - 20.0,
            })
        });
        let (all_bytes, all_numbers) = (bytes.as_flattened(), numbers.as_flattened());
        for (&byte, &number) in all_bytes.iter().zip(all_numbers) {
            for j in 0..64 {
                let bit = |word: u64| word >> j & 1 == 1;
                assert_eq!(bit(up_to(&bytes, byte)), all_bytes[j] <= byte);
                assert_eq!(bit(equal(&bytes, byte)), all_bytes[j] == byte);
                assert_eq!(bit(at_least(&numbers, number)), all_numbers[j] >= number);
            }
        }
        let few = [bytes[0], bytes[1]];
        assert_eq!((up_to(&bytes, 255), up_to(&few, 255)), (u64::MAX, u64::from(u32::MAX)));
        assert_eq!(ones(0x8000_0005).collect::<Vec<_>>(), [0, 2, 31]);
    }

    #[test]
    fn sums_and_moments_are_those_of_plain_loops() {
        let values = bytes();
        let entries = [(3_u8, 1_u8), (77, 2), (200, 5), (255, 7)];
        let sums = sums_up_to(&values, entries.into_iter());
        let mut moments = Moments::<4>::default();
        moments.add(&sums, 3);
        moments.add(&sums, 4);
        for (i, &value) in values.as_flattened().iter().enumerate() {
            let expected: u8 = entries.iter().filter(|e| e.0 <= value).map(|e| e.1).sum();
            assert_eq!(sums.as_flattened()[i], expected);
            let x = u16::from(expected);
            assert_eq!(moments.sums.as_flattened()[i], 2 * x);
            assert_eq!(moments.squares.as_flattened()[i], 2 * x * x);
            assert_eq!(moments.products.as_flattened()[i], 7 * x);
        }
    }
}
