"""Lead from "(2.3)", "Figure 4.1" or "exercise 1.5" to what bears the number.

Chapters are plain Markdown, which must read well on Colab, so they name equations, figures and
exercises by their number and nothing more. The finished pages have both ends; they are joined here.
"""

import os
import re
from pathlib import Path

from bs4 import BeautifulSoup, NavigableString, Tag
from sphinx.errors import ExtensionError

from .pages import CAPTION

NUMBER = r"\d+\.\d+"
REFERENCE = re.compile(
    rf"\((?P<equation>{NUMBER})\)"
    rf"|\b(?P<kind>[Ff]igure|[Ee]xplorer|[Ee]xercise) (?P<number>{NUMBER})"
)
EQUATION = re.compile(rf"\\tag\{{({NUMBER})\}}")
EXERCISE = re.compile(rf"Exercise ({NUMBER})\b")
# Text that is a link already, or is not running text.
ELSEWHERE = ("a", "code", "pre", "script", "style", "summary", "h1", "h2", "h3", "h4", "noscript")

Place = tuple[Path, str]  # a page, and an id on it


def join_numbers(soups: dict[Path, BeautifulSoup]) -> None:
    """Give ids to what has a number and links to what names one."""
    soups = {path: s for path, s in soups.items() if path.parent.name in ("chapters", "exercises")}
    places: dict[str, Place] = {}
    for path, soup in soups.items():
        for name, identity in mark(soup):
            if name in places:
                raise ExtensionError(f"{path.name}: there are two of {name}")
            places[name] = (path, identity)
    for path, soup in soups.items():
        refer(soup, path, places)


def mark(soup: BeautifulSoup) -> list[tuple[str, str]]:
    """Give an id to each numbered equation, caption and exercise; return names and ids."""
    found = []
    for formula in soup.select("article .katex-display"):
        tag = EQUATION.search(formula.annotation.get_text()) if formula.annotation else None
        if tag:
            found.append((f"equation {tag[1]}", named(formula, f"equation-{tag[1]}")))
    for caption in soup.select("article p.caption"):
        kind = CAPTION.match(caption.get_text())
        name = kind[1].lower()
        found.append((name, named(caption, name.replace(" ", "-"))))
    for heading in soup.select("article h3"):
        number = EXERCISE.match(heading.get_text())
        if number:
            found.append((f"exercise {number[1]}", heading.parent["id"]))
    return found


def named(tag: Tag, identity: str) -> str:
    """Return the id of a tag, after giving it one."""
    tag["id"] = identity.replace(".", "-")
    return tag["id"]


def refer(soup: BeautifulSoup, path: Path, places: dict[str, Place]) -> None:
    """Turn the references of a page into links."""
    for text in list(soup.select_one("article").find_all(string=REFERENCE)):
        if text.find_parent(ELSEWHERE) or text.find_parent(class_="katex"):
            continue
        caption = text.find_parent(class_="caption")
        start, parts = 0, []
        for match in REFERENCE.finditer(text):
            if caption is not None and match.start() == 0 and CAPTION.match(caption.get_text()):
                continue  # its own number
            name = f"{(match['kind'] or 'equation').lower()} {match['number'] or match['equation']}"
            place = places.get(name)
            if place is None:
                if match["kind"]:
                    raise ExtensionError(f"{path.name} refers to {name}, which does not exist")
                continue  # a number in parentheses
            parts += [text[start : match.start()], link(soup, match[0], path, place)]
            start = match.end()
        if parts:
            text.replace_with(*[p for p in [*parts, text[start:]] if isinstance(p, Tag) or p])


def link(soup: BeautifulSoup, text: str, path: Path, place: Place) -> Tag:
    page, identity = place
    address = "" if page == path else os.path.relpath(page, path.parent).replace(os.sep, "/")
    tag = soup.new_tag("a", href=f"{address}#{identity}")
    tag["class"] = "number"
    tag.append(NavigableString(text))
    return tag
