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

    Starting from the best member, each step adds the one whose inclusion lowers the loss of the
    running mean most; it ends when none lowers it by a ten-thousandth.  Ties go to the earlier
    member.

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
    best = np.inf
    for step in range(picks):
        losses = [loss(target, (total + member) / (step + 1)) for member in predictions]
        winner = int(np.nanargmin(losses))
        if not losses[winner] < best - SMALLEST_GAIN * abs(best) and step > 0:
            break
        best = losses[winner]
        counts[winner] += 1
        total = total + predictions[winner]
    return counts / counts.sum()


def drop_small(weights: np.ndarray, smallest: float = 0.03) -> np.ndarray:
    """Set weights below ``smallest`` to zero: each member costs a refit and time at prediction."""
    kept = np.where(weights < smallest, 0.0, weights)
    return kept / kept.sum()
