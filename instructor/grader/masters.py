"""Read a master notebook: questions, hidden tests, and the copy that students get.

The format is described in ``instructor/README.md``. Errors of an author are a `MasterError` that
names the cell.
"""

import ast
import copy
import importlib.util
import re
import textwrap
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import nbformat
import numpy as np

FOLDER = Path(__file__).resolve().parents[1]
STATEMENT = re.compile(r"^## Question (\d+)\. (.+?) \((\d+(?:\.5)?) points?\)\s*$", re.MULTILINE)
SOLUTION = re.compile(
    r"^(?P<indent>[ \t]*)### BEGIN SOLUTION[ \t]*\n(?P<body>.*?)^[ \t]*### END SOLUTION[ \t]*\n?",
    re.MULTILINE | re.DOTALL,
)
HIDDEN = re.compile(
    r"^### BEGIN HIDDEN TESTS[ \t]*\n(?P<body>.*?)^### END HIDDEN TESTS[ \t]*\n?",
    re.MULTILINE | re.DOTALL,
)
MARK = re.compile(r"### (BEGIN|END) (SOLUTION|HIDDEN TESTS)")
STUB = "...  # your code here"
OPEN_STUB = "*Your answer here.*"


class MasterError(ValueError):
    """A master notebook that does not keep to the format."""


@dataclass(frozen=True)
class Assign:
    """A statement of a hidden block, run before the tests that follow it."""

    source: str


@dataclass(frozen=True)
class Test:
    """A hidden test: what to ask for, and what it should be.

    Attributes
    ----------
    ask, expected : str
        Python expressions, evaluated with the submission and with the master.
    points, rtol, atol : float
    about : str
        What it tries, in words that give no value away.
    """

    __test__ = False  # not one of pytest's

    ask: str
    expected: str
    points: float
    rtol: float
    atol: float
    about: str


@dataclass(frozen=True)
class Question:
    """One question; `steps` holds the statements and tests of its hidden block in order."""

    name: str
    title: str
    points: float
    manual: bool
    answer: str
    stub: str
    check: str
    steps: tuple

    @property
    def tests(self):
        return [step for step in self.steps if isinstance(step, Test)]


def names():
    """Return the names of all sets, such as ``["ps1", "ps2"]``."""
    return sorted(path.name for path in FOLDER.iterdir() if list(path.glob(f"{path.name}-*.ipynb")))


def load(name, seed=0):
    """Return the problem set of that name.

    Parameters
    ----------
    name : str
    seed : int
        0 for the numbers of the master, otherwise those of the variant.

    Raises
    ------
    ValueError
        If there is no such set, or (MasterError) if its master breaks the format.
    """
    if name not in names():
        raise ValueError(f"a problem set is one of {', '.join(names())}, got {name!r}")
    (path,) = (FOLDER / name).glob(f"{name}-*.ipynb")
    notebook = nbformat.read(path, as_version=4)
    if seed:
        notebook = with_numbers(notebook, _module(name, "variants").numbers(_rng(seed)))
    return ProblemSet(name, path.stem, notebook)


def _rng(seed):
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise ValueError(f"seed must be a whole number, 0 or larger, got {seed!r}")
    return np.random.default_rng(seed)


def _module(name, part):
    path = FOLDER / name / f"{part}.py"
    spec = importlib.util.spec_from_file_location(f"instructor_{name}_{part}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def solutions(name):
    """Return the wrong and the other right solutions of a set, two lists of Solution."""
    module = _module(name, "submissions")
    return module.WRONG, module.RIGHT


@dataclass(frozen=True)
class ProblemSet:
    """A problem set.

    Attributes
    ----------
    name, slug : str
        ``ps1``, and the name of its notebooks without ``.ipynb``.
    master : nbformat.NotebookNode
    """

    name: str
    slug: str
    master: nbformat.NotebookNode

    @property
    def title(self):
        """Return the heading of the notebook."""
        return self.master.cells[0].source.splitlines()[0].removeprefix("# ")

    @property
    def setup(self):
        """Return the source of the setup cell."""
        (cell,) = [c for c in self.master.cells if "setup" in _tags(c)]
        return cell.source

    @property
    def numbers(self):
        """Return the sources of the cells with the numbers of the questions."""
        return [cell.source for cell in self.master.cells if "numbers" in _tags(cell)]

    @cached_property
    def student(self):
        """Return the notebook that is handed out: no solution, no hidden test, no output."""
        notebook = copy.deepcopy(self.master)
        for cell in notebook.cells:
            cell.source = _handed_out(cell)
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None
        return notebook

    @cached_property
    def questions(self):
        """Return the questions in order."""
        found, titles = [], {}
        for cell in self.master.cells:
            statement = STATEMENT.search(cell.source) if cell.cell_type == "markdown" else None
            if statement:
                number, title, points = statement.groups()
                titles[f"q{number}"] = title, float(points)
        cells = {_grade_id(cell): cell for cell in self.master.cells}
        for name, (title, points) in titles.items():
            if f"{name}-open" in cells:
                source = cells[f"{name}-open"].source
                found.append(Question(name, title, points, True, source, OPEN_STUB, "", ()))
                continue
            for part in ("answer", "check"):
                if f"{name}-{part}" not in cells:
                    raise MasterError(f"{self.slug}: {name} has no cell {name}-{part}")
            answer, check = cells[f"{name}-answer"], cells[f"{name}-check"]
            question = Question(
                name,
                title,
                points,
                False,
                SOLUTION.sub(lambda match: match["body"], answer.source),
                _handed_out(answer),
                _handed_out(check),
                tuple(_steps(check.source, f"{self.slug}, {name}-check")),
            )
            total = sum(test.points for test in question.tests)
            stated = check.metadata.nbgrader.get("points")
            if not total == points == stated:
                raise MasterError(
                    f"{self.slug}: the tests of {name} have {total:g} points, "
                    f"the statement {points:g}, the metadata {stated}"
                )
            found.append(question)
        if [q.name for q in found] != [f"q{n}" for n in range(1, len(found) + 1)]:
            raise MasterError(f"{self.slug}: questions are {[q.name for q in found]}")
        return found

    @property
    def points(self):
        """Return the points that the grader gives, without the open question's."""
        return sum(question.points for question in self.questions if not question.manual)


def _tags(cell):
    return cell.metadata.get("tags", [])


def _grade_id(cell):
    return cell.metadata.get("nbgrader", {}).get("grade_id", "")


def _handed_out(cell):
    """Return the source that students get."""
    if cell.cell_type == "markdown":
        source = OPEN_STUB if SOLUTION.search(cell.source + "\n") else cell.source
    else:
        source = SOLUTION.sub(_stub, HIDDEN.sub("", cell.source + "\n")).rstrip("\n")
    if MARK.search(source):
        raise MasterError(f"cell {_grade_id(cell)!r}: a marker without its other half")
    return source


def _stub(match):
    """Return what stands for a solution: `...`, or each name that it assigns set to it."""
    body = textwrap.dedent(match["body"])
    if match["indent"]:
        return f"{match['indent']}{STUB}\n"
    assigned = []
    for node in ast.parse(body).body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        for name in (n for t in targets if t is not None for n in ast.walk(t)):
            if isinstance(name, ast.Name) and name.id not in assigned:
                assigned.append(name.id)
    if not assigned:
        raise MasterError(f"a solution at the top level assigns nothing: {body[:60]!r}")
    return "".join(f"{name} = {STUB}\n" for name in assigned)


def _steps(source, where):
    """Yield the statements and tests of the hidden block."""
    blocks = list(HIDDEN.finditer(source + "\n"))
    if len(blocks) != 1:
        raise MasterError(f"{where}: {len(blocks)} blocks of hidden tests, must be 1")
    body = blocks[0]["body"]
    for node in ast.parse(body).body:
        text = ast.get_source_segment(body, node)
        if isinstance(node, ast.Assign):
            yield Assign(text)
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            yield _test(node.value, text, where)
        else:
            raise MasterError(f"{where}: neither an assignment nor a call of check: {text!r}")


def _test(call, text, where):
    options = {}
    for keyword in call.keywords:
        options[keyword.arg] = ast.literal_eval(keyword.value)
    known = {"points", "about", "rtol", "atol"}
    right = getattr(call.func, "id", "") == "check" and len(call.args) == 2
    if not right or set(options) - known or not {"points", "about"} <= set(options):
        raise MasterError(f"{where}: not check(got, expected, points=..., about=...): {text!r}")
    ask, expected = (ast.unparse(argument) for argument in call.args)
    return Test(
        ask,
        expected,
        float(options["points"]),
        float(options.get("rtol", 1e-6)),
        float(options.get("atol", 1e-9)),
        options["about"],
    )


def with_numbers(notebook, values):
    """Return a copy of a master in which the numbers of the questions are `values`.

    Raises
    ------
    MasterError
        If a name has no value, or a value has no name.
    """
    notebook, used = copy.deepcopy(notebook), set()
    for cell in notebook.cells:
        if "numbers" not in _tags(cell):
            continue
        lines = cell.source.splitlines(keepends=True)
        for node in reversed(ast.parse(cell.source).body):
            if not isinstance(node, ast.Assign) or not isinstance(node.targets[0], ast.Name):
                raise MasterError(f"cell {_grade_id(cell)!r}: not an assignment to one name")
            name = node.targets[0].id
            if name not in values or name in used:
                raise MasterError(f"numbers: {name!r} has no value, or stands in two cells")
            used.add(name)
            first, last = node.value.lineno - 1, node.value.end_lineno - 1
            # Columns of the syntax tree count bytes.
            before = lines[first].encode()[: node.value.col_offset].decode()
            after = lines[last].encode()[node.value.end_col_offset :].decode()
            lines[first : last + 1] = [before + _literal(values[name], node.value) + after]
        cell.source = "".join(lines)
    if used != set(values):
        raise MasterError(f"numbers that no cell has: {sorted(set(values) - used)}")
    return notebook


def _literal(value, old):
    """Return the Python source of a number, a list of numbers or an array, as `old` was one."""
    value = np.asarray(value).tolist()
    if isinstance(value, list) and not isinstance(old, ast.List):
        return f"np.array({value!r})"
    return repr(value)
