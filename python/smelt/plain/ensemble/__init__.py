"""Twins of the ensembles."""

from smelt.plain.ensemble.ada_boost import ada_boost_fit
from smelt.plain.ensemble.bagging import bagging_fit
from smelt.plain.ensemble.extra_trees import extra_trees_fit
from smelt.plain.ensemble.hist_gradient_boosting import (
    hist_gradient_boosting_baseline,
    hist_gradient_boosting_fit,
    hist_gradient_boosting_loss,
)
from smelt.plain.ensemble.hist_gradient_boosting_bins import (
    hist_gradient_boosting_bins,
    hist_gradient_boosting_borders,
)
from smelt.plain.ensemble.isolation_forest import (
    isolation_forest_fit,
    isolation_forest_fit_extended,
    isolation_forest_score,
    isolation_forest_score_extended,
)
from smelt.plain.ensemble.linear_leaves import linear_leaves_predict
from smelt.plain.ensemble.quantile_forest import quantile_forest_leaves, quantile_forest_predict
from smelt.plain.ensemble.random_forest import random_forest_fit, random_forest_out_of_bag
from smelt.plain.ensemble.random_trees_embedding import (
    random_trees_embedding_fit,
    random_trees_embedding_transform,
)
from smelt.plain.ensemble.tree_ensemble import tree_ensemble_predict

__all__ = [
    "ada_boost_fit",
    "bagging_fit",
    "extra_trees_fit",
    "hist_gradient_boosting_baseline",
    "hist_gradient_boosting_bins",
    "hist_gradient_boosting_borders",
    "hist_gradient_boosting_fit",
    "hist_gradient_boosting_loss",
    "isolation_forest_fit",
    "isolation_forest_fit_extended",
    "isolation_forest_score",
    "isolation_forest_score_extended",
    "linear_leaves_predict",
    "quantile_forest_leaves",
    "quantile_forest_predict",
    "random_forest_fit",
    "random_forest_out_of_bag",
    "random_trees_embedding_fit",
    "random_trees_embedding_transform",
    "tree_ensemble_predict",
]
