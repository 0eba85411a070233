"""``smelt report``: the report of a model file, made again from the file alone."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from smelt.app.cli.description import showing_description
from smelt.app.cli.options import Debug, ModelPath, Quiet


def report(
    model: ModelPath,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="The HTML file (default: MODEL with suffix .html)."),
    ] = None,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Write the report of a model file as one HTML file that opens offline."""
    from smelt.app.output import check_output
    from smelt.app.report import write_report
    from smelt.export.model_file import open_model

    path = output or model.with_suffix(".html")
    check_output(path, inputs=[model])
    manifest = open_model(model).manifest
    with showing_description(model):
        write_report(manifest, path)
    if not quiet:
        print(f"report: {path}", file=sys.stderr)
