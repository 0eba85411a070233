"""A model file whose description was changed: shown as far as it goes, or exit code 4."""

import copy
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from smelt.errors import ModelFileError
from smelt.export.model_file import open_model

sys.path.insert(0, str(Path(__file__).parents[1] / "export"))
from safetensors_by_hand import read, write

PARTS = ("training", "profile", "card", "inputs", "target", "task", "classes", "created", "smelt")
NASTY = [
    None, True, 0, -1, 3.5, 1e308, -1e308, 10**40, "", "x", "a" * 10_000, "<script>", "é\x00",
    "{{ 7 * 7 }}", "%s", [], {}, [[]], [None], {"value": None}, {"name": []}, [{"name": {}}],
]  # fmt: skip


def places(value, path):
    yield path
    if isinstance(value, dict):
        for key in value:
            yield from places(value[key], (*path, key))
    elif isinstance(value, list):
        for index in range(min(len(value), 3)):
            yield from places(value[index], (*path, index))


@pytest.fixture(scope="module")
def original(model):
    return read(model.read_bytes())


def damaged(original, number):
    """Change one to three places; None where the reader refuses the file anyway."""
    metadata, tensors = original
    manifest = json.loads(metadata["smelt.manifest"])
    rng = np.random.default_rng(number)
    paths = [path for part in PARTS if part in manifest for path in places(manifest[part], (part,))]
    for _ in range(rng.integers(1, 4)):
        path = paths[int(rng.integers(len(paths)))]
        try:
            parent = manifest
            for key in path[:-1]:
                parent = parent[key]
            if rng.integers(3) == 0:
                del parent[path[-1]]
            else:
                parent[path[-1]] = copy.deepcopy(NASTY[int(rng.integers(len(NASTY)))])
        except (KeyError, IndexError, TypeError):
            continue  # an earlier change took the place away
    data = write({**metadata, "smelt.manifest": json.dumps(manifest)}, tensors)
    try:
        open_model(data)
    except ModelFileError:
        return None
    return data


def attack(original, numbers, smelt, folder, *command):
    """Run a command on changed files; return how often it went well and how often not."""
    codes = []
    for number in numbers:
        data = damaged(original, number)
        if data is None:
            continue
        path = folder / "m.smelt"
        path.write_bytes(data)
        said = smelt(command[0], path, *command[1:])
        assert said.code in (0, 4), f"{number}: {said.code} {said.err}"
        assert "Traceback" not in said.err, number
        if said.code == 4:
            assert "damaged" in said.err and "fix:" in said.err, f"{number}: {said.err}"
        codes.append(said.code)
    return codes.count(0), codes.count(4)


def test_inspect_shows_or_refuses(original, smelt, tmp_path):
    shown, refused = attack(original, range(150), smelt, tmp_path, "inspect")
    assert shown > 20 and refused > 3
    assert attack(original, range(20), smelt, tmp_path, "inspect", "--json")[0] > 5


def test_report_shows_or_refuses(original, smelt, tmp_path):
    target = tmp_path / "r.html"
    shown, _ = attack(original, range(500, 508), smelt, tmp_path, "report", "-o", target)
    assert shown > 0 and target.exists()


@pytest.mark.slow
def test_many_reports(original, smelt, tmp_path):
    attack(original, range(1000, 1200), smelt, tmp_path, "report", "-o", tmp_path / "r.html")
    assert not list(tmp_path.glob("*.part*"))
