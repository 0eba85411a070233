"""Puts the page together: what stands in the manifest becomes sections of one HTML file."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

import jinja2

from smelt.app import charts
from smelt.app.report.columns import MOST_COLUMNS, column_rows
from smelt.app.report.figures import figure, metric, number, percent, short
from smelt.app.report.verdict import baseline_words, leak, verdict

MOST_TILES = 6


def render(manifest: Mapping[str, Any]) -> str:
    """Return the report as HTML; a section for which the manifest has nothing is left out."""
    training = manifest.get("training") or {}
    script = _asset("threshold.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("smelt.app.report", "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"figure": figure, "number": number, "percent": percent, "short": short}
    pictures = _charts(manifest)
    threshold = _threshold(manifest)
    return environment.get_template("page.html").render(
        manifest=manifest,
        training=training,
        chief=training.get("metric") or "",
        style=_asset("style.css"),
        script=script if threshold else "",
        script_hash=digest,
        verdict=verdict(manifest),
        leak=leak(manifest),
        baseline=baseline_words(manifest),
        tiles=_metrics(training)[:MOST_TILES],
        metrics=_metrics(training),
        charts={chart.name: chart for chart in pictures},
        threshold=threshold,
        columns=column_rows(manifest),
        n_columns=len((manifest.get("profile") or {}).get("columns") or []),
        most_columns=MOST_COLUMNS,
        warnings=_warnings(training),
        facts=_facts(manifest),
        members=_members(training),
        limits=(training.get("search") or {}).get("limits") or [],
        sampled=_sampled(training),
    )


def _asset(name: str) -> str:
    return (files("smelt.app.report") / "templates" / name).read_text(encoding="utf-8")


def _metrics(training: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the metrics, the one that was optimised first."""
    test = (training.get("metrics") or {}).get("test") or {}
    folds = (training.get("metrics") or {}).get("cross_validation") or {}
    base = (training.get("baseline") or {}).get("metrics") or {}
    chief = training.get("metric")
    rows = []
    for name in sorted(test or folds, key=lambda name: name != chief):
        entry, words = test.get(name) or {}, metric(name)
        low, high = entry.get("low"), entry.get("high")
        rows.append(
            {
                "key": name,
                "name": words.name,
                "meaning": words.meaning,
                "lower": words.lower_is_better,
                "chief": name == chief,
                "value": figure(entry.get("value"), name),
                "interval": f"{figure(low, name)} to {figure(high, name)}"
                if low is not None
                else "",
                "baseline": figure(base.get(name), name) if name in base else "",
                "better": _better(entry, base.get(name), words.lower_is_better),
                "folds": figure((folds.get(name) or {}).get("value"), name)
                if name in folds
                else "",
                "spread": figure((folds.get(name) or {}).get("std"), name) if name in folds else "",
            }
        )
    return rows


def _better(entry: Mapping[str, Any], base: float | None, lower: bool) -> str:
    """Compare the interval with the baseline: surely better, surely worse, or neither."""
    if base is None or entry.get("low") is None or entry.get("high") is None:
        return ""
    if lower:
        return "better" if entry["high"] < base else "worse" if entry["low"] > base else "even"
    return "better" if entry["low"] > base else "worse" if entry["high"] < base else "even"


def _charts(manifest: Mapping[str, Any]) -> list[charts.Chart]:
    """Draw what the manifest has the numbers for."""
    training = manifest.get("training") or {}
    curves, classes = training.get("curves") or {}, [str(c) for c in manifest.get("classes") or []]
    chief = training.get("metric") or "score"
    shown = metric(chief).name
    made = []
    if len(classes) == 2:
        auc = ((training.get("metrics") or {}).get("test") or {}).get("auc") or {}
        if curves.get("roc"):
            made.append(charts.roc(curves["roc"], auc.get("value"), classes[1]))
        if curves.get("precision_recall"):
            share = _positive_share(curves)
            made.append(charts.precision_recall(curves["precision_recall"], share, classes[1]))
        if curves.get("score_histogram"):
            made.append(charts.score_histogram(curves["score_histogram"], classes))
        if curves.get("thresholds"):
            made.append(charts.thresholds(curves["thresholds"], _in_force(manifest)))
    if (curves.get("calibration") or {}).get("count"):
        made.append(charts.calibration(curves["calibration"]))
    if curves.get("confusion") and not (len(classes) == 2 and curves.get("thresholds")):
        made.append(charts.confusion(curves["confusion"], classes))
    if (curves.get("predicted_vs_actual") or {}).get("predicted"):
        made.append(charts.predicted_vs_actual(curves["predicted_vs_actual"]))
    if (curves.get("residuals") or {}).get("predicted"):
        made.append(charts.residuals(curves["residuals"]))
    if training.get("importance"):
        made.append(charts.importance(training["importance"], shown))
    members = [row for row in training.get("leaderboard") or [] if row.get("score") is not None]
    if members:
        made.append(charts.leaderboard(members, shown, metric(chief).lower_is_better))
    return made


def _in_force(manifest: Mapping[str, Any]) -> float:
    threshold = (manifest.get("graph") or {}).get("threshold")
    return 0.5 if threshold is None else float(threshold)


def _positive_share(curves: Mapping[str, Any]) -> float:
    counts = curves.get("confusion") or [[1, 0], [0, 1]]
    total = sum(map(sum, counts)) or 1
    return float(sum(counts[1]) / total)


def _threshold(manifest: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the rows of the slider, as JSON that is safe inside HTML, and the row in force."""
    table = ((manifest.get("training") or {}).get("curves") or {}).get("thresholds") or []
    classes = manifest.get("classes") or []
    if len(classes) != 2 or len(table) < 2:
        return None
    in_force = _in_force(manifest)
    start = min(range(len(table)), key=lambda i: abs(table[i]["threshold"] - in_force))
    rows = [[row[name] for name in ("threshold", "tp", "fp", "tn", "fn")] for row in table]
    content = json.dumps({"rows": rows, "start": start}, separators=(",", ":"))
    row = table[start]
    return {
        "json": content.replace("<", "\\u003c"),
        "last": len(table) - 1,
        "start": start,
        "row": row,
        "figures": charts.at_threshold(row),
        "in_force": in_force,
        "other": str(classes[0]),
        "positive": str(classes[1]),
    }


def _warnings(training: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the warnings, suspicions of leakage first."""
    warnings = list(training.get("warnings") or [])
    return sorted(warnings, key=lambda w: not str(w.get("code", "")).startswith("leakage"))


def _members(training: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the candidates that the final model is made of, the heaviest first."""
    members = [row for row in training.get("leaderboard") or [] if row.get("weight")]
    return sorted(members, key=lambda row: -row["weight"])


def _sampled(training: Mapping[str, Any]) -> bool:
    """Whether the candidates were compared on a part of the training rows."""
    compared = (training.get("search") or {}).get("rows")
    rows = (training.get("rows") or {}).get("train")
    return bool(compared and rows and compared < rows)


def _facts(manifest: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return how the model was made, as pairs of a name and a text."""
    training = manifest.get("training") or {}
    rows, split = training.get("rows") or {}, training.get("split") or {}
    facts = [("Made", f"{manifest.get('created', '')} with smelt {manifest.get('smelt', '')}")]
    if rows:
        facts.append(
            ("Rows", f"{rows.get('total', 0):,} read, {rows.get('used', 0):,} used; of these "
                     f"{rows.get('test', 0):,} kept aside for the figures above")
        )  # fmt: skip
    if split:
        kind = str(split.get("kind", "")).replace("_", " ")
        folds = f", {split['folds']} folds" if split.get("folds") else ""
        facts.append(("Validation", f"{kind}{folds}"))
    if training.get("seed") is not None:
        facts.append(("Seed", str(training["seed"])))
    budget = training.get("budget") or {}
    if budget.get("seconds"):
        end = "reached" if budget.get("reached") else "not reached"
        facts.append(("Time budget", f"{number(budget['seconds'])} seconds, {end}"))
    if training.get("data_sha256"):
        facts.append(("Data, SHA-256", training["data_sha256"]))
    if versions := training.get("versions"):
        facts.append(("Versions", ", ".join(f"{name} {text}" for name, text in versions.items())))
    return facts
