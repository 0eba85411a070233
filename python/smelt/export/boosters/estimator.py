"""A fitted estimator of smelt around trees that another library has grown."""

from __future__ import annotations

from typing import Any

import numpy as np

from smelt.errors import ModelFileError
from smelt.export.boosters.arriving import ForeignTree, stack_trees


def fitted(
    kind: str,
    parameters: dict[str, Any],
    trees: list[ForeignTree],
    baseline: np.ndarray,
    n_features: int,
    *,
    names: list[str] | None,
    classes: np.ndarray | None,
    is_categorical: np.ndarray,
    known: np.ndarray | None,
    categories: list[np.ndarray] | None = None,
    of_frame: bool = False,
) -> Any:
    """Return the estimator.

    Parameters
    ----------
    kind : {"classifier", "regressor", "ranker"}
        Which estimator.
    parameters : dict
        What the estimator is made with.
    trees : list of ForeignTree
        Trees, iteration by iteration and in an iteration output by output.
    baseline : ndarray of shape (n_outputs,)
        Start values.
    n_features : int
        Width of the rows.
    names : list of str or None
        Names of the columns.
    classes : ndarray or None
        Labels of a classifier.
    is_categorical : ndarray of shape (n_features,)
        Mask of the categorical columns.
    known : ndarray of shape (n_features, 256), or None
        Known categories as masks, where there are categorical splits.
    categories : list of ndarray, optional
        Values of the categorical columns, where rows hold these instead of numbers below 256.
    of_frame : bool, default=False
        Whether the values are those of a data frame's columns of categories.
    """
    from smelt import ensemble
    from smelt.export.category_encoder import restore_encoder
    from smelt.export.restored import check_restored

    cls = getattr(ensemble, f"HistGradientBoosting{kind.capitalize()}")
    n_outputs = len(baseline)
    parameters = {"max_iter": max(1, len(trees) // n_outputs), **parameters}
    if is_categorical.any() and not of_frame:
        parameters["categorical_features"] = np.flatnonzero(is_categorical).tolist()
    model = cls(**parameters)
    model.n_features_in_ = n_features
    if names is not None:
        model.feature_names_in_ = np.array(names, dtype=object)
    model.is_categorical_ = is_categorical if is_categorical.any() else None
    model._encoder = model._target_statistics = None
    if categories is not None:
        state = {
            "mask": is_categorical,
            "categories": categories,
            "names": getattr(model, "feature_names_in_", None),
        }
        try:
            model._encoder = restore_encoder(state)
        except (ValueError, TypeError) as error:
            raise ModelFileError(f"the categories of its columns are damaged: {error}") from None
        columns = np.concatenate([np.flatnonzero(is_categorical), np.flatnonzero(~is_categorical)])
        place = np.argsort(columns)
        _renumber(trees, place)
        known = None if known is None else known[columns]
    model.trees_ = stack_trees(trees, baseline, n_features, known)
    model.n_trees_per_iteration_ = n_outputs
    model.do_early_stopping_ = False
    model.train_score_ = model.validation_score_ = np.zeros(0)
    seeded = cls(random_state=0)
    seeded._seed_draws()
    model._random_seed, model._draws = seeded._random_seed, seeded._draws
    if classes is not None:
        from sklearn.preprocessing import LabelEncoder

        model.classes_ = classes
        model._label_encoder = LabelEncoder()
        model._label_encoder.classes_ = classes
    check_restored(model)
    return model


def _renumber(trees: list[ForeignTree], place: np.ndarray) -> None:
    """Number the columns of the trees anew; numbers out of range are left for the checks."""

    def moved(columns: np.ndarray) -> np.ndarray:
        fits = (columns >= 0) & (columns < len(place))
        return np.where(fits, place[np.where(fits, columns, 0)], columns)

    for tree in trees:
        tree.feature = moved(tree.feature)
        tree.linear = {
            leaf: (start, moved(columns), slopes)
            for leaf, (start, columns, slopes) in tree.linear.items()
        }
