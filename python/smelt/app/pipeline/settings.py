"""What a training run is asked for, checked: keywords first, then the configuration."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from smelt.app.pipeline.evaluation.metrics import NAMES
from smelt.app.pipeline.models.candidates import FAMILIES
from smelt.app.table.schema import ROLES, TASKS, Role, Task
from smelt.errors import UsageError


@dataclass(frozen=True)
class Settings:
    """The wishes of a run; None means: choose well."""

    target: str
    task: Task | None = None
    time: float | None = None
    seed: int = 0
    roles: Mapping[str, Role] = field(default_factory=dict)
    metric: str | None = None
    folds: int | None = None
    test_share: float | None = None
    families: Sequence[str] = FAMILIES
    n_threads: int | None = None

    def __post_init__(self) -> None:
        _one_of("task", self.task, TASKS)
        metrics = sorted({name for names in NAMES.values() for name in names})
        _one_of("metric", self.metric, metrics)
        for role in self.roles.values():
            _one_of("role", role, ROLES)
        if isinstance(self.families, str) or not self.families:
            raise UsageError('families must be a list, e.g. ["linear", "boosting"]')
        for family in self.families:
            _one_of("families", family, FAMILIES)
        _number("time", self.time, low=0.0, what="a number of seconds above 0")
        _whole("seed", self.seed, low=0)
        _whole("folds", self.folds, low=2, high=50)
        _whole("n_threads", self.n_threads, low=1)
        _number("test_share", self.test_share, low=0.0, high=0.5, what="above 0 and at most 0.5")


def make_settings(
    target: str | None, config: Mapping[str, Any] | None, given: Mapping[str, Any]
) -> Settings:
    """Join keywords (None: not given) and a configuration; keywords win."""
    names = [item.name for item in fields(Settings)]
    for name in config or {}:
        if name not in names:
            raise UsageError(f"unknown setting {name!r}{_meant(name, names)}")
    wishes = dict(config or {})
    wishes |= {name: value for name, value in given.items() if value is not None}
    if target is not None:
        wishes["target"] = target
    if not isinstance(wishes.get("target"), str):
        raise UsageError("say which column to predict: target must be the name of a column")
    return Settings(**wishes)


def check_metric(metric: str | None, task: str) -> None:
    """Refuse a metric of another task."""
    if metric is not None and metric not in NAMES[task]:
        raise UsageError(
            f"metric {metric!r} does not fit a {task} task; it has {', '.join(NAMES[task])}"
        )


def _one_of(what: str, value: str | None, allowed: Sequence[str]) -> None:
    if value is not None and value not in allowed:
        hint = _meant(str(value), allowed)
        raise UsageError(f"{what} must be one of {', '.join(allowed)}; got {value!r}{hint}")


def _meant(name: str, names: Sequence[str]) -> str:
    close = difflib.get_close_matches(name, names, n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def _number(name: str, value: Any, *, low: float, high: float = float("inf"), what: str) -> None:
    good = isinstance(value, (int, float)) and not isinstance(value, bool)
    if value is not None and not (good and low < value <= high):
        raise UsageError(f"{name} must be {what}; got {value!r}")


def _whole(name: str, value: Any, *, low: int, high: int | None = None) -> None:
    if value is None:
        return
    good = isinstance(value, int) and not isinstance(value, bool)
    if not good or value < low or (high is not None and value > high):
        up = "" if high is None else f" and at most {high}"
        raise UsageError(f"{name} must be a whole number of at least {low}{up}; got {value!r}")
