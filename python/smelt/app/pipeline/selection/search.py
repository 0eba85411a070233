"""Tries the candidates, one after the other, on the same folds."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from smelt.app.pipeline.data.splits import Folds
from smelt.app.pipeline.evaluation.metrics import all_metrics, better
from smelt.app.pipeline.features.source import Source
from smelt.app.pipeline.features.views import Views
from smelt.app.pipeline.models.boosting import Boosting, expected_rounds, most_rounds
from smelt.app.pipeline.models.candidates import LARGE_ROWS, Candidate, Limit, Problem
from smelt.app.pipeline.models.fitting import Family, Path
from smelt.app.pipeline.models.linear_models import Linear
from smelt.app.pipeline.selection.budget import SAFETY, Budget

FAMILY: dict[str, Family] = {"linear": Linear(), "gradient boosting": Boosting()}

FEWEST_ROUNDS = 20
SHORTEST = 0.25  # share of its expected rounds for which boosting is worth a start
SEARCH_ROWS = 100_000  # of a table above LARGE_ROWS on which candidates are compared
MOST_WORK = 2.5e10  # of one fit of boosting on all rows: about half a minute on one core
REFITS = 1.5  # on the training part; a further one on all rows is made where there is time


@dataclass
class Trial:
    """A candidate that has been through all folds.

    Attributes
    ----------
    candidate : Candidate
    step : int
        The chosen value of the family's open setting.
    predictions : array of shape (n_validated, k)
        Out-of-fold predictions, in the order of ``Folds.validated``.
    scores : list of float
        The metric of each fold.
    scale : float
        Factor that takes the bias out of predictions made through a logarithm; else 1.
    n_features : int
    seconds : float
        Time of one fit, for the budget; never written down.
    """

    candidate: Candidate
    step: int
    predictions: np.ndarray
    scores: list[float]
    scale: float
    n_features: int
    seconds: float

    @property
    def score(self) -> float:
        """Mean over the folds."""
        return float(np.mean(self.scores))

    @property
    def score_std(self) -> float:
        """Standard deviation over the folds."""
        return float(np.std(self.scores))


@dataclass
class Search:
    """What all trials share."""

    source: Source
    target: np.ndarray
    problem: Problem
    folds: Folds
    views: Views
    metric: str
    budget: Budget
    seed: int
    most_rows: int | None = None  # of a fit, under a time budget
    growth: float = 1.0  # rows of the training part over those that candidates are compared on
    limits: list[Limit] = field(default_factory=list)

    @property
    def refits(self) -> float:
        """What the fits after the search take, in fits of the search."""
        return REFITS * self.growth

    def fitting_rows(self, target: np.ndarray) -> np.ndarray:
        """Return the rows that a final fit on ``target`` may use."""
        rows = np.arange(len(target))
        if self.most_rows is None:
            return rows
        return some_rows(rows, target, self.problem, self.most_rows, self.seed)

    def leading(self, trials: Sequence[Trial]) -> Trial:
        """Return the trial with the best score, the first one on ties."""
        best = trials[0]
        for trial in trials[1:]:
            if better(self.metric, trial.score, best.score):
                best = trial
        return best

    def run(
        self,
        candidates: Sequence[Candidate],
        tell: Callable[[str, float, Trial | None], None],
        trials: list[Trial],
    ) -> None:
        """Append a trial to ``trials`` for each candidate there is time for.

        The list belongs to the caller, who keeps what is in it when Ctrl-C ends the search.
        """
        for number, candidate in enumerate(candidates):
            if not self._affordable(candidate, trials):
                self.limits.append(Limit(candidate.name, "not tried: time budget"))
                continue
            trial = self._try(candidate, number, len(candidates), tell, trials)
            if trial is None:
                continue
            trials.append(trial)
            tell(candidate.name, (number + 1) / len(candidates), trial)

    def _try(
        self,
        candidate: Candidate,
        number: int,
        total: int,
        tell: Callable[[str, float, Trial | None], None],
        trials: Sequence[Trial],
    ) -> Trial | None:
        family = FAMILY[candidate.family]
        candidate = self._within_time(candidate, trials)
        paths: list[Path] = []
        seconds, n_features = 0.0, 0
        for fold, (train, valid) in enumerate(self.folds.pairs):
            share = (number + fold / len(self.folds)) / total
            of = f", fold {fold + 1} of {len(self.folds)}" if len(self.folds) > 1 else ""
            tell(f"{candidate.name}{of}", share, None)
            view, features = self.views.fold(candidate.view, fold, train, self.target[train])
            if view.n_features == 0:
                self.limits.append(Limit(candidate.name, "not tried: no column varies"))
                return None
            if fold and not self.budget.allows(seconds / fold * (len(self.folds) - fold)):
                self.limits.append(Limit(candidate.name, "given up: time budget"))
                return None
            if not fold:
                candidate = self._within_work(candidate, view.n_features)
            start = time.perf_counter()
            own = view.training(features, train), self.target[train]
            others = features[valid], self.target[valid]
            paths.append(
                family.fit_path(candidate, self.problem, view, own, others, self.seed + number)
            )
            spent = time.perf_counter() - start
            work = family.work(candidate, self.problem, len(train), view.n_features)
            self.budget.learn(candidate.family, work * paths[-1].done, spent)
            seconds, n_features = seconds + spent, view.n_features
        step = best_step([path.losses for path in paths])
        predictions = np.empty((len(self.target), self.problem.n_outputs))
        for path, (_, valid) in zip(paths, self.folds.pairs, strict=True):
            predictions[valid] = path.predict(step)
        rows = self.folds.validated
        scale = 1.0
        if candidate.log_target:
            scale = least_squares_scale(self.target[rows], predictions[rows, 0])
        predictions *= scale
        scores = [
            all_metrics(self.problem.task, self.target[valid], predictions[valid])[self.metric]
            for _, valid in self.folds.pairs
        ]
        return Trial(
            candidate, step, predictions[rows], scores, scale, n_features, seconds / len(paths)
        )

    def _affordable(self, candidate: Candidate, trials: Sequence[Trial]) -> bool:
        if self.budget.seconds is None:
            return True
        one = self.foretell(candidate, len(self.folds.pairs[0][0]))
        if candidate.family == "gradient boosting":
            one *= SHORTEST  # the rounds are cut to the time that is left
        # every fold, and later a refit of it and of what is best so far
        best = max((trial.seconds for trial in trials), default=0.0)
        return self.budget.allows(one * (len(self.folds) + self.refits) + self.refits * best)

    def _within_time(self, candidate: Candidate, trials: Sequence[Trial]) -> Candidate:
        """Bound the rounds of boosting by the time that is left; without a budget by nothing."""
        if self.budget.seconds is None or candidate.family != "gradient boosting":
            return candidate
        one = self.foretell(candidate, len(self.folds.pairs[0][0]))
        best = max((trial.seconds for trial in trials), default=0.0)
        left = self.budget.remaining() / SAFETY - self.refits * best
        share = left / max(one * (len(self.folds) + self.refits), 1e-9)
        rounds = int(share * expected_rounds(candidate, self.problem))
        return replace(candidate, most_rounds=max(FEWEST_ROUNDS, rounds))

    def _within_work(self, candidate: Candidate, width: int) -> Candidate:
        """Bound the rounds of boosting by what they would take on all rows; no clock decides."""
        if candidate.family != "gradient boosting":
            return candidate
        n_rows = round(self.growth * len(self.target))
        work = FAMILY[candidate.family].work(candidate, self.problem, n_rows, width)
        most = int(MOST_WORK / work * expected_rounds(candidate, self.problem))
        if most >= most_rounds(candidate, self.problem):
            return candidate
        self.limits.append(Limit(candidate.name, f"at most {most:,} rounds: {n_rows:,} rows"))
        return replace(candidate, most_rounds=max(FEWEST_ROUNDS, most))

    def foretell(self, candidate: Candidate, n_rows: int) -> float:
        """Return the seconds that one fit on so many rows will take."""
        width = self.views.widths.get(candidate.view, len(self.source.features))
        work = FAMILY[candidate.family].work(candidate, self.problem, n_rows, width)
        return self.budget.foretell(candidate.family, work) or 0.0


def search_rows(target: np.ndarray, problem: Problem, seed: int) -> np.ndarray:
    """Return the rows of the training part that candidates are compared on: all but of many."""
    rows = np.arange(len(target))
    if len(rows) <= LARGE_ROWS:
        return rows
    return some_rows(rows, target, problem, SEARCH_ROWS, seed)


def some_rows(
    rows: np.ndarray, target: np.ndarray, problem: Problem, most: int, seed: int
) -> np.ndarray:
    """Return ``most`` of the rows at random, and one more of each class that these lack."""
    rng = np.random.default_rng(seed)
    mixed = rng.permutation(rows)
    kept = mixed[:most]
    if problem.is_classification:
        labels, first = np.unique(target[mixed], return_index=True)
        kept = np.append(kept, mixed[first[~np.isin(labels, target[kept])]])
    return np.sort(kept)


def best_step(losses: Sequence[np.ndarray]) -> int:
    """Return the step with the least mean loss; a fold that stopped early keeps its last loss."""
    longest = max(len(curve) for curve in losses)
    padded = [np.append(curve, np.full(longest - len(curve), curve[-1])) for curve in losses]
    mean = np.mean(padded, axis=0)
    return int(np.nanargmin(mean))


def least_squares_scale(target: np.ndarray, value: np.ndarray) -> float:
    """Return the factor that brings ``value`` nearest to the target, kept within a half and two."""
    scale = float((target * value).sum() / max((value * value).sum(), 1e-300))
    return float(np.clip(scale, 0.5, 2.0))
