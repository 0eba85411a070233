"""HistGradientBoostingRanker: LambdaRank on queries."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.metrics import ndcg_score

import smelt
from smelt.ensemble import HistGradientBoostingRanker

RNG = np.random.default_rng(0)
SIZES = RNG.integers(2, 30, size=80)
N = int(SIZES.sum())
X = RNG.normal(size=(N, 5))
X[RNG.random(X.shape) < 0.03] = np.nan
SCORE = np.nan_to_num(X[:, 0]) + np.nan_to_num(X[:, 1]) ** 2
Y = np.digitize(SCORE + 0.5 * RNG.normal(size=N), [0.5, 1.5, 2.5, 4.0]).astype(float)
QID = np.repeat(np.arange(80), SIZES)


def ranker(**parameters):
    settings = {"max_iter": 15, "min_samples_leaf": 10, "random_state": 0, "early_stopping": False}
    return HistGradientBoostingRanker(**{**settings, **parameters})


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"truncation": 3, "max_leaf_nodes": 6},
        {"grow_policy": "symmetric", "subsample": 0.7},
        {"early_stopping": True, "n_iter_no_change": 3, "learning_rate": 0.5},
        {"drop_rate": 0.4, "min_child_weight": 0.01},
    ],
    ids=str,
)
@pytest.mark.parametrize("weighted", [False, True])
def test_kernel_equals_twin(parameters, weighted):
    weight = RNG.random(N) if weighted else None
    fast = ranker(max_iter=4, **parameters).fit(X, Y, weight, group=SIZES)
    with smelt.config(engine="plain"):
        plain = clone(fast).fit(X, Y, weight, group=SIZES)
        expected = plain.predict(X)
    np.testing.assert_allclose(fast.predict(X), expected, rtol=1e-7, atol=1e-7)
    np.testing.assert_allclose(fast.train_score_, plain.train_score_, rtol=1e-10)


def test_the_same_ranking_as_lightgbm():
    lightgbm = pytest.importorskip("lightgbm", reason="LightGBM is not installed")
    codes = np.round(np.nan_to_num(X) * 4)  # few values: the bins are the same
    # LightGBM estimates the rows of a bin from its curvature: leaves of one row leave no choice.
    ours = ranker(max_iter=2, max_leaf_nodes=8, min_samples_leaf=1).fit(codes, Y, group=SIZES)
    theirs = lightgbm.LGBMRanker(
        n_estimators=2, num_leaves=8, min_child_samples=1, min_data_in_bin=1, verbose=-1
    ).fit(codes, Y.astype(int), group=SIZES)
    np.testing.assert_allclose(ours.predict(codes), theirs.predict(codes), rtol=1e-3, atol=1e-4)


def test_ranks_well_and_scores_as_scikit_learn():
    model = ranker(max_iter=60).fit(X, Y, qid=QID)
    found = model.score(X, Y, qid=QID)
    answers = model.predict(X)
    expected = []
    for query in range(80):
        rows = query == QID
        best = Y[rows].max() > 0
        value = ndcg_score([2 ** Y[rows] - 1], [answers[rows]], k=30) if best else 1.0
        expected.append(value)
    assert found == pytest.approx(np.mean(expected), abs=1e-6)
    assert found > 0.93
    assert ranker(max_iter=1).fit(X, Y, qid=QID).score(X, Y, qid=QID) < found
    by_size = ranker(max_iter=60).fit(X, Y, group=SIZES)
    np.testing.assert_array_equal(answers, by_size.predict(X))


def test_same_bits_on_any_number_of_threads():
    big, y, sizes = np.tile(X, (12, 1)), np.tile(Y, 12), np.tile(SIZES, 12)
    found = []
    for n_threads in (1, 2, 7):
        with smelt.config(n_threads=n_threads):
            found.append(ranker(max_iter=3).fit(big, y, group=sizes).predict(X))
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])


def test_weights_count_rows():
    codes = np.round(np.nan_to_num(X))
    settings = {"max_iter": 3, "min_samples_leaf": 1, "min_child_weight": 1e-9}
    twice = ranker(**settings).fit(codes, Y, np.full(N, 2.0), group=SIZES)
    # Each query twice gives each row's gradient twice.
    double = ranker(**settings)
    double.fit(np.tile(codes, (2, 1)), np.tile(Y, 2), group=np.tile(SIZES, 2))
    np.testing.assert_allclose(twice.predict(codes), double.predict(codes), rtol=1e-4, atol=1e-5)


def test_early_stopping_holds_out_whole_queries():
    model = ranker(early_stopping=True, max_iter=200, learning_rate=0.3).fit(X, Y, qid=QID)
    assert model.n_iter_ < 200
    assert (model.validation_score_ >= -1).all() and (model.validation_score_ <= 0).all()
    train, held = model._hold_out(X, Y, None, np.cumsum([0, *SIZES]))
    assert len(held[3]) - 1 == 8 and len(train[0]) + len(held[0]) == N


def test_evaluation_sets():
    model = ranker(early_stopping=True, max_iter=100, learning_rate=0.3, n_iter_no_change=5)
    half = len(X) - SIZES[60:].sum()
    model.fit(
        X[:half], Y[:half], group=SIZES[:60], eval_set=[(X[half:], Y[half:])],
        eval_group=[SIZES[60:]], eval_metric=["ndcg@5", "ndcg", "loss"],
    )  # fmt: skip
    history = model.evals_result_["valid_0"]
    assert list(history) == ["ndcg@5", "ndcg", "loss"]
    assert model.n_iter_ == int(np.argmax(history["ndcg@5"])) + 1
    np.testing.assert_allclose(history["ndcg"], 1 - np.array(history["loss"]), rtol=1e-12)
    of_last = model.score(X[half:], Y[half:], group=SIZES[60:])
    assert history["ndcg"][model.n_iter_ - 1] == pytest.approx(of_last)


def test_file_round_trip(tmp_path):
    model = ranker().fit(X, Y, qid=QID)
    smelt.save(model, tmp_path / "ranker.smelt")
    again = smelt.load(tmp_path / "ranker.smelt")
    np.testing.assert_array_equal(again.predict(X), model.predict(X))


@pytest.mark.parametrize(
    ("queries", "y", "message"),
    [
        ({"group": SIZES[:-1]}, Y, "rows together, X has"),
        ({"group": [0, N]}, Y, "integers above 0"),
        ({"group": [0.5, N - 0.5]}, Y, "integers above 0"),
        ({"group": SIZES, "qid": QID}, Y, "not both"),
        ({"qid": QID[:-1]}, Y, "qid has"),
        ({"qid": np.arange(N) % 7}, Y, "do not lie together"),
        ({"qid": QID}, Y - 1, "relevance"),
        ({"qid": QID}, Y + 60, "relevance"),
        ({"qid": QID, "eval_set": [(X, Y)], "eval_group": []}, Y, "an entry for each set"),
        ({"qid": QID, "eval_set": [(X, Y)], "eval_group": [[3]]}, Y, "rows together"),
    ],
    ids=lambda x: x if isinstance(x, str) else "",
)
def test_bad_queries_are_named(queries, y, message):
    with pytest.raises(ValueError, match=message):
        ranker().fit(X, y, **queries)


def test_one_query_cannot_be_held_out():
    with pytest.raises(ValueError, match="cannot hold out"):
        ranker(early_stopping=True).fit(X, Y)
