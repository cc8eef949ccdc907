"""Grade a folder of notebooks.

Writes into OUT: scores.csv (a row for each file), feedback/ (a page for each file), summary.html,
and moodle.csv, canvas.csv, nbgrader.csv for gradebooks. A file that cannot be graded has a status
and no score; it is never a zero.
"""

import argparse
import os
import sys
import traceback
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from tqdm.auto import tqdm

from instructor.grader import grading, masters, notebooks, reports, sandbox
from instructor.grader.grading import OTHER_NUMBERS as OTHER
from instructor.grader.session import Limits

NO_ISOLATION = """\
WARNING: this machine has neither bubblewrap nor a working `unshare`. Submissions run as plain
processes with limits: they can read files of yours, the answers among them, and use the network.
Grade only what you trust, or install bubblewrap (Debian, Ubuntu: apt-get install bubblewrap)."""


def main(arguments=None):
    parser = parser_()
    options = parser.parse_args(arguments)
    try:
        problem_set = masters.load(options.set, options.seed)
    except ValueError as error:
        parser.error(str(error))
    if not options.folder.is_dir():
        parser.error(f"IN must be a folder, got {options.folder}")
    paths = notebooks.files(options.folder)
    if not paths:
        parser.error(f"no files in {options.folder}")
    if options.out.resolve().is_relative_to(options.folder.resolve()):
        parser.error("OUT must lie outside IN: its files would be graded the next time")
    way = choose(options.isolation, parser)
    torch = 2 if "import torch" in problem_set.setup else 1  # it maps gigabytes that it never uses
    limits = Limits(
        cell=options.cell_seconds,
        question=options.test_seconds,
        total=options.seconds,
        memory=options.memory * torch * 2**20,
    )
    expected = grading.expected_values(problem_set, way, limits)
    grade = partial(
        grading.grade,
        folder=options.folder,
        problem_set=problem_set,
        expected=expected,
        way=way,
        limits=limits,
    )
    failures = []

    def one(path):
        """Grade a file; a fault of the grader costs nobody else a score, and this one none."""
        try:
            return grade(path)
        except Exception as error:
            failures.append(f"{path}:\n{''.join(traceback.format_exception(error))}")
            name, why = str(path.relative_to(options.folder)), "the grader itself failed: tell us"
            return grading.Result(name, grading.UNREADABLE, remarks=[why])

    with ThreadPoolExecutor(options.jobs) as pool:
        results = list(tqdm(pool.map(one, paths), total=len(paths), unit="file", desc="graded"))
    title = options.title or problem_set.title
    reports.write(results, problem_set, options.out, title)
    print(f"{len(results)} files: {reports.counts(results)}")
    for result in results:
        for remark in result.remarks:
            print(f"  {result.file}: {remark}")
    print(f"scores: {options.out / 'scores.csv'}; overview: {options.out / 'summary.html'}")
    others = sum(any(remark.startswith(OTHER) for remark in r.remarks) for r in results)
    if 2 * others > len(results):
        print("WARNING: most notebooks hold other numbers. Is the seed right?", file=sys.stderr)
    print("".join(failures), end="", file=sys.stderr)
    return 1 if failures else 0


def choose(wanted, parser):
    """Return the way that submissions run."""
    ways = sandbox.ways()
    if wanted not in ("auto", *ways):
        parser.error(f"--isolation {wanted} does not work here; there is {', '.join(ways)}")
    way = ways[0] if wanted == "auto" else wanted
    if way == "none":
        print(NO_ISOLATION, file=sys.stderr)
    return way


def parser_():
    parser = argparse.ArgumentParser(
        prog="python -m instructor.grader",
        description=__doc__,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("set", help=f"the problem set, one of {', '.join(masters.names())}")
    add("folder", metavar="IN", type=Path, help="the folder with what was handed in")
    add("out", metavar="OUT", type=Path, help="the folder for the results")
    add("--seed", type=int, default=0, help="of the variant that was handed out")
    add("--jobs", type=int, default=os.cpu_count(), help="submissions at a time")
    add("--seconds", type=float, default=Limits.total, help="for a submission")
    add("--cell-seconds", type=float, default=Limits.cell, help="for a cell")
    add("--test-seconds", type=float, default=Limits.question, help="for a hidden test")
    add("--memory", type=int, default=2048, help="MiB of address space, twice that with PyTorch")
    add(
        "--isolation",
        choices=("auto", "bwrap", "unshare", "none"),
        default="auto",
        help="how submissions are kept apart; auto takes the best that there is",
    )
    add("--title", default="", help="of the column in gradebooks; by default the set's title")
    return parser


if __name__ == "__main__":
    sys.exit(main())
