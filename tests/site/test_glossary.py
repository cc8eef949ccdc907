"""The glossary: what its source says, the words that chapters link, and the ways back."""

from collections import Counter
from functools import cache
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from sphinx.errors import ExtensionError

from sphinx_downhill import glossary

SOURCE = Path(__file__).parents[2] / "appendix" / "glossary.md"
PAGE = "appendix/glossary.html"


@cache
def parsed(path):
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


def entries_of(site):
    """Return for each term its heading and its definition on the page."""
    headings = parsed(site / PAGE).select("dl.glossary > dt")
    return {glossary.straight(dt.find(string=True)): dt for dt in headings}


def ways_back(dt):
    """Return the links of an entry that lead to a use of its term, as (page, place)."""
    line = dt.find_next_sibling("dd").select("p")[-1]
    links = [a["href"].removeprefix("../").split("#") for a in line.select("a[href*='#use-']")]
    return [tuple(link) for link in links]


def test_entries_stand_in_alphabetical_order_and_no_term_twice():
    terms = [entry.term for entry in glossary.read(SOURCE)]
    assert len(terms) >= 60
    assert [term for term, times in Counter(map(str.lower, terms)).items() if times > 1] == []
    for before, after in zip(terms, sorted(terms, key=str.lower), strict=True):
        assert before == after, f"{before} stands where {after} belongs"


def test_every_form_means_one_term():
    glossary.Finder(glossary.read(SOURCE))


def test_the_page_holds_every_entry_of_the_source_with_a_definition(site):
    there = entries_of(site)
    assert list(there) == [entry.term for entry in glossary.read(SOURCE)]
    for term, dt in there.items():
        definition = dt.find_next_sibling("dd").p.get_text()
        assert len(definition) > 20, f"{term}: {definition!r} defines nothing"


def test_every_term_leads_back_to_places_that_show_it(site):
    for entry in glossary.read(SOURCE):
        back = ways_back(entries_of(site)[entry.term])
        assert back, f"no chapter uses {entry.term!r} in its running text"
        for page, place in back:
            use = parsed(site / page).find(id=place)
            assert use is not None, f"{entry.term}: {page} has no place {place}"
            shown = glossary.straight(use.get_text()).lower()
            assert shown in {form.lower() for form in entry.forms}, (
                f"{entry.term}: {page}#{place} shows {shown!r}"
            )


def test_the_chapter_that_introduces_a_term_uses_it(site):
    for entry in glossary.read(SOURCE):
        numbers = [
            int(Path(page).name.split("-")[0])
            for page, _ in ways_back(entries_of(site)[entry.term])
        ]
        assert entry.chapter in numbers, (
            f"{entry.term} is said to be introduced in chapter {entry.chapter}, "
            f"but is used in {numbers} only"
        )


def test_a_chapter_links_a_term_once_and_only_in_running_text(chapter, site):
    links = parsed(site / chapter).select("a.term")
    assert links, "no word of this chapter is in the glossary"
    terms = [link["href"] for link in links]
    assert [term for term, times in Counter(terms).items() if times > 1] == []
    for link in links:
        path, _, place = link["href"].partition("#")
        assert parsed((site / chapter).parent.joinpath(path).resolve()).find("dt", id=place)
        misplaced = [tag.name for tag in link.parents if tag.name in glossary.SKIPPED_TAGS]
        assert not misplaced, f"{link} stands in <{misplaced[0]}>"
        assert not link.find_parent(class_=["caption", "cell", "katex"]), f"{link} is misplaced"


def test_every_link_to_a_term_has_its_way_back(chapter, site):
    ways = {way for dt in entries_of(site).values() for way in ways_back(dt)}
    lost = [
        a["id"] for a in parsed(site / chapter).select("a.term") if (chapter, a["id"]) not in ways
    ]
    assert lost == []


def test_pages_that_are_no_chapters_link_no_terms(site):
    for page in [*site.glob("exercises/*.html"), *site.glob("*.html")]:
        assert parsed(page).select("a.term") == [], page.name


ENTRIES = [
    glossary.Entry("batch", ("batch", "batchs", "batches"), (), 8),
    glossary.Entry("batch normalisation", ("batch normalisation",), (), 12),
    glossary.Entry("ridge", ("ridge",), ("on the ridge",), 2),
    glossary.Entry("He's initialisation", ("He's initialisation",), (), 11),
]


def found(text):
    return [(text[i:j], term) for i, j, term in glossary.Finder(ENTRIES).find(text)]


def test_the_longest_term_wins():
    assert found("Batch normalisation of batches") == [
        ("Batch normalisation", "batch normalisation"),
        ("batches", "batch"),
    ]


def test_words_are_found_across_lines_and_with_either_apostrophe():
    assert found("He’s\ninitialisation") == [("He’s\ninitialisation", "He's initialisation")]


def test_parts_of_words_are_not_found():
    assert found("minibatch, batch-wise, bridge") == []


def test_a_phrase_in_which_the_word_means_something_else_is_left_alone():
    html = "<article><p>A ball on the ridge. The ridge shrinks.</p></article>"
    soup = BeautifulSoup(html, "html.parser")
    names = {entry.term: f"term-{entry.term}" for entry in ENTRIES}
    assert glossary.mark(soup, glossary.Finder(ENTRIES), names) == {"ridge": "use-ridge"}
    assert soup.a.previous_sibling == "A ball on the ridge. The "


@pytest.mark.parametrize(
    "html",
    [
        "<h2>batch</h2>",
        "<p><code>batch</code> <a href='#'>batch</a></p>",
        "<p><em>Figure 8.1. A batch.</em></p>",
        "<details><summary>batch</summary><p>batch</p></details>",
        "<p><strong>Further reading.</strong> <em>On batches</em></p>",
        "<section><h3>Exercise 8.1: a batch</h3><p>batch</p></section>",
    ],
)
def test_what_is_no_running_text_is_left_alone(html):
    soup = BeautifulSoup(f"<article>{html}</article>", "html.parser")
    assert glossary.mark(soup, glossary.Finder(ENTRIES), {"batch": "term-batch"}) == {}


def test_a_form_that_two_terms_claim_stops_the_build():
    twice = [*ENTRIES, glossary.Entry("row", ("row", "batches"), (), 8)]
    with pytest.raises(ExtensionError, match="'batches' stands for batch and row"):
        glossary.Finder(twice)


def test_an_entry_without_its_chapter_stops_the_build(tmp_path):
    source = tmp_path / "glossary.md"
    source.write_text("```{glossary}\nbatch\n  Rows of a step.\n```\n", encoding="utf-8")
    with pytest.raises(ExtensionError, match="batch does not say which chapter"):
        glossary.read(source)
