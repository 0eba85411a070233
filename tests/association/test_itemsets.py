"""Item sets: twins, mlxtend, real baskets, forms of input, closed and maximal, bad input."""

import gzip
import os
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
from numpy.testing import assert_array_equal

import smelt
from smelt import association
from smelt.association import TransactionEncoder, apriori, closed_itemsets, eclat, maximal_itemsets

LISTS = ["apriori", "eclat", "fpgrowth"]
KINDS = [*LISTS, "fpmax", "maximal_itemsets", "closed_itemsets"]


def baskets(n=300, n_items=14, seed=0):
    """Transactions in which some items come together, some of them empty."""
    rng = np.random.default_rng(seed)
    rates = rng.uniform(0.05, 0.5, n_items)
    groups = rng.random((n, 3)) < 0.3
    table = rng.random((n, n_items)) < rates
    for group in range(3):
        table[:, group * 4 : group * 4 + 3] |= groups[:, [group]]
    table[::29] = False
    return table


def as_lists(table):
    return [[f"item {j}" for j in np.flatnonzero(row)] for row in table]


def as_dict(found):
    return dict(zip(found["itemsets"], np.round(found["support"], 12), strict=True))


def all_sets(table, min_support, most=6):
    """Every set, by counting."""
    found = {}
    for size in range(1, most + 1):
        for items in combinations(range(table.shape[1]), size):
            share = table[:, items].all(axis=1).mean()
            if share >= min_support:
                found[frozenset(items)] = np.round(share, 12)
    return found


@pytest.mark.parametrize("engine", ["rust", "plain"])
@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("min_support", [0.08, 0.3, 1 / 300])
def test_equals_counting(engine, name, min_support):
    table = baskets(n_items=14 if min_support > 0.01 else 7)
    with smelt.config(engine=engine):
        found = getattr(association, name)(table, min_support)
    assert as_dict(found) == all_sets(table, min_support, 7)
    assert (np.diff([len(items) for items in found["itemsets"]]) >= 0).all()


@pytest.mark.parametrize("engine", ["rust", "plain"])
@pytest.mark.parametrize("min_support", [0.05, 0.2])
@pytest.mark.parametrize("max_len", [None, 2])
def test_closed_and_maximal_sets(engine, min_support, max_len):
    table = baskets()
    table[:, 13] = table[:, 2]  # always together
    everything = as_dict(eclat(table, min_support))
    above = {s: [t for t in everything if s < t and len(t) == len(s) + 1] for s in everything}
    short = [s for s in everything if max_len is None or len(s) <= max_len]
    closed = {s for s in short if all(everything[t] < everything[s] for t in above[s])}
    maximal = {s for s in short if not above[s]}
    with smelt.config(engine=engine):
        found = closed_itemsets(table, min_support, max_len=max_len)
        assert set(found["itemsets"]) == closed and len(found) == len(closed)
        assert as_dict(found) == {s: everything[s] for s in closed}
        for name in ("maximal_itemsets", "fpmax"):
            found = getattr(association, name)(table, min_support, max_len=max_len)
            assert as_dict(found) == {s: everything[s] for s in maximal}
            assert len(found) == len(maximal)


@pytest.mark.parametrize("seed", range(4))
def test_equals_mlxtend(seed):
    patterns = pytest.importorskip("mlxtend.frequent_patterns")
    table = pd.DataFrame(baskets(seed=seed), columns=[f"c{j}" for j in range(14)])
    for options in ({}, {"use_colnames": True}, {"max_len": 2}):
        for name in ("apriori", "fpgrowth"):
            ours = getattr(association, name)(table, min_support=0.1, **options)
            theirs = getattr(patterns, name)(table, min_support=0.1, **options)
            assert as_dict(ours) == as_dict(theirs)
            assert list(ours.columns) == list(theirs.columns)
    ours, theirs = (m.fpmax(table, min_support=0.1) for m in (association, patterns))
    assert as_dict(ours) == as_dict(theirs)


def test_forms_of_input():
    table = baskets()
    names = [f"item {j}" for j in range(14)]
    expected = as_dict(eclat(table, 0.1))
    named = {frozenset(names[j] for j in items): share for items, share in expected.items()}
    lists = as_lists(table)
    for form in (lists, [tuple(t) for t in lists], [set(t) for t in lists], map(list, lists)):
        assert as_dict(eclat(form, 0.1)) == named
    frames = [pd.DataFrame(table, columns=names), pl.DataFrame(table, schema=names)]
    frames += [frames[0].astype(int), frames[0].astype(object), frames[0].astype("Sparse[bool]")]
    for frame in frames:
        for use_colnames, wanted in ((False, expected), (True, named)):
            found = eclat(frame, 0.1, use_colnames=use_colnames, output="dict")
            assert as_dict(found) == wanted
    for matrix in (sp.csr_matrix(table), sp.csc_array(table.astype(np.float32)), table * 1.0):
        assert as_dict(eclat(matrix, 0.1)) == expected


def test_items_of_all_kinds():
    # What Python sees equal is one item, and an item counts once in a transaction.
    found = as_dict(eclat([[1, 1.0, True, 1], [1.0, "a"], [("a", 2), None], [2**70, -5]], 0.25))
    assert found[frozenset([1])] == 0.5
    assert len(found) == 9 and found[frozenset([None, ("a", 2)])] == 0.25
    assert as_dict(eclat([[10**6], [10**6], [-1]], 0.5)) == {
        frozenset([10**6]): np.round(2 / 3, 12)
    }


def test_output():
    table = baskets()
    assert isinstance(eclat(table, 0.2), pd.DataFrame)
    assert isinstance(eclat(pl.DataFrame(table), 0.2), pl.DataFrame)
    lists = eclat(table, 0.2, output="polars")["itemsets"].to_list()
    assert [frozenset(items) for items in lists] == eclat(table, 0.2, output="dict")["itemsets"]
    with pytest.raises(ValueError, match="output must be"):
        eclat(table, 0.2, output="numpy")


def test_row_order_and_empty_transactions():
    table = baskets()
    shuffled = np.random.default_rng(0).permutation(table)
    assert as_dict(eclat(shuffled, 0.07)) == as_dict(eclat(table, 0.07))
    assert len(eclat([[], []], 0.5)) == 0
    assert as_dict(eclat([[], ["a"]], 0.5)) == {frozenset(["a"]): 0.5}


@pytest.mark.parametrize("name", KINDS)
def test_threads_do_not_change_the_result(name):
    table = baskets(3000, 30, seed=1)
    found = [getattr(association, name)(table, 0.02, n_jobs=threads) for threads in (1, 2, 7)]
    assert len(found[0]) > 50
    for other in found[1:]:
        pd.testing.assert_frame_equal(found[0], other)


def test_shares_that_floats_round_up():
    transactions = [["a"]] * 3 + [["b"]] * 27  # 0.1 * 30 is above 3
    assert frozenset("a") in set(eclat(transactions, 0.1)["itemsets"])


@pytest.mark.parametrize("name", KINDS)
def test_bad_input(name):
    find = getattr(association, name)
    for bad in (0, -0.1, 1.5, np.nan, "half"):
        with pytest.raises(ValueError, match="`min_support` must be a positive number within"):
            find([["a"]], bad)
    with pytest.raises(ValueError, match="max_len"):
        find([["a"]], max_len=0)
    with pytest.raises(ValueError, match="no transaction"):
        find([])
    with pytest.raises(TypeError, match="unhashable"):
        find([[["a"]]])
    with pytest.raises(TypeError, match="transaction 1 is a text"):
        find([["a"], "bread"])
    with pytest.raises(TypeError, match="not str"):
        find("bread")
    for strange in (2, np.nan):
        values = pd.DataFrame({"a": [1, strange], "b": [0, 1]})
        for form in (values, values.to_numpy(), sp.csr_matrix(values.to_numpy())):
            with pytest.raises(ValueError, match=r"allowed values .* True, False, 0, 1"):
                find(form)
    with pytest.raises(ValueError, match="Found value x"):
        find(pd.DataFrame({"a": ["x", 1]}))


def test_more_sets_than_memory_has_room_for(monkeypatch):
    monkeypatch.setattr("smelt.association.itemsets.free_memory", lambda: 10**8)
    table = np.ones((4, 60), dtype=bool)
    with pytest.raises(ValueError, match=r"more item sets than the 0\.1 GB of free memory"):
        eclat(table, 0.5)
    assert len(closed_itemsets(table, 0.5)) == len(maximal_itemsets(table, 0.5)) == 1
    assert len(eclat(table, 0.5, max_len=2)) == 60 + 60 * 59 // 2


def test_dense_data_with_long_sets():
    rng = np.random.default_rng(0)
    table = rng.random((700, 16)) < 0.85
    expected = {
        frozenset(np.flatnonzero([code >> j & 1 for j in range(16)])): code
        for code in range(1, 1 << 16)
    }
    found = as_dict(eclat(table, 0.2))
    counts = np.zeros(1 << 16, dtype=int)
    np.add.at(counts, table @ (1 << np.arange(16)), 1)
    for bit in range(16):  # sums over supersets
        pairs = counts.reshape(-1, 2, 1 << bit)
        pairs[:, 0] += pairs[:, 1]
    wanted = {s: np.round(counts[c] / 700, 12) for s, c in expected.items() if counts[c] >= 140}
    assert found == wanted and len(found) > 5000


def test_transaction_encoder():
    table = baskets()
    lists = as_lists(table)
    encoder = TransactionEncoder()
    columns = encoder.fit_transform(lists)
    assert encoder.columns_ == sorted({item for transaction in lists for item in transaction})
    assert_array_equal(encoder.transform(lists, sparse=True).toarray(), columns)
    assert [set(t) for t in encoder.inverse_transform(columns)] == [set(t) for t in lists]
    assert list(encoder.get_feature_names_out()) == encoder.columns_
    named = eclat(pd.DataFrame(columns, columns=encoder.columns_), 0.1, use_colnames=True)
    assert as_dict(named) == as_dict(apriori(lists, 0.1))
    with pytest.raises(KeyError, match="was not among the items"):
        encoder.transform([["sugar"]])


DATA = os.environ.get("SMELT_DATA")
needs_data = pytest.mark.skipif(not DATA, reason="SMELT_DATA is not set")


@needs_data
def test_groceries():
    lines = (Path(DATA) / "groceries/groceries.basket").read_text().splitlines()
    transactions = [line.split(",") for line in lines]
    assert len(transactions) == 9835
    sets = apriori(transactions, 0.01)
    assert len(sets) == 333 and np.isclose(sets["support"].max(), 2513 / 9835)
    assert len(eclat(transactions, 0.001)) == 13_492
    rules = association.association_rules(apriori(transactions, 0.006), min_threshold=0.25)
    assert (rules["consequents"].map(len) == 1).sum() == 463


@needs_data
@pytest.mark.parametrize(("share", "n_sets"), [(0.005, 1073), (0.001, 27_532)])
def test_t10i4d100k(share, n_sets):
    with gzip.open(Path(DATA) / "t10i4d100k/t10i4d100k.basket.gz", "rt") as lines:
        transactions = [line.strip().split(",") for line in lines]
    found = eclat(transactions, share)
    assert len(transactions) == 100_000 and len(found) == n_sets
    fim = pytest.importorskip("fim")
    theirs = fim.eclat(transactions, supp=-int(share * 100_000), zmin=1, report="a")
    pairs = zip(found["itemsets"], found["support"], strict=True)
    assert {s: round(share * 100_000) for s, share in pairs} == {
        frozenset(items): count for items, count in theirs
    }
