//! Naive Bayes: features are taken as independent within a class.

mod bernoulli_nb;
mod categorical_nb;
mod complement_nb;
mod counts;
mod gaussian_nb;
mod linear_scores;
mod multinomial_nb;
mod posterior;
mod samples;

pub use bernoulli_nb::{BernoulliNBParams, bernoulli_nb_fit, bernoulli_nb_predict};
pub use categorical_nb::{
    CategoricalNBFit, CategoricalNBParams, categorical_nb_fit, categorical_nb_predict,
};
pub use complement_nb::{ComplementNBParams, complement_nb_fit, complement_nb_predict};
pub use counts::{Before, DiscreteNBFit};
pub use gaussian_nb::{GaussianNBFit, GaussianNBParams, gaussian_nb_fit, gaussian_nb_predict};
pub use multinomial_nb::{MultinomialNBParams, multinomial_nb_fit, multinomial_nb_predict};
pub use posterior::{Answer, Output, Prediction};
pub use samples::Samples;
