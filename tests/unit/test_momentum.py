import math

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from gdutils import momentum, schedules
from gdutils.descent import gradient_descent
from gdutils.objectives import bowl, quadratic, rosenbrock, rotated

BOWL, VALLEY = bowl(0.1, 2.0), rosenbrock()
START = [-5.0, -2.0]  # of the bowl
# One rule with its step size for the valley, and the torch optimiser that it must equal.
RULES = {
    "heavy_ball": (momentum.heavy_ball, 1e-4, {"beta": 0.9}, torch.optim.SGD, {"momentum": 0.9}),
    "nesterov": (
        momentum.nesterov, 1e-4, {"beta": 0.9}, torch.optim.SGD, {"momentum": 0.9, "nesterov": True}
    ),
    "adagrad": (momentum.adagrad, 0.1, {"eps": 1e-4}, torch.optim.Adagrad, {"eps": 1e-4}),
    "rmsprop": (
        momentum.rmsprop, 0.01, {"beta": 0.9, "eps": 1e-4}, torch.optim.RMSprop,
        {"alpha": 0.9, "eps": 1e-4},
    ),
    "adam": (
        momentum.adam, 0.05, {"beta1": 0.8, "beta2": 0.99, "eps": 1e-4}, torch.optim.Adam,
        {"betas": (0.8, 0.99), "eps": 1e-4},
    ),
    "adamw": (
        momentum.adamw, 0.05, {"beta1": 0.8, "beta2": 0.99, "eps": 1e-4, "weight_decay": 0.2},
        torch.optim.AdamW, {"betas": (0.8, 0.99), "eps": 1e-4, "weight_decay": 0.2},
    ),
}  # fmt: skip
DEFAULTS = {
    "adagrad": torch.optim.Adagrad,
    "rmsprop": torch.optim.RMSprop,
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
}
by_rule = pytest.mark.parametrize("name", RULES)


def bowl_and_valley(x):
    """Return the sum of a bowl and Rosenbrock's valley, with x a tensor or an array."""
    return 0.1 * x[0] ** 2 + 2 * x[1] ** 2 + (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2


def gradient(x):
    return BOWL.grad(x) + VALLEY.grad(x)


def torch_trajectory(make, options, eta, steps=100, penalty=0.0):
    """Return the trajectory of a torch optimiser; autograd computes the gradient."""
    x = torch.tensor([-1.2, 1.0], dtype=torch.float64, requires_grad=True)
    base = eta if isinstance(eta, float) else 1.0
    optimiser = make([x], lr=base, **options)
    schedule = schedules.constant(eta) if isinstance(eta, float) else eta
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimiser, schedules.as_factor(schedule, base))
    rows = [x.detach().numpy().copy()]
    for _ in range(steps):
        optimiser.zero_grad()
        (bowl_and_valley(x) + penalty / 2 * (x**2).sum()).backward()
        optimiser.step()
        scheduler.step()
        rows.append(x.detach().numpy().copy())
    return np.array(rows)


@by_rule
def test_each_rule_equals_torch_over_a_hundred_steps(name):
    rule, eta, options, make, torch_options = RULES[name]
    ours = rule(gradient, [-1.2, 1.0], eta, steps=100, **options)
    theirs = torch_trajectory(make, torch_options, eta)
    assert_allclose(ours, theirs, rtol=0, atol=1e-9)  # 1e-6 is promised; only rounding differs
    assert np.linalg.norm(ours[-1] - ours[0]) > 0.1  # and they moved


@by_rule
def test_each_rule_equals_torch_with_a_schedule(name):
    rule, eta, options, make, torch_options = RULES[name]
    schedule = schedules.warmup(schedules.cosine(eta, steps=90), steps=10)
    ours = rule(gradient, [-1.2, 1.0], schedule, steps=100, **options)
    assert_allclose(ours, torch_trajectory(make, torch_options, schedule), rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", DEFAULTS)
def test_the_defaults_are_those_of_torch(name):
    rule, eta = RULES[name][:2]
    ours = rule(gradient, [-1.2, 1.0], eta, steps=100)
    assert_allclose(ours, torch_trajectory(DEFAULTS[name], {}, eta), rtol=0, atol=1e-9)


def test_a_penalty_in_the_gradient_is_what_torch_calls_weight_decay_of_adam():
    ours = momentum.adam(lambda x: gradient(x) + 0.2 * x, [-1.2, 1.0], 0.05, steps=100)
    theirs = torch_trajectory(torch.optim.Adam, {"weight_decay": 0.2}, 0.05)
    assert_allclose(ours, theirs, rtol=0, atol=1e-9)
    assert_allclose(ours, torch_trajectory(torch.optim.Adam, {}, 0.05, penalty=0.2), atol=1e-9)
    decoupled = momentum.adamw(gradient, [-1.2, 1.0], 0.05, steps=100, weight_decay=0.2)
    assert np.abs(decoupled[-1] - ours[-1]).max() > 0.01


@by_rule
def test_a_rule_keeps_nothing_between_calls(name):
    rule, eta, options = RULES[name][:3]
    first, second = (rule(gradient, [-1.2, 1.0], eta, steps=5, **options) for _ in range(2))
    assert_array_equal(first, second)
    assert_array_equal(first[0], [-1.2, 1.0])
    assert first.shape == (6, 2)


@by_rule
def test_an_overflow_is_a_result_and_makes_no_noise(name, recwarn):
    rule, _, options = RULES[name][:3]
    trajectory = rule(lambda x: 2 * x**3, [1e120], 1.0, steps=20, **options)
    assert not np.isfinite(trajectory[-1, 0])
    assert not recwarn.list


@pytest.mark.parametrize("rule", [momentum.heavy_ball, momentum.nesterov])
def test_without_momentum_both_are_gradient_descent(rule):
    trajectory = rule(BOWL.grad, START, 0.4, 0.0, steps=20)
    assert_allclose(trajectory, gradient_descent(BOWL.grad, START, 0.4, steps=20), rtol=1e-12)
    assert_allclose(trajectory[-1], [-0.943467, -0.0000731], atol=5e-7)


@pytest.mark.parametrize(
    ("beta", "end"),
    [
        (0.5, [0.007188, 0.002553]),
        (0.25, [-0.126340, -0.186632]),
        (0.0, [-0.387814, -1673.365]),
    ],
)
def test_the_long_bowl_ends_where_the_course_says(beta, end):
    trajectory = momentum.heavy_ball(BOWL.grad, START, 0.6, beta, steps=20)
    assert_allclose(trajectory[-1], end, rtol=2e-7, atol=5e-7)  # given to six decimals or less


@pytest.mark.parametrize("beta", [0.0, 0.25, 0.5, 0.9])
@pytest.mark.parametrize("lam", [0.2, 1.0, 4.0])
def test_heavy_ball_converges_exactly_inside_the_stability_region(beta, lam):
    edge = 2 * (1 + beta) / lam
    f = quadratic([[lam]])
    just_inside = momentum.heavy_ball(f.grad, [1.0], 0.99 * edge, beta, steps=2000)
    just_outside = momentum.heavy_ball(f.grad, [1.0], 1.01 * edge, beta, steps=2000)
    assert abs(just_inside[-1, 0]) < 1e-6
    assert abs(just_outside[-1, 0]) > 1e6


@pytest.mark.parametrize("kappa", [1.0, 4.0, 100.0])
def test_the_optimal_heavy_ball_falls_at_the_root_of_its_momentum(kappa):
    eta, beta = momentum.optimal_heavy_ball(mu=0.5, L=0.5 * kappa)
    root = math.sqrt(kappa)
    assert_allclose(beta, ((root - 1) / (root + 1)) ** 2, atol=1e-15)
    assert_allclose(eta, 4 / (math.sqrt(0.5 * kappa) + math.sqrt(0.5)) ** 2)
    # There both roots of each characteristic polynomial have the modulus sqrt(beta) ...
    for lam in (0.5, 0.5 * kappa):
        roots = np.roots([1, -(1 + beta - eta * lam), beta])
        assert_allclose(np.abs(roots), math.sqrt(beta), atol=1e-6)  # double, so half the digits
    # ... and the trajectory follows t * sqrt(beta)^t, as a double root makes it.
    f = rotated(kappa, angle=0.4, mu=0.5)
    errors = np.linalg.norm(momentum.heavy_ball(f.grad, [3.0, 1.0], eta, beta, 60), axis=1)
    t = np.arange(1, 61)
    assert (errors[1:] <= 8 * t * math.sqrt(beta) ** (t - 1) + 1e-12).all()


def test_every_other_choice_near_the_optimum_is_slower():
    mu, L = 1.0, 25.0
    eta, beta = momentum.optimal_heavy_ball(mu, L)

    def rate(eta, beta):
        return max(np.abs(np.roots([1, -(1 + beta - eta * lam), beta])).max() for lam in (mu, L))

    around = [(eta * a, beta * b) for a in (0.98, 1, 1.02) for b in (0.98, 1, 1.02)]
    around.remove((eta, beta))
    assert all(rate(*choice) > rate(eta, beta) + 1e-4 for choice in around)


def test_the_rows_of_nesterov_are_the_points_where_his_method_takes_gradients():
    eta, beta = 0.2, 0.7
    z = y = np.array(START)
    rows = [y]
    for _ in range(30):
        ahead = y - eta * BOWL.grad(y)
        y, z = ahead + beta * (ahead - z), ahead
        rows.append(y)
    assert_allclose(momentum.nesterov(BOWL.grad, START, eta, beta, steps=30), rows, atol=1e-12)


def test_a_constant_gradient_carries_heavy_ball_to_the_sum_of_the_geometric_series():
    steps = -np.diff(momentum.heavy_ball(np.ones_like, [0.0], 0.1, 0.5, steps=50)[:, 0])
    assert_allclose(steps, 0.1 * (1 - 0.5 ** np.arange(1, 51)) / (1 - 0.5))


def test_adam_takes_a_first_step_of_eta_whatever_the_scale_of_the_gradient():
    for scale in (1e-3, 1.0, 1e6):
        step = np.diff(momentum.adam(lambda x, s=scale: s * x, START, 0.1, steps=1), axis=0)
        assert_allclose(step, [[0.1, 0.1]], rtol=1e-5)  # eps is 1e-8, a gradient at least 2e-3


def test_adam_without_bias_correction_starts_too_fast():
    step = np.diff(momentum.adam(lambda x: x, START, 0.1, steps=1, bias_correction=False), axis=0)
    # (1 - beta1) / sqrt(1 - beta2) is the factor that the correction takes out.
    assert_allclose(step, 0.1 * 0.1 / math.sqrt(0.001) * np.ones((1, 2)), rtol=1e-6)


def test_the_bias_correction_makes_the_means_of_a_constant_gradient_exact():
    steps = np.diff(momentum.adam(lambda x: np.full(1, 3.0), [0.0], 0.1, steps=50)[:, 0])
    assert_allclose(steps, -0.1, rtol=1e-8)  # eps over the gradient


def test_adagrad_slows_down_like_the_root_of_the_steps():
    steps = np.diff(momentum.adagrad(lambda x: np.full(1, 3.0), [0.0], 0.1, steps=50)[:, 0])
    assert_allclose(steps, -0.1 / np.sqrt(np.arange(1, 51)), rtol=1e-9)


BAD_FOR_ALL = [
    ({"grad": 3}, "grad must be a function, got 3"),
    ({"grad": lambda x: x[0]}, r"shape of its argument, \(2,\), got \(\) at step 0"),
    ({"x0": [np.nan, 1.0]}, r"x0 must be finite, got nan at \[0\]"),
    ({"x0": []}, "x0 must not be empty"),
    ({"eta": -0.1}, "eta must be positive, got -0.1"),
    ({"eta": lambda t: -1.0}, r"eta\(0\) must be zero or positive, got -1"),
    ({"steps": 0}, "steps must be at least 1, got 0"),
    ({"steps": 2.5}, "steps must be a whole number, got 2.5"),
]


def call(name, arguments):
    rule, eta, options = RULES[name][:3]
    good = {"grad": gradient, "x0": [-1.2, 1.0], "eta": eta, "steps": 3, **options}
    return rule(**(good | arguments))


@by_rule
@pytest.mark.parametrize(("arguments", "message"), BAD_FOR_ALL)
def test_bad_input_to_every_rule_is_named(name, arguments, message):
    with pytest.raises(ValueError, match=message):
        call(name, arguments)


@pytest.mark.parametrize(
    ("name", "option"), [(name, option) for name, rule in RULES.items() for option in rule[2]]
)
def test_an_option_out_of_its_range_is_named(name, option):
    bad = {"eps": [0.0, -1e-8], "weight_decay": [-0.1]}.get(option, [1.0, -0.1, 1.5, np.nan])
    for value in bad:
        with pytest.raises(ValueError, match=rf"^{option} must be .*, got {value}"):
            call(name, {option: value})


@pytest.mark.parametrize(
    ("mu", "L", "message"),
    [(0.0, 1.0, "mu must be positive, got 0.0"), (2.0, 1.0, "L must be at least 2.0, got 1.0")],
)
def test_bad_input_to_the_optimum_is_named(mu, L, message):
    with pytest.raises(ValueError, match=message):
        momentum.optimal_heavy_ball(mu, L)
