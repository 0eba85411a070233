"""The command line as a whole: start, help, streams, exit codes, crash files."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from smelt._version import __version__

WEB = {"fastapi", "starlette", "uvicorn", "sqlalchemy", "alembic"}


def modules_after(*arguments: str) -> set[str]:
    code = (
        "import sys; from smelt.app.main import main; main(sys.argv[1:]); "
        "print(' '.join(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True
    )
    return {name.partition(".")[0] for name in done.stderr.splitlines()[-1].split()}


def test_version_imports_nothing_heavy():
    loaded = modules_after("--version")
    assert not loaded & {"numpy", "sklearn", "typer", "rich", "polars", "altair", "jinja2"}


def test_version_is_printed():
    done = subprocess.run(
        [sys.executable, "-m", "smelt", "--version"], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, f"smelt {__version__}\n", "")


def test_predict_imports_no_web_no_charts_no_scikit_learn(model, people_csv, tmp_path):
    loaded = modules_after("predict", str(model), str(people_csv), "-o", str(tmp_path / "o.csv"))
    assert not loaded & (WEB | {"altair", "vl_convert", "jinja2", "sklearn", "pandas", "pyarrow"})


def test_help_lists_every_command_and_the_exit_codes(smelt):
    shown = smelt("--help")
    assert shown.code == 0
    for word in ("train", "predict", "inspect", "verify", "report", "config", "Exit codes"):
        assert word in shown.out


def test_unknown_command_suggests_one(smelt):
    said = smelt("trian", "x.csv")
    assert said.code == 2 and "'train'" in said.err and said.out == ""


def test_unknown_option_suggests_one(smelt):
    said = smelt("train", "x.csv", "--targett", "y")
    assert said.code == 2 and "--target" in said.err and "Traceback" not in said.err


def test_a_defect_writes_a_crash_file_and_no_traceback(smelt, monkeypatch):
    import smelt.export.model_file as model_file

    def broken(path):
        raise AssertionError("the roof is off")

    monkeypatch.setattr(model_file, "open_model", broken)
    said = smelt("inspect", "x.smelt")
    assert said.code == 1 and "Traceback" not in said.err
    assert "AssertionError: the roof is off" in said.err
    crash = Path(re.search(r"report it with (\S+)", said.err)[1])
    text = crash.read_text()
    crash.unlink()
    assert "Traceback" in text and "command: smelt inspect x.smelt" in text


def test_debug_shows_the_traceback(smelt, tmp_path):
    said = smelt("inspect", tmp_path / "nothing.smelt", "--debug")
    assert said.code == 4 and "Traceback" in said.err


@pytest.mark.parametrize("command", ["inspect", "verify", "report"])
def test_a_broken_model_file_is_exit_code_4(smelt, tmp_path, command, model):
    for name, content in {
        "empty": b"",
        "noise": b"\x00\x01\x02" * 99,
        "cut": model.read_bytes()[:-7],
        "huge": b"\xff" * 64,
    }.items():
        path = tmp_path / f"{name}.smelt"
        path.write_bytes(content)
        said = smelt(command, path)
        assert said.code == 4, (name, said)
        assert str(path) in said.err and "Traceback" not in said.err
    assert not list(tmp_path.glob("*.html"))


def test_a_changed_byte_is_noticed(smelt, tmp_path, model):
    content = bytearray(model.read_bytes())
    content[-100] ^= 1
    path = tmp_path / "changed.smelt"
    path.write_bytes(content)
    assert smelt("verify", path).code == 4


def test_verify_says_which_file_is_sound(smelt, model):
    said = smelt("verify", model)
    assert said.code == 0 and "same bits" in said.out and said.err == ""
    document = json.loads(smelt("verify", model, "--json").out)
    assert document["ok"] is True and document["rows"] == 16


def test_verify_is_exit_code_6_when_bits_differ(smelt, model, monkeypatch):
    from smelt.errors import CheckError
    from smelt.export.model import Model

    def differs(self):
        raise CheckError("self-test row 3 of 16 is predicted differently")

    monkeypatch.setattr(Model, "verify", differs)
    said = smelt("verify", model)
    assert said.code == 6 and "row 3" in said.err and said.out == ""


def test_inspect_shows_target_columns_and_figures(smelt, model):
    shown = smelt("inspect", model)
    assert shown.code == 0
    for word in ("bought (binary: no, yes)", "age", "number", "auc", "members", "smelt.train("):
        assert word in shown.out
    document = json.loads(smelt("inspect", model, "--json").out)
    assert document["target"] == "bought" and document["schema_version"] == 1


def test_inspect_of_a_missing_file(smelt, tmp_path):
    said = smelt("inspect", tmp_path / "no.smelt", "--json")
    assert said.code == 4 and "no.smelt" in said.err
    event = json.loads(said.out)
    assert event["event"] == "error" and event["exit_code"] == 4


def test_report_is_written_from_the_file_alone(smelt, model, tmp_path):
    path = tmp_path / "again.html"
    assert smelt("report", model, "-o", path).code == 0
    assert path.read_text().startswith("<!DOCTYPE html>")


def test_report_does_not_overwrite_the_model(smelt, model):
    before = model.read_bytes()
    said = smelt("report", model, "-o", model)
    assert said.code == 2 and model.read_bytes() == before
