"""scikit-learn's whole battery over every native estimator."""

import pytest
from sklearn.utils._test_common.instance_generator import PER_ESTIMATOR_XFAIL_CHECKS
from sklearn.utils.estimator_checks import parametrize_with_checks

import smelt
from smelt._native import NATIVE, load_native

# Checks that scikit-learn's own class does not pass, and smelt's does.
WEIGHTS = {
    "check_sample_weight_equivalence_on_dense_data",
    "check_sample_weight_equivalence_on_sparse_data",
}
BETTER = {
    "AdaBoostClassifier": WEIGHTS,
    "AdaBoostRegressor": WEIGHTS,
    "LogisticRegression": WEIGHTS | {"check_non_transformer_estimators_n_iter"},
    "RandomForestClassifier": {"check_classifiers_one_label_sample_weights"},
}


def expected_failures(estimator):
    """The checks that scikit-learn's own class of the same name is known not to pass."""
    name = type(estimator).__name__
    if name == "HistGradientBoostingRanker":
        return {
            "check_sample_weight_equivalence_on_dense_data": "a row twice makes further pairs",
        }
    for known, checks in PER_ESTIMATOR_XFAIL_CHECKS.items():
        if known.__name__ == name:
            better = BETTER.get(name, set())
            return {check: why for check, why in checks.items() if check not in better}
    return {}


def quick(name):
    """An instance with settings that keep the battery short, as scikit-learn's own tests do."""
    estimator = load_native(name)()
    parameters = estimator.get_params()
    short = {"n_estimators": 5}
    if "Boosting" in name:
        short = {"max_iter": 5, "min_samples_leaf": 5}
    if name == "decomposition.NMF":
        short = {"max_iter": 500}
    if name == "manifold.TSNE":
        short = {"perplexity": 2, "max_iter": 250}
    if name.startswith("random_projection."):
        short = {"n_components": 2}  # few columns have no room for as many as the bound asks for
    if name == "manifold.UMAP":
        short = {"n_epochs": 20}
    return estimator.set_params(**{key: short[key] for key in short if key in parameters})


@parametrize_with_checks([quick(name) for name in NATIVE], expected_failed_checks=expected_failures)
def test_battery(estimator, check):
    check(estimator)


@pytest.mark.parametrize("name", NATIVE)
def test_parameters_are_those_of_scikit_learn(name):
    import importlib
    import inspect

    module, _, class_name = name.rpartition(".")
    same = getattr(importlib.import_module(f"sklearn.{module}"), class_name, None)
    if same is None:
        pytest.skip(f"scikit-learn has no {class_name}")
    theirs = inspect.signature(same)
    ours = inspect.signature(load_native(name))
    for key, parameter in theirs.parameters.items():
        assert key in ours.parameters, f"{name} lacks {key}"
        assert ours.parameters[key].default == parameter.default, f"{name}: default of {key}"
    extras = set(ours.parameters) - set(theirs.parameters)
    assert all(ours.parameters[key].kind == inspect.Parameter.KEYWORD_ONLY for key in extras)


def test_native_names_are_importable():
    for name in smelt.native():
        module, _, class_name = name.rpartition(".")
        __import__(module)
        assert class_name in name
