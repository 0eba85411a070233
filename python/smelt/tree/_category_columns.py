"""Categorical columns of decision trees and forests: encoded once, kept in the user's order."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.utils import assert_all_finite
from sklearn.utils.validation import check_is_fitted

from smelt.tree._categories import (
    LARGEST_CODE,
    Codes,
    categorical_mask,
    codes_as_they_are,
    encode,
    fit_encoder,
    known_sets,
)

MOST_CATEGORIES = LARGEST_CODE  # of a column; one code is for missing values
_FITTED = ("is_categorical_", "_encoder", "_known_categories")


class CategoryColumns:
    """A tree or a forest some columns of which may hold categories."""

    categorical_features: Any = None
    max_bins: int | None
    is_categorical_: np.ndarray | None
    _encoder: Any
    _known_categories: np.ndarray

    def _has_categories(self) -> bool:
        return vars(self).get("is_categorical_") is not None

    def _check_bins_of_drawn_thresholds(self) -> None:
        """Refuse what the kernel of drawn thresholds does not do: bins beside categories."""
        if self.max_bins is not None and self._has_categories():
            raise ValueError(
                f"max_bins={self.max_bins} goes with thresholds that are drawn only where no "
                "column holds categories: leave max_bins=None, or categorical_features=None."
            )

    def _encode_categories(self, X: Any, goes_on: bool = False) -> Any:
        """Return ``X`` with numbers for categories, and note these (again if it goes on)."""
        mask: Any = None
        if self.categorical_features is not None:
            if sp.issparse(X):
                raise ValueError("categorical_features needs dense X, got a sparse matrix")
            X = X if hasattr(X, "shape") else np.asarray(X)
            mask = categorical_mask(X, self.categorical_features)
        if goes_on:
            known: Any = vars(self).get("is_categorical_")
            if not np.array_equal(known, mask):
                raise ValueError("categorical_features cannot change with warm_start")
            return X if mask is None else self._only_known(X)
        for name in _FITTED:
            vars(self).pop(name, None)
        if mask is None:
            return X
        self.is_categorical_, self._encoder = mask, None
        codes = codes_as_they_are(X, mask, MOST_CATEGORIES)
        if codes is None:
            self._encoder, encoded, codes = fit_encoder(X, mask, MOST_CATEGORIES)
            columns = np.concatenate([np.flatnonzero(mask), np.flatnonzero(~mask)])
            codes, X = Codes(columns, codes.categories), self._in_order(encoded)
        self._known_categories = known_sets(codes, len(mask))
        return X

    def _note_names(self) -> None:
        """Take over the names of the columns that the encoder saw."""
        names = getattr(vars(self).get("_encoder"), "feature_names_in_", None)
        if names is not None:
            self.feature_names_in_ = names

    def _in_order(self, encoded: Any) -> np.ndarray:
        """Return the encoder's columns, categories first, in the order of the user's."""
        mask = self.is_categorical_
        assert mask is not None
        out = np.empty(encoded.shape, dtype=np.float32)
        out[:, np.concatenate([np.flatnonzero(mask), np.flatnonzero(~mask)])] = encoded
        return out

    def _only_known(self, X: Any) -> Any:
        if self._encoder is not None:
            return self._in_order(encode(self._encoder, X))
        X = np.array(X, dtype=np.float32)
        assert self.is_categorical_ is not None
        for column in np.flatnonzero(self.is_categorical_):
            known = [c for c in range(256) if self._known_categories[column, c // 32] >> c % 32 & 1]
            X[~np.isin(X[:, column], known), column] = np.nan
        return X

    def _arrange_categories(self, X: Any, allow_nan: bool) -> np.ndarray:
        """Return new rows as the trees look at them; categories not seen in fit are missing."""
        check_is_fitted(self, "nodes_")
        X = X if hasattr(X, "shape") else np.asarray(X)
        out = self._in_order(encode(self._encoder, X))
        assert self.is_categorical_ is not None
        numbers = out[:, ~self.is_categorical_]
        assert_all_finite(numbers, allow_nan=allow_nan, input_name="X")
        return out
