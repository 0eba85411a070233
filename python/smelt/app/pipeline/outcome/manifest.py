"""The manifest of a trained model: what predicts, what it was made from, how well it does."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np

from smelt._version import __version__
from smelt.app.pipeline.data.splits import Folds
from smelt.app.pipeline.evaluation.importance import used_columns
from smelt.app.pipeline.evaluation.intervals import number
from smelt.app.pipeline.evaluation.metrics import LOWER_IS_BETTER, all_metrics
from smelt.app.pipeline.models.baseline import Baseline
from smelt.app.pipeline.outcome.assemble import Assembled
from smelt.app.pipeline.selection.search import FAMILY, Trial
from smelt.app.table.schema import Column, Schema


def now() -> str:
    """Return the date and time in UTC, the only thing in which two equal runs differ."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def inputs(columns: Sequence[Column], assembled: Assembled) -> list[dict[str, Any]]:
    """Describe the columns that the graph reads, in the table's order."""
    used = used_columns(assembled)
    return [
        {
            "name": column.name,
            "role": column.role,
            "missing": list(column.missing),
            "decimal": column.decimal,
            "format": list(column.formats) or None,
            "range": None if column.low is None else [column.low, column.high],
            "required": True,
        }
        for column in columns
        if column.name in used
    ]


def graph(assembled: Assembled, task: str, threshold: float | None) -> dict[str, Any]:
    """Return the graph section."""
    return {
        "nodes": assembled.builder.nodes,
        "output": assembled.output,
        "threshold": threshold if task == "binary" else None,
    }


def versions() -> dict[str, str]:
    """Return the versions that bear on the result."""
    import polars
    import sklearn

    return {
        "smelt": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scikit-learn": sklearn.__version__,
        "polars": polars.__version__,
    }


def leaderboard(
    trials: Sequence[Trial],
    weights: Mapping[str, float],
    test_scores: Mapping[str, float],
    metric: str,
    n_rows: int,
) -> list[dict[str, Any]]:
    """Return one entry a model tried, the best first; ties keep the order of trying."""
    entries = [
        {
            "name": trial.candidate.name,
            "family": trial.candidate.family,
            "params": FAMILY[trial.candidate.family].settings(trial.candidate, trial.step, n_rows),
            "score": number(trial.score),
            "score_std": number(trial.score_std),
            "test_score": number(test_scores.get(trial.candidate.name)),
            "weight": round(weights.get(trial.candidate.name, 0.0), 6),
            "n_features": trial.n_features,
        }
        for trial in trials
    ]
    sign = 1.0 if metric in LOWER_IS_BETTER else -1.0
    return sorted(
        entries, key=lambda row: sign * row["score"] if row["score"] is not None else 1e308
    )


def cross_validation(
    task: str,
    target: np.ndarray,
    prediction: np.ndarray,
    folds: Folds,
    threshold: float | None,
) -> dict[str, dict[str, float | None]]:
    """Return mean and standard deviation over the folds; ``prediction`` holds every row."""
    found = [
        all_metrics(task, target[valid], prediction[valid], threshold) for _, valid in folds.pairs
    ]
    return {
        name: {
            "value": number(np.nanmean([values[name] for values in found])),
            "std": number(np.nanstd([values[name] for values in found])),
        }
        for name in found[0]
    }


def baseline(
    constant: Baseline, task: str, target: np.ndarray, threshold: float | None
) -> dict[str, Any]:
    """Return the baseline section, on the test part."""
    values = all_metrics(task, target, constant.predict(len(target)), None)
    return {
        "name": constant.name,
        "metrics": {name: number(value) for name, value in values.items()},
    }


def card(schema: Schema, training: Mapping[str, Any], summary: str) -> dict[str, Any]:
    """Return the model card in short."""
    return {
        "summary": summary,
        "intended_use": f"predict {schema.target} for rows like those it was trained on",
        "limits": (
            "Figures hold for rows drawn as the training rows were; "
            "values outside the training range and unseen categories are counted at prediction."
        ),
        "rows": training["rows"]["used"],
    }
