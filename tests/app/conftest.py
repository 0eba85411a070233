"""A small trained model, and the command line called inside this process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pytest


@dataclass(frozen=True)
class Outcome:
    """What one command left behind."""

    code: int
    out: str
    err: str


Command = Callable[..., Outcome]


@pytest.fixture
def smelt(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    """Run the command line with the given arguments."""
    from smelt.app.cli import run

    monkeypatch.setenv("NO_COLOR", "1")

    def command(*arguments: object) -> Outcome:
        capfd.readouterr()
        code = run([str(argument) for argument in arguments])
        out, err = capfd.readouterr()
        return Outcome(code, out, err)

    return command


def people(n: int = 240) -> pl.DataFrame:
    """Return a table in which age and job decide, with gaps."""
    rng = np.random.default_rng(0)
    age = rng.integers(18, 80, n)
    job = rng.choice(["baker", "clerk", "smith"], n)
    bought = age + 12 * (job == "smith") + rng.normal(0, 12, n) > 55
    return pl.DataFrame(
        {
            "age": [str(a) if i % 17 else None for i, a in enumerate(age)],
            "job": job.tolist(),
            "note": [f'said "{a}", twice' for a in age % 7],
            "bought": np.where(bought, "yes", "no").tolist(),
        }
    )


@pytest.fixture(scope="session")
def people_csv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("people") / "people.csv"
    people().write_csv(path)
    return path


@pytest.fixture(scope="session")
def model(people_csv: Path) -> Path:
    """Return a model file trained on ``people``."""
    from smelt.app.pipeline.train import train

    path = people_csv.parent / "people.smelt"
    train(people_csv, "bought", output=path, families=("boosting",), folds=2)
    return path
