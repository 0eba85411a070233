"""The configuration: precedence, types, unknown keys, the commands that show it."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from smelt.app.config import Config, resolve
from smelt.app.duration import seconds_of, spelled
from smelt.errors import UsageError


def write(folder: Path, text: str, name: str = "smelt.toml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def resolved(folder: Path, environment: dict[str, str] | None = None, **flags: object):
    return resolve({"train": flags}, None, folder, environment or {})


def test_defaults_without_a_file(tmp_path):
    assert resolved(tmp_path).config == Config()


def test_flag_over_environment_over_file(tmp_path):
    write(tmp_path, "[train]\nseed = 1\nfolds = 3\nmetric = 'auc'\n")
    found = resolved(tmp_path, {"SMELT_TRAIN_SEED": "2", "SMELT_TRAIN_FOLDS": "4"}, seed=3)
    train = found.config.train
    assert (train.seed, train.folds, train.metric) == (3, 4, "auc")
    assert found.origin["train.seed"] == "flag"
    assert found.origin["train.folds"] == "environment"
    assert found.origin["train.metric"].endswith("smelt.toml")


def test_pyproject_is_read_when_there_is_no_smelt_toml(tmp_path):
    write(tmp_path, "[tool.smelt.train]\nseed = 7\n[tool.other]\nx = 1\n", "pyproject.toml")
    assert resolved(tmp_path).config.train.seed == 7
    write(tmp_path, "[train]\nseed = 8\n")
    assert resolved(tmp_path).config.train.seed == 8


def test_roles_and_reading(tmp_path):
    write(tmp_path, '[roles]\nzip = "category"\n[read]\ndelimiter = ";"\n')
    config = resolve({"roles": {"age": "number"}}, None, tmp_path, {}).config
    assert config.roles == {"zip": "category", "age": "number"}
    assert config.read.delimiter == ";"


@pytest.mark.parametrize(
    ("text", "words"),
    [("[train]\nsed = 1", ["'sed'", "did you mean 'seed'"]),
     ("[trian]\nseed = 1", ["[trian]", "did you mean 'train'"]),
     ("seed = 1", ["seed"]),
     ("[train]\nseed = 'one'", ["seed", "integer", "'one'"]),
     ("[train]\nseed = true", ["seed", "integer"]),
     ("[train]\nfamilies = 3", ["families", "list"]),
     ("[train]\ntask = 'binray'", ["binray", "did you mean 'binary'"]),
     ("[train]\ntime = 'soon'", ["time", "soon", "5m"]),
     ("[roles]\nage = 'numbr'", ["numbr", "did you mean 'number'"]),
     ("[train\n", ["not valid TOML", "line 1"])],
)  # fmt: skip
def test_what_is_wrong_is_named_with_the_file(tmp_path, text, words):
    write(tmp_path, text)
    with pytest.raises(UsageError) as caught:
        resolved(tmp_path)
    said = f"{caught.value} {caught.value.hint}"
    for word in ["smelt.toml", *words]:
        assert word in said, said


def test_an_unknown_key_at_the_command_line(smelt, tmp_path, people_csv):
    path = write(tmp_path, "[train]\ntarget = 'bought'\nsede = 1\n")
    said = smelt("train", people_csv, "--config", path, "-o", tmp_path / "m.smelt")
    assert said.code == 2 and "unknown key 'sede'" in said.err and "'seed'" in said.err
    assert [p.name for p in tmp_path.iterdir()] == ["smelt.toml"]


def test_a_config_file_that_is_not_there(smelt, tmp_path, people_csv):
    said = smelt("train", people_csv, "--config", tmp_path / "no.toml")
    assert said.code == 2 and "no.toml" in said.err


def test_init_writes_a_file_that_changes_nothing(smelt, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert smelt("config", "init").code == 0
    assert resolved(tmp_path).config == Config()
    text = (tmp_path / "smelt.toml").read_text()
    assert "# seed = 0" in text and "[read]" in text
    again = smelt("config", "init")
    assert again.code == 2 and "exists" in again.err


def test_show_tells_where_a_value_comes_from(smelt, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path, "[train]\nseed = 5\n")
    monkeypatch.setenv("SMELT_TRAIN_TIME", "2m")
    out = smelt("config", "show").out
    assert "seed = 5  # smelt.toml" in out and "time = 120.0  # environment" in out
    assert tomllib.loads(out)["train"]["seed"] == 5


def test_schema_names_every_key_and_forbids_others(smelt):
    schema = json.loads(smelt("config", "schema").out)
    train = schema["properties"]["train"]
    assert train["properties"]["task"] == {"enum": ["binary", "multiclass", "regression"]}
    assert train["additionalProperties"] is False


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90),
        ("90s", 90),
        ("5m", 300),
        ("1h30m", 5400),
        ("1.5h", 5400),
        (45, 45),
        ("2m5s", 125),
    ],
)
def test_durations(text, seconds):
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "5x", "-3", "0", "m", "nan", "1e99h", 0, True])
def test_no_durations(text):
    with pytest.raises(UsageError, match="length of time"):
        seconds_of(text)


def test_durations_for_people():
    assert [spelled(s) for s in (0.52, 12.3, 75, 5430)] == [
        "0.5 s",
        "12 s",
        "1 min 15 s",
        "1 h 30 min",
    ]
