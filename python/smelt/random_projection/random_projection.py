"""Random projections, Gaussian and sparse."""

from __future__ import annotations

import warnings
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp
from scipy import linalg
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    _fit_context,
)
from sklearn.exceptions import DataDimensionalityWarning
from sklearn.random_projection import johnson_lindenstrauss_min_dim
from sklearn.utils import _align_api_if_sparse, check_array, check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.random import sample_without_replacement
from sklearn.utils.validation import check_is_fitted, validate_data

from smelt._kernel import kernel
from smelt._validate import FLOATS, canonical, nothing_lost, sparse_arrays, validate_predict

_DRAWN = 1 << 20  # normal numbers drawn between two looks at Ctrl-C


class _RandomProjection(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """What both projections share: number of directions, fit, and the way back."""

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "n_components": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "eps": [Interval(Real, 0, None, closed="neither")],
        "compute_inverse_components": ["boolean"],
        "random_state": ["random_state"],
    }

    n_components: Any
    eps: float
    compute_inverse_components: bool
    random_state: Any

    def _directions(self, n_components: int, n_features: int, dtype: Any) -> Any:
        raise NotImplementedError

    @_fit_context(prefer_skip_nested_validation=True)
    @nothing_lost
    def fit(self, X: Any, y: Any = None) -> Any:
        """Draw the directions; of X only shape and dtype count.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows.
        y : None
            Ignored.

        Returns
        -------
        object
            The fitted estimator itself.
        """
        X = validate_data(self, X, accept_sparse=["csr", "csc"], dtype=list(FLOATS))
        n_samples, n_features = X.shape
        if self.n_components == "auto":
            found = johnson_lindenstrauss_min_dim(n_samples=n_samples, eps=self.eps)
            told = (
                f"eps={self.eps:f} and n_samples={n_samples} lead to a target dimension of {found}"
            )
            if found <= 0:
                raise ValueError(f"{told} which is invalid")
            if found > n_features:
                raise ValueError(
                    f"{told} which is larger than the original space with n_features={n_features}"
                )
            self.n_components_ = found
        else:
            if self.n_components > n_features:
                warnings.warn(
                    "The number of components is higher than the number of features: n_features < "
                    f"n_components ({n_features} < {self.n_components}).The dimensionality of the "
                    "problem will not be reduced.",
                    DataDimensionalityWarning,
                    stacklevel=3,
                )
            self.n_components_ = self.n_components
        self.components_ = self._directions(int(self.n_components_), n_features, X.dtype)
        if self.compute_inverse_components:
            self.inverse_components_ = self._inverse()
        self._n_features_out = self.n_components_
        return self

    def _inverse(self) -> np.ndarray:
        components = self.components_
        if sp.issparse(components):
            components = components.toarray()
        return linalg.pinv(components, check_finite=False)  # type: ignore[no-any-return]

    def transform(self, X: Any) -> Any:
        """Project rows.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        {ndarray, sparse matrix} of shape (n_samples, n_components)
            ``X @ components_.T``.
        """
        X = validate_predict(self, X, accept_sparse=["csr", "csc"], order=None)
        components = self.components_
        dtype = np.result_type(X.dtype, components.dtype)
        X, components = (part.astype(dtype, copy=False) for part in (X, components))
        name = "random_projection.random_projection_transform"
        if not sp.issparse(components):
            components = np.ascontiguousarray(components)
            if not sp.issparse(X):
                return kernel(name)(X, components)
            return kernel(f"{name}_sparse_rows")(_rows(X), components)
        if not sp.issparse(X):
            return kernel(f"{name}_sparse_components")(X, _rows(components))
        indptr, indices, data = kernel(f"{name}_sparse")(_rows(X), _rows(components.T))
        shape = (X.shape[0], components.shape[0])
        product = sp.csr_array((data, indices, indptr), shape=shape)
        product = _align_api_if_sparse(product.tocsc() if X.format == "csc" else product)
        return product.toarray() if self.dense_output else product  # type: ignore[attr-defined]

    def inverse_transform(self, X: Any) -> Any:
        """Return rows that project to X: those of least length.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_components)
            Projected rows.

        Returns
        -------
        ndarray of shape (n_samples, n_features)
            ``X @ pinv(components_).T``.
        """
        check_is_fitted(self)
        X = check_array(X, dtype=list(FLOATS), accept_sparse=("csr", "csc"))
        inverse = self.inverse_components_ if self.compute_inverse_components else self._inverse()
        return _align_api_if_sparse(X @ inverse.T)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        tags.input_tags.sparse = True
        return tags


def _rows(matrix: Any) -> tuple[Any, Any, Any, int]:
    """Compressed rows for a kernel."""
    return sparse_arrays(canonical(matrix.tocsr()))


class GaussianRandomProjection(_RandomProjection):
    r"""Project onto random Gaussian directions, which nearly keeps all distances.

    .. math:: z = R x, \qquad R_{ij} \sim \mathcal{N}(0, 1/k)

    With :math:`k \ge 4 \ln n / (\varepsilon^2 / 2 - \varepsilon^3 / 3)` directions the squared
    distances of n rows are kept up to a factor of :math:`1 \pm \varepsilon`, however many columns
    there were (Johnson and Lindenstrauss).

    Parameters
    ----------
    n_components : int or "auto", default="auto"
        Number of directions; "auto" takes those that ``eps`` asks for.
    eps : float, default=0.1
        Relative error of squared distances, above 0, for "auto".
    compute_inverse_components : bool, default=False
        Whether ``fit`` computes the pseudo-inverse, for :meth:`inverse_transform`.
    random_state : int, RandomState instance or None, default=None
        Seed; the directions are scikit-learn's.

    Attributes
    ----------
    n_components_ : int
        Number of directions.
    components_ : ndarray of shape (n_components, n_features)
        Directions, of X's dtype.
    inverse_components_ : ndarray of shape (n_features, n_components)
        Their pseudo-inverse, where asked for.
    n_features_in_ : int
        Columns of X.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the columns, where X had names that are all strings.

    Raises
    ------
    ValueError
        Where "auto" asks for more directions than there are columns.

    Notes
    -----
    Cost of a projection: ``2 * n * k * d`` flops, of sparse X ``2 * k`` for each entry.

    References
    ----------
    Dasgupta and Gupta (2003), "An elementary proof of a theorem of Johnson and Lindenstrauss".

    Examples
    --------
    >>> import numpy as np
    >>> from smelt.random_projection import GaussianRandomProjection
    >>> X = np.random.RandomState(0).uniform(size=(25, 3000))
    >>> GaussianRandomProjection(random_state=0, eps=0.4).fit_transform(X).shape
    (25, 219)
    """

    def __init__(
        self,
        n_components: Any = "auto",
        *,
        eps: float = 0.1,
        compute_inverse_components: bool = False,
        random_state: Any = None,
    ):
        self.n_components = n_components
        self.eps = eps
        self.compute_inverse_components = compute_inverse_components
        self.random_state = random_state

    def _directions(self, n_components: int, n_features: int, dtype: Any) -> Any:
        # Drawn in parts, so that Ctrl-C is heard between: the stream is the same.
        random_state = check_random_state(self.random_state)
        components = np.empty(n_components * n_features, dtype=dtype)
        scale = 1.0 / np.sqrt(n_components)
        for first in range(0, len(components), _DRAWN):
            part = components[first : first + _DRAWN]
            part[:] = random_state.normal(loc=0.0, scale=scale, size=len(part))
        return components.reshape(n_components, n_features)


class SparseRandomProjection(_RandomProjection):
    r"""Project onto random directions most of whose entries are zero.

    .. math:: R_{ij} = \begin{cases}
        \pm \sqrt{1 / (s k)} & \text{with probability } s/2 \text{ each} \\
        0 & \text{else} \end{cases}

    As good as :class:`GaussianRandomProjection` for distances, with a small share s of its memory
    and its multiplications.

    Parameters
    ----------
    n_components : int or "auto", default="auto"
        Number of directions k; "auto" takes those that ``eps`` asks for.
    density : float or "auto", default="auto"
        Share s of entries that are not zero, above 0 and up to 1; "auto" means
        ``1 / sqrt(n_features)``.
    eps : float, default=0.1
        Relative error of squared distances, above 0, for "auto".
    dense_output : bool, default=False
        Whether the projection of sparse X is dense too.
    compute_inverse_components : bool, default=False
        Whether ``fit`` computes the pseudo-inverse, for :meth:`inverse_transform`.
    random_state : int, RandomState instance or None, default=None
        Seed; the directions are scikit-learn's.

    Attributes
    ----------
    n_components_ : int
        Number of directions.
    components_ : sparse matrix of shape (n_components, n_features)
        Directions, of X's dtype, as compressed rows; dense where ``density`` is 1.
    inverse_components_ : ndarray of shape (n_features, n_components)
        Their pseudo-inverse, where asked for.
    density_ : float
        Share of entries that are not zero.
    n_features_in_ : int
        Columns of X.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the columns, where X had names that are all strings.

    Raises
    ------
    ValueError
        Where "auto" asks for more directions than there are columns.

    Notes
    -----
    Cost of a projection: two flops for each row and entry of the directions, sixteen rows side by
    side.

    References
    ----------
    Li, Hastie and Church (2006), "Very sparse random projections".
    Achlioptas (2003), "Database-friendly random projections".

    Examples
    --------
    >>> import numpy as np
    >>> from smelt.random_projection import SparseRandomProjection
    >>> X = np.random.RandomState(0).uniform(size=(25, 3000))
    >>> model = SparseRandomProjection(random_state=0, eps=0.4).fit(X)
    >>> model.transform(X).shape
    (25, 219)
    >>> round(model.density_, 4)
    0.0183
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **_RandomProjection._parameter_constraints,
        "density": [Interval(Real, 0.0, 1.0, closed="right"), StrOptions({"auto"})],
        "dense_output": ["boolean"],
    }

    def __init__(
        self,
        n_components: Any = "auto",
        *,
        density: Any = "auto",
        eps: float = 0.1,
        dense_output: bool = False,
        compute_inverse_components: bool = False,
        random_state: Any = None,
    ):
        self.n_components = n_components
        self.density = density
        self.eps = eps
        self.dense_output = dense_output
        self.compute_inverse_components = compute_inverse_components
        self.random_state = random_state

    def _directions(self, n_components: int, n_features: int, dtype: Any) -> Any:
        random_state = check_random_state(self.random_state)
        density = 1 / np.sqrt(n_features) if self.density == "auto" else self.density
        self.density_ = density
        if density == 1:
            signs = random_state.binomial(1, 0.5, (n_components, n_features)) * 2 - 1
            return (1 / np.sqrt(n_components) * signs).astype(dtype)
        rows = []
        for _ in range(n_components):
            count = random_state.binomial(n_features, density)
            drawn = sample_without_replacement(n_features, count, random_state=random_state)
            rows.append(drawn)
        indices = np.concatenate(rows)
        indptr = np.r_[0, np.cumsum([len(row) for row in rows])]
        signs = random_state.binomial(1, 0.5, size=len(indices)) * 2 - 1
        entries = np.sqrt(1 / density) / np.sqrt(n_components) * signs
        shape = (n_components, n_features)
        return _align_api_if_sparse(sp.csr_array((entries.astype(dtype), indices, indptr), shape))
