"""Single estimators in a model file: exact round trips, clear refusals, no code on loading."""

import json

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
from safetensors_by_hand import read, write
from sklearn.base import is_classifier
from sklearn.utils import get_tags

import smelt
from smelt._native import NATIVE, load_native
from smelt.errors import ModelFileError


def data(name, dtype=np.float64, classes=(0, 1, 2), n=120):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, 4)).astype(dtype)
    raw = X @ np.array([1.0, -2.0, 0.5, 0.0]) + 0.1 * rng.standard_normal(n)
    estimator = small(name) if "." in name else None
    if estimator is not None and get_tags(estimator).input_tags.positive_only:
        X = np.floor(np.abs(2 * X))
    if estimator is not None and is_classifier(estimator):
        return X, np.asarray(classes)[np.digitize(raw, np.quantile(raw, [0.3, 0.6]))]
    if name.endswith("Ranker"):
        return X, np.digitize(raw, np.quantile(raw, [0.3, 0.6])).astype(float)
    return X, raw


def small(name):
    cls = load_native(name)
    if name.startswith("random_projection."):
        return cls(2, random_state=0)
    return cls(max_iter=8) if "Boosting" in name else cls()


def round_trip(estimator, folder):
    smelt.save(estimator, folder / "model.smelt")
    return smelt.load(folder / "model.smelt")


def assert_same(a, b):
    """Equal values of equal types, all the way down."""
    assert type(a) is type(b)
    if isinstance(a, np.ndarray):
        assert (a.dtype, a.shape, a.flags.f_contiguous) == (b.dtype, b.shape, b.flags.f_contiguous)
        np.testing.assert_array_equal(a, b)
    elif sp.issparse(a):
        assert (a.format, a.shape) == (b.format, b.shape)
        for part in ("indptr", "indices", "data"):
            assert_same(getattr(a, part), getattr(b, part))
    elif isinstance(a, dict):
        assert list(a) == list(b)
        for key in a:
            assert_same(a[key], b[key])
    elif isinstance(a, (list, tuple)):
        assert len(a) == len(b)
        for x, y in zip(a, b, strict=True):
            assert_same(x, y)
    elif hasattr(a, "__dict__"):
        assert_same(dict(sorted(vars(a).items())), dict(sorted(vars(b).items())))
    else:
        assert a == b or (a != a and b != b)


def answers(model, X):
    """Predictions, or what a model without them says of rows."""
    if hasattr(model, "predict"):
        return model.predict(X)
    if hasattr(model, "transform"):
        code = model.transform(X)
        return code.toarray() if sp.issparse(code) else code
    if hasattr(model, "embedding_"):
        return model.embedding_
    return model.kneighbors(X)[1] if hasattr(model, "kneighbors") else model.fit_predict(X)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", NATIVE)
def test_every_attribute_comes_back(name, dtype, tmp_path):
    X, y = data(name, dtype)
    fitted = small(name).fit(X, y)
    loaded = round_trip(fitted, tmp_path)
    assert_same(dict(sorted(vars(fitted).items())), dict(sorted(vars(loaded).items())))
    np.testing.assert_array_equal(answers(loaded, X), answers(fitted, X))
    if hasattr(fitted, "predict_proba"):
        np.testing.assert_array_equal(loaded.predict_proba(X), fitted.predict_proba(X))


@pytest.mark.parametrize(
    "classes",
    [
        np.array(["low", "mid", "größer"]),
        np.array(["low", "mid", "high"], dtype=object),
        np.array([-5, 3, 1000]),
        np.array([False, True, True]),
        np.array([0.0, 1.0, 2.0], dtype=np.float32),
    ],
    ids=["text", "objects", "integers", "booleans", "floats"],
)
@pytest.mark.parametrize(
    "name", [name for name in NATIVE if "Classifier" in name or "Logi" in name]
)
def test_classes_of_every_type_come_back(name, classes, tmp_path):
    X, y = data(name, classes=classes)
    fitted = small(name).fit(X, y)
    loaded = round_trip(fitted, tmp_path)
    assert_same(fitted.classes_, loaded.classes_)
    assert_same(fitted.predict(X), loaded.predict(X))


@pytest.mark.parametrize("name", NATIVE)
def test_feature_names_come_back(name, tmp_path):
    X, y = data(name)
    frame = pd.DataFrame(X, columns=["a", "b", "ü", "d e"])
    fitted = small(name).fit(frame, y)
    loaded = round_trip(fitted, tmp_path)
    assert_same(fitted.feature_names_in_, loaded.feature_names_in_)
    np.testing.assert_array_equal(answers(loaded, frame), answers(fitted, frame))
    only_fit = {"AgglomerativeClustering", "DBSCAN", "HDBSCAN", "TSNE"}
    if name.rpartition(".")[2] not in only_fit:
        with pytest.raises(ValueError, match="feature names"):
            answers(loaded, frame.rename(columns={"a": "A"}))


@pytest.mark.parametrize(
    ("part", "value"),
    [("indices", 99), ("indices", -1), ("indptr", 99), ("indptr", -1)],
)
def test_broken_sparse_matrices_are_refused(part, value, tmp_path):
    from smelt.errors import ModelFileError
    from smelt.random_projection import SparseRandomProjection

    X, _ = data("random_projection.SparseRandomProjection")
    fitted = SparseRandomProjection(3, random_state=0).fit(X)
    getattr(fitted.components_, part)[-1] = value
    with pytest.raises(ModelFileError, match="sparse matrix"):
        round_trip(fitted, tmp_path)


def test_categorical_columns_of_frames_come_back(tmp_path):
    from smelt.ensemble import HistGradientBoostingRegressor

    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "size": rng.standard_normal(300),
            "colour": pd.Categorical(rng.choice(["red", "green", "blue", None], 300)),
            "floor": pd.Categorical(rng.integers(0, 5, 300)),
        }
    )
    y = frame["colour"].cat.codes + rng.standard_normal(300) / 10
    fitted = HistGradientBoostingRegressor(max_iter=10).fit(frame, y)
    loaded = round_trip(fitted, tmp_path)
    np.testing.assert_array_equal(loaded.predict(frame), fitted.predict(frame))
    other = frame.assign(colour=pd.Categorical(["pink"] * 300))
    np.testing.assert_array_equal(loaded.predict(other), fitted.predict(other))


def shop(n=300):
    """Categories of many types, in a frame and as plain objects."""
    rng = np.random.default_rng(1)
    columns = {
        "colour": rng.choice(["red", "grün", "blue"], n).astype(object),
        "size": rng.standard_normal(n),
        "floor": rng.integers(-2, 300, n),
        "open": rng.choice([True, False], n),
    }
    columns["colour"][:20] = None
    score = (columns["colour"] == "red") + columns["open"] + 0.1 * rng.standard_normal(n)
    return columns, score


def as_frame(columns, library):
    if library == "pandas":
        frame = pd.DataFrame(columns)
        return frame.astype(dict.fromkeys(["colour", "floor", "open"], "category"))
    return pl.DataFrame(
        {
            "colour": pl.Series(columns["colour"].tolist(), dtype=pl.Enum(["blue", "grün", "red"])),
            "size": columns["size"],
            "open": pl.Series(np.where(columns["open"], "yes", "no")).cast(pl.Categorical),
        }
    )


@pytest.mark.parametrize("library", ["pandas", "polars"])
@pytest.mark.parametrize("task", ["Classifier", "Regressor"])
def test_encoders_of_categories_come_back(task, library, tmp_path):
    columns, score = shop()
    X = as_frame({**columns, "floor": columns["floor"] % 40}, library)
    y = np.where(score > 0.8, "far", "near") if task == "Classifier" else score
    fitted = load_native(f"ensemble.HistGradientBoosting{task}")(max_iter=10).fit(X, y)
    assert fitted._encoder is not None
    loaded = round_trip(fitted, tmp_path)
    np.testing.assert_array_equal(loaded.predict(X), fitted.predict(X))
    if task == "Classifier":
        np.testing.assert_array_equal(loaded.predict_proba(X), fitted.predict_proba(X))
    again = round_trip(loaded, tmp_path)
    np.testing.assert_array_equal(again.predict(X), fitted.predict(X))
    assert (tmp_path / "model.smelt").stat().st_size < 100_000


def test_encoders_of_arrays_of_objects_come_back(tmp_path):
    from smelt.ensemble import HistGradientBoostingClassifier

    columns, score = shop()
    X = np.column_stack([columns["colour"], columns["size"].astype(object)])
    fitted = HistGradientBoostingClassifier(max_iter=10, categorical_features=[0])
    fitted.fit(X, score > 0.8)
    loaded = round_trip(fitted, tmp_path)
    unseen = X.copy()
    unseen[:50, 0] = "pink"
    for rows in (X, unseen):
        np.testing.assert_array_equal(loaded.predict_proba(rows), fitted.predict_proba(rows))


@pytest.mark.parametrize(
    "params",
    [
        {"alpha": np.array([1.0, 2.0]), "random_state": 3},
        {"alpha": np.float64(0.1), "max_iter": None, "tol": 1e-300},
        {"alpha": float("inf"), "solver": "nonsense"},
        {"alpha": (1, [2.5, {"a": None, 3: "x"}]), "copy_X": "yes"},
    ],
)
def test_parameters_come_back_as_they_are(params, tmp_path):
    from smelt.linear_model import Ridge

    estimator = Ridge(**params)
    loaded = round_trip(estimator, tmp_path)
    assert_same(estimator.get_params(deep=False), loaded.get_params(deep=False))


def test_what_cannot_be_saved_is_refused(tmp_path):
    import sklearn.linear_model

    from smelt.linear_model import Ridge

    class Mine(Ridge):
        pass

    path = tmp_path / "model.smelt"
    for model, message in [
        (sklearn.linear_model.Ridge(), "import Ridge from smelt.linear_model"),
        (sklearn.linear_model.Lars(), r"smelt.native\(\) lists"),
        (Mine(), "Mine"),
        (Ridge, "type"),
        ({"a": 1}, "dict"),
        (Ridge(alpha=lambda: 1), "params.alpha is a builtins.function"),
        (Ridge(random_state=np.random.RandomState(0)), "RandomState"),
        (Ridge(alpha=np.array([1j])), "complex128"),
        (Ridge(alpha=sp.coo_array((1, 1))), "coo_array"),
    ]:
        with pytest.raises(TypeError, match=message):
            smelt.save(model, path)
    assert not path.exists()


@pytest.fixture
def ridge_file(tmp_path):
    from smelt.linear_model import Ridge

    X, y = data("Ridge")
    smelt.save(Ridge().fit(X, y), tmp_path / "ridge.smelt")
    return tmp_path / "ridge.smelt"


def edited(path, edit):
    """Change the description of the estimator, with the hash made right."""
    metadata, tensors = read(path.read_bytes())
    manifest = json.loads(metadata["smelt.manifest"])
    edit(manifest["estimator"])
    path.write_bytes(write({**metadata, "smelt.manifest": json.dumps(manifest)}, tensors))


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda e: e.update({"class": "os.system"}), "does not know"),
        (lambda e: e.update({"class": ["linear_model.Ridge"]}), "does not know"),
        (lambda e: e["params"].update(strength=1), "no parameter 'strength'"),
        (lambda e: e["attributes"].update(predict=1), "cannot have an attribute 'predict'"),
        (lambda e: e["attributes"].update(__class__=1), "cannot have an attribute"),
        (lambda e: e["attributes"].update({"a b": 1}), "cannot have an attribute"),
        (lambda e: e["attributes"].update(coef_={"type": "pickle"}), "unknown type 'pickle'"),
        (lambda e: e["attributes"].update(coef_={"type": ["array"]}), "unknown type"),
        (lambda e: e["attributes"].update(coef_={"type": "array"}), "damaged"),
        (lambda e: e["attributes"].update(coef_={"type": "array", "tensor": "x"}), "damaged"),
        (
            lambda e: e["attributes"].update(
                n={"type": "objects", "shape": [1 << 60], "items": []}
            ),
            "damaged",
        ),
        (lambda e: e["attributes"].update(n={"type": "dict", "items": [[[], 1]]}), "damaged"),
        (lambda e: e["attributes"].pop("coef_"), "cannot predict"),
        (lambda e: e["attributes"].update(n_features_in_=5), "cannot predict"),
        (lambda e: e["attributes"].update(n_features_in_=1 << 60), "cannot predict"),
        (lambda e: e["attributes"].update(intercept_="1"), "cannot predict"),
        (lambda e: e["attributes"].update(feature_names_in_=["a"]), "cannot predict"),
        (lambda e: e.pop("params"), "damaged"),
        (lambda e: e.update(attributes=[1]), "damaged"),
    ],
)
def test_edited_descriptions_are_refused(ridge_file, edit, message):
    edited(ridge_file, edit)
    with pytest.raises(ModelFileError, match=message):
        smelt.load(ridge_file)


def test_text_arrays_of_absurd_width_are_refused(tmp_path):
    from smelt.linear_model import Ridge

    smelt.save(Ridge(alpha=np.array(["a", "b"])), tmp_path / "ridge.smelt")
    edited(tmp_path / "ridge.smelt", lambda e: e["params"]["alpha"].update(width=1 << 30))
    with pytest.raises(ModelFileError, match="width"):
        smelt.load(tmp_path / "ridge.smelt")


def test_an_estimator_is_no_table_model(ridge_file):
    from smelt.export.model_file import open_model

    with pytest.raises(ModelFileError, match="holds a single estimator"):
        open_model(ridge_file)
