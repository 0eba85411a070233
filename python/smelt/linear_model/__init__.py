"""Linear models: predictions are weighted sums of the features."""

from typing import TYPE_CHECKING

from smelt._family import family

if TYPE_CHECKING:
    from smelt.linear_model.linear_regression import LinearRegression as LinearRegression
    from smelt.linear_model.logistic_regression import LogisticRegression as LogisticRegression
    from smelt.linear_model.ridge import Ridge as Ridge

__getattr__, __dir__, __all__ = family(
    __name__,
    {
        "LinearRegression": "linear_regression",
        "LogisticRegression": "logistic_regression",
        "Ridge": "ridge",
    },
)
