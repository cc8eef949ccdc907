"""What every test run shares: the data it sees, and what this machine cannot show.

It stands at the root because the doctests of gdutils and the chapters need it as well.
"""

import os
import shutil
from pathlib import Path

from environment import kernel_environment

ROOT = Path(__file__).parent
REAL_DATA = ("data/airfoil/airfoil_self_noise.dat", "data/fashion-mnist")

if not os.environ.get("GDUTILS_DATA") and not all((ROOT / name).exists() for name in REAL_DATA):
    os.environ["GDUTILS_DATA"] = "stand-in"


def pytest_configure(config):
    if config.option.nbval:  # nbval starts its kernels with the environment of this process
        environment = kernel_environment()
        os.environ.clear()
        os.environ.update(environment)
    else:
        os.environ["MPLBACKEND"] = "agg"


def pytest_report_header(config):
    data = os.environ.get("GDUTILS_DATA")
    if data == "stand-in":
        where = "stand-ins that the project makes itself; tests of the real values are skipped"
    else:
        where = f"real, from {data}" if data else "real, from data/"
    lines = [f"data: {where}"]
    if not (shutil.which("chromium") or shutil.which("chromium-browser")):
        lines.append("browser: no Chromium on the path; tests of the built pages are skipped")
    return lines
