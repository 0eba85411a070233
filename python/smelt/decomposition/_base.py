"""What linear decompositions share: projecting, projecting back, the Gaussian model, probes."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp
from scipy import linalg
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_array, check_random_state
from sklearn.utils.extmath import fast_logdet
from sklearn.utils.validation import check_is_fitted

from smelt._kernel import kernel
from smelt._validate import FLOATS, canonical, validate_predict


def product(X: Any, matrix: np.ndarray) -> np.ndarray:
    """Return ``X @ matrix`` with the same bits for any number of threads."""
    if sp.issparse(X) or X.dtype != matrix.dtype or X.dtype not in FLOATS:
        return np.asarray(X @ matrix)
    return kernel("linalg.matmul")(canonical(X), matrix)  # type: ignore[no-any-return]


def probes(shape: tuple[int, int], n_probes: int, random_state: Any) -> np.ndarray:
    """Random normal numbers from which the leading vectors of the shorter side are found."""
    side = min(shape)
    random = check_random_state(random_state)
    return np.ascontiguousarray(random.normal(size=(side, min(n_probes, side))))


class LinearDecomposition(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Base of decompositions whose ``components_`` are the rows of a matrix."""

    components_: np.ndarray

    @property
    def _n_features_out(self) -> int:
        return int(self.components_.shape[0])


class PrincipalComponents(LinearDecomposition):
    """Base of decompositions about a mean with orthonormal components and variances along them."""

    mean_: np.ndarray
    explained_variance_: np.ndarray
    noise_variance_: Any
    n_components_: int
    whiten: bool

    def transform(self, X: Any) -> Any:
        """Project X on the components.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        ndarray of shape (n_samples, n_components)
            Coordinates along the components.
        """
        check_is_fitted(self)
        X = validate_predict(self, X, accept_sparse=["csr", "csc"], order=None)
        return self._project(X)

    def _project(self, X: Any) -> np.ndarray:
        axes = np.ascontiguousarray(self.components_.T)
        out = product(X, axes)
        out -= self.mean_ @ axes
        if self.whiten:
            # No direction of zero variance may divide by zero.
            scale = np.sqrt(self.explained_variance_)
            out /= np.maximum(scale, np.finfo(scale.dtype).eps)
        return out

    def inverse_transform(self, X: Any) -> np.ndarray:
        """Return the points whose coordinates X are; whitening is taken back too.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_components)
            Coordinates along the components.

        Returns
        -------
        ndarray of shape (n_samples, n_features)
            Points in the space of the data.
        """
        check_is_fitted(self)
        X = check_array(X, input_name="X", dtype=list(FLOATS))
        axes = self.components_
        if self.whiten:
            axes = np.sqrt(self.explained_variance_)[:, None] * axes
        return product(X, axes) + self.mean_

    def get_covariance(self) -> np.ndarray:
        """Return the covariance under the model: components plus noise.

        Returns
        -------
        ndarray of shape (n_features, n_features)
            ``components_.T * (explained_variance_ - noise) @ components_ + noise * I``.
        """
        surplus, axes = self._surplus()
        covariance = (axes.T * surplus) @ axes
        covariance.flat[:: len(covariance) + 1] += self.noise_variance_
        return covariance  # type: ignore[no-any-return]

    def get_precision(self) -> np.ndarray:
        """Return the inverse of the covariance, by the matrix inversion lemma.

        Returns
        -------
        ndarray of shape (n_features, n_features)
            Precision.
        """
        n_features = self.components_.shape[1]
        if self.n_components_ == 0:
            return np.eye(n_features) / self.noise_variance_
        if self.noise_variance_ == 0.0:
            return linalg.inv(self.get_covariance())  # type: ignore[no-any-return]
        surplus, axes = self._surplus()
        with np.errstate(divide="ignore"):
            inner = np.diag(1.0 / surplus) + axes @ axes.T / self.noise_variance_
        # A component without surplus adds nothing.
        counts = surplus > 0
        inner, axes = inner[np.ix_(counts, counts)], axes[counts]
        precision = -axes.T @ linalg.inv(inner) @ axes / self.noise_variance_**2
        precision.flat[:: n_features + 1] += 1.0 / self.noise_variance_
        return precision  # type: ignore[no-any-return]

    def _surplus(self) -> tuple[np.ndarray, np.ndarray]:
        """Variance above the noise along each component, and the components."""
        axes = self.components_
        if self.whiten:
            axes = axes * np.sqrt(self.explained_variance_)[:, None]
        return np.maximum(self.explained_variance_ - self.noise_variance_, 0), axes

    def score_samples(self, X: Any) -> np.ndarray:
        """Return the log-likelihood of each sample under the Gaussian model.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        ndarray of shape (n_samples,)
            Log-likelihoods (Bishop 2006, section 12.2.1).
        """
        check_is_fitted(self)
        X = validate_predict(self, X, order=None)
        off = X - self.mean_
        precision = self.get_precision()
        n_features = X.shape[1]
        score = -0.5 * np.einsum("ij,ij->i", off, off @ precision)
        return score - 0.5 * (n_features * np.log(2.0 * np.pi) - fast_logdet(precision))  # type: ignore[no-any-return]

    def score(self, X: Any, y: Any = None) -> float:
        """Return the mean log-likelihood of the samples.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples.
        y : Ignored
            Present for the sake of scikit-learn's interface.

        Returns
        -------
        float
            Mean of ``score_samples``.
        """
        return float(np.mean(self.score_samples(X)))
