import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from gdutils.newton import estimate_order, newton
from gdutils.objectives import (
    bowl,
    cosh,
    cubic,
    exp_minus_x,
    quadratic,
    rosenbrock,
    saddle,
    square,
    wave,
)

F = quadratic([[3.0, 1.0], [1.0, 2.0]], [1.0, -1.0])
COSH, WAVE = cosh(0.5), wave(0.15)


def on(f, x0, steps, **options):
    return newton(f.grad, f.hess, x0, steps, **options)


def test_row_zero_is_the_start_and_there_is_a_row_for_every_step():
    trajectory = on(COSH, [10.0], 7)
    assert trajectory.shape == (8, 1)
    assert_array_equal(trajectory[0], [10.0])


def test_one_step_minimises_a_quadratic():
    assert_allclose(on(F, [50.0, -70.0], 1)[-1], F.minimiser, rtol=1e-12)


def test_cosh_goes_through_the_iterates_of_the_course_and_of_the_closed_form():
    x = on(COSH, [10.0], 7)[:, 0]
    expected = [10, 8.000, 6.0015, 4.0114, 2.0825, 0.52576, 0.011786, 1.364e-7]
    assert_allclose(x, expected, rtol=4e-4)  # given to four or five digits
    # Near 0 the difference cancels: its rounding is 1e-18, its last value 1e-7.
    assert_allclose(x[1:], x[:-1] - 2 * np.tanh(x[:-1] / 2), rtol=1e-9)


def test_a_full_step_on_the_wave_climbs_to_a_maximum():
    x = on(WAVE, [10.0], 10)[-1]
    assert_allclose(x, 26.834133, atol=5e-7)
    assert_allclose(WAVE.hess(x), -6.0147, atol=5e-5)
    assert_allclose(WAVE(x), 26.7506, atol=5e-5)


def test_half_a_step_on_the_wave_finds_a_minimum_at_ratio_one_half():
    x = on(WAVE, [10.0], 40, eta=0.5)[:, 0]
    assert_allclose(x[10], 7.269860, atol=5e-7)
    assert_allclose(WAVE(x[10]), -6.97814, atol=5e-6)
    error = x - WAVE.minimisers[1]
    assert_allclose(error[11:30] / error[10:29], 0.5, rtol=1e-3)
    assert_allclose(x[-1], WAVE.minimisers[1], rtol=1e-11)


def test_a_diagonal_hessian_may_be_given_as_its_diagonal():
    full = on(bowl(1.0, 50.0), [-5.0, -2.0], 4, eta=0.7)
    diagonal = np.array([2.0, 100.0])
    short = newton(bowl(1.0, 50.0).grad, lambda x: diagonal, [-5.0, -2.0], 4, eta=0.7)
    assert_allclose(short, full, rtol=1e-12)


def test_newton_lands_on_a_saddle_and_the_absolute_hessian_leaves_it():
    start = [1.0, 1e-3]
    assert_allclose(on(saddle(), start, 1)[-1], 0, atol=1e-15)
    assert_allclose(on(saddle(), start, 10, absolute=True)[-1], [0.0, 2**10 * 1e-3], atol=1e-12)


def test_damping_solves_with_a_multiple_of_the_identity_added():
    x = np.array([4.0, 3.0])
    step = np.linalg.solve(F.hess(x) + 0.7 * np.eye(2), F.grad(x))
    assert_allclose(on(F, x, 1, damping=0.7)[-1], x - step)


def test_damping_is_added_to_the_absolute_eigenvalues():
    end = on(saddle(), [1.0, 1.0], 1, damping=2.0, absolute=True)[-1]
    assert_allclose(end, [1 - 2 / 4, 1 + 2 / 4])


def test_newton_does_not_depend_on_the_coordinates():
    f, start, A = rosenbrock(), np.array([-1.2, 1.0]), np.array([[2.0, 1.0], [0.0, 0.5]])
    elsewhere = newton(
        lambda z: A.T @ f.grad(A @ z),
        lambda z: A.T @ f.hess(A @ z) @ A,
        np.linalg.solve(A, start),
        steps=5,
    )
    assert_allclose(elsewhere @ A.T, on(f, start, 5), rtol=1e-7)  # condition number 2500


def test_backtracking_crosses_the_curved_valley_without_climbing():
    f = rosenbrock()
    plain = np.array([f(x) for x in on(f, [-1.2, 1.0], 25)])
    careful = np.array([f(x) for x in on(f, [-1.2, 1.0], 25, value=f)])
    assert (np.diff(plain) > 1000).any()
    assert (np.diff(careful) <= 0).all()
    assert careful[-1] < 1e-20


def test_backtracking_makes_arctan_converge_where_newton_diverges():
    def f(x):
        return x * np.arctan(x) - np.log1p(x**2) / 2

    def curvature(x):
        return 1 / (1 + x**2)

    assert abs(newton(np.arctan, curvature, [1.5], 5)[-1, 0]) > 100
    assert_allclose(newton(np.arctan, curvature, [1.5], 9, value=f)[-1], 0, atol=1e-12)


def test_newton_stays_where_the_gradient_is_zero_even_if_the_hessian_is_singular():
    assert_array_equal(on(cubic(), [0.0], 3), np.zeros((4, 1)))


@pytest.mark.parametrize("value", [None, lambda x: x**4])
def test_a_run_beyond_underflow_stays_where_it_is_and_makes_no_noise(value, recwarn):
    x = newton(lambda x: 4 * x**3, lambda x: 12 * x**2, [1.0], 2000, value=value)[:, 0]
    assert_allclose(x[:50], (2 / 3) ** np.arange(50))
    assert x[-2] == x[-1] < 1e-100
    assert not recwarn.list


def test_an_overflow_is_a_result_and_makes_no_noise(recwarn):
    trajectory = on(COSH, [3000.0], 4)
    assert np.isnan(trajectory[1:]).all()
    assert not recwarn.list


@pytest.mark.parametrize(
    ("hess", "options", "message"),
    [
        (
            lambda x: np.zeros(2),
            {},
            "singular to rounding at step 0, its smallest eigenvalue is 0 ",
        ),
        (lambda x: np.array([0.0, -4.0]), {}, "smallest eigenvalue is -4 .* pass damping above 4,"),
        (lambda x: np.ones((2, 2)), {}, "pass damping above .*, or a little damping with absolute"),
        (lambda x: np.ones((2, 2)), {"absolute": True}, "singular to rounding at step 0"),
        (lambda x: np.array([2.0, -2.0]), {"damping": 2.0}, r"damping 2 included.* above 2,"),
        (lambda x: np.array([2.0, 1e-310]), {}, "smallest eigenvalue is 1e-310"),
        (lambda x: np.diag(x - 4), {"eta": 0.1}, "singular to rounding at step 1"),
    ],
)
def test_a_singular_hessian_is_named_with_its_step_and_the_remedies(hess, options, message):
    with pytest.raises(ValueError, match=message):
        newton(lambda x: np.array([10.0, -10.0]), hess, [5.0, 3.0], 5, **options)


def test_what_may_be_a_rounded_zero_counts_as_zero_in_a_matrix_but_not_in_a_diagonal():
    diagonal = np.array([1.0, 1.0, 1e-17])
    with pytest.raises(ValueError, match=r"singular to rounding at step 0, .* is 1e-17"):
        newton(lambda x: np.ones(3), lambda x: np.diag(diagonal), np.zeros(3), 1)
    end = newton(lambda x: np.ones(3), lambda x: diagonal, np.zeros(3), 1)[-1]
    assert_allclose(end, [-1, -1, -1e17])


def test_backtracking_uphill_is_refused_and_the_remedies_that_it_names_work():
    f, start = saddle(), np.array([1.0, 2.0])
    with pytest.raises(ValueError, match=r"step 0, .* is -2 .* absolute=True, or damping above 2"):
        on(f, start, 3, value=f)
    for options in ({"absolute": True}, {"damping": 2.5}):
        values = [f(x) for x in on(f, start, 3, value=f, **options)]
        assert (np.diff(values) < 0).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"grad": 3}, "grad must be a function, got 3"),
        ({"hess": None}, "hess must be a function, got None"),
        ({"value": 3}, "value must be a function, got 3"),
        ({"x0": [np.nan, 1.0]}, r"x0 must be finite, got nan at \[0\]"),
        ({"x0": []}, "x0 must not be empty"),
        ({"x0": 3.0}, r"x0 must have 1 dimension\(s\), got shape \(\)"),
        ({"steps": 0}, "steps must be at least 1, got 0"),
        ({"eta": 0.0}, "eta must be positive, got 0.0"),
        ({"damping": -0.1}, "damping must be zero or positive, got -0.1"),
        ({"grad": lambda x: x[:1]}, r"grad must return shape \(2,\), got \(1,\) at step 0"),
        ({"hess": lambda x: 1.0}, r"must return shape \(2, 2\) or \(2,\), got \(\) at step 0"),
        ({"hess": lambda x: np.triu(np.ones((2, 2)))}, "symmetric matrix, got .* at step 0"),
    ],
)
def test_bad_input_is_named(arguments, message):
    good = {"grad": F.grad, "hess": F.hess, "x0": [5.0, 5.0], "steps": 3}
    with pytest.raises(ValueError, match=message):
        newton(**(good | arguments))


def test_functions_that_write_into_their_argument_change_nothing():
    def careless(x):
        x *= 2
        return x

    start = np.array([1.0])
    trajectory = newton(careless, lambda x: np.full(1, 4.0), start, 2)
    assert_array_equal(start, [1.0])
    assert_allclose(trajectory[:, 0], [1.0, 0.5, 0.25])


@pytest.mark.parametrize(
    ("f", "x0", "steps", "order", "constant"),
    [
        (COSH, 10.0, 7, 3, 1 / 12),  # c^2 / 3 with c = 1/2
        (exp_minus_x(), 1.0, 5, 2, 1 / 2),  # third derivative over twice the second
    ],
)
def test_the_order_of_newton_is_the_one_of_the_theory(f, x0, steps, order, constant):
    errors = np.abs(on(f, [x0], steps)[:, 0])
    assert_allclose(estimate_order(errors).order, order, rtol=3e-3)
    # The estimate takes the error of the order into its exponent.
    assert_allclose(estimate_order(errors).constant, constant, rtol=0.05)
    assert_allclose(errors[-1] / errors[-2] ** order, constant, rtol=2e-3)


def test_a_damped_step_makes_the_order_linear():
    errors = np.abs(on(square(), [1.0], 12, eta=0.9)[:, 0])
    assert_allclose(estimate_order(errors), (1.0, 0.1), rtol=1e-3)  # rounding of 1 - 0.9


@pytest.mark.parametrize(("p", "C"), [(1.0, 0.3), (1.618, 0.9), (2.0, 3.0), (3.0, 0.08)])
def test_an_exact_sequence_gives_its_order_and_constant(p, C):
    errors = [5.0, 7.0, 0.1]  # what comes before the last three does not count
    for _ in range(3):
        errors.append(C * errors[-1] ** p)
    assert_allclose(estimate_order(errors), (p, C), rtol=1e-9)


@pytest.mark.parametrize(
    ("errors", "message"),
    [
        ([1.0, 0.5], "errors must be at least three, got 2"),
        ([], "errors must not be empty"),
        ([1.0, 0.5, 0.5], "strictly decreasing, got 1, 0.5, 0.5"),
        ([1.0, 0.1, 0.2], "strictly decreasing, got 1, 0.1, 0.2"),
        ([1.0, 0.5, 0.0], "positive and strictly decreasing, got 1, 0.5, 0"),
        ([1.0, 0.5, -0.1], "positive and strictly decreasing, got 1, 0.5, -0.1"),
        ([1.0, np.nan, 0.1], r"errors must be finite, got nan at \[1\]"),
        ([[1.0, 0.5, 0.1]], r"errors must have 1 dimension\(s\), got shape \(1, 3\)"),
    ],
)
def test_bad_errors_are_named(errors, message):
    with pytest.raises(ValueError, match=message):
        estimate_order(errors)
