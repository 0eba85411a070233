"""Rules: who has these items has those too."""

from __future__ import annotations

from typing import Any

import numpy as np

from smelt._kernel import kernel
from smelt.association._transactions import frame, free_memory, make_sets

MEASURES = (
    "antecedent support",
    "consequent support",
    "support",
    "confidence",
    "lift",
    "representativity",
    "leverage",
    "conviction",
    "zhangs_metric",
    "jaccard",
    "certainty",
    "kulczynski",
)
_BYTES_A_RULE = 1000  # of two frozensets and twelve numbers


def association_rules(
    df: Any,
    num_itemsets: int | None = 1,
    df_orig: Any = None,
    null_values: bool = False,
    metric: str = "confidence",
    min_threshold: float = 0.8,
    support_only: bool = False,
    return_metrics: Any = MEASURES,
    *,
    n_jobs: int | None = None,
    output: str = "auto",
) -> Any:
    r"""Make rules of item sets and judge them.

    A set is split into antecedents A and consequents C in every way.  With the share P of
    transactions that hold all items,

    .. math::

        \text{confidence} = \frac{P(A, C)}{P(A)}, \quad
        \text{lift} = \frac{P(A, C)}{P(A) P(C)}, \quad
        \text{leverage} = P(A, C) - P(A) P(C), \quad
        \text{conviction} = \frac{1 - P(C)}{1 - \text{confidence}},

        \text{Zhang's} = \frac{\text{leverage}}
            {\max\{P(A, C) (1 - P(A)),\; P(A) (P(C) - P(A, C))\}}, \quad
        \text{jaccard} = \frac{P(A, C)}{P(A) + P(C) - P(A, C)},

        \text{certainty} = \frac{\text{confidence} - P(C)}{1 - P(C)}, \quad
        \text{kulczynski} = \tfrac12 \Bigl( \frac{P(A, C)}{P(A)} + \frac{P(A, C)}{P(C)} \Bigr)

    Parameters
    ----------
    df : DataFrame or dict
        Columns ``support`` and ``itemsets``, as :func:`apriori` and its kin return them; with every
        set all its subsets.
    num_itemsets : int or None, default=1
        Accepted for mlxtend's sake, which uses it with missing values alone.
    df_orig : None
        Accepted for mlxtend's sake, which uses it with missing values alone.
    null_values : bool, default=False
        Must be False: missing values are refused.
    metric : str, default="confidence"
        The measure that decides, one of the names of ``return_metrics``.
    min_threshold : float, default=0.8
        Least value of the measure.
    support_only : bool, default=False
        Whether only ``support`` is worked out, and decides; subsets may be missing then.
    return_metrics : list of str, default=all
        Measures to return.
    n_jobs : int or None, default=None
        Threads; None as many as :func:`smelt.config` allows.  Any number gives the same result.
    output : {"auto", "pandas", "polars", "dict"}, default="auto"
        What is returned, as in :func:`apriori`.

    Returns
    -------
    DataFrame
        Columns ``antecedents`` and ``consequents`` (frozensets) and one for each measure.
        ``representativity`` is 1, since nothing is missing.

    Raises
    ------
    ValueError
        If there is no set, a column is missing, ``metric`` is unknown, or there are more rules than
        can be looked through or memory has room for.
    KeyError
        If the support of a subset is needed and not there.

    Notes
    -----
    Cost: two look-ups a rule, and 2^length rules a set.

    References
    ----------
    Agrawal and Srikant (1994), Fast algorithms for mining association rules.  Brin and others
    (1997), Dynamic itemset counting and implication rules.  Hastie, Tibshirani and Friedman, The
    Elements of Statistical Learning, section 14.2.

    Examples
    --------
    >>> from smelt.association import apriori, association_rules
    >>> baskets = [["milk", "bread"], ["milk", "bread", "eggs"], ["milk"], ["eggs"]]
    >>> sets = apriori(baskets, min_support=0.5, output="dict")
    >>> rules = association_rules(sets, min_threshold=0.9, output="dict")
    >>> rules["antecedents"], rules["consequents"], rules["lift"].round(3).tolist()
    ([frozenset({'bread'})], [frozenset({'milk'})], [1.333])
    """
    if null_values:
        raise ValueError("null_values=True is not supported; item sets have no missing values here")
    names = getattr(df, "columns", None)
    names = list(df) if names is None else list(names)
    for column in ("support", "itemsets"):
        if column not in names:
            raise ValueError(
                "Dataframe needs to contain the columns 'support' and 'itemsets'; there is no"
                f" {column!r}"
            )
    if len(df["support"]) == 0:
        raise ValueError(
            "The input DataFrame `df` containing the frequent itemsets is empty; lower min_support"
        )
    if metric not in MEASURES:
        raise ValueError(f"Metric must be one of {', '.join(MEASURES)}, got '{metric}'")
    unknown = [name for name in return_metrics if name not in MEASURES]
    if unknown:
        raise ValueError(f"return_metrics must be among {', '.join(MEASURES)}, got {unknown[0]!r}")
    indptr, indices, items = kernel("association.read_transactions")(list(df["itemsets"]))
    rules = kernel("association.association_rules_fit", n_jobs=n_jobs)(
        indptr,
        indices,
        np.ascontiguousarray(df["support"], dtype=np.float64),
        metric="support" if support_only else metric.replace(" ", "_"),
        min_threshold=float(min_threshold),
        support_only=bool(support_only),
        max_rules=free_memory() // _BYTES_A_RULE + 1,
    )
    if rules["missing"] is not None:
        subset = frozenset(items[k] for k in rules["missing"])
        raise KeyError(
            f"the support of {set(subset)} is needed and not in `df`; find sets with all their"
            " subsets (apriori, fpgrowth, eclat), or use support_only=True"
        )
    columns: dict[str, Any] = {
        "antecedents": make_sets(rules["antecedent_indptr"], rules["antecedent_items"], items),
        "consequents": make_sets(rules["consequent_indptr"], rules["consequent_items"], items),
    }
    measures = np.asarray(rules["measures"]).reshape(-1, len(MEASURES))
    for name in return_metrics:
        columns[name] = np.ascontiguousarray(measures[:, MEASURES.index(name)])
    return frame(columns, output, df)
