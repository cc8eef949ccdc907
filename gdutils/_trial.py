"""What would go wrong in training, found before the first step by trying two rows."""

import torch
from torch.nn import functional

from gdutils._evaluation import has_classes, without_trace

CLASS_LOSSES = (functional.cross_entropy, functional.nll_loss)
CLASS_LOSS_MODULES = (torch.nn.CrossEntropyLoss, torch.nn.NLLLoss)


def attempt(forward, data, tables, loss, augment=None, generator=None, batch=None, team=None):
    """Raise ValueError if the model cannot take the rows, or the labels do not fit its output.

    Parameters
    ----------
    forward : gdutils._evaluation.Forward
    data : (X, y)
        What is trained on, where the model lies.
    tables : dict of str to (X, y)
        What is evaluated.
    loss, augment, generator
        As in `gdutils.training.train`.
    batch : int, optional
        Rows in a batch of training; without it nothing will be trained.
    team : gdutils._parallel.Team, optional

    Returns
    -------
    bool
        Whether `data` holds classes, so that there is an accuracy.
    """
    named = {"data": data} | {f"evaluate_on[{name!r}]": pair for name, pair in tables.items()}
    for name, (rows, _) in named.items():
        _check_bytes(name, rows, forward)
    X, y = data
    xb = X[:2].clone()  # an augmentation may write into its batch
    with without_trace(forward.model, generator) as twin:
        if augment is not None:
            xb = _check_result("augment", augment(xb, twin), xb)
        if forward.prepare is not None:
            _check_result("prepare", forward.prepare(xb.clone()), xb)
        forward.model.eval()
        output = _surfaced(forward, xb)
        for name, (_, labels) in named.items():
            _check_labels(name, output, labels, loss)
        if batch is not None and _has_single_row(len(X), batch, team):
            _check_single_row(forward, xb[:1], len(X), batch, team)
    return has_classes(output, y)


def name_of(function):
    return getattr(function, "__qualname__", type(function).__qualname__)


def _check_bytes(name, X, forward):
    floating = any(p.is_floating_point() for p in forward.model.parameters())
    if X.dtype == torch.uint8 and floating and forward.prepare is None:
        raise ValueError(
            f"X of {name} must be floating-point numbers where no prepare is given, got "
            f"torch.uint8 of shape {tuple(X.shape)}: see gdutils.images.standardise"
        )


def _check_result(name, result, xb):
    if not isinstance(result, torch.Tensor):
        raise ValueError(f"{name} must return a tensor, got {type(result).__name__}")
    if result.ndim == 0 or len(result) != len(xb):
        raise ValueError(
            f"{name} must return as many rows as it is given, got shape {tuple(result.shape)} "
            f"for {tuple(xb.shape)}"
        )
    return result


def _surfaced(forward, xb):
    """Return the model's output, or raise what it says together with what it was given."""
    try:
        return forward(xb)
    except (RuntimeError, ValueError, TypeError, IndexError) as error:
        what = f"the first {len(xb)} rows of X, {tuple(xb.shape)} of {xb.dtype}"
        prepared = ", through prepare" if forward.prepare is not None else ""
        raise ValueError(f"the model cannot take {what}{prepared}: {error}") from error


def _check_labels(name, output, y, loss):
    """Labels out of range are an error without words on a GPU, and end the process."""
    for_classes = loss in CLASS_LOSSES or isinstance(loss, CLASS_LOSS_MODULES)
    if not isinstance(output, torch.Tensor):
        return
    whole = not (y.is_floating_point() or y.dtype == torch.bool)
    if for_classes and not whole and y.shape[1:] != output.shape[1:]:
        raise ValueError(
            f"y of {name} must be whole numbers, the classes, for {name_of(loss)}, got "
            f"{y.dtype} of shape {tuple(y.shape)}"
        )
    if has_classes(output, y) or (for_classes and whole and output.ndim > 1):
        classes = output.shape[1]
        for place in ((y < 0) | (y >= classes)).nonzero()[:1].tolist():
            raise ValueError(
                f"y of {name} must be classes from 0 to {classes - 1}, because the model gives "
                f"{classes} numbers a row, got {y[tuple(place)].item()} at {place}"
            )


def _has_single_row(n, batch, team):
    """Whether some batch, or some process's share of it, has one row."""
    processes = 1 if team is None else team.size
    return any(1 in (b // processes, -(-b // processes)) for b in (batch, n % batch or batch))


def _check_single_row(forward, xb, n, batch, team):
    """Some normalisers cannot train on one row."""
    if not any("BatchNorm" in type(module).__name__ for module in forward.model.modules()):
        return
    forward.model.train()
    try:
        forward(xb)
    except ValueError as error:
        whose = "" if team is None else f" for one of {team.size} processes"
        raise ValueError(
            f"{n} rows in batches of {batch} leave a batch of 1 row{whose}, which this model "
            f"cannot train on: choose another batch, or leave out a row. It says: {error}"
        ) from error
