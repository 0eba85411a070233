"""Decision trees: questions about one column after the other."""

from typing import TYPE_CHECKING

from smelt._family import family

if TYPE_CHECKING:
    from smelt.tree.decision_tree import DecisionTreeClassifier, DecisionTreeRegressor
    from smelt.tree.export import export_graphviz, export_text, plot_tree
    from smelt.tree.extra_tree import ExtraTreeClassifier, ExtraTreeRegressor

__getattr__, __dir__, __all__ = family(
    __name__,
    {
        "DecisionTreeClassifier": "decision_tree",
        "DecisionTreeRegressor": "decision_tree",
        "ExtraTreeClassifier": "extra_tree",
        "ExtraTreeRegressor": "extra_tree",
        "export_graphviz": "export",
        "export_text": "export",
        "plot_tree": "export",
    },
)
