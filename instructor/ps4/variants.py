"""Other numbers for problem set 4."""

import numpy as np

T_TABLE = [
    12.706,
    4.303,
    3.182,
    2.776,
    2.571,
    2.447,
    2.365,
    2.306,
]  # 1 to 8 degrees of freedom


def numbers(rng):
    """Return other numbers for this set, by name. `rng` is a numpy.random.Generator."""
    return {
        **start(rng),
        **memory(rng),
        **loss(rng),
        **autoencoder(rng),
        **seeds(rng),
    }


def start(rng):
    """Question 1: widths that differ, so that fan-in and fan-out do."""
    hidden = rng.choice(np.arange(40, 420, 20), size=4, replace=False)
    return {
        "widths": [int(rng.choice([784, 1024, 3072])), *hidden.tolist(), 10]
    }


def memory(rng):
    """Question 2: two batches, of three rows and of two, with different statistics."""
    while True:
        rows = rng.integers(-6, 10, size=(5, 2))
        spreads = np.var(rows[:3], axis=0), np.var(rows[3:], axis=0)
        if min(np.min(spread) for spread in spreads) > 1 and np.all(
            rows.mean(axis=0) > 0.5
        ):
            break
    return {
        "rows": rows.tolist(),
        "batch": 3,
        "alpha": round(float(rng.uniform(0.05, 0.3)), 2),
    }


def loss(rng):
    """Question 3: labels of which some are right and some are not."""
    logits = np.round(rng.normal(0, 1.5, size=(3, 3)), 1) + 0.0  # no -0.0
    return {
        "logits": logits.tolist(),
        "labels": rng.permutation(3).tolist(),
        "epsilon": round(float(rng.uniform(0.05, 0.2)), 2),
    }


def autoencoder(rng):
    """Question 4: units that are on and off, none of them near the border."""
    while True:
        X = rng.integers(-4, 5, size=(3, 3)) / 2
        W = rng.integers(-3, 4, size=(3, 2)) / 2
        b = np.round(rng.uniform(0.1, 0.4, size=2) * [1, -1], 1)
        Z = X @ W + b  # (3, 2)
        on = Z > 0
        back = (np.maximum(Z, 0) @ W.T - X) @ W  # what arrives at the units
        missed = np.any(np.abs(back[~on]) > 0.5)
        if (
            np.abs(Z).min() > 0.05
            and on.any(axis=0).all()
            and missed
            and len(np.unique(W)) > 3
        ):
            return {"X": X.tolist(), "W": W.tolist(), "b": b.tolist()}


def seeds(rng):
    """Question 6: seeds share their luck, so that only the paired interval excludes 0."""
    while True:
        luck = rng.normal(0, 0.0017, size=5)
        base = round(float(rng.uniform(0.90, 0.93)), 4)
        first = np.round(base + luck, 4)
        second = np.round(
            base + 0.0022 + 1.6 * luck + rng.normal(0, 0.0004, size=5), 4
        )
        gaps, va, vb = second - first, first.var(ddof=1), second.var(ddof=1)
        nu = 4 * (va + vb) ** 2 / (va**2 + vb**2)
        paired = T_TABLE[3] * gaps.std(ddof=1) / np.sqrt(5)
        welch = T_TABLE[int(nu) - 1] * np.sqrt((va + vb) / 5)
        clear = 4.1 < nu < 7.9 and 0.05 < nu % 1 < 0.95
        if clear and 1.1 * paired < gaps.mean() < 0.9 * welch:
            return {
                "first": first.tolist(),
                "second": second.tolist(),
                "t_table": T_TABLE,
            }
