"""Boosting from batches: what must be known of all rows is read first, then the rows are binned."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.utils.validation import _check_y

from smelt._validate import nothing_lost
from smelt.ensemble._batch_rows import BatchReader
from smelt.ensemble._batch_source import open_source
from smelt.ensemble._boosting_loop import BINNING_ROWS
from smelt.ensemble._boosting_rows import RowsInBatches, RowsInMemory
from smelt.ensemble._first_reading import read_first


@nothing_lost
def fit_from_batches(
    estimator: Any, batches: Any, names: tuple[str | None, str | None, str | None],
    evaluation: Any, eval_groups: Any, init_model: Any,
    query_starts: Callable[..., np.ndarray] | None = None,
) -> Any:  # fmt: skip
    """Fit an estimator; an error leaves it as it was.

    ``names`` are the columns of targets, weights and queries; ``query_starts`` finds where the
    queries start, for rankings.
    """
    _refuse_what_needs_rows(estimator, has_sets=bool(evaluation[0]))
    reader = BatchReader(open_source(batches), *names, is_ranking=query_starts is not None)
    found = read_first(reader, estimator.categorical_features)
    # 1. Names, categories, classes: from a few rows in which all categories occur.
    few, codes = estimator._arrange_fit(found.X)
    if codes is not None and any(len(v) > estimator.max_bins for v in codes.categories):
        raise ValueError(
            f"a feature has more than max_bins={estimator.max_bins} categories; their target "
            "statistics (high_cardinality) need all rows in memory; use fit."
        )
    y, weight, qid, n = found.y, found.weight, found.qid, len(found.y)
    groups = None if query_starts is None else query_starts(n, None, qid)
    del found, qid
    y = estimator._encode_y(_check_y(y, estimator=estimator))
    # 2. Few rows are held as a matrix, many are read again for the bins.
    stream = RowsInBatches(estimator, reader, y, few)
    rows: RowsInMemory | RowsInBatches = stream
    if n <= BINNING_ROWS:
        rows = RowsInMemory(stream.gather(np.arange(n)))
    del stream
    given = (None, None, None)
    return estimator._fit_rows(
        rows, y, weight, groups, codes, given, evaluation, eval_groups, init_model
    )


def _refuse_what_needs_rows(estimator: Any, has_sets: bool) -> None:
    if estimator.linear_leaves:
        raise ValueError("linear_leaves=True needs the rows in memory; use fit.")
    if estimator.n_folds is not None:
        raise ValueError("n_folds needs the rows in memory; use fit.")
    if estimator.scoring != "loss" and estimator.early_stopping is not False and not has_sets:
        raise ValueError(
            f"early stopping by scoring={estimator.scoring!r} needs the rows in memory; use "
            "scoring='loss', or give an eval_set."
        )
