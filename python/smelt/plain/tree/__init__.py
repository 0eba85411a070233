"""Decision trees in NumPy."""

from smelt.plain.tree.decision_tree import decision_tree_fit
from smelt.plain.tree.extra_tree import extra_tree_fit
from smelt.plain.tree.predict import tree_apply, tree_predict
from smelt.plain.tree.table import tree_columns

__all__ = ["decision_tree_fit", "extra_tree_fit", "tree_apply", "tree_columns", "tree_predict"]
