"""``smelt predict``: a model file and a table in, the same table with predictions out."""

from __future__ import annotations

from typing import Annotated

import typer

from smelt.app.cli.options import Debug, Json, ModelPath, Quiet


def predict(
    model: ModelPath,
    data: Annotated[str, typer.Argument(metavar="DATA", help="CSV, Parquet, JSON lines, or - .")],
    output: Annotated[
        str,
        typer.Option("--output", "-o", help=".csv, .tsv, .parquet or .jsonl file, or - ."),
    ] = "-",
    proba: Annotated[
        bool, typer.Option("--proba", help="Add a column probability_CLASS for each class.")
    ] = False,
    threshold: Annotated[
        float | None,
        typer.Option("--threshold", help="Predict the second class from this probability on."),
    ] = None,
    as_json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Add a column with predictions to a table of any size.

    The table's own columns are kept as they are. What was odd about the rows is counted on
    standard error.
    """
    import json
    import sys

    from smelt.app.failure import SCHEMA_VERSION
    from smelt.app.prediction import predict_table

    run = predict_table(model, data, output, proba=proba, threshold=threshold)
    if as_json:
        document = {"schema_version": SCHEMA_VERSION, **run.document()}
        stream = sys.stderr if output == "-" else sys.stdout
        print(json.dumps(document, ensure_ascii=False), file=stream)
    elif not quiet:
        print("\n".join(run.lines()), file=sys.stderr)
