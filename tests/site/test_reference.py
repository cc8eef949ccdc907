"""The reference of gdutils: everything public, described, and one click from its source."""

import ast
import importlib
import inspect
import re
import textwrap
from functools import cache

import pytest
from bs4 import BeautifulSoup

import gdutils
from sphinx_downhill import reference

PAGE = "appendix/gdutils.html"
PUBLIC = {
    f"{module}.{name}": thing
    for module, names in reference.documented().items()
    for name, thing in names.items()
}
everything = pytest.mark.parametrize("entry", PUBLIC)


@cache
def parsed(path):
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


def documented_arguments(docstring):
    """Return the names that stand in a docstring's Parameters or Attributes."""
    found = re.search(
        r"^(?:Parameters|Attributes)\n-+\n(.*?)(?=^\w+\n-{3,}$|\Z)",
        docstring,
        re.MULTILINE | re.DOTALL,
    )
    lines = found[1].splitlines() if found else []
    heads = [line.split(" : ")[0] for line in lines if line and not line.startswith(" ")]
    return {name.strip().lstrip("*") for head in heads for name in head.split(",")}


def returns_something(function):
    """Tell whether a function returns a value, those that it defines within left aside."""
    waiting = list(ast.parse(textwrap.dedent(inspect.getsource(function))).body[0].body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Return) and node.value is not None:
            return True
        if not isinstance(node, ast.FunctionDef | ast.Lambda | ast.ClassDef):
            waiting += ast.iter_child_nodes(node)
    return False


def test_the_page_leaves_no_public_name_out():
    for name in gdutils._SUBMODULES:
        module = importlib.import_module(f"gdutils.{name}")
        offered = {n for n in getattr(module, "__all__", []) if callable(getattr(module, n))}
        defined = {
            n
            for n, thing in vars(module).items()
            if callable(thing) and not n.startswith("_") and thing.__module__ == module.__name__
        }
        assert {f"gdutils.{name}.{n}" for n in offered | defined} <= PUBLIC.keys()


@everything
def test_every_argument_is_described(entry):
    thing = PUBLIC[entry]
    if inspect.isclass(thing) and "__init__" not in vars(thing):
        return  # it comes out of a function, and takes what its ancestors take
    described = documented_arguments(inspect.getdoc(thing))
    assert [name for name in reference.parameters(thing) if name not in described] == []


@everything
def test_what_is_returned_is_described(entry):
    thing = PUBLIC[entry]
    if inspect.isfunction(thing) and returns_something(thing):
        assert "\nReturns\n-------\n" in inspect.getdoc(thing)


@everything
def test_every_entry_has_a_description_and_a_source_that_holds_it(entry, site):
    there = parsed(site / PAGE).find("dt", id=entry)
    assert there is not None, f"{entry} is not on the page"
    description = there.find_next_sibling("dd").find("p")
    assert description is not None and len(description.get_text()) > 10
    link = there.find("a", href=re.compile("_modules"))
    assert link is not None, "there is no link to the source"
    path, _, place = link["href"].partition("#")
    source = parsed((site / PAGE).parent.joinpath(path).resolve())
    block = source.find(id=place)
    assert block is not None, f"{path} has no place {place}"
    kind = "class" if inspect.isclass(PUBLIC[entry]) else "def"
    assert re.search(rf"^{kind} {entry.split('.')[-1]}\b", block.get_text(), re.MULTILINE)


def test_the_table_names_everything_once_and_says_what_it_is_for(site):
    rows = parsed(site / PAGE).select("table.reference-index tbody tr")
    links = [row.a["href"] for row in rows if row.select_one("td.name")]
    assert links == [f"#{name}" for name in PUBLIC]
    for row in rows:
        name, purpose = (cell.get_text(strip=True) for cell in row.select("td"))
        assert len(purpose) > 10, f"{name}: {purpose!r}"


def test_no_markup_is_left_in_the_text(site):
    soup = BeautifulSoup((site / PAGE).read_text(encoding="utf-8"), "html.parser")
    for code in soup.select("pre, script"):
        code.decompose()
    text = soup.select_one("article").get_text()
    assert "``" not in text
    assert not re.search(r":(py|class|func|obj):`|(^|\s)`\w", text)
    assert not soup.select("article .problematic, article cite")


def test_a_name_in_backticks_becomes_a_link_and_arguments_and_the_entry_itself_stay_code():
    descent = importlib.import_module("gdutils.descent")
    lines = [
        "`steepest_descent`: see `gradient_descent`, `gdutils.plots` and `x0`.",
        "",
        ">>> `x0`",
    ]
    reference.link_names(
        None, "function", "gdutils.descent.steepest_descent", descent.steepest_descent, {}, lines
    )
    assert lines[0] == (
        "``steepest_descent``: see :py:obj:`gradient_descent <gdutils.descent.gradient_descent>`, "
        ":py:obj:`gdutils.plots <gdutils.plots>` and ``x0``."
    )
    assert lines[2] == ">>> `x0`"
