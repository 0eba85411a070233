"""Every source gives the same table: CSV, JSON lines, Parquet, pandas, Polars, Arrow, dict."""

import gzip
import io
import json

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from numpy.testing import assert_array_equal
from polars.testing import assert_frame_equal

from smelt.app.table import ReadOptions, infer_schema, iter_table, read_table, to_columns
from smelt.errors import DataError, UsageError

N = 60


@pytest.fixture(scope="module")
def frame():
    return pl.DataFrame(
        {
            "n": [None if k % 7 == 0 else k * 0.25 - 3 for k in range(N)],
            "whole": [(k * 37) % 101 for k in range(N)],
            "big": [2**40 + (k * k) % 77 for k in range(N)],
            "flag": [k % 3 == 0 for k in range(N)],
            "word": [
                None if k % 11 == 0 else ["red", "gré en", 'a "b", c'][k % 3] for k in range(N)
            ],
            "key": [f"id-{k:04d}" for k in range(N)],
            "same": ["x"] * N,
            "note": [f"the {k}th line of\nfree text, number {k % 9}" for k in range(N)],
            "y": [["no", "yes"][(k * k) % 5 > 1] for k in range(N)],
        }
    )


def sources(frame, tmp_path):
    csv, tsv, parquet, lines = (tmp_path / n for n in ("a.csv", "a.tsv", "a.parquet", "a.jsonl"))
    frame.write_csv(csv)
    frame.write_csv(tsv, separator="\t")
    frame.write_parquet(parquet)
    frame.write_ndjson(lines)
    packed = tmp_path / "a.jsonl.gz"
    packed.write_bytes(gzip.compress(lines.read_bytes()))
    array = tmp_path / "a.json"
    array.write_text(json.dumps(frame.to_dicts(), indent=1))
    return {
        "csv": csv,
        "tsv": str(tsv),
        "parquet": parquet,
        "json lines": lines,
        "json lines, gzip": packed,
        "json array": array,
        "polars": frame,
        "lazy": frame.lazy(),
        "pandas": frame.to_pandas(),
        "pandas, objects": pd.DataFrame(frame.to_dict(as_series=False)).astype(object),
        "pandas, nullable": frame.to_pandas().convert_dtypes(),
        "arrow": frame.to_arrow(),
        "dict": frame.to_dict(as_series=False),
        "dict of arrays": {name: frame[name].to_numpy() for name in frame.columns},
    }


def test_one_schema_from_all_sources(frame, tmp_path):
    expected = None
    for name, source in sources(frame, tmp_path).items():
        schema = infer_schema(read_table(source).frame, "y")
        expected = expected or schema
        assert schema == expected, name
    assert {column.name: column.role for column in expected.columns} == {
        "n": "number",
        "whole": "number",
        "big": "number",
        "flag": "boolean",
        "word": "category",
        "key": "identifier",
        "same": "constant",
        "note": "text",
    }


def test_one_set_of_columns_from_all_sources(frame, tmp_path):
    """Up to numbers being text in a CSV, the kernels get the same arrays."""
    expected = {column[0]: column for column in to_columns(read_table(frame).frame)}
    for source_name, source in sources(frame, tmp_path).items():
        table = read_table(source)
        from_csv = table.source.format == "csv"
        for name, kind, *arrays in to_columns(table.frame):
            if from_csv and expected[name][1] == "number":
                numbers = table.frame[name].cast(pl.Float64).fill_null(float("nan")).to_numpy()
                assert_array_equal(numbers, expected[name][2], err_msg=f"{source_name} {name}")
                continue
            assert kind == expected[name][1], (source_name, name)
            for array, wanted in zip(arrays, expected[name][2:], strict=True):
                assert_array_equal(array, wanted, err_msg=f"{source_name} {name}")


def test_columns_are_blobs_and_lengths():
    table = read_table(
        {"a": ["é", None, " bc ", ""], "b": [1.5, None, 2, 3], "c": [True, False] * 2}
    )
    (_, text, blob, lengths), (_, number, values), (_, flag, words, _) = to_columns(table.frame)
    assert (text, number, flag) == ("text", "number", "text")
    assert (blob, lengths.tolist()) == ("ébc".encode(), [2, -1, 2, -1])
    assert_array_equal(values, [1.5, float("nan"), 2, 3])
    assert words == b"truefalsetruefalse"


def test_dates_become_seconds_of_utc():
    when = pd.to_datetime(["2020-01-01 01:00:00", None, "1969-12-31 23:59:59"])
    frame = pd.DataFrame({"a": when, "b": when.tz_localize("Europe/Berlin")})
    (_, _, plain), (_, _, zoned) = to_columns(read_table(frame).frame)
    assert_array_equal(plain, [1577840400, float("nan"), -1])
    assert_array_equal(zoned, [1577836800, float("nan"), -3601])


def test_types_that_have_a_plain_form():
    frame = pl.DataFrame(
        {
            "category": pl.Series(["a", "b"], dtype=pl.Categorical),
            "decimal": pl.Series([1, 2], dtype=pl.Decimal(10, 2)),
            "date": pl.Series([0, 1], dtype=pl.Date),
            "span": pl.Series([1_500_000, 0], dtype=pl.Duration("us")),
            "nothing": [None, None],
            "small": pl.Series([1, 2], dtype=pl.UInt8),
            "nan": [float("nan"), 1.0],
        }
    )
    read = read_table(frame).frame
    assert read["category"].to_list() == ["a", "b"]
    assert read["span"].to_list() == [1.5, 0]
    assert read["nan"].to_list() == [None, 1]
    assert [c[1] for c in to_columns(read)] == [
        "text", "number", "number", "number", "text", "number", "number",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "frame",
    [
        pl.DataFrame({"a": [[1], [2]], "b": [1, 2]}),
        pl.DataFrame({"a": [{"x": 1}, {"x": 2}], "b": [1, 2]}),
        pl.DataFrame({"a": [b"x", b"y"], "b": [1, 2]}),
        pa.table({"a": [[1], [2]], "b": [1, 2]}),
        pd.DataFrame({"a": [[1], [2]], "b": [1, 2]}),
    ],
)
def test_cells_that_hold_more_than_a_value(frame):
    with pytest.raises(DataError, match="'a' holds"):
        read_table(frame)


def test_doubled_names_in_frames():
    with pytest.raises(DataError, match="same name 'a'"):
        read_table(pd.DataFrame([[1, 2]], columns=["a", "a"]))
    with pytest.raises(DataError, match="same name 'a'"):
        read_table(pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"]))
    with pytest.raises(DataError, match="several levels"):
        read_table(pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([("a", 1), ("a", 2)])))


def test_json_lines_with_keys_that_come_and_go(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"a": 1}\n\n{"a": 2, "b": "x"}\n{"b": true}\n')
    frame = read_table(path).frame
    assert frame.rows() == [(1.0, None), (2.0, "x"), (None, "true")]
    with pytest.raises(DataError, match=r"line 3: the key 'b' does not occur"):
        list(iter_table(path, batch_rows=1))


@pytest.mark.parametrize("kind", ["csv", "parquet", "json lines", "json lines, gzip", "polars"])
def test_batches_are_the_table(frame, tmp_path, kind):
    source = sources(frame, tmp_path)[kind]
    opened = iter_table(source, batch_rows=7)
    assert opened.source.format == {"json": "json_lines", "polars": "frame"}.get(
        kind[:4] if kind.startswith("json") else kind, kind
    )
    assert opened.source.delimiter == ("," if kind == "csv" else None)
    batches = list(opened)
    assert [batch.height for batch in batches] == [7] * 8 + [4]
    whole = pl.concat(batches, how="vertical_relaxed")
    assert_frame_equal(whole, read_table(source).frame)
    with pytest.raises(UsageError, match="batch_rows"):
        iter_table(source, batch_rows=0)


def test_batches_keep_the_text_as_it_was(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("a,b\nWD ,\n x,1\n")
    assert next(iter_table(path)).rows() == [("WD ", None), (" x", "1")]
    path.write_text("a,b\n")
    (batch,) = iter_table(path)
    assert batch.columns == ["a", "b"]
    assert batch.height == 0


def test_parquet_on_standard_input(frame, monkeypatch):
    buffer = io.BytesIO()
    frame.write_parquet(buffer)

    class Input:
        pass

    for read in (lambda: read_table("-").frame, lambda: pl.concat(iter_table("-", batch_rows=9))):
        Input.buffer = io.BytesIO(buffer.getvalue())
        monkeypatch.setattr("sys.stdin", Input)
        assert_frame_equal(read(), read_table(frame).frame)


@pytest.mark.parametrize("packed", [False, True])
def test_batches_take_constant_memory(tmp_path, packed):
    """40 MB of rows are read in pieces that leave Python's own memory below a third of that."""
    import tracemalloc

    row = b"some words,1234567,another cell\n"
    content = b"a,b,c\n" + row * (40_000_000 // len(row))
    path = tmp_path / "a.csv"
    path.write_bytes(gzip.compress(content, 1) if packed else content)
    tracemalloc.start()
    n_rows = sum(batch.height for batch in iter_table(path, ReadOptions()))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert n_rows == 40_000_000 // len(row)
    assert peak < 45_000_000
