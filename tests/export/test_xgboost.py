"""Models to and from XGBoost's JSON files."""

import json

import booster_rows as rows
import numpy as np
import pytest
from booster_checks import FOLDER, answer, golden, is_a_good_citizen, only_typed_errors
from sklearn.exceptions import NotFittedError

from smelt.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRanker,
    HistGradientBoostingRegressor,
)
from smelt.errors import ModelFileError, UsageError
from smelt.export import from_xgboost, to_xgboost
from smelt.export.boosters.xgboost_borders import borders_above, thresholds_below
from smelt.inspection import TreeExplainer

FILES = {path.name.split(".")[0]: path for ending in ("json", "ubj")
         for path in sorted(FOLDER.glob(f"xgboost_*.{ending}"))
         if not path.name.endswith(".expected.json")}  # fmt: skip
Classifier, Regressor = HistGradientBoostingClassifier, HistGradientBoostingRegressor
Ranker = HistGradientBoostingRanker
T = rows.test_rows()
T = T[~np.isinf(T).any(axis=1) & (np.nan_to_num(T[:, 4]) >= 0) & (np.nan_to_num(T[:, 4]) < 256)]
T32 = T.astype(np.float32)
TYPES = ["c" if k in rows.CATEGORICAL else "q" for k in range(5)]


def xgboost():
    return pytest.importorskip("xgboost", reason="XGBoost is not installed")


def table(X, y=None, types=TYPES):
    return xgboost().DMatrix(X, y, feature_types=types, enable_categorical=True)


def close(found, expected):
    """Equal within 1e-6 of the largest: XGBoost sums in 32 bits."""
    return np.abs(found - expected).max() < 1e-6 * max(1.0, np.abs(expected).max())


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
    "quantiles": (Regressor("quantile", quantile=[0.3, 0.8]), rows.positive),
    "cross entropy": (Regressor("cross_entropy"), rows.labels),
    "ranker": (Ranker(), rows.grades),
    "symmetric": (Classifier(grow_policy="symmetric", max_depth=4), rows.labels),
    "dart": (Classifier(drop_rate=0.5, skip_drop=0.1), rows.labels),
    "custom": (Regressor(lambda y, raw: (raw - y, np.ones_like(y))), rows.positive),
}


@pytest.mark.parametrize("name", OURS)
def test_what_we_write_xgboost_and_we_ourselves_predict_alike(name, tmp_path):
    model, target = OURS[name]
    X, y = rows.train_rows()
    group = {"group": [15] * (len(X) // 15)} if isinstance(model, Ranker) else {}
    model.set_params(max_iter=15, categorical_features=rows.CATEGORICAL, early_stopping=False)
    model.set_params(random_state=0, min_samples_leaf=5)
    model.fit(X.astype(np.float32), target(y), **group)
    path = tmp_path / "model.json"
    to_xgboost(model, path)
    back = from_xgboost(path)
    assert type(back) is type(model)
    parameter = {"huber": "delta", "tweedie": "power", "quantile": "quantile"}.get(name, "loss")
    if name != "custom":
        assert getattr(back, parameter) == getattr(model, parameter)
    assert close(answer(back, T32), answer(model, T32))
    to_xgboost(back, tmp_path / "again.json")
    again = from_xgboost(tmp_path / "again.json")
    assert np.array_equal(answer(again, T32), answer(back, T32))
    theirs = xgboost().Booster(model_file=str(path)).predict(table(T32, types=None))
    assert close(theirs, answer(model, T32))


def test_every_border_divides_32_bit_numbers_as_the_threshold_does():
    rng = np.random.default_rng(0)
    thresholds = np.concatenate(
        [
            rng.normal(size=2000) * 10.0 ** rng.integers(-45, 39, 2000),
            rng.normal(size=500).astype(np.float32),
            [0.0, -0.0, np.inf, 3.5e38, -3.5e38, 1e-46, -1e-46, float(np.finfo(np.float32).max)],
        ]
    )
    borders = borders_above(thresholds)
    with np.errstate(over="ignore"):
        near = thresholds.astype(np.float32)
    for _ in range(3):
        near = np.nextafter(near, np.float32(-np.inf))
    for _ in range(7):
        finite = np.isfinite(near)
        goes_left = near.astype(np.float64) <= thresholds
        assert np.array_equal((near < borders)[finite], goes_left[finite])
        with np.errstate(over="ignore"):
            near = np.nextafter(near, np.float32(np.inf))


def test_every_threshold_divides_64_bit_numbers_as_the_rounded_border_does():
    rng = np.random.default_rng(1)
    borders = np.concatenate(
        [
            rng.normal(size=2000) * 10.0 ** rng.integers(-44, 38, 2000),
            [0.0, np.inf, 1e-45, -1e-45, np.finfo(np.float32).max],
        ]
    ).astype(np.float32)
    thresholds = thresholds_below(borders)
    halfway = borders.astype(np.float64) / 2
    halfway += np.nextafter(borders, np.float32(-np.inf)).astype(np.float64) / 2
    halfway = np.where(np.isinf(borders), np.finfo(np.float32).max, halfway)
    for shift in (-3, -1, 0, 1, 3):
        x = halfway
        for _ in range(abs(shift)):
            x = np.nextafter(x, np.inf * np.sign(shift))
        with np.errstate(over="ignore"):
            assert np.array_equal(x.astype(np.float32) < borders, x <= thresholds), shift
    assert np.array_equal(borders_above(thresholds), borders)


@pytest.mark.parametrize("name", FILES)
def test_files_of_xgboost_predict_as_it_does(name, tmp_path):
    X, expected = golden(name)
    X = X.copy()
    seen = ~(X[:, 4] > 255) & ~(X[:, 4] < 0)
    model = from_xgboost(FILES[name])
    assert close(answer(model, X)[seen], expected[seen])
    is_a_good_citizen(model, X, tmp_path / "model.smelt")
    explained = TreeExplainer(model)(X)
    raw = model._raw_predict(X)
    total = explained.values.sum(axis=1) + explained.base_values
    assert np.abs(total.reshape(raw.shape) - raw).max() < 1e-10


THEIRS = [
    ({"objective": "binary:logistic", "base_score": 0.2}, rows.labels),
    ({"objective": "binary:logistic", "max_cat_to_onehot": 100}, rows.labels),
    ({"objective": "multi:softprob", "num_class": 2}, rows.labels),
    ({"objective": "multi:softprob", "num_class": 4, "num_parallel_tree": 2, "subsample": 0.5},
     rows.grades),
    ({"objective": "multi:softprob", "num_class": 4, "booster": "dart", "rate_drop": 0.4},
     rows.grades),
    *(
        ({"objective": f"reg:{name}"}, rows.positive)
        for name in ("absoluteerror", "pseudohubererror", "squaredlogerror", "gamma", "tweedie")
    ),
    ({"objective": "reg:logistic"}, rows.labels),
    ({"objective": "rank:pairwise"}, rows.grades),
    ({"objective": "rank:map"}, rows.labels),
    ({"objective": "reg:squarederror", "grow_policy": "lossguide", "max_leaves": 20, "gamma": 0.5},
     rows.positive),
]  # fmt: skip


@pytest.mark.parametrize(("parameters", "target"), THEIRS)
@pytest.mark.parametrize("ending", ["json", "ubj"])
def test_models_of_xgboost_come_over(parameters, target, ending, tmp_path):
    library = xgboost()
    X, y = rows.train_rows()
    data = table(X, target(y))
    if parameters["objective"].startswith("rank"):
        data.set_group([15] * (len(X) // 15))
    path = tmp_path / f"model.{ending}"
    library.train({"nthread": 1, "seed": 3, **parameters}, data, 15).save_model(path)
    booster = library.Booster(model_file=str(path))
    model = from_xgboost(path)
    for n in (None, 2):
        model = from_xgboost(path, n_iterations=n)
        expected = booster.predict(table(T), iteration_range=(0, n or 0))
        expected = expected[:, 1] if parameters.get("num_class") == 2 else expected
        assert close(answer(model, T), expected)
    is_a_good_citizen(model, T, tmp_path / "model.smelt")


def test_raw_scores_and_classes_of_other_objectives(tmp_path):
    library = xgboost()
    X, y = rows.train_rows()
    booster = library.train({"objective": "binary:logitraw"}, table(X, rows.labels(y)), 5)
    booster.save_model(tmp_path / "raw.json")
    found = from_xgboost(tmp_path / "raw.json").decision_function(T)
    assert close(found, booster.predict(table(T)))
    booster = library.train(
        {"objective": "multi:softmax", "num_class": 4}, table(X, rows.grades(y)), 5
    )
    booster.save_model(tmp_path / "softmax.json")
    labels = np.array(["a", "b", "c", "d"])
    model = from_xgboost(tmp_path / "softmax.json", classes=labels)
    assert np.array_equal(model.predict(T), labels[booster.predict(table(T)).astype(int)])


def test_64_bit_data_take_the_branches_that_xgboost_rounds_them_to(tmp_path):
    rng = np.random.default_rng(2)
    X = rng.integers(0, 40, (3000, 2)) / 10 + rng.normal(size=(3000, 2)) * 1e-8
    data = table(X, (X[:, 0] > 1.5) + X[:, 1], types=None)
    booster = xgboost().train({"max_depth": 4}, data, 20)
    booster.save_model(tmp_path / "model.json")
    model = from_xgboost(tmp_path / "model.json")
    assert close(model.predict(X), booster.predict(data))


def test_early_stopping_and_the_scikit_learn_classes(tmp_path):
    library = xgboost()
    X, y = rows.train_rows()
    X, codes = np.nan_to_num(X), rows.labels(y)
    model = library.XGBClassifier(n_estimators=200, learning_rate=0.5, early_stopping_rounds=3)
    model.fit(X[:500], codes[:500], eval_set=[(X[500:], codes[500:])], verbose=False)
    model.save_model(tmp_path / "model.json")
    whole = from_xgboost(tmp_path / "model.json")
    assert whole.best_iteration_ == model.best_iteration + 1 < whole.n_iter_
    assert close(answer(whole, X), model.get_booster().predict(library.DMatrix(X)))
    best = from_xgboost(tmp_path / "model.json", n_iterations="best")
    assert best.n_iter_ == whole.best_iteration_
    assert close(best.predict_proba(X), model.predict_proba(X))
    with pytest.raises(UsageError, match="no early stopping"):
        from_xgboost(FILES["xgboost_binary"], n_iterations="best")


def test_attributions_are_xgboosts(tmp_path):
    library = xgboost()
    X, y = rows.train_rows()
    booster = library.train({"nthread": 1}, table(X, y), 10)
    booster.save_model(tmp_path / "model.json")
    found = TreeExplainer(from_xgboost(tmp_path / "model.json")).shap_values(X[:30])
    expected = booster.predict(table(X[:30]), pred_contribs=True)[:, :-1]
    assert np.abs(found - expected).max() < 1e-5


def test_frames_keep_names_and_categories(tmp_path):
    pd = pytest.importorskip("pandas", reason="pandas is not installed")
    X, y = rows.train_rows()
    frame = pd.DataFrame(X.astype(np.float32), columns=["a b", "b", "c", "d", "e"])
    kinds = [f"k{int(k)}" if k == k else None for k in X[:, 3]]
    frame.insert(1, "kind", pd.Categorical(kinds))
    frame["e"] = pd.Categorical([10 * int(k) if k == k else None for k in X[:, 4]])
    other_order = frame.assign(kind=pd.Categorical(kinds, sorted({k for k in kinds if k})[::-1]))
    model = Regressor(max_iter=5).fit(frame, y)
    to_xgboost(model, tmp_path / "ours.json")
    back = from_xgboost(tmp_path / "ours.json")
    assert back.feature_names_in_.tolist() == list(frame.columns)
    for of in (frame, other_order):
        assert close(back.predict(of), model.predict(of))
    is_a_good_citizen(back, frame, tmp_path / "model.smelt")
    library = xgboost()
    if tuple(map(int, library.__version__.split(".")[:2])) < (3, 1):
        pytest.skip("XGBoost keeps the categories of frames since 3.1")
    booster = library.Booster(model_file=str(tmp_path / "ours.json"))
    for of in (frame, other_order):
        assert close(booster.predict(table(of, types=None)), model.predict(of))
    booster = library.train({"nthread": 1}, table(frame, y, types=None), 5)
    for ending in ("json", "ubj"):
        booster.save_model(tmp_path / f"theirs.{ending}")
        model = from_xgboost(tmp_path / f"theirs.{ending}")
        for of in (frame, other_order):
            assert close(model.predict(of), booster.predict(table(of, types=None)))


def test_what_cannot_be_written_says_why(tmp_path):
    X, y = rows.train_rows()
    path = tmp_path / "model.json"
    with pytest.raises(UsageError, match="linear leaves"):
        to_xgboost(Regressor(linear_leaves=True, max_iter=1).fit(X, y), path)
    with pytest.raises(TypeError, match="not list"):
        to_xgboost([], path)
    with pytest.raises(NotFittedError):
        to_xgboost(Ranker(), path)
    assert not path.exists()


def changed(place, value):
    """The binary example with one value replaced, or taken away where it is None."""
    document = json.loads(FILES["xgboost_binary"].read_text())
    *path, last = place
    part = document
    for key in path:
        part = part[key]
    if value is None:
        del part[last]
    else:
        part[last] = value
    return document


MODEL = ("learner", "gradient_booster", "model")
TREE = (*MODEL, "trees", 0)


@pytest.mark.parametrize(
    ("place", "value", "match"),
    [
        (("learner", "objective", "name"), "binary:hinge", "'binary:hinge'"),
        (("learner", "objective", "name"), "survival:cox", "'survival:cox'"),
        (("learner", "objective", "name"), "multi:softprob", "with 1 outputs"),
        (("learner", "gradient_booster", "name"), "gblinear", "'gblinear'"),
        (("learner", "learner_model_param", "num_target"), "3", "with 3 outputs"),
        (("learner", "learner_model_param", "num_feature"), "99999999999", "num_feature"),
        (("learner", "learner_model_param", "num_feature"), "4000000", "4000000 columns|names"),
        (("learner", "learner_model_param", "base_score"), "[2E0]", "base_score"),
        (("learner", "learner_model_param", "base_score"), "[NaN]", "base_score"),
        ((*TREE, "tree_param", "size_leaf_vector"), "3", "one_output_per_tree|vectors"),
        ((*TREE, "left_children", 0), 0, "child of two nodes, or its own ancestor"),
        ((*TREE, "left_children", 0), 10**6, "a child is node 1000000"),
        ((*TREE, "left_children", 0), 10**30, r"trees\[0\].left_children: no list of integers"),
        ((*TREE, "left_children"), "x", "no list"),
        ((*TREE, "split_indices", 0), 77, "none of 5"),
        ((*TREE, "default_left"), None, "has no 'default_left'"),
        ((*MODEL, "tree_info"), [0], "tree_info"),
        (("learner",), [], "learner is no object"),
    ],
)
def test_what_cannot_be_read_says_where(place, value, match, tmp_path):
    path = tmp_path / "model.json"
    path.write_text(json.dumps(changed(place, value)))
    with pytest.raises(ModelFileError, match=match):
        from_xgboost(path)


def test_files_of_older_versions(tmp_path):
    """Before 3.1 the base score was one number, and there were no categories of frames."""
    document = json.loads(FILES["xgboost_binary"].read_text())
    learner = document["learner"]
    base = learner["learner_model_param"]["base_score"]
    learner["learner_model_param"]["base_score"] = base.strip("[]")
    model = learner["gradient_booster"]["model"]
    del model["cats"], model["iteration_indptr"], learner["feature_names"]
    for tree in model["trees"]:
        tree["default_left"] = [bool(x) for x in tree["default_left"]]
    (tmp_path / "old.json").write_text(json.dumps(document))
    X, expected = golden("xgboost_binary")
    seen = ~(X[:, 4] > 255) & ~(X[:, 4] < 0)
    assert close(answer(from_xgboost(tmp_path / "old.json"), X)[seen], expected[seen])


@pytest.mark.parametrize(
    ("data", "match"),
    [
        (b"", "no JSON"),
        (b"tree\nversion=v4\n", "no JSON"),
        (b"binf\x00\x00", "no JSON"),
        (b"\xff\xfe\x00", "no JSON"),
        (b"[" * 100_000, "nested|no JSON"),
        (b"{L" + b"\x7f" * 8, "cut off"),
        (b"{}", "has no 'learner'"),
        (b"[]", "no object"),
        (b'{"learner": ' + b"9" * 5000 + b"}", "no JSON|no object"),
    ],
)
def test_foreign_files_are_refused(data, match, tmp_path):
    (tmp_path / "model.json").write_bytes(data)
    with pytest.raises(ModelFileError, match=match):
        from_xgboost(tmp_path / "model.json")


@pytest.mark.parametrize("name", FILES)
def test_damaged_files_give_typed_errors_only(name, tmp_path):
    data = FILES[name].read_bytes()
    sound = only_typed_errors(from_xgboost, data, tmp_path / "m", range(150), golden(name)[0])
    assert sound < 150


def places(value, path=()):
    """Every place in a JSON value."""
    yield path
    keys = value if isinstance(value, dict) else range(len(value) if isinstance(value, list) else 0)
    for key in keys:
        yield from places(value[key], (*path, key))


ODD = [
    None, True, 0, -1, 1, 2, 3.5, 1e308, 255, 256, 1 << 31, 1 << 62, 1 << 70, "", "x", "-1", "7",
    "NaN", "1e99", "[1,2]", "99999999999", [], {}, [[]], [None], [0], [1.5], ["1"], [-1] * 7,
    float("nan"), float("inf"),
]  # fmt: skip


@pytest.mark.parametrize("name", ["xgboost_binary", "xgboost_multiclass", "xgboost_dart"])
def test_wrong_values_in_sound_json_give_typed_errors_only(name, tmp_path):
    document = FILES[name].read_text()
    path, X = tmp_path / "model.json", golden(name)[0]
    every = list(places(json.loads(document)))[1:]
    for number in range(200):
        rng = np.random.default_rng(number)
        wrong = json.loads(document)
        *above, last = every[int(rng.integers(len(every)))]
        part = wrong
        for key in above:
            part = part[key]
        part[last] = ODD[int(rng.integers(len(ODD)))]
        path.write_text(json.dumps(wrong))
        try:
            model = from_xgboost(path)
        except ModelFileError:
            continue
        with np.errstate(all="ignore"):
            assert len(model.predict(X)) == len(X), (name, number)
