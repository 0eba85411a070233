"""Twins of naive Bayes."""

from smelt.plain.naive_bayes.bernoulli_nb import bernoulli_nb_fit, bernoulli_nb_predict
from smelt.plain.naive_bayes.categorical_nb import categorical_nb_fit, categorical_nb_predict
from smelt.plain.naive_bayes.complement_nb import complement_nb_fit, complement_nb_predict
from smelt.plain.naive_bayes.gaussian_nb import gaussian_nb_fit, gaussian_nb_predict
from smelt.plain.naive_bayes.multinomial_nb import multinomial_nb_fit, multinomial_nb_predict

__all__ = [
    "bernoulli_nb_fit",
    "bernoulli_nb_predict",
    "categorical_nb_fit",
    "categorical_nb_predict",
    "complement_nb_fit",
    "complement_nb_predict",
    "gaussian_nb_fit",
    "gaussian_nb_predict",
    "multinomial_nb_fit",
    "multinomial_nb_predict",
]
