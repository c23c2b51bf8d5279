"""Pictures of examples that matplotlib's pyplot does not know of: the figures that our plots return."""

from pathlib import Path

SEEN = "__figures_seen__"


def scraper(block, block_vars, gallery_conf) -> str:
    """Save the figures to which a block has given a name, and return the text that shows them."""
    from matplotlib.figure import Figure
    from sphinx_gallery.scrapers import figure_rst

    known = block_vars["example_globals"]
    seen, found, titles = known.setdefault(SEEN, []), [], []
    for value in list(known.values()):
        if isinstance(value, Figure) and value not in seen:
            seen.append(value)
            # those of pyplot have a manager until they are closed, and are sphinx-gallery's own affair
            if value.canvas.manager is None:
                found.append(next(block_vars["image_path_iterator"]))
                value.savefig(Path(found[-1]), dpi=100)
                titles += [axis.get_title() for axis in value.axes]
    return figure_rst(found, gallery_conf["src_dir"], ", ".join(filter(None, titles))) if found else ""
