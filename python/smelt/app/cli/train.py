"""``smelt train``: a table in, a model file and a report out."""

from __future__ import annotations

import shlex
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from smelt.app.cli.options import Debug, Json, NoColor, Quiet, Verbose
from smelt.app.exit_codes import ExitCode

if TYPE_CHECKING:
    from smelt.app.config import Config


def train(
    data: Annotated[str, typer.Argument(metavar="DATA", help="CSV, Parquet, JSON lines, or - .")],
    target: Annotated[str | None, typer.Option("--target", "-t", help="Column to predict.")] = None,
    output: Annotated[
        str | None, typer.Option("--output", "-o", help="The model file [model.smelt].")
    ] = None,
    report: Annotated[
        str | None, typer.Option("--report", help="The report [OUTPUT with suffix .html].")
    ] = None,
    config: Annotated[
        Path | None, typer.Option("--config", help="Configuration [./smelt.toml].")
    ] = None,
    task: Annotated[
        str | None, typer.Option("--task", help="binary, multiclass or regression.")
    ] = None,
    time: Annotated[
        str | None, typer.Option("--time", help="Time budget: 90, 90s, 5m, 1h30m.")
    ] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="One seed, one model [0].")] = None,
    metric: Annotated[
        str | None, typer.Option("--metric", help="What candidates are ranked by.")
    ] = None,
    folds: Annotated[int | None, typer.Option("--folds", help="Of the cross-validation.")] = None,
    test_share: Annotated[
        float | None, typer.Option("--test-share", help="Rows kept aside for the final figure.")
    ] = None,
    families: Annotated[
        str | None, typer.Option("--families", help="Kinds of model to try [linear,boosting].")
    ] = None,
    role: Annotated[
        list[str] | None,
        typer.Option("--role", metavar="COLUMN=ROLE", help="Role of a column; may be repeated."),
    ] = None,
    as_json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = 0,
    no_color: NoColor = False,
    debug: Debug = False,
) -> int:
    """Train a model that predicts one column of a table from the others.

    Writes one model file and one report. Ctrl-C once finishes with the best so far.
    """
    from smelt.app.config import resolve
    from smelt.app.progress import JsonLines, progress_for
    from smelt.errors import UsageError

    given = {"target": target, "output": output, "report": report, "task": task, "time": time}
    given |= {"seed": seed, "metric": metric, "folds": folds}  # type: ignore[dict-item]
    given |= {"test_share": test_share, "families": families}  # type: ignore[dict-item]
    settings = resolve({"train": given, "roles": _roles(role or [])}, config).config
    options = settings.train
    if not options.target:
        raise UsageError("which column is to be predicted?", hint="name it: --target COLUMN")
    model_path, report_path = _outputs(options.output, options.report, data)

    from smelt.app.pipeline.train import train as run_training
    from smelt.app.report import write_report

    with (
        progress_for(as_json=as_json, quiet=quiet, no_color=no_color, verbose=verbose) as progress,
        _first_interrupt(progress.stopping),
    ):
        result = run_training(
            data,
            options.target,
            output=model_path,
            roles=settings.roles or None,
            read=settings.read,
            command=command_line(data, settings),
            events=progress,
            **_keywords(settings),
        )
        progress("write", str(report_path), 1.0)
        write_report(result.manifest, report_path)
        if isinstance(progress, JsonLines):
            outputs = {"model": str(model_path), "report": str(report_path)}
            metrics = result.manifest["training"]["metrics"].get("test", {})
            done = {"seconds": result.seconds, "interrupted": result.interrupted}
            progress.write("done", **outputs, **done, metrics=metrics)
    if not (quiet or as_json):
        _say(result, model_path, report_path)
    return ExitCode.INTERRUPTED if result.interrupted else ExitCode.OK


def command_line(data: str, settings: Config) -> str:
    """Return the command that makes this model again: what bears on the model, nothing else."""
    words = ["smelt", "train", data]
    for name, value in _changed(settings.train):
        if name not in _NOT_THE_MODEL:
            words += [f"--{name.replace('_', '-')}", value]
    for column, role in sorted(settings.roles.items()):
        words += ["--role", f"{column}={role}"]
    read = [
        f"SMELT_READ_{name.upper()}={shlex.quote(text)}" for name, text in _changed(settings.read)
    ]
    return " ".join([*read, shlex.join(words)])


def _changed(section: Any) -> Iterator[tuple[str, str]]:
    """Yield the keys of a section that are not as by default, with their values as text."""
    default = type(section)()
    for key in fields(section):
        value = getattr(section, key.name)
        if value != getattr(default, key.name):
            text = ",".join(value) if isinstance(value, tuple) else value
            yield key.name, f"{text:g}" if isinstance(text, float) else str(text)


_NOT_THE_MODEL = ("output", "report", "n_threads")


def _keywords(settings: Config) -> dict[str, Any]:
    """Return the settings that :func:`smelt.train` takes under the same name."""
    names = ("task", "time", "seed", "metric", "folds", "test_share", "families", "n_threads")
    return {name: getattr(settings.train, name) for name in names}


def _roles(pairs: Sequence[str]) -> dict[str, str]:
    from smelt.errors import UsageError

    roles = {}
    for pair in pairs:
        column, equals, role = pair.rpartition("=")
        if not equals or not column:
            raise UsageError(
                f"--role {pair!r} is not COLUMN=ROLE", hint="for example --role zip=category"
            )
        roles[column] = role
    return roles


def _outputs(output: str, report: str | None, data: str) -> tuple[Path, Path]:
    """Return where the two files go, after a look whether they can go there."""
    from smelt.app.output import check_output
    from smelt.errors import UsageError

    model_path = Path(output)
    report_path = Path(report) if report else model_path.with_suffix(".html")
    if model_path == report_path:
        raise UsageError(f"the model and the report would both be {model_path}")
    inputs = [] if data == "-" else [Path(data)]
    check_output(model_path, inputs)
    check_output(report_path, inputs)
    return model_path, report_path


@contextmanager
def _first_interrupt(stopping: Any) -> Iterator[None]:
    """Tell ``stopping`` of the first Ctrl-C; every Ctrl-C raises KeyboardInterrupt as always."""

    def heard(number: int, frame: Any) -> None:
        stopping()
        signal.signal(signal.SIGINT, signal.default_int_handler)
        raise KeyboardInterrupt

    try:
        before = signal.signal(signal.SIGINT, heard)
    except ValueError:  # not in the main thread: there are no signals to hear
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _say(result: Any, model_path: Path, report_path: Path) -> None:
    from smelt.app.duration import spelled

    size = model_path.stat().st_size if model_path.is_file() else len(result.data)
    text = [
        str(result.summary).rstrip(),
        "",
        f"model   {model_path} ({size / 1024:,.0f} KiB)",
        f"report  {report_path}",
        f"took    {spelled(result.seconds)}",
        f"next    smelt predict {model_path} NEW_DATA -o predictions.csv",
    ]
    if result.interrupted:
        text.insert(0, "interrupted: this is the best model so far")
    print("\n".join(text), file=sys.stderr)
