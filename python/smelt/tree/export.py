"""Trees as text and pictures: scikit-learn's, which cannot show sets of categories; these can.

A tree with sets is lent to scikit-learn with a column of its own for each cut between sets; what
it writes for that column is then replaced by the set.
"""

from __future__ import annotations

import html
import re
from typing import Any, NamedTuple

import sklearn.tree
from sklearn.base import is_classifier
from sklearn.tree import _export
from sklearn.utils.validation import check_is_fitted

from smelt.tree._nodes import structure
from smelt.tree._sets import SetCut, set_cuts

_MARK = re.compile("\x01(\\d+)\x01 (<=|&le;|> ) -?[0-9.]+")


def export_text(
    decision_tree: Any,
    *,
    feature_names: Any = None,
    class_names: Any = None,
    max_depth: int | None = 10,
    spacing: int = 3,
    decimals: int = 2,
    show_weights: bool = False,
    max_categories: int | None = None,
) -> str:
    """Write the rules of a tree, sets of categories included.

    Parameters
    ----------
    decision_tree : object
        Fitted decision tree; one of a forest is in its ``estimators_``.
    feature_names : array-like of shape (n_features,), default=None
        Names of the columns; None is "feature_0", ..., and for a tree with sets the names of the
        frame that it was fitted on.
    class_names : array-like of shape (n_classes,), default=None
        Names of the classes; None is ``classes_``.
    max_depth : int, default=10
        Levels that are written.
    spacing : int, default=3
        Blanks between levels.
    decimals : int, default=2
        Digits of the numbers.
    show_weights : bool, default=False
        Whether a leaf says how much every class weighs in it.
    max_categories : int, default=None
        Most categories of a set that are written; None sets no limit.

    Returns
    -------
    str
        The rules.  Rows whose category is missing, or was not seen in fit, are in no set: they are
        where "not in" leads.

    See Also
    --------
    sklearn.tree.export_text : Writes trees without sets, here too.

    Examples
    --------
    >>> import numpy as np
    >>> from smelt.tree import DecisionTreeClassifier, export_text
    >>> X, y = np.array([[0], [1], [2], [3]]), [0, 1, 0, 1]
    >>> tree = DecisionTreeClassifier(categorical_features=[0]).fit(X, y)
    >>> print(export_text(tree, feature_names=["colour"]))
    |--- colour in {0, 2}
    |   |--- class: 0
    |--- colour not in {0, 2}
    |   |--- class: 1
    <BLANKLINE>
    """
    settings = {
        "class_names": class_names,
        "max_depth": max_depth,
        "spacing": spacing,
        "decimals": decimals,
        "show_weights": show_weights,
    }
    if not _has_sets(decision_tree):
        written = sklearn.tree.export_text(decision_tree, feature_names=feature_names, **settings)
        return str(written)
    lent = _lend(decision_tree, feature_names, "feature_{}")
    written = sklearn.tree.export_text(lent.tree, feature_names=lent.names, **settings)
    return lent.named(written, max_categories)


def export_graphviz(
    decision_tree: Any,
    out_file: Any = None,
    *,
    feature_names: Any = None,
    special_characters: bool = False,
    max_categories: int | None = 8,
    **settings: Any,
) -> str | None:
    """Write a tree in Graphviz's language, sets of categories included.

    Parameters
    ----------
    decision_tree : object
        Fitted decision tree; one of a forest is in its ``estimators_``.
    out_file : str or file object, default=None
        Where to write; None returns the text.
    feature_names : array-like of shape (n_features,), default=None
        Names of the columns; None is "x[0]", ..., and for a tree with sets the names of the frame
        that it was fitted on.
    special_characters : bool, default=False
        Whether signs such as ≤ may be written.
    max_categories : int, default=8
        Most categories of a set that are written; None sets no limit.
    **settings
        Those of :func:`sklearn.tree.export_graphviz`.

    Returns
    -------
    str or None
        The graph, where ``out_file`` is None.

    Examples
    --------
    >>> import numpy as np
    >>> from smelt.tree import DecisionTreeClassifier, export_graphviz
    >>> X, y = np.array([[0], [1], [2], [3]]), [0, 1, 0, 1]
    >>> tree = DecisionTreeClassifier(categorical_features=[0]).fit(X, y)
    >>> "x[0] in {0, 2}" in export_graphviz(tree)
    True
    """
    settings["special_characters"] = special_characters
    if not _has_sets(decision_tree):
        found: str | None = sklearn.tree.export_graphviz(
            decision_tree, out_file, feature_names=feature_names, **settings
        )
        return found
    unnamed = "x<SUB>{}</SUB>" if special_characters else "x[{}]"
    escape = html.escape if special_characters else _quoted
    lent = _lend(decision_tree, feature_names, unnamed, escape)
    written = sklearn.tree.export_graphviz(lent.tree, None, feature_names=lent.names, **settings)
    text = lent.named(written, max_categories)
    if out_file is None:
        return text
    if hasattr(out_file, "write"):
        out_file.write(text)
        return None
    with open(out_file, "w", encoding="utf-8") as file:
        file.write(text)
    return None


def plot_tree(
    decision_tree: Any,
    *,
    feature_names: Any = None,
    ax: Any = None,
    max_categories: int | None = 8,
    **settings: Any,
) -> list[Any]:
    """Draw a tree with matplotlib, sets of categories included.

    Parameters
    ----------
    decision_tree : object
        Fitted decision tree; one of a forest is in its ``estimators_``.
    feature_names : array-like of shape (n_features,), default=None
        Names of the columns; None is "x[0]", ..., and for a tree with sets the names of the frame
        that it was fitted on.
    ax : matplotlib axes, default=None
        Where to draw; None is the current axes.
    max_categories : int, default=8
        Most categories of a set that are written; None sets no limit.
    **settings
        Those of :func:`sklearn.tree.plot_tree`.

    Returns
    -------
    list of artists
        The boxes of the nodes.
    """
    if not _has_sets(decision_tree):
        drawn: list[Any] = sklearn.tree.plot_tree(
            decision_tree, feature_names=feature_names, ax=ax, **settings
        )
        return drawn
    lent = _lend(decision_tree, feature_names, "x[{}]")

    class Exporter(_export._MPLTreeExporter):  # type: ignore[misc]
        def node_to_str(self, tree: Any, node_id: int, criterion: Any) -> str:
            return lent.named(super().node_to_str(tree, node_id, criterion), max_categories)

    found: list[Any] = Exporter(feature_names=lent.names, **settings).export(lent.tree, ax=ax)
    return found


class _Lent(NamedTuple):
    """A tree for scikit-learn, with a column more for each cut between sets."""

    tree: Any
    names: list[str]
    cuts: list[SetCut]
    own_names: list[str]
    escape: Any

    def named(self, text: str, most: int | None) -> str:
        """Put the sets where scikit-learn wrote of their columns."""

        def cut(found: re.Match[str]) -> str:
            one = self.cuts[int(found[1])]
            condition = one.written(most, left=found[2] != "> ")
            return f"{self.own_names[one.feature]} {self.escape(condition)}"

        return _MARK.sub(cut, text)


def _has_sets(tree: Any) -> bool:
    check_is_fitted(tree)
    return "category_set" in vars(tree).get("nodes_", ())


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _lend(tree: Any, names: Any, unnamed: str, escape: Any = str) -> _Lent:
    n_features = tree.n_features_in_
    if names is None:
        names = getattr(tree, "feature_names_in_", None)
    own_names = [unnamed.format(k) for k in range(n_features)]
    if names is not None:
        names = [str(name) for name in names]
        own_names = [escape(name) for name in names]
    else:
        names = own_names
    if len(names) != n_features:
        raise ValueError(f"feature_names must contain {n_features} elements, got {len(names)}")
    nodes = tree.nodes_
    cuts = set_cuts(tree)
    feature, threshold = nodes["feature"].copy(), nodes["threshold"].copy()
    for number, cut in enumerate(cuts):
        feature[cut.node], threshold[cut.node] = n_features + number, 0.0
    classify = is_classifier(tree)
    kind = sklearn.tree.DecisionTreeClassifier if classify else sklearn.tree.DecisionTreeRegressor
    lent = kind(criterion=tree.criterion)
    lent.n_features_in_, lent.n_outputs_ = n_features + len(cuts), tree.n_outputs_
    if classify:
        lent.n_classes_, lent.classes_ = tree.n_classes_, tree.classes_
    lent.tree_ = structure({**nodes, "feature": feature, "threshold": threshold}, lent)
    marks = [f"\x01{number}\x01" for number in range(len(cuts))]
    return _Lent(lent, names + marks, cuts, own_names, escape)
