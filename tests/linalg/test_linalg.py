"""smelt.linalg: factors give the matrix back, equal their twins and SciPy, whatever the input."""

import os
import subprocess
import sys

import numpy as np
import pytest
import scipy.linalg
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

import smelt
from smelt import linalg
from smelt.errors import DataError, InvalidParameterError, LinAlgError

TOLERANCE = {np.dtype(np.float64): 1e-11, np.dtype(np.float32): 2e-4}
dtypes = st.sampled_from([np.float64, np.float32])


@st.composite
def matrices(draw, min_side=0, max_side=9, square=False):
    """Matrices of any rank and layout, with repeated and zero rows and columns."""
    m = draw(st.integers(min_side, max_side))
    n = m if square else draw(st.integers(min_side, max_side))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    rank = draw(st.integers(0, min(m, n)))
    kind = draw(st.sampled_from(["full", "low rank", "whole numbers", "zero"]))
    if kind == "full":
        a = rng.standard_normal((m, n))
    elif kind == "low rank":
        a = rng.standard_normal((m, rank)) @ rng.standard_normal((rank, n))
    elif kind == "whole numbers":
        a = rng.integers(-1, 2, (m, n)).astype(float)
    else:
        a = np.zeros((m, n))
    a = a.astype(draw(dtypes))
    layout = draw(st.sampled_from(["C", "F", "strided", "reversed"]))
    if layout == "F":
        a = np.asfortranarray(a)
    elif layout == "strided":
        a = np.repeat(np.repeat(a, 2, axis=0), 3, axis=1)[::2, ::3]
    elif layout == "reversed":
        a = a[::-1, ::-1]
    return a


def orthonormal(columns, tolerance):
    assert_allclose(columns.T @ columns, np.eye(columns.shape[1]), atol=tolerance)


def close(found, expected, tolerance):
    """Absolute agreement relative to the size of the matrix."""
    size = max(np.abs(expected).max(initial=0), 1e-30)
    assert_allclose(found / size, expected / size, atol=tolerance, rtol=0)


@given(matrices(), st.integers(0, 9))
@settings(deadline=None)
def test_matmul(a, n):
    b = np.random.default_rng(1).standard_normal((a.shape[1], n)).astype(a.dtype)
    found = linalg.matmul(a, b)
    assert found.dtype == a.dtype
    close(found, a @ b, TOLERANCE[a.dtype])
    with smelt.config(engine="plain"):
        close(linalg.matmul(a, b), a @ b, TOLERANCE[a.dtype])


@given(matrices())
@settings(deadline=None)
def test_gram(a):
    found = linalg.gram(a)
    assert_array_equal(found, found.T)
    close(found, a.T @ a, TOLERANCE[a.dtype])
    with smelt.config(engine="plain"):
        close(linalg.gram(a), a.T @ a, TOLERANCE[a.dtype])


@given(matrices())
@settings(deadline=None)
def test_qr(a):
    tolerance = TOLERANCE[a.dtype]
    q, r = linalg.qr(a)
    assert q.dtype == r.dtype == a.dtype
    close(q @ r, a, tolerance)
    orthonormal(q, tolerance)
    assert_array_equal(r, np.triu(r))
    assert (np.diag(r) >= 0).all()
    with smelt.config(engine="plain"):
        q_plain, r_plain = linalg.qr(a)
    close(q_plain @ r_plain, a, tolerance)
    orthonormal(q_plain, tolerance)
    assert (np.diag(r_plain) >= 0).all()


@given(matrices())
@settings(deadline=None)
def test_svd(a):
    tolerance = TOLERANCE[a.dtype]
    expected = np.linalg.svd(a, compute_uv=False) if a.size else np.zeros(0)
    for engine in ("rust", "plain"):
        with smelt.config(engine=engine):
            u, s, vt = linalg.svd(a)
        assert u.dtype == s.dtype == vt.dtype == a.dtype
        close((u * s) @ vt, a, tolerance)
        orthonormal(u, tolerance)
        orthonormal(vt.T, tolerance)
        assert (np.diff(s) <= 0).all()
        close(s, expected, tolerance)


@given(matrices(square=True))
@settings(deadline=None)
def test_eigh(a):
    tolerance = TOLERANCE[a.dtype]
    symmetric = np.tril(a) + np.tril(a, -1).T
    expected = np.linalg.eigvalsh(symmetric) if a.size else np.zeros(0)
    for engine in ("rust", "plain"):
        with smelt.config(engine=engine):
            w, v = linalg.eigh(a)
        assert w.dtype == v.dtype == a.dtype
        close((v * w) @ v.T, symmetric, tolerance)
        orthonormal(v, tolerance)
        assert (np.diff(w) >= 0).all()
        close(w, expected, tolerance)


@given(matrices(), st.integers(1, 3), st.booleans())
@settings(deadline=None)
def test_lstsq(a, n_right, vector):
    rcond = 1e-4 if a.dtype == np.float32 else 1e-9
    b = np.random.default_rng(2).standard_normal((a.shape[0], n_right)).astype(a.dtype)
    b = b[:, 0] if vector else b
    if a.size:
        x, residuals, rank, s = np.linalg.lstsq(a, b, rcond=rcond)
        scale = max(1, np.abs(x).max())
        for engine in ("rust", "plain"):
            with smelt.config(engine=engine):
                found = linalg.lstsq(a, b, rcond)
            assert found[0].dtype == a.dtype
            assert_allclose(found[0] / scale, x / scale, atol=100 * TOLERANCE[a.dtype])
            assert found[2] == rank
            assert_allclose(np.ravel(found[1]), residuals, atol=1e-3 if rcond > 1e-5 else 1e-9)
            close(found[3], s, TOLERANCE[a.dtype])
    else:
        assert not linalg.lstsq(a, b)[0].any()


def positive(n, dtype=np.float64, seed=0):
    wide = np.random.default_rng(seed).standard_normal((n, n + 3))
    return (wide @ wide.T / max(n, 1) + np.eye(n)).astype(dtype)


@given(st.integers(0, 12), dtypes, st.integers(1, 3))
@settings(deadline=None)
def test_cholesky_and_solve(n, dtype, n_right):
    tolerance = 100 * TOLERANCE[np.dtype(dtype)]
    a = positive(n, dtype, seed=n)
    b = np.random.default_rng(3).standard_normal((n, n_right)).astype(dtype)
    general = a + 0.1 * np.random.default_rng(4).standard_normal((n, n)).astype(dtype)
    for engine in ("rust", "plain"):
        with smelt.config(engine=engine):
            factor = linalg.cholesky(a)
            close(factor @ factor.T, a, tolerance)
            assert_array_equal(factor, np.tril(factor))
            close(a @ linalg.solve(a, b, assume_a="pos"), b, tolerance)
            close(general @ linalg.solve(general, b), b, tolerance)
            assert linalg.solve(general, b[:, 0]).shape == (n,)
            for lower in (False, True):
                for unit in (False, True):
                    half = np.tril(a) if lower else np.triu(a)
                    if unit:
                        np.fill_diagonal(half, 1)
                    x = linalg.solve_triangular(a, b, lower=lower, unit_diagonal=unit)
                    assert x.dtype == dtype
                    close(half @ x, b, tolerance * 10)


@pytest.mark.parametrize("shape", [(5000, 20), (60, 60), (40, 130)])
def test_kernel_equals_twin_entry_for_entry(shape):
    a = np.random.default_rng(5).standard_normal(shape)
    gram = a.T @ a
    pairs = {}
    for engine in ("rust", "plain"):
        with smelt.config(engine=engine):
            pairs[engine] = [
                linalg.matmul(a, a.T[:, :30]),
                linalg.gram(a),
                *linalg.qr(a),
                *(linalg.svd(a) if shape[1] < 100 else ()),
                *(linalg.eigh(gram) if shape[1] < 100 else ()),
                linalg.lstsq(a, a[:, 0] + 1)[0],
                *linalg.randomized_svd(a, 3, random_state=1),
            ]
    for rust, plain in zip(pairs["rust"], pairs["plain"], strict=True):
        assert_allclose(rust, plain, rtol=1e-9, atol=1e-9 * np.abs(plain).max())


def test_randomized_svd_finds_the_leading_part():
    rng = np.random.default_rng(6)
    u, _ = np.linalg.qr(rng.standard_normal((400, 80)))
    v, _ = np.linalg.qr(rng.standard_normal((80, 80)))
    a = (u * 0.7 ** np.arange(80)) @ v.T
    exact = linalg.svd(a)
    found = linalg.randomized_svd(a, 8, random_state=0)
    assert_allclose(found[1], exact[1][:8], rtol=1e-9)
    assert_allclose(found[2], exact[2][:8], atol=1e-6)
    again = linalg.randomized_svd(a, 8, random_state=np.random.default_rng(0))
    assert_array_equal(found[0], again[0])


@pytest.mark.parametrize("size", [1e300, 1e-300, 1e160, 1e-170])
@pytest.mark.parametrize("engine", ["rust", "plain"])
def test_huge_and_tiny_numbers(size, engine):
    a = np.random.default_rng(7).standard_normal((30, 6))
    symmetric = a[:6] + a[:6].T
    with smelt.config(engine=engine):
        assert_allclose(linalg.svd(a * size)[1] / size, linalg.svd(a)[1], rtol=1e-9)
        assert_allclose(linalg.eigh(symmetric * size)[0] / size, linalg.eigh(symmetric)[0], 1e-9)
        assert_allclose(linalg.qr(a * size)[1] / size, linalg.qr(a)[1], atol=1e-9)
        if engine == "rust":
            x = linalg.lstsq(a * size, a[:, 0] * size)[0]
            assert_allclose(x, np.eye(6)[0], atol=1e-9)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "shape", [(7, 5), (150_000, 3), (20_000, 17), (300, 300), (700, 260), (90, 2000)]
)
def test_same_bits_on_any_number_of_threads(dtype, shape):
    rng = np.random.default_rng(8)
    a = rng.standard_normal(shape).astype(dtype)
    small = a[:, :3]
    spd = positive(min(shape), dtype)

    def everything(n_threads):
        with smelt.config(n_threads=n_threads):
            return [
                linalg.matmul(a.T, small),
                linalg.matmul(a, a[:9].T),
                linalg.gram(a[:, :300]),
                *linalg.qr(a),
                *linalg.svd(a),
                *linalg.eigh(spd),
                linalg.cholesky(spd),
                linalg.solve(spd, spd),
                linalg.solve(spd, spd, assume_a="pos"),
                linalg.lstsq(a, small)[0],
                *linalg.randomized_svd(a, 3, random_state=0),
            ]

    expected = everything(1)
    for n_threads in (2, 7):
        for one, many in zip(expected, everything(n_threads), strict=True):
            assert_array_equal(one, many)


FINGERPRINT = """
import hashlib
import numpy as np
from smelt import linalg
a = np.random.default_rng(0).standard_normal((420, 400))
symmetric = a[:400] + a[:400].T
parts = [linalg.matmul(a, a.T), linalg.gram(a), *linalg.qr(a), *linalg.svd(a)]
parts += [*linalg.eigh(symmetric), linalg.solve(symmetric, a[:400, :3])]
parts += [linalg.lstsq(a, a[:, 0])[0]]
print(hashlib.sha256(b"".join(np.ascontiguousarray(part).tobytes() for part in parts)).hexdigest())
"""


def test_same_bits_whatever_the_threads_of_openblas():
    prints = {
        subprocess.run(
            [sys.executable, "-c", FINGERPRINT],
            env=os.environ | {"OPENBLAS_NUM_THREADS": openblas, "SMELT_NUM_THREADS": smelt},
            capture_output=True, text=True, check=True,
        ).stdout
        for openblas, smelt in [("1", "2"), ("2", "1"), ("7", "7")]
    }  # fmt: skip
    assert len(prints) == 1


@pytest.mark.parametrize("shape", [(300, 260), (260, 300), (200, 900)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_qr_of_a_matrix_without_full_rank_in_several_panels(shape, dtype):
    rng = np.random.default_rng(9)
    a = (rng.standard_normal((shape[0], 70)) @ rng.standard_normal((70, shape[1]))).astype(dtype)
    a[:, 40:60] = 0
    q, r = linalg.qr(a)
    close(q @ r, a, TOLERANCE[a.dtype])
    orthonormal(q, TOLERANCE[a.dtype])
    assert_array_equal(r, np.triu(r))


def test_integers_lists_and_mixed_precision():
    assert linalg.matmul([[1, 2]], [[True], [False]]).dtype == np.float64
    mixed = linalg.matmul(np.ones((2, 2), np.float32), np.ones((2, 2)))
    assert mixed.dtype == np.float64
    assert linalg.gram(np.ones((2, 2), np.float16)).dtype == np.float64


ONE_MATRIX = [linalg.qr, linalg.svd, linalg.eigh, linalg.cholesky]


@pytest.mark.parametrize("function", ONE_MATRIX)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_missing_numbers_are_named(function, bad):
    a = positive(4)
    a[2, 1] = bad
    with pytest.raises(DataError, match=r"first \(-?(nan|inf)\) at row 2, column 1"):
        function(a)
    for solver in (linalg.solve, linalg.lstsq):
        with pytest.raises(DataError, match="row 2, column 1"):
            solver(a, np.ones(4))
        with pytest.raises(DataError, match=r"`b`.*row 0, column 0"):
            solver(positive(4), [bad, 0, 0, 0])


def test_a_finite_matrix_with_an_infinite_sum_is_taken():
    a = np.full((4, 2), 5e307)
    assert_allclose(linalg.svd(a)[1][0] / 5e307, np.sqrt(8))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: linalg.matmul(np.ones((2, 3)), np.ones((2, 3))),
            DataError,
            "3 columns but `b` has 2",
        ),
        (lambda: linalg.qr([1, 2]), DataError, "2 dimensions"),
        (lambda: linalg.qr([["a"]]), DataError, "must hold numbers"),
        (lambda: linalg.qr([[1j]]), DataError, "complex"),
        (lambda: linalg.eigh(np.ones((2, 3))), DataError, "square"),
        (lambda: linalg.cholesky(np.ones((2, 3))), DataError, "square"),
        (lambda: linalg.cholesky(-np.eye(3)), LinAlgError, "leading 1 x 1"),
        (lambda: linalg.solve(np.ones((2, 3)), [1, 2]), DataError, "square"),
        (lambda: linalg.solve(np.ones((2, 2)), [1, 2]), LinAlgError, "singular"),
        (lambda: linalg.solve(np.eye(2), [1, 2, 3]), DataError, "2 rows but `b` has 3"),
        (
            lambda: linalg.solve(np.eye(2), [1, 2], assume_a="sym"),
            InvalidParameterError,
            "assume_a",
        ),
        (lambda: linalg.solve_triangular(np.zeros((2, 2)), [1, 2]), LinAlgError, "diagonal entry"),
        (lambda: linalg.lstsq(np.eye(2), [1, 2], -1.0), InvalidParameterError, "rcond"),
        (lambda: linalg.lstsq(np.eye(2), [1, 2], np.nan), InvalidParameterError, "rcond"),
        (lambda: linalg.randomized_svd(np.eye(3), 4), InvalidParameterError, "n_components"),
        (lambda: linalg.randomized_svd(np.eye(3), 0), InvalidParameterError, "n_components"),
        (lambda: linalg.randomized_svd(np.eye(3), 1, n_iter=-1), InvalidParameterError, "n_iter"),
        (
            lambda: linalg.randomized_svd(np.eye(3), 1, n_iter="all"),
            InvalidParameterError,
            "n_iter",
        ),
        (
            lambda: linalg.randomized_svd(np.eye(3), 1, n_oversamples=-1),
            InvalidParameterError,
            "n_oversamples",
        ),
    ],
)
@pytest.mark.parametrize("engine", ["rust", "plain"])
def test_bad_input_is_an_error_that_says_what(call, error, message, engine):
    with smelt.config(engine=engine), pytest.raises(error, match=message):
        call()


def test_agrees_with_scipy_on_a_hilbert_matrix():
    a = scipy.linalg.hilbert(8)
    assert_allclose(linalg.cholesky(a), scipy.linalg.cholesky(a, lower=True), atol=1e-8)
    assert_allclose(linalg.eigh(a)[0], scipy.linalg.eigh(a)[0], atol=1e-14)
    assert_allclose(linalg.svd(a)[1], scipy.linalg.svdvals(a), atol=1e-14)
    assert linalg.lstsq(scipy.linalg.hilbert(30), np.ones(30))[2] < 30
