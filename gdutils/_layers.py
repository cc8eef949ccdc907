"""What the networks of Part III are built of; `gdutils.networks` gives them out."""

import math
from collections import OrderedDict

import torch
from torch import nn

from gdutils import _validate

NORMS = (None, "scratch", "torch")


class BatchNorm(nn.Module):
    """Give every feature of a batch mean 0 and variance 1, then a scale and a shift of its own.

    Computes ``weight * (x - mean) / sqrt(variance + eps) + bias``. In training, mean
    and variance (divisor m) are those of the feature's m values in the batch; the
    gradient passes through them. In evaluation they are running averages, which
    each training batch moves by ``momentum`` towards its own mean and unbiased
    variance (divisor m - 1). To rounding this is `torch.nn.BatchNorm1d` and
    `torch.nn.BatchNorm2d`, and its `state_dict` is theirs.

    Parameters
    ----------
    features : int
        Columns of a (b, features) input or channels of a (b, features, h, w) one;
        a feature has m = b values there and m = b * h * w here.
    eps : float
        Zero or positive; keeps the root away from zero where a feature is constant.
    momentum : float
        From 0 to 1. Some texts call ``1 - momentum`` by that name.

    Raises
    ------
    ValueError
        If an argument is out of range. When called: if the input has another
        shape, is not of floating-point numbers that the parameters' precision holds,
        or has in training a single value of each feature, whose variance is zero.

    References
    ----------
    S. Ioffe and C. Szegedy, "Batch normalization: accelerating deep network
    training by reducing internal covariate shift", ICML, 2015.

    Examples
    --------
    >>> layer = BatchNorm(1)
    >>> layer(torch.tensor([[1.0], [3.0]])).flatten().detach()
    tensor([-1.0000,  1.0000])
    >>> layer.running_mean, layer.running_var
    (tensor([0.2000]), tensor([1.1000]))
    """

    def __init__(self, features, *, eps=1e-5, momentum=0.1):
        super().__init__()
        self.features = _validate.count("features", features)
        self.eps = _validate.number("eps", eps, at_least=0)
        self.momentum = _validate.number("momentum", momentum, at_least=0, at_most=1)
        self.weight = nn.Parameter(torch.ones(self.features))
        self.bias = nn.Parameter(torch.zeros(self.features))
        # Buffers move with `.to()` and are saved with the weights; the optimiser leaves them alone.
        self.register_buffer("running_mean", torch.zeros(self.features))
        self.register_buffer("running_var", torch.ones(self.features))
        self.register_buffer("num_batches_tracked", torch.tensor(0))

    def forward(self, x):
        self._check(x)
        given, x = x.dtype, x.to(self.weight.dtype)  # half precision has too few digits
        axes = (0,) if x.ndim == 2 else (0, 2, 3)
        if self.training:
            variance, mean = torch.var_mean(x, axes, correction=0)  # (features,), (features,)
            self._remember(mean, variance, x.numel() // self.features)
        else:
            mean, variance = self.running_mean, self.running_var
        column = (1, -1) + (1,) * (x.ndim - 2)
        normalised = (x - mean.view(column)) * torch.rsqrt(variance + self.eps).view(column)
        return (self.weight.view(column) * normalised + self.bias.view(column)).to(given)

    @torch.no_grad()  # else the graph of every step would hang on that of the step before
    def _remember(self, mean, variance, m):
        self.running_mean.lerp_(mean, self.momentum)
        self.running_var.lerp_(variance * (m / (m - 1)), self.momentum)
        self.num_batches_tracked.add_(1)

    def _check(self, x):
        if x.ndim not in (2, 4) or x.shape[1] != self.features:
            raise ValueError(
                f"BatchNorm({self.features}) takes shape (b, {self.features}) or "
                f"(b, {self.features}, h, w), got {tuple(x.shape)}"
            )
        own = self.weight.dtype
        if not x.is_floating_point() or torch.promote_types(x.dtype, own) != own:
            raise ValueError(f"BatchNorm takes {own} or a shorter floating point, got {x.dtype}")
        if self.training and x.numel() < 2 * self.features:
            raise ValueError(
                "BatchNorm needs at least 2 values of each feature in training, got shape "
                f"{tuple(x.shape)}: take larger batches, leave out a last batch of one row, or "
                "call .eval() first"
            )

    def extra_repr(self):
        return f"{self.features}, eps={self.eps}, momentum={self.momentum}"


class Residual(nn.Module):
    """Two 3 by 3 convolutions whose result is added to a skip: ``relu(branch(x) + skip(x))``.

    The branch is ``bn2(conv2(relu(bn1(conv1(x)))))``; a stride acts in `conv1`.
    (b, inputs, h, w) becomes (b, outputs, h / stride, w / stride), rounded up.

    Parameters
    ----------
    inputs, outputs : int
        Channels.
    stride : int
        Of the branch's first convolution, and of the skip.
    projection : bool or "pooled"
        How the skip meets the shape of the branch. False: it is x itself, so the
        shape must stay. True: a 1 by 1 convolution with the stride and a bias, which
        at stride 2 sees a quarter of the pixels. ``"pooled"``: means over squares
        as wide as the stride, then a 1 by 1 convolution if the channels change.
    skip : bool
        False leaves ``relu(branch(x))``: a plain block of the same branch.
    norm : None, "scratch" or "torch"
        See `lenet`.
    bias : bool
        Whether `conv1` and `conv2` have a bias, which a normalisation would remove.

    Raises
    ------
    ValueError
        If a number of channels or the stride is not a positive whole number, `projection` or
        `norm` is unknown, or the skip is x itself and the branch changes the shape.

    References
    ----------
    K. He, X. Zhang, S. Ren and J. Sun, "Deep residual learning for image
    recognition", CVPR, 2016. T. He et al., "Bag of tricks for image classification
    with convolutional neural networks", CVPR, 2019 (the pooled skip).

    Examples
    --------
    >>> x = torch.zeros(4, 3, 6, 6)
    >>> Residual(3, 3)(x).shape, Residual(3, 6, stride=2, projection=True)(x).shape
    (torch.Size([4, 3, 6, 6]), torch.Size([4, 6, 3, 3]))
    """

    def __init__(
        self, inputs, outputs, *, stride=1, projection=False, skip=True, norm="torch", bias=True
    ):
        super().__init__()
        for name, value in (("inputs", inputs), ("outputs", outputs), ("stride", stride)):
            _validate.count(name, value)
        check_norm(norm)
        if projection not in (False, True, "pooled"):
            raise ValueError(f"projection must be False, True or 'pooled', got {projection!r}")
        if skip and not projection and (stride != 1 or inputs != outputs):
            raise ValueError(
                "a skip without projection needs stride 1 and as many outputs as inputs, got "
                f"stride {stride}, {inputs} inputs and {outputs} outputs"
            )
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=bias)
        self.bn1 = normaliser(norm, outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=bias)
        self.bn2 = normaliser(norm, outputs)
        self.skip = _skip(inputs, outputs, stride, projection) if skip else None

    def forward(self, x):
        branch = torch.relu(self.bn1(self.conv1(x)))
        branch = self.bn2(self.conv2(branch))
        return torch.relu(branch if self.skip is None else branch + self.skip(x))


def _skip(inputs, outputs, stride, projection):
    if not projection:
        return nn.Identity()
    if projection != "pooled":
        return nn.Conv2d(inputs, outputs, 1, stride=stride)
    layers = [nn.AvgPool2d(stride, ceil_mode=True)] if stride > 1 else []
    if inputs != outputs:
        layers.append(nn.Conv2d(inputs, outputs, 1, bias=False))
    return nn.Sequential(*layers)  # without layers it gives what it is given


class DenseBlock(nn.Module):
    """Convolutions that each see the input and the results of all before them.

    Each is a BatchNorm, a ReLU and a 3 by 3 convolution to `growth` channels, whose
    result is joined to what it was given: (b, inputs, h, w) becomes
    (b, outputs, h, w) with ``outputs = inputs + convolutions * growth``.

    Parameters
    ----------
    convolutions, inputs, growth : int
        How many there are, the channels of the input, and those that each convolution adds.
    bias : bool
        Whether the convolutions have one.

    Raises
    ------
    ValueError
        If `convolutions`, `inputs` or `growth` is not a positive whole number.

    References
    ----------
    G. Huang, Z. Liu, L. van der Maaten and K. Q. Weinberger, "Densely connected
    convolutional networks", CVPR, 2017.

    Examples
    --------
    >>> block = DenseBlock(2, 3, 10)
    >>> block(torch.zeros(4, 3, 8, 8)).shape, block.outputs
    (torch.Size([4, 23, 8, 8]), 23)
    """

    def __init__(self, convolutions, inputs, growth, *, bias=True):
        super().__init__()
        _validate.count("convolutions", convolutions)
        _validate.count("inputs", inputs)
        _validate.count("growth", growth)
        self.outputs = inputs + convolutions * growth
        self.layers = nn.ModuleList()
        for channels in range(inputs, self.outputs, growth):
            convolution = nn.Conv2d(channels, growth, 3, padding=1, bias=bias)
            self.layers.append(nn.Sequential(nn.BatchNorm2d(channels), nn.ReLU(), convolution))

    def forward(self, x):
        for layer in self.layers:
            x = torch.cat((x, layer(x)), dim=1)  # (b, channels + growth, h, w)
        return x


def transition(inputs, outputs, *, bias=True, ceil_mode=False):
    """Return the layers between two dense blocks: fewer channels, half the sides.

    A BatchNorm, a ReLU, a 1 by 1 convolution and the mean of each 2 by 2 square.

    Parameters
    ----------
    inputs, outputs : int
        Channels.
    bias : bool
        Whether the convolution has one.
    ceil_mode : bool
        Whether the last row and column of an odd side count as a square; otherwise
        they are dropped.

    Returns
    -------
    torch.nn.Sequential
        Maps (b, inputs, h, w) to (b, outputs, h / 2, w / 2).

    Raises
    ------
    ValueError
        If `inputs` or `outputs` is not a positive whole number.

    References
    ----------
    As for `DenseBlock`.

    Examples
    --------
    >>> transition(23, 10)(torch.zeros(4, 23, 8, 8)).shape
    torch.Size([4, 10, 4, 4])
    """
    return nn.Sequential(
        nn.BatchNorm2d(_validate.count("inputs", inputs)),
        nn.ReLU(),
        nn.Conv2d(inputs, _validate.count("outputs", outputs), 1, bias=bias),
        nn.AvgPool2d(2, ceil_mode=ceil_mode),
    )


class Network(nn.Sequential):
    """Layers in sequence, which name what they were given if it does not fit the first.

    Parameters
    ----------
    layers : dict of str to torch.nn.Module
        In their order.
    channels : int, optional
        Of the pictures; with None, as in a slice ``network[2:]``, nothing is checked.
    smallest, largest : int
        Bounds of height and width, in pixels.
    multiple : int
        Height and width are multiples of it.
    mirror : bool
        In evaluation, return the mean of the outputs for the pictures and for their
        mirror images.

    Raises
    ------
    ValueError
        When called with anything but floating-point pictures of the right channels and sides.
    """

    def __init__(
        self, layers, *, channels=None, smallest=1, largest=None, multiple=1, mirror=False
    ):
        super().__init__(OrderedDict(layers))
        self.channels, self.smallest, self.multiple = channels, smallest, multiple
        self.mirror = mirror
        self.largest = math.inf if largest is None else largest

    def forward(self, pictures):
        if self.channels is not None:
            self._check(pictures)
        outputs = super().forward(pictures)
        if self.mirror and not self.training:
            outputs = (outputs + super().forward(pictures.flip(-1))) / 2
        return outputs

    def _check(self, pictures):
        if not isinstance(pictures, torch.Tensor):
            raise ValueError(f"pictures must be a torch.Tensor, got {type(pictures).__name__}")
        shape = pictures.shape
        if len(shape) != 4 or shape[1] != self.channels or not all(map(self._fits, shape[2:])):
            raise ValueError(f"pictures must have shape {self._shapes()}, got {tuple(shape)}")
        if not pictures.is_floating_point():
            raise ValueError(
                f"pictures must be floating-point numbers, got {pictures.dtype}: "
                "see gdutils.images.standardise"
            )

    def _fits(self, side):
        return self.smallest <= side <= self.largest and side % self.multiple == 0

    def _shapes(self):
        if self.smallest == self.largest:
            return f"(b, {self.channels}, {self.smallest}, {self.smallest})"
        rule = f"at least {self.smallest}" + (" and even" if self.multiple == 2 else "")
        return f"(b, {self.channels}, h, w) with h and w {rule}"


def normaliser(norm, features, dimensions=2):
    if norm is None:
        return nn.Identity()
    if norm == "scratch":
        return BatchNorm(features)
    return nn.BatchNorm1d(features) if dimensions == 1 else nn.BatchNorm2d(features)


def check_norm(norm):
    if norm not in NORMS:
        raise ValueError(f"norm must be one of {', '.join(map(repr, NORMS))}, got {norm!r}")
