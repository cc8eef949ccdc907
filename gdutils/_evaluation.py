"""A network's output on rows of data, without a trace: evaluation, and a trial before training."""

import contextlib
import copy

import torch

from gdutils import _random
from gdutils._batches import minibatches

# Rows of a batch in evaluation; bounds the memory, changes no result.
EVALUATION_BATCH = 8192
# Of pictures, so many bytes: their activations take far more, and on a processor should stay in
# its cache. Measured on a small residual network, 2**20 took 1.7 times as long as 2**17.
PICTURE_BYTES, PICTURE_BYTES_ON_GPU = 2**17, 2**21


class Forward:
    """The output of `model` on rows as they lie in the table.

    Called with a batch of X; `prepare`, the memory format and the precision of
    the run are seen to.
    """

    def __init__(self, model, device, prepare=None, precision="float32", channels_last=False):
        self.model, self.device, self.prepare = model, device, prepare
        self.half, self.channels_last = precision == "bfloat16", channels_last

    def __call__(self, xb):
        if self.prepare is not None:
            xb = self.prepare(xb)
        if self.channels_last and xb.ndim == 4:
            xb = xb.contiguous(memory_format=torch.channels_last)
        if not self.half:
            return self.model(xb)
        with torch.autocast(self.device.type, dtype=torch.bfloat16):
            output = self.model(xb)
        return output.float()  # the loss is computed in float32

    def shortest(self):
        """Return the model alone where it takes rows as they are: small steps feel the detour."""
        plain = self.prepare is None and not (self.half or self.channels_last)
        return self.model if plain else self

    def through(self, model):
        """Return the same with another module, such as the model compiled."""
        other = copy.copy(self)
        other.model = model
        return other


@contextlib.contextmanager
def evaluation(model):
    """Switch to evaluation without gradients; afterwards each part has its own mode again."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for module, mode in modes:
            module.training = mode


def means(forward, X, y, loss, *, batch=EVALUATION_BATCH, team=None):
    """Return the mean loss over a table, and the fraction classified rightly or None.

    With a `team`, each process takes a part of the rows.
    """
    rows = len(X)
    if X.ndim > 2:
        most = PICTURE_BYTES if X.device.type == "cpu" else PICTURE_BYTES_ON_GPU
        batch = max(1, min(batch, most // X[0].numel()))
    if team is not None:
        X, y = team.part(X), team.part(y)
    total, right = _sums(forward, X, y, loss, batch) if len(X) else (0.0, None)
    if team is not None:
        total, count, known = team.total([total, right or 0, right is not None])
        right = count if known else None
    return total / rows, None if right is None else right / rows


def _sums(forward, X, y, loss, batch):
    """Return the loss summed over rows, and how many rows are classified rightly or None."""
    values, hits, rows = [], [], []
    with evaluation(forward.model):
        for xb, yb in minibatches(X, y, batch=min(batch, len(X)), shuffle=False):
            output = forward(xb)
            values.append(scalar(loss(output, yb)))
            rows.append(len(yb))
            if has_classes(output, yb):
                hits.append((output.argmax(1) == yb).sum())
    # Read at the end: each reading would make the processor wait for an accelerator.
    total = sum(value * n for value, n in zip(torch.stack(values).tolist(), rows, strict=True))
    return total, sum(torch.stack(hits).tolist()) if hits else None


def scalar(value):
    if value.ndim != 0:
        raise ValueError(f"loss must return a scalar, got shape {tuple(value.shape)}")
    return value


def has_classes(output, y):
    """Whether `y` holds classes and `output` a number for each of them."""
    return (
        isinstance(output, torch.Tensor)
        and output.ndim == 2
        and output.shape[1] > 1
        and y.dtype == torch.int64
        and y.ndim == 1
    )


@contextlib.contextmanager
def without_trace(model, generator=None):
    """Undo what happens to buffers, modes and random numbers; yield a copy of `generator`."""
    modes = [(module, module.training) for module in model.modules()]
    buffers = [(buffer, buffer.clone()) for buffer in model.buffers()]
    devices = [p.device for p in model.parameters() if p.device.type == "cuda"][:1]
    try:
        with torch.random.fork_rng(devices), torch.no_grad():
            yield _random.twin_of(generator)
    finally:
        for module, mode in modes:
            module.training = mode
        with torch.no_grad():
            for buffer, before in buffers:
                buffer.copy_(before)
