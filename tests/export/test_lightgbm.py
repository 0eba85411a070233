"""Models to and from LightGBM's text files."""

import json

import booster_rows as rows
import numpy as np
import pytest
from booster_checks import FOLDER, answer, golden, is_a_good_citizen, only_typed_errors
from sklearn.exceptions import NotFittedError

import smelt
from smelt.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRanker,
    HistGradientBoostingRegressor,
    RandomForestRegressor,
)
from smelt.errors import ModelFileError, UsageError
from smelt.export import from_lightgbm, to_lightgbm
from smelt.inspection import TreeExplainer

FILES = sorted(path.stem for path in FOLDER.glob("lightgbm_*.txt"))
Classifier, Regressor = HistGradientBoostingClassifier, HistGradientBoostingRegressor
Ranker = HistGradientBoostingRanker
T = rows.test_rows()
TINY = ((T != 0) & (np.abs(T) < 1e-34)).any(axis=1)  # LightGBM takes these as 0
FINITE = T[~np.isinf(T).any(axis=1)]


def lightgbm():
    return pytest.importorskip("lightgbm", reason="LightGBM is not installed")


def ours(model, target):
    X, y = rows.train_rows()
    group = {"group": [15] * (len(X) // 15)} if isinstance(model, Ranker) else {}
    model.set_params(max_iter=8, categorical_features=rows.CATEGORICAL, early_stopping=False)
    return model.set_params(random_state=0, min_samples_leaf=5).fit(X, target(y), **group)


OURS = {
    "binary": (Classifier(), rows.labels),
    "multiclass": (Classifier(), rows.grades),
    "squared error": (Regressor(), rows.positive),
    "absolute error": (Regressor("absolute_error"), rows.positive),
    "huber": (Regressor("huber", delta=0.5), rows.positive),
    "poisson": (Regressor("poisson"), rows.positive),
    "gamma": (Regressor("gamma"), rows.positive),
    "tweedie": (Regressor("tweedie", power=1.3), rows.positive),
    "quantile": (Regressor("quantile", quantile=0.3), rows.positive),
    "cross entropy": (Regressor("cross_entropy"), rows.labels),
    "ranker": (Ranker(), rows.grades),
    "linear": (Regressor(linear_leaves=True), rows.positive),
    "linear multiclass": (Classifier(linear_leaves=True), rows.grades),
    "symmetric": (Classifier(grow_policy="symmetric", max_depth=4), rows.labels),
    "dart": (Classifier(drop_rate=0.5, skip_drop=0.1), rows.labels),
    "custom": (Regressor(lambda y, raw: (raw - y, np.ones_like(y))), rows.positive),
}


@pytest.mark.parametrize("name", OURS)
def test_what_we_write_lightgbm_and_we_ourselves_predict_alike(name, tmp_path):
    model = ours(*OURS[name])
    path = tmp_path / "model.txt"
    to_lightgbm(model, path)
    linear = "linear" in name
    X = T[~TINY]
    back = from_lightgbm(path)
    assert type(back) is type(model)
    parameter = {"huber": "delta", "tweedie": "power", "quantile": "quantile"}.get(name, "loss")
    if name != "custom":
        assert getattr(back, parameter) == getattr(model, parameter)
    if linear:
        X = T[~TINY & ~np.isinf(T).any(axis=1)]
        assert np.allclose(answer(back, X), answer(model, X), rtol=1e-13, atol=1e-13)
    else:
        assert np.array_equal(answer(back, X), answer(model, X))
    to_lightgbm(back, tmp_path / "again.txt")
    assert answer(from_lightgbm(tmp_path / "again.txt"), X).tolist() == answer(back, X).tolist()
    theirs = lightgbm().Booster(model_file=str(path)).predict(X)
    assert np.abs(theirs - answer(model, X)).max() < 1e-12


@pytest.mark.parametrize("name", FILES)
def test_files_of_lightgbm_predict_as_it_does(name, tmp_path):
    X, expected = golden(name)
    model = from_lightgbm(FOLDER / f"{name}.txt")
    assert np.abs(answer(model, X) - expected).max() < 1e-12
    is_a_good_citizen(model, X, tmp_path / "model.smelt")
    if name != "lightgbm_linear":
        explained = TreeExplainer(model)(X)
        raw = model._raw_predict(X)
        total = explained.values.sum(axis=1) + explained.base_values
        assert np.abs(total.reshape(raw.shape) - raw).max() < 1e-10


THEIRS = [
    ({"objective": "binary", "sigmoid": 2.0}, rows.labels),
    ({"objective": "multiclass", "num_class": 2}, rows.labels),
    ({"objective": "multiclass", "num_class": 4, "linear_tree": True}, rows.grades),
    ({"objective": "binary", "zero_as_missing": True, "num_leaves": 60}, rows.labels),
    ({"objective": "regression", "use_missing": False, "linear_tree": True}, rows.positive),
    ({"objective": "regression", "data_sample_strategy": "goss"}, rows.positive),
    ({"objective": "regression", "min_data_in_leaf": 10_000}, rows.positive),
    ({"objective": "rank_xendcg"}, rows.grades),
    *(
        ({"objective": name}, rows.positive)
        for name in ("regression_l1", "huber", "fair", "quantile", "mape", "gamma", "tweedie")
    ),
    ({"objective": "cross_entropy"}, rows.labels),
    (
        {"objective": "multiclass", "num_class": 4, "boosting": "rf", "bagging_freq": 1,
         "bagging_fraction": 0.5},
        rows.grades,
    ),
]  # fmt: skip


@pytest.mark.parametrize(("parameters", "target"), THEIRS)
def test_models_of_lightgbm_come_over(parameters, target, tmp_path):
    library = lightgbm()
    X, y = rows.train_rows()
    group = [15] * (len(X) // 15) if "rank" in parameters["objective"] else None
    data = library.Dataset(X, target(y), categorical_feature=rows.CATEGORICAL, group=group)
    parameters = {"num_threads": 1, "verbose": -1, "cat_smooth": 1, "seed": 3} | parameters
    library.train(parameters, data, 15).save_model(tmp_path / "model.txt")
    booster = library.Booster(model_file=str(tmp_path / "model.txt"))
    model = from_lightgbm(tmp_path / "model.txt")
    expected = booster.predict(FINITE)
    if parameters.get("num_class") == 2:
        expected = expected[:, 1]
    assert np.abs(answer(model, FINITE) - expected).max() < 1e-12
    is_a_good_citizen(model, FINITE, tmp_path / "model.smelt")
    first = from_lightgbm(tmp_path / "model.txt", n_iterations=1)
    expected = booster.predict(FINITE, num_iteration=1)
    if parameters.get("num_class") == 2:
        expected = expected[:, 1]
    assert np.abs(answer(first, FINITE) - expected).max() < 1e-12


def test_tiny_numbers_are_zeros_as_in_lightgbm(tmp_path):
    library = lightgbm()
    tiny = np.float64(np.float32(1e-35))
    rng = np.random.default_rng(0)
    X = rng.choice([-1.0, -2e-36, 0.0, 2e-36, 1.0], size=(2000, 3))
    data = library.Dataset(X, (X > 0).sum(axis=1) + (X == 0) @ [0.3, 0.1, 0.2])
    library.train({"verbose": -1, "num_threads": 1}, data, 5).save_model(tmp_path / "m.txt")
    T = rng.choice([-1, -2 * tiny, -tiny, -1e-36, 0, 5e-324, 1e-36, tiny, 2 * tiny], size=(500, 3))
    booster = library.Booster(model_file=str(tmp_path / "m.txt"))
    assert np.abs(from_lightgbm(tmp_path / "m.txt").predict(T) - booster.predict(T)).max() < 1e-12
    model = ours(Regressor(), rows.positive)
    cuts = model.trees_["threshold"]
    cuts[(model.trees_["left"] > 0) & (np.abs(cuts) < 0.2)] = 0.0
    to_lightgbm(model, tmp_path / "cuts.txt")
    booster = library.Booster(model_file=str(tmp_path / "cuts.txt"))
    assert np.abs(
        from_lightgbm(tmp_path / "cuts.txt").predict(FINITE) - booster.predict(FINITE)
    ).max() < (1e-12)


def test_early_stopping_leaves_the_best_iterations_in_the_file(tmp_path):
    library = lightgbm()
    X, y = rows.train_rows()
    data = library.Dataset(X[:400], y[:400])
    held = library.Dataset(X[400:], y[400:], reference=data)
    booster = library.train(
        {"verbose": -1, "learning_rate": 0.5, "num_threads": 1}, data, 200, valid_sets=[held],
        callbacks=[library.early_stopping(5, verbose=False)],
    )  # fmt: skip
    booster.save_model(tmp_path / "model.txt")
    model = from_lightgbm(tmp_path / "model.txt")
    assert model.n_iter_ == booster.best_iteration < 200
    assert np.abs(model.predict(FINITE) - booster.predict(FINITE)).max() < 1e-12


def test_attributions_are_lightgbms(tmp_path):
    model = ours(Classifier(), rows.labels)
    to_lightgbm(model, tmp_path / "model.txt")
    booster = lightgbm().Booster(model_file=str(tmp_path / "model.txt"))
    X = rows.train_rows()[0][:30]
    found = TreeExplainer(from_lightgbm(tmp_path / "model.txt")).shap_values(X)
    assert np.allclose(found, booster.predict(X, pred_contrib=True)[:, :-1], atol=1e-10)


def test_frames_keep_names_and_categories(tmp_path):
    pd = pytest.importorskip("pandas", reason="pandas is not installed")
    X, y = rows.train_rows()
    frame = pd.DataFrame(X, columns=["a", "b", "c", "d", "e"])
    frame.insert(1, "kind", pd.Categorical([f"k{int(k)}" if k == k else None for k in X[:, 3]]))
    frame["e"] = pd.Categorical([10 * int(k) if k == k else None for k in X[:, 4]])
    unseen = frame.assign(kind=pd.Categorical(["k1", "new", None] * (len(X) // 3)))
    model = Regressor(max_iter=5).fit(frame, y)
    to_lightgbm(model, tmp_path / "ours.txt")
    back = from_lightgbm(tmp_path / "ours.txt")
    assert back.feature_names_in_.tolist() == list(frame.columns)
    for table in (frame, unseen):
        assert np.array_equal(back.predict(table), model.predict(table))
    is_a_good_citizen(back, frame, tmp_path / "model.smelt")
    library = lightgbm()
    booster = library.Booster(model_file=str(tmp_path / "ours.txt"))
    for table in (frame, unseen):
        assert np.abs(booster.predict(table) - model.predict(table)).max() < 1e-12
    data = library.Dataset(frame, y)
    library.train({"verbose": -1, "num_threads": 1}, data, 5).save_model(tmp_path / "theirs.txt")
    booster = library.Booster(model_file=str(tmp_path / "theirs.txt"))
    model = from_lightgbm(tmp_path / "theirs.txt")
    for table in (frame, unseen):
        assert np.abs(booster.predict(table) - model.predict(table)).max() < 1e-12


def test_class_labels_are_given_back(tmp_path):
    model = ours(Classifier(), lambda y: np.array(["low", "high"])[rows.labels(y)])
    to_lightgbm(model, tmp_path / "model.txt")
    assert from_lightgbm(tmp_path / "model.txt").classes_.tolist() == [0, 1]
    back = from_lightgbm(tmp_path / "model.txt", classes=model.classes_)
    assert np.array_equal(back.predict(T), model.predict(T))
    for classes in (["one"], ["same", "same"]):
        with pytest.raises(UsageError, match="classes must name the 2 classes"):
            from_lightgbm(tmp_path / "model.txt", classes=classes)


def test_an_imported_model_is_gone_on_with(tmp_path):
    X, y = rows.train_rows()
    model = Regressor(max_iter=5, early_stopping=False).fit(X, y)
    to_lightgbm(model, tmp_path / "model.txt")
    back = from_lightgbm(tmp_path / "model.txt")
    more = Regressor(max_iter=5, early_stopping=False).fit(X, y, init_model=back)
    whole = Regressor(max_iter=10, early_stopping=False).fit(X, y)
    assert more.n_iter_ == 10
    assert np.allclose(more.predict(X), whole.predict(X), atol=1e-9)


def test_what_cannot_be_written_says_why(tmp_path):
    X, y = rows.train_rows()
    path = tmp_path / "model.txt"
    with pytest.raises(UsageError, match="several quantiles"):
        to_lightgbm(Regressor("quantile", quantile=[0.2, 0.8], max_iter=2).fit(X, y), path)
    with pytest.raises(UsageError, match="a single class"):
        to_lightgbm(Classifier(max_iter=1).fit(X, np.ones(len(X))), path)
    statistics = Regressor(
        max_iter=2, max_bins=20, categorical_features=[3], high_cardinality="target"
    )
    with pytest.raises(UsageError, match="target statistics"):
        to_lightgbm(statistics.fit(X, y), path)
    with pytest.raises(TypeError, match="RandomForestRegressor"):
        to_lightgbm(RandomForestRegressor(), path)
    with pytest.raises(NotFittedError):
        to_lightgbm(Regressor(), path)
    with pytest.raises(UsageError, match="no folder"):
        to_lightgbm(Regressor(max_iter=1).fit(X, y), tmp_path / "missing" / "model.txt")
    assert not path.exists()


def test_blanks_in_names_become_underscores_and_must_not_clash(tmp_path):
    pd = pytest.importorskip("pandas", reason="pandas is not installed")
    X, y = rows.train_rows()
    frame = pd.DataFrame(X[:, :2], columns=["a b", "c"])
    to_lightgbm(Regressor(max_iter=1).fit(frame, y), tmp_path / "model.txt")
    assert from_lightgbm(tmp_path / "model.txt").feature_names_in_.tolist() == ["a_b", "c"]
    frame.columns = ["a b", "a_b"]
    with pytest.raises(UsageError, match="both be called 'a_b'"):
        to_lightgbm(Regressor(max_iter=1).fit(frame, y), tmp_path / "model.txt")


BINARY = (FOLDER / "lightgbm_binary.txt").read_text()


@pytest.mark.parametrize(
    ("old", "new", "match"),
    [
        ("binary sigmoid:1", "multiclassova num_class:1 sigmoid:1", "no softmax"),
        ("binary sigmoid:1", "cross_entropy_lambda", r"log\(1 \+ exp"),
        ("binary sigmoid:1", "regression sqrt", "reg_sqrt"),
        ("binary sigmoid:1", "new_thing", "'new_thing'"),
        ("end of trees", "", "cut off"),
        ("tree\n", "{", "begins with 'tree'"),
        ("Tree=2", "Tree=3", "not 'Tree=2'"),
        ("right_child=1", "right_child=0", "child of two nodes, or its own ancestor"),
        ("right_child=1", "right_child=99", "line 20 .tree 0., right_child"),
        ("num_leaves=6", "num_leaves=1000000", "6 values where 1000000 belong"),
        ("split_feature=0", "split_feature=7", "tree 0: a split is on a column"),
        ("leaf_value=", "leaf_value=nan ", "leaf_value"),
        ("max_feature_idx=4", "max_feature_idx=4000000", "feature_names"),
        ("max_feature_idx=4", "max_feature_idx=99999999999", "max_feature_idx"),
        ("pandas_categorical:null", "pandas_categorical:[[1]]", "does not tell which"),
        ("pandas_categorical:null", "pandas_categorical:[", "no JSON"),
    ],
)
def test_what_cannot_be_read_says_where(old, new, match, tmp_path):
    assert old in BINARY
    path = tmp_path / "model.txt"
    path.write_text(BINARY.replace(old, new, 1))
    with pytest.raises(ModelFileError, match=match):
        from_lightgbm(path)


def test_codes_above_255_come_over_where_the_splits_name_few(tmp_path):
    library = lightgbm()
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.integers(0, 90, 5000) * 137, rng.normal(size=5000)])
    X[rng.random(5000) < 0.1, 0] = np.nan
    y = (X[:, 0] % 5 == 0) + X[:, 1] + 0.1 * rng.normal(size=5000)
    data = library.Dataset(X, y, categorical_feature=[0])
    parameters = {"verbose": -1, "min_data_per_group": 1, "num_threads": 1}
    library.train(parameters, data, 10).save_model(tmp_path / "m.txt")
    T = np.vstack([X[:500], [[-1, 0], [5, 0], [255, 0], [10**6, 0], [137 * 89 + 1, 0]]])
    model = from_lightgbm(tmp_path / "m.txt")
    expected = library.Booster(model_file=str(tmp_path / "m.txt")).predict(T)
    assert np.abs(model.predict(T) - expected).max() < 1e-12
    is_a_good_citizen(model, T, tmp_path / "model.smelt")
    to_lightgbm(model, tmp_path / "back.txt")
    back = library.Booster(model_file=str(tmp_path / "back.txt"))
    assert np.abs(back.predict(T) - expected).max() < 1e-12


def test_splits_on_too_many_categories_are_refused(tmp_path):
    lines = BINARY.split("\n")
    at = next(k for k, line in enumerate(lines) if line.startswith("cat_boundaries=0 "))
    words = lines[at + 1].count(" ") + 1
    lines[at : at + 2] = [f"cat_boundaries=0 {words + 9}",
                          lines[at + 1] + " 4294967295" * 9]  # fmt: skip
    sizes = next(k for k, line in enumerate(lines) if line.startswith("num_cat=1"))
    assert sizes < at
    (tmp_path / "m.txt").write_text("\n".join(lines))
    with pytest.raises(ModelFileError, match=r"name \d+ categories of column 3"):
        from_lightgbm(tmp_path / "m.txt")


def test_a_missing_file_and_arguments_that_do_not_fit(tmp_path):
    with pytest.raises(ModelFileError, match="there is no file"):
        from_lightgbm(tmp_path / "nothing.txt")
    with pytest.raises(ModelFileError, match="cannot read"):
        from_lightgbm(tmp_path)
    with pytest.raises(UsageError, match="n_iterations=9"):
        from_lightgbm(FOLDER / "lightgbm_binary.txt", n_iterations=9)
    with pytest.raises(UsageError, match="classes were given"):
        from_lightgbm(FOLDER / "lightgbm_zeros.txt", classes=[0, 1])


@pytest.mark.parametrize("name", FILES)
def test_damaged_files_give_typed_errors_only(name, tmp_path):
    data = (FOLDER / f"{name}.txt").read_bytes()
    sound = only_typed_errors(from_lightgbm, data, tmp_path / "m.txt", range(150), golden(name)[0])
    assert sound < 150


def test_a_written_file_is_a_plain_text_of_a_known_form(tmp_path):
    to_lightgbm(ours(Classifier(), rows.labels), tmp_path / "model.txt")
    text = (tmp_path / "model.txt").read_text()
    assert text.startswith("tree\nversion=v4\nnum_class=1\n")
    assert json.loads(text.rstrip().rpartition("pandas_categorical:")[2]) is None
    sizes = [line for line in text.splitlines() if line.startswith("tree_sizes=")]
    assert len(sizes[0].split()) == 8
    assert smelt.export.from_lightgbm is from_lightgbm
