"""Quantiles out of a forest: the training targets that share leaves with a row."""

from __future__ import annotations

from typing import Any
from warnings import warn

import numpy as np
from sklearn.utils.validation import check_is_fitted

from smelt._kernel import kernel
from smelt.tree._base_tree import by_row
from smelt.tree._nodes import Nodes, predicting


class QuantileForest:
    """A forest for regression that can keep the targets in its leaves."""

    # Declared for the type checker; the forest has them.
    keep_leaf_values: bool
    leaf_values_: dict[str, Any]
    nodes_: Nodes
    seeds_: np.ndarray
    n_outputs_: int
    n_jobs: int | None
    bootstrap: bool
    _sample_weight: Any
    _drawing: Any
    _validate_X_predict: Any

    def _keep_leaves(self, X: Any, y: np.ndarray) -> None:
        """Keep which rows lie in the leaves, if asked for; ``y`` is (n_samples, n_outputs)."""
        vars(self).pop("leaf_values_", None)
        if not self.keep_leaf_values:
            return
        order = np.argsort(y, axis=0, kind="stable")
        places = np.empty(y.shape, dtype=np.uint32)
        np.put_along_axis(places, order, np.arange(len(y), dtype=np.uint32)[:, None], axis=0)
        first = order[:, 0]
        weights = None
        if self._sample_weight is not None and not self.bootstrap:
            weights = np.ascontiguousarray(self._sample_weight, dtype=float)
        own = np.ascontiguousarray(places[:, 0])
        drawing = self._drawing()
        del drawing["balanced_subsample"]
        starts, kept = kernel("ensemble.quantile_forest_leaves", n_jobs=self.n_jobs)(
            by_row(X), predicting(self.nodes_), own, weights, random_states=self.seeds_, **drawing
        )
        self.leaf_values_ = {
            "starts": starts,
            "rows": kept,
            "targets": np.ascontiguousarray(np.take_along_axis(y, order, axis=0).T),
            "places": np.ascontiguousarray(places[first, 1:].T),
            "weights": None if weights is None else weights[first],
            "training": own,
        }

    def predict_quantiles(
        self, X: Any, quantiles: Any = (0.05, 0.5, 0.95), *, out_of_bag: bool = False
    ) -> np.ndarray:
        """Predict quantiles of the target instead of its mean.

        Each tree gives one part of the weight to the training rows in the leaf that a row reaches,
        shared by their weights; a row drawn twice counts twice.  The q-quantile is the smallest
        training target up to which the weights add up to q.  Needs ``keep_leaf_values=True``.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows, used as float32.
        quantiles : float or array-like of float, default=(0.05, 0.5, 0.95)
            Which quantiles, 0 to 1.
        out_of_bag : bool, default=False
            Whether ``X`` holds the rows of training in their order, and each is answered by the
            trees that it was not drawn for: NaN where there is none.

        Returns
        -------
        ndarray of shape (n_samples, n_quantiles)
            The quantiles.  A single number in ``quantiles`` takes the last axis away; several
            outputs give (n_samples, n_outputs, n_quantiles).

        Raises
        ------
        ValueError
            Without ``keep_leaf_values=True``, or for quantiles outside 0 to 1.

        References
        ----------
        Meinshausen, "Quantile regression forests", *JMLR* 7, 2006.
        """
        check_is_fitted(self, "nodes_")
        if "leaf_values_" not in vars(self):
            raise ValueError(
                f"this {type(self).__name__} did not keep the targets in its leaves; fit it with "
                "keep_leaf_values=True to predict quantiles"
            )
        wanted = np.atleast_1d(np.asarray(quantiles, dtype=np.float64))
        if wanted.ndim != 1 or not wanted.size or not ((wanted >= 0) & (wanted <= 1)).all():
            raise ValueError(f"quantiles must be numbers from 0 to 1, got {quantiles!r:.80}")
        X = self._validate_X_predict(X)
        places = self._training_places(X.shape[0]) if out_of_bag else None
        predict = kernel("ensemble.quantile_forest_predict", n_jobs=self.n_jobs)
        found = predict(
            by_row(X),
            predicting(self.nodes_),
            kernel_leaves(self.leaf_values_),
            np.ascontiguousarray(wanted),
            places,
        )
        if out_of_bag and np.isnan(found).any():
            warn(
                "Some rows were drawn for every tree and have no out-of-bag quantiles; grow more "
                "trees.",
                stacklevel=2,
            )
        found = found[:, 0] if self.n_outputs_ == 1 else found
        return found if np.ndim(quantiles) else found[..., 0]

    def _training_places(self, n_samples: int) -> np.ndarray:
        if not self.bootstrap:
            raise ValueError("out-of-bag quantiles need bootstrap=True: every tree saw every row")
        places: np.ndarray = self.leaf_values_["training"]
        if len(places) != n_samples:
            raise ValueError(
                f"out_of_bag=True wants the {len(places)} rows of training, got {n_samples}"
            )
        return places


def kernel_leaves(values: dict[str, Any]) -> tuple[Any, ...]:
    """Return what the kernel needs to know of the leaves."""
    return (
        values["starts"],
        values["rows"],
        values["targets"].reshape(-1),
        values["places"].reshape(-1),
        values["weights"],
        len(values["targets"]),
    )
