"""What the model file keeps of every column."""

import json

import numpy as np
import pytest

from smelt.app.table import column_profile, infer_schema, read_table, target_profile


@pytest.fixture(scope="module")
def profiles():
    n = 640
    frame = read_table(
        {
            "n": [None if k % 10 == 0 else (k * 37) % 641 for k in range(n)],
            "text n": [f"{(k * 37) % 641},5" for k in range(n)],
            "c": [["a", "b", "a", None][k % 4] for k in range(n)],
            "flag": [k % 2 == 0 for k in range(n)],
            "day": [f"2020-01-{1 + k % 28:02d}" for k in range(n)],
            "words": [f"word {k} is here" for k in range(n)],
            "same": ["x"] * n,
            "y": [["no", "yes"][k % 5 == 0] for k in range(n)],
        }
    ).frame
    schema = infer_schema(frame, "y")
    return {p["name"]: p for p in column_profile(frame, schema)} | {
        "y": target_profile(frame, schema)
    }


def test_numbers(profiles):
    numbers = np.array([(k * 37) % 641 for k in range(640) if k % 10], dtype=float)
    found = profiles["n"]
    assert found["n_missing"] == 64
    assert len(found["edges"]) == 65
    assert len(found["counts"]) == 64
    assert sum(found["counts"]) == len(numbers)
    np.testing.assert_allclose(found["edges"], np.quantile(numbers, np.linspace(0, 1, 65)))
    assert found["mean"] == pytest.approx(numbers.mean())
    assert found["std"] == pytest.approx(numbers.std())
    assert (found["min"], found["max"]) == (numbers.min(), numbers.max())
    assert profiles["text n"]["max"] == 640.5


def test_words(profiles):
    assert profiles["c"]["categories"] == [["a", 320], ["b", 160]]
    assert profiles["flag"]["categories"] == [["false", 320], ["true", 320]]
    assert profiles["y"]["categories"] == [["no", 512], ["yes", 128]]
    assert profiles["words"]["length"]["max"] == len("word 100 is here")
    assert "edges" not in profiles["same"]


def test_dates_in_seconds(profiles):
    assert profiles["day"]["min"] == 1577836800
    assert profiles["day"]["max"] == 1577836800 + 27 * 86_400


def test_all_of_it_is_json(profiles):
    assert json.loads(json.dumps(profiles, allow_nan=False)) == profiles


def test_huge_numbers_do_not_overflow():
    frame = read_table({"n": [1e300 * (k - 20) for k in range(40)], "y": ["a", "b"] * 20}).frame
    (found,) = column_profile(frame, infer_schema(frame, "y"))
    assert np.isfinite(found["std"])
    json.dumps(found, allow_nan=False)
