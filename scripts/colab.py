"""Run every chapter with the versions that Google Colab has installed.

`make colab` runs this. It builds an environment of `scripts/colab.txt` in .venv-colab, installs
gdutils there as a chapter's setup cell does, executes copies of the chapters in its kernel and
compares them with the stored ones: outputs, and the state of the explorers. The chapters
themselves stay as they are.
"""

import argparse
import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import nbformat
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from differences import compare
from environment import kernel_environment
from execute import AT_ONCE, SECONDS_PER_CELL, failure, find, shown
from normalise import dumps, normalise

ROOT = Path(__file__).resolve().parents[1]
LIST = ROOT / "scripts/colab.txt"
FOLDER = ROOT / ".venv-colab"
EXECUTED = FOLDER / "executed"  # the copies, for a look at what differs
CONTENT = FOLDER / "content"  # where kernels run: like Colab's folder, it holds no checkout
PYTHON = (3, 13)  # Colab's
INSIDE = FOLDER / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")

# Torch's build for CUDA needs CUDA's libraries to be loaded, several gigabytes, and a CPU never
# calls one. Only the runtime is called, by torch itself as it loads.
CUDA_RUNTIME = "nvidia-cuda-runtime~=13.0"
MISSING_LIBRARY = re.compile(r"(lib[\w.-]+\.so[\w.]*): cannot open shared object file")
LAZILY = "import os, sys; sys.setdlopenflags(os.RTLD_LAZY)\n"  # names are looked up when called


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("chapters", nargs="*", help="numbers or paths; without any, all")
    parser.add_argument("--python", help="the Python to use; without it 3.13, where there is one")
    parser.add_argument("--torch", help="another torch than Colab's, such as 2.13.0")
    parser.add_argument(
        "--cuda",
        action="store_true",
        help="install CUDA's libraries, several gigabytes, if torch asks for them; without this "
        "empty ones take their place",
    )
    parser.add_argument("--timeout", type=int, default=SECONDS_PER_CELL, help="seconds a cell")
    options = parser.parse_args(arguments)
    try:
        paths = find(options.chapters)
        build(options.python or colabs_python(), options.torch, options.cuda)
        describe()
        install_gdutils()
    except (ValueError, RuntimeError) as error:
        print(f"make colab: {error}", file=sys.stderr)
        return 2
    before = installed()
    rows = asyncio.run(run_all(paths, options.timeout))
    print()
    table(rows)
    changed = changes(before, installed())
    if changed:
        print(f"make colab: the chapters changed installed versions: {changed}")
        return 1
    bad = [row["chapter"] for row in rows if row["problems"]]
    if bad:
        print(f"make colab: {len(bad)} of {len(rows)} chapters failed: {', '.join(bad)}")
    else:
        print(f"make colab: all {len(rows)} chapters run; the copies are in {shown(EXECUTED)}/")
    return 1 if bad else 0


# The environment


def pins():
    """Return ``{name: version}`` of `scripts/colab.txt`, as far as a line is for this machine."""
    lines = LIST.read_text(encoding="utf-8").splitlines()
    listed = [Requirement(line) for line in lines if line and not line.startswith("#")]
    here = [r for r in listed if r.marker is None or r.marker.evaluate()]
    return {canonicalize_name(r.name): str(r.specifier).removeprefix("==") for r in here}


def colabs_python():
    """Return the command of a Python of Colab's version, or of this one if there is none."""
    name = ".".join(map(str, PYTHON))
    candidates = [f"python{name}"]
    if shutil.which("pyenv"):
        prefix = output("pyenv", "prefix", name, check=False).strip()
        candidates += [f"{prefix}/bin/python{name}"] if prefix else []
    for command in candidates:
        if shutil.which(command) and output(command, "-c", "print(1)", check=False).strip() == "1":
            return command
    print(f"[colab] no Python {name} was found: {sys.executable} takes its place")
    return sys.executable


def build(python, torch, cuda):
    """Make .venv-colab of `python` and the listed versions, unless it is there already."""
    wanted = pins() | ({"torch": torch} if torch else {})
    asked = output(python, "-c", "import platform; print(platform.python_version())").strip()
    if INSIDE.exists() and state() == (asked, wanted):
        print(f"[colab] {shown(FOLDER)} has the listed versions")
    else:
        print(
            f"[colab] building {shown(FOLDER)}: Python {asked}, {len(wanted)} packages", flush=True
        )
        shutil.rmtree(FOLDER, ignore_errors=True)
        output(python, "-m", "venv", str(FOLDER))
        listed = [f"{name}=={version}" for name, version in wanted.items()]
        pip("install", "--no-deps", *listed)
    load_torch(wanted["torch"], cuda)
    if state() != (asked, wanted):
        raise RuntimeError(f"{shown(FOLDER)} does not hold what {shown(LIST)} lists")


def state():
    """Return the version of Python and, by name, those of the listed packages in .venv-colab."""
    program = "import platform; print(platform.python_version())"
    there = {name: version for name, version in installed().items() if name in pins()}
    return output(INSIDE, "-c", program).strip(), there


def installed():
    """Return ``{name: version}`` of everything in .venv-colab, without the tag of a build."""
    found = json.loads(pip("list", "--format", "json"))
    return {canonicalize_name(p["name"]): p["version"].split("+")[0] for p in found}


def load_torch(version, cuda):
    """See to it that torch can be imported, on a machine without CUDA as well."""
    error = import_error("torch")
    if not error:
        return
    if not MISSING_LIBRARY.search(error):
        raise RuntimeError(f"torch {version} cannot be imported:\n{error}")
    if cuda:
        print(
            "[colab] torch is a build for CUDA; its libraries follow, several gigabytes", flush=True
        )
        pip(
            "install",
            f"torch=={version}",
            *(f"{n}=={v}" for n, v in pins().items() if n != "torch"),
        )
    else:
        print("[colab] torch is a build for CUDA; empty libraries take the place of CUDA's")
        stand_in_for_cuda(error)
    error = import_error("torch")
    if error:
        raise RuntimeError(f"torch {version} cannot be imported:\n{error}")


def stand_in_for_cuda(error):
    """Put an empty library beside torch for each one that it misses, until it can be imported."""
    compiler = next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)
    if not compiler:
        raise RuntimeError(
            "torch is a build for CUDA and there is no C compiler to make empty libraries in the "
            "place of CUDA's. Install one, or take CUDA's (several gigabytes): make colab CUDA=1"
        )
    pip("install", "--no-deps", CUDA_RUNTIME)
    site = Path(
        output(INSIDE, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip()
    )
    (site / "empty_cuda.pth").write_text(LAZILY, encoding="utf-8")
    source = FOLDER / "empty.c"
    source.write_text("void empty(void) {}\n", encoding="utf-8")
    made = set()
    while match := MISSING_LIBRARY.search(error):
        name = match[1]
        if name in made:
            raise RuntimeError(f"torch does not find {name}, which was put beside it:\n{error}")
        made.add(name)
        target = site / "torch/lib" / name
        output(compiler, "-shared", "-o", str(target), f"-Wl,-soname,{name}", str(source))
        error = import_error("torch")


def import_error(module):
    """Return what Python says when it imports `module` in .venv-colab, or an empty text."""
    run = subprocess.run([INSIDE, "-c", f"import {module}"], capture_output=True, text=True)
    return run.stderr if run.returncode else ""


def describe():
    """Print what the chapters run with, and where that is not what Colab has."""
    program = "import platform, torch; print(platform.python_version(), torch.__version__)"
    python, torch = output(INSIDE, "-c", program).split()
    there = installed()
    names = ("numpy", "scipy", "matplotlib", "ipython", "ipykernel", "ipywidgets", "anywidget")
    print(f"[colab] Python {python}, torch {torch}, " + ", ".join(f"{n} {there[n]}" for n in names))
    unlike = [f"{n} {there[n]} instead of {v}" for n, v in pins().items() if there[n] != v]
    if tuple(map(int, python.split(".")[:2])) != PYTHON:
        unlike.insert(0, f"Python {python} instead of {'.'.join(map(str, PYTHON))}")
    unlike.append(f"torch is the build {torch.partition('+')[2] or 'without a tag'}")
    if (FOLDER / "empty.c").exists():
        unlike.append("empty libraries take the place of CUDA's")
    print("[colab] not as on Colab, which has torch+cu128: " + "; ".join(unlike), flush=True)


def install_gdutils():
    """Install gdutils as the setup cell does, and see that nothing else has changed."""
    before = installed()
    source = FOLDER / "source"
    shutil.rmtree(source, ignore_errors=True)
    copy_package(source)
    pip("install", "--no-deps", "--force-reinstall", source)
    changed = changes(before, installed())
    if changed:
        raise RuntimeError(f"installing gdutils changed installed versions: {changed}")
    # What gdutils asks for, asked for by name: pip must find all of it in place.
    said = pip("install", "--dry-run", "--no-deps", "--no-index", *project()["dependencies"])
    if "Would install" in said:
        raise RuntimeError(f"gdutils asks for what Colab does not have:\n{said}")
    print(f"[colab] gdutils installed; none of the {len(before)} installed versions changed")


def copy_package(target):
    """Copy what the package is made of, and nothing that an earlier build left, to `target`."""
    ignored = shutil.ignore_patterns("__pycache__")
    for name in ("gdutils", "data/runs"):
        shutil.copytree(ROOT / name, target / name, ignore=ignored)
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, target)


def changes(before, after):
    """Return ``{name: (before, after)}`` of the versions that differ, gdutils apart."""
    names = (before.keys() | after.keys()) - {canonicalize_name(project()["name"])}
    pairs = {name: (before.get(name), after.get(name)) for name in sorted(names)}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def project():
    """Return the table `project` of pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def pip(*arguments):
    return output(INSIDE, "-m", "pip", "--disable-pip-version-check", *arguments)


def output(*command, check=True):
    """Return what a command prints; stop with what it says if it fails."""
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    run = subprocess.run([*map(str, command)], capture_output=True, text=True, env=environment)
    if check and run.returncode:
        what = " ".join(map(str, command[:6]))
        raise RuntimeError(f"`{what} ...` failed ({run.returncode}):\n{run.stderr[-3000:]}")
    return run.stdout


# The chapters


async def run_all(paths, timeout):
    """Execute `paths`, a few at a time; return a row of the table for each."""
    for folder in (EXECUTED, CONTENT):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
    spec = FOLDER / "kernels/colab"
    spec.mkdir(parents=True, exist_ok=True)
    command = [str(INSIDE), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    description = {"argv": command, "display_name": "Colab", "language": "python"}
    (spec / "kernel.json").write_text(json.dumps(description), encoding="utf-8")
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(path):
        async with slots:
            row = await run(path, timeout)
        print(f"{row['chapter']}: {result(row)} ({row['seconds']:.1f} s)", flush=True)
        return row

    return await asyncio.gather(*(one(path) for path in paths))


async def run(path, timeout):
    """Execute a copy of one chapter and compare it with the stored one."""
    stored = nbformat.read(path, as_version=4)
    notebook = nbformat.from_dict(json.loads(json.dumps(stored)))
    notebook.metadata.pop("widgets", None)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    running = {"cell": 0}
    manager = AsyncKernelManager(
        kernel_name="colab",
        kernel_spec_manager=KernelSpecManager(
            kernel_dirs=[str(FOLDER / "kernels")], ensure_native_kernel=False
        ),
    )
    client = NotebookClient(
        notebook,
        km=manager,
        coalesce_streams=True,
        extra_arguments=["--log-level=ERROR"],
        on_cell_execute=lambda cell, cell_index: running.update(cell=cell_index),
        record_timing=False,
        resources={"metadata": {"path": str(CONTENT)}},
        store_widget_state=True,
        timeout=timeout,
    )
    row = {"chapter": path.name[:2], "cells": 0, "explorers": 0, "problems": [], "notes": []}
    started = time.perf_counter()
    try:
        await client.async_execute(env=colab_environment(), cleanup_kc=True)
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        row["problems"].append(failure(notebook.cells, running["cell"], error, timeout))
    row["seconds"] = time.perf_counter() - started
    executed = normalise(notebook)
    (EXECUTED / path.name).write_text(dumps(executed), encoding="utf-8")
    row["cells"] = sum(1 for c in executed.cells if c.cell_type == "code" and c.execution_count)
    if not row["problems"]:
        compare(normalise(stored), executed, row)
    return row


def colab_environment():
    """Return what a kernel sees: the machine's and the course's settings, none of the user's."""
    threads = {"OMP_NUM_THREADS": str(max(1, (os.cpu_count() or 1) // AT_ONCE))}
    environment = threads | kernel_environment()
    for name in ("PYTHONPATH", "VIRTUAL_ENV"):
        environment.pop(name, None)
    here = ROOT / "data"
    if (here / "fashion-mnist").exists() or (here / "airfoil").exists():
        environment.setdefault("GDUTILS_DATA", str(here))
    environment["PATH"] = str(INSIDE.parent) + os.pathsep + environment.get("PATH", "")
    return environment | {
        "IPYTHONDIR": str(FOLDER / "ipython"),
        "MPLCONFIGDIR": str(FOLDER / "matplotlib"),
    }


# The report


def result(row):
    if row["problems"]:
        return f"FAILED, see below ({len(row['problems'])})"
    return f"the same, {len(row['notes'])} notes" if row["notes"] else "the same"


def table(rows):
    """Print a line a chapter, then every difference."""
    print("| chapter | cells | explorers | seconds | outputs and explorers |")
    print("| ------- | ----: | --------: | ------: | --------------------- |")
    for row in rows:
        numbers = f"{row['cells']:5} | {row['explorers']:9} | {row['seconds']:7.1f}"
        print(f"| {row['chapter']:7} | {numbers} | {result(row):21} |")
    for row in rows:
        for text in row["problems"] + row["notes"]:
            print(f"chapter {row['chapter']}, {text}")


if __name__ == "__main__":
    sys.exit(main())
