//! Linear models: predictions are weighted sums of the features.

mod conjugate_gradient;
mod design;
mod linear_regression;
mod logistic_regression;
mod logistic_regression_dense;
mod logistic_regression_gram;
mod logistic_regression_hessian;
mod logistic_regression_lbfgs;
mod logistic_regression_loss;
mod logistic_regression_newton;
mod logistic_regression_precondition;
mod logistic_regression_products;
mod logistic_regression_sparse;
mod lsqr;
mod non_negative;
mod normal_equations;
mod ridge;

pub use linear_regression::{
    LinearRegressionFit, LinearRegressionParams, linear_regression_fit,
    linear_regression_fit_sparse,
};
pub use logistic_regression::{
    LogisticRegressionFit, LogisticRegressionParams, Method, logistic_regression_fit,
    logistic_regression_fit_sparse,
};
pub use ridge::{RidgeFit, RidgeParams, RidgeSolver, ridge_fit, ridge_fit_sparse};
