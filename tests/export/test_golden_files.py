"""Files of every format that there was: they must be read, and predict the same bits, for ever.

A golden file is never written anew.  ``python tests/export/test_golden_files.py`` writes the files
of the present format where there are none yet.
"""

import json
from pathlib import Path

import numpy as np
import pytest

import smelt
from smelt.export.model_file import open_model

GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("pipeline-*.smelt")), ids=lambda p: p.stem)
def test_pipelines_predict_the_same_bits(path):
    model = open_model(path)
    assert model.verify() == 6
    rows = json.loads((GOLDEN / "rows.json").read_text())
    expected = json.loads(path.with_suffix(".json").read_text())
    values = model.run(rows).values
    assert [[value.hex() for value in row] for row in values.tolist()] == expected


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("estimator-*.smelt")), ids=lambda p: p.stem)
def test_estimators_come_back(path):
    model = smelt.load(path)
    expected = json.loads(path.with_suffix(".json").read_text())
    X = np.arange(12.0).reshape(6, 2) / 4
    assert type(model).__name__ == expected["class"]
    np.testing.assert_allclose(model.predict(X), expected["predict"], rtol=1e-12)


def test_there_are_golden_files():
    assert {path.stem for path in GOLDEN.glob("*.smelt")} >= {"pipeline-1", "estimator-1"}


def write_missing():
    """Write golden files of the present format, if there are none."""
    import sys

    sys.path.insert(0, str(Path(__file__).parent))
    from example_model import ROWS, parts

    from smelt.ensemble import HistGradientBoostingRegressor
    from smelt.export.estimator_file import describe
    from smelt.export.model_file import FORMAT, to_bytes

    (GOLDEN / "rows.json").write_text(json.dumps(ROWS, ensure_ascii=False))
    pipeline, estimator = (GOLDEN / f"{kind}-{FORMAT}.smelt" for kind in ("pipeline", "estimator"))
    if not pipeline.exists():
        pipeline.write_bytes(to_bytes(*parts()))
        values = open_model(pipeline).run(ROWS).values.tolist()
        expected = [[value.hex() for value in row] for row in values]
        pipeline.with_suffix(".json").write_text(json.dumps(expected))
    if not estimator.exists():
        X = np.arange(12.0).reshape(6, 2) / 4
        model = HistGradientBoostingRegressor(max_iter=3, min_samples_leaf=1)
        model.fit(X, np.array([1.0, 3.0, 2.0, 5.0, 4.0, 6.0]))
        manifest, tensors = describe(model)
        manifest["created"] = "2026-11-22T12:00:00Z"
        estimator.write_bytes(to_bytes(manifest, tensors))
        expected = {"class": type(model).__name__, "predict": model.predict(X).tolist()}
        estimator.with_suffix(".json").write_text(json.dumps(expected))


if __name__ == "__main__":
    write_missing()
