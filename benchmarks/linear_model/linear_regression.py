"""LinearRegression against its twin, scikit-learn and scikit-learn-intelex."""

import numpy as np
from linear_model._least_squares import workloads


def objective(model, data):
    """Mean residual sum of squares: the smaller the better."""
    residual = data["y"] - data["X"] @ np.ravel(model.coef_) - model.intercept_
    return float(residual @ residual) / len(residual)


WORKLOADS = workloads("linear-regression", "LinearRegression", objective)
