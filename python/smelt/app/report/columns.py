"""The table of columns: role, what is missing, how the values lie."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from smelt.app.charts import sparkline
from smelt.app.report.figures import date, number, percent, short

MOST_COLUMNS = 150
ROLE_WORDS = {
    "number": "number",
    "category": "category",
    "boolean": "yes / no",
    "datetime": "date",
    "text": "text",
    "identifier": "identifier",
    "constant": "constant",
    "ignored": "ignored",
}


def column_rows(manifest: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return one row a column: the target first, then the most important."""
    profile, training = manifest.get("profile") or {}, manifest.get("training") or {}
    total = (training.get("rows") or {}).get("used") or (training.get("rows") or {}).get("total")
    ranks = {
        entry["column"]: i
        for i, entry in enumerate(
            sorted(training.get("importance") or [], key=lambda entry: -(entry["mean"] or 0.0))
        )
    }
    columns = sorted(
        profile.get("columns") or [], key=lambda column: ranks.get(column["name"], len(ranks))
    )
    rows = [_row(column, total) for column in columns[:MOST_COLUMNS]]
    if target := profile.get("target"):
        rows.insert(0, {**_row(target, total), "is_target": True})
    return rows


def _row(column: Mapping[str, Any], total: int | None) -> dict[str, Any]:
    missing, invalid = column.get("n_missing") or 0, column.get("n_invalid") or 0
    role = str(column.get("role"))
    shape = column.get("length") if role == "text" else column
    return {
        "name": column["name"],
        "role": ROLE_WORDS.get(role, role),
        "used": role not in ("identifier", "constant", "ignored"),
        "missing": percent(missing / total) if total and missing else "",
        "missing_share": min(1.0, missing / total) if total else 0.0,
        "invalid": f"{invalid:,}" if invalid else "",
        "distinct": f"{column['n_unique']:,}" if column.get("n_unique") is not None else "",
        "spark": sparkline(shape or {}),
        "values": _values(column, role),
    }


def _values(column: Mapping[str, Any], role: str) -> str:
    """Return the range of numbers and dates, or the most frequent values."""
    if role == "text" and column.get("length"):
        length = column["length"]
        return f"{number(length.get('min'))} to {number(length.get('max'))} characters"
    if categories := column.get("categories"):
        shown = ", ".join(f"{short(value, 24)} ({count:,})" for value, count in categories[:3])
        return shown + (", …" if len(categories) > 3 else "")
    if column.get("min") is None:
        return ""
    if role == "datetime":
        return f"{date(column['min'])} to {date(column['max'])}"
    return f"{number(column['min'])} to {number(column['max'])}, mean {number(column.get('mean'))}"
