"""Categories in LightGBM's text format: bit sets of the splits, and what pandas called them."""

from __future__ import annotations

import itertools
import json
from typing import Any

import numpy as np

from smelt.errors import ModelFileError
from smelt.export.boosters.arriving import MOST_CATEGORIES
from smelt.export.boosters.lightgbm_lines import Block, Lines


def category_sets(
    block: Block, threshold: np.ndarray, categorical: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the row of the sets for each split, and the sets as masks."""
    chosen = np.full(len(threshold), -1, dtype=np.int64)
    if not categorical.any():
        return chosen, np.zeros((0, MOST_CATEGORIES), dtype=bool)
    n_sets = block.integer("num_cat", 1, len(threshold))
    bounds = block.integers("cat_boundaries", n_sets + 1)
    if bounds[0] != 0 or (np.diff(bounds) < 0).any():
        raise block.fail("cat_boundaries", "they do not rise from 0")
    words = block.integers("cat_threshold", int(bounds[-1]))
    if ((words < 0) | (words >= 1 << 32)).any():
        raise block.fail("cat_threshold", "a word of 32 bits is out of range")
    numbers = threshold[categorical]
    if not ((numbers >= 0) & (numbers < n_sets) & (numbers % 1 == 0)).all():
        raise block.fail("threshold", f"a split by category names none of {n_sets} sets")
    chosen[categorical] = numbers.astype(np.int64)
    sets = np.zeros((n_sets, MOST_CATEGORIES // 32), dtype="<u4")
    for row, (start, stop) in enumerate(itertools.pairwise(bounds)):
        of_set = words[start:stop]
        if of_set[sets.shape[1] :].any():
            raise ModelFileError(
                f"{block.name}: a split is on categories with codes above {MOST_CATEGORIES - 1}, "
                "which smelt's trees do not hold",
                hint="give rarer categories one common code, and train LightGBM again",
            )
        part = of_set[: sets.shape[1]]
        sets[row, : len(part)] = part
    return chosen, np.unpackbits(sets.view(np.uint8), axis=1, bitorder="little").astype(bool)


def pandas_categories(lines: Lines, n_features: int) -> tuple[np.ndarray, list[np.ndarray]] | None:
    """Return which columns were categories of a pandas frame, and their categories."""
    try:
        found = json.loads(lines.pandas_categorical)
    except (ValueError, RecursionError):
        raise ModelFileError("pandas_categorical is no JSON; is the file cut off?") from None
    if not found:
        return None
    plain = (str, int, float, bool)
    if not isinstance(found, list) or not all(
        isinstance(values, list) and all(isinstance(value, plain) for value in values)
        for values in found
    ):
        raise ModelFileError("pandas_categorical is something else than lists of categories")
    infos = lines.head.text("feature_infos").split(" ")
    if len(infos) != n_features:
        raise lines.head.fail("feature_infos", f"{len(infos)} for {n_features} columns")
    mask = np.array([not info.startswith("[") and info != "none" for info in infos])
    if mask.sum() != len(found):
        mask |= np.array([info == "none" for info in infos])
    if mask.sum() != len(found):
        raise ModelFileError(
            f"it has {len(found)} categorical columns of pandas, but does not tell which",
            hint="train LightGBM on integer codes and categorical_feature",
        )
    return mask, [_values(values) for values in found]


def _values(values: list[Any]) -> np.ndarray:
    if all(type(value) is type(values[0]) and not isinstance(value, str) for value in values):
        try:
            return np.array(values)
        except OverflowError:
            raise ModelFileError("pandas_categorical holds a number that is too large") from None
    found = np.empty(len(values), dtype=object)
    found[:] = values
    return found
