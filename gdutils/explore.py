"""Explorers: sliders over curves that were computed beforehand.

`explore` evaluates a plain Python function at every position of its sliders
when the cell runs, and hands all curves to the browser in one widget. Moving a
slider then needs no kernel, so an explorer works on the built page as it does
in JupyterLab, VS Code and Colab. This module takes any function; it knows
nothing of optimisers.
"""

import gzip
import itertools
import json
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import anywidget
import numpy as np
import traitlets

from gdutils import _validate

ROLES = ("descent", "newton", "noise", "momentum", "reference", "ink")
KINDS = ("line", "points", "both", "bars")
MAX_POSITIONS = 5000
MAX_GZIP_BYTES = 150_000
SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class Slider:
    """One slider, or a drop-down when its values are words.

    Parameters
    ----------
    values : sequence of float or of str
        The positions, at least two, all different.
    label : str
        What stands beside the slider.
    start : optional
        The value shown first, one of `values` (the nearest number will do);
        the first one when left out.
    format : str
        Format of a number beside the slider.
    """

    values: Sequence
    label: str
    start: object = None
    format: str = ".3g"


@dataclass(frozen=True)
class Panel:
    """One drawing: labels with units, scales and limits of its axes.

    Parameters
    ----------
    xlabel, ylabel : str
        What the axes show, with units.
    xlim, ylim : tuple of float, optional
        By default the limits of all curves at all positions; give them where curves
        may diverge, which then leave the panel.
    xscale, yscale : str
        ``"linear"`` or ``"log"``.
    equal : bool
        Whether a unit is as long on both axes.
    xticks : dict, optional
        Maps positions to words, for bars that stand for things rather than numbers.
    """

    xlabel: str
    ylabel: str
    xlim: tuple | None = None
    ylim: tuple | None = None
    xscale: str = "linear"
    yscale: str = "linear"
    equal: bool = False
    xticks: dict | None = None


class Explorer(anywidget.AnyWidget):
    """The widget that `explore` returns: its state is all that the browser needs.

    Attributes
    ----------
    spec : dict
        Title, panels, sliders, styles and sentences.
    data : bytes
        The numbers of all curves at all positions, float32.
    """

    _esm = Path(__file__).with_name("explore.js")
    spec = traitlets.Dict().tag(sync=True)
    data = traitlets.Bytes().tag(sync=True)

    def __repr__(self):
        sentences = self.spec["sentences"]
        # The checksum lets the test suite notice when any sentence has changed.
        checksum = zlib.crc32("\n".join(sentences).encode())
        return f"Explorer: {self.spec['title']} ({len(sentences)} positions, {checksum:08x})"


def explore(curves, *, title, panels, styles=None, play=None, **sliders):
    """Evaluate `curves` at every slider position and return the explorer.

    Parameters
    ----------
    curves : callable
        Takes one keyword argument a slider and returns ``(drawn, sentence)``:
        `drawn` maps the name of a curve to ``(x, y)``, two arrays of one
        length, or is a list of such dictionaries, one for each panel. NaN in
        both x and y lifts the pen; inf in y leaves the panel. The sentence
        says in words what is seen; a number such as 1e-04 is set as 1·10⁻⁴.
    title : str
        What the explorer shows; read out by screen readers.
    panels : Panel or list of Panel
        The drawings, left to right.
    styles : dict, optional
        Maps the name of a curve to words: a colour role (descent, newton,
        noise, momentum, reference, ink), a kind (line, points, both, bars),
        and ``dashed``, ``thin`` or ``unlabelled``. A curve without a style is a
        labelled line in the colour of descent.
    play : str, optional
        Name of the slider that a play button moves, where time is an axis.
    **sliders : Slider
        One to three, in the order in which they stand.

    Returns
    -------
    Explorer
        A widget; the last value of a cell displays it.

    Raises
    ------
    ValueError
        If an argument does not fit, if `curves` raises or returns what cannot
        be drawn (the message names the slider values), or if the result is
        larger than 150 kB compressed.

    Examples
    --------
    >>> rates = Slider([0.1, 0.5, 0.9], "learning rate")
    >>> def curve(eta):
    ...     t = np.arange(11)
    ...     return {"error": (t, (1 - eta) ** t)}, f"{eta}: falls to {(1 - eta) ** 10:.1e}"
    >>> panel = Panel("step", "error", yscale="log", ylim=(1e-10, 1))
    >>> explorer = explore(curve, title="Rate and error", panels=panel, eta=rates)
    >>> len(explorer.spec["sentences"])
    3
    """
    _validate.function("curves", curves)
    panels = [panels] if isinstance(panels, Panel) else list(panels)
    controls = _check_controls(sliders, play)
    frames = [_evaluate(curves, values, len(panels)) for values in _positions(sliders)]
    names = [_names(frames, i) for i in range(len(panels))]
    pool = _Pool()
    spec = {
        "title": title,
        "controls": controls,
        "play": None if play is None else list(sliders).index(play),
        "panels": [
            _describe_panel(panel, [f[0][i] for f in frames], names[i], styles or {})
            for i, panel in enumerate(panels)
        ],
        "sentences": [_typeset(sentence) for _, sentence in frames],
        # One row a position: for every curve of every panel the pool numbers of
        # x and y, or -1 where the curve is not drawn at that position.
        "frames": [
            [
                number
                for i, drawn in enumerate(frame)
                for name in names[i]
                for number in (map(pool.add, drawn[name]) if name in drawn else (-1, -1))
            ]
            for frame, _ in frames
        ],
    }
    spec["lengths"] = pool.lengths
    data = pool.bytes()
    _check_size(spec, data)
    return Explorer(spec=spec, data=data)


def _check_controls(sliders, play):
    """Describe the sliders for the browser."""
    if not 1 <= len(sliders) <= 3:
        raise ValueError(f"an explorer has one to three sliders, got {len(sliders)}")
    if play is not None and play not in sliders:
        raise ValueError(f"play must name a slider, one of {list(sliders)}, got {play!r}")
    positions = 1
    controls = []
    for name, slider in sliders.items():
        if not isinstance(slider, Slider):
            raise ValueError(f"{name} must be a Slider, got {slider!r}")
        controls.append(_describe_slider(name, slider))
        positions *= len(slider.values)
    if positions > MAX_POSITIONS:
        raise ValueError(
            f"at most {MAX_POSITIONS} slider positions, got {positions}: use fewer values"
        )
    return controls


def _describe_slider(name, slider):
    values = list(slider.values)
    if len(values) < 2:
        raise ValueError(f"{name} must have at least two values, got {values}")
    words = all(isinstance(v, str) for v in values)
    if not words:
        values = [_validate.number(f"{name}[{i}]", v) for i, v in enumerate(values)]
    if len(set(values)) < len(values):
        raise ValueError(f"{name} must have values that all differ, got {values}")
    start = 0
    if slider.start is not None and words:
        if slider.start not in values:
            raise ValueError(f"start of {name} must be one of {values}, got {slider.start!r}")
        start = values.index(slider.start)
    elif slider.start is not None:
        start = int(np.argmin(np.abs(np.array(values) - _validate.number("start", slider.start))))
    return {
        "name": name,
        "label": slider.label,
        "kind": "choice" if words else "range",
        "labels": values if words else [_typeset(format(v, slider.format)) for v in values],
        "start": start,
    }


def _typeset(text):
    """Write numbers as the book does: 1e-04 as 1·10⁻⁴, and -2 with a true minus sign."""

    def power(match):
        exponent = int(match[1])
        return f"·10{str(exponent).translate(SUPERSCRIPT)}" if exponent else ""

    text = re.sub(r"(?<=\d)e([+-]\d+)\b", power, text)
    return re.sub(r"(?<![\w.-])-(?=\.?\d)", "\N{MINUS SIGN}", text)


def _positions(sliders):
    """Yield the keyword arguments of every position, the last slider fastest."""
    for values in itertools.product(*(s.values for s in sliders.values())):
        yield dict(zip(sliders, values, strict=True))


def _evaluate(curves, values, panels):
    """Return ``([{name: (x, y)}, ...], sentence)`` at one position, checked."""
    where = ", ".join(f"{k}={v}" for k, v in values.items())
    try:
        result = curves(**values)
    except Exception as error:
        raise ValueError(
            f"curves raised {type(error).__name__} at {where}: {error}. "
            "Leave that value out of the slider or handle it in the function."
        ) from error
    if not (isinstance(result, tuple) and len(result) == 2 and isinstance(result[1], str)):
        raise ValueError(f"curves must return (drawn, sentence), got {result!r} at {where}")
    drawn, sentence = result
    drawn = [drawn] if isinstance(drawn, dict) else list(drawn)
    if len(drawn) != panels:
        raise ValueError(
            f"curves must return one dictionary for each of the {panels} panels, "
            f"got {len(drawn)} at {where}"
        )
    if not sentence.strip():
        raise ValueError(f"curves must return a sentence, got an empty one at {where}")
    checked = [{n: _check_curve(n, xy, where) for n, xy in panel.items()} for panel in drawn]
    return checked, sentence


def _check_curve(name, xy, where):
    try:
        x, y = (np.atleast_1d(np.asarray(a, dtype=np.float64)) for a in xy)
    except (TypeError, ValueError) as error:
        raise ValueError(f"curve {name!r} must be (x, y) of numbers at {where}: {error}") from error
    if x.ndim != 1 or x.shape != y.shape or not x.size:
        raise ValueError(
            f"curve {name!r} must have x and y of one length, not empty, "
            f"got shapes {x.shape} and {y.shape} at {where}"
        )
    gap = np.isnan(x) & np.isnan(y)
    if gap.all() or np.isnan(y[~gap]).any() or not np.isfinite(x[~gap]).all():
        raise ValueError(
            f"curve {name!r} has NaN at {where}: cut the curve where it stops being a number, "
            "or put NaN in both x and y to lift the pen"
        )
    return x, y


def _names(frames, panel):
    """Return the names of all curves of one panel, in the order of their first appearance."""
    return list(dict.fromkeys(name for drawn, _ in frames for name in drawn[panel]))


def _describe_panel(panel, drawn, names, styles):
    for axis in ("x", "y"):
        scale = getattr(panel, f"{axis}scale")
        if scale not in ("linear", "log"):
            raise ValueError(f"{axis}scale must be 'linear' or 'log', got {scale!r}")
    xs = [x for curves in drawn for x, _ in curves.values()]
    ys = [y for curves in drawn for _, y in curves.values()]
    return {
        "xlabel": panel.xlabel,
        "ylabel": panel.ylabel,
        "xscale": panel.xscale,
        "yscale": panel.yscale,
        "equal": panel.equal,
        "xticks": [[float(at), text] for at, text in (panel.xticks or {}).items()],
        "xlim": _limits("xlim", panel.xlim, panel.xscale, xs),
        "ylim": _limits("ylim", panel.ylim, panel.yscale, ys),
        "curves": [{"name": name, **_style(name, styles.get(name, ""))} for name in names],
    }


def _limits(name, given, scale, arrays):
    """Check the given limits, or take those of all finite values with a small margin."""
    if given is not None:
        low, high = (_validate.number(f"{name}[{i}]", v) for i, v in enumerate(given))
    else:
        values = np.concatenate(arrays) if arrays else np.array([0.0, 1.0])
        values = values[np.isfinite(values) & ((values > 0) | (scale == "linear"))]
        if not values.size:
            raise ValueError(f"{name} cannot be found from curves without finite values: give it")
        low, high = float(values.min()), float(values.max())
        if scale == "log":
            low, high = low / 1.2, high * 1.2
        else:
            margin = 0.04 * (high - low) or 1.0
            low, high = low - margin, high + margin
    if not low < high:
        raise ValueError(f"{name} must increase, got ({low}, {high})")
    if scale == "log" and low <= 0:
        raise ValueError(f"{name} must be positive on a log axis, got ({low}, {high})")
    return [low, high]


def _style(name, words):
    """Read style words such as ``"reference dashed unlabelled"``."""
    words = words.split()
    unknown = set(words) - set(ROLES) - set(KINDS) - {"dashed", "thin", "unlabelled"}
    if unknown:
        raise ValueError(
            f"style of {name!r} has unknown words {sorted(unknown)}; allowed are "
            f"{ROLES + KINDS + ('dashed', 'thin', 'unlabelled')}"
        )
    return {
        "role": next((w for w in words if w in ROLES), "descent"),
        "kind": next((w for w in words if w in KINDS), "line"),
        "dashed": "dashed" in words,
        "thin": "thin" in words,
        "labelled": "unlabelled" not in words,
    }


class _Pool:
    """Arrays as float32, each stored once however many positions share it."""

    def __init__(self):
        self.lengths = []
        self._chunks = []
        self._numbers = {}

    def add(self, values):
        chunk = _rounded(values).tobytes()
        if chunk not in self._numbers:
            self._numbers[chunk] = len(self.lengths)
            self.lengths.append(len(values))
            self._chunks.append(chunk)
        return self._numbers[chunk]

    def bytes(self):
        return b"".join(self._chunks)


def _rounded(values):
    """Return little-endian float32 with 13 bits of mantissa.

    That is a relative error below 1.3e-4, less than a pixel, and the zeros
    compress: a page carries half the bytes.
    """
    largest = np.finfo(np.float32).max / 2
    single = np.clip(values, -largest, largest).astype("<f4")
    bits = single.view("<u4")
    rounded = ((bits + 0x200) & 0xFFFFFC00).view("<f4")
    return np.where(np.isnan(single), np.float32(np.nan), rounded).astype("<f4")


def _check_size(spec, data):
    size = len(gzip.compress(json.dumps(spec).encode())) + len(gzip.compress(data))
    if size > MAX_GZIP_BYTES:
        raise ValueError(
            f"the explorer is {size // 1000} kB compressed, at most {MAX_GZIP_BYTES // 1000} kB "
            "are allowed: use fewer slider values or shorter curves"
        )
