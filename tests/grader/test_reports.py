"""Scores, pages and gradebooks, and the command that writes them."""

import csv
import html
import json
import random
import re
import shutil

import pytest

from instructor.grader import __main__ as command
from instructor.grader import grading, masters, reports, submissions


def table(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def folder(tmp_path, filled, example_set):
    """Seven files: right, wrong, blank, partial, two of one student, one that is no notebook."""
    inside = tmp_path / "in"
    inside.mkdir()
    notebooks = {
        "ada_ps0-example.ipynb": filled(),
        "bob_ps0-example.ipynb": filled(q2="factor = 3"),
        "bob_ps0-example (1).ipynb": filled(),
        "cleo_ps0-example.ipynb": example_set.student,
        "Ünal <b> & Söhne.ipynb": filled(q1="1 / 0"),
        "=cmd|calc.ipynb": filled(q3="def largest_step(H):\n    return 1"),
    }
    notebooks["ada_ps0-example.ipynb"].cells[-1].source = "Because <script>alert(1)</script> & so"
    for name, notebook in notebooks.items():
        (inside / name).write_text(json.dumps(notebook), encoding="utf-8")
    (inside / "dora_ps0-example.ipynb").write_text("{", encoding="utf-8")
    (inside / ".DS_Store").write_text("x")
    return inside


@pytest.fixture
def graded(folder, tmp_path, example_set, monkeypatch):
    """Returns a function that runs the command on the folder."""
    monkeypatch.setattr(masters, "names", lambda: ["ps0"])
    monkeypatch.setattr(masters, "load", lambda name, seed: example_set)

    def run(*options, out="out"):
        assert command.main(["ps0", str(folder), str(tmp_path / out), *options]) == 0
        return tmp_path / out

    return run


def test_scores_of_a_folder(graded):
    rows = {row["file"]: row for row in table(graded() / "scores.csv")}
    assert len(rows) == 7
    found = {name: (r["status"], r["q1"], r["q2"], r["q3"], r["total"]) for name, r in rows.items()}
    assert found["ada_ps0-example.ipynb"] == ("ok", "4", "2", "2", "8")
    assert found["bob_ps0-example.ipynb"] == ("ok", "4", "0", "2", "6")
    assert found["cleo_ps0-example.ipynb"] == ("ok", "0", "0", "0", "0")
    assert found["dora_ps0-example.ipynb"] == ("unreadable", "", "", "", "")
    assert found["Ünal <b> & Söhne.ipynb"] == ("partial", "0", "2", "2", "4")
    assert "ZeroDivisionError" in rows["Ünal <b> & Söhne.ipynb"]["remarks"]
    # A spreadsheet would run it.
    assert found["'=cmd|calc.ipynb"][0] == "ok"
    assert rows["ada_ps0-example.ipynb"]["q4 (to mark)"] == ""
    assert rows["ada_ps0-example.ipynb"]["student"] == "ada"


def without_seconds(path):
    return [{k: v for k, v in row.items() if k != "seconds"} for row in table(path)]


def test_the_same_folder_gives_the_same_scores_in_any_order(graded, folder, tmp_path):
    first = without_seconds(graded(out="one") / "scores.csv")
    names = sorted(path.name for path in folder.iterdir())
    random.Random(1).shuffle(names)
    other = tmp_path / "shuffled"
    other.mkdir()
    for name in names:  # written in another order, graded one at a time
        shutil.copy(folder / name, other / name)
    shutil.rmtree(folder)
    other.rename(folder)
    assert without_seconds(graded("--jobs", "1", out="two") / "scores.csv") == first


def test_no_submission_affects_another(graded, folder, grade):
    together = {row["file"]: row["total"] for row in table(graded() / "scores.csv")}
    for name in ("ada_ps0-example.ipynb", "cleo_ps0-example.ipynb"):
        alone = grade((folder / name).read_bytes(), name=f"alone/{name}")
        assert sum(alone.scores) == float(together[name])


def test_feedback_names_what_was_tried_and_no_value(graded, example_set):
    out = graded()
    pages = sorted(path.name for path in (out / "feedback").iterdir())
    assert len(pages) == 7
    text = (out / "feedback" / "bob_ps0-example.ipynb.html").read_text(encoding="utf-8")
    assert "the factor</td><td>the value is wrong" in text and "0 of 2 points" in text
    for page in pages:
        text = (out / "feedback" / page).read_text(encoding="utf-8")
        for question in example_set.questions:
            for test in question.tests:
                if "(" in test.ask:  # a bare name is no secret
                    assert html.escape(test.ask) not in text and test.ask not in text
        assert "<script>" not in text
    assert "Not graded" in (out / "feedback" / "dora_ps0-example.ipynb.html").read_text("utf-8")
    assert "Because &lt;script&gt;" in (out / "feedback" / "ada_ps0-example.ipynb.html").read_text()


def test_an_error_cannot_carry_a_hidden_argument_into_the_feedback(grade, filled, example_set):
    source = (
        "def largest_step(H):\n    class Told(Exception):\n        pass\n"
        "    Told.__name__ = repr(H)\n    raise Told(repr(H))"
    )
    page = reports.feedback(grade(filled(q3=source)).result, example_set)
    assert "raised an error" in page and "array" not in page.replace("array of", "")


def test_gradebooks_hold_the_best_file_of_each_student_and_no_row_without_a_score(graded):
    out = graded("--title", "Set 0")
    moodle = {row["ID number"]: row["Set 0"] for row in table(out / "moodle.csv")}
    assert moodle["ada"] == "8" and moodle["bob"] == "8" and moodle["cleo"] == "0"
    assert "dora" not in moodle
    canvas = table(out / "canvas.csv")
    assert canvas[0]["Student"].strip() == "Points Possible" and canvas[0]["Set 0"] == "8"
    assert {row["SIS Login ID"] for row in canvas[1:]} == set(moodle)
    assert reports._canvas_names("lovelaceada_4711") == ("lovelaceada", "4711", "", "")
    nbgrader = table(out / "nbgrader.csv")
    assert {row["student_id"] for row in nbgrader} == set(moodle)
    assert {row["max_score"] for row in nbgrader} == {"8"}


def test_the_summary_has_the_distribution_of_each_question(graded):
    text = (graded() / "summary.html").read_text(encoding="utf-8")
    assert "7 files: 5 ok, 1 partial, 1 unreadable" in text
    assert "the factor: failed by 2" in text
    assert len(re.findall("<h2>", text)) == 4


@pytest.mark.parametrize(
    ("file", "student"),
    [
        ("ada_ps1-descent.ipynb", "ada"),
        ("ps1-descent_ada.ipynb", "ada"),
        ("ada ps1.ipynb", "ada"),
        ("ada_ps1-descent (1).ipynb", "ada"),
        ("ada_ps1-descent-2.ipynb", "ada"),
        ("Ada Lovelace_4711_assignsubmission_file_/ps1-descent.ipynb", "Ada Lovelace_4711"),
        ("lovelaceada_4711_99_ps1-descent.ipynb", "lovelaceada_4711"),
        ("lovelaceada_LATE_4711_120_ps1-descent-1.ipynb", "lovelaceada_4711"),
        ("group1/ada_ps1-descent.ipynb", "ada"),
        ("group1/bob_ps1-descent.ipynb", "bob"),
        ("all/Ada Lovelace_4711_assignsubmission_file_/x.ipynb", "Ada Lovelace_4711"),
        ("ada/ps1/ps1-descent.ipynb", "ada"),
        ("Copy of ada_ps1-descent.ipynb", "ada"),
        ("ps1-descent.ipynb", "ps1-descent"),
        ("Übung.ipynb", "Übung"),
    ],
)
def test_a_student_is_named_by_the_file(file, student):
    assert reports.student_of(file, "ps1-descent") == student


def test_all_open_answers_stand_on_one_page(graded):
    text = (graded() / "open-answers.html").read_text(encoding="utf-8")
    assert "Because &lt;script&gt;alert(1)&lt;/script&gt; &amp; so" in text
    assert text.count("<h2>") == 7


def test_numbers_of_another_variant_are_not_graded(folder, graded, filled, capsys):
    for name in ("eve", "finn", "gus", "hal", "ida", "jo", "kim", "lea"):
        notebook = filled(q2="factor = 1 - 2 * eta")
        numbers = next(c for c in notebook.cells if c.source.startswith("eta ="))
        numbers.source = "eta = 0.3  # the step size"
        (folder / f"{name}_ps0-example.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    rows = {row["file"]: row for row in table(graded() / "scores.csv")}
    row = rows["eve_ps0-example.ipynb"]
    assert (row["status"], row["q1"], row["total"]) == ("unreadable", "", "")
    assert row["remarks"] == "not graded: its numbers are not those of this seed: eta"
    assert rows["ada_ps0-example.ipynb"]["total"] == "8"
    assert "Is the seed right?" in capsys.readouterr().err


def test_two_files_never_share_a_page():
    results = [grading.Result(name) for name in ("a/b.ipynb", "a__b.ipynb", "A__b.ipynb")]
    names = reports.page_names(results)
    assert len({name.lower() for name in names.values()}) == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["ps9", ".", "out"], "one of ps0, got 'ps9'"),
        (["ps0", "nowhere", "out"], "IN must be a folder"),
        (["ps0", "{empty}", "out"], "no files"),
        (["ps0", "{in}", "{in}/out"], "OUT must lie outside IN"),
    ],
)
def test_bad_arguments_are_named(
    monkeypatch, example_set, folder, tmp_path, capsys, arguments, message
):
    def load(name, seed):
        if name != "ps0":
            raise ValueError(f"a problem set is one of ps0, got {name!r}")
        return example_set

    monkeypatch.setattr(masters, "load", load)
    (tmp_path / "empty").mkdir()
    places = {"in": folder, "empty": tmp_path / "empty"}
    with pytest.raises(SystemExit):
        command.main([argument.format(**places) for argument in arguments])
    assert message in capsys.readouterr().err


def test_a_fault_of_the_grader_costs_no_other_file_its_score(
    folder, tmp_path, example_set, monkeypatch, capsys
):
    grade = grading.grade

    def faulty(path, **arguments):
        if path.name.startswith("cleo"):
            raise ZeroDivisionError("our own")
        return grade(path, **arguments)

    monkeypatch.setattr(masters, "load", lambda name, seed: example_set)
    monkeypatch.setattr(grading, "grade", faulty)
    assert command.main(["ps0", str(folder), str(tmp_path / "out")]) == 1
    assert "ZeroDivisionError: our own" in capsys.readouterr().err
    rows = {row["file"]: row for row in table(tmp_path / "out" / "scores.csv")}
    assert len(rows) == 7 and rows["ada_ps0-example.ipynb"]["total"] == "8"
    assert (rows["cleo_ps0-example.ipynb"]["status"], rows["cleo_ps0-example.ipynb"]["total"]) == (
        "unreadable",
        "",
    )


def test_without_isolation_there_is_a_warning(graded, capsys):
    graded("--isolation", "none")
    assert "WARNING" in capsys.readouterr().err


def test_a_submission_can_be_made_of_any_answers(example_set):
    notebook = submissions.written(example_set, {"q2": "factor = 1"})
    assert [c.source for c in notebook.cells if c.source.startswith("factor")] == ["factor = 1"]
    with pytest.raises(ValueError, match="must name questions"):
        submissions.solved(example_set, submissions.Solution("", {"q9": ""}))
