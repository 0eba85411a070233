"""The package itself: lazy import, pass-through, the engine switch, patching scikit-learn."""

import importlib
import subprocess
import sys

import pytest
import sklearn.cluster
import sklearn.linear_model

import smelt


def run(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)


def test_importing_smelt_loads_neither_numpy_nor_scikit_learn():
    loaded = run(
        "import smelt, sys; print(*[m for m in ('numpy', 'sklearn', 'polars') if m in sys.modules])"
    )
    assert loaded.stdout.strip() == ""


def test_names_without_a_kernel_are_scikit_learns():
    from smelt.cluster import Birch
    from smelt.linear_model import Lasso

    assert Birch is sklearn.cluster.Birch
    assert Lasso is sklearn.linear_model.Lasso
    assert smelt.metrics.roc_auc_score is sklearn.metrics.roc_auc_score
    from smelt import model_selection

    assert model_selection.GridSearchCV is sklearn.model_selection.GridSearchCV


def test_unknown_names_are_errors():
    with pytest.raises(AttributeError, match="nonsense"):
        smelt.linear_model.nonsense
    with pytest.raises(AttributeError, match="nonsense"):
        smelt.nonsense
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("smelt.nonsense")


def test_dir_lists_native_and_passed_names():
    assert {"Ridge", "Lasso"} <= set(dir(smelt.linear_model))
    assert {"linear_model", "cluster", "train", "save"} <= set(dir(smelt))


def test_engine_switch_is_undone():
    assert smelt.get_config()["engine"] == "rust"
    with smelt.config(engine="plain"):
        assert smelt.get_config()["engine"] == "plain"
    assert smelt.get_config()["engine"] == "rust"


@pytest.mark.parametrize("bad", [{"engine": "fast"}, {"n_threads": 0}, {"speed": 1}])
def test_bad_settings_are_errors(bad):
    with pytest.raises(ValueError):
        smelt.config(**bad)


def test_patching_scikit_learn_and_back():
    original = sklearn.linear_model.Ridge
    try:
        patched = smelt.patch_sklearn()
        assert "sklearn.linear_model.Ridge" in patched
        assert "sklearn.ensemble.HistGradientBoostingRanker" not in patched
        smelt.patch_sklearn()
        assert sklearn.linear_model.Ridge is smelt.linear_model.Ridge
        assert sklearn.linear_model.Lasso.__module__.startswith("sklearn")
    finally:
        smelt.unpatch_sklearn()
    assert sklearn.linear_model.Ridge is original
