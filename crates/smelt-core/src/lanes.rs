//! Explicit vectors, for inner loops whose sums must stay in registers.
//!
//! Plain loops under [`crate::simd::vectorize`] are for everything else.  A kernel is a struct that
//! implements [`WithSimd`]; [`dispatch`] runs it with the widest vector unit of this machine.  All
//! it calls must be `#[inline(always)]`.

use pulp::bytemuck;
pub use pulp::{Simd, WithSimd};

use crate::real::Real;

/// Runs a kernel with the widest vector unit of this machine.
#[inline]
pub fn dispatch<K: WithSimd>(kernel: K) -> K::Output {
    pulp::Arch::new().dispatch(kernel)
}

/// A number that comes in vectors: `f32` and `f64`.
pub trait Lanes: Real {
    /// A register full of numbers.
    type Vector<S: Simd>: Copy;
    /// Numbers in a register.
    fn width<S: Simd>() -> usize;
    /// The same number in every lane.
    fn splat<S: Simd>(simd: S, value: Self) -> Self::Vector<S>;
    /// `a * b + c`
    fn fused<S: Simd>(
        simd: S,
        a: Self::Vector<S>,
        b: Self::Vector<S>,
        c: Self::Vector<S>,
    ) -> Self::Vector<S>;
    /// Sum of the lanes.
    fn sum_lanes<S: Simd>(simd: S, vector: Self::Vector<S>) -> Self;
    /// A slice as vectors, and the numbers left over.
    fn vectors<S: Simd>(values: &[Self]) -> (&[Self::Vector<S>], &[Self]);
    /// The numbers in vectors.
    fn numbers<S: Simd>(vectors: &[Self::Vector<S>]) -> &[Self];
}

macro_rules! lanes {
    ($type:ident, $vector:ident, $width:ident, $splat:ident, $fused:ident, $sum:ident, $vectors:ident) => {
        impl Lanes for $type {
            type Vector<S: Simd> = S::$vector;
            #[inline(always)]
            fn width<S: Simd>() -> usize {
                S::$width
            }
            #[inline(always)]
            fn splat<S: Simd>(simd: S, value: Self) -> S::$vector {
                simd.$splat(value)
            }
            #[inline(always)]
            fn fused<S: Simd>(simd: S, a: S::$vector, b: S::$vector, c: S::$vector) -> S::$vector {
                simd.$fused(a, b, c)
            }
            #[inline(always)]
            fn sum_lanes<S: Simd>(simd: S, vector: S::$vector) -> Self {
                simd.$sum(vector)
            }
            #[inline(always)]
            fn vectors<S: Simd>(values: &[Self]) -> (&[S::$vector], &[Self]) {
                S::$vectors(values)
            }
            #[inline(always)]
            fn numbers<S: Simd>(vectors: &[S::$vector]) -> &[Self] {
                bytemuck::cast_slice(vectors)
            }
        }
    };
}

lanes!(f64, f64s, F64_LANES, splat_f64s, mul_add_e_f64s, reduce_sum_f64s, as_simd_f64s);
lanes!(f32, f32s, F32_LANES, splat_f32s, mul_add_e_f32s, reduce_sum_f32s, as_simd_f32s);

#[cfg(test)]
mod tests {
    use super::{Lanes, Simd, WithSimd, dispatch};

    struct Dot<'a, T>(&'a [T], &'a [T]);

    impl<T: Lanes> WithSimd for Dot<'_, T> {
        type Output = T;
        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) -> T {
            let ((a, a_rest), (b, b_rest)) = (T::vectors::<S>(self.0), T::vectors::<S>(self.1));
            assert_eq!(T::numbers::<S>(a).len(), a.len() * T::width::<S>());
            let mut sums = T::splat(simd, T::ZERO);
            for (&a, &b) in a.iter().zip(b) {
                sums = T::fused(simd, a, b, sums);
            }
            let rest: T = a_rest.iter().zip(b_rest).map(|(&a, &b)| a * b).sum();
            T::sum_lanes(simd, sums) + rest
        }
    }

    #[test]
    fn vectors_add_up() {
        for n in [0, 1, 7, 8, 21] {
            let x: Vec<f64> = (0..n).map(|i| f64::from(i) + 0.5).collect();
            let expected: f64 = x.iter().map(|x| x * x).sum();
            assert_eq!(dispatch(Dot(&x, &x)), expected);
            let x: Vec<f32> = x.iter().map(|&x| x as f32).collect();
            assert_eq!(dispatch(Dot(&x, &x)), expected as f32);
        }
    }
}
