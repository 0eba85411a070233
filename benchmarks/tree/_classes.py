"""Data and peers that the rows of trees and forests share."""

import functools

from sklearn.datasets import make_classification


@functools.cache
def classes(n_samples=100_000, n_features=50, n_classes=5, n_test=25_000):
    """Overlapping clusters of several classes, a tenth of the labels drawn at random; float32."""
    X, y = make_classification(
        n_samples + n_test, n_features, n_informative=min(20, n_features - 2), n_classes=n_classes,
        flip_y=0.1, random_state=0,
    )  # fmt: skip
    X = X.astype("float32")
    return {
        "X": X[:n_samples], "y": y[:n_samples], "X_test": X[n_samples:], "y_test": y[n_samples:],
    }  # fmt: skip


def fit(module, name, data, **settings):
    """Fit the class ``name`` of a module, random state 0."""
    import importlib

    cls = getattr(importlib.import_module(module), name)
    return cls(random_state=0, **settings).fit(data["X"], data["y"])


QUALITY = {"accuracy": lambda model, data: (model.predict(data["X_test"]) == data["y_test"]).mean()}
