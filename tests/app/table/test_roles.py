"""The role of a column follows from all its rows, and a few stray values do not change it."""

import polars as pl
import pytest

from smelt.app.table import check_data, infer_schema, read_table
from smelt.app.table.schema import TYPED_MISSING_MARKS
from smelt.errors import DataError, UsageError

N = 200


def column(values, role=None, name="x", **others):
    """Infer the role of one column of text."""
    n = len(values)
    data = {name: [None if v is None else str(v) for v in values], "y": ["a", "b"] * (n // 2)}
    data |= {"other": [str(k % 7) for k in range(n)]}
    overrides = {name: role} if role else None
    frame = read_table(data | others).frame
    return infer_schema(frame, "y", overrides)[name]


def spread(k):
    return (k * 7919) % 1009


@pytest.mark.parametrize(
    ("values", "role"),
    [
        ([spread(k) for k in range(N)], "number"),
        ([f"{spread(k) / 8}" for k in range(N)], "number"),
        ([f"{spread(k)}e-3" for k in range(N)], "number"),
        ([k % 3 for k in range(N)], "number"),
        ([k % 2 for k in range(N)], "number"),
        (["1", "2", "3+", "0"] * 50, "category"),
        ([f"{k % 16:03d}" for k in range(N)], "category"),  # leading zeros: codes
        ([f"{k:05d}" for k in range(N)], "identifier"),
        (["red", "green"] * 100, "category"),
        (["Yes", "No"] * 100, "boolean"),
        (["TRUE", "false"] * 100, "boolean"),
        (["y", None, "n", "?"] * 50, "boolean"),
        (["Yes", "No", "No phone service", "Yes"] * 50, "category"),
        (["Yes", None] * 100, "category"),
        (["M", "F"] * 100, "category"),
        ([f"ab-{k}" for k in range(N)], "identifier"),
        ([f"user{k}@example.org" for k in range(N)], "identifier"),
        ([f"word number {k} of the text" for k in range(N)], "text"),
        ([f"第{k}個の文章はここにあります" for k in range(N)], "text"),
        (["one of a few long sentences", "another one of them"] * 100, "category"),
        (["same"] * N, "constant"),
        (["7"] * N, "constant"),
        ([None] * N, "constant"),
        (["NA"] * N, "constant"),
        ([f"2020-{1 + k % 12:02d}-{1 + k % 28:02d}" for k in range(N)], "datetime"),
        ([f"{1 + k % 28}.{1 + k % 12}.2020" for k in range(N)], "datetime"),
        ([f"{1949 + k // 12}-{1 + k % 12:02d}" for k in range(N)], "datetime"),
        ([1_600_000_000 + spread(k) * 86_400 for k in range(N)], "number"),  # epochs: numbers
        ([f"192.168.0.{k}" for k in range(N)], "identifier"),
        (["1.2.3", "1.2.4"] * 100, "category"),
    ],
)
def test_roles(values, role):
    found = column(values)
    assert found.role == role, found
    assert found.reason


def test_stray_words_leave_a_number_a_number():
    values = [str(spread(k)) for k in range(1000)]
    values[17], values[400], values[999] = "abc", "n.k.", "??"
    found = column(values)
    assert (found.role, found.n_invalid, found.n_missing) == ("number", 3, 0)
    assert set(found.invalid_examples) == {"abc", "n.k.", "??"}
    assert "3 that are none" in found.reason
    assert column(["abc"] * 30 + values).role == "category" or "abc" in column(values * 2).reason


def test_one_word_again_and_again_is_a_missing_mark():
    values = [str(spread(k)) if k % 5 else "not measured" for k in range(N)]
    found = column(values)
    assert (found.role, found.n_invalid, found.n_missing) == ("number", 0, N // 5)
    assert found.missing == (*TYPED_MISSING_MARKS, "not measured")


@pytest.mark.parametrize("mark", ["", " ", "NA", "?", "null", "NaN", "-", "None", "unknown"])
def test_missing_marks_among_numbers(mark):
    found = column([str(spread(k)) if k % 4 else mark for k in range(N)])
    assert (found.role, found.n_missing, found.n_invalid) == ("number", N // 4, 0)


def test_a_level_may_be_named_none():
    found = column(["None", "BrkFace", "Stone", "NA"] * 50)
    assert (found.role, found.n_missing, found.n_unique) == ("category", N // 4, 3)


def test_infinite_numbers_are_invalid():
    values = [str(spread(k)) for k in range(N)]
    values[3] = "inf"
    found = column(values)
    assert (found.role, found.n_invalid, found.invalid_examples) == ("number", 1, ("inf",))
    frame = read_table({"x": [float("inf"), *range(N - 1)], "y": ["a", "b"] * 100}).frame
    schema = infer_schema(frame, "y")
    assert schema["x"].n_invalid == 1
    assert "infinite_values" in [w.code for w in check_data(frame, schema)]


@pytest.mark.parametrize(
    ("form", "decimal", "thousands", "affixes"),
    [
        ("{:.2f}", ".", "", ()),
        ("{:,.2f}", ".", ",", ()),
        ("{:,.0f}", ".", ",", ()),
        ("${:,.2f}", ".", ",", ("$",)),
        ("{:.1f} %", ".", "", ("%",)),
        ("{:.2f} €", ".", "", ("€",)),
    ],
)
def test_forms_of_numbers(form, decimal, thousands, affixes):
    numbers = [spread(k) * 37.25 + 1.5 for k in range(N)]
    found = column([form.format(number) for number in numbers])
    assert found.role == "number"
    assert (found.decimal, found.thousands, found.affixes) == (decimal, thousands, affixes)
    assert found.n_invalid == 0
    digits = 0 if form == "{:,.0f}" else 1 if "%" in form else 2
    assert found.high == pytest.approx(round(max(numbers), digits))


def comma(number, grouping=False):
    text = f"{number:,.2f}" if grouping else f"{number:.2f}"
    return text.replace(",", "#").replace(".", ",").replace("#", ".")


def test_decimal_comma():
    numbers = [spread(k) * 37.25 + 1.5 for k in range(N)]
    found = column([comma(number) for number in numbers])
    assert (found.decimal, found.thousands, found.high) == (",", "", max(numbers))
    found = column([comma(number, grouping=True) for number in numbers])
    assert (found.decimal, found.thousands, found.high) == (",", ".", max(numbers))


def test_other_columns_settle_what_a_comma_means():
    values = [f"{1 + k % 9},{spread(k) % 1000:03d}" for k in range(N)]
    assert column(values).thousands == ","
    found = column(values, other2=[comma(spread(k) / 8) for k in range(N)])
    assert (found.decimal, found.thousands) == (",", "")
    dots = [f"{1 + k % 9}.{spread(k) % 1000:03d}" for k in range(N)]
    assert column(dots).decimal == "."
    found = column(dots, other2=[comma(spread(k) / 8) for k in range(N)])
    assert (found.decimal, found.thousands) == (",", ".")


@pytest.mark.parametrize(
    ("values", "formats"),
    [
        ([f"{d}/{m}/2020" for m in range(1, 11) for d in range(1, 21)], ("%d/%m/%Y",)),
        ([f"{m}/{d}/2020" for m in range(1, 11) for d in range(1, 21)], ("%m/%d/%Y",)),
        (["01/02/2020"] * 198 + ["1/13/2020", "02/03/2020"], ("%m/%d/%Y",)),
        ([f"2020-01-01T{h:02d}:00:00Z" for h in range(20)] * 10, ("%Y-%m-%dT%H:%M:%S%.f%z",)),
        ([f"2020-01-01 {h:02d}:00" for h in range(20)] * 10, ("%Y-%m-%d %H:%M",)),
        ([f"{d} Jan 2020" for d in range(1, 21)] * 10, ("%d %b %Y",)),
        ([f"1/{d}/20 3:05 PM" for d in range(1, 21)] * 10, ("%m/%d/%y %I:%M %p",)),
        (["2020-01-01", "2020-01-02 10:00"] * 100, ("%Y-%m-%d", "%Y-%m-%d %H:%M")),
    ],
)
def test_formats_of_dates(values, formats):
    found = column(values)
    assert found.role == "datetime"
    assert set(found.formats) == set(formats)
    assert found.n_invalid == 0


def test_day_and_month_that_cannot_be_told_apart():
    found = column([f"{1 + k % 12:02d}/{1 + k % 11:02d}/2020" for k in range(N)])
    assert found.role == "datetime"
    assert "no value tells day and month apart" in found.reason


def test_stray_dates():
    values = [f"2020-{1 + k % 12:02d}-{1 + k % 28:02d}" for k in range(N)]
    values[5] = "2020-02-30"
    found = column(values)
    assert (found.role, found.n_invalid) == ("datetime", 1)
    assert found.invalid_examples == ("2020-02-30",)


@pytest.mark.parametrize(
    ("name", "values", "role"),
    [
        ("PassengerId", list(range(1, N + 1)), "identifier"),
        ("row", list(range(N)), "identifier"),
        ("anything", list(range(N)), "identifier"),  # counts the rows
        ("year", list(range(1800, 1800 + N)), "number"),
        ("customerID", [spread(k) * 1009 + k for k in range(N)], "identifier"),
        ("paid", [spread(k) * 1009 + k for k in range(N)], "number"),
        ("store_id", [k % 10 for k in range(N)], "number"),
        ("weight", [spread(k) * 1009 + k for k in range(N)], "number"),
        ("Individual ID", [f"N{k // 2}A" for k in range(N)], "identifier"),
        ("ticket", [f"N{k // 2}A" for k in range(N)], "category"),
    ],
)
def test_identifiers(name, values, role):
    assert column(values, name=name).role == role


def test_typed_columns():
    frame = read_table(
        {
            "whole": [spread(k) for k in range(N)],
            "flag": [True, False] * 100,
            "when": pl.Series([k % 50 for k in range(N)], dtype=pl.Date),
            "y": ["a", "b"] * 100,
        }
    ).frame
    schema = infer_schema(frame, "y")
    assert [c.role for c in schema.columns] == ["number", "boolean", "datetime"]
    assert schema["when"].low == 0.0
    assert schema["when"].high == 49 * 86_400


def test_roles_that_are_given():
    assert column([k % 3 for k in range(N)], "category").role == "category"
    assert column([f"ab-{k}" for k in range(N)], "text").role == "text"
    assert column([f"ab-{k}" for k in range(N)], "ignored").is_feature is False
    found = column(["12", "x", "13", "y"] * 50, "number")
    assert (found.role, found.n_invalid, found.reason) == ("number", 100, "as asked for")
    found = column(["yes", "no", "perhaps", "no"] * 50, "boolean")
    assert (found.role, found.n_invalid) == ("boolean", 50)
    with pytest.raises(DataError, match=r"'x' was asked to be number"):
        column(["red", "green"] * 100, "number")
    with pytest.raises(DataError, match=r"'x' was asked to be datetime"):
        column(["red", "green"] * 100, "datetime")
    with pytest.raises(UsageError, match=r"'numbr' is no role. Did you mean 'number'"):
        column([1, 2] * 100, "numbr")
    frame = read_table({"price": [1, 2] * 10, "y": ["a", "b"] * 10}).frame
    with pytest.raises(UsageError, match=r"does not have. Did you mean 'price'"):
        infer_schema(frame, "y", {"prise": "number"})
    with pytest.raises(UsageError, match=r"role is given for the target"):
        infer_schema(frame, "y", {"y": "number"})


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        ({"x": [1], "y": ["a"]}, "1 row; at least 10"),
        ({"x": [1, 2, 3], "y": ["a", "b", "a"]}, "3 rows; at least 10"),
        ({"y": ["a", "b"] * 10}, "one column only"),
        ({"x": [5] * 20, "y": ["a", "b"] * 10}, "no column is left .* 'x' is constant"),
        ({"x": [None] * 20, "y": ["a", "b"] * 10}, "no column is left"),
        ({f"c{k}": [0] * 10 for k in range(20_001)}, "20,001 columns.* transposed"),
    ],
)
def test_tables_from_which_nothing_is_learned(frame, words):
    table = read_table(frame).frame
    with pytest.raises(DataError, match=words):
        infer_schema(table, "y" if "y" in frame else "c0")
