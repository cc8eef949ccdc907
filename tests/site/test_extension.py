"""The book's own Sphinx extension: the parts that need neither a browser nor a build."""

import base64
import zlib

import numpy as np
import pytest
from sphinx.errors import ExtensionError

from sphinx_downhill import explorers, frontend, packing, pages, styles

MODULE = "const a = 1;\nexport default { render() {} };\n"


def test_the_module_becomes_a_script_without_exports():
    script = frontend.classic_script(MODULE, "explorer.render();")
    assert "const explorer = { render() {} };" in script
    assert "export" not in script


@pytest.mark.parametrize("module", ["", MODULE + MODULE, 'import x from "y";\n' + MODULE])
def test_a_module_that_a_script_cannot_hold_stops_the_build(module):
    with pytest.raises(ExtensionError, match="exactly one `export default`"):
        frontend.classic_script(module, "")


def test_a_page_gets_description_and_numbers_of_an_explorer_and_nothing_else():
    model = {"state": {"spec": {"title": "t"}, "_esm": "x", "layout": "y"}, "buffers": [1]}
    kept = explorers.reduce_model({"a": model}, "a", "chapters/01")
    assert kept == {"state": {"spec": {"title": "t"}}, "buffers": [1]}


@pytest.mark.parametrize("models", [{}, {"a": {"model_name": "HBoxModel", "state": {}}}])
def test_a_widget_that_is_no_explorer_stops_the_build(models):
    with pytest.raises(ExtensionError, match="chapters/01: widget a is not an explorer"):
        explorers.reduce_model(models, "a", "chapters/01")


def test_state_cannot_close_its_own_script_element():
    model = {"state": {"spec": {"title": "</script>"}}, "buffers": []}
    state = explorers.state_script({"a": model})
    assert state.count("</script>") == 1


@pytest.mark.parametrize(
    ("css", "expected"),
    [
        (".used{a:b}.unused{a:b}", ".used{a:b}"),
        (".used,.unused p{a:b}", ".used{a:b}"),
        ("p:not(.unused){a:b}", "p:not(.unused){a:b}"),
        (":is(.unused,p) .used{a:b}", ":is(.unused,p) .used{a:b}"),
        ("@media print{.unused{a:b}}", ""),
        ("@media print{.used{a:b}.unused{a:b}}", "@media print{.used{a:b}}"),
        ('@charset "x";.used{a:";}"}', '@charset "x";\n.used{a:";}"}'),
        ("/*! licence */.unused{a:b}", "/*! licence */"),
        ("@font-face{src:url(x)}", "@font-face{src:url(x)}"),
    ],
)
def test_only_rules_for_classes_that_occur_stay(css, expected):
    assert styles.pruned(css, {"used"}) == expected


def test_an_open_brace_is_reported():
    with pytest.raises(ValueError, match="open brace"):
        styles.pruned(".used{a:b", {"used"})


def test_a_description_ends_with_a_sentence_or_a_word():
    assert pages.shortened("One. Two.") == "One. Two."
    assert pages.shortened("The first sentence is here. The second is much longer.", 40) == (
        "The first sentence is here."
    )
    assert pages.shortened("word " * 20, 23) == "word word word word…"


@pytest.mark.parametrize(
    "values",
    [[0.0, 1.5, -2.25, 1e30], list(range(1000)), [float("nan"), float("inf"), 1e-38]],
    ids=["few", "many", "not finite"],
)
def test_packed_numbers_come_back_as_they_were(values):
    data = base64.b64encode(np.array(values, "<f4").tobytes()).decode()
    sent = packing.packed(data)
    planes = np.frombuffer(zlib.decompress(base64.b64decode(sent["data"])), np.uint8)
    numbers = planes.reshape(4, -1).T.copy().view("<u4").ravel()
    if sent["encoding"] == "differences":
        numbers = np.cumsum(numbers, dtype="<u4")
    assert base64.b64encode(numbers.tobytes()).decode() == data


def test_a_drawing_keeps_markers_text_and_colours_and_loses_digits_only():
    long = "M 1.23456 2.5 " + "\n".join(f"L {x}.04567 {x}.96789" for x in range(30)) + "\n"
    svg = (
        "<svg><metadata>Matplotlib 9.87654</metadata>"
        f'<path d="{long}" style="stroke-opacity: 0.12345"/><path d="M 0 -1.23456 "/>'
        '<use x="3.14159" y="2"/><text transform="rotate(1.23456)">0.12345</text></svg>'
    )
    light = packing.lighter(svg)
    assert "Matplotlib" not in light
    assert 'd="M 1.2 2.5 L 0 1L 1 2' in light
    assert 'd="M 0 -1.23"' in light
    assert '<use x="3.14" y="2"/>' in light
    assert "stroke-opacity: 0.12345" in light
    assert '<text transform="rotate(1.23456)">0.12345</text>' in light
