"""Charts: words and numbers beside the picture, small SVG without colours of its own."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from smelt.app import charts

FPR = np.linspace(0, 1, 201)
MAKERS = {
    "roc": lambda: charts.roc({"fpr": FPR.tolist(), "tpr": (FPR**0.4).tolist()}, 0.71, "yes"),
    "pr": lambda: charts.precision_recall(
        {"recall": FPR.tolist(), "precision": (1 - 0.5 * FPR).tolist()}, 0.3, "yes"
    ),
    "calibration": lambda: charts.calibration(
        {"predicted": [0.1, 0.5, 0.9], "observed": [0.1, 0.6, 0.9], "count": [10, 20, 10]}
    ),
    "scores": lambda: charts.score_histogram(
        {"edges": [0, 0.5, 1], "counts_by_class": [[8, 2], [1, 9]]}, ["no", "yes"]
    ),
    "confusion": lambda: charts.confusion([[8, 2], [1, 9]], ["no", "yes"]),
    "residuals": lambda: charts.residuals({"predicted": [1, 2, 3], "residual": [0.5, -1, 0.1]}),
    "predicted": lambda: charts.predicted_vs_actual({"actual": [1, 2], "predicted": [1.5, 2]}),
    "importance": lambda: charts.importance(
        [{"column": "a", "mean": 0.005, "low": 0.001, "high": 0.009},
         {"column": "b", "mean": 0.0, "low": -0.001, "high": 0.001}], "AUC"
    ),
    "leaderboard": lambda: charts.leaderboard(
        [{"name": "m1", "score": 0.9, "score_std": 0.01, "weight": 1.0},
         {"name": "m2", "score": 0.8}], "AUC", False
    ),
    "threshold": lambda: charts.thresholds(
        [{"threshold": t / 200, "tp": 200 - t, "fp": 200 - t, "tn": t, "fn": t}
         for t in range(201)], 0.4
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def made():
    return {name: make() for name, make in MAKERS.items()}


@pytest.mark.parametrize("name", MAKERS)
def test_svg_is_wellformed_named_and_themed(made, name):
    chart = made[name]
    root = ElementTree.fromstring(chart.svg)
    assert root.attrib["role"] == "img" and chart.name == name
    assert root.find("title").text == chart.title and root.find("desc").text == chart.summary
    assert not re.findall(r'="#[0-9a-fA-F]{3,6}"', chart.svg)
    assert "var(--chart-one)" in chart.svg and "http" not in chart.svg
    assert len(chart.svg) < 20_000


@pytest.mark.parametrize("name", MAKERS)
def test_numbers_stand_beside_the_picture(made, name):
    chart = made[name]
    assert chart.rows and all(len(row) == len(chart.header) for row in chart.rows)


def test_summaries_say_what_is_seen(made):
    assert "Area under the curve 0.710" in made["roc"].summary
    assert "5.0 percentage points" in made["calibration"].summary
    assert "17 of 20 rows (85\u00a0%)" in made["confusion"].summary
    assert "“no” taken for “yes” (2 times)" in made["confusion"].summary
    assert "1 of 2 make no difference" in made["importance"].summary
    assert "m1" in made["leaderboard"].summary


def test_labels_keep_their_digits(made):
    labels = re.findall(r"<text[^>]*>([^<]+)</text>", made["importance"].svg)
    assert "0.002" in labels


def test_only_the_chart_of_thresholds_has_a_cursor(made):
    assert {name for name, chart in made.items() if 'class="cursor"' in chart.svg} == {"threshold"}


def test_one_identifier_is_not_used_by_two_charts(made):
    ids = [found for chart in made.values() for found in re.findall(r' id="([^"]+)"', chart.svg)]
    assert len(ids) == len(set(ids))


def test_at_threshold():
    found = charts.at_threshold({"tp": 6, "fp": 2, "tn": 10, "fn": 2})
    assert found == {"precision": 0.75, "recall": 0.75, "F1": 0.75, "accuracy": 0.8}
    nothing = charts.at_threshold({"tp": 0, "fp": 0, "tn": 5, "fn": 0})
    assert nothing["precision"] is None and nothing["recall"] is None


def test_sparklines_are_tiny_and_show_where_values_lie():
    edges = np.quantile(np.random.default_rng(0).normal(size=5000), np.linspace(0, 1, 65))
    svg = charts.sparkline({"edges": edges.tolist(), "counts": [78] * 64})
    heights = [float(h) for h in re.findall(r"v-([\d.]+)", svg)]
    assert len(svg) < 1000 and max(heights) == 28 and 8 < heights.index(28) < 16
    bars = charts.sparkline({"categories": [["a", 30], ["b", 10]]})
    assert [float(h) for h in re.findall(r"v-([\d.]+)", bars)] == [28.0, 9.3]


@pytest.mark.parametrize(
    "profile",
    [{}, {"edges": [], "counts": []}, {"edges": [1.0, 1.0, 1.0], "counts": [0, 5]},
     {"edges": [0, 0, 0], "counts": [0, 0]}, {"categories": []}],
)  # fmt: skip
def test_nothing_to_draw_is_no_sparkline(profile):
    assert charts.sparkline(profile) == ""
