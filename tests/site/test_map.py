"""The map and the table of the front page say of the chapters what the chapters say themselves."""

import re
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

from sphinx_downhill import course_map

ROOT = Path(__file__).parents[2]
COURSE = course_map.chapters(ROOT / "chapters")
INDEX = (ROOT / "index.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("text", "needs"),
    [
        ("one course of calculus", set()),
        ("[chapter 1](01-x.ipynb); Taylor's theorem", {1}),
        ("chapters 3 to 5: saddles, and [chapter 1](01-x.ipynb)", {1, 3, 4, 5}),
        ("all chapters, and most on [chapter 7](07-x.ipynb)", set(range(1, 9))),
    ],
)
def test_prerequisites_are_read_from_the_sentence(text, needs):
    assert course_map.prerequisites(text, 9) == needs


def test_the_map_leaves_out_what_other_lines_imply():
    lines = course_map.edges(COURSE)
    needs = {number: {a for a, b in lines if b == number} for number in COURSE}
    reached = {}
    for number in COURSE:
        reached[number] = needs[number].union(*(reached[a] for a in needs[number]))
        assert COURSE[number].needs <= reached[number]
    for a, b in lines:
        assert not any(a in reached[other] for other in needs[b] - {a}), f"{a} to {b} is implied"


def test_every_box_of_the_map_leads_to_its_chapter(site):
    soup = BeautifulSoup((site / "index.html").read_text(encoding="utf-8"), "html.parser")
    boxes = soup.select("svg.course-map a")
    assert len(boxes) == len(COURSE)
    for link, chapter in zip(boxes, COURSE.values(), strict=True):
        assert link["href"] == f"{chapter.docname}.html"
        words = " ".join(span.get_text() for span in link.select("tspan"))
        assert words == f"{chapter.number} {chapter.title}"
    drawn = soup.select("svg.course-map .map-line")
    assert len(drawn) == len(course_map.edges(COURSE))


def test_the_table_gives_each_chapters_own_time_and_prerequisites():
    rows = re.findall(r"(?m)^\| (\d+) \| .* \| (\d+)\smin \| (.+?) \|$", INDEX)
    assert [int(number) for number, *_ in rows] == list(COURSE)
    for number, minutes, builds_on in rows:
        chapter = COURSE[int(number)]
        assert int(minutes) == chapter.minutes
        named = {int(n) for n in re.findall(r"\d+", builds_on)}
        assert (named or set(range(1, int(number)))) == chapter.needs or not chapter.needs


def test_the_hours_of_the_front_page_are_the_chapters_sums():
    total = sum(chapter.minutes for chapter in COURSE.values())
    assert round(total / 60) == 12
    assert "twelve hours of reading" in INDEX
    dashed = {int(n) for n in re.search(r":optional: (.+)", INDEX)[1].split()}
    text = INDEX.replace("\N{NO-BREAK SPACE}", " ")
    for left_out in (dashed, range(10, 16)):
        rest = total - sum(COURSE[number].minutes for number in left_out)
        assert f"{rest // 60} h {rest % 60} min" in text


def test_only_a_chapter_on_all_others_builds_on_what_can_be_left_out():
    dashed = {int(n) for n in re.search(r":optional: (.+)", INDEX)[1].split()}
    for chapter in COURSE.values():
        looks_back_on_all = chapter.needs == set(range(1, chapter.number))
        if chapter.number not in dashed and not looks_back_on_all:
            assert not chapter.needs & dashed
