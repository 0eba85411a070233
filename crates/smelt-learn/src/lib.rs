//! Learning algorithms without trees: one folder a family, one file an algorithm.

#![allow(non_snake_case)] // X, as in the formulas

pub mod association;
pub mod cluster;
pub mod decomposition;
pub mod linear_model;
pub mod manifold;
pub mod metrics;
pub mod mixture;
pub mod naive_bayes;
pub mod neighbors;
pub mod random_projection;
