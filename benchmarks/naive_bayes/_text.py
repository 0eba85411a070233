"""What the benchmarks of discrete models share: words drawn by Zipf's law, peers, workloads."""

import importlib

import numpy as np
import scipy.sparse as sp
from harness import Workload


def words(n_samples=100_000, n_words=50_000, n_classes=20):
    """Counts of 65 words a row, the rank of a word a power of a uniform number."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, n_classes, n_samples)
    lengths = rng.poisson(67, n_samples)
    ranks = n_words ** rng.random(lengths.sum()) - 1
    shift = np.repeat(y, lengths) * 37 * (rng.random(len(ranks)) < 0.1)  # words of the class
    indptr = np.concatenate([[0], np.cumsum(lengths)])
    columns = ((ranks + shift) % n_words).astype(np.int32)
    X = sp.csr_matrix((np.ones(len(ranks)), columns, indptr), shape=(n_samples, n_words))
    X.sum_duplicates()
    return {"X": X, "y": y}


def fit_predict(library, estimator, data):
    """The labels of the rows that were learned from."""
    model = getattr(importlib.import_module(f"{library}.naive_bayes"), estimator)()
    return model.fit(data["X"], data["y"]).predict(data["X"])


def plain(estimator, data):
    """The twin on a part of the rows: it makes them dense."""
    import smelt

    small = {"X": data["X"][:2000], "y": data["y"][:2000]}
    with smelt.config(engine="plain"):
        return fit_predict("smelt", estimator, small)


def accuracy(labels, data):
    """Share of rows whose label is found again."""
    return float(np.mean(labels == data["y"][: len(labels)]))


def workload(name, estimator, data=words, n_classes=20):
    """Fit and prediction of one estimator on sparse text."""
    return Workload(
        f"{name}-sparse-1e5x5e4-{n_classes}-classes",
        data=lambda: data(n_classes=n_classes),
        quality={"accuracy": accuracy},
        peers={
            "plain": lambda data: plain(estimator, data),
            "smelt": lambda data: fit_predict("smelt", estimator, data),
            "scikit-learn": lambda data: fit_predict("sklearn", estimator, data),
        },
        note="plain: 2,000 rows",
    )
