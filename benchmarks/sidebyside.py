"""Time several ways of doing one thing in turn, so that a busy machine slows all of them alike."""

import datetime
import os
import platform
import statistics
import time
from pathlib import Path

import torch


def compare(contenders, rounds, warm_up=True):
    """Return the median seconds of each contender.

    Parameters
    ----------
    contenders : dict of str to callable
        Each does its work once when called.
    rounds : int
        How often each is timed; every round times all, one after the other.
    warm_up : bool
        Whether to call each once before the clock runs.

    Returns
    -------
    dict of str to float
    """
    seconds = {name: [] for name in contenders}
    for work in contenders.values() if warm_up else ():
        work()
    for _ in range(rounds):
        for name, work in contenders.items():
            start = time.perf_counter()
            work()
            seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in seconds.items()}


def row(task, ours, theirs, target, best=None):
    """Return a row of the table: how many times as fast `ours` is as `theirs`, in seconds.

    `best` is the fastest known setting of the other side, which the source documents do not use.
    """
    result = {"task": task, "ours_s": ours, "theirs_s": theirs, "ratio": theirs / ours}
    result["target"] = target
    if best is not None:
        result |= {"best_s": best, "ratio_to_best": best / ours}
    return result


def table(rows):
    """Return the rows as aligned text."""
    head = ("what", "ours", "theirs", "ratio", "target", "their best", "ratio")
    lines = [head]
    for r in rows:
        line = [r["task"], _ms(r["ours_s"]), _ms(r["theirs_s"]), f"{r['ratio']:.1f}"]
        line.append(f"{r['target']:g}" if r["target"] else "")
        best = (_ms(r["best_s"]), f"{r['ratio_to_best']:.1f}") if "best_s" in r else ("", "")
        lines.append((*line, *best))
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            [line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])],
        ).rstrip()
        for line in lines
    )


def shares(rows):
    """Return lines that say which part of the machine's peak each row reaches."""
    return "".join(
        f"\n{r['task']}: {r['share']:.0%} ({r['images_per_s']:,.0f} images/s, "
        f"{r['operations_per_image'] / 1e6:,.1f} million operations each; "
        f"peak {r['peak_per_s'] / 1e9:,.0f} GFLOP/s)"
        for r in rows
    )


def machine():
    """Return what a reader needs to judge the times by."""
    return {
        "date": datetime.date.today().isoformat(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "torch_threads": torch.get_num_threads(),
        "load_at_start": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "torch": torch.__version__,
    }


def _processor():
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or "unknown"


def _ms(seconds):
    return f"{1000 * seconds:.2f} ms" if seconds < 10 else f"{seconds:,.1f} s"
