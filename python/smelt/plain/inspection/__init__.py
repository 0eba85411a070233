"""Twins of the explanations."""

from smelt.plain.inspection.partial_dependence import tree_partial_dependence
from smelt.plain.inspection.tree_shap import (
    tree_shap_interaction_values,
    tree_shap_interventional_values,
    tree_shap_values,
)

__all__ = [
    "tree_partial_dependence",
    "tree_shap_interaction_values",
    "tree_shap_interventional_values",
    "tree_shap_values",
]
