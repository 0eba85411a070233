"""Models of LightGBM as estimators of smelt."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from smelt.errors import ModelFileError, UsageError
from smelt.export.boosters.arriving import (
    MOST_CATEGORIES,
    MOST_FEATURES,
    ForeignTree,
    check_no_labels,
    labels,
    negate_first_class,
    read_file,
)
from smelt.export.boosters.estimator import fitted
from smelt.export.boosters.lightgbm_categories import (
    category_sets,
    number_categories,
    pandas_categories,
)
from smelt.export.boosters.lightgbm_lines import Block, Lines, read_lines
from smelt.export.boosters.lightgbm_zero import cut_out_zeros, past_zeros

CATEGORICAL, DEFAULT_LEFT = 1, 2  # bits of decision_type
MISSING_NONE, MISSING_ZERO, MISSING_NAN = 0, 1, 2
MOST_LEAVES = 1 << 24

_LOSSES = {
    "regression": "squared_error",
    "regression_l1": "absolute_error",
    "mape": "absolute_error",
    "huber": "huber",
    "fair": "huber",
    "poisson": "poisson",
    "quantile": "quantile",
    "gamma": "gamma",
    "tweedie": "tweedie",
    "cross_entropy": "cross_entropy",
    "custom": "squared_error",
}
_REFUSED = {
    "multiclassova": "its probabilities are no softmax; train with objective='multiclass'",
    "cross_entropy_lambda": "its link is log(1 + exp(x)); train with objective='cross_entropy'",
}


def from_lightgbm(
    path: str | os.PathLike[str], *, classes: Any = None, n_iterations: int | None = None
) -> Any:
    """Read a text file of LightGBM as a fitted estimator of smelt.

    It predicts what ``lightgbm.Booster(model_file=path)`` predicts, to rounding: gbdt, dart, goss
    and random forests; numeric and categorical splits, missing values of all three kinds
    (``zero_as_missing`` too), linear trees.  Loading runs no code from the file.

    Parameters
    ----------
    path : path-like
        A file that ``Booster.save_model`` wrote.
    classes : array-like, optional
        Labels of the classes, in the order of their codes; by default 0, 1, …  The file does not
        hold them.
    n_iterations : int, optional
        Take the first iterations only.  LightGBM itself saves those up to the best one.

    Returns
    -------
    HistGradientBoostingClassifier, HistGradientBoostingRegressor or HistGradientBoostingRanker
        By the objective; ``max_iter`` and the loss are set, the other parameters are smelt's
        defaults.  It can be saved, explained, copied and gone on with like one that smelt fitted.

    Raises
    ------
    ModelFileError
        If the file is missing, damaged or no model of LightGBM, or the model is of a kind that
        smelt's trees cannot carry: ``multiclassova``, ``cross_entropy_lambda``, ``reg_sqrt``,
        splits on more than 256 categories of a column.
    UsageError
        If ``classes`` or ``n_iterations`` do not fit the model.

    Notes
    -----
    Columns that were categories of a pandas frame take such columns again; columns of integer
    codes take codes.  Objectives that smelt does not train come back with the nearest loss of the
    same link: ``fair`` with "huber", ``mape`` with "absolute_error", a custom objective as a
    regressor of raw scores.  A ``sigmoid`` other than 1 is multiplied into the leaves, so that
    ``predict_proba`` is LightGBM's and ``decision_function`` gives log-odds.  LightGBM cuts off the
    fraction of a category, smelt takes one with a fraction as missing.

    Examples
    --------
    See :func:`to_lightgbm`.
    """
    try:
        return _model(read_lines(read_file(path, "LightGBM")), classes, n_iterations)
    except ModelFileError as error:
        raise ModelFileError(f"{path}: {error}", hint=error.hint) from None


def _model(lines: Lines, classes: Any, n_iterations: int | None) -> Any:
    head = lines.head
    n_features = head.integer("max_feature_idx", 0, MOST_FEATURES - 1) + 1
    per_iteration = head.integer("num_tree_per_iteration", 1, MOST_LEAVES)
    names = head.text("feature_names").split(" ")
    if len(names) != n_features:
        raise head.fail("feature_names", f"{len(names)} names for {n_features} columns")
    if "tree_sizes" in head.values and len(head.text("tree_sizes").split()) != len(lines.trees):
        raise head.fail("tree_sizes", f"the file has {len(lines.trees)} trees")
    if not lines.trees or len(lines.trees) % per_iteration:
        raise ModelFileError(
            f"it holds {len(lines.trees)} trees, which are no iterations of {per_iteration}"
        )
    kind, parameters, n_classes, factor = _objective(lines, per_iteration)
    if kind == "classifier":
        classes = labels(classes, n_classes)
    else:
        check_no_labels(classes, kind)
    blocks = lines.trees
    if n_iterations is not None:
        most = len(blocks) // per_iteration
        if not isinstance(n_iterations, (int, np.integer)) or not 1 <= n_iterations <= most:
            raise UsageError(f"n_iterations={n_iterations!r:.40}, but the model has {most}")
        blocks = blocks[: n_iterations * per_iteration]
    if "average_output" in head.values:
        factor /= len(blocks) // per_iteration
    trees = [_tree(block) for block in blocks]
    if factor != 1:
        for tree in trees:
            tree.scale(factor)
    if kind == "classifier" and per_iteration == 2:
        per_iteration = 1
        negate_first_class(trees)
    frame = pandas_categories(lines, n_features)
    is_categorical, known, categories = number_categories(trees, n_features, frame)
    return fitted(
        kind,
        parameters,
        trees,
        np.zeros(per_iteration),
        n_features,
        names=None if names == [f"Column_{k}" for k in range(n_features)] else names,
        classes=classes,
        is_categorical=is_categorical,
        known=known,
        categories=categories,
        of_frame=frame is not None,
    )


def _objective(lines: Lines, per_iteration: int) -> tuple[str, dict[str, Any], int, float]:
    """Return the kind of estimator, its parameters, its number of classes, a factor on leaves."""
    head = lines.head
    words = head.text("objective", "custom").split() or ["custom"]
    name = words[0]
    options = dict(word.split(":", 1) for word in words[1:] if ":" in word)
    if name in _REFUSED:
        raise head.fail("objective", f"smelt cannot carry {name}: {_REFUSED[name]}")
    if name == "multiclass":
        if options.get("num_class") != str(per_iteration) or per_iteration < 2:
            raise head.fail("objective", f"{per_iteration} trees an iteration do not fit it")
        return "classifier", {}, per_iteration, 1.0
    if per_iteration != 1:
        raise head.fail("objective", f"{name} with {per_iteration} trees an iteration")
    if name == "binary":
        try:
            sigmoid = float(options.get("sigmoid", "1"))
        except ValueError:
            sigmoid = 0.0
        if not 0 < sigmoid < 1e6:
            raise head.fail("objective", "its sigmoid is no positive number")
        return "classifier", {}, 2, sigmoid
    if name in ("lambdarank", "rank_xendcg"):
        return "ranker", {}, 0, 1.0
    if name not in _LOSSES:
        raise head.fail("objective", f"smelt does not know {name!r:.60}")
    if "sqrt" in words:
        raise head.fail(
            "objective", "reg_sqrt squares predictions, which smelt does not; train on sqrt(y)"
        )
    parameters: dict[str, Any] = {"loss": _LOSSES[name]}
    if name == "quantile":
        parameters["quantile"] = lines.parameter("alpha", 0.9)
    if name == "huber":
        parameters["delta"] = lines.parameter("alpha", 0.9)
    if name == "tweedie":
        parameters["power"] = lines.parameter("tweedie_variance_power", 1.5)
    return "regressor", parameters, 0, 1.0


def _tree(block: Block) -> ForeignTree:
    n_leaves = block.integer("num_leaves", 1, MOST_LEAVES)
    value = block.floats("leaf_value", n_leaves)
    n_inner = n_leaves - 1
    linear = _linear(block, n_leaves) if block.text("is_linear", "0").strip() == "1" else {}
    for leaf, (start, columns, _) in linear.items():
        if not len(columns):
            value[leaf] = start
    of_leaves = {n_inner + leaf: terms for leaf, terms in linear.items() if len(terms[1])}
    none, no = np.full(n_leaves, -1), np.zeros(n_leaves, dtype=bool)
    if n_inner == 0:
        zero = np.zeros(1, dtype=np.int64)
        sets = np.zeros((0, MOST_CATEGORIES), dtype=bool)
        return ForeignTree(zero, np.zeros(1), none, none, no, value, np.ones(1), np.zeros(1),
                           none, sets, of_leaves)  # fmt: skip

    def children(key: str) -> np.ndarray:
        found = block.integers(key, n_inner)
        if (found >= n_inner).any() or (found < -n_leaves).any():
            raise block.fail(key, f"a child is none of {n_inner} splits and {n_leaves} leaves")
        return np.concatenate([np.where(found < 0, n_inner + ~found, found), none])

    kind = np.zeros(n_inner, dtype=np.int64)
    if "decision_type" in block.values:
        kind = block.integers("decision_type", n_inner)
        if (kind < 0).any() or (kind >> 2 > MISSING_NAN).any():
            raise block.fail("decision_type", "a kind of split that LightGBM does not know")
    threshold = block.floats("threshold", n_inner)
    categorical = (kind & CATEGORICAL) == 1
    threshold = np.where(categorical, threshold, past_zeros(threshold))
    chosen, codes = category_sets(block, threshold, categorical)
    missing = np.where(categorical, MISSING_NAN, kind >> 2)
    default_left = ((kind & DEFAULT_LEFT) > 0) & ~categorical
    # Where missing values are not foreseen, LightGBM takes them as 0.
    default_left = np.where(missing == MISSING_NONE, threshold >= 0, default_left)
    cover = np.ones(n_leaves)
    if "leaf_count" in block.values:
        cover = block.floats("leaf_count", n_leaves)
    gain = np.zeros(n_inner)
    if "split_gain" in block.values:
        gain = block.floats("split_gain", n_inner)
    tree = ForeignTree(
        feature=np.concatenate([block.integers("split_feature", n_inner), np.zeros_like(none)]),
        threshold=np.concatenate([np.where(categorical, 0.0, threshold), np.zeros(n_leaves)]),
        left=children("left_child"),
        right=children("right_child"),
        missing_left=np.concatenate([default_left, no]),
        value=np.concatenate([np.zeros(n_inner), value]),
        cover=np.concatenate([np.zeros(n_inner), cover]),
        gain=np.concatenate([gain, np.zeros(n_leaves)]),
        category_set=np.concatenate([chosen, none]),
        sets=np.zeros((0, MOST_CATEGORIES), dtype=bool),
        linear=of_leaves,
        codes=codes,
    )
    if (missing == MISSING_ZERO).any():
        try:
            return cut_out_zeros(tree, np.concatenate([missing == MISSING_ZERO, no]))
        except ModelFileError as error:
            raise ModelFileError(f"{block.name}: {error}", hint=error.hint) from None
    return tree


def _linear(block: Block, n_leaves: int) -> dict[int, tuple[float, np.ndarray, np.ndarray]]:
    starts = block.floats("leaf_const", n_leaves)
    counts = block.integers("num_features", n_leaves)
    if (counts < 0).any() or counts.max(initial=0) > MOST_FEATURES:
        raise block.fail("num_features", "a leaf cannot have so many terms")
    ends = np.cumsum(counts)
    columns = block.integers("leaf_features", int(ends[-1]))
    slopes = block.floats("leaf_coeff", int(ends[-1]))
    return {
        leaf: (float(starts[leaf]), columns[end - n : end], slopes[end - n : end])
        for leaf, (n, end) in enumerate(zip(counts.tolist(), ends.tolist(), strict=True))
    }
