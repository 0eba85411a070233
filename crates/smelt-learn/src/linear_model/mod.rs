//! Linear models: predictions are weighted sums of the features.

mod conjugate_gradient;
mod design;
mod linear_regression;
mod lsqr;
mod non_negative;
mod normal_equations;
mod ridge;

pub use linear_regression::{
    LinearRegressionFit, LinearRegressionParams, linear_regression_fit,
    linear_regression_fit_sparse,
};
pub use ridge::{RidgeFit, RidgeParams, RidgeSolver, ridge_fit, ridge_fit_sparse};
