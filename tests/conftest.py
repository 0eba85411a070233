"""What all tests share: where the larger data sets lie, and an ear for Ctrl-C."""

import os
import signal
from pathlib import Path

import pytest

# A shell lets jobs in the background ignore Ctrl-C, and they hand that on; its tests must not.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder that SMELT_DATA names, with one folder for each data set."""
    folder = os.environ.get("SMELT_DATA")
    if not folder:
        pytest.skip("the larger data sets are not here: set SMELT_DATA to their folder")
    return Path(folder)


@pytest.fixture
def heart_disease() -> Path:
    """The heart-disease table that ships with the project."""
    return Path(__file__).resolve().parents[1] / "examples" / "heart_disease.csv"
