"""The built files, read without a browser: links that land, addresses that stay at home."""

import re
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from bs4 import BeautifulSoup

# What makes a browser fetch something. Links to follow by hand (<a href>) may lead anywhere.
FETCHING = ("src", "srcset", "poster", "data", "action", "href")
FOREIGN = re.compile(r"^\s*(https?:)?//", re.IGNORECASE)
IN_STYLE = re.compile(r"(?:url\(|@import)\s*[\"']?\s*(?:https?:)?//[^)\"';]*", re.IGNORECASE)
IN_SCRIPT = re.compile(
    r"""(?:\bimport\s*\(?|\bfrom|importScripts\(|fetch\(|\.(?:src|href)\s*=)\s*["'`](?:https?:)?//[^"'`]*"""
)


@cache
def parsed(path: Path) -> BeautifulSoup:
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


def test_a_page_names_no_file_of_another_host(name, site):
    soup = parsed(site / name)
    foreign = [
        f"<{tag.name} {attribute}={tag[attribute]}>"
        for tag in soup.find_all(True)
        for attribute in FETCHING
        if tag.has_attr(attribute) and tag.name != "a" and FOREIGN.match(tag[attribute])
    ]
    for tag in soup.select("style, [style]"):
        foreign += IN_STYLE.findall(tag.get("style", "") or tag.get_text())
    assert foreign == []


def test_no_style_sheet_or_script_fetches_from_another_host(site):
    found = {}
    for pattern, ending in ((IN_STYLE, "css"), (IN_SCRIPT, "js")):
        for path in site.rglob(f"*.{ending}"):
            hits = pattern.findall(path.read_text(encoding="utf-8"))
            if hits:
                found[path.relative_to(site).as_posix()] = hits
    assert found == {}


def test_every_internal_link_lands(name, site):
    page = site / name
    broken = []
    for link in parsed(page).select("a[href]"):
        address = urlsplit(link["href"])
        if address.scheme or address.netloc:
            continue
        target = (page.parent / unquote(address.path)).resolve() if address.path else page
        if not target.is_file():
            broken.append(f"{link['href']}: no such file")
        elif address.fragment and target.suffix == ".html":
            fragment = unquote(address.fragment)
            if not parsed(target).find(id=fragment) and fragment not in ("", "top"):
                broken.append(f"{link['href']}: no such place")
    assert broken == []


def test_no_identifier_stands_twice(name, site):
    ids = [tag["id"] for tag in parsed(site / name).find_all(id=True)]
    assert sorted({i for i in ids if ids.count(i) > 1}) == []


@pytest.mark.parametrize(
    "trace", ["require.js", "html-manager", "mathjax", "thebe", "fontawesome.js"]
)
def test_pages_load_none_of_the_defaults_that_the_book_replaces(name, trace, site):
    loaded = [
        tag.get("src") or tag.get("href")
        for tag in parsed(site / name).select("script[src], link[href]")
    ]
    assert not [file for file in loaded if trace in file.lower()]


def test_explorer_modules_are_not_repeated_in_the_pages(name, site):
    assert '"_esm"' not in (site / name).read_text(encoding="utf-8")


def test_the_index_tells_the_same_reading_time_as_each_chapter(chapter, site):
    told = re.search(
        r"(\d+) minutes to read", parsed(site / chapter).select_one("article").get_text()
    )
    row = parsed(site / "index.html").select_one(f'tr:has(a[href="{chapter}"])')
    assert row is not None, "the index has no row for this chapter"
    assert f"{told[1]}\N{NO-BREAK SPACE}min" in row.get_text()
