"""Models of pipelines: every kind of data, strict columns, counts, self-test."""

import datetime
import pickle

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from example_model import ROWS, parts

import smelt
from smelt.errors import CheckError, DataError, InputWarning, ModelFileError, UsageError
from smelt.export.model_file import open_model, to_bytes

pytestmark = pytest.mark.filterwarnings("ignore::smelt.errors.InputWarning")


def test_every_kind_of_frame_gives_the_same_bits(model):
    expected = model.predict_proba(ROWS)
    columns = {name: [row[name] for row in ROWS] for name in ROWS[0]}
    frames = [columns, pd.DataFrame(ROWS), pl.DataFrame(ROWS), pa.table(columns)]
    for frame in frames:
        np.testing.assert_array_equal(model.predict_proba(frame), expected)
    for row, proba in zip(ROWS, expected, strict=True):
        np.testing.assert_array_equal(model.predict_proba(row), proba[None, :])


def test_typed_columns_read_as_their_text_does(model):
    typed = pd.DataFrame(
        {
            "age": [39, 12.5, np.nan],
            "job": pd.Categorical(["baker", None, "pilot"]),
            "member": pd.array([True, False, None], dtype="boolean"),
            "since": pd.to_datetime(["2019-03-01", "2021-12-31", None]),
            "note": ["bread", None, "iron"],
        }
    )
    text = pd.DataFrame(
        {
            "age": ["39", "12,5", ""],
            "job": ["baker", "", "pilot"],
            "member": ["yes", "no", ""],
            "since": ["2019-03-01", "31/12/2021", ""],
            "note": ["bread", "", "iron"],
        }
    )
    np.testing.assert_array_equal(model.predict_proba(typed), model.predict_proba(text))
    row = {
        "age": 39, "job": "baker", "member": True, "since": datetime.date(2019, 3, 1),
        "note": "bread",
    }  # fmt: skip
    np.testing.assert_array_equal(model.predict_proba(row)[0], model.predict_proba(text)[0])


def test_classes_follow_the_threshold(model):
    proba = model.predict_proba(ROWS)
    np.testing.assert_array_equal(model.predict(ROWS), np.where(proba[:, 1] >= 0.5, "yes", "no"))
    assert (model.predict(ROWS, threshold=0.0) == "yes").all()
    exact = float(proba[0, 1])
    assert model.predict(ROWS[0], threshold=exact) == ["yes"]
    assert model.predict(ROWS[0], threshold=np.nextafter(exact, 2)) == ["no"]
    with pytest.raises(UsageError, match="threshold"):
        model.predict(ROWS, threshold=1.5)


def test_issues_are_counted_by_column_and_by_row(model):
    labels, found = model.predict(ROWS, return_issues=True)
    assert len(labels) == len(ROWS)
    assert found.issues == {
        "missing": {"age": 1, "job": 2, "member": 1, "since": 1, "note": 1},
        "invalid": {"age": 1, "member": 1, "since": 1},
        "unseen": {},
        "out_of_range": {"age": 2},
    }
    np.testing.assert_array_equal(found.row_issues["missing"], [0, 1, 4, 0, 1, 0])
    np.testing.assert_array_equal(found.row_issues["invalid"], [0, 0, 0, 0, 3, 0])
    np.testing.assert_array_equal(found.row_issues["out_of_range"], [0, 0, 0, 1, 0, 1])
    found = model.check([{**ROWS[0], "job": "judge"}])
    assert found.issues["unseen"] == {"job": 1}
    assert "'job': 1 rows have a category that training did not see" in str(found)
    with pytest.warns(InputWarning, match="'age' \\(1 rows\\)"):
        model.predict(ROWS)


def test_missing_and_renamed_columns_are_errors(model):
    renamed = [{("Age " if k == "age" else k): v for k, v in row.items()} for row in ROWS]
    for data in (renamed, pl.DataFrame(renamed), pd.DataFrame(renamed)):
        with pytest.raises(DataError, match=r"'age' \(did you mean 'Age ?'\?\)"):
            model.predict(data)
    with pytest.raises(DataError, match=r"3 columns .*'age', 'member', 'since'"):
        model.predict({"job": "baker"})


def test_extra_columns_are_ignored_and_counted(model):
    frame = pl.DataFrame(ROWS).with_columns(extra=pl.lit([1]), more=pl.lit(None))
    found = model.check(frame)
    assert found.ignored == ("extra", "more")
    assert "2 columns are not used: 'extra', 'more'" in str(found)
    np.testing.assert_array_equal(found.values, model.predict_proba(ROWS))
    assert model.check([{**ROWS[0], "x": object()}]).ignored == ("x",)


def test_an_optional_column_may_be_left_out(model):
    without = [{k: v for k, v in row.items() if k != "note"} for row in ROWS]
    empty = [{**row, "note": None} for row in ROWS]
    np.testing.assert_array_equal(model.predict_proba(without), model.predict_proba(empty))


@pytest.mark.parametrize(
    ("column", "cell", "message"),
    [
        ("age", True, "held numbers in training, but now it holds"),
        ("age", datetime.date(2020, 1, 1), "held numbers"),
        ("since", 2020, "held dates"),
        ("note", datetime.datetime(2020, 1, 1), "held text"),
        ("job", [1, 2], "held categories|different lengths|one number"),
    ],
)
def test_mistyped_columns_are_errors(model, column, cell, message):
    row = {**ROWS[0], column: cell}
    with pytest.raises(DataError, match=message):
        model.predict([row])
    with pytest.raises(DataError):
        model.predict(pl.DataFrame([row], strict=False))


def test_a_column_of_which_nothing_can_be_read_is_an_error(model):
    frame = pl.DataFrame(ROWS * 5).with_columns(age=pl.lit("Berlin"))
    with pytest.raises(DataError, match='none of its 30 values, such as "Berlin",'):
        model.predict(frame)


def test_what_is_no_table_is_an_error(model):
    for data in ([], [1, 2], "age", 3, None, [[1, 2]], np.zeros((2, 2))):
        with pytest.raises(DataError):
            model.predict(data)


def test_threads_do_not_matter(model):
    rows = pl.DataFrame(ROWS * 2000)
    first = model.run(rows, n_jobs=1).values
    np.testing.assert_array_equal(first, model.run(rows, n_jobs=7).values)
    np.testing.assert_array_equal(first[: len(ROWS)], model.run(ROWS).values)


def test_no_rows(model):
    found = model.run(pl.DataFrame(ROWS).head(0))
    assert found.values.shape == (0, 2)
    assert found.row_issues["missing"].shape == (0,)


def test_verify(model):
    assert model.verify() == len(ROWS)


def test_verify_notices_other_bits(model_bytes):
    """Expected values from another model make the self-test fail."""
    import json

    from safetensors_by_hand import read, write

    metadata, tensors = read(model_bytes)
    dtype, shape, data = tensors["selftest.expected"]
    values = np.frombuffer(data).copy()
    values[5] = np.nextafter(values[5], 2)
    tensors["selftest.expected"] = dtype, shape, values.tobytes()
    assert json.loads(metadata["smelt.manifest"])["kind"] == "pipeline"
    other = open_model(write(metadata, tensors))
    with pytest.raises(CheckError, match="row 3 of 6"):
        other.verify()


def test_save_load_pickle_and_repr(model, model_bytes, tmp_path):
    smelt.save(model, tmp_path / "model.smelt")
    assert (tmp_path / "model.smelt").read_bytes() == model_bytes
    loaded = smelt.load(tmp_path / "model.smelt")
    again = pickle.loads(pickle.dumps(loaded))
    np.testing.assert_array_equal(again.predict_proba(ROWS), model.predict_proba(ROWS))
    assert repr(model) == ("Model(target='buys', task='binary', classes='no, yes', columns='5')")
    assert "0.75 (held out)" in model._repr_html_()
    assert [column["name"] for column in model.schema] == list(ROWS[0])


def test_two_writes_are_the_same_bytes(model_bytes):
    assert to_bytes(*parts()) == model_bytes


def test_unwritable_places(model, tmp_path):
    for path in (tmp_path, tmp_path / "no" / "folder.smelt"):
        with pytest.raises(UsageError, match="cannot write"):
            smelt.save(model, path)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_nothing_behind(model, tmp_path, monkeypatch):
    import errno
    import os

    def full(handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    (tmp_path / "old.smelt").write_bytes(b"old")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UsageError, match="no space left"):
        smelt.save(model, tmp_path / "old.smelt")
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("old.smelt", b"old")]


def test_files_that_cannot_be_read(tmp_path):
    for path in (tmp_path, tmp_path / "none.smelt"):
        with pytest.raises(ModelFileError, match=str(path)):
            smelt.load(path)
    (tmp_path / "text.smelt").write_text("this is a text of some length, no model")
    with pytest.raises(ModelFileError, match=r"text.smelt: not a sound safetensors file"):
        smelt.load(tmp_path / "text.smelt")
