"""Explaining fitted models: SHAP values, importances, partial dependence, local effects.

What is not smelt's own, such as :func:`sklearn.inspection.permutation_importance` and the displays,
is scikit-learn's.
"""

from smelt._family import family

# Not lazily: a function that has the name of its module must be bound after the module.
from smelt.inspection.accumulated_local_effects import accumulated_local_effects
from smelt.inspection.explanation import Explanation
from smelt.inspection.feature_importances import feature_importances
from smelt.inspection.partial_dependence import partial_dependence
from smelt.inspection.tree_explainer import TreeExplainer

__getattr__, __dir__, __all__ = family(
    __name__,
    {
        "Explanation": "explanation",
        "TreeExplainer": "tree_explainer",
        "accumulated_local_effects": "accumulated_local_effects",
        "feature_importances": "feature_importances",
        "partial_dependence": "partial_dependence",
    },
)
