"""Train a PyTorch model on tensors that lie on its device, and keep what happened.

`train` is the loop of chapter 8 with the plumbing that the chapter leaves out:
checks of the input, losses by samples seen, time apart from evaluation. A run
whose loss is no longer finite stops and says so in its `History`.
"""

import contextlib
import os
import sys
import time  # noqa: F401 - the clock of a run; tests stop it here
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch

from gdutils import _arguments, _evaluation, _parallel, _random, _trial, _validate
from gdutils._batches import minibatches
from gdutils._checkpoints import Saves, fingerprint
from gdutils._evaluation import EVALUATION_BATCH, Forward
from gdutils._random import Order
from gdutils._run import Run as _Run


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
    eval_accuracies : dict of str to numpy.ndarray, shape (evaluations,)
        For each table of classes, the fraction that the model gets right.
    eval_seconds : numpy.ndarray, shape (evaluations,)
        Training time before each evaluation, in seconds.
    seconds_training, seconds_evaluating : float
        Wall-clock time; the two do not overlap.
    stopped : str or None
        Why the run ended early, or None if it did not.
    device : str
        Where the run took place.
    """

    samples: np.ndarray
    losses: np.ndarray
    eval_samples: np.ndarray
    eval_losses: dict
    eval_accuracies: dict
    eval_seconds: np.ndarray
    seconds_training: float
    seconds_evaluating: float
    stopped: str | None
    device: str


def half_mean_squared_error(prediction, y):
    """Return ``((prediction - y) ** 2).mean() / 2``, the loss of chapters 1, 2 and 8.

    A `prediction` of shape (b, 1), as `torch.nn.Linear` gives it, meets a `y`
    of shape (b,) or (b, 1).

    Parameters
    ----------
    prediction, y : torch.Tensor, shape (b,) or (b, 1)
        What the model gives, and the targets.

    Returns
    -------
    torch.Tensor, a scalar
        With its graph, so that ``backward()`` works.

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


def evaluate(model, X, y, loss, prepare=None):
    """Return the loss of `model` on a whole table, as a float.

    The model is switched to evaluation, no gradient is computed, and the
    model's mode is restored.

    Parameters
    ----------
    model : torch.nn.Module
        Evaluated on the device where it is.
    X, y : numpy.ndarray or torch.Tensor, n rows each
        The table, as the `data` of `train`.
    loss : callable
        Maps the model's output and `y` of a batch to a scalar, a mean over rows.
    prepare : callable, optional
        As in `train`.

    Returns
    -------
    float
        In the unit of `loss`.

    Raises
    ------
    ValueError
        As `train` does for `data` and `prepare`.

    Examples
    --------
    >>> model = torch.nn.Linear(1, 1)
    >>> _ = torch.nn.init.zeros_(model.weight), torch.nn.init.ones_(model.bias)
    >>> evaluate(model, np.zeros((4, 1)), np.full(4, 3.0), half_mean_squared_error)
    2.0
    """
    _validate.function("loss", loss)
    return _whole_table(model, X, y, loss, prepare)[0]


def accuracy(model, X, y, prepare=None):
    """Return the fraction of rows whose class `model` gives the largest number.

    The model is switched to evaluation, no gradient is computed, and the
    model's mode is restored.

    Parameters
    ----------
    model : torch.nn.Module
        Evaluated on the device where it is.
    X : numpy.ndarray or torch.Tensor, n rows
        As in the `data` of `train`.
    y : numpy.ndarray or torch.Tensor, shape (n,), whole numbers
        The classes of the rows, from 0.
    prepare : callable, optional
        As in `train`.

    Returns
    -------
    float
        From 0 to 1.

    Raises
    ------
    ValueError
        As `train` does for `data` and `prepare`; if `y` does not hold classes, or
        `model` does not give a number for each of them.

    Examples
    --------
    >>> accuracy(torch.nn.Identity(), torch.eye(3), np.array([0, 1, 1]))
    0.6666666666666666
    """
    _, fraction = _whole_table(model, X, y, _no_loss, prepare)
    if fraction is None:
        raise ValueError(
            "accuracy needs y to be the classes of the rows and the model to give a number for "
            f"each class, got y of shape {np.shape(y)} and type {getattr(y, 'dtype', type(y))}"
        )
    return fraction


def _whole_table(model, X, y, loss, prepare):
    _arguments.check_model(model)
    if prepare is not None:
        _validate.function("prepare", prepare)
    device, _ = _arguments.home(model)
    X, y = _arguments.table("data", (X, y), model, device)
    forward = Forward(model, device, prepare)
    _trial.attempt(forward, (X, y), {}, loss)
    return _evaluation.means(forward, X, y, loss, batch=EVALUATION_BATCH)


def _no_loss(output, y):
    return torch.zeros(())


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
    prepare=None,
    augment=None,
    label_smoothing=0.0,
    precision="float32",
    channels_last=False,
    compile=False,
    checkpoint=None,
    checkpoint_every=None,
):
    """Train `model` in place on shuffled minibatches, the last partial one included.

    Parameters
    ----------
    model : torch.nn.Module
        Moved to `device` and left there, in training mode.
    data : (X, y), NumPy arrays or tensors with n rows each
        Moved to `device` once. Floating-point numbers take the precision of
        the model's parameters, whole numbers in `y` become int64 (class labels),
        whole numbers in `X` stay what they are: for pictures of bytes see `prepare`.
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
    prepare : callable, optional
        Makes the model's input of a batch of `X`, in training and in evaluation
        (see `gdutils.images.standardise`).
    augment : callable, optional
        ``augment(xb, generator)`` changes a batch of `X` at random, in training
        only and before `prepare` (see `gdutils.images.flip`).
    label_smoothing : float
        From 0 to below 1. If positive, passed to `loss` by that name, in training only.
    precision : {"float32", "bfloat16"}
        With ``"bfloat16"`` the model runs under `torch.autocast`, in evaluations
        too; parameters and loss keep float32. Otherwise parameters decide.
    channels_last : bool
        Whether the model and its input keep the channels of a pixel side by side,
        which is often faster for convolutions.
    compile : bool
        Whether to train through `torch.compile`. `model` still holds the weights.
        Compiling counts as training time.
    checkpoint : path, optional
        A file that the run is written to now and then. If it is there, the run goes
        on from it: killed at any step and started again with the same arguments, it
        ends with the same weights and the same `History`, seconds apart. `epochs`
        may grow. A finished run returns its `History` at once. Writing counts as
        neither training nor evaluation; a state that is not finite is not written.
    checkpoint_every : int, optional
        Steps from one writing to the next; by default the end of each epoch.

    Returns
    -------
    History
        With `stopped` set if a loss was not finite. That is a result, not an
        error: the run ends at that step, or on a GPU at most 49 steps later.

    Raises
    ------
    OSError
        If `checkpoint` cannot be read or written. An earlier file is left as it is.
    ValueError
        Before the first step, if the data are empty, not finite or of unequal
        length, `batch` is not from 1 to n, the device is not there, an argument is
        of the wrong kind, the model cannot take two rows of the data, or labels do
        not fit its output, or `checkpoint` is damaged or of another run; the model
        is then left as it was. During it, if `schedule` gives a negative rate or
        `loss` no scalar.

    Notes
    -----
    Started by ``torchrun --nproc-per-node``, the processes train one model: each on
    a GPU of its own, or all on the CPU. They start from the weights of the first,
    each takes every so many rows of a batch, and gradients and losses are those of
    the whole batch, which stays `batch` rows. Only batch normalisation, which sees
    the rows of its own process, differs; its running statistics are averaged before
    evaluations. Evaluation is shared out; the first process shows the bar and
    writes the checkpoint.

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
    # 1. Everything that can be wrong is found before the model is changed.
    _arguments.check_model(model)
    _arguments.check_optimiser(optimiser, model)
    epochs = _validate.count("epochs", epochs)
    _validate.function("loss", loss)
    for name, function in (("schedule", schedule), ("prepare", prepare), ("augment", augment)):
        if function is not None:
            _validate.function(name, function)
    _arguments.check_precision(precision, model)
    smoothed = _arguments.smoothed(loss, label_smoothing)
    _random.check(generator)
    device = _arguments.find_device(device)
    X, y = _arguments.table("data", data, model, device)
    tables = (
        {"training": (X, y)}
        if evaluate_on is None
        else _arguments.tables(evaluate_on, model, device, data, (X, y))
    )
    n, total = len(X), epochs * len(X)
    every = n if evaluate_every is None else _validate.count("evaluate_every", evaluate_every)
    minibatches(X, y, batch=batch, shuffle=False)  # for its checks of batch
    settings = {
        "batch": int(batch),
        "evaluate_every": every,
        "label_smoothing": float(label_smoothing),
        "precision": precision,
        "schedule": schedule is not None,
        "augment": augment is not None,
        "prepare": prepare is not None,
    }
    home, _ = _arguments.home(model)
    forward = Forward(model, device, prepare, precision, channels_last)
    try:
        model.to(device)
        team = _parallel.join(device)
        classes = _trial.attempt(forward, (X, y), tables, loss, augment, generator, batch, team)
        described = partial(
            fingerprint, model, optimiser, loss, (X, y), tables, generator, **settings
        )
        saves = Saves(checkpoint, checkpoint_every, described, team)
        found = saves.find(total)
    except Exception:
        model.to(home)
        raise

    # 2. The start of the run, or the state in which it was left.
    if team is not None:
        team.start_alike(model)
        generator = team.generator(generator)
    if channels_last:
        model.to(memory_format=torch.channels_last)
    run = _Run(forward, loss, smoothed, optimiser, schedule, tables, Order(generator), team)
    run.augment = augment
    if compile:
        run.compile()
    if found is None:
        run.evaluate()
        saves.write(run)
    else:
        run.resume(found, total)
    model.train()

    # 3. The loop.
    unit = " samples" if X.ndim < 3 else " images"
    with _bar(total, run.samples, progress, unit, team) as bar:
        run.counting = classes and bar is not None
        while run.samples < total:
            for xb, yb in run.order.batches(X, y, batch):
                run.step(xb, yb)
                if run.samples % every < len(yb):
                    run.evaluate()
                if bar is not None:
                    bar.set_postfix_str(run.latest(), refresh=False)
                    bar.update(len(yb))
                if saves.file is not None and saves.due(run, n, total):
                    saves.write(run)
                if run.stopped:
                    break
            if run.stopped:
                break
    run.conclude()
    if found is None or run.samples > found["samples"]:
        saves.write(run)
    return History(**run.history())


def _bar(total, done, progress, unit, team):
    """Return a context that is a progress bar, or None where none is to be shown."""
    if progress is None:
        off = os.environ.get("TQDM_DISABLE", "") not in ("", "0")
        progress = not off and (sys.stderr.isatty() or _in_notebook())
    if not progress or (team is not None and team.rank > 0):
        return contextlib.nullcontext()
    from tqdm.auto import tqdm

    return tqdm(total=total, initial=done, unit=unit, unit_scale=True, leave=False)


def _in_notebook():
    ipython = sys.modules.get("IPython")
    return ipython is not None and hasattr(ipython.get_ipython(), "kernel")
