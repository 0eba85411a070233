"""Which classes are smelt's own, and putting them in scikit-learn's place."""

from __future__ import annotations

import importlib
from typing import Any

NATIVE = (
    "cluster.AgglomerativeClustering",
    "cluster.DBSCAN",
    "cluster.HDBSCAN",
    "cluster.KMeans",
    "cluster.MiniBatchKMeans",
    "decomposition.FastICA",
    "decomposition.IncrementalPCA",
    "decomposition.NMF",
    "decomposition.PCA",
    "decomposition.TruncatedSVD",
    "ensemble.AdaBoostClassifier",
    "ensemble.AdaBoostRegressor",
    "ensemble.BaggingClassifier",
    "ensemble.BaggingRegressor",
    "ensemble.ExtraTreesClassifier",
    "ensemble.ExtraTreesRegressor",
    "ensemble.HistGradientBoostingClassifier",
    "ensemble.HistGradientBoostingRanker",
    "ensemble.HistGradientBoostingRegressor",
    "ensemble.IsolationForest",
    "ensemble.RandomForestClassifier",
    "ensemble.RandomForestRegressor",
    "ensemble.RandomTreesEmbedding",
    "linear_model.LinearRegression",
    "linear_model.LogisticRegression",
    "linear_model.Ridge",
    "manifold.TSNE",
    "manifold.UMAP",
    "mixture.GaussianMixture",
    "naive_bayes.BernoulliNB",
    "naive_bayes.CategoricalNB",
    "naive_bayes.ComplementNB",
    "naive_bayes.GaussianNB",
    "naive_bayes.MultinomialNB",
    "neighbors.KNeighborsClassifier",
    "neighbors.KNeighborsRegressor",
    "neighbors.LocalOutlierFactor",
    "neighbors.NearestNeighbors",
    "neighbors.RadiusNeighborsClassifier",
    "neighbors.RadiusNeighborsRegressor",
    "random_projection.GaussianRandomProjection",
    "random_projection.SparseRandomProjection",
    "tree.DecisionTreeClassifier",
    "tree.DecisionTreeRegressor",
    "tree.ExtraTreeClassifier",
    "tree.ExtraTreeRegressor",
)

_originals: dict[tuple[str, str], Any] = {}


def native() -> list[str]:
    """Return the qualified names of all estimators that have a kernel of smelt's own.

    Examples
    --------
    >>> import smelt
    >>> "smelt.linear_model.Ridge" in smelt.native()
    True
    """
    return [f"smelt.{name}" for name in NATIVE]


def load_native(name: str) -> Any:
    """Return the class behind one of the names of :data:`NATIVE`."""
    module, _, class_name = name.rpartition(".")
    return getattr(importlib.import_module(f"smelt.{module}"), class_name)


def patch_sklearn() -> list[str]:
    """Put smelt's classes into scikit-learn's modules, for code that cannot change its imports.

    Names that other modules imported before the patch keep scikit-learn's classes, so call it
    first.  Calling it twice is harmless; :func:`unpatch_sklearn` takes everything back.

    Returns
    -------
    list of str
        The names in scikit-learn that now lead to smelt.

    Examples
    --------
    >>> import smelt
    >>> patched = smelt.patch_sklearn()
    >>> from sklearn.linear_model import Ridge
    >>> Ridge.__module__
    'smelt.linear_model.ridge'
    >>> smelt.unpatch_sklearn()
    """
    patched = []
    for name in NATIVE:
        module_name, _, class_name = name.rpartition(".")
        module = importlib.import_module(f"sklearn.{module_name}")
        if not hasattr(module, class_name):
            continue  # scikit-learn has no such class
        key = (module_name, class_name)
        _originals.setdefault(key, getattr(module, class_name))
        setattr(module, class_name, load_native(name))
        patched.append(f"sklearn.{name}")
    return patched


def unpatch_sklearn() -> None:
    """Take back what :func:`patch_sklearn` did."""
    for (module_name, class_name), original in _originals.items():
        setattr(importlib.import_module(f"sklearn.{module_name}"), class_name, original)
    _originals.clear()
