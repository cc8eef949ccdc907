"""The two real data sets of the course, as NumPy arrays.

Each file is looked for in this order: the folder that the environment variable
``GDUTILS_DATA`` names, the folder ``data/`` of a checkout, the user's cache
(``XDG_CACHE_HOME`` moves it), the network. Files may be plain or gzipped, flat
or in the sub-folders ``airfoil/`` and ``fashion-mnist/``. A file counts only
if the SHA-256 of its unpacked content is the registered one: a damaged file in
the cache is set aside and fetched again; one in a folder of your own is named
in a warning, left alone and passed over.

``GDUTILS_DATA=stand-in`` gives made-up data of the same shape instead, for
machines with neither files nor network. Their name and repr say so.
"""

import io
from dataclasses import dataclass

import numpy as np

from gdutils import _files, standins
from gdutils._batches import minibatches
from gdutils._files import DataError
from gdutils._registry import records

__all__ = ["DataError", "Images", "Table", "airfoil", "fashion_mnist", "minibatches"]

CLASSES = (
    "T-shirt/top",
    "trouser",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "ankle boot",
)


@dataclass(frozen=True, eq=False, repr=False)
class Table:
    """A regression table: rows of features and one number to predict.

    Attributes
    ----------
    name : str
        For captions and legends; ends in "(stand-in)" where the data are made up.
    X : numpy.ndarray, shape (rows, features), float64
        The features, one sample a row, in `units`.
    y : numpy.ndarray, shape (rows,), float64
        The targets, in `target_unit`.
    columns, units : tuple of str
        One entry for each column of `X`.
    target, target_unit : str
        What `y` holds, and in which unit.
    is_stand_in : bool
        Whether the data are made up.
    """

    name: str
    X: np.ndarray
    y: np.ndarray
    columns: tuple
    units: tuple
    target: str
    target_unit: str
    is_stand_in: bool

    def __repr__(self):
        rows, features = self.X.shape
        return f"<Table {self.name!r}: {rows} rows, {features} features, target {self.target!r}>"


@dataclass(frozen=True, eq=False, repr=False)
class Images:
    """Grey images of ten classes, split for training and testing by the publisher.

    Attributes
    ----------
    name : str
        For captions and legends; ends in "(stand-in)" where the data are made up.
    train_images, test_images : numpy.ndarray, shape (n, 28, 28), uint8
        0 is the background, 255 the brightest.
    train_labels, test_labels : numpy.ndarray, shape (n,), uint8
        Index into `classes`.
    classes : tuple of str
        Their names, ten.
    is_stand_in : bool
        Whether the data are made up.
    """

    name: str
    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray
    classes: tuple
    is_stand_in: bool

    def __repr__(self):
        _, height, width = self.train_images.shape
        return (
            f"<Images {self.name!r}: {len(self.train_images)} for training and "
            f"{len(self.test_images)} for testing, {height} x {width}, {len(self.classes)} classes>"
        )


def airfoil():
    """Return the NASA airfoil self-noise table: 1503 rows, 5 features.

    Each row is one third-octave band of the noise of a wing section in a wind
    tunnel; the target is its sound pressure level. See the data card.

    Returns
    -------
    Table
        `X` has shape (1503, 5) and `y` (1503,), in the publisher's units and
        order. The arrays are yours to change.

    Raises
    ------
    DataError
        If there is no good copy, or the cache cannot be written. An `OSError`.
    ValueError
        If ``GDUTILS_DATA`` is neither a folder that exists nor ``stand-in``.

    References
    ----------
    T. F. Brooks, D. S. Pope and M. A. Marcolini, *Airfoil self-noise and
    prediction*, NASA RP-1218, 1989. doi:10.24432/C5VW2C, CC BY 4.0.

    Examples
    --------
    >>> table = airfoil()
    >>> table.X.shape, table.y.shape
    ((1503, 5), (1503,))
    >>> table.columns[0], table.units[0], table.target_unit
    ('frequency', 'Hz', 'dB')
    """
    is_stand_in = _files.stand_in_wanted()
    if is_stand_in:
        rows = standins.airfoil()
    else:
        content = _files.read(records("airfoil")["airfoil_self_noise.dat"])
        rows = np.loadtxt(io.BytesIO(content))  # (1503, 6)
    return Table(
        name=_name("Airfoil self-noise", is_stand_in),
        X=rows[:, :5].copy(),
        y=rows[:, 5].copy(),
        columns=(
            "frequency",
            "angle of attack",
            "chord length",
            "free-stream velocity",
            "displacement thickness",
        ),
        units=("Hz", "deg", "m", "m/s", "m"),
        target="sound pressure level",
        target_unit="dB",
        is_stand_in=is_stand_in,
    )


def fashion_mnist():
    """Return Fashion-MNIST: 70,000 photographs of clothes in ten classes.

    All 55 MB are unpacked and hashed at every call, which takes under a second
    from gzip files and about a tenth of that from the cache, where they lie unpacked.

    Returns
    -------
    Images
        60,000 images for training and 10,000 for testing, as uint8. The arrays
        are yours to change.

    Raises
    ------
    DataError
        If there is no good copy, or the cache cannot be written. An `OSError`.
    ValueError
        If ``GDUTILS_DATA`` is neither a folder that exists nor ``stand-in``.

    References
    ----------
    H. Xiao, K. Rasul and R. Vollgraf, *Fashion-MNIST: a novel image dataset for
    benchmarking machine learning algorithms*, arXiv:1708.07747, 2017. MIT licence.

    Examples
    --------
    >>> images = fashion_mnist()
    >>> images.train_images.shape, images.train_images.dtype, images.test_labels.shape
    ((60000, 28, 28), dtype('uint8'), (10000,))
    >>> images.classes[9]
    'ankle boot'
    """
    is_stand_in = _files.stand_in_wanted()
    if is_stand_in:
        arrays = [array.copy() for array in standins.fashion_mnist()]
    else:
        files = records("fashion-mnist")
        arrays = []
        for name in (
            "train-images-idx3-ubyte",
            "train-labels-idx1-ubyte",
            "t10k-images-idx3-ubyte",
            "t10k-labels-idx1-ubyte",
        ):
            arrays.append(_parse_idx(_files.read(files[name])))
    return Images(_name("Fashion-MNIST", is_stand_in), *arrays, CLASSES, is_stand_in)


def _name(name, is_stand_in):
    return f"{name} ({_files.STAND_IN})" if is_stand_in else name


def _parse_idx(content):
    """Return the uint8 array of an IDX file.

    The header is two zero bytes, the type (8 for uint8), the number of axes, and
    each axis as a big-endian 32-bit integer.
    """
    axes = content[3]
    shape = np.frombuffer(content, ">u4", count=axes, offset=4)
    # A copy, because an array over bytes is read-only and torch.from_numpy warns of it.
    return np.frombuffer(content, np.uint8, offset=4 + 4 * axes).reshape(shape).copy()
