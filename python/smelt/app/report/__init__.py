"""The report: one HTML file, made from a model file's manifest, that opens offline."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any


def write_report(manifest: Mapping[str, Any], path: Path) -> None:
    """Write the report of a model as one HTML file."""
    from smelt.app.output import whole_file
    from smelt.app.report.page import render

    text = render(manifest)
    with whole_file(path) as file:
        file.write(text.encode())
