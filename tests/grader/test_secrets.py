"""No solution and no hidden test is handed out: in no notebook, page, source or search index."""

import ast
import re
from pathlib import Path

import nbformat
import pytest

from exercises import EXERCISES, text
from instructor.grader import masters, notebooks

HTML = Path(__file__).resolve().parents[2] / "_build" / "html"
SHORTEST = 30  # characters of a line that gives a master away


def lines_of(source):
    return {line.strip() for line in source.splitlines() if len(line.strip()) >= SHORTEST}


def secret_lines(problem_set):
    """Return the lines that only the master has."""
    handed_out = {line for cell in problem_set.student.cells for line in lines_of(cell.source)}
    everything = {line for cell in problem_set.master.cells for line in lines_of(cell.source)}
    return everything - handed_out


@pytest.fixture(scope="module")
def secrets():
    """The secret lines of all sets, without what a chapter says in the open."""
    said = ""
    for path in sorted((EXERCISES.parent / "chapters").glob("*.ipynb")):
        said += "\n".join(cell.source for cell in nbformat.read(path, as_version=4).cells)
    found = {
        name: {line for line in secret_lines(masters.load(name)) if line not in said}
        for name in masters.names()
    }
    assert all(len(lines) > 20 for lines in found.values())  # there is something to look for
    return set().union(*found.values())


def plain(html):
    """Return the text of a page as a reader would copy it."""
    without = re.sub(r"<[^>]+>", "", html)
    for entity, character in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&#39;", "'")):
        without = without.replace(entity, character)
    return without.replace("&amp;", "&")


def without_numbers(notebook):
    """Return cells as (kind, source), and of those with numbers the names only."""
    found = []
    for cell in notebook.cells:
        numbers = "numbers" in cell.metadata.get("tags", [])
        content = sorted(notebooks.assigned(cell.source)) if numbers else cell.source
        found.append((cell.cell_type, content, cell.metadata))
    return found


@pytest.mark.parametrize("name", masters.names())
def test_the_students_copy_is_the_one_that_the_master_gives(name):
    problem_set = masters.load(name)
    handed_out = (EXERCISES / f"{problem_set.slug}.ipynb").read_text(encoding="utf-8")
    if handed_out != text(problem_set):  # a fork may hand out other numbers, and nothing else
        given = without_numbers(nbformat.reads(handed_out, as_version=4))
        wanted = without_numbers(nbformat.reads(text(problem_set), as_version=4))
        assert given == wanted, "run make exercises, and commit"


def test_nothing_else_lies_among_the_exercises():
    slugs = {masters.load(name).slug for name in masters.names()}
    assert {path.stem for path in EXERCISES.glob("*.ipynb")} == slugs


def test_a_masters_own_lines_would_be_found(secrets):
    master = masters.load("ps1").master
    whole = "\n".join(cell.source for cell in master.cells)
    assert sum(line in whole for line in secrets) > 20


def test_no_secret_is_handed_out(secrets):
    for path in EXERCISES.glob("*.ipynb"):
        whole = "\n".join(c.source for c in nbformat.read(path, as_version=4).cells)
        assert [line for line in secrets if line in whole] == []


@pytest.mark.skipif(not HTML.is_dir(), reason="the book is not built: make book")
def test_no_secret_reaches_the_site(secrets):
    assert not [path for path in HTML.rglob("*") if "instructor/" in str(path.relative_to(HTML))]
    pages = [p for p in HTML.rglob("*") if p.suffix in (".html", ".ipynb", ".md", ".txt", ".js")]
    assert any("exercises" in str(page.relative_to(HTML)) for page in pages)
    for page in pages:
        content = page.read_text(encoding="utf-8", errors="replace")
        if page.suffix == ".html":
            content = plain(content)
        elif page.suffix == ".ipynb":
            content = "\n".join(c.source for c in nbformat.reads(content, as_version=4).cells)
        assert [line for line in secrets if line in content] == [], page


@pytest.mark.skipif(not HTML.is_dir(), reason="the book is not built: make book")
def test_no_name_of_a_hidden_test_can_be_searched_for():
    index = (HTML / "searchindex.js").read_text(encoding="utf-8").lower()
    searched = 0
    for name in masters.names():
        problem_set = masters.load(name)
        visible = "\n".join(cell.source for cell in problem_set.student.cells)
        for question in problem_set.questions:
            for step in question.steps:
                if not isinstance(step, masters.Assign):
                    continue
                for target in ast.parse(step.source).body[0].targets:
                    for node in ast.walk(target):
                        hidden = getattr(node, "id", "")
                        if hidden.endswith("_hidden") and hidden not in visible:
                            searched += 1
                            assert hidden.lower() not in index
    assert searched > 0
