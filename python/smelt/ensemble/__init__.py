"""Ensembles: many trees that answer together."""

from typing import TYPE_CHECKING

from smelt._family import family

if TYPE_CHECKING:
    from smelt.ensemble.ada_boost import AdaBoostClassifier, AdaBoostRegressor
    from smelt.ensemble.bagging import BaggingClassifier, BaggingRegressor
    from smelt.ensemble.extra_trees import ExtraTreesClassifier, ExtraTreesRegressor
    from smelt.ensemble.hist_gradient_boosting_classifier import HistGradientBoostingClassifier
    from smelt.ensemble.hist_gradient_boosting_ranker import HistGradientBoostingRanker
    from smelt.ensemble.hist_gradient_boosting_regressor import HistGradientBoostingRegressor
    from smelt.ensemble.isolation_forest import IsolationForest
    from smelt.ensemble.random_forest import RandomForestClassifier, RandomForestRegressor
    from smelt.ensemble.random_trees_embedding import RandomTreesEmbedding

__getattr__, __dir__, __all__ = family(
    __name__,
    {
        "AdaBoostClassifier": "ada_boost",
        "AdaBoostRegressor": "ada_boost",
        "BaggingClassifier": "bagging",
        "BaggingRegressor": "bagging",
        "ExtraTreesClassifier": "extra_trees",
        "ExtraTreesRegressor": "extra_trees",
        "HistGradientBoostingClassifier": "hist_gradient_boosting_classifier",
        "HistGradientBoostingRanker": "hist_gradient_boosting_ranker",
        "HistGradientBoostingRegressor": "hist_gradient_boosting_regressor",
        "IsolationForest": "isolation_forest",
        "RandomForestClassifier": "random_forest",
        "RandomForestRegressor": "random_forest",
        "RandomTreesEmbedding": "random_trees_embedding",
    },
)
