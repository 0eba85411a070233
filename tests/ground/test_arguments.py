"""Arguments of kernels: an interruption while they are taken up is not lost."""

import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from smelt.naive_bayes import BernoulliNB, MultinomialNB
from smelt.tree import DecisionTreeRegressor

X = np.array([[0.0, 1.0], [1.0, 0.0]])


class Interrupted(Exception):
    pass


@pytest.mark.parametrize("model", [BernoulliNB(), MultinomialNB(), DecisionTreeRegressor()])
def test_no_interruption_is_lost(model, monkeypatch):
    lost, seen, armed = [], [0], [False]
    monkeypatch.setattr(sys, "unraisablehook", lambda lost_one: lost.append(lost_one.object))
    model.fit(X, [0, 1])

    def interrupt(number, frame):
        if armed[0]:
            seen[0] += 1
            raise Interrupted

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 3e-4, 3e-4)
        end = time.perf_counter() + 1.0
        while time.perf_counter() < end:
            try:
                armed[0] = True
                for _ in range(100):
                    model.predict(X)
                armed[0] = False
            except Interrupted:
                armed[0] = False
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)
    assert seen[0] > 0
    # What scikit-learn's or NumPy's own code drops is theirs; text of types is made by arguments.
    assert not [one for one in lost if isinstance(one, str)]


def test_numpy_is_found_before_the_first_call():
    code = "import sys; import smelt._smelt; print('numpy' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "True"
