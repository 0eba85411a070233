"""Progress: in place on a terminal, plain lines elsewhere, JSON lines for programs."""

from __future__ import annotations

import io
import json
import re

import pytest

from smelt.app import progress

SCHEMA = {
    "target": "y",
    "task": "binary",
    "classes": ["no", "yes"],
    "rows": 9,
    "columns": [{"name": n, "role": "number", "reason": ""} for n in ("a", "b")],
}
TRIAL = {"name": "m1", "family": "linear", "metric": "auc", "score": 0.9, "score_std": 0.01,
         "best": True}  # fmt: skip


@pytest.mark.parametrize(
    ("environment", "expected"),
    [({}, True), ({"TERM": "dumb"}, False), ({"CI": "true"}, False), ({"CI": "false"}, True)],
)
def test_when_lines_may_be_drawn_over(monkeypatch, environment, expected):
    monkeypatch.setattr(progress.sys.stderr, "isatty", lambda: True, raising=False)
    assert progress.is_terminal(environment) is expected


def test_no_terminal_means_plain_lines(monkeypatch):
    monkeypatch.setattr(progress.sys.stderr, "isatty", lambda: False, raising=False)
    made = progress.progress_for(as_json=False, quiet=False, no_color=False, verbose=0)
    assert type(made) is progress.PlainLines


def test_plain_lines(capsys):
    show = progress.PlainLines(every=1e9)
    with show:
        show("read", "people.csv", 0.0)
        show("read", "half of it", 0.01)
        show("check", "9 rows", 0.1, schema=SCHEMA)
        show("check", "", 0.1, warning={"message": "few rows", "advice": "get more"})
        show("train", "fold 1", 0.2, trial=TRIAL)
        show("train", "fold 1", 0.2, trial={**TRIAL, "best": False})
    out, err = capsys.readouterr()
    lines = [line.partition("] ")[2] for line in err.splitlines()]
    assert out == "" and lines == [
        "read the table: people.csv",
        "look at the columns: 9 rows",
        "predicts y (binary of 2: no, yes)",
        "  number        2  a, b",
        "warning: few rows get more",
        "train candidates: fold 1",
        "best so far: m1  auc 0.9 ± 0.0100",
    ]


def test_json_lines(capsys):
    show = progress.JsonLines()
    show("read", "people.csv", 0.0)
    show("check", "9 rows", 0.1, schema=SCHEMA)
    show("check", "x", 0.1)
    show("check", "y", 0.1)
    show("train", "fold 1", 0.2, trial=TRIAL)
    out, err = capsys.readouterr()
    events = [json.loads(line) for line in out.splitlines()]
    kinds = [event["event"] for event in events]
    assert kinds == ["phase", "phase", "schema", "progress", "phase", "trial"]
    assert events[-1]["score"] == 0.9 and err == ""


def test_live_lines_show_phases_bar_best_and_stopping():
    from rich.console import Console

    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=90, highlight=False)
    show = progress.Live(console=console)
    with show:
        show("read", "people.csv", 0.05, schema=SCHEMA)
        show("train", "boosting-2, fold 3 of 5", 0.4, trial=TRIAL)
        show.stopping()
        show._display.refresh()
        drawn = re.sub(r"\x1b\[[^a-zA-Z]*[a-zA-Z]", "", screen.getvalue())
    for word in ("predicts y", "✓ read the table", "▸ train candidates", "boosting-2, fold 3 of 5",
                 "40%", "best so far: m1", "Ctrl-C again aborts"):  # fmt: skip
        assert word in drawn


def test_progress_never_goes_back():
    from rich.console import Console

    show = progress.Live(console=Console(file=io.StringIO(), force_terminal=True))
    with show:
        show("train", "", 0.6)
        show("train", "", 0.5)
        assert show._fraction == 0.6
