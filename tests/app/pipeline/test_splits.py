"""Folds and the test part: every row once, the same mix everywhere, rare classes stay trainable."""

import numpy as np
import pytest

from smelt.app.pipeline.data.splits import (
    HOLDOUT_ROWS,
    default_folds,
    default_test_share,
    make_folds,
    one_fold,
    split_test,
    spread,
)


@pytest.mark.parametrize("n", [2, 3, 10, 97, 1000])
@pytest.mark.parametrize("parts", [2, 5, 8])
def test_parts_have_equal_sizes(n, parts):
    part = spread(np.arange(n) % 3, parts, np.random.default_rng(0))
    sizes = np.bincount(part, minlength=parts)
    assert sizes.sum() == n
    assert sizes.max() - sizes.min() <= 1


def test_parts_have_the_same_classes_and_the_same_mean():
    rng = np.random.default_rng(1)
    labels = (rng.random(1000) < 0.13).astype(int)
    part = spread(labels, 5, rng)
    per_part = np.bincount(part[labels == 1], minlength=5)
    assert per_part.max() - per_part.min() <= 1
    numbers = rng.lognormal(size=1000)
    part = spread(numbers, 5, rng)
    medians = [np.median(numbers[part == fold]) for fold in range(5)]
    assert np.ptp(medians) < 0.05 * np.median(numbers)


def test_every_row_is_validated_once():
    target = np.random.default_rng(2).integers(0, 3, 203)
    folds = make_folds(target, np.random.default_rng(3), classes=True)
    assert (len(folds), folds.kind) == (8, "stratified_k_fold")
    assert np.array_equal(folds.validated, np.arange(203))
    for train, valid in folds.pairs:
        assert np.array_equal(np.sort(np.concatenate([train, valid])), np.arange(203))


def test_the_number_of_folds_follows_the_rows():
    rng = np.random.default_rng(4)
    assert len(make_folds(rng.random(1000), rng, classes=False)) == 5
    assert len(make_folds(rng.random(5), rng, classes=False)) == 2
    assert len(make_folds(rng.random(500), rng, classes=False, folds=3)) == 3
    large = make_folds(rng.random(HOLDOUT_ROWS + 1), rng, classes=False)
    assert (len(large), large.kind) == (1, "holdout")
    assert len(large.validated) == pytest.approx(0.16 * HOLDOUT_ROWS, rel=0.1)
    assert [default_folds(n) for n in (999, 1_000, 150_001, 250_001)] == [8, 5, 3, 1]
    assert [default_folds(20_000, k) for k in (2, 3, 200)] == [5, 5, 1]
    assert len(one_fold(make_folds(rng.random(100), rng, classes=False))) == 1


def test_the_test_part_leaves_two_rows_of_each_class():
    target = np.array([0] * 50 + [1] * 2 + [2])
    for seed in range(20):
        train, test = split_test(target, 0.2, np.random.default_rng(seed), classes=True)
        counts = np.bincount(target[train], minlength=3)
        assert (counts[1], counts[2]) == (2, 1)
        assert len(train) + len(test) == 53


def test_the_test_share_shrinks_with_the_rows():
    assert default_test_share(1000) == 0.2
    assert default_test_share(200_000) == 0.1
    assert default_test_share(10**7) == 0.05


def test_one_seed_gives_one_split():
    target = np.random.default_rng(5).random(500)
    first = split_test(target, 0.2, np.random.default_rng(7), classes=False)
    again = split_test(target, 0.2, np.random.default_rng(7), classes=False)
    other = split_test(target, 0.2, np.random.default_rng(8), classes=False)
    assert np.array_equal(first[1], again[1])
    assert not np.array_equal(first[1], other[1])
