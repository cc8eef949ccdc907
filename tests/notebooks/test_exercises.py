"""Exercises: enough of them, checked by code, every one with a folded solution."""

import ast

FEWEST, MOST, FEWEST_CHECKED = 4, 6, 2
ROLES = ("exercise", "check", "solution")


def tagged(chapter, exercise):
    """Return the code cells of an exercise that have a role, with their role."""
    code = [cell for cell in exercise.cells if cell.cell_type == "code"]
    return [(role, cell) for cell in code for role in ROLES if role in chapter.tags(cell)]


def checked(chapter):
    return [e for e in chapter.exercises() if "check" in dict(tagged(chapter, e))]


def question(cell):
    """Return what a check asks: its last call, with its two first arguments and without hints."""
    call = ast.parse(cell.source).body[-1].value
    return [ast.unparse(part) for part in (call.func, *call.args[:2])]


def test_four_to_six_exercises_numbered_in_order(chapter):
    exercises = chapter.exercises()
    number = int(chapter.path.name[:2])
    assert FEWEST <= len(exercises) <= MOST, f"{chapter.path.name}: {len(exercises)} exercises"
    for count, exercise in enumerate(exercises, start=1):
        begins = f"Exercise {number}.{count}"
        assert exercise.title.startswith(begins), f"{exercise.title!r} must begin with {begins!r}"
        assert exercise.level == 3, f"{exercise.title!r} must be a heading of level 3"


def test_at_least_two_exercises_are_checked_by_code(chapter):
    count = len(checked(chapter))
    assert count >= FEWEST_CHECKED, f"{chapter.path.name}: {count} exercises have a check cell"


def test_cells_with_a_role_stand_within_an_exercise(chapter):
    inside = [cell.id for exercise in chapter.exercises() for cell in exercise.cells]
    for cell in chapter.code:
        lost = chapter.tags(cell) & set(ROLES) and cell.id not in inside
        assert not lost, f"{chapter.where(cell)} is tagged as of an exercise and is in none"


def test_checked_exercise_is_stub_check_solution_and_the_same_check(chapter):
    for exercise in checked(chapter):
        roles = [role for role, _ in tagged(chapter, exercise)]
        expected = ["exercise", "check", "solution", "check"]
        assert roles == expected, f"{exercise.title}: cells are {roles}, must be {expected}"
        first, second = (cell for role, cell in tagged(chapter, exercise) if role == "check")
        same = question(first) == question(second)
        assert same, f"{exercise.title}: the two checks ask for different things"


def test_stub_does_not_pass_its_check_and_the_solution_does(chapter):
    for exercise in checked(chapter):
        cells = [cell for role, cell in tagged(chapter, exercise) if role == "check"]
        shown = [chapter.shown(cell) for cell in cells]
        assert shown[0].startswith("Not yet"), f"{exercise.title}: the stub gets {shown[0]!r}"
        assert shown[-1].startswith("Correct"), f"{exercise.title}: the solution gets {shown[-1]!r}"


def test_every_exercise_has_a_solution(chapter):
    for exercise in chapter.exercises():
        cells = [cell for role, cell in tagged(chapter, exercise) if role == "solution"]
        folded = any("<details>" in c.source for c in exercise.cells if c.cell_type == "markdown")
        assert cells or folded, f"{exercise.title} has no solution"


def test_solutions_are_folded_on_the_page_in_jupyter_and_in_colab(chapter):
    for cell in chapter.code:
        if "solution" not in chapter.tags(cell):
            continue
        where = chapter.where(cell)
        assert "hide-cell" in chapter.tags(cell), f"{where}: tag hide-cell missing (page)"
        hidden = cell.metadata.get("jupyter", {}).get("source_hidden")
        assert hidden is True, f"{where}: metadata jupyter.source_hidden missing (Jupyter)"
        form = cell.metadata.get("cellView")
        assert form == "form", f"{where}: metadata cellView: form missing (Colab)"
        title = cell.source.splitlines()[0]
        assert title == "# @title Solution", f"{where}: first line must be '# @title Solution'"
