"""Puts the chosen models into one graph: features, members, their weighted mean, calibration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from smelt.app.pipeline.features.graph import GraphBuilder, RawColumns
from smelt.app.pipeline.features.source import Source
from smelt.app.pipeline.features.view import View
from smelt.app.pipeline.features.views import fit_view
from smelt.app.pipeline.models.candidates import Problem
from smelt.app.pipeline.selection.calibration import Calibration
from smelt.app.pipeline.selection.search import FAMILY, Trial


@dataclass(frozen=True)
class Assembled:
    """A complete graph and the outputs of its members."""

    builder: GraphBuilder
    output: str
    members: dict[str, str]

    def predict(self, columns: RawColumns) -> np.ndarray:
        """Return probabilities n×k or values n×1."""
        (found,) = self.builder.run(columns, [self.output])
        return np.asarray(found)

    def predict_members(self, columns: RawColumns) -> dict[str, np.ndarray]:
        """Return what each member predicts on its own."""
        found = self.builder.run(columns, list(self.members.values()))
        return dict(zip(self.members, map(np.asarray, found), strict=True))


def assemble(
    source: Source,
    rows: np.ndarray,
    target: np.ndarray,
    problem: Problem,
    members: Sequence[tuple[Trial, float]],
    calibration: Calibration,
    seed: int,
) -> Assembled:
    """Fit every member on ``rows`` of the source and join them.

    ``target`` belongs to ``rows``.
    """
    builder = GraphBuilder()
    outputs: dict[str, str] = {}
    for kind in dict.fromkeys(trial.candidate.view for trial, _ in members):
        view = fit_view(kind, builder, source, rows, target, problem.n_outputs, seed)
        (features,) = builder.run(source.raw, [view.output])
        train = view.training(features, rows), target
        del features
        for trial, _ in members:
            if trial.candidate.view == kind:
                outputs[trial.candidate.name] = _add_member(
                    builder, problem, trial, view, train, seed
                )
    ordered = {trial.candidate.name: outputs[trial.candidate.name] for trial, _ in members}
    output = next(iter(ordered.values()))
    if len(members) > 1:
        weights = [weight for _, weight in members]
        output = builder.add(
            "weighted_mean", list(ordered.values()), name="ensemble", weights=weights
        )
    if calibration.kind != "none":
        output = builder.add(
            "calibrate",
            [output],
            name="calibrated",
            kind=calibration.kind,
            tensors=calibration.tensors,
            **calibration.attributes,
        )
    return Assembled(builder, output, ordered)


def _add_member(
    builder: GraphBuilder,
    problem: Problem,
    trial: Trial,
    view: View,
    train: tuple[Any, np.ndarray],
    seed: int,
) -> str:
    candidate = trial.candidate
    family = FAMILY[candidate.family]
    model = family.refit(candidate, problem, view, train, trial.step, seed)
    output = family.add_nodes(builder, problem, view, model, candidate.name)
    if problem.is_classification:
        kind = "sigmoid" if problem.n_outputs == 2 else "softmax"
        return builder.add("link", [output], name=candidate.name, kind=kind)
    if not candidate.log_target:
        return output
    output = builder.add("link", [output], name=f"{candidate.name}.exp", kind="exp")
    return builder.add("affine", [output], name=candidate.name, scale=trial.scale, shift=0.0)
