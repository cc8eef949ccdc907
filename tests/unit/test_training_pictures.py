"""train() on pictures of bytes: preparation, augmentation, classes, precision, memory format."""

import functools
import re

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from torch import nn
from torch.nn.functional import cross_entropy

from gdutils import training
from gdutils.data import minibatches
from gdutils.images import flip, standardise
from gdutils.networks import BatchNorm
from gdutils.training import accuracy, evaluate, half_mean_squared_error, train


def pictures(n=90, seed=0):
    """Bright halves: class 0 above, 1 below, 2 everywhere."""
    rng = np.random.default_rng(seed)
    X = rng.integers(0, 120, (n, 6, 6), dtype=np.uint8)
    y = rng.integers(0, 3, n).astype(np.uint8)
    for row, label in zip(X, y, strict=True):
        row[{0: slice(0, 3), 1: slice(3, 6), 2: slice(None)}[int(label)]] += 90
    return X, y


def network(seed=0, norm=nn.BatchNorm2d):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Conv2d(1, 4, 3), norm(4), nn.ReLU(), nn.Flatten(), nn.Linear(64, 3))


def run(model=None, data=None, **options):
    model = network() if model is None else model
    options = {
        "loss": cross_entropy,
        "batch": 20,
        "epochs": 2,
        "generator": torch.Generator().manual_seed(1),
        "prepare": standardise,
        "device": "cpu",
        "progress": False,
    } | options
    optimiser = options.pop("optimiser", torch.optim.SGD(model.parameters(), lr=0.1))
    return model, train(model, pictures() if data is None else data, optimiser=optimiser, **options)


def by_hand(augment=None, smoothing=0.0, epochs=2):
    """The same run as a loop without train()."""
    model, generator = network(), torch.Generator().manual_seed(1)
    X, y = map(torch.as_tensor, pictures())
    optimiser = torch.optim.SGD(model.parameters(), lr=0.1)
    losses = []
    for _ in range(epochs):
        for xb, yb in minibatches(X, y.long(), batch=20, generator=generator):
            xb = xb if augment is None else augment(xb, generator)
            optimiser.zero_grad()
            loss = cross_entropy(model(standardise(xb)), yb, label_smoothing=smoothing)
            loss.backward()
            optimiser.step()
            losses.append(loss.item())
    return model, losses


def same(model, other):
    pairs = zip(model.state_dict().items(), other.state_dict().items(), strict=True)
    return all(a == b and torch.equal(v, w) for (a, v), (b, w) in pairs)


@pytest.mark.parametrize(("augment", "smoothing"), [(None, 0.0), (flip, 0.0), (flip, 0.1)])
def test_pictures_are_augmented_then_prepared_as_a_loop_by_hand_does(augment, smoothing):
    model, history = run(augment=augment, label_smoothing=smoothing)
    wanted, losses = by_hand(augment, smoothing)
    assert history.losses.tolist() == losses
    assert same(model, wanted)


def test_evaluation_prepares_but_neither_augments_nor_smooths():
    seen = []

    def augment(xb, generator):
        seen.append(len(xb))
        return xb

    test = pictures(40, seed=5)
    model, history = run(augment=augment, label_smoothing=0.3, evaluate_on={"test": test})
    assert sum(seen[1:]) == 2 * 90  # the first call is the trial before the first step
    value = evaluate(model, *test, cross_entropy, standardise)
    assert history.eval_losses["test"][-1] == value
    model.eval()
    with torch.no_grad():
        output = model(standardise(torch.as_tensor(test[0])))
    assert_allclose(value, cross_entropy(output, torch.as_tensor(test[1]).long()), rtol=1e-6)
    right = (output.argmax(1).numpy() == test[1]).mean()
    assert history.eval_accuracies["test"][-1] == accuracy(model, *test, standardise) == right


def test_accuracies_are_kept_for_tables_of_classes_only():
    _, history = run(evaluate_on={"a": pictures(), "b": pictures(30, seed=3)}, epochs=4)
    assert list(history.eval_accuracies) == ["a", "b"]
    assert history.eval_accuracies["a"].shape == history.eval_losses["a"].shape == (5,)
    assert history.eval_accuracies["a"][-1] > 0.9 > history.eval_accuracies["a"][0]
    X, y = np.ones((6, 2)), np.arange(6.0)
    model = nn.Linear(2, 1)
    for target in (y, y.astype(int)):  # counts are no classes: the model gives one number
        _, history = run(model, (X, target), loss=half_mean_squared_error, prepare=None, batch=3)
        assert history.eval_accuracies == {}


def test_an_evaluation_in_small_batches_changes_nothing(monkeypatch):
    model, _ = run()
    loss, right = (
        evaluate(model, *pictures(), cross_entropy, standardise),
        accuracy(model, *pictures(), standardise),
    )
    monkeypatch.setattr(training, "EVALUATION_BATCH", 7)
    assert_allclose(evaluate(model, *pictures(), cross_entropy, standardise), loss, rtol=1e-6)
    assert accuracy(model, *pictures(), standardise) == right


def test_accuracy_asks_for_classes():
    X, y = pictures()
    with pytest.raises(ValueError, match=r"accuracy needs y to be the classes.*float64"):
        accuracy(network(), X, y.astype(float), standardise)
    with pytest.raises(ValueError, match="accuracy needs y to be the classes"):
        accuracy(nn.Linear(2, 1), np.ones((3, 2)), np.zeros(3, dtype=int))


def test_bfloat16_gives_nearly_the_loss_of_float32_and_keeps_float32_weights():
    model, history = run(precision="bfloat16", epochs=4)
    _, exact = run(epochs=4)
    assert all(p.dtype == torch.float32 for p in model.parameters())
    assert not np.array_equal(history.losses, exact.losses)
    assert_allclose(history.losses[:3], exact.losses[:3], rtol=0.05)  # 8 bits a number: 0.4 % each
    assert history.eval_accuracies["training"][-1] > 0.9


def test_bfloat16_computes_the_loss_in_float32():
    kinds = set()

    def loss(output, y):
        kinds.add(output.dtype)
        return cross_entropy(output, y)

    run(precision="bfloat16", loss=loss)
    assert kinds == {torch.float32}


def test_channels_last_changes_the_format_and_not_the_result():
    def two_channels(xb):
        return standardise(xb).expand(-1, 2, -1, -1).contiguous()

    def once(channels_last):
        torch.manual_seed(0)
        model = nn.Sequential(nn.Conv2d(2, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(64, 3))
        formats = []
        model[0].register_forward_pre_hook(lambda _, given: formats.append(is_last(given[0])))
        _, history = run(model, channels_last=channels_last, prepare=two_channels)
        return history, is_last(model[0].weight), set(formats)

    def is_last(tensor):
        return tensor.is_contiguous(memory_format=torch.channels_last)

    history, weights, formats = once(True)
    exact, plain_weights, plain_formats = once(False)
    assert weights and formats == {True}
    assert not plain_weights and plain_formats == {False}
    # Another order of float32 sums; ten steps let the last digits grow a little.
    assert_allclose(history.losses, exact.losses, rtol=1e-4)


def test_compiling_trains_the_model_that_was_given(monkeypatch):
    compiled = []

    def fake(model):
        compiled.append(model)
        return lambda xb: model(xb)

    monkeypatch.setattr(torch, "compile", fake)
    model, history = run(compile=True)
    wanted, losses = by_hand()
    assert compiled == [model]
    assert history.losses.tolist() == losses and same(model, wanted)


def test_a_model_compiled_by_torch_takes_nearly_the_same_steps(monkeypatch):
    # The back end "eager" needs no compiler of C++ and checks the capture all the same.
    monkeypatch.setattr(torch, "compile", functools.partial(torch.compile, backend="eager"))
    _, history = run(compile=True)
    assert_allclose(history.losses, by_hand()[1], rtol=1e-5)


def test_the_bar_counts_images_and_shows_loss_and_accuracy(capfd):
    run(progress=True, epochs=300)  # the bar is drawn ten times a second: not a shorter run
    said = capfd.readouterr().err
    assert "images/s" in said and re.search(r"loss \d.*accuracy [01]\.\d{3}", said), said


def test_the_trial_leaves_modes_buffers_and_random_numbers_as_they_were():
    class Counting(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("calls", torch.tensor(0))

        def forward(self, x):
            self.calls += 1
            return x + 0 * torch.rand(1)

    model = nn.Sequential(network(), Counting())
    model[0][1].eval()
    generator, rng = torch.Generator().manual_seed(1), np.random.default_rng(1)
    for source in (generator, rng):
        before = {k: v.clone() for k, v in model.state_dict().items()}
        torch.manual_seed(3)
        with pytest.raises(ValueError, match="classes from 0 to 2"):
            run(model, (pictures()[0], np.full(90, 3)), augment=flip, generator=source)
        assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())
        assert not model[0][1].training and model[0][0].training
        drawn = torch.rand(1)
        torch.manual_seed(3)
        assert torch.equal(drawn, torch.rand(1))
    assert torch.equal(generator.get_state(), torch.Generator().manual_seed(1).get_state())
    assert rng.random() == np.random.default_rng(1).random()


def odd(n):
    return pictures(n)


X, Y = pictures()


@pytest.mark.parametrize(
    ("data", "options", "message"),
    [
        ((X, Y), {"prepare": None}, r"X of data must be floating.*uint8 of shape \(90, 6, 6\)"),
        ((X, Y + 1), {}, r"y of data must be classes from 0 to 2, because.* got 3 at \[\d+\]"),
        ((X, Y.astype(int) - 1), {}, "classes from 0 to 2.* got -1"),
        (
            (X, Y.astype(float)),
            {},
            r"y of data must be whole numbers.*cross_entropy, got torch.flo",
        ),
        ((X, Y > 1), {}, r"y of data must be whole numbers.*got torch.bool"),
        ((X, Y.astype(float)), {"loss": nn.CrossEntropyLoss()}, "whole numbers.*CrossEntropyLoss"),
        ((X, Y), {"evaluate_on": {"v": (X, Y + 1)}}, r"y of evaluate_on\['v'\] must be classes"),
        ((X, Y), {"prepare": 3}, "prepare must be a function, got 3"),
        ((X, Y), {"augment": "flip"}, "augment must be a function, got 'flip'"),
        (
            (X, Y),
            {"augment": lambda xb, g: xb[:1]},
            r"augment must return as many rows.*\(1, 6, 6\)",
        ),
        ((X, Y), {"augment": lambda xb, g: None}, "augment must return a tensor, got NoneType"),
        ((X, Y), {"prepare": lambda xb: xb.numpy()}, "prepare must return a tensor, got ndarray"),
        ((X, Y), {"label_smoothing": 1.0}, "label_smoothing must be below 1, got 1.0"),
        ((X, Y), {"label_smoothing": -0.1}, "label_smoothing must be zero or positive, got -0.1"),
        (
            (X, Y),
            {"label_smoothing": 0.1, "loss": lambda o, y: cross_entropy(o, y)},
            "label_smoothing needs a loss that takes it",
        ),
        ((X, Y), {"precision": "float16"}, r"precision must be one of .*got 'float16'"),
        (
            (X[:, :5], Y),
            {},
            r"cannot take the first 2 rows of X, \(2, 5, 6\) of torch.uint8, through prepare: mat1",
        ),
        ((X, Y), {"prepare": lambda xb: standardise(xb).double()}, "model cannot take the first 2"),
        ((X, Y), {"generator": "seed"}, "generator must be a numpy.*got 'seed'"),
    ],
)
def test_bad_input_is_named_and_changes_nothing(data, options, message):
    model = network()
    before = {k: v.clone() for k, v in model.state_dict().items()}
    with pytest.raises(ValueError, match=message):
        run(model, data, **options)
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())
    assert all(p.grad is None for p in model.parameters())


def test_bfloat16_is_refused_for_a_model_in_float64():
    with pytest.raises(ValueError, match=r"'bfloat16' needs a model in torch.float32, got torch"):
        run(network().double(), precision="bfloat16")


@pytest.mark.parametrize("norm", [nn.BatchNorm1d, BatchNorm])
def test_a_last_batch_of_one_row_is_refused_where_batch_normalisation_cannot_take_it(norm):
    def model():
        return nn.Sequential(nn.Linear(3, 4), norm(4), nn.Linear(4, 3))

    x, y = np.random.default_rng(0).normal(size=(21, 3)), np.arange(21) % 3
    with pytest.raises(
        ValueError, match="21 rows in batches of 10 leave a batch of 1 row, which this"
    ):
        run(model(), (x, y), batch=10, prepare=None)
    with pytest.raises(ValueError, match="21 rows in batches of 1 leave a batch of 1 row"):
        run(model(), (x, y), batch=1, prepare=None)
    run(model(), (x, y), batch=9, prepare=None)
    run(data=pictures(21), batch=10)  # a channel of one picture has many values


def test_whole_numbers_reach_a_model_that_looks_them_up():
    words = np.arange(12).reshape(6, 2)
    model = nn.Sequential(nn.Embedding(12, 4), nn.Flatten(), nn.Linear(8, 3))
    _, history = run(model, (words, np.arange(6) % 3), prepare=None, batch=6, epochs=1)
    assert np.isfinite(history.losses).all()


def test_a_table_that_is_also_evaluated_is_moved_once(monkeypatch):
    moved = []
    original = training._arguments.table
    monkeypatch.setattr(
        training._arguments,
        "table",
        lambda name, *rest: moved.append(name) or original(name, *rest),
    )
    data = pictures()
    run(data=data, evaluate_on={"training": data, "other": pictures()})
    assert moved == ["data", "evaluate_on['other']"]


def test_each_part_of_the_model_has_its_own_mode_again_after_an_evaluation():
    model = network()
    model[1].eval()
    evaluate(model, *pictures(), cross_entropy, standardise)
    assert_array_equal([m.training for m in model], [True, False, True, True, True])


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_gpu_trains_on_pictures(precision):
    model, history = run(
        device="cuda", precision=precision, channels_last=True, augment=flip, epochs=30
    )
    assert history.device == "cuda" and next(model.parameters()).is_cuda
    assert history.eval_accuracies["training"][-1] > 0.9
    assert len(history.losses) == len(history.samples) == 150
