"""Ctrl-C: once finishes with the best so far, twice gives up."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any


class Interrupt:
    """A context in which the first Ctrl-C ends the search and the second one everything.

    Until ``finishing`` is set, Ctrl-C raises ``KeyboardInterrupt`` at once, so that the search can
    leave the fit that is running.  From then on the first one is only noted, because what is left
    to do is what Ctrl-C asks for.  The handler is set in the main thread alone; the one that was
    there hears of the first Ctrl-C too, and is put back at the end.
    """

    def __init__(self) -> None:
        self.pressed = False
        self.finishing = False
        self._again = False
        self._before: Any = None

    def __enter__(self) -> Interrupt:
        in_main = threading.current_thread() is threading.main_thread()
        before = signal.getsignal(signal.SIGINT)
        if in_main and callable(before):
            self._before = before
            signal.signal(signal.SIGINT, self._handle)
        return self

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self._again, self.pressed = self.pressed, True
        if self._again:
            raise KeyboardInterrupt
        try:
            self._before(number, frame)
        except KeyboardInterrupt:
            if not self.finishing:
                raise

    @contextmanager
    def optional(self) -> Iterator[bool]:
        """Mark work that only betters what is at hand: the first Ctrl-C leaves it at once.

        Yields whether there is any point in starting, which is not so after Ctrl-C.
        """
        self.finishing = False
        try:
            yield not self.pressed
        except KeyboardInterrupt:
            if self._again or not self.pressed:
                raise
        finally:
            self.finishing = True

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._before is not None and signal.getsignal(signal.SIGINT) == self._handle:
            signal.signal(signal.SIGINT, self._before)
