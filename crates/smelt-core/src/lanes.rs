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
    /// What a comparison of registers gives.
    type Mask<S: Simd>: Copy;
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
    /// a < b, lane by lane.
    fn less<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Mask<S>;
    /// Whether a < b in any lane.
    fn any_less<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> bool;
    /// `a` where the mask is set, else `b`.
    fn select<S: Simd>(
        simd: S,
        mask: Self::Mask<S>,
        a: Self::Vector<S>,
        b: Self::Vector<S>,
    ) -> Self::Vector<S>;
    /// The smaller of two numbers, lane by lane.
    fn smaller<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S>;
    /// The larger of two numbers, lane by lane.
    fn larger<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S>;
    /// Square roots, lane by lane.
    fn root<S: Simd>(simd: S, vector: Self::Vector<S>) -> Self::Vector<S>;
    /// The smallest of the lanes.
    fn min_lanes<S: Simd>(simd: S, vector: Self::Vector<S>) -> Self;
    /// Sum of the lanes.
    fn sum_lanes<S: Simd>(simd: S, vector: Self::Vector<S>) -> Self;
    /// A slice as vectors, and the numbers left over.
    fn vectors<S: Simd>(values: &[Self]) -> (&[Self::Vector<S>], &[Self]);
    /// A slice as vectors to write to, and the numbers left over.
    fn vectors_mut<S: Simd>(values: &mut [Self]) -> (&mut [Self::Vector<S>], &mut [Self]);
    /// The numbers in vectors.
    fn numbers<S: Simd>(vectors: &[Self::Vector<S>]) -> &[Self];
}

macro_rules! lanes {
    ($type:ident, $vector:ident, $mask:ident, $width:ident, $splat:ident, $fused:ident, $sum:ident,
     $vectors:ident, $vectors_mut:ident, $less:ident, $select:ident, $min:ident,
     $max:ident, $sqrt:ident, $reduce_min:ident) => {
        impl Lanes for $type {
            type Vector<S: Simd> = S::$vector;
            type Mask<S: Simd> = S::$mask;
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
            fn less<S: Simd>(simd: S, a: S::$vector, b: S::$vector) -> S::$mask {
                simd.$less(a, b)
            }
            #[inline(always)]
            fn any_less<S: Simd>(simd: S, a: S::$vector, b: S::$vector) -> bool {
                let (set, clear) = (simd.$splat(-1.0), simd.$splat(0.0));
                simd.$reduce_min(simd.$select(simd.$less(a, b), set, clear)) < 0.0
            }
            #[inline(always)]
            fn select<S: Simd>(
                simd: S,
                mask: S::$mask,
                a: S::$vector,
                b: S::$vector,
            ) -> S::$vector {
                simd.$select(mask, a, b)
            }
            #[inline(always)]
            fn smaller<S: Simd>(simd: S, a: S::$vector, b: S::$vector) -> S::$vector {
                simd.$min(a, b)
            }
            #[inline(always)]
            fn larger<S: Simd>(simd: S, a: S::$vector, b: S::$vector) -> S::$vector {
                simd.$max(a, b)
            }
            #[inline(always)]
            fn root<S: Simd>(simd: S, vector: S::$vector) -> S::$vector {
                simd.$sqrt(vector)
            }
            #[inline(always)]
            fn min_lanes<S: Simd>(simd: S, vector: S::$vector) -> Self {
                simd.$reduce_min(vector)
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
            fn vectors_mut<S: Simd>(values: &mut [Self]) -> (&mut [S::$vector], &mut [Self]) {
                S::$vectors_mut(values)
            }
            #[inline(always)]
            fn numbers<S: Simd>(vectors: &[S::$vector]) -> &[Self] {
                bytemuck::cast_slice(vectors)
            }
        }
    };
}

lanes!(
    f64,
    f64s,
    m64s,
    F64_LANES,
    splat_f64s,
    mul_add_e_f64s,
    reduce_sum_f64s,
    as_simd_f64s,
    as_mut_simd_f64s,
    less_than_f64s,
    select_f64s,
    min_f64s,
    max_f64s,
    sqrt_f64s,
    reduce_min_f64s
);
lanes!(
    f32,
    f32s,
    m32s,
    F32_LANES,
    splat_f32s,
    mul_add_e_f32s,
    reduce_sum_f32s,
    as_simd_f32s,
    as_mut_simd_f32s,
    less_than_f32s,
    select_f32s,
    min_f32s,
    max_f32s,
    sqrt_f32s,
    reduce_min_f32s
);

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

    struct Compare<'a, T>(&'a mut [T], &'a [T]);

    impl<T: Lanes> WithSimd for Compare<'_, T> {
        type Output = (Vec<T>, bool);
        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) -> Self::Output {
            let mut any = false;
            let mut least = Vec::new();
            let (a, b) = (T::vectors_mut::<S>(self.0).0, T::vectors::<S>(self.1).0);
            for (a, &b) in a.iter_mut().zip(b) {
                let (low, high) = (T::smaller(simd, *a, b), T::larger(simd, *a, b));
                let (low, high) = (T::root(simd, low), T::root(simd, high));
                any |= T::any_less(simd, *a, b);
                least.extend((0..T::width::<S>()).map(|_| T::min_lanes(simd, low)));
                *a = T::select(simd, T::less(simd, *a, b), low, high);
            }
            (least, any)
        }
    }

    #[test]
    fn vectors_compare() {
        let b = [4.0_f64; 16];
        let mut a: Vec<f64> = (0..16).map(f64::from).collect();
        let (least, any) = dispatch(Compare(&mut a, &b));
        assert!(any && least[0] == 0.0 && least[15] == 2.0);
        assert_eq!(a, (0..16).map(|i| f64::from(i).sqrt()).collect::<Vec<f64>>());
        let mut a = [5.0_f32, 4.0].repeat(8);
        assert!(!dispatch(Compare(&mut a, &[4.0; 16])).1);
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
