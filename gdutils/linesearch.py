"""How far to go along a direction: the exact step of a quadratic, and Armijo's rule."""

import numpy as np

from gdutils import _validate


def exact_step(g, H):
    """Return the step along ``-g`` that minimises a quadratic with Hessian H.

    Computes ``g'g / g'Hg``, the minimiser of ``f(x - eta g)`` over eta where f
    is a quadratic with gradient g at x.

    Parameters
    ----------
    g : array_like, shape (d,)
        Gradient, not zero.
    H : array_like, shape (d, d)
        Hessian.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If the shapes do not fit, a number is not finite, `g` is zero, or
        ``g'Hg`` is not positive, so that there is no best step.

    References
    ----------
    A. Cauchy, "Méthode générale pour la résolution des systèmes d'équations
    simultanées", Comptes rendus 25, 536-538, 1847.

    Examples
    --------
    >>> exact_step([2.0, 4.0], [[2.0, 0.0], [0.0, 4.0]])
    0.2777777777777778
    """
    g = _validate.array("g", g, ndim=1)
    H = _validate.array("H", H, ndim=2)
    if H.shape != (g.size, g.size):
        raise ValueError(f"H must have shape ({g.size}, {g.size}) to fit g, got {H.shape}")
    largest = np.abs(g).max()
    if largest == 0:
        raise ValueError(
            f"g must not be zero, got {g}: x is a critical point, there is no way down"
        )
    unit = g / largest  # the quotient does not change, and neither product underflows
    curvature = unit @ H @ unit
    if not curvature > 0:
        raise ValueError(
            f"g'Hg / max|g|^2 must be positive, got {curvature:.6g}: "
            "along this gradient the quadratic falls for ever, so use Armijo's rule or a fixed step"
        )
    return float(unit @ unit / curvature)


def armijo_step(f, x, direction, g, eta0=1.0, shrink=0.5, slope=1e-4):
    """Return the first step of ``eta0, shrink * eta0, ...`` that lowers f enough.

    Enough is ``f(x + eta p) <= f(x) + slope * eta * g'p``, with p the
    direction: at least the fraction `slope` of what the tangent promises. A
    trial at which f is inf or nan counts as too far.

    Parameters
    ----------
    f : callable
        Maps a point of shape ``(d,)`` to a number.
    x, direction, g : array_like, shape (d,)
        The point, the direction and the gradient at the point; ``g'p < 0``.
    eta0 : float
        First trial, positive.
    shrink : float
        Factor between trials, in (0, 1).
    slope : float
        In (0, 1).

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If the shapes do not fit, a number is out of its range, `f` is not
        finite at `x`, the direction does not lead downhill, or no step lowers
        `f` although the gradient says so.

    References
    ----------
    L. Armijo, "Minimization of functions having Lipschitz continuous first
    partial derivatives", Pacific Journal of Mathematics 16(1), 1-3, 1966.

    Examples
    --------
    >>> armijo_step(lambda x: 5 * x @ x, [1.0], direction=[-10.0], g=[10.0])
    0.125
    """
    _validate.function("f", f)
    x = _validate.array("x", x, ndim=1)
    p = _validate.array("direction", direction, ndim=1)
    g = _validate.array("g", g, ndim=1)
    if not x.shape == p.shape == g.shape:
        raise ValueError(
            f"x, direction and g must have one shape, got {x.shape}, {p.shape} and {g.shape}"
        )
    eta = _validate.number("eta0", eta0, above=0)
    shrink = _validate.number("shrink", shrink, above=0, below=1)
    slope = _validate.number("slope", slope, above=0, below=1)
    largest = np.abs(g).max() or 1.0
    downhill = g / largest @ p  # g'p itself may underflow near a minimum
    if not downhill < 0:
        raise ValueError(f"direction must lead downhill, g'p < 0, got g'p = {g @ p:.6g}")
    descent = largest * downhill
    with np.errstate(over="ignore", invalid="ignore"):
        start = _value_at(f, x)
        if not np.isfinite(start):
            raise ValueError(f"f must be finite at x, got {start} at {x}")
        while True:
            trial = x + eta * p
            if _value_at(f, trial) <= start + slope * eta * descent:
                return float(eta)
            if np.array_equal(trial, x):  # eta is below the last bit of x
                raise ValueError(
                    f"no step lowers f from {start:.6g} although g'p = {descent:.6g}: "
                    f"g must be the gradient of f at x, got {g} at {x}"
                )
            eta *= shrink


def _value_at(f, x):
    """Return f at a copy of `x` as a float; an array of one number will do."""
    value = np.asarray(f(x.copy()), dtype=np.float64)
    if value.size != 1:
        raise ValueError(f"f must return one number, got shape {value.shape}")
    return value.item()
