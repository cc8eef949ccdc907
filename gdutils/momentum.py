"""Optimisers with a memory, as pure functions: momentum, and steps scaled by past gradients.

`grad`, `x0`, `eta`, `steps`, the trajectory that is returned, and the errors are
those of `gdutils.descent.gradient_descent` throughout. Memories start at zero,
and every rule is that of the `torch.optim` class named, to rounding.
"""

from typing import NamedTuple

import numpy as np

from gdutils import _validate
from gdutils._steps import as_schedule, gradient_at


class HeavyBall(NamedTuple):
    """Step size and momentum, as `optimal_heavy_ball` returns them.

    Attributes
    ----------
    eta : float
        The step size.
    beta : float
        The momentum.
    """

    eta: float
    beta: float


def heavy_ball(grad, x0, eta, beta, steps):
    """Let the gradients of the past carry the iterate on, each fading by `beta` a step.

    Computes ``v = beta * v + grad(x)``, then ``x = x - eta(t) * v``, as
    `torch.optim.SGD` with its ``momentum``. On a quadratic and with constant
    `eta` it converges if and only if ``0 < eta * lam < 2 * (1 + beta)`` for every
    eigenvalue lam of the Hessian. (Some texts have the step size in v. With a
    constant one that is the same trajectory, with a schedule it is not.)

    Parameters
    ----------
    grad, x0, eta, steps
        As in `gdutils.descent.gradient_descent`.
    beta : float
        Momentum, in [0, 1); 0 is gradient descent.

    Returns
    -------
    numpy.ndarray, shape (steps + 1, d)
        The trajectory; row 0 is `x0`. Rows after an overflow are inf or nan.

    Raises
    ------
    ValueError
        As in `gdutils.descent.gradient_descent`,
        and if `beta` is outside [0, 1).

    References
    ----------
    B. T. Polyak, "Some methods of speeding up the convergence of iteration
    methods", USSR Computational Mathematics and Mathematical Physics 4(5),
    1-17, 1964.

    Examples
    --------
    >>> heavy_ball(lambda x: x * [0.2, 4.0], [-5.0, -2.0], 0.6, 0.5, steps=20)[-1].round(6)
    array([0.007188, 0.002553])
    """
    schedule = as_schedule(eta)
    beta = _check_beta("beta", beta)
    v = 0.0

    def update(t, x, g):
        nonlocal v
        v = beta * v + g
        return x - schedule(t) * v

    return _follow(grad, x0, steps, update)


def nesterov(grad, x0, eta, beta, steps):
    """Take the momentum's step in advance, and the gradient there.

    Computes ``v = beta * v + grad(x)``, then ``x = x - eta(t) * (grad(x) + beta * v)``,
    as `torch.optim.SGD` with ``nesterov=True``. With constant `eta`, the rows are
    the points y at which Nesterov's method takes gradients: his own iterate z
    obeys ``z' = y - eta * grad(y)`` and ``y' = z' + beta * (z' - z)``, and both
    start in `x0`.

    Parameters
    ----------
    grad, x0, eta, steps
        As in `gdutils.descent.gradient_descent`.
    beta : float
        Momentum, in [0, 1); 0 is gradient descent.

    Returns
    -------
    numpy.ndarray, shape (steps + 1, d)
        The trajectory; row 0 is `x0`. Rows after an overflow are inf or nan.

    Raises
    ------
    ValueError
        As in `gdutils.descent.gradient_descent`,
        and if `beta` is outside [0, 1).

    References
    ----------
    Y. E. Nesterov, "A method for solving the convex programming problem with
    convergence rate O(1/k^2)", Soviet Mathematics Doklady 27(2), 372-376, 1983.

    I. Sutskever, J. Martens, G. Dahl and G. Hinton, "On the importance of
    initialization and momentum in deep learning", ICML 2013.

    Examples
    --------
    >>> nesterov(lambda x: 2 * x, [10.0], eta=0.1, beta=0.5, steps=2)[:, 0]
    array([10. ,  7. ,  4.4])
    """
    schedule = as_schedule(eta)
    beta = _check_beta("beta", beta)
    v = 0.0

    def update(t, x, g):
        nonlocal v
        v = beta * v + g
        return x - schedule(t) * (g + beta * v)

    return _follow(grad, x0, steps, update)


def optimal_heavy_ball(mu, L):
    """Return the step size and momentum at which `heavy_ball` is fastest on a quadratic.

    With kappa = L / mu, ``beta = ((sqrt(kappa) - 1) / (sqrt(kappa) + 1))^2`` and
    ``eta = (2 / (sqrt(L) + sqrt(mu)))^2``. The error then falls like
    ``t * sqrt(beta)^t`` in the worst case.

    Parameters
    ----------
    mu, L : float
        The smallest and the largest eigenvalue of the Hessian, ``0 < mu <= L``.

    Returns
    -------
    HeavyBall
        The named tuple ``(eta, beta)``.

    Raises
    ------
    ValueError
        If `mu` is not positive or `L` is below it.

    References
    ----------
    B. T. Polyak, "Some methods of speeding up the convergence of iteration
    methods", USSR Computational Mathematics and Mathematical Physics 4(5),
    1-17, 1964.

    Examples
    --------
    >>> optimal_heavy_ball(mu=1.0, L=9.0)
    HeavyBall(eta=0.25, beta=0.25)
    """
    mu = _validate.number("mu", mu, above=0)
    L = _validate.number("L", L, at_least=mu)
    low, high = mu**0.5, L**0.5
    return HeavyBall(eta=(2 / (low + high)) ** 2, beta=((high - low) / (high + low)) ** 2)


def adagrad(grad, x0, eta, steps, eps=1e-10):
    """Divide each component by the root of the sum of its squared gradients so far.

    Computes ``s = s + g^2``, then ``x = x - eta(t) * g / (sqrt(s) + eps)``, as
    `torch.optim.Adagrad`.

    Parameters
    ----------
    grad, x0, eta, steps
        As in `gdutils.descent.gradient_descent`.
    eps : float
        Keeps the quotient finite, positive.

    Returns
    -------
    numpy.ndarray, shape (steps + 1, d)
        The trajectory; row 0 is `x0`. Rows after an overflow are inf or nan.

    Raises
    ------
    ValueError
        As in `gdutils.descent.gradient_descent`,
        and if `eps` is not positive.

    References
    ----------
    J. Duchi, E. Hazan and Y. Singer, "Adaptive Subgradient Methods for Online
    Learning and Stochastic Optimization", Journal of Machine Learning Research
    12, 2121-2159, 2011.

    Examples
    --------
    >>> adagrad(lambda x: x * [0.2, 4.0], [-5.0, -2.0], 0.4, steps=1)[-1]
    array([-4.6, -1.6])
    """
    schedule = as_schedule(eta)
    eps = _validate.number("eps", eps, above=0)
    s = 0.0

    def update(t, x, g):
        nonlocal s
        s = s + g**2
        return x - schedule(t) * g / (np.sqrt(s) + eps)

    return _follow(grad, x0, steps, update)


def rmsprop(grad, x0, eta, steps, beta=0.99, eps=1e-8):
    """Divide each component by the root of a fading mean of its squared gradients.

    Computes ``s = beta * s + (1 - beta) * g^2``, then
    ``x = x - eta(t) * g / (sqrt(s) + eps)``, as `torch.optim.RMSprop`, which calls
    `beta` ``alpha``. Its first step is ``1 / sqrt(1 - beta)`` times as long as
    `eta`, because s starts at zero; `adam` corrects that.

    Parameters
    ----------
    grad, x0, eta, steps
        As in `gdutils.descent.gradient_descent`.
    beta : float
        What the mean keeps from one step to the next, in [0, 1).
    eps : float
        Keeps the quotient finite, positive.

    Returns
    -------
    numpy.ndarray, shape (steps + 1, d)
        The trajectory; row 0 is `x0`. Rows after an overflow are inf or nan.

    Raises
    ------
    ValueError
        As in `gdutils.descent.gradient_descent`,
        and if `beta` is outside [0, 1) or `eps` is not positive.

    References
    ----------
    T. Tieleman and G. Hinton, "Lecture 6.5: RMSProp", COURSERA: Neural Networks
    for Machine Learning, 2012.

    Examples
    --------
    >>> rmsprop(lambda x: x * [0.2, 4.0], [-5.0, -2.0], 0.1, steps=1)[-1].round(6)
    array([-4., -1.])
    """
    schedule = as_schedule(eta)
    beta = _check_beta("beta", beta)
    eps = _validate.number("eps", eps, above=0)
    s = 0.0

    def update(t, x, g):
        nonlocal s
        s = beta * s + (1 - beta) * g**2
        return x - schedule(t) * g / (np.sqrt(s) + eps)

    return _follow(grad, x0, steps, update)


def adam(grad, x0, eta, steps, beta1=0.9, beta2=0.999, eps=1e-8, bias_correction=True):
    """Divide a fading mean of the gradients by the root of one of their squares.

    Computes ``m = beta1 * m + (1 - beta1) * g`` and
    ``s = beta2 * s + (1 - beta2) * g^2``, then
    ``x = x - eta(t) * m^ / (sqrt(s^) + eps)``, as `torch.optim.Adam`. After k steps
    the weights of m sum to ``1 - beta1^k`` only, hence ``m^ = m / (1 - beta1^k)``,
    and likewise for s. For a penalty in the loss, pass its gradient as part of
    `grad`; `adamw` decays the weights beside the loss.

    Parameters
    ----------
    grad, x0, eta, steps
        As in `gdutils.descent.gradient_descent`.
    beta1, beta2 : float
        What the two means keep from one step to the next, in [0, 1).
    eps : float
        Keeps the quotient finite, positive.
    bias_correction : bool
        Without it, ``m^ = m`` and ``s^ = s``, which torch does not offer.

    Returns
    -------
    numpy.ndarray, shape (steps + 1, d)
        The trajectory; row 0 is `x0`. Rows after an overflow are inf or nan.

    Raises
    ------
    ValueError
        As in `gdutils.descent.gradient_descent`,
        and if `beta1` or `beta2` is outside [0, 1) or `eps` is not positive.

    References
    ----------
    D. P. Kingma and J. Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015.

    Examples
    --------
    >>> adam(lambda x: x * [0.2, 4.0], [-5.0, -2.0], 0.1, steps=1)[-1].round(6)
    array([-4.9, -1.9])
    """
    return adamw(grad, x0, eta, steps, beta1, beta2, eps, 0.0, bias_correction)


def adamw(
    grad, x0, eta, steps, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.01, bias_correction=True
):
    """Shrink x by the factor ``1 - eta(t) * weight_decay``, then take the step of `adam`.

    As `torch.optim.AdamW`. The decay does not pass through the quotient, so all
    components shrink alike; the gradient of a penalty would be divided by the
    root of the squares like any other.

    Parameters
    ----------
    grad, x0, eta, steps
        As in `gdutils.descent.gradient_descent`.
    beta1, beta2, eps, bias_correction
        As in `adam`.
    weight_decay : float
        Zero or positive; 0 is `adam`.

    Returns
    -------
    numpy.ndarray, shape (steps + 1, d)
        The trajectory; row 0 is `x0`. Rows after an overflow are inf or nan.

    Raises
    ------
    ValueError
        As in `gdutils.descent.gradient_descent`,
        and if one of `adam`'s numbers is out of its range or `weight_decay` is negative.

    References
    ----------
    I. Loshchilov and F. Hutter, "Decoupled Weight Decay Regularization", ICLR 2019.

    Examples
    --------
    >>> adamw(lambda x: 0 * x, [10.0], eta=0.1, steps=2, weight_decay=0.5)[:, 0]
    array([10.   ,  9.5  ,  9.025])
    """
    schedule = as_schedule(eta)
    beta1, beta2 = _check_beta("beta1", beta1), _check_beta("beta2", beta2)
    eps = _validate.number("eps", eps, above=0)
    weight_decay = _validate.number("weight_decay", weight_decay, at_least=0)
    m = s = 0.0

    def update(t, x, g):
        nonlocal m, s
        m = beta1 * m + (1 - beta1) * g
        s = beta2 * s + (1 - beta2) * g**2
        # The weights of the k = t + 1 gradients so far sum to 1 - beta^k.
        of_m, of_s = (1 - beta1 ** (t + 1), 1 - beta2 ** (t + 1)) if bias_correction else (1, 1)
        shrunk = x * (1 - schedule(t) * weight_decay)
        return shrunk - schedule(t) * (m / of_m) / (np.sqrt(s / of_s) + eps)

    return _follow(grad, x0, steps, update)


def _follow(grad, x0, steps, update):
    """Return the trajectory of ``x[t+1] = update(t, x[t], grad(x[t]))``."""
    _validate.function("grad", grad)
    x0 = _validate.array("x0", x0, ndim=1)
    steps = _validate.count("steps", steps)
    trajectory = np.empty((steps + 1, x0.size))
    trajectory[0] = x0
    # An overflow is a result here, not an accident: no warning on stderr.
    with np.errstate(over="ignore", invalid="ignore"):
        for t in range(steps):
            x = trajectory[t]
            trajectory[t + 1] = update(t, x, gradient_at(grad, x, t))
    return trajectory


def _check_beta(name, value):
    return _validate.number(name, value, at_least=0, below=1)
