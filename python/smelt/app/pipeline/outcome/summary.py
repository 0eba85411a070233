"""The outcome in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

PERCENT = frozenset({"accuracy", "balanced_accuracy", "mape"})
WORDS = {
    "auc": "AUC",
    "auc_ovr": "AUC (one against the rest)",
    "log_loss": "log loss",
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "f1": "F1",
    "f1_macro": "F1 (mean of the classes)",
    "brier": "Brier score",
    "rmse": "RMSE",
    "mae": "mean absolute error",
    "r2": "R²",
    "mape": "mean percentage error",
}
SECOND = {"binary": "accuracy", "multiclass": "accuracy", "regression": "r2"}


def write_figure(name: str, value: float | None) -> str:
    """Write a metric's value for people."""
    if value is None:
        return "unknown"
    if name in PERCENT:
        return f"{100 * value:.1f} %"
    if name in ("rmse", "mae") and abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}" if name in ("rmse", "mae") else f"{value:.3f}"


def write_summary(
    task: str,
    target: str,
    training: Mapping[str, Any],
    *,
    signal: bool,
    threshold: float | None,
    interrupted: bool,
) -> str:
    """Return a few lines: what was predicted from what, how well, against what, by which model."""
    rows, columns, metric = training["rows"], training["columns"], training["metric"]
    kind = {"binary": "two classes", "multiclass": "classes", "regression": "a number"}[task]
    lines = [
        f"{target} ({kind}) from {columns['used']} of {columns['total']} columns, "
        f"{rows['used']:,} rows"
    ]
    names = [metric] + [name for name in (SECOND[task],) if name != metric]
    test, base = training["metrics"]["test"], training["baseline"]
    figures = []
    for name in names:
        figure = test[name]
        between = ""
        if figure["low"] is not None and figure["high"] is not None:
            low, high = write_figure(name, figure["low"]), write_figure(name, figure["high"])
            between = f" ({low} to {high})"
        figures.append(f"{WORDS[name]} {write_figure(name, figure['value'])}{between}")
    lines.append(f"on {rows['test']:,} rows kept aside: {', '.join(figures)}")
    if rows["fitted"] > rows["judged"]:
        lines.append(
            f"Its weights were then fitted anew on all {rows['fitted']:,} rows; "
            f"the figures are those of the same recipe fitted on {rows['judged']:,}."
        )
    compared = ", ".join(
        f"{WORDS[name]} {write_figure(name, base['metrics'].get(name))}" for name in names
    )
    lines.append(f"{base['name']} would have: {compared}")
    if not signal:
        lines.append(
            f"The columns say little or nothing about {target}: "
            f"the model is no better than {base['name']}."
        )
    lines.append(f"model: {_members(training['leaderboard'])}")
    if threshold is not None and threshold != 0.5:
        lines.append(
            f"One class is rare: the other is predicted from a probability of {threshold:g}, "
            "where F1 is best, instead of one half."
        )
    if training["budget"]["reached"]:
        lines.append("The time budget ended the search; more time may give a better model.")
    if interrupted:
        lines.append("Interrupted: this is the best that was found until then.")
    return "\n".join(lines)


def _members(leaderboard: Sequence[Mapping[str, Any]]) -> str:
    members = [row for row in leaderboard if row["weight"] and row["family"] != "ensemble"]
    if len(members) == 1:
        return f"{members[0]['name']} ({members[0]['family']})"
    parts = [f"{row['name']} {100 * row['weight']:.0f} %" for row in members]
    return f"weighted mean of {', '.join(parts)}"
