"""smelt.linalg against SciPy's OpenBLAS, on square matrices of 32 to 2048 and on tall ones.

The table in ``crates/smelt-math/src/linalg/blas/mod.rs`` comes from here.
"""

import numpy as np
from harness import Peer, Workload, on_the_twin

REPEATS = {32: 2000, 128: 400, 512: 20, 1024: 3, 2048: 1}
TWIN_SIZE = {
    "matmul": 128, "gram": 128, "cholesky": 128, "solve": 128, "qr": 128,
    "eigh": 32, "svd": 32, "lstsq": 32,
}  # fmt: skip


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


def calls(operation, n):
    """How many calls make one timing: fewer where the twin's rotations are in Python loops."""
    return 20 if n == TWIN_SIZE.get(operation) == 32 else REPEATS[n]


def workload(operation, size, dtype):
    """Sizes are n (square) or "1e6x50"; twins are loops in Python and join at one small size."""
    per = 1 if size == "1e6x50" else calls(operation, size)

    def peer(make):
        def run(call):
            for _ in range(per):
                call()

        return Peer(run=run, setup=lambda data: make(operation, data))

    smelt = peer(smelt_call)
    peers = {"smelt": smelt, "scipy": peer(scipy_call)}
    type_name = np.dtype(dtype).name
    twin = ""
    if (operation, size) == ("gram", "1e6x50") or size == TWIN_SIZE[operation]:
        peers = {"plain": on_the_twin(smelt), **peers}
    else:
        twin = f"{operation}-{TWIN_SIZE[operation]}-{type_name}"
    return Workload(
        name=f"{operation}-{size}-{type_name}",
        data=lambda: tall(dtype) if size == "1e6x50" else square(size, dtype),
        peers=peers,
        per=per,
        unit="ms",
        twin=twin,
    )


SQUARE = ("matmul", "gram", "cholesky", "solve", "qr", "eigh", "svd")
WORKLOADS = [
    workload(operation, size, dtype)
    for operation, sizes in [
        *((operation, REPEATS) for operation in SQUARE),
        ("lstsq", [32]),
        *((operation, ["1e6x50"]) for operation in ("gram", "qr", "svd", "lstsq")),
    ]
    for size in sizes
    for dtype in (np.float64, np.float32)
]
