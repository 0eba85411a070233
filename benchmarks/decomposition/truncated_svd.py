"""TruncatedSVD of sparse rows beside its twin, scikit-learn and SciPy's Lanczos method."""

import importlib

import numpy as np
import scipy.sparse as sp
from harness import Workload


def text(n_samples, n_features, per_row):
    """Rows of words by Zipf's law with topics, as term frequencies of unit length."""
    rng = np.random.default_rng(0)
    n_topics = 200
    rank = np.arange(1, n_features + 1)
    popularity = np.cumsum(1 / rank)
    orders = [rng.permutation(n_features) for _ in range(n_topics)]
    topic = rng.integers(n_topics, size=n_samples)
    drawn = np.searchsorted(popularity, rng.random(n_samples * per_row) * popularity[-1])
    drawn = drawn.reshape(n_samples, per_row)
    half = per_row // 2
    for t in range(n_topics):
        rows = topic == t
        drawn[rows, :half] = orders[t][drawn[rows, :half]]
    indptr = np.arange(0, n_samples * per_row + 1, per_row)
    X = sp.csr_matrix((np.ones(drawn.size), drawn.ravel(), indptr), (n_samples, n_features))
    X.sum_duplicates()
    lengths = np.sqrt(np.asarray(X.multiply(X).sum(axis=1)).ravel())
    return {"X": sp.csr_matrix(sp.diags(1 / lengths) @ X)}


def fit(library, data, **parameters):
    model = importlib.import_module(f"{library}.decomposition").TruncatedSVD
    return model(**parameters, random_state=0).fit(data["X"])


def fit_plain(data, **parameters):
    import smelt

    with smelt.config(engine="plain"):
        return fit("smelt", data, **parameters)


def captured(model, data):
    """Share of the squares that the components capture: the larger the better."""
    V = np.linalg.qr(model.components_.T)[0]
    X = data["X"]
    return float(np.square(X @ V).sum() / np.square(X.data).sum())


def peers(k, plain):
    some = {
        "smelt": lambda data: fit("smelt", data, n_components=k),
        "scikit-learn": lambda data: fit("sklearn", data, n_components=k),
        "scikit-learn arpack": lambda data: fit(
            "sklearn", data, n_components=k, algorithm="arpack"
        ),
    }
    if plain:
        some["plain"] = lambda data: fit_plain(data, n_components=k)
    return some


WORKLOADS = [
    Workload(
        "truncated-svd-1e5x5e4",
        data=lambda: text(100_000, 50_000, 110),
        quality={"captured": captured},
        peers=peers(100, False),
        twin="truncated-svd-5000x3000",
    ),
    Workload(
        "truncated-svd-5000x3000",
        data=lambda: text(5000, 3000, 60),
        quality={"captured": captured},
        peers=peers(30, True),
    ),
]
