"""Greedy weights find a known mixture; calibration and thresholds help where they should."""

import numpy as np
import pytest

from smelt.app.pipeline.evaluation.metrics import log_loss, selection_loss
from smelt.app.pipeline.selection import calibration
from smelt.app.pipeline.selection.ensemble import drop_small, greedy_weights
from smelt.app.pipeline.selection.threshold import (
    STEPS,
    best_f1,
    choose_threshold,
    threshold_table,
)

RMSE = selection_loss("regression", "rmse")


def test_two_noisy_members_share_the_weight():
    rng = np.random.default_rng(0)
    target = rng.normal(size=4000)
    members = [target[:, None] + rng.normal(size=(4000, 1)) * noise for noise in (1.0, 1.0, 5.0)]
    weights = greedy_weights(target, members, RMSE)
    assert weights.sum() == pytest.approx(1.0)
    assert weights[:2] == pytest.approx([0.5, 0.5], abs=0.1)
    assert weights[2] < 0.06
    mixed = sum(weight * member for weight, member in zip(weights, members, strict=True))
    assert RMSE(target, mixed) < 0.75 * RMSE(target, members[0])


def test_a_perfect_member_stands_alone():
    target = np.arange(10.0)
    members = [target[:, None] + 1.0, target[:, None]]
    assert greedy_weights(target, members, RMSE).tolist() == [0.0, 1.0]


def test_equal_members_go_to_the_first():
    target = np.arange(10.0)
    members = [np.zeros((10, 1)), np.zeros((10, 1))]
    assert greedy_weights(target, members, RMSE).tolist() == [1.0, 0.0]


def test_small_weights_are_dropped():
    assert drop_small(np.array([0.7, 0.28, 0.02])) == pytest.approx([0.7 / 0.98, 0.28 / 0.98, 0.0])


def overconfident(n, seed):
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=n)
    target = (rng.random(n) < 1 / (1 + np.exp(-truth))).astype(int)
    up = 1 / (1 + np.exp(-3 * truth))
    return target, np.column_stack([1 - up, up])


def test_overconfidence_is_cured():
    target, probability = overconfident(3000, 1)
    found, calibrated = calibration.choose(target, probability, np.random.default_rng(0))
    assert found.kind == "platt"
    assert found.attributes["slope"] == pytest.approx(1 / 3, abs=0.05)
    assert log_loss(target, calibrated) < 0.9 * log_loss(target, probability)


def test_isotonic_wins_where_the_curve_is_no_sigmoid():
    rng = np.random.default_rng(2)
    truth = rng.random(20_000)
    target = (rng.random(20_000) < truth).astype(int)
    up = np.clip(np.where(truth < 0.5, truth / 10, 0.9 + truth / 10), 1e-6, 1 - 1e-6)
    found, _ = calibration.choose(target, np.column_stack([1 - up, up]), rng)
    assert found.kind == "isotonic"
    assert np.all(np.diff(found.tensors["x"]) > 0)
    assert np.all(np.diff(found.tensors["y"]) >= 0)


def test_good_probabilities_are_left_alone():
    rng = np.random.default_rng(3)
    up = rng.random(5000)
    target = (rng.random(5000) < up).astype(int)
    found, kept = calibration.choose(target, np.column_stack([1 - up, up]), rng)
    assert found.kind == "none"
    assert kept[:, 1] is not None and np.array_equal(kept[:, 1], up)


def test_temperature_for_many_classes():
    rng = np.random.default_rng(4)
    logits = rng.normal(size=(4000, 3)) * 2
    true = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    target = np.array([rng.choice(3, p=row) for row in true])
    sharp = true**3 / (true**3).sum(axis=1, keepdims=True)
    found, calibrated = calibration.choose(target, sharp, rng)
    assert found.kind == "temperature"
    assert found.attributes["temperature"] == pytest.approx(3.0, rel=0.1)
    assert calibrated.sum(axis=1) == pytest.approx(1.0)


def test_few_rows_are_not_calibrated():
    target, probability = overconfident(100, 5)
    assert calibration.choose(target, probability, np.random.default_rng(0))[0].kind == "none"


def test_the_threshold_table_counts_as_the_rule_does():
    rng = np.random.default_rng(6)
    target, score = rng.integers(0, 2, 500), np.round(rng.random(500), 3)
    table = threshold_table(target, score)
    assert len(table) == STEPS
    for row in table[::20]:
        predicted = score >= row["threshold"]
        assert row["tp"] == (predicted & (target == 1)).sum()
        assert row["fp"] == (predicted & (target == 0)).sum()
        assert row["fn"] == (~predicted & (target == 1)).sum()
        assert row["tn"] == (~predicted & (target == 0)).sum()


def test_one_half_stays_unless_a_class_is_rare():
    rng = np.random.default_rng(7)
    balanced = (rng.random(2000) < 0.4).astype(int)
    assert choose_threshold(balanced, rng.random(2000)) == 0.5
    rare = (rng.random(2000) < 0.04).astype(int)
    score = 0.25 * rare + 0.2 * rng.random(2000)
    chosen = choose_threshold(rare, score)
    assert 0.2 <= chosen <= 0.26
    assert best_f1(threshold_table(rare, score)) == chosen
    assert choose_threshold(1 - rare, 1 - score) == pytest.approx(1 - chosen)
