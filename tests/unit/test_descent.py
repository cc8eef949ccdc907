import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from gdutils.descent import conjugate_gradient, gradient_descent, steepest_descent
from gdutils.linesearch import armijo_step, exact_step
from gdutils.objectives import bowl, quadratic, rosenbrock, rotated, saddle
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
        ({"precondition": [1.0]}, r"precondition must have shape \(2,\) or \(2, 2\), got \(1,\)"),
        ({"precondition": [1.0, 0.0]}, "precondition must be positive, got 0.0"),
        ({"precondition": [1.0, np.nan]}, r"precondition must be finite, got nan at \[1\]"),
        ({"precondition": [[1, 2], [0, 1]]}, "precondition must be symmetric, .* differ by 2"),
        ({"precondition": [[1, 2], [2, 1]]}, "precondition must be positive definite, .* from -1"),
        ({"grad": 3}, "grad must be a function, got 3"),
        ({"grad": lambda x: x[0]}, r"grad must return the shape .* \(2,\), got \(\) at step 0"),
    ],
)
def test_bad_input_is_named(arguments, message):
    good = {"grad": F.grad, "x0": [5.0, 5.0], "eta": 0.1, "steps": 3}
    with pytest.raises(ValueError, match=message):
        gradient_descent(**(good | arguments))


@pytest.mark.parametrize(
    ("f", "eta", "end"),
    [
        (bowl(1.0, 2.0), 0.1, [-0.0576461, -0.0000731]),
        (bowl(0.1, 2.0), 0.4, [-0.943467, -0.0000731]),
    ],
)
def test_bowl_ends_where_the_course_says(f, eta, end):
    trajectory = gradient_descent(f.grad, [-5.0, -2.0], eta, steps=20)
    assert_allclose(trajectory[-1], end, atol=5e-7)  # given to six or seven decimals
    factors = 1 - eta * np.diag(f.hess(None))
    assert_allclose(trajectory[-1], [-5.0, -2.0] * factors**20, rtol=1e-12)


def test_the_inverse_hessian_as_preconditioner_is_there_in_one_step():
    trajectory = gradient_descent(F.grad, [5.0, 5.0], 1.0, steps=1, precondition=np.linalg.inv(H))
    assert_allclose(trajectory[-1], F.minimiser, rtol=1e-12)


def test_a_preconditioning_vector_is_the_diagonal_of_a_matrix():
    p = np.array([0.5, 2.0])
    vector = gradient_descent(F.grad, [5.0, 5.0], 0.1, steps=5, precondition=p)
    matrix = gradient_descent(F.grad, [5.0, 5.0], 0.1, steps=5, precondition=np.diag(p))
    assert_allclose(vector, matrix, rtol=1e-14)
    assert_allclose(vector[1], [5.0, 5.0] - 0.1 * p * F.grad(np.array([5.0, 5.0])))


@pytest.mark.parametrize(("angle", "rate"), [(0.0, 0.0), (np.pi / 4, 99 / 101)])
def test_jacobi_cures_a_stretched_bowl_and_is_defeated_by_45_degrees(angle, rate):
    f, start = rotated(100.0, angle), np.array([1.0, 1.0])
    jacobi = 1 / np.diag(f.hess(None))
    spectrum = np.linalg.eigvals(np.diag(jacobi) @ f.hess(None))
    eta = 2 / (spectrum.min() + spectrum.max())  # the best step for these eigenvalues
    trajectory = gradient_descent(f.grad, start, eta, steps=50, precondition=jacobi)
    assert_allclose(np.linalg.norm(trajectory[1]), rate * np.linalg.norm(start), atol=1e-12)
    assert_allclose(np.linalg.norm(trajectory[-1]), rate**50 * np.linalg.norm(start), atol=1e-12)


@pytest.mark.parametrize("kappa", [2.0, 10.0, 300.0])
def test_steepest_descent_contracts_at_least_as_fast_as_the_theorem_says(kappa):
    f = rotated(kappa, angle=0.4)
    bound = ((kappa - 1) / (kappa + 1)) ** 2
    for start in np.random.default_rng(0).normal(size=(10, 2)):
        values = np.array([f(x) for x in steepest_descent(f, start, steps=8)])
        assert (values[1:] <= bound * values[:-1] * (1 + 1e-9)).all()  # rounding


@pytest.mark.parametrize("kappa", [2.0, 10.0, 300.0])
def test_the_worst_start_attains_the_bound_at_every_step(kappa):
    f = rotated(kappa, angle=0.4, mu=0.5)
    eigenvalues, vectors = np.linalg.eigh(f.hess(None))
    start = vectors @ (1 / eigenvalues)
    values = np.array([f(x) for x in steepest_descent(f, start, steps=8)])
    assert_allclose(values[1:] / values[:-1], ((kappa - 1) / (kappa + 1)) ** 2, rtol=1e-9)


def test_consecutive_gradients_of_an_exact_search_are_orthogonal():
    gradients = np.array([F.grad(x) for x in steepest_descent(F, [5.0, 5.0], steps=6)])
    directions = gradients / np.linalg.norm(gradients, axis=1, keepdims=True)
    # Rounding, relative to gradients that shrink.
    assert_allclose((directions[1:] * directions[:-1]).sum(axis=1), 0, atol=1e-9)


def test_no_step_along_the_gradient_is_better_than_the_exact_one():
    x = np.array([5.0, 5.0])
    g = F.grad(x)
    eta = exact_step(g, H)
    assert all(F(x - eta * g) < F(x - s * eta * g) for s in (0.99, 1.01))


def test_the_exact_step_survives_gradients_whose_square_underflows():
    assert_allclose(exact_step([3e-200, 1e-200], H), exact_step([3.0, 1.0], H))


@pytest.mark.parametrize("slope", [1e-4, 0.3, 0.9])
def test_armijo_takes_the_first_trial_that_lowers_f_enough(slope):
    x, g = np.array([5.0, 5.0]), F.grad(np.array([5.0, 5.0]))
    eta = armijo_step(F, x, -g, g, eta0=1.0, shrink=0.5, slope=slope)
    enough = [F(x - s * g) <= F(x) - slope * s * (g @ g) for s in (eta, 2 * eta)]
    assert enough == [True, False]
    assert np.log2(eta) == round(np.log2(eta))


def test_armijo_steps_back_from_where_f_is_not_defined(recwarn):
    def barrier(x):
        return x[0] - np.log(x[0])

    assert armijo_step(barrier, [3.0], [-8.0], [2 / 3]) == 0.25
    assert not recwarn.list


def test_armijo_works_where_the_square_of_the_gradient_underflows():
    assert armijo_step(lambda x: x @ x, [1e-200], [-2e-200], [2e-200]) > 0


def test_armijo_gives_up_with_a_reason_when_the_gradient_is_wrong():
    with pytest.raises(ValueError, match=r"no step lowers f .* g must be the gradient of f"):
        armijo_step(lambda x: x[0], [1.0], [1.0], [-4.0], slope=0.5)


def test_armijo_descends_the_curved_valley_and_never_climbs():
    f = rosenbrock()
    values = [f(x) for x in steepest_descent(f, [-1.2, 1.0], 5000, search="armijo")]
    assert (np.diff(values) <= 0).all()
    assert values[-1] < 1e-5


@pytest.mark.parametrize("search", ["exact", "armijo"])
def test_a_line_search_stays_at_a_critical_point(search):
    trajectory = steepest_descent(F, F.minimiser, 3, search)
    assert_array_equal(trajectory, np.tile(F.minimiser, (4, 1)))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"search": "wolfe"}, "search must be 'exact' or 'armijo', got 'wolfe'"),
        ({"f": 3}, "f must be an objective with grad and hess, got 3"),
        ({"x0": [np.nan, 1.0]}, r"x0 must be finite, got nan at \[0\]"),
        ({"steps": 0}, "steps must be at least 1, got 0"),
        ({"f": saddle(), "x0": [1.0, 1.0]}, r"g'Hg / max\|g\|\^2 must be positive, got 0"),
        ({"f": saddle(), "x0": [1.0, 2.0]}, "got -1.5: along this gradient .* falls for ever"),
        ({"search": "armijo", "eta0": 0.0}, "eta0 must be positive, got 0.0"),
        ({"search": "armijo", "shrink": 1.0}, "shrink must be below 1, got 1.0"),
        ({"search": "armijo", "slope": -0.1}, "slope must be positive, got -0.1"),
    ],
)
def test_bad_input_to_steepest_descent_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        steepest_descent(**({"f": F, "x0": [5.0, 5.0], "steps": 3} | arguments))


@pytest.mark.parametrize(
    ("g", "hessian", "message"),
    [
        ([0.0, 0.0], H, r"g must not be zero, got \[0. 0.\]"),
        ([1.0], H, r"H must have shape \(1, 1\) to fit g, got \(2, 2\)"),
        ([np.nan, 1.0], H, r"g must be finite, got nan at \[0\]"),
    ],
)
def test_bad_input_to_the_exact_step_is_named(g, hessian, message):
    with pytest.raises(ValueError, match=message):
        exact_step(g, hessian)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"f": 3}, "f must be a function, got 3"),
        ({"f": lambda x: x}, r"f must return one number, got shape \(2,\)"),
        ({"f": lambda x: -np.inf}, "f must be finite at x, got -inf at"),
        ({"direction": [1.0, 0.0]}, "direction must lead downhill, g'p < 0, got g'p = 1"),
        ({"g": [0.0, 0.0]}, "direction must lead downhill, g'p < 0, got g'p = 0"),
        ({"direction": [-1.0]}, r"must have one shape, got \(2,\), \(1,\) and \(2,\)"),
    ],
)
def test_bad_input_to_armijo_is_named(arguments, message):
    good = {"f": F, "x": [1.0, 1.0], "direction": [-1.0, 0.0], "g": [1.0, 0.0]}
    with pytest.raises(ValueError, match=message):
        armijo_step(**(good | arguments))


@pytest.mark.parametrize("d", [1, 2, 5, 12])
def test_conjugate_gradients_end_in_as_many_steps_as_there_are_dimensions(d):
    rng = np.random.default_rng(d)
    A = rng.normal(size=(d, d))
    matrix, b, x0 = A @ A.T + d * np.eye(d), rng.normal(size=d), rng.normal(size=d)
    trajectory = conjugate_gradient(matrix, b, x0, steps=d)
    assert trajectory.shape == (d + 1, d)
    assert_array_equal(trajectory[0], x0)
    solution = np.linalg.solve(matrix, b)
    assert_allclose(trajectory[-1], solution, atol=1e-10)
    assert np.linalg.norm(trajectory[-2] - solution) > 1e-8  # and not sooner


def test_conjugate_gradients_end_in_as_many_steps_as_there_are_distinct_eigenvalues():
    Q = np.linalg.qr(np.random.default_rng(0).normal(size=(50, 50)))[0]
    matrix = Q @ np.diag(np.repeat([1.0, 5.0, 100.0], [20, 20, 10])) @ Q.T
    trajectory = conjugate_gradient((matrix + matrix.T) / 2, np.ones(50), np.zeros(50), steps=3)
    assert_allclose(matrix @ trajectory[-1], np.ones(50), atol=1e-10)


def test_steps_of_conjugate_gradients_are_conjugate():
    matrix = np.diag([1.0, 3.0, 10.0, 30.0]) + 0.5
    steps = np.diff(conjugate_gradient(matrix, np.arange(4.0), np.ones(4), steps=4), axis=0)
    products = steps @ matrix @ steps.T
    scale = np.sqrt(np.diag(products))
    assert_allclose(products / np.outer(scale, scale), np.eye(4), atol=1e-9)


@pytest.mark.parametrize("b", [[1.0, 2.0], [0.0, 0.0]])
def test_conjugate_gradients_stop_moving_once_there(b, recwarn):
    trajectory = conjugate_gradient(H, b, [5.0, 5.0], steps=2000)
    assert_array_equal(trajectory[10], trajectory[-1])
    assert_allclose(trajectory[-1], np.linalg.solve(H, b), atol=1e-14)
    assert not recwarn.list


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"H": [[1.0, 2.0], [2.0, 1.0]]}, "H must be positive definite, .* from -1 to 3"),
        ({"H": [[1.0, 1.0], [1.0, 1.0]]}, "H must be positive definite"),
        ({"H": np.zeros((2, 2))}, "H must be positive definite, .* from 0 to 0"),
        ({"H": [[1.0, 1.0], [0.0, 1.0]]}, "H must be symmetric, got entries that differ by 1"),
        ({"H": [[1.0, 1.0]]}, r"H must be square, got shape \(1, 2\)"),
        ({"b": [1.0]}, r"H, b and x0 must fit, got shapes \(2, 2\), \(1,\) and \(2,\)"),
        ({"x0": [1.0, np.inf]}, r"x0 must be finite, got inf at \[1\]"),
        ({"steps": 0}, "steps must be at least 1, got 0"),
    ],
)
def test_bad_input_to_conjugate_gradients_is_named(arguments, message):
    good = {"H": H, "b": [1.0, 2.0], "x0": [5.0, 5.0], "steps": 3}
    with pytest.raises(ValueError, match=message):
        conjugate_gradient(**(good | arguments))
