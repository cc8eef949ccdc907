"""Numbers of equations, figures and exercises: each leads to what bears it."""

import re
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from sphinx.errors import ExtensionError

from sphinx_downhill import numbers

ROOT = Path(__file__).parents[2]
PAGE = Path("chapters/02-two.html")
TEXT = """<article><p>By (2.3), not by (0.5), by exercise 1.4, see figure 2.1 and Figure 2.1.</p>
<p class="caption"><em>Figure 2.1. As figure 2.1 says, (2.3).</em></p><code>(2.3)</code>
<a href="x">(2.3)</a><h2>On (2.3)</h2></article>"""
PLACES = {
    "equation 2.3": (PAGE, "equation-2-3"),
    "exercise 1.4": (Path("chapters/01-one.html"), "exercise-1-4-more"),
    "figure 2.1": (PAGE, "figure-2-1"),
}


def referred(text):
    soup = BeautifulSoup(text, "html.parser")
    numbers.refer(soup, PAGE, PLACES)
    return soup


def test_running_text_gets_links_and_everything_else_is_left_alone():
    soup = referred(TEXT)
    links = [(a.get_text(), a["href"]) for a in soup.select("p a.number")]
    assert links == [
        ("(2.3)", "#equation-2-3"),
        ("exercise 1.4", "01-one.html#exercise-1-4-more"),
        ("figure 2.1", "#figure-2-1"),
        ("Figure 2.1", "#figure-2-1"),
        ("figure 2.1", "#figure-2-1"),
        ("(2.3)", "#equation-2-3"),
    ]
    assert len(soup.select("a.number")) == len(links)
    assert soup.get_text() == BeautifulSoup(TEXT, "html.parser").get_text()


def test_a_problem_set_leads_to_the_chapters_beside_its_folder():
    soup = BeautifulSoup("<article><p>By (2.3).</p></article>", "html.parser")
    numbers.refer(soup, Path("exercises/ps1-one.html"), PLACES)
    assert soup.a["href"] == "../chapters/02-two.html#equation-2-3"


def test_a_reference_to_a_figure_that_does_not_exist_stops_the_build():
    with pytest.raises(ExtensionError, match=r"figure 9\.9, which does not exist"):
        referred("<article><p>See figure 9.9.</p></article>")


def test_every_link_by_number_leads_to_an_element_that_bears_the_number(site, chapter):
    page = site / chapter
    soups = {}
    links = soup_of(page, soups).select("a.number")
    assert links
    for link in links:
        name, _, identity = link["href"].partition("#")
        target = soup_of(page.parent / name if name else page, soups).find(id=identity)
        number = re.search(r"\d+\.\d+", link.get_text())[0]
        assert number in target.get_text(), f"{link} leads to {target}"


def soup_of(path, soups):
    if path not in soups:
        soups[path] = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
    return soups[path]
