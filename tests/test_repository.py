"""What holds for the repository as a whole: its lock files, its address, its commands."""

import json
import re
import shutil
import statistics
import subprocess
import sys
import tomllib
from pathlib import Path

import nbformat
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import gdutils
from colab import pins
from set_address import check

ROOT = Path(__file__).resolve().parents[1]

# Not preceded by what makes it part of an address or of a longer path.
MACHINE_PATH = re.compile(r"(?<![\w.:/~$(){}*-])/(?:home|Users|root|work|opt|tmp)/[\w.]")


def text(name):
    return (ROOT / name).read_text(encoding="utf-8")


def committed():
    """Return the files that are or would be committed."""
    if not shutil.which("git") or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [ROOT / name for name in names.split("\0") if name and (ROOT / name).is_file()]


def locked():
    lines = [line for line in text("requirements.txt").splitlines() if not line.startswith("#")]
    return dict(line.split("==") for line in lines)


def test_every_locked_package_is_a_name_and_an_exact_version():
    for line in text("requirements.txt").splitlines():
        assert line.startswith("#") or re.fullmatch(r"[a-z0-9-]+==[0-9][A-Za-z0-9.]*", line), line
    of_a_machine = [name for name in locked() if re.match(r"(nvidia|cuda|triton)\b", name)]
    assert not of_a_machine, f"pip chooses these for the machine at hand: {of_a_machine}"


def test_lock_holds_what_was_asked_for():
    lines = [line.split("#")[0].strip() for line in text("requirements.in").splitlines()]
    for wanted in (Requirement(line) for line in lines if line):
        version = locked().get(canonicalize_name(wanted.name))
        assert version, f"{wanted.name} is not in requirements.txt; run `make lock`"
        assert wanted.specifier.contains(version), f"{wanted} is locked at {version}"


def test_ranges_of_gdutils_admit_the_lock_and_colab():
    project = tomllib.loads(text("pyproject.toml"))["project"]
    ranges = {r.name: r.specifier for r in map(Requirement, project["dependencies"])}
    for name, specifier in ranges.items():
        for version in (pins()[name], locked()[name]):
            assert specifier.contains(version), f"{name}{specifier} excludes {version}"


def test_lock_of_the_front_end_names_no_host():
    packages = json.loads(text("package-lock.json"))["packages"]
    resolved = [name for name, package in packages.items() if "resolved" in package]
    assert not resolved, f"package-lock.json says where it downloaded {resolved}"
    assert "registry" not in text(".npmrc").replace("omit-lockfile-registry-resolved", "")


def test_address_of_the_repository_is_the_same_everywhere():
    assert not check(ROOT)


def test_no_committed_file_names_a_path_of_a_machine():
    for path in committed():
        if path.suffix in (".gif", ".png", ".ico"):
            continue
        found = MACHINE_PATH.search(path.read_text(encoding="utf-8"))
        assert not found, f"{path.relative_to(ROOT)} names {found[0]!r}"


def test_no_real_data_are_committed():
    suffixes = (".gz", ".dat", ".zip", ".npz", ".pt")
    found = [str(p.relative_to(ROOT)) for p in committed() if p.suffix in suffixes]
    assert not found, f"data files stay out of the repository: {found}"


def test_help_lists_every_command():
    phony = re.search(r"^\.PHONY: (.*)$", text("Makefile"), re.MULTILINE)[1].split()
    shown = subprocess.run(["make", "help"], cwd=ROOT, check=True, capture_output=True, text=True)
    listed = re.findall(r"^  (\w+) +\S", shown.stdout, re.MULTILINE)
    assert sorted(listed) == sorted(set(phony) - {"FORCE"})


def test_shell_scripts_parse_and_can_be_run():
    for name in (".ci/run", "scripts/test.sh"):
        subprocess.run(["bash", "-n", name], cwd=ROOT, check=True)
        assert (ROOT / name).stat().st_mode & 0o100, f"{name} is not executable"


def test_contents_and_chapters_agree():
    listed = set(re.findall(r"chapters/([\w-]+)", text("_toc.yml")))
    there = {path.stem for path in (ROOT / "chapters").glob("*.ipynb")}
    assert there, "chapters/ is empty"
    assert listed == there, (
        f"only in _toc.yml: {listed - there}; only in chapters/: {there - listed}"
    )


def test_chapters_import_nothing_that_is_not_locked():
    known = set(sys.stdlib_module_names) | {name.replace("-", "_") for name in locked()}
    known |= {"IPython", "gdutils", "mpl_toolkits"}
    for path in sorted((ROOT / "chapters").glob("*.ipynb")):
        cells = nbformat.read(path, as_version=4).cells
        code = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
        imported = set(re.findall(r"^\s*(?:import|from) (\w+)", code, re.MULTILINE))
        assert imported <= known, f"{path.name} imports {imported - known}"


def test_citation_gives_the_version_of_gdutils():
    version = re.search(r"^version: *(\S+)$", text("CITATION.cff"), re.MULTILINE)[1]
    assert version.strip("\"'") == gdutils.__version__


def test_importing_gdutils_is_light():
    code = "import gdutils, sys; print(*{'matplotlib', 'numpy', 'torch'} & set(sys.modules))"
    costs = []
    for _ in range(3):
        command = [sys.executable, "-X", "importtime", "-c", code]
        run = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
        assert not run.stdout.strip(), f"import gdutils also imports {run.stdout.strip()}"
        line = re.search(r"\| +(\d+) \| gdutils$", run.stderr, re.MULTILINE)
        costs.append(int(line[1]) / 1e6)
    print(f"import gdutils: {statistics.median(costs):.4f} s")
    assert statistics.median(costs) < 0.2, f"import gdutils took {costs} s"
