"""Leading singular vectors by random projection."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from smelt._kernel import kernel
from smelt.errors import InvalidParameterError
from smelt.linalg._base import Array, matrix


def randomized_svd(
    a: Any,
    n_components: int,
    *,
    n_oversamples: int = 10,
    n_iter: int | Literal["auto"] = "auto",
    random_state: int | np.random.Generator | None = None,
) -> tuple[Array, Array, Array]:
    """Approximate the leading singular values and vectors of a large matrix.

    Projects the matrix on the range of A·Ω for a Gaussian Ω, sharpened by power iterations, and
    decomposes the small result.

    Parameters
    ----------
    a : array-like of shape (m, n)
        The matrix.
    n_components : int
        Number of singular values and vectors, from 1 to min(m, n).
    n_oversamples : int, default=10
        Further random directions, at least 0; more give more accuracy.
    n_iter : int or "auto", default="auto"
        Power iterations, at least 0.  "auto": 7 where ``n_components`` is under a tenth of the
        smaller side, else 4.
    random_state : int, numpy.random.Generator or None, default=None
        Seed, or generator, of Ω.

    Returns
    -------
    u : ndarray of shape (m, n_components)
        Left singular vectors in columns.
    s : ndarray of shape (n_components,)
        Singular values, falling.
    vt : ndarray of shape (n_components, n)
        Right singular vectors in rows; the entry of largest magnitude in each is positive.

    Raises
    ------
    InvalidParameterError
        If a parameter is out of its range.

    Notes
    -----
    Cost: O(m·n·p·(n_iter + 1)) for p = n_components + n_oversamples.

    Deviates from scikit-learn's function of this name in the random stream (NumPy's ``Generator``)
    and in normalising every power iteration by QR.

    References
    ----------
    N. Halko, P. G. Martinsson, J. A. Tropp, "Finding structure with randomness", SIAM Review 53
    (2011).

    Examples
    --------
    >>> import numpy as np
    >>> from smelt.linalg import randomized_svd
    >>> u, s, vt = randomized_svd(np.diag([5.0, 4.0, 0.0]), 2, random_state=0)
    >>> s.round(6)
    array([5., 4.])
    """
    a = matrix(a)
    smaller = min(a.shape)
    if not 1 <= n_components <= smaller:
        raise InvalidParameterError(
            f"n_components must be from 1 to {smaller} for shape {a.shape}, got {n_components!r}"
        )
    if n_oversamples < 0:
        raise InvalidParameterError(f"n_oversamples must be at least 0, got {n_oversamples!r}")
    if n_iter == "auto":
        n_iter = 7 if n_components < 0.1 * smaller else 4
    if isinstance(n_iter, str) or n_iter < 0:
        raise InvalidParameterError(f"n_iter must be 'auto' or at least 0, got {n_iter!r}")
    n_probes = min(n_components + n_oversamples, smaller)
    rng = np.random.default_rng(random_state)
    probes = rng.standard_normal((a.shape[1], n_probes)).astype(a.dtype, copy=False)
    u, s, vt = kernel("linalg.randomized_svd")(a, probes, int(n_components), int(n_iter))
    return u, s, vt
