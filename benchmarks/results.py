"""Writes what was measured: JSON for machines, a Markdown table for people."""

from __future__ import annotations

import json
import os
import platform
import statistics
from dataclasses import asdict
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from goals import goal_rows
from harness import Row, Workload, remark

PACKAGES = (
    "smelt", "numpy", "scipy", "scikit-learn", "polars",
    "scikit-learn-intelex", "lightgbm", "glum", "snapml",
)  # fmt: skip


def machine() -> dict[str, str]:
    """Return what the figures depend on: the date, and a line on processor, cores and versions."""
    model = platform.processor() or platform.machine()
    flags: set[str] = set()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "model name":
                model = value.strip()
            if key.strip() == "flags":
                flags = set(value.split())
    vector = next((name for name in ("avx512f", "avx2", "sse4_2") if name in flags), "scalar")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    versions = []
    for package in PACKAGES:
        try:
            versions.append(f"{package} {metadata.version(package)}")
        except metadata.PackageNotFoundError:
            versions.append(f"{package} not installed")
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "summary": (
            f"{os.cpu_count()} cores of {model} ({vector}), {memory:.0f} GiB, "
            f"{platform.system()}, Python {platform.python_version()}; {', '.join(versions)}"
        ),
    }


def write_results(
    rows: list[Row], workloads: dict[str, Workload], folder: Path, *, complete: bool
) -> None:
    """Merge the rows into ``results.json`` and write ``README.md`` (the tables) from it.

    A run of some workloads replaces their rows and keeps the others; a complete run starts anew.
    Every row keeps the machine, the versions and the date that it was measured with.
    """
    folder.mkdir(exist_ok=True)
    store = folder / "results.json"
    kept = {} if complete or not store.exists() else json.loads(store.read_text())["workloads"]
    facts = machine()
    fresh: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        fresh.setdefault(row.workload, []).append(
            asdict(row)
            | {
                "median": row.median if row.seconds else None,
                "remark": remark(row),
                "measured": f"{facts['date']} on {facts['summary']}",
            }
        )
    for name, measured in fresh.items():
        peers = {row["peer"] for row in measured}
        old = kept.get(name, {}).get("rows", [])
        kept[name] = {
            "note": workloads[name].note,
            "twin": workloads[name].twin,
            "rows": measured + [row for row in old if row["peer"] not in peers],
        }
    store.write_text(json.dumps({"workloads": kept}, indent=1, ensure_ascii=False) + "\n")
    (folder / "README.md").write_text(_markdown(kept))


def _markdown(workloads: dict[str, dict[str, Any]]) -> str:
    lines = [
        "# Benchmark results",
        "",
        "Each peer runs in a fresh process, all in turn; the median of the timings stands, after",
        "a warm-up (*first call only* where one call takes over 20 s).  *vs smelt* is the peer's",
        "time over smelt's: above 1 smelt is faster.  *plain* is the NumPy twin on the same data.",
        "*peak* is the most memory within the call above that before it.  Written by `make bench`.",
        "Accuracy over real data sets is a table of its own: [accuracy.md](accuracy.md).",
        "",
        "## Goals",
        "",
        "Times as fast as the fastest other library on the same work; for quality see below.",
        "",
        "| workload | smelt's way | fastest other | measured | goal | |",
        "| --- | --- | --- | --: | --: | --- |",
        *goal_rows(workloads),
    ]
    measured = sorted({row["measured"] for part in workloads.values() for row in part["rows"]})
    for one in reversed(measured):
        lines += [
            "",
            f"## {one.partition(' on ')[0]}",
            "",
            f"{one.partition(' on ')[2]}",
            "",
            "| workload | peer | time | vs smelt | peak MB | quality | |",
            "| --- | --- | --: | --: | --: | --- | --- |",
        ]
        for name, part in sorted(workloads.items()):
            rows = [row for row in part["rows"] if row["measured"] == one]
            lines += _table_rows(name, part, rows)
    return "\n".join(lines) + "\n"


def _table_rows(name: str, part: dict[str, Any], rows: list[dict[str, Any]]) -> list[str]:
    """Return the lines of one workload, the fastest first; what could not run comes last."""
    lines = []
    own = next((row["median"] for row in rows if row["peer"] == "smelt"), None)
    for row in sorted(rows, key=lambda row: (row["median"] is None, row["median"])):
        if row["median"] is None:
            lines.append(f"| {name} | {row['peer']} | – | | | | {row['remark']} |")
            continue
        ratio = f"{row['median'] / own:.2f}" if own else ""
        quality = ", ".join(f"{key} {value:.6g}" for key, value in row["quality"].items())
        peak = f"{statistics.median(row['peak_mb']):.1f}" if row["peak_mb"] else ""
        remarks = "; ".join(filter(None, [part["note"], row["remark"]]))
        lines.append(
            f"| {name} | {row['peer']} | {row['median']:.4g} {row['unit']} | {ratio} "
            f"| {peak} | {quality} | {remarks} |"
        )
    if rows and part["twin"]:
        lines.append(f"| {name} | plain | – | | | | smaller, in {part['twin']} |")
    return lines
