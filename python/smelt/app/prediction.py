"""Prediction over a table of any size, batch after batch."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from smelt.app.output import unwritable, whole_file
from smelt.errors import DataError, UsageError

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from smelt.app.table.schema import SourceInfo
    from smelt.export.model import Model

#: What is counted about the rows, and how it is told.
KINDS = {
    "missing": "without a value",
    "invalid": "with a value that cannot be read; it was taken as missing",
    "unseen": "with a value that training did not see",
    "out_of_range": "outside the range seen in training",
}
FORMATS = {
    ".csv": "csv", ".tsv": "tsv", ".tab": "tsv", ".txt": "csv", ".parquet": "parquet",
    ".pq": "parquet", ".jsonl": "json_lines", ".ndjson": "json_lines",
}  # fmt: skip


@dataclass
class Run:
    """What one run of ``smelt predict`` did."""

    output: str
    rows: int = 0
    names: dict[str, str] = field(default_factory=dict)  #: our column → its name in the output
    issues: dict[str, Counter[str]] = field(default_factory=dict)  #: kind → column → rows

    def document(self) -> dict[str, Any]:
        """Return the run as the content of a JSON document."""
        issues = {kind: dict(count) for kind, count in self.issues.items()}
        return {"rows": self.rows, "output": self.output, "columns": self.names, "issues": issues}

    def lines(self) -> list[str]:
        """Return the run as lines for people."""
        place = "" if self.output == "-" else f" → {self.output}"
        lines = [f"{self.rows:,} rows predicted{place}"]
        for ours, name in self.names.items():
            if ours != name:
                lines.append(f"note: the input has a column {ours!r}; ours is named {name!r}")
        for kind, text in KINDS.items():
            for column, count in self.issues.get(kind, Counter()).most_common():
                if kind != "missing":
                    rows = f"{count:,} row{'s' if count > 1 else ''}"
                    share = f"{100 * count / self.rows:.1f} %"
                    lines.append(f"warning: column {column!r}: {rows} ({share}) {text}")
        return lines


def predict_table(
    model_path: Path, source: str, output: str, *, proba: bool, threshold: float | None
) -> Run:
    """Read ``source``, add predictions, write ``output`` (``-``: standard output)."""
    from smelt.app.output import check_output
    from smelt.app.table.read import iter_table
    from smelt.export.model_file import open_model

    model = open_model(model_path)
    rule = _Rule.of(model.manifest, threshold, proba)
    if output != "-":
        inputs = [model_path] if source == "-" else [model_path, Path(source)]
        check_output(Path(output), inputs)
    table = iter_table(source, None, batch_rows(len(model.manifest["inputs"])))
    run = Run(output)
    _write(_predicted(model, table, source, rule, run), output, table.source)
    return run


@dataclass(frozen=True)
class _Rule:
    """How probabilities become a label."""

    classes: tuple[str, ...]
    threshold: float | None
    proba: bool

    @classmethod
    def of(cls, manifest: dict[str, Any], threshold: float | None, proba: bool) -> _Rule:
        classes = tuple(manifest.get("classes") or ())
        if proba and not classes:
            raise UsageError("--proba asks for probabilities; this model predicts a number")
        if threshold is not None:
            if len(classes) != 2:
                raise UsageError("--threshold is for models with two classes")
            if not 0 <= threshold <= 1:
                raise UsageError(f"--threshold must be between 0 and 1, got {threshold}")
        elif len(classes) == 2:
            threshold = manifest["graph"].get("threshold")
        return cls(classes, threshold, proba)

    def names(self) -> list[str]:
        """Return the names of the columns that are added, in order."""
        return ["prediction", *(f"probability_{name}" for name in self.classes if self.proba)]

    def columns(self, values: np.ndarray) -> list[pl.Series]:
        """Return the columns for a batch of model outputs, n × k."""
        import numpy as np
        import polars as pl

        if not self.classes:
            return [pl.Series(values[:, 0])]
        if len(self.classes) == 2 and self.threshold is not None:
            codes = (values[:, 1] >= self.threshold).astype(np.uint32)
        else:
            codes = values.argmax(axis=1).astype(np.uint32)
        label = pl.Series(self.classes, dtype=pl.String).gather(pl.Series(codes))
        return [label, *(pl.Series(values[:, k]) for k in range(values.shape[1]) if self.proba)]


def _predicted(
    model: Model, table: Iterable[pl.DataFrame], source: str, rule: _Rule, run: Run
) -> Iterator[pl.DataFrame]:
    """Yield the batches of the table with our columns added."""
    for frame in table:
        if not run.names:
            run.names = free_names(rule.names(), frame.columns)
        if not frame.height:
            continue
        prediction = model.run(frame)
        run.rows += frame.height
        for kind, counts in prediction.issues.items():
            run.issues.setdefault(kind, Counter()).update(counts)
        made = rule.columns(prediction.values)
        named = [part.alias(run.names[name]) for part, name in zip(made, rule.names(), strict=True)]
        yield frame.with_columns(named)
    if not run.rows:
        where = "standard input" if source == "-" else source
        raise DataError(f"{where} has a header but no row: there is nothing to predict")


def batch_rows(n_columns: int) -> int:
    """Return how many rows are held at a time: about two million cells."""
    return max(1_000, min(50_000, 2_000_000 // max(1, n_columns)))


def free_names(ours: list[str], taken: list[str]) -> dict[str, str]:
    """Return for each of our columns a name that the input does not have."""
    used, names = set(taken), {}
    for name in ours:
        free, number = name, 2
        while free in used:
            free, number = f"{name}_{number}", number + 1
        names[name] = free
        used.add(free)
    return names


def _write(batches: Iterator[pl.DataFrame], output: str, info: SourceInfo) -> None:
    """Write the batches in the format that the output's suffix, else the input, asks for."""
    if output == "-":
        kind: str = "csv" if info.format == "parquet" else info.format
        sys.stdout.flush()
        try:
            _write_rows(batches, sys.stdout.buffer, kind, info.delimiter or ",")
            sys.stdout.buffer.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise unwritable("standard output", error) from None
        return
    suffix = Path(output).suffix.lower()
    kind = FORMATS.get(suffix, info.format)
    delimiter = "\t" if kind == "tsv" else (info.delimiter or ",")
    with whole_file(Path(output)) as file:
        if kind == "parquet":
            _write_parquet(batches, file)
        else:
            _write_rows(batches, file, kind, delimiter)


def _write_rows(batches: Iterator[pl.DataFrame], file: BinaryIO, kind: str, delimiter: str) -> None:
    for number, frame in enumerate(batches):
        if kind == "json_lines":
            text = frame.write_ndjson()
        else:
            text = frame.write_csv(include_header=number == 0, separator=delimiter)
        file.write(text.encode())


def _write_parquet(batches: Iterator[pl.DataFrame], file: BinaryIO) -> None:
    """Stream the batches through Polars' engine, which writes one row group after another."""
    from itertools import chain

    from polars.io.plugins import register_io_source

    first = next(batches)

    def source(
        with_columns: Any, predicate: Any, n_rows: Any, batch_size: Any
    ) -> Iterator[pl.DataFrame]:
        yield from chain([first], batches)

    lazy = register_io_source(source, schema=first.schema)
    lazy.sink_parquet(file, engine="streaming")
