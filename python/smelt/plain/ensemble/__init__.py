"""Twins of the ensembles."""

from smelt.plain.ensemble.hist_gradient_boosting import (
    hist_gradient_boosting_baseline,
    hist_gradient_boosting_fit,
)
from smelt.plain.ensemble.hist_gradient_boosting_bins import (
    hist_gradient_boosting_bins,
    hist_gradient_boosting_borders,
)
from smelt.plain.ensemble.tree_ensemble import tree_ensemble_predict

__all__ = [
    "hist_gradient_boosting_baseline",
    "hist_gradient_boosting_bins",
    "hist_gradient_boosting_borders",
    "hist_gradient_boosting_fit",
    "tree_ensemble_predict",
]
