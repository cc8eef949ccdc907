"""Make one script of all that a page loads: they run in their order, after one request."""

import hashlib
from pathlib import Path

from bs4 import BeautifulSoup

from . import address


def bundle_scripts(out: Path, soups: dict[Path, BeautifulSoup]) -> None:
    """Give every page one script in place of its own; the search page keeps its scripts."""
    bundles: dict[tuple, str] = {}
    for path, soup in soups.items():
        if path.name == "search.html":
            continue  # its own script asks for the index by itself
        loaded = soup.find_all("script", src=True)
        files = tuple((path.parent / one["src"].split("?")[0]).resolve() for one in loaded)
        if files not in bundles:
            bundles[files] = write_bundle(files, out / "_static")
        for one in loaded[1:]:
            one.decompose()
        loaded[0]["src"] = f"{address.way_up(path, out)}_static/{bundles[files]}"


def write_bundle(files: tuple[Path, ...], static: Path) -> str:
    """Write the joined scripts under a name made from their content, and return the name."""
    # The semicolon ends each, and keeps the first one's "use strict" from holding for the others.
    text = "".join(f";{file.read_text(encoding='utf-8')}\n" for file in files)
    name = f"book-{hashlib.sha256(text.encode()).hexdigest()[:10]}.js"
    (static / name).write_text(text, encoding="utf-8")
    return name
