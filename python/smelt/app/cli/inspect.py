"""``smelt inspect``: what a model file holds."""

from __future__ import annotations

import json
import sys
from typing import Any

from smelt.app.cli.description import showing_description
from smelt.app.cli.options import Debug, Json, ModelPath
from smelt.app.failure import SCHEMA_VERSION


def inspect(model: ModelPath, as_json: Json = False, debug: Debug = False) -> None:
    """Show what a model file predicts, from which columns, how well, and how it was made."""
    from smelt.export.model_file import open_model

    opened = open_model(model)
    if as_json:
        document = {"schema_version": SCHEMA_VERSION, "sha256": opened.sha256}
        json.dump(document | opened.manifest, sys.stdout, ensure_ascii=False, indent=2)
        print()
        return
    with showing_description(model):
        print("\n".join(summary(opened.manifest, opened.sha256)))


def summary(manifest: dict[str, Any], sha256: str) -> list[str]:
    """Return the lines that people read."""
    training = manifest.get("training") or {}
    facts = [
        ("predicts", _predicts(manifest)),
        ("made", f"{manifest['created']} by smelt {manifest['smelt']}"),
        ("sha256", sha256),
    ]
    if rows := training.get("rows"):
        facts.append(("rows", f"{rows['used']:,} used, {rows['test']:,} of them held out"))
        fitted, judged = rows.get("fitted", 0), rows.get("judged", 0)
        if fitted > judged:
            text = f"on all {fitted:,} rows, after the figures below were taken with {judged:,}"
            facts.append(("fitted", text))
    if command := training.get("command"):
        facts.append(("command", command))
    lines = [f"{name:<9} {value}" for name, value in facts]
    lines += _metrics(training)
    lines += _columns(manifest.get("inputs") or [])
    if members := [row for row in training.get("leaderboard") or [] if row.get("weight")]:
        lines += ["", "members"]
        lines += [
            f"  {row['name']:<24} {row['family']}, weight {row['weight']:.2f}" for row in members
        ]
    return lines


def _predicts(manifest: dict[str, Any]) -> str:
    target, task = manifest.get("target") or "a value", manifest.get("task")
    classes = manifest.get("classes") or []
    if not classes:
        return f"{target} ({task})"
    shown = ", ".join(map(str, classes[:8])) + (", …" if len(classes) > 8 else "")
    return f"{target} ({task}: {shown})"


def _metrics(training: dict[str, Any]) -> list[str]:
    test = (training.get("metrics") or {}).get("test") or {}
    if not test:
        return []
    baseline = (training.get("baseline") or {}).get("metrics") or {}
    lines = ["", f"{'metric':<20}{'held out':>12}{'95 % interval':>24}{'baseline':>12}"]
    for name, value in test.items():
        interval = f"{value['low']:.4g} to {value['high']:.4g}" if "low" in value else ""
        base = f"{baseline[name]:.4g}" if name in baseline else ""
        lines.append(f"{name:<20}{value['value']:>12.4g}{interval:>24}{base:>12}")
    return lines


def _columns(inputs: list[dict[str, Any]]) -> list[str]:
    if not inputs:
        return []
    width = min(40, max(len(column["name"]) for column in inputs))
    lines = ["", f"{len(inputs)} input columns"]
    for column in inputs:
        low, high = column.get("range") or (None, None)
        span = f"  {low:g} to {high:g}" if low is not None and high is not None else ""
        need = "" if column.get("required", True) else "  (optional)"
        lines.append(f"  {column['name']:<{width}}  {column['role']}{span}{need}")
    return lines
