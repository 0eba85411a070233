"""Non-negative matrix factorization."""

from __future__ import annotations

import warnings
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp
from sklearn.base import _fit_context
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_array, check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted, check_non_negative, validate_data

from smelt._kernel import kernel
from smelt._validate import FLOATS, canonical, sparse_arrays
from smelt.decomposition._base import LinearDecomposition, probes

_BETA = {"frobenius": 2.0, "kullback-leibler": 1.0, "itakura-saito": 0.0}


class NMF(LinearDecomposition):
    r"""Two factors without negative numbers: parts that add up to the data.

    .. math::
        \min_{W, H \ge 0} \; \tfrac12 \lVert X - W H \rVert_{loss}^2
        + d \, \alpha_W \bigl(\rho \lVert W \rVert_1 + \tfrac{1 - \rho}{2} \lVert W \rVert^2\bigr)
        + n \, \alpha_H \bigl(\rho \lVert H \rVert_1 + \tfrac{1 - \rho}{2} \lVert H \rVert^2\bigr)

    with ρ = ``l1_ratio``.  "cd" finds the exact minimum in one column of W after the other, then of
    H, and stops where the projected gradient is ``tol`` of the first.  "mu" multiplies both by
    ratios that are 1 at the minimum, and stops where the error falls by less than ``tol`` of the
    first in ten rounds.

    Parameters
    ----------
    n_components : int, "auto" or None, default="auto"
        Parts; "auto": as W or H have with ``init="custom"``, else as None: the number of features.
    init : {"random", "nndsvd", "nndsvda", "nndsvdar", "custom"} or None, default=None
        Start: normal numbers without their signs; the positive parts of singular vectors, with
        zeros kept, or filled with the mean, or with small random numbers; W and H given to ``fit``.
        None: "nndsvda" up to the shorter side of X, else "random".
    solver : {"cd", "mu"}, default="cd"
        The method.
    beta_loss : float or {"frobenius", "kullback-leibler", "itakura-saito"}, default="frobenius"
        β of the divergence: 2, 1, 0 or any other number; others than 2 take "mu".
    tol : float, default=1e-4
        Where to stop.
    max_iter : int, default=200
        Most rounds.
    random_state : int, RandomState instance or None, default=None
        Draws the start and the order of "cd" with ``shuffle``.
    alpha_W : float, default=0.0
        Weight of the penalty on W.
    alpha_H : float or "same", default="same"
        Weight of the penalty on H.
    l1_ratio : float, default=0.0
        Share of the penalty on sums, in [0, 1]; the rest is on squares.
    verbose : int, default=0
        Whether to print how rounds went, once they are done.
    shuffle : bool, default=False
        Whether "cd" takes the components in random order.

    Attributes
    ----------
    components_ : ndarray of shape (n_components, n_features)
        H.
    n_components_ : int
        Parts.
    reconstruction_err_ : float
        Square root of twice the divergence of X from W H; the Frobenius norm with β = 2.
    n_iter_ : int
        Rounds taken.
    n_features_in_ : int
        Columns of X.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the columns, where X had names that are all strings.

    Raises
    ------
    ValueError
        Where X holds NaN, infinity or negative numbers, or zeros with β ≤ 0; where a start is of a
        wrong shape or all zeros.

    See Also
    --------
    MiniBatchNMF : Batch by batch.

    Notes
    -----
    Cost of a round of "cd": ``4 * n * d * k`` flops and one reading of dense X; ``4 * entries * k``
    for sparse X.

    Deviations from scikit-learn: the singular vectors of the start come from a Krylov space, which
    is closer to the exact ones; ``transform`` with β = 1 adds the penalty on sums once, not anew in
    every round; messages of ``verbose`` come after the last round.

    References
    ----------
    Cichocki and Phan (2009), Fast local algorithms for large scale nonnegative matrix and tensor
    factorizations.
    Févotte and Idier (2011), Algorithms for nonnegative matrix factorization with the β-divergence.
    Boutsidis and Gallopoulos (2008), SVD based initialization.

    Examples
    --------
    >>> import numpy as np
    >>> from smelt.decomposition import NMF
    >>> X = np.array([[1.0, 1.0], [2.0, 1.0], [3.0, 1.2], [4.0, 1.0], [5.0, 0.8], [6.0, 1.0]])
    >>> model = NMF(n_components=2, init="random", random_state=0)
    >>> W = model.fit_transform(X)
    >>> bool(np.abs(W @ model.components_ - X).max() < 0.01)
    True
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "n_components": [
            Interval(Integral, 1, None, closed="left"),
            None,
            StrOptions({"auto"}),
        ],
        "init": [StrOptions({"random", "nndsvd", "nndsvda", "nndsvdar", "custom"}), None],
        "solver": [StrOptions({"mu", "cd"})],
        "beta_loss": [StrOptions(set(_BETA)), Real],
        "tol": [Interval(Real, 0, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
        "alpha_W": [Interval(Real, 0, None, closed="left")],
        "alpha_H": [Interval(Real, 0, None, closed="left"), StrOptions({"same"})],
        "l1_ratio": [Interval(Real, 0, 1, closed="both")],
        "verbose": ["verbose"],
        "shuffle": ["boolean"],
    }

    def __init__(
        self,
        n_components: Any = "auto",
        *,
        init: str | None = None,
        solver: str = "cd",
        beta_loss: Any = "frobenius",
        tol: float = 1e-4,
        max_iter: int = 200,
        random_state: Any = None,
        alpha_W: float = 0.0,
        alpha_H: Any = "same",
        l1_ratio: float = 0.0,
        verbose: Any = 0,
        shuffle: bool = False,
    ):
        self.n_components = n_components
        self.init = init
        self.solver = solver
        self.beta_loss = beta_loss
        self.tol = tol
        self.max_iter = max_iter
        self.random_state = random_state
        self.alpha_W = alpha_W
        self.alpha_H = alpha_H
        self.l1_ratio = l1_ratio
        self.verbose = verbose
        self.shuffle = shuffle

    def fit(self, X: Any, y: Any = None, **params: Any) -> NMF:
        """Find the parts.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training data, not negative; float32 stays float32.
        y : Ignored
            Present for the sake of scikit-learn's interface.
        **params : W and H
            Starts for ``init="custom"``.

        Returns
        -------
        NMF
            The fitted estimator itself.
        """
        self.fit_transform(X, **params)
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    def fit_transform(self, X: Any, y: Any = None, W: Any = None, H: Any = None) -> Any:
        """Find the parts and how much of each is in the data.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training data, not negative; float32 stays float32.
        y : Ignored
            Present for the sake of scikit-learn's interface.
        W : array-like of shape (n_samples, n_components), default=None
            Start of W for ``init="custom"``.
        H : array-like of shape (n_components, n_features), default=None
            Start of H for ``init="custom"``.

        Returns
        -------
        ndarray of shape (n_samples, n_components)
            W.
        """
        X = canonical(validate_data(self, X, accept_sparse=("csr", "csc"), dtype=list(FLOATS)))
        self._check(X)
        W, H = self._start(X, W, H)
        fit = self._run(X, W, H, update_h=True)
        self.components_ = np.ascontiguousarray(fit["Ht"].T)
        self.n_components_ = self.components_.shape[0]
        self.reconstruction_err_ = fit["error"]
        self.n_iter_ = fit["n_iter"]
        return fit["W"]

    def transform(self, X: Any) -> Any:
        """Find how much of each part is in X.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples, not negative.

        Returns
        -------
        ndarray of shape (n_samples, n_components)
            W for the parts that were learned.
        """
        check_is_fitted(self)
        X = canonical(
            validate_data(
                self,
                X,
                accept_sparse=("csr", "csc"),
                dtype=list(FLOATS),
                reset=False,
                ensure_non_negative=True,
            )
        )
        self._check(X)
        H = self.components_
        if H.dtype != X.dtype:
            raise TypeError(f"H should have the same dtype as X. Got H.dtype = {H.dtype}.")
        n_samples, k = X.shape[0], H.shape[0]
        value = np.sqrt(X.mean() / k) if self.solver == "mu" else 0.0
        start = np.full((n_samples, k), value, dtype=X.dtype)
        return self._run(X, start, H, update_h=False)["W"]

    def inverse_transform(self, X: Any) -> np.ndarray:
        """Add the parts up.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_components)
            How much of each part.

        Returns
        -------
        ndarray of shape (n_samples, n_features)
            ``X @ components_``.
        """
        check_is_fitted(self)
        return X @ self.components_  # type: ignore[no-any-return]

    def _run(self, X: Any, W: np.ndarray, H: np.ndarray, *, update_h: bool) -> dict[str, Any]:
        n_samples, n_features = X.shape
        alpha_H = self.alpha_W if self.alpha_H == "same" else self.alpha_H
        on_sums, on_squares = self.l1_ratio, 1.0 - self.l1_ratio
        orders: list[list[int]] = []
        if self.shuffle and self.solver == "cd":
            random = check_random_state(self.random_state)
            n_sweeps = self.max_iter * (2 if update_h else 1)
            orders = [random.permutation(W.shape[1]).tolist() for _ in range(n_sweeps)]
        params = {
            "solver": self.solver,
            "beta": float(_BETA.get(self.beta_loss, self.beta_loss)),
            "tol": float(self.tol),
            "max_iter": int(self.max_iter),
            "l1_w": float(n_features * self.alpha_W * on_sums),
            "l1_h": float(n_samples * alpha_H * on_sums),
            "l2_w": float(n_features * self.alpha_W * on_squares),
            "l2_h": float(n_samples * alpha_H * on_squares),
            "update_h": update_h,
            "orders": orders,
        }
        W, Ht = np.ascontiguousarray(W), np.ascontiguousarray(H.T)
        if sp.issparse(X):
            run = kernel("decomposition.nmf_fit_sparse")
            fit = run(sparse_arrays(X.tocsr()), W, Ht, **params)
        else:
            fit = kernel("decomposition.nmf_fit")(X, W, Ht, **params)
        if self.verbose:
            self._report(fit)
        if fit["n_iter"] == self.max_iter and self.tol > 0:
            warnings.warn(
                f"Maximum number of iterations {self.max_iter} reached. Increase "
                "it to improve convergence.",
                ConvergenceWarning,
                stacklevel=3,
            )
        return fit  # type: ignore[no-any-return]

    def _report(self, fit: dict[str, Any]) -> None:
        for index, value in enumerate(fit["history"], start=1):
            if self.solver == "cd":
                print("violation:", value)
            else:
                print(f"Epoch {10 * index:02d}, error: {value:f}")
        print(f"{fit['n_iter']} rounds")

    def _check(self, X: Any) -> None:
        """Refuse what scikit-learn refuses."""
        beta = _BETA.get(self.beta_loss, self.beta_loss)
        if self.solver != "mu" and beta != 2:
            raise ValueError(
                f"Invalid beta_loss parameter: solver {self.solver!r} does not handle "
                f"beta_loss = {self.beta_loss!r}"
            )
        if self.solver == "mu" and self.init == "nndsvd":
            warnings.warn(
                "The multiplicative update ('mu') solver cannot update "
                "zeros present in the initialization, and so leads to "
                "poorer results when used jointly with init='nndsvd'. "
                "You may try init='nndsvda' or init='nndsvdar' instead.",
                UserWarning,
                stacklevel=3,
            )
        if beta <= 0 and X.min() == 0:
            raise ValueError(
                "When beta_loss <= 0 and X contains zeros, "
                "the solver may diverge. Please add small values "
                "to X, or use a positive beta_loss."
            )

    def _start(self, X: Any, W: Any, H: Any) -> tuple[np.ndarray, np.ndarray]:
        check_non_negative(X, "NMF (input X)" if self.init == "custom" else "NMF initialization")
        k = X.shape[1] if self.n_components is None else self.n_components
        if self.init == "custom":
            H = _given(H, (k, X.shape[1]), "NMF (input H)")
            W = _given(W, (X.shape[0], k), "NMF (input W)")
            if H.dtype != X.dtype or W.dtype != X.dtype:
                raise TypeError(
                    "H and W should have the same dtype as X. Got "
                    f"H.dtype = {H.dtype} and W.dtype = {W.dtype}."
                )
            if H.shape[0] != W.shape[1]:
                raise ValueError(f"W has {W.shape[1]} components but H has {H.shape[0]}.")
            return W, H
        if W is not None or H is not None:
            warnings.warn(
                "When init!='custom', provided W or H are ignored. Set "
                " init='custom' to use them as initialization.",
                RuntimeWarning,
                stacklevel=3,
            )
        if k == "auto":
            k = X.shape[1]
        init = self.init
        short = min(X.shape)
        if init not in (None, "random") and k > short:
            raise ValueError(
                f"init = '{init}' can only be used when n_components <= min(n_samples, n_features)"
            )
        if init is None:
            init = "nndsvda" if k <= short else "random"
        if init == "random":
            size = np.sqrt(X.mean() / k)
            random = check_random_state(self.random_state)
            H = np.abs(size * random.standard_normal((k, X.shape[1])).astype(X.dtype, copy=False))
            W = np.abs(size * random.standard_normal((X.shape[0], k)).astype(X.dtype, copy=False))
            return W.astype(X.dtype, copy=False), H.astype(X.dtype, copy=False)
        return self._from_singular_vectors(X, int(k), init)

    def _from_singular_vectors(self, X: Any, k: int, init: str) -> tuple[np.ndarray, np.ndarray]:
        """Start from the positive or the negative parts of singular vectors, the larger ones."""
        params = {
            "n_components": k,
            "n_iter": 7 if k < 0.1 * min(X.shape) else 4,
            "tol": 0.0,
        }
        drawn = probes(X.shape, k + 10, self.random_state)
        if sp.issparse(X):
            run = kernel("decomposition.truncated_svd_fit_sparse")
            fit = run(sparse_arrays(X.tocsr()), drawn, **params)
        else:
            fit = kernel("decomposition.truncated_svd_fit")(X, drawn, **params)
        s = fit["singular"]
        U = fit["transformed"] / np.where(s > 0, s, 1)
        V = fit["components"].T
        W, H = np.zeros_like(U), np.zeros_like(V)
        W[:, 0], H[:, 0] = np.sqrt(s[0]) * np.abs(U[:, 0]), np.sqrt(s[0]) * np.abs(V[:, 0])
        for j in range(1, k):
            sides = []
            for sign in (1, -1):
                u, v = np.maximum(sign * U[:, j], 0), np.maximum(sign * V[:, j], 0)
                u_size, v_size = np.linalg.norm(u), np.linalg.norm(v)
                sides.append((u_size * v_size, u / max(u_size, 1e-300), v / max(v_size, 1e-300)))
            size, u, v = max(sides, key=lambda side: side[0])
            W[:, j], H[:, j] = np.sqrt(s[j] * size) * u, np.sqrt(s[j] * size) * v
        mean = X.mean()
        random = check_random_state(self.random_state)
        for factor in (W, H.T):
            factor[factor < 1e-6] = 0
            empty = factor == 0
            if init == "nndsvda":
                factor[empty] = mean
            elif init == "nndsvdar":
                factor[empty] = np.abs(mean * random.standard_normal(int(empty.sum())) / 100)
        return W.astype(X.dtype), np.ascontiguousarray(H.T, dtype=X.dtype)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.positive_only = True
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _given(factor: Any, shape: tuple[Any, Any], whom: str) -> np.ndarray:
    """Check a start that the caller gave."""
    factor = check_array(factor, dtype=list(FLOATS))
    for axis, name in enumerate(("first", "second")):
        wanted = shape[axis]
        if wanted != "auto" and factor.shape[axis] != wanted:
            raise ValueError(
                f"Array with wrong {name} dimension passed to {whom}. Expected {wanted}, "
                f"but got {factor.shape[axis]}."
            )
    check_non_negative(factor, whom)
    if factor.max() == 0:
        raise ValueError(f"Array passed to {whom} is full of zeros.")
    return factor  # type: ignore[no-any-return]
