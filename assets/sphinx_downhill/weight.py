"""Take off the pages what they do not use, and make their images light."""

import base64
import re
from pathlib import Path

from bs4 import BeautifulSoup
from docutils import nodes
from PIL import Image
from sphinx.application import Sphinx

from .packing import lighter

# Jupyter Book loads these on every page for features that the book does not use:
# Thebe, togglable admonitions (the book folds with <details>), tabs and grids.
UNUSED_FILES = re.compile(r"thebe|togglebutton|sphinx-design|design-tabs")
UNUSED_BODIES = re.compile(r"thebe|toggle(button|Hint|OpenOnPrint)", re.IGNORECASE)
# What the theme's search page needs, and its other pages load only for search as you type.
SEARCH = ("searchtools.js", "language_data.js", "searchindex.js")

# Copied by the themes, loaded by no page: two megabytes less to publish.
NEVER_LOADED = (
    "scripts/fontawesome.js*",
    "scripts/*.map",
    "styles/*.map",
    "katex/fonts/*.ttf",
    "vendor/fontawesome/webfonts/*.ttf",
    "vendor/fontawesome/webfonts/fa-*-[0-9][0-9][0-9].woff2",  # styles.py cuts its own from them
    "vendor/fontawesome/webfonts/fa-v4compatibility.woff2",
)
COLAB_LOGO = "images/logo_colab.png"
SMALL = 1000  # bytes
LOGO_HEIGHT = 40  # pixels; the menu shows it half as high


def drop_unused_files(
    app: Sphinx, pagename: str, templatename: str, context: dict, doctree: nodes.document | None
) -> None:
    """Take scripts and styles of unused features off a page (event ``html-page-context``)."""
    for kind in ("script_files", "css_files"):
        context[kind] = [file for file in context[kind] if not _unused(file)]


def _unused(file) -> bool:
    name = getattr(file, "filename", None) or ""
    body = getattr(file, "attributes", {}).get("body") or ""
    state = "widget-state" in (getattr(file, "attributes", {}).get("type") or "")
    return bool(UNUSED_FILES.search(str(name)) or (not state and UNUSED_BODIES.search(body)))


def lean_scripts(soup: BeautifulSoup, out: Path, is_search: bool) -> None:
    """Keep no script that blocks the first paint, and none for a feature that is not used."""
    for script in soup.find_all("script", src=True):
        name = Path(script["src"].split("?")[0]).name
        if name == "fontawesome.js" or (name in SEARCH and not is_search):
            script.decompose()
        elif name == "documentation_options.js":
            # The inline scripts after it write into its object, so it must run before them.
            script.string = (out / "_static" / name).read_text(encoding="utf-8")
            del script["src"]
        elif not is_search:
            script["defer"] = ""
    for preload in soup.find_all("link", rel="preload"):
        preload.decompose()


def remove_what_no_page_loads(out: Path) -> None:
    """Delete the themes' files that the pages no longer name."""
    for pattern in NEVER_LOADED:
        for file in (out / "_static").glob(pattern):
            file.unlink()


def inline_small_images(soup: BeautifulSoup, path: Path) -> None:
    """Put logo, icon and Colab's logo into the page: each is smaller than a request for it."""
    for tag, attribute in [(t, "src") for t in soup.select("img.logo__image, img[src$='.png']")] + [
        (t, "href") for t in soup.select('link[rel="icon"]')
    ]:
        file = path.parent / tag[attribute].split("?")[0]
        if file.is_file() and file.stat().st_size < SMALL:
            kind = {".svg": "image/svg+xml", ".png": "image/png"}[file.suffix]
            data = base64.b64encode(file.read_bytes()).decode()
            tag[attribute] = f"data:{kind};base64,{data}"


def lighten_images(out: Path) -> None:
    """Round the coordinates of figures, and cut Colab's logo to its size."""
    for path in (out / "_images").glob("*.svg"):
        path.write_text(lighter(path.read_text(encoding="utf-8")), encoding="utf-8")
    path = out / "_static" / COLAB_LOGO
    with Image.open(path) as logo:
        width = round(logo.width * LOGO_HEIGHT / logo.height)
        small = logo.convert("RGBA").resize((width, LOGO_HEIGHT), Image.Resampling.LANCZOS)
    small.quantize(32).save(path, optimize=True)
