"""What the book does on top of Jupyter Book: explorers, local files, lean and accessible pages.

`frontend` makes the files that pages load, `explorers` carries the widgets from notebook to page,
`reference` documents gdutils, `glossary` links words to their definitions, `pages` mends the
finished HTML, `weight` drops scripts, `styles` makes one small style sheet of all. Each says what
it replaces, and why.
"""

from sphinx.application import Sphinx

from . import explorers, frontend, glossary, pages, reference, styles, weight


def setup(app: Sphinx) -> dict:
    """Register everything; Sphinx calls this because `_config.yml` names the extension."""
    app.connect("builder-inited", frontend.make_static_files)
    app.add_css_file("downhill.css", priority=900)

    app.connect("source-read", explorers.keep_what_a_page_needs)
    app.add_directive("explorer", explorers.Explorer)

    app.add_directive("gdutils-reference", reference.Reference)
    # Before napoleon, which turns the sections into field lists in the same event.
    app.connect("autodoc-process-docstring", reference.link_names, priority=400)
    app.connect("autodoc-skip-member", reference.skip)
    app.connect("html-page-context", reference.describe_source, priority=900)

    # Later than every other extension: they add their files and meta tags at the default 500.
    app.connect("html-page-context", pages.describe, priority=900)
    app.connect("html-page-context", weight.drop_unused_files, priority=900)

    # Before the pages are mended, while what the parser made is as it was.
    app.connect("build-finished", glossary.link_terms, priority=895)
    app.connect("build-finished", reference.mend_pages, priority=896)

    # After the theme, which writes its Pygments style sheet in the same event.
    app.connect("build-finished", pages.mend_all, priority=900)
    app.connect("build-finished", styles.bundle_style_sheets, priority=910)
    app.connect("build-finished", weight.remove_what_no_page_loads, priority=920)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
