"""smelt.linalg against its twins and the OpenBLAS of SciPy and NumPy, with the errors of both.

Every size, precision and number of threads: ``benchmarks/linalg/openblas_table.py``.
"""

import numpy as np
from harness import Peer, Workload, on_the_twin
from linalg.openblas_table import OPERATIONS, TALL, inputs, openblas_calls, smelt_calls

CALLS = {32: 20, 128: 100, 1024: 1}
TWIN_SIZE = {"eigh": 32, "svd": 32, "lstsq": 32, "randomized_svd": 32}  # others: 128


def arrays(shape, dtype):
    a, positive, triangle = inputs(shape, dtype)
    return {"a": a, "positive": positive, "triangle": triangle}


def size(a):
    return float(np.linalg.norm(np.asarray(a, np.float64)))


def relative(found, expected):
    """Norm of the difference over the norm, in double precision."""
    return size(np.asarray(found, np.float64) - expected) / size(expected)


def backward_error(operation):
    """How far the answer is from being that of the input: of the size of the rounding unit."""

    def measure(fitted, data):
        a, positive, triangle = (
            None if data[name] is None else data[name].astype(np.float64)
            for name in ("a", "positive", "triangle")
        )
        several = isinstance(fitted, tuple)
        answer = [part.astype(np.float64) for part in (fitted if several else (fitted,))]
        answer = answer if several else answer[0]
        if operation in ("matmul", "gram"):
            return relative(answer, a @ a if operation == "matmul" else a.T @ a)
        if operation == "trsm":
            return relative(triangle @ answer, a)
        if operation == "cholesky":
            return relative(answer @ answer.T, positive)
        if operation == "solve":
            return size(a @ answer - a[:, :1]) / (size(a) * size(answer))
        if operation == "lstsq":
            return size(a.T @ (a @ answer - a[:, 0])) / size(a) ** 2
        if operation == "qr":
            return relative(answer[0] @ answer[1], a)
        if operation == "eigh":
            return relative((answer[1] * answer[0]) @ answer[1].T, positive)
        return relative((answer[0] * answer[1]) @ answer[2], a)

    return measure


def orthogonality(basis):
    """How far the columns of the answer's part are from orthonormal."""

    def measure(fitted, data):
        q = np.asarray(fitted[basis], np.float64)
        return size(q.T @ q - np.eye(q.shape[1]))

    return measure


BASIS = {"qr": 0, "eigh": 1, "svd": 0, "randomized_svd": 0}


def workload(operation, shape, dtype):
    """Twins are loops in Python and join at one small size."""
    square = shape[0] == shape[1]
    per = CALLS[shape[0]] if square else 1

    def peer(make):
        def run(call):
            for _ in range(per):
                answer = call()
            return answer

        return Peer(run=run, setup=lambda data: make(**data)[operation])

    smelt = peer(smelt_calls)
    peers = {"smelt": smelt, "openblas": peer(openblas_calls)}
    twin_size = TWIN_SIZE.get(operation, 128)
    twin = "" if shape[0] == twin_size else f"{operation}-{twin_size}-float64"
    if not twin:
        peers = {"plain": on_the_twin(smelt), **peers}
    # The error of a truncated decomposition is that of the truncation, the same for all.
    quality = {"error": backward_error(operation)}
    if operation in BASIS:
        quality["orthogonality"] = orthogonality(BASIS[operation])
    label = shape[0] if square else "1e6x50"
    return Workload(
        name=f"{operation}-{label}-{np.dtype(dtype).name}",
        data=lambda: arrays(shape, dtype),
        peers=peers,
        quality=quality,
        per=per,
        unit="ms",
        twin=twin,
    )


WORKLOADS = [
    *(
        workload(operation, (n, n), dtype)
        for operation in OPERATIONS
        for n, dtype in [
            (TWIN_SIZE.get(operation, 128), np.float64),
            (1024, np.float64),
            (1024, np.float32),
        ]
        if (operation, n) != ("lstsq", 1024)
    ),
    *(workload(op, TALL, np.float64) for op in ("gram", "qr", "svd", "lstsq")),
]
