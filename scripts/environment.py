"""The environment in which chapters run, the same for storing outputs and for testing them."""

import os
import sys
from pathlib import Path

# A chapter sees nothing of the user's own configuration.
OWN_SETTINGS = ("MATPLOTLIBRC", "MPLBACKEND", "PYTHONSTARTUP", "PYTHONWARNINGS")


def kernel_environment():
    """Return environment variables that are independent of the user's settings and of chance.

    What belongs to the course or to the machine (`GDUTILS_DATA`, thread counts, the processor's
    capabilities) passes through.
    """
    environment = {key: value for key, value in os.environ.items() if key not in OWN_SETTINGS}
    return environment | {
        "IPYTHONDIR": str(Path(sys.prefix) / "ipython"),
        "JUPYTER_PREFER_ENV_PATH": "1",
        "MPLCONFIGDIR": str(Path(sys.prefix) / "matplotlib"),
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",  # else the debugger warns on stderr
        "PYTHONHASHSEED": "0",
        "TQDM_DISABLE": "1",  # a progress bar is a timestamp in another form
    }
