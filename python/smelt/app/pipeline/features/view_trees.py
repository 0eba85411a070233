"""Features for boosted trees: numbers as they are, category codes, target means, dates, text."""

from __future__ import annotations

import numpy as np

from smelt.app.pipeline.features import parse
from smelt.app.pipeline.features.graph import GraphBuilder
from smelt.app.pipeline.features.source import Source
from smelt.app.pipeline.features.target_means import as_targets, fit_target_means
from smelt.app.pipeline.features.text import counts
from smelt.app.pipeline.features.view import View, frequent

MOST_CODES = 200  # histograms have 255 bins
FEWEST_WITH_MEANS = 60  # columns with fewer categories are left to the trees alone


def fit_tree_view(
    builder: GraphBuilder,
    source: Source,
    rows: np.ndarray,
    target: np.ndarray,
    k: int,
    rng: np.random.Generator,
) -> View:
    """Fit on ``rows`` (numbers within the source) whose targets are ``target``.

    Parameters
    ----------
    k : int
        Number of classes, 1 for a regression.
    """
    encoded: list[str] = []
    own: list[np.ndarray] = []
    codes: list[str] = []
    numbers: list[str] = []
    targets = as_targets(target, k)
    width = 0
    for column in source.features:
        name = column.name
        if column.role in ("number", "boolean"):
            if _varies(source.numbers[name][rows]):
                numbers.append(parse.number(builder, column))
                width += 1
        elif column.role == "datetime":
            parts = [
                part
                for part, values in zip(parse.DATE_PARTS, source.dates[name][rows].T, strict=True)
                if _varies(values)
            ]
            if parts:
                numbers.append(parse.date_parts(builder, parse.seconds(builder, column), parts))
                width += len(parts)
        elif column.role == "text":
            block, size = counts(builder, column)
            numbers.append(block)
            width += size
        else:
            kept = frequent(source, name, rows, fewest=2, most=MOST_CODES)
            if kept.size:
                codes.append(parse.category(builder, column, kept.names, rare=kept.cut))
            many = frequent(source, name, rows, fewest=2, most=len(source.categories[name]))
            if many.size >= FEWEST_WITH_MEANS:
                code = parse.category(builder, column, many.names, rare=many.cut)
                means = fit_target_means(many.slots, many.size, targets, rng)
                seen = np.log1p(np.bincount(many.slots, minlength=many.size + 2))
                table = np.column_stack([means.table, seen])
                encoded.append(
                    builder.add(
                        "target_mean", [code], name=f"{name}.mean", tensors={"means": table}
                    )
                )
                own.append(np.column_stack([means.rows, seen[many.slots]]))
    n_encoded = sum(values.shape[1] for values in own)
    inputs = [*encoded, *codes, *numbers]
    return View(
        output=builder.add("concat", inputs, name="trees") if inputs else "",
        n_features=n_encoded + len(codes) + width,
        categorical=list(range(n_encoded, n_encoded + len(codes))),
        own=np.column_stack(own) if own else None,
    )


def _varies(values: np.ndarray) -> bool:
    missing = np.isnan(values)
    known = values[~missing]
    if len(known) == 0:
        return False
    return bool(missing.any() or known.min() != known.max())
