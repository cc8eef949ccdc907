"""Optimisers as pure functions: a gradient and a start in, a trajectory out.

None of them prints, plots, times or keeps state between calls. A run that
diverges is not an error: its rows grow until they are inf and then nan, which
is what the course looks at.
"""

import numpy as np

from gdutils import _validate
from gdutils._steps import as_schedule, gradient_at
from gdutils.linesearch import armijo_step, exact_step

EPS = np.finfo(np.float64).eps


def gradient_descent(grad, x0, eta, steps, precondition=None):
    """Follow the negative gradient with a constant or scheduled step size.

    Computes ``x[t+1] = x[t] - eta(t) * P @ grad(x[t])``, where the
    preconditioner P is the identity when left out.

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
    precondition : array_like, shape (d,) or (d, d), optional
        P, an approximate inverse of the Hessian: a positive vector stands for
        a diagonal (Jacobi's is ``1 / diag(H)``), a matrix must be symmetric
        positive definite.

    Returns
    -------
    numpy.ndarray, shape (steps + 1, d)
        The trajectory; row 0 is `x0`. Rows after an overflow are inf or nan.

    Raises
    ------
    ValueError
        If `x0` is empty, not one-dimensional or not finite, if `steps` or a
        constant `eta` is not positive, if a scheduled `eta` gives a number
        that is negative or not finite, if `grad` is not a function or returns
        another shape than it was given, or if `precondition` does not fit `x0`
        or is not positive (definite).

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
    schedule = as_schedule(eta)
    apply = _as_operator(precondition, x0.size)
    trajectory = np.empty((steps + 1, x0.size))
    trajectory[0] = x0
    # An overflow is a result here, not an accident: no warning on stderr.
    with np.errstate(over="ignore", invalid="ignore"):
        for t in range(steps):
            x = trajectory[t]
            trajectory[t + 1] = x - schedule(t) * apply(gradient_at(grad, x, t))
    return trajectory


def steepest_descent(f, x0, steps, search="exact", *, eta0=1.0, shrink=0.5, slope=1e-4):
    """Follow the negative gradient, each step as long as a line search says.

    Parameters
    ----------
    f : gdutils.objectives.Objective
        Value, gradient and, for the exact search, Hessian.
    x0 : array_like, shape (d,)
        Start.
    steps : int
        Number of steps, at least 1.
    search : str
        ``"exact"`` is the best step where f is a quadratic, and elsewhere the
        best for the quadratic with the gradient and Hessian of the iterate, so
        that f may rise; ``"armijo"`` shrinks the step until f falls enough.
    eta0, shrink, slope : float
        Of `gdutils.linesearch.armijo_step`; the exact search needs none.

    Returns
    -------
    numpy.ndarray, shape (steps + 1, d)
        The trajectory; row 0 is `x0`. Where the gradient is zero it stays.

    Raises
    ------
    ValueError
        If `f` is not an objective, `x0` is empty, not one-dimensional or not
        finite, `steps` is not positive, `search` is unknown, or the line search
        finds no step (see `gdutils.linesearch`).

    References
    ----------
    As for `gdutils.linesearch.exact_step` and `gdutils.linesearch.armijo_step`.

    Examples
    --------
    >>> from gdutils.objectives import bowl
    >>> steepest_descent(bowl(1.0, 2.0), [2.0, 1.0], steps=2).round(4)
    array([[ 2.    ,  1.    ],
           [ 0.6667, -0.3333],
           [ 0.2222,  0.1111]])
    """
    if not (callable(f) and hasattr(f, "grad") and hasattr(f, "hess")):
        raise ValueError(f"f must be an objective with grad and hess, got {f!r}")
    x0 = _validate.array("x0", x0, ndim=1)
    steps = _validate.count("steps", steps)
    if search not in ("exact", "armijo"):
        raise ValueError(f"search must be 'exact' or 'armijo', got {search!r}")
    trajectory = np.tile(x0, (steps + 1, 1))
    for t in range(steps):
        x = trajectory[t]
        g = gradient_at(f.grad, x, t)
        if not g.any():
            trajectory[t:] = x
            break
        if search == "exact":
            eta = exact_step(g, f.hess(x.copy()))
        else:
            eta = armijo_step(f, x, -g, g, eta0, shrink, slope)
        trajectory[t + 1] = x - eta * g
    return trajectory


def conjugate_gradient(H, b, x0, steps):
    """Solve ``H x = b``, that is minimise ``x'Hx / 2 - b'x``, along H-conjugate directions.

    In exact arithmetic the residual ``b - H x`` is zero after at most as many
    steps as H has distinct eigenvalues, so after d steps at the latest.

    Parameters
    ----------
    H : array_like, shape (d, d)
        Symmetric positive definite.
    b : array_like, shape (d,)
        Right-hand side.
    x0 : array_like, shape (d,)
        Start.
    steps : int
        Number of steps, at least 1.

    Returns
    -------
    numpy.ndarray, shape (steps + 1, d)
        The trajectory; row 0 is `x0`. Once the residual is zero to rounding,
        the rows repeat.

    Raises
    ------
    ValueError
        If the shapes do not fit, a number is not finite, `steps` is not
        positive, or H is not symmetric positive definite.

    References
    ----------
    M. R. Hestenes and E. Stiefel, "Methods of conjugate gradients for solving
    linear systems", Journal of Research of the National Bureau of Standards
    49(6), 409-436, 1952.

    Examples
    --------
    >>> conjugate_gradient([[2.0, 0.0], [0.0, 4.0]], [2.0, 8.0], [0.0, 0.0], steps=2)[-1].round(12)
    array([1., 2.])
    """
    H = _validate.array("H", H, ndim=2)
    largest = _positive_definite("H", H)
    b = _validate.array("b", b, ndim=1)
    x0 = _validate.array("x0", x0, ndim=1)
    steps = _validate.count("steps", steps)
    if not len(H) == b.size == x0.size:
        raise ValueError(f"H, b and x0 must fit, got shapes {H.shape}, {b.shape} and {x0.shape}")
    trajectory = np.tile(x0, (steps + 1, 1))
    residual = b - H @ x0
    direction = residual
    for t in range(steps):
        x = trajectory[t]
        # What rounding alone leaves of H x - b: below it the directions are noise.
        floor = EPS * (largest * max(np.linalg.norm(x), np.linalg.norm(x0)) + np.linalg.norm(b))
        if np.linalg.norm(residual) <= floor:
            trajectory[t:] = x
            break
        along = H @ direction
        before = residual @ residual
        eta = before / (direction @ along)
        trajectory[t + 1] = x + eta * direction
        residual = residual - eta * along
        direction = residual + (residual @ residual / before) * direction
    return trajectory


def _as_operator(precondition, d):
    """Return a function that multiplies a gradient of shape (d,) by the preconditioner."""
    if precondition is None:
        return lambda g: g
    P = _validate.array("precondition", precondition, ndim=np.ndim(precondition))
    if P.shape == (d,):
        if not (P > 0).all():
            raise ValueError(f"precondition must be positive, got {P.min()} in {P}")
        return lambda g: P * g
    if P.shape == (d, d):
        _positive_definite("precondition", P)
        return lambda g: P @ g
    raise ValueError(f"precondition must have shape ({d},) or ({d}, {d}), got {P.shape}")


def _positive_definite(name, H):
    """Return the largest eigenvalue of H, or raise ValueError; zero to rounding counts as zero."""
    if H.shape[0] != H.shape[1]:
        raise ValueError(f"{name} must be square, got shape {H.shape}")
    asymmetry = np.abs(H - H.T).max()
    if asymmetry > 1e-10 * np.abs(H).max():
        raise ValueError(f"{name} must be symmetric, got entries that differ by {asymmetry:.6g}")
    eigenvalues = np.linalg.eigvalsh(H)
    if eigenvalues[0] <= len(H) * EPS * eigenvalues[-1]:
        raise ValueError(
            f"{name} must be positive definite, got eigenvalues from "
            f"{eigenvalues[0]:.6g} to {eigenvalues[-1]:.6g}"
        )
    return eigenvalues[-1]
