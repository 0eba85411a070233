//! Quantised gradients.
//!
//! Twin: `smelt/plain/ensemble/hist_gradient_boosting_quantized.py`.
//!
//! Gradient, curvature and a one of each row lie in one 64-bit word, so that one
//! integer addition counts a row in a bin (after Shi et al., *Quantized training of gradient boosting
//! decision trees*, 2022, with 11 bits instead of their 2 to 5).
//!
//! Bits of a word: gradient + 1024 (0..25) · curvature (25..49; 0 if it is 1 in every row) · rows
//! (49..64), wide enough for the sums of [`BLOCK`] rows.  Numbers are multiples of a power of two,
//! rounded up or down at random with the right mean; their sums are exact, in whatever order.

use smelt_core::parallel;
use smelt_core::simd::vectorize;

/// Rows whose sums fit into one word.
pub(crate) const BLOCK: usize = 1 << 14;
/// Largest magnitude of a quantised number.
const LARGEST: f32 = 1023.0;
/// Added to gradients so that they are not negative.
const OFFSET: u64 = 1024;
const HESSIAN: u32 = 25;
const COUNT: u32 = 49;

/// What the numbers of words mean.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Units {
    /// What a unit of gradient and of curvature is worth: powers of two.
    pub(crate) worth: [f64; 2],
    /// Whether curvature is 1 in every row, so that its sums are the rows.
    pub(crate) constant_hessian: bool,
}

/// Words of all rows.
#[derive(Debug, Default)]
pub(crate) struct Packed {
    pub(crate) words: Vec<u64>,
    pub(crate) units: Units,
}

/// Sums of gradients, curvatures and rows, in units, as one word.
#[inline(always)]
pub(crate) fn pack(gradient: i64, hessian: u64, count: u64) -> u64 {
    (gradient + (OFFSET * count) as i64) as u64 | hessian << HESSIAN | count << COUNT
}

/// Gradient, curvature and number of rows that a word has summed up, in units.
#[inline(always)]
pub(crate) fn unpack(word: u64) -> (i64, u64, u64) {
    let count = word >> COUNT;
    let hessian = word >> HESSIAN & ((1 << (COUNT - HESSIAN)) - 1);
    let gradient = (word & ((1 << HESSIAN) - 1)) as i64 - (OFFSET * count) as i64;
    (gradient, hessian, count)
}

impl Packed {
    /// Quantises the gradients and curvatures of all rows; `seed` draws the roundings.
    pub(crate) fn fill(&mut self, gradients: &[[f32; 2]], constant_hessian: bool, seed: u32) {
        let chunk = 16_384;
        let largest = parallel::map_chunks(gradients.len(), chunk, 0.5, |_, range| {
            gradients[range].iter().fold([0.0_f32; 2], |[a, b], &[gradient, hessian]| {
                [a.max(gradient.abs()), b.max(hessian)]
            })
        });
        let largest =
            largest.into_iter().fold([0.0_f32; 2], |a, b| [a[0].max(b[0]), a[1].max(b[1])]);
        let units = largest.map(unit);
        self.units = Units { worth: units.map(f64::from), constant_hessian };
        let per_unit = units.map(|unit| 1.0 / unit);
        self.words.resize(gradients.len(), 0);
        parallel::for_chunks_mut(&mut self.words, 1, chunk, 2.0, |_, range, words| {
            let (first, gradients) = (range.start as u32, &gradients[range]);
            vectorize(
                #[inline(always)]
                || match constant_hessian {
                    true => quantize::<true>(words, first, gradients, per_unit, seed),
                    false => quantize::<false>(words, first, gradients, per_unit, seed),
                },
            );
        });
    }
}

/// Words of the rows from `first` on.
#[inline(always)]
fn quantize<const CONSTANT_HESSIAN: bool>(
    words: &mut [u64],
    first: u32,
    gradients: &[[f32; 2]],
    per_unit: [f32; 2],
    seed: u32,
) {
    for ((word, row), &[gradient, hessian]) in words.iter_mut().zip(first..).zip(gradients) {
        let [a, b] = two_shares(row, seed);
        let gradient = (gradient * per_unit[0] + a).floor() as i32;
        // Where it is 1 in every row, the rows tell: a rounded one would differ from them.
        let hessian = if CONSTANT_HESSIAN { 0 } else { (hessian * per_unit[1] + b).floor() as i32 };
        *word = pack(gradient.into(), hessian as u64, 1);
    }
}

/// The smallest power of two of which `largest` is no more than [`LARGEST`].
fn unit(largest: f32) -> f32 {
    if !largest.is_finite() || largest <= 0.0 {
        return 1.0;
    }
    // From the bits of the number: a logarithm may differ from machine to machine.
    let share = (largest / LARGEST).max(f32::from_bits(8 << 23));
    let up = u32::from(share.to_bits() & 0x7F_FFFF > 0);
    f32::from_bits(((share.to_bits() >> 23) + up) << 23)
}

/// Two numbers of [0, 1) that a row and a seed determine.
#[inline(always)]
fn two_shares(row: u32, seed: u32) -> [f32; 2] {
    let mut bits = (row ^ seed).wrapping_mul(0x9E37_79B1);
    bits ^= bits >> 15;
    bits = bits.wrapping_mul(0x85EB_CA77);
    bits ^= bits >> 13;
    [bits & 0xFFFF, bits >> 16].map(|half| half as f32 * (1.0 / 65_536.0))
}

#[cfg(test)]
mod tests {
    use super::{Packed, pack, unpack};

    #[test]
    fn sums_of_words_are_sums_of_numbers_but_for_rounding() {
        let gradients: Vec<[f32; 2]> = (0..16_384)
            .map(|i| [(i as f32 * 0.37).sin() * 3.0, 0.25 + 0.2 * (i as f32 * 0.11).cos()])
            .collect();
        let mut packed = Packed::default();
        packed.fill(&gradients, false, 7);
        let (gradient, hessian, count) = unpack(packed.words.iter().sum());
        let wanted =
            gradients.iter().fold([0.0; 2], |[a, b], &[g, h]| [a + f64::from(g), b + f64::from(h)]);
        assert_eq!(count, 16_384);
        let [a, b] = packed.units.worth;
        assert!((gradient as f64 * a - wanted[0]).abs() < 128.0 * a, "{gradient} {wanted:?}");
        assert!((hessian as f64 * b - wanted[1]).abs() < 128.0 * b, "{hessian} {wanted:?}");
        for (&word, &[g, h]) in packed.words.iter().zip(&gradients) {
            let (gradient, hessian, count) = unpack(word);
            assert!((gradient as f64 * a - f64::from(g)).abs() <= a);
            assert!((hessian as f64 * b - f64::from(h)).abs() <= b);
            assert_eq!(count, 1);
            assert_eq!(pack(gradient, hessian, count), word);
        }
        // Nothing to learn: all zero.
        packed.fill(&[[0.0, 0.0]; 3], false, 1);
        assert!(packed.words.iter().all(|&word| unpack(word) == (0, 0, 1)));
    }
}
