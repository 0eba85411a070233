"""The commands of ``smelt``, one file each; what a command needs is imported when it runs."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import typer

from smelt.app.cli.application import application
from smelt.app.exit_codes import ExitCode
from smelt.app.failure import report
from smelt.errors import UsageError


def run(arguments: Sequence[str]) -> int:
    """Run one command; every exception becomes an exit code and one block on standard error."""
    command = typer.main.get_command(application())
    if "_SMELT_COMPLETE" in os.environ:
        return int(
            command.main(args=list(arguments), prog_name="smelt", standalone_mode=False) or 0
        )
    own = list(arguments[: arguments.index("--")] if "--" in arguments else arguments)
    try:
        with command.make_context("smelt", list(arguments)) as context:
            code = command.invoke(context)
        sys.stdout.flush()
        return int(code or ExitCode.OK)
    except typer.Exit as asked:
        return int(asked.exit_code)
    except (Exception, KeyboardInterrupt) as error:
        seen = _from_parser(error)
        return report(seen, arguments, debug="--debug" in own, as_json="--json" in own)


def _from_parser(error: BaseException) -> BaseException:
    """Turn an error of the option parser into a :class:`UsageError`; leave others alone."""
    if isinstance(error, typer.Abort):
        return KeyboardInterrupt()
    if not hasattr(error, "format_message"):
        return error
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "smelt"
    return UsageError(
        error.format_message().rstrip("."), hint=f"{command} --help lists the options"
    )
