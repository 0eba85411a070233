"""What XGBoost's objectives are in smelt: estimator, loss, and the space of the start values."""

from __future__ import annotations

from typing import Any

import numpy as np

from smelt.errors import ModelFileError
from smelt.export.boosters.xgboost_document import Section

_CLASSIFIERS = ("binary:logistic", "binary:logitraw", "multi:softprob", "multi:softmax")
_RANKERS = ("rank:ndcg", "rank:map", "rank:pairwise")
_LOSSES = {
    "reg:squarederror": "squared_error",
    "reg:linear": "squared_error",
    "reg:squaredlogerror": "squared_error",
    "reg:absoluteerror": "absolute_error",
    "reg:pseudohubererror": "huber",
    "reg:quantileerror": "quantile",
    "reg:logistic": "cross_entropy",
    "count:poisson": "poisson",
    "reg:gamma": "gamma",
    "reg:tweedie": "tweedie",
}
_LOGIT = ("binary:logistic", "reg:logistic")
_LOG = ("count:poisson", "reg:gamma", "reg:tweedie")


def objective_of(objective: Section, n_outputs: int) -> tuple[str, dict[str, Any], str]:
    """Return the kind of estimator, its parameters, and the name of the objective."""
    name = objective.text("name")
    if name in _CLASSIFIERS:
        if name.startswith("multi") == (n_outputs == 1):
            raise objective.fail("name", f"{name} with {n_outputs} outputs")
        return "classifier", {}, name
    parameters: dict[str, Any] = {}
    if name == "reg:quantileerror":
        section = objective.section("quantile_loss_param")
        quantiles = [_short(q) for q in section.numbers("quantile_alpha")]
        if len(quantiles) != n_outputs:
            raise section.fail("quantile_alpha", f"{len(quantiles)} for {n_outputs} outputs")
        return "regressor", _quantile(quantiles), name
    if n_outputs != 1:
        raise objective.fail(
            "name", f"{name} with {n_outputs} targets, of which smelt's boosting has one"
        )
    if name in _RANKERS:
        return "ranker", {}, name
    if name not in _LOSSES:
        known = ", ".join([*_CLASSIFIERS, *_RANKERS, *_LOSSES])
        raise ModelFileError(
            f"smelt cannot carry the objective {name!r:.60}", hint=f"it knows {known}"
        )
    parameters["loss"] = _LOSSES[name]
    if name == "reg:pseudohubererror" and "pseudo_huber_param" in objective:
        section = objective.section("pseudo_huber_param")
        parameters["delta"] = _short(section.numbers("huber_slope")[0])
    if name == "reg:tweedie":
        section = objective.section("tweedie_regression_param")
        parameters["power"] = _short(section.numbers("tweedie_variance_power")[0])
    return "regressor", parameters, name


def _short(number: float) -> float:
    """Return the shortest number with the same 32 bits."""
    return float(str(np.float32(number)))


def _quantile(quantiles: list[float]) -> dict[str, Any]:
    return {"loss": "quantile", "quantile": quantiles if len(quantiles) > 1 else quantiles[0]}


def margins_of(shape: Section, objective: str, n_outputs: int) -> np.ndarray:
    """Return the start values; the file holds them as predictions, not as sums of trees."""
    base = shape.numbers("base_score").astype(np.float32)
    if len(base) not in (1, n_outputs):
        raise shape.fail("base_score", f"{len(base)} values for {n_outputs} outputs")
    one = np.float32(1)
    with np.errstate(all="ignore"):
        if objective in _LOGIT:
            base = -np.log(one / base - one)
        elif objective in _LOG:
            base = np.log(base)
    if not np.isfinite(base).all():
        raise shape.fail("base_score", f"{shape.text('base_score')!r:.40} does not fit {objective}")
    return np.array(np.broadcast_to(base.astype(np.float64), n_outputs))
