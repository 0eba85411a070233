"""Extremely randomised trees: a forest whose trees draw their thresholds (Geurts et al. 2006).

Kernel: ``crates/smelt-tree/src/tree/forest.rs``.
"""

from smelt.plain.ensemble.random_forest import random_forest_fit
from smelt.plain.tree import extra_tree_fit


def extra_trees_fit(X, y, sample_weight=None, **params):
    """Grow one tree for each of ``random_states``; return their nodes behind each other."""
    return random_forest_fit(X, y, sample_weight, fit=extra_tree_fit, **params)
