"""The configuration of ``smelt train``: one tree, filled from file, environment and flags.

A flag wins over the environment (``SMELT_TRAIN_SEED=1``), the environment over the file:
``smelt.toml`` in the working folder (or ``--config FILE``), else ``[tool.smelt]`` in
``pyproject.toml``.  An unknown key is an error.
"""

from __future__ import annotations

import os
import tomllib
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, Literal

from smelt.app.duration import seconds_of
from smelt.app.failure import did_you_mean
from smelt.app.table.schema import ReadOptions, Role
from smelt.errors import UsageError


@dataclass(frozen=True)
class TrainOptions:
    """What is trained, and how long: the table ``[train]``."""

    target: str | None = None  #: the column to predict
    output: str = "model.smelt"  #: the model file
    report: str | None = None  #: the report (default: the output with suffix .html)
    task: Literal["binary", "multiclass", "regression"] | None = None  #: found if not given
    time: float | None = None  #: budget, seconds or "5m"
    seed: int = 0  #: one seed, one model
    metric: str | None = None  #: what candidates are ranked by (auc, log_loss or rmse by task)
    folds: int | None = None  #: of the cross-validation
    test_share: float | None = None  #: rows held out for the final figure, 0 to 0.5
    families: tuple[str, ...] = ("linear", "boosting")  #: the kinds of model to try
    n_threads: int | None = None  #: all cores if not given; the model is the same


@dataclass(frozen=True)
class Config:
    """The whole tree: ``[train]``, ``[read]`` and ``[roles]``."""

    train: TrainOptions = field(default_factory=TrainOptions)
    read: ReadOptions = field(default_factory=ReadOptions)
    roles: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Resolved:
    """A configuration, and for each key that was set, by whom."""

    config: Config
    origin: dict[str, str]
    path: Path | None


def resolve(
    flags: Mapping[str, Mapping[str, Any]],
    file: Path | None = None,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> Resolved:
    """Combine the file, the environment and ``flags`` (section → key → value; None: not given)."""
    environment = os.environ if environment is None else environment
    path, table = _find(file, folder or Path())
    config = Config()
    origin: dict[str, str] = {}
    layers = [(str(path), table), ("environment", _from_environment(environment)), ("flag", flags)]
    for name, layer in layers:
        config = _apply(config, layer, name, origin)
    return Resolved(config, origin, path)


def _find(file: Path | None, folder: Path) -> tuple[Path | None, dict[str, Any]]:
    """Return the configuration file in force and what stands in it."""
    if file is not None:
        table = _load(file)
        return file, _tool_table(table) if file.name == "pyproject.toml" else table
    if (path := folder / "smelt.toml").is_file():
        return path, _load(path)
    if (path := folder / "pyproject.toml").is_file() and (table := _tool_table(_load(path))):
        return path, table
    return None, {}


def _load(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UsageError(f"cannot read the configuration {path}: {reason}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"the configuration {path} is not valid TOML\n{error}") from None


def _tool_table(table: Mapping[str, Any]) -> dict[str, Any]:
    return dict(table.get("tool", {}).get("smelt", {}))


def _from_environment(environment: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Read ``SMELT_<SECTION>_<KEY>`` for the sections that have a fixed set of keys."""
    layer: dict[str, dict[str, Any]] = {}
    for section in fields(Config):
        kind = typing.get_type_hints(Config)[section.name]
        if is_dataclass(kind):
            for key in fields(kind):
                text = environment.get(f"SMELT_{section.name}_{key.name}".upper())
                if text is not None:
                    layer.setdefault(section.name, {})[key.name] = text
    return layer


def _apply(config: Config, layer: Mapping[str, Any], name: str, origin: dict[str, str]) -> Config:
    """Lay one source of settings over ``config``."""
    sections = {section.name for section in fields(Config)}
    for section, table in layer.items():
        if section not in sections:
            raise _unknown(f"section [{section}]", section, sections, name)
        if not isinstance(table, Mapping):
            known = f"put it into a section: {', '.join(f'[{s}]' for s in sorted(sections))}"
            raise UsageError(f"{name}: {section!r} is not a section", hint=known)
        given = {key: value for key, value in table.items() if value is not None}
        before = getattr(config, section)
        if is_dataclass(before) and not isinstance(before, type):
            hints = typing.get_type_hints(type(before))
            if strange := set(given) - set(hints):
                key = sorted(strange)[0]
                raise _unknown(f"key {key!r} in [{section}]", key, hints, name)
            given = {
                key: convert(value, hints[key], f"{name}: [{section}] {key}")
                for key, value in given.items()
            }
            after: Any = replace(before, **given)
        else:
            roles = typing.get_args(Role)
            given = {
                key: _choice(value, roles, f"{name}: [{section}] {key}")
                for key, value in given.items()
            }
            after = {**before, **given}
        config = replace(config, **{section: after})
        origin.update({f"{section}.{key}": name for key in given})
    return config


def _unknown(what: str, key: str, known: typing.Iterable[str], name: str) -> UsageError:
    near = did_you_mean(key, known)
    hint = f"did you mean {near!r}?" if near else f"known: {', '.join(sorted(known))}"
    return UsageError(f"{name}: unknown {what}", hint=hint)


def convert(value: Any, kind: Any, place: str) -> Any:
    """Return ``value`` as the type ``kind``; text from the environment is parsed."""
    choices = [part for part in typing.get_args(kind) if part is not type(None)]
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        kind = choices[0]
    if typing.get_origin(kind) is Literal:
        return _choice(value, typing.get_args(kind), place)
    if typing.get_origin(kind) is tuple:
        parts = value.split(",") if isinstance(value, str) else value
        if not isinstance(parts, list | tuple) or not all(isinstance(part, str) for part in parts):
            raise UsageError(f"{place} must be a list of texts, got {value!r}")
        return tuple(parts)
    if kind is float and place.endswith(" time"):
        return seconds_of(value, place)
    try:
        return _scalar(value, kind)
    except ValueError:
        wanted = {int: "an integer", float: "a number", bool: "true or false", str: "a text"}[kind]
        raise UsageError(f"{place} must be {wanted}, got {value!r}") from None


def _scalar(value: Any, kind: type) -> Any:
    if kind is bool:
        words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
        if isinstance(value, str) and value.lower() in words:
            return words[value.lower()]
    elif isinstance(value, str) and kind in (int, float):
        return kind(value)
    elif kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if type(value) is not kind:
        raise ValueError
    return value


def _choice(value: Any, choices: typing.Iterable[str], place: str) -> str:
    known = list(choices)
    if value in known:
        return str(value)
    near = did_you_mean(str(value), known)
    hint = f"did you mean {near!r}?" if near else None
    raise UsageError(f"{place} must be one of {', '.join(known)}, got {value!r}", hint=hint)
