"""Read what was handed in: the code cells of a file, whatever happened to its metadata."""

import ast
import json
import os
import re
import warnings
from dataclasses import dataclass

LARGEST = 20 * 2**20  # bytes of a file
LONGEST = 100_000  # characters of a cell


class Unreadable(Exception):
    """A file that is no notebook. Says why."""


@dataclass(frozen=True)
class Cell:
    """A code cell; `problem` says why it cannot run at all."""

    number: int
    source: str
    code: str
    problem: str = ""

    @property
    def label(self):
        """Return how its author would look for it."""
        first = next((line.strip() for line in self.source.splitlines() if line.strip()), "")
        return f"cell {self.number} ({first[:50]!r})"


def files(folder):
    """Return the paths of all files below a folder, sorted, without hidden ones."""
    found = []
    for path in folder.rglob("*"):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if not hidden and (path.is_file() or path.is_symlink()):
            found.append(path)
    return sorted(found)


def read(path, folder):
    """Return the cells of a notebook: a list of Cell, and the texts of its Markdown cells.

    Raises
    ------
    Unreadable
        If the file is no notebook, too large, or a link that leads out of `folder`.
    """
    if path.is_symlink() and not path.resolve().is_relative_to(folder.resolve()):
        raise Unreadable("a link that leads out of the folder")
    if path.suffix.lower() != ".ipynb":
        raise Unreadable("not a notebook: its name does not end in .ipynb")
    try:
        with open(path, "rb") as file:
            if os.fstat(file.fileno()).st_size > LARGEST:
                raise Unreadable(f"larger than {LARGEST // 2**20} MB")
            notebook = json.loads(file.read().decode("utf-8-sig"))
    except OSError as error:
        raise Unreadable(f"cannot be opened: {error.strerror}") from None
    except (ValueError, RecursionError):
        raise Unreadable("not JSON: the file is cut off or was never a notebook") from None
    if not isinstance(notebook, dict):
        raise Unreadable("JSON, but not a notebook")
    cells = notebook.get("cells")
    if cells is None and isinstance(notebook.get("worksheets"), list):  # format 3
        cells = [c for sheet in notebook["worksheets"] for c in sheet.get("cells", [])]
    if not isinstance(cells, list):
        raise Unreadable("JSON, but not a notebook: it has no list of cells")
    code, texts = [], []
    for number, cell in enumerate(cells, start=1):
        kind = cell.get("cell_type") if isinstance(cell, dict) else None
        source = cell.get("source", cell.get("input", "")) if kind else ""
        source = "".join(map(str, source)) if isinstance(source, list) else str(source)
        if kind == "code" and source.strip():
            code.append(_cell(number, source))
        elif kind == "markdown":
            texts.append(source)
    if not code:
        raise Unreadable("a notebook without code")
    return code, texts


def plain(source):
    """Return a source without what editors change: trailing spaces and empty lines."""
    return "\n".join(line.rstrip() for line in source.splitlines() if line.strip())


def defined(source):
    """Return the names that the top level of a cell's Python defines, a set."""
    found = set()
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        for part in ast.walk(node) if isinstance(node, ast.Assign | ast.AnnAssign) else ():
            if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
                found.add(part.id)
    return found


def assigned(source):
    """Return the values, as source, that a cell gives to names; {} if it does anything else."""
    values = {}
    for node in ast.parse(source).body:
        if not isinstance(node, ast.Assign) or not isinstance(node.targets[0], ast.Name):
            return {}
        try:
            values[node.targets[0].id] = ast.unparse(node.value)
        except RecursionError:  # nested deeper than any number: it may compile, and it may run
            return {}
    return values


def _cell(number, source):
    if len(source) > LONGEST:
        return Cell(number, source, "", f"longer than {LONGEST:,} characters")
    try:
        code = _python(source)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(code, "<cell>", "exec", dont_inherit=True)
    except SyntaxError as error:
        return Cell(number, source, "", f"syntax error in line {error.lineno}: {error.msg}")
    except (ValueError, RecursionError, MemoryError) as error:
        return Cell(number, source, "", f"not Python: {type(error).__name__}")
    return Cell(number, source, code)


def _python(source):
    """Return the Python of a cell that may hold magics and shell lines, as IPython reads it."""
    if not re.search(r"[%!?]", source):
        return source
    from IPython.core.inputtransformer2 import TransformerManager

    return TransformerManager().transform_cell(source)
