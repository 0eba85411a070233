"""Columns that know the target: what looks like a discovery is as a rule a mistake.

Each column alone predicts the target of half of a sample from the other half: the most frequent
class, or the mean, of its value (of its quantile bin for numbers).  No column is suspected for
being good, only for being better than a measured cause can be.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from smelt.app.table.names import tokens
from smelt.app.table.plain_numbers import parse_plain
from smelt.app.table.schema import Column, DataWarning, Schema
from smelt.app.table.target import target_vector
from smelt.app.table.typed import numbers_of, words_of

_SAMPLE = 20_000
_FEWEST = 40
_BINS = 64
_FEW = 1_000  # rows up to which NumPy is quicker than a query
# Share of the baseline's errors that remain.  A measurement may come very close to a class
# (an iris's petal leaves 7 %, a tumour's perimeter 21 %); a word or a gap in the data may not.
_NUMBER_ERRORS = 0.02
_WORD_ERRORS = 0.1
# Share of the variance explained, by a number as it is or by its rank, and by words.
_NUMBER_R2 = 0.999
_WORD_R2 = 0.98
# With the target's name in its own a column needs to explain only so much to be named.
_NAMESAKE = 0.25


def leakage_warnings(frame: pl.DataFrame, schema: Schema) -> list[DataWarning]:
    """Return a warning for each column that gives the target away."""
    y = target_vector(frame, schema)
    rows = np.flatnonzero(~np.isnan(y))
    if len(rows) < _FEWEST:
        return []
    if len(rows) > _SAMPLE:
        rows = rows[np.linspace(0, len(rows) - 1, _SAMPLE).astype(np.int64)]
    sample, y = frame[rows], y[rows]
    plain = parse_plain(sample, schema.features)
    found = []
    for column in schema.features:
        if column.role == "text":
            continue
        how, certain, strength = _strength(
            _values(sample, column, plain), column, y, len(schema.classes)
        )
        if certain:
            found.append(_leak(column.name, schema.target, how))
        elif strength > _NAMESAKE and _is_namesake(column.name, schema.target):
            found.append(_namesake(column.name, schema.target))
    return found


def _values(frame: pl.DataFrame, column: Column, plain: dict[str, pl.Series]) -> pl.Series:
    if column.name in plain:
        return plain[column.name]
    read = numbers_of if column.role in ("number", "datetime") else words_of
    return read(frame[column.name], column)


def _strength(
    values: pl.Series, column: Column, y: np.ndarray, n_classes: int
) -> tuple[str, bool, float]:
    """How the column predicts, whether too well, and how well (0 not at all, 1 perfectly)."""
    is_number = column.role in ("number", "datetime")
    codes = _bins(values) if is_number else _codes(values)
    if n_classes:
        labels = y.astype(np.int64)
        strength = _class_strength(codes, labels, n_classes)
        gaps = 0.0
        if values.null_count():
            gaps = _class_strength((codes == 0).astype(np.int64), labels, n_classes)
        few_values = is_number and column.n_unique <= 2
        allowed = _NUMBER_ERRORS if is_number and not few_values else _WORD_ERRORS
        if strength >= 1 - allowed:
            return "its value alone gives the class away", True, strength
        if gaps >= 1 - _WORD_ERRORS:
            return "whether it has a value gives the class away", True, gaps
        return "", False, strength
    strength = _mean_strength(codes, y)
    if is_number:
        strength = max(strength, _line_strength(values, y))
        return "it follows the target exactly", strength >= _NUMBER_R2, strength
    return "its value alone gives the target away", strength >= _WORD_R2, strength


def _codes(values: pl.Series) -> np.ndarray:
    """Number the distinct values; null is one of them."""
    if values.dtype == pl.Float64 and len(values) <= _FEW:
        known = values.is_not_null().to_numpy()
        codes = np.zeros(len(values), dtype=np.int64)
        codes[known] = np.unique(values.to_numpy()[known], return_inverse=True)[1] + 1
        return codes
    return values.rank("dense").fill_null(0).cast(pl.Int64).to_numpy()


def _bins(values: pl.Series) -> np.ndarray:
    codes = _codes(values)
    n_codes = int(codes.max()) + 1
    if n_codes <= 4 * _BINS:
        return codes
    edges = np.quantile(codes[codes > 0], np.linspace(0, 1, _BINS + 1)[1:-1])
    return np.where(codes > 0, np.searchsorted(edges, codes, side="right") + 1, 0)


def _halves(n: int) -> list[tuple[np.ndarray, np.ndarray]]:
    even = np.arange(n) % 2 == 0
    return [(even, ~even), (~even, even)]


def _class_strength(codes: np.ndarray, labels: np.ndarray, n_classes: int) -> float:
    """Share of the baseline's errors that knowing the codes avoids, on rows not learned from."""
    n_codes, errors, baseline = int(codes.max()) + 1, 0, 0
    for learn, test in _halves(len(codes)):
        overall = np.bincount(labels[learn], minlength=n_classes)
        pairs = codes[learn] * n_classes + labels[learn]
        table = np.bincount(pairs, minlength=n_codes * n_classes).reshape(n_codes, n_classes)
        best = np.where(table.any(axis=1), table.argmax(axis=1), overall.argmax())
        errors += int((best[codes[test]] != labels[test]).sum())
        baseline += int((overall.argmax() != labels[test]).sum())
    return 1 - errors / baseline if baseline else 0.0


def _mean_strength(codes: np.ndarray, y: np.ndarray) -> float:
    """Share of the variance that the means of the codes explain, on rows not learned from."""
    n_codes, squares, variance = int(codes.max()) + 1, 0.0, 0.0
    for learn, test in _halves(len(codes)):
        mean = y[learn].mean()
        counts = np.bincount(codes[learn], minlength=n_codes)
        sums = np.bincount(codes[learn], weights=y[learn], minlength=n_codes)
        means = np.where(counts > 0, sums / np.maximum(counts, 1), mean)
        squares += float(((y[test] - means[codes[test]]) ** 2).sum())
        variance += float(((y[test] - mean) ** 2).sum())
    return 1 - squares / variance if variance else 0.0


def _line_strength(values: pl.Series, y: np.ndarray) -> float:
    """Square of the correlation with the target, of values or of ranks, whichever is greater."""
    known = values.is_not_null().to_numpy()
    if known.sum() < max(_FEWEST, 0.5 * len(y)):
        return 0.0
    x, target = values.drop_nulls(), pl.Series(y[known])
    pairs = ((x, target), (x.rank(), target.rank()))
    return max(_squared_correlation(a.to_numpy(), b.to_numpy()) for a, b in pairs)


def _squared_correlation(a: np.ndarray, b: np.ndarray) -> float:
    a, b = a - a.mean(), b - b.mean()
    scale = float(a @ a) * float(b @ b)
    return float(a @ b) ** 2 / scale if scale > 0 and np.isfinite(scale) else 0.0


def _is_namesake(name: str, target: str) -> bool:
    """Tell whether the words of the target occur, one after the other, among those of the name."""
    whole, part = tokens(name), tokens(target)
    if not part or sum(map(len, part)) < 4:
        return False
    return any(whole[k : k + len(part)] == part for k in range(len(whole) - len(part) + 1))


def _leak(name: str, target: str, how: str) -> DataWarning:
    return DataWarning(
        "leakage",
        name,
        f"{name!r} predicts {target!r} almost without error: {how}.",
        "It is probably known only once the target is, or is the target in other words. If it is "
        "not known when you predict, leave it out (role ignored).",
    )


def _namesake(name: str, target: str) -> DataWarning:
    return DataWarning(
        "leakage_name",
        name,
        f"the name of {name!r} contains the target's, {target!r}, and the two are related.",
        "If it is made from the target, or known only after it, leave it out (role ignored).",
    )
