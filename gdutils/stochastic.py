"""Gradients that are only right on average: noise, ensembles of runs, samples, tail averages.

Chance enters through `rng`, a `numpy.random.Generator`, and nowhere else: the
same seed gives the same trajectory.
"""

import itertools

import numpy as np

from gdutils import _validate
from gdutils._steps import as_schedule, gradient_at
from gdutils.descent import gradient_descent


def noisy(grad, scale, rng, mean=0.0):
    """Return `grad` with normal noise of standard deviation `scale` added to each component.

    Parameters
    ----------
    grad : callable
        Maps a point to the gradient of the same shape.
    scale : float
        Standard deviation, zero or positive.
    rng : numpy.random.Generator
        Where the noise comes from; each call of the result draws from it.
    mean : float
        Of the noise. Where it is not zero, the gradient is biased, and descent on a
        quadratic with the Hessian H settles around the minimiser minus ``inv(H) @ mean``.

    Returns
    -------
    callable

    Raises
    ------
    ValueError
        If `grad` is not a function, `scale` is negative, `rng` is not a
        generator, or a number is not finite.

    Examples
    --------
    >>> g = noisy(lambda x: 2 * x, scale=1.0, rng=np.random.default_rng(0))
    >>> gradient_descent(g, [10.0], eta=0.1, steps=50).shape
    (51, 1)
    """
    _validate.function("grad", grad)
    scale = _validate.number("scale", scale, at_least=0)
    mean = _validate.number("mean", mean)
    _check_generator(rng)

    def noisy_grad(x):
        g = np.asarray(grad(x), dtype=np.float64)
        return g + rng.normal(mean, scale, g.shape)

    return noisy_grad


def ensemble(grad, x0, eta, steps, runs, scale, rng, mean=0.0, keep=None):
    """Descend `runs` times at once from one start, each run with noise of its own.

    Computes ``x[t+1] = x[t] - eta(t) * (grad(x[t]) + noise)`` for all runs
    together, one row a run.

    Parameters
    ----------
    grad : callable
        Maps points of shape ``(runs, d)`` to their gradients of the same shape,
        each row by itself. For a quadratic with the Hessian H and the minimiser
        at zero that is ``lambda x: x @ H``.
    x0 : array_like, shape (d,)
        Start of every run.
    eta : float or callable
        Step size, or a function of the step number (see `gdutils.schedules`).
    steps, runs : int
        Their numbers, at least 1.
    scale : float
        Standard deviation of the noise, zero or positive.
    rng : numpy.random.Generator
        Where the noise comes from.
    mean : float
        Of the noise.
    keep : sequence of int, optional
        Steps whose rows are returned, strictly increasing, from 0 (the start) to
        `steps`: ``[steps]`` keeps the last, ``range(0, steps + 1, 10)`` every
        tenth. All when left out, which is ``16 * steps * runs`` bytes in two
        dimensions.

    Returns
    -------
    numpy.ndarray, shape (steps + 1, runs, d) or (len(keep), runs, d)
        The trajectories. Rows after an overflow are inf or nan.

    Raises
    ------
    ValueError
        If an argument is not as described.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> last = ensemble(lambda x: x * [2, 4], [-5, -2], 0.1, 200, 4000, 1.0, rng, keep=[200])
    >>> last.shape, last.var(axis=1).round(3)
    ((1, 4000, 2), array([[0.028, 0.016]]))
    """
    x0 = _validate.array("x0", x0, ndim=1)
    steps = _validate.count("steps", steps)
    runs = _validate.count("runs", runs)
    schedule = as_schedule(eta)
    grad = noisy(grad, scale, rng, mean)
    keep = np.arange(steps + 1) if keep is None else _check_keep(keep, steps)
    kept = np.empty((len(keep), runs, x0.size))
    x = np.tile(x0, (runs, 1))
    row = 0
    # An overflow is a result here, not an accident: no warning on stderr.
    with np.errstate(over="ignore", invalid="ignore"):
        for t in range(keep[-1] + 1):
            if t == keep[row]:
                kept[row] = x
                row += 1
            if t < keep[-1]:
                x = x - schedule(t) * gradient_at(grad, x, t)
    return kept


def stationary_variance(eta, curvature, scale):
    """Return the variance at which noisy descent with a constant step settles on a quadratic.

    Along an eigenvector of the Hessian, ``x[t+1] = (1 - eta * lam) * x[t] - eta * noise``
    is an autoregression of order one, whose variance tends to
    ``eta^2 s^2 / (1 - (1 - eta lam)^2) = eta s^2 / (lam * (2 - eta lam))``.

    Parameters
    ----------
    eta : float
        Constant step size, positive.
    curvature : float or array_like, shape (d,)
        Eigenvalues lam of the Hessian, with ``0 < eta * lam < 2``.
    scale : float
        Standard deviation s of the noise in the gradient, zero or positive.

    Returns
    -------
    float or numpy.ndarray, shape (d,)
        As `curvature`.

    Raises
    ------
    ValueError
        If a number is not finite or out of its range; beyond ``eta * lam = 2``
        descent diverges and nothing settles.

    Examples
    --------
    >>> stationary_variance(0.1, [2.0, 4.0], 1.0).round(7)
    array([0.0277778, 0.015625 ])
    """
    eta = _validate.number("eta", eta, above=0)
    lam = _validate.array("curvature", curvature, ndim=min(np.ndim(curvature), 1))
    scale = _validate.number("scale", scale, at_least=0)
    outside = (eta * lam <= 0) | (eta * lam >= 2)
    if outside.any():
        raise ValueError(
            "eta * curvature must lie between 0 and 2, where descent settles, "
            f"got {eta * lam[outside][0]:.6g}"
        )
    variance = eta * scale**2 / (lam * (2 - eta * lam))
    return variance if variance.ndim else float(variance)


def sgd(sample_grad, n, x0, eta, steps, rng, batch=1, replacement=True):
    """Descend on the mean of n functions, at each step by the gradients of a few drawn samples.

    Computes ``x[t+1] = x[t] - eta(t) * mean(sample_grad(x[t], i))``, with i the
    samples drawn for this step.

    Parameters
    ----------
    sample_grad : callable
        Maps a point of shape ``(d,)`` and sample numbers of shape ``(b,)`` to the
        gradients of these samples, shape ``(b, d)``: one row a sample.
    n : int
        Number of samples; they are numbered from 0 to n - 1.
    x0 : array_like, shape (d,)
        Start.
    eta : float or callable
        Step size, or a function of the step number (see `gdutils.schedules`).
    steps : int
        Number of steps, at least 1.
    rng : numpy.random.Generator
        Where the sample numbers come from.
    batch : int
        Samples a step, from 1 to n.
    replacement : bool
        With it, each sample is drawn from all n. Without, the samples are
        shuffled once an epoch and taken in turn; the last batch of an epoch is
        smaller where `batch` does not divide n.

    Returns
    -------
    numpy.ndarray, shape (steps + 1, d)
        The trajectory; row 0 is `x0`. Rows after an overflow are inf or nan.

    Raises
    ------
    ValueError
        If an argument is not as described, or `sample_grad` returns another shape.

    References
    ----------
    H. Robbins and S. Monro, "A Stochastic Approximation Method", The Annals of
    Mathematical Statistics 22(3), 400-407, 1951.

    Examples
    --------
    >>> features = np.array([1.0, 2.0, 3.0])  # y = 2 x, and descent looks for the 2
    >>> def sample_grad(w, i):
    ...     return ((features[i] * w - 2 * features[i]) * features[i])[:, None]
    >>> sgd(sample_grad, 3, [1.0], 0.05, 100, np.random.default_rng(0))[-1].round(6)
    array([2.])
    """
    _validate.function("sample_grad", sample_grad)
    n = _validate.count("n", n)
    batch = _validate.count("batch", batch)
    if batch > n:
        raise ValueError(f"batch must be at most the number of samples, {n}, got {batch}")
    _check_generator(rng)
    draws = _draws(n, batch, rng, replacement)

    def batch_grad(x):
        i = next(draws)
        rows = np.asarray(sample_grad(x, i), dtype=np.float64)
        if rows.shape != (i.size, x.size):
            raise ValueError(
                f"sample_grad must return one row a sample, shape {(i.size, x.size)}, "
                f"got {rows.shape}"
            )
        return rows.mean(axis=0)

    return gradient_descent(batch_grad, x0, eta, steps)


def polyak_average(trajectory, start=0):
    """Return the average of the iterates since `start`, after each of them.

    Row k is the mean of the rows ``start`` to ``start + k`` of `trajectory`, so
    the last row is the average of the whole tail.

    Parameters
    ----------
    trajectory : array_like, shape (steps + 1, ...)
        Of one run or of an ensemble.
    start : int
        First row that counts; with it the memory of the start is cut off.

    Returns
    -------
    numpy.ndarray, shape (steps + 1 - start, ...)

    Raises
    ------
    ValueError
        If `trajectory` is not an array of numbers with rows, or has no row `start`.

    References
    ----------
    B. T. Polyak and A. B. Juditsky, "Acceleration of Stochastic Approximation by
    Averaging", SIAM Journal on Control and Optimization 30(4), 838-855, 1992.

    Examples
    --------
    >>> polyak_average([[9.0], [1.0], [2.0], [6.0]], start=1)[:, 0]
    array([1. , 1.5, 3. ])
    """
    try:
        rows = np.asarray(trajectory, dtype=np.float64)  # may hold inf and nan, if it diverged
    except (TypeError, ValueError) as error:
        raise ValueError(f"trajectory must be an array of numbers, got {trajectory!r}") from error
    if rows.ndim == 0 or rows.size == 0:
        raise ValueError(f"trajectory must have rows, got shape {rows.shape}")
    start = _validate.count("start", start, at_least=0)
    if start >= len(rows):
        raise ValueError(f"start must be below the number of rows, {len(rows)}, got {start}")
    tail = rows[start:]
    counts = np.arange(1, len(tail) + 1).reshape(-1, *[1] * (tail.ndim - 1))
    with np.errstate(over="ignore", invalid="ignore"):
        return tail.cumsum(axis=0) / counts


def _draws(n, batch, rng, replacement):
    """Yield the sample numbers of one step after another, for ever."""
    while True:
        if replacement:
            yield rng.integers(n, size=batch)
        else:
            order = rng.permutation(n)
            for start in range(0, n, batch):
                yield order[start : start + batch]


def _check_generator(rng):
    if not isinstance(rng, np.random.Generator):
        raise ValueError(
            f"rng must be a numpy.random.Generator such as numpy.random.default_rng(0), got {rng!r}"
        )


def _check_keep(keep, steps):
    """Return the step numbers `keep` as a list, or raise ValueError."""
    if np.ndim(keep) != 1 or len(keep) == 0:
        raise ValueError(f"keep must be a sequence of steps such as [0, {steps}], got {keep!r}")
    keep = [_validate.count(f"keep[{i}]", t, at_least=0) for i, t in enumerate(keep)]
    if any(a >= b for a, b in itertools.pairwise(keep)):
        raise ValueError(f"keep must increase strictly, got {keep}")
    if keep[-1] > steps:
        raise ValueError(f"keep must end at step {steps} at the latest, got {keep[-1]}")
    return keep
