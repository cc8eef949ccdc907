"""`make outputs`: all cells run and the file is written, or the file stays as it was."""

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

SCRIPT = Path(__file__).resolve().parents[2] / "scripts/execute.py"


@pytest.fixture
def chapter(tmp_path):
    """Return a function that writes a notebook of the given cells and returns its path."""

    def write(*sources):
        path = tmp_path / "01-trial.ipynb"
        nbformat.write(new_notebook(cells=[new_code_cell(source) for source in sources]), path)
        return path

    return write


def execute(*arguments, **variables):
    """Run the script as make does, with real data promised and `variables` set."""
    environment = {k: v for k, v in os.environ.items() if k != "GDUTILS_DATA"} | variables
    command = [sys.executable, SCRIPT, *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True)


def test_second_run_leaves_every_byte(chapter):
    path = chapter("print(sorted({'b', 'a'}))", "object()")
    assert "outputs stored" in execute(path).stdout
    first = path.read_bytes()
    assert "unchanged" in execute(path).stdout
    assert path.read_bytes() == first


def test_measured_times_are_kept_until_they_are_measured_again(chapter):
    path = chapter("import time; print(time.perf_counter_ns())")
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[0].metadata.tags = ["nbval-ignore-output"]
    nbformat.write(notebook, path)
    execute(path)
    first = path.read_bytes()
    assert "unchanged" in execute(path).stdout and path.read_bytes() == first
    assert "outputs stored" in execute(path, "--measure").stdout and path.read_bytes() != first


def test_an_explorer_that_is_not_compared_keeps_its_state(chapter):
    path = chapter("import ipywidgets; ipywidgets.IntSlider()")
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[0].metadata.tags = ["nbval-ignore-output"]
    nbformat.write(notebook, path)
    for _ in range(2):
        execute(path)
        stored = nbformat.read(path, as_version=4)
        view = stored.cells[0].outputs[0].data["application/vnd.jupyter.widget-view+json"]
        states = stored.metadata.widgets["application/vnd.jupyter.widget-state+json"]["state"]
        assert view["model_id"] in states


def test_failing_cell_is_named_and_the_file_stays_as_it_was(chapter):
    path = chapter("x = 2", "", "# a comment\nx / 0")
    before = path.read_bytes()
    run = execute(path)
    assert run.returncode == 1
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]
    assert "01-trial.ipynb: cell 3 of 3, which begins with '# a comment'" in run.stderr
    assert "ZeroDivisionError: division by zero" in run.stderr


def test_cell_that_takes_too_long_is_named(chapter):
    run = execute(chapter("import time; time.sleep(60)"), "--timeout", "1")
    assert run.returncode == 1
    assert "cell 1 of 1" in run.stderr
    assert "took longer than 1 s" in run.stderr


def test_cell_that_ends_its_kernel_is_named(chapter):
    run = execute(chapter("x = 1", "import os; os._exit(1)"))
    assert run.returncode == 1
    assert "cell 2 of 2" in run.stderr


def test_user_settings_do_not_reach_the_kernel(chapter):
    path = chapter("import os\nos.environ['PYTHONHASHSEED'], os.environ['MPLBACKEND'][-6:]")
    assert execute(path, MPLBACKEND="no-such-backend").returncode == 0
    output = nbformat.read(path, as_version=4).cells[0].outputs[0]
    assert output.data["text/plain"] == "('0', 'inline')"


def test_thread_counts_and_the_place_of_the_data_pass_through(chapter):
    path = chapter("import os\nos.environ['OMP_NUM_THREADS'], os.environ['GDUTILS_DATA']")
    assert execute(path, OMP_NUM_THREADS="1", GDUTILS_DATA="there").returncode == 0
    output = nbformat.read(path, as_version=4).cells[0].outputs[0]
    assert output.data["text/plain"] == "('1', 'there')"


def test_kernels_side_by_side_share_the_cores(chapter, tmp_path):
    first = chapter("import os; print(os.environ.get('OMP_NUM_THREADS'))")
    second = first.rename(tmp_path / "02-trial.ipynb")
    first = chapter("import os; print(os.environ.get('OMP_NUM_THREADS'))")

    def stored(path):
        return nbformat.read(path, as_version=4).cells[0].outputs[0].text.strip()

    share = str(max(1, os.cpu_count() // 2))
    unset = {k: v for k, v in os.environ.items() if k not in ("GDUTILS_DATA", "OMP_NUM_THREADS")}
    for options, expected in (([], share), (["--measure"], "None")):
        command = [sys.executable, SCRIPT, first, second, *options]
        subprocess.run(command, env=unset, check=True, capture_output=True)
        assert [stored(path) for path in (first, second)] == [expected] * 2
    execute(first, second, OMP_NUM_THREADS="7")
    assert [stored(path) for path in (first, second)] == ["7"] * 2


@pytest.mark.parametrize("name", ["99", "no-such-file.ipynb"])
def test_chapter_that_is_not_there_is_named(name):
    run = execute(name)
    assert run.returncode == 2
    assert repr(name) in run.stderr


def test_outputs_are_never_stored_from_stand_ins(chapter):
    path = chapter("1")
    before = path.read_bytes()
    run = execute(path, GDUTILS_DATA="stand-in")
    assert run.returncode == 2
    assert "real data" in run.stderr
    assert path.read_bytes() == before
