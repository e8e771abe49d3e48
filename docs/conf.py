"""How the documentation is built: `sphinx-build -W docs docs/_build/html`, without a network."""

from __future__ import annotations

import sys
from pathlib import Path

import coma_xr

sys.path.insert(0, str(Path(__file__).parent))

project = "coma_xr"
author = "coma_xr developers"
copyright = "2026, coma_xr developers"
version = release = coma_xr.__version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
]

# sphinx-gallery puts notebooks beside its pages; myst-nb would take them for pages too.
exclude_patterns = [
    "_build",
    "gallery/**.ipynb",
    "gallery/**.json",
    "**/sg_execution_times.rst",
    "sg_execution_times.rst",
]

autodoc_member_order = "groupwise"
autodoc_typehints = "none"  # the docstrings say it in words
napoleon_google_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False

myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3

nb_execution_mode = "cache"
nb_execution_raise_on_error = True
nb_execution_in_temp = True
nb_output_stderr = "remove"  # a bar that moves would be many lines
nb_ipywidgets_js = {}  # nothing is fetched for pages without widgets

sphinx_gallery_conf = {
    "examples_dirs": ["../gallery"],
    "gallery_dirs": ["gallery"],
    "abort_on_example_error": True,
    "show_memory": False,
    "min_reported_time": 60,
    "copyfile_regex": r".*\.rst",
    "within_subsection_order": "figures.Order",
    "image_scrapers": ("matplotlib",),
    "image_srcset": ["2x"],
    "thumbnail_size": (520, 364),
    "ignore_repr_types": r"matplotlib|xarray\.plot|PlotFigure",
    "remove_config_comments": True,
}

html_theme = "pydata_sphinx_theme"
html_title = "coma_xr"
html_static_path = ["_static"]
html_css_files = ["site.css", "gallery.css"]
html_show_sourcelink = False
# Beside a page are those of its section; the front page, the gallery and the search need the width.
html_sidebars = {"index": [], "gallery/**": [], "genindex": [], "search": []}
copybutton_prompt_text = ">>> |\\.\\.\\. "
copybutton_prompt_is_regexp = True

html_theme_options = {
    "show_toc_level": 2,
    "show_nav_level": 2,
    "navbar_align": "left",
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
}
