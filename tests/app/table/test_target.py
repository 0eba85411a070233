"""The task follows from the target."""

import numpy as np
import polars as pl
import pytest
from numpy.testing import assert_array_equal

from smelt.app.table import infer_schema, read_table, target_vector
from smelt.errors import DataError, UsageError


def schema_of(values, task=None):
    data = {"x": [float(k * k % 17) for k in range(len(values))], "the target": values}
    frame = read_table(data).frame
    return infer_schema(frame, "the target", task=task), frame


def text(values):
    return [None if v is None else str(v) for v in values]


@pytest.mark.parametrize(
    ("values", "task", "classes"),
    [
        (["no", "yes"] * 20, "binary", ("no", "yes")),
        (["yes", "no"] * 20, "binary", ("no", "yes")),
        (["TRUE", "FALSE"] * 20, "binary", ("FALSE", "TRUE")),
        ([True, False] * 20, "binary", ("false", "true")),
        (["<=50K", ">50K"] * 20, "binary", ("<=50K", ">50K")),
        ([0, 1] * 20, "binary", ("0", "1")),
        (["0", "1"] * 20, "binary", ("0", "1")),
        ([0.0, 1.0] * 20, "binary", ("0", "1")),
        ([1, 2] * 20, "binary", ("1", "2")),
        ([-1, 1] * 20, "binary", ("-1", "1")),
        (["a", "b", "c"] * 20, "multiclass", ("a", "b", "c")),
        (list(range(10)) * 20, "multiclass", tuple(map(str, range(10)))),  # digits
        ([1, 2, 3] * 20, "multiclass", ("1", "2", "3")),
        (["01", "02", "03"] * 20, "multiclass", ("01", "02", "03")),
        ([3, 4, 5, 6, 7, 8, 9] * 20, "regression", ()),  # wine
        ([0] * 90 + [1] * 20 + [2] * 4 + [3] * 2, "regression", ()),  # counts
        ([k / 4 for k in range(40)], "regression", ()),
        ([f"{k / 4}" for k in range(40)], "regression", ()),
        ([f"{k},{k % 10}" for k in range(40)], "regression", ()),
    ],
)
def test_tasks(values, task, classes):
    schema, frame = schema_of(values)
    assert (schema.task, schema.classes) == (task, classes)
    assert schema.task_reason
    vector = target_vector(frame, schema)
    assert vector.dtype == np.float64
    assert not np.isnan(vector).any()
    if classes:
        counts = tuple(int((vector == code).sum()) for code in range(len(classes)))
        assert counts == schema.class_counts
        assert sum(counts) == len(values)


def test_the_task_can_be_given():
    values = [3, 4, 5, 6] * 20
    schema, frame = schema_of(values, "multiclass")
    assert schema.classes == ("3", "4", "5", "6")
    assert_array_equal(target_vector(frame, schema), np.array(values) - 3)
    schema, frame = schema_of([0, 1] * 20, "regression")
    assert_array_equal(target_vector(frame, schema), [0, 1] * 20)
    assert schema.task_reason == "as asked for"
    with pytest.raises(DataError, match=r"its values are no numbers: 'a', 'b'"):
        schema_of(["a", "b"] * 20, "regression")
    with pytest.raises(DataError, match=r"two classes; 'the target' has 3"):
        schema_of(["a", "b", "c"] * 20, "binary")
    with pytest.raises(DataError, match=r"the task is binary"):
        schema_of(["a", "b"] * 20, "multiclass")
    with pytest.raises(UsageError, match=r"'regresion' is no task. Did you mean 'regression'"):
        schema_of(["a", "b"] * 20, "regresion")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (["a"] * 20, "always 'a'"),
        (["a", None] * 20, "always 'a'"),
        ([5] * 20, "always '5'"),
        ([None] * 20, "no value in any row"),
        (["NA"] * 20, "no value in any row"),
        ([f"k{k}" for k in range(20)], "a class for each of its 20 rows"),
        ([f"k{max(0, k - 9)}" for k in range(60)], "single row"),
        ([float("inf"), *range(30)], "infinite in 1 row"),
        (["inf", *text(range(30))], "infinite in 1 row"),
        ([None] * 30 + ["a", "b"] * 3, "only 6 rows"),
        ([f"k{k // 2}" for k in range(2200)], "1100 classes; at most 1000"),
        (pl.Series(range(30), dtype=pl.Date), "is a date"),
    ],
)
def test_targets_that_cannot_be_learned(values, words):
    with pytest.raises(DataError, match=words):
        schema_of(values)


def test_a_target_that_is_not_there():
    frame = read_table({"Churn": ["a", "b"] * 10, "x": list(range(20))}).frame
    with pytest.raises(UsageError, match=r"'churn' is no column .* Did you mean 'Churn'"):
        infer_schema(frame, "churn")
    with pytest.raises(UsageError, match=r"There are 'Churn', 'x'"):
        infer_schema(frame, "something else")


def test_spellings_of_a_boolean_are_one_class():
    schema, frame = schema_of(["Yes", "no", "yes", "No", "No", "YES"] * 10)
    assert schema.task == "binary"
    assert schema.classes[0].lower() == "no"
    assert_array_equal(target_vector(frame, schema), [1, 0, 1, 0, 0, 1] * 10)


def test_rows_without_a_target_are_nan():
    schema, frame = schema_of(["a", None, "b", "?", "a", "b"] * 10)
    assert schema.target_column.n_missing == 20
    assert_array_equal(target_vector(frame, schema)[:4], [0, np.nan, 1, np.nan])
    schema, frame = schema_of([*text(k / 4 for k in range(300)), "abc", "NA"])
    assert schema.task == "regression"
    assert (schema.target_column.n_missing, schema.target_column.n_invalid) == (1, 1)
    assert_array_equal(target_vector(frame, schema)[-3:], [299 / 4, np.nan, np.nan])


def test_a_frame_seen_later_is_coded_alike():
    """A held-out part is coded by the schema of the whole, typed or not."""
    schema, _ = schema_of(text([0, 1, 2] * 20))
    for values in ([2, 0], ["2", "0"], [2.0, 0.0], ["2.0", "0"]):
        frame = read_table({"x": [1, 2], "the target": values}).frame
        assert_array_equal(target_vector(frame, schema), [2, 0])
    frame = read_table({"x": [1, 2], "the target": ["2", "9"]}).frame
    assert_array_equal(target_vector(frame, schema), [2, np.nan])
