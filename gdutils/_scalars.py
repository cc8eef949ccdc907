"""Functions of one variable to descend on, with their derivatives and known minimisers.

They are part of `gdutils.objectives`, which is where to import them from. Each
comes from a function such as `wave()`, so that its parameters stand where it is used.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from gdutils import _validate


@dataclass(frozen=True)
class Scalar:
    """A function of one variable with its derivatives; call it for its value.

    All three functions act elementwise, on floats and on arrays of any shape,
    so that one call evaluates a whole grid and `grad` also serves an optimiser
    that works on points of shape ``(1,)``.

    Attributes
    ----------
    value, grad, hess : callable
        f, f' and f''.
    minimisers : tuple of float
        Every local minimiser inside `interval`, from left to right, to full
        double precision.
    name : str
        What error messages and plots call it.
    interval : tuple of float
        Where `minimisers` is complete.
    """

    value: Callable
    grad: Callable
    hess: Callable
    minimisers: tuple[float, ...]
    name: str
    interval: tuple[float, float] = (-np.inf, np.inf)

    def __call__(self, x):
        """Return the value at `x`, in the shape of `x`."""
        return self.value(np.asarray(x, dtype=np.float64))


def square():
    """Return ``f(x) = x^2``.

    Returns
    -------
    Scalar

    Examples
    --------
    >>> square().grad(np.array([-1.0, 3.0]))
    array([-2.,  6.])
    """
    return Scalar(
        value=lambda x: x**2,
        grad=lambda x: 2.0 * x,
        hess=lambda x: np.full_like(x, 2.0, dtype=np.float64),
        minimisers=(0.0,),
        name="x²",
    )


def wave(c=0.15, interval=(-10.0, 10.0)):
    """Return ``f(x) = x cos(c pi x)``, an odd function with ever deeper minima.

    Parameters
    ----------
    c : float
        Half waves per unit of x, positive.
    interval : tuple of float
        Where the minimisers are wanted.

    Returns
    -------
    Scalar

    Raises
    ------
    ValueError
        If `c` is not positive or `interval` is not two increasing numbers.

    Examples
    --------
    >>> [round(m, 5) for m in wave(1.0, (-1, 2)).minimisers]
    [-0.27385, 1.09041]
    """
    w = _validate.number("c", c, above=0) * np.pi

    def grad(x):
        return np.cos(w * x) - w * x * np.sin(w * x)

    return Scalar(
        value=lambda x: x * np.cos(w * x),
        grad=grad,
        hess=lambda x: -2 * w * np.sin(w * x) - w**2 * x * np.cos(w * x),
        minimisers=_minimisers(grad, interval, shortest=np.pi / w),
        name=f"x cos({c:g}πx)",
        interval=tuple(interval),
    )


def ripple(interval=(0.5, 1.5)):
    """Return ``f(x) = x cos(pi x) + 0.2 cos(5 pi x)``: `wave(1.0)` as a small sample sees it.

    Parameters
    ----------
    interval : tuple of float
        Where the minimisers are wanted.

    Returns
    -------
    Scalar

    Raises
    ------
    ValueError
        If `interval` is not two increasing numbers.

    Examples
    --------
    >>> [round(m, 4) for m in ripple().minimisers]
    [0.6516, 1.017, 1.3208]
    """

    def grad(x):
        return wave_.grad(x) - np.pi * np.sin(5 * np.pi * x)

    wave_ = wave(1.0)
    return Scalar(
        value=lambda x: wave_.value(x) + 0.2 * np.cos(5 * np.pi * x),
        grad=grad,
        hess=lambda x: wave_.hess(x) - 5 * np.pi**2 * np.cos(5 * np.pi * x),
        minimisers=_minimisers(grad, interval, shortest=0.2),
        name="x cos(πx) + 0.2 cos(5πx)",
        interval=tuple(interval),
    )


def cubic():
    """Return ``f(x) = x^3``, whose critical point 0 is an inflection and no minimiser.

    Returns
    -------
    Scalar

    Examples
    --------
    >>> cubic().grad(0.0), cubic().minimisers
    (0.0, ())
    """
    return Scalar(
        value=lambda x: x**3,
        grad=lambda x: 3.0 * x**2,
        hess=lambda x: 6.0 * x,
        minimisers=(),
        name="x³",
    )


def cosh(c=0.5):
    """Return ``f(x) = cosh(c x)``, convex, with f'''(0) = 0 at its minimum.

    Parameters
    ----------
    c : float
        Positive; the curvature at the minimum is its square.

    Returns
    -------
    Scalar

    Raises
    ------
    ValueError
        If `c` is not positive.

    Examples
    --------
    >>> float(cosh(0.5).grad(10.0).round(4))
    37.1016
    """
    c = _validate.number("c", c, above=0)
    return Scalar(
        value=lambda x: np.cosh(c * x),
        grad=lambda x: c * np.sinh(c * x),
        hess=lambda x: c**2 * np.cosh(c * x),
        minimisers=(0.0,),
        name=f"cosh({c:g}x)",
    )


def exp_minus_x():
    """Return ``f(x) = exp(x) - x``, convex, with f''(0) = f'''(0) = 1 at its minimum.

    Returns
    -------
    Scalar

    Examples
    --------
    >>> float(exp_minus_x()(0.0))
    1.0
    """
    return Scalar(
        value=lambda x: np.exp(x) - x,
        grad=np.expm1,  # exact near the minimum, where exp(x) - 1 would cancel
        hess=np.exp,
        minimisers=(0.0,),
        name="exp(x) - x",
    )


def tanh():
    """Return ``f(x) = tanh(x)``, which rises everywhere and is almost flat away from 0.

    Returns
    -------
    Scalar

    Examples
    --------
    >>> float(tanh().grad(4.0).round(5))
    0.00134
    """

    def grad(x):
        # 1 - tanh(x)^2 would cancel (no digit of it is right beyond x = 19)
        # and 1 / cosh(x)^2 would overflow.
        small = np.exp(-2 * np.abs(x))
        return 4 * small / (1 + small) ** 2

    return Scalar(
        value=np.tanh,
        grad=grad,
        hess=lambda x: -2.0 * np.tanh(x) * grad(x),
        minimisers=(),
        name="tanh(x)",
    )


def _minimisers(grad, interval, shortest):
    """Return where `grad` turns from negative to positive inside `interval`.

    A grid with 100 points on the `shortest` half wave finds every turn;
    halving the bracket until it can shrink no more places it.
    """
    ends = _validate.array("interval", interval, ndim=1)
    if ends.shape != (2,) or not ends[0] < ends[1]:
        raise ValueError(f"interval must be two increasing numbers, got {interval!r}")
    grid = np.linspace(*ends, 2 + int(100 * (ends[1] - ends[0]) / shortest))
    slope = grad(grid)
    turns = np.flatnonzero((slope[:-1] < 0) & (slope[1:] >= 0))
    low, high = grid[turns], grid[turns + 1]
    for _ in range(64):  # more than the 53 bits of a float64
        middle = (low + high) / 2
        falling = grad(middle) < 0
        low, high = np.where(falling, middle, low), np.where(falling, high, middle)
    return tuple(high.tolist())
