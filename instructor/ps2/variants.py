"""Other numbers for problem set 2, one set of them for each seed."""


def numbers(rng):
    """Return other numbers for this set, by name. `rng` is a numpy.random.Generator."""

    def between(low, high, digits=2):
        return round(float(rng.uniform(low, high)), digits)

    def either_sign(low, high):
        return between(low, high) * float(rng.choice([-1.0, 1.0]))

    return {
        # gamma is large enough for the pass to be left clearly faster than alpha alone says
        "alpha": between(1.0, 3.0),
        "beta": between(1.0, 2.0),
        "gamma": either_sign(1.0, 1.6),
        "eta_pass": between(0.03, 0.08, digits=3),
        "delta": float(rng.choice([1e-5, 1e-6, 1e-7, 1e-8])),
        # eta * lam is far above 0.05, which power 1 in Question 7 needs to fall as 1/t, and below
        # 0.25, where power 1 would be the best of all after 30 steps already
        "x0": either_sign(4.0, 6.0),
        "eta": between(0.08, 0.11, digits=3),
        "lam": between(1.8, 2.2),
        "sigma": between(1.2, 2.0),
        "mu": either_sign(0.3, 0.8),
        "targets": [either_sign(1.0, 3.0) for _ in range(3)],
    }
