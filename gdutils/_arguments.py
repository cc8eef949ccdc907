"""Checked tensors on a device: what training does with its arguments before the first step."""

import inspect
from functools import partial

import torch

from gdutils import _parallel, _validate
from gdutils._batches import minibatches

PRECISIONS = ("float32", "bfloat16")


def find_device(device):
    """Return the torch.device asked for, or raise ValueError if this machine has none."""
    device = _parallel.own_device(device)
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    gpus = [f"cuda:{i}" for i in range(torch.cuda.device_count())]
    there = ["cpu"] + (["cuda", *gpus] if gpus else [])
    there += ["mps"] if torch.backends.mps.is_available() else []
    try:
        found = torch.device(device)
    except (RuntimeError, TypeError):
        found = None
    if str(found) not in there:
        raise ValueError(f"device must be 'auto' or one of {there} here, got {str(device)!r}")
    return found


def check_model(model):
    if not isinstance(model, torch.nn.Module):
        raise ValueError(f"model must be a torch.nn.Module, got {type(model).__name__}")


def check_optimiser(optimiser, model):
    if not isinstance(optimiser, torch.optim.Optimizer):
        raise ValueError(
            f"optimiser must be a torch.optim.Optimizer, got {type(optimiser).__name__}"
        )
    held = {id(p) for group in optimiser.param_groups for p in group["params"]}
    if held.isdisjoint(id(p) for p in model.parameters()):
        raise ValueError("optimiser must hold parameters of the model, got one that holds none")


def check_precision(precision, model):
    if precision not in PRECISIONS:
        raise ValueError(f"precision must be one of {PRECISIONS}, got {precision!r}")
    dtype = home(model)[1]
    if precision == "bfloat16" and dtype != torch.float32:
        raise ValueError(f"precision 'bfloat16' needs a model in torch.float32, got {dtype}")


def smoothed(loss, label_smoothing):
    """Return the loss to train on: with `label_smoothing`, if that is not 0."""
    label_smoothing = _validate.number("label_smoothing", label_smoothing, at_least=0, below=1)
    if not label_smoothing:
        return loss
    try:
        names = inspect.signature(loss).parameters
    except (TypeError, ValueError):
        names = {}  # written in C, perhaps; the first step will tell
    anything = not names or any(p.kind is p.VAR_KEYWORD for p in names.values())
    if "label_smoothing" not in names and not anything:
        raise ValueError(
            "label_smoothing needs a loss that takes it by that name, as "
            f"torch.nn.functional.cross_entropy does, got {loss!r}"
        )
    return partial(loss, label_smoothing=label_smoothing)


def tables(evaluate_on, model, device, data=None, moved=None):
    """Return the tables on `device`; one that is `data` again shares what was `moved`."""
    if not isinstance(evaluate_on, dict):
        raise ValueError(
            f"evaluate_on must be a dict of name to (X, y), got {type(evaluate_on).__name__}"
        )
    return {
        name: moved if _same(pair, data) else table(f"evaluate_on[{name!r}]", pair, model, device)
        for name, pair in evaluate_on.items()
    }


def table(name, pair, model, device):
    """Return (X, y) as checked tensors on `device`, in the precision of the model."""
    if not isinstance(pair, (tuple, list)) or len(pair) != 2:
        raise ValueError(f"{name} must be a pair (X, y), got {type(pair).__name__}")
    X, y = pair
    minibatches(X, y, batch=1, shuffle=False)  # for its checks of the arrays
    _, dtype = home(model)
    tensors = []
    for part, array in (("X", X), ("y", y)):
        tensor = torch.as_tensor(array)
        if tensor.is_floating_point():
            tensor = tensor.to(dtype)
            _check_finite(f"{part} of {name}", tensor)  # after the cast, which may overflow
        elif part == "y" and tensor.dtype != torch.bool:
            tensor = tensor.long()
        tensors.append(tensor.to(device))
    return tuple(tensors)


def _same(pair, data):
    pairs = isinstance(pair, (tuple, list)) and isinstance(data, (tuple, list))
    return pairs and len(pair) == 2 and all(a is b for a, b in zip(pair, data, strict=True))


def _check_finite(name, tensor):
    finite = torch.isfinite(tensor)
    if not finite.all():
        place = tuple((~finite).nonzero()[0].tolist())
        raise ValueError(f"{name} must be finite, got {tensor[place].item()} at {list(place)}")


def home(model):
    """Return the device and precision of the model's first floating-point parameter."""
    for parameter in model.parameters():
        if parameter.is_floating_point():
            return parameter.device, parameter.dtype
    return torch.device("cpu"), torch.get_default_dtype()
