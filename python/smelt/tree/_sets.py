"""The cuts of a tree between sets of categories, in the user's words."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from smelt.tree._category_codes import n_known


class SetCut(NamedTuple):
    """A cut between two sets; one of them is named, all else goes to the other side."""

    node: int
    feature: int
    named: list[str]  #: categories of the set that is named
    is_left: bool  #: whether the rows of that set go left

    def written(self, most: int | None, left: bool) -> str:
        """Return the condition under which rows go left, or right, without the column."""
        shown = self.named
        if most is not None and len(shown) > most:
            shown = [*shown[:most], f"… {len(self.named) - most} more"]
        is_in = self.is_left == left
        return f"{'in' if is_in else 'not in'} {{{', '.join(shown)}}}"


def set_cuts(tree: Any) -> list[SetCut]:
    """Return the cuts of a fitted tree between sets, in the order of its nodes.

    The set named is that of the side to which missing and unknown categories do not go, so that
    "in" and "not in" are true of every row.
    """
    nodes = tree.nodes_
    found = []
    for node in np.flatnonzero(nodes["category_set"] >= 0):
        feature = int(nodes["feature"][node])
        left = nodes["left_categories"][nodes["category_set"][node]]
        is_left = not nodes["missing_go_to_left"][node]
        named = left if is_left else nodes["known_categories"][feature] & ~left
        words = category_names(tree, feature)
        bits = np.unpackbits(named.view(np.uint8), bitorder="little")
        codes = np.flatnonzero(bits).tolist()
        found.append(
            SetCut(int(node), feature, [words.get(code, str(code)) for code in codes], is_left)
        )
    return found


def category_names(tree: Any, feature: int) -> dict[int, str]:
    """Return the names of a column's categories by their codes; none where they are codes."""
    if tree._encoder is None:
        return {}
    place = int(np.count_nonzero(tree.is_categorical_[:feature]))
    values = tree._encoder.named_transformers_["encoder"].categories_[place]
    return {code: str(value) for code, value in enumerate(values[: n_known(values)])}
