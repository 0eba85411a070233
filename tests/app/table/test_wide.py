"""Wide tables: read all columns at once, with the same outcome as column by column."""

import numpy as np
import polars as pl
import pytest

from smelt.app.table import check_data, column_profile, infer_schema, read_table
from smelt.app.table.plain_numbers import FEWEST_COLUMNS
from smelt.errors import DataError

N_ROWS = 60


@pytest.fixture
def wide():
    rng = np.random.default_rng(0)
    numbers = {f"n{k}": [f"{v:.2f}" for v in rng.normal(size=N_ROWS)] for k in range(40)}
    counts = {f"c{k}": rng.integers(0, 4, N_ROWS).tolist() for k in range(20)}
    gaps = {f"g{k}": [None if i % 7 == k else float(i) for i in range(N_ROWS)] for k in range(7)}
    marks = {f"m{k}": ["NA" if i % 9 == k else str(i % 5) for i in range(N_ROWS)] for k in range(9)}
    return pl.DataFrame(
        {
            **numbers, **counts, **gaps, **marks,
            **{f"word{k}": ["red", "blue", "green"] * (N_ROWS // 3) for k in range(20)},
            "id": [str(i) for i in range(N_ROWS)],
            "code": [f"{i % 10:03d}" for i in range(N_ROWS)],
            "same": ["3"] * N_ROWS,
            "infinite": [float("inf"), *map(float, range(N_ROWS - 1))],
            "money": [f"${i % 8}.50" for i in range(N_ROWS)],
            "y": [str(i % 3) for i in range(N_ROWS)],
            "answer": [i % 3 for i in range(N_ROWS)],
        }
    )  # fmt: skip


def test_columns_of_a_wide_table_are_described_as_those_of_a_narrow_one(wide):
    assert wide.width >= FEWEST_COLUMNS
    schema = infer_schema(wide, "y")
    together = check_data(wide, schema)
    profiles = {one["name"]: one for one in column_profile(wide, schema)}
    leaks = {warning.column for warning in together if warning.code == "leakage"}
    assert "answer" in leaks
    for name in [*wide.columns[:-2], "answer"]:
        few = wide.select(list(dict.fromkeys([name, "n0", "y"])))
        alone = infer_schema(few, "y")
        assert schema[name] == alone[name]
        assert profiles[name] == column_profile(few, alone)[few.columns.index(name)]
        found = {w.column for w in check_data(few, alone) if w.code == "leakage"}
        assert (name in found) == (name in leaks)


def test_a_decimal_comma_elsewhere_is_heeded(wide):
    comma = pl.Series("price", [f"{i % 9},5" for i in range(N_ROWS)])
    schema = infer_schema(wide.with_columns(comma), "y")
    narrow = infer_schema(pl.DataFrame([wide["n0"], comma, wide["y"]]), "y")
    assert schema["n0"] == narrow["n0"]
    assert schema["price"] == narrow["price"]


def test_too_many_columns_are_refused_before_the_rows_are_read(tmp_path):
    path = tmp_path / "wide.csv"
    path.write_text(",".join(f"c{k}" for k in range(300)) + "\n" + "a,b\n" * 3)
    with pytest.raises(DataError, match="300 columns; at most 200"):
        read_table(path, most_columns=200)
    with pytest.raises(DataError, match="3 columns; at most 2"):
        read_table({"a": [1], "b": [2], "c": [3]}, most_columns=2)
