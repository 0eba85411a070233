"""Runs the peers of a workload side by side: own processes, interleaved, medians, quality."""

from __future__ import annotations

import multiprocessing
import os
import resource
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

UNITS = {"s": 1.0, "ms": 1e3, "µs": 1e6}
DISTURBED = 0.10  # share of the cores that other work took


@dataclass(frozen=True)
class Peer:
    """One way to do the work: ``setup(data) -> state`` is not timed, ``run(state)`` is."""

    run: Callable[[Any], Any]
    setup: Callable[[Any], Any] | None = None


@dataclass(frozen=True)
class Workload:
    """What is timed: data, peers that do the same work on it, and the quality of their answers.

    ``per`` is the number of calls inside one run (for latencies); seconds are divided by it.
    """

    name: str
    data: Callable[[], Any]
    peers: Mapping[str, Callable[[Any], Any] | Peer]
    quality: Mapping[str, Callable[[Any, Any], float]] = field(default_factory=dict)
    per: int = 1
    unit: str = "s"
    note: str = ""


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
    failure: str = ""

    @property
    def median(self) -> float:
        """Median time in the unit of the workload."""
        return statistics.median(self.seconds) * UNITS[self.unit]


def run_workload(
    workload: Workload, wanted: list[str] | None, repeats: int, timeout: float
) -> list[Row]:
    """Time every peer ``repeats`` times, in turn, and print a line for each."""
    data = workload.data()
    rows = {
        name: Row(workload.name, name, workload.unit)
        for name in workload.peers
        if wanted is None or name in wanted
    }
    for _ in range(repeats):
        for name, row in rows.items():
            if not row.failure:
                _one_timing(workload, data, name, row, timeout)
    best = min((row.median for row in rows.values() if row.seconds), default=0.0)
    for row in rows.values():
        print(_line(row, best), flush=True)
    return list(rows.values())


def _one_timing(workload: Workload, data: Any, name: str, row: Row, timeout: float) -> None:
    """Fork, warm up, time once, and take the figures from the child."""
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    with_quality = not row.quality
    child = context.Process(target=_child, args=(workload, data, name, with_quality, sender))
    child.start()
    sender.close()
    try:
        if not receiver.poll(2 * timeout):
            row.failure = f"over {timeout:.0f} s"
            return
        answer = receiver.recv()
    except EOFError:
        row.failure = "the process died (out of memory?)"
        return
    finally:
        child.kill() if child.is_alive() and row.failure else child.join()
    if "failure" in answer:
        row.failure = answer["failure"]
        return
    row.seconds.append(answer["seconds"] / workload.per)
    row.peak_mb.append(answer["peak_mb"])
    row.elsewhere.append(answer["elsewhere"])
    row.quality.update(answer["quality"])


def _child(workload: Workload, data: Any, name: str, with_quality: bool, sender: Any) -> None:
    """What runs in the forked process."""
    try:
        peer = workload.peers[name]
        if not isinstance(peer, Peer):
            peer = Peer(run=peer)
        state = data if peer.setup is None else peer.setup(data)
        start = time.perf_counter()
        fitted = peer.run(state)  # warm-up: imports, thread pools, page faults of the code
        if time.perf_counter() - start < 20:
            before = _resident_mb()
            busy, own = _machine_seconds(), _own_seconds()
            start = time.perf_counter()
            fitted = peer.run(state)
            seconds = time.perf_counter() - start
        else:
            before, busy, own = _resident_mb(), 0.0, 0.0
            seconds = time.perf_counter() - start
        other = max(0.0, _machine_seconds() - busy - (_own_seconds() - own)) if busy else 0.0
        answer = {
            "seconds": seconds,
            "peak_mb": max(0.0, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 - before),
            "elsewhere": other / (seconds * (os.cpu_count() or 1)),
            "quality": {
                label: float(measure(fitted, data)) for label, measure in workload.quality.items()
            }
            if with_quality
            else {},
        }
    except ImportError as error:
        answer = {"failure": f"not installed ({error.name})"}
    except Exception as error:
        answer = {"failure": f"{type(error).__name__}: {error}"[:200]}
    sender.send(answer)
    sender.close()


def _resident_mb() -> float:
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * resource.getpagesize() / 2**20


def _machine_seconds() -> float:
    """Seconds of CPU that the whole machine has been busy."""
    with open("/proc/stat") as stat:
        user, nice, system = (int(value) for value in stat.readline().split()[1:4])
    return (user + nice + system) / os.sysconf("SC_CLK_TCK")


def _own_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _line(row: Row, best: float) -> str:
    if not row.seconds:
        return f"  {row.peer:24} -  {row.failure}"
    quality = "  ".join(f"{label} {value:.6g}" for label, value in row.quality.items())
    spread = (max(row.seconds) - min(row.seconds)) * UNITS[row.unit]
    disturbed = "  disturbed by other work" if statistics.median(row.elsewhere) > DISTURBED else ""
    return (
        f"  {row.peer:24} {row.median:9.4g} {row.unit} ±{spread:.2g}  {row.median / best:6.2f}x"
        f"  {statistics.median(row.peak_mb):7.0f} MB  {quality}{disturbed}{row.failure}"
    )
