"""The verdict and the look for leaks say what the figures say."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from smelt.app.report.figures import date, figure, number, percent, short
from smelt.app.report.verdict import leak, verdict

sys.path.insert(0, str(Path(__file__).parent))
from manifests import manifest


def with_auc(value: float, low: float, high: float) -> dict:
    made = manifest("binary")
    made["training"]["metrics"]["test"]["auc"] = {"value": value, "low": low, "high": high}
    made["training"]["metrics"]["cross_validation"]["auc"] = {"value": value, "std": 0.01}
    return made


@pytest.mark.parametrize(
    ("auc", "level"),
    [((0.51, 0.45, 0.57), "none"), ((0.6, 0.55, 0.65), "weak"), ((0.7, 0.65, 0.75), "fair"),
     ((0.8, 0.75, 0.85), "good"), ((0.93, 0.9, 0.95), "strong")],
)  # fmt: skip
def test_two_classes_are_graded_by_auc(auc, level):
    assert verdict(with_auc(*auc)).level == level


@pytest.mark.parametrize(
    ("r2", "level"),
    [((0.1, -0.02, 0.2), "none"), ((0.2, 0.1, 0.3), "weak"), ((0.9, 0.8, 0.95), "strong")],
)  # fmt: skip
def test_numbers_are_graded_by_the_share_explained(r2, level):
    made = manifest("regression")
    made["training"]["metrics"]["test"]["r2"] = dict(zip(("value", "low", "high"), r2, strict=True))
    assert verdict(made).level == level


def test_classes_are_graded_by_errors_saved():
    made = manifest("multiclass")
    test = made["training"]["metrics"]["test"]
    test["accuracy"] = {"value": 0.39, "low": 0.3, "high": 0.5}
    assert verdict(made).level == "none"
    test["accuracy"] = {"value": 0.95, "low": 0.9, "high": 0.98}
    assert verdict(made).level == "strong"


def test_the_sentences_name_baseline_rows_and_interval():
    said = verdict(manifest("binary"))
    text = " ".join((said.headline, *said.sentences))
    assert "always answering “benign”" in text and "228 rows kept aside" in text
    assert "malignant" in text and "percentage points" in text


def test_hits_no_better_than_the_baseline_are_told():
    made = with_auc(0.8, 0.75, 0.85)
    base = made["training"]["baseline"]["metrics"]["accuracy"]
    made["training"]["metrics"]["test"]["accuracy"]["value"] = base
    assert "no gain in hits" in " ".join(verdict(made).sentences)


def test_few_rows_dropped_rows_and_the_budget_are_cautions():
    made = manifest("regression")
    made["training"]["budget"] = {"seconds": 5, "reached": True}
    made["training"]["rows"]["dropped_target"] = 12
    text = " ".join(verdict(made).cautions)
    assert "Only 133 rows" in text and "time budget" in text and "12 rows without" in text


def test_a_clean_model_shows_no_sign_of_a_leak():
    found = leak(manifest("binary"))
    assert found.status == "clear" and all(good for good, _ in found.checks)


def test_a_leakage_warning_makes_it_suspect():
    made = manifest("binary")
    made["training"]["warnings"] = [
        {
            "code": "leakage",
            "column": "report_id",
            "message": "report_id gives it away.",
            "advice": "",
        }
    ]
    found = leak(made)
    assert found.status == "suspect" and "report_id" in found.headline


@pytest.mark.parametrize("case", ["too good", "one column", "folds differ"])
def test_odd_figures_deserve_a_look(case):
    made = with_auc(0.999, 0.998, 1.0) if case == "too good" else with_auc(0.93, 0.92, 0.94)
    if case == "one column":
        for entry in made["training"]["importance"][1:]:
            entry["mean"] = 0.0
    if case == "folds differ":
        made["training"]["metrics"]["cross_validation"]["auc"]["value"] = 0.8
    assert leak(made).status == "look"


def test_numbers_for_people():
    assert [number(x) for x in (None, 0, 1234567, 0.12345, 12345.678, 1e-9, float("nan"))] == [
        "–", "0", "1,234,567", "0.1235", "12,346", "1e-09", "–"
    ]  # fmt: skip
    assert [percent(x) for x in (0, 0.0001, 0.123, 1, None)] == [
        "0.0\u00a0%", "< 0.1\u00a0%", "12.3\u00a0%", "100.0\u00a0%", "–"
    ]  # fmt: skip
    assert (
        figure(0.92749, "auc") == "0.927"
        and figure(-1e-9, "r2") == "0.000"
        and figure(0.9, "accuracy") == "90.0\u00a0%"
    )
    assert date(0) == "1970-01-01" and date(1e30) == "1e+30"
    assert short("a\nb " * 40, 9) == "a b a b …"


def test_it_says_which_rows_the_weights_and_the_figures_come_from():
    made = manifest("binary")
    made["training"]["rows"] |= {"judged": 400, "fitted": 500}
    (said,) = [text for text in verdict(made).sentences if "final weights" in text]
    assert "all 500 rows after" in said and "fitted on 400." in said
    made["training"]["rows"]["fitted"] = 400
    assert any("the very one" in text for text in verdict(made).sentences)
