"""Draw which chapter builds on which, from what the chapters say of themselves."""

import json
import re
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.util.docutils import SphinxDirective

WIDTH, ROW = 360, 64  # units of the drawing; on a phone they are pixels
BOX, HEIGHT = 112, 44
LETTERS = 18  # what fits on a line of a box


@dataclass(frozen=True)
class Chapter:
    """What the first cell of a chapter says."""

    number: int
    title: str
    docname: str
    minutes: int
    needs: frozenset[int]


def chapters(folder: Path) -> dict[int, Chapter]:
    """Read number, title, minutes and prerequisites of every chapter."""
    found = {}
    for path in sorted(folder.glob("[0-9][0-9]-*.ipynb")):
        first = "".join(json.loads(path.read_text(encoding="utf-8"))["cells"][0]["source"])
        number, title = re.match(r"# (\d+)\. (.+)", first).groups()
        minutes = re.search(r"\*\*Time:\*\* (\d+) minutes", first)[1]
        builds_on = re.search(r"\*\*Builds on:\*\* (.+)", first)[1]
        docname = f"{folder.name}/{path.stem}"
        needs = prerequisites(builds_on, int(number))
        found[int(number)] = Chapter(int(number), title, docname, int(minutes), needs)
    return found


def prerequisites(text: str, number: int) -> frozenset[int]:
    """Return the chapters that a sentence like "chapter 1, and chapters 3 to 5" names."""
    if "all chapters" in text:
        return frozenset(range(1, number))
    ranges = re.findall(r"chapters? (\d+)(?: to (\d+))?", text)
    return frozenset(n for low, high in ranges for n in range(int(low), int(high or low) + 1))


def edges(course: dict[int, Chapter]) -> list[tuple[int, int]]:
    """Return pairs of a chapter and one that builds on it, without what others imply."""
    needs = {number: set(chapter.needs) for number, chapter in course.items()}
    whole = {number: set(found) for number, found in needs.items()}
    for number in sorted(whole):  # a chapter builds on earlier ones only
        for earlier in needs[number]:
            whole[number] |= whole[earlier]
    return [
        (earlier, number)
        for number, direct in needs.items()
        for earlier in sorted(direct)
        if not any(earlier in whole[other] for other in direct - {earlier})
    ]


def drawing(course: dict[int, Chapter], rows: list[list[int]], optional: set[int]) -> str:
    """Return the map as SVG; every box is a link to its chapter."""
    columns = max(map(len, rows))
    places = {
        number: ((column + 0.5) * WIDTH / columns, row * ROW + HEIGHT / 2 + 2)
        for row, line in enumerate(rows)
        for column, number in enumerate(line)
        if number
    }
    lines = [arrow(places[a], places[b]) for a, b in edges(course)]
    boxes = [box(course[number], *places[number], number in optional) for number in sorted(places)]
    height = (len(rows) - 1) * ROW + HEIGHT + 4
    return (
        f'<svg class="course-map" viewBox="0 0 {WIDTH} {height}" role="group" '
        f'aria-label="Which chapter builds on which">'
        f'<defs><marker id="map-head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
        f'markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z"/></marker></defs>'
        f"{''.join(lines)}{''.join(boxes)}</svg>"
    )


def arrow(start: tuple[float, float], end: tuple[float, float]) -> str:
    (x0, y0), (x1, y1) = start, end
    if y0 == y1:
        side = BOX / 2 if x1 > x0 else -BOX / 2
        path = f"M{x0 + side:g} {y0:g}L{x1 - side:g} {y1:g}"
    else:
        y0, y1 = y0 + HEIGHT / 2, y1 - HEIGHT / 2
        # Straight down first and last: the line passes beside the boxes between.
        bend = min(ROW - HEIGHT, y1 - y0)
        path = f"M{x0:g} {y0:g}C{x0:g} {y0 + bend:g} {x1:g} {y0:g} {x1:g} {y0 + bend:g}"
        if y0 + bend < y1:
            path += f"V{y1:g}"
    return f'<path class="map-line" d="{path}" marker-end="url(#map-head)"/>'


def box(chapter: Chapter, x: float, y: float, optional: bool) -> str:
    lines = wrapped(f"{chapter.number} {chapter.title}")
    top = y - 6.5 * (len(lines) - 1) + 3.5
    text = "".join(
        f'<tspan x="{x:g}" y="{top + 13 * i:g}">{escape(line)}</tspan>'
        for i, line in enumerate(lines)
    )
    needs = ", ".join(map(str, sorted(chapter.needs))) or "nothing before it"
    kind = "map-box map-later" if optional else "map-box"
    return (
        f'<a href="{chapter.docname}.html" class="{kind}">'
        f"<title>Chapter {chapter.number}, {escape(chapter.title)}: {chapter.minutes} minutes, "
        f"builds on {needs}</title>"
        f'<rect x="{x - BOX / 2:g}" y="{y - HEIGHT / 2:g}" width="{BOX}" height="{HEIGHT}" rx="4"/>'
        f'<text text-anchor="middle">{text}</text></a>'
    )


def wrapped(text: str) -> list[str]:
    """Break a title into lines that fit its box."""
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > LETTERS:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


class CourseMap(SphinxDirective):
    """Draw the map. The content says where the boxes stand, a row a line, a dot for no box::

        {course-map}
        :optional: 5 6
        . 1 .
        2 3 .

    The lines come from the chapters themselves, from what stands there after "Builds on".
    """

    has_content = True
    option_spec: ClassVar = {"optional": directives.unchanged}

    def run(self) -> list[nodes.Node]:
        """Return the drawing as raw HTML."""
        course = chapters(Path(self.env.srcdir, "chapters"))
        for chapter in course.values():
            self.env.note_dependency(str(Path(self.env.srcdir, chapter.docname + ".ipynb")))
        rows = [[0 if word == "." else int(word) for word in line.split()] for line in self.content]
        shown = sorted(number for row in rows for number in row if number)
        if shown != sorted(course):
            raise self.error(f"course-map: shows the chapters {shown}, there are {sorted(course)}")
        optional = {int(word) for word in self.options.get("optional", "").split()}
        return [nodes.raw("", drawing(course, rows, optional), format="html")]
