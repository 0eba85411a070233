"""Rules: twin, mlxtend, formulas, threads, bad input."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import smelt
from smelt.association import apriori, association_rules, maximal_itemsets
from smelt.association.rules import MEASURES


def itemsets(seed=0, min_support=0.05):
    rng = np.random.default_rng(seed)
    table = rng.random((400, 9)) < rng.uniform(0.1, 0.6, 9)
    table[:, 3] |= table[:, 1] & table[:, 2]
    table[:, 8] = table[:, 0]  # confidence 1
    table[:, 7] = True  # support 1
    return apriori(table, min_support)


def table_of(rules):
    keys = zip(rules["antecedents"], rules["consequents"], strict=True)
    return dict(zip(keys, rules[list(MEASURES)].to_numpy(), strict=True))


def same(ours, theirs):
    ours, theirs = table_of(ours), table_of(theirs)
    assert ours.keys() == theirs.keys()
    for key, values in ours.items():
        assert_allclose(values, theirs[key], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("metric", MEASURES)
def test_equals_twin_and_mlxtend(metric):
    sets = itemsets()
    for threshold in (0.3, 0.8):
        ours = association_rules(sets, metric=metric, min_threshold=threshold)
        with smelt.config(engine="plain"):
            same(ours, association_rules(sets, metric=metric, min_threshold=threshold))
        patterns = pytest.importorskip("mlxtend.frequent_patterns")
        theirs = patterns.association_rules(sets, metric=metric, min_threshold=threshold)
        assert list(ours.columns) == list(theirs.columns)
        same(ours, theirs)


def test_formulas():
    sets = {"support": [0.4, 0.5, 0.3], "itemsets": [{"a"}, {"b"}, {"a", "b"}]}
    rules = association_rules(sets, min_threshold=0.0, output="dict")
    assert rules["antecedents"] == [{"a"}, {"b"}] and rules["consequents"] == [{"b"}, {"a"}]
    expected = {
        "confidence": 0.75,
        "lift": 1.5,
        "leverage": 0.1,
        "conviction": 2.0,
        "zhangs_metric": 0.1 / 0.18,
        "jaccard": 0.5,
        "certainty": 0.5,
        "kulczynski": 0.675,
        "representativity": 1.0,
    }
    for name, value in expected.items():
        assert_allclose(rules[name][0], value, err_msg=name)


def test_support_only_and_chosen_measures():
    sets = itemsets()
    largest = maximal_itemsets(np.eye(3, dtype=bool) | True, 0.5)
    found = association_rules(largest, support_only=True, min_threshold=0.5)
    assert len(found) == 6 and found["confidence"].isna().all() and (found["support"] == 1).all()
    found = association_rules(sets, return_metrics=["lift", "support"])
    assert list(found.columns) == ["antecedents", "consequents", "lift", "support"]
    empty = association_rules(sets, metric="lift", min_threshold=1e9)
    assert len(empty) == 0 and list(empty.columns)[:2] == ["antecedents", "consequents"]


def test_threads_do_not_change_the_result():
    sets = itemsets(min_support=0.005)
    found = [association_rules(sets, min_threshold=0.1, n_jobs=threads) for threads in (1, 2, 7)]
    for other in found[1:]:
        pd.testing.assert_frame_equal(found[0], other)


def test_bad_input(monkeypatch):
    sets = itemsets()
    with pytest.raises(KeyError, match="subsets"):
        association_rules(sets[sets["itemsets"].map(len) > 1])
    with pytest.raises(ValueError, match="is empty"):
        association_rules(sets[:0])
    with pytest.raises(ValueError, match="'support' and 'itemsets'"):
        association_rules(sets[["support"]])
    with pytest.raises(ValueError, match="Metric must be one of"):
        association_rules(sets, metric="luck")
    with pytest.raises(ValueError, match="return_metrics"):
        association_rules(sets, return_metrics=["luck"])
    long = {"support": [0.5], "itemsets": [frozenset(range(60))]}
    with pytest.raises(ValueError, match="cannot be looked through"):
        association_rules(long)
    monkeypatch.setattr("smelt.association.rules.free_memory", lambda: 10**8)
    many = {"support": [0.5], "itemsets": [frozenset(range(20))]}
    with pytest.raises(ValueError, match="no room in memory"):
        association_rules(many, support_only=True, min_threshold=0.1)
