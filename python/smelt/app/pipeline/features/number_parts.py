"""Numbers for linear models: clipped, logarithms where skewed, gaps filled, or cut into pieces."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from smelt.app.pipeline.features import parse
from smelt.app.pipeline.features.graph import GraphBuilder
from smelt.app.table.schema import Column

SKEWED = 2.0
PIECES = 6
FEWEST_DISTINCT = 8  # a number with fewer values is not cut into pieces
CLIPPED = 0.002  # share of rows beyond each bound


@dataclass
class NumberParts:
    """Nodes of one number a row that are scaled together, with their means and deviations."""

    builder: GraphBuilder
    nodes: list[str] = field(default_factory=list)
    means: list[float] = field(default_factory=list)
    scales: list[float] = field(default_factory=list)

    def keep(self, node: str, values: np.ndarray) -> None:
        """Add a node unless the rows it is fitted on all have the same value."""
        deviation = float(values.std())
        if deviation > 1e-12 * max(1.0, float(np.abs(values).max())):
            self.nodes.append(node)
            self.means.append(float(values.mean()))
            self.scales.append(deviation)

    def add_number(self, node: str, values: np.ndarray, *, pieces: bool) -> None:
        """Add a number, and an indicator where it is missing in some rows but not in all."""
        missing = np.isnan(values)
        if missing.all():
            return
        if missing.any():
            flag = self.builder.add("is_missing", [node], name=f"{node}.missing")
            self.keep(flag, missing.astype(np.float64))
        known = values[~missing]
        if not pieces and _log_helps(known):
            node = self.builder.add("signed_log", [node], name=f"{node}.log")
            known = np.sign(known) * np.log1p(np.abs(known))
        low, high = np.quantile(known, [CLIPPED, 1.0 - CLIPPED], method="inverted_cdf")
        median = float(np.median(known))
        filled = np.full(len(values), median)
        filled[~missing] = known
        node = self.builder.add("impute", [node], name=f"{node}.filled", value=median)
        for start, end in _borders(known, float(low), float(high), pieces=pieces):
            clipped = self.builder.add("clip", [node], name=f"{node}.clip", low=start, high=end)
            self.keep(clipped, np.clip(filled, start, end))

    def add_date(self, column: Column, values: np.ndarray, *, pieces: bool) -> None:
        """Add the day of a date as a trend; ``values`` are the rows' date parts."""
        days = values[:, parse.DATE_PARTS.index("epoch_days")]
        node = parse.seconds(self.builder, column)
        self.add_number(node, days * 86_400.0, pieces=pieces)

    def scaled(self) -> list[str]:
        """Return the node that holds all of them scaled, or nothing."""
        if not self.nodes:
            return []
        block = self.builder.add("concat", self.nodes, name="numbers")
        tensors = {"mean": np.asarray(self.means), "scale": np.asarray(self.scales)}
        return [self.builder.add("scale", [block], name="scaled", tensors=tensors)]


def _log_helps(known: np.ndarray) -> bool:
    before = _skewness(known)
    after = _skewness(np.sign(known) * np.log1p(np.abs(known)))
    return before > SKEWED and after < before / 2


def _skewness(values: np.ndarray) -> float:
    centred = values - values.mean()
    deviation = centred.std()
    return abs(float((centred**3).mean() / deviation**3)) if deviation > 0 else 0.0


def _borders(
    known: np.ndarray, low: float, high: float, *, pieces: bool
) -> list[tuple[float, float]]:
    if not pieces or len(np.unique(known)) < FEWEST_DISTINCT:
        return [(low, high)]
    inner = np.quantile(known, np.arange(1, PIECES) / PIECES, method="inverted_cdf")
    knots = np.unique(np.concatenate([[low], inner[(inner > low) & (inner < high)], [high]]))
    return list(zip(knots[:-1].tolist(), knots[1:].tolist(), strict=True)) or [(low, high)]
