"""The verdict in words: is the model any good, against what, and may the figure be trusted?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from smelt.app.charts import calibration_error, calibration_noise
from smelt.app.report.figures import figure, metric, number, percent

FEW_ROWS = 200
TOO_GOOD = {"auc": 0.997, "auc_ovr": 0.9995, "r2": 0.9995}
DOMINATES = 0.9


@dataclass(frozen=True)
class Verdict:
    """A headline, the sentences that carry it, and what to be careful about."""

    level: str  #: "none", "weak", "fair", "good" or "strong"
    headline: str
    sentences: tuple[str, ...]
    cautions: tuple[str, ...]


@dataclass(frozen=True)
class Leak:
    """Whether the model may have seen what it should not: a status and the checks behind it."""

    status: str  #: "clear", "look" or "suspect"
    headline: str
    checks: tuple[tuple[bool, str], ...]


HEADLINES = {
    "none": "No better than {baseline}.",
    "weak": "A weak model: a little better than {baseline}.",
    "fair": "A fair model: clearly better than {baseline}.",
    "good": "A good model: much better than {baseline}.",
    "strong": "A strong model: far better than {baseline}.",
}


def verdict(manifest: Mapping[str, Any]) -> Verdict:
    """Judge a model by its held-out figures."""
    training = manifest.get("training") or {}
    test = (training.get("metrics") or {}).get("test") or {}
    base = training.get("baseline") or {}
    baseline = baseline_words(manifest)
    if not test:
        sentence = "The file holds no figures from held-out rows, so nothing can be said of it."
        return Verdict("none", "How good it is, is not known.", (sentence,), ())
    level = _level(test, base.get("metrics") or {}, manifest.get("task"))
    words = {"binary": _two_classes, "multiclass": _classes, "regression": _value}
    say = words.get(str(manifest.get("task")), _value)
    sentences = (*say(manifest, test, base.get("metrics") or {}), *_fitted(training))
    return Verdict(
        level, HEADLINES[level].format(baseline=baseline), sentences, tuple(_cautions(training))
    )


def baseline_words(manifest: Mapping[str, Any]) -> str:
    """Return the baseline as a phrase: “always answering …”."""
    name = ((manifest.get("training") or {}).get("baseline") or {}).get("name")
    if not name:
        return "a guess"
    counts = ((manifest.get("profile") or {}).get("target") or {}).get("categories") or []
    if manifest.get("classes") and "most frequent" in name and counts:
        return f"always answering “{max(counts, key=lambda pair: pair[1])[0]}”"
    return name if not name.startswith("always the") else f"always answering {name[7:]}"


def _level(test: Mapping[str, Any], base: Mapping[str, float], task: Any) -> str:
    """Grade by the figure that compares with chance: AUC, R², else the errors saved."""
    for name, steps, chance in (
        ("auc", (0.65, 0.75, 0.85), 0.5),
        ("r2", (0.25, 0.5, 0.8), 0.0),
        ("auc_ovr", (0.65, 0.75, 0.88), 0.5),
    ):
        value = (test.get(name) or {}).get("value")
        if value is not None:
            low = test[name].get("low")
            if (value if low is None else low) <= chance:
                return "none"
            return ("weak", "fair", "good", "strong")[sum(value >= step for step in steps)]
    accuracy = (test.get("accuracy") or {}).get("value")
    if accuracy is None or base.get("accuracy") is None:
        return "weak"
    saved = 1 - (1 - accuracy) / max(1e-9, 1 - base["accuracy"])
    if saved <= 0:
        return "none"
    return ("weak", "fair", "good", "strong")[sum(saved >= step for step in (0.15, 0.4, 0.7))]


def _span(entry: Mapping[str, Any], name: str) -> str:
    if entry.get("low") is None or entry.get("high") is None:
        return ""
    return f" ({figure(entry['low'], name)} to {figure(entry['high'], name)})"


def _two_classes(
    manifest: Mapping[str, Any], test: Mapping[str, Any], base: Mapping[str, float]
) -> list[str]:
    training, positive = manifest["training"], manifest["classes"][1]
    said = []
    if auc := test.get("auc"):
        said.append(
            f"Shown one random row of “{positive}” and one of “{manifest['classes'][0]}”, it gives "
            f"the first the higher probability {percent(auc['value'])} of the time"
            f"{_percent_span(auc)}; guessing: {percent(base.get('auc', 0.5), 0)}."
        )
    said += _accuracy(manifest, test, base)
    curve = (training.get("curves") or {}).get("calibration")
    if curve and curve.get("count"):
        off = calibration_error(curve)
        sound = off <= 0.02 + calibration_noise(curve)
        how = "can be taken at their word" if sound else "need care"
        said.append(
            f"Its probabilities {how}: on average they are {100 * off:.1f} percentage points off."
        )
    return said


def _percent_span(entry: Mapping[str, Any]) -> str:
    if entry.get("low") is None or entry.get("high") is None:
        return ""
    return f" ({percent(entry['low'])} to {percent(entry['high'])})"


def _accuracy(
    manifest: Mapping[str, Any], test: Mapping[str, Any], base: Mapping[str, float]
) -> list[str]:
    accuracy = test.get("accuracy")
    if not accuracy or accuracy.get("value") is None:
        return []
    rows = (manifest["training"].get("rows") or {}).get("test")
    among = f"Of {rows:,} rows kept aside" if rows else "Of the rows kept aside"
    text = f"{among} it gets {percent(accuracy['value'])} right{_span(accuracy, 'accuracy')}"
    if base.get("accuracy") is None:
        return [f"{text}."]
    text += f"; {baseline_words(manifest)} would get {percent(base['accuracy'])}."
    if accuracy["value"] <= base["accuracy"] + 0.005:
        text += " That is no gain in hits; what it adds lies in the order of the rows."
    return [text]


def _classes(
    manifest: Mapping[str, Any], test: Mapping[str, Any], base: Mapping[str, float]
) -> list[str]:
    said = _accuracy(manifest, test, base)
    if (balanced := test.get("balanced_accuracy")) and balanced.get("value") is not None:
        said.append(
            f"Counting each of the {len(manifest['classes'])} classes alike, it finds "
            f"{percent(balanced['value'])} of them{_span(balanced, 'balanced_accuracy')}."
        )
    return said


def _value(
    manifest: Mapping[str, Any], test: Mapping[str, Any], base: Mapping[str, float]
) -> list[str]:
    said = []
    mean_error = test.get("mae")
    if mean_error and mean_error.get("value") is not None:
        text = (
            f"On rows kept aside it is off by {number(mean_error['value'])} on average"
            f"{_span(mean_error, 'mae')}"
        )
        if base.get("mae"):
            saved = 1 - mean_error["value"] / base["mae"]
            name = baseline_words(manifest)
            word = "less" if saved >= 0 else "more"
            text += (
                f", {percent(abs(saved), 0)} {word} than {name} would be ({number(base['mae'])})"
            )
        said.append(f"{text}.")
    if (explained := test.get("r2")) and explained.get("value") is not None:
        share = max(0.0, explained["value"])
        said.append(f"It explains {percent(share)} of how the target varies.")
    return said


def _fitted(training: Mapping[str, Any]) -> list[str]:
    """Say which rows the weights in the file come from, and which the figures."""
    rows = training.get("rows") or {}
    fitted, judged = rows.get("fitted"), rows.get("judged")
    if fitted is None or judged is None:
        return []
    if fitted <= judged:
        return ["The model in the file is the very one that these figures were taken with."]
    return [
        f"Its final weights were fitted on all {fitted:,} rows after these figures were taken on "
        f"the rows kept aside; so the figures are those of the same recipe fitted on {judged:,}."
    ]


def _cautions(training: Mapping[str, Any]) -> list[str]:
    said = []
    rows = (training.get("rows") or {}).get("test")
    if rows is not None and rows < FEW_ROWS:
        said.append(
            f"Only {rows:,} rows were kept aside: the figures are rough, mind the intervals."
        )
    if (training.get("budget") or {}).get("reached"):
        said.append("The time budget ended the search; more time may find a better model.")
    if dropped := (training.get("rows") or {}).get("dropped_target"):
        said.append(f"{dropped:,} rows without a value in the target were left out.")
    return said


def leak(manifest: Mapping[str, Any]) -> Leak:
    """Look for signs that the model was given the answer."""
    training = manifest.get("training") or {}
    warnings: Sequence[Mapping[str, Any]] = training.get("warnings") or []
    suspects = [w for w in warnings if str(w.get("code", "")).startswith("leakage")]
    checks = [(False, w["message"]) for w in suspects]
    if not suspects:
        checks.append((True, "No single column gives the target away."))
    checks += _too_good(training) + _dominated(training) + _agreement(training)
    if suspects:
        columns = ", ".join(f"“{w['column']}”" for w in suspects if w.get("column"))
        headline = f"It may be: have a look at {columns or 'the columns below'}."
        return Leak("suspect", headline, tuple(checks))
    if all(good for good, _ in checks):
        return Leak("clear", "There is no sign of it.", tuple(checks))
    return Leak("look", "Probably not, but one thing deserves a look.", tuple(checks))


def _too_good(training: Mapping[str, Any]) -> list[tuple[bool, str]]:
    test = (training.get("metrics") or {}).get("test") or {}
    for name, limit in TOO_GOOD.items():
        value = (test.get(name) or {}).get("value")
        if value is not None:
            if value >= limit:
                text = f"{metric(name).name} {value:.4f} is nearly perfect"
                return [(False, f"{text}, which real data seldom allow.")]
            return [
                (True, f"{metric(name).name} {figure(value, name)} is not too good to be true.")
            ]
    return []


def _dominated(training: Mapping[str, Any]) -> list[tuple[bool, str]]:
    columns = training.get("importance") or []
    gains = [max(0.0, column["mean"] or 0.0) for column in columns]
    if len(columns) < 3 or not sum(gains):
        return []
    share = max(gains) / sum(gains)
    top = columns[gains.index(max(gains))]["column"]
    if share > DOMINATES:
        text = f"Nearly everything rests on “{top}” ({percent(share, 0)} of all importance)."
        return [(False, text)]
    return [
        (True, f"The most important column, “{top}”, has {percent(share, 0)} of all importance.")
    ]


def _agreement(training: Mapping[str, Any]) -> list[tuple[bool, str]]:
    """Compare the held-out figure with cross-validation: far apart means rows are not alike."""
    name = training.get("metric") or ""
    metrics = training.get("metrics") or {}
    test, folds = (metrics.get(part, {}).get(name) or {} for part in ("test", "cross_validation"))
    if test.get("value") is None or folds.get("value") is None or test.get("low") is None:
        return []
    spread = max(test["high"] - test["low"], 3 * (folds.get("std") or 0.0))
    pair = f"{figure(test['value'], name)} and {figure(folds['value'], name)}"
    if abs(test["value"] - folds["value"]) <= spread:
        return [(True, f"Held-out rows and cross-validation agree ({metric(name).name} {pair}).")]
    text = f"Held-out rows and cross-validation differ ({metric(name).name} {pair})."
    return [(False, text)]
