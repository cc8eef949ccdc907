"""Link the words of the glossary in the chapters, and list under each entry where it is used.

Chapters are plain Markdown that must read well on Colab, so they hold no roles. The links are put
into the finished pages: the first time that a chapter's running text uses a word, the word leads
to its entry, and the entry leads back to that place.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from bs4 import BeautifulSoup, NavigableString, Tag
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

from .pages import CAPTION

GLOSSARY = "appendix/glossary"
BLOCK = re.compile(r"^```\{glossary\}\n(.*?)^```$", re.DOTALL | re.MULTILINE)
ENTRY = re.compile(r"^(\S.*)\n((?:[ \t].*\n|\n)*)", re.MULTILINE)
REMARK = re.compile(r"^\s+% (also|not): (.*)$", re.MULTILINE)
CHAPTER = re.compile(r"\[chapter (\d+)\]")

# What is no running text: headings, code and outputs, formulas, links, what is folded.
SKIPPED_TAGS = {"a", "code", "details", "figure", "math", "noscript", "pre", "script", "style"}
SKIPPED_TAGS |= {f"h{level}" for level in range(1, 7)}
SKIPPED_CLASSES = {"cell", "katex", "katex-display", "math"}
READ_ELSEWHERE = re.compile(r"Further reading\.")  # titles of books, in which words stand by chance
EXERCISE = re.compile(r"Exercise")


@dataclass(frozen=True)
class Entry:
    """A term of the glossary as its source says it.

    `forms` are the words to look for, `others` the phrases in which they mean something else,
    `chapter` the number of the chapter that introduces the term.
    """

    term: str
    forms: tuple[str, ...]
    others: tuple[str, ...]
    chapter: int


def read(path: Path) -> list[Entry]:
    """Return the entries of the glossary's source, in its order."""
    block = BLOCK.search(path.read_text(encoding="utf-8"))
    if block is None:
        raise ExtensionError(f"{path}: there is no ```{{glossary}} block")
    entries = []
    for term, body in ENTRY.findall(block[1]):
        said = {"also": [], "not": []}
        for kind, words in REMARK.findall(body):
            said[kind] += [word.strip() for word in words.split(",")]
        chapter = CHAPTER.search(body)
        if chapter is None:
            raise ExtensionError(f"{path}: {term} does not say which chapter introduces it")
        forms = [form for word in (term, *said["also"]) for form in (word, f"{word}s")]
        others = [form for word in said["not"] for form in (word, f"{word}s")]
        entries.append(Entry(term, tuple(forms), tuple(others), int(chapter[1])))
    return entries


class Finder:
    """Finds the forms of all terms in a text, the longest first where several would do."""

    def __init__(self, entries: list[Entry]):
        self.meaning = {}
        for entry in entries:
            for form in entry.forms:
                other = self.meaning.setdefault(form.lower(), entry.term)
                if other != entry.term:
                    raise ExtensionError(f"glossary: {form!r} stands for {other} and {entry.term}")
        # A phrase that means something else is found as well, and then left alone.
        self.meaning |= {form.lower(): None for entry in entries for form in entry.others}
        forms = sorted(self.meaning, key=len, reverse=True)
        anyone = "|".join(re.escape(form) for form in forms)
        anyone = anyone.replace(r"\ ", r"\s+").replace("'", "['’]")
        self.pattern = re.compile(rf"(?<![\w-])(?:{anyone})(?![\w-])", re.IGNORECASE)

    def find(self, text: str):
        """Yield ``(start, end, term)``; the term is None where the words mean something else."""
        for match in self.pattern.finditer(text):
            yield match.start(), match.end(), self.meaning[straight(match[0]).lower()]


def straight(text: str) -> str:
    """Return words as the source has them: one space between two, the apostrophe upright."""
    return " ".join(text.replace("’", "'").split())


def link_terms(app: Sphinx, soups: dict[Path, BeautifulSoup]) -> None:
    """Link the words in the chapters and the places in the glossary."""
    out, source = Path(app.outdir), Path(app.srcdir, GLOSSARY).with_suffix(".md")
    finder = Finder(read(source))
    glossary = soups[out / f"{GLOSSARY}.html"]
    names = {straight(dt.find(string=True)): dt["id"] for dt in glossary.select("dl.glossary > dt")}
    uses: dict[str, list[tuple[str, str]]] = {term: [] for term in names}
    for page, soup in soups.items():
        if page.parent.name == "chapters":
            for term, place in mark(soup, finder, names).items():
                uses[term].append((page.name, place))
    for dt in glossary.select("dl.glossary > dt"):
        term = straight(dt.find(string=True))
        list_uses(glossary, dt.find_next_sibling("dd"), term, uses[term])


def mark(soup: BeautifulSoup, finder: Finder, names: dict[str, str]) -> dict[str, str]:
    """Link each term at its first use on the page; return the places by term."""
    places: dict[str, str] = {}
    for text in list(running_text(soup.find("article"))):
        pieces, end = [], 0
        for start, stop, term in finder.find(text):
            if term is None or term in places:
                continue
            places[term] = names[term].replace("term-", "use-", 1)
            link = soup.new_tag("a", href=f"../{GLOSSARY}.html#{names[term]}", id=places[term])
            link["class"] = "term"
            link.string = text[start:stop]
            pieces += [NavigableString(text[end:start]), link]
            end = stop
        if pieces:
            text.replace_with(*pieces, NavigableString(text[end:]))
    return places


def running_text(tag: Tag):
    """Yield the strings of an element in which words may be linked."""
    for child in tag.children:
        if type(child) is NavigableString:
            yield child
        elif isinstance(child, Tag) and not is_skipped(child):
            yield from running_text(child)


def is_skipped(tag: Tag) -> bool:
    """Tell whether an element holds no running text of the chapter."""
    if tag.name in SKIPPED_TAGS or SKIPPED_CLASSES.intersection(tag.get("class", ())):
        return True
    if tag.name == "section":
        heading = tag.find(re.compile("^h[1-6]$"))
        return heading is not None and bool(EXERCISE.match(heading.get_text().strip()))
    if tag.name == "p":
        text = tag.get_text().strip()
        return bool(CAPTION.match(text) or READ_ELSEWHERE.match(text))
    return False


def list_uses(soup: BeautifulSoup, entry: Tag, term: str, uses: list[tuple[str, str]]) -> None:
    """Lead from the last line of an entry to every place where a chapter uses the term first.

    The link to the chapter that introduces it stands there already, and now leads to the place.
    """
    line = entry.find_all("p", recursive=False)[-1]
    line["class"] = "used"
    introduced = line.find("a")
    others = []
    for page, place in uses:
        address = f"../chapters/{page}#{place}"
        if introduced["href"].endswith(page):
            introduced["href"] = address
            continue
        link = soup.new_tag("a", href=address)
        link.string = str(int(page.split("-")[0]))
        link["aria-label"] = f"{link.string}, {term}"
        others += [", ", link]
    if others:
        lead = " Also used in chapter " if len(others) == 2 else " Also used in chapters "
        line.extend([lead, *others[1:], "."])
