"""A folder of submissions: seconds and memory to grade them all.

There is no other side: what other graders do with such a folder is in the course's design notes.
The submissions are those that test the first problem set: right, wrong, and blank ones in turn.
"""

import itertools
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from instructor.grader import masters, submissions

SET, SUBMISSIONS = "ps1", 100
SECONDS, BYTES = 300, 2**30  # at most


def run(quick=False):
    """Return one row: seconds, and the largest memory of the grader and all its children."""
    problem_set = masters.load(SET)
    wrong, right = masters.solutions(SET)
    made = [submissions.solved(problem_set, solution) for solution in [*right, *wrong]]
    made.append(problem_set.student)
    number = 3 if quick else SUBMISSIONS
    with tempfile.TemporaryDirectory() as folder:
        handed_in = Path(folder) / "in"
        handed_in.mkdir()
        for count, notebook in zip(range(number), itertools.cycle(made), strict=False):
            path = handed_in / f"student{count:03d}.ipynb"
            path.write_text(json.dumps(notebook), encoding="utf-8")
        command = [sys.executable, "-m", "instructor.grader", SET, str(handed_in), f"{folder}/out"]
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        peak = Peak(process.pid)
        said = process.communicate()[0].decode()
        seconds = time.perf_counter() - start
    if process.returncode or not said.startswith(f"{number} files: {number} ok"):
        raise RuntimeError(f"not all were graded: {said}")
    return [
        {
            "task": f"{number} submissions of {SET} graded",
            "seconds": seconds,
            "at_most_s": SECONDS,
            "peak_bytes": peak.stop(),
            "at_most_bytes": BYTES,
        }
    ]


class Peak:
    """The largest memory of a process and all below it, looked at ten times a second."""

    def __init__(self, pid):
        self.pid, self.largest, self.ended = pid, 0, threading.Event()
        self.thread = threading.Thread(target=self._watch, daemon=True)
        self.thread.start()

    def stop(self):
        self.ended.set()
        self.thread.join()
        return self.largest

    def _watch(self):
        while not self.ended.wait(0.1):
            self.largest = max(self.largest, resident(self.pid))


def resident(top):
    """Return the bytes of memory of a process and its descendants; 0 where there is no /proc."""
    parents, pages = {}, {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:  # it ended while we looked
            continue
        parents[int(path.parent.name)] = int(fields[1])
        pages[int(path.parent.name)] = int(fields[21])
    total = 0
    for pid in parents:
        above = pid
        while above not in (0, 1, top):
            above = parents.get(above, 0)
        total += pages[pid] if above == top else 0
    return total * os.sysconf("SC_PAGE_SIZE")
