"""Metrics equal scikit-learn's, weighted and not; intervals hold what they promise."""

import numpy as np
import pytest
from sklearn import metrics as trusted

from smelt.app.pipeline.evaluation.intervals import bootstrap
from smelt.app.pipeline.evaluation.metrics import all_metrics, auc, better, decide, selection_loss


def make(n, k, seed):
    rng = np.random.default_rng(seed)
    target = rng.integers(0, k, n)
    target[:k] = np.arange(k)
    raw = rng.random((n, k)) + 0.6 * np.eye(k)[target]
    return target, np.round(raw / raw.sum(axis=1, keepdims=True), 2), rng.random(n) + 0.1


@pytest.mark.parametrize("weighted", [False, True])
def test_binary_metrics_equal_scikit_learn(weighted):
    target, probability, weight = make(300, 2, 0)
    weight = weight if weighted else None
    score, predicted = probability[:, 1], decide(probability, 0.4)
    found = all_metrics("binary", target, probability, 0.4, weight)
    expected = {
        "auc": trusted.roc_auc_score(target, score, sample_weight=weight),
        "log_loss": trusted.log_loss(
            target, np.column_stack([probability[:, 0], score]), sample_weight=weight
        ),
        "accuracy": trusted.accuracy_score(target, predicted, sample_weight=weight),
        "balanced_accuracy": trusted.balanced_accuracy_score(
            target, predicted, sample_weight=weight
        ),
        "f1": trusted.f1_score(target, predicted, sample_weight=weight),
        "brier": trusted.brier_score_loss(target, score, sample_weight=weight),
    }
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, abs=2e-3 if name == "log_loss" else 1e-12), name


@pytest.mark.parametrize("weighted", [False, True])
def test_multiclass_metrics_equal_scikit_learn(weighted):
    target, probability, weight = make(400, 4, 1)
    probability = probability / probability.sum(axis=1, keepdims=True)
    weight = weight if weighted else None
    predicted = probability.argmax(axis=1)
    found = all_metrics("multiclass", target, probability, None, weight)
    areas = [
        trusted.roc_auc_score(target == label, probability[:, label], sample_weight=weight)
        for label in range(4)
    ]
    expected = {
        "log_loss": trusted.log_loss(target, probability, sample_weight=weight),
        "accuracy": trusted.accuracy_score(target, predicted, sample_weight=weight),
        "balanced_accuracy": trusted.balanced_accuracy_score(
            target, predicted, sample_weight=weight
        ),
        "f1_macro": trusted.f1_score(target, predicted, average="macro", sample_weight=weight),
        "auc_ovr": np.mean(areas),
    }
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, abs=1e-12), name


@pytest.mark.parametrize("weighted", [False, True])
def test_regression_metrics_equal_scikit_learn(weighted):
    rng = np.random.default_rng(2)
    target = rng.normal(size=200) + 5
    value = target + rng.normal(size=200)
    weight = rng.random(200) if weighted else None
    found = all_metrics("regression", target, value[:, None], None, weight)
    named = {
        "rmse": trusted.root_mean_squared_error,
        "mae": trusted.mean_absolute_error,
        "r2": trusted.r2_score,
        "mape": trusted.mean_absolute_percentage_error,
    }
    assert found.keys() == named.keys()
    for name, function in named.items():
        assert found[name] == pytest.approx(function(target, value, sample_weight=weight)), name


def test_what_cannot_be_said_is_nan_or_left_out():
    assert np.isnan(auc(np.ones(3, dtype=int), np.arange(3.0)))
    zeros = all_metrics("regression", np.zeros(3), np.ones((3, 1)))
    assert np.isnan(zeros["mape"]) and np.isnan(zeros["r2"])
    assert not better("auc", float("nan"), 0.5)


def test_better_knows_the_direction():
    assert better("auc", 0.9, 0.8) and not better("auc", 0.8, 0.8)
    assert better("rmse", 1.0, 2.0) and not better("rmse", 2.0, 1.0)


def test_absolute_error_is_selected_by_when_asked_for():
    target, value = np.array([0.0, 0.0, 10.0]), np.zeros((3, 1))
    assert selection_loss("regression", "mae")(target, value) == pytest.approx(10 / 3)
    assert selection_loss("regression", "rmse")(target, value) == pytest.approx((100 / 3) ** 0.5)


def test_intervals_cover_the_truth_about_as_often_as_they_say():
    covered = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        target = (rng.random(300) < 0.3).astype(int)
        right = np.where(rng.random(300) < 0.8, target, 1 - target)  # true accuracy: 0.8
        probability = np.column_stack([1.0 - right, right])
        found = bootstrap("binary", target, probability, 0.5, rng)["accuracy"]
        assert found["low"] <= found["value"] <= found["high"]
        covered += found["low"] <= 0.8 <= found["high"]
    assert 50 <= covered <= 60


def test_an_unknown_figure_becomes_none():
    probability = np.tile([0.2, 0.8], (6, 1))
    found = bootstrap("binary", np.ones(6, dtype=int), probability, 0.5, np.random.default_rng(0))
    assert found["auc"] == {"value": None, "low": None, "high": None}
