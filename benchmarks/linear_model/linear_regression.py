"""LinearRegression against its twin, scikit-learn and scikit-learn-intelex."""

import numpy as np
from harness import Peer, Workload


def data(n_samples, n_features, dtype=np.float64):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n_samples, n_features), dtype=dtype)
    coef = rng.standard_normal(n_features, dtype=dtype)
    return {"X": X, "y": X @ coef + rng.standard_normal(n_samples, dtype=dtype)}


def objective(model, data):
    """Mean residual sum of squares: the smaller the better."""
    residual = data["y"] - data["X"] @ np.ravel(model.coef_) - model.intercept_
    return (float(residual @ residual)) / len(residual)


def fit_plain(data):
    import smelt
    from smelt.linear_model import LinearRegression

    with smelt.config(engine="plain"):
        return LinearRegression().fit(data["X"], data["y"])


def fit_smelt(data):
    from smelt.linear_model import LinearRegression

    return LinearRegression().fit(data["X"], data["y"])


def fit_scikit_learn(data):
    from sklearn.linear_model import LinearRegression

    return LinearRegression().fit(data["X"], data["y"])


def fit_intelex(data):
    from sklearnex.linear_model import LinearRegression

    return LinearRegression().fit(data["X"], data["y"])


def predict_rows(module):
    """A fitted model and one row, then 2000 calls."""

    def setup(data):
        import importlib

        model = importlib.import_module(module).LinearRegression()
        return model.fit(data["X"][:1000], data["y"][:1000]), data["X"][:1]

    def run(state):
        model, row = state
        for _ in range(2000):
            model.predict(row)
        return model

    return Peer(run=run, setup=setup)


PEERS = {
    "plain": fit_plain,
    "smelt": fit_smelt,
    "scikit-learn": fit_scikit_learn,
    "scikit-learn-intelex": fit_intelex,
}

WORKLOADS = [
    Workload(
        f"linear-regression-{label}",
        data=lambda size=size, dtype=dtype: data(*size, dtype),
        quality={"objective": objective},
        peers=PEERS,
    )
    for label, size, dtype in [
        ("1e6x50", (1_000_000, 50), np.float64),
        ("1e5x500", (100_000, 500), np.float64),
        ("1e6x50-float32", (1_000_000, 50), np.float32),
        ("500x2000", (500, 2000), np.float64),
    ]
] + [
    Workload(
        "linear-regression-predict-one-row",
        data=lambda: data(1000, 50),
        quality={"objective": objective},
        peers={
            "smelt": predict_rows("smelt.linear_model"),
            "scikit-learn": predict_rows("sklearn.linear_model"),
        },
        per=2000,
        unit="µs",
    )
]
