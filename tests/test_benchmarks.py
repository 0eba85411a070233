"""Benchmarks can be found, name their twin, and measure time and memory rightly."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

TINY = """
import numpy as np
from harness import Peer, Workload

def absent(data):
    import no_such_library

def wrong(data):
    raise ValueError("no such thing")

def grow(data):
    first = np.ones(40 * 2**17)  # 40 MB, given back at once
    del first
    return np.ones(10 * 2**17)

WORKLOADS = [
    Workload("tiny-one", data=lambda: 3, quality={"bytes": lambda fitted, data: data + len(fitted)},
             peers={"smelt": grow, "absent": absent, "wrong": wrong}),
]
"""


@pytest.fixture
def benchmarks(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT))
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    return importlib.import_module("benchmarks.__main__")


def test_every_workload_has_its_twin(benchmarks):
    places = benchmarks.find_workloads([])
    workloads = {place.workload.name: place.workload for place in places}
    assert len(workloads) == len(places), "two workloads have one name"
    for place in places:
        workload = place.workload
        assert "smelt" in workload.peers, workload.name
        if place.path.parent.name == "app" or workload.unit == "µs":
            continue  # pipelines have no twin; latencies are those of the estimator in front
        twin = workloads[workload.twin] if workload.twin else workload
        assert {"plain", "smelt"} <= set(twin.peers), workload.name


def test_selection_by_name_and_by_place(benchmarks):
    def names(*patterns):
        return [place.workload.name for place in benchmarks.find_workloads(list(patterns))]

    assert names("ridge-1e6x50") == ["ridge-1e6x50"]  # not ridge-1e6x50-float32 too
    assert "ridge-1e6x50-float32" in names("linear_model/ridge")
    assert names("no-such-workload") == []


def test_list_needs_no_measurement():
    ran = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--list", "logistic"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "logistic-1e6x50" in ran.stdout
    assert "plain: in logistic-multinomial" in ran.stdout


def test_peers_are_measured_in_fresh_processes(benchmarks, tmp_path, capsys):
    path = tmp_path / "tiny.py"
    path.write_text(TINY)
    harness = importlib.import_module("harness")
    (workload,) = harness.load_module(path).WORKLOADS
    rows = {row.peer: row for row in harness.run_workload(path, workload, None, 3, 60)}
    grown = rows["smelt"]
    assert len(grown.seconds) == 3
    assert grown.quality == {"bytes": 3 + 10 * 2**17}
    assert all(39 <= peak < 48 for peak in grown.peak_mb), grown.peak_mb
    assert rows["absent"].failure == "not installed (no_such_library)"
    assert rows["wrong"].failure == "ValueError: no such thing"
    assert "not installed (no_such_library)" in capsys.readouterr().out


def test_results_keep_where_and_when_they_were_measured(benchmarks, tmp_path):
    harness = importlib.import_module("harness")
    results = importlib.import_module("results")
    workload = harness.Workload("one", data=dict, peers={}, twin="other", note="a note")
    row = harness.Row("one", "smelt", "ms", seconds=[0.001, 0.003, 0.002], peak_mb=[1, 2, 3])
    missing = harness.Row("one", "rival", "ms", failure="not installed (rival)")
    results.write_results([row, missing], {"one": workload}, tmp_path, complete=True)
    page = (tmp_path / "README.md").read_text()
    assert "| one | smelt | 2 ms | 1.00 | 2.0 |  | a note |" in page
    assert "| one | rival | – | | | | not installed (rival) |" in page
    assert "smaller, in other" in page
    assert results.machine()["summary"] in page

    # A run of another peer keeps the rows at hand.
    again = harness.Row("one", "rival", "ms", seconds=[0.004], peak_mb=[5])
    results.write_results([again], {"one": workload}, tmp_path, complete=False)
    page = (tmp_path / "README.md").read_text()
    assert "| one | smelt | 2 ms |" in page
    assert "| one | rival | 4 ms | 2.00 |" in page
    assert "not installed (rival)" not in page
