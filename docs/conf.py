"""Sphinx: `make docs` builds the site into out/docs, without a warning and without a network.

The source folder is the root of the repository, so that pages, README and the experiments' pages link to each other the
same way on the site as where the files lie.
"""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "docs" / "_ext")]
# the processes that run examples start beside their own files
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))

from compress import __version__  # noqa: E402

project = "compress"
author = "compress developers"
copyright = "2026, the compress developers"
version = release = __version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "myst_parser",
    "sphinx_gallery.gen_gallery",
    "api_pages",  # these three are in docs/_ext
    "mathml",
    "stored_tables",
]
root_doc = "docs/index"
include_patterns = ["docs/**", "*.md", "data/README.md", "experiments/README.md", "experiments/results/*/README.md"]
include_patterns += ["experiments/results/benchmarks/*.md"]
exclude_patterns = [".*", "out", "build", "dist", "*.egg-info", "compress", "tests", "examples"]
exclude_patterns += ["docs/_ext", "experiments/results/*/*/*", "**/reading.md"]
exclude_patterns += ["docs/gallery/*.ipynb", "docs/gallery/*.py"]
language = "en"
smartquotes = False  # "auto" is to be copied as it stands
default_role = "py:obj"  # a link where there is something to link to, else code

# ---------------------------------------------------------------- docstrings
autodoc_typehints = "none"  # numpydoc's types are for people
toc_object_entries_show_parents = "hide"
autodoc_member_order = "bysource"
autosummary_generate = False  # api_pages writes them
numpydoc_show_class_members = False  # api_pages lists the methods that are ours

html_math_renderer = "mathml"

# ---------------------------------------------------------------- pages in Markdown
myst_enable_extensions = ["dollarmath", "deflist"]
myst_heading_anchors = 4

# ---------------------------------------------------------------- gallery
sphinx_gallery_conf = {
    "examples_dirs": ["examples"],
    "gallery_dirs": ["docs/gallery"],
    "filename_pattern": r"/plot_",
    "backreferences_dir": None,
    "abort_on_example_error": True,
    "download_all_examples": False,
    "remove_config_comments": True,
    "show_memory": False,
    "write_computation_times": False,  # whose page asks a network for scripts
    "show_signature": False,
    "min_reported_time": 60,
    "image_scrapers": ("figures.scraper", "matplotlib"),  # in this order: the latter closes pyplot's figures
    "within_subsection_order": "FileNameSortKey",
    "matplotlib_animations": False,
    "plot_gallery": os.environ.get("GALLERY", "1") != "0",
}

# ---------------------------------------------------------------- the look
html_theme = "pydata_sphinx_theme"
html_title = "compress"
html_static_path = ["_static"]
html_css_files = ["compress.css"]
html_extra_path = ["_root"]  # index.html, which leads to docs/index.html
html_show_sourcelink = False
html_copy_source = False
html_context = {"default_mode": "auto"}
html_theme_options = {
    "logo": {"text": "compress"},
    "show_toc_level": 2,
    "navigation_with_keys": False,
    "header_links_before_dropdown": 7,
    "footer_start": ["copyright"],
    "footer_end": [],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
