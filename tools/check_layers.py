"""Fails when a native algorithm lacks a layer: twin, kernel, binding, test, benchmark, lesson, API.

The path is the name: ``smelt.linear_model.Ridge`` is defined in ``linear_model/ridge.py``, so every
other layer is expected under ``linear_model/ridge`` too, and every kernel function has a twin of
the same name.  A classifier and a regressor of one algorithm may have an estimator file each, which
ends in ``_classifier``, ``_regressor`` or ``_ranker``; the other layers are one file for both.
"""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path

from smelt import _smelt
from smelt._native import NATIVE, load_native

ROOT = Path(__file__).resolve().parents[1]


def algorithms() -> dict[str, list[str]]:
    """Return ``family/algorithm`` -> the public classes that it serves."""
    found: dict[str, list[str]] = {}
    for name in NATIVE:
        place = place_of(name)
        if not (ROOT / f"python/smelt/plain/{place}.py").exists():
            place = re.sub("_(classifier|regressor|ranker)$", "", place)
        found.setdefault(place, []).append(name)
    return found


def place_of(name: str) -> str:
    """Return the path of the file that defines a class, below the package and without ending."""
    _, *path = load_native(name).__module__.split(".")
    return "/".join(path)


# Learners whose fit is another's, or a draw alone: only what they say of rows is theirs.
LAZY = ("k_neighbors_vote", "radius_neighbors_vote", "random_projection_transform")
FILLED = {  # what a file holds once it is more than the stub that new_algorithm.py wrote
    "twin": "return",
    "test": "def test_",
    "benchmark": r"[Ww]orkloads?\(",
}


def faults_of(place: str, classes: list[str], lessons: str) -> list[str]:
    """Return what is missing for one algorithm."""
    family, algorithm = place.split("/")
    faults = []
    for layer, path in {
        "twin": f"python/smelt/plain/{place}.py",
        "test": f"tests/{family}/test_{algorithm}.py",
        "benchmark": f"benchmarks/{place}.py",
    }.items():
        if not (ROOT / path).exists():
            faults.append(f"no {layer} at {path}")
        elif not re.search(FILLED[layer], (ROOT / path).read_text()):
            faults.append(f"the {layer} at {path} is a stub")

    bound = [
        name for name in dir(getattr(_smelt, family, None)) if name.startswith(f"{algorithm}_")
    ]
    if not any(name.startswith((f"{algorithm}_fit", *LAZY)) for name in bound):
        faults.append(f"no binding _smelt.{family}.{algorithm}_fit")
    rust = "\n".join(path.read_text() for path in (ROOT / "crates").glob("*/src/**/*.rs"))
    twins = importlib.import_module(f"smelt.plain.{family}")
    for name in bound:
        if f"pub fn {name}" not in rust and name.endswith("_fit"):
            faults.append(f"no kernel `pub fn {name}` in a crate")
        if not hasattr(twins, name):
            faults.append(f"the kernel {name} has no twin in smelt.plain.{family}")
    api = (ROOT / "docs/api/index.md").read_text()
    for name in classes:
        if name.rpartition(".")[2] not in lessons:
            faults.append(f"no lesson that runs names {name.rpartition('.')[2]}")
        if name not in api:
            faults.append(f"docs/api/index.md does not list {name}")
    return faults


def main() -> int:
    """List what is missing; 1 if there is anything."""
    pages = [path.read_text() for path in (ROOT / "docs/lessons").glob("**/*.md")]
    lessons = "\n".join(page for page in pages if "{code-cell}" in page)
    found = algorithms()
    faults = [
        f"{place}: {fault}"
        for place, classes in sorted(found.items())
        for fault in faults_of(place, classes, lessons)
    ]
    print("\n".join(faults) or f"layers: {len(found)} algorithms, each in every layer")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
