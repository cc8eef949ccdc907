import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from gdutils.data import fashion_mnist
from gdutils.images import MEAN, STD, flip, resize, shift, standardise


def pictures(b=300, h=5, w=4, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (b, h, w), generator=generator, dtype=torch.uint8)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def test_standardise_takes_out_the_mean_and_deviation():
    xb = pictures()
    wanted = (xb.numpy()[:, None] / 255 - MEAN) / STD
    # Two roundings of float32, 6e-8 each, of numbers up to 2.02.
    assert_allclose(standardise(xb), wanted, rtol=0, atol=5e-7)
    assert standardise(xb).dtype == torch.float32
    assert standardise(xb).shape == (300, 1, 5, 4)


def test_the_constants_are_those_of_the_training_pictures():
    images = fashion_mnist()
    if images.is_stand_in:
        pytest.skip("needs the real Fashion-MNIST")
    x = images.train_images / 255
    assert_allclose([x.mean(), x.std()], [MEAN, STD], rtol=0, atol=5e-5)  # four digits are kept


def test_every_picture_is_mirrored_whole_or_left_as_it_is():
    xb = pictures()
    flipped = flip(xb, seeded())
    mirrored = (flipped == xb.flip(-1)).all((1, 2))
    assert (mirrored | (flipped == xb).all((1, 2))).all()
    # Half of 300, within 4 standard deviations of 8.7.
    assert abs(mirrored.sum() - 150) < 35


def test_flips_and_shifts_leave_the_batch_as_it_was():
    xb = pictures()
    before = xb.clone()
    flip(xb, seeded()), shift(xb, seeded())
    assert torch.equal(xb, before)


@pytest.mark.parametrize("pixels", [0, 1, 2])
def test_a_shift_moves_the_picture_and_fills_with_zero(pixels):
    xb = pictures(b=400)
    framed = np.pad(xb.numpy(), ((0, 0), (pixels, pixels), (pixels, pixels)))
    seen = np.zeros((2 * pixels + 1,) * 2, dtype=int)
    for picture, frame in zip(shift(xb, seeded(), pixels), framed, strict=True):
        places = [
            (i, j)
            for i, j in np.ndindex(seen.shape)
            if (frame[i : i + 5, j : j + 4] == picture.numpy()).all()
        ]
        assert len(places) == 1
        seen[places[0]] += 1
    # Each of the moves is equally likely; the rarest has 400 / 25 = 16 on the average.
    assert 100 < seen.min() * seen.size <= seen.max() * seen.size < 1200


def test_the_generator_decides_and_is_moved_on():
    xb, generator = pictures(), seeded()
    first, second = flip(xb, generator), flip(xb, generator)
    assert not torch.equal(first, second)
    assert torch.equal(flip(xb, seeded()), first)
    rng = np.random.default_rng(1)
    assert not torch.equal(shift(xb, rng), shift(xb, rng))
    torch.manual_seed(5)
    first = flip(xb)
    torch.manual_seed(5)
    assert torch.equal(flip(xb), first)


def by_hand(picture, side):
    """Bilinear interpolation by its definition, with pixels as squares and edges repeated."""

    def weights(n):
        at = np.clip((np.arange(side) + 0.5) * n / side - 0.5, 0, n - 1)  # (side,)
        return np.maximum(0, 1 - abs(at[:, None] - np.arange(n)))  # (side, n)

    return weights(picture.shape[0]) @ picture @ weights(picture.shape[1]).T


def test_enlarging_interpolates_between_the_nearest_four_pixels():
    xb = pictures(b=20, h=28, w=28)
    large = resize(xb, 96)
    assert large.shape == (20, 96, 96) and large.dtype == torch.uint8
    # Rounded to whole numbers; 1e-4 for sums in float32.
    assert abs(large[3].numpy() - by_hand(xb[3].numpy(), 96)).max() < 0.5 + 1e-4
    assert torch.equal(resize(xb, 28), xb)


def test_shrinking_keeps_the_mean_of_a_thin_line():
    xb = torch.zeros(1, 28, 28, dtype=torch.uint8)
    xb[0, :, 13] = 240
    small = resize(xb, 7).float()
    assert_allclose(small.mean(), xb.float().mean(), atol=0.5)  # each pixel is rounded
    assert small[0, 3].max() > 0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: standardise(pictures().float()), "must be of torch.uint8, got torch.float32"),
        (lambda: standardise(pictures().numpy()), "must be a torch.Tensor, got ndarray"),
        (lambda: standardise(pictures()[:, None]), r"shape \(b, h, w\), got \(300, 1, 5, 4\)"),
        (lambda: resize(pictures(), 0), "side must be at least 1, got 0"),
        (lambda: resize(pictures(), 9.5), "side must be a whole number, got 9.5"),
        (lambda: flip(pictures(), 3), "generator must be a numpy.* got 3"),
        (lambda: flip(pictures()[0]), r"shape \(b, h, w\), got \(5, 4\)"),
        (lambda: shift(pictures(), None, -1), "pixels must be at least 0, got -1"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_an_empty_batch_stays_empty():
    empty = pictures()[:0]
    shapes = [tuple(f(empty).shape) for f in (standardise, flip, shift)]
    assert_array_equal([len(s) for s in shapes], [4, 3, 3])
    assert all(shape[0] == 0 for shape in shapes)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_the_gpu_makes_the_same_pictures():
    xb = pictures(h=28, w=28)
    for make in (standardise, lambda x: resize(x, 96).float()):
        # Interpolated values that end in a half may be rounded to either side.
        assert (make(xb.cuda()).cpu() - make(xb)).abs().max() <= 1
    for make in (flip, shift):
        assert torch.equal(make(xb.cuda(), seeded()).cpu(), make(xb, seeded()))
