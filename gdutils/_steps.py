"""What optimisers of several modules do at each step: ask the schedule, ask the gradient."""

import numpy as np

from gdutils import _validate


def as_schedule(eta):
    """Return a checked function of the step number for a constant or callable `eta`."""
    if not callable(eta):
        constant = _validate.number("eta", eta, above=0)
        return lambda t: constant
    return lambda t: _validate.number(f"eta({t})", eta(t), at_least=0)


def gradient_at(grad, x, t):
    """Evaluate `grad` on a copy of `x`, so that it cannot change the trajectory."""
    g = np.asarray(grad(x.copy()), dtype=np.float64)
    if g.shape != x.shape:
        raise ValueError(
            f"grad must return the shape of its argument, {x.shape}, got {g.shape} at step {t}"
        )
    return g
