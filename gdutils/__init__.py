"""gdutils: the small package that the chapters of *Downhill* share.

Importing it is light: nothing but the standard library is loaded until a
submodule is asked for (`gdutils.descent`, `gdutils.plots`, ...).
"""

import importlib

__version__ = "0.1.0"

REPOSITORY = "https://github.com/downhill-course/downhill"

_SUBMODULES = (
    "data",
    "descent",
    "explore",
    "feedback",
    "images",
    "linesearch",
    "momentum",
    "networks",
    "newton",
    "objectives",
    "plots",
    "records",
    "schedules",
    "stochastic",
    "training",
)

__all__ = ["REPOSITORY", "__version__", "require", *_SUBMODULES]


def __getattr__(name):
    if name in _SUBMODULES:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return __all__


def _release(version):
    """Return ``"1.2.3"`` as ``(1, 2, 3)``.

    Raises
    ------
    ValueError
        If `version` is not three numbers joined by dots.
    """
    parts = str(version).split(".")
    if len(parts) != 3 or not all(part.isdigit() for part in parts):
        raise ValueError(f"a version is three numbers such as '0.1.0', got {version!r}")
    return tuple(int(part) for part in parts)


def require(version):
    """Stop a chapter that needs a newer gdutils than the one that is installed.

    Parameters
    ----------
    version : str
        The oldest release that will do, such as ``"0.1.0"``.

    Raises
    ------
    ImportError
        If the installed release is older; the message says how to update it.
    ValueError
        If `version` is not three numbers joined by dots.

    Examples
    --------
    >>> require("0.1.0")
    """
    if _release(version) > _release(__version__):
        raise ImportError(
            f"this chapter needs gdutils {version} or newer, but {__version__} is installed. "
            f"Run  %pip install -q --no-deps --upgrade git+{REPOSITORY}  "
            "and restart the kernel."
        )
