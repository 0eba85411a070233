"""What runs in the process of one peer: data, warm-up, then timings with their peak of memory."""

from __future__ import annotations

import ctypes
import gc
import os
import resource
import threading
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from harness import Workload, load_module

LONG = 20.0  # seconds of a warm-up after which it stands as the timing
SHORT = 0.1  # seconds: below it the clock of the machine's work is too coarse
STATUS = Path("/proc/self/status")
CLEAR = Path("/proc/self/clear_refs")


def serve(path: str, workload_name: str, peer_name: str, pipe: Connection) -> None:
    """Answer once when warm, then once for each ``"time"`` that comes."""
    try:
        workload = next(w for w in load_module(Path(path)).WORKLOADS if w.name == workload_name)
        data = workload.data()
        peer = workload.peer(peer_name)
        state = data if peer.setup is None else peer.setup(data)
        fitted, warm = _measure(peer.run, state, cold=True)  # imports, thread pools, first touch
        answer: dict[str, Any] = warm if warm["seconds"] > LONG else {}
        pipe.send(answer | {"quality": _quality(workload, fitted, data)})
        del data
        while pipe.recv() == "time":
            fitted = None
            fitted, answer = _measure(peer.run, state, cold=False)
            pipe.send(answer)
    except EOFError:
        return
    except ImportError as error:
        pipe.send({"failure": f"not installed ({error.name})"})
    except Exception as error:
        pipe.send({"failure": f"{type(error).__name__}: {error}"[:200]})


def _quality(workload: Workload, fitted: Any, data: Any) -> dict[str, float]:
    return {label: float(measure(fitted, data)) for label, measure in workload.quality.items()}


def _measure(run: Any, state: Any, *, cold: bool) -> tuple[Any, dict[str, Any]]:
    """Run once; time, growth of memory at its peak, and the share of the cores others took."""
    with PeakMemory() as memory:
        busy, own = _machine_seconds(), _own_seconds()
        start = time.perf_counter()
        fitted = run(state)
        seconds = time.perf_counter() - start
        other = max(0.0, _machine_seconds() - busy - (_own_seconds() - own))
    return fitted, {
        "seconds": seconds,
        "peak_mb": memory.peak_mb,
        "elsewhere": other / (max(seconds, SHORT) * (os.cpu_count() or 1)),
        "cold": cold,
    }


class PeakMemory:
    """The most resident memory within a block, above that at its start, in MB.

    Linux keeps the high-water mark itself, and takes it back when 5 is written to ``clear_refs``;
    where that is not allowed a thread looks every millisecond.
    """

    peak_mb = 0.0

    def __enter__(self) -> PeakMemory:
        gc.collect()
        _give_back()
        self._sampler: _Sampler | None = None
        try:
            CLEAR.write_text("5")
        except OSError:
            self._sampler = _Sampler()
            self._sampler.start()
        self._before = _resident_mb("VmRSS")
        return self

    def __exit__(self, *_: object) -> None:
        peak = self._sampler.stop() if self._sampler else _resident_mb("VmHWM")
        self.peak_mb = max(0.0, peak - self._before)


class _Sampler(threading.Thread):
    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._peak = 0.0
        self._ended = threading.Event()

    def run(self) -> None:
        while not self._ended.wait(0.001):
            self._peak = max(self._peak, _resident_mb("VmRSS"))

    def stop(self) -> float:
        self._ended.set()
        self.join()
        return max(self._peak, _resident_mb("VmRSS"))


def _resident_mb(name: str) -> float:
    for line in STATUS.read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) / 1024
    raise OSError(f"{STATUS} has no {name}")


def _give_back() -> None:
    """Return freed memory to the system, so that it counts again when it is taken again."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def _machine_seconds() -> float:
    """Seconds of CPU that the whole machine has been busy."""
    with open("/proc/stat") as stat:
        user, nice, system = (int(value) for value in stat.readline().split()[1:4])
    return (user + nice + system) / os.sysconf("SC_CLK_TCK")


def _own_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
