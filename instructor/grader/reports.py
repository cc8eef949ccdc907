"""Write what came of grading: scores, feedback pages, gradebooks, a summary."""

import csv
import html
import re
import statistics
from pathlib import Path

from instructor.grader.grading import STATUSES

# Canvas: name, the student's number there, the number of the file, then the file's own name.
CANVAS = re.compile(r"(?P<who>[^_]+)(_LATE)?_(?P<id>\d+)_\d+_")
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 44rem; margin: 2rem auto; padding: 0 1rem;
  color: #222; background: #fff; }}
h1 {{ font-size: 1.5rem; }} h2 {{ font-size: 1.1rem; margin: 1.6rem 0 0.3rem; }}
table {{ border-collapse: collapse; width: 100%; }}
td, th {{ text-align: left; vertical-align: top; padding: 0.25rem 0.75rem 0.25rem 0;
  border-top: 1px solid #ccc; }}
td.n, th.n {{ text-align: right; white-space: nowrap; }}
.bar {{ background: #0072b2; height: 0.7rem; }}
pre {{ white-space: pre-wrap; background: #f4f4f4; padding: 0.75rem; }}
@media (prefers-color-scheme: dark) {{ body {{ color: #ddd; background: #181818; }}
  pre {{ background: #262626; }} }}
</style>
</head>
<body>
{body}
</body>
</html>
"""


def write(results, problem_set, folder, title):
    """Write everything into a folder.

    Parameters
    ----------
    results : list of instructor.grader.grading.Result
    problem_set : instructor.grader.masters.ProblemSet
    folder : pathlib.Path
        Is made if it is not there.
    title : str
        The assignment's name in the gradebooks.
    """
    results = sorted(results, key=lambda result: result.file)
    (folder / "feedback").mkdir(parents=True, exist_ok=True)
    scores(results, problem_set, folder / "scores.csv")
    pages = page_names(results)
    for result in results:
        text = feedback(result, problem_set)
        (folder / "feedback" / pages[result.file]).write_text(text, encoding="utf-8")
    (folder / "open-answers.html").write_text(open_answers(results, problem_set), encoding="utf-8")
    gradebooks(results, problem_set, folder, title)
    (folder / "summary.html").write_text(summary(results, problem_set), encoding="utf-8")


def student_of(file, slug):
    """Return who handed a file in, as its path says.

    A folder that Moodle made counts, else the name of the file without that of the set, else the
    innermost folder that is not named like the set.

    Examples
    --------
    >>> student_of("ada_ps1-descent.ipynb", "ps1-descent")
    'ada'
    >>> student_of("week 3/Ada Lovelace_4711_assignsubmission_file/ps1.ipynb", "ps1-descent")
    'Ada Lovelace_4711'
    >>> student_of("lovelaceada_LATE_4711_99_ps1-descent-1.ipynb", "ps1-descent")
    'lovelaceada_4711'
    >>> student_of("Copy of ps1-descent (1).ipynb", "ps1-descent")
    'Copy of ps1-descent (1)'
    """
    path = Path(file)
    for part in path.parts[:-1]:
        if "_assignsubmission_" in part:
            return part.partition("_assignsubmission_")[0]
    canvas = CANVAS.match(path.stem)
    if canvas:
        return f"{canvas['who']}_{canvas['id']}"
    named = (_without_set(name, slug) for name in (path.stem, *reversed(path.parts[:-1])))
    return next((name for name in named if name), path.stem)


def _without_set(name, slug):
    """Return what a name says beside the set; empty if that is nothing."""
    name = re.sub(r"(copy[ _]of[ _])+", "", name, flags=re.IGNORECASE)
    name = re.sub(rf"{re.escape(slug)}(-\d+)?", "", name, flags=re.IGNORECASE)
    name = re.sub(rf"(?<![a-z]){slug.split('-')[0]}(?![a-z0-9])", "", name, flags=re.IGNORECASE)
    name = re.sub(r" ?\(\d+\)", "", name).strip(" _-.")
    return name if re.search(r"[^\W_]", name) else ""


def scores(results, problem_set, path):
    """Write scores.csv: a row for each file, empty where there is no score."""
    graded = [q for q in problem_set.questions if not q.manual]
    names = [q.name for q in graded]
    manual = [q.name for q in problem_set.questions if q.manual]
    head = ["file", "student", "status", *names, "total", "possible"]
    head += [f"{name} (to mark)" for name in manual] + ["seconds", "remarks"]
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(head)
        for r in results:
            row = [r.file, student_of(r.file, problem_set.slug), r.status]
            row += [_number(r.score(name)) for name in names]
            row += [_number(r.total(problem_set)), _number(problem_set.points)]
            row += ["" for _ in manual] + [f"{r.seconds:.1f}", "; ".join(r.remarks)]
            writer.writerow([_safe(value) for value in row])


def _number(value):
    return "" if value is None else f"{value:g}"


def _safe(value):
    """Keep a spreadsheet from taking a text for a formula: names come from students."""
    return f"'{value}" if value[:1] in ("=", "+", "-", "@", "\t", "\r") else value


def page_names(results):
    """Return the name of the feedback page of each file, all different."""
    names, taken = {}, set()
    for result in results:
        stem = re.sub(r"[^\w.() -]", "_", result.file.replace("/", "__"))
        name, count = f"{stem}.html", 1
        while name.lower() in taken:
            count += 1
            name = f"{stem}-{count}.html"
        taken.add(name.lower())
        names[result.file] = name
    return names


def feedback(result, problem_set):
    """Return the page that a student gets. It names what a test tries, and no value."""
    total = result.total(problem_set)
    lines = [f"<h1>{html.escape(problem_set.title)}</h1>"]
    lines.append(f"<p>{html.escape(result.file)}</p>")
    if total is not None:
        lines.append(f"<p><strong>{total:g} of {problem_set.points:g} points</strong>, ")
        lines.append("before the open question is marked.</p>")
    else:
        lines.append("<p><strong>Not graded.</strong> Your teacher will look at it.</p>")
    if result.remarks:
        items = "".join(f"<li>{html.escape(remark)}</li>" for remark in result.remarks)
        when = "Why" if total is None else "While your notebook ran"
        lines.append(f"<p>{when}:</p><ul>{items}</ul>")
    for question in problem_set.questions:
        number = question.name[1:]
        lines.append(f"<h2>Question {number}. {html.escape(question.title)}</h2>")
        if question.manual:
            lines.append(f"<p>{question.points:g} points, marked by a person. Your answer:</p>")
            lines.append(f"<pre>{html.escape(result.answer or '(none)')}</pre>")
            continue
        outcomes = result.outcomes.get(question.name)
        if outcomes is None:
            lines.append("<p>Not graded.</p>")
            continue
        score = sum(outcome.points for outcome in outcomes)
        lines.append(f"<p>{score:g} of {question.points:g} points.</p>")
        lines.append(
            "<table><tr><th>what was tried</th><th>result</th><th class='n'>points</th></tr>"
        )
        for outcome in outcomes:
            cells = html.escape(outcome.about), html.escape(outcome.remark or "right")
            lines.append(f"<tr><td>{cells[0]}</td><td>{cells[1]}</td>")
            lines.append(f"<td class='n'>{outcome.points:g} of {outcome.possible:g}</td></tr>")
        lines.append("</table>")
    return PAGE.format(title=html.escape(problem_set.title), body="\n".join(lines))


def open_answers(results, problem_set):
    """Return one page with all answers to the open question, for the person who marks them."""
    lines = [f"<h1>{html.escape(problem_set.title)}: open question</h1>"]
    for result in results:
        lines.append(f"<h2>{html.escape(result.file)}</h2>")
        lines.append(f"<pre>{html.escape(result.answer or '(none)')}</pre>")
    return PAGE.format(title=html.escape(f"{problem_set.title}: answers"), body="\n".join(lines))


def best_by_student(results, problem_set):
    """Return (student, total) for whoever has a score; of several files the best counts."""
    best = {}
    for result in results:
        total, student = result.total(problem_set), student_of(result.file, problem_set.slug)
        if total is not None and total >= best.get(student, 0.0):
            best[student] = total
    return sorted(best.items())


def gradebooks(results, problem_set, folder, title):
    """Write a table for the import of Moodle, of Canvas, and one like nbgrader's export.

    A submission without a score has no row: an import leaves its grade as it is.
    """
    rows, most = best_by_student(results, problem_set), problem_set.points
    tables = {
        "moodle.csv": [["ID number", title], *([s, _number(t)] for s, t in rows)],
        "canvas.csv": [
            ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", title],
            ["    Points Possible", "", "", "", "", _number(most)],
            *([*_canvas_names(s), "", _number(t)] for s, t in rows),
        ],
        "nbgrader.csv": [
            [
                "assignment",
                "student_id",
                "raw_score",
                "late_submission_penalty",
                "score",
                "max_score",
            ],
            *([problem_set.slug, s, _number(t), "0", _number(t), _number(most)] for s, t in rows),
        ],
    }
    for name, table in tables.items():
        with open(folder / name, "w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([[_safe(value) for value in row] for row in table])


def _canvas_names(student):
    """Return the columns Student, ID, SIS User ID, SIS Login ID: a number is Canvas's own."""
    who, _, number = student.rpartition("_")
    return (who, number, "", "") if who and number.isdigit() else (student, "", "", student)


def counts(results):
    """Return how many results have each status, in words."""
    found = [(s, sum(result.status == s for result in results)) for s in STATUSES]
    return ", ".join(f"{number} {status}" for status, number in found if number)


def summary(results, problem_set):
    """Return a page with the distribution of points for each question."""
    lines = [f"<h1>{html.escape(problem_set.title)}</h1>"]
    lines.append(f"<p>{len(results)} files: {counts(results)}.</p>")
    totals = [t for t in (r.total(problem_set) for r in results) if t is not None]
    if totals:
        lines.append(f"<p>Median {statistics.median(totals):g} of {problem_set.points:g} points, ")
        lines.append(
            f"from {min(totals):g} to {max(totals):g}, over {len(totals)} with a score.</p>"
        )
    for question in problem_set.questions:
        given = [] if question.manual else [r.score(question.name) for r in results]
        given = [score for score in given if score is not None]
        lines.append(f"<h2>Question {question.name[1:]}. {html.escape(question.title)}</h2>")
        if question.manual:
            lines.append("<p>To be marked by a person.</p>")
            continue
        if not given:
            lines.append("<p>No score.</p>")
            continue
        lines.append("<table><tr><th class='n'>points</th><th class='n'>files</th><th></th></tr>")
        for points in sorted(set(given)):
            number = given.count(points)
            width = 100 * number / len(given)
            lines.append(f"<tr><td class='n'>{points:g}</td><td class='n'>{number}</td>")
            lines.append(f"<td style='width:70%'><div class='bar' style='width:{width:.0f}%'>")
            lines.append("</div></td></tr>")
        lines.append("</table>")
        lines += _tests_failed(results, question)
    return PAGE.format(title=html.escape(f"{problem_set.title}: summary"), body="\n".join(lines))


def _tests_failed(results, question):
    """Yield which tests were failed how often: what to talk about in class."""
    failed = {}
    for result in results:
        for outcome in result.outcomes.get(question.name, []):
            failed[outcome.about] = failed.get(outcome.about, 0) + (outcome.points == 0)
    items = [f"<li>{html.escape(a)}: failed by {n}</li>" for a, n in failed.items() if n]
    return [f"<ul>{''.join(items)}</ul>"] if items else []
