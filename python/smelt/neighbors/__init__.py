"""Nearest neighbours: what the rows next to a query say."""

from typing import TYPE_CHECKING

from smelt._family import family

if TYPE_CHECKING:
    from smelt.neighbors.binary_trees import BallTree, KDTree
    from smelt.neighbors.graphs import kneighbors_graph, radius_neighbors_graph
    from smelt.neighbors.k_neighbors import KNeighborsClassifier, KNeighborsRegressor
    from smelt.neighbors.local_outlier_factor import LocalOutlierFactor
    from smelt.neighbors.nearest_neighbors import NearestNeighbors
    from smelt.neighbors.radius_neighbors import (
        RadiusNeighborsClassifier,
        RadiusNeighborsRegressor,
    )

__getattr__, __dir__, __all__ = family(
    __name__,
    {
        "BallTree": "binary_trees",
        "KDTree": "binary_trees",
        "KNeighborsClassifier": "k_neighbors",
        "KNeighborsRegressor": "k_neighbors",
        "LocalOutlierFactor": "local_outlier_factor",
        "NearestNeighbors": "nearest_neighbors",
        "RadiusNeighborsClassifier": "radius_neighbors",
        "RadiusNeighborsRegressor": "radius_neighbors",
        "kneighbors_graph": "graphs",
        "radius_neighbors_graph": "graphs",
    },
)
