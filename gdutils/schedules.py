"""Step sizes as pure functions of the step number.

A schedule maps the step number t = 0, 1, 2, ... to a step size. It keeps no
counter, so the same t always gives the same value, in any order. Schedules
compose: `shifted`, `chained` and `warmup` take schedules and return one, and
`as_factor` makes one serve `torch.optim.lr_scheduler.LambdaLR`.
"""

import inspect
import itertools
import math

from gdutils import _validate


def constant(eta):
    """Return ``eta`` at every step.

    Parameters
    ----------
    eta : float
        Step size, positive.

    Returns
    -------
    callable
        Maps the step number to a step size.

    Raises
    ------
    ValueError
        If `eta` is not positive.

    Examples
    --------
    >>> constant(0.1)(1000)
    0.1
    """
    eta = _validate.number("eta", eta, above=0)
    return lambda t: eta


def piecewise(values, milestones):
    """Hold ``values[i]`` until step ``milestones[i]``, then go on to the next.

    Parameters
    ----------
    values : sequence of float
        Positive step sizes, one more than there are milestones.
    milestones : sequence of int
        The steps at which the value changes, strictly increasing.

    Returns
    -------
    callable
        Maps the step number to a step size.

    Raises
    ------
    ValueError
        If the lengths do not fit, a value is not positive, or the milestones
        are not whole numbers in strictly increasing order.

    Examples
    --------
    >>> schedule = piecewise([0.1, 0.01], [100])
    >>> schedule(99), schedule(100)
    (0.1, 0.01)
    """
    values = [_validate.number(f"values[{i}]", v, above=0) for i, v in enumerate(values)]
    milestones = _check_milestones(milestones, "values", len(values))
    return lambda t: values[sum(m <= t for m in milestones)]


def exponential(eta, rate):
    """Return ``eta * exp(-rate * t)``; `rate` is per step.

    Parameters
    ----------
    eta : float
        First step size, positive.
    rate : float
        Of the decay, per step, zero or positive.

    Returns
    -------
    callable
        Maps the step number to a step size.

    Raises
    ------
    ValueError
        If `eta` is not positive or `rate` is negative.

    Examples
    --------
    >>> round(exponential(0.1, 0.1)(10), 6)
    0.036788
    """
    eta = _validate.number("eta", eta, above=0)
    rate = _validate.number("rate", rate, at_least=0)
    return lambda t: eta * math.exp(-rate * t)


def polynomial(eta, rate, power):
    """Return ``eta * (1 + rate * t) ** -power``; `rate` is per step.

    Parameters
    ----------
    eta : float
        First step size, positive.
    rate : float
        Of the decay, per step, zero or positive.
    power : float
        Zero or positive.

    Returns
    -------
    callable
        Maps the step number to a step size.

    Raises
    ------
    ValueError
        If `eta` is not positive, or `rate` or `power` is negative.

    Examples
    --------
    >>> round(polynomial(0.1, 0.1, 0.5)(30), 6)
    0.05
    """
    eta = _validate.number("eta", eta, above=0)
    rate = _validate.number("rate", rate, at_least=0)
    power = _validate.number("power", power, at_least=0)
    return lambda t: eta * (1 + rate * t) ** -power


def cosine(eta, steps, eta_min=0.0):
    """Fall from `eta` to `eta_min` along half a cosine over `steps` steps, then stay.

    Parameters
    ----------
    eta : float
        First step size, positive.
    steps : int
        Number of steps, at least 1.
    eta_min : float
        Last step size, from 0 to `eta`.

    Returns
    -------
    callable
        Maps the step number to a step size.

    Raises
    ------
    ValueError
        If a number is out of its range.

    References
    ----------
    I. Loshchilov and F. Hutter, "SGDR: Stochastic Gradient Descent with Warm
    Restarts", ICLR 2017.

    Examples
    --------
    >>> schedule = cosine(0.2, steps=100)
    >>> schedule(0), round(schedule(50), 6), schedule(100), schedule(101)
    (0.2, 0.1, 0.0, 0.0)
    """
    eta = _validate.number("eta", eta, above=0)
    steps = _validate.count("steps", steps)
    eta_min = _validate.number("eta_min", eta_min, at_least=0, at_most=eta)

    def schedule(t):
        done = min(t / steps, 1.0)
        return eta_min + (eta - eta_min) * (1 + math.cos(math.pi * done)) / 2

    return schedule


def warmup(schedule, steps):
    """Climb in `steps` equal steps to the start of `schedule`, then follow it.

    Step ``t < steps`` gives ``schedule(0) * (t + 1) / steps``, so that the
    first step is not zero; step ``steps`` is ``schedule(0)``.

    Parameters
    ----------
    schedule : callable
        What to follow after the climb.
    steps : int
        Steps of the climb, at least 1.

    Returns
    -------
    callable
        Maps the step number to a step size.

    Raises
    ------
    ValueError
        If `schedule` is not a function or `steps` is not positive.

    Examples
    --------
    >>> schedule = warmup(constant(0.1), steps=4)
    >>> [round(schedule(t), 3) for t in range(5)]
    [0.025, 0.05, 0.075, 0.1, 0.1]
    """
    _validate.function("schedule", schedule)
    steps = _validate.count("steps", steps)
    return lambda t: schedule(0) * (t + 1) / steps if t < steps else schedule(t - steps)


def one_cycle(eta, steps, warm=0.3):
    """Climb linearly to `eta`, then fall to zero along half a cosine.

    The first ``round(warm * steps)`` steps (at least one) climb.

    Parameters
    ----------
    eta : float
        Largest step size, positive.
    steps : int
        Steps of the whole cycle, at least 2.
    warm : float
        Share of the steps that climb, between 0 and 1.

    Returns
    -------
    callable
        Maps the step number to a step size.

    Raises
    ------
    ValueError
        If a number is out of its range.

    References
    ----------
    L. N. Smith and N. Topin, "Super-Convergence: Very Fast Training of Neural
    Networks Using Large Learning Rates", 2018, arXiv:1708.07120.

    Examples
    --------
    >>> schedule = one_cycle(0.4, steps=100)
    >>> schedule(29), schedule(30), round(schedule(65), 6), schedule(100)
    (0.4, 0.4, 0.2, 0.0)
    """
    steps = _validate.count("steps", steps, at_least=2)
    warm = _validate.number("warm", warm, above=0, below=1)
    climb = max(1, min(steps - 1, round(warm * steps)))
    return warmup(cosine(eta, steps - climb), climb)


def shifted(schedule, by):
    """Return the schedule that starts at step `by` of another: ``schedule(t + by)``.

    Parameters
    ----------
    schedule : callable
        Maps the step number to a step size.
    by : int
        Zero or positive.

    Returns
    -------
    callable
        Maps the step number to a step size.

    Raises
    ------
    ValueError
        If `schedule` is not a function or `by` is negative.

    Examples
    --------
    >>> schedule = shifted(exponential(0.1, 0.1), by=2)
    >>> schedule(0) == exponential(0.1, 0.1)(2)
    True
    """
    _validate.function("schedule", schedule)
    by = _validate.count("by", by, at_least=0)
    return lambda t: schedule(t + by)


def chained(schedules, milestones):
    """Follow ``schedules[i]`` until step ``milestones[i]``, then the next from its own step 0.

    Parameters
    ----------
    schedules : sequence of callable
        One more than there are milestones.
    milestones : sequence of int
        The steps at which the schedule changes, strictly increasing.

    Returns
    -------
    callable
        Maps the step number to a step size.

    Raises
    ------
    ValueError
        If the lengths do not fit, a schedule is not a function, or the
        milestones are not whole numbers in strictly increasing order.

    Examples
    --------
    >>> schedule = chained([constant(0.2), cosine(0.1, steps=10)], [100])
    >>> schedule(99), schedule(100), round(schedule(105), 6)
    (0.2, 0.1, 0.05)
    """
    schedules = [_validate.function(f"schedules[{i}]", s) for i, s in enumerate(schedules)]
    milestones = _check_milestones(milestones, "schedules", len(schedules))

    def schedule(t):
        passed = sum(m <= t for m in milestones)
        return schedules[passed](t - milestones[passed - 1] if passed else t)

    return schedule


def as_factor(schedule, base):
    """Return ``schedule(t) / base``, for torch, which multiplies it by `base` again.

    Parameters
    ----------
    schedule : callable
        Maps the step number to a step size.
    base : float
        The ``lr`` that the torch optimiser is given, positive.

    Returns
    -------
    callable
        Maps the step number to a factor, for ``LambdaLR``.

    Raises
    ------
    ValueError
        If `schedule` is not a function or `base` is not positive.

    Examples
    --------
    >>> import torch
    >>> schedule = exponential(0.1, 0.5)
    >>> optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    >>> scheduler = torch.optim.lr_scheduler.LambdaLR(optimiser, as_factor(schedule, base=0.1))
    >>> optimiser.step()
    >>> scheduler.step()
    >>> optimiser.param_groups[0]["lr"] == schedule(1)
    True
    """
    _validate.function("schedule", schedule)
    base = _validate.number("base", base, above=0)
    return lambda t: schedule(t) / base


_BY_NAME = {
    make.__name__: make
    for make in (constant, cosine, exponential, one_cycle, piecewise, polynomial, warmup)
}


def by_name(name, **parameters):
    """Return the schedule of that name, for a choice that is made by text.

    Parameters
    ----------
    name : str
        ``"constant"``, ``"cosine"``, ``"exponential"``, ``"one_cycle"``,
        ``"piecewise"``, ``"polynomial"`` or ``"warmup"``.
    **parameters
        As the function of that name takes them.

    Returns
    -------
    callable
        Maps the step number to a step size.

    Raises
    ------
    ValueError
        If the name is unknown, a parameter is missing or unknown, or its value
        is not allowed.

    Examples
    --------
    >>> by_name("cosine", eta=0.2, steps=100)(0)
    0.2
    """
    if name not in _BY_NAME:
        raise ValueError(f"a schedule is one of {', '.join(_BY_NAME)}, got {name!r}")
    signature = inspect.signature(_BY_NAME[name])
    try:
        signature.bind(**parameters)
    except TypeError as error:
        raise ValueError(f"{name} takes {signature}, got {parameters}: {error}") from error
    return _BY_NAME[name](**parameters)


def _check_milestones(milestones, name, pieces):
    """Return `milestones` as a list of ints that separates so many pieces, or raise ValueError."""
    milestones = [_validate.count(f"milestones[{i}]", m) for i, m in enumerate(milestones)]
    if pieces != len(milestones) + 1:
        raise ValueError(
            f"{name} must be one longer than milestones, "
            f"got {pieces} {name} and {len(milestones)} milestones"
        )
    if any(a >= b for a, b in itertools.pairwise(milestones)):
        raise ValueError(f"milestones must increase strictly, got {milestones}")
    return milestones
