"""The time budget: a promise for the whole run, kept by never starting what cannot end in time."""

from __future__ import annotations

import time
from collections.abc import Callable

FINISH_SHARE = 0.15  # kept back for ensemble, test, explanation and writing
LARGER = 3.0  # a fit with so many times the work says more than the smaller ones before
SAFETY = 1.3  # a fit may take this much longer than the finished ones foretell


class Budget:
    """Counts the seconds of a run and foretells fits from those that have ended.

    A fit's work is given in any unit that grows with its cost (rows × features × rounds …), one
    unit a kind; the rate of a kind is the slowest among its large fits.  Without a limit everything
    fits and the clock decides nothing, so that two runs with one seed are equal.
    """

    def __init__(
        self,
        seconds: float | None = None,
        *,
        start: float | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.seconds = seconds
        self.reached = False
        self._clock = clock
        self._start = clock() if start is None else start
        self._rates: dict[str, float] = {}
        self._works: dict[str, float] = {}

    def elapsed(self) -> float:
        """Seconds since the start."""
        return self._clock() - self._start

    def remaining(self) -> float:
        """Seconds left before the share kept back for finishing."""
        if self.seconds is None:
            return float("inf")
        return self.seconds * (1.0 - FINISH_SHARE) - self.elapsed()

    def learn(self, kind: str, work: float, seconds: float) -> None:
        """Note that ``work`` of this kind took so long.

        Fixed costs make a small fit look slow, so a much larger one replaces what it said.
        """
        rate, largest = seconds / max(work, 1e-12), self._works.get(kind, 0.0)
        if work >= LARGER * largest:
            self._rates[kind], self._works[kind] = rate, work
        elif LARGER * work >= largest:
            self._rates[kind] = max(rate, self._rates[kind])

    def foretell(self, kind: str, work: float) -> float | None:
        """Return the seconds that ``work`` of this kind will take, None when nothing is known."""
        rate = self._rates.get(kind)
        return None if rate is None else rate * work

    def allows(self, seconds: float | None) -> bool:
        """Whether something that takes ``seconds`` ends in time; notes it when it does not."""
        if self.seconds is None:
            return True
        fits = (seconds or 0.0) * SAFETY <= self.remaining()
        self.reached |= not fits
        return fits
