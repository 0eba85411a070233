"""Ctrl-C during long work, whatever it is at: how long until the caller has the exception.

The promise is 0.2 s.  Each figure is recorded (``pytest -s`` prints it).  A loaded machine delays
everything, so a moment that is answered late is tried again, and what counts in the end is set
against how a bare Python loop fares at that time: which share of a core it gets, and how late it is
answered itself.  On an idle machine that loop gets all of a core and the bound is ``ASSERTED``.
"""

import signal
import time

import numpy as np
import pytest
import scipy.sparse as sp

import smelt
from smelt import linalg
from smelt.ensemble import HistGradientBoostingClassifier
from smelt.linear_model import LinearRegression, LogisticRegression, Ridge

MOMENTS = np.linspace(0.03, 0.97, 15)  # parts of the time that the work takes
# Factorizations cannot be stopped: the caller goes on, the work ends on a thread of its own.
LEFT_BEHIND = ("ridge, svd", "svd", "eigh")
PROMISED, ASSERTED = 0.2, 0.35
TRIES = 3

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def tall():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((1_000_000, 50))
    return X, X[:, 0] + rng.standard_normal(len(X))


def sparse_problem():
    X = sp.random_array((100_000, 50_000), density=1e-3, rng=np.random.default_rng(0), format="csr")
    return X, np.arange(X.shape[0]) % 2


def wide_problem():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 10, 60_000)
    X = rng.random((60_000, 784), dtype=np.float32)
    X[:, :10] += y[:, None] == np.arange(10)
    return X, y


def work_on(name, tall):
    """The call that is interrupted; what comes before it is not part of it."""
    X, y = tall
    if name in ("svd", "eigh"):
        square = np.random.default_rng(0).standard_normal((2000, 2000))
        return lambda: linalg.svd(square) if name == "svd" else linalg.eigh(square + square.T)
    if name.startswith("logistic, sparse"):
        X, y = sparse_problem()
        if "unsorted" in name:
            X.indices = X.indices[::-1].copy()  # no longer ascending within the rows
            X.has_sorted_indices = X.has_canonical_format = False
        return lambda: LogisticRegression().fit(X, y)
    if name == "logistic, ten classes":
        X, y = wide_problem()
        return lambda: LogisticRegression().fit(X, y)
    classes = (y > 0).astype(np.int64)
    if name == "logistic, strings":
        words = np.array(["no", "yes"])[classes]
        return lambda: LogisticRegression().fit(X, words)
    if name == "logistic, integers":
        whole = (10 * X).astype(np.int32)
        return lambda: LogisticRegression().fit(whole, classes)
    if name == "boosting":
        model = HistGradientBoostingClassifier(max_iter=5, early_stopping=False)
        return lambda: model.fit(X, classes)
    model = {
        "linear": LinearRegression(),
        "ridge": Ridge(),
        "ridge, svd": Ridge(solver="svd"),
        "logistic": LogisticRegression(),
        "logistic, Newton": LogisticRegression(solver="newton-cholesky", tol=1e-12),
    }[name]
    return lambda: model.fit(X, classes if name.startswith("logistic") else y)


def interrupted_after(work, delay):
    """Seconds from the signal to the exception; None if the work was done before."""

    def handler(number, frame):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, handler)
    try:
        due = time.perf_counter() + delay
        try:
            signal.setitimer(signal.ITIMER_REAL, delay)
            work()
            signal.setitimer(signal.ITIMER_REAL, 0)
        except KeyboardInterrupt:
            return time.perf_counter() - due
        return None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def seconds_of(work):
    """How long it takes when nothing comes between."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def bound_of_now():
    """What an answer may take under the present load, by a bare Python loop."""

    def loop():
        while True:
            pass

    wall, own = time.perf_counter(), time.thread_time()
    late = interrupted_after(loop, 0.3)
    share = (time.thread_time() - own) / (time.perf_counter() - wall)
    return ASSERTED / min(1.0, max(share, 0.05)) + late


def answered_after(work, delay, pause):
    """The best try: seconds until the answer, and by how much they are over the bound of then."""
    tries = []
    for _ in range(TRIES):
        latency = interrupted_after(work, delay)
        time.sleep(pause)
        if latency is not None:
            tries.append(
                (max(0.0, latency - bound_of_now()) if latency > ASSERTED else 0.0, latency)
            )
        if (latency is None and not tries) or tries[-1][0] == 0.0:
            break
    excess, latency = min(tries, default=(0.0, None))
    return latency, excess


@pytest.mark.parametrize(
    "name",
    [
        "linear",
        "ridge",
        "ridge, svd",
        "logistic",
        "logistic, Newton",
        "logistic, strings",
        "logistic, integers",
        "logistic, sparse",
        "logistic, sparse, unsorted",
        "logistic, ten classes",
        "boosting",
        "svd",
        "eigh",
    ],
)
def test_an_interrupt_at_any_moment_is_answered(name, tall, record_property):
    work = work_on(name, tall)
    with smelt.config(n_threads=2):
        seconds = min(seconds_of(work) for _ in range(1 if name in LEFT_BEHIND else 2))
        found, excess = [], []
        moments = MOMENTS[::5] if name in LEFT_BEHIND else MOMENTS
        for part in moments:
            pause = seconds if name in LEFT_BEHIND else 0.0
            latency, over = answered_after(work, part * seconds, pause)
            found.append(latency)
            excess.append(over)
    answered = [latency for latency in found if latency is not None]
    assert len(answered) > len(moments) // 3  # the others came after the end
    worst, where = max((latency, part) for latency, part in zip(found, moments) if latency)
    record_property("worst_latency_s", round(float(worst), 4))
    print(
        f"\n{name}: {seconds:.2f} s of work; answered in {np.median(answered):.3f} s,"
        f" at worst {worst:.3f} s (at {where:.0%}){'' if worst < PROMISED else '  OVER 0.2 s'}"
    )
    assert max(excess) == 0.0, f"over the bound of the time by {max(excess):.3f} s"
