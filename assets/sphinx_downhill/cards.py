"""Make the picture and the tags that other sites show when somebody links to a page."""

import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import typst
from bs4 import BeautifulSoup
from sphinx.application import Sphinx

from . import address
from .papers import FONTS

TEMPLATE = Path(__file__).resolve().parent.parent / "card.typ"
FOLDER = "_static/cards"
SIZE = (1200, 630)


def make_cards(app: Sphinx, soups: dict[Path, BeautifulSoup]) -> None:
    """Write a card for every page, and its tags into the page."""
    out = Path(app.outdir)
    (out / FOLDER).mkdir(parents=True, exist_ok=True)
    site = address.of_the_site(app.config)

    def make(path: Path) -> None:
        if path.name == "search.html":
            return  # nobody links to it
        soup = soups[path]
        description = soup.select_one('meta[name="description"]')
        name = path.relative_to(out).with_suffix("").as_posix()
        title = soup.title.get_text().partition(" — ")[0]
        card = f"{FOLDER}/{name.replace('/', '-')}.png"
        picture = first_drawing(soup, path)
        (out / card).write_bytes(draw(title, description["content"], picture))
        tags = {
            "og:type": "website" if name == "index" else "article",
            "og:site_name": "Downhill",
            "og:title": title,
            "og:description": description["content"],
            "og:url": f"{site}{name}.html",
            "og:image": f"{site}{card}",
            "og:image:width": str(SIZE[0]),
            "og:image:height": str(SIZE[1]),
            "og:image:alt": f"The title, {title}, and a drawing of the page"
            if picture
            else f"The title, {title}",
        }
        for key, content in tags.items():
            soup.head.append(soup.new_tag("meta", property=key, content=content))
        twitter = soup.new_tag("meta", content="summary_large_image")
        twitter["name"] = "twitter:card"
        soup.head.append(twitter)

    with ThreadPoolExecutor() as pool:
        list(pool.map(make, soups))


def first_drawing(soup: BeautifulSoup, page: Path) -> Path | None:
    """Return the file of the first figure of a page, if it has one."""
    image = soup.select_one(".cell_output img[src]")
    return None if image is None else (page.parent / image["src"]).resolve()


def draw(title: str, said: str, drawing: Path | None) -> bytes:
    """Return the card as PNG, in colours few enough for a small file."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copy(TEMPLATE, folder)
        inputs = {"title": title, "said": said, "drawing": ""}
        if drawing is not None:
            inputs["drawing"] = f"drawing{drawing.suffix}"
            shutil.copy(drawing, folder / inputs["drawing"])
        return typst.compile(
            folder / TEMPLATE.name,
            format="png",
            ppi=144,
            sys_inputs=inputs,
            font_paths=[FONTS],
            ignore_system_fonts=True,
        )
