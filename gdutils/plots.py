"""Plots: finished arrays and an Axes in, the Axes out. Nothing is computed here.

One colour means one thing through the whole book; `COLOURS` says which.
"""

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from contourpy import contour_generator

from gdutils import _validate

# Okabe and Ito's palette, which colour-blind readers can tell apart
# (https://jfly.uni-koeln.de/color/), and grey for theory.
COLOURS = {
    "descent": "#0072B2",
    "newton": "#D55E00",
    "noise": "#009E73",
    "momentum": "#CC79A7",
    "reference": "#767676",
    "ink": "#1a1a1a",
}

WIDTH = 7.0  # inches: the width of the text column, the same for every figure

_STYLE = {
    "figure.figsize": (WIDTH, 3.4),
    "figure.facecolor": "none",  # the page shows through, light or dark
    "savefig.facecolor": "none",
    "axes.facecolor": "none",
    "figure.constrained_layout.use": True,
    "font.family": ["sans-serif"],
    "font.size": 11,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "axes.labelsize": 11,
    "axes.labelcolor": COLOURS["ink"],
    "axes.edgecolor": "#555555",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#808080",
    "grid.alpha": 0.18,
    "grid.linewidth": 0.8,
    "axes.axisbelow": True,
    "axes.prop_cycle": mpl.cycler(color=[COLOURS[c] for c in ("descent", "newton", "noise")]),
    "lines.linewidth": 2.0,
    "lines.markersize": 5,
    "xtick.color": COLOURS["ink"],
    "ytick.color": COLOURS["ink"],
    "legend.frameon": False,
    "svg.fonttype": "none",  # text stays text: smaller, sharper, found by a search
    "svg.hashsalt": "downhill",  # the same drawing gives the same file
}


def use_style(figure_format="svg"):
    """Set the book's style for matplotlib, and SVG figures where IPython runs.

    Parameters
    ----------
    figure_format : str
        ``"svg"``, or ``"png"`` for dense contours and scatter.

    Raises
    ------
    ValueError
        If the format is another one.
    """
    if figure_format not in ("svg", "png"):
        raise ValueError(f"figure_format must be 'svg' or 'png', got {figure_format!r}")
    mpl.rcParams.update(_STYLE)
    try:
        from IPython import get_ipython
    except ImportError:  # a plain script: nothing to configure
        return
    if get_ipython() is None:
        return
    from matplotlib_inline.backend_inline import set_matplotlib_formats

    if figure_format == "svg":
        # Without a date the same figure is the same file on every day.
        set_matplotlib_formats("svg", metadata={"Date": None})
    else:
        set_matplotlib_formats("png", dpi=144, metadata={"Software": None})


def axes(ax=None, *, height=None):
    """Return `ax`, or the Axes of a new figure of the book's width.

    Parameters
    ----------
    ax : matplotlib.axes.Axes, optional
        Returned as it is.
    height : float, optional
        Height of the new figure in inches.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError
        If `height` is not positive.
    """
    if ax is not None:
        return ax
    size = None if height is None else (WIDTH, _validate.number("height", height, above=0))
    return plt.subplots(figsize=size)[1]


def curve(x, y, *, role="descent", label=None, ax=None, **line):
    """Draw one curve in the colour of its role, its label where it ends.

    Values that are not finite are left out, so that a diverging run ends
    where it overflows.

    Parameters
    ----------
    x, y : array_like, shape (n,)
        The points.
    role : str
        One of `COLOURS`.
    label : str, optional
        Written beside the last finite point.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure when left out.
    **line
        Passed on to `Axes.plot`.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError
        If the shapes do not fit, nothing is finite, or the role is unknown.
    """
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    if x.ndim != 1 or x.shape != y.shape:
        raise ValueError(f"x and y must have one shape (n,), got {x.shape} and {y.shape}")
    finite = np.isfinite(x) & np.isfinite(y)
    if not finite.any():
        raise ValueError(f"y must have at least one finite value, got {y}")
    ax = axes(ax)
    ax.plot(x[finite], y[finite], **{"color": colour(role), **line})
    if label:
        end_label(ax, x[finite][-1], y[finite][-1], label, role=role)
    return ax


def end_label(ax, x, y, text, *, role="descent", offset=(6, 0), **kwargs):
    """Write `text` beside the point (x, y), in the colour of its role.

    The label is part of the layout: constrained layout leaves room for it.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where to write.
    x, y : float
        The point, in the units of the axes.
    text : str
        What to write.
    role : str
        One of `COLOURS`, which is the colour.
    offset : tuple of float
        From the point to the text, in points.
    **kwargs
        Passed on to ``Axes.annotate``.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError
        If the role is unknown.
    """
    ax.annotate(
        text,
        (x, y),
        xytext=offset,
        textcoords="offset points",
        **{"va": "center", "color": colour(role), "annotation_clip": False, **kwargs},
    )
    return ax


def vertical(ax, x, text, *, role="reference", top=0.97, **kwargs):
    """Draw a dashed vertical line at `x`, named near its upper end.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where to draw.
    x : float
        Where the line stands.
    text : str
        Its name.
    role : str
        One of `COLOURS`, which is the colour.
    top : float
        Where the name stands, from 0 at the bottom to 1 at the top.
    **kwargs
        Passed on to ``Axes.annotate``.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError
        If the role is unknown.
    """
    ax.axvline(x, color=colour(role), linestyle="--", linewidth=1.4)
    ax.annotate(
        text,
        (x, top),
        xycoords=("data", "axes fraction"),
        xytext=(5, 0),
        textcoords="offset points",
        **{"va": "top", "color": colour(role), **kwargs},
    )
    return ax


def contours(x, y, z, *, levels, ax=None):
    """Draw grey level lines of `z`, with equal aspect.

    Parameters
    ----------
    x : array_like, shape (m,)
    y : array_like, shape (n,)
    z : array_like, shape (n, m)
        Values on the grid.
    levels : sequence of float
        The values to draw lines at, increasing.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure when left out.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    TypeError
        If the shapes do not fit.
    ValueError
        If the levels do not increase.
    """
    ax = axes(ax, height=4.2)
    ax.contour(x, y, z, levels=levels, colors=COLOURS["reference"], linewidths=0.9, alpha=0.8)
    ax.set_aspect("equal")
    return ax


def trajectory(points, *, role="descent", label=None, ax=None):
    """Draw a trajectory with a marker at every iterate.

    Parameters
    ----------
    points : array_like, shape (steps + 1, 2)
        The iterates.
    role : str
        One of `COLOURS`, which is the colour.
    label : str, optional
        Written beside the last finite point.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure when left out.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError
        If `points` has another shape, nothing is finite, or the role is unknown.
    """
    points = np.asarray(points, dtype=float)
    if points.ndim != 2 or points.shape[1] != 2:
        raise ValueError(f"points must have shape (steps + 1, 2), got {points.shape}")
    marks = {"marker": "o", "markersize": 3.5, "linewidth": 1.3}
    return curve(*points.T, role=role, label=label, ax=ax, **marks)


def colour(role):
    """Return the colour of a role.

    Parameters
    ----------
    role : str
        One of `COLOURS`.

    Returns
    -------
    str
        As ``#rrggbb``.

    Raises
    ------
    ValueError
        If the role is unknown.

    Examples
    --------
    >>> colour("descent")
    '#0072B2'
    """
    if role not in COLOURS:
        raise ValueError(f"role must be one of {sorted(COLOURS)}, got {role!r}")
    return COLOURS[role]


def level_lines(x, y, z, levels):
    """Return the level lines of `z` as one curve, for an explorer.

    Parameters
    ----------
    x : array_like, shape (m,)
    y : array_like, shape (n,)
    z : array_like, shape (n, m)
        Values on the grid.
    levels : sequence of float
        The values to draw lines at.

    Returns
    -------
    tuple of numpy.ndarray
        The coordinates x and y of all lines, NaN in both between two lines.

    Raises
    ------
    ValueError
        If the shapes do not fit or no line passes through the grid.

    Examples
    --------
    >>> x = np.linspace(-1, 1, 50)
    >>> lines = level_lines(x, x, x**2 + x[:, None] ** 2, [0.25])
    >>> float(np.hypot(*lines).round(2).max())
    0.5
    """
    x, y, z = (np.asarray(a, dtype=float) for a in (x, y, z))
    if z.shape != (y.size, x.size):
        raise ValueError(f"z must have shape ({y.size}, {x.size}), got {z.shape}")
    generator = contour_generator(x, y, z)
    pieces = [line for level in levels for line in generator.lines(level)]
    if not pieces:
        raise ValueError(f"levels must meet values of z, {z.min()} to {z.max()}, got {levels}")
    gap = np.full((1, 2), np.nan)
    joined = np.concatenate([part for line in pieces for part in (line, gap)][:-1])
    return joined[:, 0], joined[:, 1]
