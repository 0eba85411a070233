"""Features for linear models: scaled numbers or pieces of them, indicators, one-hot, text terms."""

from __future__ import annotations

import numpy as np

from smelt.app.pipeline.features import parse
from smelt.app.pipeline.features.graph import GraphBuilder
from smelt.app.pipeline.features.number_parts import NumberParts
from smelt.app.pipeline.features.source import Source
from smelt.app.pipeline.features.target_means import as_targets, fit_target_means
from smelt.app.pipeline.features.text import terms
from smelt.app.pipeline.features.view import View, frequent

MOST_ONE_HOT = 100  # of one column
ONE_HOT_CELLS = 20_000_000  # of all of them: rows × columns of 8 bytes
FEWEST_WITH_MEANS = 30


def fit_linear_view(
    builder: GraphBuilder,
    source: Source,
    rows: np.ndarray,
    target: np.ndarray,
    k: int,
    rng: np.random.Generator,
    *,
    pieces: bool = False,
) -> View:
    """Fit on ``rows`` (numbers within the source) whose targets are ``target``.

    A number becomes, where it is skewed, the signed logarithm; its gaps are filled with the median,
    it is clipped to all but a few rows on each side and scaled.  With ``pieces`` it becomes the
    parts of it that lie between quantiles, so that a linear model follows any bend.

    Parameters
    ----------
    k : int
        Number of classes, 1 for a regression.
    """
    numbers = NumberParts(builder)
    encoded: list[str] = []
    own: list[np.ndarray] = []
    blocks: list[tuple[str, int]] = []
    targets = as_targets(target, k)
    categories = [column for column in source.features if column.role == "category"]
    share = ONE_HOT_CELLS // max(1, source.n_rows) // max(1, len(categories))
    most = min(MOST_ONE_HOT, max(2, share))
    for column in source.features:
        name = column.name
        if column.role in ("number", "boolean"):
            values = source.numbers[name][rows]
            numbers.add_number(parse.number(builder, column), values, pieces=pieces)
        elif column.role == "datetime":
            numbers.add_date(column, source.dates[name][rows], pieces=pieces)
        elif column.role == "text":
            blocks += terms(builder, column, source.texts[name].gather(rows))
        else:
            kept = frequent(source, name, rows, fewest=2, most=most)
            if not kept.size:
                continue
            code = parse.category(builder, column, kept.names, rare=kept.cut)
            node = builder.add("one_hot", [code], name=f"{name}.one_hot", size=kept.size)
            blocks.append((node, kept.size + 2))
            many = frequent(source, name, rows, fewest=2, most=len(source.categories[name]))
            if many.size >= FEWEST_WITH_MEANS and targets.shape[1]:
                code = parse.category(builder, column, many.names, rare=many.cut)
                means = fit_target_means(many.slots, many.size, targets, rng)
                centre, deviation = means.rows.mean(axis=0), means.rows.std(axis=0)
                scale = np.where(deviation > 0, deviation, 1.0)
                table = (means.table - centre) / scale
                encoded.append(
                    builder.add(
                        "target_mean", [code], name=f"{name}.mean", tensors={"means": table}
                    )
                )
                own.append((means.rows - centre) / scale)
    inputs = [*encoded, *numbers.scaled(), *(node for node, _ in blocks)]
    width = sum(values.shape[1] for values in own) + sum(width for _, width in blocks)
    return View(
        output=builder.add("concat", inputs, name="pieces" if pieces else "linear")
        if inputs
        else "",
        n_features=width + len(numbers.nodes),
        own=np.column_stack(own) if own else None,
    )
