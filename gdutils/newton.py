"""Newton's method with its usual remedies, and the order at which a sequence converges."""

from typing import NamedTuple

import numpy as np

from gdutils import _validate
from gdutils.linesearch import armijo_step

EPS = np.finfo(np.float64).eps


class Order(NamedTuple):
    """How fast errors fall, as `estimate_order` returns it: ``e[k+1]`` is about ``C * e[k] ** p``.

    Attributes
    ----------
    order : float
        p.
    constant : float
        C.
    """

    order: float
    constant: float


def newton(grad, hess, x0, steps, *, eta=1.0, damping=0.0, absolute=False, value=None):
    """Go to the critical point of the local quadratic, a minimum or not.

    Computes ``x[t+1] = x[t] - eta * B^-1 @ grad(x[t])`` with B the Hessian at
    ``x[t]``; with `absolute`, B is ``|H|``, whose eigenvalues are those of H
    without their signs; `damping` adds ``damping * I``. The eigenvalues of B
    are computed at each step, about ten times the work of solving alone.

    Parameters
    ----------
    grad : callable
        Maps a point of shape ``(d,)`` to the gradient of shape ``(d,)``.
    hess : callable
        Maps a point of shape ``(d,)`` to the Hessian, symmetric of shape
        ``(d, d)``, or to its diagonal of shape ``(d,)``. In a matrix, an
        eigenvalue below ``d * eps`` times the largest counts as zero; in a
        diagonal only 0 does.
    x0 : array_like, shape (d,)
        Start.
    steps : int
        Number of steps, at least 1.
    eta : float
        Step size, positive; 1 is Newton's own.
    damping : float
        Levenberg's, zero or positive.
    absolute : bool
        Whether to take ``|H|``, which makes every step lead downhill.
    value : callable, optional
        f. Where it is given, `eta` is the first trial of a backtracking line
        search (`gdutils.linesearch.armijo_step`).

    Returns
    -------
    numpy.ndarray, shape (steps + 1, d)
        The trajectory; row 0 is `x0`. Where the gradient is zero it stays, at
        a singular Hessian too. Where the gradient or the Hessian overflows,
        the rows that follow are nan.

    Raises
    ------
    ValueError
        If an argument is not as described, if B is singular, or if `value` is
        given and a step would lead uphill. The last two name the step, the
        smallest eigenvalue and the remedies.

    References
    ----------
    K. Levenberg, "A method for the solution of certain non-linear problems in
    least squares", Quarterly of Applied Mathematics 2, 164-168, 1944.

    J. Nocedal and S. J. Wright, "Numerical Optimization", second edition,
    Springer, 2006, chapter 3.

    Examples
    --------
    >>> newton(np.expm1, np.exp, [1.0], steps=3)[:, 0].round(6)
    array([1.      , 0.367879, 0.06008 , 0.001769])
    """
    _validate.function("grad", grad)
    _validate.function("hess", hess)
    x0 = _validate.array("x0", x0, ndim=1)
    steps = _validate.count("steps", steps)
    eta = _validate.number("eta", eta, above=0)
    damping = _validate.number("damping", damping, at_least=0)
    if value is not None:
        _validate.function("value", value)
    trajectory = np.tile(x0, (steps + 1, 1))
    # An overflow is a result here, not an accident: no warning on stderr.
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        for t in range(steps):
            x = trajectory[t]
            g = _evaluate("grad", grad, x, t, [x.shape])
            H = _evaluate("hess", hess, x, t, [(x.size, x.size), x.shape])
            if not (np.isfinite(g).all() and np.isfinite(H).all()):
                trajectory[t + 1 :] = np.nan
                break
            if not g.any():
                trajectory[t:] = x
                break
            direction, smallest = _direction(g, H, damping, absolute, t)
            length = eta
            if value is not None:
                _check_downhill(g, direction, smallest, damping, t)
                length = armijo_step(value, x, direction, g, eta0=eta)
            trajectory[t + 1] = x + length * direction
    return trajectory


def estimate_order(errors):
    """Return the order p and the constant C with ``e[k+1] = C * e[k]^p`` in the last three errors.

    ``p = log(e[k+1] / e[k]) / log(e[k] / e[k-1])``. Leave out the errors that
    are nothing but rounding.

    Parameters
    ----------
    errors : array_like, shape (n,)
        Distances from the limit, at least three, of which the last three are
        positive and strictly decreasing.

    Returns
    -------
    Order
        The named tuple ``(order, constant)``. For linear convergence the order
        is 1 and the constant is the ratio of consecutive errors.

    Raises
    ------
    ValueError
        If there are fewer than three errors, or the last three are not finite,
        positive and strictly decreasing.

    Examples
    --------
    >>> order, constant = estimate_order([1e-1, 3e-2, 2.7e-3])  # e[k+1] = 3 e[k]^2
    >>> round(order, 6), round(constant, 6)
    (2.0, 3.0)
    """
    errors = _validate.array("errors", errors, ndim=1)
    if errors.size < 3:
        raise ValueError(f"errors must be at least three, got {errors.size}: {errors}")
    before, middle, last = errors[-3:].tolist()
    if not before > middle > last > 0:
        raise ValueError(
            "the last three errors must be positive and strictly decreasing, "
            f"got {before:.6g}, {middle:.6g}, {last:.6g}: leave out what is only rounding"
        )
    logs = np.log([before, middle, last])
    order = (logs[2] - logs[1]) / (logs[1] - logs[0])
    return Order(float(order), float(np.exp(logs[2] - order * logs[1])))


def _evaluate(name, function, x, t, shapes):
    """Evaluate at a copy of `x`, so that the function cannot change the trajectory."""
    result = np.asarray(function(x.copy()), dtype=np.float64)
    if result.shape not in shapes:
        allowed = " or ".join(map(str, shapes))
        raise ValueError(f"{name} must return shape {allowed}, got {result.shape} at step {t}")
    return result


def _direction(g, H, damping, absolute, t):
    """Return ``-B^-1 g`` and the smallest eigenvalue of B, the modified Hessian."""
    if H.ndim == 1:  # a diagonal: the coordinate axes are its eigenvectors
        eigenvalues, noise = H, 0.0
    else:
        if np.abs(H - H.T).max() > 1e-10 * np.abs(H).max():
            raise ValueError(f"hess must return a symmetric matrix, got {H.tolist()} at step {t}")
        eigenvalues, vectors = np.linalg.eigh(H)
        noise = g.size * EPS * np.abs(eigenvalues).max()  # what rounding makes of a zero
    if absolute:
        eigenvalues = np.abs(eigenvalues)
    eigenvalues = eigenvalues + damping
    smallest = eigenvalues.min()
    if H.ndim == 1:
        direction = -g / eigenvalues
    else:
        direction = -vectors @ ((vectors.T @ g) / eigenvalues)
    if (np.abs(eigenvalues) <= noise).any() or not np.isfinite(direction).all():
        raise ValueError(
            f"the Hessian is singular to rounding at step {t}, its smallest eigenvalue is "
            f"{smallest:.6g} (damping {damping:g} included): pass damping above "
            f"{max(damping - smallest, 0.0):.6g}, or a little damping with absolute=True"
        )
    return direction, smallest


def _check_downhill(g, direction, smallest, damping, t):
    """Raise ValueError where backtracking cannot help: the direction itself leads uphill."""
    slope = g / np.abs(g).max() @ direction  # scaled, so that it does not underflow
    if not slope < 0:
        raise ValueError(
            f"the Newton direction does not lead downhill at step {t}, where the smallest "
            f"eigenvalue is {smallest:.6g} (damping {damping:g} included): pass absolute=True, "
            f"or damping above {damping - smallest:.6g}"
        )
