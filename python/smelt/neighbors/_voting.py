"""What neighbours say, the same for the k nearest and for those within a radius.

``near`` is offsets, rows and weights (None: all the same) of the neighbours of each query;
``learner`` is the name of the kernels' algorithm.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from smelt._kernel import kernel


def class_votes(estimator: Any, near: tuple[Any, Any, Any], learner: str) -> list[Any]:
    """Return votes of shape (n_queries, n_classes), one array an output."""
    classes = estimator.classes_ if estimator.outputs_2d_ else [estimator.classes_]
    codes = np.ascontiguousarray(estimator._y.reshape(-1, len(classes)).T, dtype=np.int32)
    vote = kernel(f"neighbors.{learner}_vote", n_jobs=estimator.n_jobs)
    return [vote(*near, codes[output], len(known)) for output, known in enumerate(classes)]


def mean_targets(estimator: Any, near: tuple[Any, Any, Any], learner: str) -> Any:
    """Return the means of the neighbours' targets, in the shape of y; NaN where there are none."""
    y = np.ascontiguousarray(estimator._y, dtype=np.float64).reshape(len(estimator._y), -1)
    found = kernel(f"neighbors.{learner}_mean", n_jobs=estimator.n_jobs)(*near, y)
    if near[2] is None and estimator._y.dtype == np.float32:
        found = found.astype(np.float32)
    return found.ravel() if estimator._y.ndim == 1 else found
