//! Learning algorithms without trees: one folder a family, one file an algorithm.

pub mod linear_model;
