//! The exponential as a polynomial: a call into the system's library would stop the vector units.

use crate::lanes::Lanes;

/// The exponential, without a call and without a branch.
pub trait Exponential: Lanes {
    /// e^self within two units of the last place; arguments beyond the range are clamped.
    fn fast_exp(self) -> Self;
}

/// Coefficients 1/j! of the Taylor series, highest first.
const EXP_F64: [f64; 13] = [
    1.0 / 479_001_600.0,
    1.0 / 39_916_800.0,
    1.0 / 3_628_800.0,
    1.0 / 362_880.0,
    1.0 / 40_320.0,
    1.0 / 5_040.0,
    1.0 / 720.0,
    1.0 / 120.0,
    1.0 / 24.0,
    1.0 / 6.0,
    0.5,
    1.0,
    1.0,
];

/// As above, enough for `f32`.
const EXP_F32: [f32; 8] =
    [1.0 / 5_040.0, 1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0];

macro_rules! exponential {
    ($type:ident, $bits:ident, $terms:ident, $low:expr, $high:expr, $magic:expr, $ln2:expr,
     $mantissa:expr, $bias:expr) => {
        impl Exponential for $type {
            #[inline(always)]
            fn fast_exp(self) -> Self {
                // A NaN passes both comparisons and stays NaN.
                let x = if self < $low { $low } else { self };
                let x = if x > $high { $high } else { x };
                // x = n·ln 2 + r with |r| ≤ ln 2 / 2; adding the magic number rounds to integers.
                let shifted = x.mul_add(std::f64::consts::LOG2_E as $type, $magic);
                let n = shifted - $magic;
                let r = n.mul_add(-$ln2.0, x);
                let r = n.mul_add(-$ln2.1, r);
                let mut sum = $terms[0];
                for &term in &$terms[1..] {
                    sum = sum.mul_add(r, term);
                }
                // The low bits of `shifted` hold n: put it into the exponent.
                let exponent = (shifted.to_bits() << $mantissa).wrapping_add($bias << $mantissa);
                sum * $type::from_bits(exponent as $bits)
            }
        }
    };
}

exponential!(
    f64,
    u64,
    EXP_F64,
    -708.0,
    709.0,
    6_755_399_441_055_744.0, // 1.5·2⁵²
    (0.693_147_180_369_123_8, 1.908_214_929_270_587_7e-10),
    52,
    1023_u64
);
exponential!(
    f32,
    u32,
    EXP_F32,
    -87.0,
    88.0,
    12_582_912.0, // 1.5·2²³
    (0.693_359_4_f32, -2.121_944_4e-4_f32),
    23,
    127_u32
);

#[cfg(test)]
mod tests {
    use super::Exponential;

    #[test]
    fn it_is_accurate() {
        for i in 0..20_000 {
            let x = f64::from(i) / 100.0 - 100.0;
            assert!((x.fast_exp() / x.exp() - 1.0).abs() < 1e-15, "{x}");
        }
        for i in 0..20_000 {
            let x = (i as f32 - 10_000.0) / 120.0;
            assert!((x.fast_exp() / x.exp() - 1.0).abs() < 4e-7, "{x}");
        }
        assert!(f64::NAN.fast_exp().is_nan());
    }
}
