"""The stand-ins: the same everywhere, shaped like the real data, learnable but not trivial."""

import hashlib

import numpy as np
import pytest
import torch
from torch import nn

from gdutils import standins

HASHES = {
    "airfoil": "e8b37091c097c817291bd8a65e3fcc6a2ea88d979a614abd1ab71ffd260364ef",
    "train images": "b947adce3e87fe94fe49c451130a260fe78b6e6210c355e9d8f70c8401f37746",
    "train labels": "f5e3b3f0e528d5d1244ebb9728045929e625eb22f0e3307f0c76766872b6b119",
    "test images": "44e7dbceed7245170e733795a7cfbedd6ee2b3f5907c13a3fca6e955160e030f",
    "test labels": "2ea562021009f3b899dafc66a6a2481571f60519defcd63acf7711486a2cbbb1",
}
SHIRT_LIKE = [0, 2, 4, 6]  # T-shirt, pullover, coat, shirt


@pytest.fixture(scope="module")
def clothes():
    return standins.fashion_mnist()


@pytest.fixture
def one_thread():
    """Threads that wait for each other cost minutes where other tests run beside this one."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def test_stand_ins_are_the_same_bytes_on_every_machine(clothes):
    arrays = [standins.airfoil().astype("<f8"), *clothes]
    digests = [hashlib.sha256(array.tobytes()).hexdigest() for array in arrays]
    assert dict(zip(HASHES, digests, strict=True)) == HASHES


def test_clothes_have_the_shapes_types_and_balance_of_fashion_mnist(clothes):
    for images, labels, n in ((*clothes[:2], 60_000), (*clothes[2:], 10_000)):
        assert images.shape == (n, 28, 28) and images.dtype == np.uint8
        assert labels.shape == (n,) and labels.dtype == np.uint8
        assert np.bincount(labels).tolist() == [n // 10] * 10
        assert (images.min(), images.max()) == (0, 255)
        # The real pixels have mean 0.286 and standard deviation 0.353.
        assert 0.15 < images.mean() / 255 < 0.35
        assert 0.25 < images.std() / 255 < 0.40
    assert len(set(clothes[1][:20].tolist())) > 3  # shuffled, as the real ones are


def test_no_test_image_is_a_training_image(clothes):
    train = {image.tobytes() for image in clothes[0]}
    assert len(train) == 60_000
    assert not any(image.tobytes() in train for image in clothes[2])


def test_every_garment_lies_inside_its_canvas_and_is_not_empty(clothes):
    images = clothes[2]
    lit = (images > 0).mean(axis=(1, 2))
    assert lit.min() > 0.02
    assert lit.max() < 0.9


def accuracy(model, clothes, epochs, rate):
    """Train on a third of the stand-in with momentum; return the test predictions."""
    torch.manual_seed(0)
    for module in model:
        if hasattr(module, "reset_parameters"):
            module.reset_parameters()
    images, labels, unseen, _ = (torch.from_numpy(array) for array in clothes)
    images, labels = (images[:20_000, None].float() / 255 - 0.2) / 0.3, labels[:20_000].long()
    optimiser = torch.optim.SGD(model.parameters(), lr=rate, momentum=0.9)
    for _ in range(epochs):
        for batch in torch.randperm(len(images)).split(200):
            loss = nn.functional.cross_entropy(model(images[batch]), labels[batch])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    with torch.no_grad():
        return model((unseen[:, None].float() / 255 - 0.2) / 0.3).argmax(1).numpy()


def test_a_linear_classifier_learns_the_clothes_and_a_small_convolution_learns_more(
    clothes, one_thread
):
    """Of the real images, a linear classifier gets about 0.84 right."""
    truth = clothes[3]
    linear = accuracy(nn.Sequential(nn.Flatten(), nn.Linear(784, 10)), clothes, 3, rate=0.01)
    small = nn.Sequential(
        nn.Conv2d(1, 12, 5, stride=2),
        nn.ReLU(),
        nn.Conv2d(12, 32, 3, stride=2),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(800, 10),
    )
    convolution = accuracy(small, clothes, 3, rate=0.03)
    assert 0.75 < (linear == truth).mean() < 0.90
    assert 0.88 < (convolution == truth).mean() < 0.98
    # As in the real data, most mistakes are between garments that look like shirts.
    wrong = truth[convolution != truth]
    assert np.isin(wrong, SHIRT_LIKE).mean() > 0.7


def test_table_has_the_levels_and_ranges_of_the_airfoil_experiment():
    table = standins.airfoil()
    frequency, angle, chord, velocity, thickness, level = table.T
    assert table.shape == (1503, 6) and table.dtype == np.float64
    assert np.isfinite(table).all()
    assert set(frequency) == set(standins.BANDS)
    assert set(chord) == set(standins.CHORDS)
    assert set(velocity) == set(standins.VELOCITIES)
    assert (angle.min(), angle.max()) == (0, 22)
    assert 1e-4 < thickness.min() and thickness.max() < 0.0584
    assert 103 < level.min() and level.max() < 141


def test_least_squares_explains_half_of_the_stand_in_table_and_rate_one_diverges():
    """Chapter 8 needs both: the real table has R^2 = 0.510 and 2/L = 0.953, below 1."""
    table = standins.airfoil()
    table = ((table - table.mean(axis=0)) / table.std(axis=0))[:1500]
    A, b = table[:, :5], table[:, 5]
    w, *_ = np.linalg.lstsq(A, b, rcond=None)
    assert 0.45 < 1 - np.sum((A @ w - b) ** 2) / np.sum(b**2) < 0.55
    eigenvalues = np.linalg.eigvalsh(A.T @ A / len(A))
    assert eigenvalues[-1] > 2
    assert 8 < eigenvalues[-1] / eigenvalues[0] < 20
