"""Shuffled minibatches as slices, for NumPy arrays and for tensors on any device."""

import math
import sys

import numpy as np

from gdutils import _validate

# Rows are gathered this many bytes at a time, then sliced. One gather for each batch costs more
# than a step on a small table; one for the whole epoch falls out of the processor's cache.
CHUNK = 2**20


def minibatches(*arrays, batch, generator=None, shuffle=True, drop_last=False):
    """Go once through the rows of `arrays`, `batch` of them at a time.

    Parameters
    ----------
    *arrays : numpy.ndarray or torch.Tensor, shape (n, ...)
        One or more, all with n rows, each on any device.
    batch : int
        Rows in a batch, from 1 to n.
    generator : numpy.random.Generator or torch.Generator, optional
        Draws the order, one permutation for each call. Without it the order
        comes from torch's global generator if there is a tensor among the
        `arrays`, and otherwise from fresh entropy.
    shuffle : bool
        Whether to draw an order; if not, the rows keep theirs.
    drop_last : bool
        Whether to leave out the last batch where it is smaller than the others.

    Returns
    -------
    iterator of tuple
        Each holds the same rows of every array, as views: of a shuffled copy,
        or without shuffling of the arrays themselves. For a single array its
        batches come bare, not as tuples of one.

    Raises
    ------
    ValueError
        At the call, if there is no array or no row, the numbers of rows differ,
        `batch` is not from 1 to n, or an argument is of another kind.

    Examples
    --------
    >>> X, y = np.arange(10).reshape(5, 2), np.arange(5)
    >>> rng = np.random.default_rng(0)
    >>> for xb, yb in minibatches(X, y, batch=2, generator=rng):
    ...     print(xb.shape, yb.shape, (xb[:, 0] == 2 * yb).all())
    (2, 2) (2,) True
    (2, 2) (2,) True
    (1, 2) (1,) True
    """
    n = _rows(arrays)
    batch = _validate.count("batch", batch)
    if batch > n:
        raise ValueError(f"batch must be at most {n}, the number of rows, got {batch}")
    order = _permutation(n, generator, any(map(_is_tensor, arrays))) if shuffle else None
    stop = n - n % batch if drop_last else n
    slices = _slices(arrays, order, batch, stop)
    return slices if len(arrays) > 1 else (only for (only,) in slices)


def _slices(arrays, order, batch, stop):
    """Yield tuples of `batch` rows of the first `stop` in the given order."""
    if order is None:
        yield from zip(*(_split(array[:stop], batch) for array in arrays), strict=True)
        return
    orders = [_beside(order, array) for array in arrays]
    row = sum(array.nbytes for array in arrays) / len(order)
    chunk = batch * max(1, math.floor(CHUNK / max(1, row) / batch))
    for start in range(0, stop, chunk):
        rows = slice(start, min(start + chunk, stop))
        gathered = (_take(a, o[rows]) for a, o in zip(arrays, orders, strict=True))
        yield from zip(*(_split(part, batch) for part in gathered), strict=True)


def _take(array, rows):
    # For images of bytes, index_select is many times as fast as square brackets.
    return array.index_select(0, rows) if _is_tensor(array) else array[rows]


def _split(array, batch):
    if _is_tensor(array):
        return array.split(batch)
    return (array[i : i + batch] for i in range(0, len(array), batch))


def _permutation(n, generator, tensors):
    """Return a random order of n rows from the generator given, or the fitting default."""
    torch = sys.modules.get("torch")
    if generator is None and not tensors:
        generator = np.random.default_rng()
    if isinstance(generator, np.random.Generator):
        return generator.permutation(n)
    if generator is None:
        return torch.randperm(n)
    if torch is not None and isinstance(generator, torch.Generator):
        return torch.randperm(n, generator=generator, device=generator.device)
    raise ValueError(
        f"generator must be a numpy.random.Generator or a torch.Generator, got {generator!r}"
    )


def _beside(order, array):
    """Return `order` as an index of the kind and on the device of `array`."""
    if _is_tensor(array):
        return sys.modules["torch"].as_tensor(order, device=array.device)
    return order.cpu().numpy() if _is_tensor(order) else order


def _is_tensor(array):
    # Whoever holds a tensor has imported torch; this module need not.
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(array, torch.Tensor)


def _rows(arrays):
    """Return the number of rows that all arrays share, or raise ValueError."""
    if not arrays:
        raise ValueError("minibatches needs at least one array, got none")
    for i, array in enumerate(arrays):
        if not (isinstance(array, np.ndarray) or _is_tensor(array)):
            raise ValueError(
                f"arrays[{i}] must be a NumPy array or a tensor, got {type(array).__name__}"
            )
        if array.ndim == 0:
            raise ValueError(f"arrays[{i}] must have rows, got a single number")
    lengths = [len(array) for array in arrays]
    if len(set(lengths)) > 1:
        raise ValueError(f"all arrays must have the same number of rows, got {lengths}")
    if lengths[0] == 0:
        raise ValueError("arrays must have at least one row, got an empty table")
    return lengths[0]
