"""What nbval overlooks in a figure, and what it does not.

Another processor gives other last digits, and a figure is drawn of digits. Labels, colours and
the number of curves must still be the same.
"""

import re
from pathlib import Path

import pytest
from nbval.plugin import get_sanitize_patterns

CONFIG = Path(__file__).resolve().parents[1] / "sanitize.cfg"
PATTERNS = get_sanitize_patterns(CONFIG.read_text(encoding="utf-8"))
FIGURE = """\
<svg width="504pt" viewBox="0 0 504 244.8">
 <defs><clipPath id="p1a2b"><rect x="7.2" y="7.2" width="400" height="200"/></clipPath></defs>
 <g id="line2d_1">
  <path d="M 0 253.19952
L 504 253.2" clip-path="url(#p1a2b)" style="fill: none; stroke: #0072b2"/>
  <use xlink:href="#m0f3" x="12.5" y="30.1"/>
 </g>
 <text style="font: 11px sans-serif" transform="translate(5 6)">time in s</text>
 <text>d="5" x="6"</text>
</svg>
"""


def sanitize(text):
    for pattern, replacement in PATTERNS:  # as nbval does
        text = re.sub(pattern, replacement, text)
    return text


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("253.19952", "253.19953"),
        ("\nL 504", "\nL 503.9"),
        ("p1a2b", "p3c4d"),
        ("#m0f3", "#m0f4"),
        ('x="12.5"', 'x="12.4"'),
        ("translate(5 6)", "translate(5 7)"),
        ("504 244.8", "504 244.7"),
        ('height="200"', 'height="201"'),
    ],
)
def test_last_digits_of_coordinates_are_overlooked(before, after):
    assert before in FIGURE
    assert sanitize(FIGURE.replace(before, after)) == sanitize(FIGURE)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("time in s", "time in ms"),
        ("#0072b2", "#0072b3"),
        ("11px", "12px"),
        ('  <use xlink:href="#m0f3" x="12.5" y="30.1"/>\n', ""),
        ('d="5"', 'd="6"'),
        ('x="6"', 'x="7"'),
    ],
)
def test_labels_colours_and_parts_are_compared(before, after):
    assert before in FIGURE
    assert sanitize(FIGURE.replace(before, after)) != sanitize(FIGURE)


@pytest.mark.parametrize("text", ["0.0604662", "x=0.5", "width = 3.4 and d=2", "[1.0 2.0]"])
def test_printed_text_is_compared_as_it_is(text):
    assert sanitize(text) == text


def test_address_in_memory_is_overlooked():
    assert sanitize("<Thing at 0x7f12>") == sanitize("<Thing at 0x0>")
