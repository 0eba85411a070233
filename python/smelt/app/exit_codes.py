"""What the exit code of ``smelt`` says, and which exception leads to which code."""

from __future__ import annotations

from enum import IntEnum

from smelt.errors import BudgetError, CheckError, DataError, ModelFileError, UsageError


class ExitCode(IntEnum):
    """The exit codes of the command line; they do not change between versions."""

    OK = 0
    INTERNAL = 1  #: a defect of smelt; a crash file was written
    USAGE = 2  #: a command, option, configuration or output that cannot be used
    DATA = 3  #: the input data cannot be used
    MODEL_FILE = 4  #: the model file is damaged or not supported
    BUDGET = 5  #: the time budget ended before anything was trained
    CHECK = 6  #: a check that was asked for did not hold
    INTERRUPTED = 130  #: Ctrl-C; what was best so far is written if there was any
    BROKEN_PIPE = 141  #: the reader of our standard output went away


_BY_CLASS: tuple[tuple[type[BaseException], ExitCode], ...] = (
    (UsageError, ExitCode.USAGE),
    (DataError, ExitCode.DATA),
    (ModelFileError, ExitCode.MODEL_FILE),
    (BudgetError, ExitCode.BUDGET),
    (CheckError, ExitCode.CHECK),
    (KeyboardInterrupt, ExitCode.INTERRUPTED),
    (BrokenPipeError, ExitCode.BROKEN_PIPE),
    (OSError, ExitCode.USAGE),
)


def exit_code(error: BaseException) -> ExitCode:
    """Return the exit code that ``error`` leads to."""
    for kind, code in _BY_CLASS:
        if isinstance(error, kind):
            return code
    return ExitCode.INTERNAL
