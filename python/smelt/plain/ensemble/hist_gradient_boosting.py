"""Gradient boosting on histograms.  Kernel: ``crates/smelt-tree/src/boosting/mod.rs``.

F(x) = baseline + Σ_t η·tree_t(x); every tree is one Newton step on the loss.
"""

import numpy as np

from smelt.plain.ensemble.hist_gradient_boosting_bins import columns_of
from smelt.plain.ensemble.hist_gradient_boosting_grower import grow
from smelt.plain.ensemble.hist_gradient_boosting_leaves import fit_linear_leaves, set_leaves
from smelt.plain.ensemble.hist_gradient_boosting_loss import (
    baseline,
    gradients,
    has_constant_hessian,
    mean_loss,
)
from smelt.plain.ensemble.hist_gradient_boosting_nodes import Data
from smelt.plain.ensemble.hist_gradient_boosting_quantized import quantized
from smelt.plain.ensemble.hist_gradient_boosting_sampling import (
    Dropout,
    draw_by_gradient,
    draw_rows,
)
from smelt.plain.ensemble.hist_gradient_boosting_trees import add, arrays

OF_LOSS = ("loss", "quantile", "n_classes", "delta", "power", "truncation")


def hist_gradient_boosting_baseline(y, sample_weight=None, groups=None, **loss):
    """Best constant raw predictions, one an output."""
    return baseline(loss, y, sample_weight)


def hist_gradient_boosting_loss(y, raw_prediction, sample_weight=None, groups=None, **loss):
    """Weighted mean of the loss for raw predictions, (n_outputs, n)."""
    return mean_loss(loss, y, raw_prediction, sample_weight, groups)


def hist_gradient_boosting_fit(
    bins,
    y,
    raw_prediction,
    thresholds,
    offsets,
    is_categorical,
    sample_weight=None,
    validation=None,
    monotonic_cst=None,
    interaction_cst=None,
    scores=None,
    random_state=None,
    groups=None,
    numbers=None,
    evaluations=None,
    objective=None,
    monitor=None,
    wants_trees=False,
    **params,
):
    """Add up to ``max_iter`` iterations to ``raw_prediction``, (n_outputs, n) or one an output.

    ``bins`` are grouped; those of other rows are not.

    ``objective(raw)`` gives gradients and curvatures in place of a loss; ``monitor(n_iter, raw,
    validation_raw, evaluations, trees)`` looks on after each iteration and may stop the fit.
    """
    loss = {name: params[name] for name in OF_LOSS}
    bins = columns_of(bins, len(is_categorical))
    borders = np.split(thresholds, offsets[1:-1])
    data = Data(
        bins=bins,
        n_bins=[len(b) + (not c) for b, c in zip(borders, is_categorical, strict=True)],
        is_categorical=is_categorical,
        monotonic=np.zeros(len(bins)) if monotonic_cst is None else monotonic_cst,
        interactions=interaction_cst,
        params=params,
        constant_hessian=sample_weight is None
        and has_constant_hessian(loss)
        and params["goss"] is None,
        one_output=len(raw_prediction) == 1 and params["loss"] not in ("custom", "lambdarank"),
    )
    rng, n = generator(random_state), len(y)
    training = (bins, numbers)
    raw = np.repeat(raw_prediction, n // raw_prediction.shape[1], axis=1)
    train_score, validation_score = ([], []) if scores is None else map(list, scores)
    raw_held, others = None, [((b, x), r.copy()) for b, r, x in evaluations or ()]
    watched = [r for _, r in others]
    if validation is not None:
        bins_held, y_held, raw_held, weight_held, groups_held, numbers_held = validation
        raw_held = raw_held.copy()
        others.append(((bins_held, numbers_held), raw_held))
    trees, n_iter, stopped, rows = [], 0, False, np.arange(n)
    dropout = Dropout(params)

    def score():
        train_score.append(-mean_loss(loss, y, raw, sample_weight, groups))
        if validation is not None:
            validation_score.append(-mean_loss(loss, y_held, raw_held, weight_held, groups_held))
        recent = train_score if validation is None else validation_score
        recent = recent[-params["n_iter_no_change"] - 1 :]
        enough = len(recent) > params["n_iter_no_change"]
        return enough and not max(recent[1:]) > recent[0] + params["tol"]

    if params["early_stopping"] and not train_score:
        score()
    while n_iter < params["max_iter"] and not stopped:
        rate, weight = params["learning_rate"], sample_weight
        if params["drop_rate"] > 0:
            rate *= dropout.drop_some(data, training, raw, rng)
        # 1. Gradients and curvatures.
        if objective is None:
            g, h = gradients(loss, y, raw, sample_weight, groups)
        else:
            scale = 1.0 if sample_weight is None else sample_weight
            g, h = (np.float32(part * scale) for part in objective(raw))
        if params["goss"] is not None:
            rows = np.arange(n)
            if n_iter >= int(1 / params["learning_rate"]):
                rows, factor = draw_by_gradient(g, h, *params["goss"], rng)
                g, h = np.float32(g * factor), np.float32(h * factor)
                weight = factor if weight is None else factor * weight
        elif n_iter % params["subsample_freq"] == 0:
            rows = draw_rows(n, params["subsample"], rng)
        new = []
        for k in range(len(raw)):
            # 2. A tree for each output.
            g_k, h_k = g[k], h[k]
            if params["quantized_gradients"] and params["grow_policy"] != "symmetric":
                g_k, h_k = quantized(g_k, h_k, n_iter * len(raw) + k)
            root = grow(data, g_k, h_k, rows, rng)
            # 3. Values of the leaves.
            if params["linear_regularization"] is not None:
                fit_linear_leaves(data, root, g[k], h[k], numbers, rate)
            set_leaves(data, root, k, y, raw[k], weight, rate)
            # 4. The raw predictions.
            for of, column in [(training, raw), *others]:
                add(root, data, of, column[k])
            new.append(root)
        trees += new
        if params["drop_rate"] > 0:
            dropout.take_in(data, new, (training, raw), others)
        n_iter += 1
        # 5. Early stopping.
        stopped = params["early_stopping"] and score()
        if monitor is not None:
            now = arrays(dropout.weighed(trees), data, borders) if wants_trees else None
            stopped |= monitor(n_iter, raw.copy(), raw_held, [r.copy() for r in watched], now)

    state = rng.bit_generator.state
    half = state["uinteger"] if state["has_uint32"] else None
    return {
        "trees": arrays(dropout.weighed(trees), data, borders),
        "n_iter": n_iter,
        "stopped": bool(stopped),
        "interrupted": False,
        "raw_prediction": raw,
        "validation_raw_prediction": np.empty((0, 0)) if validation is None else raw_held,
        "train_score": train_score,
        "validation_score": validation_score,
        "random_state": (state["state"]["state"], state["state"]["inc"], half),
    }


def generator(random_state):
    """NumPy's generator in the given state: (state, increment, half a draw or None)."""
    state, increment, half = random_state or (0, 1, None)
    bits = np.random.PCG64()
    bits.state = {
        "bit_generator": "PCG64",
        "state": {"state": state, "inc": increment},
        "has_uint32": int(half is not None),
        "uinteger": half or 0,
    }
    return np.random.Generator(bits)
