"""Gradient boosting on histograms.  Kernel: ``crates/smelt-tree/src/boosting/mod.rs``.

F(x) = baseline + Σ_t η·tree_t(x); every tree is one Newton step on the loss.
"""

import numpy as np

from smelt.plain.ensemble.hist_gradient_boosting_grower import grow
from smelt.plain.ensemble.hist_gradient_boosting_loss import (
    baseline,
    best_constant,
    gradients,
    mean_loss,
)
from smelt.plain.ensemble.hist_gradient_boosting_nodes import Data


def hist_gradient_boosting_baseline(y, sample_weight=None, *, loss, quantile=None, n_classes=0):
    """Best constant raw predictions, one an output."""
    return baseline(loss, y, sample_weight, quantile, n_classes)


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
    **params,
):
    """Add up to ``max_iter`` iterations to ``raw_prediction``, (n_outputs, n)."""
    loss, level = params["loss"], params["quantile"]
    borders = np.split(thresholds, offsets[1:-1])
    data = Data(
        bins=bins,
        n_bins=[len(b) + (not c) for b, c in zip(borders, is_categorical, strict=True)],
        is_categorical=is_categorical,
        monotonic=np.zeros(len(bins)) if monotonic_cst is None else monotonic_cst,
        interactions=interaction_cst,
        params=params,
        constant_hessian=sample_weight is None
        and loss in ("squared_error", "absolute_error", "quantile"),
    )
    rng = generator(random_state)
    raw, n = raw_prediction.copy(), len(y)
    train_score, validation_score = ([], []) if scores is None else map(list, scores)
    if validation is not None:
        bins_held, y_held, raw_held, weight_held = validation
        raw_held = raw_held.copy()
    trees, n_iter, stopped, rows = [], 0, False, np.arange(n)

    def score():
        train_score.append(-mean_loss(loss, y, raw, sample_weight, level))
        if validation is not None:
            validation_score.append(-mean_loss(loss, y_held, raw_held, weight_held, level))
        recent = train_score if validation is None else validation_score
        recent = recent[-params["n_iter_no_change"] - 1 :]
        enough = len(recent) > params["n_iter_no_change"]
        return enough and not max(recent[1:]) > recent[0] + params["tol"]

    if params["early_stopping"] and not train_score:
        score()
    while n_iter < params["max_iter"] and not stopped:
        # 1. Gradients and curvatures.
        g, h = gradients(loss, y, raw, sample_weight, level)
        if params["subsample"] < 1 and n_iter % params["subsample_freq"] == 0:
            wanted = max(1, int(np.ceil(params["subsample"] * n)))
            rows = np.sort(np.argpartition(rng.random(n), wanted - 1)[:wanted])
        for k in range(len(raw)):
            # 2. A tree for each output.
            root = grow(data, g[k], h[k], rows, rng)
            for leaf in leaves(root):
                # 3. Losses without curvature: the best constant of the residuals.
                if loss in ("absolute_error", "quantile"):
                    weight = None if sample_weight is None else sample_weight[leaf.rows]
                    leaf.value = best_constant(loss, (y - raw[k])[leaf.rows], weight, level)
                leaf.value *= params["learning_rate"]
            # 4. The raw predictions.
            add(root, data, bins, raw[k])
            if validation is not None:
                add(root, data, bins_held, raw_held[k])
            trees.append(root)
        n_iter += 1
        # 5. Early stopping.
        stopped = params["early_stopping"] and score()

    state = rng.bit_generator.state
    half = state["uinteger"] if state["has_uint32"] else None
    return {
        "trees": arrays(trees, data, borders),
        "n_iter": n_iter,
        "stopped": bool(stopped),
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


def leaves(node):
    """All leaves below a node."""
    if node.children is None:
        return [node]
    return [leaf for child in node.children for leaf in leaves(child)]


def add(root, data, bins, raw):
    """Add the tree's leaves to the raw predictions of binned rows."""
    waiting = [(root, np.arange(len(raw)))]
    while waiting:
        node, rows = waiting.pop()
        if node.children is None:
            raw[rows] += node.value
            continue
        split = node.split
        codes = bins[split.feature, rows]
        is_missing = codes == data.n_bins[split.feature]
        goes_left = np.where(is_missing, split.missing_left, split.left_bins[codes])
        waiting += [(node.children[0], rows[goes_left]), (node.children[1], rows[~goes_left])]


def arrays(trees, data, borders):
    """All trees as a struct of arrays, parents before children, left before right."""
    records, offsets, sets = [], [0], []
    for root in trees:
        start = len(records)
        waiting = [(root, None)]
        while waiting:
            node, parent = waiting.pop()
            at = len(records)
            if parent is not None:
                records[parent]["right"] = at - start
            records.append(record(node, data, borders, sets, at - start))
            if node.children is not None:
                waiting += [(node.children[1], at), (node.children[0], None)]
        offsets.append(len(records))
    types = {
        "feature": np.uint32,
        "threshold": np.float64,
        "left": np.uint32,
        "right": np.uint32,
        "value": np.float64,
        "missing_left": np.uint8,
        "category_set": np.int32,
        "count": np.uint32,
        "gain": np.float64,
        "depth": np.uint32,
    }
    out = {name: np.array([r[name] for r in records], dtype=t) for name, t in types.items()}
    out["tree_offsets"] = np.array(offsets, dtype=np.uint32)
    out["left_categories"] = np.array(sets, dtype=np.uint32).reshape(-1, 8)
    return out


def record(node, data, borders, sets, at):
    """One node's entries in the arrays."""
    entry = {
        "feature": 0,
        "threshold": 0.0,
        "left": 0,
        "right": 0,
        "value": node.value,
        "missing_left": 0,
        "category_set": -1,
        "count": len(node.rows),
        "gain": -1.0 if node.split is None else node.split.gain,
        "depth": node.depth,
    }
    if node.children is None:
        return entry
    split, of = node.split, borders[node.split.feature]
    entry |= {"feature": split.feature, "left": at + 1, "missing_left": int(split.missing_left)}
    if data.is_categorical[split.feature]:
        words = [0] * 8
        for category in of[split.left_bins[:-1]].astype(int):
            words[category // 32] |= 1 << (category % 32)
        entry["category_set"] = len(sets)
        sets.append(words)
    else:
        last = int(np.flatnonzero(split.left_bins[:-1])[-1])
        entry["threshold"] = of[last] if last < len(of) else np.inf
    return entry
