"""Mend the finished pages: what Jupyter Book and its theme leave undone for readers."""

import json
import re
from pathlib import Path

from bs4 import BeautifulSoup
from docutils import nodes
from sphinx.application import Sphinx

from . import address, weight
from .explorers import STATE, VIEW, slot

CAPTION = re.compile(r"((Figure|Table|Explorer) [0-9A-Z]+\.[0-9]+|From chapter [0-9]+|The map)\.")
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
CHOOSE_THEME = """
(({ dataset }) => {
  dataset.mode = localStorage.getItem("mode") || "auto";
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  dataset.theme = dataset.mode === "auto" ? (dark ? "dark" : "light") : dataset.mode;
})(document.documentElement);
"""
LOOK_AGAIN_WHEN_UNFOLDED = """
addEventListener("toggle", () => dispatchEvent(new Event("resize")), true);
"""


def describe(
    app: Sphinx, pagename: str, templatename: str, context: dict, doctree: nodes.document | None
) -> None:
    """Give a page its day and its description: of its front matter, else its first paragraph."""
    if doctree is not None:
        context["last_updated"] = address.last_change(app.srcdir, app.env.doc2path(pagename))
    if pagename == "search":
        context["metatags"] = '<meta name="description" content="Search the course Downhill."/>'
    if doctree is None or 'name="description"' in (context.get("metatags") or ""):
        return
    paragraph = next(iter(doctree.findall(nodes.paragraph)), None)
    if paragraph is not None:
        tag = BeautifulSoup("", "html.parser").new_tag("meta")
        tag["name"], tag["content"] = "description", shortened(plain(paragraph))
        context["metatags"] = (context.get("metatags") or "") + str(tag)


def plain(paragraph: nodes.paragraph) -> str:
    """Return a paragraph's text with its mathematics as far as plain text can say it."""
    copy = paragraph.deepcopy()
    for formula in list(copy.findall(nodes.math)):
        tex = formula.astext().replace("\\cdot", "·")
        tex = re.sub(r"\^\{?(-?\d+)\}?", lambda power: power[1].translate(SUPERSCRIPTS), tex)
        formula.replace_self(nodes.Text(re.sub(r"\\[,;:! ]|[\\{}]", " ", tex).replace("· ", "·")))
    return re.sub(r"\s+", " ", copy.astext())


def shortened(text: str, limit: int = 155) -> str:
    """Cut a text at the end of a sentence, or of a word, before the limit of search engines."""
    if len(text) <= limit:
        return text
    head = text[: limit - 1]
    end = max(head.rfind(". "), head.rfind("? "))
    return head[: end + 1] if end > limit // 3 else head[: head.rfind(" ")].rstrip(",;:") + "…"


def mend(soup: BeautifulSoup, path: Path, out: Path) -> None:
    """Mend one page."""
    weight.lean_scripts(soup, out, is_search=path.name == "search.html")
    mend_head(soup)
    mend_explorers(soup, path, out)
    mend_captions(soup)
    mend_images(soup, path)
    weight.inline_small_images(soup, path)
    mend_downloads(soup, path)
    mend_folds(soup)
    mend_landmarks(soup)
    mend_names(soup)
    mend_scrolling(soup)


def mend_head(soup: BeautifulSoup) -> None:
    """Choose light or dark before the first paint; the theme's script comes late."""
    soup.html["data-theme"] = "light"  # without JavaScript
    soup.find("script", attrs={"data-cfasync": "false"}).string = CHOOSE_THEME
    part, _, book = soup.title.get_text().partition(" — ")
    if book.endswith(part.lower()):
        soup.title.string = book  # the index is named like the book
    for repeated in soup.select("meta[name=viewport]")[1:]:
        repeated.decompose()
    for docsearch in soup.select('meta[name^="docsearch:"]'):
        docsearch.decompose()


def mend_explorers(soup: BeautifulSoup, path: Path, out: Path) -> None:
    """Set each explorer's place aside, move the numbers below the text, load the script once."""
    views = soup.find_all("script", type=VIEW)
    if not views:
        return
    states = soup.find_all("script", type=STATE)
    up = address.way_up(path, out)
    models = {k: v for s in states for k, v in json.loads(s.string)["state"].items()}
    for view in views:
        if view.find_parent(class_="gd-slot") is None:
            model_id = json.loads(view.string)["model_id"]
            html = slot(model_id, models[model_id]["state"]["spec"], f"{up}_images")
            view.replace_with(BeautifulSoup(html, "html.parser"))
    for state in states:
        soup.body.append(state.extract())
    script = soup.new_tag("script", src=f"{up}_static/explorer.js")
    script["defer"] = ""
    soup.body.append(script)


def mend_captions(soup: BeautifulSoup) -> None:
    """Mark the paragraphs ``*Figure 1.2. A sentence.*``, so that they look like captions."""
    for paragraph in soup.select("article p:has(> em)"):
        if len(paragraph.find_all(recursive=False)) == 1 and CAPTION.match(paragraph.get_text()):
            paragraph["class"] = [*paragraph.get("class", []), "caption"]


def mend_images(soup: BeautifulSoup, path: Path) -> None:
    """Tell the browser each figure's size, so that nothing jumps, and to fetch it when near."""
    for image in soup.select("article img[src]"):
        image["loading"], image["decoding"] = "lazy", "async"
        file = path.parent / image["src"]
        if file.suffix == ".svg" and file.is_file() and not image.has_attr("width"):
            head = file.read_text(encoding="utf-8")[:4000]
            box = re.search(r'viewBox="[\d.-]+ [\d.-]+ ([\d.]+) ([\d.]+)"', head)
            if box:
                # Figures are made in points; pages count in pixels, 96 to 72.
                image["width"], image["height"] = (
                    str(round(float(n) * 4 / 3)) for n in box.groups()
                )


def mend_downloads(soup: BeautifulSoup, path: Path) -> None:
    """Offer the PDF of the build where there is one; the theme's button only opens a dialogue."""
    button = soup.select_one("button.btn-download-pdf-button")
    paper = path.with_suffix(".pdf")
    if button is None or not paper.is_file():
        return
    del button["onclick"]
    button.name, button["href"], button["download"] = "a", paper.name, ""
    button["title"] = button["aria-label"] = "Download as PDF"


def mend_folds(soup: BeautifulSoup) -> None:
    """Say what a folded cell holds, the solution of an exercise or the code of a figure."""
    for fold in soup.select("div.cell details.hide"):
        what = "solution" if "tag_solution" in fold.find_parent(class_="cell")["class"] else "code"
        del fold.summary["aria-label"]  # it would hide these words from screen readers
        for state, verb in (("collapsed", "Show"), ("expanded", "Hide")):
            fold.summary.find("p", class_=state).string = f"{verb} the {what}"


def mend_landmarks(soup: BeautifulSoup) -> None:
    """Put the logo into the site's banner, and drop roles that are not allowed where they stand."""
    header = soup.find("header", id="pst-header")
    if header is not None and not header.get_text(strip=True):
        header.name = (
            "div"  # empty, as the book has no bar at the top; the theme's script measures it
        )
        soup.select_one("a.navbar-brand").parent["role"] = "banner"
    for tag in soup.select('[role="doc-biblioentry"], div.citation-list[role="list"]'):
        del tag["role"]


def mend_names(soup: BeautifulSoup) -> None:
    """Give a name to the buttons that have only an icon and a tooltip, and hide the icons."""
    for tag in soup.select("button[title], a.btn[title]"):
        if not tag.get("aria-label"):
            tag["aria-label"] = tag["title"]
    for icon in soup.select("i[class*=fa-], span[class*=fa-]"):
        icon["aria-hidden"] = "true"
    for link in soup.select('a[target="_blank"]'):
        link["rel"] = "noopener"


def mend_scrolling(soup: BeautifulSoup) -> None:
    """Let the keyboard reach every box that may scroll.

    The theme's script does so for code, outputs and tables, but looks only at what is visible then.
    """
    for box in soup.select("article .katex-display"):
        box["tabindex"] = "0"
    if soup.select_one("article details"):
        script = soup.new_tag("script")
        script.string = LOOK_AGAIN_WHEN_UNFOLDED
        soup.body.append(script)
