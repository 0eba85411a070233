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

from harness import DISTURBED, Row

PACKAGES = ("smelt", "numpy", "scipy", "scikit-learn", "scikit-learn-intelex", "lightgbm", "glum")


def machine() -> dict[str, Any]:
    """Return what the figures depend on: processor, cores, versions, date."""
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
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    facts = {
        "processor": model,
        "vector": vector,
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "versions": versions,
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
    }
    listed = ", ".join(f"{name} {version}" for name, version in versions.items())
    facts["summary"] = (
        f"{facts['cores']} cores of {model} ({vector}), Python {facts['python']}; {listed}"
    )
    return facts


def write_results(rows: list[Row], folder: Path, *, complete: bool) -> None:
    """Merge the rows into ``results.json`` and write ``README.md`` (the table) from it.

    A run of some workloads replaces their rows and keeps the others; a complete run starts anew.
    """
    folder.mkdir(exist_ok=True)
    store = folder / "results.json"
    kept = {} if complete or not store.exists() else json.loads(store.read_text())["workloads"]
    facts = machine()
    fresh: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        fresh.setdefault(row.workload, []).append(
            asdict(row) | {"median": row.median if row.seconds else None, "date": facts["date"]}
        )
    for name, measured in fresh.items():
        peers = {row["peer"] for row in measured}
        old = [row for row in kept.get(name, []) if row["peer"] not in peers]
        kept[name] = measured + old
    store.write_text(json.dumps({"machine": facts, "workloads": kept}, indent=1) + "\n")
    (folder / "README.md").write_text(_markdown(facts, kept))


def _markdown(facts: dict[str, Any], workloads: dict[str, list[dict[str, Any]]]) -> str:
    lines = [
        "# Benchmark results",
        "",
        f"Measured {facts['date']} on {facts['summary']}.",
        "Each peer runs in a process of its own, in turn; the median of the timings stands,",
        "after one warm-up. *vs smelt* is the peer's time over smelt's: above 1 smelt is faster.",
        "*peak* is the growth of resident memory. *elsewhere* marks timings during which other",
        "work took over 10 % of the machine. Written by `make bench`.",
        "",
        "| workload | peer | time | vs smelt | peak MB | quality | |",
        "| --- | --- | --: | --: | --: | --- | --- |",
    ]
    for name, rows in sorted(workloads.items()):
        own = next((row["median"] for row in rows if row["peer"] == "smelt"), None)
        for row in sorted(rows, key=lambda row: (row["median"] is None, row["median"])):
            if row["median"] is None:
                lines.append(f"| {name} | {row['peer']} | – | | | | {row['failure']} |")
                continue
            ratio = f"{row['median'] / own:.2f}" if own else ""
            quality = ", ".join(f"{key} {value:.6g}" for key, value in row["quality"].items())
            noisy = "elsewhere" if statistics.median(row["elsewhere"]) > DISTURBED else ""
            lines.append(
                f"| {name} | {row['peer']} | {row['median']:.4g} {row['unit']} | {ratio} "
                f"| {statistics.median(row['peak_mb']):.0f} | {quality} | {noisy} |"
            )
    return "\n".join(lines) + "\n"
