"""smelt.linalg against the OpenBLAS of SciPy and NumPy: every operation, size, precision, threads.

``python benchmarks/linalg/openblas_table.py [OPERATION …]`` measures and prints the table that
``crates/smelt-math/src/linalg/blas/mod.rs`` decides by (all of it: about ten minutes);
``--bits`` prints instead where the bits of OpenBLAS follow its own number of threads.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import statistics
import subprocess
import sys
import time
import warnings

import numpy as np

SIZES = (32, 64, 128, 256, 512, 1024, 2048)
TALL = (1_000_000, 50)
OPERATIONS = (
    "matmul", "gram", "trsm", "cholesky", "solve", "qr", "eigh", "svd", "lstsq", "randomized_svd",
)  # fmt: skip
TALL_OPERATIONS = ("gram", "qr", "svd", "lstsq", "randomized_svd")
PRECISIONS = (np.float64, np.float32)
SECONDS = 0.12  # of calls for one figure, three calls at least
N_COMPONENTS = 10


def inputs(shape, dtype):
    """Return a general and, when it is square, a positive definite and a triangular matrix."""
    a = np.random.default_rng(0).standard_normal(shape).astype(dtype)
    if shape[0] != shape[1]:
        return a, None, None
    n = shape[0]
    positive = (a @ a.T / n + np.eye(n)).astype(dtype)
    return a, positive, (np.tril(a) / n + np.eye(n)).astype(dtype)


def smelt_calls(a, positive, triangle):
    """One call an operation, of smelt.linalg."""
    from smelt import linalg

    return {
        "matmul": lambda: linalg.matmul(a, a),
        "gram": lambda: linalg.gram(a),
        "trsm": lambda: linalg.solve_triangular(triangle, a, lower=True),
        "cholesky": lambda: linalg.cholesky(positive),
        "solve": lambda: linalg.solve(a, a[:, :1]),
        "qr": lambda: linalg.qr(a),
        "eigh": lambda: linalg.eigh(positive),
        "svd": lambda: linalg.svd(a),
        "lstsq": lambda: linalg.lstsq(a, a[:, 0])[0],
        "randomized_svd": lambda: linalg.randomized_svd(a, N_COMPONENTS, n_iter=4, random_state=0),
    }


def openblas_calls(a, positive, triangle):
    """The same of NumPy, SciPy and scikit-learn."""
    import scipy.linalg
    from sklearn.utils.extmath import randomized_svd

    return {
        "matmul": lambda: a @ a,
        "gram": lambda: a.T @ a,
        "trsm": lambda: scipy.linalg.solve_triangular(triangle, a, lower=True),
        "cholesky": lambda: scipy.linalg.cholesky(positive, lower=True),
        "solve": lambda: scipy.linalg.solve(a, a[:, :1], assume_a="gen"),
        "qr": lambda: scipy.linalg.qr(a, mode="economic"),
        "eigh": lambda: scipy.linalg.eigh(positive, driver="evd"),
        "svd": lambda: scipy.linalg.svd(a, full_matrices=False),
        "lstsq": lambda: scipy.linalg.lstsq(a, a[:, 0])[0],
        "randomized_svd": lambda: randomized_svd(
            a, N_COMPONENTS, n_iter=4, power_iteration_normalizer="QR", random_state=0
        ),
    }


def shapes(operation, sizes):
    """Return all shapes that an operation is measured on."""
    tall = (TALL,) if operation in TALL_OPERATIONS and 0 in sizes else ()
    return tuple((n, n) for n in sizes if n) + tall


def measure(peer, operation, n_threads, sizes):
    """Milliseconds of one peer for all shapes and precisions."""
    from threadpoolctl import threadpool_limits

    import smelt

    make = smelt_calls if peer == "smelt" else openblas_calls
    found = []
    for shape in shapes(operation, sizes):
        for dtype in PRECISIONS:
            call = make(*inputs(shape, dtype))[operation]
            with threadpool_limits(n_threads), smelt.config(n_threads=n_threads):
                start = time.perf_counter()
                call()
                first = time.perf_counter() - start
                times, end = [], time.perf_counter() + SECONDS
                while time.perf_counter() < end or len(times) < (3 if first < 1 else 1):
                    start = time.perf_counter()
                    call()
                    times.append(time.perf_counter() - start)
            found.append(1e3 * statistics.median(times))
    return found


def print_table(operations, sizes):
    """Measure every peer in a process of its own and print a line for each shape."""
    print("| operation | shape | precision | smelt, OpenBLAS on 2 threads | ratio "
          "| on 1 thread | ratio |")  # fmt: skip
    print("| --- | --- | --- | --: | --: | --: | --: |")
    for operation in operations:
        columns = {
            (peer, n_threads): json.loads(
                subprocess.run(
                    [sys.executable, __file__, "--one", peer, operation, str(n_threads),
                     *(str(n) for n in sizes)],
                    check=True, capture_output=True, text=True,
                ).stdout
            )
            for n_threads in (2, 1)
            for peer in ("smelt", "openblas")
        }  # fmt: skip
        rows = [(s, d) for s in shapes(operation, sizes) for d in PRECISIONS]
        for index, ((m, n), dtype) in enumerate(rows):
            cells = []
            for n_threads in (2, 1):
                own = columns["smelt", n_threads][index]
                other = columns["openblas", n_threads][index]
                cells += [f"{own:.3g}, {other:.3g} ms", f"{other / own:.2f}"]
            shape = str(n) if m == n else f"{m:.0e} × {n}".replace("e+0", "e")
            print(f"| {operation} | {shape} | {np.dtype(dtype).name} | {' | '.join(cells)} |",
                  flush=True)  # fmt: skip


def bits(operation, sizes):
    """Fingerprints of OpenBLAS's results with 1 and 2 threads."""
    from threadpoolctl import threadpool_limits

    found = []
    for shape in shapes(operation, sizes):
        for dtype in PRECISIONS:
            call = openblas_calls(*inputs(shape, dtype))[operation]
            prints = []
            for n_threads in (1, 2):
                with threadpool_limits(n_threads):
                    result = call()
                parts = result if isinstance(result, tuple) else (result,)
                digest = hashlib.sha256()
                for part in parts:
                    digest.update(np.ascontiguousarray(part).tobytes())
                prints.append(digest.hexdigest())
            found.append(prints)
    return found


def print_bits(operations, sizes):
    """Print for every operation and size whether OpenBLAS gives one answer or several."""
    print("Different answers of OpenBLAS with 1 and 2 threads (float64, float32)\n")
    print("| operation | " + " | ".join(str(n) if n else "1e6 × 50" for n in sizes) + " |")
    print("| --- |" + " --- |" * len(sizes))
    for operation in operations:
        found = bits(operation, sizes)
        counts = [str(len(set(prints))) for prints in found]
        cells = [f"{a}, {b}" for a, b in zip(counts[::2], counts[1::2], strict=True)]
        print(f"| {operation} | {' | '.join(cells)} |", flush=True)


def main():
    """Print one of the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("operations", nargs="*", default=list(OPERATIONS))
    parser.add_argument("--sizes", default=",".join(map(str, (*SIZES, 0))), help="0 is 1e6 x 50")
    parser.add_argument("--bits", action="store_true")
    if sys.argv[1:2] == ["--one"]:
        peer, operation, n_threads, *sizes = sys.argv[2:]
        warnings.simplefilter("ignore")
        print(json.dumps(measure(peer, operation, int(n_threads), [int(n) for n in sizes])))
        return
    options = parser.parse_args()
    sizes = [int(n) for n in options.sizes.split(",")]
    (print_bits if options.bits else print_table)(options.operations, sizes)


if __name__ == "__main__":
    main()
