"""Functions to descend on, each with its gradient, its Hessian and what is known of its minimum.

A `Scalar` is a function of one variable and acts elementwise; an `Objective`
takes a point of shape ``(d,)``. Both come from functions such as `wave()` and
`bowl()`, so that their parameters stand where they are used.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from gdutils import _validate
from gdutils._scalars import Scalar, cosh, cubic, exp_minus_x, ripple, square, tanh, wave

__all__ = [
    "Objective",
    "Scalar",
    "bowl",
    "cosh",
    "cubic",
    "exp_minus_x",
    "least_squares",
    "quadratic",
    "ripple",
    "rosenbrock",
    "rotated",
    "saddle",
    "square",
    "tanh",
    "wave",
]


@dataclass(frozen=True)
class Objective:
    """A function of ``(d,)`` with its derivatives; call it for its value.

    Attributes
    ----------
    value : callable
        Maps a point of shape ``(d,)`` to a float.
    grad : callable
        Maps a point of shape ``(d,)`` to the gradient, shape ``(d,)``.
    hess : callable
        Maps a point of shape ``(d,)`` to the Hessian, shape ``(d, d)``.
    minimiser : numpy.ndarray, shape (d,), or None
        A known minimiser; where there are many, the one of least norm; where
        there is none, None.
    name : str
        What error messages and plots call it.
    """

    value: Callable
    grad: Callable
    hess: Callable
    minimiser: np.ndarray | None
    name: str

    def __call__(self, x):
        """Return the value at `x`, shape ``(d,)``, as a float."""
        return self.value(np.asarray(x, dtype=np.float64))


def quadratic(hessian, minimiser=None):
    """Return ``f(x) = (x - m)' H (x - m) / 2`` for a symmetric positive semidefinite H.

    Parameters
    ----------
    hessian : array_like, shape (d, d)
        H, symmetric, no negative eigenvalue.
    minimiser : array_like, shape (d,), optional
        m; zero when left out.

    Returns
    -------
    Objective

    Raises
    ------
    ValueError
        If H is not square, not symmetric, has a negative eigenvalue, or does
        not fit `minimiser`.

    Examples
    --------
    >>> f = quadratic([[2.0, 0.0], [0.0, 4.0]])
    >>> f([1.0, 1.0])
    3.0
    """
    H = _validate.array("hessian", hessian, ndim=2)
    if H.shape[0] != H.shape[1] or not np.allclose(H, H.T):
        raise ValueError(f"hessian must be symmetric, got shape {H.shape}: {H.tolist()}")
    eigenvalues = np.linalg.eigvalsh(H)
    if eigenvalues[0] < -1e-12 * max(abs(eigenvalues[-1]), 1.0):
        raise ValueError(
            f"hessian must have no negative eigenvalue, got {eigenvalues[0]:.6g}: "
            "a quadratic that falls for ever has no minimiser"
        )
    m = np.zeros(len(H)) if minimiser is None else _validate.array("minimiser", minimiser, ndim=1)
    if m.shape != (len(H),):
        raise ValueError(f"minimiser must have shape ({len(H)},), got {m.shape}")
    return Objective(
        value=lambda x: float((x - m) @ H @ (x - m) / 2),
        grad=lambda x: H @ (x - m),
        hess=lambda x: H,
        minimiser=m,
        name="quadratic",
    )


def least_squares(X, y, ridge=0.0):
    """Return the mean of half squared errors of a linear model, with an optional ridge.

    ``f(w) = ||X w - y||^2 / (2 n) + ridge * ||w||^2 / 2``. There is no hidden
    intercept: append a column of ones to `X` where one is wanted.

    Parameters
    ----------
    X : array_like, shape (n, d)
        One row a sample.
    y : array_like, shape (n,)
        Targets.
    ridge : float
        Weight of the penalty, zero or positive.

    Returns
    -------
    Objective
        Its `minimiser` is the one of least norm where there are many.

    Raises
    ------
    ValueError
        If `X` and `y` do not fit, are empty or not finite, or `ridge` is negative.

    Examples
    --------
    >>> f = least_squares([[1.0], [2.0], [3.0]], [2.0, 4.0, 6.0])
    >>> f.minimiser.round(6), f.hess(f.minimiser).round(4)
    (array([2.]), array([[4.6667]]))
    """
    X = _validate.array("X", X, ndim=2)
    y = _validate.array("y", y, ndim=1)
    n, d = X.shape
    if y.shape != (n,):
        raise ValueError(f"y must have one value for each of the {n} rows of X, got {y.shape}")
    ridge = _validate.number("ridge", ridge, at_least=0)
    H = X.T @ X / n + ridge * np.eye(d)
    # lstsq finds the minimiser of least norm from X itself, whose condition
    # number is the square root of that of X'X.
    rows, targets = X, y
    if ridge > 0:
        rows = np.vstack([X, np.sqrt(n * ridge) * np.eye(d)])
        targets = np.concatenate([y, np.zeros(d)])
    minimiser = np.linalg.lstsq(rows, targets, rcond=None)[0]
    return Objective(
        value=lambda w: float(np.mean((X @ w - y) ** 2) / 2 + ridge * (w @ w) / 2),
        grad=lambda w: X.T @ (X @ w - y) / n + ridge * w,
        hess=lambda w: H,
        minimiser=minimiser,
        name="ridge regression" if ridge > 0 else "least squares",
    )


def bowl(a=1.0, b=2.0):
    """Return ``f(x) = a x1^2 + b x2^2``, whose Hessian is diagonal.

    Parameters
    ----------
    a, b : float
        Half the eigenvalues of the Hessian, positive.

    Returns
    -------
    Objective

    Raises
    ------
    ValueError
        If `a` or `b` is not positive.

    Examples
    --------
    >>> bowl(0.1, 2.0).grad(np.array([-5.0, -2.0]))
    array([-1., -8.])
    """
    a = _validate.number("a", a, above=0)
    b = _validate.number("b", b, above=0)
    return replace(quadratic(np.diag([2 * a, 2 * b])), name="bowl")


def rotated(kappa, angle=np.pi / 4, mu=1.0):
    """Return a quadratic in two variables with the eigenvalues mu and L = kappa * mu.

    Parameters
    ----------
    kappa : float
        Condition number, at least 1.
    angle : float
        Angle in radians between the x1 axis and the eigenvector of `mu`, the
        floor of the valley.
    mu : float
        The smaller eigenvalue, positive.

    Returns
    -------
    Objective

    Raises
    ------
    ValueError
        If `kappa` is below 1, `mu` is not positive, or one is not finite.

    Examples
    --------
    >>> rotated(9.0).hess(np.zeros(2)).round(6)
    array([[ 5., -4.],
           [-4.,  5.]])
    """
    kappa = _validate.number("kappa", kappa, at_least=1)
    angle = _validate.number("angle", angle)
    mu = _validate.number("mu", mu, above=0)
    floor = np.array([np.cos(angle), np.sin(angle)])
    wall = np.array([-np.sin(angle), np.cos(angle)])
    H = mu * (np.outer(floor, floor) + kappa * np.outer(wall, wall))
    return replace(quadratic(H), name="rotated quadratic")


def saddle():
    """Return ``f(x) = x1^2 - x2^2``, which has one critical point and no minimiser.

    Returns
    -------
    Objective

    Examples
    --------
    >>> saddle().grad(np.array([1.0, 1.0])), saddle().minimiser
    (array([ 2., -2.]), None)
    """
    return Objective(
        value=lambda x: float(x[0] ** 2 - x[1] ** 2),
        grad=lambda x: np.array([2 * x[0], -2 * x[1]]),
        hess=lambda x: np.diag([2.0, -2.0]),
        minimiser=None,
        name="saddle",
    )


def rosenbrock():
    """Return ``f(x) = (1 - x1)^2 + 100 (x2 - x1^2)^2``, a curved valley with its minimum at (1, 1).

    Returns
    -------
    Objective

    References
    ----------
    H. H. Rosenbrock, "An automatic method for finding the greatest or least
    value of a function", The Computer Journal 3(3), 175-184, 1960.

    Examples
    --------
    >>> round(rosenbrock()([-1.2, 1.0]), 6)
    24.2
    """

    def grad(x):
        rise = x[1] - x[0] ** 2
        return np.array([-2 * (1 - x[0]) - 400 * x[0] * rise, 200 * rise])

    def hess(x):
        corner = 2 - 400 * (x[1] - 3 * x[0] ** 2)
        return np.array([[corner, -400 * x[0]], [-400 * x[0], 200.0]])

    return Objective(
        value=lambda x: float((1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2),
        grad=grad,
        hess=hess,
        minimiser=np.ones(2),
        name="Rosenbrock's valley",
    )
