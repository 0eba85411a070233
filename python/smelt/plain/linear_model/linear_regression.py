"""Ordinary least squares: min sum w (y - X coef - intercept)^2, the shortest of all minimisers."""

import numpy as np

from smelt.plain.linear_model.least_squares import centre, lsqr, non_negative, to_dense


def linear_regression_fit(X, y, sample_weight=None, *, fit_intercept, tol, positive):
    # 1. centre, weight rows by the root of their weight
    X, y, x_mean, y_mean = centre(X, y, sample_weight, fit_intercept)
    if positive:
        A = X.T @ X
        coef = np.array([non_negative(A, X.T @ target)[0] for target in y.T])
        return fitted(coef, x_mean, y_mean, None, np.empty(0))
    # 2. singular values; those up to tol times the largest count as zero
    U, s, Vt = np.linalg.svd(X, full_matrices=False)
    counts = s > tol * s[0]
    # 3. coef = V diag(1 / s) U'y over the others
    coef = ((U[:, counts].T @ y) / s[counts, None]).T @ Vt[counts]
    return fitted(coef, x_mean, y_mean, int(counts.sum()), s)


def linear_regression_fit_sparse(X, y, sample_weight=None, *, fit_intercept, tol, positive):
    X, y, x_mean, y_mean = centre(to_dense(X), y, sample_weight, fit_intercept)
    coef = np.array([lsqr(X, target, 0.0, tol, None)[0] for target in y.T])
    return fitted(coef, x_mean, y_mean, None, np.empty(0))


def fitted(coef, x_mean, y_mean, rank, singular):
    # 4. intercept
    intercept = y_mean - coef @ x_mean
    return {"coef": coef, "intercept": intercept, "rank": rank, "singular": singular}
