"""Totally random trees: rows coded by the leaves that they reach (Moosmann et al. 2006).

Kernel: ``crates/smelt-tree/src/tree/random_trees_embedding.rs``.

1. Grow trees on targets that mean nothing, each cut at a random threshold of a random column.
2. Number the leaves of all trees in their order: these are the columns of the code.
3. A row has a one in the column of each leaf that it reaches, and zeros elsewhere.
"""

from smelt.plain.ensemble.extra_trees import extra_trees_fit
from smelt.plain.tree.predict import tree_apply


def random_trees_embedding_fit(X, y, sample_weight=None, *, random_states, tree):
    """Grow one tree for each of ``random_states``; return their nodes behind each other."""
    return extra_trees_fit(X, y, sample_weight, random_states=random_states, tree=tree)


def random_trees_embedding_transform(X, trees, columns):
    """Return the column of the leaf that every row reaches in every tree."""
    return columns[tree_apply(X, trees) + trees[0][:-1]]
