import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from gdutils.descent import gradient_descent
from gdutils.objectives import quadratic
from gdutils.schedules import exponential

H = np.array([[3.0, 1.0], [1.0, 2.0]])
F = quadratic(H, [1.0, -1.0])
L = np.linalg.eigvalsh(H)[-1]


def test_row_zero_is_the_start_and_there_is_a_row_for_every_step():
    trajectory = gradient_descent(F.grad, [5.0, 5.0], 0.1, steps=7)
    assert trajectory.shape == (8, 2)
    assert_array_equal(trajectory[0], [5.0, 5.0])


@pytest.mark.parametrize(("eta", "end"), [(0.2, 0.0604662), (0.05, 3.4867844), (1.1, 61.9173642)])
def test_square_function_ends_where_the_closed_form_says(eta, end):
    trajectory = gradient_descent(lambda x: 2 * x, [10.0], eta, steps=10)
    assert_allclose(trajectory[:, 0], 10 * (1 - 2 * eta) ** np.arange(11), rtol=1e-12)
    assert_allclose(trajectory[-1, 0], end, atol=5e-8)  # given to seven decimals


def test_error_follows_the_matrix_power():
    trajectory = gradient_descent(F.grad, [5.0, 5.0], 0.3, steps=20)
    power = np.linalg.matrix_power(np.eye(2) - 0.3 * H, 20)
    assert_allclose(trajectory[-1] - F.minimiser, power @ (np.array([5.0, 5.0]) - F.minimiser))


def test_descent_converges_just_below_two_over_L():
    trajectory = gradient_descent(F.grad, [5.0, 5.0], 1.99 / L, steps=3000)
    assert_allclose(trajectory[-1], F.minimiser, atol=1e-9)


def test_descent_diverges_just_above_two_over_L():
    trajectory = gradient_descent(F.grad, [5.0, 5.0], 2.01 / L, steps=3000)
    assert np.linalg.norm(trajectory[-1]) > 1e6


def test_equals_torch_sgd():
    trajectory = gradient_descent(F.grad, [5.0, 5.0], 0.1, steps=100)
    x = torch.tensor([5.0, 5.0], dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.SGD([x], lr=0.1)
    for row in trajectory[1:]:
        optimiser.zero_grad()
        error = x - torch.tensor(F.minimiser)
        (0.5 * error @ torch.tensor(H) @ error).backward()
        optimiser.step()
        assert_allclose(row, x.detach().numpy(), rtol=1e-12)


def test_a_schedule_sees_the_step_number_from_zero():
    seen = []

    def schedule(t):
        seen.append(t)
        return 0.1

    gradient_descent(F.grad, [5.0, 5.0], schedule, steps=3)
    assert seen == [0, 1, 2]


def test_a_schedule_scales_each_step():
    schedule = exponential(0.1, 0.5)
    trajectory = gradient_descent(lambda x: np.ones(1), [0.0], schedule, steps=3)
    assert_allclose(np.diff(trajectory[:, 0]), [-schedule(t) for t in range(3)])


def test_an_overflow_is_a_result_and_makes_no_noise(recwarn):
    trajectory = gradient_descent(lambda x: 2 * x**3, [10.0], 1.0, steps=20)
    assert not np.isfinite(trajectory[-1, 0])
    assert not recwarn.list


def test_the_start_is_not_changed_even_by_a_gradient_that_writes_into_its_argument():
    start = np.array([1.0, 2.0])

    def careless(x):
        x *= 2
        return x

    trajectory = gradient_descent(careless, start, 0.1, steps=2)
    assert_array_equal(start, [1.0, 2.0])
    assert_allclose(trajectory[:, 0], [1.0, 0.8, 0.64])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"x0": [np.nan, 1.0]}, r"x0 must be finite, got nan at \[0\]"),
        ({"x0": [1.0, np.inf]}, r"x0 must be finite, got inf at \[1\]"),
        ({"x0": []}, r"x0 must not be empty, got shape \(0,\)"),
        ({"x0": [[1.0, 2.0]]}, r"x0 must have 1 dimension\(s\), got shape \(1, 2\)"),
        ({"x0": 3.0}, r"x0 must have 1 dimension\(s\), got shape \(\)"),
        ({"x0": "two"}, "x0 must be an array of numbers, got 'two'"),
        ({"eta": -0.1}, "eta must be positive, got -0.1"),
        ({"eta": 0.0}, "eta must be positive, got 0.0"),
        ({"eta": np.nan}, "eta must be finite, got nan"),
        ({"eta": "0.1"}, "eta must be a number, got '0.1'"),
        ({"eta": lambda t: 0.1 - t}, r"eta\(1\) must be zero or positive, got -0.9"),
        ({"eta": lambda t: np.nan}, r"eta\(0\) must be finite, got nan"),
        ({"steps": 0}, "steps must be at least 1, got 0"),
        ({"steps": -3}, "steps must be at least 1, got -3"),
        ({"steps": 2.5}, "steps must be a whole number, got 2.5"),
        ({"steps": True}, "steps must be a whole number, got True"),
        ({"grad": 3}, "grad must be a function, got 3"),
        ({"grad": lambda x: x[0]}, r"grad must return the shape .* \(2,\), got \(\) at step 0"),
    ],
)
def test_bad_input_is_named(arguments, message):
    good = {"grad": F.grad, "x0": [5.0, 5.0], "eta": 0.1, "steps": 3}
    with pytest.raises(ValueError, match=message):
        gradient_descent(**(good | arguments))
