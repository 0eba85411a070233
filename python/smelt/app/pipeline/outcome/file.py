"""The content of the model file: graph, inputs, profile, training record, self-test rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from smelt._version import __version__
from smelt.app.pipeline.data.preparation import Prepared
from smelt.app.pipeline.outcome import manifest as sections
from smelt.app.pipeline.outcome.assemble import Assembled
from smelt.app.table import column_profile, target_profile
from smelt.app.table.columns import to_columns
from smelt.export.model_file import to_bytes

SELFTEST_ROWS = 16


def make_file(
    prepared: Prepared,
    final: Assembled,
    threshold: float | None,
    training: dict[str, Any],
    summary: str,
) -> bytes:
    """Return the bytes of the model file."""
    schema = prepared.schema
    described = sections.inputs(prepared.features, final)
    frame = prepared.frame.select([column["name"] for column in described])
    manifest = {
        "kind": "pipeline",
        "smelt": __version__,
        "created": sections.now(),
        "task": schema.task,
        "target": schema.target,
        "classes": list(schema.classes),
        "inputs": described,
        "graph": sections.graph(final, schema.task, threshold),
        "profile": {
            "columns": column_profile(prepared.frame, schema),
            "target": target_profile(prepared.frame, schema),
        },
        "training": training,
        "card": sections.card(schema, training, summary),
        "selftest": {"rows": selftest_rows(frame)},
    }
    return to_bytes(manifest, final.builder.tensors)


def selftest_rows(frame: pl.DataFrame) -> list[dict[str, str | float | None]]:
    """Return sixteen rows, evenly spread over the table, with the values the graph reads."""
    chosen = np.unique(np.linspace(0, frame.height - 1, SELFTEST_ROWS).round().astype(np.int64))
    columns = {column[0]: _cells(column) for column in to_columns(frame[chosen])}
    return [{name: cells[i] for name, cells in columns.items()} for i in range(len(chosen))]


def _cells(column: tuple[Any, ...]) -> list[str | float | None]:
    if column[1] == "number":
        return [None if np.isnan(value) else float(value) for value in column[2]]
    _, _, blob, lengths = column
    ends = np.cumsum(np.maximum(lengths, 0))
    return [
        None if length < 0 else blob[end - length : end].decode()
        for length, end in zip(lengths.tolist(), ends.tolist(), strict=True)
    ]
