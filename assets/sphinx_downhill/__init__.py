"""What the book does on top of Jupyter Book: explorers, local files, lean and accessible pages.

`frontend` makes the files that pages load, `explorers` carries the widgets from notebook to page,
`pages` mends the finished HTML, `numbers` leads from a number to what bears it, `weight` drops
scripts, `styles` makes one small style sheet of all. `course_map` and `citation` write on a page
what stands elsewhere already. `papers` makes the PDFs, `cards` what other sites show of a page,
`archive` one file of all. Each says what it replaces, and why.
"""

from sphinx.application import Sphinx

from . import (
    archive,
    cards,
    citation,
    course_map,
    explorers,
    frontend,
    numbers,
    pages,
    papers,
    styles,
    weight,
)


def setup(app: Sphinx) -> dict:
    """Register everything; Sphinx calls this because `_config.yml` names the extension."""
    app.connect("builder-inited", frontend.make_static_files)
    app.add_css_file("downhill.css", priority=900)

    app.connect("source-read", explorers.keep_what_a_page_needs)
    app.add_directive("explorer", explorers.Explorer)
    app.add_directive("course-map", course_map.CourseMap)
    app.add_directive("cite-course", citation.CiteCourse)
    app.add_role("download-site", archive.DownloadSite())

    # Later than every other extension: they add their files and meta tags at the default 500.
    app.connect("html-page-context", pages.describe, priority=900)
    app.connect("html-page-context", weight.drop_unused_files, priority=900)

    app.connect("build-finished", weight.lighten_images, priority=880)
    # Before the pages are mended, which link to what is there.
    app.connect("build-finished", papers.make_papers, priority=890)

    # After the theme, which writes its Pygments style sheet in the same event.
    app.connect("build-finished", pages.mend_all, priority=900)
    app.connect("build-finished", numbers.join_numbers, priority=905)
    app.connect("build-finished", styles.bundle_style_sheets, priority=910)
    app.connect("build-finished", weight.remove_what_no_page_loads, priority=920)
    app.connect("build-finished", cards.make_cards, priority=930)
    app.connect("build-finished", archive.pack, priority=990)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
