//! Mixtures of distributions.

mod gaussian_mixture;
mod gaussian_mixture_moments;
mod gaussian_mixture_predict;
mod gaussian_mixture_scores;

pub use gaussian_mixture::{
    CovarianceType, GaussianMixtureFit, GaussianMixtureParams, Mixture, Responsibilities,
    gaussian_mixture_fit_start, gaussian_mixture_fit_step,
};
pub use gaussian_mixture_predict::{MixtureAnswer, MixtureOutput, gaussian_mixture_predict};
