"""Every chart of smelt: a Vega-Lite specification made through Altair, and a static SVG of it.

A :class:`Chart` shows itself in a notebook; in a report its SVG is put into the page, with a
summary in words for those who cannot see it and its numbers in a table.  The SVG has no colours of
its own: it names CSS variables (``--chart-ink`` …) that the page sets for light and dark.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import altair as alt

from smelt.app.chart_svg import COLORS, clean

WIDTH, HEIGHT = 360, 250
INK, MUTED, GRID, ONE, TWO = (COLORS[name] for name in ("ink", "muted", "grid", "one", "two"))
MOST_BARS = 20
MOST_POINTS = 500
Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Chart:
    """A picture, what it shows in words, and its numbers."""

    name: str
    title: str
    summary: str
    header: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    picture: alt.TopLevelMixin
    cursor: bool = False  #: has a vertical line that the page may move

    @cached_property
    def svg(self) -> str:
        """The picture as an ``<svg>`` element."""
        buffer = io.StringIO()
        self.picture.save(buffer, format="svg")  # type: ignore[attr-defined]
        return clean(buffer.getvalue(), self.name, self.title, self.summary, cursor=self.cursor)

    def _repr_html_(self) -> str:
        return f'<figure style="max-width: 32em">{self.svg}</figure>'


def _styled(layers: Sequence[alt.Chart], height: int = HEIGHT, **properties: Any) -> alt.LayerChart:
    axis = {
        "domain": False,
        "ticks": False,
        "gridColor": GRID,
        "labelColor": MUTED,
        "labelFontSize": 12,
        "labelLimit": 150,
        "labelFlush": False,
        "labelPadding": 6,
        "titleColor": MUTED,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "titlePadding": 8,
    }
    legend = {
        "orient": "top",
        "title": None,
        "labelColor": INK,
        "labelFontSize": 12,
        "symbolType": "square",
        "columnPadding": 18,
        "offset": 4,
    }
    return (
        alt.layer(*layers)
        .properties(width=WIDTH, height=height, background="transparent", padding=4, **properties)
        .configure_view(stroke=None)
        .configure_axis(**axis)
        .configure_legend(**legend)
    )


def _data(rows: Rows) -> alt.Chart:
    return alt.Chart(alt.Data(values=rows))


def _share(field: str, title: str, **options: Any) -> dict[str, Any]:
    """Describe an axis from 0 to 1."""
    axis = alt.Axis(format=".1~f", tickCount=5, **options)
    scale = alt.Scale(domain=[0, 1], nice=False)
    return {"field": field, "type": "quantitative", "title": title, "scale": scale, "axis": axis}


def _number(field: str, title: str, zero: bool = False) -> dict[str, Any]:
    axis = alt.Axis(format="~s", tickCount=5)
    scale = alt.Scale(zero=zero, nice=True)
    return {"field": field, "type": "quantitative", "title": title, "axis": axis, "scale": scale}


def _diagonal() -> alt.Chart:
    ends = _data([{"x": 0, "y": 0}, {"x": 1, "y": 1}])
    line = ends.mark_line(color=MUTED, strokeDash=[4, 4], strokeWidth=1)
    return line.encode(x="x:Q", y="y:Q")


def _thin(rows: Sequence[Any], most: int) -> list[Any]:
    if len(rows) <= most:
        return list(rows)
    return [rows[round(i * (len(rows) - 1) / (most - 1))] for i in range(most)]


def _percent(share: float) -> str:
    return f"{100 * share:.{0 if share in (0, 1) or share < 0.99 else 1}f}\u00a0%"


def roc(curve: Mapping[str, Sequence[float]], auc: float | None, positive: str) -> Chart:
    """Draw the share of positives found against the share of false alarms."""
    pairs = list(zip(curve["fpr"], curve["tpr"], strict=True))
    base = _data([{"x": x, "y": y} for x, y in pairs]).encode(
        x=alt.X(**_share("x", "false alarms among the others")),
        y=alt.Y(**_share("y", f"{positive} found"), stack=None),
    )
    area = base.mark_area(color=ONE, opacity=0.1)
    line = base.mark_line(color=ONE, strokeWidth=2.5, interpolate="linear")
    found = max((y for x, y in pairs if x <= 0.1), default=0.0)
    area_under = f"Area under the curve {auc:.3f}. " if auc is not None else ""
    summary = f"{area_under}With 10 % false alarms it finds {_percent(found)} of “{positive}”."
    table = tuple(_thin(pairs, 21))
    header = ("false alarms", "found")
    return Chart("roc", "ROC curve", summary, header, table, _styled([area, _diagonal(), line]))


def precision_recall(curve: Mapping[str, Sequence[float]], share: float, positive: str) -> Chart:
    """Draw precision against recall, with the share of positives as the floor."""
    pairs = list(zip(curve["recall"], curve["precision"], strict=True))
    base = _data([{"x": x, "y": y, "i": i} for i, (x, y) in enumerate(pairs)]).encode(
        x=alt.X(**_share("x", f"recall: {positive} found")),
        y=alt.Y(**_share("y", "precision: alarms that are right")),
        order="i:Q",
    )
    line = base.mark_line(color=ONE, strokeWidth=2.5)
    floor = _data([{"y": share}]).mark_rule(color=MUTED, strokeDash=[4, 4]).encode(y="y:Q")
    half = [y for x, y in pairs if x >= 0.5]
    at_half = (
        f"When it finds half of “{positive}”, {_percent(half[0])} of its alarms are right; "
        if half
        else ""
    )
    summary = f"{at_half}guessing would be right {_percent(share)} of the time."
    table = tuple(_thin(pairs, 21))
    title = "Precision and recall"
    return Chart("pr", title, summary, ("recall", "precision"), table, _styled([floor, line]))


def calibration(curve: Mapping[str, Sequence[float]]) -> Chart:
    """Draw how often it happens against how often it was said to happen."""
    triples = list(zip(curve["predicted"], curve["observed"], curve["count"], strict=True))
    rows = [{"x": x, "y": y, "n": n} for x, y, n in triples]
    base = _data(rows).encode(
        x=alt.X(**_share("x", "probability it gave")),
        y=alt.Y(**_share("y", "share that came true")),
    )
    line = base.mark_line(color=ONE, strokeWidth=2)
    points = base.mark_circle(color=ONE, size=70, opacity=1)
    summary = (
        f"On average the probabilities are {calibration_error(curve) * 100:.1f} percentage points "
        f"off; on the dashed line they would be exact."
    )
    header = ("probability", "came true", "rows")
    picture = _styled([_diagonal(), line, points])
    return Chart("calibration", "Calibration", summary, header, tuple(triples), picture)


def calibration_error(curve: Mapping[str, Sequence[float]]) -> float:
    """Return the mean distance between what was said and what came true, over rows."""
    rows = list(zip(curve["predicted"], curve["observed"], curve["count"], strict=True))
    total = sum(n for _, _, n in rows)
    return sum(abs(x - y) * n for x, y, n in rows) / total if total else 0.0


def calibration_noise(curve: Mapping[str, Sequence[float]]) -> float:
    """Return how far off exact probabilities would seem on as few rows: what chance alone does."""
    rows = [(x, n) for x, n in zip(curve["predicted"], curve["count"], strict=True) if n]
    total = sum(n for _, n in rows)
    return sum(0.8 * (x * (1 - x) / n) ** 0.5 * n for x, n in rows) / total if total else 0.0


def score_histogram(histogram: Mapping[str, Any], classes: Sequence[str]) -> Chart:
    """Draw how the probabilities of the two classes lie."""
    edges, counts = histogram["edges"], histogram["counts_by_class"]
    totals = [sum(part) or 1 for part in counts]
    rows = [
        {"a": edges[i], "b": edges[i + 1], "share": part[i] / total, "class": name, "zero": 0}
        for part, total, name in zip(counts, totals, classes, strict=True)
        for i in range(len(edges) - 1)
    ]
    color = alt.Color(
        "class:N", scale=alt.Scale(domain=list(classes), range=[TWO, ONE]), legend=alt.Legend()
    )
    axis = alt.Axis(format="~%", tickCount=4)
    bars = (
        _data(rows)
        .mark_rect(opacity=0.6)
        .encode(
            x=alt.X(**_share("a", f"probability of {classes[1]}")),
            x2="b:Q",
            y=alt.Y("share:Q", title="share of the class", axis=axis),
            y2="zero:Q",
            color=color,
        )
    )
    middle = [_median(edges, part) for part in counts]
    summary = "Half of the rows " + " and half ".join(
        f"of “{name}” score below {value:.2f}" for name, value in zip(classes, middle, strict=True)
    )
    table = tuple(
        (f"{edges[i]:.2f} to {edges[i + 1]:.2f}", *(part[i] for part in counts))
        for i in range(len(edges) - 1)
    )
    header = ("probability", *(str(name) for name in classes))
    return Chart("scores", "Scores by class", f"{summary}.", header, table, _styled([bars]))


def _median(edges: Sequence[float], counts: Sequence[float]) -> float:
    half, seen = sum(counts) / 2, 0.0
    for i, count in enumerate(counts):
        if count and seen + count >= half:
            return edges[i] + (edges[i + 1] - edges[i]) * (half - seen) / count
        seen += count
    return edges[-1]


def confusion(matrix: Sequence[Sequence[int]], classes: Sequence[str]) -> Chart:
    """Draw how often each class was taken for each."""
    k = len(classes)
    rows = []
    for i, counts in enumerate(matrix):
        total = sum(counts) or 1
        rows += [
            {"true": str(classes[i]), "said": str(classes[j]), "n": n, "share": n / total,
             "label": f"{n:,}"}
            for j, n in enumerate(counts)
        ]  # fmt: skip
    names = [str(name) for name in classes]
    base = _data(rows).encode(
        x=alt.X(
            "said:N", sort=names, title="predicted", axis=alt.Axis(labelAngle=0 if k < 5 else -45)
        ),
        y=alt.Y("true:N", sort=names, title="true"),
    )
    opacity = alt.Opacity("share:Q", scale=alt.Scale(domain=[0, 1], range=[0.04, 0.9]), legend=None)
    tiles = base.mark_rect(color=ONE, cornerRadius=4, stroke=COLORS["surface"], strokeWidth=3)
    layers = [tiles.encode(opacity=opacity)]
    if k <= 12:
        light = alt.when("datum.share > 0.55").then(alt.value(COLORS["surface"]))
        text = base.mark_text(fontSize=14 if k < 6 else 11, fontWeight="bold")
        layers.append(text.encode(text="label:N", color=light.otherwise(alt.value(INK))))
    right = sum(matrix[i][i] for i in range(k))
    total = sum(map(sum, matrix)) or 1
    worst = max(
        ((matrix[i][j], i, j) for i in range(k) for j in range(k) if i != j), default=(0, 0, 0)
    )
    summary = f"{right:,} of {total:,} rows ({_percent(right / total)}) are right."
    if worst[0]:
        mistaken = f"“{classes[worst[1]]}” taken for “{classes[worst[2]]}” ({worst[0]:,} times)"
        summary += f" The most frequent mistake: {mistaken}."
    table = tuple((names[i], *counts) for i, counts in enumerate(matrix))
    header = ("true \\ predicted", *names)
    picture = _styled(layers, height=max(HEIGHT, min(26 * k, 480)))
    return Chart("confusion", "Confusion matrix", summary, header, table, picture)


def residuals(points: Mapping[str, Sequence[float]]) -> Chart:
    """Draw errors against predictions."""
    pairs = _thin(list(zip(points["predicted"], points["residual"], strict=True)), MOST_POINTS)
    base = _data([{"x": x, "y": y} for x, y in pairs]).encode(
        x=alt.X(**_number("x", "predicted")), y=alt.Y(**_number("y", "true value − predicted"))
    )
    zero = _data([{"y": 0}]).mark_rule(color=MUTED, strokeDash=[4, 4]).encode(y="y:Q")
    dots = base.mark_circle(color=ONE, size=22, opacity=0.5)
    over = sum(1 for _, error in pairs if error < 0) / (len(pairs) or 1)
    rows = f"{len(pairs):,} rows shown"
    summary = f"It predicts too much in {_percent(over)} of {rows}, too little in the rest."
    table = tuple(_thin(sorted(pairs), 21))
    header = ("predicted", "error")
    return Chart("residuals", "Errors", summary, header, table, _styled([zero, dots]))


def predicted_vs_actual(points: Mapping[str, Sequence[float]]) -> Chart:
    """Draw predictions against true values."""
    pairs = _thin(list(zip(points["actual"], points["predicted"], strict=True)), MOST_POINTS)
    low = min((min(pair) for pair in pairs), default=0)
    high = max((max(pair) for pair in pairs), default=1)
    base = _data([{"x": x, "y": y} for x, y in pairs]).encode(
        x=alt.X(**_number("x", "true value")), y=alt.Y(**_number("y", "predicted"))
    )
    ends = _data([{"x": low, "y": low}, {"x": high, "y": high}])
    line = ends.mark_line(color=MUTED, strokeDash=[4, 4], strokeWidth=1).encode(x="x:Q", y="y:Q")
    dots = base.mark_circle(color=ONE, size=22, opacity=0.5)
    errors = sorted(abs(x - y) for x, y in pairs)
    middle = errors[len(errors) // 2] if errors else 0.0
    summary = f"Half of the predictions are within {middle:.4g} of the true value."
    table = tuple(_thin(sorted(pairs), 21))
    header, title = ("true value", "predicted"), "Predicted and true values"
    return Chart("predicted", title, summary, header, table, _styled([line, dots]))


def thresholds(table: Sequence[Mapping[str, float]], threshold: float) -> Chart:
    """Draw precision, recall and F1 at every threshold, with a line at the one in force."""
    rows, numbers = [], []
    for row in table:
        figures = at_threshold(row)
        numbers.append((row["threshold"], *figures.values()))
        rows += [
            {"x": row["threshold"], "y": y, "what": what}
            for what, y in figures.items()
            if y is not None and what != "accuracy"
        ]
    names = ["precision", "recall", "F1"]
    scale = alt.Scale(domain=names, range=[ONE, TWO, COLORS["three"]])
    dash = alt.StrokeDash("what:N", sort=names, legend=None)
    lines = (
        _data(rows)
        .mark_line(strokeWidth=2)
        .encode(
            x=alt.X(**_share("x", "threshold")),
            y=alt.Y(**_share("y", "")),
            color=alt.Color("what:N", scale=scale, legend=alt.Legend(symbolType="stroke")),
            strokeDash=dash,
        )
    )
    summary = (
        f"Precision, recall and F1 from threshold 0 to 1; the one in force is {threshold:.3g}."
    )
    header = ("threshold", "precision", "recall", "F1", "accuracy")
    picture = _styled([lines], height=210)
    chart_rows = tuple(_thin(numbers, 21))
    return Chart("threshold", "Thresholds", summary, header, chart_rows, picture, cursor=True)


def at_threshold(row: Mapping[str, float]) -> dict[str, float | None]:
    """Return precision, recall, F1 and accuracy from the four counts; None where undefined."""
    tp, fp, tn, fn = (row[name] for name in ("tp", "fp", "tn", "fn"))

    def share(part: float, whole: float) -> float | None:
        return part / whole if whole else None

    return {
        "precision": share(tp, tp + fp),
        "recall": share(tp, tp + fn),
        "F1": share(2 * tp, 2 * tp + fp + fn),
        "accuracy": share(tp + tn, tp + fp + tn + fn),
    }


def importance(columns: Sequence[Mapping[str, Any]], metric: str) -> Chart:
    """Draw how much worse the model gets when a column is shuffled."""
    ranked = sorted(columns, key=lambda column: -column["mean"])
    rows = [
        {"name": column["column"], "mean": column["mean"], "zero": 0,
         "low": column.get("low"), "high": column.get("high")}
        for column in ranked[:MOST_BARS]
    ]  # fmt: skip
    names = [row["name"] for row in rows]
    y = alt.Y("name:N", sort=names, title=None, axis=alt.Axis(grid=False, labelColor=INK))
    axis = alt.Axis(format="~g", tickCount=5)
    x = alt.X("mean:Q", title=f"loss of {metric} when the column is shuffled", axis=axis)
    base = _data(rows)
    bars = base.mark_bar(color=ONE, height={"band": 0.62}, cornerRadiusEnd=3).encode(x=x, y=y)
    whiskers = base.mark_rule(color=INK, strokeWidth=1.5).encode(x="low:Q", x2="high:Q", y=y)
    top = ", ".join(names[:3])
    useless = sum(1 for column in ranked if (column.get("low") or 0) <= 0)
    summary = f"The columns that count most: {top}." if names else "No column counts."
    if useless:
        summary += f" {useless} of {len(ranked)} make no difference that can be told from chance."
    table = tuple((c["column"], c["mean"], c.get("low"), c.get("high")) for c in ranked)
    header = ("column", f"loss of {metric}", "low", "high")
    picture = _styled([bars, whiskers], height=max(60, 24 * len(rows)))
    return Chart("importance", "What the model looks at", summary, header, table, picture)


def leaderboard(members: Sequence[Mapping[str, Any]], metric: str, ascending: bool) -> Chart:
    """Draw the cross-validated score of each candidate, with its spread over the folds."""
    sign = 1 if ascending else -1
    ranked = sorted(members, key=lambda row: sign * row["score"])
    rows = []
    for member in ranked[:MOST_BARS]:
        spread = member.get("score_std") or 0
        score = member["score"]
        used = "in the model" if member.get("weight") else "not used"
        span = {"low": score - spread, "high": score + spread}
        rows.append({"name": member["name"], "x": score, "used": used, **span})
    names = [row["name"] for row in rows]
    y = alt.Y("name:N", sort=names, title=None, axis=alt.Axis(grid=True, labelColor=INK))
    axis = alt.Axis(format="~g", tickCount=5)
    color = alt.Color(
        "used:N", scale=alt.Scale(domain=["in the model", "not used"], range=[ONE, MUTED])
    )
    base = _data(rows)
    x = alt.X("x:Q", title=f"{metric}, cross-validated", scale=alt.Scale(zero=False), axis=axis)
    whiskers = base.mark_rule(strokeWidth=2).encode(x="low:Q", x2="high:Q", y=y, color=color)
    dots = base.mark_circle(size=90, opacity=1).encode(x=x, y=y, color=color)
    best = ranked[0]
    summary = f"The best single candidate is {best['name']} with {best['score']:.4g}."
    table = tuple((m["name"], m["score"], m.get("score_std"), m.get("weight")) for m in ranked)
    header = ("candidate", metric, "spread over folds", "weight")
    picture = _styled([whiskers, dots], height=max(60, 26 * len(rows)))
    return Chart("leaderboard", "Candidates", summary, header, table, picture)


def sparkline(profile: Mapping[str, Any]) -> str:
    """Return a tiny SVG of a column's distribution; many of them fit into a table.

    Numbers are drawn as a density over their range without the outer two per cent, categories as
    bars of their frequency.
    """
    width, height = 120, 28
    bars = _spark_numbers(profile) or _spark_categories(profile)
    if not bars:
        return ""
    highest = max(bar for _, _, bar in bars) or 1
    shape = "".join(
        f"M{a * width:.1f} {height}v-{max(height * bar / highest, 0.5):.1f}"
        f"H{max(b * width - 0.6, a * width + 0.6):.1f}V{height}z"
        for a, b, bar in bars
        if bar
    )
    return (
        f'<svg class="spark" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'aria-hidden="true"><path d="{shape}"/></svg>'
    )


def _spark_numbers(profile: Mapping[str, Any]) -> list[tuple[float, float, float]]:
    edges, counts = profile.get("edges") or [], profile.get("counts") or []
    if len(edges) < 3 or not sum(counts):
        return []
    low, high = edges[1 if len(edges) > 20 else 0], edges[-2 if len(edges) > 20 else -1]
    if not high > low:
        low, high = edges[0], edges[-1]
    if not high > low:
        return []
    bins = 24
    heights = [0.0] * bins
    for left, right, count in zip(edges[:-1], edges[1:], counts, strict=False):
        _spread(
            heights, (left - low) / (high - low) * bins, (right - low) / (high - low) * bins, count
        )
    return [(i / bins, (i + 1) / bins, height) for i, height in enumerate(heights)]


def _spread(heights: list[float], left: float, right: float, count: float) -> None:
    """Share ``count`` among the bins between ``left`` and ``right``."""
    bins = len(heights)
    if right <= left:
        if 0 <= left <= bins:
            heights[min(int(left), bins - 1)] += count
        return
    for i in range(max(0, int(left)), min(bins, int(right) + 1)):
        overlap = min(right, i + 1) - max(left, i)
        if overlap > 0:
            heights[i] += count * overlap / (right - left)


def _spark_categories(profile: Mapping[str, Any]) -> list[tuple[float, float, float]]:
    counts = sorted((count for _, count in profile.get("categories") or []), reverse=True)[:24]
    n = max(len(counts), 3)
    return [(i / n, (i + 1) / n, count) for i, count in enumerate(counts)]
