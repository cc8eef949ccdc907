"""What the book does on top of Jupyter Book: explorers, local files, lean and accessible pages.

`frontend` makes the files that pages load, `explorers` carries the widgets from notebook to page.
`reference`, `course_map` and `citation` write on a page what stands elsewhere already. When Sphinx
has written the pages, `finish` calls the others on all of them: `glossary` and `numbers` join words
and numbers to what they mean, `pages` mends, `weight`, `scripts` and `styles` make light, `papers`
makes the PDFs, `cards` what other sites show of a page, and `archive` one file of all. Each says
what it replaces, and why.
"""

from sphinx.application import Sphinx

from . import archive, citation, course_map, explorers, finish, frontend, pages, reference, weight


def setup(app: Sphinx) -> dict:
    """Register everything; Sphinx calls this because `_config.yml` names the extension."""
    app.connect("builder-inited", frontend.make_static_files)
    app.add_css_file("downhill.css", priority=900)

    app.connect("source-read", explorers.keep_what_a_page_needs)
    app.add_directive("explorer", explorers.Explorer)
    app.add_directive("course-map", course_map.CourseMap)
    app.add_directive("cite-course", citation.CiteCourse)
    app.add_role("download-site", archive.DownloadSite())

    app.add_directive("gdutils-reference", reference.Reference)
    # Before napoleon, which turns the sections into field lists in the same event.
    app.connect("autodoc-process-docstring", reference.link_names, priority=400)
    app.connect("autodoc-skip-member", reference.skip)
    app.connect("html-page-context", reference.describe_source, priority=900)

    # Later than every other extension: they add their files and meta tags at the default 500.
    app.connect("html-page-context", pages.describe, priority=900)
    app.connect("html-page-context", weight.drop_unused_files, priority=900)

    # After the theme, which writes its Pygments style sheet in the same event.
    app.connect("build-finished", finish.finish, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
