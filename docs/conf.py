"""Sphinx: the documentation as HTML (`make html`)."""

project = "ERP ↔ Chargebee, the Sesam way"
author = "the project's authors"
extensions = ["myst_parser"]
source_suffix = {".rst": "restructuredtext", ".md": "markdown"}
myst_heading_anchors = 3
html_theme = "alabaster"
html_theme_options = {"description": "Two-way sync of an ERP and Chargebee", "page_width": "1100px"}
html_static_path: list[str] = []
exclude_patterns = ["_build"]
suppress_warnings = ["myst.xref_missing"]
