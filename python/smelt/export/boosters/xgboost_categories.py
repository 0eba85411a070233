"""Categories in XGBoost's files: of the splits, and what a data frame called them (since 3.1)."""

from __future__ import annotations

from typing import Any

import numpy as np

from smelt.errors import ModelFileError, UsageError
from smelt.export.boosters.arriving import MOST_CATEGORIES
from smelt.export.boosters.departing import Model
from smelt.export.boosters.xgboost_document import Section

_INTEGERS = 15  # XGBoost's number for arrays of 64-bit integers
_TYPES: dict[int, Any] = {
    9: np.int8, 10: np.uint8, 11: np.int16, 12: np.uint16, 13: np.int32, 14: np.uint32,
    15: np.int64, 16: np.uint64,
}  # fmt: skip


def category_sets(tree: Section, n_nodes: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the row of the sets for each node, and the sets that go left, as masks.

    XGBoost names the categories that go right; all others, known or not, go left.
    """
    chosen = np.full(n_nodes, -1, dtype=np.int64)
    none = np.zeros((0, MOST_CATEGORIES), dtype=bool)
    if "split_type" not in tree:
        return chosen, none
    is_categorical = tree.integers("split_type", n_nodes) == 1
    if not is_categorical.any():
        return chosen, none
    nodes = tree.integers("categories_nodes")
    starts = tree.integers("categories_segments", len(nodes))
    sizes = tree.integers("categories_sizes", len(nodes))
    categories = tree.integers("categories")
    if not np.array_equal(np.flatnonzero(is_categorical), nodes):
        raise tree.fail("categories_nodes", "they are not the nodes of split_type 1")
    if (starts < 0).any() or (sizes < 0).any() or (starts > len(categories) - sizes).any():
        raise tree.fail("categories_segments", "a set reaches beyond the categories")
    if sizes.sum() > len(categories):
        raise tree.fail("categories_sizes", "sets overlap")
    if (categories < 0).any() or (categories >= MOST_CATEGORIES).any():
        raise ModelFileError(
            f"{tree.path}: a split is on categories with codes above {MOST_CATEGORIES - 1}, which "
            "smelt's trees do not hold",
            hint="give rarer categories one common code, and train XGBoost again",
        )
    sets = np.ones((len(nodes), MOST_CATEGORIES), dtype=bool)
    for row, (start, size) in enumerate(zip(starts.tolist(), sizes.tolist(), strict=True)):
        sets[row, categories[start : start + size]] = False
    chosen[nodes] = np.arange(len(nodes))
    return chosen, sets


def frame_categories(model: Section, n_features: int) -> list[np.ndarray | None] | None:
    """Return the categories of each column of the data frame, or None where there was none."""
    if "cats" not in model or not model.section("cats").get("enc"):
        return None
    cats = model.section("cats")
    found = [_values(column) for column in cats.sections("enc")]
    if len(found) != n_features:
        raise cats.fail("enc", f"{len(found)} columns where {n_features} belong")
    return found if any(values is not None for values in found) else None


def _values(column: Section) -> np.ndarray | None:
    if "offsets" in column:
        offsets = column.integers("offsets")
        data = column.integers("values")
        if not len(offsets):
            return None
        sound = offsets[0] == 0 and offsets[-1] == len(data) and (np.diff(offsets) >= 0).all()
        if not sound or ((data < -128) | (data > 255)).any():
            raise column.fail("offsets", "they do not cut the values into texts")
        text = (data % 256).astype(np.uint8).tobytes()
        found = np.empty(len(offsets) - 1, dtype=object)
        try:
            for k in range(len(found)):
                found[k] = text[offsets[k] : offsets[k + 1]].decode()
        except UnicodeDecodeError:
            raise column.fail("values", "a category is not UTF-8") from None
        return found
    kind = column.whole("type", 0, 99)
    if kind not in _TYPES:
        raise column.fail("type", f"{kind} is no type of integers")
    numbers = column.get("values")
    if isinstance(numbers, np.ndarray):
        numbers = numbers.tolist()
    try:
        return np.array(numbers, dtype=_TYPES[kind]).reshape(len(numbers))
    except (TypeError, ValueError, OverflowError):
        raise column.fail("values", "no list of integers of its type") from None


def written_categories(found: Model) -> dict[str, Any]:
    """Return the section ``cats`` for a model that was fitted on a data frame."""
    nothing: dict[str, Any] = {"enc": [], "feature_segments": [], "sorted_idx": []}
    if found.categories is None:
        return nothing
    columns: list[dict[str, Any]] = []
    segments, order = [0], []
    of_columns = dict(zip(np.flatnonzero(found.is_categorical), found.categories, strict=True))
    for column in range(found.n_features):
        values = of_columns.get(column, np.zeros(0, dtype=object))
        columns.append(_encoded(values))
        segments.append(segments[-1] + len(values))
        order += np.argsort(values, kind="stable").tolist()
    return {"enc": columns, "feature_segments": segments, "sorted_idx": order}


def _encoded(values: np.ndarray) -> dict[str, Any]:
    if values.dtype.kind in "iuf" and len(values) and (values % 1 == 0).all():
        # A column of integers with missing ones came as floats; a frame's categories are integers.
        return {"type": _INTEGERS, "values": values.astype(np.int64).tolist()}
    if not all(isinstance(value, str) for value in values):
        raise UsageError(
            "XGBoost has no place for categories that are neither text nor integers",
            hint="convert the column to text and fit again",
        )
    texts = [value.encode() for value in values.tolist()]
    offsets = np.cumsum([0, *map(len, texts)]).tolist() if texts else []
    return {"offsets": offsets, "values": np.frombuffer(b"".join(texts), np.int8).tolist()}
