"""Reads the chapters once; the tests beside this file look at them without running them."""

import re
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]
PATHS = sorted((ROOT / "chapters").glob("*.ipynb"))
VIEW = "application/vnd.jupyter.widget-view+json"
STATE = "application/vnd.jupyter.widget-state+json"
CODE = re.compile(r"^(```+|~~~+).*?^\1[ \t]*$|(`+).*?\2|<!--.*?-->", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^(#{1,6}) +(.+)$", re.MULTILINE)


class Chapter:
    """A chapter's cells, and the questions that several tests ask about them."""

    def __init__(self, path):
        self.path = path
        self.text = path.read_text(encoding="utf-8")
        self.notebook = nbformat.reads(self.text, as_version=4)
        self.cells = self.notebook.cells
        self.code = [cell for cell in self.cells if cell.cell_type == "code"]
        self.markdown = [cell for cell in self.cells if cell.cell_type == "markdown"]
        self.widgets = self.notebook.metadata.get("widgets", {}).get(STATE, {}).get("state", {})

    def where(self, cell):
        """Name a cell as its author would look for it."""
        first = next((line for line in cell.source.splitlines() if line.strip()), "")
        return f"{self.path.name}, cell {self.cells.index(cell) + 1}, {first[:60]!r}"

    @staticmethod
    def tags(cell):
        return set(cell.metadata.get("tags", []))

    @staticmethod
    def shown(cell):
        """Return what a cell shows as text."""
        parts = []
        for output in cell.outputs:
            parts.append(output.get("text", "") or output.get("data", {}).get("text/plain", ""))
        return "".join(parts)

    @staticmethod
    def images(cell):
        """Return the (MIME type, content) pairs of the images below a code cell."""
        data = [output.get("data", {}) for output in cell.get("outputs", [])]
        return [(mime, d[mime]) for d in data for mime in sorted(d) if mime.startswith("image/")]

    @staticmethod
    def prose(cell):
        """Return a Markdown cell without code and comments."""
        return CODE.sub("", cell.source)

    def views(self):
        """Return the ids of the widgets that the chapter shows."""
        outputs = [output.get("data", {}) for cell in self.code for output in cell.outputs]
        return [data[VIEW]["model_id"] for data in outputs if VIEW in data]

    def headings(self):
        """Return (level, text, cell) of each heading."""
        found = []
        for cell in self.markdown:
            found += [(len(h[1]), h[2], cell) for h in HEADING.finditer(self.prose(cell))]
        return found

    def exercises(self):
        """Return the exercises: their heading, and the cells up to the next heading."""
        found, current = [], None
        for cell in self.cells:
            headings = HEADING.findall(self.prose(cell)) if cell.cell_type == "markdown" else []
            for marks, title in headings:
                current = None
                if re.match(r"Exercise \d", title):
                    current = SimpleNamespace(title=title, level=len(marks), cells=[])
                    found.append(current)
            if current is not None:
                current.cells.append(cell)
        return found


CHAPTERS = [Chapter(path) for path in PATHS]


@pytest.fixture(params=CHAPTERS, ids=[path.stem for path in PATHS])
def chapter(request):
    """Each chapter in turn."""
    return request.param


@pytest.fixture
def book():
    """All chapters, for what must hold between them."""
    return CHAPTERS


@pytest.fixture
def root():
    return ROOT
