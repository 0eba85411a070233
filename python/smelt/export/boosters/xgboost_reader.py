"""Models of XGBoost as estimators of smelt."""

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
    no_categories,
    read_file,
)
from smelt.export.boosters.estimator import fitted
from smelt.export.boosters.xgboost_borders import thresholds_below
from smelt.export.boosters.xgboost_categories import category_sets, frame_categories
from smelt.export.boosters.xgboost_document import Section, read_document
from smelt.export.boosters.xgboost_objectives import margins_of, objective_of

MOST_OUTPUTS = 1 << 16
MOST_TREES = 1 << 24


def from_xgboost(
    path: str | os.PathLike[str], *, classes: Any = None, n_iterations: Any = None
) -> Any:
    """Read a JSON or UBJSON file of XGBoost as a fitted estimator of smelt.

    It predicts what ``xgboost.Booster(model_file=path)`` predicts, up to the rounding of XGBoost's
    sums of 32-bit numbers: gbtree and dart, ``num_parallel_tree``, numeric and categorical splits,
    missing values.  Loading runs no code from the file.

    Parameters
    ----------
    path : path-like
        A file that ``save_model`` wrote, ``.json`` or ``.ubj``.
    classes : array-like, optional
        Labels of the classes, in the order of their codes; by default 0, 1, …  The file does not
        hold them.
    n_iterations : int or "best", optional
        Take the first iterations only; "best": up to the best one of early stopping, as
        ``XGBClassifier`` and its kin predict.  By default all, as ``Booster`` predicts.

    Returns
    -------
    HistGradientBoostingClassifier, HistGradientBoostingRegressor or HistGradientBoostingRanker
        By the objective; ``max_iter`` and the loss are set, the other parameters are smelt's
        defaults.  It can be saved, explained, copied and gone on with like one that smelt fitted.
        After early stopping it has ``best_iteration_``.

    Raises
    ------
    ModelFileError
        If the file is missing, damaged or no model of XGBoost, or the model is of a kind that
        smelt's trees cannot carry: ``gblinear``, ``multi_output_tree``, several targets,
        ``binary:hinge``, survival, categories with codes above 255.
    UsageError
        If ``classes`` or ``n_iterations`` do not fit the model.

    Notes
    -----
    XGBoost rounds data to 32 bits and sends ``x < border`` left.  Here a cut is the largest 64-bit
    number that is rounded to less than the border, so that data of 32 and of 64 bits take the same
    branches as there.  The value that stood for missing ones in training (``missing=``) is not in
    the file: pass NaN.  Columns that were categories of a data frame take such columns again
    (XGBoost 3.1 and newer keep their values); columns of codes take codes 0 to 255.
    ``reg:squaredlogerror`` comes back with the loss "squared_error", ``reg:pseudohubererror`` with
    "huber", whose predictions are linked the same way.

    Examples
    --------
    See :func:`to_xgboost`.
    """
    try:
        return _model(read_document(read_file(path, "XGBoost")), classes, n_iterations)
    except ModelFileError as error:
        raise ModelFileError(f"{path}: {error}", hint=error.hint) from None


def _model(document: Section, classes: Any, n_iterations: Any) -> Any:
    learner = document.section("learner")
    shape = learner.section("learner_model_param")
    n_features = shape.whole("num_feature", 1, MOST_FEATURES)
    n_classes = shape.whole("num_class", 0, MOST_OUTPUTS, 0)
    n_outputs = max(n_classes, shape.whole("num_target", 0, MOST_OUTPUTS, 1), 1)
    kind, parameters, objective = objective_of(learner.section("objective"), n_outputs)
    if kind == "classifier":
        classes = labels(classes, max(2, n_outputs))
    else:
        check_no_labels(classes, kind)
    names = learner.texts("feature_names")
    if names and len(names) != n_features:
        raise learner.fail("feature_names", f"{len(names)} names for {n_features} columns")
    model, weights = _booster(learner.section("gradient_booster"))
    groups = model.integers("tree_info")
    sections = list(model.sections("trees"))
    if len(groups) != len(sections) or ((groups < 0) | (groups >= n_outputs)).any():
        raise model.fail("tree_info", f"it does not give {len(sections)} trees their outputs")
    if weights is not None and len(weights) != len(sections):
        raise ModelFileError(f"weight_drop has {len(weights)} weights for {len(sections)} trees")
    best = _best_iteration(learner)
    at = _iterations(model, len(sections), n_outputs)
    stop = at[_wanted(n_iterations, best, len(at) - 1)]
    trees = []
    for number, section in enumerate(sections[:stop]):
        tree = _tree(section, n_features)
        if weights is not None:
            tree.scale(float(weights[number]))
        trees.append(tree)
    trees = _in_turns(trees, groups[:stop], n_outputs)
    baseline = margins_of(shape, objective, n_outputs)
    if kind == "classifier" and n_outputs == 2:
        negate_first_class(trees)
        baseline = baseline[1:] - baseline[:1]
    is_categorical, categories = _columns(trees, model, learner, n_features)
    known = None
    if is_categorical.any():
        known = no_categories(n_features)
        known[is_categorical] = True
    estimator = fitted(
        kind,
        parameters,
        trees,
        baseline,
        n_features,
        names=names or None,
        classes=classes,
        is_categorical=is_categorical,
        known=known,
        categories=categories,
        of_frame=categories is not None,
    )
    if best is not None:
        estimator.best_iteration_ = best + 1
    return estimator


def _booster(booster: Section) -> tuple[Section, np.ndarray | None]:
    """Return the trees, and for DART their weights."""
    name = booster.text("name")
    if name not in ("gbtree", "dart"):
        raise ModelFileError(
            f"smelt cannot carry the booster {name!r:.40}: it has no trees",
            hint="train with booster='gbtree'",
        )
    inner = booster.section("gbtree") if "gbtree" in booster else booster
    model = inner.section("model")
    for place in (booster, model):
        if "weight_drop" in place:
            weights = place.floats("weight_drop")
            if not np.isfinite(weights).all():
                raise place.fail("weight_drop", "a weight is no finite number")
            return model, weights if len(weights) else None
    return model, None


def _best_iteration(learner: Section) -> int | None:
    attributes = learner.section("attributes") if "attributes" in learner else None
    if attributes is None or "best_iteration" not in attributes:
        return None
    return attributes.whole("best_iteration", 0, MOST_TREES)


def _iterations(model: Section, n_trees: int, n_outputs: int) -> np.ndarray:
    """Return where each iteration starts, and the last one ends."""
    if "iteration_indptr" in model:
        at = model.integers("iteration_indptr")
        if not len(at) or at[0] != 0 or at[-1] != n_trees or (np.diff(at) < 0).any():
            raise model.fail("iteration_indptr", f"it does not cut {n_trees} trees")
        return at
    size = n_outputs
    if "gbtree_model_param" in model:
        section = model.section("gbtree_model_param")
        size *= max(1, section.whole("num_parallel_tree", 0, MOST_TREES, 1))
    return np.array([*range(0, n_trees, size), n_trees])


def _wanted(n_iterations: Any, best: int | None, most: int) -> int:
    if n_iterations is None:
        return most
    if isinstance(n_iterations, str) and n_iterations == "best":
        if best is None:
            raise UsageError("n_iterations='best', but the file tells of no early stopping")
        n_iterations = best + 1
    if not isinstance(n_iterations, (int, np.integer)) or not 1 <= n_iterations <= most:
        raise UsageError(f"n_iterations={n_iterations!r:.40}, but the model has {most}")
    return int(n_iterations)


def _in_turns(trees: list[ForeignTree], groups: np.ndarray, n_outputs: int) -> list[ForeignTree]:
    """Return the trees so that the outputs take turns; outputs that have fewer get zeros."""
    if n_outputs == 1:
        return trees or [_constant(0.0)]
    of: list[list[ForeignTree]] = [[] for _ in range(n_outputs)]
    for tree, group in zip(trees, groups.tolist(), strict=True):
        of[group].append(tree)
    most = max(1, *map(len, of))
    if most * n_outputs > 8 * len(trees) + n_outputs:
        raise ModelFileError("its trees are shared out too unevenly among the outputs")
    return [own[k] if k < len(own) else _constant(0.0) for k in range(most) for own in of]


def _constant(value: float) -> ForeignTree:
    zero, none = np.zeros(1, dtype=np.int64), np.full(1, -1)
    sets = np.zeros((0, MOST_CATEGORIES), dtype=bool)
    return ForeignTree(zero, np.zeros(1), none, none, zero > 0, np.array([value]), np.ones(1),
                       np.zeros(1), none, sets)  # fmt: skip


def _columns(
    trees: list[ForeignTree], model: Section, learner: Section, n_features: int
) -> tuple[np.ndarray, list[np.ndarray] | None]:
    """Return which columns are categorical, and their categories, if rows hold these."""
    is_categorical = np.zeros(n_features, dtype=bool)
    for tree in trees:
        cut = tree.feature[(tree.category_set >= 0) & (tree.left >= 0)]
        is_categorical[cut] = True
    types = learner.texts("feature_types")
    if len(types) == n_features:
        is_categorical |= np.array([kind == "c" for kind in types])
    found = frame_categories(model, n_features)
    if found is None:
        return is_categorical, None
    mask = np.array([values is not None for values in found])
    if (is_categorical & ~mask).any():
        raise ModelFileError("a categorical column has no categories in cats")
    categories = {k: values for k, values in enumerate(found) if values is not None}
    for column, values in categories.items():
        if len(values) > MOST_CATEGORIES:
            raise ModelFileError(
                f"column {column} has {len(values)} categories; smelt's trees hold "
                f"{MOST_CATEGORIES}",
                hint="give rarer categories one common code, and train XGBoost again",
            )
        if values.dtype != object and (np.diff(values) < 0).any():
            # An encoder of numbers looks for them in rising order.
            order = np.argsort(values, kind="stable")
            categories[column] = values[order]
            order = np.concatenate([order, np.arange(len(order), MOST_CATEGORIES)])
            for tree in trees:
                nodes = (tree.feature == column) & (tree.category_set >= 0)
                rows = np.unique(tree.category_set[nodes])
                tree.sets[rows] = tree.sets[rows][:, order]
    return mask, list(categories.values())


def _tree(tree: Section, n_features: int) -> ForeignTree:
    sizes = tree.section("tree_param")
    if sizes.whole("size_leaf_vector", 0, MOST_OUTPUTS, 1) > 1:
        raise ModelFileError(
            f"{tree.path}: its leaves hold vectors, smelt's hold single numbers",
            hint="train with multi_strategy='one_output_per_tree'",
        )
    left = tree.integers("left_children")
    n_nodes = len(left)
    if n_nodes == 0 or n_nodes != sizes.whole("num_nodes", 1, 1 << 31, n_nodes):
        raise tree.fail("left_children", "its length is not num_nodes")
    right = tree.integers("right_children", n_nodes)
    numbers = tree.floats("split_conditions", n_nodes)
    feature = tree.integers("split_indices", n_nodes)
    is_leaf = left == -1
    if ((feature < 0) | (feature >= n_features))[~is_leaf].any():
        raise tree.fail("split_indices", f"a split is on a column that is none of {n_features}")
    chosen, sets = category_sets(tree, n_nodes)
    if np.isnan(numbers[~is_leaf & (chosen < 0)]).any():
        raise tree.fail("split_conditions", "a border is no number")
    borders = np.where(is_leaf | (chosen >= 0), np.float32(0), numbers)
    return ForeignTree(
        feature=feature,
        threshold=thresholds_below(borders),
        left=left,
        right=np.where(is_leaf, -1, right),
        missing_left=tree.integers("default_left", n_nodes) != 0,
        value=np.where(is_leaf, numbers, np.float32(0)).astype(np.float64),
        cover=tree.floats("sum_hessian", n_nodes).astype(np.float64),
        gain=tree.floats("loss_changes", n_nodes).astype(np.float64),
        category_set=np.where(is_leaf, -1, chosen),
        sets=sets,
    )
