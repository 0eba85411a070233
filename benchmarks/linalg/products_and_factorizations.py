"""smelt.linalg against SciPy's OpenBLAS, on square matrices of 32 to 2048 and on tall ones.

The table in ``crates/smelt-math/src/linalg/blas/mod.rs`` comes from here.
"""

import numpy as np
from harness import Peer, Workload

REPEATS = {32: 2000, 128: 400, 512: 20, 1024: 3, 2048: 1}


def square(n, dtype):
    rng = np.random.default_rng(0)
    a = rng.standard_normal((n, n)).astype(dtype)
    return {
        "a": np.asfortranarray(a),
        "positive": np.asfortranarray(a @ a.T / n + np.eye(n, dtype=dtype)),
    }


def tall(dtype):
    return {"a": np.random.default_rng(0).standard_normal((1_000_000, 50)).astype(dtype)}


def smelt_call(operation, data):
    from smelt import linalg

    a, positive = data["a"], data.get("positive")
    return {
        "matmul": lambda: linalg.matmul(a, a),
        "gram": lambda: linalg.gram(a),
        "cholesky": lambda: linalg.cholesky(positive),
        "solve": lambda: linalg.solve(a, a[:, :1]),
        "qr": lambda: linalg.qr(a),
        "eigh": lambda: linalg.eigh(positive),
        "svd": lambda: linalg.svd(a),
        "lstsq": lambda: linalg.lstsq(a, a[:, 0])[0],
    }[operation]


def scipy_call(operation, data):
    import scipy.linalg as scipy_linalg

    a, positive = data["a"], data.get("positive")
    return {
        "matmul": lambda: (
            scipy_linalg.blas.dgemm(1, a, a)
            if a.dtype == np.float64
            else scipy_linalg.blas.sgemm(1, a, a)
        ),
        "gram": lambda: a.T @ a,
        "cholesky": lambda: scipy_linalg.cholesky(positive, lower=True),
        "solve": lambda: scipy_linalg.solve(a, a[:, :1]),
        "qr": lambda: scipy_linalg.qr(a, mode="economic"),
        "eigh": lambda: scipy_linalg.eigh(positive, driver="evd"),
        "svd": lambda: scipy_linalg.svd(a, full_matrices=False),
        "lstsq": lambda: scipy_linalg.lstsq(a, a[:, 0])[0],
    }[operation]


def workload(name, operation, data, per):
    def peer(make):
        def run(call):
            for _ in range(per):
                call()

        return Peer(run=run, setup=lambda data: make(operation, data))

    return Workload(
        name=name,
        data=data,
        peers={"smelt": peer(smelt_call), "scipy": peer(scipy_call)},
        per=per,
        unit="ms",
    )


WORKLOADS = [
    workload(
        f"{operation}-{n}-{np.dtype(dtype).name}",
        operation,
        lambda n=n, dtype=dtype: square(n, dtype),
        repeats,
    )
    for operation in ("matmul", "gram", "cholesky", "solve", "qr", "eigh", "svd")
    for n, repeats in REPEATS.items()
    for dtype in (np.float64, np.float32)
] + [
    workload(
        f"{operation}-1e6x50-{np.dtype(dtype).name}", operation, lambda dtype=dtype: tall(dtype), 1
    )
    for operation in ("gram", "qr", "svd", "lstsq")
    for dtype in (np.float64, np.float32)
]
