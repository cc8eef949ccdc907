"""Train a PyTorch model on tensors that lie on its device, and keep what happened.

`train` is the loop of chapter 8 with the plumbing that the chapter leaves out:
checks of the input, losses by samples seen, time apart from evaluation. A run
whose loss is no longer finite stops and says so in its `History`.
"""

import contextlib
import math
import os
import sys
import time
from dataclasses import dataclass

import numpy as np
import torch

from gdutils import _arguments, _validate
from gdutils._batches import minibatches

EVALUATION_BATCH = 8192  # rows; bounds the memory of an evaluation, changes no result
# Reading a loss makes the processor wait for an accelerator, so there it is done now and then.
STEPS_BETWEEN_READS = 50


@dataclass(frozen=True, eq=False)
class History:
    """What happened in a run of `train`.

    Attributes
    ----------
    samples : numpy.ndarray, shape (steps,), int64
        Rows seen up to and with each step, counting a row at each visit.
    losses : numpy.ndarray, shape (steps,)
        Loss of each step's batch before the step; not finite only in the last.
    eval_samples : numpy.ndarray, shape (evaluations,), int64
        Rows seen before each evaluation; the first is 0.
    eval_losses : dict of str to numpy.ndarray, shape (evaluations,)
        For each table, the loss of the whole table.
    eval_seconds : numpy.ndarray, shape (evaluations,)
        Training time before each evaluation, in seconds.
    seconds_training, seconds_evaluating : float
        Wall-clock time; the two do not overlap.
    stopped : str or None
        Why the run ended early, or None if it did not.
    device : str
    """

    samples: np.ndarray
    losses: np.ndarray
    eval_samples: np.ndarray
    eval_losses: dict
    eval_seconds: np.ndarray
    seconds_training: float
    seconds_evaluating: float
    stopped: str | None
    device: str


def half_mean_squared_error(prediction, y):
    """Return ``((prediction - y) ** 2).mean() / 2``, the loss of chapters 1, 2 and 8.

    A `prediction` of shape (b, 1), as `torch.nn.Linear` gives it, meets a `y`
    of shape (b,) or (b, 1).

    Raises
    ------
    ValueError
        If the shapes differ otherwise: torch would broadcast (b, 1) against
        (b,) to all b * b pairs and return a number that means nothing.

    Examples
    --------
    >>> half_mean_squared_error(torch.tensor([[1.0], [2.0]]), torch.tensor([0.0, 0.0]))
    tensor(1.2500)
    """
    # The axis is added to y, which needs no gradient, rather than taken from the prediction.
    if prediction.ndim == y.ndim + 1 and prediction.shape[-1] == 1:
        y = y.unsqueeze(-1)
    if prediction.shape != y.shape:
        raise ValueError(
            "prediction must have the shape of y, or one more axis of length 1, "
            f"got {tuple(prediction.shape)} and {tuple(y.shape)}"
        )
    return torch.nn.functional.mse_loss(prediction, y) / 2


def evaluate(model, X, y, loss):
    """Return the loss of `model` on a whole table, as a float.

    The model is switched to evaluation, no gradient is computed, and the
    model's mode is restored. `X` and `y` are as in `train`; `loss` must be a
    mean over rows.

    Raises
    ------
    ValueError
        As `train` does for `data`.

    Examples
    --------
    >>> model = torch.nn.Linear(1, 1)
    >>> _ = torch.nn.init.zeros_(model.weight), torch.nn.init.ones_(model.bias)
    >>> evaluate(model, np.zeros((4, 1)), np.full(4, 3.0), half_mean_squared_error)
    2.0
    """
    _arguments.check_model(model)
    device, _ = _arguments.home(model)
    return _mean_loss(model, *_arguments.table("data", (X, y), model, device), loss)


def train(
    model,
    data,
    *,
    loss,
    optimiser,
    batch,
    epochs,
    schedule=None,
    generator=None,
    evaluate_on=None,
    evaluate_every=None,
    device="auto",
    progress=None,
):
    """Train `model` in place on shuffled minibatches, the last partial one included.

    Parameters
    ----------
    model : torch.nn.Module
        Moved to `device` and left there, in training mode.
    data : (X, y), NumPy arrays or tensors with n rows each
        Moved to `device` once. Floating-point numbers take the precision of
        the model's parameters, whole numbers in `y` become int64 (class labels).
    loss : callable
        Maps the model's output and `y` of a batch to a scalar, a mean over rows.
    optimiser : torch.optim.Optimizer
        Over the parameters of `model`.
    batch, epochs : int
        Rows in a batch; passes over the table.
    schedule : callable, optional
        Learning rate as a function of the step number (see `gdutils.schedules`),
        set in every parameter group. By default the optimiser keeps its own.
    generator : torch.Generator or numpy.random.Generator, optional
        Draws the order of the rows anew in each epoch.
    evaluate_on : dict of str to (X, y), optional
        Tables to evaluate by name; by default ``{"training": data}``; ``{}`` for none.
    evaluate_every : int, optional
        Evaluate when another so many rows have been seen (n by default): after
        the step that reaches the multiple, whatever the batch. The start and
        the end are always evaluated.
    device : str or torch.device
        ``"auto"`` is the GPU if there is one, and otherwise the CPU.
    progress : bool, optional
        Whether to show a bar; by default in a terminal or a notebook, unless
        the environment variable ``TQDM_DISABLE`` is set.

    Returns
    -------
    History
        With `stopped` set if a loss was not finite. That is a result, not an
        error: the run ends at that step, or on a GPU at most 49 steps later.

    Raises
    ------
    ValueError
        Before the first step, if the data are empty, not finite or of unequal
        length, `batch` is not from 1 to n, the device is not there, or an argument
        is of the wrong kind. During it, if `schedule` gives a negative rate or
        `loss` no scalar.

    Examples
    --------
    >>> model, generator = torch.nn.Linear(1, 1), torch.Generator().manual_seed(0)
    >>> X = np.linspace(-1, 1, 50)[:, None]
    >>> history = train(
    ...     model, (X, 3 * X[:, 0] + 1), loss=half_mean_squared_error, batch=10, epochs=40,
    ...     optimiser=torch.optim.SGD(model.parameters(), lr=0.5), generator=generator,
    ... )
    >>> round(model.weight.item(), 3), round(model.bias.item(), 3), history.samples[-1].item()
    (3.0, 1.0, 2000)
    """
    # 1. Everything that can be wrong is found before the model is touched.
    _arguments.check_model(model)
    _arguments.check_optimiser(optimiser, model)
    epochs = _validate.count("epochs", epochs)
    _validate.function("loss", loss)
    if schedule is not None:
        _validate.function("schedule", schedule)
    device = _arguments.find_device(device)
    X, y = _arguments.table("data", data, model, device)
    tables = (
        {"training": (X, y)}
        if evaluate_on is None
        else _arguments.tables(evaluate_on, model, device)
    )
    every = len(X) if evaluate_every is None else _validate.count("evaluate_every", evaluate_every)
    minibatches(X, y, batch=batch, shuffle=False)  # for its checks of batch

    # 2. The loop.
    run = _Run(model.to(device).train(), loss, optimiser, schedule, tables, device)
    run.evaluate()
    with _bar(epochs * len(X), progress) as bar:
        for _ in range(epochs):
            for xb, yb in minibatches(X, y, batch=batch, generator=generator):
                run.step(xb, yb)
                if run.samples % every < len(yb):
                    run.evaluate()
                if bar is not None:
                    bar.set_postfix_str(run.latest(), refresh=False)
                    bar.update(len(yb))
                if run.stopped:
                    break
            if run.stopped:
                break
    return run.finish()


class _Run:
    """The state of a run: `step` and `evaluate` advance it, `finish` makes it a History."""

    def __init__(self, model, loss, optimiser, schedule, tables, device):
        self.model, self.loss, self.optimiser, self.schedule = model, loss, optimiser, schedule
        self.parameters = list(model.parameters())
        self.tables, self.device = tables, device
        self.read_every = 1 if device.type == "cpu" else STEPS_BETWEEN_READS
        self.samples, self.stopped = 0, None
        self.seen, self.losses, self.unread = [], [], []
        self.eval_seen, self.eval_seconds = [], []
        self.eval_losses = {name: [] for name in tables}
        self.training = self.evaluating = 0.0
        self.clock = time.perf_counter()

    def step(self, xb, yb):
        if self.schedule is not None:
            t = len(self.seen)
            eta = _validate.number(f"schedule({t})", self.schedule(t), at_least=0)
            for group in self.optimiser.param_groups:
                group["lr"] = eta
        for parameter in self.parameters:
            parameter.grad = None  # what zero_grad does, in a twentieth of the time
        value = self.loss(self.model(xb), yb)
        if value.ndim != 0:
            raise ValueError(f"loss must return a scalar, got shape {tuple(value.shape)}")
        value.backward()
        self.optimiser.step()
        self.samples += len(yb)
        self.seen.append(self.samples)
        self.unread.append(value.detach())
        if len(self.unread) == self.read_every:
            self.read_losses()

    def read_losses(self):
        """Fetch the losses of the latest steps; stop at the first that is not finite."""
        one = len(self.unread) == 1
        values = [self.unread[0].item()] if one else torch.stack(self.unread).tolist()
        self.unread.clear()
        for value in values:
            self.losses.append(value)
            if not math.isfinite(value):
                step = len(self.losses)
                self.stopped = (
                    f"the loss of step {step} is {value}, at sample {self.seen[step - 1]}"
                )
                break

    def latest(self):
        return f"loss {self.losses[-1]:.4g}" if self.losses else ""

    def evaluate(self):
        if self.unread:
            self.read_losses()
        self.training += self.lap()
        self.eval_seen.append(self.samples)
        self.eval_seconds.append(self.training)
        for name, (X, y) in self.tables.items():
            value = _mean_loss(self.model, X, y, self.loss)
            self.eval_losses[name].append(value)
            if not (math.isfinite(value) or self.stopped):
                self.stopped = f"the loss on {name!r} is {value}, after sample {self.samples}"
        self.evaluating += self.lap()

    def lap(self):
        """Return the seconds since the last call, once the device has done its work."""
        _synchronise(self.device)
        before, self.clock = self.clock, time.perf_counter()
        return self.clock - before

    def finish(self):
        if self.eval_seen[-1] != self.samples:
            self.evaluate()
        return History(
            samples=np.array(self.seen[: len(self.losses)]),
            losses=np.array(self.losses),
            eval_samples=np.array(self.eval_seen),
            eval_losses={name: np.array(values) for name, values in self.eval_losses.items()},
            eval_seconds=np.array(self.eval_seconds),
            seconds_training=self.training,
            seconds_evaluating=self.evaluating,
            stopped=self.stopped,
            device=str(self.device),
        )


def _mean_loss(model, X, y, loss):
    """Return the loss over all rows, each batch weighted by its rows."""
    was_training = model.training
    model.eval()
    total = 0.0
    try:
        with torch.no_grad():
            for xb, yb in minibatches(X, y, batch=min(EVALUATION_BATCH, len(X)), shuffle=False):
                total += loss(model(xb), yb).item() * len(yb)
    finally:
        model.train(was_training)
    return total / len(X)


def _bar(total, progress):
    """Return a context that is a progress bar, or None where none is to be shown."""
    if progress is None:
        off = os.environ.get("TQDM_DISABLE", "") not in ("", "0")
        progress = not off and (sys.stderr.isatty() or _in_notebook())
    if not progress:
        return contextlib.nullcontext()
    from tqdm.auto import tqdm

    return tqdm(total=total, unit=" samples", unit_scale=True, leave=False)


def _in_notebook():
    ipython = sys.modules.get("IPython")
    return ipython is not None and hasattr(ipython.get_ipython(), "kernel")


def _synchronise(device):
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()
