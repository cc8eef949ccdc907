"""Ten kinds of garment as painted convex polygons: the drawings behind `standins`.

Coordinates run from -1 to 1, x to the right and y downwards. Every function
below returns a list of (corners, shade) painted one over the other; a
shade of 0 cuts a hole. Corners are numbers or arrays with one entry a variant.
"""

import numpy as np

SIZE = 48  # cells along a side of a canvas
REACH = 1.7  # canvases cover [-REACH, REACH], so that shifted images stay on them


class Draws:
    """Random numbers from the raw words of PCG64, the same with every version of NumPy."""

    def __init__(self, seed):
        self._source = np.random.PCG64(seed)

    def words(self, n):
        return self._source.random_raw(n)  # (n,) uint64

    def uniform(self, low, high, n):
        return low + (high - low) * ((self.words(n) >> np.uint64(11)) * 2.0**-53)

    def bytes(self, n):
        return self.words(-(-n // 8)).astype("<u8").view(np.uint8)[:n]


def paint(variants, draws):
    """Return canvases of shape (10, variants, SIZE, SIZE), float32 in [0, 1]."""
    return np.stack([_canvas(kind(variants, draws), variants, draws) for kind in KINDS])


def _canvas(parts, n, draws):
    cell = 2 * REACH / SIZE
    centre = ((np.arange(SIZE) + 0.5) * cell - REACH).astype(np.float32)
    canvas = np.zeros((n, SIZE, SIZE), np.float32)
    for corners, shade in parts:
        corners = np.stack([np.broadcast_to(value, n) for xy in corners for value in xy], axis=1)
        corners = corners + draws.uniform(-0.02, 0.02, corners.size).reshape(corners.shape)
        cover = _cover(corners.reshape(n, -1, 2), centre, cell)
        shade = np.broadcast_to(np.asarray(shade, np.float32), n)[:, None, None]
        canvas += cover * (shade - canvas)
    return canvas


def _cover(corners, centre, cell):
    """Return how much of each cell the convex polygons cover; corners has shape (n, k, 2)."""
    x, y = corners[..., 0], corners[..., 1]
    dx, dy = np.roll(x, -1, 1) - x, np.roll(y, -1, 1) - y
    area = sum(x[:, i] * dy[:, i] - y[:, i] * dx[:, i] for i in range(x.shape[1]))
    length = np.sqrt(dx * dx + dy * dy) * np.sign(area)[:, None]  # either sense of rotation will do
    nx, ny = -dy / length, dx / length  # inward normals, (n, k)
    inside = np.inf
    for i in range(x.shape[1]):
        # Distance from edge i, in cells: positive inside.
        offset = ny[:, i] * y[:, i] + nx[:, i] * x[:, i]
        across = (nx[:, i, None] * centre / cell).astype(np.float32)
        down = ((ny[:, i, None] * centre - offset[:, None]) / cell).astype(np.float32)
        inside = np.minimum(inside, down[:, :, None] + across[:, None, :])
    return np.clip(inside + np.float32(0.5), 0, 1)


def _mirror(corners):
    return [(-x, y) for x, y in corners]


def _box(left, top, right, bottom):
    return [(left, top), (right, top), (right, bottom), (left, bottom)]


def _top(n, draws, *, sleeve, hem, flare, line=None, seam=0.0):
    """Return a torso with sleeves; shirts, pullovers and coats differ only in these ranges."""
    shoulder, width = draws.uniform(0.44, 0.58, n), draws.uniform(0.40, 0.54, n)
    hem, flare = draws.uniform(*hem, n), draws.uniform(*flare, n)
    reach, neck = draws.uniform(*sleeve, n), draws.uniform(0.10, 0.24, n)
    cuff = draws.uniform(0.10, 0.16, n)
    body = [(-0.22, -0.92), (0.22, -0.92), (shoulder, -0.80), (width + flare, hem)]
    body += [(-width - flare, hem), (-shoulder, -0.80)]
    end_x, end_y = shoulder + draws.uniform(0.08, 0.30, n), -0.72 + reach
    arm = [(0.24, -0.90), (shoulder, -0.80), (end_x + cuff, end_y - 0.04)]
    arm += [(end_x - cuff, end_y + 0.06), (width - 0.06, -0.30)]
    shade = draws.uniform(0.75, 1.0, n)
    parts = [(_mirror(arm), shade), (arm, shade)]
    parts.append((body, draws.uniform(0.85, 1.0, n)))
    # A seam under the arm separates a hanging sleeve from the body.
    seam = np.where(draws.uniform(0, 1, n) < seam, 0.3, shade)
    edge = [(width - 0.02, -0.35), (width + 0.02, -0.35)]
    edge += [(width + flare * 0.7 + 0.03, hem - 0.25), (width + flare * 0.7 - 0.03, hem - 0.25)]
    parts += [(edge, seam), (_mirror(edge), seam)]
    parts.append(([(-0.2, -1.0), (0.2, -1.0), (0.06, -0.94 + neck), (-0.06, -0.94 + neck)], 0.0))
    printed = draws.uniform(0, 1, n) < 0.35
    half = np.where(printed, draws.uniform(0.1, 0.3, n), 1e-3)
    height = draws.uniform(-0.4, 0.3, n)
    parts.append((_box(-half, height - half, half, height + half), draws.uniform(0.2, 1.0, n)))
    if line is not None:
        share, half, dark = line
        has = draws.uniform(0, 1, n) < share
        half = np.where(has, draws.uniform(*half, n), 1e-3)
        dark = np.where(has, draws.uniform(*dark, n), 0.9)
        parts.append((_box(-half, -0.9 + neck, half, hem), dark))
    return parts


def _tshirt(n, draws):
    return _top(n, draws, sleeve=(0.10, 0.75), hem=(0.66, 0.96), flare=(-0.08, 0.08))


def _pullover(n, draws):
    return _top(n, draws, sleeve=(1.05, 1.50), hem=(0.64, 0.94), flare=(-0.08, 0.08), seam=0.5)


def _coat(n, draws):
    line = (0.9, (0.04, 0.09), (0.0, 0.5))
    return _top(
        n, draws, sleeve=(1.10, 1.55), hem=(0.70, 0.98), flare=(-0.06, 0.12), line=line, seam=0.6
    )


def _shirt(n, draws):
    line = (0.85, (0.01, 0.03), (0.2, 0.7))
    return _top(
        n, draws, sleeve=(0.25, 1.50), hem=(0.70, 0.95), flare=(-0.08, 0.08), line=line, seam=0.5
    )


def _trouser(n, draws):
    waist, hem = draws.uniform(0.28, 0.40, n), draws.uniform(0.28, 0.44, n)
    gap, fork = draws.uniform(0.0, 0.12, n), draws.uniform(-0.55, 0.2, n)
    end = draws.uniform(0.86, 0.96, n)
    leg = [(0.0, -0.92), (waist, -0.92), (hem, end), (gap, end), (0.0, fork)]
    shade = draws.uniform(0.85, 1.0, n)
    belt = _box(-waist, -0.95, waist, -0.84)
    return [(leg, shade), (_mirror(leg), shade), (belt, draws.uniform(0.6, 1.0, n))]


def _dress(n, draws):
    bust, waist = draws.uniform(0.24, 0.48, n), draws.uniform(0.18, 0.42, n)
    hem, middle = draws.uniform(0.28, 0.56, n), draws.uniform(-0.35, -0.05, n)
    bodice = [(-bust, -0.80), (bust, -0.80), (waist, middle), (-waist, middle)]
    skirt = [(-waist, middle - 0.04), (waist, middle - 0.04), (hem, 0.96), (-hem, 0.96)]
    has_sleeves = draws.uniform(0, 1, n) < 0.45
    reach = np.where(has_sleeves, draws.uniform(0.25, 1.3, n), 0.02)
    arm = [(0.16, -0.92), (bust + 0.05, -0.84), (bust + 0.12 + 0.22 * reach, -0.80 + reach)]
    arm += [(bust + 0.22 * reach, -0.78 + reach), (bust - 0.08, -0.45)]
    strap = [(0.10, -0.95), (0.20, -0.95), (bust, -0.74), (bust - 0.14, -0.74)]
    shade = draws.uniform(0.8, 1.0, n)
    return [
        (arm, shade),
        (_mirror(arm), shade),
        (strap, shade),
        (_mirror(strap), shade),
        (bodice, draws.uniform(0.8, 1.0, n)),
        (skirt, draws.uniform(0.8, 1.0, n)),
    ]


def _sandal(n, draws):
    heel = draws.uniform(0.0, 0.55, n)  # how far the heel lifts the sole
    thick = draws.uniform(0.08, 0.22, n)
    sole = [(-0.92, 0.50), (0.88, 0.46 - heel), (0.88, 0.46 - heel + thick), (-0.90, 0.52 + thick)]
    post = _box(draws.uniform(0.55, 0.75, n), 0.50 - heel, 0.88, 0.56 + thick)
    parts = [(sole, draws.uniform(0.6, 1.0, n)), (post, draws.uniform(0.6, 1.0, n))]
    for low, high in ((-0.75, -0.35), (-0.2, 0.2), (0.35, 0.7)):
        foot, lean = draws.uniform(low, high, n), draws.uniform(0.05, 0.45, n)
        wide, base = draws.uniform(0.06, 0.16, n), 0.54 - heel * (foot + 0.92) / 1.8
        tip = base - draws.uniform(0.25, 0.75, n)
        strap = [(foot - wide, base), (foot + wide, base)]
        strap += [(foot + lean + wide, tip), (foot + lean - wide, tip)]
        parts.append((strap, draws.uniform(0.55, 1.0, n)))
    return parts


def _foot(n, draws, top):
    """Return a shoe seen from the side, toe to the left, and its sole."""
    toe, instep = draws.uniform(0.10, 0.30, n), draws.uniform(0.10, 0.40, n)
    upper = [(-0.92, 0.50), (-0.88, toe), (-0.55, toe - 0.12), (instep, top), (0.80, top)]
    upper += [(0.90, 0.50)]
    sole = _box(-0.94, draws.uniform(0.42, 0.50, n), 0.92, draws.uniform(0.60, 0.74, n))
    return [(upper, draws.uniform(0.7, 1.0, n)), (sole, draws.uniform(0.5, 1.0, n))]


def _sneaker(n, draws):
    top = draws.uniform(-0.50, 0.05, n)
    parts = _foot(n, draws, top)
    for x in (-0.35, -0.10):  # laces
        lace = [(x, 0.0), (x + 0.08, 0.0), (x + 0.2, 0.3), (x + 0.12, 0.3)]
        parts.append((lace, draws.uniform(0.3, 0.9, n)))
    mouth = [(0.30, top - 0.04), (0.74, top - 0.04), (0.62, top + 0.12), (0.42, top + 0.12)]
    return [*parts, (mouth, draws.uniform(0.0, 0.6, n))]


def _boot(n, draws):
    shaft, tall = draws.uniform(-0.05, 0.25, n), draws.uniform(-0.92, -0.30, n)
    shade = draws.uniform(0.8, 1.0, n)
    leg = [(shaft, tall), (0.82, tall + draws.uniform(-0.06, 0.10, n)), (0.88, 0.45), (shaft, 0.3)]
    drop = draws.uniform(0.62, 0.95, n)
    heel = _box(draws.uniform(0.40, 0.65, n), 0.5, 0.90, drop)
    foot = _foot(n, draws, draws.uniform(-0.30, -0.05, n))
    zip_line = [(shaft + 0.2, tall + 0.08), (shaft + 0.25, tall + 0.08), (0.5, 0.2), (0.42, 0.2)]
    return [*foot, (leg, shade), (heel, shade), (zip_line, draws.uniform(0.4, 1.0, n))]


def _bag(n, draws):
    top, bottom = draws.uniform(-0.45, 0.10, n), draws.uniform(0.60, 0.92, n)
    upper, lower = draws.uniform(0.60, 0.90, n), draws.uniform(0.66, 0.96, n)
    body = [(-upper, top), (upper, top), (lower, bottom), (-lower, bottom)]
    grip, rise = draws.uniform(0.25, 0.55, n), draws.uniform(0.15, 0.50, n)
    wide = draws.uniform(0.06, 0.14, n)
    handle = [(-grip, top - rise), (grip, top - rise), (grip + 0.15, top), (-grip - 0.15, top)]
    hole = [(-grip + wide, top - rise + wide), (grip - wide, top - rise + wide)]
    hole += [(grip + 0.15 - wide, top + 0.02), (-grip - 0.15 + wide, top + 0.02)]
    flap = top + draws.uniform(0.15, 0.5, n)
    return [
        (handle, draws.uniform(0.6, 1.0, n)),
        (hole, 0.0),
        (body, draws.uniform(0.7, 1.0, n)),
        (_box(-upper, flap, upper, flap + 0.05), draws.uniform(0.3, 1.0, n)),
        (_box(-0.1, flap - 0.05, 0.1, flap + 0.14), draws.uniform(0.2, 1.0, n)),
    ]


KINDS = (_tshirt, _trouser, _pullover, _dress, _coat, _sandal, _shirt, _sneaker, _bag, _boot)
