"""Ridge against its twin, scikit-learn and scikit-learn-intelex."""

import numpy as np
from linear_model._least_squares import workloads


def objective(model, data):
    """Mean penalised residual sum of squares: the smaller the better."""
    residual = data["y"] - data["X"] @ np.ravel(model.coef_) - model.intercept_
    penalty = float(np.sum(np.square(model.coef_)))
    return (float(residual @ residual) + penalty) / len(residual)


WORKLOADS = workloads("ridge", "Ridge", objective)
