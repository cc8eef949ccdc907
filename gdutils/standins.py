"""Made-up data with the shape of the real ones, for machines without files or network.

The same bytes come out on every machine and with every NumPy: randomness is
drawn from the raw words of PCG64, whose stream NumPy guarantees (that of
`Generator` it does not), and the arithmetic keeps to operations that IEEE 754
rounds exactly, element by element: no sin, exp or matrix product.

The garments are painted in two stages. `_garments.paint` draws some hundred
variants of each class as convex polygons; each image then samples
one variant through its own size, shear and shift, and gets its own brightness,
stripes and grain. Variants for training are never used for testing.
"""

import functools

import numpy as np

from gdutils import _garments
from gdutils._garments import Draws

# The levels of the real experiment: third-octave bands in Hz, chords of 1 to 12 inches in m,
# and the velocity of the air in m/s.
BANDS = np.array(
    "200 250 315 400 500 630 800 1000 1250 1600 2000 2500 3150 4000 5000 6300 8000 10000 12500 "
    "16000 20000".split(),
    dtype=float,
)
CHORDS = np.array([0.0254, 0.0508, 0.1016, 0.1524, 0.2286, 0.3048])
STEEPEST = np.array([22.0, 19.5, 15.5, 12.5, 7.5, 4.0])  # degrees, one for each chord
VELOCITIES = np.array([31.7, 39.6, 55.5, 71.3])

SIDE = 28
CHUNK = 2000  # images; small enough for the arrays of one chunk to stay in the processor's cache


@functools.cache
def airfoil():
    """Return an array of shape (1503, 6): the five features of the airfoil table, then the level.

    As in the real table, each setting (chord, velocity, angle) is followed over
    neighbouring third-octave bands, short chords are tilted further, and the
    boundary layer grows with the angle. The level is a flattened parabola over the
    bands plus noise, so that a straight line explains about half of its variance.
    The result is shared between calls: copy before you change it.
    """
    rows, draws = 1503, Draws(1218)

    # 1. The settings.
    tilt = np.array([0, 0.15, 0.3, 0.65, 1])
    grid = np.meshgrid(range(len(CHORDS)), range(len(VELOCITIES)), range(len(tilt)), indexing="ij")
    i, j, k = (axis.ravel() for axis in grid)  # (120,) each
    chord, velocity, angle = CHORDS[i], VELOCITIES[j], np.round(tilt[k] * STEEPEST[i], 1)
    layer = np.where(draws.uniform(0, 1, len(i)) < 0.5, 1, 0.45)  # tripped or natural
    growth = (1 + 0.2 * angle * angle) * (1.16 - velocity / 320)
    thickness = np.round(layer * (3e-4 + 8e-3 * chord) * growth, 6)

    # 2. The bands in which each was measured: 12 or 13, higher for fast air and short chords.
    swept = rows // len(i) + (np.arange(len(i)) < rows % len(i))
    low = draws.uniform(0, 4, len(i)) + (velocity - 31.7) / 12 + 1.5 * (chord < 0.1)
    low = np.minimum(low.astype(int), len(BANDS) - swept)
    setting = np.repeat(np.arange(len(i)), swept)  # (1503,)
    band = low[setting] + np.arange(rows) - (np.cumsum(swept) - swept)[setting]

    # 3. The level.
    peak = 9 - 7 * thickness / (thickness + 0.012) + (velocity - 51) / 12
    height = 132 + 0.1 * (velocity - 51) - 25 * chord - 60 * thickness
    off = (band - peak[setting]) ** 2
    noise = draws.uniform(-3.8, 3.8, rows) + draws.uniform(-3.8, 3.8, rows)
    level = np.round(height[setting] - 0.15 * off / (1 + off / 200) + noise, 3)
    return np.column_stack(
        [BANDS[band], *(a[setting] for a in (angle, chord, velocity, thickness)), level]
    )


@functools.cache
def fashion_mnist():
    """Return train images, train labels, test images and test labels, all uint8.

    The result is shared between calls: copy before you change it.
    """
    return (*_split(60_000, variants=96, seed=1708), *_split(10_000, variants=48, seed=7747))


def _split(count, variants, seed):
    draws = Draws(seed)
    canvases = _garments.paint(variants, draws)  # (10, variants, S, S)
    kinds = len(canvases)
    labels = np.repeat(np.arange(kinds, dtype=np.uint8), count // kinds)
    labels = labels[np.argsort(draws.words(count), kind="stable")]
    images = np.empty((count, SIDE, SIDE), np.uint8)
    for start in range(0, count, CHUNK):
        part = labels[start : start + CHUNK]
        which = part.astype(np.intp) * variants  # the first variant of the class
        which += draws.uniform(0, variants, len(part)).astype(np.intp)
        images[start : start + CHUNK] = _photograph(canvases, which, draws)
    return images, labels


def _photograph(canvases, which, draws):
    """Return one uint8 image of (28, 28) for each index into the flat list of canvases."""
    n = len(which)
    side = canvases.shape[-1]
    pixel = ((np.arange(SIDE) - (SIDE - 1) / 2) / (SIDE / 2)).astype(np.float32)

    def each(low, high):
        return draws.uniform(low, high, n).astype(np.float32)[:, None]  # (n, 1)

    # 1. Where on its canvas does each pixel look?
    down = (pixel - each(-0.08, 0.08)) / each(0.86, 1.08)  # (n, 28)
    lean = each(-0.16, 0.16) * down - each(-0.11, 0.11)
    across = (lean[:, :, None] + pixel) / each(0.78, 1.06)[:, :, None]  # (n, 28, 28)
    to_cell = np.float32(side / (2 * _garments.REACH))
    row = ((down + _garments.REACH) * to_cell).astype(np.int32)
    column = ((across + _garments.REACH) * to_cell).astype(np.int32)
    start = which.astype(np.int32)[:, None] * side + row
    cover = canvases.reshape(-1).take(start[:, :, None] * side + column)  # (n, 28, 28) float32

    # 2. Light: brightness, a darker side, and stripes on some garments.
    stripes = np.where(each(0, 1) < 0.4, each(0.1, 0.6), 0)
    phase = pixel * each(2, 5) + each(0, 1)
    bands = 1 - stripes * (phase - np.floor(phase) < 0.5)  # (n, 28)
    along = np.where(each(0, 1) < 0.6, bands, 1) * each(0.30, 1.10) * 255
    sideways = 1 - each(-0.25, 0.25) * pixel  # (n, 28)

    # 3. Grain, only where there is cloth: the real background is exactly 0.
    grain = draws.bytes(cover.size).astype(np.float32).reshape(cover.shape) / 256 - 0.5
    light = along[:, :, None] * sideways[:, None, :] * (1 + each(0.02, 0.35)[:, :, None] * grain)
    return np.clip(cover * light, 0, 255).astype(np.uint8)
