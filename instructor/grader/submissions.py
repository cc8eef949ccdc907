"""Made-up submissions: a master with some answers replaced. They test the tests."""

import copy
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Solution:
    """Answers that replace those of the master.

    Attributes
    ----------
    title : str
        What is wrong, or what is done differently.
    cells : dict of str to str
        Source by question, such as ``{"q1": "def largest_step(H): ..."}``.
    lost : dict of str to float
        Points that it loses, by question; empty for a right solution.
    """

    title: str
    cells: dict
    lost: dict = field(default_factory=dict)


def written(problem_set, cells):
    """Return the students' notebook with these answers filled in.

    Parameters
    ----------
    problem_set : instructor.grader.masters.ProblemSet
    cells : dict of str to str
        Source by question; other questions stay as they were handed out.
    """
    notebook = copy.deepcopy(problem_set.student)
    for cell in notebook.cells:
        question = cell.metadata.get("nbgrader", {}).get("grade_id", "").removesuffix("-answer")
        if cell.cell_type == "code" and question in cells:
            cell.source = cells[question]
    return notebook


def reference(problem_set):
    """Return the students' notebook with all answers of the master."""
    return written(problem_set, {q.name: q.answer for q in problem_set.questions if not q.manual})


def solved(problem_set, solution):
    """Return the students' notebook with the answers of the master and, instead, of `solution`."""
    answers = {q.name: q.answer for q in problem_set.questions if not q.manual}
    unknown = set(solution.cells) - set(answers)
    if unknown:
        raise ValueError(f"cells must name questions, one of {sorted(answers)}, got {unknown}")
    return written(problem_set, answers | solution.cells)
