"""Grade one submission against the answers of the master."""

import builtins
import contextlib
import time
from dataclasses import dataclass, field

import numpy as np

from instructor.grader import notebooks
from instructor.grader.masters import Assign, MasterError
from instructor.grader.session import Child, Gone, OutOfTime

OK, PARTIAL, UNREADABLE, TIMEOUT = "ok", "partial", "unreadable", "timeout"
STATUSES = (OK, PARTIAL, UNREADABLE, TIMEOUT)
OTHER_NUMBERS = "not graded: its numbers are not those of this seed"
ATTEMPTS = 3  # to start a child
STARTING = 60.0  # seconds for a cell of the set itself: imports, on a machine that may be busy


@dataclass(frozen=True)
class Outcome:
    """What came of one hidden test."""

    about: str
    points: float
    possible: float
    remark: str = ""


@dataclass
class Result:
    """What came of one file.

    Attributes
    ----------
    file : str
        Path below the folder that was graded.
    status : str
        One of STATUSES.
    outcomes : dict of str to list of Outcome
        By question; a question that is not there was not graded.
    remarks : list of str
        What a person should know, such as each cell that was skipped and why.
    answer : str
        The text of the open question.
    seconds : float
    """

    file: str
    status: str = OK
    outcomes: dict = field(default_factory=dict)
    remarks: list = field(default_factory=list)
    answer: str = ""
    seconds: float = 0.0

    def score(self, question):
        """Return the points of a question, or None if it was not graded."""
        outcomes = self.outcomes.get(question)
        return None if outcomes is None else sum(outcome.points for outcome in outcomes)

    def total(self, problem_set):
        """Return the points of all questions, or None if one was not graded: that is no zero."""
        scores = [self.score(q.name) for q in problem_set.questions if not q.manual]
        return None if None in scores else sum(scores)


def expected_values(problem_set, way, limits):
    """Return what the hidden tests expect, by question: a list with an array for each test.

    The expressions are evaluated with the master's answers, in a child of their own.

    Raises
    ------
    MasterError
        If the master does not run, or fails a test of its own.
    """
    values = {}
    deadline = time.monotonic() + limits.total
    with Child(way, limits, deadline) as child:
        _trust(child, problem_set)
        for question in problem_set.questions:
            if not question.manual:
                _whole(child.request("run", question.answer), f"the answer of {question.name}")
        for question in problem_set.questions:
            if question.manual:
                continue
            child.request("begin")
            values[question.name] = []
            for step in question.steps:
                if isinstance(step, Assign):
                    _whole(child.request("assign", step.source), f"{question.name}: {step.source}")
                    continue
                where = f"{question.name}: {step.about}"
                value = _array(_whole(child.request("ask", step.expected), where), where)
                problem = judge(child.request("ask", step.ask), value, step)
                if problem:
                    raise MasterError(f"the master fails its own test, {where}: {problem}")
                values[question.name].append(value)
    return values


def _whole(reply, where):
    if "error" in reply:
        raise MasterError(f"{where}: {reply['error']}: {reply['message']}")
    return reply


def _array(reply, where):
    if reply["value"]["kind"] != "numbers":
        raise MasterError(f"{where}: expects {reply['value']}, must be numbers")
    return np.array(reply["value"]["numbers"]).reshape(reply["value"]["shape"])


def _trust(child, problem_set):
    for source in (problem_set.setup, *problem_set.numbers):
        reply = child.request("trust", source, STARTING)
        if "error" in reply:
            # Not the submission's fault, so it must not end in a score.
            raise MasterError(f"the set's own cell fails: {reply['error']}: {reply['message']}")


def judge(reply, expected, test):
    """Say what is wrong with a reply; an empty string if it is right.

    The text gives no value away: it is for students.
    """
    if "error" in reply:
        if reply["error"] == "Late":
            return reply["message"]
        if reply["error"] == "NameError":
            return "raised NameError: a name is missing, perhaps from a cell that was skipped"
        known = isinstance(getattr(builtins, reply["error"], None), type)
        return f"raised {reply['error'] if known else 'an error'}"
    value = reply.get("value", {})
    if value.get("kind") == "nothing":
        return "gave nothing: is a return or an assignment missing?"
    try:
        got = np.array(value["numbers"], dtype=float).reshape(value["shape"])
    except (KeyError, TypeError, ValueError):
        return "gave something that is not a number or an array of numbers"
    if got.shape != expected.shape:
        return f"expected shape {expected.shape}, got {got.shape}"
    if not np.isfinite(got).all() and np.isfinite(expected).all():
        return "the value is not finite"
    if np.allclose(got, expected, rtol=test.rtol, atol=test.atol):
        return ""
    if np.allclose(got, -expected, rtol=test.rtol, atol=test.atol):
        return "the sign is wrong"
    return "the value is wrong"


def grade(path, folder, problem_set, expected, way, limits):
    """Return the Result of one file.

    Parameters
    ----------
    path, folder : pathlib.Path
        The file, and the folder that it was found in.
    problem_set : instructor.grader.masters.ProblemSet
    expected : dict
        As `expected_values` returns it.
    way : str
        Of `sandbox.ways`.
    limits : instructor.grader.session.Limits
    """
    start = time.monotonic()
    result = Result(str(path.relative_to(folder)))
    try:
        cells, texts = notebooks.read(path, folder)
    except notebooks.Unreadable as error:
        result.status = UNREADABLE
        result.remarks.append(str(error))
        return result
    result.answer = open_answer(texts, problem_set)
    other = other_numbers(cells, problem_set)
    if other:
        result.status = UNREADABLE
        result.remarks.append(f"{OTHER_NUMBERS}: {', '.join(other)}")
        return result
    run = _Run(problem_set, chosen(cells, problem_set), way, limits, start + limits.total)
    try:
        with run:
            for question in problem_set.questions:
                if not question.manual:
                    outcomes = run.ask(question, expected[question.name])
                    result.outcomes[question.name] = outcomes
    except OutOfTime:
        result.status = TIMEOUT
        result.remarks.append(f"not graded to the end within {limits.total:g} s")
    except Gone as error:  # in steps that went well before: a submission that behaves by chance
        result.status = TIMEOUT
        result.remarks.append(f"not graded to the end: the process {error}")
    for cell, why in sorted(run.skipped.items(), key=lambda item: item[0].number):
        result.remarks.append(f"skipped {cell.label}: {why}")
    if run.skipped and result.status == OK:
        result.status = PARTIAL
    result.seconds = time.monotonic() - start
    return result


def other_numbers(cells, problem_set):
    """Return the names of the questions' numbers that a notebook gives other values.

    A notebook with the numbers of another variant can be right all through and fail the tests.
    """
    found = []
    for source in problem_set.numbers:
        wanted = notebooks.assigned(source)
        for cell in cells:
            given = {} if cell.problem else notebooks.assigned(cell.code)
            if given.keys() == wanted.keys():
                found += [name for name in wanted if given[name] != wanted[name]]
    return list(dict.fromkeys(found))


def chosen(cells, problem_set):
    """Return the cells that are the student's own work, found by their text and what they define.

    Left out are the setup and the visible checks as they were handed out, and an answer that was
    left empty where another cell gives it.
    """
    handed_out = {notebooks.plain(problem_set.setup)}
    stubs = {}
    for question in problem_set.questions:
        handed_out.add(notebooks.plain(question.check))
        if not question.manual:
            stubs[notebooks.plain(question.stub)] = notebooks.defined(question.stub)
    own = [cell for cell in cells if notebooks.plain(cell.source) not in handed_out]
    filled = set()
    for cell in own:
        if not cell.problem and notebooks.plain(cell.source) not in stubs:
            filled |= notebooks.defined(cell.code)
    return [c for c in own if not stubs.get(notebooks.plain(c.source), {None}) <= filled]


def open_answer(texts, problem_set):
    """Return what a notebook says beyond the Markdown that was handed out."""
    given = {notebooks.plain(c.source) for c in problem_set.student.cells} | {"YOUR ANSWER HERE"}
    own = [text.strip() for text in texts if notebooks.plain(text) not in given]
    return "\n\n".join(text for text in own if text)


class _Run:
    """A submission at work, in as many children as it takes."""

    def __init__(self, problem_set, cells, way, limits, deadline):
        self.problem_set, self.cells = problem_set, cells
        self.arguments = way, limits, deadline
        self.limits = limits
        self.skipped = {cell: cell.problem for cell in cells if cell.problem}
        self.deadly = set(self.skipped)  # cells that are not tried again
        self.child, self.stack = None, contextlib.ExitStack()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *error):
        self.stack.close()

    def start(self):
        """Start a child and run in it all cells that do not end it."""
        while True:
            self.fresh_child()
            if self.run_cells():
                return

    def fresh_child(self):
        """Start a child in which nothing but the cells of the set itself has run."""
        for attempt in range(ATTEMPTS):
            self.stack.close()
            try:
                self.child = self.stack.enter_context(Child(*self.arguments))
                return _trust(self.child, self.problem_set)
            except Gone as error:  # nothing of the submission has run: the machine is too busy
                if attempt == ATTEMPTS - 1:
                    raise MasterError(f"the set's own cells: the child {error}") from None

    def run_cells(self):
        """Run all cells in order; those that miss a name, which may come later, again."""
        waiting = [cell for cell in self.cells if cell not in self.deadly]
        while waiting:
            again = []
            for cell in waiting:
                try:
                    reply = self.child.request("run", cell.code)
                except Gone as error:
                    self.skipped[cell] = str(error)
                    self.deadly.add(cell)
                    return False
                self.skipped.pop(cell, None)
                if "error" in reply:
                    self.skipped[cell] = _why(reply)
                    if reply["error"] == "NameError":
                        again.append(cell)
            if len(again) == len(waiting):
                break
            waiting = again
        return True

    def ask(self, question, expected):
        """Return the Outcome of each hidden test of a question."""
        outcomes, done, broken = [], [], ""
        values = iter(expected)
        self.begin([])
        for step in question.steps:
            if isinstance(step, Assign):
                broken = broken or self.assign(step, done)
                continue
            value = next(values)
            if broken:
                problem = f"a step before it: {broken}"
            else:
                try:
                    reply = self.child.request("ask", step.ask, self.limits.question)
                    problem = judge(reply, value, step)
                except Gone as error:
                    problem = str(error)
                    self.begin(done, again=True)
            points = 0.0 if problem else step.points
            outcomes.append(Outcome(step.about, points, step.points, problem))
        return outcomes

    def begin(self, steps, again=False):
        """Begin a question; or `again`, in a new child, after these statements."""
        if again:
            self.start()
        self.child.request("begin")
        for step in steps:
            self.child.request("assign", step.source, self.limits.question)

    def assign(self, step, done):
        """Run a statement of a hidden block, and note it as done; or say what went wrong."""
        try:
            reply = self.child.request("assign", step.source, self.limits.question)
        except Gone as error:
            self.begin(done, again=True)
            return str(error)
        if "error" in reply:
            return judge(reply, None, None)
        done.append(step)
        return ""


def _why(reply):
    if reply["error"] == "Late":
        return reply["message"]
    line = f" in line {reply['line']}" if reply.get("line") else ""
    return f"raised {reply['error']}{line}: {reply['message']}"
