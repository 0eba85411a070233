"""Lists of items as numbers, and numbers as sets of items."""

from itertools import pairwise

import numpy as np


def read_transactions(transactions):
    numbers, indptr, indices = {}, [0], []
    for position, transaction in enumerate(transactions):
        if isinstance(transaction, str | bytes):
            raise TypeError(f"transaction {position} is a text; a transaction is a list of items")
        # Each item once; a new item gets the next number.
        indices += dict.fromkeys(numbers.setdefault(item, len(numbers)) for item in transaction)
        indptr.append(len(indices))
    return np.array(indptr), np.array(indices, dtype=np.int32), list(numbers)


def make_itemsets(indptr, items, names):
    sets = [items[start:stop] for start, stop in pairwise(indptr)]
    return [frozenset(names[item] for item in chosen) for chosen in sets]


def one_hot(indptr, indices, n_items):
    table = np.zeros((len(indptr) - 1, n_items), dtype=bool)
    table[np.repeat(np.arange(len(table)), np.diff(indptr)), indices] = True
    return table


def as_arrays(found, max_len, kind):
    """Return sets (tuple -> support) as arrays, by length, then by items."""
    if kind == "closed":
        found = {s: n for s, n in found.items() if not any(n == found[t] for t in above(s, found))}
    elif kind == "maximal":
        found = {s: n for s, n in found.items() if not above(s, found)}
    sets = sorted(found, key=lambda s: (len(s), s))
    sets = [s for s in sets if max_len is None or len(s) <= max_len]
    return {
        "indptr": np.cumsum([0] + [len(s) for s in sets]),
        "items": np.array([item for s in sets for item in s], dtype=np.int32),
        "support": np.array([found[s] for s in sets], dtype=np.int64),
    }


def above(small, found):
    """Return the sets with one item more."""
    return [s for s in found if len(s) == len(small) + 1 and set(small) < set(s)]
