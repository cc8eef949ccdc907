"""Execute the chapters in fresh kernels and store their outputs in normal form.

`make outputs` runs this. A chapter whose cells all run is written back if anything changed; a
chapter with a failing cell keeps the file that it had.
"""

import argparse
import asyncio
import os
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from environment import kernel_environment
from normalise import VIEW, dumps, normalise

ROOT = Path(__file__).resolve().parents[1]
CHAPTERS = ROOT / "chapters"
AT_ONCE = 2  # the course promises two cores and 2 GiB a kernel
SECONDS_PER_CELL = 300


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "chapters",
        nargs="*",
        help="numbers, such as 01, or paths of notebooks; without any, all of chapters/",
    )
    parser.add_argument(
        "--measure",
        action="store_true",
        help="store new outputs of cells tagged nbval-ignore-output, too: they hold measured "
        "times, and without this a second run would change them",
    )
    parser.add_argument("--timeout", type=int, default=SECONDS_PER_CELL, help="seconds a cell")
    options = parser.parse_args(arguments)
    if os.environ.get("GDUTILS_DATA") == "stand-in":
        parser.error("GDUTILS_DATA=stand-in: stored outputs come from the real data; unset it")
    try:
        paths = find(options.chapters)
    except ValueError as error:
        parser.error(str(error))
    good = asyncio.run(execute_all(paths, options.timeout, options.measure))
    return 0 if good else 1


def find(wanted):
    """Return the paths of the chapters named by number or by path; all of them for none."""
    every = sorted(CHAPTERS.glob("[0-9][0-9]-*.ipynb"))
    if not wanted:
        if not every:
            raise ValueError(f"no chapter in {shown(CHAPTERS)}/")
        return every
    paths = []
    for name in wanted:
        path = Path(name)
        matches = [path] if path.is_file() else [p for p in every if p.name[:2] == name.zfill(2)]
        if not matches:
            numbers = ", ".join(p.name[:2] for p in every) or "none"
            raise ValueError(f"no chapter {name!r}; there are: {numbers}")
        paths += matches
    return paths


async def execute_all(paths, timeout, measure):
    """Execute `paths`, a few at a time; return whether all went well.

    Kernels that run side by side share the cores: with more threads than cores they would wait for
    one another. What is measured has the machine to itself.
    """
    at_once = 1 if measure else min(AT_ONCE, len(paths))
    share = max(1, (os.cpu_count() or 1) // at_once)
    threads = {} if at_once == 1 else {"OMP_NUM_THREADS": str(share)}
    slots = asyncio.Semaphore(at_once)

    async def one(path):
        async with slots:
            return await execute(path, timeout, measure, threads)

    return all(await asyncio.gather(*(one(path) for path in paths)))


async def execute(path, timeout, measure=False, threads=None):
    """Execute one notebook and write it if its normal form changed; return whether it ran.

    Unless `measure`, cells that are tagged as measurements keep the outputs that they have.
    `threads` is environment for the kernel, which that of the user overrules.
    """
    before = path.read_text(encoding="utf-8")
    notebook = nbformat.reads(before, as_version=4)
    notebook.metadata.pop("widgets", None)  # nbclient would add to the states of the last run
    kept = {} if measure else measurements(notebook)
    running = {"cell": 0}  # the last cell that was started, for the message if it fails
    client = NotebookClient(
        notebook,
        coalesce_streams=True,
        extra_arguments=["--log-level=ERROR"],  # else each kernel warns that it talks over TCP
        kernel_name="python3",
        on_cell_execute=lambda cell, cell_index: running.update(cell=cell_index),
        record_timing=False,
        resources={"metadata": {"path": str(path.parent)}},
        store_widget_state=True,
        timeout=timeout,
    )
    started = time.perf_counter()
    try:
        await client.async_execute(env=(threads or {}) | kernel_environment())
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        reason = failure(notebook.cells, running["cell"], error, timeout)
        print(f"{shown(path)}: {reason}", file=sys.stderr)
        print(f"{shown(path)}: left as it was", file=sys.stderr, flush=True)
        return False
    seconds = time.perf_counter() - started
    for cell in notebook.cells:
        if cell.cell_type == "code" and cell.source in kept:
            cell.outputs = kept[cell.source]
    after = dumps(normalise(notebook))
    if after == before:
        print(f"{shown(path)}: unchanged ({seconds:.1f} s)", flush=True)
    else:
        replace(path, after)
        print(f"{shown(path)}: outputs stored ({seconds:.1f} s)", flush=True)
    return True


def measurements(notebook):
    """Return ``{source: stored outputs}`` of the cells that nbval does not compare.

    Explorers are left out: their state belongs to this run, and a stored view would not find it.
    """
    return {
        cell.source: cell.outputs
        for cell in notebook.cells
        if cell.cell_type == "code"
        and cell.outputs
        and "nbval-ignore-output" in cell.metadata.get("tags", [])
        and not any(VIEW in output.get("data", {}) for output in cell.outputs)
    }


def failure(cells, index, error, timeout):
    """Say in one line which cell failed and how."""
    first = next(line for line in cells[index].source.splitlines() if line.strip())
    where = f"cell {index + 1} of {len(cells)}, which begins with {first!r}"
    if isinstance(error, CellExecutionError):
        return f"{where}, raised {error.ename}: {error.evalue}"
    if isinstance(error, CellTimeoutError):
        return f"{where}, took longer than {timeout} s"
    return f"{where}, ended its kernel (out of memory?)"


def replace(path, text):
    """Write `path` whole or not at all."""
    draft = path.with_suffix(".ipynb.part")
    try:
        draft.write_text(text, encoding="utf-8", newline="\n")
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def shown(path):
    path = path.resolve()
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)


if __name__ == "__main__":
    sys.exit(main())
