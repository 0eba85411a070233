"""The Typer application: the commands and what stands above them."""

from __future__ import annotations

from typing import Annotated

import typer

from smelt._version import __version__
from smelt.app.cli import configuration
from smelt.app.cli.inspect import inspect
from smelt.app.cli.options import Debug
from smelt.app.cli.predict import predict
from smelt.app.cli.report import report
from smelt.app.cli.train import train
from smelt.app.cli.verify import verify

EPILOG = (
    "Exit codes: 0 done, 1 defect of smelt, 2 usage or configuration, 3 data, 4 model file, "
    "5 time budget too small, 6 check failed, 130 interrupted."
)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"smelt {__version__}")
        raise typer.Exit


def application() -> typer.Typer:
    """Build the application."""
    app = typer.Typer(
        name="smelt",
        help="From a table to a model in one safe file: train, predict, look inside.",
        epilog=EPILOG,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )

    @app.callback()
    def above(
        version: Annotated[
            bool,
            typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
        ] = False,
        debug: Debug = False,
    ) -> None:
        """From a table to a model in one safe file: train, predict, look inside."""

    for command in (train, predict, inspect, verify, report):
        app.command(epilog=EPILOG)(command)
    app.add_typer(configuration.commands(), name="config")
    return app
