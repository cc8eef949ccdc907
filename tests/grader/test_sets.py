"""The problem sets: what the reference, the blank, and each made-up solution get."""

import dataclasses
import json
import re

import pytest

from instructor.grader import grading, masters, notebooks, submissions
from instructor.grader.session import Limits

SEEDS = (0, 7)
FEWEST_QUESTIONS, MOST_QUESTIONS = 5, 8
FEWEST_WRONG, FEWEST_RIGHT = 6, 2
LARGEST_LINE = 88  # characters of code: what a page shows without scrolling
CASES = [
    (name, kind, number)
    for name in masters.names()
    for kind, made in zip(("wrong", "right"), masters.solutions(name), strict=True)
    for number in range(len(made))
]


@pytest.fixture(scope="module", params=masters.names())
def name(request):
    return request.param


@pytest.fixture(scope="module")
def marked(way):
    """Returns a function that grades an answer dictionary; sets and answers are made once."""
    made = {}

    def grade(folder, name, solution, seed=0):
        if (name, seed) not in made:
            problem_set = masters.load(name, seed)
            torch = "import torch" in problem_set.setup
            limits = Limits(memory=(4 if torch else 2) * 2**30)
            expected = grading.expected_values(problem_set, way, limits)
            made[name, seed] = problem_set, limits, expected
        problem_set, limits, expected = made[name, seed]
        if solution == "blank":
            notebook = problem_set.student
        else:
            notebook = submissions.solved(problem_set, solution)
        path = folder / "x.ipynb"
        path.write_text(json.dumps(notebook), encoding="utf-8")
        return problem_set, grading.grade(path, folder, problem_set, expected, way, limits)

    return grade


REFERENCE = submissions.Solution("the master's own", {})


def lost(problem_set, result):
    """Return the points that a result falls short of full marks, by question."""
    short = {q.name: q.points - result.score(q.name) for q in problem_set.questions if not q.manual}
    return {name: points for name, points in short.items() if points}


def test_the_four_sets_of_the_course_are_there():
    assert {"ps1", "ps2", "ps3", "ps4"} <= set(masters.names())


@pytest.mark.parametrize("seed", SEEDS)
def test_the_reference_has_full_marks_and_the_blank_exactly_zero(name, seed, marked, tmp_path):
    problem_set, result = marked(tmp_path, name, REFERENCE, seed)
    assert result.total(problem_set) == problem_set.points and result.status == "ok"
    _, blank = marked(tmp_path, name, "blank", seed)
    assert (blank.total(problem_set), blank.status) == (0, "ok"), blank.remarks
    assert all(outcome.remark for each in blank.outcomes.values() for outcome in each)


@pytest.mark.parametrize(("name", "kind", "number"), CASES)
def test_a_made_up_solution_gets_what_it_deserves(name, kind, number, marked, tmp_path):
    wrong, right = masters.solutions(name)
    solution = (wrong if kind == "wrong" else right)[number]
    seed = SEEDS[number % len(SEEDS)]
    problem_set, result = marked(tmp_path, name, solution, seed)
    assert lost(problem_set, result) == solution.lost, f"{solution.title}, seed {seed}"
    assert bool(solution.lost) == (kind == "wrong")
    assert result.status == "ok", result.remarks


def test_each_hidden_test_is_failed_by_a_wrong_solution_whose_score_it_changes(
    name, marked, tmp_path
):
    unneeded = {}
    for solution in masters.solutions(name)[0]:
        problem_set, result = marked(tmp_path, name, solution)
        for question in problem_set.questions:
            for number, outcome in enumerate(result.outcomes.get(question.name, [])):
                # Without this test the solution would lose so many points fewer.
                change = outcome.possible - outcome.points
                key = question.name, number, outcome.about
                unneeded[key] = unneeded.get(key, True) and change == 0
    assert [key for key, value in unneeded.items() if value] == []


def test_a_set_has_the_questions_and_solutions_that_it_should(name):
    problem_set = masters.load(name)
    wrong, right = masters.solutions(name)
    assert FEWEST_QUESTIONS <= len(problem_set.questions) <= MOST_QUESTIONS
    assert sum(question.manual for question in problem_set.questions) == 1
    assert len(wrong) >= FEWEST_WRONG and len(right) >= FEWEST_RIGHT
    titles = [solution.title for solution in [*wrong, *right]]
    assert len(set(titles)) == len(titles)
    about = [test.about for question in problem_set.questions for test in question.tests]
    assert len(set(about)) == len(about)
    assert re.fullmatch(rf"Problem set {name[2:]}\. .+", problem_set.title)


def test_setup_cells_differ_in_their_imports_only():
    setups = [masters.load(name).setup for name in masters.names()]
    without = {re.sub(r"^(import|from) .*\n", "", setup, flags=re.MULTILINE) for setup in setups}
    assert len(without) == 1


def test_nothing_but_numpy_matplotlib_and_torch_is_needed(name):
    problem_set = masters.load(name)
    allowed = {"numpy", "matplotlib", "torch"}
    for cell in problem_set.student.cells:
        if cell.cell_type == "code":
            found = re.findall(r"^\s*(?:import|from) (\w+)", cell.source, re.MULTILINE)
            assert set(found) <= allowed, cell.source
            assert max(map(len, cell.source.splitlines())) <= LARGEST_LINE, cell.source


def test_numbers_have_names_of_their_own_and_change_with_the_seed(name):
    problem_set, other, same = (masters.load(name, seed) for seed in (0, 1, 1))
    assert problem_set.numbers != other.numbers == same.numbers
    names = [n for source in problem_set.numbers for n in notebooks.defined(source)]
    assert len(set(names)) == len(names)
    assert [dataclasses.replace(q, answer="", stub="") for q in problem_set.questions] == [
        dataclasses.replace(q, answer="", stub="") for q in other.questions
    ]
