"""How the documentation is built: `sphinx-build -W docs docs/_build/html`, without a network."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import coma_xr

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from docutils import nodes
from reference_topics import file_names, topics
from sphinx.addnodes import desc, index, literal_strong

project = "coma_xr"
author = "coma_xr developers"
copyright = "2026, coma_xr developers"
version = release = coma_xr.__version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
]

# sphinx-gallery puts notebooks next to its pages; myst-nb would take them for pages too.
exclude_patterns = [
    "_build",
    "gallery/**.ipynb",
    "gallery/**.json",
    "**/sg_execution_times.rst",
    "sg_execution_times.rst",
]

templates_path = ["_templates"]
autosummary_context = {"topics": topics(HERE / "api.md")}
autosummary_filename_map = file_names(autosummary_context["topics"])
autosummary_ignore_module_all = False
default_role = "py:obj"  # `run` in a docstring links to the page of the method
autodoc_member_order = "groupwise"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 90
viewcode_line_numbers = True
napoleon_google_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False

myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3

nb_execution_mode = "cache"
nb_execution_raise_on_error = True
nb_execution_timeout = 300  # seconds for a cell, on a busy machine
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
html_logo = "_static/logo.svg"
html_favicon = "_static/logo.svg"
html_static_path = ["_static"]
html_css_files = ["site.css", "gallery.css"]
html_show_sourcelink = False
# The front page, the gallery, the search and the API pages have no section navigation: they need the width.
html_sidebars = {
    "index": [],
    "gallery/**": [],
    "genindex": [],
    "search": [],
    "api": [],
    "api/**": [],
    "_modules/**": [],
}
copybutton_prompt_text = ">>> |\\.\\.\\. "
copybutton_prompt_is_regexp = True

html_theme_options = {
    "logo": {"text": f"coma_xr {version}"},
    "show_toc_level": 2,
    "show_nav_level": 2,
    "navbar_align": "left",
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
}


def add_search_words(app: Any, doctree: nodes.document) -> None:
    """Add the words in the field `keywords` of a page to the index and to the search, above other hits."""
    words = app.env.metadata[app.env.current_document.docname].get("keywords", "")
    entries = [("single", word.strip(), "", "main", None) for word in words.split(",") if word.strip()]
    if entries:
        doctree.insert(0, index(entries=entries))
        content = ", ".join(entry[1] for entry in entries)
        doctree.insert(0, nodes.meta(name="keywords", content=content))


def add_arguments(_app: Any, doctree: nodes.document) -> None:
    """Add the arguments of each documented function to the index."""
    for described in list(doctree.findall(desc)):  # inserting moves what follows
        name = described[0].get("fullname", "")
        fields = [field for field in described.findall(nodes.field) if field[0].astext() == "Parameters"]
        arguments = [strong.astext() for field in fields for strong in field.findall(literal_strong)]
        entries = [("single", f"{argument} (argument of {name})", "", "", None) for argument in arguments]
        if name and entries:
            doctree.insert(0, index(entries=entries))


def setup(app: Any) -> None:
    """Connect the hooks of this site."""
    app.connect("doctree-read", add_search_words)
    app.connect("doctree-read", add_arguments)
