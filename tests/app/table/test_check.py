"""Warnings that are right, and none that are wrong."""

import numpy as np
import polars as pl
import pytest

from smelt.app.table import check_data, infer_schema, read_table

RNG = np.random.default_rng(0)
N = 600
Y = RNG.integers(0, 2, N)
PRICE = np.exp(RNG.normal(5, 1, N))


START = RNG.bit_generator.state


@pytest.fixture(autouse=True)
def same_draws():
    """Every test draws the same numbers, whichever tests ran before it."""
    RNG.bit_generator.state = START


def codes(frame, target):
    table = read_table(frame).frame
    return {
        (warning.code, warning.column) for warning in check_data(table, infer_schema(table, target))
    }


def table(**columns):
    base = {
        "noise": RNG.normal(size=N).round(6),
        "good": (Y + RNG.normal(0, 0.4, N)).round(6),  # predicts well, and may
        "kind": RNG.choice(["a", "b", "c"], N),
        "survived": Y,
    }
    return pl.DataFrame(base | columns)


def test_a_sound_table_has_no_warning():
    assert codes(table(), "survived") == set()
    assert codes(table(price=PRICE), "price") == set()


@pytest.mark.parametrize(
    "leak",
    [
        np.where(Y, "yes", "no"),
        np.where(Y, "alive", "dead"),
        Y * 10 + 3,
        Y.astype(float) * 2 - 1,
        np.where(Y == 1, RNG.choice(["boat 1", "boat 2"], N), ""),  # it has a value or not
        Y * 100 + RNG.integers(0, 20, N),
        np.where(Y == 1, RNG.normal(size=N).round(4).astype(str), ""),
    ],
)
def test_columns_that_know_the_class(leak):
    assert codes(table(leak=leak), "survived") - {("mostly_missing", "leak")} == {
        ("leakage", "leak")
    }


@pytest.mark.parametrize(
    "leak", [PRICE * 1.19, np.log(PRICE), -PRICE, PRICE.round(1), PRICE + RNG.normal(0, 1e-3, N)]
)
def test_columns_that_know_the_number(leak):
    assert codes(table(price=PRICE, leak=leak), "price") == {("leakage", "leak")}


def test_a_strong_column_is_no_leak():
    near = PRICE * RNG.normal(1, 0.05, N)
    assert codes(table(price=PRICE, near=near), "price") == set()


def test_the_targets_name_in_a_column():
    related = (Y + RNG.normal(0, 0.8, N)).round(5)
    assert codes(table(survived_days=related), "survived") == {("leakage_name", "survived_days")}
    assert codes(table(survived_days=RNG.normal(size=N)), "survived") == set()
    assert codes(table(survivedness=related), "survived") == set()


def test_columns_that_are_left_out_or_doubtful():
    found = codes(
        table(
            key=[f"k{k}" for k in range(N)],
            same=["x"] * N,
            empty=pl.Series([None] * N, dtype=pl.String),
            rare=[str(k % 50) if k < 50 else None for k in range(N)],
            stray=["oops", *(str(k * 7919 % 1009) for k in range(1, N))],
            day=[f"2020-01-{1 + k % 28:02d}" for k in range(N)],
        ),
        "survived",
    )
    assert found == {
        ("identifier", "key"),
        ("constant", "same"),
        ("all_missing", "empty"),
        ("mostly_missing", "rare"),
        ("stray_values", "stray"),
        ("datetime", "day"),
    }


def test_duplicates():
    once = table(words=[f"text number {k} of the lot" for k in range(N)])
    assert codes(once, "survived") == set()
    assert codes(pl.concat([once, once.head(50)]), "survived") == {("duplicates", None)}
    keyed = pl.concat([once, once.head(50)]).with_columns(key=pl.Series(range(N + 50)))
    assert ("duplicates", None) in codes(keyed, "survived")
    few = pl.DataFrame({"a": RNG.choice(["x", "y"], N), "b": RNG.integers(0, 3, N), "y": Y})
    assert codes(few, "y") == set()  # with so few combinations copies are no news


def test_targets():
    labels = np.array(["a", "b"] * 300)
    labels[:4] = "c"
    target = pl.Series([None, *labels[1:]])
    assert codes(table(y=target), "y") == {("rare_class", "y"), ("target_missing", "y")}


def test_few_rows_and_many_columns():
    assert ("few_rows", None) in codes(table().head(60), "survived")
    wide = {f"c{k}": RNG.normal(size=120) for k in range(150)} | {"y": Y[:120]}
    assert codes(pl.DataFrame(wide), "y") == {("wide", None)}


def test_words_of_a_warning():
    once = table(leak=np.where(Y, "yes", "no"))
    frame = read_table(once).frame
    (warning,) = check_data(frame, infer_schema(frame, "survived"))
    assert "'leak' predicts 'survived'" in warning.message
    assert "leave it out" in warning.advice
    assert set(warning.to_dict()) == {"code", "column", "message", "advice"}
