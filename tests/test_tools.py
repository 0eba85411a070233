"""The tools that keep the house in order find what they are for."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def tool(name, *arguments):
    return subprocess.run(
        [sys.executable, str(ROOT / "tools" / name), *arguments], capture_output=True, text=True
    )


def test_new_algorithm_writes_every_layer_once(tmp_path):
    first = tool("new_algorithm.py", "linear_model.HuberRegressor", "--root", str(tmp_path))
    assert first.returncode == 0, first.stderr
    for path in (
        "python/smelt/plain/linear_model/huber_regressor.py",
        "crates/smelt-learn/src/linear_model/huber_regressor.rs",
        "python/smelt/linear_model/huber_regressor.py",
        "tests/linear_model/test_huber_regressor.py",
        "benchmarks/linear_model/huber_regressor.py",
        "docs/lessons/linear_model/huber_regressor.md",
    ):
        assert (tmp_path / path).exists(), path
    assert "$" not in (tmp_path / "python/smelt/linear_model/huber_regressor.py").read_text()
    again = tool("new_algorithm.py", "linear_model.HuberRegressor", "--root", str(tmp_path))
    assert again.stdout.count("exists") == 6


def test_new_algorithm_refuses_a_bad_name(tmp_path):
    assert tool("new_algorithm.py", "Huber", "--root", str(tmp_path)).returncode == 2
    assert not list(tmp_path.iterdir())
