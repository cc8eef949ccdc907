"""The networks of Part III, and the layers that they are built of.

Pictures are tensors of shape (b, channels, height, width) of floating-point
numbers, as `gdutils.images.standardise` makes them; a network gives one number a
class, the larger the likelier. First weights are drawn by `torch.manual_seed`'s
generator, in the order of the layers.
"""

from torch import nn

from gdutils import _arguments, _validate
from gdutils._layers import BatchNorm, DenseBlock, Network, Residual, transition
from gdutils._layers import check_norm as _check_norm
from gdutils._layers import normaliser as _normaliser

__all__ = [
    "BatchNorm",
    "DenseBlock",
    "Network",
    "Residual",
    "count_parameters",
    "densenet",
    "lenet",
    "resnet18",
    "small_densenet",
    "small_resnet",
    "transition",
]


POOLS = ("mean", "quarters")


def count_parameters(model):
    """Return how many numbers the parameters of `model` hold, frozen ones included, buffers not.

    Parameters
    ----------
    model : torch.nn.Module

    Returns
    -------
    int

    Raises
    ------
    ValueError
        If `model` is not a `torch.nn.Module`.

    Examples
    --------
    >>> count_parameters(nn.Linear(84, 10)), count_parameters(BatchNorm(84))
    (850, 168)
    """
    _arguments.check_model(model)
    return sum(parameter.numel() for parameter in model.parameters())


def lenet(norm=None, classes=10):
    """Return LeNet for pictures of 28 by 28, one channel, with sigmoids.

    Parameters
    ----------
    norm : None, "scratch" or "torch"
        Batch normalisation after each hidden layer and before its sigmoid: none,
        `BatchNorm`, or `torch.nn.BatchNorm2d` and `torch.nn.BatchNorm1d`.
    classes : int

    Returns
    -------
    Network
        Maps pictures of shape (b, 1, 28, 28) to (b, classes).

    Raises
    ------
    ValueError
        If `norm` is unknown or `classes` is not a positive whole number.

    References
    ----------
    Y. LeCun, L. Bottou, Y. Bengio and P. Haffner, "Gradient-based learning applied
    to document recognition", Proceedings of the IEEE 86(11), 2278-2324, 1998.

    Examples
    --------
    >>> import torch
    >>> lenet()(torch.zeros(5, 1, 28, 28)).shape, count_parameters(lenet())
    (torch.Size([5, 10]), 44426)
    """
    _validate.count("classes", classes)
    _check_norm(norm)

    def hidden(number, layer, width, dimensions):
        layers = {f"layer{number}": layer}
        if norm is not None:
            layers[f"norm{number}"] = _normaliser(norm, width, dimensions)
        return layers | {f"sigmoid{number}": nn.Sigmoid()}

    layers = {
        **hidden(1, nn.Conv2d(1, 6, 5), 6, 2),  # (b, 6, 24, 24)
        "pool1": nn.MaxPool2d(2),  # (b, 6, 12, 12)
        **hidden(2, nn.Conv2d(6, 16, 5), 16, 2),  # (b, 16, 8, 8)
        "pool2": nn.MaxPool2d(2),  # (b, 16, 4, 4)
        "flatten": nn.Flatten(),  # (b, 256)
        **hidden(3, nn.Linear(256, 120), 120, 1),  # (b, 120)
        **hidden(4, nn.Linear(120, 84), 84, 1),  # (b, 84)
        "head": nn.Linear(84, classes),  # (b, classes)
    }
    return Network(layers, channels=1, smallest=28, largest=28)


def resnet18(channels=1, classes=10):
    """Return the residual network of 18 layers, made for pictures of 224 by 224.

    The stem divides the sides by 4 and the later three of the four stages by 2
    each, so that of 28 by 28 pixels one is left. Its convolutions have biases,
    those of the paper had none.

    Parameters
    ----------
    channels, classes : int
        Channels of the pictures, and classes.

    Returns
    -------
    Network
        Maps pictures of shape (b, channels, h, w) to (b, classes).

    Raises
    ------
    ValueError
        If `channels` or `classes` is not a positive whole number.

    References
    ----------
    As for `Residual`.

    Examples
    --------
    >>> import torch
    >>> with torch.device("meta"):  # shapes without memory and without arithmetic
    ...     net, x = resnet18(), torch.zeros(1, 1, 224, 224)
    >>> [tuple(net[:stages](x).shape[1:]) for stages in (1, 2, 3, 4, 5)]
    [(64, 56, 56), (64, 56, 56), (128, 28, 28), (256, 14, 14), (512, 7, 7)]
    >>> f"{count_parameters(net):,}"
    '11,178,378'
    """
    layers, inputs = {"stem": _stem(channels, 64)}, 64  # (b, 64, h / 4, w / 4)
    for stage, width in enumerate((64, 128, 256, 512), start=1):
        halve = {"stride": 2, "projection": True} if stage > 1 else {}
        first = Residual(inputs, width, **halve)  # (b, width, h, w), sides halved but for stage 1
        layers[f"stage{stage}"] = nn.Sequential(first, Residual(width, width))
        inputs = width
    layers |= _head(inputs, classes)
    return Network(layers, channels=channels)


def small_resnet(
    widths=(16, 32, 64),
    classes=10,
    *,
    norm="torch",
    skip=True,
    zero_init=True,
    pool="mean",
    mirror=False,
):
    """Return a residual network made for pictures of 28 by 28, one channel.

    Each square of 2 by 2 pixels first becomes one pixel of 4 channels, which loses
    nothing and leaves the convolutions a quarter of the places to visit. Every
    block after the first halves the sides, and its skip is pooled.

    Parameters
    ----------
    widths : sequence of int
        Channels of each block.
    classes : int
    norm, skip
        See `Residual`. With a normalisation the convolutions have no bias.
    zero_init : bool
        Start the last scale of every block at 0, so that the block begins as
        ``relu(skip(x))``. Without a normalisation there is no such scale, and a
        block without a skip would give nothing at all: there it has no effect.
    pool : "mean" or "quarters"
        What the last layer sees of each channel: its mean, or its largest value in
        each quarter of the picture, which keeps something of where things are.
    mirror : bool
        In evaluation, return the mean of the outputs for the pictures and for their
        mirror images. For a network trained on flipped pictures.

    Returns
    -------
    Network
        Maps pictures of shape (b, 1, h, w) to (b, classes).
        Height and width must be even.

    Raises
    ------
    ValueError
        If a width or `classes` is not a positive whole number, or `norm` or `pool` is unknown.

    References
    ----------
    As for `Residual`. P. Goyal et al., "Accurate, large minibatch SGD: training
    ImageNet in 1 hour", arXiv:1706.02677, 2017 (scales that start at 0).

    Examples
    --------
    >>> import torch
    >>> small_resnet()(torch.zeros(5, 1, 28, 28)).shape
    torch.Size([5, 10])
    >>> [f"{count_parameters(small_resnet(widths)):,}" for widths in ((16, 32, 64), (24, 48, 96))]
    ['77,994', '174,202']
    """
    widths = _counts("widths", widths)
    _check_norm(norm)
    if pool not in POOLS:
        raise ValueError(f"pool must be one of {', '.join(map(repr, POOLS))}, got {pool!r}")
    options = {"projection": "pooled", "skip": skip, "norm": norm, "bias": norm is None}
    convolution = nn.Conv2d(4, widths[0], 3, padding=1, bias=norm is None)
    layers = {
        "unshuffle": nn.PixelUnshuffle(2),  # (b, 4, 14, 14)
        "stem": nn.Sequential(convolution, _normaliser(norm, widths[0]), nn.ReLU()),
    }
    for number, (inputs, outputs) in enumerate(zip(widths[:1] + widths, widths, strict=False), 1):
        block = Residual(inputs, outputs, stride=1 if number == 1 else 2, **options)
        if zero_init and skip and norm is not None:
            nn.init.zeros_(block.bn2.weight)
        layers[f"block{number}"] = block
    layers |= _head(widths[-1], classes, pool)
    return Network(layers, channels=1, smallest=2, multiple=2, mirror=mirror)


def densenet(blocks=(4, 4, 4, 4), growth=32, stem=64, channels=1, classes=10):
    """Return dense blocks with transitions between them that halve channels and sides.

    Parameters
    ----------
    blocks : sequence of int
        Convolutions of each block.
    growth : int
        Channels that each of them adds.
    stem, channels, classes : int
        Channels before the first block, channels of the pictures, and classes.

    Returns
    -------
    Network
        Maps pictures of shape (b, channels, h, w) to (b, classes).

    Raises
    ------
    ValueError
        If a number is not a positive whole number.

    References
    ----------
    As for `DenseBlock`.

    Examples
    --------
    >>> import torch
    >>> with torch.device("meta"):
    ...     net = densenet()
    >>> f"{count_parameters(net):,}", net.head.in_features
    ('758,226', 248)
    """
    blocks = _counts("blocks", blocks)
    _validate.count("stem", stem)
    layers = {"stem": _stem(channels, stem)}  # (b, stem, h / 4, w / 4)
    inputs = _dense(layers, blocks, stem, growth)
    layers |= _head(inputs, classes)
    # Sides of ceil(side / 4) are halved, rounded down, by all blocks but the last.
    return Network(layers, channels=channels, smallest=2 ** (len(blocks) + 1) - 3)


def small_densenet(blocks=(4, 4, 4), growth=12, stem=16, classes=10):
    """Return a `densenet` made for pictures of 28 by 28, one channel.

    As in `small_resnet`, squares of 2 by 2 pixels first become pixels of 4 channels,
    which one convolution brings to `stem`. No convolution has a bias, and odd sides
    are halved upwards.

    Parameters
    ----------
    blocks : sequence of int
        Convolutions of each block.
    growth : int
        Channels that each of them adds.
    stem, classes : int
        Channels before the first block, and classes.

    Returns
    -------
    Network
        Maps pictures of shape (b, 1, h, w) to (b, classes).
        Height and width must be even.

    Raises
    ------
    ValueError
        If a number is not a positive whole number.

    References
    ----------
    As for `DenseBlock`.

    Examples
    --------
    >>> import torch
    >>> small_densenet()(torch.zeros(5, 1, 28, 28)).shape, count_parameters(small_densenet())
    (torch.Size([5, 10]), 69658)
    """
    blocks = _counts("blocks", blocks)
    _validate.count("stem", stem)
    layers = {
        "unshuffle": nn.PixelUnshuffle(2),  # (b, 4, 14, 14)
        "stem": nn.Conv2d(4, stem, 3, padding=1, bias=False),  # (b, stem, 14, 14)
    }
    inputs = _dense(layers, blocks, stem, growth, bias=False, ceil_mode=True)
    layers |= _head(inputs, classes)
    return Network(layers, channels=1, smallest=2, multiple=2)


def _dense(layers, blocks, inputs, growth, bias=True, ceil_mode=False):
    """Add the blocks, transitions and last normalisation to `layers`; return the channels."""
    for number, convolutions in enumerate(blocks, start=1):
        block = layers[f"block{number}"] = DenseBlock(convolutions, inputs, growth, bias=bias)
        inputs = block.outputs
        if number < len(blocks):
            layers[f"transition{number}"] = transition(
                inputs, inputs // 2, bias=bias, ceil_mode=ceil_mode
            )
            inputs //= 2
    layers |= {"norm": nn.BatchNorm2d(inputs), "relu": nn.ReLU()}
    return inputs


def _stem(channels, width):
    """Return the first layers of the networks made for large pictures."""
    return nn.Sequential(
        nn.Conv2d(_validate.count("channels", channels), width, 7, stride=2, padding=3),
        nn.BatchNorm2d(width),
        nn.ReLU(),
        nn.MaxPool2d(3, stride=2, padding=1),
    )


def _head(channels, classes, pool="mean"):
    """Return the last layers: one or four numbers of every channel, then one number a class."""
    inputs = channels if pool == "mean" else 4 * channels
    return {
        "pool": nn.AdaptiveAvgPool2d(1) if pool == "mean" else nn.AdaptiveMaxPool2d(2),
        "flatten": nn.Flatten(),  # (b, inputs)
        "head": nn.Linear(inputs, _validate.count("classes", classes)),  # (b, classes)
    }


def _counts(name, values):
    """Return `values` as a non-empty tuple of positive ints, or raise ValueError."""
    if not isinstance(values, (tuple, list)) or not values:
        raise ValueError(f"{name} must be a sequence of whole numbers, got {values!r}")
    return tuple(_validate.count(f"{name}[{i}]", value) for i, value in enumerate(values))
