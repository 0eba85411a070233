"""Boosted trees of smelt on their way to another library.

Features are columns of the data that the model was fitted on, and the start values lie in the
leaves of the first iteration, so that the sum of the trees is the raw prediction.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from smelt.errors import UsageError

LARGEST_CODE = (1 << 20) - 1


@dataclass(frozen=True)
class Tree:
    """One tree: arrays over its nodes, of which the first is the root."""

    feature: np.ndarray
    threshold: np.ndarray
    left: np.ndarray  #: 0 in leaves
    right: np.ndarray
    value: np.ndarray
    missing_left: np.ndarray
    is_categorical: np.ndarray
    goes_left: np.ndarray  #: (n_nodes, 256) bool, categories; None without categorical splits
    known: np.ndarray  #: the same, categories seen in training
    count: np.ndarray
    gain: np.ndarray
    linear: dict[int, tuple[float, np.ndarray, np.ndarray]] | None
    #: by leaf: start value, columns, coefficients

    def arranged(self, order: np.ndarray, left: np.ndarray, right: np.ndarray) -> Tree:
        """Return the nodes in another order, with children that fit it; without linear leaves."""
        parts = {
            name: values[order] if len(values) else values
            for name, values in vars(self).items()
            if name not in ("left", "right", "linear")
        }
        return Tree(left=left, right=right, linear=None, **parts)


@dataclass(frozen=True)
class Model:
    """What another library has to know of a model."""

    estimator: Any
    n_outputs: int
    n_features: int
    names: list[str] | None
    is_categorical: np.ndarray
    categories: list[np.ndarray] | None  #: of the categorical columns of a data frame
    values: dict[int, np.ndarray] | None  #: by column: values of the categories smelt has encoded

    def codes(self, column: int, chosen: np.ndarray) -> np.ndarray:
        """Return the codes, as rows for the other library hold them, of a mask of categories."""
        found = np.flatnonzero(chosen)
        if self.values is None:
            return found
        values = self.values[column]
        found = found[found < len(values)]
        return found if self.categories is not None else values[found].astype(np.int64)

    def trees(self) -> Iterator[Tree]:
        """Yield the trees, iteration by iteration and in an iteration output by output."""
        return _trees(self)


def departing(model: Any, library: str) -> Model:
    """Look over a model that is to be written for ``library``."""
    from sklearn.utils.validation import check_is_fitted

    from smelt.ensemble._base_boosting import BaseHistGradientBoosting

    if not isinstance(model, BaseHistGradientBoosting):
        raise TypeError(
            f"only smelt's HistGradientBoostingClassifier, -Regressor and -Ranker can be written "
            f"for {library}, not {type(model).__name__}"
        )
    check_is_fitted(model, "trees_")
    if getattr(model, "_target_statistics", None) is not None:
        raise UsageError(
            f"{library} has no place for target statistics of categories",
            hint="fit with high_cardinality='error', or put numbers for those categories yourself",
        )
    if len(getattr(model, "classes_", (0, 1))) < 2:
        raise UsageError(f"{library} knows no classifier with a single class")
    n_features = int(model.n_features_in_)
    mask = getattr(model, "is_categorical_", None)
    mask = np.zeros(n_features, dtype=bool) if mask is None else np.asarray(mask, dtype=bool)
    categories = values = None
    if getattr(model, "_encoder", None) is not None:
        found = model._encoder.named_transformers_["encoder"].categories_
        categories = [_without_missing(known) for known in found]
        values = dict(zip(np.flatnonzero(mask).tolist(), categories, strict=True))
        of_frame = isinstance(model.categorical_features, str)  # by the dtypes of its columns
        if not of_frame and all(_are_codes(known) for known in categories):
            categories = None
        elif not hasattr(model, "feature_names_in_"):
            raise UsageError(
                f"rows of an array are codes for {library}: its categories must be whole numbers "
                f"from 0 to {LARGEST_CODE}",
                hint="fit on such codes, or on a data frame with columns of categories",
            )
    names = getattr(model, "feature_names_in_", None)
    return Model(
        model,
        len(model.trees_["baseline"]),
        n_features,
        None if names is None else [str(name) for name in names],
        mask,
        categories,
        values,
    )


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write a file as a whole or not at all."""
    from smelt.export.model_file import write_model

    write_model(Path(path), text.encode())


def words_to_mask(words: np.ndarray) -> np.ndarray:
    """Return sets of 8 words as masks of 256 categories."""
    bits = np.unpackbits(np.ascontiguousarray(words, "<u4").view(np.uint8), bitorder="little")
    return bits.reshape(-1, 256).astype(bool)


def _are_codes(values: np.ndarray) -> bool:
    if values.dtype.kind not in "iuf":
        return all(isinstance(x, (int, float)) and 0 <= x <= LARGEST_CODE and x % 1 == 0
                   for x in values.tolist())  # fmt: skip
    return bool(((values >= 0) & (values <= LARGEST_CODE) & (values % 1 == 0)).all())


def _without_missing(values: np.ndarray) -> np.ndarray:
    missing = len(values) and isinstance(values[-1], float) and np.isnan(values[-1])
    return values[:-1] if missing else values


def _trees(model: Model) -> Iterator[Tree]:
    trees, n_outputs = model.estimator.trees_, model.n_outputs
    baseline = np.asarray(trees["baseline"], dtype=np.float64)
    columns = np.arange(model.n_features)
    if model.values is not None:  # encoded rows have their categorical columns in front
        columns = np.concatenate(
            [np.flatnonzero(model.is_categorical), np.flatnonzero(~model.is_categorical)]
        )
    sets = words_to_mask(trees["left_categories"].reshape(-1, 8))
    known = words_to_mask(trees["known_categories"].reshape(-1, 8))
    offsets = trees["tree_offsets"].astype(np.int64)
    if len(offsets) == 1:  # no iteration: the start values alone
        for start in baseline:
            yield _constant(float(start), "linear_offsets" in trees)
        return
    for t, (first, last) in enumerate(itertools.pairwise(offsets.tolist())):
        at = slice(first, last)
        shift = baseline[t % n_outputs] if t < n_outputs else 0.0
        feature = trees["feature"][at].astype(np.int64)
        chosen = trees["category_set"][at]
        some = bool((chosen >= 0).any())
        inner = trees["left"][at] != 0
        yield Tree(
            feature=np.where(inner, columns[np.where(inner, feature, 0)], 0),
            threshold=trees["threshold"][at],
            left=trees["left"][at].astype(np.int64),
            right=trees["right"][at].astype(np.int64),
            value=trees["value"][at] + shift if shift else trees["value"][at],
            missing_left=trees["missing_left"][at].astype(bool),
            is_categorical=chosen >= 0,
            goes_left=sets[np.maximum(chosen, 0)] if some else sets[:0],
            known=known[np.where(inner, feature, 0)] if some else known[:0],
            count=trees["count"][at] if "count" in trees else np.ones(last - first),
            gain=trees["gain"][at] if "gain" in trees else np.zeros(last - first),
            linear=_linear_leaves(trees, first, last, columns, shift),
        )


def _linear_leaves(
    trees: dict[str, Any], first: int, last: int, columns: np.ndarray, shift: float
) -> dict[int, tuple[float, np.ndarray, np.ndarray]] | None:
    if "linear_offsets" not in trees:
        return None
    found = {}
    offsets = trees["linear_offsets"].astype(np.int64)
    for node in np.flatnonzero(np.diff(offsets[first : last + 1])):
        terms = slice(offsets[first + node], offsets[first + node + 1])
        found[int(node)] = (
            float(trees["linear_intercept"][first + node] + shift),
            columns[trees["linear_feature"][terms].astype(np.int64)],
            trees["linear_coefficient"][terms],
        )
    return found


def _constant(value: float, is_linear: bool) -> Tree:
    zero, no, none = np.zeros(1, dtype=np.int64), np.zeros(1, dtype=bool), np.zeros((0, 256), bool)
    return Tree(
        zero, np.zeros(1), zero, zero, np.array([value]), no, no, none, none, zero, np.zeros(1),
        {} if is_linear else None,
    )  # fmt: skip
