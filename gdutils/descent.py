"""Optimisers as pure functions: a gradient and a start in, a trajectory out.

None of them prints, plots, times or keeps state between calls. A run that
diverges is not an error: its rows grow until they are inf and then nan, which
is what the course looks at.
"""

import numpy as np

from gdutils import _validate


def gradient_descent(grad, x0, eta, steps):
    """Follow the negative gradient with a constant or scheduled step size.

    Computes ``x[t+1] = x[t] - eta(t) * grad(x[t])``.

    Parameters
    ----------
    grad : callable
        Maps a point of shape ``(d,)`` to the gradient of shape ``(d,)``.
    x0 : array_like, shape (d,)
        Start.
    eta : float or callable
        Step size, or a function of the step number (see `gdutils.schedules`).
    steps : int
        Number of steps, at least 1.

    Returns
    -------
    numpy.ndarray, shape (steps + 1, d)
        The trajectory; row 0 is `x0`. Rows after an overflow are inf or nan.

    Raises
    ------
    ValueError
        If `x0` is empty, not one-dimensional or not finite, if `steps` or a
        constant `eta` is not positive, if a scheduled `eta` gives a number
        that is negative or not finite, if `grad` is not a function, or if it
        returns another shape than it was given.

    References
    ----------
    A. Cauchy, "Méthode générale pour la résolution des systèmes d'équations
    simultanées", Comptes rendus 25, 536-538, 1847.

    Examples
    --------
    >>> gradient_descent(lambda x: 2 * x, [10.0], eta=0.2, steps=10)[-1].round(6)
    array([0.060466])
    """
    _validate.function("grad", grad)
    x0 = _validate.array("x0", x0, ndim=1)
    steps = _validate.count("steps", steps)
    schedule = _as_schedule(eta)
    trajectory = np.empty((steps + 1, x0.size))
    trajectory[0] = x0
    # An overflow is a result here, not an accident: no warning on stderr.
    with np.errstate(over="ignore", invalid="ignore"):
        for t in range(steps):
            x = trajectory[t]
            trajectory[t + 1] = x - schedule(t) * _gradient_at(grad, x, t)
    return trajectory


def _as_schedule(eta):
    """Return a checked function of the step number for a constant or callable `eta`."""
    if not callable(eta):
        constant = _validate.number("eta", eta, above=0)
        return lambda t: constant
    return lambda t: _validate.number(f"eta({t})", eta(t), at_least=0)


def _gradient_at(grad, x, t):
    """Evaluate `grad` on a copy of `x`, so that it cannot change the trajectory."""
    g = np.asarray(grad(x.copy()), dtype=np.float64)
    if g.shape != x.shape:
        raise ValueError(
            f"grad must return the shape of its argument, {x.shape}, got {g.shape} at step {t}"
        )
    return g
