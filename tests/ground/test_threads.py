"""The one way into a kernel: threads, fork, interruption, panics."""

import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import numpy as np
import pytest

import smelt
from smelt import _smelt, linalg
from smelt.errors import InternalError

MATRIX = np.random.default_rng(0).standard_normal((20_000, 40))


def run(source, **environment):
    """Run a program of its own and return what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(source)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_child_process_has_threads_of_its_own(method):
    with smelt.config(n_threads=3):
        expected = linalg.gram(MATRIX)  # the parent's threads run before the fork
        context = multiprocessing.get_context(method)
        with context.Pool(2) as pool:
            found = pool.map_async(linalg.gram, [MATRIX] * 4).get(timeout=100)
    for gram in found:
        np.testing.assert_array_equal(gram, expected)
    np.testing.assert_array_equal(linalg.gram(MATRIX), expected)


def test_a_child_of_a_child_forked_in_the_midst_of_work():
    source = """
        import os, threading, time
        import numpy as np
        from smelt import linalg, _smelt
        a = np.ones((20_000, 40))
        stop = threading.Thread(target=_smelt.ground.busy, args=(0.5,))
        stop.start()
        time.sleep(0.1)
        for _ in range(2):
            child = os.fork()
            if child:
                os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
            assert linalg.gram(a)[0, 0] == 20_000
        os._exit(0)
    """
    run(source, SMELT_NUM_THREADS="3")


def test_the_number_of_threads_comes_from_the_environment():
    source = """
        from smelt import _smelt
        print(_smelt.ground.max_threads())
    """
    assert run(source, SMELT_NUM_THREADS="5") == "5"
    for nonsense in ("0", "-3", "many", ""):
        assert int(run(source, SMELT_NUM_THREADS=nonsense)) >= 1


def test_no_more_threads_start_than_allowed():
    source = """
        import os
        import numpy as np
        import smelt
        from smelt import linalg
        with smelt.config(n_threads={n}):
            linalg.gram(np.ones((200_000, 40)))
        print(sum(open(f"/proc/self/task/{{t}}/comm").read().startswith("smelt")
                  for t in os.listdir("/proc/self/task")))
    """
    assert run(source.format(n=1), SMELT_NUM_THREADS="4") == "0"
    assert run(source.format(n=4), SMELT_NUM_THREADS="4") == "3"


INTERRUPTED = """
    import signal, threading, time, os
    import numpy as np
    from smelt import linalg, _smelt
    rng = np.random.default_rng(0)
    {setup}
    sent = []

    def interrupt():
        time.sleep(0.15)
        sent.append(time.perf_counter())
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    try:
        {call}
    except KeyboardInterrupt:
        print(time.perf_counter() - sent[0], flush=True)
    else:
        print("finished", flush=True)
    os._exit(0)
"""


@pytest.mark.parametrize("threads", ["1", "2"])
@pytest.mark.parametrize(
    ("setup", "call"),
    [
        ("pass", "_smelt.ground.busy(20.0)"),
        ("a = rng.standard_normal((3500, 3500))", "linalg.matmul(a, a @ np.eye(3500, 3500))"),
        ("a = rng.standard_normal((1500, 1500))", "linalg.svd(a)"),
        ("a = rng.standard_normal((2200, 2200))", "linalg.eigh(a)"),
    ],
    ids=["loop", "matmul", "svd", "eigh"],
)
def test_an_interrupt_is_answered_at_once(setup, call, threads):
    if "matmul" in call:
        call = "[linalg.matmul(a, a) for _ in range(20)]"
    found = run(INTERRUPTED.format(setup=setup, call=call), SMELT_NUM_THREADS=threads)
    assert found != "finished"
    assert float(found) < 1.0  # 0.2 s on a quiet machine; this one may be busy


def test_another_signal_handler_may_raise_too():
    def handler(signum, frame):
        raise TimeoutError("too long")

    before = signal.signal(signal.SIGALRM, handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        with pytest.raises(TimeoutError, match="too long"):
            _smelt.ground.busy(20.0)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_the_interpreter_runs_on_while_a_kernel_works():
    ticks = []
    worker = threading.Thread(target=_smelt.ground.busy, args=(0.3, 1))
    worker.start()
    while worker.is_alive():
        ticks.append(time.perf_counter())
        time.sleep(0.01)
    assert len(ticks) > 5


@pytest.mark.parametrize("n_threads", [1, 3])
def test_a_panic_becomes_an_internal_error(n_threads, capfd):
    for _ in range(3):  # the threads live on
        with pytest.raises(InternalError, match=r"lost its way.*defect of smelt.*report"):
            _smelt.ground.provoke_panic("lost its way", n_threads=n_threads)
        assert _smelt.ground.busy(0.01, n_threads=n_threads) >= 1
    capfd.readouterr()


def test_several_python_threads_at_once():
    expected = linalg.gram(MATRIX)
    found = [None] * 8

    def work(i):
        found[i] = linalg.gram(MATRIX)

    workers = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    for gram in found:
        np.testing.assert_array_equal(gram, expected)
