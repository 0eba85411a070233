"""What the inference reads in a column is what the model's own parser reads."""

import datetime
import json

import numpy as np
import pytest

from smelt import _smelt
from smelt.app.table import infer_schema, read_table, to_columns
from smelt.app.table.schema import FALSE_WORDS, TRUE_WORDS
from smelt.app.table.typed import numbers_of

N = 240


def spread(k):
    return (k * 7919) % 1009


def comma(number):
    return f"{number:,.2f}".replace(",", "#").replace(".", ",").replace("#", ".")


NUMBERS = {
    "plain": [f"{spread(k) / 8}" for k in range(N)],
    "exponents": [f"{spread(k) / 8:e}" for k in range(N)],
    "missing": ["?" if k % 5 == 0 else "NA" if k % 7 == 0 else f" {spread(k)} " for k in range(N)],
    "signs": [f"{spread(k) - 500:+d}" for k in range(N)],
    "points": [[f".{spread(k)}", f"{spread(k)}."][k % 2] for k in range(N)],
    "a sentinel": ["no reading" if k % 9 == 0 else str(spread(k)) for k in range(N)],
    "strays": ["oops" if k == 100 else "inf" if k == 7 else str(spread(k)) for k in range(N)],
    "thousands": [f"{spread(k) * 1000.5:,.2f}" for k in range(N)],
    "currency": [f"$ {spread(k) * 1000.5:,.2f}" for k in range(N)],
    "percent": [f"{spread(k) / 10:.1f} %" for k in range(N)],
}
COMMAS = {
    "decimal comma": [f"{spread(k) / 8:.3f}".replace(".", ",") for k in range(N)],
    "grouped": [comma(spread(k) * 1000.5) for k in range(N)],
    "euros": [comma(spread(k) * 1000.5) + " €" for k in range(N)],
    "whole": [str(spread(k)) for k in range(N)],
}
START = datetime.datetime(1998, 12, 30, 0, 5)


def dates(form, **step):
    step = step or {"days": 1}
    return [format(START + k * datetime.timedelta(**step), form) for k in range(N)]


DATES = {
    "iso": dates("%Y-%m-%d"),
    "day first": dates("%d/%m/%Y"),
    "month first": dates("%m/%d/%y"),
    "points": dates("%d.%m.%Y %H:%M", hours=37),
    "names": dates("%d %B %Y"),
    "short names": dates("%b %d, %Y"),
    "half days": dates("%m/%d/%Y %I:%M %p", hours=37),
    "zones": [text + ["Z", "+02:00"][k % 2] for k, text in enumerate(dates("%Y-%m-%dT%H:%M:%S"))],
    "fractions": [text + ["", ".25"][k % 2] for k, text in enumerate(dates("%Y-%m-%d %H:%M:%S"))],
    "months": [f"{1900 + k // 12}-{1 + k % 12:02d}" for k in range(N)],
    "gaps": ["" if k % 3 == 0 else text for k, text in enumerate(dates("%Y-%m-%d"))],
}


def parsed(frame, op, column, **attributes):
    node = {"op": op, "inputs": [f"column:{column.name}"], "output": "out", **attributes}
    columns = to_columns(frame.select(column.name))
    found = _smelt.model.graph_run(
        json.dumps([{**node, "missing": list(column.missing)}]), {}, columns, ["out"]
    )
    return np.asarray(found["out"]).ravel()


def schema_of(data):
    frame = read_table(data | {"y": ["a", "b"] * (N // 2)}).frame
    return frame, infer_schema(frame, "y")


@pytest.mark.parametrize("data", [NUMBERS, COMMAS], ids=["points", "commas"])
def test_numbers(data):
    frame, schema = schema_of(data)
    for column in schema.columns:
        assert column.role == "number", column
        settings = {
            "decimal": column.decimal,
            "thousands": column.thousands,
            "affixes": list(column.affixes),
        }
        ours = numbers_of(frame[column.name], column).fill_null(float("nan")).to_numpy()
        theirs = parsed(frame, "parse_number", column, **settings)
        np.testing.assert_array_equal(theirs, ours, err_msg=column.name)
        assert np.isnan(ours).sum() == column.n_missing + column.n_invalid


def test_dates():
    frame, schema = schema_of(DATES)
    for column in schema.columns:
        assert column.role == "datetime", column
        ours = numbers_of(frame[column.name], column).fill_null(float("nan")).to_numpy()
        theirs = parsed(frame, "parse_date", column, formats=list(column.formats))
        np.testing.assert_array_equal(theirs, ours, err_msg=column.name)
        assert np.isnan(ours).sum() == column.n_missing
    first = numbers_of(frame["iso"], schema["iso"])[0]
    assert first == datetime.datetime(1998, 12, 30, tzinfo=datetime.UTC).timestamp()


def test_booleans():
    words = [word for pair in zip(TRUE_WORDS, FALSE_WORDS, strict=True) for word in pair]
    frame, schema = schema_of({"x": [["Yes", "no", "?", "YES"][k % 4] for k in range(N)]})
    column = schema["x"]
    settings = {"true": list(column.true), "false": list(column.false)}
    every = read_table({"x": words}).frame
    assert parsed(every, "parse_boolean", column, **settings).tolist() == [1, 0] * len(TRUE_WORDS)
    found = parsed(frame, "parse_boolean", column, **settings)
    np.testing.assert_array_equal(found[:4], [1, 0, np.nan, 1])
