//! Dense linear algebra for `f32` and `f64`: one file an operation.
//!
//! Every operation takes views of any layout, returns row-major matrices, polls its
//! [`Control`](smelt_core::Control), and gives the same bits for any number of threads: work is cut
//! into pieces whose borders depend on the shape alone, each piece runs on one thread, and partial
//! sums are added in the order of the pieces.
//!
//! Signs that mathematics leaves open are fixed (each file says how), so that factors can be
//! compared between the kernel, its twin and runs on other machines.

pub mod blas;
mod cholesky;
mod column_means;
mod eigh;
mod gemm;
mod gram;
mod gram_pass;
mod gram_tile;
mod lstsq;
mod magnitude;
mod qr;
mod randomized_svd;
mod reflections;
mod solve;
mod svd;
mod syrk;
mod tall_qr;
#[cfg(test)]
mod test_data;
pub mod tiles;
mod trsm;

pub use cholesky::{Cholesky, cholesky};
pub use column_means::column_means;
pub use eigh::{Eigh, eigh};
pub use gemm::{gemm, gemm_into};
pub use gram::{Gram, gram, gram_of_rows, gram_single};
pub use lstsq::{Lstsq, lstsq};
pub use qr::{Qr, qr};
pub use randomized_svd::{RandomizedSvdParams, randomized_svd};
pub use solve::solve;
pub use svd::{Svd, svd, svd_right};
pub use syrk::syrk;
pub use trsm::{Diagonal, Triangle, trsm};

use smelt_core::Real;

/// The numbers linear algebra works on: `f32` and `f64`.
pub trait Scalar: Real + faer::traits::RealField {}

impl Scalar for f32 {}
impl Scalar for f64 {}

/// Nanoseconds one floating-point operation takes on one thread, for cost gates only.
const NS_PER_FLOP: f64 = 0.04;
