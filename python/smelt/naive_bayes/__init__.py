"""Naive Bayes: features are taken as independent within a class."""

from typing import TYPE_CHECKING

from smelt._family import family

if TYPE_CHECKING:
    from smelt.naive_bayes.bernoulli_nb import BernoulliNB as BernoulliNB
    from smelt.naive_bayes.categorical_nb import CategoricalNB as CategoricalNB
    from smelt.naive_bayes.complement_nb import ComplementNB as ComplementNB
    from smelt.naive_bayes.gaussian_nb import GaussianNB as GaussianNB
    from smelt.naive_bayes.multinomial_nb import MultinomialNB as MultinomialNB

__getattr__, __dir__, __all__ = family(
    __name__,
    {
        "BernoulliNB": "bernoulli_nb",
        "CategoricalNB": "categorical_nb",
        "ComplementNB": "complement_nb",
        "GaussianNB": "gaussian_nb",
        "MultinomialNB": "multinomial_nb",
    },
)
