"""Sphinx: lessons that run (MyST-NB), guides, and the API from the docstrings."""

from importlib import metadata

project = "smelt"
author = "The smelt developers"
copyright = "2026, the smelt developers"
release = version = metadata.version("smelt")

extensions = [
    "myst_nb",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "sphinx_design",
]
exclude_patterns = ["_build"]
myst_enable_extensions = ["colon_fence", "dollarmath", "amsmath", "deflist"]
myst_heading_anchors = 3

# Lessons run when the site is built; an error in a cell fails the build.
nb_execution_mode = "cache"
nb_execution_timeout = 120
nb_execution_raise_on_error = True

autosummary_generate = True
numpydoc_show_class_members = False
numpydoc_show_inherited_class_members = False
autodoc_default_options = {"members": True, "inherited-members": False}
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
# The only external address a page would ask for is MathJax; serve the pages' formulas from the
# installed package when there is one, so that the site works offline.
suppress_warnings = ["myst.header"]
