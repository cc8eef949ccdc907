"""Masters are read as their format says, and what breaks it is named."""

import numpy as np
import pytest

from instructor.grader import grading, masters


def set_of(master):
    return masters.ProblemSet("ps0", "ps0-example", master)


def find(master, grade_id):
    return next(c for c in master.cells if c.metadata["nbgrader"]["grade_id"] == grade_id)


def test_questions_have_their_points_and_tests(example_set):
    found = [(q.name, q.points, q.manual, len(q.tests)) for q in example_set.questions]
    assert found == [
        ("q1", 4, False, 3),
        ("q2", 2, False, 1),
        ("q3", 2, False, 2),
        ("q4", 2, True, 0),
    ]
    assert example_set.points == 8 and example_set.title == "Problem set 0. An example"
    test = example_set.questions[2].tests[1]
    assert (test.points, test.rtol, test.about) == (1, 1e-6, "a full matrix")


def test_students_get_no_solution_and_no_hidden_test(example_set):
    text = "\n".join(cell.source for cell in example_set.student.cells)
    for secret in ("###", "eigvalsh", "halves", "points=", "largest eigenvalue"):
        assert secret not in text.replace("points=0", "")
    stubs = {q.name: q.stub for q in example_set.questions}
    assert stubs["q1"].endswith('(steps + 1, d)."""\n    ...  # your code here')
    assert stubs["q2"] == "factor = ...  # your code here"
    assert stubs["q4"] == "*Your answer here.*"
    assert example_set.questions[0].check.startswith("check(descend(lambda x: 2 * x, [1.0]")


def test_a_stub_names_all_that_the_solution_assigns(master):
    find(master, "q2-answer").source = (
        "### BEGIN SOLUTION\na, (b, *c) = 1, (2, 3)\nd: float = 2\nfactor = a\nfactor += 0\n"
        "### END SOLUTION\n"
    )
    stub = set_of(master).questions[1].stub
    assert [line.split(" = ")[0] for line in stub.splitlines()] == ["a", "b", "c", "d", "factor"]


def test_a_variant_changes_the_numbers_and_nothing_else(master):
    numbers = find(master, "q1-numbers")
    numbers.source = (
        "eta = 0.1  # η of the question\nH = np.array(\n    [[1.0, 2.0]]\n)\nk = [1, 2]\n"
    )
    new = masters.with_numbers(master, {"eta": np.float64(0.25), "H": np.eye(2), "k": [3]})
    assert find(new, "q1-numbers").source == (
        "eta = 0.25  # η of the question\nH = np.array([[1.0, 0.0], [0.0, 1.0]])\nk = [3]\n"
    )
    assert find(new, "q2-answer") == find(master, "q2-answer")
    assert "0.1 " in numbers.source  # the master itself is left as it was


@pytest.mark.parametrize("values", [{}, {"eta": 1.0, "other": 2.0}])
def test_a_variant_has_a_value_for_each_name(master, values):
    with pytest.raises(masters.MasterError, match=r"eta|other"):
        masters.with_numbers(master, values)


@pytest.mark.parametrize(
    ("grade_id", "old", "new", "message"),
    [
        ("q1-statement", "(4 points)", "(5 points)", "4 points, the statement 5"),
        ("q3-check", "### BEGIN HIDDEN TESTS", "", "other half"),
        ("q3-check", ', about="a full matrix"', "", "not check"),
        ("q3-check", "check(largest_step(np.array", "print(largest_step(np.array", "not check"),
        ("q1-check", "start = np.array([1.0, -2.0])", "import os", "neither"),
        ("q2-answer", "factor = 1 - 2 * eta", "print(1)", "assigns nothing"),
        ("q3-answer", "    ### END SOLUTION", "", "other half"),
        ("q3-statement", "Question 3", "Question 5", "no cell q5-answer"),
    ],
)
def test_a_broken_master_is_named(master, grade_id, old, new, message):
    cell = find(master, grade_id)
    assert old in cell.source
    cell.source = cell.source.replace(old, new)
    broken = set_of(master)
    with pytest.raises(masters.MasterError, match=message):
        assert broken.questions and broken.student


def test_a_master_that_fails_its_own_test_grades_nobody(master, way, limits):
    check = find(master, "q3-check")
    check.source = check.source.replace("2 / 3", "1 / 3")
    with pytest.raises(masters.MasterError, match="a full matrix: the value is wrong"):
        grading.expected_values(set_of(master), way, limits)


def test_a_setup_that_fails_is_not_the_students_fault(master, way, limits):
    find(master, "setup").source = "import no_such_package"
    with pytest.raises(masters.MasterError, match="no_such_package"):
        grading.expected_values(set_of(master), way, limits)


def test_an_unknown_set_is_named():
    with pytest.raises(ValueError, match=r"one of ps1.*got 'ps9'"):
        masters.load("ps9")


@pytest.mark.parametrize("seed", [-1, 1.5, True])
def test_a_bad_seed_is_named(seed):
    with pytest.raises(ValueError, match="seed must be a whole number"):
        masters.load("ps1", seed)
