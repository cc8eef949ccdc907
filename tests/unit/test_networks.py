import copy
import math

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from gdutils.networks import (
    BatchNorm,
    DenseBlock,
    Residual,
    count_parameters,
    densenet,
    lenet,
    resnet18,
    small_densenet,
    small_resnet,
    transition,
)

NORMS = [None, "scratch", "torch"]
SHAPES = [(16, 5), (4, 5, 6, 3)]
# Room for the rounding of sums in another order, near 1 and, relatively, above.
TOLERANCE = {torch.float32: 1e-6, torch.float64: 1e-12}


@pytest.fixture(autouse=True)
def one_thread():
    """Nets this small are slower on two threads, and many times slower on a busy machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def randn(*shape, seed=0, dtype=torch.float32):
    return torch.randn(*shape, generator=generator(seed), dtype=dtype)


def torchs(layer, shape):
    """Return torch's layer with the parameters and statistics of ours."""
    kind = nn.BatchNorm1d if len(shape) == 2 else nn.BatchNorm2d
    other = kind(layer.features, eps=layer.eps, momentum=layer.momentum, dtype=layer.weight.dtype)
    other.load_state_dict(layer.state_dict())
    return other


def meta(make, *arguments, **options):
    """Return a network whose tensors have shapes only: no memory, no arithmetic."""
    with torch.device("meta"):
        return make(*arguments, **options)


def shapes(network, *shape):
    """Return the shape after each of the network's parts, by name."""
    x, result = torch.zeros(shape, device="meta"), {}
    for name, part in network.named_children():
        x = part(x)
        result[name] = tuple(x.shape)
    return result


# Batch normalisation


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("shape", SHAPES)
def test_twenty_training_steps_and_evaluation_agree_with_torch(shape, dtype):
    def close(a, b):
        assert_close(a, b, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])

    ours = BatchNorm(5, eps=1e-3, momentum=0.3).to(dtype)
    theirs = torchs(ours, shape)
    optimisers = [torch.optim.SGD(layer.parameters(), lr=0.1) for layer in (ours, theirs)]
    weights = randn(*shape, seed=1, dtype=dtype)
    for step in range(20):
        results = []
        for layer, optimiser in zip((ours, theirs), optimisers, strict=True):
            x = (2 * randn(*shape, seed=2 + step, dtype=dtype) + 1).requires_grad_()
            y = layer(x)
            optimiser.zero_grad()
            (weights * y**2).mean().backward()
            optimiser.step()
            results.append((y, x.grad, layer.weight.grad, layer.bias.grad))
        for a, b in zip(*results, strict=True):
            close(a, b)
        for a, b in zip(ours.state_dict().values(), theirs.state_dict().values(), strict=True):
            close(a, b)
    assert not torch.allclose(ours.running_mean, torch.zeros(5, dtype=dtype), atol=0.1)
    assert not torch.allclose(ours.weight, torch.ones(5, dtype=dtype), atol=0.01)
    x = randn(*shape, seed=99, dtype=dtype)
    close(ours.eval()(x), theirs.eval()(x))


@pytest.mark.parametrize("shape", SHAPES)
def test_a_training_batch_leaves_with_mean_zero_and_variance_one(shape):
    axes = [axis for axis in range(len(shape)) if axis != 1]
    y = BatchNorm(5, eps=0.0).double()(3 * randn(*shape, dtype=torch.float64) + 7)
    assert_close(y.mean(axes), torch.zeros(5, dtype=torch.float64))
    assert_close(y.var(axes, correction=0), torch.ones(5, dtype=torch.float64))


@pytest.mark.parametrize("shape", SHAPES)
def test_the_gradients_are_those_of_finite_differences(shape):
    layer = BatchNorm(5).double()
    assert torch.autograd.gradcheck(layer, randn(*shape, dtype=torch.float64).requires_grad_())


def test_the_running_variance_is_unbiased():
    layer = BatchNorm(1, momentum=1.0)
    layer(torch.tensor([[1.0], [3.0]]))  # variance 1 with divisor 2, 2 with divisor 1
    assert layer.running_mean.item() == 2.0
    assert layer.running_var.item() == 2.0


def test_no_graph_hangs_on_the_statistics():
    layer = BatchNorm(5)
    for step in range(3):
        layer(randn(8, 5, seed=step).requires_grad_())
        for buffer in layer.buffers():
            assert buffer.grad_fn is None and not buffer.requires_grad


def test_every_step_saves_equally_much_for_the_backward_pass():
    layer, sizes = BatchNorm(5), []
    for step in range(4):
        saved = {}

        def keep(tensor, saved=saved):
            saved[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            y = layer(randn(8, 5, seed=step).requires_grad_())
        # What step t keeps alive: all that its output and its statistics hang on.
        nodes, waiting = set(), [t.grad_fn for t in (y, *layer.buffers()) if t.grad_fn]
        while waiting:
            node = waiting.pop()
            nodes.add(node)
            waiting += [below for below, _ in node.next_functions if below and below not in nodes]
        sizes.append((len(nodes), sum(saved.values())))
    assert len(set(sizes)) == 1 and sizes[0][0] > 1 and sizes[0][1] > 0


def test_the_statistics_are_updated_in_place_and_only_in_training():
    layer = BatchNorm(5)
    mean, before = layer.running_mean, layer.running_mean.clone()
    layer(randn(8, 5))
    assert layer.running_mean is mean and not torch.equal(mean, before)
    assert layer.num_batches_tracked.item() == 1
    layer.eval()
    before = copy.deepcopy(layer.state_dict())
    layer(randn(8, 5, seed=1))
    assert_close(layer.state_dict(), before, rtol=0, atol=0)


def test_in_evaluation_a_row_does_not_depend_on_its_neighbours():
    layer, x = BatchNorm(5), randn(8, 5)
    layer(x)
    assert not torch.equal(layer(x)[:1], layer(x[:2])[:1])
    layer.eval()
    for rows in (slice(0, 1), slice(0, 3), slice(None)):  # a single row is no error here
        assert torch.equal(layer(x[rows]), layer(x)[rows])


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_comes_back_as_it_came_and_statistics_stay_in_float32(dtype):
    ours, x = BatchNorm(5), randn(64, 5).to(dtype) + 20
    theirs = torchs(ours, x.shape)
    y = ours(x)
    assert y.dtype == dtype
    assert_close(y, theirs(x))
    # Half precision has three or four digits.
    assert_close(ours.running_var, theirs.running_var, rtol=1e-5, atol=0)


def test_the_saved_statistics_are_read_by_torch_and_back():
    ours = BatchNorm(5)
    ours(randn(8, 5))
    theirs = nn.BatchNorm1d(5)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    theirs.load_state_dict(ours.state_dict())
    x = randn(8, 5, seed=1)
    theirs(x)
    ours.load_state_dict(theirs.state_dict())
    assert ours.num_batches_tracked.item() == 2
    assert_close(ours.eval()(x), theirs.eval()(x))


def test_statistics_move_with_the_layer_and_are_not_parameters():
    layer = BatchNorm(5).to("meta")
    assert all(buffer.is_meta for buffer in layer.buffers())
    assert [name for name, _ in layer.named_parameters()] == ["weight", "bias"]


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (torch.zeros(8, 5, 3), r"\(b, 5\) or \(b, 5, h, w\), got \(8, 5, 3\)"),
        (torch.zeros(5), r"got \(5,\)"),
        (torch.zeros(8, 4), r"BatchNorm\(5\) takes shape .* got \(8, 4\)"),
        (torch.zeros(8, 28, 28, 5), r"got \(8, 28, 28, 5\)"),
        (torch.zeros(8, 5, dtype=torch.uint8), "takes torch.float32 or .* got torch.uint8"),
        (torch.zeros(8, 5, dtype=torch.float64), "takes torch.float32 or .* got torch.float64"),
        (torch.zeros(1, 5), r"2 values .* got shape \(1, 5\): take larger batches, leave out a "),
        (torch.zeros(1, 5, 1, 1), r"call .eval\(\) first"),
        (torch.zeros(0, 5), r"got shape \(0, 5\)"),
    ],
)
def test_a_batch_that_cannot_be_normalised_is_named_and_nothing_is_changed(x, message):
    layer = BatchNorm(5)
    before = copy.deepcopy(layer.state_dict())
    with pytest.raises(ValueError, match=message):
        layer(x)
    assert_close(layer.state_dict(), before, rtol=0, atol=0)


def test_one_picture_can_be_normalised_in_training():
    assert torch.isfinite(BatchNorm(5)(randn(1, 5, 2, 1))).all()


# Blocks


@pytest.mark.parametrize("side", [6, 7])
@pytest.mark.parametrize("projection", [True, "pooled"])
def test_a_residual_block_with_a_projection_changes_channels_and_sides(projection, side):
    block = meta(Residual, 3, 6, stride=2, projection=projection)
    half = math.ceil(side / 2)
    assert block(torch.zeros(4, 3, side, side, device="meta")).shape == (4, 6, half, half)


def test_a_residual_block_without_projection_keeps_the_shape():
    assert Residual(3, 3)(torch.zeros(4, 3, 6, 6)).shape == (4, 3, 6, 6)


def test_a_residual_block_is_its_formula():
    block, x = Residual(3, 6, stride=2, projection=True).double(), randn(4, 3, 6, 6).double()
    normalise = nn.functional.batch_norm

    def norm(y, layer):
        return normalise(y, None, None, layer.weight, layer.bias, training=True, eps=layer.eps)

    for layer in (block.bn1, block.bn2):  # scales and shifts that could not be left out unseen
        nn.init.uniform_(layer.weight, 0.5, 2.0, generator=generator())
        nn.init.normal_(layer.bias, generator=generator(1))
    convolve = nn.functional.conv2d
    y = convolve(x, block.conv1.weight, block.conv1.bias, stride=2, padding=1)
    y = convolve(norm(y, block.bn1).relu(), block.conv2.weight, block.conv2.bias, padding=1)
    skip = convolve(x, block.skip.weight, block.skip.bias, stride=2)
    assert_close(block(x), (norm(y, block.bn2) + skip).relu())
    block.skip = None
    assert_close(block(x), norm(y, block.bn2).relu())


def test_a_pooled_skip_is_the_mean_of_squares_and_then_a_convolution():
    block, x = Residual(3, 6, stride=2, projection="pooled"), randn(4, 3, 7, 7)
    nn.init.zeros_(block.bn2.weight)
    means = nn.functional.avg_pool2d(x, 2, ceil_mode=True)
    # The last column of an odd side is averaged over what is there, not over zeros beyond.
    assert_close(means[:, :, -1, -1], x[:, :, -1, -1])
    expected = torch.einsum("oi,bihw->bohw", block.skip[1].weight[:, :, 0, 0], means)
    assert_close(block(x), expected.relu())
    assert block.skip[1].bias is None


@pytest.mark.parametrize("projection", [False, "pooled"])
@pytest.mark.parametrize("norm", NORMS)
def test_a_block_whose_branch_is_zero_gives_relu_of_x(projection, norm):
    block, x = Residual(3, 3, projection=projection, norm=norm), randn(4, 3, 6, 6)
    last = block.conv2 if norm is None else block.bn2
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)
    assert torch.equal(block(x), x.relu())
    assert not torch.equal(block(x), x)


def test_a_block_without_skip_has_the_branch_of_one_with_it():
    torch.manual_seed(0)
    residual = Residual(3, 3)
    torch.manual_seed(0)
    plain, x = Residual(3, 3, skip=False), randn(4, 3, 6, 6)
    assert_close(plain.state_dict(), residual.state_dict(), rtol=0, atol=0)
    for block in (plain, residual):
        nn.init.constant_(block.bn2.bias, 10.0)  # the last relu lets everything through
    assert_close(residual(x) - plain(x), x, rtol=0, atol=1e-5)  # of numbers near 10
    assert Residual(3, 6, stride=2, skip=False)(x).shape == (4, 6, 3, 3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"stride": 2}, "without projection .* got stride 2, 3 inputs and 3 outputs"),
        ({"outputs": 6}, "without projection .* got stride 1, 3 inputs and 6 outputs"),
        ({"projection": "1x1"}, "projection must be False, True or 'pooled', got '1x1'"),
        ({"norm": "layer"}, "norm must be one of None, 'scratch', 'torch', got 'layer'"),
        ({"inputs": 0}, "inputs must be at least 1, got 0"),
        ({"stride": 0.5}, "stride must be a whole number, got 0.5"),
    ],
)
def test_a_residual_block_that_cannot_be_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        Residual(**({"inputs": 3, "outputs": 3} | arguments))


def test_a_dense_block_joins_its_results_to_its_input():
    block, x = DenseBlock(2, 3, 10), randn(4, 3, 8, 8)
    y = block(x)
    assert y.shape == (4, 23, 8, 8) and block.outputs == 23
    assert [type(layer) for layer in block.layers[0]] == [nn.BatchNorm2d, nn.ReLU, nn.Conv2d]
    assert torch.equal(y[:, :3], x)
    first = block.layers[0](x)
    assert torch.equal(y[:, 3:13], first)
    assert torch.equal(y[:, 13:], block.layers[1](torch.cat((x, first), dim=1)))


def test_a_transition_changes_channels_and_halves_sides():
    layers = transition(23, 10)
    assert [type(layer) for layer in layers] == [
        nn.BatchNorm2d, nn.ReLU, nn.Conv2d, nn.AvgPool2d,
    ]  # fmt: skip
    assert layers(torch.zeros(4, 23, 8, 8)).shape == (4, 10, 4, 4)
    assert layers(torch.zeros(4, 23, 7, 7)).shape == (4, 10, 3, 3)
    assert transition(23, 10, ceil_mode=True)(torch.zeros(4, 23, 7, 7)).shape == (4, 10, 4, 4)


@pytest.mark.parametrize(
    "make",
    [
        lambda: DenseBlock(0, 3, 10),
        lambda: DenseBlock(2, 3, -1),
        lambda: transition(23, 0),
        lambda: BatchNorm(0),
        lambda: BatchNorm(3, momentum=1.5),
        lambda: BatchNorm(3, eps=-1e-5),
        lambda: lenet(classes=2.5),
        lambda: lenet("batch"),
        lambda: resnet18(channels=0),
        lambda: small_resnet(()),
        lambda: small_resnet(16),
        lambda: small_resnet((16, "32")),
        lambda: small_resnet(norm="layer"),
        lambda: densenet((4, 0)),
        lambda: densenet(growth=1.5),
        lambda: small_densenet(growth=0),
        lambda: count_parameters([1, 2]),
    ],
)
def test_arguments_out_of_range_are_refused_with_what_was_given(make):
    with pytest.raises(ValueError, match="got"):
        make()


@pytest.mark.parametrize("make", [densenet, small_densenet])
def test_a_stem_without_channels_is_refused_by_its_name(make):
    with pytest.raises(ValueError, match="stem must be at least 1, got 0"):
        make(stem=0)


# Networks


def by_hand(convolutions, norms, linears):
    """Return the parameters of layers given by their sizes, each convolution with a bias."""
    return (
        sum(outputs * (inputs * side**2 + 1) for inputs, outputs, side in convolutions)
        + sum(2 * features for features in norms)
        + sum(outputs * (inputs + 1) for inputs, outputs in linears)
    )


@pytest.mark.parametrize(("norm", "norms"), [(None, []), ("scratch", 1), ("torch", 1)])
def test_lenet_has_the_layers_of_the_course(norm, norms):
    net = lenet(norm)
    assert shapes(meta(lenet, norm), 5, 1, 28, 28)["pool2"] == (5, 16, 4, 4)
    assert net(torch.zeros(5, 1, 28, 28)).shape == (5, 10)
    assert count_parameters(net) == by_hand(
        [(1, 6, 5), (6, 16, 5)],
        (6, 16, 120, 84) if norms else (),
        [(256, 120), (120, 84), (84, 10)],
    )
    kinds = {
        None: [nn.Conv2d, nn.Sigmoid],
        "scratch": [nn.Conv2d, BatchNorm, nn.Sigmoid],
        "torch": [nn.Conv2d, nn.BatchNorm2d, nn.Sigmoid],
    }
    assert [type(layer) for layer in net][: len(kinds[norm])] == kinds[norm]


def test_lenet_from_scratch_and_with_torch_are_one_function():
    ours, theirs = lenet("scratch"), lenet("torch")
    theirs.load_state_dict(ours.state_dict())
    x = randn(16, 1, 28, 28)
    assert_close(ours(x), theirs(x), rtol=0, atol=1e-5)  # four normalisations of float32 sums
    assert_close(ours.eval()(x), theirs.eval()(x), rtol=0, atol=1e-5)
    assert not torch.equal(ours(x), ours.train()(x))


def test_normalisation_draws_nothing_so_one_seed_gives_one_lenet():
    nets = []
    for norm in NORMS:
        torch.manual_seed(3)
        nets.append(lenet(norm).state_dict())
    for name, value in nets[0].items():
        assert torch.equal(value, nets[1][name]) and torch.equal(value, nets[2][name])


def test_resnet18_has_the_shapes_and_the_parameters_of_the_course():
    net = meta(resnet18)
    assert shapes(net, 1, 1, 224, 224) == {
        "stem": (1, 64, 56, 56),
        "stage1": (1, 64, 56, 56),
        "stage2": (1, 128, 28, 28),
        "stage3": (1, 256, 14, 14),
        "stage4": (1, 512, 7, 7),
        "pool": (1, 512, 1, 1),
        "flatten": (1, 512),
        "head": (1, 10),
    }
    assert shapes(net, 16, 1, 28, 28)["stage4"] == (16, 512, 1, 1)
    assert count_parameters(net) == 11_178_378
    weighted = [m for m in net.modules() if isinstance(m, (nn.Conv2d, nn.Linear))]
    assert sum(m.kernel_size != (1, 1) for m in weighted[:-1]) + 1 == 18
    assert meta(resnet18, channels=3, classes=7)(
        torch.zeros(2, 3, 96, 96, device="meta")
    ).shape == (2, 7)


@pytest.mark.parametrize("make", [resnet18, densenet])
def test_the_stem_for_large_pictures_is_that_of_the_papers(make):
    convolution, norm, relu, pool = meta(make).stem
    assert (convolution.kernel_size, convolution.stride, convolution.padding) == (
        (7, 7), (2, 2), (3, 3),
    )  # fmt: skip
    assert (pool.kernel_size, pool.stride, pool.padding) == (3, 2, 1)
    assert [type(layer) for layer in (norm, relu, pool)] == [
        nn.BatchNorm2d, nn.ReLU, nn.MaxPool2d,
    ]  # fmt: skip


def test_the_stages_of_resnet18_add_up_by_hand():
    convolutions, norms, inputs = [(1, 64, 7)], [64], 64
    for width in (64, 128, 256, 512):
        convolutions += [
            (inputs, width, 3),
            (width, width, 3),
            (width, width, 3),
            (width, width, 3),
        ]
        convolutions += [(inputs, width, 1)] if inputs != width else []
        norms += [width] * 4
        inputs = width
    assert count_parameters(meta(resnet18)) == by_hand(convolutions, norms, [(512, 10)])


def test_densenet_has_the_shapes_and_the_parameters_of_the_course():
    net = meta(densenet)
    found = shapes(net, 1, 1, 96, 96)
    assert found["stem"] == (1, 64, 24, 24)
    assert [found[f"block{i}"] for i in (1, 2, 3, 4)] == [
        (1, 192, 24, 24), (1, 224, 12, 12), (1, 240, 6, 6), (1, 248, 3, 3),
    ]  # fmt: skip
    assert found["transition1"] == (1, 96, 12, 12) and "transition4" not in found
    assert list(found)[-5:] == ["norm", "relu", "pool", "flatten", "head"]
    assert net.head.in_features == 248
    assert count_parameters(net) == 758_226


@pytest.mark.parametrize(
    ("widths", "parameters"), [((16, 32, 64), 77_994), ((24, 48, 96), 174_202)]
)
def test_small_resnet_has_the_shapes_and_the_parameters_of_the_course(widths, parameters):
    net = meta(small_resnet, list(widths))
    found = shapes(net, 5, 1, 28, 28)
    assert found["unshuffle"] == (5, 4, 14, 14)
    assert [found[f"block{i}"] for i in (1, 2, 3)] == [
        (5, widths[0], 14, 14), (5, widths[1], 7, 7), (5, widths[2], 4, 4),
    ]  # fmt: skip
    assert found["head"] == (5, 10)
    assert count_parameters(net) == parameters
    biased = [m for m in net.modules() if isinstance(m, nn.Conv2d) and m.bias is not None]
    assert not biased


def test_small_resnet_without_its_parts_keeps_the_rest():
    def kinds(**options):
        found = [type(m) for m in meta(small_resnet, **options).modules()]
        return [found.count(kind) for kind in (nn.Conv2d, nn.BatchNorm2d, BatchNorm)]

    assert kinds() == [9, 7, 0]  # the stem's, two a block, two projections
    assert kinds(norm="scratch") == [9, 0, 7]
    assert kinds(norm=None) == [9, 0, 0]
    assert kinds(skip=False) == [7, 7, 0]
    bare = small_resnet(norm=None)
    assert all(m.bias is not None for m in (bare.stem[0], bare.block1.conv1, bare.block3.conv2))
    for options in ({"norm": None}, {"skip": False}, {"norm": None, "skip": False}):
        net = small_resnet(**options)
        net(randn(4, 1, 28, 28)).square().sum().backward()
        assert all(p.grad.abs().sum() > 0 for p in net.parameters())


def test_zero_init_starts_every_block_as_relu_of_its_skip():
    net, x = small_resnet(), randn(4, 16, 14, 14)
    for block in (net.block1, net.block2, net.block3):
        y = block(x)
        assert torch.equal(y, block.skip(x).relu())
        x = y
    torch.manual_seed(0)
    with_it = small_resnet().state_dict()
    torch.manual_seed(0)
    without = small_resnet(zero_init=False).state_dict()
    different = [name for name in with_it if not torch.equal(with_it[name], without[name])]
    assert different == [f"block{i}.bn2.weight" for i in (1, 2, 3)]


def test_small_densenet_has_the_shapes_of_the_course():
    net = meta(small_densenet)
    found = shapes(net, 5, 1, 28, 28)
    assert [found[f"block{i}"] for i in (1, 2, 3)] == [
        (5, 64, 14, 14), (5, 80, 7, 7), (5, 88, 4, 4),
    ]  # fmt: skip
    assert found["head"] == (5, 10)
    biases = sum(m.out_channels for m in net.modules() if isinstance(m, nn.Conv2d))
    convolutions = [(4, 16, 3), (64, 32, 1), (80, 40, 1)]
    norms = [64, 80, 88]
    for inputs in (16, 32, 40):
        before = [inputs + 12 * i for i in range(4)]
        convolutions += [(channels, 12, 3) for channels in before]
        norms += before
    assert count_parameters(net) == by_hand(convolutions, norms, [(88, 10)]) - biases


NETWORKS = {
    "lenet": (lambda: lenet("scratch"), 28),
    "small_resnet": (small_resnet, 28),
    "small_densenet": (small_densenet, 28),
    "densenet": (lambda: densenet((1, 1), growth=4, stem=8), 28),
}


@pytest.mark.parametrize("make", [resnet18, densenet, small_resnet, small_densenet])
def test_a_network_ends_with_the_mean_of_each_channel_and_a_linear_layer(make):
    net, x = meta(make), randn(2, 3, 5, 4)
    assert_close(net.flatten(net.pool(x)), x.mean((2, 3)))
    assert [type(part) for part in list(net)[-2:]] == [nn.Flatten, nn.Linear]


@pytest.mark.parametrize("make", [densenet, small_densenet])
def test_the_last_dense_block_is_normalised_and_rectified(make):
    net = meta(make)
    assert isinstance(net.norm, nn.BatchNorm2d) and isinstance(net.relu, nn.ReLU)


def test_the_stem_of_small_resnet_sees_every_pixel_once():
    net, x = small_resnet(), randn(2, 1, 28, 28)
    squares = net.unshuffle(x)
    assert torch.equal(squares.flatten().sort()[0], x.flatten().sort()[0])
    assert torch.equal(squares[:, 1], x[:, 0, ::2, 1::2])
    assert [type(layer) for layer in net.stem] == [nn.Conv2d, nn.BatchNorm2d, nn.ReLU]


@pytest.mark.parametrize("name", NETWORKS)
def test_the_loss_reaches_every_parameter_of_a_network(name):
    make, side = NETWORKS[name]
    torch.manual_seed(0)
    net, x = make(), randn(8, 1, side, side)
    for module in net.modules():  # behind a scale of 0 a branch has no gradient
        if isinstance(module, nn.BatchNorm2d):
            nn.init.ones_(module.weight)
    nn.functional.cross_entropy(net(x), torch.arange(8)).backward()
    assert [label for label, p in net.named_parameters() if not p.grad.any()] == []


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_in_evaluation_treats_each_picture_alone(name):
    make, side = NETWORKS[name]
    net, x = make(), randn(6, 1, side, side)
    net(x)  # statistics of its own
    together = net.eval()(x)
    alone = torch.cat([net(row[None]) for row in x])
    assert_close(alone, together, rtol=0, atol=1e-5)  # convolutions may sum in another order
    assert torch.equal(net(x), together)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_is_copied_and_saved_whole(name):
    make, side = NETWORKS[name]
    net, x = make(), randn(6, 1, side, side)
    net(x)
    twin = copy.deepcopy(net).eval()
    read = make()
    read.load_state_dict(net.state_dict())
    expected = net.eval()(x)
    assert torch.equal(twin(x), expected) and torch.equal(read.eval()(x), expected)
    with torch.no_grad():
        next(net.parameters()).zero_()
    assert torch.equal(twin(x), expected)
    assert all(label.split(".")[0] in dict(net.named_children()) for label in net.state_dict())


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_a_network_gives_the_same_in_channels_last(memory_format):
    torch.manual_seed(0)
    net, x = small_resnet(), randn(6, 1, 28, 28)
    expected = net(x)
    net.to(memory_format=memory_format)
    assert_close(net(x.to(memory_format=memory_format)), expected, rtol=0, atol=1e-5)


def test_a_slice_of_a_network_takes_what_lies_between():
    net = small_resnet().eval()
    x = randn(6, 1, 28, 28)
    assert_close(net[3:](net[:3](x)), net(x))


UINT8 = torch.zeros(4, 1, 28, 28, dtype=torch.uint8)


@pytest.mark.parametrize(
    ("make", "pictures", "message"),
    [
        (lenet, torch.zeros(4, 28, 28), r"\(b, 1, 28, 28\), got \(4, 28, 28\)"),
        (lenet, torch.zeros(4, 1, 32, 32), r"\(b, 1, 28, 28\), got \(4, 1, 32, 32\)"),
        (lenet, torch.zeros(4, 3, 28, 28), r"\(b, 1, 28, 28\), got \(4, 3, 28, 28\)"),
        (lenet, UINT8, "floating-point numbers, got torch.uint8: see gdutils.images.standardise"),
        (lenet, UINT8.numpy(), "must be a torch.Tensor, got ndarray"),
        (resnet18, torch.zeros(4, 784), r"\(b, 1, h, w\) with h and w at least 1, got \(4, 784\)"),
        (resnet18, torch.zeros(4, 1, 28), r"got \(4, 1, 28\)"),
        (resnet18, torch.zeros(4, 1, 28, 28, 3), r"got \(4, 1, 28, 28, 3\)"),
        (small_resnet, torch.zeros(4, 1, 28, 27), r"at least 2 and even, got \(4, 1, 28, 27\)"),
        (small_densenet, UINT8, "floating-point numbers, got torch.uint8"),
        (densenet, torch.zeros(4, 1, 28, 28), r"h and w at least 29, got \(4, 1, 28, 28\)"),
        (densenet, torch.zeros(4, 1, 96, 28), r"h and w at least 29, got \(4, 1, 96, 28\)"),
    ],
)
def test_pictures_that_do_not_fit_are_named(make, pictures, message):
    with pytest.raises(ValueError, match=message):
        meta(make)(pictures)


@pytest.mark.parametrize("blocks", [(1,), (1, 1), (1, 1, 1), (1, 1, 1, 1)])
def test_densenet_takes_the_smallest_pictures_that_it_says(blocks):
    net = meta(densenet, blocks, growth=2, stem=16)
    side = net.smallest
    assert net(torch.zeros(2, 1, side, side, device="meta")).shape == (2, 10)
    if side > 1:  # and one pixel less would leave a block nothing to see
        net.smallest = 1
        with pytest.raises(RuntimeError, match=r"[Oo]utput"):
            net(torch.zeros(2, 1, side - 1, side - 1, device="meta"))


def test_pooling_by_quarters_takes_the_largest_value_of_each():
    net = small_resnet(pool="quarters").eval()
    x = torch.randn(3, 1, 28, 28)
    features = net[:-3](x)  # (3, 64, 4, 4)
    quarters = [features[:, :, i : i + 2, j : j + 2].amax((2, 3)) for i in (0, 2) for j in (0, 2)]
    expected = torch.stack(quarters, -1).flatten(1)  # (3, 256): four numbers a channel
    assert_close(net[:-1](x), expected)
    assert net.head.in_features == 256
    with pytest.raises(ValueError, match="'mean', 'quarters', got 'max'"):
        small_resnet(pool="max")


def test_a_mirroring_network_judges_a_picture_and_its_mirror_image_alike_in_evaluation_only():
    torch.manual_seed(0)
    net = small_resnet(mirror=True).eval()
    x = torch.randn(3, 1, 28, 28)
    assert_close(net(x), net(x.flip(-1)))
    one_sided = small_resnet().eval()
    one_sided.load_state_dict(net.state_dict())
    assert_close(net(x), (one_sided(x) + one_sided(x.flip(-1))) / 2)
    assert (one_sided(x) - one_sided(x.flip(-1))).abs().max() > 1e-3
    net.train()
    assert (net(x) - net(x.flip(-1))).abs().max() > 1e-3
