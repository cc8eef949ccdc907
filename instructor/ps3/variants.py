"""Other numbers for problem set 3."""


def numbers(rng):
    """Return other numbers for this set, by name. `rng` is a numpy.random.Generator.

    The ranges keep the rough sizes that question 6 checks in view of the student: at these T the
    bias correction of s still counts (it would not at beta2 = 0.99), and the decay stays visible.
    """
    return {
        "eta": round(float(rng.uniform(0.02, 0.05)), 3),
        "beta1": float(rng.choice([0.8, 0.85, 0.9])),
        "beta2": float(rng.choice([0.998, 0.9985, 0.999])),
        "T": int(rng.integers(400, 1001)),
        "omega": round(float(rng.uniform(0.005, 0.01)), 4),
        "x0": round(float(rng.uniform(0.4, 0.9)), 2),
    }
