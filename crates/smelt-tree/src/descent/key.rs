//! Integers in the order of the numbers they stand for.

use std::fmt::Debug;
use std::ops::BitOr;

use smelt_core::Real;
use smelt_core::choose::Choose;

/// What a node compares with: a rank among thresholds, or as wide as the number itself.
pub(crate) trait Key:
    Choose + Default + Send + Sync + BitOr<Output = Self> + 'static
{
    /// Without a sign, in the same order: a step of a walk is an instruction shorter.
    type Word: Copy + Default + Ord + Debug + Send + Sync + 'static;
    const MIN: Self;
    const MAX: Self;
    fn word(self) -> Self::Word;
    fn of_word(word: Self::Word) -> Self;
    /// Levels that vectors decide at most: beyond, looking at all nodes costs more than walking.
    const TOP: usize;
    /// Leaves up to which vectors look at all nodes of a tree.
    const ALL: usize;
    /// A label below 256; wraps.
    fn label(n: usize) -> Self;
    fn to_place(self) -> usize;
    /// Category 0..=255, or 256 for what is none (which a byte takes for 255).
    fn category(n: usize) -> Self;
    fn to_category(self) -> usize;
}

/// What a key is as a word.
macro_rules! word {
    ($word:ident) => {
        type Word = $word;
        const MIN: Self = Self::MIN;
        const MAX: Self = Self::MAX;
        #[inline(always)]
        fn word(self) -> $word {
            (self ^ Self::MIN) as $word
        }
        #[inline(always)]
        fn of_word(word: $word) -> Self {
            word as Self ^ Self::MIN
        }
    };
}

impl Key for i8 {
    word!(u8);
    const TOP: usize = 6;
    const ALL: usize = 256;
    #[inline(always)]
    fn label(n: usize) -> Self {
        n as u8 as Self
    }
    #[inline(always)]
    fn to_place(self) -> usize {
        usize::from(self as u8)
    }
    #[inline(always)]
    fn category(n: usize) -> Self {
        (n.min(255) as u8 ^ 0x80) as Self
    }
    #[inline(always)]
    fn to_category(self) -> usize {
        usize::from(self as u8 ^ 0x80)
    }
}

macro_rules! wide_key {
    ($type:ident, $word:ident, $top:literal, $all:literal) => {
        impl Key for $type {
            word!($word);
            const TOP: usize = $top;
            const ALL: usize = $all;
            #[inline(always)]
            fn label(n: usize) -> Self {
                n as Self
            }
            #[inline(always)]
            fn to_place(self) -> usize {
                self as usize
            }
            #[inline(always)]
            fn category(n: usize) -> Self {
                n as Self
            }
            #[inline(always)]
            fn to_category(self) -> usize {
                // Numeric columns are looked up too, and the answer thrown away.
                self.clamp(0, 256) as usize
            }
        }
    };
}

wide_key!(i16, u16, 6, 96);
wide_key!(i32, u32, 6, 48);
wide_key!(i64, u64, 3, 24);

/// A rank among sorted thresholds.
pub(crate) trait Rank: Key {
    /// Thresholds at most, so that a number above all of them has a rank too.
    const MOST: usize;
    fn rank(n: usize) -> Self;
}

impl Rank for i8 {
    const MOST: usize = 255;
    #[inline(always)]
    fn rank(n: usize) -> Self {
        (n as u8 ^ 0x80) as Self
    }
}

impl Rank for i16 {
    const MOST: usize = 65535;
    #[inline(always)]
    fn rank(n: usize) -> Self {
        (n as u16 ^ 0x8000) as Self
    }
}

/// `f32` and `f64`.
pub(crate) trait Number: Real {
    type Key: Key;
    /// An integer that is smaller exactly where the number is; not for NaN.
    fn key(self) -> Self::Key;
    /// The largest number of this type that is not above `limit`.
    fn at_most(limit: f64) -> Self;
    /// The whole part, between 0 and `last`.
    fn bucket(self, last: i32) -> i32;
}

macro_rules! number {
    ($type:ident, $key:ident) => {
        impl Number for $type {
            type Key = $key;
            #[inline(always)]
            fn key(self) -> $key {
                // Minus zero is zero; negative numbers count down.
                let bits = (self + 0.0).to_bits() as $key;
                bits ^ ((bits >> ($key::BITS - 1)) & $key::MAX)
            }
            #[inline(always)]
            fn at_most(limit: f64) -> Self {
                let near = limit as $type;
                if f64::from(near) > limit { near.next_down() } else { near }
            }
            #[inline(always)]
            fn bucket(self, last: i32) -> i32 {
                (self as i32).clamp(0, last)
            }
        }
    };
}

number!(f32, i32);
number!(f64, i64);

#[cfg(test)]
mod tests {
    use super::Number;

    #[test]
    fn keys_keep_the_order_and_limits_round_down() {
        let numbers =
            [f64::NEG_INFINITY, -1e300, -2.5, -1e-310, 0.0, 1e-310, 0.1, 1.0, 1e300, f64::INFINITY];
        for (i, a) in numbers.iter().enumerate() {
            for (j, b) in numbers.iter().enumerate() {
                assert_eq!(a.key() < b.key(), i < j);
                let (a, b) = (*a as f32, *b as f32);
                assert_eq!(a.key() < b.key(), a < b, "{a} {b}");
            }
            let near = f32::at_most(*a);
            assert!(f64::from(near) <= *a && f64::from(near.next_up()) > *a || a.is_infinite());
        }
        assert_eq!((-0.0_f32).key(), 0.0_f32.key());
        assert!(i32::MIN < f32::NEG_INFINITY.key() && f32::INFINITY.key() < i32::MAX);
    }
}
