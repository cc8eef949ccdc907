"""The reference of gdutils, made from its docstrings, with the source of every entry on the site.

Autodoc reads the docstrings, napoleon their numpydoc sections, viewcode makes the pages of source.
Here stand the order of the modules, the table at the top, and what single backticks mean:
a name of gdutils becomes a link, anything else is code.
"""

import importlib
import inspect
import re
from pathlib import Path
from types import ModuleType

from bs4 import BeautifulSoup
from docutils import nodes
from docutils.statemachine import StringList
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective

import gdutils

from .pages import shortened

# In the order in which a reader of the course meets them.
MODULES = (
    "objectives",
    "descent",
    "linesearch",
    "schedules",
    "newton",
    "stochastic",
    "momentum",
    "data",
    "images",
    "training",
    "networks",
    "records",
    "plots",
    "explore",
    "feedback",
)
SECTION = re.compile(r"([A-Z]\w+)$")
SINGLE_BACKTICKS = re.compile(r"(?<![`:\w])`([^`\n]+)`(?![`\w])")
CODE = re.compile(r"``(.+?)``|`(.+?)`")


def public(module: ModuleType) -> dict[str, object]:
    """Return what a module offers by name: its ``__all__``, or what is defined in it.

    First comes what the file itself defines, then what it gives out for others, each in the
    order of the source.
    """
    names = getattr(module, "__all__", None) or [
        name
        for name, thing in vars(module).items()
        if not name.startswith("_") and getattr(thing, "__module__", None) == module.__name__
    ]
    things = {name: getattr(module, name) for name in names}
    wanted = {n: t for n, t in things.items() if inspect.isfunction(t) or inspect.isclass(t)}

    def place(name: str) -> tuple:
        thing = wanted[name]
        there = thing.__module__ != module.__name__
        return there, thing.__module__, inspect.getsourcelines(thing)[1]

    return {name: wanted[name] for name in sorted(wanted, key=place)}


def documented() -> dict[str, dict[str, object]]:
    """Return the public names of every module in the order of the page, gdutils itself first."""
    unlisted = set(gdutils._SUBMODULES).symmetric_difference(MODULES)
    if unlisted:
        raise ExtensionError(f"MODULES of {__name__} and gdutils differ in {sorted(unlisted)}")
    found = {"gdutils": {"require": gdutils.require}}
    for name in MODULES:
        found[f"gdutils.{name}"] = public(importlib.import_module(f"gdutils.{name}"))
    return found


def summary(thing: object) -> str:
    """Return the first paragraph of a docstring on one line."""
    return " ".join((inspect.getdoc(thing) or "").split("\n\n")[0].split())


class Reference(SphinxDirective):
    """Write the table of all public names, then one section a module."""

    has_content = False

    def run(self) -> list[nodes.Node]:
        """Return the table and the sections."""
        modules = documented()
        return [self.table(modules), *(self.section(*each) for each in modules.items())]

    def table(self, modules: dict) -> nodes.table:
        """Return the table: a row for each module, and below it one for each of its names."""
        rows = []
        for module, names in modules.items():
            about = summary(importlib.import_module(module)).replace("*", "")
            rows.append(self.row(module, module, about, "module"))
            rows += [self.row(f"{module}.{n}", n, summary(t), "name") for n, t in names.items()]
        head = nodes.row(
            "", *(nodes.entry("", nodes.paragraph("", t)) for t in ("Name", "Purpose"))
        )
        group = nodes.tgroup("", cols=2)
        group += [nodes.colspec(colwidth=width) for width in (30, 70)]
        group += [nodes.thead("", head), nodes.tbody("", *rows)]
        return nodes.table("", group, classes=["reference-index"])

    def row(self, target: str, name: str, about: str, kind: str) -> nodes.row:
        """Return a row with a link to the entry and one line about it."""
        link = addnodes.pending_xref(
            "",
            nodes.literal(name, name),
            refdomain="py",
            reftype="mod" if kind == "module" else "obj",
            reftarget=target,
            refdoc=self.env.docname,
            refexplicit=True,
            refwarn=True,
        )
        cells = (nodes.paragraph("", "", link), nodes.paragraph("", "", *inline(about)))
        return nodes.row("", *(nodes.entry("", cell, classes=[kind]) for cell in cells))

    def section(self, module: str, names: dict) -> nodes.section:
        """Return the section of one module, as autodoc writes it."""
        lines = ["````{eval-rst}", f".. automodule:: {module}", ""]
        for name, thing in names.items():
            is_class = inspect.isclass(thing)
            lines.append(f".. auto{'class' if is_class else 'function'}:: {module}.{name}")
            lines += ["   :members:", ""] if is_class else [""]
        lines.append("````")
        # The ending keeps the section apart from the target `module-...` that autodoc sets.
        section = nodes.section("", ids=[nodes.make_id(f"{module}-reference")], names=[module])
        section += nodes.title(module, module)
        self.state.nested_parse(StringList(lines, self.env.docname), self.content_offset, section)
        return section


def inline(text: str) -> list[nodes.Node]:
    """Return text as nodes, what stands in backticks as code."""
    parts = CODE.split(text)  # text, code in two backticks, code in one, text, ...
    made = []
    for i in range(0, len(parts), 3):
        made.append(nodes.Text(parts[i]))
        code = "".join(filter(None, parts[i + 1 : i + 3]))
        if code:
            made.append(nodes.literal(code, code))
    return made


def link_names(
    app: Sphinx, what: str, name: str, thing: object, options: dict, lines: list[str]
) -> None:
    """Make links of names, in text and in types (event ``autodoc-process-docstring``)."""
    holder = name.split(".")[1:2]
    module = getattr(gdutils, *holder) if holder and holder[0] in MODULES else gdutils
    own = {name.split(".")[-1], *parameters(thing)}

    def link(match: re.Match) -> str:
        text = match[1]
        target = None if text in own else resolve(text, module)
        return f":py:obj:`{text} <{target}>`" if target else f"``{text}``"

    section = ""
    for i, line in enumerate(lines):
        underlined = i + 1 < len(lines) and re.fullmatch("-{3,}", lines[i + 1])
        if underlined and SECTION.match(line):
            section = line
        elif not line.lstrip().startswith((">>>", "...")):
            if section in ("Parameters", "Attributes", "Returns") and not line.startswith(" "):
                start, colon, kind = line.rpartition(" : ")
                line = start + colon + re.sub(r"[\w.]+", in_type(module), kind)
            lines[i] = SINGLE_BACKTICKS.sub(link, line)


def in_type(module: ModuleType):
    """Return a replacement that puts a class of gdutils, named in a type, in backticks."""

    def mark(match: re.Match) -> str:
        word = match[0]
        is_class = word[:1].isupper() or word.startswith("gdutils.")
        return f"`{word}`" if is_class and word.isascii() and resolve(word, module) else word

    return mark


def parameters(thing: object) -> list[str]:
    """Return the names of what a function or class takes."""
    try:
        return list(inspect.signature(thing).parameters)
    except (TypeError, ValueError):  # a module, an attribute, a class built in
        return []


def resolve(text: str, module: ModuleType) -> str | None:
    """Return the full name that a name in a docstring of `module` means, if it is gdutils'.

    A name that begins with ``gdutils.`` is taken at its word: if it leads nowhere, Sphinx warns.
    """
    if text.startswith("gdutils."):
        return text
    holder, _, member = text.partition(".")
    thing = public(module).get(holder) if module is not gdutils else None
    if thing is None or (member and not hasattr(thing, member)):
        return None
    return f"{module.__name__}.{text}"


def skip(
    app: Sphinx, what: str, name: str, thing: object, skipped: bool, options: dict
) -> bool | None:
    """Leave out members that say nothing of their own (event ``autodoc-skip-member``)."""
    ours = inspect.isfunction(thing) or isinstance(thing, property)
    return True if what == "class" and not ours else None


def describe_source(
    app: Sphinx, pagename: str, templatename: str, context: dict, doctree: nodes.document | None
) -> None:
    """Give the pages of source their descriptions (event ``html-page-context``)."""
    if not pagename.startswith("_modules/"):
        return
    name = pagename.removeprefix("_modules/").replace("/", ".")
    if name == "index":
        return  # see `drop_index`
    text = f"The source of {name}. {summary(importlib.import_module(name))}"
    tag = BeautifulSoup("", "html.parser").new_tag("meta")
    tag["name"], tag["content"] = "description", shortened(text.replace("`", ""))
    context["metatags"] = (context.get("metatags") or "") + str(tag)


def drop_index(out: Path) -> None:
    """Delete the index of the source pages, which nests its lists wrongly.

    Nothing leads to it, since the table of the reference names everything.
    """
    (out / "_modules/index.html").unlink(missing_ok=True)


def mend_signatures(out: Path, soups: dict[Path, BeautifulSoup]) -> None:
    """Make plain lines of a signature's lines, which are a list of definitions without terms."""
    for lines in soups[out / "appendix/gdutils.html"].select("dt.sig dl"):
        lines.name, lines["class"] = "span", "sig-lines"
        for line in lines.find_all("dd"):
            line.name = "span"
