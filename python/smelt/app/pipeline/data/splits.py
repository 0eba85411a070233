"""How rows are divided: a held-out test part, and folds or one holdout for choosing the model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

FEWER_FOLDS_ROWS = 150_000  # above this three folds say enough
HOLDOUT_ROWS = 250_000  # above this one holdout replaces cross-validation
HOLDOUT_CELLS = 2_000_000  # likewise for rows × classes, of more than two
MANY_FOLDS_ROWS = 1_000  # below this eight folds are cheap and steadier than five
FEWEST_ROWS = 10


@dataclass(frozen=True)
class Folds:
    """Pairs of training and validation rows; row numbers count within the training part."""

    kind: str  # "stratified_k_fold", "k_fold" or "holdout"
    pairs: tuple[tuple[np.ndarray, np.ndarray], ...]

    def __len__(self) -> int:
        return len(self.pairs)

    @property
    def validated(self) -> np.ndarray:
        """Rows that are in a validation part, sorted: all of them but for a holdout."""
        return np.sort(np.concatenate([valid for _, valid in self.pairs]))


def spread(order_by: np.ndarray, parts: int, rng: np.random.Generator) -> np.ndarray:
    """Give every row a part 0..parts-1 so that each part has the same mix of ``order_by``.

    Rows are ordered by value with ties in random order, and every run of ``parts`` neighbours is
    dealt out, one to each part, at random.  This is stratification for classes and for numbers.
    """
    n = len(order_by)
    order = np.lexsort((rng.random(n), order_by))
    blocks = -(-n // parts)
    dealt = rng.permuted(np.tile(np.arange(parts), (blocks, 1)), axis=1).ravel()[:n]
    part = np.empty(n, dtype=np.int64)
    part[order] = dealt
    return part


def default_test_share(n_rows: int) -> float:
    """A fifth, but no more rows than a narrow interval needs: 20,000 or a twentieth."""
    return max(min(0.2, 20_000 / max(n_rows, 1)), 0.05)


def split_test(
    target: np.ndarray, share: float, rng: np.random.Generator, *, classes: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Return sorted row numbers of the training part and the test part.

    A class keeps at least two rows in the training part, as long as it has them.
    """
    part = spread(target, max(2, round(1 / share)), rng)
    test = part == 0
    if classes:
        left = np.bincount(target[~test].astype(np.int64), minlength=int(target.max()) + 1)
        for label in np.flatnonzero(left < 2):
            test[target == label] = False
    return np.flatnonzero(~test), np.flatnonzero(test)


def default_folds(n_rows: int, n_outputs: int = 1) -> int:
    """Choose the validation for this many rows and classes: eight to three folds, or a holdout."""
    if n_rows > HOLDOUT_ROWS or (n_outputs > 2 and n_rows * n_outputs > HOLDOUT_CELLS):
        return 1
    if n_rows > FEWER_FOLDS_ROWS:
        return 3
    return 8 if n_rows < MANY_FOLDS_ROWS else 5


def make_folds(
    target: np.ndarray, rng: np.random.Generator, *, classes: bool, folds: int | None = None
) -> Folds:
    """Divide the rows; one fold is a holdout."""
    n = len(target)
    folds = min(default_folds(n) if folds is None else folds, n // 2)
    if folds == 1:
        share = max(0.05, min(0.2, 40_000 / n))
        train, valid = split_test(target, share, rng, classes=classes)
        return Folds("holdout", ((train, valid),))
    part = spread(target, folds, rng)
    pairs = tuple(
        (np.flatnonzero(part != fold), np.flatnonzero(part == fold)) for fold in range(folds)
    )
    return Folds("stratified_k_fold" if classes else "k_fold", pairs)


def one_fold(folds: Folds) -> Folds:
    """Return the first fold alone, for when the time budget has no room for all of them."""
    return Folds("holdout", folds.pairs[:1])
