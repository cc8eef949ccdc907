"""Other numbers for problem set 1. The ranges keep each wrong solution wrong."""

import numpy as np


def numbers(rng):
    """Return other numbers for this set, by name. `rng` is a numpy.random.Generator."""
    A, share = curvatures_and_share(rng)
    A_flat, y_flat, theta_flat = dependent_columns(rng)
    root = round(float(rng.uniform(1.3, 2.8)), 1)  # above 1: the run diverges
    root_wanted = round(float(rng.uniform(0.1, 0.5)), 1)
    return {
        # 0.3 * 6 < 2: the run converges.
        "curvatures": [1.0, float(rng.integers(4, 7))],
        "start": [float(rng.integers(2, 6)), -float(rng.integers(2, 6))],
        "eta": round(float(rng.uniform(0.1, 0.3)), 3),
        "eta_tried": round(float(rng.uniform(0.1, 0.4)), 2),
        "ratio": round(root**2, 2),
        "ratio_wanted": round(root_wanted**2, 2),
        "A": A,
        "share": share,
        "A_flat": A_flat,
        "y_flat": y_flat,
        "theta_flat": theta_flat,
        # From (b^2, 1) the exact step would be the same at each step, so 2 and 3 stay below 2^2.
        "scales": [1.0, float(rng.integers(2, 5))],
        "start_valley": [
            float(rng.integers(2, 4)),
            float(rng.choice([-2, -1, 1, 2])),
        ],
        "X": features(rng),
    }


def curvatures_and_share(rng):
    """Return a matrix and a share whose number of steps is not close to a whole number."""
    while True:
        A = rng.integers(-3, 5, size=(5, 3))
        share = round(float(rng.uniform(0.001, 0.01)), 4)
        s = np.linalg.svd(A, compute_uv=False)
        if not 4 < (s[0] / max(s[-1], 1e-9)) ** 2 < 60:
            continue
        rho = (s[0] ** 2 - s[-1] ** 2) / (s[0] ** 2 + s[-1] ** 2)
        if 0.1 < np.log(share) / np.log(rho) % 1 < 0.9:
            return A.tolist(), share


def dependent_columns(rng):
    """Return a matrix of rank 2, a target, and a start with parts in both subspaces."""
    while True:
        A = rng.integers(-2, 4, size=(3, 4))
        A[2] = A[0] + A[1]
        theta = rng.integers(-3, 4, size=4)
        s, Vt = np.linalg.svd(A)[1:]
        reached, kept = (
            np.linalg.norm(Vt[:2] @ theta),
            np.linalg.norm(Vt[2:] @ theta),
        )
        if s[1] > 1 and min(reached, kept) > 0.5:
            y = rng.integers(-5, 6, size=3)
            return (
                A.tolist(),
                y.astype(float).tolist(),
                theta.astype(float).tolist(),
            )


def features(rng):
    """Return two features with large means and different spreads, not too strongly correlated."""
    while True:
        spread = np.arange(-2, 3)
        first = rng.integers(8, 13) + rng.permutation(spread)
        second = rng.integers(26, 36) + 3 * rng.permutation(spread)
        if abs(np.corrcoef(first, second)[0, 1]) < 0.8:
            return np.column_stack([first, second]).tolist()
