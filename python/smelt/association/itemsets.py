"""Sets of items that are together in many transactions."""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import Any

import numpy as np

from smelt._config import settings
from smelt._kernel import kernel
from smelt.association._transactions import frame, free_memory, make_sets, read

_PARAMETERS = """

    Parameters
    ----------
    df : list of lists, DataFrame, ndarray or sparse matrix
        Transactions: lists (or sets, tuples) of hashable items; or one row a transaction and one
        column an item, with True, False, 1 and 0 (pandas, Polars, NumPy, SciPy).
    min_support : float, default=0.5
        Least share of the transactions, in (0, 1].
    {null_values}use_colnames : bool, default=False
        Whether sets of a frame hold names of columns instead of their positions.  Sets of lists
        hold the items themselves.
    max_len : int or None, default=None
        Most items of a set, at least 1.
    verbose : int, default=0
        If above 0, the number of sets is printed.
    {low_memory}n_jobs : int or None, default=None
        Threads; None as many as :func:`smelt.config` allows.  Any number gives the same result.
    output : {{"auto", "pandas", "polars", "dict"}}, default="auto"
        What is returned: "auto" is a Polars frame for one, else a pandas frame where pandas is
        installed, else a Polars frame (lists in place of sets), else a dict of columns.

    Returns
    -------
    DataFrame
        Columns ``support`` and ``itemsets`` (frozensets), by length, then by items.

    Raises
    ------
    ValueError
        If ``min_support`` or ``max_len`` is out of range, there is no transaction, one-hot data
        hold other values, or there are more sets than memory has room for.
    TypeError
        If an item is not hashable, or a transaction is a text.

    Notes
    -----
    All functions that list item sets share one kernel, which searches depth first with the
    transactions of each set as bits, in parallel, with the same result on any number of threads.
    {notes}
    """


def _documented(notes: str, null_values: bool = False, low_memory: bool = False) -> Any:
    """Append what the functions share to a docstring."""
    null_text = """null_values : bool, default=False
        Must be False: missing values are refused.
    """
    memory_text = """low_memory : bool, default=False
        Accepted for mlxtend's sake; it changes nothing.
    """

    def document(function: Any) -> Any:
        lines, examples = function.__doc__.rstrip().split("\n\n    Examples", 1)
        text = _PARAMETERS.format(
            null_values=null_text if null_values else "",
            low_memory=memory_text if low_memory else "",
            notes=notes,
        )
        function.__doc__ = f"{lines}{text.rstrip()}\n\n    Examples{examples}\n    "
        return function

    return document


@_documented(
    "The twin goes level by level, the kernel depth first, which gives the same sets.",
    low_memory=True,
)
def apriori(
    df: Any,
    min_support: float = 0.5,
    use_colnames: bool = False,
    max_len: int | None = None,
    verbose: int = 0,
    low_memory: bool = False,
    n_jobs: int | None = None,
    *,
    output: str = "auto",
) -> Any:
    """Return the sets of items that at least a share of all transactions holds.

    Examples
    --------
    >>> from smelt.association import apriori
    >>> baskets = [["milk", "bread"], ["milk", "bread", "eggs"], ["milk"], ["eggs"]]
    >>> found = apriori(baskets, min_support=0.5, output="dict")
    >>> found["support"].tolist()
    [0.75, 0.5, 0.5, 0.5]
    >>> sorted(found["itemsets"][-1])
    ['bread', 'milk']
    """
    plain = "apriori_fit" if settings().engine == "plain" else "eclat_fit"
    return _itemsets(df, min_support, use_colnames, max_len, verbose, n_jobs, output, "all", plain)


@_documented(
    "FP-growth is a name here: the sets are those of a tree of prefixes.", null_values=True
)
def fpgrowth(
    df: Any,
    min_support: float = 0.5,
    null_values: bool = False,
    use_colnames: bool = False,
    max_len: int | None = None,
    verbose: int = 0,
    *,
    n_jobs: int | None = None,
    output: str = "auto",
) -> Any:
    """Return the sets of items that at least a share of all transactions holds.

    Examples
    --------
    >>> from smelt.association import fpgrowth
    >>> fpgrowth([[1, 2], [1, 2], [3]], min_support=0.6, output="dict")["itemsets"]
    [frozenset({1}), frozenset({2}), frozenset({1, 2})]
    """
    _no_nulls(null_values)
    return _itemsets(df, min_support, use_colnames, max_len, verbose, n_jobs, output, "all")


@_documented("See Zaki (2000), Scalable algorithms for association mining.")
def eclat(
    df: Any,
    min_support: float = 0.5,
    use_colnames: bool = False,
    max_len: int | None = None,
    verbose: int = 0,
    *,
    n_jobs: int | None = None,
    output: str = "auto",
) -> Any:
    """Return the sets of items that at least a share of all transactions holds.

    Examples
    --------
    >>> from smelt.association import eclat
    >>> eclat([[1, 2], [1, 2], [3]], min_support=0.6, output="dict")["itemsets"]
    [frozenset({1}), frozenset({2}), frozenset({1, 2})]
    """
    return _itemsets(df, min_support, use_colnames, max_len, verbose, n_jobs, output, "all")


@_documented("``max_len`` leaves out longer sets; it does not make shorter ones maximal.")
def maximal_itemsets(
    df: Any,
    min_support: float = 0.5,
    use_colnames: bool = False,
    max_len: int | None = None,
    verbose: int = 0,
    *,
    n_jobs: int | None = None,
    output: str = "auto",
) -> Any:
    """Return the frequent sets of items to which no item can be added.

    Every subset of one of them is frequent, and there is no other frequent set.

    Examples
    --------
    >>> from smelt.association import maximal_itemsets
    >>> maximal_itemsets([[1, 2], [1, 2], [1, 3]], min_support=0.6, output="dict")["itemsets"]
    [frozenset({1, 2})]
    """
    return _itemsets(df, min_support, use_colnames, max_len, verbose, n_jobs, output, "maximal")


@_documented(
    "``max_len`` leaves out longer sets; it does not make shorter ones maximal.", null_values=True
)
def fpmax(
    df: Any,
    min_support: float = 0.5,
    null_values: bool = False,
    use_colnames: bool = False,
    max_len: int | None = None,
    verbose: int = 0,
    *,
    n_jobs: int | None = None,
    output: str = "auto",
) -> Any:
    """Return the frequent sets of items to which no item can be added.

    Examples
    --------
    >>> from smelt.association import fpmax
    >>> fpmax([[1, 2], [1, 2], [1, 3]], min_support=0.6, output="dict")["itemsets"]
    [frozenset({1, 2})]
    """
    _no_nulls(null_values)
    return _itemsets(df, min_support, use_colnames, max_len, verbose, n_jobs, output, "maximal")


@_documented("See Pasquier and others (1999), Discovering frequent closed itemsets.")
def closed_itemsets(
    df: Any,
    min_support: float = 0.5,
    use_colnames: bool = False,
    max_len: int | None = None,
    verbose: int = 0,
    *,
    n_jobs: int | None = None,
    output: str = "auto",
) -> Any:
    """Return the frequent sets of items that lose support with every further item.

    The support of any frequent set is the largest of the closed sets around it, so nothing is lost.

    Examples
    --------
    >>> from smelt.association import closed_itemsets
    >>> closed_itemsets([[1, 2], [1, 2], [1, 3]], min_support=0.6, output="dict")["itemsets"]
    [frozenset({1}), frozenset({1, 2})]
    """
    return _itemsets(df, min_support, use_colnames, max_len, verbose, n_jobs, output, "closed")


def _itemsets(
    df: Any,
    min_support: float,
    use_colnames: bool,
    max_len: int | None,
    verbose: int,
    n_jobs: int | None,
    output: str,
    kind: str,
    function: str = "eclat_fit",
) -> Any:
    if not isinstance(min_support, Real) or not 0 < min_support <= 1:
        raise ValueError(
            "`min_support` must be a positive number within the interval `(0, 1]`. "
            f"Got {min_support}."
        )
    if max_len is not None and (not isinstance(max_len, Integral) or max_len < 1):
        raise ValueError(f"`max_len` must be None or an integer of at least 1. Got {max_len}.")
    transactions = read(df, use_colnames)
    n = len(transactions)
    if n == 0:
        raise ValueError("there is no transaction; item sets need at least one")
    found = kernel(f"association.{function}", n_jobs=n_jobs)(
        transactions.indptr,
        transactions.indices,
        len(transactions.items),
        min_count=_least_count(float(min_support), n),
        max_len=None if max_len is None else int(max_len),
        kind=kind,
        max_bytes=free_memory(),
    )
    if verbose:
        print(f"{len(found['support'])} item sets in {n} transactions")
    sets = make_sets(found["indptr"], found["items"], transactions.items)
    columns = {"support": np.asarray(found["support"]) / n, "itemsets": sets}
    return frame(columns, output, df)


def _least_count(min_support: float, n: int) -> int:
    """Return the least number of transactions whose share is no less than asked for."""
    count = max(1, math.ceil(min_support * n))
    # The product may be rounded up: 0.1 * 30 is above 3.
    return count - 1 if count > 1 and (count - 1) / n >= min_support else count


def _no_nulls(null_values: bool) -> None:
    if null_values:
        raise ValueError(
            "null_values=True is not supported; drop the rows with missing values, or fill them"
            " with False"
        )
