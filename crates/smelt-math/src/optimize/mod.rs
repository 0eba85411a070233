//! Minimisation of smooth functions.

mod lbfgs;

pub use lbfgs::{LbfgsFit, LbfgsParams, Objective, lbfgs};
