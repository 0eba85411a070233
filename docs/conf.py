"""Sphinx: lessons that run (MyST-NB), guides, and the API from the docstrings."""

import re
import sys
from importlib import metadata
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "_extensions"))

project = "smelt"
author = "The smelt developers"
copyright = "2026, the smelt developers"
release = version = metadata.version("smelt")

extensions = [
    "myst_nb",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx_design",
    "mathml",
]
html_math_renderer = "mathml"
exclude_patterns = ["_build", "_extensions"]
myst_enable_extensions = ["colon_fence", "dollarmath", "amsmath", "deflist"]
myst_heading_anchors = 3

# Lessons run when the site is built; an error in a cell fails the build.
nb_execution_mode = "cache"
nb_execution_timeout = 120
nb_execution_raise_on_error = True

autosummary_generate = True
numpydoc_show_class_members = False
numpydoc_show_inherited_class_members = False
# Methods of smelt's own base classes are documented; those of scikit-learn's (get_params, score,
# requests of metadata routing) are described on its site.
autodoc_default_options = {
    "members": True,
    "inherited-members": "BaseEstimator, RegressorMixin, ClassifierMixin, MultiOutputMixin",
    "exclude-members": "get_metadata_routing, "
    + ", ".join(f"set_{method}_request" for method in ("fit", "predict", "predict_proba", "score")),
}
autodoc_typehints = "none"
templates_path = ["_templates"]

html_theme = "pydata_sphinx_theme"
html_title = "smelt"
html_show_sourcelink = False
html_theme_options = {
    "navbar_align": "left",
    "show_prev_next": True,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
}
html_copy_source = False


def _cut_links(app, what, name, obj, options, lines):
    """Keep the words of inherited docstrings, drop the links: they lead to scikit-learn's site."""
    if not (getattr(obj, "__module__", None) or "").startswith("sklearn"):
        return
    for i, line in enumerate(lines):
        line = re.sub(r":(?:ref|term):`([^`<]+?)\s*<[^`>]*>`", r"\1", line)
        lines[i] = re.sub(r":(?:ref|term):`([^`<]+)`", r"``\1``", line)


def setup(app):
    """Connect the above."""
    app.connect("autodoc-process-docstring", _cut_links, priority=900)
