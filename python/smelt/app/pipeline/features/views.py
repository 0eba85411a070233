"""Makes views and keeps those of the folds while they are in use."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from smelt.app.pipeline.features.graph import GraphBuilder
from smelt.app.pipeline.features.source import Source
from smelt.app.pipeline.features.view import View
from smelt.app.pipeline.features.view_linear import fit_linear_view
from smelt.app.pipeline.features.view_trees import fit_tree_view

FIT: dict[str, Callable[..., View]] = {
    "trees": fit_tree_view,
    "linear": fit_linear_view,
    "pieces": partial(fit_linear_view, pieces=True),
}

REUSED = "trees"  # by several candidates; of the others one fold is held at a time


def fit_view(
    kind: str,
    builder: GraphBuilder,
    source: Source,
    rows: np.ndarray,
    target: np.ndarray,
    n_outputs: int,
    seed: int,
) -> View:
    """Fit one view; its random parts depend on the seed and the rows' number alone."""
    rng = np.random.default_rng([seed, len(rows), len(kind)])
    return FIT[kind](builder, source, rows, target, n_outputs, rng)


class Views:
    """Views of the folds of one source; only one kind is held at a time."""

    def __init__(self, source: Source, n_outputs: int, seed: int) -> None:
        self._source = source
        self._n_outputs = n_outputs
        self._seed = seed
        self._kind = ""
        self._held: dict[int, tuple[View, Any]] = {}
        self._matrices: dict[str, Any] = {}
        self.widths: dict[str, int] = {}

    def forget(self) -> None:
        """Let go of what is held."""
        self._kind, self._held, self._matrices = "", {}, {}

    def fold(self, kind: str, fold: int, rows: np.ndarray, target: np.ndarray) -> tuple[View, Any]:
        """Return the view fitted on a fold's rows, and the features of all rows of the source.

        Folds with equal graphs, as where nothing depends on the rows, share one matrix.
        """
        if kind != self._kind:
            self.forget()
            self._kind = kind
        if fold not in self._held:
            if kind != REUSED:
                self._held, self._matrices = {}, {}
            builder = GraphBuilder()
            view = fit_view(
                kind, builder, self._source, rows, target, self._n_outputs, self._seed + fold
            )
            if view.n_features == 0:
                return view, np.empty((self._source.n_rows, 0))
            print_of_graph = builder.fingerprint()
            if print_of_graph not in self._matrices:
                (features,) = builder.run(self._source.raw, [view.output])
                self._matrices[print_of_graph] = features
            self._held[fold] = view, self._matrices[print_of_graph]
            self.widths[kind] = view.n_features
        return self._held[fold]
