"""Finds a kernel by name: the Rust function, or its NumPy twin when the engine is "plain"."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from typing import Any

from smelt import _smelt
from smelt._config import settings, threads_for


@functools.cache
def _find(engine: str, name: str) -> Callable[..., Any]:
    family, _, function = name.rpartition(".")
    if engine == "rust":
        return getattr(getattr(_smelt, family), function)  # type: ignore[no-any-return]
    return getattr(importlib.import_module(f"smelt.plain.{family}"), function)  # type: ignore[no-any-return]


def kernel(name: str, *, n_jobs: int | None = None) -> Callable[..., Any]:
    """Return the function behind ``"family.algorithm_verb"``, e.g. ``"linear_model.ridge_fit"``.

    Kernel and twin take the same arguments and return the same dict of arrays.
    """
    engine = settings().engine
    function = _find(engine, name)
    threads = threads_for(n_jobs)
    if engine == "plain" or threads is None:
        return function
    return functools.partial(function, n_threads=threads)
