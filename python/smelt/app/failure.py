"""How the command line says that something went wrong: one block, no traceback.

The block says what is wrong, where and why, and how to mend it.  A defect of smelt itself leaves a
crash file with the traceback, so that it can be reported.
"""

from __future__ import annotations

import contextlib
import difflib
import errno
import json
import os
import platform
import sys
import tempfile
import traceback
from collections.abc import Iterable, Sequence
from pathlib import Path

from smelt._version import __version__
from smelt.app.exit_codes import ExitCode, exit_code

SCHEMA_VERSION = 1


def did_you_mean(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that ``name`` most likely stands for, or None."""
    names = list(known)
    by_lower = {candidate.lower(): candidate for candidate in names}
    close = difflib.get_close_matches(name.lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[close[0]] if close else None


def describe(error: BaseException) -> tuple[list[str], str | None]:
    """Return the lines that say what is wrong, and how to mend it."""
    hint = getattr(error, "hint", None)
    if isinstance(error, KeyboardInterrupt):
        return ["interrupted; nothing was written"], None
    if isinstance(error, OSError) and error.strerror and type(error).__module__ == "builtins":
        place = f"{error.filename}: " if error.filename is not None else ""
        return [f"{place}{error.strerror.lower()}"], hint or _HINTS.get(error.errno or 0)
    if isinstance(error, MemoryError):
        return ["not enough memory"], hint or "free some memory, or train on fewer rows"
    text = str(error).strip() or type(error).__name__
    return text.splitlines(), hint


_HINTS = {
    errno.ENOSPC: "the disk is full: free some space or write elsewhere with --output",
    errno.EDQUOT: "the disk quota is used up: free some space or write elsewhere with --output",
    errno.EACCES: "check the permissions, or write elsewhere with --output",
    errno.EROFS: "the file system is read-only: write elsewhere with --output",
    errno.ENOENT: "check the path",
    errno.EISDIR: "name a file, not a folder",
}


def report(
    error: BaseException, arguments: Sequence[str], *, debug: bool, as_json: bool
) -> ExitCode:
    """Print ``error`` on standard error and return the exit code."""
    code = exit_code(error)
    if code is ExitCode.BROKEN_PIPE:
        _silence_stdout()
        return code
    lines, hint = describe(error)
    if code is ExitCode.INTERNAL and not isinstance(error, MemoryError):
        lines[0] = f"{type(error).__name__}: {lines[0]}"
        lines.append("this is a defect of smelt, not of your input")
        crash = _write_crash_file(error, arguments)
        hint = f"please report it with {crash}" if crash else "run again with --debug and report it"
    if debug:
        traceback.print_exception(error, file=sys.stderr)
    print(block(lines, hint), file=sys.stderr)
    if as_json:
        event = {"schema_version": SCHEMA_VERSION, "event": "error", "exit_code": int(code)}
        event |= {"message": "\n".join(lines), "hint": hint}
        try:
            print(json.dumps(event, ensure_ascii=False), flush=True)
        except OSError:
            _silence_stdout()
    return code


def block(lines: Sequence[str], hint: str | None) -> str:
    """Lay the lines of an error out as one block."""
    first, *rest = lines
    text = [f"error: {first}", *(f"       {line.strip()}" for line in rest)]
    if hint:
        first, *rest = hint.splitlines()
        text += [f"  fix: {first}", *(f"       {line.strip()}" for line in rest)]
    return "\n".join(text)


def _write_crash_file(error: BaseException, arguments: Sequence[str]) -> str | None:
    text = [
        f"smelt {__version__}, Python {platform.python_version()}, {platform.platform()}",
        f"command: smelt {' '.join(arguments)}",
        "",
        *traceback.format_exception(error),
    ]
    try:
        handle, name = tempfile.mkstemp(prefix="smelt-crash-", suffix=".txt")
        with os.fdopen(handle, "w", encoding="utf-8", errors="replace") as file:
            file.write("\n".join(text))
    except OSError:
        return None
    return str(Path(name))


def _silence_stdout() -> None:
    """Point standard output at nothing, so that closing it at exit does not complain again."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
