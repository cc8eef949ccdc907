"""A small problem set of the tests' own, and what grading one submission takes."""

import copy
import json
from types import SimpleNamespace

import nbformat
import pytest

from instructor.grader import grading, masters, sandbox, submissions
from instructor.grader.session import Limits

SETUP = """\
# Setup: run this cell first.
import numpy as np


def check(got, expected, rtol=1e-6, atol=1e-9, points=0, about="this value"):
    right = np.shape(got) == np.shape(expected) and np.allclose(got, expected, rtol, atol)
    if points and not right:
        raise AssertionError(about)
    print("Correct" if right else "Not yet", about)"""
DESCEND = """\
def descend(grad, x0, eta, steps):
    \"\"\"Return the trajectory, shape (steps + 1, d).\"\"\"
    ### BEGIN SOLUTION
    x = [np.array(x0, dtype=float)]
    for _ in range(steps):
        x.append(x[-1] - eta * grad(x[-1]))
    return np.array(x)
    ### END SOLUTION"""
DESCEND_CHECK = """\
check(descend(lambda x: 2 * x, [1.0], 0.5, 1), [[1.0], [0.0]], about="one step on x squared")
### BEGIN HIDDEN TESTS
start = np.array([1.0, -2.0])
halves = [[1.0, -2.0], [0.5, -1.0], [0.25, -0.5], [0.125, -0.25]]
check(descend(lambda x: 2 * x, start, 0.25, 3), halves, points=2, about="three steps in a bowl")
check(np.append(descend(lambda x: x, start, 0.5, 1)[-1], start), [0.5, -1.0, 1.0, -2.0], points=1, about="the start is left as it was")
check(descend(lambda x: 2 * x, [3.0], eta, 2)[-1], [3.0 * (1 - 2 * eta) ** 2], points=1, about="the rate of the question")
### END HIDDEN TESTS"""  # noqa: E501 - a cell
FACTOR = """\
### BEGIN SOLUTION
factor = 1 - 2 * eta
### END SOLUTION"""
FACTOR_CHECK = """\
check(factor is not ..., True, about="there is a factor")
### BEGIN HIDDEN TESTS
check(factor, 1 - 2 * eta, points=2, about="the factor")
### END HIDDEN TESTS"""
STEP = """\
def largest_step(H):
    \"\"\"Return 2 / L.\"\"\"
    ### BEGIN SOLUTION
    return 2 / np.linalg.eigvalsh(H)[-1]
    ### END SOLUTION"""
STEP_CHECK = """\
check(largest_step(np.diag([1.0, 4.0])), 0.5, about="a diagonal matrix")
### BEGIN HIDDEN TESTS
check(largest_step(np.diag([7.0, 8.0])), 0.25, points=1, about="another diagonal matrix")
check(largest_step(np.array([[2.0, 1.0], [1.0, 2.0]])), 2 / 3, points=1, about="a full matrix")
### END HIDDEN TESTS"""
OPEN = "### BEGIN SOLUTION\nBecause of the largest eigenvalue (2 points).\n### END SOLUTION"


def cell(kind, grade_id, source, points=None, tags=(), solution=False):
    made = getattr(nbformat.v4, f"new_{kind}_cell")(source, id=grade_id)
    about = {"schema_version": 3, "grade_id": grade_id, "solution": solution, "task": False}
    about |= {"grade": points is not None, "locked": not solution}
    made.metadata["nbgrader"] = about if points is None else about | {"points": points}
    if tags:
        made.metadata["tags"] = list(tags)
    return made


def example():
    """Return the master of the small set: eight points, and two that a person gives."""
    text, code = "markdown", "code"
    cells = [
        cell(text, "title", "# Problem set 0. An example\n\nTwo minutes."),
        cell(code, "setup", SETUP, tags=["setup"]),
        cell(text, "q1-statement", "## Question 1. Descent (4 points)\n\nWrite `descend`."),
        cell(code, "q1-numbers", "eta = 0.1  # the step size", tags=["numbers"]),
        cell(code, "q1-answer", DESCEND, solution=True),
        cell(code, "q1-check", DESCEND_CHECK, points=4),
        cell(text, "q2-statement", "## Question 2. A number (2 points)\n\nGive `factor`."),
        cell(code, "q2-answer", FACTOR, solution=True),
        cell(code, "q2-check", FACTOR_CHECK, points=2),
        cell(text, "q3-statement", "## Question 3. The largest step (2 points)\n\nWrite it."),
        cell(code, "q3-answer", STEP, solution=True),
        cell(code, "q3-check", STEP_CHECK, points=2),
        cell(text, "q4-statement", "## Question 4. In words (2 points)\n\nWhy?"),
        cell(text, "q4-open", OPEN, points=2, solution=True),
    ]
    return nbformat.v4.new_notebook(cells=cells)


@pytest.fixture
def master():
    """The master of the small set, to be changed."""
    return example()


@pytest.fixture(scope="session")
def example_set():
    return masters.ProblemSet("ps0", "ps0-example", example())


@pytest.fixture(scope="session")
def way():
    """The best isolation that this machine has."""
    return sandbox.ways()[0]


@pytest.fixture(scope="session")
def limits():
    return Limits(cell=6.0, question=3.0, total=90.0)  # for a busy machine


@pytest.fixture(scope="session")
def expected(example_set, way, limits):
    return grading.expected_values(example_set, way, limits)


@pytest.fixture
def filled(example_set):
    """Returns a function that writes a submission: the reference with answers replaced."""

    def write(**answers):
        solution = submissions.Solution("", answers)
        return copy.deepcopy(submissions.solved(example_set, solution))

    return write


@pytest.fixture
def grade(example_set, expected, way, limits, tmp_path):
    """Returns a function that grades a notebook, or the bytes of a file, in a folder."""

    def run(submission, name="ada.ipynb", limits=limits, way=way):
        folder = tmp_path / "in"
        folder.mkdir(exist_ok=True)
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(submission, bytes):
            path.write_bytes(submission)
        else:
            path.write_text(json.dumps(submission), encoding="utf-8")
        result = grading.grade(path, folder, example_set, expected, way, limits)
        scores = tuple(result.score(q) for q in ("q1", "q2", "q3"))
        return SimpleNamespace(result=result, scores=scores, status=result.status)

    return run
