"""Fails when a source file is over 600 lines, or has a name that explains nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LIMIT = 600
VAGUE = {"util", "utils", "helper", "helpers", "common", "misc"}


def main() -> int:
    """List what is wrong; 1 if there is anything."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.rs", "*.py"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    faults = []
    for name in listed:
        path = ROOT / name
        if not path.exists():
            continue
        lines = len(path.read_text(encoding="utf-8").splitlines())
        if lines > LIMIT:
            faults.append(f"{name}: {lines} lines (limit {LIMIT}); split it by step")
        if VAGUE & {part.removesuffix(path.suffix) for part in Path(name).parts}:
            faults.append(f"{name}: the name explains nothing; say what the file holds")
    print("\n".join(faults) or f"sizes: {len(listed)} files, none over {LIMIT} lines")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
