"""What least-squares models share: arranging targets, wording errors, predicting."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.base import BaseEstimator, MultiOutputMixin, RegressorMixin
from sklearn.utils import assert_all_finite

from smelt._kernel import kernel
from smelt._validate import sparse_arrays, validate_predict


class LeastSquaresModel(MultiOutputMixin, RegressorMixin, BaseEstimator):
    """Base of models whose prediction is ``X @ coef_.T + intercept_``."""

    coef_: np.ndarray
    intercept_: Any

    def predict(self, X: Any) -> np.ndarray:
        """Predict targets.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_targets)
            ``X @ coef_.T + intercept_``.
        """
        X = validate_predict(self, X, accept_sparse=["csr", "csc", "coo"], order=None)
        return X @ self.coef_.T + self.intercept_  # type: ignore[no-any-return]

    def _run(
        self,
        name: str,
        X: Any,
        y: np.ndarray,
        sample_weight: Any,
        n_jobs: int | None,
        **params: Any,
    ) -> dict[str, Any]:
        """Call a kernel; store ``coef_`` and ``intercept_``; return the rest of its dict.

        Kernels find NaN and infinity on their way; the search for the culprit comes after.
        """
        targets = _forward(np.asarray(y, dtype=X.dtype).reshape(X.shape[0], -1))
        if sample_weight is not None:
            sample_weight = np.ascontiguousarray(sample_weight)
        try:
            if sp.issparse(X):
                X = X.tocsr()
                fit = kernel(f"{name}_sparse", n_jobs=n_jobs)(
                    sparse_arrays(X), targets, sample_weight, **params
                )
            else:
                X = _forward(X)
                fit = kernel(name, n_jobs=n_jobs)(X, targets, sample_weight, **params)
        except ValueError:
            assert_all_finite(
                X.data if sp.issparse(X) else X,
                input_name="X",
                estimator_name=type(self).__name__,
            )
            raise
        coef = np.asarray(fit["coef"], dtype=X.dtype)
        intercept = np.asarray(fit["intercept"], dtype=X.dtype)
        self.coef_ = coef[0] if y.ndim == 1 else coef
        if not params["fit_intercept"]:
            self.intercept_ = 0.0
        else:
            self.intercept_ = intercept[0] if y.ndim == 1 else intercept
        return fit


def _forward(matrix: np.ndarray) -> np.ndarray:
    """Return the matrix itself, or a copy where kernels could not walk through it."""
    walkable = all(stride >= 0 and stride % matrix.itemsize == 0 for stride in matrix.strides)
    return matrix if walkable and matrix.flags.aligned else np.ascontiguousarray(matrix)
