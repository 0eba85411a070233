"""Fits the validation to a time budget before anything is tried."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from smelt.app.pipeline.data.splits import Folds, one_fold
from smelt.app.pipeline.models.candidates import Candidate
from smelt.app.pipeline.selection.budget import SAFETY
from smelt.app.pipeline.selection.search import FAMILY, Search, some_rows
from smelt.errors import BudgetError

PROBE_ROWS = 2_000
PROBE_SHARE = 0.1  # of the rows, where that is more: large fits leave the caches
FEWEST_ROWS = 1_000
ENOUGH_ROWS = 5_000  # on which boosting still says more than a linear model on all


@dataclass(frozen=True)
class Plan:
    """The folds there is time for, and the most rows a fit may have (None: all)."""

    folds: Folds
    most_rows: int | None = None


def make_plan(search: Search, candidates: Sequence[Candidate]) -> Plan:
    """Keep the folds when each family has time for them; else one fold, fewer rows, one family."""
    budget, folds = search.budget, search.folds
    if budget.seconds is None:
        return Plan(folds)
    n_train = len(folds.pairs[0][0])
    n_probe = max(PROBE_ROWS, int(PROBE_SHARE * n_train))
    rows = np.sort(np.random.default_rng(search.seed).permutation(n_train)[:n_probe])
    sample = folds.pairs[0][0][rows]
    costs = []
    for family in dict.fromkeys(candidate.family for candidate in candidates):
        candidate = next(c for c in candidates if c.family == family)
        _probe(search, candidate, sample)
        costs.append(search.foretell(candidate, n_train))
    left = budget.remaining()
    every, single = len(folds) + search.refits, 1 + search.refits
    both, one = sum(costs) * SAFETY, min(costs) * SAFETY
    if both * every <= left:
        return Plan(folds)
    budget.reached = True
    # One model of each family says more than one family in every fold or on every row.
    if both * single <= left:
        return Plan(one_fold(folds))
    most = int(n_train * left / (both * single))
    if most >= ENOUGH_ROWS:
        return Plan(one_fold(folds), most)
    if one * every <= left:
        return Plan(folds)
    folds = one_fold(folds)
    if one * single <= left:
        return Plan(folds)
    most = int(n_train * left / (2 * one * single))
    if most < min(FEWEST_ROWS, n_train):
        raise BudgetError(
            f"a budget of {budget.seconds:g} seconds is too short to train anything on "
            f"{search.source.n_rows:,} rows: one fit on a thousand rows takes about "
            f"{one * FEWEST_ROWS / n_train:.1f} seconds here and reading took "
            f"{budget.elapsed():.1f}; give more time"
        )
    return Plan(folds, most)


def _probe(search: Search, candidate: Candidate, sample: np.ndarray) -> None:
    family = FAMILY[candidate.family]
    view, features = search.views.fold(candidate.view, 0, sample, search.target[sample])
    search.views.forget()
    if view.n_features == 0:
        return
    train = view.training(features, sample), search.target[sample]
    family.probe(candidate, search.problem, view, train, search.seed)  # imports, thread pools
    start = time.perf_counter()
    share = family.probe(candidate, search.problem, view, train, search.seed)
    work = family.work(candidate, search.problem, len(sample), view.n_features)
    search.budget.learn(candidate.family, share * work, time.perf_counter() - start)


def fewer_rows(search: Search, folds: Folds, most: int) -> Folds:
    """Cut the training rows of every fold down to ``most``, at random."""
    pairs = tuple(
        (some_rows(train, search.target, search.problem, most, search.seed), valid)
        for train, valid in folds.pairs
    )
    return Folds(folds.kind, pairs)
