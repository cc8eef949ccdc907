"""Submissions that break things, by accident or on purpose, and the score that each deserves."""

import copy
import dataclasses
import json
import os
import time
from pathlib import Path

import nbformat
import pytest

from instructor.grader import grading, masters, submissions

FULL = (4, 2, 2)


def code(source):
    return nbformat.v4.new_code_cell(source)


def at(notebook, grade_id):
    """Return the place of a cell."""
    ids = [c.metadata.get("nbgrader", {}).get("grade_id") for c in notebook.cells]
    return ids.index(grade_id)


def with_cell(notebook, source, place=2):
    notebook.cells.insert(place, code(source))
    return notebook


# Answers of all kinds


def test_the_reference_has_full_marks(grade, example_set):
    graded = grade(submissions.reference(example_set))
    assert (graded.scores, graded.status) == (FULL, "ok")
    assert graded.result.remarks == []


def test_the_blank_has_exactly_zero(grade, example_set):
    graded = grade(example_set.student)
    assert (graded.scores, graded.status) == ((0, 0, 0), "ok")
    assert graded.result.total(example_set) == 0


DESCEND = "def descend(grad, x0, eta, steps):\n"
LOOP = "    x = [np.array(x0, float)]\n    for _ in range(steps):\n"
# fmt: off - each entry reads as one line of code
WRONG = {
    "returns None": (DESCEND + "    return None", 0),
    "returns 0": (DESCEND + "    return 0", 0),
    "returns the start": (DESCEND + "    return x0", 0),
    "wrong sign": (
        DESCEND + LOOP + "        x.append(x[-1] + eta * grad(x[-1]))\n    return np.array(x)",
        0,
    ),
    "off by one: no start": (
        DESCEND + LOOP + "        x.append(x[-1] - eta * grad(x[-1]))\n    return np.array(x[1:])",
        2,
    ),
    "changes x0": (
        DESCEND + "    x0 = np.asarray(x0)\n    x = [x0.copy()]\n"
        "    for _ in range(steps):\n        x0 -= eta * grad(x0)\n"
        "        x.append(x0.copy())\n    return np.array(x)",
        3,
    ),
    "raises": (DESCEND + "    raise RuntimeError(str(x0))", 0),
    "infinite": (DESCEND + "    return np.full((steps + 1, len(x0)), np.inf)", 0),
    "a text": (DESCEND + "    return 'x'", 0),
    "an object": (DESCEND + "    return object()", 0),
    "complex": (DESCEND + "    return np.full((steps + 1, len(x0)), 1j)", 0),
    "a class of its own": (
        "class descend:\n    def __init__(self, *a):\n        pass\n"
        "    def __array__(self, *a, **k):\n        raise SystemExit",
        0,
    ),
}
# fmt: on


@pytest.mark.parametrize("kind", WRONG)
def test_a_wrong_function_loses_its_own_points_only(grade, filled, kind):
    source, points = WRONG[kind]
    graded = grade(filled(q1=source))
    assert (graded.scores, graded.status) == ((points, 2, 2), "ok")


def test_a_wrong_number_loses_its_own_points_only(grade, filled):
    assert grade(filled(q2="factor = 0.81")).scores == (4, 0, 2)


def test_values_in_a_list_count_as_an_array(grade, filled):
    source = filled(q1=DESCEND + LOOP + "        x.append(x[-1] - eta * grad(x[-1]))\n    return x")
    assert grade(source).scores == FULL


# Loops, exits, limits


def test_an_infinite_loop_in_a_function_costs_that_question(grade, filled):
    graded = grade(filled(q3="def largest_step(H):\n    while True:\n        pass"))
    assert (graded.scores, graded.status) == ((4, 2, 0), "ok")
    assert "took longer" in graded.result.outcomes["q3"][0].remark


def test_an_infinite_loop_in_a_cell_is_skipped(grade, filled):
    graded = grade(with_cell(filled(), "while True:\n    pass"))
    assert (graded.scores, graded.status) == (FULL, "partial")
    assert "took longer" in graded.result.remarks[0]
    assert "cell 3 ('while True:')" in graded.result.remarks[0]


STUBBORN = """
while True:
    try:
        while True:
            pass
    except BaseException:
        pass
"""


def test_a_loop_that_catches_everything_is_skipped(grade, filled, limits):
    short = dataclasses.replace(limits, cell=1.0)
    graded = grade(with_cell(filled(), STUBBORN), limits=short)
    assert (graded.scores, graded.status) == (FULL, "partial")
    assert "did not stop" in graded.result.remarks[0]


def test_a_function_that_cannot_be_stopped_costs_that_question(grade, filled, limits):
    body = "def largest_step(H):" + STUBBORN.replace("\n", "\n    ")
    graded = grade(filled(q3=body), limits=dataclasses.replace(limits, question=0.5))
    assert (graded.scores, graded.status) == ((4, 2, 0), "ok")


def test_a_submission_out_of_time_has_no_score(grade, filled, limits, example_set):
    slow = filled(q2="import time\nfactor = time.sleep(60)")
    graded = grade(slow, limits=dataclasses.replace(limits, cell=30.0, total=2.0))
    assert (graded.scores, graded.status) == ((None, None, None), "timeout")
    assert graded.result.total(example_set) is None


@pytest.mark.parametrize("exit_", ["import os\nos._exit(0)", "import os\nos.abort()"])
def test_a_cell_that_ends_the_process_is_skipped(grade, filled, exit_):
    graded = grade(with_cell(filled(), exit_))
    assert (graded.scores, graded.status) == (FULL, "partial")
    assert "ended the process" in graded.result.remarks[0]


def test_a_function_that_ends_the_process_costs_that_question(grade, filled):
    graded = grade(filled(q1=DESCEND + "    import os\n    os._exit(0)"))
    assert (graded.scores, graded.status) == ((0, 2, 2), "ok")


@pytest.mark.parametrize("exit_", ["import sys\nsys.exit()", "exit()", "raise KeyboardInterrupt"])
def test_a_cell_that_exits_is_skipped(grade, filled, exit_):
    graded = grade(with_cell(filled(), exit_))
    assert (graded.scores, graded.status) == (FULL, "partial")


def test_a_hundred_megabytes_of_printing_do_no_harm(grade, filled):
    source = "for _ in range(100):\n    print('x' * 2**20)"
    graded = grade(with_cell(filled(), source))
    assert (graded.scores, graded.status) == (FULL, "ok")


@pytest.mark.parametrize("size", ["bytearray(50 * 2**30)", "np.ones(2**33)", "[0] * 2**34"])
def test_an_allocation_beyond_the_limit_is_skipped(grade, filled, size):
    graded = grade(with_cell(filled(), f"import numpy as np\nx = {size}"))
    assert (graded.scores, graded.status) == (FULL, "partial")
    assert "MemoryError" in graded.result.remarks[0]


def test_a_large_file_is_stopped(grade, filled):
    source = "with open('large', 'wb') as file:\n    file.write(bytes(200 * 2**20))"
    graded = grade(with_cell(filled(), source))
    assert (graded.scores, graded.status) == (FULL, "partial")


def alive(marker):
    """Return how many processes of this machine have the text among their arguments."""
    count = 0
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            count += marker in path.read_bytes().decode(errors="replace").split("\0")
        except OSError:  # it ended while we looked
            continue
    return count


@pytest.mark.parametrize("start_new_session", [False, True])
def test_fifty_processes_are_gone_afterwards(grade, filled, start_new_session, way):
    if start_new_session and way == "none":
        pytest.skip("without isolation, a process in a session of its own outlives its submission")
    marker = f"31.{os.getpid()}{int(start_new_session)}"  # seconds, should all else fail
    source = "import subprocess\nfor _ in range(50):\n    subprocess.Popen(['sleep', '{}'], {})"
    source = source.format(marker, f"start_new_session={start_new_session}")
    graded = grade(with_cell(filled(), source))
    assert (graded.scores, graded.status) == (FULL, "ok")
    end = time.monotonic() + 5
    while alive(marker) and time.monotonic() < end:
        time.sleep(0.05)
    assert alive(marker) == 0


# What editors and people do to a notebook


def test_a_deleted_answer_costs_that_question(grade, filled):
    notebook = filled()
    del notebook.cells[at(notebook, "q3-answer")]
    assert grade(notebook).scores == (4, 2, 0)


def test_deleted_checks_cost_nothing(grade, filled):
    notebook = filled()
    for name in ("q1-check", "q2-check", "q3-check", "setup", "q1-numbers"):
        del notebook.cells[at(notebook, name)]
    graded = grade(notebook)
    assert (graded.scores, graded.status) == (FULL, "ok")


@pytest.mark.parametrize("offset", [0, 1])
def test_a_copy_of_the_empty_answer_costs_nothing(grade, filled, example_set, offset):
    notebook = filled()
    place = at(notebook, "q1-answer")
    stub = example_set.student.cells[at(example_set.student, "q1-answer")]
    notebook.cells.insert(place + offset, copy.deepcopy(stub))
    assert grade(notebook).scores == FULL


def test_of_two_answers_the_last_counts(grade, filled):
    notebook = filled()
    notebook.cells.insert(at(notebook, "q2-answer") + 1, code("factor = 3.0"))
    assert grade(notebook).scores == (4, 0, 2)


def test_cells_in_another_order_cost_nothing(grade, filled):
    notebook = filled(q2="factor = float(descend(lambda x: 2 * x, [1.0], eta, 1)[-1, 0])")
    notebook.cells.reverse()
    graded = grade(notebook)
    assert (graded.scores, graded.status) == (FULL, "ok")


def test_metadata_are_not_needed(grade, filled):
    notebook = filled()
    notebook.metadata = {}
    for number, each in enumerate(notebook.cells):
        each.metadata, each.id = {}, f"c{number}"
    graded = grade(notebook)
    assert (graded.scores, graded.status) == (FULL, "ok")


def test_notebooks_of_format_3_and_lists_of_lines_are_read(grade, filled):
    cells = []
    for each in filled().cells:
        key = "input" if each.cell_type == "code" else "source"
        lines = each.source.splitlines(keepends=True)
        cells.append({"cell_type": each.cell_type, key: lines, "outputs": []})
    assert grade({"nbformat": 3, "worksheets": [{"cells": cells}]}).scores == FULL


def test_an_unknown_kernel_does_not_matter(grade, filled):
    notebook = filled()
    notebook.metadata["kernelspec"] = {"name": "julia-9", "display_name": "x", "language": "j"}
    assert grade(notebook).scores == FULL


def test_a_cell_that_raises_is_named_and_the_rest_counts(grade, filled):
    graded = grade(with_cell(filled(), "# my notes\nx = 1 / 0"))
    assert (graded.scores, graded.status) == (FULL, "partial")
    assert "ZeroDivisionError in line 2" in graded.result.remarks[0]


def test_a_cell_that_is_nested_deep_does_no_harm(grade, filled):
    deep = "eta = " + "+".join(["1"] * 700)  # compiles, and is too deep to be written out again
    graded = grade(with_cell(filled(), deep, place=99))
    assert graded.scores == FULL and graded.status in ("ok", "partial")


def test_a_missing_import_of_the_setup_costs_nothing(grade, filled):
    notebook = filled()
    del notebook.cells[at(notebook, "setup")]
    assert grade(notebook).scores == FULL


def test_a_missing_import_of_ones_own_costs_that_question(grade, filled):
    graded = grade(filled(q3="def largest_step(H):\n    return 2 / scipy.linalg.norm(H, 2)"))
    assert graded.scores == (4, 2, 0)
    assert graded.result.outcomes["q3"][0].remark.startswith("raised NameError")


def test_a_syntax_error_costs_its_own_cell(grade, filled):
    graded = grade(filled(q3="def largest_step(H)\n    return 1"))
    assert (graded.scores, graded.status) == ((4, 2, 0), "partial")
    assert "syntax error in line 1" in graded.result.remarks[0]


@pytest.mark.parametrize(
    "source",
    [
        "%pip install numpy\n!ls -l",
        "%matplotlib inline",
        "files = !ls\nprint(files)",
        "%%bash\nrm -rf /",
        "import numpy as np\nnp.mean?",
        "import ipywidgets\nfrom IPython.display import display\ndisplay(ipywidgets.IntSlider())",
        "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()",
    ],
)
def test_magics_shell_lines_widgets_and_figures_do_no_harm(grade, filled, source):
    graded = grade(with_cell(filled(), source))
    assert (graded.scores, graded.status) == (FULL, "ok"), graded.result.remarks


def test_a_timed_cell_is_run(grade, filled):
    assert grade(filled(q2="%%time\nfactor = 1 - 2 * eta")).scores == FULL


def test_pytorch_may_be_used(grade, filled, limits):
    source = (
        "import torch\n\ndef largest_step(H):\n    H = torch.as_tensor(H)\n"
        "    return 2 / torch.linalg.eigvalsh(H)[-1]"
    )
    roomy = dataclasses.replace(limits, cell=30.0, memory=4 * 2**30)
    assert grade(filled(q3=source), limits=roomy).scores == FULL


# Files


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b'{"cells": [{"cell_type": "co', "not JSON"),
        (b"", "not JSON"),
        (b"\xff\xfe\x00", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "not a notebook"),
        (b'{"a": 1}', "no list of cells"),
        (b'{"cells": []}', "without code"),
        (b'{"cells": [1, null, {"cell_type": "code", "source": 7}]}', None),
    ],
)
def test_what_is_no_notebook_has_no_score(grade, example_set, content, why):
    graded = grade(content)
    if why is None:  # a cell whose source is a number is still a cell
        assert graded.status == "ok"
        return
    assert (graded.scores, graded.status) == ((None, None, None), "unreadable")
    assert why in graded.result.remarks[0]
    assert graded.result.total(example_set) is None


def test_another_kind_of_file_has_no_score(grade, filled):
    graded = grade(b"%PDF-1.4", name="answers.pdf")
    assert (graded.status, graded.scores[0]) == ("unreadable", None)


@pytest.mark.parametrize(
    "name", ["Übung eins (final) é.ipynb", "-rf.ipynb", "deep/er/x.ipynb", "A.IPYNB", "x y/z.ipynb"]
)
def test_the_name_of_a_file_does_not_matter(grade, filled, name):
    graded = grade(filled(), name=name)
    assert (graded.scores, graded.status) == (FULL, "ok")
    assert graded.result.file == name


def test_a_link_that_leads_out_of_the_folder_is_not_followed(grade, filled, tmp_path):
    outside = tmp_path / "secret.ipynb"
    outside.write_text(json.dumps(filled()), encoding="utf-8")
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "link.ipynb").symlink_to(outside)
    from instructor.grader import notebooks

    assert [path.name for path in notebooks.files(folder)] == ["link.ipynb"]
    with pytest.raises(notebooks.Unreadable, match="leads out"):
        notebooks.read(folder / "link.ipynb", folder)


# Attempts to raise a score

ATTACKS = {
    "np.allclose": """
import numpy as np
np.allclose = lambda *a, **k: True
np.shape = lambda a: ()
""",
    "__eq__": """
class Same(float):
    def __eq__(self, other): return True
    def __sub__(self, other): return 0.0
    def __abs__(self): return 0.0
factor = Same(7)
""",
    "builtins": """
import builtins
builtins.abs = lambda x: 0
builtins.sum = lambda *a: 8
builtins.isinstance = lambda *a: True
""",
    "transformer": """
from IPython import get_ipython as real
def rewrite(lines):
    return ["factor = 1 - 2 * eta"]
get_ipython().input_transformers_cleanup.append(rewrite)
get_ipython().input_transformers_post.append(rewrite)
""",
    "json": """
import json
json.dumps = lambda *a, **k: '{"value": {"kind": "numbers", "shape": [], "numbers": [0.8]}}'
""",
    "protocol": """
import os
line = '{"value": {"kind": "numbers", "shape": [], "numbers": [0.8]}, "token": "0"}\\n'
print(line)
for number in range(3, 12):
    try:
        os.write(number, line.encode())
    except OSError:
        pass
""",
    "frames": """
import gc, sys
seen = []
for thing in gc.get_objects():
    if isinstance(thing, dict) and ("expected" in thing or "points" in thing):
        seen.append(thing)
frame = sys._getframe()
while frame:
    if "expected" in frame.f_locals:
        factor = frame.f_locals["expected"]
    frame = frame.f_back
""",
}


@pytest.mark.parametrize("kind", ATTACKS)
def test_an_attack_gains_nothing(grade, example_set, kind):
    graded = grade(with_cell(copy.deepcopy(example_set.student), ATTACKS[kind]))
    assert graded.scores == (0, 0, 0)


@pytest.mark.parametrize("kind", ["np.allclose", "__eq__", "builtins", "json", "protocol"])
def test_an_attack_harms_nobody_but_its_author(grade, filled, kind):
    graded = grade(with_cell(filled(), ATTACKS[kind], place=99))
    # With some builtins replaced its own answers may fail; nothing else may happen.
    assert graded.status in ("ok", "partial")
    assert all(score is not None for score in graded.scores)


def test_frames_and_objects_of_a_function_hold_no_answer(grade, filled):
    source = """
def largest_step(H):
    import gc, sys
    frame, found = sys._getframe(), []
    while frame:
        found += [v for v in frame.f_locals.values() if isinstance(v, float)]
        frame = frame.f_back
    for thing in gc.get_objects():
        if isinstance(thing, dict) and "expected" in thing:
            found.append(thing["expected"])
    return found[0] if found else 0.0
"""
    assert grade(filled(q3=source)).scores == (4, 2, 0)


FORGED = """
def largest_step(H):
    import json, sys
    frame = sys._getframe()
    while "request" not in frame.f_locals:
        frame = frame.f_back
    while "replies" not in frame.f_locals:
        frame = frame.f_back
    token, replies = frame.f_locals["request"]["token"], frame.f_locals["replies"]
    reply = {reply}
    reply["token"] = token
    replies.write(json.dumps(reply) + chr(10))
    replies.flush()
    return 0.0
"""


@pytest.mark.parametrize(
    "reply",
    [
        "{'value': [1]}",
        "{'value': {'kind': 'numbers'}}",
        "{'value': {'kind': 'numbers', 'shape': [-1], 'numbers': {}}}",
        "{'value': {'kind': 'numbers', 'shape': 'x', 'numbers': [[1], 2]}}",
        "{'value': {'kind': 'numbers', 'shape': [], 'numbers': [float('nan')]}}",
        "{'error': 5, 'line': 'x'}",
        "{'error': ['x'] * 10**6}",
        "{}",
    ],
)
def test_a_forged_reply_is_no_more_than_a_wrong_answer(grade, filled, reply):
    graded = grade(filled(q3=FORGED.replace("{reply}", reply)))
    assert (graded.scores, graded.status) == ((4, 2, 0), "ok")


def test_a_step_before_the_tests_that_ends_the_process_costs_that_question(
    way, limits, tmp_path, master
):
    check = master.cells[at(master, "q3-check")]
    check.source = check.source.replace(
        "TESTS\ncheck(", "TESTS\nstep = largest_step(np.eye(2))\ncheck(", 1
    )
    changed = masters.ProblemSet("ps0", "ps0-example", master)
    values = grading.expected_values(changed, way, limits)
    deadly = "def largest_step(H):\n    import os\n    os._exit(0)"
    notebook = submissions.solved(changed, submissions.Solution("", {"q3": deadly}))
    (tmp_path / "x.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    result = grading.grade(tmp_path / "x.ipynb", tmp_path, changed, values, way, limits)
    assert [result.score(q) for q in ("q1", "q2", "q3")] == [4, 2, 0] and result.status == "ok"
    assert "a step before it: ended the process" in result.outcomes["q3"][1].remark
