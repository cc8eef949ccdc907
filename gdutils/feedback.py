"""Feedback on the exercises: what is wrong with an answer, not only that something is.

The checks stand in the open, beside the solutions; scores that count come from
the instructors' grader.
"""

import numbers

import numpy as np


class Feedback(str):
    """A sentence for the student, with a mark.

    Attributes
    ----------
    passed : bool
        Whether the answer was right.
    """

    passed = False

    def __new__(cls, text, passed):
        self = super().__new__(cls, text)
        self.passed = passed
        return self

    def __repr__(self):
        return str(self)


def check(answer, cases, rtol=1e-6, atol=1e-9, hint=""):
    """Try a function on several arguments and say what is wrong with its first wrong answer.

    Parameters
    ----------
    answer : callable
        The student's function.
    cases : sequence of (tuple, expected)
        Arguments, and the value, array or bool that they must give.
    rtol, atol : float
        As in `numpy.allclose`.
    hint : str
        Added to the message when the kind and shape are right and the value is not.

    Returns
    -------
    Feedback
        Starts with ``Correct`` or ``Not yet``.

    Raises
    ------
    ValueError
        If `cases` is empty.

    Examples
    --------
    >>> check(lambda x: 2 * x, [((3.0,), 9.0)])
    Not yet: for 3, expected 9, got 6.
    >>> check(lambda x: x**2, [((3.0,), 9.0)])
    Correct: 1 case passed.
    """
    if not cases:
        raise ValueError("cases must hold at least one pair of arguments and expected value, got 0")
    for arguments, expected in cases:
        where = "for " + ", ".join(_show(a) for a in arguments)
        copies = [a.copy() if isinstance(a, np.ndarray) else a for a in arguments]
        try:
            got = answer(*copies)
        except Exception as error:  # whatever the student's code raises is the feedback
            return Feedback(f"Not yet: {where}, it raised {type(error).__name__}: {error}", False)
        problem = difference(got, expected, rtol=rtol, atol=atol)
        if problem:
            return _not_yet(f"{where}, {problem}", hint)
        if any(
            isinstance(a, np.ndarray) and not np.array_equal(a, c, equal_nan=True)
            for a, c in zip(arguments, copies, strict=True)
        ):
            return Feedback(f"Not yet: {where}, it changed its argument; work on a copy.", False)
    number = len(cases)
    return Feedback(f"Correct: {number} case{'s' * (number > 1)} passed.", True)


def check_value(answer, expected, rtol=1e-3, atol=1e-9, hint=""):
    """Compare one number or array with the expected one.

    Parameters
    ----------
    answer, expected : number, array or bool
        The student's, and the right one.
    rtol, atol : float
        As in ``numpy.allclose``.
    hint : str
        Added to the message when the kind and shape are right and the value is not.

    Returns
    -------
    Feedback

    Examples
    --------
    >>> check_value(None, 0.5)
    Not yet: got None: is a `return` or an assignment missing?
    >>> check_value(0.50001, 0.5)
    Correct.
    """
    problem = difference(answer, expected, rtol=rtol, atol=atol)
    return _not_yet(problem, hint) if problem else Feedback("Correct.", True)


def _not_yet(problem, hint):
    """End the sentence, and add the hint where there is a value to think about."""
    mark = "" if problem.endswith("?") else "."
    tail = f" {hint}" if hint and "expected" in problem else ""
    return Feedback(f"Not yet: {problem}{mark}{tail}", False)


def difference(got, expected, rtol=1e-6, atol=1e-9):
    """Say in a few words how `got` differs from `expected`; an empty string if it does not.

    Looks, in this order, at: a missing value, the kind, the shape, values that
    are not finite, and the values themselves, where a wrong sign and a constant
    factor are recognised.

    Parameters
    ----------
    got, expected : number, array or bool
        What came, and what should have come.
    rtol, atol : float
        As in ``numpy.allclose``.

    Returns
    -------
    str
    """
    if got is None or got is Ellipsis:
        return "got None: is a `return` or an assignment missing?"
    if isinstance(expected, bool | np.bool_):
        if not isinstance(got, bool | np.bool_):
            return f"expected True or False, got {_show(got)}"
        return "" if bool(got) == bool(expected) else f"expected {expected}, got {got}"
    try:
        value = np.asarray(got, dtype=np.float64)
    except (TypeError, ValueError):
        return f"expected a number or an array of numbers, got {type(got).__name__}"
    wanted = np.asarray(expected, dtype=np.float64)
    if value.shape != wanted.shape:
        return _shape_problem(value.shape, wanted.shape)
    if np.isfinite(wanted).all() and not np.isfinite(value).all():
        return f"expected finite values, got {_show(value)}"
    if np.allclose(value, wanted, rtol=rtol, atol=atol, equal_nan=True):
        return ""
    return f"expected {_show(wanted)}, got {_show(value)}" + _pattern(value, wanted, rtol)


def _shape_problem(got, wanted):
    text = f"expected shape {wanted}, got {got}"
    if not wanted:
        return f"expected one number, got an array of shape {got}"
    if len(got) == len(wanted) and got[1:] == wanted[1:] and abs(got[0] - wanted[0]) == 1:
        text += ": is row 0 the start, and is there a row for every step?"
    elif np.prod(got) == np.prod(wanted):
        text += ": right number of values, wrong shape"
    return text


def _pattern(value, wanted, rtol):
    """Recognise the commonest wrong answers: the sign, or one constant factor."""
    if np.allclose(value, -wanted, rtol=rtol):
        return ": the sign is wrong"
    used = np.abs(wanted) > 1e-12
    if not used.any() or not np.allclose(value[~used], 0):
        return ""
    ratio = value[used] / wanted[used]
    if (
        np.allclose(ratio, ratio.flat[0], rtol=1e-6)
        and np.isclose(ratio.flat[0], [0.25, 0.5, 2, 4], rtol=1e-6).any()
    ):
        return f": {ratio.flat[0]:g} times too {'large' if ratio.flat[0] > 1 else 'small'}"
    return ""


def _show(value):
    """Write a value shortly: numbers with six digits, long arrays by their shape."""
    if isinstance(value, numbers.Real) and not isinstance(value, bool):
        return f"{value:.6g}"
    if isinstance(value, np.ndarray | list | tuple):
        value = np.asarray(value)
        if value.ndim == 0:
            return f"{value[()]:.6g}"
        if value.size > 9:
            return f"an array of shape {value.shape}"
        return np.array2string(value, precision=6, separator=", ").replace("\n", "")
    # The repr of a function holds its address, which differs from run to run.
    return value.__name__ if callable(value) else repr(value)
