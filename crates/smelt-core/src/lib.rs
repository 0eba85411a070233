//! Ground floor of smelt: what every kernel stands on.
//!
//! Nothing here knows Python, and nothing here is an algorithm.  A kernel is a function from views
//! and a parameter struct to owned arrays; it polls a [`Control`] and runs its loops through
//! [`parallel`] and [`simd`].

pub mod choose;
pub mod control;
pub mod error;
pub mod lanes;
pub mod matrix;
pub mod mersenne_twister;
pub mod parallel;
pub mod real;
pub mod rng;
pub mod simd;
pub mod sparse;

pub use control::Control;
pub use error::{Error, Result};
pub use matrix::{Mat, MatMut, MatRef};
pub use mersenne_twister::MersenneTwister;
pub use real::Real;
pub use rng::Pcg64;
pub use sparse::{CscRef, CsrRef};
