"""AdaBoost: trees in turn, each on the rows that those before it got wrong.

SAMME for classes (Zhu, Zou, Rosset, Hastie 2009), AdaBoost.R2 for numbers (Drucker 1997).
"""

from __future__ import annotations

import numpy as np

from smelt.plain.ensemble.bagging import grow_member, join_members
from smelt.plain.tree.predict import tree_predict
from smelt.plain.tree.table import by_column

PREDICTING = ("children_left", "children_right", "feature", "threshold", "missing_go_to_left")
LOSSES = {
    "linear": lambda share: share,
    "square": lambda share: share**2,
    "exponential": lambda share: 1.0 - np.exp(-share),
}


def ada_boost_fit(
    X,
    y,
    sample_weight,
    *,
    random_state,
    n_estimators,
    learning_rate,
    loss,
    tree,
    draws_thresholds,
    max_bins=None,
):
    """Boost trees; return their nodes, how much each says, and its error."""
    X = by_column(X)
    random = np.random.RandomState(random_state)
    targets, sizes = y
    classify = isinstance(sizes, list)
    n_classes = sizes[0] if classify else 2
    weight, is_zero = sample_weight, sample_weight == 0.0
    trees, says, errors, states, overflowed = [], [], [], [], False
    for turn in range(n_estimators):
        weight = np.where(is_zero, 0.0, np.maximum(weight, np.finfo(float).eps))
        state = random.randint(2**31 - 1)
        seed = np.random.RandomState(state).randint(2**31 - 1)
        # 1. Grow a tree: classes by the weights, numbers on rows drawn by them.
        by = weight
        if not classify:
            drawn = random.choice(len(X), len(X), p=weight / weight.sum())
            by = np.bincount(drawn, minlength=len(X)).astype(float)
        nodes = grow_member(X, y, by, seed, tree, draws_thresholds, max_bins)
        answer = predict(X, nodes)
        # 2. Its error: the weight of the rows that it gets wrong, or its mean loss.
        if classify:
            lost = (np.argmax(answer, axis=1) != targets).astype(float)
            error = (weight * lost).sum() / weight.sum()
        else:
            lost = np.abs(answer[:, 0] - targets)
            largest = lost[weight > 0].max()
            lost = LOSSES[loss](lost / largest if largest else lost)
            error = (weight * lost).sum()
        # 3. Its say is the larger, the smaller the error.
        if error >= 1.0 - 1.0 / n_classes and error > 0.0:
            if turn == 0 and classify:
                raise ValueError(
                    "BaseClassifier in AdaBoostClassifier ensemble is worse than random, "
                    "ensemble can not be fit."
                )
            if turn > 0:
                break
            say, last = 0.0, True
        elif error <= 0.0:
            say, last = 1.0, True
        else:
            odds = np.log((1.0 - error) / error)
            say, last = learning_rate * (odds + np.log(n_classes - 1.0)), False
        trees.append(nodes)
        states.append(state)
        says.append(say)
        errors.append(1.0 if say == 0.0 and last else max(error, 0.0))
        if last or turn == n_estimators - 1:
            break
        # 4. Rows it gets wrong gain weight, or rows it gets right lose some.
        with np.errstate(over="ignore"):
            factor = np.exp(say * lost) if classify else np.exp(-say * (1.0 - lost))
            weight = weight * factor
        overflowed = not np.isfinite(weight.sum())
        if overflowed or weight.sum() <= 0.0:
            break
        weight = weight / weight.sum()
    return {
        **join_members(trees),
        "random_states": np.array(states, dtype=np.uint32),
        "weights": np.array(says),
        "errors": np.array(errors),
        "overflowed": overflowed,
    }


def predict(X, nodes):
    """Return the value of the leaf of every row."""
    offsets = np.array([0, len(nodes["feature"])])
    return tree_predict(X, (offsets, *(nodes[name] for name in PREDICTING), nodes["value"]))
