import math

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from gdutils.descent import gradient_descent
from gdutils.schedules import exponential, shifted
from gdutils.stochastic import ensemble, noisy, polyak_average, sgd, stationary_variance

EIGENVALUES = np.array([2.0, 4.0])  # of the Hessian of x1^2 + 2 x2^2
START = np.array([-5.0, -2.0])
RUNS = 4000
# Five standard errors: with a fixed seed no luck is left, and on another stream of
# numbers each comparison would fail once in about two million.
WIDTH = 5.0


def bowl_grad(x):
    return x * EIGENVALUES


def rng(seed=0):
    return np.random.default_rng(seed)


def last_rows(eta, steps, seed=0, mean=0.0, scale=1.0):
    return ensemble(bowl_grad, START, eta, steps, RUNS, scale, rng(seed), mean, keep=[steps])[0]


def assert_mean_is(expected, rows):
    standard_error = rows.std(axis=0, ddof=1) / math.sqrt(len(rows))
    assert (np.abs(rows.mean(axis=0) - expected) < WIDTH * standard_error).all()


def assert_variance_is(expected, rows):
    # The rows are normal, so their variance has the standard error var * sqrt(2 / (n - 1)).
    standard_error = expected * math.sqrt(2 / (len(rows) - 1))
    assert (np.abs(rows.var(axis=0, ddof=1) - expected) < WIDTH * standard_error).all()


def samples():
    """Return X, y and the per-sample gradient of least squares on seven rows."""
    X, y = rng(3).normal(size=(7, 2)), rng(4).normal(size=7)
    return X, y, lambda w, i: (X[i] @ w - y[i])[:, None] * X[i]


def test_noise_has_the_mean_and_the_standard_deviation_asked_for():
    draws = noisy(np.zeros_like, 2.0, rng(), mean=0.5)(np.ones((RUNS, 2))).reshape(-1, 1)
    assert_mean_is(0.5, draws)
    assert_variance_is(4.0, draws)


def test_noise_comes_from_the_generator_alone():
    first, second, other = (noisy(bowl_grad, 1.0, rng(seed))(START) for seed in (1, 1, 2))
    assert_array_equal(first, second)
    assert (first != other).all()


def test_without_noise_every_run_of_an_ensemble_is_gradient_descent():
    runs = ensemble(bowl_grad, START, exponential(0.1, 0.1), 20, 3, scale=0.0, rng=rng())
    one = gradient_descent(bowl_grad, START, exponential(0.1, 0.1), 20)
    assert runs.shape == (21, 3, 2)
    assert_array_equal(runs, np.repeat(one[:, None], 3, axis=1))


def test_an_ensemble_of_one_run_is_noisy_gradient_descent():
    runs = ensemble(bowl_grad, START, 0.1, 20, 1, 1.0, rng(7), mean=0.1)
    one = gradient_descent(noisy(bowl_grad, 1.0, rng(7), mean=0.1), START, 0.1, 20)
    assert_array_equal(runs[:, 0], one)


@pytest.mark.parametrize("keep", [[20], [0, 3, 19], range(0, 21, 5), np.array([0])])
def test_what_an_ensemble_keeps_are_rows_of_the_whole(keep):
    arguments = (bowl_grad, START, 0.1, 20, 5, 1.0)
    kept = ensemble(*arguments, rng(), keep=keep)
    assert_array_equal(kept, ensemble(*arguments, rng())[list(keep)])


def test_closed_forms_of_the_stationary_variance():
    assert_allclose(stationary_variance(0.1, EIGENVALUES, 1.0), [1 / 36, 1 / 64], rtol=1e-12)
    assert_allclose(stationary_variance(0.1, 2.0, 3.0), 9 / 36, rtol=1e-12)
    assert isinstance(stationary_variance(0.1, 2, 1), float)


@pytest.mark.parametrize(("eta", "lam"), [(0.1, 2.0), (0.4, 4.0), (0.01, 0.5)])
def test_the_stationary_variance_is_the_fixed_point_of_one_step(eta, lam):
    variance = stationary_variance(eta, lam, 1.5)
    assert_allclose((1 - eta * lam) ** 2 * variance + eta**2 * 1.5**2, variance, rtol=1e-12)


def test_a_constant_step_settles_at_the_stationary_variance_around_the_minimum():
    rows = last_rows(0.1, steps=200)  # the start has shrunk by 0.8^200, below 1e-19
    assert_mean_is(0.0, rows)
    assert_variance_is(stationary_variance(0.1, EIGENVALUES, 1.0), rows)


def test_noise_with_mean_one_tenth_settles_beside_the_minimum():
    rows = last_rows(0.1, steps=200, mean=0.1)
    assert_mean_is([-0.05, -0.025], rows)
    assert np.abs(rows.mean(axis=0)).min() > 0.015  # and so not around the minimum itself
    assert_variance_is(np.array([1 / 36, 1 / 64]), rows)


def test_exponential_decay_stops_before_the_minimum():
    # The sources' counter starts at 1 and is raised before use: their first step is t = 2.
    eta = shifted(exponential(0.1, 0.1), by=2)
    factors = np.prod([1 - eta(t) * EIGENVALUES for t in range(1000)], axis=0)
    assert_allclose(START * factors, [-0.82574, -0.04503], atol=5e-6)  # given to five decimals
    assert_mean_is(START * factors, last_rows(eta, steps=1000))


def test_an_ensemble_that_diverges_is_a_result_and_makes_no_noise(recwarn):
    rows = ensemble(lambda x: x**3, START, 1.0, 20, 3, 1.0, rng(), keep=[20])
    assert not np.isfinite(rows).any()
    assert not recwarn.list


def test_sgd_on_all_samples_at_once_is_gradient_descent():
    X, y, sample_grad = samples()
    stochastic = sgd(sample_grad, 7, [1.0, 1.0], 0.1, 10, rng(), batch=7, replacement=False)
    full = gradient_descent(lambda w: X.T @ (X @ w - y) / 7, [1.0, 1.0], 0.1, 10)
    assert_allclose(stochastic, full, rtol=1e-12)


@pytest.mark.parametrize("batch", [1, 3, 7])
def test_without_replacement_every_epoch_sees_every_sample_once(batch):
    seen = record_samples(batch, replacement=False)
    a_epoch = math.ceil(7 / batch)
    for epoch in (seen[:a_epoch], seen[a_epoch:]):
        assert sorted(np.concatenate(epoch)) == list(range(7))
        assert {len(i) for i in epoch[:-1]} <= {batch}


def test_without_replacement_every_epoch_is_shuffled_anew():
    seen = np.concatenate(record_samples(1, replacement=False))
    assert seen[:7].tolist() != seen[7:].tolist()


def record_samples(batch, replacement):
    """Return the sample numbers of each step of two epochs."""
    _, _, sample_grad = samples()
    seen = []

    def recording(w, i):
        seen.append(i.copy())
        return sample_grad(w, i)

    steps = 2 * math.ceil(7 / batch)
    sgd(recording, 7, [0.0, 0.0], 0.1, steps, rng(), batch, replacement)
    return seen


def test_with_replacement_all_samples_are_equally_likely():
    counts = np.zeros(7)

    def counting(w, i):
        counts[i] += 1
        return np.zeros((1, 1))

    sgd(counting, 7, [0.0], 0.1, 7000, rng(), batch=1)
    assert counts.sum() == 7000
    # Binomial, so with the standard deviation sqrt(n p (1 - p)); and not one of each in turn.
    assert (np.abs(counts - 1000) < WIDTH * math.sqrt(7000 / 7 * 6 / 7)).all()
    assert counts.std() > 1


def test_sgd_comes_from_the_generator_alone():
    sample_grad = samples()[2]
    first, second, other = (
        sgd(sample_grad, 7, [1.0, 1.0], 0.1, 10, rng(seed)) for seed in (1, 1, 2)
    )
    assert_array_equal(first, second)
    assert not np.array_equal(first, other)


def test_sgd_follows_a_schedule():
    trajectory = sgd(lambda w, i: np.ones((1, 1)), 3, [0.0], exponential(0.1, 0.5), 3, rng())
    assert_allclose(np.diff(trajectory[:, 0]), [-0.1 * math.exp(-0.5 * t) for t in range(3)])


def test_a_polyak_average_is_the_mean_of_the_tail_so_far():
    trajectory = rng().normal(size=(30, 4, 2))
    averages = polyak_average(trajectory, start=10)
    assert averages.shape == (20, 4, 2)
    assert_allclose(averages[0], trajectory[10])
    assert_allclose(averages[5], trajectory[10:16].mean(axis=0))
    assert_allclose(averages[-1], trajectory[10:].mean(axis=0))
    assert_allclose(polyak_average(trajectory)[-1], trajectory.mean(axis=0))


def test_averaging_the_tail_lowers_the_variance_by_what_the_theory_says():
    # The mean of n stationary iterates has about the variance s^2 / (n lam^2), whatever eta is.
    tails = ensemble(bowl_grad, [0.0, 0.0], 0.1, 1000, 500, 1.0, rng())
    averages = polyak_average(tails, start=100)[-1]
    ratio = averages.var(axis=0, ddof=1) / (1 / (901 * EIGENVALUES**2))
    # Two parts: the sampling error of 500 runs, and the edges, of order 1 / (n eta lam).
    assert_allclose(ratio, 1, atol=WIDTH * math.sqrt(2 / 499) + 0.01)


def test_a_diverged_trajectory_can_be_averaged(recwarn):
    averages = polyak_average([[1.0], [np.inf], [-np.inf]])
    assert_array_equal(averages[:, 0], [1.0, np.inf, np.nan])
    assert not recwarn.list


ENSEMBLE = {
    "grad": bowl_grad, "x0": START, "eta": 0.1, "steps": 5, "runs": 3, "scale": 1.0, "rng": rng()
}  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"grad": 3}, "grad must be a function, got 3"),
        ({"grad": lambda x: x[0]}, r"shape of its argument, \(3, 2\), got \(2,\) at step 0"),
        ({"x0": [np.nan, 1.0]}, r"x0 must be finite, got nan at \[0\]"),
        ({"x0": [[1.0, 2.0]]}, r"x0 must have 1 dimension\(s\), got shape \(1, 2\)"),
        ({"eta": -0.1}, "eta must be positive, got -0.1"),
        ({"eta": lambda t: np.nan}, r"eta\(0\) must be finite, got nan"),
        ({"steps": 0}, "steps must be at least 1, got 0"),
        ({"runs": 0}, "runs must be at least 1, got 0"),
        ({"scale": -1.0}, "scale must be zero or positive, got -1.0"),
        ({"mean": np.inf}, "mean must be finite, got inf"),
        ({"rng": 42}, r"rng must be a numpy.random.Generator such as .*, got 42"),
        ({"rng": np.random}, "rng must be a numpy.random.Generator"),
        ({"keep": 5}, r"keep must be a sequence of steps such as \[0, 5\], got 5"),
        ({"keep": []}, r"keep must be a sequence of steps .*, got \[\]"),
        ({"keep": [3, 2]}, r"keep must increase strictly, got \[3, 2\]"),
        ({"keep": [-1]}, r"keep\[0\] must be at least 0, got -1"),
        ({"keep": [0, 6]}, "keep must end at step 5 at the latest, got 6"),
    ],
)
def test_bad_input_to_an_ensemble_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        ensemble(**(ENSEMBLE | arguments))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sample_grad": None}, "sample_grad must be a function, got None"),
        (
            {"sample_grad": lambda w, i: w},
            r"one row a sample, shape \(2, 2\), got \(2,\)",
        ),
        ({"n": 0, "batch": 1}, "n must be at least 1, got 0"),
        ({"x0": [np.nan, 1.0]}, r"x0 must be finite, got nan at \[0\]"),
        ({"eta": 0}, "eta must be positive, got 0"),
        ({"steps": 0}, "steps must be at least 1, got 0"),
        ({"batch": 0}, "batch must be at least 1, got 0"),
        ({"batch": 8}, "batch must be at most the number of samples, 7, got 8"),
        ({"rng": None}, "rng must be a numpy.random.Generator such as .*, got None"),
    ],
)
def test_bad_input_to_sgd_is_named(arguments, message):
    good = {
        "sample_grad": samples()[2], "n": 7, "x0": START, "eta": 0.1, "steps": 3, "rng": rng(),
        "batch": 2,
    }  # fmt: skip
    with pytest.raises(ValueError, match=message):
        sgd(**(good | arguments))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: noisy(bowl_grad, -1, rng()), "scale must be zero or positive, got -1"),
        (lambda: noisy(bowl_grad, 1, 0), "rng must be a numpy.random.Generator such as .*, got 0"),
        (lambda: stationary_variance(1.0, 2.4, 1), "must lie between 0 and 2, .* got 2.4"),
        (lambda: stationary_variance(0.5, [1, 4], 1), "must lie between 0 and 2, .* got 2"),
        (lambda: stationary_variance(0.5, [1, 0], 1), "must lie between 0 and 2, .* got 0"),
        (lambda: stationary_variance(0.1, 2, -1), "scale must be zero or positive, got -1"),
        (lambda: stationary_variance(0, 2, 1), "eta must be positive, got 0"),
        (lambda: stationary_variance(0.1, np.nan, 1), "curvature must be finite, got nan"),
        (lambda: polyak_average([]), r"trajectory must have rows, got shape \(0,\)"),
        (lambda: polyak_average(1.0), r"trajectory must have rows, got shape \(\)"),
        (lambda: polyak_average("run"), "trajectory must be an array of numbers, got 'run'"),
        (lambda: polyak_average([1, 2], 2), "below the number of rows, 2, got 2"),
        (lambda: polyak_average([1, 2], -1), "start must be at least 0, got -1"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
