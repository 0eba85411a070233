"""The report: offline, self-contained, well-formed, accessible in structure, safe, complete."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import sys
from collections import Counter
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from smelt.app.charts import Chart
from smelt.app.report import write_report
from smelt.app.report.page import render

sys.path.insert(0, str(Path(__file__).parent))
from manifests import manifest

TASKS = ("binary", "multiclass", "regression")
VOID = {"meta", "link", "br", "input", "img", "hr", "line", "circle", "path", "rect"}


class Page(HTMLParser):
    """What a test asks of a page: tags, attributes, text, and that every tag is closed in turn."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.text: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] not in ("style", "script"):
            self.text.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    return {task: render(manifest(task)) for task in TASKS}


@pytest.mark.parametrize("task", TASKS)
def test_nothing_is_loaded_from_anywhere(pages, task):
    page = Page(pages[task])
    for tag, attributes in page.tags:
        for name in ("src", "href", "xlink:href", "action", "data", "poster", "srcset"):
            value = attributes.get(name)
            assert value is None or value.startswith("#"), (tag, name, value)
    style = re.search(r"<style>(.*?)</style>", pages[task], re.S)[1]
    assert "url(" not in style and "@import" not in style
    for address in re.findall(r"https?://[^\s\"'<]+", pages[task]):
        assert address.startswith("http://www.w3.org/"), address
    policy = next(a["content"] for a in page.all("meta") if a.get("http-equiv"))
    assert policy.startswith("default-src 'none';")


def test_the_policy_lets_exactly_our_script_run(pages):
    script = re.search(r"<script>(.*?)</script>", pages["binary"], re.S)[1]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in pages["binary"]
    assert "fetch(" not in script and "XMLHttpRequest" not in script
    assert "<script>" not in pages["regression"]


@pytest.mark.parametrize("task", TASKS)
def test_every_tag_is_closed_and_every_id_is_unique(pages, task):
    page = Page(pages[task])
    assert not page.wrong and not page.open
    ids = Counter(a["id"] for _, a in page.tags if a.get("id"))
    assert [name for name, count in ids.items() if count > 1] == []
    for attributes in page.all("a"):
        assert attributes["href"][1:] in ids
    for _, attributes in page.tags:
        for name in ("aria-labelledby", "for"):
            for target in (attributes.get(name) or "").split():
                assert target in ids, target


@pytest.mark.parametrize("task", TASKS)
def test_structure_for_assistive_technology(pages, task):
    page = Page(pages[task])
    assert page.all("html")[0]["lang"] == "en" and len(page.all("main")) == 1
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)]
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    charts = [a for a in page.all("svg") if a.get("class") == "chart"]
    assert charts and all(a["role"] == "img" and a["aria-labelledby"] for a in charts)
    assert len(page.all("desc")) == len(charts) and len(page.all("figcaption")) == len(charts)
    assert all("scope" in a for a in page.all("th"))
    for field in page.all("input"):
        label = f'for="{field["id"]}"' in pages[task]
        assert label or re.search(r'<label>[^<]*<input id="' + field["id"], pages[task])


@pytest.mark.parametrize("task", TASKS)
def test_it_is_small(pages, task):
    assert len(pages[task].encode()) < 300_000


def test_every_chart_has_its_numbers_beside_it(pages):
    for task in TASKS:
        assert pages[task].count('<details class="numbers">') == pages[task].count('class="chart"')


def test_the_sections_of_two_classes(pages):
    text = pages["binary"]
    for part in ("verdict", "leak", "metrics", "threshold", "errors", "importance", "candidates",
                 "data", "made"):  # fmt: skip
        assert f'<section id="{part}"' in text
    for chart in ("roc", "pr", "calibration", "scores", "threshold", "importance", "leaderboard"):
        assert f'id="{chart}-title"' in text


def test_the_sections_of_other_tasks(pages):
    assert 'id="confusion-title"' in pages["multiclass"]
    assert 'id="threshold"' not in pages["multiclass"]
    assert 'id="residuals-title"' in pages["regression"]
    assert 'id="predicted-title"' in pages["regression"]


def test_the_slider_has_every_row_and_starts_at_the_threshold_in_force(pages):
    content = re.search(r'id="thresholds">(.*?)</script>', pages["binary"], re.S)[1]
    data = json.loads(content)
    expected = manifest("binary")["training"]["curves"]["thresholds"]
    assert len(data["rows"]) == 201 and data["rows"][data["start"]][0] == 0.4
    assert data["rows"][80] == [expected[80][k] for k in ("threshold", "tp", "fp", "tn", "fn")]


def test_the_figures_are_those_of_the_manifest(pages):
    training = manifest("binary")["training"]
    test = training["metrics"]["test"]["auc"]
    text = pages["binary"]
    assert f"{test['value']:.3f}" in text
    assert f"{test['low']:.3f} to {test['high']:.3f}" in text
    for fact in (training["command"], training["data_sha256"], "numpy 2.4.0"):
        assert fact in text


@pytest.mark.parametrize("task", TASKS)
def test_nothing_odd_is_printed(pages, task):
    text = " ".join(Page(pages[task]).text)
    odd = re.findall(r"\b(?:None|nan|NaN|inf|Undefined)\b|\{\{|\}\}|<built-in", text)
    assert not odd


def test_names_from_the_data_cannot_become_markup():
    evil = '"><script>alert(1)</script><img src=x onerror=alert(2)>'
    made = manifest("binary")
    made["target"] = evil
    made["classes"] = [evil, "</script><b>&amp;"]
    made["training"]["warnings"] = [
        {"code": "leakage", "column": evil, "message": evil, "advice": evil}
    ]
    made["training"]["importance"][0]["column"] = evil
    made["training"]["leaderboard"][0]["name"] = evil
    made["training"]["command"] = evil
    made["profile"]["columns"][0]["name"] = evil
    made["profile"]["target"]["categories"] = [[evil, 3]]
    page = Page(render(made))
    assert not page.wrong and not page.open and not page.all("img")
    assert len(page.all("script")) == 2
    assert not [a for _, a in page.tags if any(name.startswith("on") for name in a)]


@pytest.mark.parametrize("task", TASKS)
def test_a_manifest_with_next_to_nothing_makes_a_page(task):
    page = Page(render({"format": 1, "smelt": "0.1.0", "task": task, "target": "y"}))
    assert not page.wrong and not page.open
    assert "no figures" in " ".join(page.text)


def test_any_section_may_be_missing(monkeypatch):
    monkeypatch.setattr(Chart, "svg", "<svg></svg>")  # drawing is tested elsewhere, and slow
    full = manifest("binary")
    for section in full["training"]:
        part = manifest("binary")
        del part["training"][section]
        assert not Page(render(part)).wrong, section
    for section in ("profile", "inputs", "graph", "created"):
        part = manifest("binary")
        del part[section]
        assert not Page(render(part)).wrong, section


def test_empty_curves_and_missing_values_make_a_page():
    made = manifest("binary")
    made["training"]["curves"] = {}
    made["training"]["importance"] = []
    made["training"]["leaderboard"][0]["score_std"] = None
    made["training"]["leaderboard"][1]["score"] = None
    for entry in made["training"]["metrics"]["test"].values():
        entry.update(value=None, low=None, high=None)
    page = Page(render(made))
    assert not page.wrong and "None" not in " ".join(page.text)


def test_a_failed_report_leaves_no_file(tmp_path):
    made = manifest("regression")
    made["training"]["metrics"] = 3
    with pytest.raises(AttributeError):
        write_report(made, tmp_path / "r.html")
    assert not list(tmp_path.iterdir())


def test_the_same_manifest_makes_the_same_page(pages):
    assert render(manifest("regression")) == pages["regression"]


def test_what_was_not_tried_is_said_with_its_reason():
    made = manifest("binary")
    made["training"]["rows"]["train"] = 300_000
    made["training"]["search"] = {
        "rows": 100_000,
        "limits": [{"name": "boosting-6", "what": "not tried: 9 <rows>"}],
    }
    page = render(made)
    assert "boosting-6 not tried: 9 &lt;rows&gt;" in page
    assert "compared on 100,000 rows drawn at random of 300,000" in page
