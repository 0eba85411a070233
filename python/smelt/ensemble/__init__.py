"""Ensembles: many trees that answer together."""

from typing import TYPE_CHECKING

from smelt._family import family

if TYPE_CHECKING:
    from smelt.ensemble.hist_gradient_boosting import (
        HistGradientBoostingClassifier,
        HistGradientBoostingRegressor,
    )

__getattr__, __dir__, __all__ = family(
    __name__,
    {
        "HistGradientBoostingClassifier": "hist_gradient_boosting",
        "HistGradientBoostingRegressor": "hist_gradient_boosting",
    },
)
