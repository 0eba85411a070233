"""The table of accuracy: every set, every model, and mean ranks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from accuracy.models import MODELS
from results import machine

#: Mean ranks are taken over these; the others are shown for comparison.
DEFAULTS = ("smelt", "lightgbm", "catboost", "xgboost", "scikit-learn")
ACCURATE = ("smelt accurate", "lightgbm", "catboost", "xgboost", "scikit-learn")
HIGHER = ("auc", "accuracy")
METRICS = {
    "log_loss": "Log-loss of classes (lower is better)",
    "auc": "Area under the ROC curve of two classes (higher is better)",
    "accuracy": "Accuracy of more classes (higher is better)",
    "rmse": "Root mean squared error of numbers (lower is better)",
}


def write_page(store: Path, page: Path) -> None:
    """Write the page from what was measured."""
    kept = {
        name: entry | {"means": _means(entry)}
        for name, entry in json.loads(store.read_text()).items()
    }
    lines = [
        "# Accuracy over real tables",
        "",
        f"{machine()['summary']}.  Written by `python -m benchmarks --accuracy`.",
        "",
        "Every model is fitted with nothing set but a seed and its own way to take categories, on",
        "the same folds: 5 × 3 up to 1,000 rows, 5 up to 10,000, then 3 (3, too, for many columns",
        "and classes).  A figure is the mean over the folds.  Words are categories, other columns",
        "numbers; columns of words of which over half differ are left out, as are leaks and row",
        "numbers.",
        "",
        "* **smelt** is `HistGradientBoosting*()`: defaults of scikit-learn (100 rounds at 0.1),",
        "  and target statistics for columns of over 255 categories.",
        "* **smelt accurate** is `HistGradientBoosting*.accurate()`: small steps, rounds chosen by",
        "  left-out rows, an average over five folds.  It is no default.  CatBoost's default is",
        "  1,000 rounds at a rate of its choice, LightGBM's 100 at 0.1, XGBoost's 100 at 0.3.",
    ]
    lines += [
        f"* **{name}**: {model.note}." for name, model in MODELS.items()
        if model.note and name != "smelt accurate"
    ]  # fmt: skip
    missing = sorted(
        {name for entry in kept.values() for name in MODELS if name not in entry["means"]}
    )
    if missing:
        lines += ["", f"– is not yet measured ({', '.join(missing)}); ranks are over"]
        lines += ["the sets that all of the five are done with."]
    lines += ["", "## Mean ranks", "", *_rank_table(kept)]
    for metric, title in METRICS.items():
        lines += ["", f"## {title}", "", *_table(kept, metric)]
    page.write_text("\n".join(lines) + "\n")


def _means(entry: dict[str, Any]) -> dict[str, dict[str, float]]:
    """Return the mean of each metric for the models that are done."""
    return {
        name: {key: float(np.mean([one[key] for one in done])) for key in done[0]}
        for name, done in entry["models"].items()
        if done and len(done) == entry["n_folds"]
    }


def _ranks(kept: dict[str, Any], metric: str, names: tuple[str, ...]) -> np.ndarray:
    """Return the ranks of the models, a row for each set that all of them are done with."""
    from scipy.stats import rankdata

    rows = []
    for entry in kept.values():
        found = [entry["means"].get(name, {}).get(metric) for name in names]
        if None not in found:
            # Figures that agree to six digits are the same: summed in another order.
            rounded = np.array([float(f"{value:.6g}") for value in found])
            rows.append(rankdata(-rounded if metric in HIGHER else rounded))
    return np.array(rows).reshape(-1, len(names))


def _rank_table(kept: dict[str, Any]) -> list[str]:
    lines = [
        "1 is the best of five; both ways of smelt are ranked in turn among the same four others.",
        "",
    ]
    kinds = {
        "log-loss, RMSE": ("log_loss", "rmse"), "AUC, accuracy, RMSE": ("auc", "accuracy", "rmse"),
        "log-loss": ("log_loss",), "AUC": ("auc",), "accuracy": ("accuracy",), "RMSE": ("rmse",),
    }  # fmt: skip
    for names in (DEFAULTS, ACCURATE):
        lines += [
            f"| metric | sets | {' | '.join(names)} |",
            "| --- | --: |" + " --: |" * len(names),
        ]
        for title, metrics in kinds.items():
            ranks = np.concatenate([_ranks(kept, metric, names) for metric in metrics])
            if not len(ranks):
                continue
            means = ranks.mean(axis=0)
            cells = [f"**{m:.2f}**" if m == means.min() else f"{m:.2f}" for m in means]
            lines.append(f"| {title} | {len(ranks)} | {' | '.join(cells)} |")
        lines.append("")
    return lines[:-1]


def _table(kept: dict[str, Any], metric: str) -> list[str]:
    names = [name for name in MODELS if any(name in entry["means"] for entry in kept.values())]
    head = "| set | rows × columns |" + "".join(f" {name} |" for name in names)
    lines = [head + " |", "| --- | --: |" + " --: |" * len(names) + " --- |"]
    for name, entry in kept.items():
        found = [entry["means"].get(one, {}).get(metric) for one in names]
        known = [value for value in found if value is not None]
        if not known:
            continue
        best = (max if metric in HIGHER else min)(known)
        cells = [
            "–" if v is None else f"**{_digits(v)}**" if v == best else _digits(v) for v in found
        ]
        size = f"{entry['rows']:,} × {entry['columns']}"
        lines.append(f"| {name} | {size} | {' | '.join(cells)} | {entry['note']} |")
    return lines


def _digits(value: float) -> str:
    return f"{value:.4f}" if value < 10 else f"{value:.4g}" if value < 1000 else f"{value:,.0f}"
