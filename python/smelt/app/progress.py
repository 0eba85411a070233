"""What a person, a log file or a program sees while a model is trained.

Each class here is the ``events`` callback of :func:`smelt.train`: it is called with the phase, one
line for people, the share of the whole run that is done, and facts when there are any.
Everything goes to standard error, but for :class:`JsonLines`, whose events are the output.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self

from smelt.app.duration import spelled
from smelt.app.failure import SCHEMA_VERSION

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

PHASES = {
    "read": "read the table",
    "check": "look at the columns",
    "train": "train candidates",
    "ensemble": "combine the best",
    "test": "test on rows held out",
    "refit": "train again on all rows",
    "explain": "weigh the columns",
    "write": "write the files",
}
STOPPING = "stopping: the best so far will be kept (Ctrl-C again aborts)"


class Progress(Protocol):
    """The callback, and the block in which it is shown."""

    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def __call__(self, phase: str, detail: str, fraction: float, **facts: Any) -> None:
        """Show where the training stands."""

    def stopping(self) -> None:
        """Say that the first Ctrl-C was heard; called from a signal handler."""


def is_terminal(environment: Mapping[str, str] | None = None) -> bool:
    """Whether standard error is a terminal on which lines may be drawn over."""
    environment = os.environ if environment is None else environment
    if environment.get("TERM") == "dumb" or environment.get("CI", "").lower() not in ("", "false"):
        return False
    return sys.stderr.isatty()


def progress_for(*, as_json: bool, quiet: bool, no_color: bool, verbose: int) -> Progress:
    """Return the way of showing progress that suits the streams."""
    if as_json:
        return JsonLines()
    if quiet:
        return Silent()
    return Live(no_color=no_color) if is_terminal() else PlainLines(every=1.0 if verbose else 5.0)


class Silent:
    """Shows nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        return None

    def __call__(self, phase: str, detail: str, fraction: float, **facts: Any) -> None:
        """See :class:`Progress`."""

    def stopping(self) -> None:
        """See :class:`Progress`."""


class JsonLines(Silent):
    """One JSON object a line on standard output: phase, schema, warning, trial, progress."""

    def __init__(self) -> None:
        self._phase = ""
        self._last = 0.0

    def __call__(self, phase: str, detail: str, fraction: float, **facts: Any) -> None:
        """See :class:`Progress`."""
        if phase != self._phase:
            self._phase = phase
            self.write("phase", phase=phase, detail=detail, fraction=fraction)
        elif not facts and time.monotonic() - self._last >= 1:
            self._last = time.monotonic()
            self.write("progress", phase=phase, detail=detail, fraction=fraction)
        for name, fact in facts.items():
            self.write(name, **fact)

    def write(self, event: str, **content: Any) -> None:
        """Write one event."""
        document = {"schema_version": SCHEMA_VERSION, "event": event, **content}
        print(json.dumps(document, ensure_ascii=False, allow_nan=False), flush=True)


class PlainLines(Silent):
    """Lines for a log: one a phase, one a finding, and one every few seconds in between."""

    def __init__(self, every: float = 5.0) -> None:
        self._every = every
        self._phase = ""
        self._start = self._last = time.monotonic()

    def __call__(self, phase: str, detail: str, fraction: float, **facts: Any) -> None:
        """See :class:`Progress`."""
        now = time.monotonic()
        begins = phase != self._phase
        if begins or (not facts and now - self._last >= self._every):
            self._phase, self._last = phase, now
            share = "" if begins else f" ({fraction:.0%}{_left(now - self._start, fraction)})"
            name = PHASES.get(phase, phase)
            self._line(f"{name}{': ' if detail else ''}{detail}{share}")
        for text in told(facts):
            self._line(text)

    def _line(self, text: str) -> None:
        print(f"[{time.monotonic() - self._start:6.1f} s] {text}", file=sys.stderr, flush=True)

    def stopping(self) -> None:
        """See :class:`Progress`."""
        os.write(2, f"{STOPPING}\n".encode())


def told(facts: Mapping[str, Any]) -> list[str]:
    """Return the lines for people in which facts are told."""
    lines = []
    if schema := facts.get("schema"):
        lines += inferred(schema)
    if warning := facts.get("warning"):
        lines.append(f"warning: {warning['message']} {warning.get('advice') or ''}".rstrip())
    if (trial := facts.get("trial")) and trial.get("best"):
        lines.append(f"best so far: {_best(trial)}")
    return lines


def inferred(schema: Mapping[str, Any]) -> list[str]:
    """Return what was found out about a table: the task, and the columns by role."""
    classes = schema.get("classes") or []
    among = f" of {len(classes)}: {', '.join(map(str, classes[:6]))}" if classes else ""
    more = ", …" if len(classes) > 6 else ""
    lines = [f"predicts {schema['target']} ({schema['task']}{among}{more})"]
    by_role: dict[str, list[str]] = {}
    for column in schema["columns"]:
        by_role.setdefault(column["role"], []).append(column["name"])
    for role, names in by_role.items():
        shown = ", ".join(names[:12]) + (f", … {len(names) - 12} more" if len(names) > 12 else "")
        lines.append(f"  {role:<10} {len(names):>4}  {shown}")
    return lines


def _best(trial: Mapping[str, Any]) -> str:
    spread = f" ± {trial['score_std']:.4f}" if trial.get("score_std") is not None else ""
    return f"{trial['name']}  {trial['metric']} {trial['score']:.5g}{spread}"


def _left(elapsed: float, fraction: float) -> str:
    if fraction < 0.03 or elapsed < 1:
        return ""
    return f", about {spelled(elapsed * (1 - fraction) / fraction)} left"


class Live:
    """A few lines on a terminal that change in place: phases, a bar, the best so far, time left."""

    def __init__(self, no_color: bool = False, console: Console | None = None) -> None:
        from rich.console import Console
        from rich.live import Live as Display

        self._console = console or Console(stderr=True, no_color=no_color or None, highlight=False)
        self._start = time.monotonic()
        self._phases: list[tuple[str, float]] = []
        self._detail, self._fraction, self._best, self._stopping = "", 0.0, "", False
        self._display = Display(
            get_renderable=self._draw,
            console=self._console,
            refresh_per_second=8,
            transient=True,
        )

    def __enter__(self) -> Self:
        self._display.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._display.__exit__(kind, error, trace)

    def __call__(self, phase: str, detail: str, fraction: float, **facts: Any) -> None:
        """See :class:`Progress`."""
        if not self._phases or self._phases[-1][0] != phase:
            self._phases.append((phase, time.monotonic()))
        self._detail, self._fraction = detail, max(self._fraction, min(1.0, fraction))
        if (trial := facts.get("trial")) and trial.get("best"):
            self._best = _best(trial)
        for text in told({name: fact for name, fact in facts.items() if name != "trial"}):
            style = "yellow" if text.startswith("warning") else None
            self._console.print(text, style=style, markup=False)

    def stopping(self) -> None:
        """See :class:`Progress`."""
        self._stopping = True

    def _draw(self) -> RenderableType:
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        now = time.monotonic()
        grid = Table.grid(padding=(0, 1))
        ends = [begin for _, begin in self._phases[1:]] + [now]
        for (phase, begin), end in zip(self._phases, ends, strict=False):
            done = phase != self._phases[-1][0]
            grid.add_row(
                Text("✓" if done else "▸", style="green" if done else "cyan"),
                Text(PHASES.get(phase, phase), style="dim" if done else "bold"),
                Text(spelled(end - begin), style="dim", justify="right"),
                Text("" if done else self._detail, overflow="ellipsis", no_wrap=True),
            )
        elapsed = now - self._start
        bar = Table.grid(padding=(0, 1))
        bar.add_row(
            Text(" "),
            ProgressBar(total=1.0, completed=self._fraction, width=32),
            Text(f"{self._fraction:4.0%}"),
            Text(f"{spelled(elapsed)}{_left(elapsed, self._fraction)}", style="dim"),
        )
        parts: list[RenderableType] = [grid, bar]
        if self._best:
            parts.append(Text(f"  best so far: {self._best}", style="green"))
        if self._stopping:
            parts.append(Text(f"  {STOPPING}", style="yellow"))
        return Group(*parts)
