"""Building and asking the packed trees, for estimators and for :class:`KDTree` alike."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from smelt._kernel import kernel

_NAMES = {
    "euclidean": "euclidean",
    "l2": "euclidean",
    "manhattan": "manhattan",
    "cityblock": "manhattan",
    "l1": "manhattan",
    "chebyshev": "chebyshev",
    "infinity": "chebyshev",
}


def tree_metric(metric: Any, params: dict[str, Any]) -> tuple[str, float] | None:
    """Return the kernel's name of a metric and its power, or None where it has no such metric."""
    if not isinstance(metric, str):
        return None
    if metric in _NAMES:
        return (_NAMES[metric], 2.0) if not params else None
    if metric not in ("minkowski", "p") or set(params) - {"p", "w"} or params.get("w") is not None:
        return None
    p = params.get("p", 2)
    if p == np.inf:
        return "chebyshev", 2.0
    if not 1 <= p < np.inf:
        return None
    return {1: "manhattan", 2: "euclidean"}.get(p, "minkowski"), float(p)


def build_tree(
    X: Any, algorithm: str, metric: tuple[str, float], leaf_size: int, n_jobs: int | None = None
) -> dict[str, Any]:
    """Build a tree over the rows of a float array."""
    name, p = metric
    fit = kernel("neighbors.nearest_neighbors_fit", n_jobs=n_jobs)
    return fit(as_doubles(X), algorithm=algorithm, metric=name, p=p, leaf_size=int(leaf_size))  # type: ignore[no-any-return]


def query_tree(
    tree: dict[str, Any], X: Any, k: int, *, own: bool = False, n_jobs: int | None = None
) -> tuple[Any, Any]:
    """Return distances and rows of the k nearest."""
    return kernel("neighbors.nearest_neighbors_query", n_jobs=n_jobs)(
        tree, as_doubles(X), int(k), own
    )  # type: ignore[no-any-return]


def query_rows(
    rows: Any,
    X: Any,
    k: int,
    metric: tuple[str, float] = ("euclidean", 2.0),
    *,
    own: bool = False,
    n_jobs: int | None = None,
) -> tuple[Any, Any]:
    """Return distances and rows of the k nearest, by looking at all rows."""
    name, p = metric
    brute = kernel("neighbors.nearest_neighbors_brute", n_jobs=n_jobs)
    return brute(as_doubles(rows), as_doubles(X), int(k), own, metric=name, p=p)  # type: ignore[no-any-return]


def unit_rows(X: Any) -> Any:
    """Return the rows scaled to length 1, None where a length is 0 or leaves the range of numbers.

    Half the squared euclidean distance of two such rows is their cosine distance.
    """
    X = as_doubles(X)
    squares = np.einsum("ij,ij->i", X, X)
    if not ((squares > 1e-280) & (squares < 1e280)).all():
        return None
    return X / np.sqrt(squares)[:, None]


def count_tree(tree: dict[str, Any], X: Any, radius: Any, n_jobs: int | None = None) -> Any:
    """Return the number of rows within a radius."""
    radius = _radius(radius)
    return kernel("neighbors.nearest_neighbors_count", n_jobs=n_jobs)(tree, as_doubles(X), radius)


def within_tree(
    tree: dict[str, Any],
    X: Any,
    radius: Any,
    *,
    own: bool = False,
    by_distance: bool = False,
    n_jobs: int | None = None,
) -> tuple[Any, Any, Any]:
    """Return offsets, rows and distances of all rows within a radius."""
    within = kernel("neighbors.nearest_neighbors_within", n_jobs=n_jobs)
    return within(tree, as_doubles(X), _radius(radius), own, by_distance, free_memory())  # type: ignore[no-any-return]


def _radius(radius: Any) -> Any:
    if np.ndim(radius) == 0:
        return float(radius)
    return np.ascontiguousarray(radius, dtype=np.float64)


GRAPH_METRICS = ("euclidean", "sqeuclidean", "cosine")


def graph_metric(metric: Any, params: dict[str, Any]) -> str:
    """Return the kernel's name of a metric that graphs of near rows go by."""
    name = "euclidean" if metric == "l2" else metric
    if not isinstance(name, str) or name not in GRAPH_METRICS or params:
        raise ValueError(
            f"Metric {metric!r} with parameters {params} not valid for algorithm 'hnsw'; use one "
            f"of {', '.join(map(repr, GRAPH_METRICS))}, or algorithm='brute'."
        )
    return name


def build_graph(estimator: Any, X: Any, metric: str) -> dict[str, Any]:
    """Build a graph of near rows; X is float32 or float64."""
    M, (n, d) = int(estimator.M), X.shape
    free, bytes_ = free_memory(), n * (4 * (d + 8) + 16 * M + 24)
    if free is not None and bytes_ > free:
        raise ValueError(
            f"the graph of {n} rows needs {bytes_ / 1e9:.1f} GB, {free / 1e9:.1f} GB are free; ask "
            "for a smaller M, or give fewer rows"
        )
    draw = check_random_state(estimator.random_state)
    order = draw.permutation(n).astype(np.uint32)
    heights = -np.log(1 - draw.random_sample(n)) / np.log(M)
    levels = np.minimum(heights, 31).astype(np.uint8)
    fit = kernel("neighbors.hnsw_fit", n_jobs=estimator.n_jobs)
    ef = int(estimator.ef_construction)
    return fit(X, order, levels, metric=metric, M=M, ef_construction=ef)  # type: ignore[no-any-return]


def query_graph(
    graph: dict[str, Any], rows: Any, X: Any, k: int, ef: int, n_jobs: int | None = None
) -> tuple[Any, Any]:
    """Return distances and rows of the k nearest that a walk finds; X of None: of all rows."""
    query = kernel("neighbors.hnsw_query", n_jobs=n_jobs)
    return query(graph, rows, None if X is None else as_doubles(X), int(k), int(ef))  # type: ignore[no-any-return]


def as_lists(starts: Any, *flat: Any) -> tuple[Any, ...]:
    """Return arrays of objects, one array a query."""
    out = []
    ends = starts.tolist()
    for values in flat:
        lists = np.empty(len(ends) - 1, dtype=object)
        for i in range(len(lists)):
            lists[i] = values[ends[i] : ends[i + 1]]
        out.append(lists)
    return tuple(out)


def free_memory() -> int | None:
    """Return the bytes that can still be had, where the system tells."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    for line in lines:
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return None


def as_doubles(X: Any) -> Any:
    """Return the array as the kernels take it: float64 in C order."""
    return np.ascontiguousarray(X, dtype=np.float64)
