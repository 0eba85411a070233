"""Random projections against their twin and scikit-learn: dense rows and sparse text."""

import importlib

import numpy as np
import scipy.sparse as sp
from harness import Peer, Workload

import smelt


def table(n=10_000, d=5000):
    return np.random.default_rng(0).standard_normal((n, d), dtype=np.float32)


def text(n=50_000, d=50_000):
    """About 80 words a row."""
    return sp.random_array((n, d), density=80 / d, format="csr", dtype=np.float32, rng=0)


def transform(library, name, engine="rust"):
    def setup(X):
        Model = getattr(importlib.import_module(f"{library}.random_projection"), name)
        return Model(300, random_state=0).fit(X), X

    def run(state):
        model, X = state
        with smelt.config(engine=engine):
            return model.transform(X)

    return Peer(run=run, setup=setup)


def length(Z, X):
    """Mean squared length of a row beside the one before."""
    squares = Z.multiply(Z) if sp.issparse(Z) else Z**2
    before = X.multiply(X) if sp.issparse(X) else X**2
    return float(squares.sum() / before.sum())


def workload(label, name, data, plain=True):
    peers = {"smelt": transform("smelt", name), "scikit-learn": transform("sklearn", name)}
    if plain:
        peers = {"plain": transform("smelt", name, "plain"), **peers}
    return Workload(
        label,
        data=data,
        quality={"length": length},
        peers=peers,
        twin="" if plain else "sparse-projection-1e4x5000",
    )


WORKLOADS = [
    workload("gaussian-projection-1e4x5000", "GaussianRandomProjection", table),
    workload("sparse-projection-1e4x5000", "SparseRandomProjection", table),
    workload("gaussian-projection-text-5e4", "GaussianRandomProjection", text, plain=False),
    workload("sparse-projection-text-5e4", "SparseRandomProjection", text, plain=False),
]
