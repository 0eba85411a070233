//! Sorting of (key, payload) pairs packed into 64-bit words, key in the upper half.
//!
//! Long lists are sorted digit by digit (11 bits, least first): a few reads and writes a word instead
//! of log₂ n comparisons.  The order of equal keys is kept.

/// Below this length comparing is faster than counting digits.
const SHORT: usize = 512;
const DIGIT: u32 = 11;

/// The word of a pair.
#[inline(always)]
pub(crate) fn pack(key: u32, payload: u32) -> u64 {
    u64::from(key) << 32 | u64::from(payload)
}

/// Sorts `words` by key, then payload, if payloads ascend in `words`; `largest` bounds the keys.
pub(crate) fn sort(words: &mut Vec<u64>, spare: &mut Vec<u64>, largest: u32) {
    if words.len() <= SHORT {
        words.sort_unstable();
        return;
    }
    spare.resize(words.len(), 0);
    let n_digits = (u32::BITS - largest.leading_zeros()).div_ceil(DIGIT);
    for digit in 0..n_digits {
        let shift = 32 + digit * DIGIT;
        let place = |word: u64| (word >> shift) as usize & ((1 << DIGIT) - 1);
        let mut starts = [0_u32; 1 << DIGIT];
        words.iter().for_each(|&word| starts[place(word)] += 1);
        if starts[place(words[0])] as usize == words.len() {
            continue;
        }
        let mut sum = 0;
        for start in &mut starts {
            sum += std::mem::replace(start, sum);
        }
        for &word in words.iter() {
            let start = &mut starts[place(word)];
            spare[*start as usize] = word;
            *start += 1;
        }
        std::mem::swap(words, spare);
    }
}

/// Bits of a number that order as the numbers do; both zeros are the same.
#[inline(always)]
pub(crate) fn ordered_bits(x: f32) -> u32 {
    let bits = (x + 0.0).to_bits();
    bits ^ (((bits as i32 >> 31) as u32) | 1 << 31)
}

/// The number whose bits were ordered.
#[inline(always)]
pub(crate) fn from_ordered_bits(bits: u32) -> f32 {
    f32::from_bits(bits ^ (((!bits as i32 >> 31) as u32) | 1 << 31))
}

#[cfg(test)]
mod tests {
    use super::{from_ordered_bits, ordered_bits, pack, sort};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn words_come_out_in_order(keys in prop::collection::vec(0_u32..1_000_000, 0..2000)) {
            let packed = |(i, &key): (usize, &u32)| pack(key, i as u32);
            let mut words: Vec<u64> = keys.iter().enumerate().map(packed).collect();
            let mut expected = words.clone();
            expected.sort_unstable();
            sort(&mut words, &mut Vec::new(), 1_000_000);
            prop_assert_eq!(words, expected);
        }

        #[test]
        fn bits_order_as_numbers(a in -1e30_f32..1e30, b in -1e30_f32..1e30) {
            prop_assert_eq!(a < b, ordered_bits(a) < ordered_bits(b));
            prop_assert_eq!(from_ordered_bits(ordered_bits(a)), a);
        }
    }

    #[test]
    fn zeros_are_one_number_and_infinities_are_the_ends() {
        assert_eq!(ordered_bits(0.0), ordered_bits(-0.0));
        assert!(ordered_bits(f32::NEG_INFINITY) < ordered_bits(f32::MIN));
        assert!(ordered_bits(f32::INFINITY) > ordered_bits(f32::MAX));
    }
}
