"""Calibration of class probabilities, kept only where it helps rows it was not fitted on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.special import expit

from smelt.app.pipeline.data.splits import spread
from smelt.app.pipeline.evaluation.metrics import log_loss

FEWEST_ROWS = 200  # below, a fitted calibration is noise
ISOTONIC_ROWS = 5_000  # isotonic regression needs many rows
SMALLEST_GAIN = 0.002  # relative gain of log loss
_EDGE = 1e-7  # probabilities are kept this far from 0 and 1 before a logarithm


@dataclass(frozen=True)
class Calibration:
    """What the graph's op ``calibrate`` does: its kind, attributes and tensors."""

    kind: str = "none"  # "none", "platt", "temperature" or "isotonic"
    attributes: dict[str, Any] = field(default_factory=dict)
    tensors: dict[str, np.ndarray] = field(default_factory=dict)


def fit(kind: str, target: np.ndarray, probability: np.ndarray) -> Calibration:
    """Fit one kind of calibration."""
    if kind == "isotonic":
        return _isotonic(target, probability)
    return _platt(target, probability) if kind == "platt" else _temperature(target, probability)


def _log(probability: np.ndarray) -> np.ndarray:
    return np.log(np.clip(probability, _EDGE, 1.0 - _EDGE))


def _platt(target: np.ndarray, probability: np.ndarray) -> Calibration:
    """Fit ``sigmoid(slope · logit(p) + intercept)`` by Newton's method."""
    logits = _log(probability[:, 1]) - _log(probability[:, 0])
    design = np.column_stack([logits, np.ones(len(logits))])
    beta = np.array([1.0, 0.0])

    def loss(beta: np.ndarray) -> float:
        z = design @ beta
        return float((np.logaddexp(0.0, z) - target * z).mean())

    for _ in range(30):
        predicted = expit(design @ beta)
        gradient = design.T @ (predicted - target) / len(target)
        curvature = predicted * (1.0 - predicted) / len(target)
        step = np.linalg.solve((design.T * curvature) @ design + 1e-9 * np.eye(2), gradient)
        before, size = loss(beta), 1.0
        while loss(beta - size * step) > before and size > 1e-4:
            size /= 2
        beta = beta - size * step
        if np.abs(step).max() < 1e-9:
            break
    return Calibration("platt", {"slope": float(beta[0]), "intercept": float(beta[1])})


def _temperature(target: np.ndarray, probability: np.ndarray) -> Calibration:
    """Fit ``softmax(ln(p) / T)`` by golden-section search over ln T."""
    logs = _log(probability)
    rows = np.arange(len(target))

    def loss(log_temperature: float) -> float:
        scaled = logs / np.exp(log_temperature)
        scaled = scaled - scaled.max(axis=1, keepdims=True)
        return float((np.log(np.exp(scaled).sum(axis=1)) - scaled[rows, target]).mean())

    low, high, ratio = -2.0, 2.0, (5**0.5 - 1) / 2
    for _ in range(40):
        left, right = high - ratio * (high - low), low + ratio * (high - low)
        low, high = (low, right) if loss(left) <= loss(right) else (left, high)
    return Calibration("temperature", {"temperature": float(np.exp((low + high) / 2))})


def _isotonic(target: np.ndarray, probability: np.ndarray) -> Calibration:
    """Fit the increasing step function nearest to the classes, joined by straight lines."""
    from sklearn.isotonic import IsotonicRegression

    model = IsotonicRegression(y_min=1e-4, y_max=1 - 1e-4, out_of_bounds="clip")
    model.fit(probability[:, 1], target)
    x = np.asarray(model.X_thresholds_, dtype=np.float64)
    y = np.asarray(model.y_thresholds_, dtype=np.float64)
    return Calibration("isotonic", tensors={"x": x, "y": y})


def apply(calibration: Calibration, probability: np.ndarray) -> np.ndarray:
    """Apply a calibration while choosing one; the model file's graph does it at prediction."""
    numbers, tensors = calibration.attributes, calibration.tensors
    if calibration.kind == "none":
        return probability
    if calibration.kind == "isotonic":
        up = np.interp(probability[:, 1], tensors["x"], tensors["y"])
    elif calibration.kind == "platt":
        logits = _log(probability[:, 1]) - _log(probability[:, 0])
        up = expit(numbers["slope"] * logits + numbers["intercept"])
    else:
        scaled = _log(probability) / numbers["temperature"]
        scaled = np.exp(scaled - scaled.max(axis=1, keepdims=True))
        return scaled / scaled.sum(axis=1, keepdims=True)
    return np.column_stack([1.0 - up, up])


def choose(
    target: np.ndarray, probability: np.ndarray, rng: np.random.Generator
) -> tuple[Calibration, np.ndarray]:
    """Return the calibration that helps most, and out-of-fold calibrated probabilities.

    Each kind is judged on five folds of the out-of-fold predictions; "none" stays unless the log
    loss falls by a five-hundredth part.
    """
    n, k = probability.shape
    if n < FEWEST_ROWS or np.bincount(target, minlength=k).min() < 10:
        return Calibration(), probability
    kinds = ["temperature"] if k > 2 else ["platt"]
    if k == 2 and n >= ISOTONIC_ROWS:
        kinds.append("isotonic")
    part = spread(target, 5, rng)
    best, kept, loss = "none", probability, log_loss(target, probability) * (1 - SMALLEST_GAIN)
    for kind in kinds:
        calibrated = np.empty_like(probability)
        for fold in range(5):
            rest = part != fold
            fitted = fit(kind, target[rest], probability[rest])
            calibrated[~rest] = apply(fitted, probability[~rest])
        found = log_loss(target, calibrated)
        if found < loss:
            best, kept, loss = kind, calibrated, found
    return (Calibration() if best == "none" else fit(best, target, probability)), kept
