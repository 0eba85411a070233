"""Neighbours as sparse graphs."""

from __future__ import annotations

from typing import Any

import sklearn.neighbors
from sklearn.neighbors._base import KNeighborsMixin, RadiusNeighborsMixin

from smelt.neighbors.nearest_neighbors import NearestNeighbors


def kneighbors_graph(
    X: Any,
    n_neighbors: int,
    *,
    mode: str = "connectivity",
    metric: Any = "minkowski",
    p: float = 2,
    metric_params: dict[str, Any] | None = None,
    include_self: bool | str = False,
    n_jobs: int | None = None,
) -> Any:
    """Return the graph from each row to its k nearest.

    Parameters
    ----------
    X : {array-like, sparse matrix} of shape (n_samples, n_features), or a fitted estimator
        The rows, or an estimator of this module that has been fitted to them.
    n_neighbors : int
        Neighbours of each row.
    mode : {"connectivity", "distance"}, default="connectivity"
        Whether edges weigh 1 or the distance.
    metric : str or callable, default="minkowski"
        The distance.
    p : float, default=2
        Power of "minkowski".
    metric_params : dict, default=None
        Further parameters of the metric.
    include_self : bool or "auto", default=False
        Whether a row counts as its own nearest; "auto" means for mode "connectivity" only.
    n_jobs : int, default=None
        Threads; None means those of :class:`smelt.config`.

    Returns
    -------
    CSR matrix of shape (n_samples, n_samples)
        Edge i, j where j is among the nearest of i.

    Examples
    --------
    >>> from smelt.neighbors import kneighbors_graph
    >>> kneighbors_graph([[0], [3], [1]], 1).toarray()
    array([[0., 0., 1.],
           [0., 0., 1.],
           [1., 0., 0.]])
    """
    options = {"metric": metric, "p": p, "metric_params": metric_params, "n_jobs": n_jobs}
    if not isinstance(X, KNeighborsMixin):
        X = NearestNeighbors(n_neighbors=n_neighbors, **options).fit(X)
    return sklearn.neighbors.kneighbors_graph(
        X, n_neighbors, mode=mode, include_self=include_self, **options
    )


def radius_neighbors_graph(
    X: Any,
    radius: float,
    *,
    mode: str = "connectivity",
    metric: Any = "minkowski",
    p: float = 2,
    metric_params: dict[str, Any] | None = None,
    include_self: bool | str = False,
    n_jobs: int | None = None,
) -> Any:
    """Return the graph from each row to all within a radius.

    Parameters
    ----------
    X : {array-like, sparse matrix} of shape (n_samples, n_features), or a fitted estimator
        The rows, or an estimator of this module that has been fitted to them.
    radius : float
        Largest distance, which still counts.
    mode : {"connectivity", "distance"}, default="connectivity"
        Whether edges weigh 1 or the distance.
    metric : str or callable, default="minkowski"
        The distance.
    p : float, default=2
        Power of "minkowski".
    metric_params : dict, default=None
        Further parameters of the metric.
    include_self : bool or "auto", default=False
        Whether a row counts as its own neighbour; "auto" means for mode "connectivity" only.
    n_jobs : int, default=None
        Threads; None means those of :class:`smelt.config`.

    Returns
    -------
    CSR matrix of shape (n_samples, n_samples)
        Edge i, j where j is within the radius of i.

    Examples
    --------
    >>> from smelt.neighbors import radius_neighbors_graph
    >>> radius_neighbors_graph([[0], [3], [1]], 1.5).toarray()
    array([[0., 0., 1.],
           [0., 0., 0.],
           [1., 0., 0.]])
    """
    options = {"metric": metric, "p": p, "metric_params": metric_params, "n_jobs": n_jobs}
    if not isinstance(X, RadiusNeighborsMixin):
        X = NearestNeighbors(radius=radius, **options).fit(X)
    return sklearn.neighbors.radius_neighbors_graph(
        X, radius, mode=mode, include_self=include_self, **options
    )
