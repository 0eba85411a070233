"""``smelt train``: what it writes and says, bad input, Ctrl-C, a full disk."""

from __future__ import annotations

import json
import os
import resource
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest

SMELT = [sys.executable, "-m", "smelt"]
FAST = ["--families", "boosting", "--folds", "2"]


def test_writes_model_and_report_and_says_so(smelt, people_csv, tmp_path):
    out = tmp_path / "m.smelt"
    done = smelt("train", people_csv, "--target", "bought", "-o", out, *FAST)
    assert done.code == 0 and done.out == ""
    assert sorted(p.name for p in tmp_path.iterdir()) == ["m.html", "m.smelt"]
    for word in ("predicts bought (binary", "number", "best so far", "AUC", str(out), "m.html"):
        assert word in done.err
    assert "\x1b" not in done.err
    assert smelt("verify", out).code == 0


def test_quiet_says_nothing(smelt, people_csv, tmp_path):
    done = smelt("train", people_csv, "-t", "bought", "-o", tmp_path / "m.smelt", "-q", *FAST)
    assert (done.code, done.out, done.err) == (0, "", "")


def test_json_is_a_stream_of_events(smelt, people_csv, tmp_path):
    out = tmp_path / "m.smelt"
    done = smelt("train", people_csv, "-t", "bought", "-o", out, "--json", *FAST)
    events = [json.loads(line) for line in done.out.splitlines()]
    assert done.code == 0 and done.err == ""
    assert {event["schema_version"] for event in events} == {1}
    kinds = [event["event"] for event in events]
    assert kinds[0] == "phase" and kinds[-1] == "done" and "schema" in kinds and "trial" in kinds
    assert events[-1]["model"] == str(out) and 0 <= events[-1]["metrics"]["auc"]["value"] <= 1


def test_the_command_in_the_file_makes_the_same_model(smelt, people_csv, tmp_path):
    first, second = tmp_path / "a.smelt", tmp_path / "b.smelt"
    asked = ["--seed", "3", "--role", "note=ignored", "--report", tmp_path / "x.html"]
    assert smelt("train", people_csv, "-t", "bought", "-o", first, *asked, *FAST).code == 0
    shown = json.loads(smelt("inspect", first, "--json").out)
    words = shlex.split(shown["training"]["command"])
    assert words[:2] == ["smelt", "train"] and "--output" not in words
    assert smelt(*words[1:], "-o", second).code == 0
    again = json.loads(smelt("inspect", second, "--json").out)
    for key in ("created", "sha256"):
        shown.pop(key), again.pop(key)
    assert shown == again


def test_settings_of_a_file_are_used(smelt, people_csv, tmp_path):
    config = tmp_path / "c.toml"
    config.write_text(
        f"[train]\ntarget = 'bought'\noutput = '{tmp_path / 'm.smelt'}'\nfolds = 2\n"
        "families = ['boosting']\n[roles]\nnote = 'ignored'\n"
    )
    assert smelt("train", people_csv, "--config", config).code == 0
    manifest = json.loads(smelt("inspect", tmp_path / "m.smelt", "--json").out)
    assert [column["name"] for column in manifest["inputs"]] == ["age", "job"]


BAD = {
    "empty": (b"", "empty"),
    "header only": (b"a,y\n", "row"),
    "ragged": (b"a,y\n1,x\n2,y,3\n4,x\n", "line 3"),
    "no text": (bytes(range(256)) * 40, "text"),
    "constant target": (b"a,y\n" + b"".join(b"%d,x\n" % i for i in range(50)), "'y'"),
    "two columns of a name": (b"a,a,y\n1,2,x\n3,4,y\n", "'a'"),
    "one row a class": (b"a,y\n1,x\n2,z\n", "y"),
    "no such target": (b"a,Y1\n1,x\n2,z\n", "'Y1'"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_data_is_exit_code_3_and_leaves_nothing(smelt, tmp_path, case):
    content, word = BAD[case]
    path = tmp_path / "in.csv"
    path.write_bytes(content)
    said = smelt("train", path, "--target", "y", "-o", tmp_path / "m.smelt")
    assert said.code in (2, 3), said
    assert word in said.err and "Traceback" not in said.err and said.out == ""
    assert [p.name for p in tmp_path.iterdir()] == ["in.csv"]


def test_a_file_that_is_not_there(smelt, tmp_path):
    said = smelt("train", tmp_path / "no.csv", "--target", "y", "-o", tmp_path / "m.smelt")
    assert said.code in (2, 3) and "no.csv" in said.err and not list(tmp_path.iterdir())


def test_a_target_that_is_not_there(smelt, people_csv, tmp_path):
    said = smelt("train", people_csv, "--target", "boght", "-o", tmp_path / "m.smelt")
    assert said.code in (2, 3) and "'bought'" in said.err and "Did you mean" in said.err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "word"),
    [([], "--target"), (["-t", "bought", "--time", "soon"], "'soon'"),
     (["-t", "bought", "--time", "0"], "one second"),
     (["-t", "bought", "--task", "binray"], "'binary'"),
     (["-t", "bought", "--role", "age"], "COLUMN=ROLE"),
     (["-t", "bought", "--role", "age=numbr"], "'number'"),
     (["-t", "bought", "--role", "agee=number"], "agee"),
     (["-t", "bought", "--seed", "x"], "seed"), (["-t", "bought", "--metric", "aucc"], "'auc'")],
)  # fmt: skip
def test_bad_usage_is_exit_code_2(smelt, people_csv, tmp_path, arguments, word):
    said = smelt("train", people_csv, "-o", tmp_path / "m.smelt", *arguments)
    assert said.code == 2, said
    assert word in said.err and "Traceback" not in said.err and not list(tmp_path.iterdir())


def test_outputs_are_looked_at_before_the_work(smelt, people_csv, tmp_path):
    before = people_csv.read_bytes()
    cases = [
        ["-o", tmp_path], ["-o", tmp_path / "no" / "m.smelt"], ["-o", people_csv],
        ["-o", tmp_path / "m.smelt", "--report", tmp_path / "m.smelt"],
        ["-o", tmp_path / "m.smelt", "--report", tmp_path / "no" / "m.html"],
    ]  # fmt: skip
    for outputs in cases:
        said = smelt("train", people_csv, "--target", "bought", *outputs)
        assert said.code == 2 and "read the table" not in said.err, said
    assert people_csv.read_bytes() == before and not list(tmp_path.iterdir())


def test_a_disk_that_fills_up_leaves_nothing(people_csv, tmp_path):
    def limited() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, 2_000))

    out = tmp_path / "m.smelt"
    command = [*SMELT, "train", str(people_csv), "-t", "bought", "-o", str(out), *FAST]
    done = subprocess.run(command, capture_output=True, text=True, preexec_fn=limited)
    assert done.returncode == 2 and "cannot write" in done.stderr, done.stderr
    assert "Traceback" not in done.stderr and not list(tmp_path.iterdir())


def start(data: Path, out: Path) -> subprocess.Popen[str]:
    """Start a training that takes long enough to be interrupted, in its own process group."""
    command = [*SMELT, "train", str(data), "-t", "y", "-o", str(out), "--json",
               "--families", "boosting"]  # fmt: skip
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip


def wait_for(process: subprocess.Popen[str], event: str) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if json.loads(line)["event"] == event:
            return
    raise AssertionError(f"no {event}: {process.stderr.read() if process.stderr else ''}")


@pytest.fixture
def large(tmp_path: Path) -> Path:
    path = tmp_path / "large.csv"
    n = 30_000
    frame = pl.select(pl.int_range(n).alias("i")).with_columns(
        **{f"x{k}": (pl.col("i") * (k + 3) * 7919 % 1009) / 1009 for k in range(8)}
    )
    frame = frame.with_columns(
        y=pl.when((pl.col("x0") + pl.col("x1") * pl.col("x2")) % 0.9 > 0.4)
        .then(pl.lit("yes"))
        .otherwise(pl.lit("no"))
    )
    frame.drop("i").write_csv(path)
    return path


def test_ctrl_c_before_anything_is_trained(large, tmp_path):
    process = start(large, tmp_path / "m.smelt")
    wait_for(process, "schema")
    os.kill(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "Traceback" not in err and [p.name for p in tmp_path.iterdir()] == ["large.csv"]


@pytest.mark.slow
def test_ctrl_c_once_keeps_the_best_so_far(large, tmp_path, smelt):
    process = start(large, tmp_path / "m.smelt")
    wait_for(process, "trial")
    os.kill(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 130, err
    assert json.loads(out.splitlines()[-1])["interrupted"] is True
    names = sorted(p.name for p in tmp_path.iterdir())
    assert names == ["large.csv", "m.html", "m.smelt"] and "Traceback" not in err
    assert smelt("verify", tmp_path / "m.smelt").code == 0


@pytest.mark.slow
def test_ctrl_c_twice_aborts_and_leaves_nothing(large, tmp_path):
    process = start(large, tmp_path / "m.smelt")
    wait_for(process, "trial")
    os.kill(process.pid, signal.SIGINT)
    time.sleep(0.3)
    os.kill(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "Traceback" not in err and [p.name for p in tmp_path.iterdir()] == ["large.csv"]
