"""One training run: prepare, search, weigh, check on the test part, refit, explain, write."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from smelt.app.pipeline.data.preparation import Prepared, data_hash, prepare
from smelt.app.pipeline.data.splits import (
    default_folds,
    default_test_share,
    make_folds,
    split_test,
)
from smelt.app.pipeline.evaluation.curves import classification_curves, regression_curves
from smelt.app.pipeline.evaluation.importance import permutation_importance
from smelt.app.pipeline.evaluation.intervals import bootstrap
from smelt.app.pipeline.evaluation.metrics import DEFAULT, all_metrics
from smelt.app.pipeline.features.graph import RawColumns
from smelt.app.pipeline.features.source import Source, make_source
from smelt.app.pipeline.features.views import Views
from smelt.app.pipeline.interrupt import Interrupt
from smelt.app.pipeline.models.baseline import fit_baseline
from smelt.app.pipeline.models.candidates import Limit, portfolio
from smelt.app.pipeline.outcome import manifest as sections
from smelt.app.pipeline.outcome.assemble import Assembled, assemble
from smelt.app.pipeline.outcome.result import Result
from smelt.app.pipeline.outcome.summary import write_summary
from smelt.app.pipeline.selection.budget import Budget
from smelt.app.pipeline.selection.calibration import Calibration
from smelt.app.pipeline.selection.choice import Chosen, choose, choose_again
from smelt.app.pipeline.selection.plan import fewer_rows, make_plan
from smelt.app.pipeline.selection.search import Search, Trial, search_rows
from smelt.app.pipeline.settings import Settings
from smelt.app.table import ReadOptions
from smelt.app.table.columns import to_columns
from smelt.errors import BudgetError, DataError

# Where each phase starts in the whole run, for the progress bar.
STARTS = {
    "read": 0.0, "check": 0.02, "train": 0.05, "ensemble": 0.75, "test": 0.77,
    "refit": 0.85, "explain": 0.93, "write": 0.98, "done": 1.0,
}  # fmt: skip

REFIT = 1.6  # a fit on all rows, features included, takes so many times the fit of a fold


class Run:
    """Carries one run from data to :class:`~smelt.app.pipeline.outcome.result.Result`."""

    def __init__(self, settings: Settings, start: float, events: Callable[..., None]) -> None:
        self.settings = settings
        self.budget = Budget(settings.time, start=start)
        self._events = events
        self._interrupt = Interrupt()

    def __call__(
        self, data: Any, read: ReadOptions | None, output: Path | None, command: str | None
    ) -> Result:
        """Run."""
        with self._interrupt:
            prepared = prepare(data, self.settings, read, self._tell)
            return self._train(prepared, output, command)

    def _tell(self, phase: str, detail: str, share: float, **facts: Any) -> None:
        phases = list(STARTS)
        start, end = STARTS[phase], STARTS[phases[phases.index(phase) + 1]]
        self._events(phase, detail, start + share * (end - start), **facts)

    def _train(self, prepared: Prepared, output: Path | None, command: str | None) -> Result:
        problem, target, seed = prepared.problem, prepared.target, self.settings.seed
        rng = np.random.default_rng(seed)
        share = self.settings.test_share or default_test_share(len(target))
        train, test = split_test(target, share, rng, classes=problem.is_classification)
        names = [column.name for column in prepared.features]
        frame = prepared.frame.select(names)
        sample = train[search_rows(target[train], problem, seed)]
        source = make_source(frame[sample], prepared.features)
        folds = make_folds(
            target[sample],
            rng,
            classes=problem.is_classification,
            folds=self.settings.folds or default_folds(len(train), problem.n_outputs),
        )
        metric = self.settings.metric or DEFAULT[problem.task]
        search = Search(
            source, target[sample], problem, folds,
            Views(source, problem.n_outputs, seed), metric, self.budget, seed,
            growth=len(train) / len(sample),
        )  # fmt: skip
        trials = self._search(search, len(train), len(names))
        self._tell("ensemble", f"weighing {len(trials)} models", 0.0)
        chosen = choose(search, trials)

        self._tell("test", f"{len(test):,} rows kept aside", 0.0)
        if len(sample) < len(train):
            source = make_source(frame[train], prepared.features)
        rows = search.fitting_rows(target[train])
        judged = self._assemble(source, rows, target[train][rows], search, chosen)
        test_frame, test_target = frame[test], target[test]
        columns = to_columns(test_frame)
        found = judged.predict(columns)
        alone = judged.predict_members(columns)

        final, weighed = judged, chosen
        with self._interrupt.optional() as wanted:
            if wanted:
                if len(sample) == len(train):
                    self._test_others(search, rows, trials, chosen, alone, columns)
                again = chosen
                if len(alone) == len(trials):
                    again = choose_again(search, trials, chosen, alone, test_target)
                final, weighed = self._refit(prepared, search, again) or (judged, chosen)

        self._tell("explain", "importance of the columns", 0.0)
        importance = permutation_importance(
            judged, test_frame, test_target, problem.task, metric, seed, self.budget
        )
        self._tell("explain", "intervals and curves", 0.8)
        training = self._training(
            prepared, search, trials, chosen, weighed, found, test, alone, importance, command
        )
        judged_on = len(rows)
        fitted = judged_on if final is judged else len(search.fitting_rows(target))
        training["rows"] |= {"train": len(train), "judged": judged_on, "fitted": fitted}
        return self._finish(prepared, final, chosen, training, output)

    def _search(self, search: Search, n_rows: int, n_columns: int) -> list[Trial]:
        candidates, search.limits = portfolio(
            search.problem, n_rows, n_columns, self.settings.families
        )
        trials: list[Trial] = []

        def tell(detail: str, share: float, trial: Trial | None) -> None:
            facts: dict[str, Any] = {}
            if trial is not None:
                facts["trial"] = {
                    "name": trial.candidate.name,
                    "family": trial.candidate.family,
                    "metric": search.metric,
                    "score": trial.score,
                    "score_std": trial.score_std,
                    "best": search.leading(trials) is trial,
                }
            self._tell("train", detail, share, **facts)

        try:
            plan = make_plan(search, candidates)
            search.folds, search.most_rows = plan.folds, plan.most_rows
            if plan.most_rows is not None:
                search.folds = fewer_rows(search, plan.folds, plan.most_rows)
                search.growth = 1.0
            search.run(candidates, tell, trials)
        except KeyboardInterrupt:
            if not trials:
                raise
            self._interrupt.pressed = True
            known = {trial.candidate.name for trial in trials}
            known |= {limit.name for limit in search.limits}
            search.limits += [
                Limit(candidate.name, "not tried: Ctrl-C")
                for candidate in candidates
                if candidate.name not in known
            ]
        self._interrupt.finishing = True
        if not trials and self.budget.reached:
            raise BudgetError(
                f"{self.budget.seconds:g} seconds ended before anything was trained; give more time"
            )
        if not trials:
            raise DataError(
                "no column varies among the rows, so there is nothing to learn from; "
                "check the roles that were inferred"
            )
        search.views.forget()
        return trials

    def _test_others(
        self,
        search: Search,
        rows: np.ndarray,
        trials: list[Trial],
        chosen: Chosen,
        alone: dict[str, np.ndarray],
        columns: RawColumns,
    ) -> None:
        """Add what the models without a weight predict of the test part, as far as time allows."""
        others = [trial for trial in trials if trial.candidate.name not in alone]
        target, seed = search.target[rows], search.seed
        for number, trial in enumerate(others):
            name = trial.candidate.name
            if self.budget.allows(REFIT * search.growth * (trial.seconds + chosen.seconds)):
                self._tell("test", name, 0.3 + 0.7 * number / len(others))
                one = assemble(
                    search.source, rows, target, search.problem, [(trial, 1.0)], Calibration(), seed
                )
                alone[name] = one.predict(columns)

    def _refit(
        self, prepared: Prepared, search: Search, weighed: Chosen
    ) -> tuple[Assembled, Chosen] | None:
        """Fit on all rows, when there is time for it."""
        if not self.budget.allows(REFIT * search.growth * weighed.seconds):
            return None
        target = prepared.target
        self._tell("refit", f"on all {len(target):,} rows", 0.0)
        names = [column.name for column in prepared.features]
        source = make_source(prepared.frame.select(names), prepared.features)
        rows = search.fitting_rows(target)
        return self._assemble(source, rows, target[rows], search, weighed), weighed

    def _assemble(
        self, source: Source, rows: np.ndarray, target: np.ndarray, search: Search, chosen: Chosen
    ) -> Assembled:
        return assemble(
            source, rows, target, search.problem, chosen.members, chosen.calibration, search.seed
        )

    def _training(
        self,
        prepared: Prepared,
        search: Search,
        trials: list[Trial],
        chosen: Chosen,
        weighed: Chosen,
        found: np.ndarray,
        test: np.ndarray,
        alone: dict[str, np.ndarray],
        importance: list[dict[str, Any]],
        command: str | None,
    ) -> dict[str, Any]:
        problem, target = search.problem, prepared.target
        rng = np.random.default_rng([search.seed, 2])
        test_target = target[test]
        whole = np.full((len(search.target), problem.n_outputs), np.nan)
        whole[search.folds.validated] = chosen.predictions
        weights = {trial.candidate.name: weight for trial, weight in weighed.members}
        scores = {
            name: all_metrics(problem.task, test_target, values)[search.metric]
            for name, values in alone.items()
        }
        board = sections.leaderboard(trials, weights, scores, search.metric, len(search.target))
        if problem.is_classification:
            curves = classification_curves(test_target, found, chosen.threshold)
        else:
            curves = regression_curves(test_target, found[:, 0], rng)
        schema = prepared.schema
        return {
            "command": command or f'smelt.train(…, target="{schema.target}", seed={search.seed})',
            "seed": search.seed,
            "rows": {
                "total": prepared.table.frame.height,
                "used": len(target),
                "dropped_target": prepared.dropped,
                "test": len(test),
            },
            "columns": {"total": len(schema.columns), "used": len(prepared.features)},
            "data_sha256": data_hash(prepared),
            "versions": sections.versions(),
            "split": {
                "kind": search.folds.kind,
                "folds": len(search.folds),
                "test_share": round(len(test) / len(target), 4),
            },
            "search": {
                "rows": len(search.target),
                "limits": [{"name": limit.name, "what": limit.what} for limit in search.limits],
            },
            "metric": search.metric,
            "budget": {"seconds": self.settings.time, "reached": self.budget.reached},
            "calibration": weighed.calibration.kind,
            "warnings": [warning.to_dict() for warning in prepared.warnings],
            "baseline": sections.baseline(
                fit_baseline(problem, search.target), problem.task, test_target, None
            ),
            "metrics": {
                "test": bootstrap(problem.task, test_target, found, chosen.threshold, rng),
                "cross_validation": sections.cross_validation(
                    problem.task, search.target, whole, search.folds, chosen.threshold
                ),
            },
            "leaderboard": board,
            "curves": curves,
            "importance": importance,
        }

    def _finish(
        self,
        prepared: Prepared,
        final: Assembled,
        chosen: Chosen,
        training: dict[str, Any],
        output: Path | None,
    ) -> Result:
        from smelt.app.pipeline.outcome.file import make_file
        from smelt.export.model_file import open_model, write_model

        schema, interrupted = prepared.schema, self._interrupt.pressed
        summary = write_summary(
            schema.task,
            schema.target,
            training,
            signal=chosen.signal,
            threshold=chosen.threshold,
            interrupted=interrupted,
        )
        self._tell("write", "model file" if output is None else str(output), 0.0)
        data = make_file(prepared, final, chosen.threshold, training, summary)
        model = open_model(data)
        if output is not None:
            write_model(output, data)
        return Result(
            model=model,
            data=data,
            path=output,
            manifest=model.manifest,
            summary=summary,
            warnings=prepared.warnings,
            seconds=self.budget.elapsed(),
            interrupted=interrupted,
        )
