"""A view: the features of one model family, fitted on some rows, at the end of a graph."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import scipy.sparse as sp

from smelt.app.pipeline.features.source import Source


@dataclass
class View:
    """What a family's models see.

    Attributes
    ----------
    output : str
        The node that yields the features.
    n_features : int
    categorical : list of int
        Features that are category codes.
    own : array of shape (n_rows_fitted, m) or None
        Out-of-fold values of the first m features for the rows the view was fitted on.
    """

    output: str
    n_features: int
    categorical: list[int] = field(default_factory=list)
    own: np.ndarray | None = None

    def training(self, features: Any, rows: np.ndarray) -> Any:
        """Return the features of the rows the view was fitted on, safe to fit a model on.

        Where these are all rows there are, the features are changed in place.
        """
        own = features if len(rows) == features.shape[0] else features[rows]
        if self.own is None:
            return own
        width = self.own.shape[1]
        if sp.issparse(own):
            return sp.hstack([sp.csr_matrix(self.own), own[:, width:]], format="csr")
        own[:, :width] = self.own
        return own


@dataclass(frozen=True)
class Categories:
    """The categories of a column that get a code of their own, and the codes of the rows."""

    names: list[str]
    slots: np.ndarray  # 0..size-1, size for the others, size + 1 for missing
    cut: bool  # whether some of the rows' categories are among the others

    @property
    def size(self) -> int:
        """Number of categories with a code."""
        return len(self.names)


def frequent(source: Source, name: str, rows: np.ndarray, *, fewest: int, most: int) -> Categories:
    """Choose the categories of ``rows`` that occur ``fewest`` times, at most ``most`` of them."""
    codes, names = source.codes[name][rows], source.categories[name]
    missing, total = codes < 0, len(names)
    counts = np.bincount(codes[~missing], minlength=total + 1)[:total]
    order = np.lexsort((np.arange(total), -counts))
    kept = order[counts[order] >= max(fewest, 1)][:most]
    position = np.full(total + 2, len(kept))
    position[kept] = np.arange(len(kept))
    position[-1] = len(kept) + 1  # codes of -1 read the last entry
    slots = position[codes]
    cut = bool((slots == len(kept)).any())
    return Categories([names[code] for code in kept], slots, cut)
