"""Finish the built pages: read all of them once, let every part do its work, write them."""

from pathlib import Path

from bs4 import BeautifulSoup
from sphinx.application import Sphinx

from . import archive, cards, glossary, numbers, pages, papers, reference, scripts, styles, weight


def finish(app: Sphinx, exception: Exception | None) -> None:
    """Mend the pages and make what goes with them (event ``build-finished``).

    The book is always built from nothing, so every page is as Sphinx has just written it.
    """
    if exception or app.builder.format != "html":
        return
    out = Path(app.outdir)
    papers.make_papers(app)
    weight.lighten_images(out)
    reference.drop_index(out)
    soups = {
        path: BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
        for path in html_pages(out)
    }
    # While what the parser made is as it was.
    glossary.link_terms(app, soups)
    reference.mend_signatures(out, soups)
    for path, soup in soups.items():
        pages.mend(soup, path, out)
    numbers.join_numbers(soups)
    styles.bundle_style_sheets(out, soups)
    scripts.bundle_scripts(out, soups)
    cards.make_cards(app, soups)
    for path, soup in soups.items():
        path.write_text(str(soup), encoding="utf-8")
    weight.remove_what_no_page_loads(out)
    archive.pack(app)


def html_pages(out: Path) -> list[Path]:
    """Return the book's pages; what themes keep below _static are templates."""
    return [
        path for path in sorted(out.rglob("*.html")) if path.relative_to(out).parts[0] != "_static"
    ]
