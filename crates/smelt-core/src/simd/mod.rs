//! Run-time dispatch to the widest vector unit, and the vector primitives kernels share.
//!
//! [`vectorize`] compiles a loop for AVX-512, AVX2 + FMA and the baseline, and picks one when the
//! program runs.  Wrap whole chunks of work in it, not single rows.  Everything called inside must
//! be `#[inline(always)]`, else it is compiled for the baseline.

pub mod bytes;
pub mod eight;
mod exponential;
pub mod steps;
pub mod transpose;

use crate::real::Real;

pub use exponential::Exponential;

/// Runs `work` compiled for the widest vector unit of this machine.
///
/// Write `vectorize(#[inline(always)] || …)` unless the closure is tiny: it is called from one place
/// for each vector unit, so without the attribute the compiler may leave it a function of its own,
/// compiled for the baseline (and `mul_add` there is a library call, 30 times slower).
#[inline(always)]
pub fn vectorize<R>(work: impl FnOnce() -> R) -> R {
    struct Wide<F>(F);
    impl<R, F: FnOnce() -> R> pulp::NullaryFnOnce for Wide<F> {
        type Output = R;
        #[inline(always)]
        fn call(self) -> R {
            (self.0)()
        }
    }
    pulp::Arch::new().dispatch(Wide(work))
}

/// Asks for the cache lines of `values` ahead of their use, where the machine has a way to.
#[inline(always)]
#[allow(unsafe_code)]
pub fn prefetch<T>(values: &[T]) {
    #[cfg(target_arch = "x86_64")]
    for line in values.chunks((64 / size_of::<T>().max(1)).max(1)) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: the address lies within a slice, and a prefetch never faults; every x86-64 has it.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(line.as_ptr().cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = values;
}

/// Asks for the cache line of `value` to come to the second-level cache.
///
/// Unlike loads and [`prefetch`], of which a core has some two dozen under way at most, these do not
/// wait for each other: from far memory, twice as many lines a second.
#[inline(always)]
#[allow(unsafe_code)]
pub fn prefetch_far<T>(value: &T) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
        // SAFETY: a reference is a valid address, and a prefetch never faults; every x86-64 has it.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(std::ptr::from_ref(value).cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = value;
}

/// Number of partial sums in a reduction: enough to fill two AVX-512 or four AVX2 registers.
const LANES: usize = 16;

/// Sum of the lanes, pairwise, so that the order is fixed.
#[inline(always)]
fn reduce<T: Real>(mut lanes: [T; LANES]) -> T {
    let mut half = LANES / 2;
    while half > 0 {
        for i in 0..half {
            lanes[i] += lanes[i + half];
        }
        half /= 2;
    }
    lanes[0]
}

/// x · y.  Call within [`vectorize`].
#[inline(always)]
pub fn dot<T: Real>(x: &[T], y: &[T]) -> T {
    let mut lanes = [T::ZERO; LANES];
    let (x_blocks, x_rest) = x.as_chunks::<LANES>();
    let (y_blocks, y_rest) = y.as_chunks::<LANES>();
    for (a, b) in x_blocks.iter().zip(y_blocks) {
        for l in 0..LANES {
            lanes[l] = a[l].mul_add(b[l], lanes[l]);
        }
    }
    let mut total = reduce(lanes);
    for (&a, &b) in x_rest.iter().zip(y_rest) {
        total = a.mul_add(b, total);
    }
    total
}

/// y ← a·x + y.  Call within [`vectorize`].
#[inline(always)]
pub fn axpy<T: Real>(a: T, x: &[T], y: &mut [T]) {
    for (out, &value) in y.iter_mut().zip(x) {
        *out = a.mul_add(value, *out);
    }
}

/// Σ x.  Call within [`vectorize`].
#[inline(always)]
pub fn sum<T: Real>(x: &[T]) -> T {
    let mut lanes = [T::ZERO; LANES];
    let (blocks, rest) = x.as_chunks::<LANES>();
    for block in blocks {
        for l in 0..LANES {
            lanes[l] += block[l];
        }
    }
    rest.iter().fold(reduce(lanes), |total, &value| total + value)
}

/// ‖x − y‖².  Call within [`vectorize`].
#[inline(always)]
pub fn sq_dist<T: Real>(x: &[T], y: &[T]) -> T {
    let mut lanes = [T::ZERO; LANES];
    let (x_blocks, x_rest) = x.as_chunks::<LANES>();
    let (y_blocks, y_rest) = y.as_chunks::<LANES>();
    for (a, b) in x_blocks.iter().zip(y_blocks) {
        for l in 0..LANES {
            let difference = a[l] - b[l];
            lanes[l] = difference.mul_add(difference, lanes[l]);
        }
    }
    let mut total = reduce(lanes);
    for (&a, &b) in x_rest.iter().zip(y_rest) {
        total = (a - b).mul_add(a - b, total);
    }
    total
}

#[cfg(test)]
mod tests {
    use super::{axpy, dot, sq_dist, sum, vectorize};

    #[test]
    fn primitives_agree_with_plain_loops() {
        for n in [0, 1, 15, 16, 17, 100] {
            let x: Vec<f64> = (0..n).map(|i| (i as f64).sin()).collect();
            let y: Vec<f64> = (0..n).map(|i| (i as f64).cos()).collect();
            let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-12, "{a} {b}");
            close(vectorize(|| dot(&x, &y)), x.iter().zip(&y).map(|(a, b)| a * b).sum());
            close(vectorize(|| sum(&x)), x.iter().sum());
            close(
                vectorize(|| sq_dist(&x, &y)),
                x.iter().zip(&y).map(|(a, b)| (a - b) * (a - b)).sum(),
            );
            let mut out = y.clone();
            vectorize(|| axpy(2.0, &x, &mut out));
            assert!(
                out.iter()
                    .zip(x.iter().zip(&y))
                    .all(|(o, (a, b))| (o - (2.0 * a + b)).abs() < 1e-12)
            );
        }
    }
}
