"""Categories in LightGBM's text format: bit sets of the splits, and what pandas called them."""

from __future__ import annotations

import itertools
import json
from typing import Any

import numpy as np

from smelt.errors import ModelFileError
from smelt.export.boosters.arriving import MOST_CATEGORIES, ForeignTree, no_categories
from smelt.export.boosters.lightgbm_lines import Block, Lines


def category_sets(
    block: Block, threshold: np.ndarray, categorical: np.ndarray
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return which set each split takes, and the sets as codes that go left."""
    chosen = np.full(len(threshold), -1, dtype=np.int64)
    if not categorical.any():
        return chosen, []
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
    bits = np.unpackbits(words.astype("<u4").view(np.uint8), bitorder="little")
    return chosen, [
        np.flatnonzero(bits[32 * start : 32 * stop]) for start, stop in itertools.pairwise(bounds)
    ]


def number_categories(
    trees: list[ForeignTree], n_features: int, frame: tuple[np.ndarray, list[np.ndarray]] | None
) -> tuple[np.ndarray, np.ndarray | None, list[np.ndarray] | None]:
    """Give the categories numbers below 256, and the trees their sets of these.

    Returns which columns are categorical, their known categories as masks, and the values of the
    categories where rows hold something else than the numbers: a frame's, or codes above 255.
    Codes that no split names go right, as missing values do, so they need no number.
    """
    of_column: dict[int, list[np.ndarray]] = {}
    for tree in trees:
        for node in np.flatnonzero((tree.category_set >= 0) & (tree.left >= 0)).tolist():
            column = int(tree.feature[node])
            if not 0 <= column < n_features:
                raise ModelFileError(f"a split is on a column that is none of the {n_features}")
            of_column.setdefault(column, []).append(tree.codes[tree.category_set[node]])
    mask = np.zeros(n_features, dtype=bool)
    mask[list(of_column)] = True
    values: dict[int, np.ndarray] = {}
    if frame is not None:
        if (mask & ~frame[0]).any():
            raise ModelFileError("a column is cut by category, but has no categories of pandas")
        mask = frame[0]
        values = dict(zip(np.flatnonzero(mask).tolist(), frame[1], strict=True))
    if not mask.any():
        return mask, None, None
    used = {column: np.unique(np.concatenate(sets)) for column, sets in of_column.items()}
    needs_values = frame is not None or any(
        len(codes) and codes[-1] >= MOST_CATEGORIES for codes in used.values()
    )
    known = no_categories(n_features)
    categories, numbers = [], {}  # numbers: of each code, -1 for those without
    for column in np.flatnonzero(mask).tolist():
        codes = used.get(column, np.zeros(0, dtype=np.int64))
        if needs_values:
            found, codes = named(codes, values.get(column))
            if len(codes) > MOST_CATEGORIES:
                raise ModelFileError(
                    f"its splits name {len(codes)} categories of column {column}; smelt's trees "
                    f"hold {MOST_CATEGORIES}",
                    hint="give rarer categories one common code, and train LightGBM again",
                )
            categories.append(found)
            most = max(used[column].max(initial=0) if column in used else 0, codes.max())
            numbers[column] = np.full(most + 1, -1)
            numbers[column][codes] = np.arange(len(codes))
            known[column, : len(codes)] = True
        else:
            numbers[column] = np.arange(MOST_CATEGORIES)
            known[column, codes] = True
    for tree in trees:
        _set_masks(tree, numbers)
    return mask, known, categories if needs_values else None


def named(codes: np.ndarray, values: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Return the values of the codes, and the codes, in the order in which they get numbers."""
    if values is None or not len(values):
        codes = codes if len(codes) else np.zeros(1, dtype=np.int64)
        return codes.astype(np.float64), codes
    if len(values) <= MOST_CATEGORIES:
        codes = np.arange(len(values))  # those that no split names are known all the same
    codes = codes[codes < len(values)]
    if values.dtype != object:  # an encoder of numbers looks for them in rising order
        codes = codes[np.argsort(values[codes], kind="stable")]
    return values[codes], codes


def _set_masks(tree: ForeignTree, numbers: dict[int, np.ndarray]) -> None:
    nodes = np.flatnonzero((tree.category_set >= 0) & (tree.left >= 0))
    tree.sets = np.zeros((len(nodes), MOST_CATEGORIES), dtype=bool)
    for row, node in enumerate(nodes.tolist()):
        found = numbers[int(tree.feature[node])][tree.codes[tree.category_set[node]]]
        tree.sets[row, found[found >= 0]] = True
    tree.category_set = np.full(len(tree.left), -1, dtype=np.int64)
    tree.category_set[nodes] = np.arange(len(nodes))


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
