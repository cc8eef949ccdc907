"""Functions to descend on, each with its gradient, its Hessian and what is known of its minimum."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from gdutils import _validate


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
    minimiser : numpy.ndarray, shape (d,)
        A known minimiser; where there are many, the one of least norm.
    name : str
        What error messages and plots call it.
    """

    value: Callable
    grad: Callable
    hess: Callable
    minimiser: np.ndarray
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
