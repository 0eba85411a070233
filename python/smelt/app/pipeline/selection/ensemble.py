"""Weights of the ensemble: greedy selection with replacement on out-of-fold predictions."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

PICKS = 25
SMALLEST_GAIN = 1e-4  # relative; a smaller one is noise


def greedy_weights(
    target: np.ndarray,
    predictions: Sequence[np.ndarray],
    loss: Callable[[np.ndarray, np.ndarray], float],
    *,
    picks: int = PICKS,
) -> np.ndarray:
    """Weigh members by how often each is picked (Caruana et al. 2004).

    Starting from the best member, each step adds the one whose inclusion gives the lowest loss of
    the running mean.  The step with the lowest loss is kept, an earlier one where a later one gains
    less than a ten-thousandth; ties go to the earlier member.

    Parameters
    ----------
    target : array of shape (n,)
    predictions : sequence of arrays of shape (n, k)
        Out-of-fold predictions, one array a member.
    loss : callable
        ``loss(target, prediction)``, smaller is better.
    picks : int
        The most picks.

    Returns
    -------
    array of shape (n_members,)
        Non-negative weights that add up to 1.
    """
    counts = np.zeros(len(predictions))
    total = np.zeros_like(predictions[0])
    best, kept = np.inf, counts
    for step in range(picks):
        losses = [loss(target, (total + member) / (step + 1)) for member in predictions]
        winner = int(np.nanargmin(losses))
        counts[winner] += 1
        total = total + predictions[winner]
        if losses[winner] < best - SMALLEST_GAIN * abs(best if step else 0.0):
            best, kept = losses[winner], counts.copy()
    return kept / kept.sum()


def drop_small(weights: np.ndarray, smallest: float = 0.06) -> np.ndarray:
    """Set weights below ``smallest`` to zero: each member costs a refit and time at prediction."""
    kept = np.where(weights < smallest, 0.0, weights)
    return kept / kept.sum()
