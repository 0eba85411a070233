"""The command ``smelt``: answers ``--version`` at once, leaves the rest to :mod:`smelt.app.cli`."""

from __future__ import annotations

import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code (see :mod:`smelt.app.exit_codes`)."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    if arguments == ["--version"]:
        from smelt._version import __version__

        print(f"smelt {__version__}")
        return 0
    from smelt.app.cli import run

    return run(arguments)


if __name__ == "__main__":
    sys.exit(main())
