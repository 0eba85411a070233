//! Learning algorithms without trees: one folder a family, one file an algorithm.
