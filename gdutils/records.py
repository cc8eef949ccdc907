"""Recorded full runs: what a chapter shows where a live run would take too long.

A record is one JSON file of ``data/runs/``, written by ``scripts/record.py`` and
never edited. It holds the configuration, one history a seed, the hardware, the
versions, the date and the command: enough to repeat it, which `run` does.
"""

import json
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gdutils import _validate

# A checkout keeps the records among its data; an installed package carries a copy.
_FOLDERS = (Path(__file__).parent / "runs", Path(__file__).parents[1] / "data" / "runs")

SPLIT_SEED = 2026
VALIDATION = 1 / 12  # of the training images: 5,000 of 60,000
FIRST = 20  # steps whose losses are kept one by one; later ones as means of blocks
BLOCKS = 100


@dataclass(frozen=True, eq=False)
class Record:
    """A recorded run over several seeds.

    Attributes
    ----------
    name : str
        Of its file, without the ending.
    configuration : dict
        What `run` takes.
    parameters : int
        Trainable numbers of the network.
    runs : list of dict
        One a seed, as `run` returns them.
    hardware, date, command : str
        On what it ran, when, and how to repeat it.
    versions : dict of str to str
        Of Python and the packages.
    stand_in : bool
        False: a record is never made of made-up data.
    """

    name: str
    configuration: dict
    parameters: int
    runs: list
    hardware: str
    versions: dict
    date: str
    command: str
    stand_in: bool

    @property
    def seeds(self):
        """The seeds, in the order of `runs`."""
        return [run["seed"] for run in self.runs]

    def array(self, key):
        """Return one entry of all runs, shape (seeds,) or (seeds, length).

        Raises
        ------
        ValueError
            If no run has it, or its length differs between runs.
        """
        if not all(key in run for run in self.runs):
            known = ", ".join(sorted(self.runs[0]))
            raise ValueError(f"key must be one of {known}, got {key!r}")
        try:
            return np.array([run[key] for run in self.runs])
        except ValueError as error:
            raise ValueError(f"{key!r} has not the same length in all runs") from error

    def source(self):
        """Return where the record comes from, for a caption.

        Examples
        --------
        >>> load("capstone").source()  # doctest: +ELLIPSIS
        '5 seeds on 2 cores of an ..., 20...'
        """
        seeds = f"{len(self.runs)} seed{'s' if len(self.runs) != 1 else ''}"
        return f"{seeds} on {self.hardware}, {self.date}"


def names():
    """Return the names of all records, sorted.

    Returns
    -------
    list of str
    """
    return sorted(path.stem for folder in _FOLDERS for path in folder.glob("*.json"))


def load(name):
    """Return the record of that name.

    Parameters
    ----------
    name : str
        One of `names`.

    Returns
    -------
    Record

    Raises
    ------
    ValueError
        If there is none, or its file is not a whole record.

    Examples
    --------
    >>> record = load("capstone")
    >>> record.seeds, record.array("test").shape
    ([0, 1, 2, 3, 4], (5,))
    """
    for folder in _FOLDERS:
        path = folder / f"{name}.json"
        if name in names() and path.is_file():
            try:
                return Record(**json.loads(path.read_text(encoding="utf-8")))
            except (json.JSONDecodeError, TypeError) as error:
                raise ValueError(f"{path} is not a whole record: {error}") from error
    raise ValueError(f"a record is one of {', '.join(names()) or 'none'}, got {name!r}")


def interval(values, level=0.95):
    """Return the mean and the half-width of its t confidence interval.

    Parameters
    ----------
    values : array_like, shape (n,) or (n, ...)
        n independent measurements, at least two, along the first axis.
    level : float
        Between 0 and 1.

    Returns
    -------
    mean, half_width : float, or numpy.ndarray of the shape of one measurement

    Raises
    ------
    ValueError
        If there are fewer than two measurements, one is not finite, or `level` is not between
        0 and 1.

    Notes
    -----
    The interval is ``mean ± t * s / sqrt(n)``, where s is the sample's standard
    deviation (divisor n - 1) and t the quantile of Student's distribution with
    n - 1 degrees of freedom: 2.78 for five values at level 0.95.

    References
    ----------
    Student, "The probable error of a mean", Biometrika 6(1), 1-25, 1908.

    Examples
    --------
    >>> mean, half_width = interval([0.92, 0.93, 0.94])
    >>> round(mean, 4), round(half_width, 4)
    (0.93, 0.0248)
    """
    from scipy import stats

    level = _validate.number("level", level, above=0, below=1)
    values = np.asarray(values, dtype=np.float64)
    if values.ndim == 0 or len(values) < 2:
        raise ValueError(f"values must hold at least two measurements, got shape {values.shape}")
    if not np.isfinite(values).all():
        raise ValueError("values must be finite, got one that is not")
    n = len(values)
    quantile = stats.t.ppf((1 + level) / 2, n - 1)
    mean, half_width = values.mean(axis=0), quantile * values.std(axis=0, ddof=1) / math.sqrt(n)
    return (float(mean), float(half_width)) if values.ndim == 1 else (mean, half_width)


def fashion_split(images):
    """Split Fashion-MNIST as all records do.

    A twelfth of the training images, 5,000 of them, drawn once with a fixed seed,
    is for choosing; the test set is for one use at the end.

    Parameters
    ----------
    images : gdutils.data.Images

    Returns
    -------
    training, validation, test : tuple of (X, y)
        Tensors: X of shape (n, 28, 28), uint8, and y of shape (n,), int64, with
        n = 55,000, 5,000 and 10,000.

    Examples
    --------
    >>> from gdutils.data import fashion_mnist
    >>> [tuple(X.shape) for X, y in fashion_split(fashion_mnist())]
    [(55000, 28, 28), (5000, 28, 28), (10000, 28, 28)]
    """
    import torch

    X, y = torch.from_numpy(images.train_images), torch.from_numpy(images.train_labels).long()
    order = torch.randperm(len(X), generator=torch.Generator().manual_seed(SPLIT_SEED))
    held = round(VALIDATION * len(X))
    parts = [(X[rows].contiguous(), y[rows]) for rows in (order[held:], order[:held])]
    test = torch.from_numpy(images.test_images), torch.from_numpy(images.test_labels).long()
    return *parts, test


def steps_per_epoch(configuration, rows):
    """Return the number of batches in an epoch of so many rows, the last partial one included.

    Parameters
    ----------
    configuration : dict
        Of a record; only ``batch`` is read.
    rows : int
        Rows of the training table.

    Returns
    -------
    int
    """
    return math.ceil(rows / configuration["batch"])


def build(configuration, rows):
    """Return the network, its optimiser and its schedule, for training on so many rows.

    Weight decay acts on weights, not on biases and scales, which are few and
    where a pull to zero means something else.

    Parameters
    ----------
    configuration : dict
        ``network`` and ``arguments``: a function of `gdutils.networks` and what it
        takes; ``optimiser`` and ``optimiser_arguments``: a class of `torch.optim`;
        ``schedule`` and ``schedule_arguments``: a name for
        `gdutils.schedules.by_name`, whose ``steps`` is filled in; ``epochs``, ``batch``.
    rows : int
        Rows of the training table.

    Returns
    -------
    model : torch.nn.Module
    optimiser : torch.optim.Optimizer
    schedule : callable
        Maps the step number to a learning rate.

    Raises
    ------
    AttributeError
        If the network or the optimiser is unknown.
    TypeError
        If one of them takes no argument of that name.
    ValueError
        If the schedule is unknown, or an argument is not allowed.
    """
    import torch

    from gdutils import networks, schedules

    model = getattr(networks, configuration["network"])(**configuration["arguments"])
    parameters = list(model.parameters())
    arguments = dict(configuration["optimiser_arguments"])
    groups = [
        {"params": [p for p in parameters if p.ndim > 1]},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    optimiser = getattr(torch.optim, configuration["optimiser"])(groups, **arguments)
    settings = dict(configuration["schedule_arguments"])
    if configuration["schedule"] != "constant":
        settings["steps"] = configuration["epochs"] * steps_per_epoch(configuration, rows)
    return model, optimiser, schedules.by_name(configuration["schedule"], **settings)


def run(configuration, images, seed, *, device="auto", progress=None, **options):
    """Repeat a recorded run with one seed.

    Parameters
    ----------
    configuration : dict
        See `build`; and ``label_smoothing``, ``augment`` (names in
        `gdutils.images`), ``side`` (28, or what the pictures are resized to),
        ``precision``, ``channels_last``.
    images : gdutils.data.Images
    seed : int
        Of the first weights, the order of the rows and the augmentation.
    device, progress, **options
        As `gdutils.training.train` takes them.

    Returns
    -------
    model : torch.nn.Module
    result : dict
        ``seed``; ``first_losses`` (of the first 20 steps); ``samples`` and ``losses``
        (means of 100 blocks, or single steps if there are fewer); ``eval_samples``,
        ``eval_seconds``, ``validation`` (accuracy after each epoch); ``test``,
        ``test_loss`` (once, after the last step), and for a network that mirrors
        ``test_unmirrored``; ``seconds_training``, ``seconds_evaluating``, ``stopped``,
        ``device``. A loss that is not finite is None.
    """
    from torch.nn.functional import cross_entropy

    from gdutils import training

    model, prepare, settings = _settings(configuration, images, seed)
    test = fashion_split(images)[2]
    history = training.train(model, device=device, progress=progress, **settings, **options)
    steps = len(history.losses)
    ends = np.linspace(0, steps, min(BLOCKS, steps) + 1).astype(int)[1:]
    blocks = np.split(history.losses, ends[:-1])
    result = {
        "seed": seed,
        "first_losses": [_finite(loss) for loss in history.losses[:FIRST].tolist()],
        "samples": [int(history.samples[end - 1]) for end in ends],
        "losses": [_finite(round(float(block.mean()), 5)) for block in blocks],
        "eval_samples": history.eval_samples.tolist(),
        "eval_seconds": np.round(history.eval_seconds, 3).tolist(),
        "validation": history.eval_accuracies["validation"].tolist(),
        "test": training.accuracy(model, *test, prepare=prepare),
        "test_loss": _finite(training.evaluate(model, *test, cross_entropy, prepare)),
        "seconds_training": round(history.seconds_training, 3),
        "seconds_evaluating": round(history.seconds_evaluating, 3),
        "stopped": history.stopped,
        "device": history.device,
    }
    if getattr(model, "mirror", False):
        model.mirror = False
        result["test_unmirrored"] = training.accuracy(model, *test, prepare=prepare)
        model.mirror = True
    return model, result


def _finite(number):
    """Return a number as JSON has it: None for one that is not finite."""
    return number if math.isfinite(number) else None


def first_losses(configuration, images, seed, steps):
    """Return the losses of the first steps of a run, to compare with ``first_losses``.

    Parameters
    ----------
    configuration, images, seed
        As `run` takes them.
    steps : int
        At most 20 of them are in a record.

    Returns
    -------
    list of float, length steps

    Raises
    ------
    ValueError
        If the run has no more than `steps` steps.
    """
    import torch

    from gdutils import training

    model, _, settings = _settings(configuration, images, seed)
    smooth, losses = settings["loss"], []

    def loss(output, y, **options):
        value = smooth(output, y, **options)
        if torch.is_grad_enabled():  # a step, not an evaluation
            losses.append(value.item())
        return value

    def schedule(t):
        if t == steps:
            raise _Enough
        return settings["schedule"](t)

    changes = {"loss": loss, "schedule": schedule, "evaluate_on": {}, "device": "cpu"}
    try:
        training.train(model, progress=False, **settings | changes)
    except _Enough:
        return losses
    raise ValueError(f"steps must be fewer than the run has, got {steps}")


class _Enough(Exception):
    """The steps that were asked for are done."""


def _settings(configuration, images, seed):
    """Return the network, what makes its input of a batch, and what `train` takes beside it."""
    import torch
    from torch.nn.functional import cross_entropy

    from gdutils import images as pictures

    data, validation, _ = fashion_split(images)
    torch.manual_seed(seed)
    model, optimiser, schedule = build(configuration, len(data[0]))
    side, changes = configuration["side"], configuration["augment"]

    def prepare(xb):
        return pictures.standardise(xb if side == xb.shape[-1] else pictures.resize(xb, side))

    def augment(xb, generator):
        for name in changes:
            xb = getattr(pictures, name)(xb, generator)
        return xb

    settings = {
        "data": data,
        "loss": cross_entropy,
        "optimiser": optimiser,
        "schedule": schedule,
        "generator": torch.Generator().manual_seed(seed),
        "evaluate_on": {"validation": validation},
        "prepare": prepare,
        "augment": augment if changes else None,
    }
    same = ("batch", "epochs", "label_smoothing", "precision", "channels_last")
    return model, prepare, settings | {key: configuration[key] for key in same}
