"""Settings of the library: the engine and the number of threads."""

from __future__ import annotations

from contextvars import ContextVar
from types import TracebackType
from typing import Any, Literal, NamedTuple

Engine = Literal["rust", "plain"]


class Settings(NamedTuple):
    """The settings in force."""

    engine: Engine = "rust"
    n_threads: int | None = None


_settings: ContextVar[Settings] = ContextVar("smelt_settings", default=Settings())  # noqa: B039


def get_config() -> dict[str, Any]:
    """Return the settings in force as a dict."""
    return _settings.get()._asdict()


class config:
    """Change settings, for good or for the length of a ``with`` block.

    Parameters
    ----------
    engine : {"rust", "plain"}, optional
        What runs the algorithms: the Rust kernels, or their readable NumPy twins in
        :mod:`smelt.plain`.  Results agree; only the time differs.
    n_threads : int or None, optional
        Threads a kernel may use when the estimator's ``n_jobs`` is None.  None means
        ``SMELT_NUM_THREADS``, else all cores.  Results have the same bits for any number.

    Examples
    --------
    >>> import smelt
    >>> with smelt.config(engine="plain"):
    ...     smelt.get_config()["engine"]
    'plain'
    >>> smelt.get_config()["engine"]
    'rust'
    """

    def __init__(self, **changes: Any) -> None:
        self._before = _settings.get()
        unknown = set(changes) - set(Settings._fields)
        if unknown:
            raise ValueError(
                f"smelt.config() has no setting {sorted(unknown)[0]!r}; "
                f"it has {', '.join(Settings._fields)}"
            )
        settings = self._before._replace(**changes)
        if settings.engine not in ("rust", "plain"):
            raise ValueError(f"engine must be 'rust' or 'plain', got {settings.engine!r}")
        threads = settings.n_threads
        if threads is not None and (not isinstance(threads, int) or threads < 1):
            raise ValueError(f"n_threads must be None or an integer of at least 1, got {threads!r}")
        _settings.set(settings)

    def __enter__(self) -> None:
        return None

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        _settings.set(self._before)


def settings() -> Settings:
    """Return the settings in force."""
    return _settings.get()


def threads_for(n_jobs: int | None) -> int | None:
    """Return the number of threads for an estimator's ``n_jobs`` (None: as many as allowed)."""
    if n_jobs is None:
        return _settings.get().n_threads
    if n_jobs < 0:
        from joblib import cpu_count

        return max(1, cpu_count() + 1 + n_jobs)
    return n_jobs
