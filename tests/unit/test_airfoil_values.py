"""The figures that chapter 08 quotes of the real table; they need the real table."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from gdutils.data import DataError, airfoil
from gdutils.descent import gradient_descent
from gdutils.objectives import least_squares


@pytest.fixture(scope="module")
def objective():
    """Half mean squared error of the first 1500 rows, all columns standardised over all rows."""
    try:
        table = airfoil()
    except DataError:
        pytest.skip("the real airfoil table cannot be had here")
    if table.is_stand_in:
        pytest.skip("the real airfoil table is needed, this run uses the stand-in")
    X = (table.X - table.X.mean(axis=0)) / table.X.std(axis=0)
    y = (table.y - table.y.mean()) / table.y.std()
    X, y = np.hstack([X, np.ones((len(X), 1))])[:1500], y[:1500]
    return least_squares(X, y), X, y


def test_optimum_and_share_of_variance(objective):
    f, _, y = objective
    assert_allclose(f(f.minimiser), 0.2416880, atol=5e-8)
    assert_allclose(1 - 2 * f(f.minimiser) / np.var(y), 0.5100, atol=5e-5)


def test_spectrum_and_the_rates_that_follow_from_it(objective):
    f, _, _ = objective
    eigenvalues = np.linalg.eigvalsh(f.hess(f.minimiser))
    mu, L = eigenvalues[0], eigenvalues[-1]
    assert_allclose([mu, L], [0.17369, 2.09848], atol=5e-6)
    assert_allclose(L / mu, 12.082, atol=5e-4)
    assert_allclose([2 / L, 2 / (mu + L)], [0.95307, 0.88022], atol=5e-6)


def test_whole_batch_at_rate_one_dips_and_then_diverges(objective):
    f, X, _ = objective
    path = gradient_descent(f.grad, np.zeros(X.shape[1]), eta=1.0, steps=100)
    losses = np.array([f(w) for w in path])
    assert losses[:10].argmin() == 6
    assert_allclose(losses[[20, 50]], [0.275, 9.6], rtol=0.01)
    assert losses[100] > 1e5
