"""Incremental principal component analysis."""

from __future__ import annotations

from numbers import Integral
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp
from sklearn.base import _fit_context
from sklearn.utils import gen_batches
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import validate_data

from smelt._kernel import kernel
from smelt._validate import FLOATS, canonical
from smelt.decomposition._base import PrincipalComponents


class IncrementalPCA(PrincipalComponents):
    r"""Principal components of data that come in batches.

    .. math:: \operatorname{svd} \begin{pmatrix} S V^\top \\ X - \bar x_{batch} \\
        \sqrt{n m / (n + m)} \, (\bar x - \bar x_{batch}) \end{pmatrix}

    The components so far, as long as their singular values, stand for the n rows before; a batch of
    m rows and the way between both means are stacked below.

    Parameters
    ----------
    n_components : int or None, default=None
        Components kept; None: as many as the first batch has rows or columns, the smaller number.
    whiten : bool, default=False
        Whether transformed data have unit variance along each component.
    copy : bool, default=True
        Accepted for scikit-learn's sake; X is never changed.
    batch_size : int or None, default=None
        Rows that ``fit`` takes at once; None: five times the number of columns.

    Attributes
    ----------
    components_ : ndarray of shape (n_components, n_features)
        Directions, by falling variance; the entry of largest magnitude is positive.
    explained_variance_ : ndarray of shape (n_components,)
        Variance along each.
    explained_variance_ratio_ : ndarray of shape (n_components,)
        The same as shares of the whole variance.
    singular_values_ : ndarray of shape (n_components,)
        Norms of the transformed data.
    mean_ : ndarray of shape (n_features,)
        Means of all rows seen.
    var_ : ndarray of shape (n_features,)
        Variances of all rows seen, over their number.
    noise_variance_ : float
        Mean variance along the directions that the last batch left out.
    n_components_ : int
        Components kept.
    n_samples_seen_ : int
        Rows seen.
    batch_size_ : int
        Rows that ``fit`` took at once.
    n_features_in_ : int
        Columns of X.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the columns, where X had names that are all strings.

    Raises
    ------
    ValueError
        Where X holds NaN or infinity, or ``n_components`` does not go with X.
    TypeError
        Where ``partial_fit`` is given sparse data.

    See Also
    --------
    PCA : All rows at once.

    Notes
    -----
    Cost of a batch of m rows: about ``6 * (m + k) * d**2`` flops; the memory of a batch.
    Sums are kept in float64, also for float32 data.

    References
    ----------
    Ross, Lim, Lin and Yang (2008), Incremental learning for robust visual tracking.

    Examples
    --------
    >>> import numpy as np
    >>> from smelt.decomposition import IncrementalPCA
    >>> X = np.array([[-1.0, -1.0], [-2.0, -1.0], [-3.0, -2.0], [1.0, 1.0], [2.0, 1.0], [3.0, 2.0]])
    >>> IncrementalPCA(n_components=1, batch_size=3).fit(X).explained_variance_.round(3)
    array([7.939])
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "n_components": [Interval(Integral, 1, None, closed="left"), None],
        "whiten": ["boolean"],
        "copy": ["boolean"],
        "batch_size": [Interval(Integral, 1, None, closed="left"), None],
    }

    n_samples_seen_: int
    singular_values_: np.ndarray
    var_: np.ndarray

    def __init__(
        self,
        n_components: int | None = None,
        *,
        whiten: bool = False,
        copy: bool = True,
        batch_size: int | None = None,
    ):
        self.n_components = n_components
        self.whiten = whiten
        self.copy = copy
        self.batch_size = batch_size

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None) -> IncrementalPCA:
        """Forget all and find the components, batch by batch.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training data; batches of sparse data are made dense.
        y : Ignored
            Present for the sake of scikit-learn's interface.

        Returns
        -------
        IncrementalPCA
            The fitted estimator itself.
        """
        X = validate_data(self, X, accept_sparse=["csr", "csc", "lil"], dtype=list(FLOATS))
        for name in ("components_", "n_samples_seen_"):
            self.__dict__.pop(name, None)
        n_samples, n_features = X.shape
        self.batch_size_ = 5 * n_features if self.batch_size is None else self.batch_size
        if sp.issparse(X):
            X = X.tocsr()
        least = self.n_components or 0
        for batch in gen_batches(n_samples, self.batch_size_, min_batch_size=least):
            part = X[batch]
            self._take(part.toarray() if sp.issparse(part) else canonical(part))
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any = None, check_input: bool = True) -> IncrementalPCA:
        """Take one batch.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The batch.
        y : Ignored
            Present for the sake of scikit-learn's interface.
        check_input : bool, default=True
            Whether to check X.

        Returns
        -------
        IncrementalPCA
            The estimator itself.
        """
        if check_input:
            if sp.issparse(X):
                raise TypeError(
                    "IncrementalPCA.partial_fit does not support "
                    "sparse input. Either convert data to dense "
                    "or use IncrementalPCA.fit to do so in batches."
                )
            first = not hasattr(self, "components_")
            X = canonical(validate_data(self, X, dtype=list(FLOATS), reset=first))
        self._take(X)
        return self

    def _take(self, X: np.ndarray) -> None:
        n_samples, n_features = X.shape
        first = not hasattr(self, "components_")
        k = self.n_components
        if k is None:
            k = min(n_samples, n_features) if first else self.components_.shape[0]
        elif k > n_features:
            raise ValueError(
                f"n_components={k!r} invalid for n_features={n_features}, need "
                "more rows than columns for IncrementalPCA processing"
            )
        elif first and k > n_samples:
            raise ValueError(
                f"n_components={k} must be less or equal to "
                f"the batch number of samples {n_samples} for the first "
                "partial_fit call."
            )
        if not first and self.components_.shape[0] != k:
            raise ValueError(
                f"Number of input features has changed from {self.components_.shape[0]} "
                f"to {k} between calls to partial_fit! Try "
                "setting n_components to a fixed value."
            )
        known, mean, variance = np.zeros((0, n_features)), np.zeros(n_features), None
        seen = 0
        if not first:
            seen = int(self.n_samples_seen_)
            known = self.singular_values_[:, None].astype(np.float64) * self.components_
            mean, variance = self.mean_, self.var_
        fit = kernel("decomposition.incremental_pca_fit_batch")(
            X,
            np.ascontiguousarray(known),
            mean,
            np.zeros(n_features) if variance is None else variance,
            n_components=int(k),
            n_seen=seen,
        )
        squares, dtype = fit["singular"] ** 2, X.dtype
        seen += n_samples
        explained = squares / max(seen - 1, 1)
        self.n_components_ = int(k)
        self.n_samples_seen_ = seen
        self.components_ = fit["components"].astype(dtype)
        self.singular_values_ = fit["singular"][:k].astype(dtype)
        self.mean_, self.var_ = fit["mean"], fit["variance"]
        self.explained_variance_ = explained[:k].astype(dtype)
        with np.errstate(divide="ignore", invalid="ignore"):
            share = squares[:k] / (fit["variance"].sum() * seen)
        self.explained_variance_ratio_ = share.astype(dtype)
        left = explained[k:]
        self.noise_variance_ = (
            float(left.mean()) if k not in (n_samples, n_features) and len(left) else 0.0
        )

    def transform(self, X: Any) -> Any:
        """Project X on the components; sparse data go batch by batch.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        ndarray of shape (n_samples, n_components)
            Coordinates along the components.
        """
        if not sp.issparse(X):
            return super().transform(X)
        X = X.tocsr()
        size = getattr(self, "batch_size_", X.shape[0])
        parts = gen_batches(X.shape[0], size, min_batch_size=self.n_components or 0)
        return np.vstack([super(IncrementalPCA, self).transform(X[p].toarray()) for p in parts])

    def _project(self, X: Any) -> np.ndarray:
        out = super()._project(X)
        return out.astype(self.components_.dtype, copy=False)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        tags.input_tags.sparse = True
        return tags
