"""From a table to a model file and back: tasks, columns, bad input, Ctrl-C, equal bytes."""

import re
import signal

import numpy as np
import polars as pl
import pytest

import smelt
from smelt.app.pipeline.interrupt import Interrupt
from smelt.app.pipeline.models.candidates import Candidate, Problem, is_skewed, portfolio
from smelt.app.pipeline.selection.budget import Budget
from smelt.errors import BudgetError, DataError, UsageError
from smelt.export.model_file import open_model


def mixed(n, seed=0):
    """Numbers with gaps, a category, a date, a truth value, and three targets."""
    rng = np.random.default_rng(seed)
    x, noise = rng.normal(size=n), rng.normal(size=n)
    colour = rng.choice(["red", "green", "blue"], n)
    weekday = np.arange(n) % 7
    signal = 2 * x + 1.5 * (colour == "red") + 0.5 * noise
    return pl.DataFrame(
        {
            "x": [None if i % 11 == 3 else value for i, value in enumerate(x)],
            "colour": colour,
            "when": pl.datetime_range(
                pl.datetime(2024, 1, 1), pl.datetime(2024, 1, 1) + pl.duration(days=n - 1),
                "1d", eager=True,
            ),
            "flag": rng.random(n) < 0.5,
            "number": signal + weekday,
            "answer": np.where(signal > 0.5, "yes", "no"),
            "kind": np.where(signal > 1.5, "high", np.where(signal > -0.5, "middle", "low")),
        }
    )  # fmt: skip


@pytest.fixture(scope="module")
def frame():
    return mixed(240)


TARGETS = ["number", "answer", "kind"]


def features(frame):
    return frame.drop(TARGETS)


@pytest.mark.parametrize(
    ("target", "task", "metric"),
    [
        ("number", "regression", "r2"),
        ("answer", "binary", "auc"),
        ("kind", "multiclass", "accuracy"),
    ],
)
def test_every_task_from_table_to_file_and_back(frame, tmp_path, target, task, metric):
    told = []
    path = tmp_path / "model.smelt"
    result = smelt.train(
        features(frame).with_columns(frame[target]),
        target,
        output=path,
        folds=3,
        events=lambda phase, detail, fraction, **facts: told.append((phase, fraction, facts)),
    )
    training = result.manifest["training"]
    assert result.manifest["task"] == task
    figure = training["metrics"]["test"][metric]
    assert figure["low"] <= figure["value"] <= figure["high"]
    assert figure["value"] > 0.7
    assert training["metrics"]["cross_validation"][metric]["value"] > 0.7
    rows = training["rows"]
    assert rows["train"] + rows["test"] == rows["fitted"] == 240 and rows["judged"] == rows["train"]
    assert training["importance"][0]["column"] in ("x", "when")
    assert sum(row["weight"] for row in training["leaderboard"]) == pytest.approx(1, abs=1e-4)
    # the file alone predicts the same
    again = open_model(path)
    assert again.verify() == 16
    fresh = features(mixed(50, seed=9))
    assert np.array_equal(again.run(fresh).values, result.model.run(fresh).values)
    # progress: phases in order, the fraction never falls
    phases = list(dict.fromkeys(phase for phase, _, _ in told))
    assert phases == ["read", "check", "train", "ensemble", "test", "refit", "explain", "write"]
    fractions = [fraction for _, fraction, _ in told]
    assert fractions == sorted(fractions) and fractions[0] >= 0 and fractions[-1] <= 1
    assert [facts["trial"] for _, _, facts in told if "trial" in facts]
    assert target in result.summary and len(result.leaderboard) == len(training["leaderboard"])


def undated(data):
    return re.sub(rb'created[\\":]+[^"\\]*|smelt.sha256":"[0-9a-f]*', b"", data)


def test_one_seed_gives_the_same_bytes_on_one_and_two_threads(frame):
    table = features(frame).with_columns(frame["answer"])
    one, two, other = (
        undated(smelt.train(table, "answer", seed=seed, n_threads=threads, folds=3).data)
        for seed, threads in [(1, 1), (1, 2), (2, 2)]
    )
    assert one == two
    assert one != other


def test_of_many_rows_some_choose_the_model_and_all_fit_it(frame, monkeypatch):
    monkeypatch.setattr("smelt.app.pipeline.selection.search.LARGE_ROWS", 150)
    monkeypatch.setattr("smelt.app.pipeline.selection.search.SEARCH_ROWS", 120)
    monkeypatch.setattr("smelt.app.pipeline.selection.search.MOST_WORK", 4e7)
    result = smelt.train(frame.select("x", "answer"), "answer", seed=3)
    training = result.manifest["training"]
    rows = training["rows"]
    assert (training["search"]["rows"], rows["judged"], rows["fitted"]) == (120, rows["train"], 240)
    assert training["metrics"]["test"]["auc"]["value"] > 0.7
    capped = [limit for limit in training["search"]["limits"] if "rounds" in limit["what"]]
    assert capped and all(f"{rows['train']:,} rows" in limit["what"] for limit in capped)
    assert all(row["test_score"] is not None for row in training["leaderboard"] if row["weight"])
    again = smelt.train(frame.select("x", "answer"), "answer", seed=3)
    assert undated(again.data) == undated(result.data)


def test_text_alone(frame):
    rng = np.random.default_rng(3)
    words = np.array(["good", "great", "fine", "bad", "awful", "poor", "tree", "house", "car"])
    texts = [" ".join(rng.choice(words, 10)) for _ in range(300)]
    score = [sum(w in "good great fine" for w in t.split()) for t in texts]
    table = pl.DataFrame({"text": texts, "y": np.where(np.array(score) > 2, "up", "down")})
    result = smelt.train(table, "y", roles={"text": "text"}, folds=3)
    assert result.manifest["training"]["metrics"]["test"]["auc"]["value"] > 0.85


def test_target_means_of_a_row_never_hold_its_own_target():
    rng = np.random.default_rng(4)
    table = pl.DataFrame({"user": [f"u{i // 2}" for i in range(600)], "y": rng.normal(size=600)})
    training = smelt.train(table, "y", roles={"user": "category"}, folds=3).manifest["training"]
    # two rows a user and pure noise: a leak would look like signal
    assert training["metrics"]["cross_validation"]["r2"]["value"] < 0.05
    assert training["metrics"]["test"]["r2"]["value"] < 0.05


def test_no_signal_is_said_in_words():
    rng = np.random.default_rng(5)
    table = pl.DataFrame({"x": rng.normal(size=200), "y": rng.normal(size=200)})
    assert "no better than always the mean" in smelt.train(table, "y", folds=3).summary


def test_rows_without_a_target_are_left_out_with_a_warning(frame):
    table = features(frame).with_columns(
        answer=pl.when(pl.int_range(pl.len()) % 10 == 0).then(None).otherwise(frame["answer"])
    )
    result = smelt.train(table, "answer", folds=2)
    assert result.manifest["training"]["rows"]["dropped_target"] == 24
    assert "target_missing" in [warning.code for warning in result.warnings]


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"x": [1.0], "y": [1.0]}, "row"),
        ({"x": [1.0] * 30, "y": ["a"] * 30}, "nothing to predict"),
        ({"y": list(range(30))}, "column"),
        ({"x": [None] * 30, "y": list(range(30))}, "x"),
        ({"x": list(range(30)), "y": [float("inf"), *range(29)]}, "infinite"),
        ({"x": list(range(30)), "z": list(range(30))}, "y"),
    ],
)
def test_data_that_nothing_can_be_learned_from(columns, said, tmp_path):
    path = tmp_path / "model.smelt"
    with pytest.raises((DataError, UsageError), match=said):
        smelt.train(pl.DataFrame(columns, strict=False), "y", output=path)
    assert not path.exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"config": {"seeed": 1}}, "did you mean 'seed'"),
        ({"metric": "auc"}, "does not fit"),
        ({"task": "classify"}, "task must be one of"),
        ({"folds": 1}, "folds"),
        ({"time": -1}, "time"),
        ({"families": ["forest"]}, "families"),
        ({"roles": {"x": "nummer"}}, "did you mean 'number'"),
    ],
)
def test_wishes_that_cannot_be_carried_out(frame, options, said):
    with pytest.raises(UsageError, match=said):
        smelt.train(frame.select("x", "number"), "number", **options)


def test_a_keyword_wins_over_the_configuration(frame):
    table = frame.select("x", "number")
    result = smelt.train(table, config={"target": "number", "seed": 5, "folds": 3}, seed=6)
    assert result.manifest["training"]["seed"] == 6
    assert result.manifest["training"]["split"]["folds"] == 3


def test_a_budget_that_is_too_short_is_an_error(frame):
    with pytest.raises(BudgetError, match="too short"):
        smelt.train(frame.select("x", "number"), "number", time=1e-6)


class Pressed:
    """Presses Ctrl-C when a trial is done."""

    def __init__(self, times):
        self.times = times

    def __call__(self, phase, detail, fraction, **facts):
        if ("trial" in facts or phase == "refit") and self.times:
            self.times -= 1
            signal.raise_signal(signal.SIGINT)


def test_ctrl_c_once_keeps_the_best_so_far(frame, tmp_path):
    path = tmp_path / "model.smelt"
    table = features(frame).with_columns(frame["number"])
    result = smelt.train(table, "number", output=path, events=Pressed(1))
    assert result.interrupted and "Interrupted" in result.summary
    assert len(result.leaderboard) == 1
    limits = result.manifest["training"]["search"]["limits"]
    assert any(limit["what"] == "not tried: Ctrl-C" for limit in limits)
    assert open_model(path).verify() == 16
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ctrl_c_before_anything_is_trained_writes_nothing(frame, tmp_path):
    def press(phase, detail, fraction, **facts):
        if phase == "check":
            signal.raise_signal(signal.SIGINT)

    path = tmp_path / "model.smelt"
    with pytest.raises(KeyboardInterrupt):
        smelt.train(frame.select("x", "number"), "number", output=path, events=press)
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_twice_writes_nothing(frame, tmp_path):
    path = tmp_path / "model.smelt"

    def press(phase, detail, fraction, **facts):
        if "trial" in facts or phase == "test":
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        smelt.train(frame.select("x", "number"), "number", output=path, events=press)
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_during_the_last_fit_keeps_the_model_of_the_training_part(frame, tmp_path):
    phases = []

    def press(phase, detail, fraction, **facts):
        phases.append(phase)
        if phase == "refit":
            signal.raise_signal(signal.SIGINT)

    path = tmp_path / "model.smelt"
    result = smelt.train(frame.select("x", "number"), "number", output=path, events=press)
    assert result.interrupted and "refit" in phases and phases[-1] == "write"
    rows = result.manifest["training"]["rows"]
    assert rows["fitted"] == rows["judged"] and "fitted anew" not in result.summary
    assert all(row["test_score"] is not None for row in result.manifest["training"]["leaderboard"])
    assert open_model(path).verify() == 16


def test_every_candidate_has_a_score_on_the_test_part(frame):
    result = smelt.train(features(frame).with_columns(frame["number"]), "number")
    board = result.manifest["training"]["leaderboard"]
    assert len(board) > 2
    assert all(row["test_score"] > 0 for row in board)
    assert sum(row["weight"] for row in board) == pytest.approx(1.0, abs=1e-5)


def test_a_large_fit_replaces_what_small_ones_foretold():
    budget = Budget(60.0, clock=lambda: 0.0)
    budget.learn("fit", 10.0, 5.0)
    budget.learn("fit", 100.0, 10.0)
    assert budget.foretell("fit", 1_000.0) == pytest.approx(100.0)
    budget.learn("fit", 90.0, 18.0)
    assert budget.foretell("fit", 1_000.0) == pytest.approx(200.0)


def test_while_finishing_the_first_ctrl_c_is_only_noted():
    with Interrupt() as interrupt:
        interrupt.finishing = True
        signal.raise_signal(signal.SIGINT)
        assert interrupt.pressed
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_the_portfolio_shrinks_with_the_data_and_knows_skewed_targets():
    families = ("linear", "boosting")
    small, _ = portfolio(Problem("binary", 2), 1_000, 10, families)
    large, _ = portfolio(Problem("binary", 2), 300_000, 20, families)
    assert len(small) > len(large) >= 3
    assert {candidate.family for candidate in small[:2]} == {"linear", "gradient boosting"}
    many, limits = portfolio(Problem("multiclass", 200), 20_000, 10, families)
    assert len(many) == 2 and "linear-pieces" in {limit.name for limit in limits}
    assert all("200 classes" in limit.what for limit in limits)
    skewed, _ = portfolio(Problem("regression", 1, skewed=True), 1_000, 10, ("boosting",))
    assert [candidate.log_target for candidate in skewed[:2]] == [False, True]
    assert all(isinstance(candidate, Candidate) for candidate in skewed)
    rng = np.random.default_rng(6)
    assert is_skewed(rng.lognormal(size=500)) and not is_skewed(rng.normal(size=500))
