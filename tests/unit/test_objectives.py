import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from gdutils.objectives import (
    bowl,
    cosh,
    cubic,
    exp_minus_x,
    least_squares,
    quadratic,
    ripple,
    rosenbrock,
    rotated,
    saddle,
    square,
    tanh,
    wave,
)

RNG = np.random.default_rng(0)
X = RNG.normal(size=(20, 3))
Y = RNG.normal(size=20)
OBJECTIVES = {
    "quadratic": quadratic([[3.0, 1.0], [1.0, 2.0]], [1.0, -1.0]),
    "least squares": least_squares(X, Y),
    "ridge": least_squares(X, Y, ridge=0.3),
    "bowl": bowl(0.1, 2.0),
    "rotated": rotated(20.0, angle=0.3, mu=0.5),
    "saddle": saddle(),
    "Rosenbrock": rosenbrock(),
}
SCALARS = {
    "square": square(),
    "wave": wave(),
    "wave of c = 1": wave(1.0, (-1, 2)),
    "ripple": ripple(),
    "cubic": cubic(),
    "cosh": cosh(),
    "exp minus x": exp_minus_x(),
    "tanh": tanh(),
}
POINTS = np.linspace(-2.3, 2.9, 12).reshape(3, 4)


def point_of(f):
    """(1, 2, ...) in as many dimensions as f has."""
    return np.arange(1.0, 3.0 if f.minimiser is None else f.minimiser.size + 1.0)


def central(function, x, h=1e-5):
    """Central differences of a function of (d,), along the first axis of the result."""
    steps = h * np.eye(x.size)
    return np.array([(function(x + e) - function(x - e)) / (2 * h) for e in steps])


@pytest.mark.parametrize("f", OBJECTIVES.values(), ids=OBJECTIVES)
def test_gradient_agrees_with_finite_differences(f):
    x = point_of(f)
    # The error is h^2 times a third derivative: zero for all but Rosenbrock's.
    assert_allclose(f.grad(x), central(f, x), rtol=1e-7)


@pytest.mark.parametrize("f", OBJECTIVES.values(), ids=OBJECTIVES)
def test_hessian_agrees_with_finite_differences(f):
    x = point_of(f)
    assert_allclose(f.hess(x), central(f.grad, x), rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("f", OBJECTIVES.values(), ids=OBJECTIVES)
def test_the_known_minimiser_is_a_critical_point_without_a_way_down(f):
    if f.minimiser is None:
        assert np.linalg.eigvalsh(f.hess(np.zeros(2)))[0] < 0  # the saddle, at its critical point
        assert_array_equal(f.grad(np.zeros(2)), 0)
    else:
        assert_allclose(f.grad(f.minimiser), 0, atol=1e-12)
        assert np.linalg.eigvalsh(f.hess(f.minimiser))[0] > 0


@pytest.mark.parametrize("f", SCALARS.values(), ids=SCALARS)
def test_derivatives_of_a_scalar_agree_with_finite_differences_in_the_shape_of_the_argument(f):
    h = 1e-5
    for upper, lower in ((f.value, f.grad), (f.grad, f.hess)):
        slope = (upper(POINTS + h) - upper(POINTS - h)) / (2 * h)
        assert lower(POINTS).shape == POINTS.shape
        # h^2 / 6 times 0.2 (5 pi)^4, which is 2e-7, for the ripple; less for the others
        assert_allclose(lower(POINTS), slope, rtol=1e-6, atol=4e-7)


@pytest.mark.parametrize("f", SCALARS.values(), ids=SCALARS)
def test_a_scalar_takes_a_number_too(f):
    for function in (f, f.value, f.grad, f.hess):
        assert np.ndim(function(0.7)) == 0


@pytest.mark.parametrize("f", SCALARS.values(), ids=SCALARS)
def test_known_minimisers_of_a_scalar_are_minimisers_to_the_last_bits(f):
    for m in f.minimisers:
        # the last bit of m moves f' by f'' times that; f' itself rounds at its terms' size
        assert abs(f.grad(m)) <= 64 * np.finfo(float).eps * max(1.0, f.hess(m) * abs(m))
        assert f.hess(m) > 0


@pytest.mark.parametrize("f", SCALARS.values(), ids=SCALARS)
def test_no_minimiser_of_a_scalar_inside_its_interval_is_missing(f):
    low, high = np.clip(f.interval, -20, 20)
    x = np.linspace(low, high, 200_001)
    y = f(x)
    lowest = x[1:-1][(y[1:-1] < y[:-2]) & (y[1:-1] < y[2:])]
    assert_allclose(lowest, f.minimisers, atol=2 * (x[1] - x[0]))


def test_the_wave_has_the_minima_that_the_chapters_state():
    w = 0.15 * np.pi  # where f' = 0, (w x) tan(w x) = 1
    assert_allclose([w * m * np.tan(w * m) for m in wave().minimisers], 1, rtol=1e-13)
    assert_allclose(wave().minimisers, [-1.8256846, 7.2693881], atol=5e-8)
    f = wave(1.0, (-1, 2))
    assert_allclose(f.minimisers, [-0.27385, 1.09041], atol=5e-6)
    assert_allclose(f(np.array(f.minimisers)), [-0.17860, -1.04672], atol=5e-6)


def test_the_slope_of_tanh_neither_cancels_nor_overflows_far_out(recwarn):
    x = np.array([4.0, 20.0, -20.0, 1000.0])
    exact = [0.00134095068303, 4 * np.exp(-40), 4 * np.exp(-40), 0]  # 4 exp(-2x) beyond x = 18
    assert_allclose(tanh().grad(x), exact, rtol=1e-11)
    assert not recwarn.list


@pytest.mark.parametrize("angle", [0.0, 0.3, np.pi / 4, 2.0])
def test_rotated_quadratic_has_the_eigenvalues_and_the_valley_it_was_asked_for(angle):
    H = rotated(50.0, angle, mu=0.2).hess(np.zeros(2))
    assert_allclose(np.linalg.eigvalsh(H), [0.2, 10.0])
    floor = np.array([np.cos(angle), np.sin(angle)])
    assert_allclose(H @ floor, 0.2 * floor, atol=1e-13)


def test_bowl_is_the_function_it_says():
    assert bowl(1.0, 2.0)([-5.0, -2.0]) == 33.0


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


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: wave(0.0), "c must be positive, got 0.0"),
        (lambda: wave(interval=(2, 1)), r"interval must be two increasing numbers, got \(2, 1\)"),
        (lambda: wave(interval=(1, np.inf)), "interval must be finite, got inf"),
        (lambda: ripple((1, 2, 3)), r"interval must be two increasing numbers, got \(1, 2, 3\)"),
        (lambda: cosh(-1.0), "c must be positive, got -1.0"),
        (lambda: bowl(a=-1.0), "a must be positive, got -1.0"),
        (lambda: bowl(b=np.nan), "b must be finite, got nan"),
        (lambda: rotated(0.5), "kappa must be at least 1, got 0.5"),
        (lambda: rotated(2.0, mu=0.0), "mu must be positive, got 0.0"),
        (lambda: rotated(2.0, angle="45"), "angle must be a number, got '45'"),
    ],
)
def test_bad_parameter_of_an_objective_is_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()
