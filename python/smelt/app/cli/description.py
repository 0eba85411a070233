"""What a manifest says about training and data is shown, not computed with: it may say anything."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def showing_description(path: Path) -> Iterator[None]:
    """Blame the file for whatever goes wrong while its description is shown.

    The reader checks all that prediction needs.  The rest of the manifest (training, profile, card)
    is only for people, has no fixed form, and may come from another program.
    """
    from smelt.errors import ModelFileError, UsageError

    try:
        yield
    except (OSError, MemoryError, ModelFileError, UsageError):
        raise
    except Exception as error:
        detail = f"{type(error).__name__}: {error}".splitlines()[0][:200]
        raise ModelFileError(
            f"{path}: its description of training and data is damaged ({detail})",
            hint="`smelt verify` tells whether it still predicts what it should; for a description "
            "train again",
        ) from error
