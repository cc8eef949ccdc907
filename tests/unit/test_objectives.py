import numpy as np
import pytest
from numpy.testing import assert_allclose

from gdutils.objectives import least_squares, quadratic

RNG = np.random.default_rng(0)
X = RNG.normal(size=(20, 3))
Y = RNG.normal(size=20)
OBJECTIVES = {
    "quadratic": quadratic([[3.0, 1.0], [1.0, 2.0]], [1.0, -1.0]),
    "least squares": least_squares(X, Y),
    "ridge": least_squares(X, Y, ridge=0.3),
}


def central(function, x, h=1e-5):
    """Central differences of a function of (d,), along the first axis of the result."""
    steps = h * np.eye(x.size)
    return np.array([(function(x + e) - function(x - e)) / (2 * h) for e in steps])


@pytest.mark.parametrize("f", OBJECTIVES.values(), ids=OBJECTIVES)
def test_gradient_agrees_with_finite_differences(f):
    x = np.arange(1.0, f.minimiser.size + 1)
    assert_allclose(f.grad(x), central(f, x), rtol=1e-7)  # error h^2 times third derivative: zero


@pytest.mark.parametrize("f", OBJECTIVES.values(), ids=OBJECTIVES)
def test_hessian_agrees_with_finite_differences(f):
    x = np.arange(1.0, f.minimiser.size + 1)
    assert_allclose(f.hess(x), central(f.grad, x), rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("f", OBJECTIVES.values(), ids=OBJECTIVES)
def test_gradient_vanishes_at_the_minimiser(f):
    assert_allclose(f.grad(f.minimiser), 0, atol=1e-12)


def test_least_squares_returns_the_minimiser_of_least_norm_when_columns_depend():
    A = np.column_stack([X[:, 0], X[:, 0] + 1, np.ones(20)])
    f = least_squares(A, A @ [2.0, -3.4, 4.2])
    assert_allclose(f.minimiser, [-1.2, -0.2, 1.0], atol=1e-12)


def test_ridge_tends_to_the_minimiser_of_least_norm():
    A = np.column_stack([X[:, 0], X[:, 0] + 1, np.ones(20)])
    assert_allclose(least_squares(A, Y, 1e-9).minimiser, least_squares(A, Y).minimiser, atol=1e-7)


def test_there_is_no_hidden_intercept():
    assert least_squares(np.ones((4, 1)), np.ones(4))([0.0]) == 0.5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([[1.0, 2.0]],), r"hessian must be symmetric, got shape \(1, 2\)"),
        (([[1.0, 2.0], [0.0, 1.0]],), "hessian must be symmetric"),
        (([[1.0, 0.0], [0.0, -2.0]],), "hessian must have no negative eigenvalue, got -2"),
        (([[1.0]], [1.0, 2.0]), r"minimiser must have shape \(1,\), got \(2,\)"),
        (([[np.nan]],), r"hessian must be finite, got nan at \[0, 0\]"),
    ],
)
def test_bad_quadratic_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        quadratic(*arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((X, Y[:-1]), r"y must have one value for each of the 20 rows of X, got \(19,\)"),
        ((X, Y, -1.0), "ridge must be zero or positive, got -1.0"),
        ((X[:, 0], Y), r"X must have 2 dimension\(s\), got shape \(20,\)"),
        ((np.empty((0, 3)), []), r"X must not be empty, got shape \(0, 3\)"),
        ((X, np.full(20, np.nan)), r"y must be finite, got nan at \[0\]"),
    ],
)
def test_bad_least_squares_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        least_squares(*arguments)
