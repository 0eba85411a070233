"""The example model, and a path to the modules that these tests share."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from example_model import parts

from smelt.export.model_file import open_model, to_bytes


@pytest.fixture(scope="session")
def model_bytes():
    return to_bytes(*parts())


@pytest.fixture
def model(model_bytes):
    return open_model(model_bytes)
