"""Boosting from batches makes the model that all rows at once would make, bit for bit."""

import gc
import os
import signal
import threading
import weakref

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sklearn.base import clone

import smelt
from smelt.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRanker,
    HistGradientBoostingRegressor,
    _batch_fit,
    _batch_source,
    _boosting_loop,
)

N, P = 3000, 5
RNG = np.random.default_rng(3)
X = RNG.normal(size=(N, P)).astype(np.float32)
X[RNG.random(X.shape) < 0.05] = np.nan
SCORE = np.nan_to_num(X[:, 0] * X[:, 1]) + np.nan_to_num(X[:, 2])
Y = SCORE + RNG.normal(size=N)
CLASSES = np.array(["blue", "green", "red"])[np.digitize(Y, [-0.7, 0.7])]
WEIGHT = RNG.integers(1, 4, N).astype(float)


def classifier(**settings):
    return HistGradientBoostingClassifier(**{"max_iter": 5, "random_state": 0} | settings)


def regressor(**settings):
    return HistGradientBoostingRegressor(**{"max_iter": 5, "random_state": 0} | settings)


def cut(*arrays, size=700):
    """Batches of unequal sizes, one without rows."""
    borders = [*range(0, len(arrays[0]), size), len(arrays[0])]
    return [
        tuple(a[i:j] for a in arrays)
        for i, j in zip([0, 0, *borders[1:-1]], [0, *borders[1:]], strict=True)
    ]


def assert_same(a, b):
    """The same trees and scores to the last bit."""
    for name, values in a.trees_.items():
        np.testing.assert_array_equal(values, b.trees_[name], err_msg=name)
    np.testing.assert_array_equal(a.train_score_, b.train_score_)
    np.testing.assert_array_equal(a.validation_score_, b.validation_score_)
    np.testing.assert_array_equal(a.n_features_in_, b.n_features_in_)
    names = [getattr(model, "feature_names_in_", None) for model in (a, b)]
    np.testing.assert_array_equal(*names)


@pytest.fixture(params=["few rows", "many rows"])
def any_number(request, monkeypatch):
    """Both ways: all rows fit the sample for the borders, or they do not."""
    if request.param == "many rows":
        for module in (_boosting_loop, _batch_fit):
            monkeypatch.setattr(module, "BINNING_ROWS", 1000)


@pytest.mark.parametrize("stops", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_model_of_fit(any_number, stops, weighted):
    settings = {"early_stopping": stops, "max_iter": 30, "n_iter_no_change": 3}
    weight = (WEIGHT,) if weighted else ()
    for model, y in ((classifier(**settings), CLASSES), (regressor(**settings), Y)):
        expected = clone(model).fit(X, y, *weight)
        found = model.fit_batches(cut(X, y, *weight))
        assert_same(expected, found)
        np.testing.assert_array_equal(expected.predict(X), found.predict(X))


def test_the_twin_reads_batches(any_number):
    with smelt.config(engine="plain"):
        plain = classifier(max_iter=2).fit_batches(cut(X[:1200], CLASSES[:1200]))
    assert_same(classifier(max_iter=2).fit_batches(cut(X[:1200], CLASSES[:1200])), plain)


def test_same_bits_on_any_number_of_threads(any_number):
    found = []
    for n_threads in (1, 2, 7):
        with smelt.config(n_threads=n_threads):
            found.append(classifier(early_stopping=True).fit_batches(cut(X, CLASSES)))
    assert_same(found[0], found[1])
    assert_same(found[0], found[2])


def test_wide_numbers_in_one_batch_only(any_number):
    wide = X.astype(np.float64)
    mixed = [(X[:1000], Y[:1000]), (wide[1000:2000], Y[1000:2000]), (X[2000:], Y[2000:])]
    assert_same(regressor().fit(wide, Y), regressor().fit_batches(mixed))


def test_functions_begin_anew(any_number):
    calls = []

    def batches():
        calls.append(len(calls))
        yield from cut(X, Y)

    assert_same(regressor().fit(X, Y), regressor().fit_batches(batches))
    assert len(calls) <= 4  # three readings, of which the first looks at the first batch beforehand


@pytest.mark.parametrize("early_stopping", [False, True])
def test_rankings(any_number, early_stopping):
    sizes = RNG.integers(20, 60, 75)
    n = sizes.sum()
    qid = np.repeat(np.arange(75), sizes)
    rows, y = X[:n] if n <= N else np.tile(X, (2, 1))[:n], RNG.integers(0, 4, n).astype(float)
    weight = np.tile(WEIGHT, 2)[:n]
    model = HistGradientBoostingRanker(
        max_iter=5, random_state=0, early_stopping=early_stopping, min_samples_leaf=5
    )
    expected = clone(model).fit(rows, y, weight, qid=qid)
    assert_same(expected, clone(model).fit_batches(cut(rows, y, qid, weight)))
    frame = pl.DataFrame(rows, schema=list("abcde")).with_columns(
        y=pl.Series(y), query=pl.Series(qid), w=pl.Series(weight)
    )
    found = model.fit_batches(lambda: frame.iter_slices(500), "y", qid="query", sample_weight="w")
    np.testing.assert_array_equal(expected.predict(rows), found.predict(frame[:, :5]))


def table(kind="polars"):
    columns = {f"x{j}": X[:, j] for j in range(P)} | {"label": CLASSES, "weight": WEIGHT}
    return pl.DataFrame(columns) if kind == "polars" else pd.DataFrame(columns)


@pytest.mark.parametrize("kind", ["polars", "pandas", "arrow"])
def test_frames_with_a_named_target(any_number, kind):
    frame = table("pandas" if kind == "pandas" else "polars")
    expected = classifier().fit(frame[frame.columns[:P]], CLASSES, WEIGHT)
    # The second batch has its columns in another order.
    turned = frame[list(frame.columns[::-1])]
    batches = [frame[:1000], turned[1000:2000], frame[2000:]]
    if kind == "arrow":
        batches = [batch for part in batches for batch in part.to_arrow().to_batches()]
        assert isinstance(batches[0], pa.RecordBatch)
    found = classifier().fit_batches(batches, "label", sample_weight="weight")
    assert_same(expected, found)
    assert list(found.feature_names_in_) == [f"x{j}" for j in range(P)]


def test_parquet_files(any_number, tmp_path, monkeypatch):
    monkeypatch.setattr(_batch_source, "PARQUET_ROWS", 400)
    frame = table()
    expected = classifier().fit(frame[:, :P], CLASSES)
    frame = frame.drop("weight")
    frame[:1900].write_parquet(tmp_path / "a.parquet")
    frame[1900:1900].write_parquet(tmp_path / "b.parquet")
    frame[1900:].write_parquet(tmp_path / "c.parquet", row_group_size=100)
    names = [str(tmp_path / f"{name}.parquet") for name in "abc"]
    for given in (tmp_path, str(tmp_path / "*.parquet"), names, [tmp_path]):
        assert_same(expected, classifier().fit_batches(given, "label"))
    # Columns in another order in one file.
    frame[1900:].select(frame.columns[::-1]).write_parquet(tmp_path / "c.parquet")
    assert_same(expected, classifier().fit_batches(tmp_path, target="label"))


def words(n, n_known):
    return np.array([f"word {i}" for i in range(n_known)])[RNG.integers(0, n_known, n)]


@pytest.mark.parametrize("kind", ["pandas", "polars", "parquet"])
def test_categories_of_all_batches(any_number, kind, tmp_path):
    """No batch knows all categories, nor do their codes agree."""
    y, colour = Y.copy(), words(N, 9)
    colour[:1500] = np.where(colour[:1500] == "word 7", "word 1", colour[:1500])
    y[colour == "word 7"] += 3
    values = [None if i % 31 == 0 else word for i, word in enumerate(colour)]
    if kind == "pandas":
        make = lambda rows: pd.DataFrame(  # noqa: E731
            {"a": X[rows, 0], "colour": pd.Categorical(values[rows]), "b": X[rows, 1]}
        )
    else:
        make = lambda rows: pl.DataFrame(  # noqa: E731
            {
                "a": X[rows, 0],
                "colour": pl.Series(values[rows], dtype=pl.Categorical),
                "b": X[rows, 1],
            }
        )
    expected = regressor().fit(make(slice(None)), y)
    if kind == "parquet":
        make(slice(None)).with_columns(y=y).write_parquet(tmp_path / "a.parquet")
        found = regressor().fit_batches(tmp_path / "a.parquet", "y")
    else:
        parts = [slice(0, 1000), slice(1000, 1700), slice(1700, N)]
        found = regressor().fit_batches([(make(rows), y[rows]) for rows in parts])
    assert_same(expected, found)
    np.testing.assert_array_equal(expected.is_categorical_, found.is_categorical_)
    rows = make(slice(None))
    np.testing.assert_array_equal(expected.predict(rows), found.predict(rows))


@pytest.mark.parametrize("values", ["codes", "numbers", "text"])
def test_categories_of_matrices(any_number, values):
    matrix = np.column_stack([RNG.integers(0, 12, N), X[:, 0], X[:, 1]]).astype(np.float64)
    matrix[::17, 0] = np.nan
    if values == "numbers":
        matrix[:, 0] += 0.5
    if values == "text":
        matrix = np.array(matrix, dtype=object)
        matrix[:, 0] = words(N, 12)
    order = np.argsort(matrix[:, 0].astype(str), kind="stable")  # each batch has its own categories
    matrix, y = matrix[order], Y[order]
    settings = {"categorical_features": [0]}
    expected = regressor(**settings).fit(matrix, y)
    found = regressor(**settings).fit_batches(cut(matrix, y))
    assert_same(expected, found)
    np.testing.assert_array_equal(expected.predict(matrix), found.predict(matrix))


def test_more_categories_than_bins_in_all_batches_together():
    frame = pl.DataFrame({"a": words(N, 300), "b": X[:, 0]})
    batches = [(frame[i : i + 200], Y[i : i + 200]) for i in range(0, N, 200)]
    settings = {"categorical_features": ["a"]}
    with pytest.raises(ValueError, match="cardinality of 300"):
        regressor(high_cardinality="error", **settings).fit_batches(batches)
    with pytest.raises(ValueError, match="need all rows in memory"):
        regressor(**settings).fit_batches(batches)


def test_evaluation_sets_warm_start_and_models_to_go_on_with(any_number):
    held = [(X[2000:], CLASSES[2000:])]
    rows, y = X[:2000], CLASSES[:2000]
    options = {"eval_set": held, "eval_metric": ["loss", "accuracy"]}
    expected = classifier(max_iter=40).fit(rows, y, **options)
    found = classifier(max_iter=40).fit_batches(cut(rows, y), **options)
    assert_same(expected, found)
    assert expected.evals_result_ == found.evals_result_
    for model in (expected, found):
        model.set_params(warm_start=True, max_iter=50)
    assert_same(expected.fit(rows, y), found.fit_batches(cut(rows, y)))
    more = classifier(max_iter=3).fit_batches(cut(rows, y), init_model=expected)
    assert_same(classifier(max_iter=3).fit(rows, y, init_model=expected), more)
    weighted = {"class_weight": "balanced"}
    assert_same(
        classifier(**weighted).fit(rows, y), classifier(**weighted).fit_batches(cut(rows, y))
    )


def test_one_row():
    model = regressor(max_iter=2).fit_batches([(X[:1], Y[:1])])
    assert model.predict(X[:1]) == pytest.approx(Y[0])


def test_rows_are_not_kept(any_number):
    alive = []

    def batches():
        for rows, y in cut(X, Y):
            rows = rows.copy()
            alive.append(weakref.ref(rows))
            yield rows, y
            del rows
            gc.collect()
            assert sum(ref() is not None for ref in alive) <= 2

    regressor().fit_batches(batches)
    gc.collect()
    assert not any(ref() is not None for ref in alive)


def test_what_can_be_read_once_only_is_refused():
    generator = (batch for batch in cut(X, Y))
    with pytest.raises(TypeError, match="Give the function that makes it"):
        regressor().fit_batches(generator)
    assert next(generator) is not None  # nothing was taken from it
    once = iter(cut(X, Y))
    with pytest.raises(ValueError, match=r"gave other rows than the first.*ended after"):
        regressor().fit_batches(lambda: once)
    for table_ in (X, pd.DataFrame(X), {"a": [1]}):
        with pytest.raises(TypeError, match="give it to fit"):
            regressor().fit_batches(table_)
    with pytest.raises(TypeError, match="got int"):
        regressor().fit_batches(3)


def test_readings_that_differ(any_number):
    seen = []

    def ends_early():
        seen.append(0)
        yield from cut(X, Y)[: 9 if len(seen) < 3 else 2]

    with pytest.raises(ValueError, match=r"ended after 700 rows \(batch 1\), but there were 3000"):
        regressor().fit_batches(ends_early)

    def goes_on():
        seen.append(0)
        yield from cut(X, Y)
        if len(seen) > 5:
            yield X[:10], Y[:10]

    with pytest.raises(ValueError, match="goes on to row 3010, but there were 3000 rows"):
        regressor().fit_batches(goes_on)

    def shuffled():
        order = RNG.permutation(N)
        yield from cut(X[order], Y[order])

    with pytest.raises(ValueError, match=r"batch 1 has other targets.*shuffled"):
        regressor().fit_batches(shuffled)

    def new_class():
        seen.append(0)
        yield X[:100], CLASSES[:100] if len(seen) < 9 else np.full(100, "white")

    seen.clear()
    seen += [0] * 6
    with pytest.raises(ValueError, match="other targets"):
        classifier().fit_batches(new_class)


def test_what_a_generator_raises_is_the_cause_and_nothing_is_lost(any_number):
    model = regressor().fit(X, Y)
    before = dict(model.__dict__)
    closed = []

    def fails(at):
        def batches():
            try:
                for number, batch in enumerate(cut(X, Y)):
                    if number == at:
                        raise OSError("the line is cut")
                    yield batch
            finally:
                closed.append(at)

        return batches

    for at in (0, 3):
        with pytest.raises(RuntimeError, match=f"while making batch {at}: the line is cut") as info:
            model.fit_batches(fails(at))
        assert isinstance(info.value.__cause__, OSError)
        assert model.__dict__ == before
    assert 3 in closed

    def late():
        closed.append("late")
        yield from cut(X[:, :4], Y)
        if closed.count("late") > 2:
            raise KeyError("moved")

    with pytest.raises(RuntimeError, match="KeyError while making batch 6"):
        model.fit_batches(late)
    assert model.__dict__ == before
    np.testing.assert_array_equal(model.predict(X), regressor().fit(X, Y).predict(X))
    with pytest.raises(RuntimeError, match="beginning to read"):
        model.fit_batches(lambda: 1 / 0)


def test_ctrl_c_while_reading_leaves_the_model_as_it_was():
    model = regressor().fit(X, Y)
    before = dict(model.__dict__)

    def batches():
        yield X[:100], Y[:100]
        threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT)).start()
        while True:
            yield X[100:200], Y[100:200]

    with pytest.raises(KeyboardInterrupt):
        model.fit_batches(batches)
    assert model.__dict__ == before


FRAME = pl.DataFrame({"a": X[:, 0], "b": X[:, 1], "y": Y})


@pytest.mark.parametrize(
    ("batches", "options", "message"),
    [
        ([], {}, "have no row"),
        ([(X[:0], Y[:0])], {}, "have no row"),
        ([(X, Y), (X[:, :3], Y)], {}, "batch 1 has 3 features, batch 0 has 5"),
        ([(X, Y), (X, Y[:-1])], {}, r"batch 1: X has shape \(3000, 5\), y has 2999"),
        ([(X, Y, WEIGHT), (X, Y)], {}, "only one of batch 1 and batch 0 has a weight"),
        ([(X, Y, WEIGHT[:-1])], {}, "weight has 2999 entries, y has 3000"),
        ([(X, Y), (X, np.where(Y > 2, np.nan, Y))], {}, "Input y contains NaN: row .* of batch 1"),
        ([(X, Y), (X, np.where(Y > 2, -np.inf, Y))], {}, "y contains infinity: row .* of batch 1"),
        ([(X, Y), (np.full(X.shape, "a"), Y)], {}, "batch 1: could not convert string"),
        ([(X, Y), (X.ravel(), Y)], {}, "batch 1: X has shape"),
        ([(X,)], {}, r"batch 0 has 1 parts; it must be \(X, y\)"),
        ([(X, Y, WEIGHT, Y)], {}, "has 4 parts"),
        ([(X, np.column_stack([Y, Y]))], {}, "batch 0: y should be a 1d array"),
        ([(X, Y)], {"target": "y"}, "batch 0 is a tuple"),
        ([FRAME], {}, "batch 0 is a frame: give target="),
        ([FRAME], {"target": "z"}, r"has no column 'z' \(target\); it has \['a', 'b', 'y'\]"),
        ([FRAME, FRAME.rename({"b": "c"})], {"target": "y"}, r"missing \['b'\], new \['c'\]"),
        ([FRAME, FRAME.drop("b")], {"target": "y"}, r"batch 1 has not the features of batch 0"),
        ([(FRAME, Y), (FRAME.to_numpy(), Y)], {}, "has names of features, and the other has not"),
        (
            [
                (pl.DataFrame({"a": words(9, 3)}, schema={"a": pl.Categorical}), Y[:9]),
                (pl.DataFrame({"a": X[:9, 0]}), Y[:9]),
            ],
            {},
            r"batch 1: the features \['a'\] are categorical in some batches only",
        ),
    ],
)  # fmt: skip
def test_bad_batches(batches, options, message):
    model = regressor()
    with pytest.raises(ValueError, match=message):
        model.fit_batches(batches, **options)
    assert not hasattr(model, "n_features_in_")


def test_bad_files_and_kinds(tmp_path):
    with pytest.raises(TypeError, match="batch 0 is a str"):
        regressor().fit_batches(lambda: ["a"])
    with pytest.raises(TypeError, match="not some of both"):
        regressor().fit_batches(["a.parquet", (X, Y)])
    with pytest.raises(FileNotFoundError, match="no file"):
        regressor().fit_batches(tmp_path / "a.parquet", "y")
    with pytest.raises(FileNotFoundError, match="pattern"):
        regressor().fit_batches(str(tmp_path / "*.parquet"), "y")
    with pytest.raises(FileNotFoundError, match="folder"):
        regressor().fit_batches(tmp_path, "y")
    (tmp_path / "a.parquet").write_bytes(b"PAR1 and then nothing")
    with pytest.raises(ValueError, match="is not a Parquet file that can be read"):
        regressor().fit_batches(tmp_path / "a.parquet", "y")
    FRAME.write_parquet(tmp_path / "a.parquet")
    FRAME.drop("b").write_parquet(tmp_path / "b.parquet")
    with pytest.raises(ValueError, match="only one of them has 'b'"):
        regressor().fit_batches(tmp_path, "y")
    with pytest.raises(ValueError, match="is a frame: give target="):
        regressor().fit_batches(tmp_path / "a.parquet")


def test_what_needs_the_rows_is_refused():
    with pytest.raises(ValueError, match="linear_leaves"):
        regressor(linear_leaves=True).fit_batches(cut(X, Y))
    with pytest.raises(ValueError, match="scoring='r2' needs the rows"):
        regressor(scoring="r2").fit_batches(cut(X, Y))
