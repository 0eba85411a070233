"""Writing a file as a whole or not at all."""

from __future__ import annotations

import errno
import os
import re
import stat
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from smelt.errors import UsageError


def check_output(path: Path, inputs: Iterable[Path] = ()) -> None:
    """Say before the work begins that ``path`` could not be written after it."""
    if path.is_dir():
        raise UsageError(f"cannot write {path}: it is a folder", hint="name a file")
    for source in inputs:
        with suppress(OSError):
            if path.exists() and path.samefile(source):
                raise UsageError(f"the output {path} is the input", hint="choose another name")
    if _is_special(path):
        return
    folder = path.parent
    if not folder.is_dir():
        raise UsageError(
            f"cannot write {path}: there is no folder {folder}", hint=f"make it: mkdir -p {folder}"
        )
    if path.exists() and not os.access(path, os.W_OK):
        raise UsageError(f"cannot write {path}: the file is write-protected")
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise unwritable(path, error) from None


def unwritable(path: Path | str, error: OSError) -> UsageError:
    """Return the error for an output that the system refuses to take."""
    reason = (error.strerror or str(error)).lower()
    hint = "check the permissions, or choose another place"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        hint = "free some space, or choose another place; nothing half-written is left"
    return UsageError(f"cannot write {path}: {reason}", hint=hint)


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """Open ``path`` for writing; it appears when the block ends, and not at all if it fails.

    A device or a named pipe is written to directly.
    """
    if _is_special(path):
        try:
            with path.open("wb") as file:
                yield file
        except OSError as error:
            if isinstance(error, BrokenPipeError):
                raise
            raise unwritable(path, error) from None
        return
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    except OSError as error:
        raise unwritable(path, error) from None
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, _mode(path))
        os.replace(name, path)
    except BaseException as error:
        with suppress(OSError):
            os.unlink(name)
        if refused := _refusal(error):
            raise unwritable(path, refused) from None
        raise


_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS, errno.EACCES)


def _refusal(error: BaseException) -> OSError | None:
    """Return the system's refusal to write, also where a library tells of it in words only."""
    number = error.errno if isinstance(error, OSError) else None
    if number is None and (told := re.search(r"\(os error (\d+)\)", str(error))):
        number = int(told[1])
    return OSError(number, os.strerror(number)) if number in _DISK else None


def _is_special(path: Path) -> bool:
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return stat.S_ISCHR(mode) or stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)


def _mode(path: Path) -> int:
    """Return the permissions of the file that is replaced, else those of a new file."""
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except OSError:
        mask = os.umask(0)
        os.umask(mask)
        return 0o666 & ~mask
