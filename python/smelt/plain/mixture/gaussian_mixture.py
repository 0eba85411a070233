"""GaussianMixture in NumPy: a step of expectation and maximisation.

Kernel: ``smelt-learn/src/mixture/gaussian_mixture.rs``.  Covariances and the factors of their
inverses are matrices: "full" one below the other (k·d × d), "tied" d × d, "diag" k × d, "spherical"
k × 1.
"""

import numpy as np


def gaussian_mixture_fit_start(X, labels, shares, n_components, *, covariance_type, reg_covar):
    if shares is None:  # the one component of each row, -1 for none
        shares = (labels[:, None] == np.arange(n_components)).astype(X.dtype)
    return _maximise(X, shares, len(X), np.nan, covariance_type, reg_covar)


def gaussian_mixture_fit_step(
    X, weights, means, precisions_cholesky, *, covariance_type, reg_covar
):
    # 1. expectation: each component's share in each row
    scores = _scores(X, weights, means, precisions_cholesky, covariance_type)
    log_likelihood = _log_sum(scores)
    shares = np.exp(scores - log_likelihood[:, None])
    # 2. maximisation: weights, means and covariances under these shares
    bound = float(log_likelihood.mean())
    return _maximise(X, shares.astype(X.dtype), None, bound, covariance_type, reg_covar)


def gaussian_mixture_predict(X, weights, means, precisions_cholesky, covariance_type, output):
    scores = _scores(X, weights, means, precisions_cholesky, covariance_type)
    if output == "label":
        return scores.argmax(axis=1)
    log_likelihood = _log_sum(scores)
    if output == "log_likelihood":
        return log_likelihood.astype(X.dtype)
    return np.exp(scores - log_likelihood[:, None]).astype(X.dtype)


def _scores(X, weights, means, factors, covariance_type):
    """Ln w + ln p(x), n x k, from rows whitened by U: z = Uᵀ(x - m)."""
    k, d = means.shape
    whitened = {
        "full": lambda c: (X - means[c]) @ factors[c * d : (c + 1) * d],
        "tied": lambda c: (X - means[c]) @ factors,
        "diag": lambda c: (X - means[c]) * factors[c],
        "spherical": lambda c: (X - means[c]) * factors[c, 0],
    }[covariance_type]
    squares = np.stack([(whitened(c) ** 2).sum(axis=1) for c in range(k)], axis=1)
    ln_det = {  # ln |U| of each component
        "full": lambda: np.log([factors[c * d : (c + 1) * d].diagonal() for c in range(k)]).sum(1),
        "tied": lambda: np.log(factors.diagonal()).sum(),
        "diag": lambda: np.log(factors).sum(axis=1),
        "spherical": lambda: d * np.log(factors[:, 0]),
    }[covariance_type]()
    with np.errstate(divide="ignore"):  # a component may have no weight
        return np.log(weights) + ln_det - 0.5 * (d * np.log(2 * np.pi) + squares)


def _log_sum(scores):
    best = scores.max(axis=1)
    return best + np.log(np.exp(scores - best[:, None]).sum(axis=1))


def _maximise(X, shares, n_samples, bound, covariance_type, reg_covar):
    k, d = shares.shape[1], X.shape[1]
    little = 10 * np.finfo(X.dtype).eps
    X, shares = X.astype(np.float64), shares.astype(np.float64)
    counts = shares.sum(axis=0) + little
    means = shares.T @ X / counts[:, None]
    if covariance_type == "full":
        parts = [(shares[:, c] * (X - means[c]).T) @ (X - means[c]) / counts[c] for c in range(k)]
        covariances = np.concatenate([part + reg_covar * np.eye(d) for part in parts])
    elif covariance_type == "tied":
        centre = X.mean(axis=0)  # digits are kept about the mean
        between = counts * (means - centre).T @ (means - centre)
        covariances = (X - centre).T @ (X - centre) - between
        missing = len(X) - (counts - little).sum()
        if missing > 0.5:  # rows of no component count in the first sum alone
            covariances = X.T @ X - counts * means.T @ means
        covariances = covariances / counts.sum() + reg_covar * np.eye(d)
    else:
        off = np.stack([shares[:, c] @ (X - means[c]) ** 2 for c in range(k)])
        covariances = (off + little * means**2) / counts[:, None] + reg_covar
        if covariance_type == "spherical":
            covariances = covariances.mean(axis=1, keepdims=True)
    return {
        "lower_bound": bound,
        "weights": counts / (counts.sum() if n_samples is None else n_samples),
        "means": means,
        "covariances": covariances,
        "precisions_cholesky": _factors(covariances, covariance_type, X.shape[1], little),
    }


def _factors(covariances, covariance_type, d, little):
    """3. U with U·Uᵀ = covariance⁻¹."""
    more = (
        " The numerical accuracy can also be improved by passing float64 data instead of float32."
    )
    ill_defined = (
        "Fitting the mixture model failed because some components have ill-defined empirical "
        "covariance (for instance caused by singleton or collapsed samples). Try to decrease the "
        "number of components, increase reg_covar, or scale the input data."
        + (more if little > 1e-7 else "")
    )
    if covariance_type in ("diag", "spherical"):
        if not (covariances > 0).all():
            raise ValueError(ill_defined)
        return 1 / np.sqrt(covariances)
    try:
        factors = [
            np.linalg.inv(np.linalg.cholesky(covariances[first : first + d])).T
            for first in range(0, len(covariances), d)
        ]
    except np.linalg.LinAlgError:
        raise ValueError(ill_defined) from None
    return np.concatenate(factors)
