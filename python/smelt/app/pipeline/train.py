"""``smelt.train``: a table in, a model file out."""

from __future__ import annotations

import time as clock
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from smelt.app.pipeline.outcome.result import Result

if TYPE_CHECKING:
    from smelt.app.table import ReadOptions


def train(
    data: Any,
    target: str | None = None,
    *,
    output: str | Path | None = None,
    task: str | None = None,
    time: float | None = None,
    seed: int | None = None,
    config: Mapping[str, Any] | None = None,
    roles: Mapping[str, str] | None = None,
    metric: str | None = None,
    folds: int | None = None,
    test_share: float | None = None,
    families: Sequence[str] | None = None,
    n_threads: int | None = None,
    read: ReadOptions | None = None,
    command: str | None = None,
    events: Callable[..., None] | None = None,
) -> Result:
    """Train the best model that a portfolio and an ensemble give, and write it to one safe file.

    A fifth of the rows is kept aside and looked at once, at the end, for an honest figure.  On the
    rest, linear models and gradient boosting are tuned and compared by cross-validation (one
    holdout above 250,000 rows), the features being fitted inside each fold; the best are weighed
    by greedy selection, calibrated where that helps, and fitted again on all rows.

    Parameters
    ----------
    data : path, "-", pandas, Polars or Arrow frame
        CSV, Parquet or JSON lines, also compressed; "-" reads standard input.
    target : str
        Name of the column to predict.
    output : path, optional
        Where to write the model file; written whole or not at all.
    task : {"binary", "multiclass", "regression"}, optional
        Found from the target when not given.
    time : float, optional
        Seconds for the whole run.  Without it the portfolio is fixed, and two runs with one seed
        give the same model whatever the number of threads.
    seed : int, default 0
        Seed of all that is random.
    config : mapping, optional
        The same names as the keywords; a keyword wins.
    roles : mapping, optional
        Column -> "number", "category", "boolean", "datetime", "text", "identifier", "constant" or
        "ignored", where the inferred role is not the wanted one.
    metric : str, optional
        What the models are ranked by: by default "auc" for two classes, "log_loss" for several,
        "rmse" for a number.
    folds : int, optional
        Folds of the cross-validation, 2 to 50; by default 8 below 1,000 rows, else 5, above
        150,000 rows 3, above 250,000 one holdout.
    test_share : float, optional
        Share of the rows kept aside, above 0 and at most 0.5; by default a fifth, less for large
        tables.
    families : sequence of {"linear", "boosting"}, optional
        Model families to try; by default both.
    n_threads : int, optional
        Threads to use; by default all cores.
    read : ReadOptions, optional
        How to read the file, where sniffing is not to be trusted.
    command : str, optional
        What to record as the command that made the model.
    events : callable, optional
        ``events(phase, detail, fraction, **facts)`` is told of progress.

    Returns
    -------
    Result
        The model, its summary in words, its manifest and the leaderboard.

    Raises
    ------
    smelt.errors.UsageError
        A setting that does not exist or does not fit.
    smelt.errors.DataError
        Data that nothing can be learned from; the message says what, where and how to mend it.
    smelt.errors.BudgetError
        ``time`` ended before anything was trained.
    KeyboardInterrupt
        Ctrl-C before anything was trained, or for the second time.  The first one, later, ends the
        search: the best so far is kept and ``Result.interrupted`` is set.

    Examples
    --------
    >>> import polars as pl, smelt
    >>> frame = pl.DataFrame({"x": range(40), "y": [2.0 * x + 1.0 for x in range(40)]})
    >>> result = smelt.train(frame, "y")
    >>> result.manifest["task"]
    'regression'
    """
    start = clock.perf_counter()
    from smelt._config import config as configure
    from smelt.app.pipeline.run import Run
    from smelt.app.pipeline.settings import make_settings

    settings = make_settings(
        target,
        config,
        {
            "task": task,
            "time": time,
            "seed": seed,
            "roles": roles,
            "metric": metric,
            "folds": folds,
            "test_share": test_share,
            "families": families,
            "n_threads": n_threads,
        },
    )
    run = Run(settings, start, events or _silent)
    with configure(**({} if settings.n_threads is None else {"n_threads": settings.n_threads})):
        return run(data, read, None if output is None else Path(output), command)


def _silent(phase: str, detail: str, fraction: float, **facts: Any) -> None:
    """Tell nobody."""
