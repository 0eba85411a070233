"""Runs the peers of a workload side by side: own processes, interleaved, medians, quality."""

from __future__ import annotations

import importlib.util
import multiprocessing
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path
from types import ModuleType
from typing import Any

UNITS = {"s": 1.0, "ms": 1e3, "µs": 1e6}
PAUSE = 0.3  # seconds between two peers: the threads of the one before may still spin
DISTURBED = 0.10  # share of the cores that other work took


@dataclass(frozen=True)
class Peer:
    """One way to do the work: ``setup(data) -> state`` is not timed, ``run(state)`` is."""

    run: Callable[[Any], Any]
    setup: Callable[[Any], Any] | None = None


@dataclass(frozen=True)
class Workload:
    """What is timed: data, peers that do the same work on it, and the quality of their answers.

    ``per`` is the number of calls inside one run (for latencies); seconds are divided by it.  The
    twin is the peer ``plain``; where it would take too long at this size, ``twin`` names the
    workload in which twin and kernel meet at a smaller one.  (Whole pipelines have no twin.)
    """

    name: str
    data: Callable[[], Any]
    peers: Mapping[str, Callable[[Any], Any] | Peer]
    quality: Mapping[str, Callable[[Any, Any], float]] = field(default_factory=dict)
    per: int = 1
    unit: str = "s"
    note: str = ""
    twin: str = ""

    def peer(self, name: str) -> Peer:
        """Return the peer of that name."""
        peer = self.peers[name]
        return peer if isinstance(peer, Peer) else Peer(run=peer)


def on_the_twin(peer: Callable[[Any], Any] | Peer) -> Peer:
    """Return the same work done by the NumPy twins: the peer ``plain``."""
    inner = peer if isinstance(peer, Peer) else Peer(run=peer)

    def within(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def call(argument: Any) -> Any:
            import smelt

            with smelt.config(engine="plain"):
                return function(argument)

        return call

    return Peer(run=within(inner.run), setup=inner.setup)


@dataclass
class Row:
    """The measurements of one peer on one workload."""

    workload: str
    peer: str
    unit: str
    seconds: list[float] = field(default_factory=list)
    peak_mb: list[float] = field(default_factory=list)
    elsewhere: list[float] = field(default_factory=list)
    quality: dict[str, float] = field(default_factory=dict)
    cold: bool = False  #: the first call was timed, with what it imports: a second takes too long
    failure: str = ""

    @property
    def median(self) -> float:
        """Median time in the unit of the workload."""
        return statistics.median(self.seconds) * UNITS[self.unit]


def load_module(path: Path) -> ModuleType:
    """Import ``benchmarks/<family>/<algorithm>.py``."""
    name = f"{path.parent.name}.{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


class Runner:
    """One peer in a fresh process: it makes the data, warms up, and times itself when told to.

    The answers are dicts that :mod:`measurement` makes.
    """

    def __init__(self, path: Path, workload: Workload, peer: str) -> None:
        from measurement import serve

        context = multiprocessing.get_context("spawn")
        self.row = Row(workload.name, peer, workload.unit)
        self.per = workload.per
        self.pipe: Connection
        self.pipe, there = context.Pipe()
        # No daemon: joblib, which runs scikit-learn's forests, gives a daemon one thread only.
        self.process: SpawnProcess = context.Process(
            target=serve, args=(str(path), workload.name, peer, there)
        )
        self.process.start()
        there.close()

    def take(self, seconds: float) -> bool:
        """Put the next answer into the row; False when no timing may follow."""
        try:
            if not self.pipe.poll(seconds):
                self.row.failure = f"no answer within {seconds:.0f} s"
                return False
            answer = self.pipe.recv()
        except EOFError:
            self.row.failure = "the process died (out of memory?)"
            return False
        if "failure" in answer:
            self.row.failure = answer["failure"]
            return False
        if "seconds" in answer:
            self.row.seconds.append(answer["seconds"] / self.per)
            self.row.peak_mb.append(answer["peak_mb"])
            self.row.elsewhere.append(answer["elsewhere"])
            self.row.cold = answer["cold"]
        self.row.quality.update(answer.get("quality", {}))
        return not self.row.cold

    def time(self, seconds: float) -> bool:
        """Ask for one timing."""
        self.pipe.send("time")
        return self.take(seconds)

    def stop(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.join()
        self.pipe.close()


def run_workload(
    path: Path, workload: Workload, wanted: list[str] | None, repeats: int, timeout: float
) -> list[Row]:
    """Time every peer ``repeats`` times, in turn, and print a line for each."""
    names = [name for name in workload.peers if wanted is None or name in wanted]
    runners: list[Runner] = []
    try:
        ready = []
        for name in names:  # one after the other: each warms up alone
            runners.append(Runner(path, workload, name))
            if runners[-1].take(2 * timeout):  # with making the data and judging the answer
                ready.append(runners[-1])
        for _ in range(repeats):
            still = []
            for runner in ready:
                time.sleep(PAUSE)
                if runner.time(timeout):
                    still.append(runner)
            ready = still
    finally:
        for runner in runners:
            runner.stop()
    rows = [runner.row for runner in runners]
    best = min((row.median for row in rows if row.seconds), default=0.0)
    for row in rows:
        print(_line(row, best), flush=True)
    if workload.twin:
        print(f"  {'plain':24} smaller, in {workload.twin}", flush=True)
    return rows


def _line(row: Row, best: float) -> str:
    if not row.seconds:
        return f"  {row.peer:24} -  {row.failure}"
    quality = "  ".join(f"{label} {value:.6g}" for label, value in row.quality.items())
    spread = (max(row.seconds) - min(row.seconds)) * UNITS[row.unit]
    return (
        f"  {row.peer:24} {row.median:9.4g} {row.unit} ±{spread:.2g}  {row.median / best:6.2f}x"
        f"  {statistics.median(row.peak_mb):7.1f} MB  {quality}  {remark(row)}"
    ).rstrip()


def remark(row: Row) -> str:
    """Return what one should know about the timings of a row."""
    remarks = []
    if row.cold:
        remarks.append("first call only")
    if row.elsewhere and statistics.median(row.elsewhere) > DISTURBED:
        remarks.append("disturbed by other work")
    if row.failure:
        remarks.append(row.failure)
    return ", ".join(remarks)
