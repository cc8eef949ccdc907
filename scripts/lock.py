"""Resolve requirements.in into requirements.txt: every package, exactly, and nothing else.

The list names no package index, no local build ("+cpu") and none of the CUDA libraries that PyTorch
asks for on some machines: pip finds the ones that fit the machine at hand.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HEADER = (
    "# Every package that the book and its tests install, exactly.\n"
    "# Written by `make lock` from requirements.in; do not edit.\n"
)
OF_THE_MACHINE = re.compile(r"^(nvidia|cuda|triton)\b")


def main():
    command = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--quiet"]
    command += ["--dry-run", "--ignore-installed", "--report", "-", "-r", "requirements.in"]
    report = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    pins = pinned(json.loads(report.stdout))
    (ROOT / "requirements.txt").write_text(HEADER + "\n".join(pins) + "\n", encoding="utf-8")
    print(f"requirements.txt: {len(pins)} packages")


def pinned(report):
    """Return the sorted pins of a report of `pip install --report`."""
    pins = []
    for item in report["install"]:
        name = re.sub(r"[-_.]+", "-", item["metadata"]["name"]).lower()
        version = item["metadata"]["version"].split("+")[0]
        if not OF_THE_MACHINE.match(name):
            pins.append(f"{name}=={version}")
    return sorted(pins)


if __name__ == "__main__":
    sys.exit(main())
