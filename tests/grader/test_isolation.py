"""What a submission can reach: not the answers, not the network, not the machine's files."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from instructor.grader import masters, sandbox
from instructor.grader.session import Child, Gone

ROOT = Path(__file__).resolve().parents[2]
WAYS = [pytest.param(way, id=way) for way in ("bwrap", "unshare")]


@pytest.fixture
def run(limits, request):
    """Returns a function that runs a cell in the way of this test and asks for `found`."""

    def ask(way, source):
        if way not in sandbox.ways():
            pytest.skip(f"{way} does not work on this machine")
        with Child(way, limits, time.monotonic() + 60) as child:
            reply = child.request("run", source, 20)
            assert "error" not in reply, reply
            return child.request("ask", "found")["value"]["numbers"]

    return ask


def test_the_best_way_comes_first_and_there_is_always_one():
    ways = sandbox.ways()
    assert ways[-1] == "none" and ways == [w for w in ("bwrap", "unshare", "none") if w in ways]


SEARCH = """
import os
found, seen = 0, 0
for folder, _, names in os.walk({top!r}):
    if folder.startswith(("/proc", "/dev", "/sys")):
        continue
    for name in names:
        if name.endswith((".ipynb", ".py")):
            seen += 1
            try:
                with open(os.path.join(folder, name), errors="replace") as file:
                    found += {canary!r} in file.read()
            except OSError:
                pass
found = [found, seen]
"""


@pytest.mark.parametrize("way", WAYS)
def test_the_answers_are_nowhere_on_its_disk(run, way):
    canary = "BEGIN HIDDEN" + " TESTS"
    # The project's folder holds it many times, as its own search shows.
    inside = subprocess.run(
        [
            sys.executable,
            "-c",
            SEARCH.format(top=str(ROOT / "tests"), canary=canary) + "print(*found)",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(inside.stdout.split()[0]) > 0
    top = str(ROOT.parent) if ROOT.parent != Path("/") else str(ROOT)
    found, _ = run(way, SEARCH.format(top=top, canary=canary))
    assert found == 0


@pytest.mark.parametrize("way", WAYS)
def test_of_the_project_it_sees_its_own_program_only(run, way):
    source = f"""
import os
found = 0
for folder, folders, names in os.walk({str(ROOT)!r}):
    folders[:] = [f for f in folders if f not in (".venv", "venv", "node_modules")]
    found += sum(name != "child.py" for name in names)
"""
    assert run(way, source) == [0]


@pytest.mark.parametrize("way", WAYS)
def test_other_submissions_and_temporary_files_are_out_of_reach(run, way, tmp_path):
    (tmp_path / "other.ipynb").write_text("x")
    assert run(way, f"import os\nfound = os.path.exists({str(tmp_path)!r})") == [0]
    # Where the checkout itself lies below /tmp, the way to its packages is there.
    own = ROOT.parts[2] if ROOT.parts[1] == "tmp" else ""
    source = f"import os\nfound = len(set(os.listdir('/tmp')) - {{{own!r}}}) + len(os.listdir('.'))"
    assert run(way, source) == [0]


@pytest.mark.parametrize("way", WAYS)
def test_it_can_write_where_it_works_and_nowhere_else(run, way):
    source = """
import os, sys
open("mine", "w").write("x")
found = []
for folder in ["/usr", "/usr/lib", os.path.dirname(os.__file__), "/"]:
    try:
        open(os.path.join(folder, "theirs"), "w").close()
        found.append(folder)
    except OSError:
        pass
for folder in ["/", "/usr", "/tmp"]:  # what lies in memory is its own and gone with it
    if os.path.exists(os.path.join(folder, "theirs")) and folder == "/usr":
        found.append(folder)
found = sum(folder.startswith("/usr") or "python" in folder for folder in found)
"""
    assert run(way, source) == [0]


@pytest.mark.parametrize("way", WAYS)
def test_there_is_no_network(run, way):
    with socket.create_server(("127.0.0.1", 0)) as server:
        source = f"""
import socket
try:
    socket.create_connection(("127.0.0.1", {server.getsockname()[1]}), timeout=2)
    found = 1
except OSError:
    found = 0
"""
        assert run(way, source) == [0]
        assert run("none", source) == [1]  # the test can fail


@pytest.mark.parametrize("way", WAYS)
def test_it_sees_no_process_but_its_own(run, way):
    source = "import os\nfound = sum(name.isdigit() for name in os.listdir('/proc'))"
    assert run(way, source)[0] <= 3
    assert run("none", source)[0] > 3


@pytest.mark.parametrize("way", WAYS)
def test_the_old_root_is_gone(run, way):
    source = f"""
import os
os.makedirs("hole", exist_ok=True)
try:
    os.chroot("hole")
    for _ in range(64):
        os.chdir("..")
    os.chroot(".")
except OSError:
    pass
found = os.path.exists({str(ROOT / "pyproject.toml")!r})
"""
    assert run(way, source) == [0]


@pytest.mark.parametrize("way", [*WAYS, pytest.param("none", id="none")])
def test_it_gets_none_of_our_environment(run, way, monkeypatch):
    monkeypatch.setenv("SECRET", "canary")
    assert run(way, "import os\nfound = 'SECRET' in os.environ") == [0]


def test_without_isolation_its_folder_goes_with_it(limits):
    with Child("none", limits, time.monotonic() + 60) as child:
        child.request("run", "import os\nopen('left', 'w').close()")
        folder = Path(child.folder)
        assert (folder / "left").exists()
    assert not folder.exists()


def test_a_child_that_is_gone_says_so(limits, way):
    with Child(way, limits, time.monotonic() + 60) as child:
        with pytest.raises(Gone, match="ended the process"):
            child.request("run", "import os\nos._exit(3)")
        with pytest.raises(Gone, match="ended the process"):
            child.request("run", "1")


def test_noise_on_the_channel_is_passed_over(limits, way):
    noise = "import os\nfound = 5\nfor n in range(3, 9):\n    try:\n"
    noise += "        os.write(n, b'{}\\n[1]\\nx\\n\\xff\\n')\n    except OSError:\n        pass"
    with Child(way, limits, time.monotonic() + 60) as child:
        assert "error" not in child.request("run", noise)
        assert child.request("ask", "found")["value"]["numbers"] == [5.0]


def test_an_endless_line_on_the_channel_ends_it(limits, way):
    noise = "import os\nfor n in range(3, 9):\n    try:\n        while True:\n"
    noise += "            os.write(n, b'x' * 2**16)\n    except OSError:\n        pass"
    with Child(way, limits, time.monotonic() + 60) as child, pytest.raises(Gone):
        child.request("run", noise)


def test_numbers_of_the_question_are_the_same_after_a_submission_changed_them(limits, way):
    with Child(way, limits, time.monotonic() + 60) as child:
        child.request("trust", "import numpy as np\nx0 = np.ones(2)\neta = 0.1")
        child.request("run", "x0[:] = 7\neta = 3\nmine = x0")
        for question in range(2):
            child.request("begin")
            asked = child.request("ask", "[*x0, eta, *mine]")["value"]["numbers"]
            assert asked == [1, 1, 0.1, 7, 7], question
            child.request("assign", "x0 += 1")  # changed within one question only
            assert child.request("ask", "x0[0]")["value"]["numbers"] == [2]


def test_the_tests_of_isolation_run_where_they_can():
    """Continuous integration is a machine that has one of the two ways, at least."""
    if not os.environ.get("CI"):
        pytest.skip("only where CI is set")
    assert sandbox.ways() != ["none"]


def test_no_set_is_read_from_elsewhere():
    assert masters.FOLDER == ROOT / "instructor"
