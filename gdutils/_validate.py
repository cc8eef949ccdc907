"""Checks of arguments that several modules share.

Every message names the argument, the value received and what is allowed.
"""

import numbers

import numpy as np


def number(name, value, *, above=None, at_least=None, below=None, at_most=None):
    """Return `value` as a finite float within the given bounds, or raise ValueError."""
    if not isinstance(value, numbers.Real) or isinstance(value, bool):
        raise ValueError(f"{name} must be a number, got {value!r}")
    if not np.isfinite(value):
        raise ValueError(f"{name} must be finite, got {value}")
    if above is not None and not value > above:
        what = "positive" if above == 0 else f"above {above}"
        raise ValueError(f"{name} must be {what}, got {value}")
    if at_least is not None and not value >= at_least:
        what = "zero or positive" if at_least == 0 else f"at least {at_least}"
        raise ValueError(f"{name} must be {what}, got {value}")
    if below is not None and not value < below:
        raise ValueError(f"{name} must be below {below}, got {value}")
    if at_most is not None and not value <= at_most:
        raise ValueError(f"{name} must be at most {at_most}, got {value}")
    return float(value)


def count(name, value, *, at_least=1):
    """Return `value` as an int of at least `at_least`, or raise ValueError."""
    if not isinstance(value, numbers.Integral) or isinstance(value, bool):
        raise ValueError(f"{name} must be a whole number, got {value!r}")
    if value < at_least:
        raise ValueError(f"{name} must be at least {at_least}, got {value}")
    return int(value)


def array(name, value, *, ndim):
    """Return `value` as a non-empty, finite float64 array of `ndim` dimensions."""
    try:
        result = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must be an array of numbers, got {value!r}") from error
    if result.ndim != ndim:
        raise ValueError(f"{name} must have {ndim} dimension(s), got shape {result.shape}")
    if result.size == 0:
        raise ValueError(f"{name} must not be empty, got shape {result.shape}")
    bad = np.flatnonzero(~np.isfinite(result.ravel()))
    if bad.size:
        where = np.unravel_index(bad[0], result.shape)
        place = ", ".join(str(int(i)) for i in where)
        raise ValueError(f"{name} must be finite, got {result[where]} at [{place}]")
    return result


def function(name, value):
    """Return `value` if it can be called, or raise ValueError."""
    if not callable(value):
        raise ValueError(f"{name} must be a function, got {value!r}")
    return value
