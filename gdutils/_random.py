"""Random states that can be kept as plain data, and an order of rows that can be taken up again."""

import copy
import itertools
import json

import numpy as np
import torch

from gdutils._batches import minibatches


def check(generator):
    if not (generator is None or isinstance(generator, (np.random.Generator, torch.Generator))):
        raise ValueError(
            f"generator must be a numpy.random.Generator or a torch.Generator, got {generator!r}"
        )


def state_of(generator):
    """Return the state of a NumPy or torch generator, or of torch's global one for None."""
    if isinstance(generator, np.random.Generator):
        return json.dumps(generator.bit_generator.state, default=lambda array: array.tolist())
    return torch.get_rng_state() if generator is None else generator.get_state()


def put_state(generator, state):
    if isinstance(generator, np.random.Generator):
        generator.bit_generator.state = _with_arrays(json.loads(state))
    elif generator is None:
        torch.set_rng_state(state)
    else:
        generator.set_state(state)


def _with_arrays(state):
    """Return the state with its lists as arrays of unsigned numbers, as NumPy wants them."""
    if isinstance(state, dict):
        return {key: _with_arrays(value) for key, value in state.items()}
    return np.array(state, dtype=np.uint64) if isinstance(state, list) else state


def kind_of(generator):
    """Return a word for what `state_of` returns, so that a state is not given to another kind."""
    if isinstance(generator, np.random.Generator):
        return f"numpy {type(generator.bit_generator).__name__}"
    return "torch" if generator is None else f"torch.Generator on {generator.device.type}"


def twin_of(generator):
    """Return a generator that will draw the same numbers without moving this one."""
    if isinstance(generator, np.random.Generator):
        return copy.deepcopy(generator)
    if isinstance(generator, torch.Generator):
        twin = torch.Generator(generator.device)
        twin.set_state(generator.get_state())
        return twin
    return generator


class Order:
    """The batches of each epoch; after `resume`, first the rest of an epoch begun elsewhere."""

    def __init__(self, generator):
        self.generator = generator
        self.epoch = self.done = 0  # epochs finished, batches of the next one given out
        self.before, self.resumed = None, None

    def batches(self, X, y, batch):
        """Yield the batches of the next epoch."""
        if self.resumed is None:
            self.before, self.done = state_of(self.generator), 0
        else:
            put_state(self.generator, self.before)
        rest = minibatches(X, y, batch=batch, generator=self.generator)
        if self.resumed is not None:
            rest = itertools.islice(rest, self.done, None)
            put_state(self.generator, self.resumed)
            self.resumed = None
        for rows in rest:
            self.done += 1
            yield rows
        self.epoch += 1

    def state(self):
        now = state_of(self.generator)
        return {"epoch": self.epoch, "done": self.done, "before": self.before, "now": now}

    def resume(self, state):
        self.epoch, self.done = state["epoch"], state["done"]
        self.before, self.resumed = state["before"], state["now"] if self.done else None
        put_state(self.generator, state["now"])
