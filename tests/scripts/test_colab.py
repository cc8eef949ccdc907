"""`make colab`: what it lists, what it calls a difference, and that gdutils fits into Colab."""

import base64
import copy
import json
import subprocess
import sys
import venv
from pathlib import Path

import numpy as np
import pytest
from nbformat.v4 import new_output

import colab
import differences

ROOT = Path(__file__).resolve().parents[2]
PUBLISHED = ROOT.parent / "shared/colab/preinstalled.txt"


def test_the_list_is_what_colab_publishes():
    if not PUBLISHED.exists():
        pytest.skip("Colab's own list does not lie beside the checkout")
    lines = PUBLISHED.read_text(encoding="utf-8").splitlines()
    pairs = (line.split("==") for line in lines if "==" in line and not line.startswith("#"))
    published = {colab.canonicalize_name(name): v.split("+")[0] for name, v in pairs}
    unlike = {n: (v, published.get(n)) for n, v in colab.pins().items() if published.get(n) != v}
    assert not unlike, f"listed and published versions: {unlike}"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Build gdutils as pip builds it from the repository."""
    folder = tmp_path_factory.mktemp("wheel")
    colab.copy_package(folder / "source")
    build = ["wheel", "--no-deps", "--no-index", "--no-build-isolation", "--wheel-dir", folder]
    pip(sys.executable, *build, folder / "source")
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def listed(tmp_path_factory):
    """Return the Python of an environment in which pip finds the listed versions installed.

    They are there by name and version, which is all that pip asks before it installs.
    """
    folder = tmp_path_factory.mktemp("colab") / "venv"
    venv.create(folder, with_pip=False, symlinks=sys.platform != "win32")
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    where = "import sysconfig; print(sysconfig.get_path('purelib'))"
    site = subprocess.run([python, "-c", where], check=True, capture_output=True, text=True)
    for name, version in colab.pins().items():
        entry = Path(site.stdout.strip()) / f"{name.replace('-', '_')}-{version}.dist-info"
        entry.mkdir()
        (entry / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        )
        (entry / "INSTALLER").write_text("pip\n")
    return python


def pip(python, *arguments):
    command = [sys.executable, "-m", "pip", "--python", python, *arguments]
    run = subprocess.run([*map(str, command)], capture_output=True, text=True)
    assert run.returncode == 0, f"{run.stdout}\n{run.stderr}"
    return run.stdout


def test_installing_gdutils_on_colab_changes_no_installed_version(wheel, listed, tmp_path):
    """A dry run by pip, dependencies and all: it must have nothing but gdutils to install."""
    report = tmp_path / "report.json"
    there = {p["name"] for p in json.loads(pip(listed, "list", "--format", "json"))}
    assert "numpy" in there and "torch" in there
    pip(listed, "install", "--dry-run", "--no-index", "--report", report, wheel)
    planned = json.loads(report.read_text(encoding="utf-8"))["install"]
    assert [p["metadata"]["name"] for p in planned] == ["downhill-gdutils"]


def test_changed_versions_are_found_and_gdutils_is_none():
    before = {"numpy": "2.1.3", "torch": "2.11.0", "gone": "1"}
    after = {"numpy": "2.4.6", "torch": "2.11.0", "new": "2", "downhill-gdutils": "0.1.0"}
    expected = {"gone": ("1", None), "new": (None, "2"), "numpy": ("2.1.3", "2.4.6")}
    assert colab.changes(before, after) == expected


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("error 1.234e-05", "error 1.235e-05", [True]),
        ("0.881 after 1,234 steps", "0.882 after 1,235 steps", [True]),
        ("from -0.001", "from -0.002", [True]),
        ("error 1.234e-05", "error 1.236e-05", [False]),
        ("error 1.234e-05", "error 1.234e-04", [False]),
        ("converges", "diverges", [False]),
        ("one line", "one line\nanother", [False]),
        ("a printed script", "not run here\n", [True]),
        ("3 steps", "3 steps", []),
    ],
)
def test_a_last_digit_may_differ_and_nothing_else(old, new, expected):
    found = list(differences.text_differences("stdout", old, new))
    assert [is_expected for is_expected, _ in found] == expected


def test_a_value_may_be_displayed_or_returned_but_must_be_there():
    shown = {"text/plain": "Explorer: rates (3 positions, 0123abcd)", differences.VIEW: {}}
    returned = new_output("execute_result", shown, execution_count=1)
    displayed = new_output(
        "display_data", shown | {"text/plain": shown["text/plain"][:-9] + "f" * 8 + ")"}
    )
    assert not list(differences.output_differences([returned], [displayed]))
    warned = new_output("stream", name="stderr", text="UserWarning: old")
    [(is_expected, text)] = differences.output_differences([returned], [warned, displayed])
    assert not is_expected and "UserWarning: old" in text
    picture = new_output("display_data", {"image/svg+xml": "<svg/>", "text/plain": "<Figure>"})
    [(is_expected, _)] = differences.output_differences([picture], [])
    assert not is_expected


@pytest.fixture
def model():
    """The stored state of an explorer of two curves, as a notebook holds it."""
    from gdutils.explore import Panel, Slider, explore

    def curves(eta):
        t = np.arange(11)
        return {"error": (t, (1 - eta) ** t), "bound": (t, 0 * t + 1.0)}, f"{eta} converges"

    rates = Slider([0.1, 0.5], "rate")
    explorer = explore(curves, title="Rates", panels=Panel("step", "error"), eta=rates)
    state = {key: value for key, value in explorer.get_state().items() if key != "data"}
    return {
        "state": json.loads(json.dumps(state)),
        "buffers": [stored(np.frombuffer(explorer.data, "<f4"))],
    }


def stored(numbers):
    data = base64.b64encode(numbers.astype("<f4").tobytes()).decode()
    return {"path": ["data"], "encoding": "base64", "data": data}


def changed(model, **numbers):
    new = copy.deepcopy(model)
    data = differences.buffer(model).copy()
    data[15] += numbers["by"]
    new["buffers"] = [stored(data)]
    return new


def test_an_explorer_is_the_same_as_itself(model):
    assert not list(differences.explorer_differences(model, copy.deepcopy(model)))


@pytest.mark.parametrize(("by", "expected"), [(1e-5, []), (0.005, [True]), (0.05, [False])])
def test_a_curve_may_differ_by_less_than_can_be_seen(model, by, expected):
    found = list(differences.explorer_differences(model, changed(model, by=by)))
    assert [is_expected for is_expected, _ in found] == expected


@pytest.mark.parametrize(
    ("breaking", "message"),
    [
        (lambda m: None, "without state"),
        (lambda m: m["state"].update(_esm="export default {}"), "without the module"),
        (lambda m: m["state"].update(_model_module="@jupyter-widgets/base"), "without the module"),
        (lambda m: m.update(buffers=[]), "without its numbers"),
        (lambda m: m["buffers"][0].update(path=["spec"]), "without its numbers"),
        (lambda m: m.update(buffers=[stored(np.zeros(3))]), "without its numbers"),
        (lambda m: m["state"]["spec"]["sentences"].reverse(), "0.5 converges"),
        (lambda m: m["state"]["spec"]["panels"][0].update(ylim=[0, 9]), "ylim"),
    ],
)
def test_what_an_explorer_lacks_is_named(model, breaking, message):
    new = copy.deepcopy(model)
    breaking(new)
    if message == "without state":
        new = None
    [(is_expected, text)] = differences.explorer_differences(model, new)
    assert not is_expected and message in text


def test_every_stored_explorer_can_be_compared():
    for path in sorted((ROOT / "chapters").glob("*.ipynb")):
        notebook = colab.nbformat.read(path, as_version=4)
        row = {"explorers": 0, "problems": [], "notes": []}
        differences.compare(notebook, notebook, row)
        assert row["explorers"] and not row["problems"] + row["notes"], path.name
