"""The PDFs of the build: one for every notebook, and explorers that stand still in it."""

import json
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import pypdfium2
import pytest

from sphinx_downhill import typeset

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted(p for f in ("chapters", "exercises") for p in (ROOT / f).glob("*.ipynb"))
VIEW = "application/vnd.jupyter.widget-view+json"


@dataclass
class Printed:
    """A notebook, the PDF made of it, and its text without spaces, headers and footers."""

    notebook: dict
    document: pypdfium2.PdfDocument
    text: str


def spaceless(text):
    """Return text without spaces and hyphens, which a line end may add or take."""
    return re.sub(r"[\s\xad\ufffe\x02-]", "", text)


@lru_cache
def printed(path):
    document = pypdfium2.PdfDocument(path)
    title = document.get_metadata_dict()["Title"]
    text = ""
    for page in document:
        lines = page.get_textpage().get_text_bounded().splitlines()
        if lines[0].startswith(title):
            del lines[0]
        text += "".join(line for line in lines if "· CC BY 4.0" not in line)
    return document, spaceless(text)


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def paper(request):
    """A notebook and its PDF."""
    path = ROOT / "_build/html" / request.param.parent.name / f"{request.param.stem}.pdf"
    if not path.is_file():
        pytest.skip("the book is not built: make book")
    return Printed(json.loads(request.param.read_text(encoding="utf-8")), *printed(path))


def test_every_sentence_is_on_paper(paper):
    seen = 0
    for cell in paper.notebook["cells"]:
        if cell["cell_type"] == "markdown":
            # Formulas, tables and links are set in their own ways; the words between them remain.
            source = re.sub(r"\]\([^)]*\)|(?m:^\|.*)", "](", "".join(cell["source"]))
            for words in re.split(r"\$\$.*?\$\$|\$[^$]*\$|[\n`*|<>\[\](){}_\\&#]", source):
                if words and len(words) > 40:
                    assert spaceless(words) in paper.text, words
                    seen += 1
    assert seen > 20


def test_every_explorer_stands_still_and_says_what_its_sliders_do(paper):
    outputs = [output for cell in paper.notebook["cells"] for output in cell.get("outputs", [])]
    shown = sum(VIEW in output.get("data", {}) for output in outputs)
    assert len(re.findall("Onthepage,a(slidermoves|listchooses)", paper.text)) == shown


def test_folded_answers_and_solutions_come_last(paper):
    cells, text = paper.notebook["cells"], paper.text
    folded = sum("".join(c["source"]).count("<details>") for c in cells)
    folded += sum("solution" in c["metadata"].get("tags", []) for c in cells)
    assert text.count("Answersandsolutions") == (folded > 0)
    body, _, end = text.partition("Answersandsolutions")
    assert "#@titleSolution" not in text
    for cell in cells:
        if "solution" in cell["metadata"].get("tags", []):
            source = spaceless("".join(cell["source"]).removeprefix("# @title Solution\n"))[:60]
            assert source in end
            assert source not in body


def test_the_paper_has_a_title_and_tags_for_those_who_cannot_see_it(paper):
    heading = "".join(paper.notebook["cells"][0]["source"]).splitlines()[0]
    assert paper.document.get_metadata_dict()["Title"] == heading.removeprefix("# ")
    assert pypdfium2.raw.FPDFCatalog_IsTagged(paper.document)


def test_the_page_offers_its_paper(chapter, address, visit):
    page = visit(f"{address}/{chapter}").page
    link = page.locator("a.btn-download-pdf-button")
    assert link.get_attribute("href") == Path(chapter).with_suffix(".pdf").name
    found = page.request.get(page.evaluate("(a) => a.href", link.element_handle()))
    assert found.ok
    assert found.body().startswith(b"%PDF")
    assert len(found.body()) < 1_500_000


def paper_of(*cells):
    return typeset.Paper(
        {"cells": list(cells)}, "x", ROOT, "https://x/", {}, ROOT / "references.bib"
    )


def markdown(text):
    return {"cell_type": "markdown", "source": [text], "metadata": {}}


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("a $$x = y \\tag{2.3}$$ b", '#numbered("2.3")'),
        ("*Figure 1.2. A sentence.*", "#caption["),
        ("[chapter 2](02-ill-posed.ipynb#a)", '#link("02-ill-posed.pdf")'),
        ("[notation](../appendix/notation.md)", '#link("https://x/appendix/notation.html")'),
        ("<details><summary>Answer</summary>\n\nTwo.\n\n</details>", '#folded("Answer"'),
    ],
)
def test_what_markdown_becomes_on_paper(source, wanted):
    assert wanted in paper_of(markdown(f"# T\n\n{source}")).source()


def test_a_formula_that_cannot_be_read_stops_the_build():
    with pytest.raises(ValueError, match="Pandoc says"):
        paper_of(markdown("# T\n\n$\\nosuchthing{x}$")).source()


def test_strings_keep_quotes_backslashes_and_line_ends():
    assert typeset.string('a"b\\n\n') == '"a\\"b\\\\n\\n"'
