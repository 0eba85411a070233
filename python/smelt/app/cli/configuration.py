"""``smelt config``: write a commented configuration, show the one in force, or its schema."""

from __future__ import annotations

import inspect
import json
import re
import types
import typing
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from smelt.app.cli.options import Debug


def commands() -> typer.Typer:
    """Build the group of commands."""
    app = typer.Typer(help="Write, show or describe the configuration.", no_args_is_help=True)
    app.command()(init)
    app.command()(show)
    app.command()(schema)
    return app


def init(
    path: Annotated[Path, typer.Argument(help="The file to write.")] = Path("smelt.toml"),
    debug: Debug = False,
) -> None:
    """Write a configuration file in which every key stands as a comment."""
    from smelt.app.output import check_output, whole_file
    from smelt.errors import UsageError

    check_output(path)
    if path.exists():
        raise UsageError(f"{path} exists already", hint="remove it first, or name another file")
    with whole_file(path) as file:
        file.write(commented().encode())


def show(
    config: Annotated[Path | None, typer.Option("--config", help="A configuration file.")] = None,
    debug: Debug = False,
) -> None:
    """Show every key with its value and where the value comes from."""
    from smelt.app.config import resolve

    resolved = resolve({}, config)
    for section in fields(resolved.config):
        table = getattr(resolved.config, section.name)
        keys = [key.name for key in fields(table)] if is_dataclass(table) else list(table)
        print(f"[{section.name}]")
        for key in keys:
            value = getattr(table, key) if is_dataclass(table) else table[key]
            origin = resolved.origin.get(f"{section.name}.{key}", "default")
            print(
                f"{key} = {_toml(value)}  # {origin}" if value is not None else f"# {key}: not set"
            )
        print()


def schema(debug: Debug = False) -> None:
    """Print the JSON Schema of smelt.toml, for editors."""
    from smelt.app.config import Config, Role

    properties: dict[str, Any] = {}
    for name, kind in typing.get_type_hints(Config).items():
        if is_dataclass(kind):
            entries = {key: _json_type(hint) for key, hint in typing.get_type_hints(kind).items()}
            properties[name] = {"type": "object", "properties": entries}
            properties[name]["additionalProperties"] = False
        else:
            value = {"enum": list(typing.get_args(Role))}
            properties[name] = {"type": "object", "additionalProperties": value}
    document = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "smelt.toml"}
    body = {"type": "object", "properties": properties, "additionalProperties": False}
    print(json.dumps(document | body, indent=2))


def commented() -> str:
    """Return a configuration file with every key, its default and what it means, as comments."""
    from smelt.app.config import Config

    lines = ["# Configuration of smelt train. Flags and SMELT_* variables win over this file."]
    for name, kind in typing.get_type_hints(Config).items():
        lines += ["", f"[{name}]"]
        if not (is_dataclass(kind) and isinstance(kind, type)):
            lines.append('# age = "number"  # column = role')
            continue
        meaning = dict(re.findall(r"^    (\w+):.*#: (.*)$", inspect.getsource(kind), re.M))
        default = kind()
        for key in fields(kind):
            note = f"  # {meaning[key.name]}" if key.name in meaning else ""
            lines.append(f"# {key.name} = {_toml(getattr(default, key.name))}{note}")
    return "\n".join(lines) + "\n"


def _toml(value: Any) -> str:
    if value is None:
        return "…"
    if isinstance(value, tuple):
        return f"[{', '.join(map(_toml, value))}]"
    return json.dumps(value, ensure_ascii=False)


def _json_type(hint: Any) -> dict[str, Any]:
    parts = [part for part in typing.get_args(hint) if part is not type(None)]
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return _json_type(parts[0])
    if typing.get_origin(hint) is typing.Literal:
        return {"enum": parts}
    if typing.get_origin(hint) is tuple:
        return {"type": "array", "items": {"type": "string"}}
    names = {str: "string", int: "integer", bool: "boolean"}
    return {"type": names[hint]} if hint in names else {"type": ["number", "string"]}
