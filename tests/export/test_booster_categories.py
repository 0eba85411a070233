"""Categories that smelt encodes itself: values above 255, frames in another order, text."""

import numpy as np
import pytest
from booster_checks import is_a_good_citizen

from smelt.ensemble import HistGradientBoostingRegressor
from smelt.errors import UsageError
from smelt.export import from_lightgbm, from_xgboost, to_lightgbm, to_xgboost

WRITE = {"lightgbm": (to_lightgbm, from_lightgbm), "xgboost": (to_xgboost, from_xgboost)}


def data(values):
    """A categorical column out of ``values`` (some missing), a number, and a target."""
    rng = np.random.default_rng(4)
    codes = rng.integers(0, len(values), 3000)
    number = rng.normal(size=3000).astype(np.float32)
    missing = rng.random(3000) < 0.1
    target = np.sin(7.0 * codes) + np.where(missing, 2.0, 0.0) + 0.3 * number
    return codes, number, missing, target


def predict(name, path, rows):
    """What the other library predicts."""
    if name == "lightgbm":
        library = pytest.importorskip("lightgbm", reason="LightGBM is not installed")
        return library.Booster(model_file=str(path)).predict(rows)
    library = pytest.importorskip("xgboost", reason="XGBoost is not installed")
    if tuple(map(int, library.__version__.split(".")[:2])) < (3, 1):
        pytest.skip("XGBoost keeps the categories of frames since 3.1")
    booster = library.Booster(model_file=str(path))
    return booster.predict(library.DMatrix(rows, enable_categorical=True))


@pytest.mark.parametrize("name", WRITE)
def test_arrays_of_large_codes_keep_them(name, tmp_path):
    values = np.arange(60) * 137.0
    codes, number, missing, target = data(values)
    X = np.column_stack([number, np.where(missing, np.nan, values[codes])])
    model = HistGradientBoostingRegressor(max_iter=10, categorical_features=[1]).fit(X, target)
    write, read = WRITE[name]
    write(model, tmp_path / "model.json")
    T = np.vstack([X[:300], [[0.0, 5.0], [0.0, 137 * 60]]])
    expected = model.predict(T)
    if name == "lightgbm":  # XGBoost's files do not tell which codes above 255 were known
        back = read(tmp_path / "model.json")
        assert np.abs(back.predict(T) - expected).max() < 1e-12
        is_a_good_citizen(back, T, tmp_path / "model.smelt")
    assert np.abs(predict(name, tmp_path / "model.json", T) - expected).max() < 1e-6


@pytest.mark.parametrize("name", WRITE)
def test_frames_with_numbers_in_another_order(name, tmp_path):
    pd = pytest.importorskip("pandas", reason="pandas is not installed")
    values = np.array([30, 10, 20, 400, 5, 7])
    codes, number, missing, target = data(values)
    kinds = pd.Categorical.from_codes(np.where(missing, -1, codes), values)
    frame = pd.DataFrame({"number": number, "kind": kinds})
    write, read = WRITE[name]
    model = HistGradientBoostingRegressor(max_iter=10).fit(frame, target)
    path = tmp_path / "ours.json"
    write(model, path)
    for found in (read(path).predict(frame), predict(name, path, frame)):
        assert np.abs(found - model.predict(frame)).max() < 1e-6
    library = pytest.importorskip(name, reason=f"{name} is not installed")
    if name == "lightgbm":
        trained = library.train({"verbose": -1}, library.Dataset(frame, target), 10)
    else:
        table = library.DMatrix(frame, target, enable_categorical=True)
        trained = library.train({"nthread": 1}, table, 10)
    ending = "txt" if name == "lightgbm" else "json"
    trained.save_model(tmp_path / f"theirs.{ending}")
    expected = predict(name, tmp_path / f"theirs.{ending}", frame)
    back = read(tmp_path / f"theirs.{ending}")
    assert np.abs(back.predict(frame) - expected).max() < 1e-6
    is_a_good_citizen(back, frame, tmp_path / "model.smelt")


@pytest.mark.parametrize("name", WRITE)
@pytest.mark.parametrize("values", [np.array(["a", "b", "c"], object), np.array([-1.0, 0.5, 2.0])])
def test_arrays_of_what_is_no_code_cannot_leave(name, values, tmp_path):
    codes, number, _, target = data(values)
    X = np.empty((len(codes), 2), dtype=values.dtype)
    X[:, 0], X[:, 1] = number, values[codes]
    model = HistGradientBoostingRegressor(max_iter=2, categorical_features=[1]).fit(X, target)
    with pytest.raises(UsageError, match="whole numbers from 0"):
        WRITE[name][0](model, tmp_path / "model")
