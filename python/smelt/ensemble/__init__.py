"""Ensembles: many trees that answer together."""

from typing import TYPE_CHECKING

from smelt._family import family

if TYPE_CHECKING:
    from smelt.ensemble.hist_gradient_boosting_classifier import HistGradientBoostingClassifier
    from smelt.ensemble.hist_gradient_boosting_regressor import HistGradientBoostingRegressor

__getattr__, __dir__, __all__ = family(
    __name__,
    {
        "HistGradientBoostingClassifier": "hist_gradient_boosting_classifier",
        "HistGradientBoostingRegressor": "hist_gradient_boosting_regressor",
    },
)
