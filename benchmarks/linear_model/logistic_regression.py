"""LogisticRegression against its twin, scikit-learn, scikit-learn-intelex, glum and snapml."""

import gzip
import os
import warnings
from pathlib import Path

import numpy as np
import scipy.sparse as sp
from harness import Peer, Workload, on_the_twin

warnings.filterwarnings("ignore")


def tall():
    """1e6 x 50 normal features, random coefficients."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((1_000_000, 50))
    scores = X @ rng.standard_normal(50) * 0.5 + 0.3
    return {"X": X, "y": (rng.random(len(X)) < 1 / (1 + np.exp(-scores))).astype(np.int64)}


def text(n=100_000, d=50_000):
    """Like tf-idf: columns of Zipf's law, about 65 entries a row, rows of length 1."""
    rng = np.random.default_rng(0)
    share = 1.0 / np.arange(1, d + 1)
    words = rng.poisson(85, n) + 1
    columns = np.searchsorted(np.cumsum(share / share.sum()), rng.random(words.sum()))
    rows = np.repeat(np.arange(n), words)
    X = sp.csr_matrix((np.ones(len(rows)), (rows, np.minimum(columns, d - 1))), shape=(n, d))
    idf = np.log((1 + n) / (1 + np.bincount(X.indices, minlength=d))) + 1
    X.data = (1 + np.log(X.data)) * idf[X.indices]
    X = (sp.diags(1 / np.sqrt(np.asarray(X.multiply(X).sum(axis=1)).ravel())) @ X).tocsr()
    X.has_canonical_format  # noqa: B018  (SciPy keeps the answer)
    scores = X @ (rng.standard_normal(d) * (rng.random(d) < 0.1) * 8)
    y = rng.random(n) < 1 / (1 + np.exp(scores.mean() - scores))
    return {"X": X, "y": y.astype(np.int64)}


def images():
    """6e4 x 784 pixels in float32, ten classes: Fashion-MNIST, else digits blown up."""
    folder = Path(os.environ.get("SMELT_DATA", "")) / "fashion_mnist"
    if folder.is_dir():
        pixels = gzip.decompress((folder / "train-images-idx3-ubyte.gz").read_bytes())[16:]
        labels = gzip.decompress((folder / "train-labels-idx1-ubyte.gz").read_bytes())[8:]
        X = np.frombuffer(pixels, np.uint8).reshape(-1, 784).astype(np.float32) / 255
        return {"X": X, "y": np.frombuffer(labels, np.uint8).astype(np.int64)}
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    rng = np.random.default_rng(0)
    rows = rng.integers(0, len(X), 60_000)
    large = np.kron(X[rows].reshape(-1, 8, 8), np.ones((1, 4, 4)))[:, 2:30, 2:30].reshape(-1, 784)
    noisy = (large / 16 + 0.3 * rng.random(large.shape)).clip(0, 1)
    return {"X": noisy.astype(np.float32), "y": y[rows]}


def coefficients(model):
    """Weights and intercepts of any peer's model."""
    if hasattr(model, "coef_"):
        weights = np.atleast_2d(np.asarray(model.coef_, dtype=np.float64))
        return weights, np.atleast_1d(np.asarray(model.intercept_, dtype=np.float64))
    raise TypeError(f"no coefficients in {type(model)}")


def objective(model, data):
    """Mean loss plus penalty at C = 1, in double precision."""
    X, y = data["X"], data["y"]
    weights, intercepts = coefficients(model)
    scores = np.asarray(X @ weights.T.astype(X.dtype), dtype=np.float64) + intercepts
    if len(weights) == 1:
        loss = np.logaddexp(0, (1 - 2 * y) * scores[:, 0]).sum()
    else:
        most = scores.max(axis=1)
        loss = (np.log(np.exp(scores - most[:, None]).sum(axis=1)) + most).sum()
        loss -= scores[np.arange(len(y)), y].sum()
    return float((loss + 0.5 * (weights**2).sum()) / len(y))


def smelt(**options):
    def run(data):
        from smelt.linear_model import LogisticRegression

        return LogisticRegression(**options).fit(data["X"], data["y"])

    return run


def scikit_learn(**options):
    def run(data):
        from sklearn.linear_model import LogisticRegression

        return LogisticRegression(**options).fit(data["X"], data["y"])

    return run


def intelex(**options):
    def run(data):
        from sklearnex.linear_model import LogisticRegression

        return LogisticRegression(**options).fit(data["X"], data["y"])

    return run


def glum(data):
    from glum import GeneralizedLinearRegressor

    alpha = 1.0 / len(data["y"])
    model = GeneralizedLinearRegressor(family="binomial", alpha=alpha, l1_ratio=0)
    return model.fit(data["X"], data["y"].astype(np.float64))


def snapml(tol):
    def run(data):
        from snapml import LogisticRegression

        model = LogisticRegression(regularizer=1.0, tol=tol, n_jobs=2, fit_intercept=True)
        return model.fit(data["X"], data["y"])

    return run


def one_row(library):
    def setup(data):
        model = (smelt() if library == "smelt" else scikit_learn())(data)
        return model, data["X"][:1]

    def run(state):
        model, row = state
        for _ in range(1000):
            model.predict(row)
        return model

    return Peer(run=run, setup=setup)


def small():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((1000, 50))
    return {"X": X, "y": (X[:, 0] + rng.standard_normal(1000) > 0).astype(np.int64)}


WORKLOADS = [
    Workload(
        "logistic-1e6x50",
        data=tall,
        quality={"objective": objective},
        peers={
            "plain": on_the_twin(smelt()),
            "smelt": smelt(),
            "scikit-learn lbfgs": scikit_learn(),
            "scikit-learn newton-cholesky": scikit_learn(solver="newton-cholesky"),
            "scikit-learn-intelex": intelex(solver="newton-cg"),
            "glum": glum,
        },
    ),
    Workload(
        "logistic-sparse-1e5x5e4",
        data=text,
        quality={"objective": objective},
        peers={
            "smelt": smelt(),
            "scikit-learn lbfgs": scikit_learn(),
            "scikit-learn newton-cg": scikit_learn(solver="newton-cg"),
            "scikit-learn liblinear": scikit_learn(solver="liblinear"),
            "snapml": snapml(1e-3),
        },
        note="the twin fills in the zeros: 40 GB here",
        twin="logistic-sparse-2e3x1e3",
    ),
    Workload(
        "logistic-sparse-2e3x1e3",
        data=lambda: text(2000, 1000),
        quality={"objective": objective},
        peers={
            "plain": on_the_twin(smelt()),
            "smelt": smelt(),
            "scikit-learn lbfgs": scikit_learn(),
        },
        unit="ms",
    ),
    Workload(
        "logistic-multinomial-6e4x784",
        data=images,
        quality={"objective": objective},
        peers={
            "smelt": smelt(),
            "scikit-learn lbfgs": scikit_learn(max_iter=2000),
            "scikit-learn lbfgs tol 1e-3": scikit_learn(tol=1e-3, max_iter=2000),
        },
        twin="logistic-multinomial-2e3x784",
    ),
    Workload(
        "logistic-multinomial-2e3x784",
        data=lambda: {name: part[:2000] for name, part in images().items()},
        quality={"objective": objective},
        peers={
            "plain": on_the_twin(smelt()),
            "smelt": smelt(),
            "scikit-learn lbfgs": scikit_learn(max_iter=2000),
        },
        unit="ms",
    ),
    Workload(
        "logistic-predict-1-row",
        data=small,
        peers={
            "plain": on_the_twin(one_row("smelt")),
            "smelt": one_row("smelt"),
            "scikit-learn": one_row("scikit-learn"),
        },
        per=1000,
        unit="µs",
    ),
]
