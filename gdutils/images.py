"""Batches of grey pictures, made ready for a network on the device where they lie.

A data set stays one tensor of bytes; only the batch at hand is ever turned into
floating-point numbers. `standardise` and `resize` serve as the `prepare` of
`gdutils.training.train`, `flip` and `shift` as its `augment`.
"""

import numpy as np
import torch

from gdutils import _validate

# Mean and deviation of the pixels of the 60,000 training pictures of Fashion-MNIST, 255 being 1.
MEAN, STD = 0.2860, 0.3530


def standardise(xb):
    """Return pictures as a network takes them: ``(xb / 255 - MEAN) / STD`` with a channel axis.

    Parameters
    ----------
    xb : torch.Tensor, shape (b, h, w), uint8

    Returns
    -------
    torch.Tensor, shape (b, 1, h, w), float32

    Raises
    ------
    ValueError
        If `xb` is of another kind or shape.

    Examples
    --------
    >>> xb = torch.tensor([[[0, 255]]], dtype=torch.uint8)
    >>> standardise(xb)
    tensor([[[[-0.8102,  2.0227]]]])
    """
    _check(xb, torch.uint8)
    # Memory is gone through twice, once for the type and once for the arithmetic.
    offset = torch.full((), -MEAN / STD, device=xb.device)
    return torch.add(offset, xb.unsqueeze(1).float(), alpha=1 / (255 * STD))


def resize(xb, side):
    """Return pictures of `side` by `side` pixels, interpolated between the nearest four.

    Parameters
    ----------
    xb : torch.Tensor, shape (b, h, w), uint8
    side : int
        At least 1. Where it is smaller than the picture, all pixels are averaged
        in, so that thin lines do not vanish.

    Returns
    -------
    torch.Tensor, shape (b, side, side), uint8

    Raises
    ------
    ValueError
        If `xb` is of another kind or shape, or `side` is not a whole number from 1.

    Examples
    --------
    >>> resize(torch.tensor([[[0, 0], [200, 200]]], dtype=torch.uint8), 4)[0, :, 0]
    tensor([  0,  50, 150, 200], dtype=torch.uint8)
    """
    _check(xb, torch.uint8)
    side = _validate.count("side", side)
    resized = torch.nn.functional.interpolate(
        xb.unsqueeze(1).float(),  # (b, 1, h, w); the interpolation of bytes is not there on a GPU
        size=(side, side),
        mode="bilinear",
        antialias=side < max(xb.shape[1:]),
    )
    return resized.squeeze(1).round_().to(torch.uint8)


def flip(xb, generator=None):
    """Return pictures of which each is mirrored left to right with probability 1/2.

    Parameters
    ----------
    xb : torch.Tensor, shape (b, h, w)
    generator : torch.Generator or numpy.random.Generator, optional
        By default torch's global one.

    Returns
    -------
    torch.Tensor, shape (b, h, w)
        Of the type of `xb`, which is left as it is.

    Raises
    ------
    ValueError
        If `xb` or `generator` is of another kind.

    Examples
    --------
    >>> xb = torch.tensor([[[1, 2, 3]]], dtype=torch.uint8).expand(4, 1, 3)
    >>> flip(xb, np.random.default_rng(0))[:, 0, 0]
    tensor([3, 3, 3, 1], dtype=torch.uint8)
    """
    _check(xb)
    mirrored = _integers(generator, 2, (len(xb),)).bool().to(xb.device, non_blocking=True)
    return torch.where(mirrored[:, None, None], xb.flip(-1), xb)


def shift(xb, generator=None, pixels=1):
    """Return pictures moved by up to `pixels` along each axis; what comes in is 0.

    Every one of the ``(2 * pixels + 1) ** 2`` moves is equally likely.

    Parameters
    ----------
    xb : torch.Tensor, shape (b, h, w)
    generator : torch.Generator or numpy.random.Generator, optional
        By default torch's global one.
    pixels : int
        At least 0.

    Returns
    -------
    torch.Tensor, shape (b, h, w)
        Of the type of `xb`, which is left as it is.

    Raises
    ------
    ValueError
        If `xb` or `generator` is of another kind, or `pixels` is not a whole number from 0.

    Examples
    --------
    >>> xb = torch.tensor([[[0, 0, 0], [0, 9, 0], [0, 0, 0]]], dtype=torch.uint8)
    >>> shift(xb, np.random.default_rng(0))
    tensor([[[0, 9, 0],
             [0, 0, 0],
             [0, 0, 0]]], dtype=torch.uint8)
    """
    _check(xb)
    pixels = _validate.count("pixels", pixels, at_least=0)
    b, h, w = xb.shape
    framed = torch.nn.functional.pad(xb, (pixels,) * 4)
    moves = _integers(generator, 2 * pixels + 1, (2, b)).to(xb.device, non_blocking=True)
    # Views of the framed pictures from every place; the index copies one for each picture.
    views = framed.unfold(1, h, 1).unfold(2, w, 1)  # (b, 2 pixels + 1, 2 pixels + 1, h, w)
    return views[torch.arange(b, device=xb.device), moves[0], moves[1]]


def _integers(generator, below, shape):
    """Return whole numbers from 0, on the generator's device."""
    if isinstance(generator, np.random.Generator):
        return torch.from_numpy(generator.integers(below, size=shape))
    if generator is None:
        return torch.randint(below, shape)
    if isinstance(generator, torch.Generator):
        return torch.randint(below, shape, generator=generator, device=generator.device)
    raise ValueError(
        f"generator must be a numpy.random.Generator or a torch.Generator, got {generator!r}"
    )


def _check(xb, dtype=None):
    if not isinstance(xb, torch.Tensor):
        raise ValueError(f"pictures must be a torch.Tensor, got {type(xb).__name__}")
    if xb.ndim != 3:
        raise ValueError(f"pictures must have shape (b, h, w), got {tuple(xb.shape)}")
    if dtype is not None and xb.dtype != dtype:
        raise ValueError(f"pictures must be of {dtype}, got {xb.dtype}")
