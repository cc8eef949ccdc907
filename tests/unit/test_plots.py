import re
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest

from gdutils import plots


def contrast(colour, background):
    """Contrast ratio of WCAG 2.1 between two hexadecimal colours."""

    def luminance(code):
        channels = np.array(mpl.colors.to_rgb(code))
        linear = np.where(
            channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4
        )
        return linear @ [0.2126, 0.7152, 0.0722]

    light, dark = sorted((luminance(colour), luminance(background)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("role", plots.COLOURS)
def test_colours_stand_out_on_white(role):
    assert contrast(plots.COLOURS[role], "#ffffff") >= 2.9  # 3 to one digit


def test_plots_return_the_axes_they_drew_on():
    ax = plots.axes()
    points = np.column_stack([np.arange(5.0), np.arange(5.0)])
    assert plots.curve(np.arange(5), np.arange(5), ax=ax, label="a") is ax
    assert plots.trajectory(points, ax=ax) is ax
    assert plots.vertical(ax, 1.0, "here") is ax
    assert plots.contours(np.arange(3), np.arange(3), np.eye(3), levels=3, ax=ax) is ax


def test_a_diverging_curve_is_drawn_as_far_as_it_is_finite():
    ax = plots.curve(np.arange(5), [1, 10, 100, np.inf, np.nan])
    assert len(ax.lines[0].get_xdata()) == 3


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: plots.curve([1, 2], [1]), r"one shape \(n,\), got \(2,\) and \(1,\)"),
        (lambda: plots.curve([1], [np.nan]), "at least one finite value"),
        (lambda: plots.colour("red"), "role must be one of .* got 'red'"),
        (lambda: plots.trajectory(np.ones(3)), r"must have shape \(steps \+ 1, 2\), got \(3,\)"),
        (lambda: plots.use_style("jpg"), "must be 'svg' or 'png', got 'jpg'"),
        (lambda: plots.axes(height=-1), "height must be positive, got -1"),
    ],
)
def test_bad_input_is_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_explorers_have_the_palette_of_the_figures():
    source = Path(plots.__file__).with_name("explore.js").read_text()
    light = dict(re.findall(r'(\w+): "(#\w+)"', source[: source.index("const DARK")]))
    assert light == {role: code for role, code in plots.COLOURS.items() if role != "ink"}


def test_explorer_colours_stand_out_on_the_dark_page():
    source = Path(plots.__file__).with_name("explore.js").read_text()
    dark = re.search(r"const DARK = \{(.*?)\}", source).group(1)
    for code in re.findall("#\\w+", dark):
        assert contrast(code, "#14181e") >= 4.5
